/*
 * dir.c - list, delete and measure directories; temporary names in them
 *
 * The one place that calls readdir(3), which says by errno alone whether it
 * failed or came to the end: no caller has to remember that.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "errfile.h"
#include "lock.h"
#include "rand.h"

#include "dir.h"

void
sm_dir_open(struct sm_dir *d, int at, const char *name)
{
	int fd = openat(at, name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	*d = (struct sm_dir){ .stream = NULL };
	if (fd >= 0)
		d->stream = fdopendir(fd);
	if (d->stream)
		return;
	d->error = errno;
	if (fd >= 0)
		close(fd);
}

int
sm_dir_next(const char **name, struct sm_dir *d)
{
	struct dirent *e;

	if (!d->stream) {
		errno = d->error;
		return -1;
	}
	do {
		errno = 0;
		e = readdir(d->stream);
		if (!e && errno != 0)
			return -1;
		if (!e)
			return 0;
	} while (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0);
	*name = e->d_name;
	return 1;
}

void
sm_dir_close(struct sm_dir *d)
{
	int saved = errno;

	if (d->stream)
		closedir(d->stream);
	d->stream = NULL;
	errno = saved;
}

/* One name that is a file or, by what unlink(2) says of it, a directory. */
static int
dir_remove_one(int at, const char *name)
{
	if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -1;
	return sm_dir_remove(at, name);
}

int
sm_dir_remove(int at, const char *name)
{
	struct sm_dir d;
	const char *entry;
	int more, error = 0;

	sm_dir_open(&d, at, name);
	while ((more = sm_dir_next(&entry, &d)) > 0)
		if (dir_remove_one(dirfd(d.stream), entry) < 0)
			error = errno;
	if (more < 0)
		error = errno;
	sm_dir_close(&d);
	if (error == 0 && unlinkat(at, name, AT_REMOVEDIR) < 0)
		error = errno;
	errno = error;
	return error == 0 || error == ENOENT ? 0 : -1;
}

/* One name below `at`, and what is in it. */
static int
dir_add_size(uint64_t *bytes, int at, const char *name)
{
	uint64_t below = 0;
	struct stat st;
	int fd, ret;

	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -1;
	*bytes += (uint64_t)st.st_blocks * 512;
	if (!S_ISDIR(st.st_mode))
		return 0;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	ret = sm_dir_size(&below, fd);
	*bytes += below;
	close(fd);
	return ret;
}

int
sm_dir_size(uint64_t *bytes, int at)
{
	struct sm_dir d;
	const char *name;
	int more, ret = 0;

	*bytes = 0;
	sm_dir_open(&d, at, ".");
	while (ret == 0 && (more = sm_dir_next(&name, &d)) != 0) {
		ret = more;
		if (more > 0)
			ret = dir_add_size(bytes, at, name);
	}
	sm_dir_close(&d);
	if (ret < 0)
		*bytes = 0;
	return ret;
}

int
sm_dir_remove_any(int at, const char *name)
{
	return dir_remove_one(at, name);
}

/* ------------------------------------------------------ temporary names -- */

int
sm_tmp_name(char tmp[SM_TMP_MAX], const char *name, struct sm_err *err)
{
	int64_t token;
	int n, ret = sm_rand_token(&token, err);

	if (ret < 0)
		return ret;
	n = snprintf(tmp, SM_TMP_MAX, "%s.%016" PRIx64 ".tmp", name,
		     (uint64_t)token);
	if (n < 0 || n >= SM_TMP_MAX)
		return sm_err_set(err, SM_EUSAGE, "the name '%s' is too long",
				  name);
	return 0;
}

int
sm_tmp_create(int *fd, char tmp[SM_TMP_MAX], int dirfd, const char *name,
	      struct sm_err *err)
{
	int f, ret = sm_tmp_name(tmp, name, err);

	if (ret < 0)
		return ret;
	f = openat(dirfd, tmp,
		   O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (f < 0)
		return sm_err_file(err, dirfd, tmp, "cannot create");
	*fd = f;
	return 0;
}

int
sm_tmp_create_nameless(int *fd, int dirfd, const char *name, struct sm_err *err)
{
	char tmp[SM_TMP_MAX];
	int ret = sm_tmp_create(fd, tmp, dirfd, name, err);

	if (ret < 0)
		return ret;
	if (unlinkat(dirfd, tmp, 0) == 0)
		return 0;
	/* It would stay, and be in nobody's way but the disk's. */
	ret = sm_err_sys(err, "cannot remove the temporary file '%s'", tmp);
	close(*fd);
	*fd = -1;
	return ret;
}

static bool
tmp_is(const char *entry, const char *name)
{
	size_t n = strlen(name);

	return strncmp(entry, name, n) == 0 && entry[n] == '.' &&
	       strspn(entry + n + 1, "0123456789abcdef") == 16 &&
	       strcmp(entry + n + 17, ".tmp") == 0;
}

void
sm_tmp_sweep(int dirfd, const char *name)
{
	const char *entry;
	struct sm_dir d;
	int fd, held;

	sm_dir_open(&d, dirfd, ".");
	while (sm_dir_next(&entry, &d) > 0) {
		if (!tmp_is(entry, name))
			continue;
		fd = openat(dirfd, entry,
			    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		held = fd >= 0 && sm_byte_held(fd, 0) == 1;
		if (fd >= 0)
			close(fd);
		if (!held)
			unlinkat(dirfd, entry, 0);
	}
	sm_dir_close(&d);
}
