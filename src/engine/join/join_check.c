#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "final.h"
#include "hash.h"

#include "join.h"

uint64_t
sm_join_digest_row(uint64_t digest, const struct sm_batch_row *row)
{
	return sm_hash_u64(sm_hash_u64(digest, row->id), (uint64_t)row->token);
}

/* "3, 17, …": the first of `n` batches, in `dst`. */
static void
join_names(char *dst, size_t size, const uint64_t *id, uint64_t n)
{
	size_t at = 0;
	uint64_t i;

	*dst = '\0';
	for (i = 0; i < n && i < SM_JOIN_NAMED_MAX; i++)
		at += (size_t)snprintf(dst + at, size - at, "%s%llu",
				       i ? ", " : "",
				       (unsigned long long)id[i]);
	if (n > SM_JOIN_NAMED_MAX)
		snprintf(dst + at, size - at, ", …");
}

/* As sm_batch_not_done(), of some batches only. */
static int
join_not_done_of(uint64_t *id, int *n, int max, struct sm_handle *h,
		 const struct sm_batch_range *only, struct sm_err *err)
{
	struct sm_batch_row row;
	int ret = sm_batch_rows_begin(h->db, only->first, err);

	*n = 0;
	while (ret >= 0 && *n < max &&
	       (ret = sm_batch_rows_next(&row, h->db, err)) > 0 &&
	       row.id <= only->last)
		if (row.state != SM_DONE)
			id[(*n)++] = row.id;
	sm_batch_rows_end(h->db);
	return ret < 0 ? ret : 0;
}

int
sm_join_refuse_unfinished(struct sm_handle *h,
			  const struct sm_batch_range *only, struct sm_err *err)
{
	uint64_t id[SM_JOIN_NAMED_MAX + 1];
	char names[(SM_JOIN_NAMED_MAX + 1) * 24];
	int n = 0, ret;

	if (only)
		ret = join_not_done_of(id, &n, SM_JOIN_NAMED_MAX + 1, h, only,
				       err);
	else
		ret = sm_batch_not_done(id, &n, SM_JOIN_NAMED_MAX + 1, h->db,
					err);
	if (ret < 0 || n == 0)
		return ret;
	join_names(names, sizeof(names), id, (uint64_t)n);
	return sm_err_set(err, SM_EWORK,
			  "cannot finalize '%s': not done are the batches "
			  "%s; 'shardmill run' makes them, 'shardmill retry' "
			  "puts failed ones back, --allow-missing leaves them "
			  "out",
			  h->dir.path, names);
}

int
sm_join_name_missing(const char *path, const uint64_t *named, uint64_t missing,
		     struct sm_err *err)
{
	char names[(SM_JOIN_NAMED_MAX + 1) * 24];

	join_names(names, sizeof(names), named, missing);
	return sm_err_set(err, SM_EWORK,
			  "'%s' lacks %llu batches that are not done: %s; "
			  "'shardmill index' lists them",
			  path, (unsigned long long)missing, names);
}

int
sm_join_digest(uint64_t *digest, uint64_t *odd, struct sm_handle *h,
	       struct sm_err *err)
{
	struct sm_batch_row row;
	uint64_t n = 0;
	int ret = sm_batch_rows_begin(h->db, 0, err);

	*digest = SM_HASH_INIT;
	while (ret >= 0 && (ret = sm_batch_rows_next(&row, h->db, err)) > 0) {
		if (row.id != n || row.state != SM_DONE)
			break;
		*digest = sm_join_digest_row(*digest, &row);
		n++;
	}
	sm_batch_rows_end(h->db);
	*odd = n;
	if (ret < 0)
		return ret;
	return ret == 0 && n == h->job.batches;
}

int
sm_join_is_complete(struct sm_handle *h, struct sm_err *err)
{
	uint64_t digest, odd;
	struct stat st;
	int ret;

	if (!h->job.final_path || h->job.final_size < 0)
		return 0;
	if (stat(h->job.final_path, &st) < 0)
		return errno == EIO || errno == ENOMEM
			       ? sm_err_sys(err, "cannot examine '%s'",
					    h->job.final_path)
			       : 0;
	if (!S_ISREG(st.st_mode) || st.st_size != h->job.final_size)
		return 0;
	ret = sm_join_digest(&digest, &odd, h, err);
	if (ret <= 0)
		return ret;
	return digest == strtoull(h->job.final_digest, NULL, 16);
}

int
sm_join_check_target(const char *path, uint64_t fingerprint,
		     const struct sm_job *job, bool force, struct sm_err *err)
{
	struct sm_gzip_end end;
	struct stat st;
	int fd, ret;

	if (stat(path, &st) < 0)
		return errno == ENOENT ? 0
				       : sm_err_sys_as(err, SM_EINPUT,
						       "cannot examine the "
						       "output '%s'",
						       path);
	if (S_ISDIR(st.st_mode))
		return sm_err_set(err, SM_EREFUSED,
				  "the output '%s' is a directory; name a file",
				  path);
	if (!S_ISREG(st.st_mode))
		return sm_err_set(err, SM_EREFUSED,
				  "the output '%s' is not a regular file",
				  path);
	if (force || (job && job->final_path && job->final_size >= 0 &&
		      strcmp(job->final_path, path) == 0 &&
		      st.st_size == job->final_size))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return sm_err_sys(err, "cannot open '%s'", path);
	ret = sm_final_read_end(&end, fd, (uint64_t)st.st_size);
	if (ret < -1)
		ret = sm_err_sys(err, "cannot read '%s'", path);
	else
		ret = ret > 0 && end.fingerprint == fingerprint;
	close(fd);
	if (ret != 0)
		return ret < 0 ? ret : 0;
	return sm_err_set(err, SM_EREFUSED,
			  "the output '%s' exists and is not this job's; move "
			  "it away, or replace it by --force",
			  path);
}

int
sm_join_check_partial(const char *path, struct sm_err *err)
{
	struct sm_gzip_end end;
	struct stat st;
	int fd, found = 0, ret = 0;

	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return sm_err_sys(err, "cannot open '%s'", path);
	if (fstat(fd, &st) < 0)
		ret = sm_err_sys(err, "cannot examine '%s'", path);
	else if (S_ISREG(st.st_mode))
		found = sm_final_read_end(&end, fd, (uint64_t)st.st_size);
	if (found < -1)
		ret = sm_err_sys(err, "cannot read '%s'", path);
	else if (found > 0 && !end.partial)
		ret = sm_err_set(err, SM_EREFUSED,
				 "'%s' is whole, and would be replaced by a "
				 "part; name another file by -o, or use "
				 "--force",
				 path);
	close(fd);
	return ret;
}
