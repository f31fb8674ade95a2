/*
 * pulse.h - a worker's second thread: heartbeat and control
 *
 * It never touches SQLite or the current batch; of the main thread's wait for
 * its turn to write it tells, since that cannot (db.h).  Every 2 seconds it
 * adds 1 to the worker's counter; in between it listens: to the supervisor's
 * socket (one message asks to drain, a second one or the supervisor's end to
 * stop at once) or, for a worker by hand, to the caller's stop flag.
 *
 * The supervisor's first message is the number of the run.
 *
 * The socket also carries the worker's messages to its supervisor: that it made
 * its first claim, and the error that ended it.
 */
#ifndef SM_PULSE_H
#define SM_PULSE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <shardmill.h>

#include "db.h"
#include "err.h"
#include "live.h"
#include "reach.h"

struct sm_pulse {
	struct sm_live *live;
	struct sm_reach *reach; /* of a worker by hand; NULL: none */
	struct sm_db *db; /* whose wait for its turn it tells; NULL: none.  Set
			     before sm_pulse_start() */
	int control_fd;   /* -1: none */
	const volatile sig_atomic_t *stops; /* or NULL */
	int asked_fd; /* eventfd, readable from the first request on */
	int stop_fd;  /* eventfd, readable once it is to stop at once */
	int wake_fd;  /* eventfd that ends the thread */
	atomic_bool drain, stop;
	pthread_t thread;
	bool started;
};

#define SM_PULSE_NONE                                                          \
	{                                                                      \
		.control_fd = -1, .asked_fd = -1, .stop_fd = -1,               \
		.wake_fd = -1,                                                 \
	}

int sm_pulse_start(struct sm_pulse *p, struct sm_live *live,
		   struct sm_reach *reach, int control_fd,
		   const volatile sig_atomic_t *stops, struct sm_err *err);
void sm_pulse_end(struct sm_pulse *p); /* SM_PULSE_NONE is allowed */

/* Wait up to `ms`, or until a request comes. */
void sm_pulse_wait(struct sm_pulse *p, int ms);

/* What travels over the socket, one packet each. */
#define SM_PULSE_RUN        'r' /* to the worker, first: an int64_t */
#define SM_PULSE_DRAIN      'd'
#define SM_PULSE_STOP       's'
#define SM_PULSE_CLAIMED    'c' /* from it */
#define SM_PULSE_ERROR      'e' /* followed by a struct sm_err */
#define SM_PULSE_NOTICE     'n' /* followed by text */
#define SM_PULSE_PACKET_MAX (1 + sizeof(struct sm_err))

/* Receive the supervisor's first message: the run it is for (fence.h). */
int sm_pulse_hear_run(int64_t *run, int control_fd, struct sm_err *err);

void sm_pulse_send(int control_fd, char what, const void *data, size_t len);

#endif /* SM_PULSE_H */
