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

#include "parts.h"

#define SPEC_MAX_BYTES  (16 << 20)
#define PART_DIGITS_MIN 4

static int
parts_map_text(char **out, const struct sm_jobdir *dir, const char *name,
	       struct sm_err *err)
{
	struct sm_map map = { 0 };
	int ret = sm_map_openat(&map, dir->fd, name, err);

	if (ret < 0)
		return ret;
	*out = NULL;
	if (map.size > SPEC_MAX_BYTES)
		ret = sm_err_set(err, SM_EINPUT,
				 "'%s/%s' has %zu bytes; the limit is %d",
				 dir->path, name, map.size, SPEC_MAX_BYTES);
	else
		*out = strndup((const char *)map.data, map.size);
	if (ret == 0 && !*out)
		ret = sm_err_mem(err, name);
	sm_map_close(&map);
	return ret;
}

int
sm_parts_read_spec(struct sm_spec **out, const struct sm_jobdir *dir,
		   struct sm_err *err)
{
	char *text = NULL;
	int ret = parts_map_text(&text, dir, "spec.json", err);

	if (ret == 0)
		ret = sm_spec_parse(out, sm_kind_shapes(), text, "spec.json",
				    err);
	free(text);
	return ret;
}

/* An empty one is of a sqlite3 that was told to open what is not there. */
static int
parts_has_database(const struct sm_jobdir *dir, struct sm_err *err)
{
	struct stat st;

	if (fstatat(dir->fd, "job.db", &st, AT_SYMLINK_NOFOLLOW) == 0)
		return st.st_size > 0;
	return errno == ENOENT ? 0
			       : sm_err_sys(err, "cannot look for '%s/job.db'",
					    dir->path);
}

/* Of the disk or memory, which says nothing of what is there. */
static bool
is_trouble(int code)
{
	return code == SM_EIO || code == SM_ENOMEM;
}

int
sm_parts_is_marked(const struct sm_jobdir *dir, struct sm_err *err)
{
	struct sm_spec *spec = NULL;
	struct sm_err why;
	int marked = parts_has_database(dir, err), ret;

	/* With a database it is an ordinary job, or a part. */
	if (marked != 0)
		return marked < 0 ? marked : 0;
	ret = sm_jobdir_has(dir, "spec.json", err);
	if (ret <= 0)
		return ret;
	ret = sm_parts_read_spec(&spec, dir, &why);
	if (is_trouble(ret) && err)
		*err = why;
	if (ret < 0)
		return is_trouble(ret) ? ret : 0;
	marked = spec->parts > 0 && spec->part < 0;
	sm_spec_free(spec);
	return marked;
}

int
sm_parts_mark(const struct sm_jobdir *dir, const struct sm_spec *spec,
	      struct sm_err *err)
{
	char *text = sm_spec_text(spec, err);
	int ret;

	if (!text)
		return err->code;
	ret = sm_jobdir_write(dir, "spec.json", text, err);
	if (ret == 0)
		ret = sm_jobdir_sync(dir, err);
	free(text);
	return ret;
}

/* A part without the whole's spec.json: say what it is, not "no job". */
static int
parts_refuse_unmarked(const struct sm_jobdir *dir, struct sm_err *err)
{
	bool found = false;
	const char *name;
	struct sm_dir d;
	int more = 0;

	sm_dir_open(&d, dir->fd, ".");
	while (!found && (more = sm_dir_next(&name, &d)) > 0)
		found = sm_jobdir_is_part_name(name);
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
sm_parts_refuse_undivided(const struct sm_jobdir *part, struct sm_err *err)
{
	struct sm_jobdir whole = SM_JOBDIR_NONE;
	struct sm_err ignored;
	int ret = 0;

	whole.fd = openat(part->fd, "..", SM_JOBDIR_FLAGS);
	if (whole.fd >= 0 && parts_has_database(&whole, &ignored) > 0)
		ret = sm_err_set(err, SM_EREFUSED,
				 "'%s' is a part of a job that was not divided "
				 "to the end; 'shardmill slurm' with --parts "
				 "divides it, 'shardmill run' of the whole "
				 "makes it as it is",
				 part->path);
	sm_jobdir_close(&whole);
	return ret;
}

int
sm_parts_open(struct sm_parts *w, const char *job, bool trust,
	      struct sm_err *err)
{
	int ret;

	*w = (struct sm_parts)SM_PARTS_NONE;
	w->trust = trust;
	/* What is wrong with the path is said by who opens a job there. */
	ret = sm_jobdir_open_whole(&w->dir, job, true, err);
	if (ret < 0)
		return is_trouble(ret) ? ret : 0;
	ret = sm_parts_is_marked(&w->dir, err);
	if (ret < 0)
		goto out;
	if (ret == 0) {
		ret = parts_has_database(&w->dir, err);
		if (ret == 0)
			ret = sm_jobdir_has(&w->dir, "spec.json", err);
		if (ret == 0)
			ret = parts_refuse_unmarked(&w->dir, err);
		ret = ret < 0 ? ret : 0;
		goto out;
	}
	ret = trust ? 0 : sm_jobdir_check_owner(&w->dir, err);
	if (ret == 0)
		ret = sm_parts_read_spec(&w->spec, &w->dir, err);
	if (ret == 0) {
		w->parts = w->spec->parts;
		return 1;
	}
out:
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

char *
sm_parts_path(const struct sm_parts *w, uint64_t part, struct sm_err *err)
{
	char name[SM_PART_NAME_MAX + 1] = "/", *path;

	sm_part_name(name + 1, part, w->parts);
	path = sm_path_concat(w->dir.path, name);
	if (!path)
		sm_err_mem(err, "a path");
	return path;
}

int
sm_parts_check_there(const struct sm_parts *w, uint64_t part,
		     struct sm_err *err)
{
	char name[SM_PART_NAME_MAX], file[SM_PART_NAME_MAX + 8];

	sm_part_name(name, part, w->parts);
	snprintf(file, sizeof(file), "%s/job.db", name);
	if (faccessat(w->dir.fd, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return sm_err_sys_as(err, SM_EINPUT,
			     "%s of '%s' is lost, 'shardmill recover %s' makes "
			     "it again with the shards that are there: cannot "
			     "find '%s'",
			     name, w->dir.path, w->dir.path, file);
}

int
sm_parts_handle(struct sm_handle *h, const struct sm_parts *w, uint64_t part,
		const struct sm_db_opts *opts, struct sm_err *err)
{
	char *path = sm_parts_path(w, part, err);
	int ret;

	*h = (struct sm_handle)SM_HANDLE_NONE;
	if (!path)
		return err->code;
	ret = sm_parts_check_there(w, part, err);
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

int
sm_parts_read_final(struct sm_parts_final *f, const struct sm_jobdir *dir)
{
	struct sm_err ignored;
	char *text = NULL, *end;
	int single, at = 0;

	*f = (struct sm_parts_final){ 0 };
	if (parts_map_text(&text, dir, "final", &ignored) < 0)
		return 0;
	if (sscanf(text, "%" SCNu64 " %" SCNx64 " %d %n", &f->size, &f->digest,
		   &single, &at) == 3 &&
	    at > 0) {
		f->single_member = single;
		f->path = strdup(text + at);
		end = f->path ? f->path + strlen(f->path) : NULL;
		if (end && end > f->path && end[-1] == '\n')
			end[-1] = '\0';
	}
	free(text);
	return f->path != NULL;
}

int
sm_parts_write_final(const struct sm_jobdir *dir,
		     const struct sm_parts_final *f, struct sm_err *err)
{
	struct sm_parts_final was;
	char *text = NULL;
	bool same;
	int ret;

	/* Killed while it writes what stood there, nobody would tidy up. */
	same = sm_parts_read_final(&was, dir) && was.size == f->size &&
	       was.digest == f->digest &&
	       was.single_member == f->single_member &&
	       strcmp(was.path, f->path) == 0;
	free(was.path);
	if (same)
		return 0;
	if (asprintf(&text, "%" PRIu64 " %016" PRIx64 " %d %s\n", f->size,
		     f->digest, f->single_member, f->path) < 0)
		return sm_err_mem(err, "a path");
	ret = sm_jobdir_write(dir, "final", text, err);
	free(text);
	return ret;
}

int
sm_parts_open_batch(struct sm_handle *h, const char *job, uint64_t batch,
		    bool trust, struct sm_err *err)
{
	struct sm_db_opts db = { .mode = SM_DB_READ };
	struct sm_parts w;
	uint64_t part = 0;
	int ret = sm_parts_open(&w, job, trust, err);

	*h = (struct sm_handle)SM_HANDLE_NONE;
	if (ret == 0)
		return sm_handle_open(h, job, &db, trust, err);
	if (ret > 0)
		ret = sm_parts_find(&part, &w, batch, err);
	if (ret == 0)
		ret = sm_parts_handle(h, &w, part, &db, err);
	sm_parts_close(&w);
	return ret;
}
