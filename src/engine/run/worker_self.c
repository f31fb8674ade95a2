/*
 * worker_self.c - a worker joins a job, looks around while idle, and leaves
 *
 * It holds all that a worker does between batches: its lock byte and row, the
 * run it belongs to, and the rescue of others while it has nothing to do.
 * work.c holds the batches.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fault.h"
#include "lock.h"
#include "rescue.h"
#include "runs.h"

#include "files.h"
#include "sigbus.h"

#include "worker_self.h"

/* How often a worker by hand looks after the others. */
#define OBSERVE_MS     1000
#define SELF_TITLE_MAX 400 /* a file's name has at most 255 bytes */

void
sm_self_notice(struct sm_self *w, const char *fmt, ...)
{
	char text[SM_ERR_TEXT], said[SM_SAID_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), sm_err_said(said, fmt), ap);
	va_end(ap);
	if (w->supervised)
		sm_pulse_send(w->control_fd, SM_PULSE_NOTICE, text,
			      strlen(text));
	else
		sm_event_notice(w->ev, "%s", text);
}

static void
self_wait_notice(const char *text, void *arg)
{
	sm_self_notice(arg, "%s", text);
}

static bool
self_give_up(void *arg)
{
	struct sm_self *w = arg;

	return atomic_load(&w->pulse.stop);
}

/* Rows that the former holder of our slot left open. */
static int
self_rescue_slot(struct sm_self *w, struct sm_err *err)
{
	struct sm_worker other = { 0 };
	int ret;

	while ((ret = sm_worker_next(&other, w->h.db, other.id, err)) > 0) {
		if (other.slot != w->live.slot)
			continue;
		ret = sm_rescue_interrupted(&w->h, &other, NULL, err);
		if (ret < 0)
			return ret;
	}
	return ret;
}

/*
 * A slot whose former holder has been buried: see sm_live_take().  The first
 * ones, as many as the job wants workers, are left to those of a supervisor: a
 * command is told the number, and takes a device or a port by it.
 */
static int
self_take_slot(struct sm_self *w, struct sm_err *err)
{
	bool open[SM_LIVE_SLOTS] = { false };
	struct sm_worker *list;
	size_t n, i;
	int ret = sm_worker_list(&list, &n, w->h.db, err);

	for (i = 0; i < n; i++)
		if (list[i].slot >= 0 && list[i].slot < SM_LIVE_SLOTS)
			open[list[i].slot] = true;
	free(list);
	for (i = 0;
	     !w->supervised && i < SM_LIVE_SLOTS && (int)i < w->h.job.workers;
	     i++)
		open[i] = true;
	if (ret == 0)
		ret = sm_live_take(&w->live, open, err);
	return ret;
}

/*
 * The lock byte is held before the row is written: a row without a lock is a
 * dead worker's to whoever looks.  A dead holder of the slot is buried first,
 * since its row would look alive under our lock.
 */
int
sm_self_register(struct sm_self *w, struct sm_err *err)
{
	char host[SM_WORKER_HOST_MAX];
	int ret = self_rescue_slot(w, err);

	if (ret < 0)
		return ret;
	w->row = (struct sm_worker){
		.slot = w->live.slot,
		.pid = getpid(),
		.pid_start = sm_live_pid_start(getpid()),
		.supervised = w->supervised,
		.started = sm_clock_wall(),
	};
	sm_worker_this_host(host);
	ret = sm_db_begin_write(w->h.db, err);
	if (ret < 0)
		return ret;
	/* A run that was taken over is not joined a second time. */
	ret = sm_handle_check_run(&w->h, err);
	/*
	 * --restart removes the file, and this connection would go on with it.
	 */
	if (ret == 0 && faccessat(w->h.dir.fd, "job.db", F_OK, 0) < 0)
		ret = sm_err_sys_as(err, SM_EINPUT,
				    "the job '%s' was planned anew meanwhile: "
				    "cannot find its job.db",
				    w->h.dir.path);
	if (ret == 0 && !w->supervised && w->run_row == 0)
		ret = sm_runs_begin(&w->run_row, w->h.db, true, w->row.started,
				    err);
	else if (ret == 0 && !w->supervised)
		ret = sm_runs_go_on(w->h.db, w->run_row, err);
	w->row.run = w->run_row;
	if (ret == 0)
		ret = sm_worker_insert(w->h.db, &w->row, host, err);
	if (ret == 0)
		ret = sm_db_commit(w->h.db, err);
	else
		sm_db_rollback(w->h.db);
	w->claim.worker = w->row.id;
	w->claim.run = w->h.job.run;
	w->claim.fingerprint = w->h.job.fingerprint;
	sm_fault("work.registered");
	return ret;
}

static void
self_said(const struct sm_piece *b, const char *text, size_t len, void *arg)
{
	struct sm_self *w = arg;

	sm_live_say(&w->live, b->token, text, len);
}

static int
self_open_kind(struct sm_self *w, struct sm_err *err)
{
	struct sm_kind_env env = {
		.spec = w->h.spec,
		.job_dirfd = w->h.dir.fd,
		.stop = &w->pulse.stop,
		.drain = &w->pulse.drain,
		.stop_fd = w->pulse.stop_fd,
		.slot = w->live.slot,
		.files_dirfd = w->h.files.fd,
		.command = &w->live.slots[w->live.slot].command,
		.said = self_said,
		.waits = self_wait_notice,
		.said_arg = w,
	};
	int ret;

	ret = sm_jobdir_tables(&env.tables_dirfd, &w->h.dir, w->h.fingerprint,
			       err);
	if (ret < 0)
		return ret;
	if (!w->out)
		ret = sm_out_new(&w->out, env.stop, err);
	if (ret == 0)
		ret = w->h.kind->open(&w->state, &env, err);
	close(env.tables_dirfd);
	return ret;
}

int
sm_self_reopen(struct sm_self *w, int64_t limits, struct sm_err *err)
{
	int64_t run = w->h.job.run;
	int ret;

	/* It may have the specification that goes now. */
	w->h.kind->close(w->state);
	w->state = NULL;
	ret = sm_handle_reload(&w->h, err);
	w->h.job.run = run;
	if (ret == 0)
		ret = self_open_kind(w, err);
	w->limits = limits;
	return ret;
}

/*
 * The supervisor's run, and no later one: a worker whose host was frozen before
 * it opened the job is part of the copy that was fenced off.
 */
static int
self_hear_run(struct sm_self *w, struct sm_err *err)
{
	if (!w->supervised)
		return 0;
	return sm_pulse_hear_run(&w->h.job.run, w->control_fd, err);
}

static void
self_say_title(struct sm_self *w, const char *what)
{
	const char *job = w->h.job.final_path, *name;
	char text[SELF_TITLE_MAX];

	if (!w->ev->title)
		return;
	if (!job)
		job = w->h.dir.path;
	name = strrchr(job, '/');
	name = name ? name + 1 : job;
	snprintf(text, sizeof(text), "%s, worker %d, %s", name, w->live.slot,
		 what);
	w->ev->title(text, w->live.slot, w->ev->arg);
}

int
sm_self_join(struct sm_self *w, const char *job,
	     const struct sm_work_opts *opts, struct sm_err *err)
{
	struct sm_db_opts db = { .mode = SM_DB_WRITE,
				 .wait = { .notice = self_wait_notice,
					   .give_up = self_give_up,
					   .arg = w } };
	int ret;

	if (opts->control_fd < 0 ||
	    (opts->control_fd > 0 && opts->control_fd < SM_WORKER_FD))
		return sm_err_set(err, SM_EUSAGE,
				  "control_fd is %d: SM_WORKER_FD under a "
				  "supervisor, 0 without one",
				  opts->control_fd);
	w->supervised = opts->control_fd > 0;
	if (w->supervised)
		w->control_fd = opts->control_fd;
	w->ev = &opts->events;
	sm_memory_watch_begin(&w->memory, "/proc/self");
	/* The supervisor has asked whose job it is, and told of a trigger. */
	db.triggers = w->supervised;
	ret = sm_handle_open(&w->h, job, &db, opts->trust || w->supervised,
			     err);
	sm_fault("work.opened");
	w->limits = w->h.job.limits;
	if (ret == 0 && !w->supervised) {
		sm_joblog_open(&w->log, w->h.dir.fd, &opts->events);
		w->ev = &w->log.events;
	}
	if (ret == 0)
		ret = self_hear_run(w, err);
	if (ret == 0 && !w->supervised)
		ret = sm_handle_refuse_host(&w->h, err);
	if (ret == 0)
		ret = sm_db_set_full_sync(w->h.db,
					  w->h.job.sync == SM_SYNC_SHARD, err);
	if (ret == 0)
		ret = sm_sigbus_install(err);
	if (ret == 0)
		ret = sm_live_open(&w->live, w->h.dir.fd, err);
	if (ret == 0)
		ret = self_take_slot(w, err);
	if (ret == 0)
		sm_self_title(w, true);
	w->pulse.db = w->h.db;
	if (ret == 0)
		ret = sm_pulse_start(
			&w->pulse, &w->live, &w->h.reach, w->control_fd,
			w->supervised ? NULL : opts->events.stop, err);
	/*
	 * Without a supervisor, what it does before it starts workers is done
	 * here.
	 */
	if (ret == 0 && !w->supervised)
		ret = sm_watch_init(&w->watch, &w->live, w->h.job.lease_s, err);
	if (ret == 0 && !w->supervised)
		ret = sm_handle_check_inputs(&w->h, w->ev, err);
	if (ret == 0)
		ret = sm_files_require(&w->h.files, w->h.spec, &w->h.dir, err);
	/* What is to end its commands is forked there, and keeps this name. */
	if (ret == 0)
		self_say_title(w, "guard");
	if (ret == 0)
		ret = self_open_kind(w, err);
	w->titled_idle = false;
	if (ret == 0)
		sm_self_title(w, true);
	if (ret == 0)
		ret = sm_self_register(w, err);
	return ret;
}

/* How a `work` by hand ended. */
static struct sm_runs_end
self_how(const struct sm_self *w, const struct sm_err *why)
{
	struct sm_runs_end end = { .why = "nothing was left to take",
				   .exit_status = 0,
				   .signal = -1,
				   .at = sm_clock_wall() };

	if (!why)
		return end;
	sm_runs_why(&end, why);
	end.exit_status = sm_code_exit(why->code);
	if (why->code == SM_ESTOPPED && w->ev->signal && *w->ev->signal) {
		end.signal = (int)*w->ev->signal;
		end.exit_status = 128 + end.signal;
	}
	return end;
}

/*
 * The row is ended first, while the lock is still held: nobody need rescue a
 * worker that has left in order.  Whatever fails here is left to a rescue.
 */
void
sm_self_leave(struct sm_self *w, const struct sm_err *why)
{
	struct sm_runs_end end = self_how(w, why);
	struct sm_err ignored;

	/*
	 * While the row is open: a command that is on its way out is seen, and
	 * its group ended, if this process dies now.
	 */
	if (w->state)
		w->h.kind->close(w->state);
	if (w->row.id && !w->h.reach.lost &&
	    sm_db_begin_write(w->h.db, &ignored) == 0) {
		if (sm_worker_end(w->h.db, w->row.id, end.at, &ignored) == 0 &&
		    (w->supervised ||
		     sm_runs_end(w->h.db, w->run_row, &end, &ignored) == 0))
			sm_db_commit(w->h.db, &ignored);
		sm_db_rollback(w->h.db);
	}
	sm_joblog_close(&w->log);
	if (w->run_row)
		sm_joblog_write(w->h.dir.fd, "work %lld ended with %d: %s",
				(long long)w->run_row, end.exit_status,
				end.why);
	if (why && w->supervised)
		sm_pulse_send(w->control_fd, SM_PULSE_ERROR, why, sizeof(*why));
	sm_watch_release(&w->watch);
	sm_pulse_end(&w->pulse);
	sm_live_close(&w->live);
	sm_buf_release(&w->made.stderr_tail);
	sm_out_free(w->out);
	sm_handle_close(&w->h);
}

/*
 * The list is read before the beats are compared: a worker that registers in
 * between is new to the watch, and gets a whole lease.
 */
static int
self_watch_others(struct sm_self *w, struct sm_err *err)
{
	struct sm_worker *list;
	size_t n, i, others = 0;
	int ret = sm_worker_list(&list, &n, w->h.db, err);

	for (i = 0; i < n; i++)
		if (list[i].id != w->row.id)
			list[others++] = list[i];
	n = others;
	if (ret == 0)
		ret = sm_watch_set(&w->watch, list, n, err);
	if (ret == 0)
		sm_watch_tick(&w->watch, sm_clock_ms());
	for (i = 0; i < n && ret == 0; i++)
		if (sm_watch_is_stalled(&w->watch, list[i].id))
			ret = sm_rescue_stalled(&w->h, &list[i], w->ev, err);
	free(list);
	if (ret < 0)
		return ret;
	return sm_rescue_dead(&w->h, &w->live, &w->row.id, 1, w->ev, err);
}

/* A supervisor looks after everybody; without one, idle workers do. */
static int
self_observe(struct sm_self *w, struct sm_err *err)
{
	uint64_t now = sm_clock_ms();

	if (w->supervised || now - w->looked_ms < OBSERVE_MS)
		return 0;
	w->looked_ms = now;
	if (sm_lock_held(w->h.dir.fd, "run.lock") > 0)
		return 0;
	return self_watch_others(w, err);
}

/*
 * May no further batch be begun?  A command that lives over batches takes
 * memory between them too: as many of those as may run are left alive.
 */
static bool
self_is_full(struct sm_self *w, const struct sm_job_now *live)
{
	if (live->at_once == 0 ||
	    (!live->full && sm_live_commands(&w->live) < live->at_once))
		return false;
	if (w->h.kind->rest)
		w->h.kind->rest(w->state);
	return true;
}

/* Somebody gave this worker up for dead, and was wrong. */
static int
self_stay_registered(struct sm_self *w, struct sm_err *err)
{
	bool open;
	int ret = sm_worker_is_open(&open, w->h.db, w->row.id, err);

	if (ret < 0 || open)
		return ret;
	return sm_self_register(w, err);
}

int
sm_self_next_step(enum sm_self_work *work, struct sm_self *w,
		  struct sm_err *err)
{
	struct sm_batch_left left;
	struct sm_job_now live;
	double now = sm_clock_wall();
	int ret;

	ret = sm_job_now(&live, w->h.db, err);
	if (ret == 0 && live.run != w->claim.run)
		ret = sm_handle_check_run(&w->h, err);
	if (ret == 0)
		ret = self_stay_registered(w, err);
	if (ret == 0)
		ret = self_observe(w, err);
	if (ret == 0)
		ret = sm_batch_left(&left, w->h.db, err);
	if (ret < 0)
		return ret;
	*work = SM_SELF_WAIT;
	if (!left.pending && !left.running)
		*work = SM_SELF_NONE_LEFT;
	else if (left.pending && !live.paused && !self_is_full(w, &live) &&
		 /* Further ahead than the longest backoff is due too (see the
		  * claim). */
		 (left.next_due <= now || left.next_due > now + 3600))
		*work = SM_SELF_DUE;
	return 0;
}

void
sm_self_title(struct sm_self *w, bool idle)
{
	char what[40] = "idle";

	if (idle && w->titled_idle)
		return;
	w->titled_idle = idle;
	if (!idle)
		snprintf(what, sizeof(what), "batch %llu",
			 (unsigned long long)w->b.piece.id);
	self_say_title(w, what);
}

void
sm_self_claimed(struct sm_self *w)
{
	sm_self_title(w, false);
	if (!w->told_claim)
		sm_pulse_send(w->control_fd, SM_PULSE_CLAIMED, NULL, 0);
	w->told_claim = true;
}

/* Those whose bytes are locked; the first of their slots are a supervisor's. */
static int
self_count_workers(unsigned *n, struct sm_self *w, struct sm_err *err)
{
	struct sm_worker other = { 0 };
	int ret;

	*n = 0;
	while ((ret = sm_worker_next(&other, w->h.db, other.id, err)) > 0)
		*n += sm_live_held(&w->live, other.slot);
	return ret;
}

int
sm_self_tell(struct sm_self *w, struct sm_err *err)
{
	struct sm_straggler g;
	unsigned workers;
	bool found;
	int ret;

	if (w->supervised || !w->ev->progress || !sm_tell_is_due(&w->tell))
		return 0;
	ret = self_count_workers(&workers, w, err);
	if (ret == 0)
		ret = sm_batch_straggler(&found, &g, w->h.db, err);
	if (ret == 0)
		ret = sm_tell_progress(&w->tell, w->ev, w->h.db, workers, &g,
				       err);
	return ret;
}

/* Of a supervised worker only its supervisor knows how the run ended. */
int
sm_self_verdict(struct sm_self *w, struct sm_err *err)
{
	struct sm_batch_left left;
	struct sm_run_by by;
	bool failed;
	int ret = sm_batch_left(&left, w->h.db, err);

	if (ret < 0 || w->supervised)
		return ret;
	if (left.pending || left.running)
		return sm_err_set(
			err, SM_ESTOPPED, "stopped with work left; %s goes on",
			sm_kind_run_by(&by, w->h.spec, w->h.dir.path));
	ret = sm_batch_any_failed(&failed, w->h.db, err);
	if (ret == 0 && failed)
		return sm_err_set(err, SM_EWORK,
				  "batches failed; 'shardmill status %s' names "
				  "them",
				  w->h.dir.path);
	return ret;
}
