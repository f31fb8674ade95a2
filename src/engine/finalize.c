/*
 * finalize.c - join the shards of a job by hand
 */
#include "join.h"

static bool
finalize_give_up(void *arg)
{
	return sm_event_stops(arg) > 0;
}

int
sm_finalize(struct sm_finalize_result *result, const char *job,
	    const struct sm_finalize_opts *opts, struct sm_err *err)
{
	struct sm_db_opts db = { .mode = SM_DB_WRITE,
				 .wait = { .limit_s = SM_OUTSIDER_LIMIT_S,
					   .notice = opts->events.notice,
					   .give_up = finalize_give_up } };
	struct sm_handle h = SM_HANDLE_NONE;
	int ret;

	*result = (struct sm_finalize_result){ 0 };
	db.wait.arg = (void *)&opts->events;
	ret = sm_handle_open(&h, job, &db, opts->trust, err);
	if (ret == 0)
		ret = sm_join(result, &h, opts, NULL, err);
	sm_handle_close(&h);
	return ret;
}
