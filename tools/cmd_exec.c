#include <stddef.h>

#include "job.h"

#include "cmd.h"

static int
exec_run(struct sm_call *call, struct sm_err *err)
{
	return sm_job_make(call, true, err);
}

static const struct sm_option_group exec_groups[] = {
	{ "result", sm_job_target, 0 },
	SM_JOB_EXEC_GROUPS,
	SM_JOB_SETTINGS_GROUP,
	{ "a rerun", sm_job_running, 0 },
	{ "a job that is there", sm_job_replan, 0 },
	{ 0 },
};

const struct sm_cmd cmd_exec = {
	.name = "exec",
	.usage = "-o FILE BATCHES [OPTIONS] -- COMMAND...",
	.summary = "run a command per batch, join what it prints, gzipped",
	.detail = "Makes the job FILE.job, runs it and joins the result into "
		  "FILE.  Run the same\ncommand again after any interruption "
		  "and it goes on where it stopped.\n"
		  "\n"
		  "  shardmill exec -o out.gz --input in.jsonl --lines 5000 "
		  "-- jq -c '{id}'\n"
		  "  shardmill exec -o out.gz --range 1000000 --size 5000 \\\n"
		  "      -- ./export --start {first} --end {end}\n"
		  "  shardmill exec -o out.gz --items files.txt "
		  "-- ./extract {}\n",
	.takes_rest = true,
	.drains = true,
	.groups = exec_groups,
	.args_bytes = sizeof(struct sm_job_args),
	.init = sm_job_args_init,
	.run = exec_run,
};
