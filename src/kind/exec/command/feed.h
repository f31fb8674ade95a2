/*
 * feed.h - a piece of a file, written into a command's standard input
 *
 *	sm_feed_begin(), sm_feed_write() whenever the pipe takes more,
 *	sm_feed_end().
 *
 * It is read by pread(2), not mapped: a file that shrinks is an error here,
 * not a SIGBUS.  Writing to a command that is gone raises SIGPIPE in this
 * thread, whose handler is the program's business: it is blocked between begin
 * and end, and one of ours is taken back.
 */
#ifndef SM_FEED_H
#define SM_FEED_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define SM_FEED_BUF (256 * 1024)

struct sm_feed {
	int fd;
	const char *name;       /* for messages */
	uint64_t at, end;       /* the next byte to be read, and the last + 1 */
	size_t buf_at, buf_len; /* what of `buf` is to be written */
	bool sigpipe;           /* one was raised */
	sigset_t before;
	char buf[SM_FEED_BUF];
};

void sm_feed_begin(struct sm_feed *f, int fd, const char *name, uint64_t at,
		   uint64_t end);
/*
 * Write once to the non-blocking `pipe`.  1: there is more; 0: all is written,
 * or nobody reads any more, which is no error; SM_EREFUSED: the file is
 * shorter than `end`.
 */
int sm_feed_write(struct sm_feed *f, int pipe, struct sm_err *err);
void sm_feed_end(struct sm_feed *f);

#endif /* SM_FEED_H */
