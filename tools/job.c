/*
 * job.c - plan a job, run it, and say how it went
 *
 * Shared by the commands of the kinds of job, plan and run.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "on_end.h"
#include "output.h"
#include "slurm.h"
#include "status.h"

#include "job.h"

/* The worker role: this program again, in the job directory. */
static const char *const job_worker_argv[] = {
	"/proc/self/exe", "work", "--control-fd", "3", ".", NULL
};

_Static_assert(SM_WORKER_FD == 3, "job_worker_argv names the descriptor");

/* Deleting hours of work is asked for twice. */
static int
job_confirm_restart(const char *job, bool yes, struct sm_err *err)
{
	char answer[16];
	struct stat st;

	if (yes || stat(job, &st) < 0)
		return 0;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return sm_output_fail(err, SM_EUSAGE,
				      "--restart deletes '%s' "
				      "and cannot ask here; add --yes",
				      job);
	fputs("delete ", stderr);
	sm_output_name(stderr, job);
	fputs(" and begin again? [y/N] ", stderr);
	if (fgets(answer, sizeof(answer), stdin) &&
	    (strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0))
		return 0;
	return sm_output_fail(err, SM_EREFUSED, "'%s' is left as it is", job);
}

static void
job_take_call(struct sm_job_args *a, struct sm_call *call)
{
	a->plan.kind = call->kind->name;
	a->plan.options = call->value;
	a->plan.command = (const char *const *)call->words.rest;
}

int
sm_job_prepare(struct sm_call *call, const char *job, struct sm_err *err)
{
	struct sm_job_args *a = call->args;

	job_take_call(a, call);
	if (a->plan.restart)
		return job_confirm_restart(job, a->yes, err);
	return 0;
}

static bool
job_show_command(const char *line, void *arg)
{
	(void)arg;
	puts(line);
	if (!ferror(stdout))
		return true;
	/* The flush at the end has something to fail with, and says why. */
	putchar('\n');
	return false;
}

int
sm_job_dry_run(struct sm_call *call, struct sm_err *err)
{
	struct sm_job_args *a = call->args;

	job_take_call(a, call);
	return sm_dry_run(&a->plan, job_show_command, NULL, err);
}

int
sm_job_plan(struct sm_plan_result *planned, const char *job,
	    const struct sm_job_args *a, struct sm_err *err)
{
	int ret = sm_plan(planned, job, &a->plan, err);

	if (ret == 0 && a->plan.restart)
		sm_slurm_forget(job);
	return ret;
}

/*
 * Up to ten reasons, what they said, and how to see more.  The error that
 * follows says how to try these batches again.
 */
static void
job_show_failed(const char *job)
{
	const struct sm_status_failure *x;
	struct sm_status s = { 0 };
	struct sm_err ignored = { 0 };
	char id[24] = "";
	uint64_t shown = 0;
	size_t i;

	if (sm_status(&s, job, &ignored) < 0)
		return;
	for (i = 0; i < s.failures; i++) {
		x = &s.failure[i];
		if (x->failed == 0)
			continue;
		if (shown == 0)
			snprintf(id, sizeof(id), "%.*s",
				 (int)strcspn(x->examples, ","), x->examples);
		shown += x->failed;
		sm_status_failed(stderr, x);
	}
	if (s.failed > shown && shown > 0)
		fprintf(stderr, "and %s more\n",
			sm_text_count(s.failed - shown).s);
	if (shown > 0)
		sm_output_line(stderr,
			       "to see one: shardmill status $ --batch %", job,
			       id, NULL);
	sm_status_release(&s);
}

static void
job_show_done(const struct sm_screen *screen, const char *job,
	      const struct sm_run_result *r)
{
	struct sm_status s = { 0 };
	struct sm_err ignored = { 0 };
	struct sm_text job_size = { "of unknown size" };
	uint64_t records = 0;

	if (sm_status(&s, job, &ignored) == 0)
		records = s.records;
	if (r->job_size > 0)
		job_size = sm_text_size(r->job_size);
	if (r->was_complete) {
		sm_output_line(
			stdout, "% is complete (%); nothing was left to do",
			r->final_path, sm_text_size(r->final_size).s, NULL);
	} else if (r->finalized) {
		sm_output_line(stdout,
			       "%: %, % records, %; % (%) may be "
			       "removed",
			       r->final_path, sm_text_size(r->final_size).s,
			       sm_text_count(records).s,
			       sm_text_duration(sm_screen_elapsed(screen)).s,
			       s.job ? s.job : job, job_size.s, NULL);
	} else if (s.part_count > 0) {
		sm_output_line(
			stdout,
			"%: all % batches of this part are done, %; when "
			"all % parts are: shardmill finalize $",
			job, sm_text_count(r->done).s,
			sm_text_duration(sm_screen_elapsed(screen)).s,
			sm_text_count(s.part_count).s, sm_status_whole(&s).s,
			NULL);
	} else if (s.textless || (s.files_dir && !r->final_path)) {
		sm_output_line(stdout, "%: all % batches are done, %%%%", job,
			       sm_text_count(r->done).s,
			       sm_text_duration(sm_screen_elapsed(screen)).s,
			       s.files_dir ? "; the files are in '" : "",
			       s.files_dir ? s.files_dir : "",
			       s.files_dir ? "'" : "", NULL);
	} else {
		sm_output_line(stdout,
			       "%: all % batches are done, % records, "
			       "%; next: shardmill finalize $%",
			       job, sm_text_count(r->done).s,
			       sm_text_count(records).s,
			       sm_text_duration(sm_screen_elapsed(screen)).s,
			       job, r->final_path ? "" : " -o FILE", NULL);
	}
	sm_status_release(&s);
}

int
sm_job_run(struct sm_screen *screen, const char *job, struct sm_job_args *args,
	   struct sm_err *err)
{
	struct sm_run_opts opts = args->run;
	struct sm_run_result result = { 0 };
	int ret;

	opts.worker_argv = job_worker_argv;
	opts.events = sm_screen_events(screen);
	opts.settings = args->plan.settings;
	opts.trust = args->plan.trust;
	ret = sm_run(&result, job, &opts, err);
	sm_screen_clear(screen);
	if (ret == SM_EWORK)
		job_show_failed(job);
	else if (ret == 0 && !screen->quiet)
		job_show_done(screen, job, &result);
	if (args->on_end)
		sm_on_end(args->on_end, job, &result, ret, err);
	sm_run_result_release(&result);
	return ret;
}
