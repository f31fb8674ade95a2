/*
 * The supervisor's second thread: it kills workers whose heartbeat has stopped
 * for as long as their lease.  It is apart from super.c because the supervisor
 * may itself be waiting for the write lock that a stopped worker holds; this
 * thread waits for nothing but its own mutex and, when it tells of that wait,
 * for whoever takes the notice.
 *
 * sm_watch_set() brings the rows, once per round of the supervisor;
 * sm_watch_tick() does the rest: find those without a row, look at every
 * counter, count, kill.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "fault.h"

#include "watch.h"

#define WATCH_TICK_MS 1000
/* After a tick this late it was this process that did not run, not theirs. */
#define WATCH_LATE_MS 2500

/*
 * The condition uses the monotonic clock, or a clock step would delay a tick.
 */
int
sm_watch_init(struct sm_watch *w, const struct sm_live *live, double lease_s,
	      struct sm_err *err)
{
	pthread_condattr_t attr;

	*w = (struct sm_watch){ .live = live };
	w->lease_ms = (uint64_t)(lease_s * 1000);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (pthread_mutex_init(&w->lock, NULL) != 0 ||
	    pthread_cond_init(&w->wake, &attr) != 0)
		return sm_err_mem(err, "the watch");
	pthread_condattr_destroy(&attr);
	w->ready = true;
	return 0;
}

/*
 * One tick per second.  The mutex is released for the tick, which takes it
 * itself, and the wait on the condition is how sm_watch_release() ends the
 * thread at once.
 */
static void *
watch_main(void *arg)
{
	struct sm_watch *w = arg;
	struct timespec until;

	pthread_mutex_lock(&w->lock);
	while (!w->ending) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += WATCH_TICK_MS / 1000;
		pthread_cond_timedwait(&w->wake, &w->lock, &until);
		if (w->ending)
			break;
		pthread_mutex_unlock(&w->lock);
		sm_watch_tick(w, sm_clock_ms());
		sm_reach_beat(w->reach);
		if (w->db)
			sm_db_look_at_queue(w->db);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int
sm_watch_start(struct sm_watch *w, struct sm_err *err)
{
	sigset_t all, old;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&w->thread, NULL, watch_main, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret != 0) {
		errno = ret;
		return sm_err_sys(err, "cannot start the watch thread");
	}
	w->started = true;
	if (w->db)
		sm_db_queue_is_looked_at(w->db, true);
	return 0;
}

void
sm_watch_release(struct sm_watch *w)
{
	if (!w->ready)
		return;
	if (w->started) {
		pthread_mutex_lock(&w->lock);
		w->ending = true;
		pthread_cond_signal(&w->wake);
		pthread_mutex_unlock(&w->lock);
		pthread_join(w->thread, NULL);
		if (w->db)
			sm_db_queue_is_looked_at(w->db, false);
	}
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->wake);
	free(w->item);
	*w = (struct sm_watch){ 0 };
}

static struct sm_watched *
watch_find(struct sm_watch *w, int64_t worker)
{
	size_t i;

	for (i = 0; i < w->count; i++)
		if (w->item[i].worker.id == worker)
			return &w->item[i];
	return NULL;
}

/*
 * The watched process in that slot with that pid.  Both are compared: a slot is
 * used again by the next worker.
 */
static struct sm_watched *
watch_find_holder(struct sm_watch *w, int slot, int64_t pid)
{
	size_t i;

	for (i = 0; i < w->count; i++)
		if (w->item[i].worker.slot == slot &&
		    w->item[i].worker.pid == pid)
			return &w->item[i];
	return NULL;
}

static int
watch_add(struct sm_watch *w, const struct sm_worker *worker,
	  struct sm_err *err)
{
	struct sm_watched *p = realloc(w->item, (w->count + 1) * sizeof(*p));

	if (!p)
		return sm_err_mem(err, "the watch");
	w->item = p;
	p[w->count++] = (struct sm_watched){
		.worker = *worker,
		.seen = true,
	};
	return 0;
}

/*
 * Mark and sweep.  A worker that was found by its slot, and has a row by now,
 * keeps its count: or a worker that hangs while it registers would begin a new
 * lease.
 */
int
sm_watch_set(struct sm_watch *w, const struct sm_worker *worker, size_t n,
	     struct sm_err *err)
{
	struct sm_watched *known;
	size_t i, kept = 0;
	int ret = 0;

	pthread_mutex_lock(&w->lock);
	for (i = 0; i < w->count; i++)
		w->item[i].seen = w->item[i].worker.id == 0;
	for (i = 0; i < n && ret == 0; i++) {
		known = watch_find(w, worker[i].id);
		if (!known) {
			known = watch_find_holder(w, worker[i].slot,
						  worker[i].pid);
			if (known && known->worker.id == 0)
				known->worker = worker[i];
			else
				known = NULL;
		}
		if (known)
			known->seen = true;
		else
			ret = watch_add(w, &worker[i], err);
	}
	for (i = 0; i < w->count; i++)
		if (w->item[i].seen)
			w->item[kept++] = w->item[i];
	w->count = kept;
	pthread_mutex_unlock(&w->lock);
	return ret;
}

/*
 * Processes that hold a slot and have no row: drop those that ended, add new
 * ones.  Our own slot is left out.
 */
static void
watch_scan(struct sm_watch *w)
{
	struct sm_worker holder = { 0 };
	struct sm_err ignored; /* no memory: at the next tick, then */
	size_t i, kept = 0;
	int64_t pid;
	uint64_t start;

	for (i = 0; i < w->count; i++)
		if (w->item[i].worker.id != 0 ||
		    (sm_live_holder(w->live, w->item[i].worker.slot, &pid,
				    &start) > 0 &&
		     pid == w->item[i].worker.pid))
			w->item[kept++] = w->item[i];
	w->count = kept;
	for (holder.slot = 0; holder.slot < SM_LIVE_SLOTS; holder.slot++)
		if (holder.slot != w->live->slot &&
		    sm_live_holder(w->live, holder.slot, &holder.pid,
				   &holder.pid_start) > 0 &&
		    !watch_find_holder(w, holder.slot, holder.pid))
			watch_add(w, &holder, &ignored);
}

/*
 * Has the counter moved since the last tick?  A worker that has been killed
 * once is not killed again: its process may be gone, and its pid another's.
 */
static void
watch_look(struct sm_watch *w, struct sm_watched *it, uint64_t passed_ms)
{
	uint64_t beats = sm_live_beats(w->live, it->worker.slot);

	/* The first look only notes: it may have come just before this tick. */
	if (!it->looked || beats != it->beats || it->stalled) {
		it->looked = true;
		it->beats = beats;
		it->still_ms = 0;
		return;
	}
	it->still_ms += passed_ms;
	if (it->still_ms < w->lease_ms)
		return;
	it->stalled = true;
	if (!sm_fault_errno("watch.kill"))
		sm_live_kill(it->worker.pid, it->worker.pid_start);
}

/*
 * The time since the last tick counts against every worker that did not beat,
 * unless the tick is late: then the whole machine, or this process, was
 * stopped.
 */
void
sm_watch_tick(struct sm_watch *w, uint64_t now_ms)
{
	uint64_t passed;
	size_t i;

	pthread_mutex_lock(&w->lock);
	passed = w->ticked_ms ? now_ms - w->ticked_ms : 0;
	w->ticked_ms = now_ms;
	watch_scan(w);
	for (i = 0; i < w->count; i++) {
		if (passed > WATCH_LATE_MS)
			w->item[i].still_ms = 0;
		watch_look(w, &w->item[i], passed > WATCH_LATE_MS ? 0 : passed);
	}
	pthread_mutex_unlock(&w->lock);
}

bool
sm_watch_is_stalled(struct sm_watch *w, int64_t worker)
{
	struct sm_watched *it;
	bool stalled;

	pthread_mutex_lock(&w->lock);
	it = watch_find(w, worker);
	stalled = it && it->stalled;
	pthread_mutex_unlock(&w->lock);
	return stalled;
}
