/*
 * on_end.h - --on-end CMD: a command that is told how a run ended
 */
#ifndef SM_ON_END_H
#define SM_ON_END_H

#include <shardmill.h>

/*
 * Run `command` by sh and wait for it.  `ret` and `err` are the run's, which
 * they stay: that the command failed is said on standard error.
 */
void sm_on_end(const char *command, const char *job,
	       const struct sm_run_result *r, int ret,
	       const struct sm_err *err);

#endif /* SM_ON_END_H */
