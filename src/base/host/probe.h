/*
 * probe.h - does a directory's file system do what we rely on?
 *
 * It is tried, in a directory of its own below the one in question: files are
 * written, read back, cut, opened again, renamed over others, and, for a job,
 * unlinked, listed, locked and mapped by two processes.  What another mount or
 * another host sees of it is not tried, and cannot be from here.
 */
#ifndef SM_PROBE_H
#define SM_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

/* Room for a reason. */
#define SM_PROBE_WHY 256

enum sm_probe {
	SM_PROBE_FILE, /* what a final file needs, which is continued */
	SM_PROBE_JOB   /* and what a job directory needs besides */
};

/*
 * 1: all of it works; 0: `why` says what does not; <0: it could not be tried,
 * for want of room, memory or leave, or since the disk fails.  Nothing is left
 * in the directory, but for what a killed process left, which the next trial
 * an hour later takes away.
 */
int sm_probe(char why[SM_PROBE_WHY], int dirfd, enum sm_probe what,
	     struct sm_err *err);

#endif /* SM_PROBE_H */
