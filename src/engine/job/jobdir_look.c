/*
 * jobdir_look.c - what a job's directory has in it
 *
 * What cannot be looked at is not what is not there: for that a job would be
 * planned anew, or what was done be made again.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jobdir.h"

int
sm_jobdir_has(const struct sm_jobdir *dir, const char *name, struct sm_err *err)
{
	if (faccessat(dir->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0
			       : sm_err_sys(err, "cannot look for '%s/%s'",
					    dir->path, name);
}

static int
jobdir_any_shard(const struct sm_jobdir *dir, struct sm_err *err)
{
	struct dirent *e;
	int ret = 0;
	DIR *d;
	int fd =
		openat(dir->shards_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		ret = sm_err_sys(err, "cannot list '%s/shards'", dir->path);
		if (fd >= 0)
			close(fd);
		return ret;
	}
	while (ret == 0 && (errno = 0, e = readdir(d)))
		ret = e->d_name[0] != '.';
	if (ret == 0 && errno != 0)
		ret = sm_err_sys(err, "cannot list '%s/shards'", dir->path);
	closedir(d);
	return ret;
}

int
sm_jobdir_has_shards(const struct sm_jobdir *dir, struct sm_err *err)
{
	int ret = sm_jobdir_has(dir, "spec.json", err);

	if (ret <= 0)
		return ret;
	ret = sm_jobdir_has(dir, "consumed", err);
	return ret != 0 ? ret : jobdir_any_shard(dir, err);
}

int
sm_jobdir_shard_size(int64_t *size, const struct sm_jobdir *dir,
		     const char *name, struct sm_err *err)
{
	struct stat st;

	*size = -1;
	if (fstatat(dir->shards_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (S_ISREG(st.st_mode))
			*size = st.st_size;
		return 0;
	}
	return errno == ENOENT
		       ? 0
		       : sm_err_sys(err, "cannot look at '%s/shards/%s'",
				    dir->path, name);
}
