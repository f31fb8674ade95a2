#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fault.h"

#include "file.h"

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
	return S_ISDIR(mode)                    ? "a directory"
	       : S_ISFIFO(mode)                 ? "a pipe"
	       : S_ISCHR(mode) || S_ISBLK(mode) ? "a device"
	       : S_ISSOCK(mode)                 ? "a socket"
						: "no regular file";
}

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

int
sm_map_openat(struct sm_map *map, int dirfd, const char *name,
	      struct sm_err *err)
{
	struct stat st;
	void *p;
	int fd = -1, ret;

	ret = file_open_regular(&fd, dirfd, name, &st, err);
	if (ret < 0)
		return ret;
	*map = (struct sm_map){ .data = (const unsigned char *)"",
				.path = name };
	if (st.st_size > 0) {
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd,
			 0);
		if (p == MAP_FAILED) {
			ret = sm_err_sys(err, "cannot map '%s'", name);
			close(fd);
			return ret;
		}
		map->data = p;
		map->size = (size_t)st.st_size;
	}
	close(fd);
	return 0;
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

/* Split at the last slash that is not trailing: the last name of `path`. */
static char *
path_last(char *path)
{
	size_t n = strlen(path);
	char *slash;

	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
	slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

char *
sm_path_real(const char *path, struct sm_err *err)
{
	char *copy = NULL, *dir = NULL, *real, *last = NULL;

	real = realpath(path, NULL);
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
		dir = realpath(".", NULL);
	} else {
		last[-1] = '\0';
		dir = realpath(*copy ? copy : "/", NULL);
	}
	if (!dir)
		goto fail;
	real = malloc(strlen(dir) + strlen(last) + 2);
	if (!real)
		goto fail;
	strcpy(real, dir);
	if (strcmp(dir, "/") != 0)
		strcat(real, "/");
	strcat(real, last);
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
