/*
 * api.c - the functions of shardmill.h that take a job
 *
 * A job is one directory, or the whole of several parts.  Here, and nowhere
 * below, it is asked which: one job goes to its own wing, a whole to parts/,
 * which does the same to each of its parts.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "role.h"

#include "history.h"

#include "join.h"
#include "parts.h"
#include "planning.h"
#include "producers.h"
#include "run.h"
#include "settings.h"
#include "tend.h"

/* --------------------------------------------------------------- plan -- */

/*
 * --restart: what is there goes first, as soon as it is known that nobody works
 * on it and that the new job can be planned.
 */
static int
plan_restart(struct sm_planning *p, struct sm_parts *w, struct sm_err *err)
{
	int ret = sm_parts_check_idle(&p->dir, err);

	if (ret == 0)
		ret = sm_plan_check_restart(p, err);
	if (ret == 0 && w->parts > 0)
		ret = sm_parts_note_final(w, p, err);
	else if (ret == 0)
		ret = sm_plan_note_final(p, err);
	if (ret == 0)
		ret = sm_plan_clear_files(p, err);
	if (ret == 0 && w->parts > 0)
		ret = sm_parts_unmark(&p->dir, err);
	if (ret == 0)
		ret = sm_parts_remove(&p->dir, err);
	if (ret == 0)
		ret = sm_plan_remove(p, err);
	sm_parts_close(w);
	return ret;
}

/* There is no job yet, or one that was planned without parts. */
static int
plan_one(struct sm_planning *p, struct sm_err *err)
{
	uint64_t parts = p->opts->parts;
	bool there;
	int ret = sm_plan_open(&there, p, err);

	if (ret == 0 && there && parts > 0)
		return sm_err_set(err, SM_EREFUSED,
				  "the job '%s' was planned without parts; "
				  "--restart begins again",
				  p->dir.path);
	if (ret == 0 && there)
		return sm_plan_again(p, err);
	if (ret == 0)
		ret = sm_parts_clear(&p->dir, err);
	if (ret == 0)
		ret = sm_plan_cut(p, err);
	if (ret < 0 || p->result->complete)
		return ret;
	if (parts > 0)
		ret = sm_parts_plan_new(p, err);
	else
		ret = sm_planning_make(p, err);
	p->result->planned = ret == 0;
	return ret;
}

static int
plan_locked(struct sm_planning *p, struct sm_err *err)
{
	struct sm_parts w;
	int ret = sm_parts_open_unmarked(&w, p->dir.path, p->opts->trust, err);

	if (ret == 0 && p->opts->restart && !p->made)
		ret = plan_restart(p, &w, err);
	if (ret == 0)
		ret = sm_parts_check_asked(&w, p, err);
	if (ret == 0)
		ret = sm_plan_read_note(p, err);
	if (ret == 0 && w.parts > 0)
		ret = sm_parts_plan_again(p, &w, err);
	else if (ret == 0)
		ret = plan_one(p, err);
	sm_parts_close(&w);
	return ret;
}

/* By its own specification, where no kind of job is given. */
static int
plan_again_in_parts(struct sm_plan_result *result, const char *job,
		    const struct sm_plan_opts *opts, struct sm_err *err)
{
	struct sm_parts w;
	int ret = sm_parts_open(&w, job, opts->trust, err);

	if (ret == 0 && w.parts > 0)
		ret = sm_err_set(err, SM_EREFUSED,
				 "the job '%s' was planned in %llu parts "
				 "already",
				 w.dir.path, (unsigned long long)w.parts);
	else if (ret == 0)
		ret = sm_parts_replan(result, job, opts, err);
	sm_parts_close(&w);
	return ret;
}

/*
 * A job that is named by its final file, as other calls may do too, is beside
 * it: `*own`, malloc'd, is F.job for F; NULL: the name is the directory's.
 */
static int
plan_name(char **own, const char *job, const struct sm_planning *p,
	  struct sm_err *err)
{
	struct sm_err ignored;
	struct stat st;
	char *path;
	int ret = 0;

	*own = NULL;
	if (!p->spec->output || !*job ||
	    (stat(job, &st) == 0 && S_ISDIR(st.st_mode)))
		return 0;
	/* What is wrong with the name is told when the directory is made. */
	path = sm_path_real(job, &ignored);
	if (path && strcmp(path, p->spec->output) == 0) {
		*own = sm_path_concat(job, ".job");
		if (!*own)
			ret = sm_err_mem(err, "a path");
	}
	free(path);
	return ret;
}

int
sm_plan(struct sm_plan_result *result, const char *job,
	const struct sm_plan_opts *opts, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	struct sm_planning p = { .opts = opts,
				 .ev = &opts->events,
				 .result = result,
				 .dir = SM_JOBDIR_NONE,
				 .lock = -1 };
	struct sm_err ignored;
	char *own = NULL;
	int ret = sm_role_refuse_worker("sm_plan()", err);

	*result = (struct sm_plan_result){ 0 };
	if (ret < 0)
		return ret;
	if (!opts->kind && !opts->producer && opts->parts > 0)
		return plan_again_in_parts(result, job, opts, err);
	ret = sm_planning_settle(&p, err);
	if (ret == 0)
		ret = plan_name(&own, job, &p, err);
	if (own)
		job = own;
	if (ret == 0)
		ret = sm_jobdir_create(&p.dir, job, opts->trust,
				       opts->network_fs, &p.made, err);
	free(own);
	if (ret == 0)
		sm_jobdir_notice_mount(&p.dir, p.ev);
	if (ret == 0)
		ret = sm_planning_lock(&p, err);
	if (ret == 0)
		ret = plan_locked(&p, err);
	if (ret == 0)
		sm_plan_report(&p);
	sm_db_close(p.db);
	p.db = NULL;
	/* What is to be forgotten may be what an earlier, killed plan made. */
	if (p.lock >= 0 && (p.forget || (p.made && ret < 0)) &&
	    sm_parts_remove(&p.dir, &ignored) == 0)
		sm_jobdir_remove(&p.dir, &ignored);
	sm_planning_release(&p);
	if (ret < 0)
		sm_plan_result_release(result);
	return ret;
}

int
sm_dry_run(const struct sm_plan_opts *opts,
	   bool (*command)(const char *line, void *arg), void *arg,
	   struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	struct sm_plan_result ignored = { 0 };
	struct sm_planning p = { .opts = opts,
				 .ev = &opts->events,
				 .result = &ignored,
				 .dir = SM_JOBDIR_NONE,
				 .lock = -1 };
	int ret = sm_role_refuse_worker("sm_dry_run()", err);

	if (ret < 0)
		return ret;
	ret = sm_planning_settle(&p, err);
	if (ret == 0)
		ret = sm_plan_dry_run(&p, command, arg, err);
	sm_planning_release(&p);
	return ret;
}

/* ---------------------------------------------------------- run, work -- */

/* This program again, which ends up in sm_worker_main(). */
static const char *const run_self[] = { "/proc/self/exe", "worker", NULL };

static int
run_check_call(const struct sm_run_opts *opts, struct sm_err *err)
{
	int ret = sm_role_refuse_worker("sm_run()", err);

	if (ret == 0 && (!opts->worker_argv || !opts->worker_argv[0]))
		ret = sm_err_set(err, SM_EUSAGE,
				 "worker_argv is missing: the program and its "
				 "arguments that call sm_work(); a program "
				 "whose main() begins with sm_worker_main() "
				 "needs none");
	if (ret == 0)
		ret = sm_settings_check(&opts->settings, err);
	if (ret == 0)
		ret = sm_settings_check_switch("follow", opts->follow, err);
	return ret;
}

/*
 * A run reaps whatever ends in this process, since orphans of its workers come
 * to it: another's workers as well.
 */
static atomic_flag run_is_on = ATOMIC_FLAG_INIT;

static int
run_claim_process(struct sm_err *err)
{
	if (!atomic_flag_test_and_set(&run_is_on))
		return 0;
	return sm_err_set(err, SM_EUSAGE,
			  "another thread of this process is in sm_run(); one "
			  "process runs one job at a time");
}

int
sm_run(struct sm_run_result *result, const char *job,
       const struct sm_run_opts *opts, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	struct sm_run_opts o = *opts;
	struct sm_parts w;
	int ret;

	*result = (struct sm_run_result){ 0 };
	if (!o.worker_argv && sm_producers_are_set())
		o.worker_argv = run_self;
	ret = run_check_call(&o, err);
	if (ret == 0)
		ret = run_claim_process(err);
	if (ret < 0)
		return ret;
	ret = sm_parts_open(&w, job, o.trust, err);
	if (ret == 0 && w.parts > 0)
		ret = sm_parts_run(result, &w, &o, err);
	else if (ret == 0)
		ret = sm_one_run(result, job, &o, err);
	sm_parts_close(&w);
	atomic_flag_clear(&run_is_on);
	return ret;
}

int
sm_work(const char *job, const struct sm_work_opts *opts, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	struct sm_parts w;
	int ret;

	ret = sm_parts_open(&w, job, opts->trust, err);
	if (ret == 0 && w.parts > 0)
		ret = sm_err_set(err, SM_EUSAGE,
				 "the job '%s' is in parts: name one of them, "
				 "such as '%s/part-0000'",
				 w.dir.path, w.dir.path);
	else if (ret == 0)
		ret = sm_one_work(job, opts, err);
	sm_parts_close(&w);
	return ret;
}

void
sm_hear_waiting(void (*notice)(const char *text, void *arg), void *arg)
{
	sm_db_hear_waiting(notice, arg);
}

/* -------------------------------------------------------------- status -- */

int
sm_status(struct sm_status *out, const char *job, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	struct sm_parts w;
	int ret;

	*out = (struct sm_status){ 0 };
	ret = sm_parts_open(&w, job, true, err);
	if (ret == 0 && w.parts > 0)
		ret = sm_parts_status(out, &w, err);
	else if (ret == 0)
		ret = sm_one_status(out, job, err);
	sm_parts_close(&w);
	return ret;
}

int
sm_list(struct sm_list_result *result, const char *dir,
	const struct sm_list_opts *opts, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);

	*result = (struct sm_list_result){ 0 };
	return sm_list_jobs(result, dir, opts, sm_status, err);
}

int
sm_report(struct sm_report *out, const char *job, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	struct sm_parts w;
	int ret;

	*out = (struct sm_report){ 0 };
	ret = sm_parts_open(&w, job, true, err);
	if (ret == 0 && w.parts > 0)
		ret = sm_parts_report(out, &w, err);
	else if (ret == 0)
		ret = sm_one_report(out, job, err);
	sm_parts_close(&w);
	if (ret < 0)
		sm_report_release(out);
	return ret;
}

/* Open the job or the part of it that has the batch. */
static int
open_batch(struct sm_handle *h, const char *job, uint64_t batch,
	   const struct sm_db_opts *db, bool trust, struct sm_err *err)
{
	struct sm_parts w;
	uint64_t part;
	int ret = sm_parts_open(&w, job, trust, err);

	*h = (struct sm_handle)SM_HANDLE_NONE;
	if (ret == 0 && w.parts > 0) {
		ret = sm_parts_find(&part, &w, batch, err);
		if (ret == 0)
			ret = sm_parts_handle(h, &w, part, db, err);
	} else if (ret == 0) {
		ret = sm_handle_open(h, job, db, trust, err);
	}
	sm_parts_close(&w);
	return ret;
}

int
sm_status_of_batch(struct sm_batch_status *out, const char *job, uint64_t batch,
		   struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	struct sm_db_opts db = { .mode = SM_DB_READ };
	struct sm_handle h;
	int ret;

	*out = (struct sm_batch_status){ 0 };
	ret = open_batch(&h, job, batch, &db, true, err);
	if (ret == 0)
		ret = sm_one_batch_status(out, &h, batch, err);
	sm_handle_close(&h);
	if (ret < 0)
		sm_batch_status_release(out);
	return ret;
}

int
sm_try(int *exit_status, const char *job, uint64_t batch, bool trust,
       struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	struct sm_db_opts db = { .mode = SM_DB_READ };
	struct sm_handle h;
	int ret;

	ret = open_batch(&h, job, batch, &db, trust, err);
	if (ret == 0)
		ret = sm_one_try(exit_status, &h, batch, err);
	sm_handle_close(&h);
	return ret;
}

/* ----------------------------------------------------------- set, stop -- */

static int
set_check(const struct sm_set_opts *opts, struct sm_err *err)
{
	struct sm_settings s = { .workers = opts->workers,
				 .max_attempts = opts->max_attempts };
	int ret = sm_settings_check(&s, err);

	if (ret == 0)
		ret = sm_settings_check_switch("paused", opts->paused, err);
	return ret;
}

int
sm_set(struct sm_set_result *result, const char *job,
       const struct sm_set_opts *opts, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	struct sm_parts w;
	int ret = set_check(opts, err);

	*result = (struct sm_set_result){ 0 };
	if (ret < 0)
		return ret;
	ret = sm_parts_open(&w, job, opts->trust, err);
	if (ret == 0 && w.parts > 0)
		ret = sm_parts_set(result, &w, opts, err);
	else if (ret == 0)
		ret = sm_one_set(result, job, opts, err);
	sm_parts_close(&w);
	return ret;
}

int
sm_stop_batch(struct sm_stop_result *result, const char *job, uint64_t batch,
	      bool trust, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	struct sm_db_opts db = { .mode = SM_DB_WRITE,
				 .wait = { .limit_s = SM_OUTSIDER_LIMIT_S } };
	struct sm_handle h;
	int ret;

	*result = (struct sm_stop_result){ 0 };
	ret = open_batch(&h, job, batch, &db, trust, err);
	if (ret == 0)
		ret = sm_one_stop(result, &h, batch, err);
	sm_handle_close(&h);
	return ret;
}

/* ------------------------------------------------- retry and finalize -- */

int
sm_retry(uint64_t *changed, const char *job, const struct sm_retry_opts *opts,
	 struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	struct sm_parts w;
	int ret;

	*changed = 0;
	ret = sm_parts_open(&w, job, opts->trust, err);
	if (ret == 0 && w.parts > 0)
		ret = sm_parts_retry(changed, &w, opts, err);
	else if (ret == 0)
		ret = sm_one_retry(changed, job, opts, err);
	sm_parts_close(&w);
	return ret;
}

static bool
finalize_give_up(void *arg)
{
	return sm_event_stops(arg) > 0;
}

static void
finalize_wait_notice(const char *text, void *arg)
{
	sm_event_notice(arg, "%s", text);
}

/* One directory: a job, or a part that is to be a file of its own. */
static int
finalize_one(struct sm_finalize_result *result, const char *job,
	     const struct sm_finalize_opts *opts, struct sm_err *err)
{
	struct sm_db_opts db = { .mode = SM_DB_WRITE,
				 .wait = { .limit_s = SM_OUTSIDER_LIMIT_S,
					   .notice = finalize_wait_notice,
					   .give_up = finalize_give_up,
					   .arg = (void *)&opts->events } };
	struct sm_handle h;
	int ret = sm_handle_open(&h, job, &db, opts->trust, err);

	if (ret == 0 && h.job.parts > 0)
		ret = sm_parts_join_one(result, &h, opts, err);
	else if (ret == 0)
		ret = sm_one_finalize(result, &h, opts, err);
	sm_handle_close(&h);
	return ret;
}

int
sm_finalize(struct sm_finalize_result *result, const char *job,
	    const struct sm_finalize_opts *opts, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	struct sm_parts w;
	int ret = sm_role_refuse_worker("sm_finalize()", err);

	*result = (struct sm_finalize_result){ 0 };
	if (ret < 0)
		return ret;
	ret = sm_parts_open(&w, job, opts->trust, err);
	if (ret == 0 && w.parts > 0)
		ret = sm_parts_join(result, &w, opts, err);
	else if (ret == 0)
		ret = finalize_one(result, job, opts, err);
	sm_parts_close(&w);
	return ret;
}

/* ------------------------------------------------- verify and recover -- */

int
sm_verify(struct sm_verify_result *result, const char *path,
	  const struct sm_verify_opts *opts, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	struct sm_parts w;
	struct stat st;
	int ret;

	*result = (struct sm_verify_result){ 0 };
	if (stat(path, &st) < 0)
		return sm_err_sys_as(err, SM_EINPUT,
				     "cannot verify '%s' (a job that is not "
				     "finished: by its directory, F.job)",
				     path);
	if (S_ISREG(st.st_mode))
		return sm_file_verify(result, path, opts, err);
	ret = sm_parts_open(&w, path, opts->trust || !opts->requeue, err);
	if (ret == 0 && w.parts > 0)
		ret = sm_parts_verify(result, &w, opts, err);
	else if (ret == 0)
		ret = sm_one_verify(result, path, opts, err);
	sm_parts_close(&w);
	return ret;
}

int
sm_recover(struct sm_recover_result *result, const char *job,
	   const struct sm_recover_opts *opts, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	struct sm_parts w;
	bool marked = false;
	int ret;

	*result = (struct sm_recover_result){ 0 };
	ret = sm_parts_open(&w, job, opts->trust, err);
	/* It has parts, but lost what says so. */
	if (ret == SM_EINPUT) {
		ret = sm_parts_recover_mark(job, opts->trust, err);
		if (ret == 0)
			ret = sm_parts_open(&w, job, opts->trust, err);
		marked = ret == 0;
	}
	if (ret == 0 && w.parts > 0)
		ret = sm_parts_recover(result, &w, opts, err);
	else if (ret == 0)
		ret = sm_one_recover(result, job, opts, err);
	/* What was lost was the whole's alone. */
	if (ret == SM_EREFUSED && marked)
		ret = 0;
	sm_parts_close(&w);
	return ret;
}

/* --------------------------------------------------------------- clean -- */

int
sm_clean(struct sm_clean_result *result, const char *job,
	 const struct sm_clean_opts *opts, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	struct sm_cleaning c = SM_CLEANING_NONE;
	struct sm_parts w = SM_PARTS_NONE;
	int ret = sm_role_refuse_worker("sm_clean()", err);

	*result = (struct sm_clean_result){ 0 };
	if (ret < 0)
		return ret;
	ret = sm_parts_open(&w, job, opts->trust, err);
	if (ret == 0)
		ret = sm_cleaning_hold(&c, job, opts->trust, err);
	if (ret == 0) {
		result->job = strdup(c.dir.path);
		if (!result->job)
			ret = sm_err_mem(err, "a path");
	}
	if (ret == 0 && w.parts > 0)
		ret = sm_parts_clean(result, &w, &c, opts, err);
	else if (ret == 0)
		ret = sm_one_clean(result, &c, opts, err);
	sm_cleaning_end(&c);
	sm_parts_close(&w);
	if (ret < 0)
		sm_clean_result_release(result);
	return ret;
}
