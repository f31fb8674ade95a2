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

#define NAMED_MAX 10

uint64_t
sm_join_digest_row(uint64_t digest, const struct sm_batch_row *row)
{
	return sm_hash_u64(sm_hash_u64(digest, row->id),
			   (uint64_t)row->token);
}

int
sm_join_refuse_unfinished(struct sm_handle *h, struct sm_err *err)
{
	uint64_t id[NAMED_MAX + 1];
	char names[NAMED_MAX * 24] = "";
	size_t at = 0;
	int i, n = sm_batch_not_done(id, NAMED_MAX + 1, h->db, err);

	if (n <= 0)
		return n;
	for (i = 0; i < n && i < NAMED_MAX; i++)
		at += (size_t)snprintf(names + at, sizeof(names) - at,
				       "%s%llu", i ? ", " : "",
				       (unsigned long long)id[i]);
	return sm_err_set(err, SM_EWORK,
			  "cannot finalize '%s': not done are the batches "
			  "%s%s; 'shardmill run' makes them, 'shardmill retry' "
			  "puts failed ones back",
			  h->dir.path, names, n > NAMED_MAX ? ", …" : "");
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
		if (row.id != n || strcmp(row.state, "done") != 0)
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

	if (!h->job.final_path || h->job.final_size < 0 ||
	    stat(h->job.final_path, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size != h->job.final_size)
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
		return errno == ENOENT ? 0 :
					 sm_err_sys_as(err, SM_EINPUT,
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
	close(fd);
	if (ret > 0 && end.fingerprint == fingerprint)
		return 0;
	return sm_err_set(err, SM_EREFUSED,
			  "the output '%s' exists and is not this job's; move "
			  "it away, or replace it by --force",
			  path);
}
