/*
 * history.h - what `status` shows of single batches and their attempts
 *
 * The structs are those of shardmill.h; the caller releases them there.
 */
#ifndef SM_HISTORY_H
#define SM_HISTORY_H

#include "db.h"

/* Up to `max` failed, then up to `max` running ones, appended to s->batch. */
int sm_history_list(struct sm_status *s, int max, struct sm_db *db,
		    struct sm_err *err);
/* Up to `max` reasons that batches which are not done have failed for. */
int sm_history_failures(struct sm_status *s, int max, struct sm_db *db,
			struct sm_err *err);
/* SM_EUSAGE if there is no such batch. */
int sm_history_batch(struct sm_batch_status *s, struct sm_db *db,
		     uint64_t batch, struct sm_err *err);

#endif /* SM_HISTORY_H */
