/*
 * pace.h - when a batch's command may be started
 *
 * --delay: so long after the one before, of whichever worker of this host; the
 * workers agree on that in a file of the job directory, which says when the
 * next may be, under a lock that the kernel lets go with its holder.  --load
 * and
 * --memfree: while the machine has the room.
 */
#ifndef SM_PACE_H
#define SM_PACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "err.h"

/* Filled in by the caller, but for `fd`. */
struct sm_pace {
	double delay_s, load; /* 0: none */
	uint64_t memfree;
	const atomic_bool *stop, *drain; /* NULL: nobody asks */
	int stop_fd;                     /* readable with stop; -1: none */
	/* Told once who keeps the file locked for ten seconds; or NULL. */
	void (*waits)(const char *text, void *arg);
	void *arg;
	int dirfd; /* the job directory */
	int fd;    /* of the file; -1: none */
};

/* The file is opened in `job_dirfd`, if there is a delay. */
int sm_pace_open(struct sm_pace *p, int job_dirfd, struct sm_err *err);
/*
 * Wait until a command may be started.  SM_ESTOPPED as soon as the worker is
 * asked to end, by a drain too: what waits is not in hand.
 */
int sm_pace_wait(const struct sm_pace *p, struct sm_err *err);
void sm_pace_close(struct sm_pace *p);

#endif /* SM_PACE_H */
