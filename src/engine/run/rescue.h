/*
 * rescue.h - put back what a dead worker held
 *
 * Observers are the supervisor, for all workers, and, while there is none, any
 * worker by hand that finds nothing to claim.  A worker is dead when its byte
 * of the file `workers` is free, and given up for dead when its counter stood
 * still for the lease and it was killed (watch.h).
 *
 * Whether the attempt counts against the batch is a matter of who saw it: the
 * death of a supervisor's own living child counts; what ended with its
 * supervisor, a reboot or a worker by hand is `interrupted`.
 */
#ifndef SM_RESCUE_H
#define SM_RESCUE_H

#include "handle.h"
#include "live.h"
#include "memory.h"
#include "worker.h"

/*
 * End `w`'s row and put back the batch it holds, if any; remove the temporary
 * file of its token.
 */
/* With its supervisor, a reboot or by hand: not counted. */
int sm_rescue_interrupted(struct sm_handle *h, const struct sm_worker *w,
			  const struct sm_events *ev, struct sm_err *err);
/* Given up for dead: counted. */
int sm_rescue_stalled(struct sm_handle *h, const struct sm_worker *w,
		      const struct sm_events *ev, struct sm_err *err);
/*
 * A child of the observer, with `status` of wait(2): counted, unless SIGKILL
 * met it beside others and the OOM killer may have sent it (room.h).
 */
int sm_rescue_died(struct sm_handle *h, const struct sm_worker *w, int status,
		   struct sm_memory_watch *memory, const struct sm_events *ev,
		   struct sm_err *err);

/*
 * Every worker whose byte is free, as interrupted, after what its command still
 * runs was ended; then running batches that
 * no living worker holds.  `except` (of `n`) are left to their supervisor.
 */
int sm_rescue_dead(struct sm_handle *h, const struct sm_live *live,
		   const int64_t *except, size_t n, const struct sm_events *ev,
		   struct sm_err *err);

#endif /* SM_RESCUE_H */
