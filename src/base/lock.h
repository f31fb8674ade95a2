/*
 * lock.h - the two kinds of lock on files
 *
 * Open-file-description locks (fcntl(2), F_OFD_*) lock single bytes, never
 * wait here, and can be tested without taking anything.  They go with the open
 * file, which a worker's exec'd children do not inherit: a free byte says that
 * its holder is dead.
 *
 * The queue is flock(2), which lets its waiters through one at a time.  It
 * belongs to the open file as well: a second flock on one descriptor succeeds
 * at once, so each connection opens the file for itself.
 *
 * The line is for order alone.  Whoever leaves the queue and enters it at once
 * is there before the next one has woken up, and of 64 workers without work
 * some had no turn in seconds.  So after a few turns one stands in a line: two
 * counters in the file, which waiters share as memory, say who is next to ask
 * for the queue.  A waiter that dies, or is stopped, holds nothing: the others
 * wait a tenth of a second for it.  Whatever is wrong with the counters, the
 * queue still lets one through at a time.
 */
#ifndef SM_LOCK_H
#define SM_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

/*
 * Open (and create) the lock file `name` in `dirfd` and lock it.  1: `*fd`
 * holds the lock until it is closed; 0: somebody else has it, and not only for
 * the half second in which a killed holder's forked child may still share it;
 * <0.
 */
int sm_lock_try(int *fd, int dirfd, const char *name, struct sm_err *err);

/*
 * Does anybody hold it?  1, 0; a file that is missing is not held; <0 -errno:
 * nobody can tell.
 */
int sm_lock_held(int dirfd, const char *name);

/* Byte `at` of `fd` (open for writing): 1 locked now, 0 taken; <0 -errno. */
int sm_byte_lock(int fd, uint64_t at);
void sm_byte_unlock(int fd, uint64_t at);
/* sm_byte_lock(), with as much patience as sm_lock_try(). */
int sm_byte_lock_wait(int fd, uint64_t at);
/* 1: somebody else's open file holds the byte, 0: free; <0 -errno. */
int sm_byte_held(int fd, uint64_t at);
int sm_bytes_held(int fd, uint64_t at, uint64_t n); /* any of `n` */

int sm_queue_open(int *fd, int dirfd, const char *name, struct sm_err *err);
/* Wait for the turn; -1 with errno, EINTR if a signal's handler ran. */
int sm_queue_enter(int fd);
int sm_queue_try(int fd); /* 1: it is our turn; 0: somebody else's; -1 */
void sm_queue_leave(int fd);

struct sm_line {
	struct sm_line_counters *shared; /* NULL: no memory is shared */
	unsigned turns;                  /* since it last stood in line */
	bool stands;                     /* with that ticket */
	uint32_t ticket;
};

/* Of the queue that `fd` is; what fails here costs only the order. */
void sm_line_open(struct sm_line *line, int fd);
void sm_line_close(struct sm_line *line);
/* sm_queue_enter(), in line. */
int sm_line_enter(struct sm_line *line, int fd);

#endif /* SM_LOCK_H */
