/*
 * plan_parts_there.c - part directories that a plan finds: of a killed plan, or
 * of a job that is to be deleted
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "dir.h"
#include "lock.h"

#include "live.h"
#include "parts.h"
#include "planning.h"

/* With the directory of each part there is; `*found` counts them. */
static int
parts_walk(struct sm_planning *p,
	   int (*look)(const struct sm_planning *p,
		       const struct sm_jobdir *part, const char *name,
		       struct sm_err *err),
	   unsigned *found, struct sm_err *err)
{
	struct sm_jobdir part;
	const char *name;
	struct sm_dir d;
	int more, ret = 0;

	*found = 0;
	sm_dir_open(&d, p->dir.fd, ".");
	while (ret == 0 && (more = sm_dir_next(&name, &d)) != 0) {
		if (more < 0) {
			ret = sm_err_sys(err, "cannot list '%s'", p->dir.path);
			break;
		}
		if (!sm_jobdir_is_part_name(name))
			continue;
		(*found)++;
		part = (struct sm_jobdir)SM_JOBDIR_NONE;
		part.fd = openat(p->dir.fd, name, SM_JOBDIR_FLAGS);
		if (part.fd >= 0)
			part.shards_fd =
				openat(part.fd, "shards", SM_JOBDIR_FLAGS);
		if (part.shards_fd < 0 && errno != ENOENT && errno != ENOTDIR)
			ret = sm_err_sys(err, "cannot look at '%s/%s'",
					 p->dir.path, name);
		part.path = strdup(name);
		if (ret == 0 && !part.path)
			ret = sm_err_mem(err, "a path");
		if (ret == 0 && part.shards_fd >= 0)
			ret = look(p, &part, name, err);
		sm_jobdir_close(&part);
	}
	sm_dir_close(&d);
	return ret;
}

static int
part_refuse_shards(const struct sm_planning *p, const struct sm_jobdir *part,
		   const char *name, struct sm_err *err)
{
	int ret = sm_jobdir_has_shards(part, err);

	(void)name;
	if (ret <= 0)
		return ret;
	return sm_err_set(err, SM_EDAMAGED,
			  "the job '%s' has lost its spec.json; its shards are "
			  "safe: 'shardmill recover %s' makes it again, "
			  "--restart begins again without",
			  p->dir.path, p->dir.path);
}

static int
part_refuse_running(const struct sm_planning *p, const struct sm_jobdir *part,
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
				  p->dir.path, name);
	}
	return sm_err_set(err, SM_EHELD,
			  "a plan, a run or a worker holds '%s/%s'; 'shardmill "
			  "status' shows it",
			  p->dir.path, name);
}

int
sm_plan_parts_clear(struct sm_planning *p, struct sm_err *err)
{
	unsigned found;
	int ret;

	if (p->made)
		return 0;
	ret = sm_parts_is_marked(&p->dir, err);
	if (ret != 0)
		return ret < 0 ? ret : 0;
	ret = parts_walk(p, part_refuse_shards, &found, err);
	if (ret == 0 && found > 0)
		ret = sm_jobdir_remove_parts(&p->dir, err);
	return ret;
}

int
sm_plan_parts_idle(struct sm_planning *p, struct sm_err *err)
{
	unsigned found;

	return parts_walk(p, part_refuse_running, &found, err);
}
