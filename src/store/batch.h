/*
 * batch.h - the batch rows and their attempts
 *
 * The life of a row: pending -> running (claim) -> done (complete), or failed,
 * or pending again.  Invariants, as in schema/tables.sql:
 *
 *   1. running: `token` names the one claim that may write the row.
 *   2. done: the shard of that token is whole, with the recorded sizes and
 *      CRCs; therefore complete comes after the shard's sync, and its rename
 *      between the guard and the commit.
 *   3. Nobody but the holder of the token leaves running, but for a rescue,
 *      which names the token as well: "the guard".
 *   4. `attempts` counts what somebody living saw fail.  What ended with its
 *      supervisor or the machine, or was given back, is taken off again.
 *   5. A row of `attempt` is 'running' exactly while its token's claim is.
 *
 * Every function here that writes runs inside sm_db_begin_write().  What is
 * guarded says in `held` whether the guard held; if not, the batch is somebody
 * else's by now, the caller is fenced off and nothing was written.
 */
#ifndef SM_BATCH_H
#define SM_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "piece.h"

#include "db.h"

enum sm_state { SM_PENDING, SM_RUNNING, SM_DONE, SM_FAILED };

/* A batch that a claim holds. */
struct sm_batch {
	struct sm_piece piece;
	int64_t worker;
	int64_t max_attempts; /* the limit for piece.attempt */
	int64_t attempt;      /* id of its row */
	int64_t run;          /* of the claim */
	int64_t limits;       /* job.limits at the claim */
};

void sm_batch_release(struct sm_batch *b);

/* Planning. */
int sm_batch_insert(struct sm_db *db, const struct sm_piece *p,
		    struct sm_err *err);
/* Is there a row of p->id, and has it these bounds?  Reads only. */
int sm_batch_is(bool *same, struct sm_db *db, const struct sm_piece *p,
		struct sm_err *err);

/* Has its row the same beginning?  Of an item, all columns (columns.h). */
int sm_batch_begins(bool *same, struct sm_db *db, const struct sm_piece *p,
		    struct sm_err *err);
/*
 * Give the row the end of `p`, and its item, and put it back.  One that a
 * worker has in hand is left to that one's rescue: another run cannot commit it
 * (fence.h).
 */
int sm_batch_lengthen(struct sm_db *db, const struct sm_piece *p,
		      struct sm_err *err);

/* Who claims. */
struct sm_claim {
	int64_t worker;
	int64_t run;             /* the run that the worker joined */
	const char *fingerprint; /* of the options it works with */
	double now;              /* Unix seconds */
};

/*
 * Take the first due batch of the highest priority.  Not `claimed`: nothing is
 * due, the job is paused, as many run as may at once (room.h), the run is not
 * the claim's, or the worker's row was ended by somebody who gave it up for
 * dead.
 */
int sm_batch_claim(bool *claimed, struct sm_batch *b, struct sm_db *db,
		   const struct sm_claim *claim, struct sm_err *err);

/*
 * A pending row whose shard was found whole: done, with an attempt of its own
 * by `worker`.
 */
int sm_batch_adopt(bool *held, struct sm_db *db, uint64_t id,
		   const struct sm_claim *by, const struct sm_made *made,
		   struct sm_err *err);

int sm_batch_complete(bool *held, struct sm_db *db, const struct sm_batch *b,
		      const struct sm_made *made, double now,
		      struct sm_err *err);

struct sm_batch_trouble {
	const char *outcome;     /* of the attempt: "error", "signal", … */
	int exit_status, signal; /* -1: none */
	const char *error_class; /* or NULL */
	const char *message;
	const char *stderr_text; /* or NULL */
	const char *reason;      /* sm_batch_fail()'s own */
	bool retry;              /* false: failed whatever is left */
};

/* What became of a batch whose attempt did not succeed. */
enum sm_fate {
	SM_FATE_FENCED, /* the guard did not hold */
	SM_FATE_AGAIN,  /* pending */
	SM_FATE_FAILED,
};

/* A counted failure: pending with backoff if tries are left, else failed. */
int sm_batch_fail(enum sm_fate *fate, struct sm_db *db,
		  const struct sm_batch *b, const struct sm_batch_trouble *t,
		  double now, struct sm_err *err);
/* Not counted: pending at once. */
int sm_batch_give_back(enum sm_fate *fate, struct sm_db *db,
		       const struct sm_batch *b,
		       const struct sm_batch_trouble *t, double now,
		       struct sm_err *err);
/*
 * Ended by hand, not counted: pending, but no sooner than in SM_STOP_WAIT_S,
 * and then after all others.
 */
#define SM_STOP_WAIT_S 60
int sm_batch_stop(bool *held, struct sm_db *db, const struct sm_batch *b,
		  double now, struct sm_err *err);
int sm_batch_set_priority(uint64_t *changed, struct sm_db *db,
			  const struct sm_batch_range *range, int64_t priority,
			  struct sm_err *err);

/* Who has a batch in hand. */
struct sm_batch_holder {
	char state[16]; /* "" if there is no such batch; the rest of running */
	struct sm_batch batch;
	double started;
	int slot;
	int64_t pid;
	uint64_t pid_start;
	bool supervised;
	char host[256];
};
int sm_batch_held_by(struct sm_batch_holder *held, struct sm_db *db,
		     uint64_t id, struct sm_err *err);

/* The guard did not hold: close the attempt as fenced, touch nothing else. */
int sm_batch_fenced(struct sm_db *db, const struct sm_batch *b, double now,
		    struct sm_err *err);

/* The batch that worker holds, without bounds and item. */
int sm_batch_of_worker(bool *found, struct sm_batch *b, struct sm_db *db,
		       int64_t worker, struct sm_err *err);
/* A running batch whose worker's row has ended. */
int sm_batch_orphan(bool *found, struct sm_batch *b, struct sm_db *db,
		    struct sm_err *err);
/* Is `token` of a claim by a worker that had the slot?  Which batch's? */
int sm_batch_of_token(bool *found, uint64_t *batch, struct sm_db *db,
		      int64_t token, int slot, struct sm_err *err);
/* How often in a row was the batch interrupted, up to its latest attempt? */
int sm_batch_interruptions(int *n, struct sm_db *db, uint64_t id,
			   struct sm_err *err);

/* Bounds, item and attempts of one row; p->item is the caller's to free. */
int sm_batch_get(bool *found, struct sm_piece *p, struct sm_db *db, uint64_t id,
		 struct sm_err *err);

/* A done row whose shard is not there or not whole, guarded by its token. */
int sm_batch_requeue(bool *held, struct sm_db *db, uint64_t id, int64_t token,
		     const char *reason, struct sm_err *err);

enum sm_batch_set { SM_BATCHES_FAILED, SM_BATCHES_ALL };

/* To pending, with fresh attempts; running ones are left. */
int sm_batch_retry(uint64_t *changed, struct sm_db *db, enum sm_batch_set set,
		   struct sm_err *err);
int sm_batch_retry_range(uint64_t *changed, struct sm_db *db, uint64_t first,
			 uint64_t last, struct sm_err *err);

/* ---- looking ---- */

/* Counts and sizes are those of a done row, 0 before. */
struct sm_batch_row {
	uint64_t id;
	enum sm_state state;
	int64_t first, end, token;
	struct sm_counts counts;
	struct sm_sizes sizes;
	int64_t joined, joined_at; /* joined.h */
};

/*
 * Every row from id `from` on, in order, of one snapshot.  One cursor per
 * connection at a time.
 */
int sm_batch_rows_begin(struct sm_db *db, uint64_t from, struct sm_err *err);
int sm_batch_rows_next(struct sm_batch_row *row, struct sm_db *db,
		       struct sm_err *err);
void sm_batch_rows_end(struct sm_db *db);
/* One row as it is now; zeroed, with the token of no attempt, if there is none.
 */
int sm_batch_row_of(struct sm_batch_row *row, struct sm_db *db, uint64_t id,
		    struct sm_err *err);
/* The first from `from` on, as it is now: 1, 0, <0. */
int sm_batch_row_from(struct sm_batch_row *row, struct sm_db *db, uint64_t from,
		      struct sm_err *err);

struct sm_batch_counts {
	uint64_t total, pending, running, done, failed;
	struct sm_counts counts; /* of the done ones, like the sizes */
	uint64_t raw_bytes, gz_bytes;
	uint64_t joined; /* whose bytes the final file holds, as it grows */
	double percent, rows_per_s, elapsed_s, eta_s; /* eta_s <0: unknown */
	uint64_t stragglers;                          /* of the running ones */
};

/* The view `progress`: reads every row. */
int sm_batch_counts(struct sm_batch_counts *c, struct sm_db *db,
		    struct sm_err *err);

struct sm_straggler {
	uint64_t id, count; /* the one that runs longest, of so many */
	double seconds, usual_s;
};

/* The view `stragglers`: cheap whatever the number of batches. */
int sm_batch_straggler(bool *found, struct sm_straggler *s, struct sm_db *db,
		       struct sm_err *err);

struct sm_batch_left {
	bool pending, running; /* is there any? */
	double next_due; /* Unix seconds; 0: one is due, or none is pending */
};

/* By the indices: cheap whatever the number of batches. */
int sm_batch_left(struct sm_batch_left *left, struct sm_db *db,
		  struct sm_err *err);
int sm_batch_any_failed(bool *any, struct sm_db *db, struct sm_err *err);
int sm_batch_count_failed(uint64_t *n, struct sm_db *db, struct sm_err *err);
/* Was any ever claimed, or is one not pending? */
int sm_batch_any_begun(bool *any, struct sm_db *db, struct sm_err *err);
/* Is the job paused, or a batch put off, hastened, given other tries? */
int sm_batch_any_edited(bool *any, struct sm_db *db, struct sm_err *err);

/* A batch in hand, and where its worker is to be asked about it. */
struct sm_batch_hand {
	int64_t id, token;
	int slot;
};

/*
 * The next one after b->id that has been running since before `before`, and of
 * whose command the pid has not been noted.
 */
int sm_batch_next_unnoted(bool *found, struct sm_batch_hand *b,
			  struct sm_db *db, double before, struct sm_err *err);
/* In a write transaction; nothing, where the claim is over. */
int sm_batch_note_command(struct sm_db *db, const struct sm_batch_hand *b,
			  int64_t pid, struct sm_err *err);

/* Done batches whose text is empty, and whose text ends in an open line. */
int sm_batch_odd_ends(uint64_t *empty, uint64_t *open, struct sm_db *db,
		      struct sm_err *err);

#endif /* SM_BATCH_H */
