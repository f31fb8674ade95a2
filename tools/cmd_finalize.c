/*
 * cmd_finalize.c - finalize: join the shards into the final file
 *
 * `run` does this by itself for a job with -o.  The command is for another
 * file, some of the batches, or a job that was planned without one.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "output.h"
#include "screen.h"

#include "cmd.h"
#include "options.h"

struct finalize_args {
	struct sm_finalize_opts finalize;
	struct sm_ranges batches;
	bool quiet;
};

static void
finalize_show(const struct sm_finalize_result *r,
	      const struct sm_screen *screen)
{
	struct sm_text size = { "of unknown size" };
	char job[96] = "";

	if (r->job_size > 0)
		size = sm_text_size(r->job_size);

	/* What was left out is only in the job. */
	if (r->left_out == 0)
		snprintf(job, sizeof(job), "; the job (%s) may be removed",
			 size.s);
	sm_output_line(
		stdout, "%%: %, % records from % %, %%", r->path,
		r->was_complete ? " is complete" : "", sm_text_size(r->size).s,
		sm_text_count(r->records).s,
		sm_text_count(r->batches - r->left_out).s,
		sm_text_plural(r->batches - r->left_out, "batch", "batches"),
		sm_text_duration(sm_screen_elapsed(screen)).s, job, NULL);
}

static int
finalize_run(struct sm_call *call, struct sm_err *err)
{
	struct finalize_args *a = call->args;
	const char *job = call->words.word[0];
	struct sm_finalize_result r = { 0 };
	struct sm_screen screen;
	int ret;

	if (a->batches.count > 1) {
		free(a->batches.range);
		return sm_output_fail(err, SM_EUSAGE,
				      "--batches takes one range");
	}
	a->finalize.batches = a->batches.range;
	sm_screen_init(&screen, a->quiet);
	a->finalize.events = sm_screen_events(&screen);
	ret = sm_finalize(&r, job, &a->finalize, err);
	sm_screen_clear(&screen);
	if (r.path && !a->quiet)
		finalize_show(&r, &screen);
	sm_finalize_result_release(&r);
	free(a->batches.range);
	return ret;
}

static const struct sm_option finalize_options[] = {
	{ "output", 'o', .type = SM_OPTION_FILE, .arg = "FILE",
	  .at = offsetof(struct finalize_args, finalize.output),
	  .unset = "the planned one", .help = "the final file, gzip" },
	{ "allow-missing", .type = SM_OPTION_BOOL,
	  .at = offsetof(struct finalize_args, finalize.allow_missing),
	  .help = "leave out the batches that are not done",
	  .more = "The file is written, its index lists what is not in it, and "
		  "the exit status is 1 if that is anything." },
	{ "batches", .type = SM_OPTION_RANGES, .arg = "A-B",
	  .at = offsetof(struct finalize_args, batches),
	  .help = "leave out all but these, both ends included",
	  .more = "A whole final file is not replaced by a part without "
		  "--force." },
	{ "force", .type = SM_OPTION_BOOL, .flags = SM_OPTION_UNGUESSED,
	  .at = offsetof(struct finalize_args, finalize.force),
	  .help = "replace a FILE that is not this job's" },
	SM_OPTION_TRUST(struct finalize_args, finalize.trust),
	SM_OPTION_QUIET(struct finalize_args, quiet),
	{ 0 },
};

const struct sm_cmd cmd_finalize = {
	.name = "finalize",
	.usage = "JOB [-o FILE] [--allow-missing | --batches A-B]",
	.summary = "join the shards into the final file",
	.words = 1,
	.drains = true,
	.tables = { finalize_options },
	.args_bytes = sizeof(struct finalize_args),
	.run = finalize_run,
};
