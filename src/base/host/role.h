/*
 * role.h - is this process a worker that a supervisor started?
 *
 * A worker is the user's own program, started again (worker_argv of sm_run()).
 * One that forgets its worker branch would plan and run a job inside the job,
 * whose workers would do the same, without end.  So the supervisor marks the
 * environment of its workers, and the calls that make or run jobs refuse to
 * work under the mark.  A worker's command does not inherit it: it may use
 * shardmill on a job of its own.
 */
#ifndef SM_ROLE_H
#define SM_ROLE_H

#include <stdbool.h>

#include "err.h"

/*
 * Before the token in the environment of a worker's command: the number of the
 * claim that it runs for, which no other attempt has.
 */
#define SM_ROLE_TOKEN "SHARDMILL_TOKEN="

/*
 * Was this process started as a worker?  Then it is one from here on: the mark
 * is taken out of its environment, so that what it starts is none.  Before
 * there are threads.
 */
bool sm_role_take_worker(void);

/* SM_EUSAGE under the mark; `call` is the function that was called. */
int sm_role_refuse_worker(const char *call, struct sm_err *err);

/*
 * The environment of this process with the mark: NULL at the end, free() the
 * array alone.  NULL without memory.
 */
char **sm_role_worker_environ(void);

/* Is an entry of the environment the mark? */
bool sm_role_is_mark(const char *entry);

#endif /* SM_ROLE_H */
