/*
 * cmd_cat.c - cat: write the text of a final file, or a part of it
 *
 * Rows, records and batches are three ways to say which part; at most one of
 * them is taken.
 */
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "output.h"
#include "screen.h"

#include "cmd.h"
#include "options.h"

struct cat_args {
	struct sm_cat_opts cat;
	struct sm_ranges rows, records, batch;
	int threads;
};

/* At most one of the three. */
static int
cat_choose(struct cat_args *a, struct sm_err *err)
{
	const struct sm_ranges *given[] = {
		[SM_CAT_ROWS] = &a->rows,
		[SM_CAT_RECORDS] = &a->records,
		[SM_CAT_BATCHES] = &a->batch,
	};
	size_t n = a->rows.count + a->records.count + a->batch.count;
	int what;

	if (n > 1)
		return sm_output_fail(err, SM_EUSAGE,
				      "--rows, --records and --batch "
				      "exclude each other");
	for (what = SM_CAT_ROWS; what <= SM_CAT_BATCHES; what++)
		if (given[what]->count > 0) {
			a->cat.what = what;
			a->cat.first = given[what]->range[0].first;
			a->cat.last = given[what]->range[0].last;
		}
	return 0;
}

static int
cat_run(struct sm_call *call, struct sm_err *err)
{
	struct cat_args *a = call->args;
	struct sm_cat_result r;
	struct sm_screen screen;
	int ret = cat_choose(a, err);

	sm_screen_init(&screen, true);
	a->cat.events = sm_screen_events(&screen);
	a->cat.fd = STDOUT_FILENO;
	a->cat.threads = (unsigned)a->threads;
	if (ret == 0) {
		/* As cat does: no word about a reader that went away. */
		signal(SIGPIPE, SIG_DFL);
		ret = sm_cat(&r, call->words.word[0], &a->cat, err);
	}
	free(a->rows.range);
	free(a->records.range);
	free(a->batch.range);
	return ret;
}

static const struct sm_option cat_options[] = {
	{ "rows", .type = SM_OPTION_RANGES, .arg = "A-B", .max = 1,
	  .at = offsetof(struct cat_args, rows),
	  .help = "lines of these rows of the input, both ends included",
	  .more = "A row may have no line: a job of candidates notes in each "
		  "shard which rows it wrote, and just their lines are given. "
		  "The output of a command says nothing of the kind. Where a "
		  "batch has as many lines as rows, each line is taken for its "
		  "row's; else all lines of the batches with these rows are "
		  "given, and that is said." },
	{ "records", .type = SM_OPTION_RANGES, .arg = "A-B", .max = 1,
	  .at = offsetof(struct cat_args, records),
	  .help = "these lines of the text, counted from 0",
	  .more = "Whatever rows they are of." },
	{ "batch", .type = SM_OPTION_RANGES, .arg = "A-B", .max = 1,
	  .at = offsetof(struct cat_args, batch),
	  .help = "the text of these batches" },
	{ "threads", 'j', .type = SM_OPTION_INT, .arg = "N",
	  .at = offsetof(struct cat_args, threads), .min = 1, .max = 1024,
	  .unset = "the CPUs that may be used", .help = "threads that inflate",
	  .more = "Each keeps up to 128 MiB, and no more than an entry of the "
		  "index has text." },
	{ 0 },
};

const struct sm_cmd cmd_cat = {
	.name = "cat",
	.usage = "FILE [--rows A-B | --records A-B | --batch A-B] [-j N]",
	.summary = "write the text of a final file, or a part of it",
	.detail = "A part is found by the index in the file; only the batches "
		  "that hold it are\nread.  A file without an index is read "
		  "from the start.\n",
	.words = 1,
	.tables = { cat_options },
	.args_bytes = sizeof(struct cat_args),
	.run = cat_run,
};
