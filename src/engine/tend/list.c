/*
 * list.c - find the jobs below a directory
 *
 * The walk knows a job by what is in its directory and asks its caller for the
 * state.  Names come in order, some hundred at a time, so that memory is
 * bounded however many there are; one descriptor is open for each level.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dir.h"

#include "tend.h"

#define LIST_NAMES 256 /* of one level that are held in memory */

struct list {
	struct sm_list_result *result;
	const struct sm_list_opts *opts;
	int (*status)(struct sm_status *out, const char *job,
		      struct sm_err *err);
	struct sm_meter meter;
	const char *root; /* as it was given */
};

/* The sub-directories of one level that come next, in order. */
struct list_names {
	char *name[LIST_NAMES];
	size_t count;
	char *after; /* those up to this one were had; NULL: none was */
};

static bool
list_has(int fd, const char *name, mode_t type)
{
	struct stat st;

	return fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (st.st_mode & S_IFMT) == type;
}

/* Its database may be lost, its shards may not be there yet. */
static bool
list_is_job(int fd)
{
	return (list_has(fd, "job.db", S_IFREG) ||
		list_has(fd, "spec.json", S_IFREG)) &&
	       (list_has(fd, "shards", S_IFDIR) ||
		list_has(fd, "tables", S_IFDIR));
}

static void
list_tell(struct list *l, struct sm_listed *found)
{
	l->result->jobs += found->is_job;
	l->result->unread += found->error != NULL;
	if (l->opts->found)
		l->opts->found(found, l->opts->found_arg);
}

/* What cannot be read is told as what was found. */
static void
list_job(struct list *l, int fd, const char *path)
{
	struct sm_listed found = { .path = path,
				   .is_job = true,
				   .self = path == l->root };
	struct sm_status s = { 0 };
	struct sm_err why = { 0 };
	struct stat st;

	if (fstat(fd, &st) == 0)
		found.owner = st.st_uid;
	if (found.owner != geteuid() && !l->opts->trust)
		sm_err_set(&why, SM_EREFUSED,
			   "it belongs to user %llu; --trust reads it all the "
			   "same",
			   (unsigned long long)found.owner);
	else if (l->status(&s, path, &why) == 0)
		found.status = &s;
	if (found.status)
		sm_dir_size(&found.bytes, fd);
	else
		found.error = why.text;
	list_tell(l, &found);
	sm_status_release(&s);
}

static void
list_unreadable(struct list *l, const char *path)
{
	struct sm_listed found = { .path = path };
	struct sm_err why = { 0 };

	sm_err_sys(&why, "cannot list '%s'", path);
	found.error = why.text;
	list_tell(l, &found);
}

static void
list_forget(struct list_names *n)
{
	while (n->count > 0)
		free(n->name[--n->count]);
}

/* Keep the name if it is among the first ones. */
static int
list_keep(struct list_names *n, const char *name, struct sm_err *err)
{
	size_t at = n->count;
	char *copy;

	while (at > 0 && strcmp(name, n->name[at - 1]) < 0)
		at--;
	if (at == LIST_NAMES)
		return 0;
	copy = strdup(name);
	if (!copy)
		return sm_err_mem(err, "the names of a directory");
	if (n->count == LIST_NAMES)
		free(n->name[--n->count]);
	memmove(n->name + at + 1, n->name + at,
		(n->count - at) * sizeof(*n->name));
	n->name[at] = copy;
	n->count++;
	return 0;
}

/* 0, `*readable` false with errno set, or <0. */
static int
list_read_names(struct list_names *n, bool *readable, int fd,
		struct sm_err *err)
{
	const char *name;
	struct sm_dir d;
	int more, ret = 0;

	sm_dir_open(&d, fd, ".");
	while (ret == 0 && (more = sm_dir_next(&name, &d)) > 0)
		if (name[0] != '.' &&
		    (!n->after || strcmp(name, n->after) > 0) &&
		    list_has(fd, name, S_IFDIR))
			ret = list_keep(n, name, err);
	sm_dir_close(&d);
	*readable = ret < 0 || more == 0;
	return ret;
}

/* As a person would type it: of "." the name alone. */
static char *
list_path(const char *parent, const char *name)
{
	const char *slash = "/";
	char *path = NULL;

	if (strcmp(parent, ".") == 0)
		return strdup(name);
	if (parent[strlen(parent) - 1] == '/')
		slash = "";
	if (asprintf(&path, "%s%s%s", parent, slash, name) < 0)
		return NULL;
	return path;
}

static int list_directory(struct list *l, int fd, const char *path,
			  unsigned depth, struct sm_err *err);

static int
list_enter(struct list *l, int at, const char *parent, const char *name,
	   unsigned depth, struct sm_err *err)
{
	char *path = list_path(parent, name);
	int fd, ret = 0;

	if (!path)
		return sm_err_mem(err, "a path");
	fd = openat(at, name, SM_JOBDIR_FLAGS);
	if (fd >= 0 && list_is_job(fd))
		list_job(l, fd, path);
	else if (fd >= 0 && depth > 0)
		ret = list_directory(l, fd, path, depth - 1, err);
	else if (fd >= 0)
		l->result->deeper = true;
	/* It may have gone meanwhile, or have become something else. */
	else if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
		list_unreadable(l, path);
	if (fd >= 0)
		close(fd);
	free(path);
	return ret;
}

static int
list_directory(struct list *l, int fd, const char *path, unsigned depth,
	       struct sm_err *err)
{
	struct list_names *n = calloc(1, sizeof(*n));
	bool full = true, readable = true;
	size_t i;
	int ret = n ? 0 : sm_err_mem(err, "the names of a directory");

	l->result->directories++;
	while (ret == 0 && full && readable) {
		ret = list_read_names(n, &readable, fd, err);
		if (ret == 0 && !readable)
			list_unreadable(l, path);
		full = n->count == LIST_NAMES;
		for (i = 0; i < n->count && ret == 0; i++) {
			sm_meter_tell(&l->meter, l->result->directories, 0);
			if (sm_event_stops(&l->opts->events) > 0)
				ret = sm_err_set(err, SM_ESTOPPED,
						 "the search was stopped");
			else
				ret = list_enter(l, fd, path, n->name[i], depth,
						 err);
		}
		if (n->count > 0) {
			free(n->after);
			n->after = n->name[--n->count];
		}
		list_forget(n);
	}
	if (n)
		free(n->after);
	free(n);
	return ret;
}

int
sm_list_jobs(struct sm_list_result *result, const char *dir,
	     const struct sm_list_opts *opts,
	     int (*status)(struct sm_status *out, const char *job,
			   struct sm_err *err),
	     struct sm_err *err)
{
	struct list l = { .result = result,
			  .opts = opts,
			  .status = status,
			  .meter = { .ev = &opts->events,
				     .phase = "look",
				     .unit = "directories" },
			  .root = dir };
	unsigned depth = opts->depth > 0 ? opts->depth : SM_LIST_DEPTH;
	int fd, ret = 0;

	if (depth > SM_LIST_DEPTH_MAX)
		depth = SM_LIST_DEPTH_MAX;
	/* What a person names may be a link. */
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return sm_err_sys_as(err, SM_EINPUT,
				     "cannot look for jobs in '%s'", dir);
	if (list_is_job(fd))
		list_job(&l, fd, dir);
	else
		ret = list_directory(&l, fd, dir, depth - 1, err);
	close(fd);
	return ret;
}
