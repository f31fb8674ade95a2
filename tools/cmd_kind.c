/*
 * cmd_kind.c - the command of a kind of job: plan F.job, run it, join it
 *
 * There is one such command for each kind that the library has; name, summary
 * and options are the kind's.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* What the option that stands for --output was given, or NULL. */
static const char *
kind_result(const struct sm_call *call)
{
	const struct sm_value *v = call->value;
	const char *text = NULL;

	for (; call->kind->result && v && v->name; v++)
		if (strcmp(v->name, call->kind->result) == 0)
			text = v->text;
	return text;
}

/* The job's directory: JOB, FILE.job or DIR.job. */
static int
kind_name_job(char **job, const struct sm_call *call, struct sm_err *err)
{
	const struct sm_job_args *a = call->args;
	const char *of = a->plan.output, *result = kind_result(call);
	size_t n;

	*job = NULL;
	if (a->job) {
		*job = strdup(a->job);
		return *job ? 0
			    : sm_output_fail(err, SM_ENOMEM, "out of memory");
	}
	if (!of)
		of = result;
	if (!of)
		return sm_output_fail(err, SM_EUSAGE,
				      "option '--output FILE' is missing");
	n = strlen(of);
	while (n > 1 && of[n - 1] == '/')
		n--;
	if (asprintf(job, "%.*s.job", (int)n, of) < 0) {
		*job = NULL;
		return sm_output_fail(err, SM_ENOMEM, "out of memory");
	}
	return 0;
}

static int
kind_run(struct sm_call *call, struct sm_err *err)
{
	struct sm_job_args *a = call->args;
	struct sm_plan_result planned = { 0 };
	struct sm_screen screen;
	char *job = NULL;
	int ret;

	sm_screen_init(&screen, a->quiet);
	a->plan.events = sm_screen_events(&screen);
	if (a->dry_run)
		return sm_job_dry_run(call, err);
	ret = kind_name_job(&job, call, err);
	if (ret < 0)
		return ret;
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

static const struct sm_option kind_job[] = {
	{ "job", .type = SM_OPTION_FILE, .arg = "DIR",
	  .at = offsetof(struct sm_job_args, job), .unset = "FILE.job",
	  .help = "the job's directory" },
	{ 0 },
};

const struct sm_cmd cmd_kind = {
	.detail = "Makes the job FILE.job, runs it and joins the result into "
		  "FILE.  Run the same\ncommand again after any interruption "
		  "and it goes on where it stopped.\n",
	.drains = true,
	.tables = { sm_job_target, kind_job, sm_job_settings, sm_job_running,
		    sm_job_replan, sm_job_dry, sm_job_quiet },
	.args_bytes = sizeof(struct sm_job_args),
	.run = kind_run,
};
