/*
 * growing.c - F.part, in which a final file grows: whose is it?
 *
 * Apart from consumed.c, which finds batches in such a file: this is asked
 * before a byte of it is read as a batch, and before one is written over.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "errfile.h"
#include "file.h"
#include "final.h"
#include "lock.h"

#include "joined.h"

#include "growing.h"

struct sm_growing
sm_growing_of(const struct sm_handle *h)
{
	return (struct sm_growing){ .dir = &h->dir,
				    .job = &h->job,
				    .db = h->db,
				    .fingerprint = h->fingerprint };
}

/* ---------------------------------------------------------------- note -- */

/* One line: inode and path.  The device's number may be another tomorrow. */
static void
growing_line(char line[PATH_MAX + 32], const struct stat *st, const char *part)
{
	snprintf(line, PATH_MAX + 32, "%" PRIu64 " %s\n", (uint64_t)st->st_ino,
		 part);
}

static int
growing_is_noted(bool *noted, const struct sm_jobdir *dir,
		 const struct stat *st, const char *part, struct sm_err *err)
{
	char line[PATH_MAX + 32];
	struct sm_map map = { 0 };
	int ret;

	*noted = false;
	growing_line(line, st, part);
	ret = sm_map_openat(&map, dir->fd, SM_GROWING_NOTE, err);
	if (ret < 0 && sm_err_is_missing(err))
		return 0;
	if (ret < 0)
		return sm_err_prefix(err, "%s", dir->path);
	*noted = map.size == strlen(line) &&
		 memcmp(map.data, line, map.size) == 0;
	sm_map_close(&map);
	return 0;
}

int
sm_growing_note(int fd, const char *part, const struct sm_jobdir *dir,
		struct sm_err *err)
{
	char line[PATH_MAX + 32];
	struct stat st;
	bool noted;
	int ret;

	if (fstat(fd, &st) < 0)
		return sm_err_sys(err, "cannot examine '%s'", part);
	ret = growing_is_noted(&noted, dir, &st, part, err);
	if (ret < 0 || noted)
		return ret;
	growing_line(line, &st, part);
	ret = sm_jobdir_write(dir, SM_GROWING_NOTE, line, err);
	/* Else a power cut could leave bytes in a file that is nobody's. */
	if (ret == 0 && sm_sync_dir(dir->fd) < 0)
		ret = sm_err_sys(err, "cannot sync '%s'", dir->path);
	return ret;
}

/* ------------------------------------------------------------- content -- */

/*
 * What the job's first batch must be, in `*e`: as its row says, or, where that
 * is not done, as its shard does.  The shard alone would not do: a crash may
 * have forgotten its name.  Not `known`: neither says.
 */
static int
growing_first(bool *known, struct sm_entry *e, const struct sm_growing *who,
	      struct sm_err *err)
{
	unsigned digits = sm_shard_digits(who->job->whole_batches);
	struct sm_batch_row row = { 0 };
	char name[SM_SHARD_NAME_MAX];
	uint64_t batch;
	int fd, ret = 0;

	*known = false;
	if (who->db)
		ret = sm_batch_row_of(&row, who->db, who->job->first_batch,
				      err);
	if (ret == 0 && row.state == SM_DONE && row.token != 0) {
		sm_consumed_entry(e, &row);
		*known = true;
	}
	if (ret < 0 || *known)
		return ret;
	sm_shard_name(name, who->job->first_batch, digits);
	fd = openat(who->dir->shards_fd, name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return sm_err_file(err, who->dir->shards_fd, name,
				   "cannot open shard");
	ret = sm_shard_read(known, e, &batch, fd, name, err);
	*known = *known && batch == who->job->first_batch;
	close(fd);
	return ret;
}

/*
 * Does the file begin with the job's first batch?  By its first index note,
 * which closes its first group of batches, or by the batch's bytes; the job's
 * fingerprint is among these.
 */
static int
growing_has_first(bool *has, int fd, const char *part,
		  const struct sm_group *first, const struct sm_growing *who,
		  struct sm_err *err)
{
	struct sm_entry e = { 0 };
	const char *kind;
	bool known;
	int ret = growing_first(&known, &e, who, err);

	*has = false;
	if (ret < 0 || !known)
		return ret;
	if (first)
		*has = first->batch == who->job->first_batch &&
		       e.sizes.gz_bytes == first->run[0].e.sizes.gz_bytes &&
		       e.sizes.gz_crc32 == first->run[0].e.sizes.gz_crc32;
	else if (e.sizes.gz_bytes > 0) {
		ret = sm_shard_check_in(&kind, fd, part, SM_GZIP_HEADER_BYTES,
					&e, err);
		*has = ret == 0;
	}
	return ret == SM_EVERIFY ? 0 : ret;
}

/* `*known`: the file is of some job, whose shards it may be all there is of. */
static int
growing_look(bool *own, bool *known, int fd, const char *part,
	     const struct sm_growing *who, struct sm_err *err)
{
	struct sm_group first;
	struct stat st;
	int ret;

	*own = *known = false;
	if (fstat(fd, &st) < 0)
		return sm_err_sys(err, "cannot examine '%s'", part);
	if (!S_ISREG(st.st_mode))
		return 0;
	*own = st.st_size == 0;
	if (*own)
		return 0;
	ret = growing_is_noted(own, who->dir, &st, part, err);
	if (ret < 0 || *own)
		return ret;
	ret = sm_final_owner(known, &first, fd, part, (uint64_t)st.st_size,
			     err);
	if (ret == 0)
		*own = *known && first.fingerprint == who->fingerprint;
	if (ret < 0 || *own || !who->job)
		return ret;
	/* Options that were changed since have another fingerprint. */
	if (*known && who->db)
		ret = sm_joined_any(own, who->db, err);
	if (ret == 0 && !*own)
		ret = growing_has_first(own, fd, part, *known ? &first : NULL,
					who, err);
	return ret;
}

int
sm_growing_refuse(int fd, const char *part, const struct sm_growing *who,
		  struct sm_err *err)
{
	bool own, known;
	int ret = growing_look(&own, &known, fd, part, who, err);

	if (ret < 0 || own)
		return ret;
	if (sm_byte_held(fd, 0) > 0)
		return sm_consumed_part_held(part, err);
	if (known)
		return sm_err_set(err, SM_EREFUSED,
				  "'%s' is what another job has joined so far, "
				  "and may be all there is of it (--consume); "
				  "finish that job, or move the file away, or "
				  "write over it by --force",
				  part);
	return sm_err_set(err, SM_EREFUSED,
			  "'%s', in which the final file would grow, exists "
			  "and is not this job's; move it away, or write over "
			  "it by --force",
			  part);
}

int
sm_growing_check(const char *path, const struct sm_growing *who,
		 struct sm_err *err)
{
	char *part = sm_consumed_part_name(path, 1);
	int fd, ret;

	if (!part)
		return sm_err_mem(err, "a path");
	fd = open(part, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0) {
		ret = sm_growing_refuse(fd, part, who, err);
		close(fd);
	} else if (errno == ENOENT) {
		ret = 0;
	} else if (errno == ELOOP) {
		ret = sm_err_set(err, SM_EREFUSED,
				 "'%s', in which the final file would grow, is "
				 "a symbolic link; remove it",
				 part);
	} else {
		ret = sm_err_file(err, AT_FDCWD, part, "cannot open");
	}
	free(part);
	return ret;
}

int
sm_growing_remove(const char *part, const struct sm_growing *who,
		  struct sm_err *err)
{
	int fd = open(part, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool own, known;
	int ret = 0;

	/* A link, a directory and a socket are none of ours. */
	if (fd < 0 && (errno == ENOENT || errno == ELOOP || errno == EISDIR ||
		       errno == ENXIO))
		return 0;
	if (fd < 0)
		return sm_err_file(err, AT_FDCWD, part, "cannot open");
	/* A job of the same content may have it in hand. */
	if (sm_byte_lock(fd, 0) > 0) {
		ret = growing_look(&own, &known, fd, part, who, err);
		if (ret == 0 && own && unlink(part) < 0 && errno != ENOENT)
			ret = sm_err_sys(err, "cannot remove '%s'", part);
	}
	close(fd);
	return ret;
}

int
sm_growing_forget(const char *path, const struct sm_growing *who,
		  struct sm_err *err)
{
	int64_t generation = who->job ? who->job->generation : 0;
	char *part;
	int i, ret = 0;

	for (i = 0; i < 2 && ret == 0; i++) {
		part = sm_consumed_part_name(path, generation + i);
		if (!part)
			return sm_err_mem(err, "a path");
		ret = sm_growing_remove(part, who, err);
		free(part);
	}
	/* A power cut must not bring back what no job calls its own. */
	if (ret == 0)
		ret = sm_sync_parent(path, err);
	return ret;
}
