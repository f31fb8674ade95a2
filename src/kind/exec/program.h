/*
 * program.h - find the program that a command names
 *
 * The search is that of execvp(3), done once instead of at every batch: a name
 * without a slash is looked for in PATH, one with a slash is taken as it is.
 * Relative places, in PATH too, are meant from the directory in which the
 * command will run.
 */
#ifndef SM_PROGRAM_H
#define SM_PROGRAM_H

#include "err.h"

/*
 * `*path` is what execve(2) takes after a chdir(2) to `cwd`; free() it.
 * SM_ENOTFOUND with reason and next step: no such program, no permission to
 * execute it, a script without "#!" line (there is no falling back to sh), or
 * one whose interpreter is missing; `cwd` cannot be entered.
 */
int sm_program_find(char **path, const char *name, const char *cwd,
		    struct sm_err *err);

#endif /* SM_PROGRAM_H */
