/*
 * files.c - the directory of the files that a job makes
 *
 * The names are shard_name.c's, the renames shard.c's and startcheck.c's; here
 * it is asked whose the directory is, and whether a file is as its row says.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dir.h"
#include "errfile.h"
#include "file.h"

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

enum files_mark { MARK_NONE, MARK_OTHER, MARK_OWN_OLD, MARK_OWN };

/*
 * "<id> <job directory>".  It is the job's own if one of the two is: a plan
 * that was killed had another id, and a job that was moved another directory.
 */
static int
files_read_mark(enum files_mark *is, int fd, const char *dir, const char *id,
		const char *job, struct sm_err *err)
{
	struct sm_map map = { 0 };
	char *text, *path;
	int ret = sm_map_openat(&map, fd, FILES_MARK, err);

	*is = MARK_NONE;
	if (ret < 0 && sm_err_is_missing(err))
		return 0;
	if (ret < 0)
		return sm_err_prefix(err, "%s", dir);
	text = strndup((const char *)map.data, map.size);
	sm_map_close(&map);
	if (!text)
		return sm_err_mem(err, "a path");
	text[strcspn(text, "\n")] = '\0';
	path = text + strcspn(text, " ");
	if (*path)
		*path++ = '\0';
	*is = strcmp(path, job) == 0 ? MARK_OWN : MARK_OTHER;
	if (id && (strcmp(text, id) == 0) != (*is == MARK_OWN))
		*is = MARK_OWN_OLD;
	free(text);
	return 0;
}

static int
files_write_mark(int fd, const char *dir, const char *id, const char *job,
		 struct sm_err *err)
{
	struct sm_jobdir at = SM_JOBDIR_NONE;
	char *text = NULL;
	int ret;

	at.fd = fd;
	at.path = (char *)dir;
	if (asprintf(&text, "%s %s\n", id, job) < 0)
		return sm_err_mem(err, "a path");
	ret = sm_jobdir_write(&at, FILES_MARK, text, err);
	if (ret == 0 && sm_sync_dir(fd) < 0)
		ret = sm_err_sys(err, "cannot sync '%s'", dir);
	free(text);
	return ret;
}

/* ---------------------------------------------------------------- plan -- */

/* The first of its files whose name the job would use, or is using. */
static int
files_refuse_strangers(int fd, const struct sm_kind_files *f,
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
			ret = sm_err_set(err, SM_EREFUSED,
					 "'%s' has the file '%s', which is not "
					 "this job's; name another directory "
					 "by --to, or write over such files by "
					 "--force",
					 f->dir, name);
	}
	sm_dir_close(&d);
	return ret;
}

int
sm_files_make(const struct sm_spec *spec, const struct sm_jobdir *dir,
	      bool force, struct sm_err *err)
{
	struct sm_kind_files f = files_of(spec);
	enum files_mark mark;
	int fd, ret;

	if (!f.dir)
		return 0;
	if (mkdir(f.dir, 0777) < 0 && errno != EEXIST)
		return sm_err_sys_as(err, SM_EINPUT,
				     "cannot make the directory '%s' for the "
				     "files of the batches",
				     f.dir);
	fd = open(f.dir, FILES_FLAGS);
	if (fd < 0 && errno == ENOTDIR)
		return sm_err_set(err, SM_EINPUT,
				  "'%s' is no directory, and the files of the "
				  "batches need one",
				  f.dir);
	if (fd < 0)
		return sm_err_file(err, AT_FDCWD, f.dir, "cannot open");
	ret = files_read_mark(&mark, fd, f.dir, spec->id, dir->path, err);
	if (ret == 0 && mark == MARK_OTHER && !force)
		ret = sm_err_set(err, SM_EREFUSED,
				 "the directory '%s' has the files of another "
				 "job ('%s/" FILES_MARK "' names it); name "
				 "another one by --to, or take it over by "
				 "--force",
				 f.dir, f.dir);
	if (ret == 0 && mark == MARK_NONE && !force)
		ret = files_refuse_strangers(fd, &f, err);
	if (ret == 0)
		ret = files_write_mark(fd, f.dir, spec->id, dir->path, err);
	if (ret == 0)
		ret = sm_sync_parent(f.dir, err);
	close(fd);
	return ret;
}

int
sm_files_refuse_change(const struct sm_spec *old, const struct sm_spec *now,
		       const struct sm_jobdir *dir, struct sm_err *err)
{
	struct sm_kind_files was = files_of(old), is = files_of(now);
	enum files_mark mark = MARK_NONE;
	int fd, ret = 0;

	if (!was.dir && !is.dir)
		return 0;
	if (!was.dir || !is.dir)
		return sm_err_set(err, SM_EREFUSED,
				  "the job '%s' was planned %s --to; --restart "
				  "begins again",
				  dir->path, was.dir ? "with" : "without");
	if (strcmp(was.dir, is.dir) == 0)
		return 0;
	fd = open(is.dir, FILES_FLAGS);
	if (fd >= 0) {
		ret = files_read_mark(&mark, fd, is.dir, old->id, dir->path,
				      err);
		close(fd);
	}
	if (ret < 0 || mark >= MARK_OWN_OLD)
		return ret;
	return sm_err_set(err, SM_EREFUSED,
			  "the files of the job '%s' are in '%s', not '%s'; "
			  "move that directory there first, or begin again by "
			  "--restart",
			  dir->path, was.dir, is.dir);
}

/* What is the job's by its name; of the rest nothing is. */
static int
files_remove_all(int fd, const struct sm_kind_files *f, struct sm_err *err)
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
		else if (sm_shard_parse_file(name, f->suffix, &batch, &token) &&
			 unlinkat(fd, name, 0) < 0 && errno != ENOENT)
			ret = sm_err_sys(err, "cannot remove '%s/%s'", f->dir,
					 name);
	}
	sm_dir_close(&d);
	return ret;
}

int
sm_files_clear(const struct sm_spec *spec, const struct sm_jobdir *dir,
	       struct sm_err *err)
{
	struct sm_kind_files f = files_of(spec);
	enum files_mark mark;
	int fd, ret;

	if (!f.dir)
		return 0;
	fd = open(f.dir, FILES_FLAGS);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0)
		return sm_err_file(err, AT_FDCWD, f.dir, "cannot open");
	/* Not by the id: a copy of the job has it, too. */
	ret = files_read_mark(&mark, fd, f.dir, NULL, dir->path, err);
	if (ret == 0 && mark == MARK_OWN)
		ret = files_remove_all(fd, &f, err);
	if (ret == 0 && mark == MARK_OWN && unlinkat(fd, FILES_MARK, 0) < 0 &&
	    errno != ENOENT)
		ret = sm_err_sys(err, "cannot remove '%s/" FILES_MARK "'",
				 f.dir);
	close(fd);
	return ret;
}

/* ---------------------------------------------------------------- open -- */

int
sm_files_open(struct sm_files *f, const struct sm_spec *spec,
	      struct sm_err *err)
{
	sm_files_close(f);
	f->kind = files_of(spec);
	f->digits = sm_shard_digits(spec->batches);
	if (!f->kind.dir)
		return 0;
	f->fd = open(f->kind.dir, FILES_FLAGS);
	if (f->fd < 0 && errno != ENOENT && errno != ENOTDIR)
		return sm_err_file(err, AT_FDCWD, f->kind.dir, "cannot open");
	return 0;
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
	enum files_mark mark = MARK_NONE;
	int ret = 0;

	if (!f->kind.dir)
		return 0;
	if (f->fd >= 0)
		ret = files_read_mark(&mark, f->fd, f->kind.dir, spec->id,
				      dir->path, err);
	if (ret == 0 && mark == MARK_OWN_OLD)
		ret = files_write_mark(f->fd, f->kind.dir, spec->id, dir->path,
				       err);
	if (ret < 0 || mark >= MARK_OWN_OLD)
		return ret;
	if (mark == MARK_OTHER)
		return sm_err_set(err, SM_EREFUSED,
				  "the directory '%s' of the job's files is "
				  "another job's by now ('%s/" FILES_MARK "' "
				  "names it); --restart with another --to "
				  "begins again",
				  f->kind.dir, f->kind.dir);
	return sm_err_set(err, SM_EREFUSED,
			  "the directory '%s' of the job's files %s; put it "
			  "back or mount it, or begin again by --restart",
			  f->kind.dir,
			  f->fd < 0 ? "is missing"
				    : "lacks its mark '" FILES_MARK "'");
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
		return 0;
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
	int ret = 0;

	if (!f->kind.dir)
		return 0;
	sm_shard_file_name(name, row->id, f->digits, f->kind.suffix);
	if (f->fd >= 0)
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
sm_files_adopt(bool *is, struct sm_entry *e, const struct sm_spec *spec,
	       uint64_t batch, struct sm_err *err)
{
	struct sm_kind_files f = files_of(spec);
	char name[SM_SHARD_FILE_MAX], receipt[SM_SHARD_RECEIPT_MAX];
	struct sm_sizes *s = &e->sizes;
	size_t len;
	int fd, ret;

	*is = true;
	if (!f.dir)
		return 0;
	sm_shard_file_name(name, batch, sm_shard_digits(spec->batches),
			   f.suffix);
	fd = open(f.dir, FILES_FLAGS);
	*is = fd >= 0;
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0)
		return sm_err_file(err, AT_FDCWD, f.dir, "cannot open");
	ret = files_sum(is, &s->file_bytes, &s->file_crc32, fd, name, err);
	close(fd);
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
	unlinkat(f->fd, name, 0);
}
