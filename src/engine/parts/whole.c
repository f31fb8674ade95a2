/*
 * whole.c - open the whole of a job in parts, and find its parts
 *
 * Only this file knows by which files a whole is recognized, how its parts are
 * called, and where it notes what was joined last.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dir.h"
#include "file.h"

#include "join.h"
#include "parts.h"

#define PART_DIGITS_MIN 4

/* An empty one is of a sqlite3 that was told to open what is not there. */
static int
parts_has_database(bool *has, const struct sm_jobdir *dir, struct sm_err *err)
{
	struct stat st;

	*has = false;
	if (fstatat(dir->fd, "job.db", &st, AT_SYMLINK_NOFOLLOW) == 0)
		*has = st.st_size > 0;
	else if (errno != ENOENT)
		return sm_err_sys(err, "cannot look for '%s/job.db'",
				  dir->path);
	return 0;
}

/* I/O and memory errors do not tell us what is there. */
static bool
is_trouble(int code)
{
	return code == SM_EIO || code == SM_ENOMEM;
}

/* The whole's specification; NULL: the directory is not a whole. */
static int
parts_read_mark(struct sm_spec **spec, const struct sm_jobdir *dir,
		struct sm_err *err)
{
	struct sm_err why;
	bool has;
	int ret = parts_has_database(&has, dir, err);

	*spec = NULL;
	/* With a database it is an ordinary job, or a part. */
	if (ret < 0 || has)
		return ret;
	ret = sm_jobdir_has(&has, dir, "spec.json", err);
	if (ret < 0 || !has)
		return ret;
	ret = sm_place_read_spec(spec, dir, &why);
	if (is_trouble(ret)) {
		*err = why;
		return ret;
	}
	/* What cannot be parsed is named by whoever needs it. */
	if (ret == 0 && (*spec)->parts > 0 && (*spec)->part < 0)
		return 0;
	if (ret == 0)
		sm_spec_free(*spec);
	*spec = NULL;
	return 0;
}

/*
 * spec.json of the whole is the mark of a planned job: it is written after all
 * parts, so that a killed plan has none and is made anew.
 */
int
sm_parts_mark(const struct sm_jobdir *dir, struct sm_spec *spec,
	      struct sm_err *err)
{
	char *text = NULL;
	int ret = sm_spec_set_home(spec, dir->path, err);

	if (ret == 0)
		text = sm_spec_text(spec, err);
	if (!text)
		return err->code;
	ret = sm_jobdir_write(dir, "spec.json", text, err);
	if (ret == 0)
		ret = sm_jobdir_sync(dir, err);
	free(text);
	return ret;
}

int
sm_parts_unmark(const struct sm_jobdir *dir, struct sm_err *err)
{
	if (unlinkat(dir->fd, "spec.json", 0) == 0 || errno == ENOENT)
		return 0;
	return sm_err_sys(err, "cannot remove '%s/spec.json'", dir->path);
}

/* A part without the whole's spec.json: say what it is, not "no job". */
static int
parts_refuse_unmarked(const struct sm_jobdir *dir, struct sm_err *err)
{
	bool has, found = false;
	const char *name;
	struct sm_dir d;
	int more = 0, ret = sm_jobdir_has(&has, dir, "spec.json", err);

	if (ret < 0 || has)
		return ret;
	sm_dir_open(&d, dir->fd, ".");
	while (!found && (more = sm_dir_next(&name, &d)) > 0)
		found = sm_part_is_name(name);
	sm_dir_close(&d);
	if (!found && more < 0)
		return sm_err_sys(err, "cannot list '%s'", dir->path);
	if (!found)
		return 0;
	return sm_err_set(err, SM_EINPUT,
			  "the job '%s' has parts, but no spec.json of the "
			  "whole: if planning was cut short, give the same "
			  "command again; if it was lost, 'shardmill recover' "
			  "makes it again",
			  dir->path);
}

int
sm_parts_open_unmarked(struct sm_parts *w, const char *job, bool trust,
		       struct sm_err *err)
{
	enum sm_place place;
	int ret;

	*w = (struct sm_parts)SM_PARTS_NONE;
	w->trust = trust;
	/* What is wrong with the path is said by whoever opens one job there.
	 */
	ret = sm_jobdir_open_whole(&w->dir, job, true, err);
	if (ret < 0 && !is_trouble(ret))
		return 0;
	if (ret == 0)
		ret = parts_read_mark(&w->spec, &w->dir, err);
	if (ret == 0 && w->spec)
		ret = sm_place_settle(&place, &w->dir, w->spec, NULL, err);
	if (w->spec)
		w->parts = w->spec->parts;
	if (ret == 0 && w->parts > 0 && !trust)
		ret = sm_jobdir_check_owner(&w->dir, err);
	if (ret < 0)
		sm_parts_close(w);
	return ret;
}

int
sm_parts_open(struct sm_parts *w, const char *job, bool trust,
	      struct sm_err *err)
{
	bool has = false;
	int ret = sm_parts_open_unmarked(w, job, trust, err);

	if (ret < 0 || w->parts > 0 || w->dir.fd < 0)
		return ret;
	ret = parts_has_database(&has, &w->dir, err);
	if (ret == 0 && !has)
		ret = parts_refuse_unmarked(&w->dir, err);
	if (ret < 0)
		sm_parts_close(w);
	return ret;
}

void
sm_parts_close(struct sm_parts *w)
{
	sm_spec_free(w->spec);
	sm_jobdir_close(&w->dir);
	*w = (struct sm_parts)SM_PARTS_NONE;
}

void
sm_part_name(char name[SM_PART_NAME_MAX], uint64_t part, uint64_t parts)
{
	uint64_t last = parts - 1;
	int digits = 1;

	for (; last >= 10; last /= 10)
		digits++;
	if (digits < PART_DIGITS_MIN)
		digits = PART_DIGITS_MIN;
	snprintf(name, SM_PART_NAME_MAX, "part-%0*" PRIu64, digits, part);
}

bool
sm_part_is_name(const char *name)
{
	return strncmp(name, "part-", 5) == 0 && name[5] &&
	       name[5 + strspn(name + 5, "0123456789")] == '\0';
}

int
sm_parts_path_of(char **path, const struct sm_parts *w, uint64_t part,
		 struct sm_err *err)
{
	char name[SM_PART_NAME_MAX + 1] = "/";

	sm_part_name(name + 1, part, w->parts);
	*path = sm_path_concat(w->dir.path, name);
	return *path ? 0 : sm_err_mem(err, "a path");
}

int
sm_parts_path(char **path, const struct sm_parts *w, uint64_t part,
	      struct sm_err *err)
{
	char name[SM_PART_NAME_MAX], file[SM_PART_NAME_MAX + 8];

	*path = NULL;
	sm_part_name(name, part, w->parts);
	snprintf(file, sizeof(file), "%s/job.db", name);
	if (faccessat(w->dir.fd, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return sm_parts_path_of(path, w, part, err);
	return sm_err_sys_as(err, SM_EINPUT,
			     "%s of '%s' is lost, 'shardmill recover %s' makes "
			     "it again with the shards that are there: cannot "
			     "find '%s'",
			     name, w->dir.path, w->dir.path, file);
}

/*
 * Directories can be exchanged, restored from another backup or copied. Joining
 * the parts of two jobs would make a file that no index could describe.
 */
int
sm_parts_handle(struct sm_handle *h, const struct sm_parts *w, uint64_t part,
		const struct sm_db_opts *opts, struct sm_err *err)
{
	char *path;
	int ret = sm_parts_path(&path, w, part, err);

	*h = (struct sm_handle)SM_HANDLE_NONE;
	if (ret == 0)
		ret = sm_handle_open(h, path, opts, w->trust, err);
	if (ret == 0 &&
	    (h->job.parts != w->parts || h->job.part != (int64_t)part ||
	     h->job.whole_batches != w->spec->batches ||
	     h->fingerprint != w->spec->fingerprint)) {
		ret = sm_err_set(err, SM_EREFUSED,
				 "'%s' is not part %" PRIu64 " of %" PRIu64
				 " of this job, but of another one; put the "
				 "right directory there",
				 path, part, w->parts);
		sm_handle_close(h);
	}
	free(path);
	return ret;
}

int
sm_parts_find(uint64_t *part, const struct sm_parts *w, uint64_t batch,
	      struct sm_err *err)
{
	if (batch >= w->spec->batches)
		return sm_err_set(err, SM_EUSAGE,
				  "there is no batch %" PRIu64 ": the job has "
				  "%" PRIu64 ", counted from 0",
				  batch, w->spec->batches);
	*part = sm_spec_part_of(batch, w->spec->batches, w->parts);
	return 0;
}

/* Status and the question "is it complete?" must not wait for a writer. */
static int
parts_open_to_look(struct sm_handle *h, uint64_t part, void *arg,
		   struct sm_err *err)
{
	struct sm_db_opts db = { .mode = SM_DB_READ };

	return sm_parts_handle(h, arg, part, &db, err);
}

/* A damaged shard's batch is put back in its part. */
static int
parts_open_to_join(struct sm_handle *h, uint64_t part, void *arg,
		   struct sm_err *err)
{
	struct sm_db_opts db = { .mode = SM_DB_WRITE,
				 .wait = { .limit_s = SM_OUTSIDER_LIMIT_S } };

	return sm_parts_handle(h, arg, part, &db, err);
}

static struct sm_join_from
parts_from(struct sm_parts *w)
{
	return (struct sm_join_from){ .dir = &w->dir,
				      .fingerprint = w->spec->fingerprint,
				      .batches = w->spec->batches,
				      .parts = w->parts,
				      .open = parts_open_to_look,
				      .arg = w,
				      .output = w->spec->output };
}

int
sm_parts_join(struct sm_finalize_result *result, struct sm_parts *w,
	      const struct sm_finalize_opts *opts, struct sm_err *err)
{
	struct sm_join_from from = parts_from(w);

	from.open = parts_open_to_join;
	return sm_join(result, &from, opts, NULL, err);
}

int
sm_parts_is_joined(bool *joined, struct sm_parts *w, struct sm_err *err)
{
	struct sm_join_from from = parts_from(w);

	return sm_published_is_complete(joined, &from, err);
}

int
sm_parts_is_complete(bool *complete, struct sm_parts *w, struct sm_err *err)
{
	const struct sm_kind *kind = sm_kind_of(w->spec);

	/* Each part looks at its own files. */
	*complete = false;
	if (kind->files && kind->files(w->spec->opts).dir)
		return 0;
	return sm_parts_is_joined(complete, w, err);
}
