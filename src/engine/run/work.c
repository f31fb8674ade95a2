/*
 * work.c - the life of a batch, from claim to done
 *
 *	 1. claim                                        work_claim
 *	 2. open NNNNNN.<token>.tmp                      work_make
 *	 3. produce records, deflate, write                  "
 *	 4. what follows the text: index, end, tail          "
 *	 5. sync and close, both checked                     "
 *	 6. queue, BEGIN IMMEDIATE                       work_commit
 *	 7. guarded UPDATE to done                           "
 *	 8. one row changed? rename to NNNNNN.gz             "
 *	 9. claim the next batch                             "
 *	10. COMMIT                                           "
 *
 * The rename comes after the guard and under the write lock: a worker that
 * lost its batch can neither mark the row nor replace a shard.  What a crash
 * leaves between any two of these steps is a row that is still running, put
 * back by whoever sees that the worker is dead, and a file that no reader
 * opens; or, after step 10, a done row and its shard.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fault.h"
#include "run.h"
#include "shortage.h"
#include "sigbus.h"

#include "worker_self.h"

/* Input/output trouble is not the batch's fault: the batch goes back, and the
 * worker gives up after so many in a row. */
#define IO_FAILURES_MAX 3
#define IO_PAUSE_MS     500
/* Asking again costs a few reads; the last batches of a run are short. */
#define IDLE_MIN_MS  5
#define IDLE_MAX_MS  200
#define COMMIT_TRIES 3
/* A signal to all processes reaches the command first, and us through the
 * supervisor, which may be waiting for its turn to write. */
#define SIGNAL_TO_ALL_MS 2000
#define SIGNAL_LOOK_MS   200

/* ------------------------------------------------------ claim: step 1 -- */

/* In a write transaction, whose COMMIT makes the claim: w->next, if any. */
static int
work_claim(struct sm_self *w, struct sm_err *err)
{
	w->claim.now = sm_clock_wall();
	return sm_batch_claim(&w->has_next, &w->next, w->h.db, &w->claim, err);
}

static void
work_forget_next(struct sm_self *w)
{
	sm_batch_release(&w->next);
	w->has_next = false;
}

static int
work_claim_alone(struct sm_self *w, struct sm_err *err)
{
	int ret = sm_db_begin_write(w->h.db, err);

	if (ret < 0)
		return ret;
	ret = work_claim(w, err);
	if (ret < 0 || !w->has_next) {
		sm_db_rollback(w->h.db);
		return ret;
	}
	ret = sm_db_commit(w->h.db, err);
	if (ret < 0) {
		/* Committed or not: what is lost is put back. */
		work_forget_next(w);
		return ret;
	}
	sm_fault("work.claimed");
	return 0;
}

/* ------------------------------------------------ make: steps 2 to 5 -- */

static int
work_produce(struct sm_self *w, struct sm_err *err)
{
	int ret;

	sm_out_begin(w->out, w->shard, &w->made);
	if (w->h.kind->foreign)
		return w->h.kind->produce(w->state, &w->b.piece, w->out, err);
	if (sigsetjmp(*sm_sigbus_enter(), 0) == 0)
		ret = w->h.kind->produce(w->state, &w->b.piece, w->out, err);
	else
		ret = sm_err_set(err, SM_EREFUSED,
				 "an input shrank while batch %llu was made "
				 "from it; put the planned file back, then run "
				 "the same command again",
				 (unsigned long long)w->b.piece.id);
	sm_sigbus_leave();
	return ret;
}

static void
work_made_nothing(struct sm_self *w)
{
	struct sm_buf memory = w->made.stderr_tail;

	sm_buf_clear(&memory);
	w->made = (struct sm_made)SM_MADE_NOTHING;
	w->made.stderr_tail = memory;
}

static int
work_make(struct sm_self *w, struct sm_err *err)
{
	const struct sm_piece *piece = &w->b.piece;
	bool sync = w->h.job.sync == SM_SYNC_SHARD;
	struct sm_entry e = { .fingerprint = w->h.fingerprint };
	int ret;

	work_made_nothing(w);
	ret = sm_shard_open(&w->shard, w->h.dir.shards_fd, piece->id,
			    w->h.digits, w->b.piece.token, err);
	if (ret < 0)
		return ret;
	ret = work_produce(w, err);
	if (ret == 0)
		ret = sm_out_end(w->out, err);
	if (ret < 0)
		return ret;
	sm_fault("work.produced");
	e.counts = w->made.counts;
	ret = sm_shard_finish(&e, w->shard, sync, err);
	w->made.sizes = e.sizes;
	return ret;
}

/* --------------------------------------------- commit: steps 6 to 10 -- */

static int
work_mark_done(struct sm_self *w, struct sm_err *err)
{
	double now = sm_clock_wall();
	bool held;
	int ret = sm_batch_complete(&held, w->h.db, &w->b, &w->made, now, err);

	if (ret < 0)
		return ret;
	if (held)
		return sm_shard_publish(w->shard, err);
	w->fenced = true;
	return sm_batch_fenced(w->h.db, &w->b, now, err);
}

static void
work_tell_room(struct sm_self *w)
{
	if (w->at_once > 0)
		sm_self_notice(w, "%d batches may be in hand again",
			       w->at_once);
	else if (w->at_once == 0)
		sm_self_notice(w, "as many batches as there are workers may be "
				  "in hand again");
}

/* 0, SM_EUNKNOWN, or an error after which nothing happened. */
static int
work_commit_once(struct sm_self *w, struct sm_err *err)
{
	int ret = sm_db_begin_write(w->h.db, err);

	if (ret < 0)
		return ret;
	w->fenced = false;
	ret = work_mark_done(w, err);
	w->at_once = -1;
	if (ret == 0 && !w->fenced)
		ret = sm_room_grow(&w->at_once, w->h.db, err);
	if (ret == 0 && !w->fenced && !atomic_load(&w->pulse.drain))
		ret = work_claim(w, err);
	if (ret < 0) {
		sm_db_rollback(w->h.db);
		return ret;
	}
	ret = sm_db_commit(w->h.db, err);
	if (ret == 0)
		work_tell_room(w);
	return ret;
}

/*
 * COMMIT failed.  `done`: it had taken effect, with the claim in it; if not,
 * the batch is still ours.  SM_EFENCED: it is not.
 */
static int
work_resolve(bool *done, struct sm_self *w, struct sm_err *err)
{
	struct sm_batch_row row;
	int ret;

	sm_fault("work.unknown");
	ret = sm_db_reopen(w->h.db, err);
	if (ret == 0)
		ret = sm_batch_row_of(&row, w->h.db, w->b.piece.id, err);
	if (ret < 0)
		return ret;
	*done = row.token == w->b.piece.token && row.state == SM_DONE;
	if (*done)
		return 0;
	work_forget_next(w);
	if (row.token == w->b.piece.token && row.state == SM_RUNNING)
		return 0;
	return sm_err_set(err, SM_EFENCED, "batch %llu was put back meanwhile",
			  (unsigned long long)w->b.piece.id);
}

static int
work_commit(struct sm_self *w, struct sm_err *err)
{
	bool done = false;
	int ret, tries, class = 0;

	for (tries = 0; tries < COMMIT_TRIES; tries++) {
		ret = work_commit_once(w, err);
		if (ret != SM_EUNKNOWN)
			return ret;
		class = err->sys;
		/* The row may be done: its file must stay whatever comes. */
		sm_shard_keep(w->shard);
		ret = work_resolve(&done, w, err);
		if (ret < 0 || done)
			return ret;
	}
	err->code = class;
	return sm_err_prefix(err, "cannot commit batch %llu, tried %d times",
			     (unsigned long long)w->b.piece.id, tries);
}

/* -------------------------------------------------- when it fails -- */

enum work_blame {
	BLAME_BATCH, /* counts against it */
	BLAME_STOP,  /* the batch goes back; the worker drains */
	BLAME_DISK,  /* the batch goes back; the worker may try again */
	BLAME_RUN,   /* the batch goes back; the run ends */
	/* It goes back, unless it was alone, and fewer run at once. */
	BLAME_MEMORY,
};

static enum work_blame
work_blame(int code)
{
	switch (code) {
	case SM_EIO:
	case SM_ENOMEM:
		return BLAME_DISK;
	case SM_ENOSPC:
	case SM_EREFUSED:
	case SM_EDAMAGED:
	case SM_ESTOPPED:
	case SM_EBUG:
		return BLAME_RUN;
	default:
		return BLAME_BATCH;
	}
}

/* Not if it was put back by hand, which ends its command by TERM. */
static bool
work_is_ours(struct sm_self *w)
{
	struct sm_batch_row row;
	struct sm_err ignored;

	return sm_batch_row_of(&row, w->h.db, w->b.piece.id, &ignored) < 0 ||
	       (row.state == SM_RUNNING && row.token == w->b.piece.token);
}

/*
 * Did the command die of what asks the run to end?  A scheduler that cancels or
 * moves a job sends TERM to every process of it; that is no failed try.
 */
static bool
work_was_stopped(struct sm_self *w, int code)
{
	int waited, sig = -1;

	if (code == SM_ESIGNAL)
		sig = w->made.signal;
	else if (code == SM_ECOMMAND) /* as a shell tells it */
		sig = w->made.exit_status - 128;
	if (sig != SIGTERM && sig != SIGINT && sig != SIGHUP)
		return false;
	for (waited = 0; waited < SIGNAL_TO_ALL_MS &&
			 !atomic_load(&w->pulse.drain) && work_is_ours(w);
	     waited += SIGNAL_LOOK_MS)
		sm_pulse_wait(&w->pulse, SIGNAL_LOOK_MS);
	return atomic_load(&w->pulse.drain);
}

/*
 * Was the command killed, and not by us?  Also where the kernel's OOM killer
 * counts nobody: the command may be in another control group, or have been
 * killed by a daemon that watches over memory.
 */
static bool
work_was_killed(const struct sm_self *w, int code)
{
	return (code == SM_ESIGNAL && w->made.signal == SIGKILL) ||
	       /* As a shell tells it. */
	       (code == SM_ECOMMAND && w->made.exit_status == 128 + SIGKILL);
}

static int
work_make_room(enum work_blame *blame, struct sm_self *w, struct sm_err *why,
	       struct sm_err *err)
{
	struct sm_room room;
	int ret = sm_room_shrink(&room, w->h.db, 1 + sm_live_commands(&w->live),
				 err);

	if (ret < 0)
		return ret;
	if (room.at_once == 0)
		*blame = BLAME_BATCH;
	sm_shortage_tell(why, &room, sm_memory_watch_look(&w->memory));
	return 0;
}

static struct sm_batch_trouble
work_describe(const struct sm_self *w, enum work_blame blame,
	      const struct sm_err *why)
{
	struct sm_batch_trouble t = {
		.outcome = "error",
		.exit_status = w->made.exit_status,
		.signal = w->made.signal,
		.error_class = sm_code_name(why->code),
		.message = why->text,
		.retry = sm_code_retry(why->code),
	};

	if (w->made.stderr_tail.len)
		t.stderr_text = w->made.stderr_tail.data;
	if (blame != BLAME_BATCH)
		t.outcome = "returned";
	else if (why->code == SM_ESIGNAL)
		t.outcome = "signal";
	else if (why->code == SM_ETIMEOUT)
		t.outcome = "timeout";
	return t;
}

static int
work_put_back(enum sm_fate *fate, struct sm_self *w, enum work_blame *blame,
	      struct sm_err *why, struct sm_err *err)
{
	struct sm_batch_trouble t;
	double now = sm_clock_wall();
	int ret = sm_db_begin_write(w->h.db, err);

	if (ret < 0)
		return ret;
	if (*blame == BLAME_MEMORY)
		ret = work_make_room(blame, w, why, err);
	t = work_describe(w, *blame, why);
	if (ret == 0 && *blame == BLAME_BATCH)
		ret = sm_batch_fail(fate, w->h.db, &w->b, &t, now, err);
	else if (ret == 0)
		ret = sm_batch_give_back(fate, w->h.db, &w->b, &t, now, err);
	if (ret == 0 && *fate == SM_FATE_FENCED)
		ret = sm_batch_fenced(w->h.db, &w->b, now, err);
	if (ret < 0) {
		sm_db_rollback(w->h.db);
		return ret;
	}
	return sm_db_commit(w->h.db, err);
}

static void
work_notice(struct sm_self *w, enum sm_fate fate, enum work_blame blame,
	    const struct sm_err *why)
{
	const char *end = "it will be retried";

	if (fate == SM_FATE_FAILED && sm_code_retry(why->code))
		end = "it has failed";
	else if (fate == SM_FATE_FAILED)
		end = "it has failed, and another would not help";
	else if (blame == BLAME_STOP)
		end = "it was given back";
	if (blame == BLAME_BATCH)
		sm_self_notice(w, "batch %llu: %s; try %lld of %lld: %s",
			       (unsigned long long)w->b.piece.id, why->text,
			       (long long)w->b.piece.attempt,
			       (long long)w->b.max_attempts, end);
	else
		sm_self_notice(w, "batch %llu: %s; %s",
			       (unsigned long long)w->b.piece.id, why->text,
			       end);
}

/* 0: go on; <0: the worker ends with it. */
static int
work_trouble(struct sm_self *w, struct sm_err *why, struct sm_err *err)
{
	enum work_blame blame = work_blame(why->code);
	enum sm_fate fate = SM_FATE_AGAIN;
	int ret;

	if (work_was_stopped(w, why->code))
		blame = BLAME_STOP;
	else if (work_was_killed(w, why->code))
		blame = BLAME_MEMORY;
	ret = work_put_back(&fate, w, &blame, why, err);
	if (ret == 0 && fate == SM_FATE_FENCED)
		w->fenced = true;
	/* What ends the worker is told when it ends. */
	else if (ret == 0 && blame != BLAME_RUN)
		work_notice(w, fate, blame, why);

	if (blame == BLAME_RUN ||
	    (blame == BLAME_DISK &&
	     (ret < 0 || ++w->io_failures >= IO_FAILURES_MAX))) {
		*err = *why; /* the cause, whatever came on top of it */
		return why->code;
	}
	if (ret < 0)
		return ret;
	if (blame == BLAME_DISK)
		sm_pulse_wait(&w->pulse, IO_PAUSE_MS);
	if (fate == SM_FATE_FAILED && w->h.job.fail_fast)
		return sm_err_set(err, SM_EWORK,
				  "batch %llu failed, and --fail-fast ends the "
				  "run",
				  (unsigned long long)w->b.piece.id);
	return 0;
}

static int
work_batch(struct sm_self *w, struct sm_err *err)
{
	struct sm_err why = { 0 };
	int ret;

	w->fenced = false;
	ret = work_make(w, &why);
	if (ret == 0) {
		ret = work_commit(w, &why);
		if (ret == 0)
			w->io_failures = 0;
	}
	/* Frees space before anything is written about it. */
	sm_shard_free(w->shard);
	w->shard = NULL;
	if (ret < 0)
		ret = work_trouble(w, &why, err);
	if (ret == 0 && w->fenced)
		ret = sm_self_register(w, err);
	sm_batch_release(&w->b);
	return ret;
}

/* ------------------------------------------------------- the loop -- */

/* `found`: w->b is a batch to make; if not, none is left, or none is wanted. */
static int
work_next(bool *found, struct sm_self *w, struct sm_err *err)
{
	enum sm_self_work work;
	int ret, idle_ms = IDLE_MIN_MS;

	*found = false;
	ret = sm_handle_look(&w->h, err);
	if (ret < 0)
		return ret;
	while (!w->has_next) {
		if (atomic_load(&w->pulse.drain))
			return 0;
		ret = sm_self_next_step(&work, w, err);
		if (ret < 0 || work == SM_SELF_NONE_LEFT)
			return ret;
		if (work == SM_SELF_DUE) {
			ret = work_claim_alone(w, err);
			if (ret < 0)
				return ret;
			if (w->has_next)
				break;
		}
		ret = sm_self_tell(w, err);
		if (ret < 0)
			return ret;
		sm_self_title(w, true);
		sm_pulse_wait(&w->pulse, idle_ms);
		ret = sm_handle_look(&w->h, err);
		if (ret < 0)
			return ret;
		idle_ms = idle_ms < IDLE_MAX_MS / 2 ? 2 * idle_ms : IDLE_MAX_MS;
	}
	if (w->next.limits != w->limits) {
		ret = sm_self_reopen(w, w->next.limits, err);
		if (ret < 0)
			return ret;
	}
	w->b = w->next;
	w->next = (struct sm_batch){ 0 };
	w->has_next = false;
	sm_self_claimed(w);
	*found = true;
	return 0;
}

/* A batch claimed together with the last commit, but not wanted any more. */
static void
work_return_next(struct sm_self *w)
{
	struct sm_err ignored, why = { .code = SM_ESTOPPED,
				       .text = "the worker was asked to stop" };

	if (!w->has_next)
		return;
	w->b = w->next;
	w->has_next = false;
	if (w->h.reach.lost) {
		sm_batch_release(&w->b);
		return;
	}
	work_made_nothing(w);
	work_trouble(w, &why, &ignored);
	sm_batch_release(&w->b);
}

int
sm_one_work(const char *job, const struct sm_work_opts *opts,
	    struct sm_err *err)
{
	struct sm_self w = SM_SELF_NONE;
	bool found = true;
	int ret;

	ret = sm_self_join(&w, job, opts, err);
	while (ret == 0) {
		ret = work_next(&found, &w, err);
		if (ret < 0 || !found)
			break;
		ret = work_batch(&w, err);
		if (ret == 0)
			ret = sm_self_tell(&w, err);
	}
	work_return_next(&w);
	if (ret == 0)
		ret = sm_self_verdict(&w, err);
	sm_self_leave(&w, ret < 0 ? err : NULL);
	return ret;
}
