/*
 * command.h - start one command of the user's and stay with it to its end
 *
 *	sm_command_new() once, sm_command_run() per command,
 *	sm_command_free().
 *
 * One call runs one command: it is started, fed, read and waited for in a
 * single poll(2) loop, so that it can neither block nor be blocked, whatever
 * order it reads and writes in.
 *
 * The child gets: a session and process group of its own (unless `foreground`),
 * and so no terminal: one that asks there gets an error at once, where the
 * kernel would stop it as a job in the background; SIGKILL when the thread that
 * started it ends; every signal at its default and none
 * blocked; descriptors 0, 1 and 2 and no other.  Limits, umask and niceness
 * are the caller's.
 *
 * PR_SET_PDEATHSIG goes with the *thread*, not the process: call
 * sm_command_run() from a thread that lives as long as the process, the main
 * one.  SIGCHLD must not be ignored, or nobody could be waited for.
 *
 * The end of the output is its end-of-file.  If the command leaves a process
 * that holds a pipe, it is read from as long as it writes; once the command has
 * exited and nothing came for SM_COMMAND_GRACE_MS, its group is killed.  If it
 * was standard output that was held, the attempt fails with SM_ECOMMAND, which
 * names the process: what it would have written cannot be known.  If it was
 * standard error alone, the output is whole (`left_behind`), and a process that
 * has left the group is left alone.  Processes that hold neither pipe are not
 * looked for.
 *
 * An attempt is ended early by `timeout_s` (TERM to the group, KILL
 * `term_ms` later), by the stop flag, and by a sink or source that fails (TERM,
 *KILL 1 s later).  Its output is then thrown away, but still read, so that a
 *command that tidies up is not blocked.  However an attempt fails, no process
 *of its group is alive when the call returns.
 */
#ifndef SM_COMMAND_H
#define SM_COMMAND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#include "feed.h"
#include "start.h"

#define SM_COMMAND_GRACE_MS 5000 /* silence of a process left behind */
#define SM_COMMAND_TERM_MS  5000 /* TERM to KILL after a timeout ... */
#define SM_COMMAND_STOP_MS  1000 /* ... and when the worker is to end */

/* Takes output; a failure (<0, with err) ends the command. */
typedef int sm_command_sink(const void *data, size_t len, void *arg,
			    struct sm_err *err);

struct sm_command_opts {
	const char *path; /* for execve(2), after the chdir(2) */
	char *const *argv, *const *envp;
	const char *cwd; /* NULL: the caller's */

	/*
	 * Standard input: what `in` gives, some `in_bytes` of it; or, where
	 * that is NULL, the descriptor `in_fd` itself.  A command that closes
	 * it early is no error.
	 */
	int in_fd;
	sm_feed_source *in;
	uint64_t in_bytes;

	sm_command_sink *out; /* NULL: the caller's own output, inherited */
	sm_command_sink *err_out;
	void *arg; /* of all three */

	bool foreground; /* in the caller's group, as a terminal's ^C expects */
	uint64_t memory; /* RLIMIT_DATA of it; 0: the caller's */
	double timeout_s;        /* 0: none */
	uint64_t term_ms;        /* TERM to KILL then; 0: SM_COMMAND_TERM_MS */
	const atomic_bool *stop; /* or NULL; SM_ESTOPPED once it is true */
	int stop_fd;             /* readable then; -1: none */
	/* Its group while it runs, for who ends it with this worker; or NULL.
	 */
	_Atomic int64_t *group[SM_START_GROUPS];
};

/* How it ended; one of the two is -1. */
struct sm_command_end {
	int exit_status;
	int signal;
	bool left_behind; /* a process was killed that held its errors open */
};

struct sm_command;

uint64_t sm_command_term_ms(const struct sm_command_opts *o);

int sm_command_new(struct sm_command **out, struct sm_err *err);

/*
 * 0: it ran to its end, see `end`.  SM_ENOTFOUND: cannot be run;
 * SM_EINPUT: arguments too long; SM_ETIMEOUT, SM_ESTOPPED, SM_EREFUSED,
 * SM_ECOMMAND, or what a sink returned.  `end` is set in any case, with -1 for
 * both where there is nothing to tell.
 */
int sm_command_run(struct sm_command_end *end, struct sm_command *c,
		   const struct sm_command_opts *o, struct sm_err *err);

void sm_command_free(struct sm_command *c); /* NULL is allowed */

#endif /* SM_COMMAND_H */
