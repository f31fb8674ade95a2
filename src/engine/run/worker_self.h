/*
 * worker_self.h - a worker's own state: joining a job and leaving it
 *
 * Joining: open the job, lock a slot of the file `workers`, start the pulse,
 * register a worker row (which puts back what the slot's former holder left),
 * open the kind.  Leaving is the reverse.  work.c is what happens between.
 */
#ifndef SM_WORKER_SELF_H
#define SM_WORKER_SELF_H

#include "handle.h"
#include "joblog.h"
#include "memory.h"
#include "pulse.h"
#include "tell.h"
#include "watch.h"

struct sm_self {
	struct sm_handle h;
	struct sm_live live;
	struct sm_pulse pulse;
	struct sm_watch watch; /* by hand only */
	struct sm_memory_watch memory;
	const struct sm_events *ev;
	struct sm_joblog log; /* by hand only */
	int64_t run_row;      /* run.id, by hand only; 0: none yet */
	int64_t limits;       /* job.limits that the kind was opened with */
	int control_fd;
	bool supervised;
	uint64_t looked_ms; /* when it last observed others */
	struct sm_tell tell;
	struct sm_worker row;
	struct sm_claim claim;
	void *state; /* the kind's */

	struct sm_batch b;    /* the batch in hand */
	struct sm_batch next; /* claimed, to be made after it */
	bool has_next, told_claim, fenced, titled_idle;
	struct sm_out *out; /* for all of them */
	struct sm_shard *shard;
	struct sm_made made; /* of it */
	int io_failures;     /* in a row */
	int at_once; /* the last commit lets so many run, see sm_room_grow() */
};

#define SM_SELF_NONE                                                           \
	{                                                                      \
		.h = SM_HANDLE_NONE, .live = SM_LIVE_NONE,                     \
		.pulse = SM_PULSE_NONE, .control_fd = -1,                      \
	}

int sm_self_join(struct sm_self *w, const char *job,
		 const struct sm_work_opts *opts, struct sm_err *err);
/* `why` is what ended it, or NULL; told to the supervisor. */
void sm_self_leave(struct sm_self *w, const struct sm_err *why);

/* A new row in the same slot: after the old one was ended by somebody. */
int sm_self_register(struct sm_self *w, struct sm_err *err);

/* The limits were changed: open the kind anew, before the next batch. */
int sm_self_reopen(struct sm_self *w, int64_t limits, struct sm_err *err);

enum sm_self_work {
	SM_SELF_NONE_LEFT,
	SM_SELF_DUE,  /* a batch can be claimed */
	SM_SELF_WAIT, /* one runs elsewhere or waits, or none may be begun */
};

/* Is there work?  Observes the other workers too, where nobody else does. */
int sm_self_next_step(enum sm_self_work *work, struct sm_self *w,
		      struct sm_err *err);

/* The process's name: the batch in hand, or that it has none. */
void sm_self_title(struct sm_self *w, bool idle);
void sm_self_claimed(struct sm_self *w); /* tells the supervisor, once */
/* One line about an event: to the supervisor, or to events->notice. */
void sm_self_notice(struct sm_self *w, const char *fmt, ...) SM_PRINTF(2, 3);

/* By hand: how far the job is, once a second at most, between batches. */
int sm_self_tell(struct sm_self *w, struct sm_err *err);

/* How it ends where nothing went wrong: 0, SM_EWORK, SM_ESTOPPED. */
int sm_self_verdict(struct sm_self *w, struct sm_err *err);

#endif /* SM_WORKER_SELF_H */
