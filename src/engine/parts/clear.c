/*
 * clear.c - part directories that a plan finds, and that are to go
 *
 * They are of a plan that was killed, or of a job that --restart deletes.  What
 * is done in them, and who works on them, is looked at before.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "dir.h"
#include "fault.h"
#include "lock.h"

#include "live.h"

#include "parts.h"

/* With the directory of each part there is; `*found` counts them. */
static int
parts_walk(const struct sm_jobdir *dir,
	   int (*look)(const struct sm_jobdir *dir,
		       const struct sm_jobdir *part, const char *name,
		       struct sm_err *err),
	   unsigned *found, struct sm_err *err)
{
	struct sm_jobdir part;
	const char *name;
	struct sm_dir d;
	int more, ret = 0;

	*found = 0;
	sm_dir_open(&d, dir->fd, ".");
	while (ret == 0 && (more = sm_dir_next(&name, &d)) != 0) {
		if (more < 0) {
			ret = sm_err_sys(err, "cannot list '%s'", dir->path);
			break;
		}
		if (!sm_part_is_name(name))
			continue;
		(*found)++;
		part = (struct sm_jobdir)SM_JOBDIR_NONE;
		part.fd = openat(dir->fd, name, SM_JOBDIR_FLAGS);
		if (part.fd >= 0)
			part.shards_fd =
				openat(part.fd, "shards", SM_JOBDIR_FLAGS);
		if (part.shards_fd < 0 && errno != ENOENT && errno != ENOTDIR)
			ret = sm_err_sys(err, "cannot look at '%s/%s'",
					 dir->path, name);
		part.path = strdup(name);
		if (ret == 0 && !part.path)
			ret = sm_err_mem(err, "a path");
		if (ret == 0 && part.shards_fd >= 0)
			ret = look(dir, &part, name, err);
		sm_jobdir_close(&part);
	}
	sm_dir_close(&d);
	return ret;
}

static int
part_refuse_shards(const struct sm_jobdir *dir, const struct sm_jobdir *part,
		   const char *name, struct sm_err *err)
{
	bool has;
	int ret = sm_jobdir_has_shards(&has, part, err);

	(void)name;
	if (ret < 0 || !has)
		return ret;
	return sm_err_set(err, SM_EDAMAGED,
			  "the job '%s' has lost its spec.json; its shards are "
			  "safe: 'shardmill recover %s' makes it again, "
			  "--restart begins again without",
			  dir->path, dir->path);
}

static int
part_refuse_running(const struct sm_jobdir *dir, const struct sm_jobdir *part,
		    const char *name, struct sm_err *err)
{
	int held = sm_lock_held(part->fd, "run.lock");

	if (held == 0)
		held = sm_live_any_held(part->fd);
	if (held == 0)
		return 0;
	if (held < 0) {
		errno = -held;
		return sm_err_sys(err,
				  "cannot tell whether anybody still "
				  "works on '%s/%s'",
				  dir->path, name);
	}
	return sm_err_set(err, SM_EHELD,
			  "a plan, a run or a worker holds '%s/%s'; 'shardmill "
			  "status' shows it",
			  dir->path, name);
}

int
sm_parts_check_idle(const struct sm_jobdir *dir, struct sm_err *err)
{
	unsigned found;

	return parts_walk(dir, part_refuse_running, &found, err);
}

int
sm_parts_clear(const struct sm_jobdir *dir, struct sm_err *err)
{
	unsigned found;
	int ret = parts_walk(dir, part_refuse_shards, &found, err);

	if (ret < 0 || found == 0)
		return ret;
	ret = sm_parts_check_idle(dir, err);
	if (ret >= 0)
		ret = sm_parts_remove(dir, err);
	return ret;
}

int
sm_parts_remove(const struct sm_jobdir *dir, struct sm_err *err)
{
	const char *name;
	struct sm_dir d;
	int more, ret = 0;

	sm_dir_open(&d, dir->fd, ".");
	while (ret == 0 && (more = sm_dir_next(&name, &d)) != 0) {
		if (more < 0)
			ret = sm_err_sys(err, "cannot list '%s'", dir->path);
		else if (sm_part_is_name(name) &&
			 sm_dir_remove(dir->fd, name) < 0)
			ret = sm_err_sys(err, "cannot remove '%s/%s'",
					 dir->path, name);
	}
	sm_dir_close(&d);
	return ret;
}
