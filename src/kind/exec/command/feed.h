/*
 * feed.h - text, written into a command's standard input
 *
 *	sm_feed_begin(), sm_feed_write() whenever the pipe takes more,
 *	sm_feed_end().
 *
 * Writing to a command that is gone raises SIGPIPE in this thread, whose
 * handler is the program's business: it is blocked between begin and end, and
 * one of ours is taken back.
 */
#ifndef SM_FEED_H
#define SM_FEED_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "err.h"

/* The next piece, valid until the next call: 1; 0: that was all; <0. */
typedef int sm_feed_source(const char **text, size_t *len, void *arg,
			   struct sm_err *err);

struct sm_feed {
	sm_feed_source *next;
	void *arg;
	const char *text; /* what is to be written of the last piece */
	size_t len;
	bool sigpipe; /* one was raised */
	sigset_t before;
};

void sm_feed_begin(struct sm_feed *f, sm_feed_source *next, void *arg);
/*
 * Write once to the non-blocking `pipe`.  1: there is more; 0: all is written,
 * or nobody reads any more, which is no error; <0: what the source says.
 */
int sm_feed_write(struct sm_feed *f, int pipe, struct sm_err *err);
void sm_feed_end(struct sm_feed *f);

#endif /* SM_FEED_H */
