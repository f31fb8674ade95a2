/*
 * damaged.h - a shard that is joined is not what its row says
 *
 * Its batch goes back to pending and is made again.
 */
#ifndef SM_DAMAGED_H
#define SM_DAMAGED_H

#include "grow.h"
#include "rows.h"

/* Put the batch back, unless it is another one by now. */
int sm_damaged_put_back(bool *put_back, struct sm_handle *h,
			const struct sm_batch_row *row, struct sm_err *err);
/*
 * Put `bad` back, and after it all batches whose shards are damaged, so that
 * one more run mends everything.
 */
int sm_damaged_put_back_all(const struct sm_join_from *from,
			    const struct sm_batch_row *bad, struct sm_err *err);
/*
 * While a run is followed: put the batch back, say so, and go on; after
 * SM_DAMAGED_MAX of them the disk is not to be trusted: `why`.
 */
int sm_damaged_while_followed(int *times, const struct sm_grow *g,
			      const struct sm_batch_row *row,
			      const struct sm_err *why, struct sm_err *err);
#define SM_DAMAGED_MAX 3
/*
 * Of a file beside the job's own: a run that consumes its shards may have moved
 * this one into the growing file since its row was read, or since that file was
 * opened.  Called with what is wrong in `err`.  0: `row` and `g` say where its
 * bytes are now; SM_EVERIFY, with `err` as it was: they are nowhere; SM_EWORK:
 * the batch was put back.
 */
int sm_damaged_look_again(struct sm_batch_row *row, struct sm_grow *g,
			  struct sm_handle *h, struct sm_err *err);

#endif /* SM_DAMAGED_H */
