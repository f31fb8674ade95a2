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
#include "worker.h"

enum sm_rescue_how {
	SM_RESCUE_INTERRUPTED, /* not counted */
	SM_RESCUE_DIED,        /* counted: a child of the observer, `signal` */
	SM_RESCUE_STALLED,     /* counted */
};

/*
 * End `w`'s row and put back the batch it holds, if any; remove the temporary
 * file of its token.  1 if a batch was put back, 0, <0.
 */
int sm_rescue_worker(struct sm_handle *h, const struct sm_worker *w,
		     enum sm_rescue_how how, int signal, int exit_status,
		     const struct sm_events *ev, struct sm_err *err);

/*
 * Every worker whose byte is free, as interrupted, then running batches that
 * no living worker holds.  `except` (of `n`) are left to their supervisor.
 */
int sm_rescue_dead(struct sm_handle *h, const struct sm_live *live,
		   const int64_t *except, size_t n, const struct sm_events *ev,
		   struct sm_err *err);

#endif /* SM_RESCUE_H */
