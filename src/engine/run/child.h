/*
 * child.h - a supervised worker process, seen from the supervisor
 *
 * The worker is the same program in another role, exec'd from the supervisor's
 * main thread (the death signal follows the thread that forked), with SIGKILL
 * as its death signal and one end of a socket pair as SM_WORKER_FD.  It
 * ignores INT, TERM and HUP: a terminal signals the whole group, and one Ctrl-C
 * must not count twice.  What the two say to each other is in pulse.h.
 */
#ifndef SM_CHILD_H
#define SM_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <shardmill.h>

struct sm_child {
	pid_t pid;
	int fd;        /* -1 once it is closed at the other end */
	bool claimed;  /* it took a batch */
	bool draining; /* it was asked to finish */
	uint64_t started_ms;
	struct sm_err err; /* what it says ended it; code 0: nothing */
};

/* Start it in the job directory `dirfd`, for the run `run` and no other. */
int sm_child_start(struct sm_child *c, const char *const *argv, int dirfd,
		   int64_t run, struct sm_err *err);
void sm_child_ask_end(struct sm_child *c, bool stop);
/* Read what it says; `notice` is called for each line. */
void sm_child_hear(struct sm_child *c, const struct sm_events *ev);
/* 1: it ended, with `*status` of wait(2); 0: it runs. */
int sm_child_reap(struct sm_child *c, int *status);

/* Kill a process group and reap those of it that became our children. */
void sm_child_kill_group(int64_t pgid);

#endif /* SM_CHILD_H */
