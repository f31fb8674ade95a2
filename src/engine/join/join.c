#include <stdlib.h>
#include <string.h>

#include "dir.h"
#include "file.h"
#include "lock.h"

#include "joined.h"

#include "consumed.h"
#include "joining.h"

#include "join.h"

void
sm_finalize_result_release(struct sm_finalize_result *r)
{
	free(r->path);
	*r = (struct sm_finalize_result){ 0 };
}

static int
join_choose_path(struct sm_joining *j, const char *output, struct sm_err *err)
{
	const char *path = output ? output : j->h->job.final_path;

	if (!path)
		return sm_err_set(err, SM_EUSAGE,
				  "the job '%s' was planned without a final "
				  "file; name one by -o",
				  j->h->dir.path);
	j->path = sm_path_real(path, err);
	return j->path ? 0 : err->code;
}

/* Which batches: all of them must be done, or some may do. */
static int
join_choose_what(struct sm_joining *j, const struct sm_finalize_opts *opts,
		 struct sm_err *err)
{
	uint64_t batches = j->h->job.batches;
	struct sm_batch_counts c = { .done = 0 };
	int ret = opts->allow_missing ? sm_batch_counts(&c, j->h->db, err) : 0;

	if (ret < 0)
		return ret;
	j->only = (struct sm_batch_range){ 0, UINT64_MAX };
	if (opts->batches)
		j->only = *opts->batches;
	if (opts->batches && j->only.first >= batches)
		return sm_err_set(err, SM_EUSAGE,
				  "there is no batch %llu: the job has %llu, "
				  "counted from 0",
				  (unsigned long long)j->only.first,
				  (unsigned long long)batches);
	/* What lacks nothing is the whole file, however it is asked for. */
	j->partial = (opts->batches &&
		      (j->only.first > 0 || j->only.last < batches - 1)) ||
		     (opts->allow_missing && c.done < c.total);
	if (opts->allow_missing)
		return 0;
	return sm_join_refuse_unfinished(j->h, opts->batches, err);
}

/* What a file that stands holds, by the rows. */
static int
join_count(struct sm_finalize_result *result, struct sm_handle *h,
	   struct sm_err *err)
{
	struct sm_batch_counts c;
	int ret = sm_batch_counts(&c, h->db, err);

	result->records = ret < 0 ? 0 : c.counts.records;
	result->raw_bytes = ret < 0 ? 0 : c.raw_bytes;
	return ret;
}

/* The first final file that is named is the job's: it may grow as such. */
static int
join_name_first(struct sm_joining *j, struct sm_err *err)
{
	int ret = sm_db_begin_write(j->h->db, err);

	if (ret < 0)
		return ret;
	ret = sm_job_set_final(j->h->db, j->path, false, err);
	if (ret < 0) {
		sm_db_rollback(j->h->db);
		return ret;
	}
	ret = sm_db_commit(j->h->db, err);
	if (ret < 0)
		return ret;
	j->h->job.final_path = strdup(j->path);
	return j->h->job.final_path ? 0 : sm_err_mem(err, "a path");
}

/* Whose file it is, and whether it may be written. */
static int
join_check(struct sm_joining *j, const struct sm_finalize_opts *opts,
	   struct sm_err *err)
{
	struct sm_job *job = &j->h->job;
	int ret = sm_join_check_target(j->path, j->h->fingerprint, job,
				       opts->force || job->final_force, err);

	if (ret == 0 && j->partial && !opts->force)
		ret = sm_join_check_partial(j->path, err);
	if (ret < 0)
		return ret;
	if (j->partial)
		return 0;
	ret = sm_joined_generation(&job->generation, j->h->db, err);
	if (ret == 0)
		ret = sm_consumed_refuse_change(j->h->db, job, j->path, err);
	if (ret == 0 && !job->final_path)
		ret = join_name_first(j, err);
	if (ret < 0)
		return ret;
	j->ours = strcmp(j->path, job->final_path) == 0;
	return 0;
}

/* What grew while the job ran is taken over, if it is still true. */
static int
join_open(struct sm_joining *j, bool force, struct sm_err *err)
{
	int ret;

	if (j->g->fd >= 0) {
		ret = sm_growing_is_current(j->g, err);
		if (ret == 0)
			sm_growing_rewind(j->g);
		return ret < 0 ? ret : 0;
	}
	ret = sm_lock_try(&j->g->lock, j->h->dir.fd, "final.lock", err);
	if (ret == 0)
		ret = sm_err_set(err, SM_EHELD,
				 "another finalize is at work on '%s', or a "
				 "run that joins meanwhile; end it or, if its "
				 "host died, wait until the file server lets "
				 "its lock go, and 'shardmill finalize' again",
				 j->h->dir.path);
	if (ret < 0)
		return ret;
	return sm_growing_open(j->g, j->path, force || j->h->job.final_force,
			       err);
}

int
sm_join(struct sm_finalize_result *result, struct sm_handle *h,
	const struct sm_finalize_opts *opts, struct sm_growing *grown,
	struct sm_err *err)
{
	struct sm_growing *g = malloc(sizeof(*g));
	struct sm_joining j = { .h = h, .ev = &opts->events, .g = g };
	int missing = 0, ret;

	*result = (struct sm_finalize_result){ 0 };
	if (!g)
		return sm_err_mem(err, "joining shards");
	sm_growing_init(g, h, j.ev);
	if (grown) {
		*g = *grown;
		g->h = h;
		g->ev = j.ev;
		sm_growing_init(grown, NULL, NULL);
	}
	ret = join_choose_what(&j, opts, err);
	if (ret == 0)
		ret = join_choose_path(&j, opts->output, err);
	if (ret < 0)
		goto out;
	if (h->job.final_path && strcmp(j.path, h->job.final_path) == 0 &&
	    !j.partial) {
		ret = sm_join_is_complete(h, err);
		if (ret != 0) {
			result->was_complete = ret > 0;
			result->size = (uint64_t)h->job.final_size;
			result->batches = h->job.batches;
			if (ret > 0) {
				sm_growing_sweep(h, j.ev);
				ret = join_count(result, h, err);
			}
			goto out;
		}
	}
	ret = join_check(&j, opts, err);
	if (ret == 0)
		ret = j.ours ? join_open(&j, opts->force, err)
			     : sm_growing_open_other(g, j.path, err);
	if (ret == 0)
		ret = sm_joining_write(&j, result, err);
	if (ret == 0 && j.missing > 0)
		missing = sm_join_name_missing(j.path, j.named, j.missing, err);
out:
	sm_growing_close(g);
	free(g);
	if (ret >= 0) {
		ret = 0;
		result->path = j.path;
		j.path = NULL;
		sm_dir_size(&result->job_size, h->dir.fd);
	}
	free(j.path);
	return ret < 0 ? ret : missing;
}
