/*
 * proc.h - what /proc says of processes
 *
 * Format: proc(5), /proc/PID/stat and /proc/PID/environ.  Whoever looks at a
 * process by its number looks at one that may have ended meanwhile; the start
 * time tells it from another one that has got its number.
 */
#ifndef SM_PROC_H
#define SM_PROC_H

#include <stdbool.h>
#include <stdint.h>

#include "dir.h"

struct sm_proc {
	int64_t pid;
	char name[16]; /* the first 15 bytes of the program's */
	char state; /* 'R', 'S', 'T' stopped, 'Z' ended and not reaped, … */
	int64_t group, session;
	uint64_t start; /* clock ticks after boot */
};

/* False: there is none, or /proc is not there to ask. */
bool sm_proc_get(struct sm_proc *p, int64_t pid);

/*
 * All processes:
 *
 *	sm_proc_begin(&d);
 *	while (sm_proc_next(&p, &d))
 *		...
 *	sm_dir_close(&d);
 *
 * One that begins or ends meanwhile may be among them or not.
 */
void sm_proc_begin(struct sm_dir *d);
bool sm_proc_next(struct sm_proc *p, struct sm_dir *d);

/*
 * The value of `name` ("NAME=") in the environment with which the process was
 * started.  False if it has none, a longer one than `size` - 1 bytes, or it
 * cannot be told: the process is another user's, or has become one.
 */
bool sm_proc_variable(char *value, size_t size, int64_t pid, const char *name);

#endif /* SM_PROC_H */
