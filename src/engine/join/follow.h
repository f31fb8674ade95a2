/*
 * follow.h - join the shards while the job runs
 *
 * A thread of the supervisor, at low priority, appends each shard to the
 * growing final file as soon as all before it are done, so that at the end only
 * the tail is left to write.  It has a database connection of its own, and
 * holds final.lock.  It never forks, blocks all signals, and calls nobody back:
 * what it has to say is fetched by sm_follow_hear().
 *
 * A damaged shard puts its batch back, as it does in finalize, and the thread
 * waits for it to be made again.  When it fails otherwise, or cannot go on, it
 * ends; sm_join() does what is left.
 */
#ifndef SM_FOLLOW_H
#define SM_FOLLOW_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "growing.h"

#define SM_FOLLOW_NOTICES 8

struct sm_follow {
	struct sm_handle h; /* the thread's own */
	struct sm_growing grown;
	struct sm_events ev; /* whose notices are kept below */
	const char *job;     /* the directory's path, the caller's */
	int requeued;        /* damaged shards */
	pthread_t thread;
	bool started;
	atomic_bool stop;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wake;
	char *notice[SM_FOLLOW_NOTICES];
	size_t notices;
	struct sm_err why; /* of its end; code 0: none */
	bool told;
};

/*
 * `job` must outlive it.  That the thread cannot be started is told as its end
 * would be.
 */
int sm_follow_start(struct sm_follow *f, const char *job, struct sm_err *err);
/* Tell what it has to say; SM_ENOSPC: the disk is full. */
int sm_follow_hear(struct sm_follow *f, const struct sm_events *ev,
		   struct sm_err *err);
/* End the thread; what has grown may be taken out of f->grown. */
void sm_follow_stop(struct sm_follow *f);
/* A zeroed one is allowed. */
void sm_follow_release(struct sm_follow *f);

#endif /* SM_FOLLOW_H */
