/*
 * super.h - the supervisor's loop
 *
 * Keeps as many workers alive as the job row asks for, puts back what dead
 * ones held, passes on requests to stop, reports progress; returns when no
 * batch is pending or running, or nothing more may be claimed.
 */
#ifndef SM_SUPER_H
#define SM_SUPER_H

#include "child.h"
#include "handle.h"
#include "tell.h"
#include "memory.h"
#include "watch.h"

struct sm_follow;

struct sm_super {
	struct sm_handle *h;
	const struct sm_run_opts *opts;
	const struct sm_events *ev;
	int64_t row; /* run.id; 0: it has not begun */
	struct sm_live live;
	struct sm_watch watch;
	struct sm_memory_watch memory;
	struct sm_follow *follow; /* the caller's; NULL: nothing joins */
	struct sm_child *child;
	size_t children;
	int target;    /* workers wanted */
	int stops;     /* requests seen and passed on */
	bool draining; /* no new workers, no new claims */
	bool paused, told_no_workers, told_trigger;
	int unclaimed_deaths; /* in a row */
	uint64_t looked_ms;
	struct sm_tell tell;
	uint64_t wal_told_bytes;
	struct sm_straggler straggler; /* the longest; count 0: none */
	uint64_t straggler_told;       /* 1 + the one that was told */
	double looked_wall, woken;     /* when it went on after a stop */
	bool told_strangers;
	size_t strangers;       /* living workers that are not ours */
	struct sm_err why;      /* what ends the run early; code 0: nothing */
	struct sm_err full;     /* a full disk was met: room is asked for */
	uint64_t full_since_ms; /* when whoever met it had begun */
	bool told_room;
	/* Batches that had failed before this run, and may by its end. */
	uint64_t failed_before, failed_limit; /* limit 0: none */
};

/*
 * The watch begins here, over the workers that are there already, and lasts
 * until the release: one that was stopped while it holds the write lock must
 * not hold up the supervisor's own first and last writes.
 */
int sm_super_init(struct sm_super *s, struct sm_handle *h,
		  const struct sm_run_opts *opts, struct sm_err *err);
/* Put back what earlier runs left, before the first worker starts. */
int sm_super_recover(struct sm_super *s, struct sm_err *err);
/* Start what is missing to the target. */
int sm_super_fill(struct sm_super *s, struct sm_err *err);
/*
 * The loop.  0: over, see s->why and the rows, and children may still be about
 * to end; <0: the supervisor failed.
 */
int sm_super_loop(struct sm_super *s, struct sm_err *err);
/*
 * Once a second, else nothing: read the job row again, watch all workers and
 * rescue dead ones that are not ours, tell progress.
 */
int sm_super_tick(struct sm_super *s, struct sm_err *err);
/* After the loop: wait for those children. */
void sm_super_see_off(struct sm_super *s);
bool sm_super_is_child(const struct sm_super *s, int64_t pid);
/* Ends the children that are left when the loop failed. */
void sm_super_end_children(struct sm_super *s);
/*
 * The same at once, with their commands, and without a write to job.db: their
 * batches are put back by the next run.
 */
void sm_super_kill_children(struct sm_super *s);
void sm_super_release(struct sm_super *s);

#endif /* SM_SUPER_H */
