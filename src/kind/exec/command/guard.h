/*
 * guard.h - a process that ends a command when its worker dies
 *
 * A command that outlives its worker would work on beside the next attempt at
 * its batch.  The death signal reaches the command itself and nothing that it
 * has started.  So a worker that runs commands has a guard: a process that
 * waits for the worker's end, in whatever way it comes, and then kills the
 * group of the command in hand.
 *
 *	sm_guard_new() once per worker, sm_guard_group() for struct
 *	sm_command_opts, sm_guard_free()
 *
 * The group's number is in memory that worker and guard share.  It cannot be
 * another's: as long as anything of the group lives, or its leader is not
 * reaped, the kernel gives the number to nobody, and the guard looks at the
 * moment of the worker's end.
 *
 * SIGKILL of the guard as well leaves the group to the next run (rescue.h).
 */
#ifndef SM_GUARD_H
#define SM_GUARD_H

#include <stdatomic.h>
#include <stdint.h>

#include "err.h"

struct sm_guard;

/* SM_ENOMEM, or what a missing process or descriptor is. */
int sm_guard_new(struct sm_guard **out, struct sm_err *err);
/* Where the group in hand is kept, 0: none.  NULL is allowed. */
_Atomic int64_t *sm_guard_group(struct sm_guard *g);
void sm_guard_free(struct sm_guard *g); /* waits for it; NULL is allowed */

#endif /* SM_GUARD_H */
