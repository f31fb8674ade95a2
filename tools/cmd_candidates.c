#include <stddef.h>

#include "job.h"

#include "cmd.h"

static int
candidates_run(struct sm_call *call, struct sm_err *err)
{
	return sm_job_make(call, false, err);
}

static const struct sm_option_group candidates_groups[] = {
	{ "result", sm_job_target, 0 },
	SM_JOB_CANDIDATES_GROUPS,
	SM_JOB_SETTINGS_GROUP,
	{ "a rerun", sm_job_running, 0 },
	{ "a job that is there", sm_job_replan, 0 },
	{ 0 },
};

const struct sm_cmd cmd_candidates = {
	.name = "candidates",
	.usage = "-o FILE --cands FILE --scores FILE --keys FILE "
		 "--vocab FILE [OPTIONS]",
	.summary = "turn two arrays into one JSON line per row, gzipped",
	.detail = "Makes the job FILE.job, runs it and joins the result into "
		  "FILE.  Run the same\ncommand again after any interruption "
		  "and it goes on where it stopped.\n",
	.drains = true,
	.groups = candidates_groups,
	.args_bytes = sizeof(struct sm_job_args),
	.init = sm_job_args_init,
	.run = candidates_run,
};
