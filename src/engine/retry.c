/*
 * retry.c - put batches back to pending
 */
#include "handle.h"

static int
retry_sets(int64_t *changed, struct sm_handle *h,
	   const struct sm_retry_opts *opts, struct sm_err *err)
{
	int64_t n = 0;
	size_t i;

	*changed = 0;
	if (opts->all)
		*changed = sm_batch_retry(h->db, SM_BATCHES_ALL, 0, 0, err);
	else if (opts->failed || opts->ranges == 0)
		*changed = sm_batch_retry(h->db, SM_BATCHES_FAILED, 0, 0, err);
	if (*changed < 0)
		return (int)*changed;
	for (i = 0; i < opts->ranges; i++) {
		n = sm_batch_retry(h->db, SM_BATCHES_RANGE,
				   opts->range[i].first, opts->range[i].last,
				   err);
		if (n < 0)
			return (int)n;
		*changed += n;
	}
	return 0;
}

int
sm_retry(uint64_t *changed, const char *job, const struct sm_retry_opts *opts,
	 struct sm_err *err)
{
	struct sm_db_opts db = { .mode = SM_DB_WRITE,
				 .wait = { .limit_s = SM_OUTSIDER_LIMIT_S } };
	struct sm_handle h = SM_HANDLE_NONE;
	int64_t n = 0;
	size_t i;
	int ret;

	ret = sm_handle_open(&h, job, &db, opts->trust, err);
	for (i = 0; ret == 0 && i < opts->ranges; i++)
		if (opts->range[i].last >= h.job.batches)
			ret = sm_err_set(err, SM_EUSAGE,
					 "there is no batch %llu: the job has "
					 "%llu, counted from 0",
					 (unsigned long long)
						 opts->range[i].last,
					 (unsigned long long)h.job.batches);
	if (ret == 0)
		ret = sm_db_begin_write(h.db, err);
	if (ret == 0) {
		ret = retry_sets(&n, &h, opts, err);
		if (ret == 0)
			ret = sm_db_commit(h.db, err);
		else
			sm_db_rollback(h.db);
	}
	*changed = (uint64_t)n;
	sm_handle_close(&h);
	return ret;
}
