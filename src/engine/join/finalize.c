/*
 * finalize.c - join the shards of a job by hand
 */
#include <stdlib.h>
#include <string.h>

#include "role.h"

#include "join.h"
#include "parts.h"
#include "settings.h"
#include "startcheck.h"

static bool
finalize_give_up(void *arg)
{
	return sm_event_stops(arg) > 0;
}

/*
 * A part's batches alone: a file of the whole job that leaves out the others,
 * so that every batch keeps its number in it.
 */
static int
finalize_part(struct sm_finalize_result *result, const struct sm_handle *h,
	      const struct sm_finalize_opts *opts, struct sm_err *err)
{
	struct sm_batch_range range = {
		h->job.first_batch, h->job.first_batch + h->job.batches - 1
	};
	struct sm_finalize_opts o = *opts;
	struct sm_parts whole = SM_PARTS_NONE;
	char *path;
	int ret;

	if (!opts->output || opts->batches)
		return sm_err_set(
			err, SM_EUSAGE,
			"'%s' is part %lld of %llu: finalize the whole "
			"job, or name a file for this part alone by "
			"-o",
			h->dir.path, (long long)h->job.part,
			(unsigned long long)h->job.parts);
	path = strdup(h->dir.path);
	if (!path)
		return sm_err_mem(err, "a path");
	*strrchr(path, '/') = '\0';
	o.batches = &range;
	ret = sm_parts_open(&whole, path, opts->trust, err);
	if (ret == 0)
		ret = sm_err_set(err, SM_EINPUT,
				 "'%s' is part %lld of a job that is not in "
				 "'%s'; put it back there",
				 h->dir.path, (long long)h->job.part, path);
	if (ret > 0)
		ret = sm_parts_join(result, &whole, &o, err);
	sm_parts_close(&whole);
	free(path);
	return ret;
}

static int
finalize_whole(struct sm_finalize_result *result, struct sm_handle *h,
	       const struct sm_finalize_opts *opts, struct sm_err *err)
{
	struct sm_startcheck check;
	int ret = sm_startcheck_files(&check, h, err);

	if (ret < 0)
		return ret;
	sm_startcheck_tell(&check, &opts->events);
	ret = sm_join(result, h, opts, NULL, err);
	if (ret != SM_EVERIFY)
		return ret;
	sm_err_prefix(err, "cannot finalize '%s'", h->dir.path);
	return sm_err_append(err, "; its batch was put back, 'shardmill run' "
				  "makes it again");
}

int
sm_finalize(struct sm_finalize_result *result, const char *job,
	    const struct sm_finalize_opts *opts, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	struct sm_db_opts db = { .mode = SM_DB_WRITE,
				 .wait = { .limit_s = SM_OUTSIDER_LIMIT_S,
					   .notice = opts->events.notice,
					   .give_up = finalize_give_up } };
	struct sm_handle h = SM_HANDLE_NONE;
	struct sm_parts whole;
	int ret;

	*result = (struct sm_finalize_result){ 0 };
	db.wait.arg = (void *)&opts->events;
	ret = sm_role_refuse_worker("sm_finalize()", err);
	if (ret == 0)
		ret = sm_settings_check_switch("single_member",
					       opts->single_member, err);
	if (ret < 0)
		return ret;
	ret = sm_parts_open(&whole, job, opts->trust, err);
	if (ret > 0) {
		ret = sm_parts_join(result, &whole, opts, err);
	} else if (ret == 0) {
		ret = sm_handle_open(&h, job, &db, opts->trust, err);
		if (ret == 0)
			ret = h.job.parts > 0
				      ? finalize_part(result, &h, opts, err)
				      : finalize_whole(result, &h, opts, err);
		sm_handle_close(&h);
	}
	sm_parts_close(&whole);
	return ret;
}
