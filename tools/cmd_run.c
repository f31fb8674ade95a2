/*
 * cmd_run.c - run: supervise workers until nothing is left to do
 *
 * Planning is over by then.  `candidates -o` and `exec -o`, which plan and
 * run, share what is in job.c.
 */
#include <stddef.h>

#include "job.h"

#include "cmd.h"

static int
run_run(struct sm_call *call, struct sm_err *err)
{
	struct sm_job_args *a = call->args;
	struct sm_screen screen;

	a->run.limits = call->value;
	sm_screen_init(&screen, a->quiet);
	return sm_job_run(&screen, call->words.word[0], a, err);
}

static const struct sm_option run_options[] = {
	{ "output", 'o', .type = SM_OPTION_FILE, .arg = "FILE",
	  .at = offsetof(struct sm_job_args, run.output), .unset = "as planned",
	  .help = "the final file, gzip" },
	{ "takeover", .type = SM_OPTION_BOOL, .flags = SM_OPTION_UNGUESSED,
	  .at = offsetof(struct sm_job_args, run.takeover),
	  .help = "run it though another supervisor holds it, whose host died: "
		  "that one is fenced off",
	  .more = "Or its host was cut off. Its running batches are put back "
		  "and made here; it and its workers can neither claim nor "
		  "commit any more, and end with 8. A part, or a job without a "
		  "final file, whose batches are all done is left untouched. "
		  "The fence holds for batches: the table, the shards, and "
		  "which of them is done. A job with a final file (not a part) "
		  "may end with 8 at its end, as long as the frozen copy holds "
		  "JOB/final.lock: then finalize once that copy was ended, or "
		  "the file server let its lock go." },
	SM_OPTION_TRUST(struct sm_job_args, plan.trust),
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
	.takes_limits = true,
	.tables = { sm_job_settings, sm_job_running, run_options,
		    sm_job_quiet },
	.args_bytes = sizeof(struct sm_job_args),
	.run = run_run,
};
