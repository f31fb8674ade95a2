/*
 * tell.h - the progress of a job, to whoever listens
 */
#ifndef SM_TELL_H
#define SM_TELL_H

#include <stdbool.h>

#include <shardmill.h>

#include "batch.h"

struct sm_tell {
	uint64_t told_ms, cost_ms;
};

bool sm_tell_is_due(const struct sm_tell *t);
/*
 * Once a second at most, and seldom enough that counting, which reads every
 * done row, takes a twentieth of the time.  `g`: the stragglers.
 */
int sm_tell_progress(struct sm_tell *t, const struct sm_events *ev,
		     struct sm_db *db, unsigned workers,
		     const struct sm_straggler *g, struct sm_err *err);

#endif /* SM_TELL_H */
