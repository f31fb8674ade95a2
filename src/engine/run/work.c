/*
 * work.c - the life of a batch, from claim to done
 *
 *	 1. claim                                        work_claim
 *	 2. open NNNNNN.<token>.tmp                      work_make
 *	 3. produce records, deflate, write                  "
 *	 4. finish the member, counts into its header        "
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
 * opens; or, behind step 10, a done row and its shard.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fault.h"
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

static int
work_claim(struct sm_self *w, struct sm_err *err)
{
	int ret;

	w->claim.now = sm_clock_wall();
	ret = sm_batch_claim(&w->next, w->h.db, &w->claim, err);
	w->has_next = ret > 0;
	return ret;
}

static int
work_claim_alone(struct sm_self *w, struct sm_err *err)
{
	int ret = sm_db_begin_write(w->h.db, err);

	if (ret < 0)
		return ret;
	ret = work_claim(w, err);
	if (ret > 0) {
		ret = sm_db_commit(w->h.db, err);
		if (ret < 0) {
			/* Committed or not: what is lost is put back. */
			sm_batch_release(&w->next);
			w->has_next = false;
			return ret;
		}
		sm_fault("work.claimed");
		return 1;
	}
	sm_db_rollback(w->h.db);
	return ret;
}

/* ------------------------------------------------ make: steps 2 to 5 -- */

static int
work_produce(struct sm_self *w, struct sm_err *err)
{
	struct sm_kind_batch kb = sm_handle_batch(&w->b);
	int ret;

	if (sigsetjmp(*sm_sigbus_enter(), 0) == 0)
		ret = w->h.kind->produce(w->state, &kb, w->shard, &w->outcome,
					 err);
	else
		ret = sm_err_set(err, SM_EREFUSED,
				 "an input shrank while batch %llu was made "
				 "from it; put the planned file back, then run "
				 "the same command again",
				 (unsigned long long)w->b.id);
	sm_sigbus_leave();
	return ret;
}

static int
work_make(struct sm_self *w, struct sm_err *err)
{
	struct sm_gzip_shard head = {
		.fingerprint = w->h.fingerprint,
		.batch = w->b.id,
		.first = w->b.first < 0 ? SM_GZIP_NONE : (uint64_t)w->b.first,
		.end = w->b.end < 0 ? SM_GZIP_NONE : (uint64_t)w->b.end,
	};
	int ret;

	sm_buf_clear(&w->outcome.stderr_tail);
	w->outcome.rows = w->outcome.records = w->outcome.skipped = 0;
	w->outcome.exit_status = w->outcome.signal = -1;
	ret = sm_shard_open(&w->shard, w->h.dir.shards_fd, w->b.id, w->h.digits,
			    w->b.token, err);
	if (ret < 0)
		return ret;
	ret = work_produce(w, err);
	if (ret < 0)
		return ret;
	sm_fault("work.produced");
	head.rows = w->outcome.rows;
	head.records = w->outcome.records;
	head.skipped = w->outcome.skipped;
	return sm_shard_finish(w->shard, &head, w->h.job.sync == SM_SYNC_SHARD,
			       &w->made, err);
}

/* --------------------------------------------- commit: steps 6 to 10 -- */

static int
work_mark_done(struct sm_self *w, struct sm_err *err)
{
	struct sm_batch_made made = {
		.rows = w->outcome.rows,
		.records = w->outcome.records,
		.skipped = w->outcome.skipped,
		.raw_bytes = w->made.raw_bytes,
		.gz_bytes = w->made.gz_bytes,
		.raw_crc32 = w->made.raw_crc32,
		.gz_crc32 = w->made.gz_crc32,
		.stderr_text = w->outcome.stderr_tail.len
				       ? w->outcome.stderr_tail.data
				       : NULL,
	};
	double now = sm_clock_wall();
	int held = sm_batch_complete(w->h.db, &w->b, &made, now, err), ret;

	if (held > 0)
		return sm_shard_publish(w->shard, err);
	if (held < 0)
		return held;
	ret = sm_batch_fenced(w->h.db, &w->b, now, err);
	w->fenced = true;
	return ret;
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
	if (ret == 0 && !w->fenced && !atomic_load(&w->pulse.drain))
		ret = work_claim(w, err);
	if (ret < 0) {
		sm_db_rollback(w->h.db);
		return ret;
	}
	return sm_db_commit(w->h.db, err);
}

/*
 * COMMIT failed.  1: it had taken effect, with the claim in it; 0: it had not,
 * and the batch is still ours; SM_EFENCED: it is not.
 */
static int
work_resolve(struct sm_self *w, struct sm_err *err)
{
	int64_t token = 0; /* of no attempt */
	char state[16];
	int ret;

	sm_fault("work.unknown");
	ret = sm_db_reopen(w->h.db, err);
	if (ret == 0)
		ret = sm_batch_look(state, &token, w->h.db, w->b.id, err);
	if (ret < 0)
		return ret;
	if (token != w->b.token)
		*state = '\0'; /* gone, or another's */
	if (strcmp(state, "done") == 0)
		return 1;
	if (w->has_next)
		sm_batch_release(&w->next);
	w->has_next = false;
	if (strcmp(state, "running") == 0)
		return 0;
	return sm_err_set(err, SM_EFENCED, "batch %llu was put back meanwhile",
			  (unsigned long long)w->b.id);
}

static int
work_commit(struct sm_self *w, struct sm_err *err)
{
	int ret, tries, class;

	for (tries = 1;; tries++) {
		ret = work_commit_once(w, err);
		if (ret != SM_EUNKNOWN)
			return ret;
		class = err->sys;
		/* The row may be done: its file must stay whatever comes. */
		sm_shard_keep(w->shard);
		ret = work_resolve(w, err);
		if (ret != 0)
			return ret < 0 ? ret : 0;
		if (tries == COMMIT_TRIES)
			return sm_err_set(err, class,
					  "cannot commit batch %llu: the "
					  "database failed %d times; %s, then "
					  "run the same command again",
					  (unsigned long long)w->b.id, tries,
					  class == SM_ENOSPC
						  ? "make space"
						  : "check the disk");
	}
}

/* -------------------------------------------------- when it fails -- */

enum work_blame {
	BLAME_BATCH, /* counts against it */
	BLAME_STOP,  /* the batch goes back; the worker drains */
	BLAME_DISK,  /* the batch goes back; the worker may try again */
	BLAME_RUN,   /* the batch goes back; the run ends */
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

/*
 * Did the command die of what asks the run to end?  A scheduler that cancels or
 * moves a job sends TERM to every process of it; that is no failed try.
 */
static bool
work_was_stopped(struct sm_self *w, int code)
{
	int sig = code == SM_ESIGNAL    ? w->outcome.signal
		  : code == SM_ECOMMAND ? w->outcome.exit_status - 128
					: -1;

	if (sig != SIGTERM && sig != SIGINT && sig != SIGHUP)
		return false;
	sm_pulse_wait(&w->pulse, SIGNAL_TO_ALL_MS);
	return atomic_load(&w->pulse.drain);
}

static void
work_describe(const struct sm_self *w, struct sm_batch_trouble *t,
	      enum work_blame blame, const struct sm_err *why)
{
	*t = (struct sm_batch_trouble){
		.exit_status = w->outcome.exit_status,
		.signal = w->outcome.signal,
		.error_class = sm_code_name(why->code),
		.message = why->text,
		.retry = sm_code_retry(why->code),
	};
	if (w->outcome.stderr_tail.len)
		t->stderr_text = w->outcome.stderr_tail.data;
	t->outcome = blame != BLAME_BATCH       ? "returned"
		     : why->code == SM_ESIGNAL  ? "signal"
		     : why->code == SM_ETIMEOUT ? "timeout"
						: "error";
}

/* 0: go on; <0: the worker ends with it. */
static int
work_trouble(struct sm_self *w, const struct sm_err *why, struct sm_err *err)
{
	enum work_blame blame = work_blame(why->code);
	double now = sm_clock_wall();
	struct sm_batch_trouble t;
	bool failed = false;
	int ret, held;

	if (work_was_stopped(w, why->code))
		blame = BLAME_STOP;
	work_describe(w, &t, blame, why);
	ret = sm_db_begin_write(w->h.db, err);
	if (ret < 0)
		goto out;
	held = ret =
		blame == BLAME_BATCH
			? sm_batch_fail(w->h.db, &w->b, &t, now, &failed, err)
			: sm_batch_give_back(w->h.db, &w->b, &t, now, err);
	if (ret == 0)
		ret = sm_batch_fenced(w->h.db, &w->b, now, err);
	if (ret < 0)
		sm_db_rollback(w->h.db);
	else
		ret = sm_db_commit(w->h.db, err);
	if (ret == 0 && held == 0)
		w->fenced = true;
	/* What ends the worker is told when it ends. */
	if (ret == 0 && held > 0 && blame != BLAME_RUN)
		sm_self_tell(w, "batch %llu: %s%s", (unsigned long long)w->b.id,
			     why->text,
			     failed                ? "; it has failed"
			     : blame == BLAME_STOP ? "; given back"
						   : "; tried again");
out:
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
	if (failed && w->h.job.fail_fast)
		return sm_err_set(err, SM_EWORK,
				  "batch %llu failed, and --fail-fast ends the "
				  "run",
				  (unsigned long long)w->b.id);
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

/* 1: w->b is a batch to make; 0: there is none left, or none is wanted. */
static int
work_next(struct sm_self *w, struct sm_err *err)
{
	int ret, idle_ms = IDLE_MIN_MS;

	while (!w->has_next) {
		if (atomic_load(&w->pulse.drain))
			return 0;
		ret = sm_self_look(w, err);
		if (ret <= 0)
			return ret;
		if (ret == SM_SELF_DUE) {
			ret = work_claim_alone(w, err);
			if (ret < 0)
				return ret;
			if (ret > 0)
				break;
		}
		sm_pulse_wait(&w->pulse, idle_ms);
		idle_ms = idle_ms < IDLE_MAX_MS / 2 ? 2 * idle_ms : IDLE_MAX_MS;
	}
	w->b = w->next;
	w->next = (struct sm_batch){ 0 };
	w->has_next = false;
	sm_self_claimed(w);
	return 1;
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
	w->outcome.exit_status = w->outcome.signal = -1;
	sm_buf_clear(&w->outcome.stderr_tail);
	work_trouble(w, &why, &ignored);
	sm_batch_release(&w->b);
}

int
sm_work(const char *job, const struct sm_work_opts *opts, struct sm_err *err)
{
	struct sm_self w = SM_SELF_NONE;
	int ret;

	ret = sm_self_join(&w, job, opts, err);
	while (ret == 0) {
		ret = work_next(&w, err);
		if (ret <= 0)
			break;
		ret = work_batch(&w, err);
	}
	work_return_next(&w);
	if (ret == 0)
		ret = sm_self_verdict(&w, err);
	sm_self_leave(&w, ret < 0 ? err : NULL);
	return ret;
}
