#include "job.h"
#include "sql.h"

#include "fence.h"

static int
fence_run(struct sm_db *db, const char *text, double now, struct sm_err *err)
{
	sqlite3_stmt *s = sm_sql_get(db, text, err);

	if (!s)
		return err->code;
	if (sqlite3_bind_parameter_count(s) > 0)
		sqlite3_bind_double(s, 1, now);
	return sm_sql_run(db, s, "take the job over", err);
}

int64_t
sm_fence_take_over(struct sm_db *db, double now, struct sm_err *err)
{
	/* In this order: each later one reads what the earlier ones leave. */
	static const char attempts[] =
		"UPDATE attempt SET outcome = 'interrupted', ended = ?1, "
		"message = 'another supervisor took the job over' "
		"WHERE outcome = 'running' AND batch IN "
		"(SELECT id FROM batch WHERE state = 'running')";
	static const char workers[] =
		"UPDATE worker SET ended = ?1 WHERE ended IS NULL";
	static const char job[] = "UPDATE job SET run = run + 1";
	static const char batches[] =
		"UPDATE batch SET state = 'pending', not_before = 0, attempts "
		"= max(attempts - 1, 0) WHERE state = 'running'";
	int ret = fence_run(db, attempts, now, err);

	if (ret >= 0)
		ret = fence_run(db, workers, now, err);
	if (ret >= 0)
		ret = fence_run(db, job, now, err);
	return ret < 0 ? ret : fence_run(db, batches, now, err);
}

int
sm_fence_holds(struct sm_db *db, int64_t run, struct sm_err *err)
{
	struct sm_job_live live;
	int ret = sm_job_live(&live, db, err);

	return ret < 0 ? ret : live.run == run;
}
