/*
 * exec_options.c - the options of the exec job
 *
 * Each is described here and nowhere else: shardmill.h says what is made of
 * such a table.
 */
#include "exec.h"

static const char *const words_check[] = { "none", "jsonl", "nonempty",
					   "jsonl,nonempty", NULL };
static const char *const words_encoder[] = { "text", "zlib", NULL };
static const char *const words_digest[] = { "sampled", "full", NULL };

#define AT(member) .at = offsetof(struct sm_exec_opts, member)
#define YEAR_S     31536000

static const struct sm_option exec_options[] = {
	{ "input", .type = SM_OPTION_FILES, .arg = "FILE",
	  .flags = SM_OPTION_PLACE, AT(input),
	  .group = "batches (one of --lines, --bytes, --range, --items)",
	  .help = "with --lines or --bytes: a file of lines, gzip too, - for "
		  "standard input; a batch of it is the command's standard "
		  "input",
	  .more = "Given several times, it is one sequence of lines, of "
		  "which no batch has some of two files. A final file of "
		  "shardmill is entered by its index; any other gzip file is "
		  "read once while planning, and points to enter it at are "
		  "noted. Standard input is kept in the job: it takes as much "
		  "room there." },
	{ "inputs", .type = SM_OPTION_FILE, .arg = "FILE",
	  .flags = SM_OPTION_PLACE, AT(inputs),
	  .help = "names of such files, one on each line of FILE, - for "
		  "standard input",
	  .more = "Names are relative to the current directory. The list is "
		  "read whenever the command is given." },
	{ "header", .flags = SM_OPTION_CUTS, .type = SM_OPTION_UINT, .arg = "N",
	  AT(header), .unset = "none",
	  .help = "put the first N lines of the file before each batch; they "
		  "are not counted",
	  .more = "They must be the same in all files." },
	{ "lines", .flags = SM_OPTION_CUTS, .type = SM_OPTION_UINT, .arg = "N",
	  .min = 1, AT(lines), .help = "lines per batch" },
	{ "bytes", .flags = SM_OPTION_CUTS, .type = SM_OPTION_BYTES,
	  .arg = "SIZE", .min = 1, AT(bytes),
	  .help = "bytes per batch, cut at the next newline; k, M, G" },
	{ "range", .type = SM_OPTION_UINT, .arg = "N", AT(range),
	  .flags = SM_OPTION_GROWS,
	  .given_at = offsetof(struct sm_exec_opts, has_range),
	  .help = "the numbers 0 to N - 1" },
	{ "size", 'N', .flags = SM_OPTION_CUTS, .type = SM_OPTION_UINT,
	  .arg = "N", .min = 1, .standard = "1", AT(size),
	  .help = "numbers, or items, per batch",
	  .more = "Items of a batch are its columns, the last one may have "
		  "fewer." },
	{ "items", .type = SM_OPTION_FILE, .arg = "FILE",
	  .flags = SM_OPTION_PLACE, AT(items),
	  .help = "a batch for each line of FILE, - for standard input; or "
		  "::: WORD..., :::: FILE... after the command",
	  .more = "Several such lists make their product. It is stored; empty items are left out. The same command "
		  "reads it again and compares, standard input too; run goes "
		  "on with what is stored." },
	/* settle() takes these off the command; it counts the columns too. */
	{ "colsep", .type = SM_OPTION_TEXT, .arg = "REGEX", AT(colsep),
	  .unset = "none",
	  .help = "what is between the columns of an item: {1} {2} ...; a "
		  "character, or an extended regular expression",
	  .more = "\\t is a TAB. An item without a column that the command "
		  "asks for is refused." },
	{ "columns", .type = SM_OPTION_UINT,
	  .flags = SM_OPTION_UNTYPED | SM_OPTION_CUTS, .unset = "none",
	  AT(columns), .help = "of each item" },
	/* How the list was written; what was read of it is digested. */
	{ "null", '0', .type = SM_OPTION_BOOL, .flags = SM_OPTION_PLACE,
	  AT(nul),
	  .help = "items, or names of --inputs, end in NUL, as of find "
		  "-print0" },
	{ "watch-items", .type = SM_OPTION_BOOL, .flags = SM_OPTION_PLACE,
	  AT(watch_items),
	  .help = "items are files: compare what is in them at each start" },
	{ "digest", .type = SM_OPTION_WORD, .arg = "HOW", .words = words_digest,
	  .standard = "sampled", AT(digest),
	  .help = "of the input, to see that it has changed: sampled or full",
	  .more = "Both ends and evenly spaced blocks are read, or all of "
		  "it." },

	{ "replace", .type = SM_OPTION_SWITCH, AT(replace),
	  .unset = "with --range, --to and items",
	  .group = "the command and its output",
	  .help = "replace {first} {end} {last} {batch} {rows} {item} {} "
		  "{input} {out} in the command, or do not",
	  .more = "{end} is the first number that is not in the batch, {last} "
		  "the last one that is; {item} and {} are of items; {input} "
		  "is the file that the batch's lines are of, or -; those of "
		  "GNU parallel are in shardmill\\-porting(7). Where "
		  "no lines are read, standard input is empty. What the "
		  "command prints is taken as it is: a last line without a "
		  "newline runs into the next batch's first, which is told "
		  "at the end." },
	{ "to", .type = SM_OPTION_FILE, .flags = SM_OPTION_PLACE, .arg = "DIR",
	  AT(to),
	  .help = "the command makes a file, {out}, for each batch: it becomes "
		  "DIR/000017 with --suffix",
	  .more = "The file is synced, and gets its name in the transaction "
		  "that marks its batch done; what the command prints goes "
		  "where its errors go. The directory is the job's alone: "
		  "a file .shardmill in it says so. The job's shards are the "
		  "receipts: name, size and CRC-32 of each file, a line of "
		  "JSON, which -o joins." },
	{ "suffix", .type = SM_OPTION_TEXT, .arg = ".EXT", .unset = "none",
	  AT(suffix), .help = "with --to: how the names of the files end" },
	{ "no-output", .type = SM_OPTION_BOOL, AT(no_output),
	  .help = "the command writes elsewhere: what it prints goes where "
		  "its errors go" },
	{ "command", .type = SM_OPTION_ARGV, .flags = SM_OPTION_UNTYPED,
	  AT(argv), .help = "it comes after --" },
	{ "arguments", .type = SM_OPTION_ARGV,
	  .flags = SM_OPTION_PLACE | SM_OPTION_UNTYPED, AT(arguments),
	  .help = "lists of items, after the command" },
	{ "cwd", .type = SM_OPTION_FILE,
	  .flags = SM_OPTION_PLACE | SM_OPTION_UNTYPED, .arg = "DIR",
	  .unset = "the current directory", AT(cwd),
	  .help = "where the command runs" },
	{ "output-header", .type = SM_OPTION_UINT, .arg = "N",
	  AT(output_header), .unset = "none",
	  .help = "drop the first N lines that the command prints, but for "
		  "the first batch's",
	  .more = "A batch with fewer fails." },
	{ "encoder", .type = SM_OPTION_WORD, .arg = "NAME",
	  .words = words_encoder, .standard = "text", AT(encoder),
	  .help = "text (shardmill's own) or zlib",
	  .more = "The first gives the same bytes on every machine; the second "
		  "those of the zlib that is installed." },
	{ "level", .type = SM_OPTION_INT, .arg = "1-9", .min = 1, .max = 9,
	  .standard = "1", AT(level),
	  .help = "compression: 1 is fast, 6 about as small as gzip -6, 9 "
		  "slow" },

	{ "serve", .type = SM_OPTION_BOOL, AT(serve),
	  .help = "start the command once per worker, and ask it for batch "
		  "after batch",
	  .more = "It gets a line of JSON on standard input for each batch, "
		  "writes the output to the named pipe in it, and answers "
		  "'ok' or 'error TEXT' on standard output: see COMMANDS "
		  "THAT LIVE in shardmill-jobs(7)." },
	{ "depends", .type = SM_OPTION_FILES, .arg = "FILE",
	  .flags = SM_OPTION_PLACE, AT(depends),
	  .help = "a file that decides about the output; compared at each "
		  "start, may be given again",
	  .more = "As are the program and the files among the command's "
		  "words: see WHAT IS COMPARED in shardmill-jobs(7)." },

	{ "timeout", .type = SM_OPTION_DOUBLE, .arg = "S", .max = YEAR_S,
	  .unit = "s", .unset = "none", AT(timeout_s), .flags = SM_OPTION_LIMIT,
	  .group = "limits (free to change at any start, of run too)",
	  .help = "end a command that takes longer",
	  .more = "TERM goes to its process group, and KILL after --grace. "
		  "These "
		  "decide whether a batch is done, and not what it is: "
		  "batches that are done stay. run keeps what is not given, "
		  "exec has the default for it." },
	{ "start-timeout", .type = SM_OPTION_DOUBLE, .arg = "S", .max = YEAR_S,
	  .unit = "s", .unset = "as --timeout", AT(start_timeout_s),
	  .flags = SM_OPTION_LIMIT,
	  .help = "with --serve: limit up to a process's first answer" },
	{ "recycle", .type = SM_OPTION_UINT, .arg = "N", .min = 1,
	  .unset = "never", AT(recycle), .flags = SM_OPTION_LIMIT,
	  .help = "with --serve: start the command afresh after N batches" },
	{ "grace", .type = SM_OPTION_DOUBLE, .arg = "S", .max = YEAR_S,
	  .unit = "s", .standard = "5", AT(grace_s), .flags = SM_OPTION_LIMIT,
	  .help = "after a timeout, from TERM to KILL" },
	{ "delay", .type = SM_OPTION_DOUBLE, .arg = "S", .max = YEAR_S,
	  .unit = "s", .unset = "none", AT(delay_s), .flags = SM_OPTION_LIMIT,
	  .help = "start a command so long after the one before, at the "
		  "soonest",
	  .more = "Of all workers of a host." },
	{ "load", .type = SM_OPTION_DOUBLE, .arg = "N", .max = 1000000,
	  .unset = "none", AT(load), .flags = SM_OPTION_LIMIT,
	  .help = "start no command while the load average is above N" },
	{ "memfree", .type = SM_OPTION_BYTES, .arg = "SIZE", .unset = "none",
	  AT(memfree), .flags = SM_OPTION_LIMIT,
	  .help = "start no command while less memory is available" },
	{ "memory", .type = SM_OPTION_BYTES, .arg = "SIZE", .min = 1,
	  .unset = "none", AT(memory), .flags = SM_OPTION_LIMIT,
	  .help = "give each process of the command no more memory",
	  .more = "It is RLIMIT_DATA (setrlimit(2)): heap, private writable "
		  "mappings and stacks of threads, by what is reserved. It "
		  "is not shared memory, nor pages of files, and a process "
		  "that the command starts has as much for itself. What "
		  "meets it fails its batch and no other." },
	{ "max-shard-bytes", .type = SM_OPTION_BYTES, .arg = "SIZE",
	  .unset = "none", AT(max_shard_bytes), .flags = SM_OPTION_LIMIT,
	  .help = "fail a batch with more output; k, M, G" },
	{ "check", .type = SM_OPTION_WORD, .arg = "FORMAT",
	  .words = words_check, .standard = "none", AT(check),
	  .flags = SM_OPTION_LIMIT,
	  .help = "fail a batch that prints a line which is no JSON (jsonl), "
		  "nothing (nonempty), or either (jsonl,nonempty)",
	  .more = "With jsonl a last line without a newline gets one." },
	{ "keep-logs", .type = SM_OPTION_BOOL, AT(keep_logs),
	  .flags = SM_OPTION_LIMIT,
	  .help = "keep the whole standard error of each attempt",
	  .more = "It goes to JOB/logs/; the database has its last 4 KiB." },
	{ "watch-command", .type = SM_OPTION_SWITCH, AT(watch_command),
	  .flags = SM_OPTION_LIMIT, .unset = "yes",
	  .help = "compare the program and the files among the command's words "
		  "with those of the plan",
	  .more = "No is for a command that writes into one of them." },
	{ 0 },
};

const struct sm_kind_info sm_exec_info = {
	.name = "exec",
	.usage = "-o FILE|--to DIR BATCHES [OPTIONS] -- COMMAND...",
	.summary = "run a command per batch, join what it prints, gzipped",
	.detail =
		"  shardmill exec -o out.gz --input in.jsonl --lines 5000 "
		"-- jq -c '{id}'\n"
		"  shardmill exec -o out.gz --range 1000000 --size 5000 \\\n"
		"      -- ./export --start {first} --end {end}\n"
		"  shardmill exec -o out.gz --items files.txt "
		"-- ./extract {}\n"
		"  shardmill exec --to parts --suffix .parquet --range 40 \\\n"
		"      -- ./export --start {first} --out {out}\n",
	.takes_command = true,
	.result = "to",
	.options = exec_options,
	.opts_bytes = sizeof(struct sm_exec_opts),
};
