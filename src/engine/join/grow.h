/*
 * grow.h - a final file while it grows
 *
 *	sm_grow_init(), sm_grow_open() or sm_grow_open_beside(), for each batch
 *	in order sm_grow_add() and sm_grow_record(), then sm_grow_end(), in the
 *	transaction that publishes sm_grow_record_rest() and sm_grow_rename(),
 *	after it sm_grow_tidy(), always sm_grow_close()
 *
 * The job's own file grows as F.part.  What is in it from an earlier time is
 * taken up again as far as its bytes are what the rows say; from there on it is
 * written anew.  What was added is recorded in the rows, many at a time, for
 * people, and, in a job that consumes its shards, so that those can go: the
 * file is synced, the rows are committed with synchronous = FULL, then shards
 * are removed of which the synced file has bytes and index entry.  A kill in
 * between leaves a shard too many; so does a power cut that forgets a removal.
 *
 * A file that has what removed shards had is written at its end only.  If a
 * batch in its midst was made again, with other bytes, the file is written into
 * another one, the next generation, from its own ranges and the new shards, and
 * the commit that publishes it makes that the job's.
 *
 * That F.part is the job's, and no person's, is said in the job before its
 *first byte is written (growing.h).
 *
 * Belongs to one thread at a time.
 */
#ifndef SM_GROW_H
#define SM_GROW_H

#include "final.h"
#include "handle.h"

enum sm_grow_state {
	SM_GROW_COMPARING, /* F.part: what is in it is compared with the rows */
	SM_GROW_APPENDING, /* F.part: written from where the two differ */
	SM_GROW_PUBLISHED, /* F, which has its name already: compared only */
	SM_GROW_REWRITING, /* the next generation, from its start */
	SM_GROW_BESIDE,    /* a file beside the job's own, F.*.tmp, likewise */
};

struct sm_grown {
	uint64_t id, at;
	int64_t token;
};

struct sm_grown_list {
	struct sm_grown *item;
	size_t count, cap;
};

struct sm_grow {
	enum sm_grow_state state;
	/*
	 * Whose rows say what the file has.  NULL: nobody's, since the job is
	 * in parts.  Replaced when another thread takes over.
	 */
	struct sm_handle *h;
	const struct sm_jobdir *dir; /* of the job, or of the whole */
	const struct sm_events *ev;
	uint64_t fingerprint;
	char *path, *part; /* `part` NULL: renamed */
	int fd;            /* what grows; -1: not open */
	int lock;          /* final.lock, or -1 */
	int old_fd;        /* where removed shards' bytes are, or -1 */
	uint64_t old_size;
	int64_t generation; /* of `fd` */
	bool findable;      /* by recover, and its name is durable */
	uint64_t durable;   /* batches, from the first, that recover can read
			       from the synced file: their shards may go */
	uint64_t had;       /* bytes that were added before a rewind */
	uint64_t digest;    /* of (id, token) of what was added */
	uint64_t records, raw_bytes;
	uint64_t fresh_bytes, recorded_ms;
	struct sm_grown_list fresh; /* added, not recorded */
	struct sm_grown_list spent; /* recorded: their shards may go */
	uint64_t removed_ms;        /* when a shard was last; 0: never */
	bool reserved;              /* space to commit in, on a full disk */
	bool abandoned; /* a sync has failed: nothing of it counts */
	struct sm_final final;
};

/* Nothing open, for close() to take. */
void sm_grow_init(struct sm_grow *g, struct sm_handle *h, uint64_t fingerprint,
		  const struct sm_events *ev);

/*
 * The job's own; final.lock is held by the caller, or in g->lock.  SM_EHELD:
 * another job writes the same; SM_EREFUSED: did so, and there is no `force`.
 */
int sm_grow_open(struct sm_grow *g, const char *path, bool force,
		 struct sm_err *err);
/*
 * A file beside it, written from the start, nothing of which is recorded.
 * SM_EHELD: somebody else writes the same.
 */
int sm_grow_open_beside(struct sm_grow *g, const char *path,
			struct sm_err *err);

/*
 * Add the next batch, which is done, of the database `h`.  `*added` false: the
 * file must be rewritten; SM_EVERIFY: the batch's bytes are not there.
 */
int sm_grow_put(bool *added, struct sm_grow *g, const struct sm_handle *h,
		const struct sm_batch_row *row, struct sm_err *err);
/*
 * Of a job that consumes its shards: a little of the disk is kept from the
 * opening to the end, for the commit that lets shards go on a full one.
 */
void sm_grow_release(struct sm_grow *g);
void sm_grow_reserve(struct sm_grow *g);

/* Begin the next generation; all batches are to be added again. */
int sm_grow_rewrite(struct sm_grow *g, struct sm_err *err);
/* From the start once more, as if it were opened only now. */
void sm_grow_rewind(struct sm_grow *g);

/* Index and end, then sync.  Of what is published: is that what it has? */
int sm_grow_end(bool *stands, struct sm_grow *g, struct sm_err *err);
/* Its name; before the commit, so that no row records a name that is not. */
int sm_grow_rename(struct sm_grow *g, struct sm_err *err);

/*
 * After a failed sync: what the kernel may have dropped must never be taken up
 * again.  What rows rely on was synced before, and stays.
 */
void sm_grow_abandon(struct sm_grow *g);

/* What the job will not go on with is removed. */
void sm_grow_close(struct sm_grow *g);

int sm_grown_push(struct sm_grown_list *l, const struct sm_grown *one,
		  struct sm_err *err);

/* ---- grow_record.c: what has grown becomes a fact, and shards may go ---- */

/*
 * If so much has come together, or all: record what was added, and consume it.
 * SM_EBUSY, SM_ESTOPPED: it can be tried again.
 */
int sm_grow_record(struct sm_grow *g, bool all, struct sm_err *err);

/*
 * The disk is full: shards of a job that consumes them go, if they are in the
 * file.  Not `freed`: none could.
 */
int sm_grow_make_room(bool *freed, struct sm_grow *g, struct sm_err *err);

/* sm_grow_put(); on a full disk, shards that are in the file go first. */
int sm_grow_add(bool *added, struct sm_grow *g, const struct sm_handle *h,
		const struct sm_batch_row *row, struct sm_err *err);

/*
 * Nothing is to be added for a while: let the disk begin with what was, and,
 * if that was the last batch, wait for it, so that little is left for the end.
 */
int sm_grow_settle(struct sm_grow *g, struct sm_err *err);

/* Before rows rely on it: a consumed job's file is found by recover. */
int sm_grow_make_findable(struct sm_grow *g, struct sm_err *err);
/* In the write transaction that publishes: record the rest. */
int sm_grow_record_rest(struct sm_grow *g, struct sm_err *err);
/* After that commit: remove what nobody needs. */
void sm_grow_tidy(struct sm_grow *g);
/* Say that shards are left which nobody needs, and why. */
void sm_grow_notice_left(const struct sm_grow *g, const struct sm_err *why);

#endif /* SM_GROW_H */
