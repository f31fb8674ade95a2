/*
 * finalize.c - join the shards of a job by hand
 *
 * The start check comes first, since a shard that is missing or only half
 * named would otherwise be found after hours of joining.  A run joins by
 * follow.c instead, while its workers are busy.
 */
#include "join.h"
#include "startcheck.h"

int
sm_one_finalize(struct sm_finalize_result *result, struct sm_handle *h,
		const struct sm_finalize_opts *opts, struct sm_err *err)
{
	struct sm_join_from from = sm_join_from_one(h);
	struct sm_startcheck check;
	struct sm_run_by by;
	bool all;
	int ret = sm_startcheck_files(&check, h, err);

	if (ret < 0)
		return ret;
	sm_startcheck_notice(&check, &opts->events);
	ret = sm_files_all(&all, &h->files, h->db, h->job.first_batch, err);
	if (ret == 0 && !all)
		ret = sm_err_set(err, SM_EWORK,
				 "not all files of done batches are in '%s'; "
				 "%s makes them again",
				 h->files.kind.dir,
				 sm_kind_run_by(&by, h->spec, h->dir.path));
	if (ret < 0)
		return ret;
	ret = sm_join(result, &from, opts, NULL, err);
	if (ret != SM_EVERIFY)
		return ret;
	sm_err_prefix(err, "cannot finalize '%s'", h->dir.path);
	return sm_err_append(err, "; its batch was put back, %s makes it again",
			     sm_kind_run_by(&by, h->spec, NULL));
}
