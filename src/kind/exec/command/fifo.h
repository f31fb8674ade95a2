/*
 * fifo.h - the named pipes through which one batch of a living command goes
 *
 *	sm_fifo_open_out() or _in(), then poll(2) on `fd`; sm_fifo_close().
 *
 * Each batch has pipes of its own, under names that no other one gets: a
 * descriptor that the command forgot to close leads nowhere afterwards, and not
 * into the next batch.
 *
 * The output's is open for reading before anybody knows its name, so that the
 * command's open(2) never waits.  It may be opened more than once: its end is
 * that nobody has it open when the command says that it is done.  poll(2) says
 * POLLHUP only after somebody had it open; sm_fifo_rearm() makes it wait for
 * the next one.
 *
 * The input's is open for both directions: open(2) for writing alone fails
 * until there is a reader, and with a reader of our own the command's open
 * never waits.  Nothing tells that a reader came, so the pipe has room for one
 * page at first: it is writable again (POLLOUT) once somebody has read that.
 * Only then may it be widened, and closed.
 */
#ifndef SM_FIFO_H
#define SM_FIFO_H

#include <sys/types.h>

#include "err.h"

struct sm_fifo {
	const char *path; /* the caller's */
	int fd;           /* -1: closed */
};

/* SM_EIO where the file system has no named pipes. */
int sm_fifo_open_out(struct sm_fifo *f, const char *path, struct sm_err *err);
int sm_fifo_open_in(struct sm_fifo *f, const char *path, struct sm_err *err);
void sm_fifo_rearm(struct sm_fifo *f);
void sm_fifo_widen(struct sm_fifo *f);
/* Also of one that could not be opened: its name is gone. */
void sm_fifo_close(struct sm_fifo *f);

#endif /* SM_FIFO_H */
