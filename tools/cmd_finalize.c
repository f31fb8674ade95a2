#include <stddef.h>

#include "output.h"
#include "screen.h"

#include "cmd.h"

struct finalize_args {
	struct sm_finalize_opts finalize;
	bool quiet;
};

static int
finalize_run(struct sm_call *call, struct sm_err *err)
{
	struct finalize_args *a = call->args;
	const char *job = call->words.word[0];
	struct sm_finalize_result r = { 0 };
	struct sm_screen screen;
	int ret;

	sm_screen_init(&screen, a->quiet);
	a->finalize.events = sm_screen_events(&screen);
	ret = sm_finalize(&r, job, &a->finalize, err);
	sm_screen_clear(&screen);
	if (ret == 0 && !a->quiet)
		sm_output_line(stdout,
			       "%%: %, % records from % %, %; the job "
			       "(%) may be removed",
			       r.path, r.was_complete ? " is complete" : "",
			       sm_text_size(r.size).s,
			       sm_text_count(r.records).s,
			       sm_text_count(r.batches).s,
			       sm_text_plural(r.batches, "batch", "batches"),
			       sm_text_duration(sm_screen_elapsed(&screen)).s,
			       sm_text_size(r.job_size).s, NULL);
	sm_finalize_result_release(&r);
	return ret;
}

static const struct sm_option finalize_options[] = {
	{ "output", 'o', .type = SM_OPTION_STRING, .arg = "FILE",
	  .at = offsetof(struct finalize_args, finalize.output),
	  .standard = "the planned one", .help = "the final file, gzip" },
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
	.usage = "JOB [-o FILE] [--force]",
	.summary = "join the shards into the final file",
	.words = 1,
	.drains = true,
	.groups = finalize_groups,
	.args_bytes = sizeof(struct finalize_args),
	.run = finalize_run,
};
