/*
 * file.h - system calls on files that finish, and say what failed
 *
 * EINTR and short transfers are unseen by callers.  Functions without an err
 * parameter return -1 with errno set, for a caller who knows the better
 * message; those with one name the file themselves.
 */
#ifndef SM_FILE_H
#define SM_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "err.h"

int sm_write_all(int fd, const void *buf, size_t len);
int sm_pwrite_all(int fd, const void *buf, size_t len, uint64_t at);

/* Bytes read, fewer than `len` only at the end of the file; -1. */
ssize_t sm_read_full(int fd, void *buf, size_t len);
ssize_t sm_pread_full(int fd, void *buf, size_t len, uint64_t at);

/*
 * Have the file `fd` share blocks with the file `from`: its bytes at `at`
 * become those of `from` from `from_at` on, `len` of them, all whole blocks
 * (reflink). 1; 0: that cannot be had here, or not of these, and nothing of
 * `fd` elsewhere changed; -1 with errno: the disk failed or is full, as a write
 * would tell it.
 */
int sm_clone_range(int fd, uint64_t at, int from, uint64_t from_at,
		   uint64_t len);

/*
 * Sync and close, both checked; the descriptor is gone either way.  After an
 * error the file is abandoned, never synced again: the kernel may have dropped
 * the dirty pages and would report success the second time.
 */
int sm_sync_close(int fd, bool sync);

int sm_sync_dir(int dirfd); /* makes names in it durable */
int sm_sync_parent(const char *path, struct sm_err *err); /* an absolute one */

/*
 * A file without a name, for what is needed for a while: on the file system of
 * the directory, or in /tmp where that has no such files, or dirfd is -1.
 */
int sm_open_scratch(int dirfd);

/* Open an input for reading: regular files only; SM_EINPUT. */
int sm_open_input(int *fd, const char *path, struct stat *st,
		  struct sm_err *err);

/*
 * A whole file, mapped for reading; empty files map to a non-NULL nothing.  Of
 * one that sm_map_open_part() opened only the beginning may be mapped.
 */
struct sm_map {
	const unsigned char *data;
	size_t size; /* of `data` */
	uint64_t file_bytes;
	const char *path; /* the caller's, for messages */
};

/* SM_EINPUT if it cannot be read or is no regular file. */
int sm_map_open(struct sm_map *map, const char *path, struct sm_err *err);
int sm_map_openat(struct sm_map *map, int dirfd, const char *name,
		  struct sm_err *err);
void sm_map_close(struct sm_map *map); /* a zeroed one is allowed */

/*
 * As sm_map_openat(), but of a file that the address space has no room for only
 * the first `part` bytes are mapped, and *fd reads the rest; else *fd is -1.
 */
int sm_map_open_part(struct sm_map *map, int *fd, int dirfd, const char *name,
		     size_t part, struct sm_err *err);

/*
 * Absolute path without "." and symlinks, for a file that may not exist yet
 * (its directory must); free() it.  NULL with err set, SM_EINPUT.
 */
char *sm_path_real(const char *path, struct sm_err *err);

/* malloc'd "<a><b>", or NULL. */
char *sm_path_concat(const char *a, const char *b);

#endif /* SM_FILE_H */
