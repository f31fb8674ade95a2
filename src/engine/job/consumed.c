/*
 * consumed.c - find the bytes of batches whose shards were removed
 *
 * One file knows where they are, the growing file or the final one, so that
 * the start check, verify, recover and the joiner ask the same question.
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
#include "final.h"
#include "lock.h"

#include "joined.h"

#include "consumed.h"

/*
 * The name is cut where the suffix would make it longer than a name may be, so
 * that the longest final file has a growing one as well.
 */
static char *
consumed_name(const char *path, const char *suffix)
{
	size_t dir = (size_t)(strrchr(path, '/') + 1 - path);
	size_t most, n = strlen(path);
	char *part;

	most = dir + NAME_MAX - strlen(suffix);
	part = malloc(n + strlen(suffix) + 1);
	if (!part)
		return NULL;
	memcpy(part, path, n + 1);
	strcpy(part + (n < most ? n : most), suffix);
	return part;
}

char *
sm_consumed_part_name(const char *path, int64_t generation)
{
	char suffix[32] = ".part";

	if (generation > 1)
		snprintf(suffix, sizeof(suffix), ".part.%" PRId64, generation);
	return consumed_name(path, suffix);
}

char *
sm_consumed_beside_name(const char *path, uint64_t fingerprint)
{
	char suffix[32];

	snprintf(suffix, sizeof(suffix), ".%016" PRIx64 ".tmp", fingerprint);
	return consumed_name(path, suffix);
}

/* Is what was opened still what has that name? */
static int
consumed_is_named(bool *is_named, int fd, const char *part, struct sm_err *err)
{
	struct stat opened, named;

	*is_named = false;
	if (fstat(fd, &opened) < 0)
		return sm_err_sys(err, "cannot examine '%s'", part);
	if (stat(part, &named) == 0)
		*is_named = opened.st_ino == named.st_ino &&
			    opened.st_dev == named.st_dev;
	else if (errno != ENOENT)
		return sm_err_sys(err, "cannot examine '%s'", part);
	return 0;
}

int
sm_consumed_part_held(const char *part, struct sm_err *err)
{
	return sm_err_set(err, SM_EHELD,
			  "another job, or another finalize, writes '%s'; wait "
			  "until it ends, or name another final file by -o",
			  part);
}

/*
 * It may have been renamed between opening and locking.  Where locks cannot be
 * had nobody can tell, and the job's own final.lock must do.
 */
int
sm_consumed_part_open(int *fd, const char *part, bool make, struct sm_err *err)
{
	int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC;
	bool is_named = false;
	int ret = 0;

	if (make)
		flags |= O_CREAT;
	*fd = open(part, flags, 0666);
	if (*fd < 0 && !make && errno == ENOENT)
		return 0;
	if (*fd < 0)
		return sm_err_file(err, AT_FDCWD, part, "cannot open");
	if (sm_byte_lock_wait(*fd, 0) != 0)
		ret = consumed_is_named(&is_named, *fd, part, err);
	if (is_named)
		return 0;
	close(*fd);
	*fd = -1;
	if (ret < 0)
		return ret;
	return sm_consumed_part_held(part, err);
}

int
sm_consumed_open(int *fd, uint64_t *size, const struct sm_job *job,
		 struct sm_err *err)
{
	int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	struct stat st = { 0 };
	char *part;
	int ret = 0;

	*fd = -1;
	if (job->generation <= 0 || !job->final_path)
		return 0;
	part = sm_consumed_part_name(job->final_path, job->generation);
	if (!part)
		return sm_err_mem(err, "a path");
	/*
	 * The growing file first: if it is renamed between the two looks, the
	 * second one finds it.  O_NONBLOCK, since a person may have put a pipe
	 * there.
	 */
	*fd = open(part, flags);
	free(part);
	if (*fd < 0 && errno == ENOENT)
		*fd = open(job->final_path, flags);
	if (*fd < 0 && (errno == ENOENT || errno == ELOOP))
		return 0;
	if (*fd < 0)
		return sm_err_sys(err, "cannot open '%s'", job->final_path);
	if (fstat(*fd, &st) < 0)
		ret = sm_err_sys(err, "cannot examine '%s'", job->final_path);
	if (ret == 0 && S_ISREG(st.st_mode)) {
		*size = (uint64_t)st.st_size;
		return 0;
	}
	close(*fd);
	*fd = -1;
	return ret;
}

/*
 * The row speaks of this token's bytes, and they lie within the file.  Compared
 * without a sum, which numbers edited by hand could make overflow.
 */
bool
sm_consumed_has(const struct sm_batch_row *row, uint64_t size)
{
	return row->joined == row->token && row->joined_at >= 0 &&
	       (uint64_t)row->joined_at <= size &&
	       row->sizes.gz_bytes <= size - (uint64_t)row->joined_at;
}

int
sm_consumed_has_shard(bool *has, const struct sm_handle *h,
		      const struct sm_batch_row *row, struct sm_err *err)
{
	char name[SM_SHARD_NAME_MAX];
	int64_t size;
	int ret;

	sm_shard_name(name, row->id, h->digits);
	ret = sm_jobdir_size(&size, h->dir.shards_fd, h->dir.path, name, err);
	*has = ret == 0 && size == sm_consumed_shard_bytes(row);
	return ret;
}

void
sm_consumed_entry(struct sm_entry *e, const struct sm_batch_row *row)
{
	*e = (struct sm_entry){ .counts = row->counts, .sizes = row->sizes };
}

int64_t
sm_consumed_shard_bytes(const struct sm_batch_row *row)
{
	struct sm_entry e;

	sm_consumed_entry(&e, row);
	return (int64_t)sm_shard_bytes(row->id, &e);
}

int
sm_consumed_check(struct sm_handle *h, const struct sm_batch_row *row,
		  const char **damage, struct sm_err *err)
{
	char name[SM_SHARD_NAME_MAX], where[SM_SHARD_NAME_MAX + 32];
	struct sm_entry e;
	struct sm_err why;
	uint64_t size = 0;
	int fd = -1, ret;

	sm_consumed_entry(&e, row);
	sm_shard_name(name, row->id, h->digits);
	ret = sm_shard_check(damage, h->dir.shards_fd, name, row->id, &e, &why);
	if (ret == SM_EVERIFY) {
		if (sm_consumed_open(&fd, &size, &h->job, err) < 0)
			return err->code;
		snprintf(where, sizeof(where), "%s, in the final file,", name);
		/* Then the shard is what a power cut brought back. */
		if (fd >= 0 && sm_consumed_has(row, size))
			ret = sm_shard_check_in(damage, fd, where,
						(uint64_t)row->joined_at, &e,
						&why);
	}
	if (fd >= 0)
		close(fd);
	if (ret < 0)
		*err = why;
	return ret;
}

/*
 * The handle's generation is read again too: a file that was rewritten has the
 * same bytes at other places.
 */
int
sm_consumed_is_still(bool *still, struct sm_handle *h,
		     const struct sm_batch_row *row, struct sm_err *err)
{
	struct sm_batch_row now;
	int64_t generation = h->job.generation;
	int ret = sm_joined_generation(&h->job.generation, h->db, err);

	if (ret == 0)
		ret = sm_batch_row_of(&now, h->db, row->id, err);
	*still = ret == 0 && now.token == row->token &&
		 now.state == row->state && now.joined == row->joined &&
		 now.joined_at == row->joined_at &&
		 generation == h->job.generation;
	return ret;
}

int
sm_consumed_refuse_change(struct sm_db *db, const struct sm_job *job,
			  const char *path, struct sm_err *err)
{
	bool other =
		path && job->final_path && strcmp(path, job->final_path) != 0;
	bool any;
	int ret;

	if (job->generation <= 0 || !other)
		return 0;
	ret = sm_joined_any(&any, db, err);
	if (ret < 0 || !any)
		return ret;
	return sm_err_set(err, SM_EREFUSED,
			  "shards were removed as they were joined into '%s' "
			  "(--consume), so that its name cannot change; finish "
			  "it, then copy it",
			  job->final_path);
}
