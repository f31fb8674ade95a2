/*
 * System calls on files that finish what they began.
 *
 * read() and write() may return early, open() may wait for a pipe's other end,
 * close() may report a failed write: each is answered here once, so that no
 * caller loops or guesses.  In order: transfers, syncing, opening and mapping
 * inputs, paths.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fault.h"

#include "file.h"

/*
 * The four transfers differ in little, but a shared loop would have to branch
 * on the call, and hide which of them moves the file's offset.
 */
int
sm_write_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int
sm_pwrite_all(int fd, const void *buf, size_t len, uint64_t at)
{
	const char *p = buf;
	ssize_t n;

	while (len > 0) {
		n = pwrite(fd, p, len, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t
sm_read_full(int fd, void *buf, size_t len)
{
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		n = read(fd, (char *)buf + got, len - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

ssize_t
sm_pread_full(int fd, void *buf, size_t len, uint64_t at)
{
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		n = pread(fd, (char *)buf + got, len - got, (off_t)(at + got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

/*
 * File systems refuse for many reasons, by many numbers, and older ones by the
 * number of an unknown ioctl.  Who copies instead hears of a failure that the
 * copy meets too, so only what a write could say as well is told.
 */
int
sm_clone_range(int fd, uint64_t at, int from, uint64_t from_at, uint64_t len)
{
	struct file_clone_range range = { .src_fd = from,
					  .src_offset = from_at,
					  .src_length = len,
					  .dest_offset = at };

	while (ioctl(fd, FICLONERANGE, &range) < 0) {
		if (errno == EINTR)
			continue;
		if (errno == ENOSPC || errno == EDQUOT || errno == EIO ||
		    errno == EFBIG)
			return -1;
		return 0;
	}
	return 1;
}

/*
 * The descriptor is closed whatever the sync says, and the errno of the first
 * failure is the one that the caller sees.
 */
int
sm_sync_close(int fd, bool sync)
{
	int ret = 0, saved;

	if (sync && fdatasync(fd) < 0)
		ret = -1;
	saved = errno;
	/* close() gives the descriptor up even when it fails. */
	if (close(fd) < 0 && ret == 0 && errno != EINTR)
		return -1;
	errno = saved;
	return ret;
}

int
sm_sync_dir(int dirfd)
{
	return fsync(dirfd);
}

int
sm_open_scratch(int dirfd)
{
	char name[] = "/tmp/shardmill.XXXXXX";
	int fd = -1;

	if (dirfd >= 0)
		fd = openat(dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0 || (dirfd >= 0 && (errno == ENOSPC || errno == EDQUOT)))
		return fd;
	fd = mkostemp(name, O_CLOEXEC);
	if (fd >= 0)
		unlink(name);
	return fd;
}

/*
 * A rename or a new file is durable only after its directory was synced.
 * `path` is absolute, so it has a slash; the root's own name would be empty,
 * hence 1.
 */
int
sm_sync_parent(const char *path, struct sm_err *err)
{
	size_t n = (size_t)(strrchr(path, '/') - path);
	char *dir = strndup(path, n ? n : 1);
	int fd, ret = 0;

	if (!dir)
		return sm_err_mem(err, "a path");
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || sm_sync_dir(fd) < 0)
		ret = sm_err_sys(err, "cannot sync the directory of '%s'",
				 path);
	if (fd >= 0)
		close(fd);
	free(dir);
	return ret;
}

static const char *
file_kind(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFIFO:
		return "a pipe";
	case S_IFCHR:
	case S_IFBLK:
		return "a device";
	case S_IFSOCK:
		return "a socket";
	default:
		return "no regular file";
	}
}

/*
 * Inputs are read more than once and at any offset, which pipes and devices do
 * not offer, and their digest is part of the job: only regular files will do.
 */
static int
file_open_regular(int *fd, int dirfd, const char *path, struct stat *st,
		  struct sm_err *err)
{
	/* O_NONBLOCK: opening a pipe must not wait for its other end. */
	int f = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (f < 0)
		return sm_err_sys_as(err, SM_EINPUT, "cannot open '%s'", path);
	if (fstat(f, st) < 0) {
		sm_err_sys(err, "cannot examine '%s'", path);
		close(f);
		return SM_EIO;
	}
	if (!S_ISREG(st->st_mode)) {
		close(f);
		return sm_err_set(err, SM_EINPUT,
				  "cannot read '%s': it is %s; give a regular "
				  "file",
				  path, file_kind(st->st_mode));
	}
	*fd = f;
	return 0;
}

int
sm_open_input(int *fd, const char *path, struct stat *st, struct sm_err *err)
{
	return file_open_regular(fd, AT_FDCWD, path, st, err);
}

/*
 * mmap() refuses a length of 0, so an empty file is given a pointer to nothing.
 * One of more than `most` bytes is taken for too large, as mmap() would: errno
 * is ENOMEM.
 */
static bool
file_map(struct sm_map *map, int fd, uint64_t bytes, uint64_t most)
{
	void *p;

	if (bytes == 0)
		return true;
	errno = ENOMEM;
	if (bytes > most)
		return false;
	p = mmap(NULL, (size_t)bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return false;
	map->data = p;
	map->size = (size_t)bytes;
	return true;
}

/*
 * The mapping outlives the descriptor.  If the file shrinks while it is mapped,
 * reading beyond its end raises SIGBUS, which a worker answers (sigbus.c).
 */
int
sm_map_openat(struct sm_map *map, int dirfd, const char *name,
	      struct sm_err *err)
{
	struct stat st;
	int fd = -1, ret;

	ret = file_open_regular(&fd, dirfd, name, &st, err);
	if (ret < 0)
		return ret;
	*map = (struct sm_map){ .data = (const unsigned char *)"",
				.file_bytes = (uint64_t)st.st_size,
				.path = name };
	if (!file_map(map, fd, map->file_bytes, SIZE_MAX))
		ret = sm_err_sys(err, "cannot map '%s'", name);
	close(fd);
	return ret;
}

/*
 * Where addresses have 32 bits, an eighth of them at most, so that two arrays,
 * two tables and the heap have room beside each other.
 */
int
sm_map_open_part(struct sm_map *map, int *fd, int dirfd, const char *name,
		 size_t part, struct sm_err *err)
{
	struct stat st;
	int ret;

	*fd = -1;
	ret = file_open_regular(fd, dirfd, name, &st, err);
	if (ret < 0)
		return ret;
	*map = (struct sm_map){ .data = (const unsigned char *)"",
				.file_bytes = (uint64_t)st.st_size,
				.path = name };
	if (file_map(map, *fd, map->file_bytes, SIZE_MAX / 8)) {
		close(*fd);
		*fd = -1;
		return 0;
	}
	if (errno == ENOMEM && map->file_bytes > part &&
	    file_map(map, *fd, part, SIZE_MAX))
		return 0;
	ret = sm_err_sys(err, "cannot map '%s'", name);
	close(*fd);
	*fd = -1;
	return ret;
}

int
sm_map_open(struct sm_map *map, const char *path, struct sm_err *err)
{
	return sm_map_openat(map, AT_FDCWD, path, err);
}

void
sm_map_close(struct sm_map *map)
{
	if (map->size > 0)
		munmap((void *)map->data, map->size);
	*map = (struct sm_map){ 0 };
}

char *
sm_path_concat(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	char *p = malloc(n + m + 1);

	if (p) {
		memcpy(p, a, n);
		memcpy(p + n, b, m + 1);
	}
	return p;
}

/*
 * The last name of `path`, which is cut before it: slashes at the end go first,
 * so that "a/b/" gives "b".
 */
static char *
path_last(char *path)
{
	size_t n = strlen(path);
	char *slash;

	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return path;
	return slash + 1;
}

/*
 * realpath(), but that two slashes at the beginning are one: some C libraries
 * keep them, as POSIX allows, and a file would have two names.
 */
static char *
path_resolve(const char *path)
{
	char *real = realpath(path, NULL);

	if (real && strncmp(real, "//", 2) == 0)
		memmove(real, real + 1, strlen(real));
	return real;
}

/*
 * realpath() wants the file to exist.  A final file or a job directory may be
 * yet to come, so in that case the directory is resolved and the last name
 * added.  "."  and ".." are not names of something new.
 */
char *
sm_path_real(const char *path, struct sm_err *err)
{
	char *copy = NULL, *dir = NULL, *real, *last = NULL;
	const char *slash = "/";

	real = path_resolve(path);
	if (real)
		return real;
	if (errno != ENOENT || !*path)
		goto fail;
	copy = strdup(path);
	if (!copy)
		goto fail;
	last = path_last(copy);
	if (strcmp(last, ".") == 0 || strcmp(last, "..") == 0) {
		errno = ENOENT;
		goto fail;
	}
	if (last == copy) {
		dir = path_resolve(".");
	} else {
		/* The slash ends the directory; the root's is kept. */
		last[-1] = '\0';
		if (*copy)
			dir = path_resolve(copy);
		else
			dir = path_resolve("/");
	}
	if (!dir)
		goto fail;
	/* The root's name ends in a slash already. */
	if (strcmp(dir, "/") == 0)
		slash = "";
	if (asprintf(&real, "%s%s%s", dir, slash, last) < 0)
		goto fail;
	free(dir);
	free(copy);
	return real;

fail:
	if (last && errno == ENOENT)
		sm_err_sys_as(err, SM_EINPUT,
			      "cannot find the directory of '%s'", path);
	else
		sm_err_sys_as(err, SM_EINPUT, "cannot find '%s'", path);
	free(dir);
	free(copy);
	return NULL;
}
