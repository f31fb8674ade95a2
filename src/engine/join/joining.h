/*
 * joining.h - write a final file that join.c has chosen and opened
 */
#ifndef SM_JOINING_H
#define SM_JOINING_H

#include "growing.h"
#include "join.h"

struct sm_joining {
	struct sm_handle *h;
	const struct sm_events *ev;
	struct sm_growing *g;
	char *path; /* the final file */
	uint64_t total_bytes, told_ms, size;
	bool ours; /* the job's own final file, whole */
	/* Batches that go in, if they are done: `missing` may then be more. */
	bool partial;
	struct sm_batch_range only;
	uint64_t left_out; /* of the batches, for whatever reason … */
	uint64_t missing; /* … of those asked for, because they are not done */
	uint64_t named[SM_JOIN_NAMED_MAX]; /* the first of these */
};

/* From what is open to what is published.  Fails as sm_join() does. */
int sm_joining_write(struct sm_joining *j, struct sm_finalize_result *result,
		     struct sm_err *err);

/*
 * Inside.  A file beside the job's own is written from one snapshot, and a run
 * that consumes its shards may have moved this one into the growing file since:
 * 0: `row` and the open file say where its bytes are by now; SM_EVERIFY, with
 * `err` as it was: nothing changed; SM_EWORK: the batch was put back.
 */
int sm_joining_look_again(struct sm_joining *j, struct sm_batch_row *row,
			  struct sm_err *err);
/* Put the damaged batch back, and all damaged ones behind it. */
int sm_joining_requeue_damaged(struct sm_joining *j, struct sm_batch_row *row,
			       struct sm_err *err);

#endif /* SM_JOINING_H */
