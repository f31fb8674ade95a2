/*
 * producer_options.c - the options of a producer's job
 *
 * Those of the input and of the result are exec's, with the same names, types
 * and defaults.  No command line has them: they are the caller's of sm_plan().
 */
#include "producer.h"

static const char *const words_encoder[] = { "text", "zlib", NULL };
static const char *const words_digest[] = { "sampled", "full", NULL };

#define AT(member) .at = offsetof(struct sm_producer_opts, member)

static const struct sm_option producer_options[] = {
	{ "producer", .type = SM_OPTION_TEXT,
	  .flags = SM_OPTION_UNTYPED | SM_OPTION_REQUIRED, AT(name),
	  .help = "the name of what makes the batches" },
	{ "producer-options", .type = SM_OPTION_TEXT,
	  .flags = SM_OPTION_UNTYPED | SM_OPTION_REQUIRED, AT(options),
	  .help = "its own options, JSON" },
	{ "own-cut", .type = SM_OPTION_BOOL,
	  .flags = SM_OPTION_UNTYPED | SM_OPTION_CUTS, AT(own_cut),
	  .help = "it cuts the batches itself" },
	{ "program", .type = SM_OPTION_TEXT,
	  .flags = SM_OPTION_UNTYPED | SM_OPTION_PLACE, AT(program),
	  .help = "that planned the job" },
	{ "cwd", .type = SM_OPTION_FILE,
	  .flags = SM_OPTION_UNTYPED | SM_OPTION_PLACE, AT(in.cwd),
	  .help = "where it was planned" },

	{ "input", .type = SM_OPTION_FILES, .arg = "FILE",
	  .flags = SM_OPTION_PLACE, AT(in.input),
	  .help = "a file of lines, gzip too" },
	{ "header", .flags = SM_OPTION_CUTS, .type = SM_OPTION_UINT, .arg = "N",
	  AT(in.header), .unset = "none",
	  .help = "lines of each file before each batch" },
	{ "lines", .flags = SM_OPTION_CUTS, .type = SM_OPTION_UINT, .arg = "N",
	  .min = 1, AT(in.lines), .help = "lines per batch" },
	{ "bytes", .flags = SM_OPTION_CUTS, .type = SM_OPTION_BYTES,
	  .arg = "SIZE", .min = 1, AT(in.bytes),
	  .help = "bytes per batch, cut at the next newline" },
	{ "range", .type = SM_OPTION_UINT, .arg = "N", AT(in.range),
	  .flags = SM_OPTION_GROWS,
	  .given_at = offsetof(struct sm_producer_opts, in.has_range),
	  .help = "the numbers 0 to N - 1" },
	{ "size", .flags = SM_OPTION_CUTS, .type = SM_OPTION_UINT, .arg = "N",
	  .min = 1, .standard = "1", AT(in.size),
	  .help = "numbers, or items, per batch" },
	{ "items", .type = SM_OPTION_FILE, .arg = "FILE",
	  .flags = SM_OPTION_PLACE, AT(in.items),
	  .help = "a batch for each line of FILE" },
	{ "columns", .type = SM_OPTION_UINT,
	  .flags = SM_OPTION_UNTYPED | SM_OPTION_CUTS, .unset = "none",
	  AT(in.columns), .help = "of each item" },
	{ "null", .type = SM_OPTION_BOOL, .flags = SM_OPTION_PLACE, AT(in.nul),
	  .help = "items end in NUL" },
	{ "digest", .type = SM_OPTION_WORD, .arg = "HOW", .words = words_digest,
	  .standard = "sampled", AT(in.digest),
	  .help = "of the input: sampled or full" },

	{ "to", .type = SM_OPTION_FILE, .flags = SM_OPTION_PLACE, .arg = "DIR",
	  AT(in.to), .help = "each batch makes a file in it" },
	{ "suffix", .type = SM_OPTION_TEXT, .arg = ".EXT", .unset = "none",
	  AT(in.suffix), .help = "how the names of the files end" },
	{ "no-output", .type = SM_OPTION_BOOL, AT(in.no_output),
	  .help = "the batches write elsewhere" },
	{ "encoder", .type = SM_OPTION_WORD, .arg = "NAME",
	  .words = words_encoder, .standard = "text", AT(in.encoder),
	  .help = "text (shardmill's own) or zlib" },
	{ "level", .type = SM_OPTION_INT, .arg = "1-9", .min = 1, .max = 9,
	  .standard = "1", AT(in.level), .help = "compression" },

	{ "max-shard-bytes", .type = SM_OPTION_BYTES, .arg = "SIZE",
	  .unset = "none", AT(in.max_shard_bytes), .flags = SM_OPTION_LIMIT,
	  .help = "fail a batch with more output" },
	{ 0 },
};

const struct sm_kind_info sm_producer_info = {
	.name = "producer",
	.summary = "batches that another program's code makes",
	.result = "to",
	.options = producer_options,
	.opts_bytes = sizeof(struct sm_producer_opts),
};
