/*
 * dir.h - what is in a directory
 *
 *	sm_dir_open(&d, at, name);
 *	while ((more = sm_dir_next(&entry, &d)) > 0)
 *		...
 *	sm_dir_close(&d);
 *	if (more < 0)
 *		return sm_err_sys(err, "cannot list '%s'", path);
 *
 * A directory that cannot be read to its end is not one that has ended: what
 * it has and nobody saw might be deleted, or made again.  Both a failed open
 * and a failed read are therefore sm_dir_next()'s to say.
 *
 * Functions return -1 with errno set, for a caller who knows the better
 * message.  A name that is a symbolic link is not followed.
 */
#ifndef SM_DIR_H
#define SM_DIR_H

#include <dirent.h>
#include <stdint.h>

#include "err.h"

struct sm_dir {
	DIR *stream;
	int error; /* errno of the failed open, or 0 */
};

/* "." of `at` is that directory itself, from its beginning. */
void sm_dir_open(struct sm_dir *d, int at, const char *name);
/*
 * 1: the next name, valid until the next call, never "." or ".."; 0: that was
 * the last; -1.
 */
int sm_dir_next(const char **name, struct sm_dir *d);
void sm_dir_close(struct sm_dir *d); /* keeps errno */

/*
 * Delete the directory and all that is in it; 0 if it was not there.  -1:
 * something of it is left; the rest is gone all the same.
 */
int sm_dir_remove(int at, const char *name);

/* The same of whatever has the name: a file, or a directory. */
int sm_dir_remove_any(int at, const char *name);

/*
 * Bytes on disk of what is in and below `at`; what vanishes is skipped.  -1:
 * `*bytes` is 0, not a part of the sum.
 */
int sm_dir_size(uint64_t *bytes, int at);

/*
 * Temporary names: "<name>.<16 hexadecimal digits>.tmp", until what is in the
 * file is whole and it gets the name.  The digits are random, so that no name
 * is ever used a second time: some file systems take a new file for the removed
 * one that had its name.
 */
#define SM_TMP_MAX 288

/* Draw one. */
int sm_tmp_name(char tmp[SM_TMP_MAX], const char *name, struct sm_err *err);
/*
 * Make such a file, for reading and writing; its name is in `tmp`.  Whoever is
 * killed leaves it: sm_tmp_sweep() takes it away, or the removal of a directory
 * that has nothing else.
 */
int sm_tmp_create(int *fd, char tmp[SM_TMP_MAX], int dirfd, const char *name,
		  struct sm_err *err);
/* A file without a name, by way of such a name.  An error: `*fd` is -1. */
int sm_tmp_create_nameless(int *fd, int dirfd, const char *name,
			   struct sm_err *err);
/*
 * Remove what killed processes left of `name`: all but files whose first byte
 * is locked.
 */
void sm_tmp_sweep(int dirfd, const char *name);

#endif /* SM_DIR_H */
