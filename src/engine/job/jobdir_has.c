/*
 * jobdir_has.c - what a job's directory has in it
 *
 * What cannot be looked at is not what is not there: for that a job would be
 * planned anew, or what was done be made again.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dir.h"

#include "jobdir.h"

int
sm_jobdir_has(bool *has, const struct sm_jobdir *dir, const char *name,
	      struct sm_err *err)
{
	*has = faccessat(dir->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	if (*has || errno == ENOENT)
		return 0;
	return sm_err_sys(err, "cannot look for '%s/%s'", dir->path, name);
}

static int
jobdir_any_shard(bool *any, const struct sm_jobdir *dir, struct sm_err *err)
{
	const char *name;
	struct sm_dir d;
	int more, ret = 0;

	*any = false;
	sm_dir_open(&d, dir->shards_fd, ".");
	while ((more = sm_dir_next(&name, &d)) > 0 && !*any)
		*any = name[0] != '.';
	if (more < 0)
		ret = sm_err_sys(err, "cannot list '%s/shards'", dir->path);
	sm_dir_close(&d);
	return ret;
}

int
sm_jobdir_has_shards(bool *has, const struct sm_jobdir *dir, struct sm_err *err)
{
	int ret = sm_jobdir_has(has, dir, "spec.json", err);

	if (ret < 0 || !*has)
		return ret;
	ret = sm_jobdir_has(has, dir, "consumed", err);
	if (ret < 0 || *has)
		return ret;
	return jobdir_any_shard(has, dir, err);
}

int
sm_jobdir_size(int64_t *size, int dirfd, const char *path, const char *name,
	       struct sm_err *err)
{
	struct stat st;

	*size = -1;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (S_ISREG(st.st_mode))
			*size = st.st_size;
		return 0;
	}
	if (errno == ENOENT)
		return 0;
	return sm_err_sys(err, "cannot look at '%s' in '%s'", name, path);
}
