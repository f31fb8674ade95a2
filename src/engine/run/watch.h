/*
 * watch.h - leases: kill workers whose heartbeat has stopped
 *
 * A watch holds the living workers, those with a row (sm_watch_set()) and those
 * who hold a slot without one: they are about to register, or have just ended,
 * and may hold the write lock.  It looks at their counters once a second.
 * A worker whose counter did not move for the lease is killed, and from then on
 * counts as stalled; putting back its batch is rescue.h's.  The lease is
 * counted in the watch's own ticks, and a tick that comes late starts every
 * count again, so that Ctrl-Z, suspend and clock steps expire nothing.
 *
 * The supervisor runs it in a thread that touches no database, so that a
 * worker stopped while it holds the write lock, for which the supervisor
 * itself may be queueing, is killed all the same.  Of that wait the thread
 * tells, since the one that waits cannot.
 */
#ifndef SM_WATCH_H
#define SM_WATCH_H

#include <pthread.h>
#include <stdbool.h>

#include "db.h"
#include "live.h"
#include "reach.h"
#include "worker.h"

struct sm_watched {
	struct sm_worker worker; /* id 0: without a row */
	uint64_t beats;
	uint64_t still_ms;
	bool seen;   /* in the latest sm_watch_set() */
	bool looked; /* at a tick: `beats` is from then */
	bool stalled;
};

struct sm_watch {
	const struct sm_live *live;
	struct sm_reach *reach; /* beaten by the thread; NULL: none */
	struct sm_db *db; /* whose wait for its turn it tells; NULL: none */
	uint64_t lease_ms;
	uint64_t ticked_ms; /* monotonic; 0: never */
	struct sm_watched *item;
	size_t count;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	bool started, ending, ready;
};

int sm_watch_init(struct sm_watch *w, const struct sm_live *live,
		  double lease_s, struct sm_err *err);
void sm_watch_release(struct sm_watch *w); /* ends the thread too */
int sm_watch_start(struct sm_watch *w, struct sm_err *err);

/* The rows to watch from now on; counts of those known go on. */
int sm_watch_set(struct sm_watch *w, const struct sm_worker *worker, size_t n,
		 struct sm_err *err);
void sm_watch_tick(struct sm_watch *w, uint64_t now_ms);
bool sm_watch_is_stalled(struct sm_watch *w, int64_t worker);

#endif /* SM_WATCH_H */
