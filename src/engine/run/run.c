/*
 * run.c - supervise workers until nothing is left to do, then finalize
 *
 * It owns the order of a run: the lock, the start check, the workers, the
 * joining, and once more from the workers on when joining finds a damaged
 * shard.  What happens while workers live is in super.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "clock.h"
#include "dir.h"
#include "fault.h"
#include "file.h"
#include "lock.h"

#include "fence.h"
#include "files.h"
#include "follow.h"
#include "join.h"
#include "joblog.h"
#include "joined.h"
#include "rescue.h"
#include "run.h"
#include "run_verdict.h"
#include "runs.h"
#include "settings.h"
#include "startcheck.h"
#include "super.h"

/* Shards that rot while they are joined are made again, so often. */
#define JOIN_TRIES 3

/* After the first request to stop, and no longer, for one transaction. */
#define DRAIN_PATIENCE_MS 2000

void
sm_run_result_release(struct sm_run_result *r)
{
	free(r->final_path);
	*r = (struct sm_run_result){ 0 };
}

/* What ends the supervisor's waiting for an outsider's transaction. */
struct run_patience {
	const struct sm_events *ev;
	uint64_t begun_ms, asked_ms; /* of this wait; asked every 50 ms */
};

/* A drain has its own writes to make, and waits for them a little. */
static bool
run_give_up(void *arg)
{
	struct run_patience *p = arg;
	uint64_t now = sm_clock_ms();
	int stops = sm_event_stops(p->ev);

	if (stops == 0 || now - p->asked_ms > DRAIN_PATIENCE_MS)
		p->begun_ms = now;
	p->asked_ms = now;
	return stops > 1 ||
	       (stops == 1 && now - p->begun_ms >= DRAIN_PATIENCE_MS);
}

static void
run_wait_notice(const char *text, void *arg)
{
	sm_event_notice(((struct run_patience *)arg)->ev, "%s", text);
}

/* Which settings and final file there may be, before anything is changed. */
static int
run_check(char **path, struct sm_handle *h, const struct sm_run_opts *opts,
	  struct sm_err *err)
{
	int ret = 0;

	if (h->job.parts > 0 &&
	    (opts->output || opts->follow > 0 || opts->settings.consume > 0))
		ret = sm_err_set(err, SM_EUSAGE,
				 "'%s' is part %lld of %llu: the final file is "
				 "that of the whole job",
				 h->dir.path, (long long)h->job.part,
				 (unsigned long long)h->job.parts);
	if (ret == 0 && opts->output) {
		*path = sm_path_real(opts->output, err);
		if (!*path)
			return err->code;
		sm_join_tell_output(opts->output, *path, &opts->events);
		ret = sm_join_check_place(*path, err);
		if (ret == 0)
			ret = sm_join_check_output(h, *path, err);
	} else if (ret == 0 && h->job.final_path) {
		/* What was put there since is found before the work is done. */
		ret = sm_join_check_output(h, h->job.final_path, err);
	}
	if (ret == 0 && opts->follow > 0 && !*path && !h->job.final_path)
		ret = sm_err_set(err, SM_EUSAGE,
				 "--follow: the job '%s' was planned without a "
				 "final file; name one by -o",
				 h->dir.path);
	return ret;
}

/* What the row does not have yet: limits, and where a moved job is. */
static int
run_set_spec(struct sm_handle *h, struct sm_err *err)
{
	char *text = NULL;
	int ret = sm_spec_set_home(h->spec, h->dir.path, err);

	if (ret == 0)
		text = sm_spec_text(h->spec, err);
	if (!text)
		return err->code;
	if (h->place != SM_PLACE_HOME)
		ret = sm_job_set_place(h->db, h->job.final_path, err);
	if (ret == 0 && strcmp(text, h->job.spec) != 0)
		ret = sm_job_set_spec(h->db, text, h->job.fingerprint, err);
	free(text);
	return ret;
}

/*
 * The row again, but for the number of the run: the one that is there now
 * may be another supervisor's, that took over while we stood still.
 */
static int
run_reload(struct sm_handle *h, struct sm_err *err)
{
	int64_t run = h->job.run;
	int ret = sm_handle_reload(h, err);

	h->job.run = run;
	return ret;
}

/*
 * A person's PRAGMA, or a copy by VACUUM INTO, leaves a job without its log,
 * and then each reader keeps all writers waiting.
 */
static int
run_enter_wal(struct sm_handle *h, const struct sm_events *ev,
	      struct sm_err *err)
{
	struct sm_err why;
	bool entered = false;
	int ret = 0;

	if (!h->job.network_fs)
		ret = sm_db_enter_wal(&entered, h->db, &why);
	if (entered)
		sm_event_notice(ev,
				"the job '%s' had lost its write-ahead log, "
				"and has it again",
				h->dir.path);
	if (ret == SM_EBUSY)
		sm_event_notice(ev,
				"the job '%s' has lost its write-ahead log, so "
				"that a reader keeps all writers waiting, and "
				"cannot have it back now: %s",
				h->dir.path, why.text);
	else if (ret < 0)
		*err = why;
	return ret == SM_EBUSY ? 0 : ret;
}

/* The rows of this run, and of those that were killed; in that transaction. */
static int
run_begin_row(int64_t *row, struct sm_handle *h, struct sm_err *err)
{
	double now = sm_clock_wall();
	int ret = sm_job_begin_run(h->db, now, err);

	if (ret == 0)
		ret = sm_runs_begin(row, h->db, false, now, err);
	if (ret == 0)
		ret = sm_runs_note_pause(h->db, now, err);
	return ret;
}

static int
run_set(struct sm_super *s, const char *path, struct sm_err *err)
{
	const struct sm_run_opts *opts = s->opts;
	struct sm_handle *h = s->h;
	const char *before = SM_RUNS_KILLED;
	struct sm_job_now live;
	uint64_t taken = 0, retried;
	int64_t row;
	int ret;

	if (h->run_lock < 0)
		before = "another supervisor took the job over";

	sm_fault("run.before_set");
	ret = sm_db_begin_write(h->db, err);
	if (ret < 0)
		return ret;
	ret = sm_handle_check_run(h, err);
	if (ret == 0)
		ret = sm_db_keep_totals(h->db, false, err);
	if (ret == 0)
		ret = run_set_spec(h, err);
	if (ret == 0)
		ret = sm_job_set(h->db, &opts->settings, err);
	if (ret == 0 && path) {
		sm_join_leave(&h->dir, &h->job, path);
		ret = sm_job_set_final(h->db, path, false, err);
	}
	/* Before what they held is put back: that is no sign of their life. */
	if (ret == 0)
		ret = sm_runs_end_killed(h->db, before, err);
	if (ret == 0 && opts->takeover)
		ret = sm_fence_take_over(&taken, h->db, sm_clock_wall(), err);
	if (ret == 0 && opts->retry_failed)
		ret = sm_batch_retry(&retried, h->db, SM_BATCHES_FAILED, err);
	if (ret == 0)
		ret = run_begin_row(&row, h, err);
	if (ret == 0)
		ret = sm_job_now(&live, h->db, err);
	if (ret < 0) {
		sm_db_rollback(h->db);
		return ret;
	}
	ret = sm_db_commit(h->db, err);
	sm_fault("run.set");
	h->job.run = live.run;
	if (ret == 0)
		s->row = row;
	if (ret == 0)
		ret = run_reload(h, err);
	if (ret == 0)
		ret = sm_handle_mend_copies(h, err);
	if (taken > 0)
		sm_event_notice(&opts->events,
				"%llu batch%s that another supervisor's "
				"workers held %s put back",
				(unsigned long long)taken,
				taken == 1 ? "" : "es",
				taken == 1 ? "is" : "are");
	return ret;
}

/* Join meanwhile, if there is a final file and something left to wait for. */
static int
run_follow(struct sm_super *s, struct sm_err *err)
{
	struct sm_handle *h = s->h;
	struct sm_batch_left left;
	int ret;

	if (s->opts->follow < 0 || !h->job.final_path)
		return 0;
	ret = sm_batch_left(&left, h->db, err);
	if (ret < 0 || (!left.pending && !left.running))
		return ret;
	return sm_follow_start(&s->follow, h->dir.path, err);
}

/* Was a batch put back after the loop had seen the last one done: by what
 * joins meanwhile, which found its shard damaged, or by a person? */
static int
run_look_for_more(bool *more, struct sm_super *s, struct sm_err *err)
{
	struct sm_batch_left left = { 0 };
	int ret = 0;

	if (!s->draining)
		ret = sm_batch_left(&left, s->h->db, err);
	*more = left.pending || left.running;
	return ret;
}

/* From the first worker's start to the last one's end. */
static int
run_supervise(struct sm_super *s, struct sm_err *err)
{
	struct sm_startcheck check = { 0 };
	bool more = true;
	int ret;

	ret = sm_super_recover(s, err);
	if (ret == 0)
		ret = sm_super_fill(s, err);
		/* Workers need not wait for this. */
#ifndef SABOTAGE_no_start_check
	if (ret == 0)
		ret = sm_startcheck(&check, s->h, err);
#endif
	if (ret == 0) {
		sm_startcheck_notice(&check, s->ev);
		ret = run_follow(s, err);
	}
	while (ret == 0 && more) {
		ret = sm_super_loop(s, err);
		sm_follow_stop(s->follow);
		if (ret == 0)
			ret = run_look_for_more(&more, s, err);
	}
	sm_follow_stop(s->follow);
	if (ret == 0 && s->why.code != 0 && s->why.code != SM_EWORK) {
		*err = s->why;
		ret = s->why.code;
	}
	if (ret < 0 && s->h->reach.lost)
		sm_super_kill_children(s);
	if (ret < 0)
		sm_super_end_children(s);
	return ret;
}

/* Make what is left and join it. */
static int
run_round(struct sm_finalize_result *made, struct sm_super *s,
	  struct sm_run_result *result, struct sm_err *err)
{
	struct sm_finalize_opts fin = { .events = s->opts->events };
	struct sm_err why;
	int ret;

	ret = run_supervise(s, err);
	result->signals = s->stops;
	if (ret == 0)
		ret = sm_follow_hear(s->follow, s->ev, err);
	if (ret == 0)
		ret = sm_files_sync(&s->h->files, err);
	if (ret == 0)
		ret = sm_run_verdict(result, s->h, s->ev, err);
	if (ret == 0 && s->h->job.final_path) {
		ret = sm_follow_join(made, s->follow, s->h, &fin, &why);
		if (ret < 0)
			*err = why;
	}
	sm_follow_free(s->follow);
	s->follow = NULL;
	sm_super_see_off(s);
	return ret;
}

static int
run_rounds(struct sm_super *s, struct sm_run_result *result, struct sm_err *err)
{
	const struct sm_run_opts *opts = s->opts;
	struct sm_finalize_result made = { 0 };
	int ret, tries;

	for (tries = 1;; tries++) {
		/* What was joined, and consumed, before the start check. */
		ret = run_reload(s->h, err);
		if (ret == 0)
			ret = run_round(&made, s, result, err);
		if (ret != SM_EVERIFY || tries == JOIN_TRIES)
			break;
		sm_event_notice(&opts->events, "%s; making it again",
				err->text);
	}
	if (ret == 0 && made.path) {
		result->finalized = true;
		result->was_complete = made.was_complete;
		result->final_size = made.size;
		result->final_path = made.path;
		made.path = NULL;
	}
	sm_finalize_result_release(&made);
	return ret;
}

static struct sm_runs_end
run_how(const struct sm_super *s, const struct sm_run_result *result, int ret,
	const struct sm_err *err)
{
	struct sm_runs_end end = { .why = "all batches are done",
				   .exit_status = sm_code_exit(ret),
				   .signal = -1,
				   .at = sm_clock_wall() };

	if (ret < 0)
		sm_runs_why(&end, err);
	else if (result->finalized)
		snprintf(end.why, sizeof(end.why),
			 "all batches are done, and the final file is whole");
	if (ret == SM_ESTOPPED && s->ev->signal && *s->ev->signal) {
		end.signal = (int)*s->ev->signal;
		end.exit_status = 128 + end.signal;
	}
	return end;
}

/* The rows' end of the run, whatever came of it; a full disk may prevent it. */
static void
run_end(struct sm_super *s, const struct sm_runs_end *end)
{
	struct sm_handle *h = s->h;
	struct sm_err ignored;

	/* A worker that outlived an earlier run may have ended since. */
	sm_rescue_dead(h, &s->live, NULL, 0, s->ev, &ignored);
	if (sm_db_begin_write(h->db, &ignored) == 0) {
		if (sm_job_end_run(h->db, h->job.run, end->at, &ignored) == 0 &&
		    sm_runs_end(h->db, s->row, end, &ignored) == 0)
			sm_db_commit(h->db, &ignored);
		sm_db_rollback(h->db);
	}
	sm_db_checkpoint(h->db, &ignored);
	sm_joblog_write(h->dir.fd, "run %lld ended with %d: %s",
			(long long)s->row, end->exit_status, end->why);
}

static int
run_watched(struct sm_super *s, struct sm_run_result *result,
	    struct sm_err *err)
{
	struct sm_handle *h = s->h;
	struct sm_runs_end end;
	char *path = NULL;
	int ret = sm_place_refuse_alone(h->place, &h->dir, h->home, err);

	if (ret == 0)
		ret = sm_files_require(&h->files, h->spec, &h->dir, err);
	if (ret == 0)
		ret = sm_settings_limit(h, s->opts->limits, err);
	if (ret == 0)
		ret = sm_handle_check_inputs(h, s->ev, err);
	if (ret == 0)
		ret = h->kind->check(h->spec->opts, err);
	if (ret == 0)
		sm_run_notice_place(h, s->ev);
	if (ret == 0)
		ret = run_check(&path, h, s->opts, err);
	if (ret == 0)
		ret = run_set(s, path, err);
	free(path);
	if (s->row == 0)
		return ret;
	sm_joblog_write(h->dir.fd, "run %lld began: %d worker%s, shardmill %s",
			(long long)s->row, h->job.workers,
			h->job.workers == 1 ? "" : "s", SHARDMILL_VERSION);
	if (ret == 0)
		ret = sm_db_set_full_sync(h->db, h->job.sync == SM_SYNC_SHARD,
					  err);
	if (ret == 0) {
		sm_run_notice_consume(h, s->ev);
		/* Orphans of commands come to us, to be ended with their
		 * worker. */
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
		ret = run_rounds(s, result, err);
		prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	}
	end = run_how(s, result, ret, err);
	/* Somebody is at job.db whom our locks do not keep out of it. */
	if (h->reach.lost)
		sm_joblog_write(h->dir.fd, "run %lld ended: %s",
				(long long)s->row, end.why);
	else
		run_end(s, &end);
	sm_dir_size(&result->job_size, h->dir.fd);
	return ret;
}

static int
run_locked(struct sm_handle *h, const struct sm_run_opts *opts,
	   struct sm_run_result *result, struct sm_err *err)
{
	struct sm_super s = { 0 };
	int ret;

	sm_fault("run.locked");
	ret = sm_handle_check_run(h, err);
	if (ret == 0)
		ret = run_reload(h, err); /* a plan may have set it */
	if (ret == 0)
		ret = run_enter_wal(h, &opts->events, err);
	if (ret < 0)
		return ret;
	ret = sm_super_init(&s, h, opts, err);
	if (ret == 0)
		ret = run_watched(&s, result, err);
	if (ret < 0 && s.row == 0)
		sm_joblog_write(h->dir.fd, "a run could not begin: %s",
				err->text);
	sm_super_release(&s);
	return ret;
}

/* run.lock is ours, or is not needed to go on; SM_EHELD. */
static int
run_take_lock(struct sm_handle *h, const struct sm_run_opts *opts,
	      struct sm_err *err)
{
	int ret = sm_lock_try(&h->run_lock, h->dir.fd, "run.lock", err);

	if (ret < 0)
		return ret;
	if (opts->takeover)
		return 0;
	if (ret > 0)
		return sm_handle_refuse_host(h, err);
	return sm_err_set(err, SM_EHELD,
			  "another plan or run holds the job '%s'; 'shardmill "
			  "status' shows it, 'shardmill set JOB -j N' changes "
			  "how many workers it has, 'shardmill work' joins it "
			  "with one more worker, 'run --takeover' ends a "
			  "supervisor whose host died",
			  h->dir.path);
}

/*
 * Is every batch done and nothing to be joined?  Then a takeover, which a
 * scheduler may start again for whatever reason, leaves the job untouched.
 */
static int
run_look_if_finished(bool *finished, struct sm_run_result *result,
		     struct sm_handle *h, const struct sm_run_opts *opts,
		     struct sm_err *err)
{
	struct sm_batch_counts c;
	int ret;

	if (!opts->takeover || h->job.final_path || opts->output)
		return 0;
	ret = sm_batch_counts(&c, h->db, err);
	*finished = ret == 0 && c.done == c.total;
	if (*finished)
		ret = sm_files_require(&h->files, h->spec, &h->dir, err);
	if (*finished && ret == 0)
		ret = sm_files_all(finished, &h->files, h->db,
				   h->job.first_batch, err);
	if (ret < 0)
		return ret;
	if (*finished) {
		result->done = c.done;
		sm_dir_size(&result->job_size, h->dir.fd);
	}
	return ret;
}

/* What is known of a run that failed, as far as the database can say it. */
static void
run_tell_known(struct sm_run_result *result, struct sm_handle *h)
{
	struct sm_batch_counts c;
	struct sm_err ignored;

	if (!h->db || h->reach.lost)
		return;
	if (sm_batch_counts(&c, h->db, &ignored) == 0) {
		result->done = c.done;
		result->failed = c.failed;
		result->left = c.pending + c.running;
	}
	if (!result->final_path && h->job.final_path)
		result->final_path = strdup(h->job.final_path);
}

int
sm_one_run(struct sm_run_result *result, const char *job,
	   const struct sm_run_opts *opts, struct sm_err *err)
{
	struct run_patience patience = { .ev = &opts->events };
	struct sm_db_opts db = { .mode = SM_DB_WRITE,
				 .wait = { .notice = run_wait_notice,
					   .give_up = run_give_up,
					   .arg = &patience } };
	struct sm_handle h = SM_HANDLE_NONE;
	struct sm_run_opts logged = *opts;
	struct sm_joblog log;
	bool finished = false;
	int ret;

	*result = (struct sm_run_result){ 0 };
	ret = sm_handle_open(&h, job, &db, opts->trust, err);
	sm_joblog_open(&log, h.dir.fd, &opts->events);
	logged.events = log.events;
	if (ret == 0)
		ret = run_look_if_finished(&finished, result, &h, opts, err);
	if (ret == 0 && !finished)
		ret = run_take_lock(&h, opts, err);
	if (ret == 0 && !finished)
		ret = run_locked(&h, &logged, result, err);
	if (ret < 0)
		run_tell_known(result, &h);
	sm_joblog_close(&log);
	sm_handle_close(&h);
	return ret;
}
