/*
 * living.h - the process of a command that lives over many batches
 *
 *	sm_living_init(), sm_living_start(), and when it is to end or has ended
 *	sm_living_end(); then it may be started again.  sm_living_release().
 *
 * It has three pipes: requests on standard input, answers on standard output,
 * words for people on standard error.  Our ends do not block.
 */
#ifndef SM_LIVING_H
#define SM_LIVING_H

#include <sys/types.h>

#include "command.h"
#include "start.h"

#define SM_LIVING_BUF (256 * 1024)
/* How often to look (ms) where there is no descriptor to wait for. */
#define SM_LIVING_LOOK_MS 50

struct sm_living {
	struct sm_command_opts o; /* of the batch in hand, or the last one */
	struct sm_start_report *report;
	struct sm_start start;
	pid_t pid;    /* 0: there is none */
	bool exited;  /* a zombie, reaped by sm_living_end() alone */
	bool leaving; /* it was told to go: standard input is closed */
	int ask_fd, answer_fd, err_fd; /* -1: closed, or the caller's own */
	int exit_fd; /* readable once it has exited; -1: look regularly */
	char buf[SM_LIVING_BUF];
};

int sm_living_init(struct sm_living *l, struct sm_err *err);
void sm_living_release(struct sm_living *l);

/* As `l->o` says. */
int sm_living_start(struct sm_living *l, struct sm_err *err);
void sm_living_leave(struct sm_living *l); /* close its standard input */
/* Has it exited?  Sets `exited`. */
bool sm_living_look(struct sm_living *l);
bool sm_living_stopped(const struct sm_living *l); /* is the worker to end? */
/*
 * Read what is on standard error, once, and hand it to its sink: >0 while there
 * may be more, 0 if there is none now; <0 what the sink returned.
 */
int sm_living_hear(struct sm_living *l, struct sm_err *err);
void sm_living_say(struct sm_living *l, const char *note); /* to that sink */

/*
 * See it to its end: after `wait_ms` TERM, after `term_ms` more KILL, at once
 * TERM if the worker is to stop.  Meanwhile it is read from, so that it does
 * not block on its way out.  Then its group is killed and it is reaped; `end`
 * as in sm_command_run().  What start.h says of a program that never ran is the
 * error.
 */
int sm_living_end(struct sm_command_end *end, struct sm_living *l,
		  uint64_t wait_ms, uint64_t term_ms, struct sm_err *err);

#endif /* SM_LIVING_H */
