/*
 * start.h - start a program in a new process
 *
 * vfork(2) shares the parent's memory until the child runs its program, so
 * that starting one does not copy page tables: the cost of a command is the
 * same for a worker of 10 MB and one of 10 GB.  What is needed is prepared
 * before; the child only makes system calls.
 */
#ifndef SM_START_H
#define SM_START_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

/*
 * What the child reports when it fails before its program runs.  It lives in
 * shared memory, because sanitizers turn vfork into fork.
 */
struct sm_start_report;

#define SM_START_GROUPS 2

struct sm_start {
	const char *path;
	char *const *argv, *const *envp;
	const char *cwd; /* NULL: the caller's */
	int fd[3];       /* become 0, 1, 2; all above 2; -1: the caller's */
	bool foreground; /* stay in the caller's session and group */
	uint64_t memory; /* RLIMIT_DATA; 0: the caller's */
	/* Set to the group by the child itself, before it runs; or NULL. */
	_Atomic int64_t *group[SM_START_GROUPS];
	struct sm_start_report *report;
};

struct sm_start_report *sm_start_report_new(struct sm_err *err);
void sm_start_report_free(struct sm_start_report *r); /* NULL is allowed */

/*
 * A pipe whose ends are above 2, even if the caller's own 0, 1 or 2 is closed:
 * what becomes the child's 0, 1 and 2 must not be one of these.  -1, errno.
 */
int sm_start_pipe(int ends[2]);

/*
 * The child's surroundings are command.h's.  SM_ENOTFOUND, SM_EINPUT for
 * arguments that are too long, SM_ENOMEM; then there is no child.
 */
int sm_start(pid_t *pid, const struct sm_start *s, struct sm_err *err);

/* No command is in hand. */
void sm_start_forget(_Atomic int64_t *const group[SM_START_GROUPS]);

/*
 * A child that exited with SM_START_FAILED: was it ours that never became the
 * program?  The error, else 0.  sm_start() has asked already, but only where
 * vfork is no fork can it know.
 */
#define SM_START_FAILED 127
int sm_start_failed(const struct sm_start *s, struct sm_err *err);

#endif /* SM_START_H */
