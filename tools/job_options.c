#include <stddef.h>

#include "job.h"

static const char *const words_format[] = { "auto", "json", "text", "npy",
					    NULL };
static const char *const words_digits[] = { "source", "double", NULL };
static const char *const words_ids[] = { "auto", "int", "string", NULL };
static const char *const words_encoder[] = { "record", "zlib", NULL };
static const char *const words_sync[] = { "shard", "end", NULL };
static const char *const words_check[] = { "none", "jsonl", NULL };
static const char *const words_digest[] = { "sampled", "full", NULL };

#define CANDIDATES(member) .at = offsetof(struct sm_candidates_opts, member)
#define EXEC(member)       .at = offsetof(struct sm_exec_opts, member)
#define SETTINGS(member)   .at = offsetof(struct sm_settings, member)
#define ARGS(member)       .at = offsetof(struct sm_job_args, member)

const struct sm_option sm_job_candidates_inputs[] = {
	{ "cands", .type = SM_OPTION_STRING, .arg = "FILE", .required = true,
	  CANDIDATES(cands),
	  .help = "candidates: .npy, integers, [rows, width]" },
	{ "scores", .type = SM_OPTION_STRING, .arg = "FILE", .required = true,
	  CANDIDATES(scores),
	  .help = "their scores: .npy, floats, [rows, width], falling along "
		  "each row" },
	{ "keys", .type = SM_OPTION_STRING, .arg = "FILE", .required = true,
	  CANDIDATES(keys), .help = "row -> key: .json, .npy or text" },
	{ "vocab", .type = SM_OPTION_STRING, .arg = "FILE", .required = true,
	  CANDIDATES(vocab),
	  .help = "candidate -> token: .json, .npy or text" },
	{ "keys-format", .type = SM_OPTION_WORD, .arg = "FORMAT",
	  .words = words_format, CANDIDATES(keys_format),
	  .help = "auto, json, text or npy" },
	{ "vocab-format", .type = SM_OPTION_WORD, .arg = "FORMAT",
	  .words = words_format, CANDIDATES(vocab_format), .help = "the same" },
	{ 0 },
};

const struct sm_option sm_job_candidates_rows[] = {
	{ "min-score", .type = SM_OPTION_DOUBLE, .arg = "F",
	  CANDIDATES(min_score),
	  .help = "a row ends at the first score below F" },
	{ "pad", .type = SM_OPTION_ID, .arg = "ID|none", CANDIDATES(pad),
	  .flag_at = offsetof(struct sm_candidates_opts, has_pad),
	  .help = "a row ends at candidate ID" },
	{ "min-candidates", .type = SM_OPTION_UINT, .arg = "N",
	  CANDIDATES(min_candidates), .help = "rows with fewer are left out" },
	{ "max-candidates", .type = SM_OPTION_UINT, .arg = "N",
	  CANDIDATES(max_candidates), .standard = "all",
	  .help = "take at most N of a row" },
	{ "no-stop", .type = SM_OPTION_BOOL, CANDIDATES(no_stop),
	  .help = "look at every column of a row, whatever its order" },
	{ "batch-rows", .type = SM_OPTION_UINT, .arg = "N", .min = 1,
	  CANDIDATES(batch_rows), .help = "rows per batch" },
	{ 0 },
};

const struct sm_option sm_job_candidates_output[] = {
	{ "score-digits", .type = SM_OPTION_WORD, .arg = "TYPE",
	  .words = words_digits, CANDIDATES(score_digits),
	  .help = "source: the shortest digits that read back in the input's "
		  "own type; double: as Python prints them after float()" },
	{ "ids", .type = SM_OPTION_WORD, .arg = "TYPE", .words = words_ids,
	  CANDIDATES(ids),
	  .help = "tokens as auto (what looks like an integer is one), int "
		  "(what is none is skipped) or string" },
	{ "key-field", .type = SM_OPTION_STRING, .arg = "NAME",
	  CANDIDATES(key_field), .help = "name of a record's key" },
	{ "list-field", .type = SM_OPTION_STRING, .arg = "NAME",
	  CANDIDATES(list_field), .help = "name of its list" },
	{ "id-field", .type = SM_OPTION_STRING, .arg = "NAME",
	  CANDIDATES(id_field), .help = "name of an entry's token" },
	{ "score-field", .type = SM_OPTION_STRING, .arg = "NAME",
	  CANDIDATES(score_field), .help = "name of its score" },
	{ "encoder", .type = SM_OPTION_WORD, .arg = "NAME",
	  .words = words_encoder, CANDIDATES(encoder),
	  .help = "record (made for these records) or zlib" },
	{ "level", .type = SM_OPTION_INT, .arg = "1-9", .min = 1, .max = 9,
	  CANDIDATES(level), .help = "compression, of --encoder zlib" },
	{ 0 },
};

const struct sm_option sm_job_exec_input[] = {
	{ "input", .type = SM_OPTION_STRING, .arg = "FILE", EXEC(input),
	  .help = "with --lines or --bytes: the file; a batch of it is the "
		  "command's standard input" },
	{ "lines", .type = SM_OPTION_UINT, .arg = "N", .min = 1, EXEC(lines),
	  .help = "lines per batch" },
	{ "bytes", .type = SM_OPTION_BYTES, .arg = "SIZE", .min = 1,
	  EXEC(bytes),
	  .help = "bytes per batch, cut at the next newline; K, M, G" },
	{ "range", .type = SM_OPTION_UINT, .arg = "N", EXEC(range),
	  .flag_at = offsetof(struct sm_exec_opts, has_range),
	  .help = "the numbers 0 to N - 1" },
	{ "size", .type = SM_OPTION_UINT, .arg = "N", .min = 1, EXEC(size),
	  .help = "with --range: numbers per batch" },
	{ "items", .type = SM_OPTION_STRING, .arg = "FILE", EXEC(items),
	  .help = "a batch for each line of FILE, - for standard input" },
	{ "null", '0', .type = SM_OPTION_BOOL, EXEC(nul),
	  .help = "items end in NUL, as of find -print0" },
	{ "digest", .type = SM_OPTION_WORD_BOOL, .arg = "HOW",
	  .words = words_digest, EXEC(digest_full),
	  .help = "of the input, to see that it has changed: sampled or "
		  "full" },
	{ 0 },
};

const struct sm_option sm_job_exec_command[] = {
	{ "replace", .type = SM_OPTION_CONST, .constant = 1, EXEC(replace),
	  .help = "replace {first} {end} {last} {batch} {rows} {item} {} in "
		  "the command (default with --range and --items)" },
	{ "no-replace", .type = SM_OPTION_CONST, .constant = 0, EXEC(replace),
	  .help = "do not (default with --lines and --bytes)" },
	{ "timeout", .type = SM_OPTION_DOUBLE, .arg = "S", .max = 31536000,
	  EXEC(timeout_s), .standard = "none",
	  .help = "end a command that takes longer" },
	{ "max-shard-bytes", .type = SM_OPTION_BYTES, .arg = "SIZE",
	  EXEC(max_shard_bytes), .standard = "none",
	  .help = "fail a batch with more output; K, M, G" },
	{ "check", .type = SM_OPTION_WORD_BOOL, .arg = "FORMAT",
	  .words = words_check, EXEC(check_jsonl),
	  .help = "jsonl: fail a batch that prints a line which is no JSON" },
	{ "keep-logs", .type = SM_OPTION_BOOL, EXEC(keep_logs),
	  .help = "keep the whole standard error of each attempt" },
	{ "level", .type = SM_OPTION_INT, .arg = "1-9", .min = 1, .max = 9,
	  EXEC(level), .help = "compression" },
	{ 0 },
};

const struct sm_option sm_job_settings[] = {
	{ "workers", 'j', .type = SM_OPTION_INT, .arg = "N", .min = 1,
	  .max = 4096, SETTINGS(workers), .standard = "the usable CPUs",
	  .help = "worker processes" },
	{ "max-attempts", .type = SM_OPTION_INT, .arg = "N", .min = 1,
	  .max = 1000000, SETTINGS(max_attempts), .standard = "3",
	  .help = "tries before a batch has failed" },
	{ "lease", .type = SM_OPTION_DOUBLE, .arg = "S", .min = 1,
	  .max = 31536000, SETTINGS(lease_s), .standard = "60",
	  .help = "a worker that stands still so long is killed" },
	{ "sync", .type = SM_OPTION_WORD, .arg = "WHEN", .words = words_sync,
	  .constant = SM_SYNC_SHARD, SETTINGS(sync), .standard = "shard",
	  .help = "shard: each is on disk before its batch is done; end: at "
		  "the end, for swarms of tiny batches" },
	{ "fail-fast", .type = SM_OPTION_CONST, .constant = 1,
	  SETTINGS(fail_fast), .help = "stop at the first failed batch" },
	{ "consume", .type = SM_OPTION_CONST, .constant = 1, SETTINGS(consume),
	  .help = "remove each shard once the final file has it for good, so "
		  "that both need the disk once" },
	{ "no-consume", .type = SM_OPTION_CONST, .constant = -1,
	  SETTINGS(consume), .help = "keep them (default)" },
	{ 0 },
};

#define TARGET(is_required)                                                    \
	{                                                                      \
		"output", 'o', .type = SM_OPTION_STRING, .arg = "FILE",        \
			       .required = (is_required), ARGS(plan.output),   \
			       .help = "the final file, gzip"                  \
	}

const struct sm_option sm_job_target[] = {
	TARGET(true),
	{ "force", .type = SM_OPTION_BOOL, ARGS(plan.force),
	  .help = "replace a FILE that is not this job's" },
	{ 0 },
};

const struct sm_option sm_job_target_optional[] = {
	TARGET(false),
	{ "force", .type = SM_OPTION_BOOL, ARGS(plan.force),
	  .help = "replace a FILE that is not this job's" },
	{ 0 },
};

const struct sm_option sm_job_replan[] = {
	{ "accept-changed", .type = SM_OPTION_BOOL, ARGS(plan.accept_changed),
	  .help = "keep the batches that are done, make the rest with these "
		  "options and inputs" },
	{ "restart", .type = SM_OPTION_BOOL, ARGS(plan.restart),
	  .help = "delete the job and begin again; asks first" },
	{ "yes", .type = SM_OPTION_BOOL, ARGS(yes), .help = "do not ask" },
	{ "network-fs", .type = SM_OPTION_BOOL, ARGS(plan.network_fs),
	  .help = "allow a job on a network file system, used by one host at "
		  "a time" },
	{ "trust", .type = SM_OPTION_BOOL, ARGS(plan.trust),
	  .help = "use a job directory that is somebody else's" },
	{ 0 },
};

const struct sm_option sm_job_parts[] = {
	{ "parts", .type = SM_OPTION_UINT, .arg = "N", .min = 1, .max = 100000,
	  ARGS(plan.parts), .standard = "none",
	  .help = "a new job in N parts, each for a host of its own" },
	{ 0 },
};

const struct sm_option sm_job_running[] = {
	{ "retry-failed", .type = SM_OPTION_BOOL, ARGS(retry_failed),
	  .help = "try the failed batches again as well" },
	{ "follow", .type = SM_OPTION_CONST, .constant = 1, ARGS(follow),
	  .help = "join the shards while the job runs (default)" },
	{ "no-follow", .type = SM_OPTION_CONST, .constant = -1, ARGS(follow),
	  .help = "join them at its end" },
	{ "quiet", 'q', .type = SM_OPTION_BOOL, ARGS(quiet),
	  .help = "no progress and no closing line" },
	{ 0 },
};

const struct sm_option sm_job_planning[] = {
	{ "quiet", 'q', .type = SM_OPTION_BOOL, ARGS(quiet),
	  .help = "no progress and no summary" },
	{ 0 },
};
