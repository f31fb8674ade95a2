/*
 * retry.c - put batches back to pending
 *
 * One transaction per set of batches, under no lock but the writers' queue, so
 * that it may be called beside a living run.
 */
#include "tend.h"

static int
retry_sets(uint64_t *changed, struct sm_handle *h,
	   const struct sm_retry_opts *opts, struct sm_err *err)
{
	enum sm_batch_set set = SM_BATCHES_FAILED;
	uint64_t n;
	size_t i;
	int ret = 0;

	*changed = 0;
	if (opts->all)
		set = SM_BATCHES_ALL;
	if (opts->all || opts->failed || opts->ranges == 0)
		ret = sm_batch_retry(changed, h->db, set, err);
	for (i = 0; ret == 0 && i < opts->ranges; i++) {
		ret = sm_batch_retry_range(&n, h->db, opts->range[i].first,
					   opts->range[i].last, err);
		*changed += n;
	}
	return ret;
}

int
sm_retry_check_range(const struct sm_handle *h, const struct sm_batch_range *r,
		     struct sm_err *err)
{
	uint64_t first = h->job.first_batch, end = first + h->job.batches;
	uint64_t other = r->first < first ? r->first : r->last;

	if (r->first >= first && r->last < end)
		return 0;
	if (h->job.parts > 0 && r->last < h->job.whole_batches)
		return sm_err_set(err, SM_EUSAGE,
				  "batch %llu is in another part: this one has "
				  "%llu to %llu; name the whole job",
				  (unsigned long long)other,
				  (unsigned long long)first,
				  (unsigned long long)(end - 1));
	return sm_err_set(err, SM_EUSAGE,
			  "there is no batch %llu: the job has %llu, counted "
			  "from 0",
			  (unsigned long long)r->last,
			  (unsigned long long)h->job.whole_batches);
}

int
sm_one_retry(uint64_t *changed, const char *job,
	     const struct sm_retry_opts *opts, struct sm_err *err)
{
	struct sm_db_opts db = { .mode = SM_DB_WRITE,
				 .wait = { .limit_s = SM_OUTSIDER_LIMIT_S } };
	struct sm_handle h = SM_HANDLE_NONE;
	size_t i;
	int ret;

	ret = sm_handle_open(&h, job, &db, opts->trust, err);
	for (i = 0; ret == 0 && i < opts->ranges; i++)
		ret = sm_retry_check_range(&h, &opts->range[i], err);
	if (ret == 0)
		ret = sm_db_begin_write(h.db, err);
	if (ret == 0) {
		ret = retry_sets(changed, &h, opts, err);
		if (ret == 0)
			ret = sm_db_commit(h.db, err);
		else
			sm_db_rollback(h.db);
	}
	sm_handle_close(&h);
	return ret;
}
