/*
 * growing.h - the final file while it grows
 *
 *	sm_growing_open(), for each batch in order sm_growing_add() and
 *	sm_growing_record(), sm_growing_end(), sm_growing_publish(),
 *	always sm_growing_close()
 *
 * The job's own file grows as F.part.  What stands in it from an earlier time
 * is taken up again as far as its bytes are what the rows say; from there on it
 * is written anew.  What was added is recorded in the rows, many at a time, for
 * people, and, in a job that consumes its shards, so that those can go: the
 * file is synced, the rows are committed with synchronous = FULL, then the
 * shards are removed.  A kill in between leaves a shard too many; a power cut
 * that forgets the removal as well.
 *
 * A file that has what removed shards had is never written but behind its end.
 * If a batch in its midst was made again, with other bytes, the file is written
 * into another one, the next generation, from its own ranges and the new
 * shards, and the commit that publishes it makes that the job's.
 *
 * Another file, of a part of the job or with another name or form, is written
 * from the start as F.tmp, and nothing about its batches is recorded.
 *
 * Belongs to one thread at a time; `h` is whose connection is used and may be
 * replaced when another takes over.
 */
#ifndef SM_GROWING_H
#define SM_GROWING_H

#include "final.h"
#include "handle.h"

struct sm_grown {
	uint64_t id, at;
	int64_t token;
};

struct sm_grown_list {
	struct sm_grown *item;
	size_t count, cap;
};

struct sm_growing {
	struct sm_handle *h;
	const struct sm_events *ev;
	char *path, *part;
	int fd;     /* what grows; -1: not open */
	int lock;   /* final.lock, or -1 */
	int old_fd; /* where removed shards' bytes are, or -1 */
	uint64_t old_size;
	bool ours; /* the job's own, or a file beside it */
	bool consume;
	bool anew;      /* what stands behind the end does not count */
	bool published; /* `fd` is the final file: only looked at */
	bool rewriting; /* `fd` is of the next generation */
	bool must_rewrite;
	bool again; /* a second time: batches changed under the first */
	bool durable_name;
	bool is_whole;          /* all but its name */
	int64_t generation;     /* of `fd` */
	uint64_t digest;        /* of (id, token) of what was added */
	uint64_t digest_listed; /* … and listed in the index */
	uint64_t records, raw_bytes;
	uint64_t fresh_bytes, recorded_ms;
	struct sm_grown_list fresh; /* added, not recorded */
	struct sm_grown_list spent; /* recorded: their shards may go */
	struct sm_final final;
};

/* Nothing open, for close() to take. */
void sm_growing_init(struct sm_growing *g, struct sm_handle *h,
		     const struct sm_events *ev);

/*
 * The job's own; final.lock is held by the caller, or in g->lock.  SM_EHELD:
 * another job writes the same; SM_EREFUSED: did so, and there is no `force`.
 */
int sm_growing_open(struct sm_growing *g, const char *path, bool force,
		    struct sm_err *err);
/* A file beside it.  SM_EHELD: somebody else writes the same. */
int sm_growing_open_other(struct sm_growing *g, const char *path,
			  struct sm_err *err);

/*
 * Add the next batch, which is done.  1; 0: the file must be rewritten, and
 * nothing can be added before sm_growing_rewrite(); SM_EVERIFY: its bytes are
 * not there.
 */
int sm_growing_add(struct sm_growing *g, const struct sm_batch_row *row,
		   struct sm_err *err);
/* Begin the next generation; all batches are to be added again. */
int sm_growing_rewrite(struct sm_growing *g, struct sm_err *err);
/* From the start once more, as if it were opened only now. */
void sm_growing_rewind(struct sm_growing *g);
/* Are the batches that were added still the rows'?  1, 0, <0. */
int sm_growing_is_current(struct sm_growing *g, struct sm_err *err);

/*
 * If so much has come together, or all: record what was added, and consume it.
 * SM_EBUSY, SM_ESTOPPED: it can be tried again.
 */
int sm_growing_record(struct sm_growing *g, bool all, struct sm_err *err);

/*
 * Nothing is to be added for a while: let the disk begin with what was, and,
 * if that was the last batch, wait for it, so that little is left for the end.
 */
int sm_growing_settle(struct sm_growing *g, struct sm_err *err);

/* List the next batch in the index. */
int sm_growing_list(struct sm_growing *g, const struct sm_batch_row *row,
		    const struct sm_gzip_entry *e, struct sm_err *err);
/* Index and end are written: sync. */
int sm_growing_end(struct sm_growing *g, struct sm_err *err);

/* Before the rows rely on it: a consumed job's file is found by recover. */
int sm_growing_make_findable(struct sm_growing *g, struct sm_err *err);
/*
 * In the write transaction that publishes: record the rest, of the job's own;
 * rename; the caller commits.
 */
int sm_growing_record_rest(struct sm_growing *g, struct sm_err *err);
int sm_growing_rename(struct sm_growing *g, struct sm_err *err);
/* After that commit: remove what nobody needs. */
void sm_growing_tidy(struct sm_growing *g);

/*
 * Of a job that is complete: remove what a kill behind that commit has left.
 * What cannot be removed stays.
 */
void sm_growing_sweep(struct sm_handle *h, const struct sm_events *ev);

/*
 * Before the final file of `job` is given another path: what has grown at the
 * old one is removed, if it is seen to be the job's and nobody is at it.
 */
void sm_growing_leave(const struct sm_jobdir *dir, const struct sm_job *job,
		      const char *path);

/* What is not the job's to go on with is removed. */
void sm_growing_close(struct sm_growing *g);

/* Inside. */
int sm_grown_push(struct sm_grown_list *l, const struct sm_grown *one,
		  struct sm_err *err);
int sm_growing_sync_parent(struct sm_growing *g, struct sm_err *err);
void sm_growing_abandon(struct sm_growing *g);

#endif /* SM_GROWING_H */
