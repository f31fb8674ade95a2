/*
 * cuts.h - what a job's input was cut into, on its way to rows
 *
 * How many batches there are is known at the end of the cut only, and with it
 * the fingerprint and what belongs to each part.  Until then they wait in a
 * file without a name in the job directory, so that ten million of them need
 * no memory.
 *
 */
#ifndef SM_CUTS_H
#define SM_CUTS_H

#include "piece.h"

struct sm_cuts; /* NULL: none were cut yet */

/* Made by the first one, in the directory.  SM_EIO: it has no room for it. */
int sm_cuts_add(struct sm_cuts **c, int dirfd, const struct sm_piece *b,
		struct sm_err *err);
uint64_t sm_cuts_count(const struct sm_cuts *c);
uint64_t sm_cuts_first_id(const struct sm_cuts *c); /* where there is one */
/*
 * The one at `index`, from 0 below the count; `item` is valid until the next
 * call.  They are meant to be read in order: an earlier index than the one
 * after the last begins from the first.  Nothing may be added any more.
 */
int sm_cuts_read(struct sm_piece *b, struct sm_cuts *c, uint64_t index,
		 struct sm_err *err);
void sm_cuts_free(struct sm_cuts *c);

#endif /* SM_CUTS_H */
