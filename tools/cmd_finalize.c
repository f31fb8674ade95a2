#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "output.h"
#include "screen.h"

#include "cmd.h"

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
	{ "output", 'o', .type = SM_OPTION_STRING, .arg = "FILE",
	  .at = offsetof(struct finalize_args, finalize.output),
	  .standard = "the planned one", .help = "the final file, gzip" },
	{ "allow-missing", .type = SM_OPTION_BOOL,
	  .at = offsetof(struct finalize_args, finalize.allow_missing),
	  .help = "leave out the batches that are not done" },
	{ "batches", .type = SM_OPTION_RANGES, .arg = "A-B",
	  .at = offsetof(struct finalize_args, batches),
	  .help = "leave out all but these, both ends included" },
	{ "force", .type = SM_OPTION_BOOL,
	  .at = offsetof(struct finalize_args, finalize.force),
	  .help = "replace a FILE that is not this job's" },
	{ "trust", .type = SM_OPTION_BOOL,
	  .at = offsetof(struct finalize_args, finalize.trust),
	  .help = "use a job directory that is somebody else's" },
	{ "quiet", 'q', .type = SM_OPTION_BOOL,
	  .at = offsetof(struct finalize_args, quiet),
	  .help = "no progress and no closing line" },
	{ 0 },
};

static const struct sm_option_group finalize_groups[] = {
	{ "options", finalize_options, 0 },
	{ 0 },
};

const struct sm_cmd cmd_finalize = {
	.name = "finalize",
	.usage = "JOB [-o FILE] [--allow-missing | --batches A-B]",
	.summary = "join the shards into the final file",
	.words = 1,
	.drains = true,
	.groups = finalize_groups,
	.args_bytes = sizeof(struct finalize_args),
	.run = finalize_run,
};
