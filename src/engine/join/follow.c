#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"
#include "lock.h"

#include "join.h"

#include "follow.h"

/* How often rows are looked at, and how many at a time. */
#ifdef SHARDMILL_FAULTS /* so that short jobs have something to follow */
#define FOLLOW_POLL_MS 5
#else
#define FOLLOW_POLL_MS 20
#endif
#define FOLLOW_POLL_NETWORK_MS 1000
#define FOLLOW_ROWS            64
/*
 * Workers come first: processor and disk.  But with as many of them as CPUs it
 * must get the tenth of one that it takes to copy what two make.
 */
#define FOLLOW_NICE   5               /* of what the job has */
#define FOLLOW_IOPRIO ((2 << 13) | 7) /* best effort, the lowest of it */
/* An outsider that holds the database is no reason to wait: later will do. */
#define FOLLOW_WAIT_S       2.0
#define FOLLOW_REQUEUED_MAX 3

/* ------------------------------------------------- between the threads -- */

static void
follow_keep_notice(const char *text, void *arg)
{
	struct sm_follow *f = arg;
	char *copy = strdup(text);

	pthread_mutex_lock(&f->lock);
	if (copy && f->notices < SM_FOLLOW_NOTICES)
		f->notice[f->notices++] = copy;
	else
		free(copy);
	pthread_mutex_unlock(&f->lock);
}

int
sm_follow_hear(struct sm_follow *f, const struct sm_events *ev,
	       struct sm_err *err)
{
	char *notice[SM_FOLLOW_NOTICES];
	struct sm_err why;
	size_t i, n;
	int ret = 0;

	if (!f->started)
		return 0;
	pthread_mutex_lock(&f->lock);
	n = f->notices;
	memcpy(notice, f->notice, sizeof(notice));
	f->notices = 0;
	why = f->why;
	pthread_mutex_unlock(&f->lock);
	if (why.code == SM_ENOSPC) {
		*err = why;
		ret = why.code;
	} else if (why.code != 0 && why.code != SM_ESTOPPED && !f->told) {
		f->told = true;
		sm_event_notice(ev, "%s; the shards are joined at the end",
				why.text);
	}
	for (i = 0; i < n; i++) {
		sm_event_notice(ev, "%s", notice[i]);
		free(notice[i]);
	}
	return ret;
}

static bool
follow_give_up(void *arg)
{
	struct sm_follow *f = arg;

	return atomic_load(&f->stop);
}

static void
follow_sleep(struct sm_follow *f)
{
	struct timespec until;
	long ms = FOLLOW_POLL_MS;

	/* Without a log every look keeps a writer waiting. */
	if (f->h.job.network_fs)
		ms = FOLLOW_POLL_NETWORK_MS;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += ms * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&f->lock);
	if (!atomic_load(&f->stop))
		pthread_cond_timedwait(&f->wake, &f->lock, &until);
	pthread_mutex_unlock(&f->lock);
}

/* ------------------------------------------------------- in the thread -- */

static void
follow_step_back(void)
{
	/* A wish: without it things are only slower.  Of this thread alone. */
	if (nice(FOLLOW_NICE) < 0)
		errno = 0;
	syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, 0, FOLLOW_IOPRIO);
}

static int
follow_open(struct sm_follow *f, struct sm_err *err)
{
	struct sm_db_opts db = { .mode = SM_DB_WRITE,
				 .wait = { .limit_s = FOLLOW_WAIT_S,
					   .give_up = follow_give_up,
					   .arg = f } };
	int ret = sm_handle_open(&f->h, f->job, &db, true, err);

	if (ret == 0)
		ret = sm_db_set_full_sync(f->h.db, f->h.job.consume, err);
	if (ret == 0)
		ret = sm_lock_try(&f->grown.lock, f->h.dir.fd, "final.lock",
				  err);
	/* A finalize by hand may be at work: it is left to it. */
	if (ret == 0)
		ret = sm_err_set(err, SM_EHELD, "another finalize is at work");
	if (ret > 0)
		ret = sm_join_check_target(f->h.job.final_path,
					   f->h.fingerprint, &f->h.job,
					   f->h.job.final_force, err);
	if (ret == 0)
		ret = sm_growing_open(&f->grown, f->h.job.final_path,
				      f->h.job.final_force, err);
	return ret;
}

/* The rows from `from` on that are done, one behind the other. */
static int
follow_read_rows(struct sm_batch_row *rows, struct sm_follow *f,
		 struct sm_err *err)
{
	uint64_t from = f->grown.final.appended;
	int n = 0, ret = sm_batch_rows_begin(f->h.db, from, err);

	while (ret >= 0 && n < FOLLOW_ROWS &&
	       (ret = sm_batch_rows_next(&rows[n], f->h.db, err)) > 0 &&
	       rows[n].id == from + (uint64_t)n && rows[n].state == SM_DONE)
		n++;
	sm_batch_rows_end(f->h.db);
	return ret < 0 ? ret : n;
}

/* 0: its batch is made again, or was meanwhile. */
static int
follow_requeue(struct sm_follow *f, const struct sm_batch_row *row,
	       const struct sm_err *why, struct sm_err *err)
{
	int ret;

	if (f->requeued == FOLLOW_REQUEUED_MAX) {
		*err = *why;
		return why->code;
	}
	ret = sm_join_requeue(f->h.db, row, err);
	if (ret > 0) {
		f->requeued++;
		sm_event_notice(&f->ev, "%s; making it again", why->text);
	}
	return ret < 0 ? ret : 0;
}

/* Later will do as well. */
static int
follow_record(struct sm_follow *f, bool all, struct sm_err *err)
{
	int ret = sm_growing_record(&f->grown, all, err);

	return ret == SM_EBUSY || ret == SM_ESTOPPED ? 0 : ret;
}

/* Add what is done.  1: look again later; 0: all that can be done is; <0. */
static int
follow_look(struct sm_follow *f, struct sm_err *err)
{
	struct sm_batch_row rows[FOLLOW_ROWS];
	struct sm_err why;
	int n = 1, ret = 1, i;

	while (ret > 0 && n > 0) {
		n = follow_read_rows(rows, f, err);
		ret = n < 0 ? n : 1;
		for (i = 0; ret > 0 && i < n && !follow_give_up(f); i++) {
			ret = sm_growing_add(&f->grown, &rows[i], &why);
			if (ret == SM_EVERIFY) {
				ret = follow_requeue(f, &rows[i], &why, err);
				return ret < 0 ? ret : 1;
			}
			if (ret < 0)
				*err = why;
			if (ret > 0 &&
			    (ret = follow_record(f, false, err)) == 0)
				ret = 1;
		}
		if (follow_give_up(f))
			break;
	}
	if (ret <= 0)
		return ret;
	ret = sm_growing_settle(&f->grown, err);
	if (ret == 0)
		ret = follow_record(f, false, err);
	return ret < 0 ? ret : 1;
}

static void *
follow_main(void *arg)
{
	struct sm_follow *f = arg;
	struct sm_err why = { 0 };
	int ret;

	follow_step_back();
	ret = follow_open(f, &why);
	/* A final file that stands is looked at when all is done. */
	while (ret == 0 && !f->grown.published && !follow_give_up(f)) {
		follow_sleep(f);
		ret = follow_look(f, &why);
		if (ret == 0)
			break;
		ret = ret < 0 ? ret : 0;
	}
	/* With the last batch the rest is recorded as the file is published. */
	if (ret == 0 && f->grown.final.appended < f->h.job.batches)
		ret = follow_record(f, true, &why);
	if (ret < 0) {
		sm_growing_close(&f->grown);
		pthread_mutex_lock(&f->lock);
		f->why = why;
		pthread_mutex_unlock(&f->lock);
	}
	return NULL;
}

/* ------------------------------------------------------- start and end -- */

int
sm_follow_start(struct sm_follow *f, const char *job, struct sm_err *err)
{
	pthread_condattr_t attr;
	sigset_t all, old;
	int ret;

	*f = (struct sm_follow){ .h = SM_HANDLE_NONE, .job = job };
	f->ev = (struct sm_events){ .notice = follow_keep_notice, .arg = f };
	sm_growing_init(&f->grown, &f->h, &f->ev);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (pthread_mutex_init(&f->lock, NULL) != 0 ||
	    pthread_cond_init(&f->wake, &attr) != 0)
		return sm_err_mem(err, "following");
	pthread_condattr_destroy(&attr);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = sm_fault_errno("follow.start");
	if (ret == 0)
		ret = pthread_create(&f->thread, NULL, follow_main, f);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	f->started = true;
	/* Without it the run is as one whose thread has ended. */
	if (ret != 0) {
		errno = ret;
		sm_err_sys(&f->why, "cannot start the thread that joins");
		atomic_store(&f->stop, true);
	}
	return 0;
}

void
sm_follow_stop(struct sm_follow *f)
{
	if (!f->started || atomic_load(&f->stop))
		return;
	pthread_mutex_lock(&f->lock);
	atomic_store(&f->stop, true);
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->thread, NULL);
}

void
sm_follow_release(struct sm_follow *f)
{
	size_t i;

	if (!f->started)
		return;
	sm_follow_stop(f);
	sm_growing_close(&f->grown);
	sm_handle_close(&f->h);
	for (i = 0; i < f->notices; i++)
		free(f->notice[i]);
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->wake);
	f->started = false;
}
