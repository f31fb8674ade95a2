/*
 * pipes.h - named pipes that batches had in hand, and nobody needs
 *
 * A worker makes the pipes of its batch and removes them (SM_KIND_PIPES in
 * kind.h); if it dies, whoever puts the batch back removes them.  What a run
 * leaves that was killed as a whole is found by the next one: a pipe belongs to
 * a running row with the token in its name, or to nobody.  As in startcheck.h,
 * names are listed before the rows are read.
 */
#ifndef SM_PIPES_H
#define SM_PIPES_H

#include "handle.h"

int sm_pipes_sweep(struct sm_handle *h, struct sm_err *err);
void sm_pipes_remove(struct sm_handle *h, uint64_t batch, int64_t token);

#endif /* SM_PIPES_H */
