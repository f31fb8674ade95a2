/*
 * leftover.h - end what a killed worker's command still runs
 *
 * A worker's guard does this as the worker dies (kind/exec/command/guard.h).
 * After SIGKILL of both, the group is still in the file `workers`, and whoever
 * rescues the batch ends it first, so that no two attempts work side by side.
 */
#ifndef SM_LEFTOVER_H
#define SM_LEFTOVER_H

#include "handle.h"
#include "live.h"
#include "worker.h"

/*
 * Kill the group that the dead worker `w` had in hand and wait for its end.  It
 * is known by its number and by the token in its processes' environment, of a
 * claim by a holder of that slot: the one in hand or, of a command that lives,
 * an earlier one.  Another group that has got the number since is left alone,
 * and so is one whose processes have dropped the variable.
 */
int sm_leftover_end(struct sm_handle *h, const struct sm_live *live,
		    const struct sm_worker *w, const struct sm_events *ev,
		    struct sm_err *err);

#endif /* SM_LEFTOVER_H */
