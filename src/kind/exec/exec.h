/*
 * exec.h - what the exec job offers beside its struct sm_kind
 *
 * Items.  The input of --items is read once, by cut(), into the tables of the
 * job (items.h): what counts is what was read, not where from, and the file
 * there is what the input "items" digests.
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

int sm_exec_digest(struct sm_digest *d, const void *opts, int tables_dirfd,
		   struct sm_err *err);

/*
 * Can the command be run from here, today?  SM_ENOTFOUND.  check() asks it as
 * well; a run may ask before it starts workers.
 */
int sm_exec_check_command(const struct sm_exec_opts *opts, struct sm_err *err);

/* Are placeholders filled in? */
bool sm_exec_replaces(const struct sm_exec_opts *opts);

/*
 * Run one batch in the foreground, with its input and environment as ever, its
 * output and errors on the caller's.  0 if it ended by itself: `*exit_status`
 * is its own, or 128 + the signal it died of.
 */
int sm_exec_try(const struct sm_kind_env *env, const struct sm_piece *b,
		int *exit_status, struct sm_err *err);

/* The absolute path of the lines' file; NULL in other jobs. */
const char *sm_exec_input(const struct sm_spec *spec);

/* Those of struct sm_kind in exec_cut.c, exec_run.c, exec_produce.c. */
int sm_exec_cut(struct sm_kind_cut *cut, struct sm_err *err);
int sm_exec_open(void **state, const struct sm_kind_env *env,
		 struct sm_err *err);
int sm_exec_produce(void *state, const struct sm_piece *b,
		    struct sm_shard *shard, struct sm_made *out,
		    struct sm_err *err);
void sm_exec_close(void *state);

#endif /* SM_EXEC_H */
