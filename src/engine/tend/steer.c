/*
 * steer.c - what a person changes while a job runs: settings, and one batch
 *
 * A supervisor and its workers look at the rows by themselves, so that to
 * change a row is to steer them; only a batch that is to end at once needs a
 * signal.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

#include "joblog.h"
#include "live.h"
#include "lock.h"
#include "pipes.h"
#include "runs.h"
#include "settings.h"
#include "tend.h"
#include "worker.h"

/* From TERM to KILL, and how often to look meanwhile. */
#define STEER_GRACE_MS 5000
#define STEER_LOOK_MS  20

/* ---------------------------------------------------------------- set -- */

static int
set_rows(struct sm_set_result *r, struct sm_handle *h,
	 const struct sm_set_opts *opts, const char *spec, struct sm_err *err)
{
	struct sm_job_steer to = { -1, -1, -1, spec };
	uint64_t n;
	size_t i;
	int ret;

	if (opts->has_workers)
		to.workers = opts->workers;
	if (opts->paused)
		to.paused = opts->paused > 0;
	if (opts->max_attempts)
		to.max_attempts = opts->max_attempts;
	ret = sm_job_steer(h->db, &to, err);
	for (i = 0; ret == 0 && i < opts->ranges; i++) {
		ret = sm_batch_set_priority(&n, h->db, &opts->range[i],
					    opts->priority, err);
		r->prioritized += n;
	}
	if (ret == 0)
		ret = sm_runs_note_pause(h->db, sm_clock_wall(), err);
	return ret;
}

/*
 * In the write transaction: the row as it was, its change, and what it is now.
 * The specification of a job that was moved is not as it is to be used until a
 * run has recorded the new place.
 */
static int
set_in_turn(struct sm_set_result *r, struct sm_handle *h,
	    const struct sm_set_opts *opts, struct sm_err *err)
{
	bool limits = opts->limits && opts->limits->name;
	struct sm_run_by by;
	char *spec = NULL;
	int64_t was;
	int ret = sm_handle_reload(h, err);

	if (ret < 0)
		return ret;
	r->was_workers = h->job.workers;
	r->was_paused = h->job.paused;
	r->was_max_attempts = h->job.max_attempts;
	was = h->job.limits;
	if (limits && h->place != SM_PLACE_HOME)
		ret = sm_err_set(err, SM_EREFUSED,
				 "the job '%s' was moved or copied here: "
				 "%s takes it over, and the limits as well",
				 h->dir.path,
				 sm_kind_run_by(&by, h->spec, NULL));
	if (ret == 0 && limits)
		ret = sm_settings_limit(h, opts->limits, err);
	if (ret == 0 && limits) {
		spec = sm_spec_text(h->spec, err);
		ret = spec ? 0 : err->code;
	}
	if (ret == 0)
		ret = set_rows(r, h, opts, spec, err);
	free(spec);
	if (ret == 0)
		ret = sm_handle_reload(h, err);
	if (ret < 0)
		return ret;
	r->workers = h->job.workers;
	r->paused = h->job.paused;
	r->max_attempts = h->job.max_attempts;
	r->limits = r->limits || h->job.limits != was;
	return 0;
}

static void
set_log(const struct sm_set_result *r, const struct sm_handle *h)
{
	if (r->workers != r->was_workers)
		sm_joblog_write(h->dir.fd, "set: %d worker%s, not %d",
				r->workers, r->workers == 1 ? "" : "s",
				r->was_workers);
	if (r->paused != r->was_paused)
		sm_joblog_write(h->dir.fd, "set: %s",
				r->paused ? "paused" : "not paused any more");
	if (r->max_attempts != r->was_max_attempts)
		sm_joblog_write(h->dir.fd, "set: %d attempts at most, not %d",
				r->max_attempts, r->was_max_attempts);
	if (r->limits)
		sm_joblog_write(h->dir.fd, "set: other limits");
}

int
sm_one_set(struct sm_set_result *r, const char *job,
	   const struct sm_set_opts *opts, struct sm_err *err)
{
	struct sm_db_opts db = { .mode = SM_DB_WRITE,
				 .wait = { .limit_s = SM_OUTSIDER_LIMIT_S } };
	struct sm_handle h = SM_HANDLE_NONE;
	struct sm_batch_counts c;
	size_t i;
	int ret = sm_handle_open(&h, job, &db, opts->trust, err);

	for (i = 0; ret == 0 && i < opts->ranges; i++)
		ret = sm_retry_check_range(&h, &opts->range[i], err);
	if (ret == 0)
		ret = sm_db_begin_write(h.db, err);
	if (ret < 0)
		goto out;
	ret = set_in_turn(r, &h, opts, err);
	if (ret == 0)
		ret = sm_db_commit(h.db, err);
	else
		sm_db_rollback(h.db);
	/* A kill before this leaves an older copy, which the next run mends. */
	if (ret == 0 && r->limits)
		ret = sm_jobdir_write(&h.dir, "spec.json", h.job.spec, err);
	if (ret == 0)
		ret = sm_batch_counts(&c, h.db, err);
	if (ret < 0)
		goto out;
	r->running += c.running;
	r->active = r->active || sm_lock_held(h.dir.fd, "run.lock") > 0;
	set_log(r, &h);
out:
	sm_handle_close(&h);
	return ret;
}

/* --------------------------------------------------------------- stop -- */

struct stop {
	struct sm_handle *h;
	struct sm_live live;
	struct sm_batch_holder held;
	int64_t command; /* process group; 0: none */
};

static int
stop_check(const struct stop *s, uint64_t batch, struct sm_err *err)
{
	char here[SM_WORKER_HOST_MAX];

	if (!s->held.state[0])
		return sm_err_set(err, SM_EUSAGE,
				  "there is no batch %llu in this job; batches "
				  "count from 0",
				  (unsigned long long)batch);
	if (strcmp(s->held.state, "running") != 0)
		return sm_err_set(err, SM_EREFUSED,
				  "batch %llu is not running: it is %s",
				  (unsigned long long)batch, s->held.state);
	sm_worker_this_host(here);
	if (strcmp(s->held.host, here) == 0)
		return 0;
	return sm_err_set(err, SM_EREFUSED,
			  "batch %llu runs on the host '%s'; stop it there",
			  (unsigned long long)batch, s->held.host);
}

/*
 * Within the transaction: as long as it lasts the worker cannot commit the
 * batch and go on to another, so that it is this batch's command that ends.
 */
static void
stop_signal(struct sm_stop_result *r, struct stop *s)
{
	const struct sm_batch_holder *held = &s->held;

	if (held->slot < 0 || !sm_live_held(&s->live, held->slot))
		return; /* it is dead: there is nothing to end */
	s->command = sm_live_command(&s->live, held->slot);
	if (s->command > 1) {
		r->command = kill((pid_t)-s->command, SIGTERM) == 0;
		/* One that was stopped hears TERM only when it goes on. */
		kill((pid_t)-s->command, SIGCONT);
	} else if (held->supervised) {
		sm_live_kill(held->pid, held->pid_start);
		r->worker = true;
	}
}

/* What the attempt had begun to write; a worker that lives does it itself. */
static void
stop_tidy(const struct stop *s)
{
	const struct sm_piece *p = &s->held.batch.piece;
	char name[SM_SHARD_NAME_MAX];

	sm_shard_tmp_name(name, p->id, s->h->digits, p->token);
	unlinkat(s->h->dir.shards_fd, name, 0);
	sm_files_remove_tmp(&s->h->files, p->id, p->token);
	sm_pipes_remove(s->h, p->id, p->token);
}

/*
 * The worker ends its row when it finds itself fenced off.  Until then the
 * command that it has in hand is still the batch's.
 */
static int
stop_wait(struct sm_stop_result *r, struct stop *s, struct sm_err *err)
{
	uint64_t begun = sm_clock_ms();
	bool open = true;
	int ret = 0;

	while (ret == 0 && open &&
	       sm_live_command(&s->live, s->held.slot) == s->command) {
		if (!r->killed && sm_clock_ms() - begun >= STEER_GRACE_MS) {
			kill((pid_t)-s->command, SIGKILL);
			r->killed = true;
		}
		if (sm_clock_ms() - begun >= 2 * STEER_GRACE_MS)
			break;
		sm_clock_sleep_ms(STEER_LOOK_MS);
		ret = sm_worker_is_open(&open, s->h->db, s->held.batch.worker,
					err);
	}
	return ret;
}

int
sm_one_stop(struct sm_stop_result *r, struct sm_handle *h, uint64_t batch,
	    struct sm_err *err)
{
	struct stop s = { .h = h, .live = SM_LIVE_NONE };
	double now = sm_clock_wall();
	bool held;
	int ret = sm_live_open(&s.live, h->dir.fd, err);

	if (ret == 0)
		ret = sm_db_begin_write(h->db, err);
	if (ret < 0)
		goto out;
	ret = sm_batch_held_by(&s.held, h->db, batch, err);
	if (ret == 0)
		ret = stop_check(&s, batch, err);
	if (ret == 0)
		ret = sm_batch_stop(&held, h->db, &s.held.batch, now, err);
	if (ret < 0) {
		sm_db_rollback(h->db);
		goto out;
	}
	stop_signal(r, &s);
	ret = sm_db_commit(h->db, err);
	if (ret < 0)
		goto out;
	r->elapsed_s = now - s.held.started;
	r->wait_s = SM_STOP_WAIT_S;
	sm_joblog_write(h->dir.fd, "batch %llu was ended by hand",
			(unsigned long long)batch);
	if (r->command)
		ret = stop_wait(r, &s, err);
	else if (r->worker)
		stop_tidy(&s);
out:
	sm_live_close(&s.live);
	return ret;
}
