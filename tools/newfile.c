/*
 * newfile.c - temporary names for what the program writes for people
 *
 * The library has the same for the files of a job, but does not offer it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "newfile.h"

static int
newfile_is(const char *entry, const char *name)
{
	size_t n = strlen(name);

	return strncmp(entry, name, n) == 0 && entry[n] == '.' &&
	       strspn(entry + n + 1, "0123456789abcdef") == 16 &&
	       strcmp(entry + n + 17, ".tmp") == 0;
}

/* One that is locked is being written. */
static void
newfile_sweep_one(int dir, const char *entry)
{
	int fd = openat(dir, entry,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		unlinkat(dir, entry, 0);
	close(fd);
}

void
sm_newfile_sweep(int dir, const char *name)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *e;
	DIR *d = NULL;

	if (fd >= 0)
		d = fdopendir(fd);
	if (fd >= 0 && !d)
		close(fd);
	/* What cannot be listed stays; it is in nobody's way. */
	while (d && (e = readdir(d)) != NULL)
		if (newfile_is(e->d_name, name))
			newfile_sweep_one(dir, e->d_name);
	if (d)
		closedir(d);
}

int
sm_newfile_create(char tmp[SM_NEWFILE_MAX], int dir, const char *name,
		  mode_t mode)
{
	uint64_t digits;
	int fd, n;

	sm_newfile_sweep(dir, name);
	if (getrandom(&digits, sizeof(digits), 0) != (ssize_t)sizeof(digits))
		return -1;
	n = snprintf(tmp, SM_NEWFILE_MAX, "%s.%016" PRIx64 ".tmp", name,
		     digits);
	if (n < 0 || n >= SM_NEWFILE_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = openat(dir, tmp,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	/* Where locks cannot be had, two writers of one name have to be lucky.
	 */
	if (fd >= 0)
		flock(fd, LOCK_EX | LOCK_NB);
	return fd;
}
