/*
 * follow.c - join the shards while the job runs
 *
 * The thread, and what passes between it and the supervisor.  What it does to
 * the file is grow.c's; a damaged shard is damaged.c's.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"
#include "lock.h"

#include "damaged.h"
#include "join.h"
#include "rows.h"

#include "follow.h"

/* How often rows are looked at. */
#ifdef SHARDMILL_FAULTS /* so that short jobs have something to follow */
#define FOLLOW_POLL_MS 5
#else
#define FOLLOW_POLL_MS 20
#endif
#define FOLLOW_POLL_NETWORK_MS 1000
/*
 * Workers come first: processor and disk.  But with as many of them as CPUs it
 * must get the tenth of one that it takes to copy what two make.
 */
#define FOLLOW_NICE   5               /* of what the job has */
#define FOLLOW_IOPRIO ((2 << 13) | 7) /* best effort, the lowest of it */
/* An outsider that holds the database is no reason to wait: later will do. */
#define FOLLOW_WAIT_S 2.0

#define FOLLOW_NOTICES 8

struct sm_follow {
	struct sm_handle h; /* the thread's own */
	struct sm_join_from from;
	struct sm_rows rows;
	struct sm_grow grown;
	struct sm_events ev; /* whose notices are kept below */
	const char *job;     /* the directory's path, the caller's */
	int damaged;         /* shards */
	pthread_t thread;
	atomic_bool stop;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wake;
	char *notice[FOLLOW_NOTICES];
	size_t notices;
	struct sm_err why; /* of its end; code 0: none */
	bool told;
	bool asked;          /* for room on a full disk */
	uint64_t removed_ms; /* as of the latest answer */
	bool ended;
};

/* ------------------------------------------------- between the threads -- */

static void
follow_keep_notice(const char *text, void *arg)
{
	struct sm_follow *f = arg;
	char *copy = strdup(text);

	pthread_mutex_lock(&f->lock);
	if (copy && f->notices < FOLLOW_NOTICES)
		f->notice[f->notices++] = copy;
	else
		free(copy);
	pthread_mutex_unlock(&f->lock);
}

int
sm_follow_hear(struct sm_follow *f, const struct sm_events *ev,
	       struct sm_err *err)
{
	char *notice[FOLLOW_NOTICES];
	struct sm_err why;
	size_t i, n;
	int ret = 0;

	if (!f)
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

enum sm_room
sm_follow_room(struct sm_follow *f, bool ask, uint64_t since_ms)
{
	enum sm_room room = SM_ROOM_NONE;

	if (!f)
		return room;
	pthread_mutex_lock(&f->lock);
	if (ask && !f->ended && !f->asked) {
		f->asked = true;
		pthread_cond_signal(&f->wake);
	}
	if (f->asked && !f->ended)
		room = SM_ROOM_ASKED;
	else if (f->removed_ms > since_ms)
		room = SM_ROOM_MADE;
	pthread_mutex_unlock(&f->lock);
	return room;
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
	if (!atomic_load(&f->stop) && !f->asked)
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
				 .triggers = true,
				 .wait = { .limit_s = FOLLOW_WAIT_S,
					   .patient = true,
					   .give_up = follow_give_up,
					   .arg = f } };
	struct sm_handle *h = &f->h;
	int ret = sm_handle_open(h, f->job, &db, true, err);

	if (ret < 0)
		return ret;
	f->from = sm_join_from_one(h);
	f->grown.fingerprint = h->fingerprint;
	ret = sm_db_set_full_sync(h->db, h->job.consume, err);
	if (ret == 0)
		ret = sm_lock_try(&f->grown.lock, h->dir.fd, "final.lock", err);
	/* A finalize by hand may be at work: it is left to it. */
	if (ret == 0)
		ret = sm_err_set(err, SM_EHELD, "another finalize is at work");
	if (ret > 0)
		ret = sm_join_check_output(h, h->job.final_path, err);
	if (ret == 0)
		ret = sm_grow_open(&f->grown, h->job.final_path,
				   h->job.final_force, err);
	return ret;
}

/* Later will do as well. */
static int
follow_record(struct sm_follow *f, bool all, struct sm_err *err)
{
	int ret = sm_grow_record(&f->grown, all, err);

	return ret == SM_EBUSY || ret == SM_ESTOPPED ? 0 : ret;
}

/* What one look at the rows came to. */
enum follow_look {
	FOLLOW_WAIT,    /* the next batch is not done yet */
	FOLLOW_DAMAGED, /* it was put back */
	FOLLOW_END,     /* nothing can be added before the end of the run */
};

/* Add what is done, one batch after the other. */
static int
follow_add(enum follow_look *look, struct sm_follow *f, struct sm_err *err)
{
	const struct sm_batch_row *row;
	struct sm_err why;
	bool added;
	int ret = sm_rows_seek(&f->rows, f->grown.final.appended, err);

	*look = FOLLOW_WAIT;
	while (ret == 0 && !follow_give_up(f)) {
		ret = sm_rows_next(&row, &f->rows, err);
		if (ret < 0)
			return ret;
		if (ret == 0 || row->state != SM_DONE)
			return 0;
		ret = sm_grow_add(&added, &f->grown, &f->h, row, &why);
		if (ret == SM_EVERIFY) {
			*look = FOLLOW_DAMAGED;
			return sm_damaged_while_followed(&f->damaged, &f->grown,
							 row, &why, err);
		}
		if (ret < 0) {
			*err = why;
		} else if (!added) {
			*look = FOLLOW_END;
			return 0;
		} else {
			ret = follow_record(f, false, err);
		}
	}
	return ret;
}

static int
follow_look(enum follow_look *look, struct sm_follow *f, struct sm_err *err)
{
	int ret = follow_add(look, f, err);

	if (ret < 0 || *look != FOLLOW_WAIT)
		return ret;
	ret = sm_grow_settle(&f->grown, err);
	if (ret == 0)
		ret = follow_record(f, false, err);
	return ret;
}

/* If the supervisor asks for it, all that can be is recorded and removed. */
static int
follow_make_room(struct sm_follow *f, struct sm_err *err)
{
	bool asked, freed;
	int ret;

	pthread_mutex_lock(&f->lock);
	asked = f->asked;
	pthread_mutex_unlock(&f->lock);
	if (!asked)
		return 0;
	ret = sm_grow_make_room(&freed, &f->grown, err);
	pthread_mutex_lock(&f->lock);
	f->asked = false;
	f->removed_ms = f->grown.removed_ms;
	pthread_mutex_unlock(&f->lock);
	return ret == SM_EBUSY || ret == SM_ESTOPPED ? 0 : ret;
}

static void *
follow_main(void *arg)
{
	struct sm_follow *f = arg;
	enum follow_look look = FOLLOW_WAIT;
	struct sm_err why = { 0 };
	int ret;

	follow_step_back();
	ret = follow_open(f, &why);
	/* A final file that is there is looked at when all is done. */
	if (f->grown.state == SM_GROW_PUBLISHED)
		look = FOLLOW_END;
	while (ret == 0 && look != FOLLOW_END && !follow_give_up(f)) {
		follow_sleep(f);
		ret = follow_look(&look, f, &why);
		if (ret == 0)
			ret = follow_make_room(f, &why);
	}
	/* With the last batch the rest is recorded as the file is published. */
	if (ret == 0 && f->grown.final.appended < f->h.job.batches)
		ret = follow_record(f, true, &why);
	if (ret < 0)
		sm_grow_close(&f->grown);
	pthread_mutex_lock(&f->lock);
	if (ret < 0)
		f->why = why;
	f->ended = true;
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

/* ------------------------------------------------------- start and end -- */

int
sm_follow_start(struct sm_follow **out, const char *job, struct sm_err *err)
{
	struct sm_follow *f = calloc(1, sizeof(*f));
	pthread_condattr_t attr;
	sigset_t all, old;
	int ret;

	if (!f)
		return sm_err_mem(err, "following");
	f->h = (struct sm_handle)SM_HANDLE_NONE;
	f->job = job;
	f->ev = (struct sm_events){ .notice = follow_keep_notice, .arg = f };
	sm_rows_init(&f->rows, &f->from);
	sm_grow_init(&f->grown, &f->h, 0, &f->ev);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (pthread_mutex_init(&f->lock, NULL) != 0 ||
	    pthread_cond_init(&f->wake, &attr) != 0) {
		free(f);
		return sm_err_mem(err, "following");
	}
	pthread_condattr_destroy(&attr);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = sm_fault_errno("follow.start");
	if (ret == 0)
		ret = pthread_create(&f->thread, NULL, follow_main, f);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	/* Without it the run is as one whose thread has ended. */
	if (ret != 0) {
		errno = ret;
		sm_err_sys(&f->why, "cannot start the thread that joins");
		atomic_store(&f->stop, true);
	}
	*out = f;
	return 0;
}

void
sm_follow_stop(struct sm_follow *f)
{
	if (!f || atomic_load(&f->stop))
		return;
	pthread_mutex_lock(&f->lock);
	atomic_store(&f->stop, true);
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->thread, NULL);
}

int
sm_follow_join(struct sm_finalize_result *result, struct sm_follow *f,
	       struct sm_handle *h, const struct sm_finalize_opts *opts,
	       struct sm_err *err)
{
	struct sm_join_from from = sm_join_from_one(h);
	struct sm_grow *grown = NULL;

	sm_follow_stop(f);
	if (f)
		grown = &f->grown;
	return sm_join(result, &from, opts, grown, err);
}

void
sm_follow_free(struct sm_follow *f)
{
	size_t i;

	if (!f)
		return;
	sm_follow_stop(f);
	sm_grow_close(&f->grown);
	sm_rows_close(&f->rows);
	sm_handle_close(&f->h);
	for (i = 0; i < f->notices; i++)
		free(f->notice[i]);
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->wake);
	free(f);
}
