/*
 * errfile.h - why a file cannot be made or opened, and what helps
 *
 * For the files of a job and the final one, which several people may share and
 * whose file system may have limits of its own.  Inputs have sm_err_sys_as().
 */
#ifndef SM_ERRFILE_H
#define SM_ERRFILE_H

#include "err.h"

/*
 * From errno: "`what` 'path': ", the reason, and the next step.  The path is
 * that of `name` in `dirfd`, in full.  Whose the file is, and its mode, is said
 * where a permission is missing; and whether it is inodes that are used up.
 */
int sm_err_file(struct sm_err *err, int dirfd, const char *name,
		const char *what);

/* Add whose `name` in `dirfd` is, or its directory, and what would help. */
void sm_err_add_owner(struct sm_err *err, int dirfd, const char *name);

/* sm_err_advice(), of a file that was to be made in `dirfd`. */
const char *sm_err_advice_in(int sys, int dirfd);

#endif /* SM_ERRFILE_H */
