/*
 * fence.h - the number of the run, which fences off what ran before
 *
 * job.run is drawn anew when a supervisor takes the job over, or when its
 * options are changed.  A supervisor and its workers carry the number they
 * began with; every claim, commit, rescue and start check asks for it, beside
 * the token, in the same statement or the same transaction.  So whoever was
 * frozen meanwhile, or lost its locks, can neither commit nor claim.
 *
 * Joining is not fenced: the final file is kept by final.lock, and whoever
 * joins looks at the rows again before the rename.
 */
#ifndef SM_FENCE_H
#define SM_FENCE_H

#include "db.h"

/* All in a write transaction of the caller's. */

/*
 * Draw the next number, put running batches back as interrupted and end all
 * workers' rows.
 */
int sm_fence_take_over(uint64_t *put_back, struct sm_db *db, double now,
		       struct sm_err *err);

/* Is `run` the job's still? */
int sm_fence_holds(bool *holds, struct sm_db *db, int64_t run,
		   struct sm_err *err);

#endif /* SM_FENCE_H */
