/*
 * candidates_options.c - the options of the candidates job
 *
 * Each is described here and nowhere else: shardmill.h says what is made of
 * such a table.
 */
#include "candidates.h"

static const char *const words_format[] = { "auto", "json", "text", "npy",
					    NULL };
static const char *const words_digits[] = { "source", "double", NULL };
static const char *const words_ids[] = { "auto", "int", "string", NULL };
static const char *const words_encoder[] = { "record", "zlib", NULL };

#define AT(member) .at = offsetof(struct sm_candidates_opts, member)
#define INPUT      .arg = "FILE", .flags = SM_OPTION_REQUIRED | SM_OPTION_PLACE

static const struct sm_option candidates_options[] = {
	{ "cands", .type = SM_OPTION_FILE, INPUT, AT(cands), .group = "inputs",
	  .help = "candidates: .npy, integers, [rows, width]",
	  .more = "An array in an archive is FILE.npz:NAME, in the other three "
		  "options as well." },
	{ "scores", .type = SM_OPTION_FILE, INPUT, AT(scores),
	  .help = "their scores: .npy, floats, [rows, width], falling along "
		  "each row" },
	{ "keys", .type = SM_OPTION_FILE, INPUT, AT(keys),
	  .help = "row to key: .json, .npy or text",
	  .more = "JSON is an object or an array; line n of a text belongs to "
		  "row n, counted from 0." },
	{ "vocab", .type = SM_OPTION_FILE, INPUT, AT(vocab),
	  .help = "candidate to token: .json, .npy or text" },
	{ "keys-format", .type = SM_OPTION_WORD, .arg = "FORMAT",
	  .words = words_format, .standard = "auto", AT(keys_format),
	  .help = "what --keys is, whatever its name" },
	{ "vocab-format", .type = SM_OPTION_WORD, .arg = "FORMAT",
	  .words = words_format, .standard = "auto", AT(vocab_format),
	  .help = "what --vocab is, whatever its name" },
	{ "vocab-inverted", .type = SM_OPTION_BOOL, AT(vocab_inverted),
	  .help = "--vocab is a JSON object from token to candidate" },

	{ "min-score", .type = SM_OPTION_DOUBLE, .arg = "F|none",
	  .standard = "0.3", AT(min_score),
	  .given_at = offsetof(struct sm_candidates_opts, has_min_score),
	  .group = "what is written",
	  .help = "a row ends at the first score below F, or that is NaN",
	  .more = "none: at a NaN alone.  Planning ends with 3 where most of "
		  "the first 1,000 rows rise, as distances do." },
	{ "pad", .type = SM_OPTION_ID, .arg = "ID|none", .unset = "none",
	  AT(pad), .given_at = offsetof(struct sm_candidates_opts, has_pad),
	  .help = "a row ends at candidate ID",
	  .more = "A negative candidate is left out in any case." },
	{ "min-candidates", .type = SM_OPTION_UINT, .arg = "N",
	  .standard = "50", AT(min_candidates),
	  .help = "rows with fewer are left out" },
	{ "max-candidates", .type = SM_OPTION_UINT, .arg = "N", .unset = "all",
	  AT(max_candidates), .help = "take at most N of a row" },
	{ "no-stop", .type = SM_OPTION_BOOL, AT(no_stop),
	  .help = "look at every column of a row, whatever its order" },
	{ "batch-rows", .flags = SM_OPTION_CUTS, .type = SM_OPTION_UINT,
	  .arg = "N", .min = 1, .standard = "5000", AT(batch_rows),
	  .help = "rows per batch" },

	{ "score-digits", .type = SM_OPTION_WORD, .arg = "TYPE",
	  .words = words_digits, .standard = "source", AT(score_digits),
	  .group = "how it is written",
	  .help = "source: the shortest digits that read back in the input's "
		  "own type; double: as Python prints them after float()" },
	{ "ids", .type = SM_OPTION_WORD, .arg = "TYPE", .words = words_ids,
	  .standard = "auto", AT(ids),
	  .help = "tokens as auto (what looks like an integer is one), int "
		  "(what is none is skipped) or string",
	  .more = "What is skipped is counted." },
	{ "key-field", .type = SM_OPTION_TEXT, .arg = "NAME", .standard = "key",
	  AT(key_field), .help = "name of a record's key" },
	{ "list-field", .type = SM_OPTION_TEXT, .arg = "NAME",
	  .standard = "value", AT(list_field), .help = "name of its list" },
	{ "id-field", .type = SM_OPTION_TEXT, .arg = "NAME",
	  .standard = "track_id", AT(id_field),
	  .help = "name of an entry's token" },
	{ "score-field", .type = SM_OPTION_TEXT, .arg = "NAME",
	  .standard = "score", AT(score_field), .help = "name of its score" },
	{ "encoder", .type = SM_OPTION_WORD, .arg = "NAME",
	  .words = words_encoder, .standard = "record", AT(encoder),
	  .help = "record (made for these records) or zlib",
	  .more = "The first knows what repeats between entries and does not "
		  "search within one: where tokens are long texts, such as "
		  "titles or addresses, zlib's file is smaller by up to a "
		  "third, and takes several times as long." },
	{ "level", .type = SM_OPTION_INT, .arg = "1-9", .min = 1, .max = 9,
	  .standard = "6", AT(level),
	  .help = "compression, of --encoder zlib" },
	{ 0 },
};

const struct sm_kind_info sm_candidates_info = {
	.name = "candidates",
	.usage = "-o FILE --cands FILE --scores FILE --keys FILE "
		 "--vocab FILE [OPTIONS]",
	.summary = "turn two arrays into one JSON line per row, gzipped",
	.options = candidates_options,
	.opts_bytes = sizeof(struct sm_candidates_opts),
};
