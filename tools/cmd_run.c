#include <stddef.h>

#include "job.h"

#include "cmd.h"

struct run_args {
	struct sm_run_opts run;
	bool quiet;
};

static int
run_run(struct sm_call *call, struct sm_err *err)
{
	struct run_args *a = call->args;
	struct sm_screen screen;

	sm_screen_init(&screen, a->quiet);
	return sm_job_run(&screen, call->words.word[0], &a->run, err);
}

static const struct sm_option run_options[] = {
	{ "output", 'o', .type = SM_OPTION_STRING, .arg = "FILE",
	  .at = offsetof(struct run_args, run.output), .standard = "as planned",
	  .help = "the final file, gzip" },
	{ "follow", .type = SM_OPTION_CONST, .constant = 1,
	  .at = offsetof(struct run_args, run.follow),
	  .help = "join the shards while the job runs (default, if there is a "
		  "final file)" },
	{ "no-follow", .type = SM_OPTION_CONST, .constant = -1,
	  .at = offsetof(struct run_args, run.follow),
	  .help = "join them at its end" },
	{ "retry-failed", .type = SM_OPTION_BOOL,
	  .at = offsetof(struct run_args, run.retry_failed),
	  .help = "put the failed batches back first" },
	{ "takeover", .type = SM_OPTION_BOOL,
	  .at = offsetof(struct run_args, run.takeover),
	  .help = "run it though another supervisor holds it, whose host died: "
		  "that one is fenced off" },
	{ "trust", .type = SM_OPTION_BOOL,
	  .at = offsetof(struct run_args, run.trust),
	  .help = "use a job directory that is somebody else's" },
	{ "quiet", 'q', .type = SM_OPTION_BOOL,
	  .at = offsetof(struct run_args, quiet),
	  .help = "no progress and no closing line" },
	{ 0 },
};

static const struct sm_option_group run_groups[] = {
	{ "running (free to change at any start; default: as before)",
	  sm_job_settings, offsetof(struct run_args, run.settings) },
	{ "options", run_options, 0 },
	{ 0 },
};

const struct sm_cmd cmd_run = {
	.name = "run",
	.usage = "JOB [OPTIONS]",
	.summary = "supervise workers until nothing is left to do",
	.detail = "A job that was planned with an output is joined while it "
		  "runs, and finished at\nits end.\n",
	.words = 1,
	.drains = true,
	.groups = run_groups,
	.args_bytes = sizeof(struct run_args),
	.run = run_run,
};
