/*
 * files.c - the directory of the files that a job makes
 *
 * The names are shard_name.c's, the renames shard.c's and startcheck.c's; here
 * it is asked whose the directory is, and whether a file is as its row says.
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
#include "errfile.h"
#include "file.h"
#include "lock.h"

#include "crc32.h"

#include "files.h"

#define FILES_MARK  ".shardmill"
#define FILES_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

static struct sm_kind_files
files_of(const struct sm_spec *spec)
{
	const struct sm_kind *kind = sm_kind_of(spec);

	if (!kind->files)
		return (struct sm_kind_files){ .dir = NULL };
	return kind->files(spec->opts);
}

/* ---------------------------------------------------------------- mark -- */

/*
 * "<id> <inode of the directory> <job directory>", of a job in parts the
 * whole's.  The directory is the job's if the last is; or if the first is, and
 * the job was moved, or was copied together with this directory, which then is
 * another one.
 */
enum files_owner { OWNER_NONE, OWNER_OTHER, OWNER_OLD, OWNER_JOB };

struct files_mark {
	uint64_t inode;
	char *text; /* owns the two */
	const char *id, *job;
};

/* `text` NULL: there is no mark, or none that makes sense. */
static int
files_read_mark(struct files_mark *m, int fd, const char *dir,
		struct sm_err *err)
{
	struct sm_map map = { 0 };
	char *end, *rest;
	int ret = sm_map_openat(&map, fd, FILES_MARK, err);

	*m = (struct files_mark){ .text = NULL };
	if (ret < 0 && sm_err_is_missing(err))
		return 0;
	if (ret < 0)
		return sm_err_prefix(err, "%s", dir);
	m->text = strndup((const char *)map.data, map.size);
	sm_map_close(&map);
	if (!m->text)
		return sm_err_mem(err, "a path");
	m->text[strcspn(m->text, "\n")] = '\0';
	m->id = m->job = m->text;
	end = strchr(m->text, ' ');
	if (!end)
		return 0;
	*end = '\0';
	m->inode = strtoull(end + 1, &rest, 10);
	m->job = *rest == ' ' ? rest + 1 : rest;
	return 0;
}

static char *
files_job_path(const struct sm_spec *spec, const struct sm_jobdir *dir)
{
	char *path = strdup(dir->path), *slash;

	slash = path ? strrchr(path, '/') : NULL;
	if (slash && spec->part >= 0)
		*slash = '\0';
	return path;
}

/* Is there a job at that path, of whatever id? */
static bool
files_job_stands(const char *job)
{
	char *spec = sm_path_concat(job, "/spec.json");
	struct stat st;
	bool stands = !spec || stat(spec, &st) == 0 || errno != ENOENT;

	free(spec);
	return stands;
}

static int
files_owner(enum files_owner *is, int fd, const char *path,
	    const struct sm_spec *spec, const struct sm_jobdir *dir,
	    struct sm_err *err)
{
	char *job = files_job_path(spec, dir);
	struct files_mark m = { .text = NULL };
	struct stat st;
	int ret = job ? 0 : sm_err_mem(err, "a path");

	*is = OWNER_NONE;
	if (ret == 0 && fstat(fd, &st) < 0)
		ret = sm_err_sys(err, "cannot examine '%s'", path);
	if (ret == 0)
		ret = files_read_mark(&m, fd, path, err);
	if (ret < 0 || !m.text)
		goto out;
	*is = OWNER_OTHER;
	if (strcmp(m.job, job) == 0)
		*is = OWNER_JOB;
	else if (spec->id && strcmp(m.id, spec->id) == 0 &&
		 ((uint64_t)st.st_ino != m.inode || !files_job_stands(m.job)))
		*is = OWNER_OLD;
out:
	free(m.text);
	free(job);
	return ret;
}

static int
files_write_mark(int fd, const char *path, const struct sm_spec *spec,
		 const struct sm_jobdir *dir, struct sm_err *err)
{
	struct sm_jobdir at = SM_JOBDIR_NONE;
	char *text = NULL, *job = files_job_path(spec, dir);
	struct stat st;
	int ret;

	at.fd = fd;
	at.path = (char *)path;
	if (fstat(fd, &st) < 0) {
		ret = sm_err_sys(err, "cannot examine '%s'", path);
	} else if (!job || asprintf(&text, "%s %" PRIu64 " %s\n", spec->id,
				    (uint64_t)st.st_ino, job) < 0) {
		text = NULL;
		ret = sm_err_mem(err, "a path");
	} else {
		ret = sm_jobdir_write(&at, FILES_MARK, text, err);
		if (ret == 0 && sm_sync_dir(fd) < 0)
			ret = sm_err_sys(err, "cannot sync '%s'", path);
	}
	free(text);
	free(job);
	return ret;
}

/* ---------------------------------------------------------------- plan -- */

/* Each of the job's names in its directory; nonzero of `with` ends it. */
static int
files_walk(int fd, const struct sm_kind_files *f,
	   int (*with)(int fd, const struct sm_kind_files *f, const char *name,
		       struct sm_err *err),
	   struct sm_err *err)
{
	const char *name;
	struct sm_dir d;
	uint64_t batch;
	int64_t token;
	int more, ret = 0;

	sm_dir_open(&d, fd, ".");
	while (ret == 0 && (more = sm_dir_next(&name, &d)) != 0) {
		if (more < 0)
			ret = sm_err_sys(err, "cannot list '%s'", f->dir);
		else if (sm_shard_parse_file(name, f->suffix, &batch, &token))
			ret = with(fd, f, name, err);
	}
	sm_dir_close(&d);
	return ret;
}

static int
files_refuse(int fd, const struct sm_kind_files *f, const char *name,
	     struct sm_err *err)
{
	(void)fd;
	return sm_err_set(err, SM_EREFUSED,
			  "'%s' has the file '%s', which is not this job's; "
			  "name another directory by --to, or remove such "
			  "files by --force",
			  f->dir, name);
}

/* A command may have made a directory of it. */
static int
files_remove(int fd, const struct sm_kind_files *f, const char *name,
	     struct sm_err *err)
{
	if (sm_dir_remove_any(fd, name) == 0)
		return 0;
	return sm_err_sys(err, "cannot remove '%s/%s'", f->dir, name);
}

static int
files_refuse_place(const struct sm_kind_files *f, const struct sm_jobdir *dir,
		   struct sm_err *err)
{
	size_t n = strlen(dir->path);

	if (strncmp(f->dir, dir->path, n) != 0 ||
	    (f->dir[n] != '\0' && f->dir[n] != '/'))
		return 0;
	return sm_err_set(err, SM_EREFUSED,
			  "--to '%s' is in the job's own directory; name "
			  "another",
			  f->dir);
}

/* Taken over by force, but not from a job that is at work. */
static int
files_refuse_owner(int fd, const struct sm_kind_files *f, bool force,
		   struct sm_err *err)
{
	struct files_mark m;
	int ret = files_read_mark(&m, fd, f->dir, err), job = -1;

	if (ret < 0)
		return ret;
	if (!force)
		ret = sm_err_set(err, SM_EREFUSED,
				 "the directory '%s' has the files of another "
				 "job, '%s'; name another one by --to, or take "
				 "it over by --force",
				 f->dir, m.text ? m.job : "");
	else if (m.text)
		job = open(m.job, FILES_FLAGS);
	if (job >= 0 && sm_lock_held(job, "run.lock") > 0)
		ret = sm_err_set(
			err, SM_EHELD,
			"the job '%s' is at work, and its files are in "
			"'%s'; end it first",
			m.job, f->dir);
	if (job >= 0)
		close(job);
	free(m.text);
	return ret;
}

/* Open it, and ask whose it is.  `*fd` -1: the batches make no files. */
static int
files_look(int *fd, enum files_owner *owner, const struct sm_spec *spec,
	   const struct sm_jobdir *dir, bool force, struct sm_err *err)
{
	struct sm_kind_files kind = files_of(spec), *f = &kind;
	int ret;

	*fd = -1;
	if (!f->dir)
		return 0;
	ret = files_refuse_place(f, dir, err);
	if (ret < 0)
		return ret;
	if (mkdir(f->dir, 0777) < 0 && errno != EEXIST)
		return sm_err_sys_as(err, SM_EINPUT,
				     "cannot make the directory '%s' for the "
				     "files of the batches",
				     f->dir);
	*fd = open(f->dir, FILES_FLAGS);
	if (*fd < 0 && errno == ENOTDIR)
		return sm_err_set(err, SM_EINPUT,
				  "'%s' is no directory, and the files of the "
				  "batches need one",
				  f->dir);
	if (*fd < 0)
		return sm_err_file(err, AT_FDCWD, f->dir, "cannot open");
	ret = files_owner(owner, *fd, f->dir, spec, dir, err);
	if (ret == 0 && *owner == OWNER_OTHER)
		ret = files_refuse_owner(*fd, f, force, err);
	return ret;
}

int
sm_files_refuse(const struct sm_spec *spec, const struct sm_jobdir *dir,
		bool force, struct sm_err *err)
{
	struct sm_kind_files f = files_of(spec);
	enum files_owner owner;
	int fd, ret = files_look(&fd, &owner, spec, dir, force, err);

	/* What a mark of the job's speaks of goes with the job. */
	if (ret == 0 && fd >= 0 && owner == OWNER_NONE && !force)
		ret = files_walk(fd, &f, files_refuse, err);
	if (fd >= 0)
		close(fd);
	return ret;
}

int
sm_files_make(const struct sm_spec *spec, const struct sm_jobdir *dir,
	      bool force, struct sm_err *err)
{
	struct sm_kind_files f = files_of(spec);
	enum files_owner owner;
	int fd, ret = files_look(&fd, &owner, spec, dir, force, err);

	if (ret == 0 && fd < 0)
		return 0;
	/* There is no job: what has its names is an earlier one's. */
	if (ret == 0)
		ret = files_walk(fd, &f, force ? files_remove : files_refuse,
				 err);
	if (ret == 0)
		ret = files_write_mark(fd, f.dir, spec, dir, err);
	if (ret == 0)
		ret = sm_sync_parent(f.dir, err);
	if (fd >= 0)
		close(fd);
	return ret;
}

int
sm_files_refuse_change(const struct sm_spec *old, const struct sm_spec *now,
		       const struct sm_jobdir *dir, struct sm_err *err)
{
	struct sm_kind_files was = files_of(old), is = files_of(now);
	enum files_owner owner = OWNER_NONE;
	int fd, ret = 0;

	if (!was.dir && !is.dir)
		return 0;
	if (!was.dir || !is.dir)
		return sm_err_set(err, SM_EREFUSED,
				  "the job '%s' was planned %s --to; --restart "
				  "begins again",
				  dir->path, was.dir ? "with" : "without");
	if (strcmp(was.suffix, is.suffix) != 0)
		return sm_err_set(err, SM_EREFUSED,
				  "the files of the job '%s' end in '%s', not "
				  "'%s'; --restart begins again",
				  dir->path, was.suffix, is.suffix);
	fd = open(is.dir, FILES_FLAGS);
	if (fd >= 0) {
		ret = files_owner(&owner, fd, is.dir, old, dir, err);
		close(fd);
	}
	if (ret < 0 || owner >= OWNER_OLD)
		return ret;
	if (strcmp(was.dir, is.dir) == 0 && owner != OWNER_OTHER)
		return 0; /* missing: what runs says so */
	return sm_err_set(err, SM_EREFUSED,
			  "the files of the job '%s' are in '%s', and '%s' is "
			  "%s; move that directory there first, or begin again "
			  "by --restart",
			  dir->path, was.dir, is.dir,
			  owner == OWNER_OTHER ? "another job's"
					       : "another one");
}

int
sm_files_clear(const struct sm_spec *spec, const struct sm_jobdir *dir,
	       struct sm_err *err)
{
	struct sm_kind_files f = files_of(spec);
	enum files_owner owner;
	int fd, ret;

	if (!f.dir)
		return 0;
	fd = open(f.dir, FILES_FLAGS);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0)
		return sm_err_file(err, AT_FDCWD, f.dir, "cannot open");
	ret = files_owner(&owner, fd, f.dir, spec, dir, err);
	if (ret == 0 && owner >= OWNER_OLD)
		ret = files_walk(fd, &f, files_remove, err);
	if (ret == 0 && owner >= OWNER_OLD && unlinkat(fd, FILES_MARK, 0) < 0 &&
	    errno != ENOENT)
		ret = sm_err_sys(err, "cannot remove '%s/" FILES_MARK "'",
				 f.dir);
	close(fd);
	return ret;
}

/* ---------------------------------------------------------------- open -- */

void
sm_files_open(struct sm_files *f, const struct sm_spec *spec)
{
	sm_files_close(f);
	f->kind = files_of(spec);
	f->digits = sm_shard_digits(spec->batches);
	if (f->kind.dir)
		f->fd = open(f->kind.dir, FILES_FLAGS);
	if (f->fd < 0)
		f->error = errno;
}

/* A directory that cannot be opened says nothing of what is in it. */
static int
files_known(const struct sm_files *f, struct sm_err *err)
{
	if (f->fd >= 0 || f->error == ENOENT || f->error == ENOTDIR)
		return 0;
	errno = f->error;
	return sm_err_file(err, AT_FDCWD, f->kind.dir, "cannot open");
}

void
sm_files_close(struct sm_files *f)
{
	if (f->fd >= 0)
		close(f->fd);
	*f = (struct sm_files)SM_FILES_NONE;
}

int
sm_files_require(const struct sm_files *f, const struct sm_spec *spec,
		 const struct sm_jobdir *dir, struct sm_err *err)
{
	enum files_owner owner = OWNER_NONE;
	int ret;

	if (!f->kind.dir)
		return 0;
	ret = files_known(f, err);
	if (ret == 0 && f->fd >= 0)
		ret = files_owner(&owner, f->fd, f->kind.dir, spec, dir, err);
	if (ret == 0 && owner == OWNER_OLD)
		ret = files_write_mark(f->fd, f->kind.dir, spec, dir, err);
	if (ret < 0 || owner >= OWNER_OLD)
		return ret;
	if (owner == OWNER_OTHER)
		return sm_err_set(err, SM_EREFUSED,
				  "the directory '%s' of the job's files is "
				  "another job's ('%s/" FILES_MARK "' names "
				  "it); of a copy, copy the directory too; "
				  "--restart with another --to begins again",
				  f->kind.dir, f->kind.dir);
	return sm_err_set(err, SM_EREFUSED,
			  "the directory '%s' of the job's files %s; put it "
			  "back or mount it, or begin again by --restart",
			  f->kind.dir,
			  f->fd < 0 ? "is missing"
				    : "lacks its mark '" FILES_MARK "'");
}

int
sm_files_sync(const struct sm_files *f, struct sm_err *err)
{
	if (f->fd < 0 || sm_sync_dir(f->fd) == 0)
		return 0;
	return sm_err_sys(err, "cannot sync '%s'", f->kind.dir);
}

/* ----------------------------------------------------------- of a row -- */

int
sm_files_is(bool *is, const struct sm_files *f, const struct sm_batch_row *row,
	    struct sm_err *err)
{
	char name[SM_SHARD_FILE_MAX];
	struct stat st;

	*is = true;
	if (!f->kind.dir)
		return 0;
	*is = false;
	if (f->fd < 0)
		return files_known(f, err);
	sm_shard_file_name(name, row->id, f->digits, f->kind.suffix);
	if (fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		*is = S_ISREG(st.st_mode) &&
		      (uint64_t)st.st_size == row->sizes.file_bytes;
	else if (errno != ENOENT)
		return sm_err_sys(err, "cannot look at '%s/%s'", f->kind.dir,
				  name);
	return 0;
}

int
sm_files_all(bool *all, const struct sm_files *f, struct sm_db *db,
	     uint64_t first, struct sm_err *err)
{
	struct sm_batch_row row;
	uint64_t next = first;
	int ret = 1;

	*all = true;
	if (!f->kind.dir)
		return 0;
	/* One row at a time: no snapshot is held meanwhile. */
	while (*all && (ret = sm_batch_row_from(&row, db, next, err)) > 0) {
		next = row.id + 1;
		if (row.state == SM_DONE && sm_files_is(all, f, &row, err) < 0)
			return err->code;
	}
	return ret < 0 ? ret : 0;
}

/* Not `found`: there is no such file, or it is none that can be read. */
static int
files_sum(bool *found, uint64_t *bytes, uint32_t *crc32, int dirfd,
	  const char *name, struct sm_err *err)
{
	int fd = openat(dirfd, name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int ret = 0;

	*found = fd >= 0;
	if (fd < 0 && (errno == ENOENT || errno == ELOOP || errno == ENXIO))
		return 0;
	if (fd < 0)
		return sm_err_file(err, dirfd, name, "cannot open");
	if (fstat(fd, &st) < 0)
		ret = sm_err_sys(err, "cannot examine '%s'", name);
	else
		*found = S_ISREG(st.st_mode);
	if (ret == 0 && *found)
		ret = sm_shard_sum(bytes, crc32, fd, name, err);
	close(fd);
	return ret;
}

int
sm_files_check(const char **damage, const struct sm_files *f,
	       const struct sm_batch_row *row, struct sm_err *err)
{
	char name[SM_SHARD_FILE_MAX];
	const char *what = "has other bytes than were written";
	uint64_t bytes = 0;
	uint32_t crc32 = 0;
	bool found = false;
	int ret;

	if (!f->kind.dir)
		return 0;
	sm_shard_file_name(name, row->id, f->digits, f->kind.suffix);
	ret = files_known(f, err);
	if (ret == 0 && f->fd >= 0)
		ret = files_sum(&found, &bytes, &crc32, f->fd, name, err);
	if (ret < 0)
		return ret;
	*damage = "file crc";
	if (!found) {
		*damage = "file missing";
		what = "is missing";
	} else if (bytes != row->sizes.file_bytes) {
		*damage = "file size";
		what = "has another size";
	} else if (crc32 == row->sizes.file_crc32) {
		return 0;
	}
	return sm_err_set(err, SM_EVERIFY, "the file '%s/%s' %s", f->kind.dir,
			  name, what);
}

int
sm_files_adopt(bool *is, struct sm_entry *e, const struct sm_files *f,
	       uint64_t batch, struct sm_err *err)
{
	char name[SM_SHARD_FILE_MAX], receipt[SM_SHARD_RECEIPT_MAX];
	struct sm_sizes *s = &e->sizes;
	size_t len;
	int ret;

	*is = true;
	if (!f->kind.dir)
		return 0;
	sm_shard_file_name(name, batch, f->digits, f->kind.suffix);
	ret = files_sum(is, &s->file_bytes, &s->file_crc32, f->fd, name, err);
	if (ret < 0 || !*is)
		return ret;
	len = sm_shard_receipt(receipt, batch, name, s->file_bytes,
			       s->file_crc32);
	*is = len == s->raw_bytes && sm_crc32(0, receipt, len) == s->raw_crc32;
	return 0;
}

void
sm_files_remove_tmp(const struct sm_files *f, uint64_t batch, int64_t token)
{
	char name[SM_SHARD_FILE_MAX];

	if (f->fd < 0)
		return;
	sm_shard_file_tmp_name(name, batch, f->digits, token, f->kind.suffix);
	sm_dir_remove_any(f->fd, name);
}
