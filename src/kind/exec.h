/*
 * exec.h - what the exec job offers beside its struct sm_kind
 *
 * Items.  inputs() names no file for --items: what counts is what was read, not
 * where from, and a pipe can be read only once.  So that the fingerprint covers
 * them, the planner calls sm_exec_store_items() before it makes one, puts the
 * digest into the specification as the input "items", and the file it wrote
 * into the compiled tables; cut() reads it there.  Without such an input cut()
 * reads and stores the items itself.
 *
 * Threads.  produce() and sm_exec_try() are called from the process's main
 * thread: the command dies with the thread that started it (command.h).
 */
#ifndef SM_EXEC_H
#define SM_EXEC_H

#include "kind.h"

/*
 * Say what is meant where the user left it open, before the specification is
 * made of the options: `replace` as the source has it, `cwd` as an absolute
 * path.  `*cwd` is the memory behind it; free() it after the options' last
 * use.  SM_EINPUT if the directory cannot be found.
 */
int sm_exec_settle(struct sm_exec_opts *opts, char **cwd, struct sm_err *err);

#define SM_EXEC_ITEMS "items" /* name of that input */

/*
 * Read the items of --items into the file SM_ITEMS_NAME in `dirfd`, and digest
 * that; -1: digest only, to compare a rerun's with the planned ones.  What was
 * odd about them is said through `ev`.  SM_EINPUT.
 */
int sm_exec_store_items(struct sm_digest *d, int dirfd,
			const struct sm_exec_opts *opts,
			const struct sm_events *ev, struct sm_err *err);

/*
 * Can the command be run from here, today?  SM_ENOTFOUND.  check() asks it as
 * well; a run may ask before it starts workers.
 */
int sm_exec_check_command(const struct sm_exec_opts *opts,
			  struct sm_err *err);

/* Are placeholders filled in? */
bool sm_exec_replaces(const struct sm_exec_opts *opts);

/*
 * Run one batch in the foreground, with its input and environment as ever, its
 * output and errors on the caller's.  0 if it ended by itself: `*exit_status`
 * is its own, or 128 + the signal it died of.
 */
int sm_exec_try(const struct sm_kind_env *env, const struct sm_kind_batch *b,
		int *exit_status, struct sm_err *err);

/* The absolute path of the lines' file; NULL in other jobs. */
const char *sm_exec_input(const struct sm_spec *spec);

/* Those of struct sm_kind in exec_cut.c, exec_run.c, exec_produce.c. */
int sm_exec_cut(struct sm_kind_cut *cut, struct sm_err *err);
int sm_exec_open(void **state, const struct sm_kind_env *env,
		 struct sm_err *err);
int sm_exec_produce(void *state, const struct sm_kind_batch *b,
		    struct sm_shard *shard, struct sm_kind_outcome *out,
		    struct sm_err *err);
void sm_exec_close(void *state);

#endif /* SM_EXEC_H */
