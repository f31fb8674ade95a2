/*
 * holder.h - who holds a lock on a file, as far as /proc/locks says it
 *
 * Processes of other pid namespaces, and locks of open files (F_OFD_SETLK),
 * which belong to no process, are not named there.
 */
#ifndef SM_HOLDER_H
#define SM_HOLDER_H

#include <stdint.h>

struct sm_lock_asked {
	const char *kind; /* "POSIX"; "FLOCK", the whole file's */
	const char *type; /* "READ", "WRITE" */
	uint64_t byte;    /* of "POSIX" */
	int except[2];    /* processes that are not meant */
};

/* The process that holds it on `file` of `dirfd`; 0: nobody that is seen. */
int sm_lock_holder(int dirfd, const char *file, const struct sm_lock_asked *l);

#endif /* SM_HOLDER_H */
