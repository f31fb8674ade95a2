/*
 * cmd_kind.c - the command of a kind of job: plan F.job, run it, join it
 *
 * There is one such command for each kind that the library has; name, summary
 * and options are the kind's.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "job.h"
#include "output.h"

#include "cmd.h"

static uint64_t
kind_file_size(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return 0;
	return (uint64_t)st.st_size;
}

static int
kind_run(struct sm_call *call, struct sm_err *err)
{
	struct sm_job_args *a = call->args;
	struct sm_plan_result planned = { 0 };
	struct sm_screen screen;
	char *job = NULL;
	int ret;

	if (!a->plan.output)
		return sm_output_fail(err, SM_EUSAGE,
				      "option '--output FILE' is missing");
	sm_screen_init(&screen, a->quiet);
	a->plan.events = sm_screen_events(&screen);
	if (asprintf(&job, "%s.job", a->plan.output) < 0) {
		job = NULL;
		ret = sm_output_fail(err, SM_ENOMEM, "out of memory");
		goto out;
	}
	ret = sm_job_prepare(call, job, err);
	if (ret < 0)
		goto out;
	ret = sm_job_plan(&planned, job, a, err);
	sm_screen_clear(&screen);
	if (ret < 0)
		goto out;
	if (!planned.complete) {
		ret = sm_job_run(&screen, job, a, err);
	} else if (!a->quiet) {
		sm_output_line(stdout,
			       "% is complete (%); nothing is left "
			       "to do",
			       a->plan.output,
			       sm_text_size(kind_file_size(a->plan.output)).s,
			       NULL);
	}

out:
	sm_plan_result_release(&planned);
	free(job);
	return ret;
}

const struct sm_cmd cmd_kind = {
	.detail = "Makes the job FILE.job, runs it and joins the result into "
		  "FILE.  Run the same\ncommand again after any interruption "
		  "and it goes on where it stopped.\n",
	.drains = true,
	.tables = { sm_job_target, sm_job_settings, sm_job_running,
		    sm_job_replan, sm_job_quiet },
	.args_bytes = sizeof(struct sm_job_args),
	.run = kind_run,
};
