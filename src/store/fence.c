/*
 * fence.c - the number of the run: drawn anew, and asked for
 *
 * A worker that belongs to an earlier run asks before each claim whether its
 * number still holds, and ends if not.  The number is drawn in the transaction
 * that puts back what the earlier run held.
 */
#include "job.h"
#include "sql.h"

#include "fence.h"

int
sm_fence_take_over(uint64_t *put_back, struct sm_db *db, double now,
		   struct sm_err *err)
{
	static const char what[] = "take the job over";
	/* In this order: each later one reads what the earlier ones leave. */
	int ret = sm_sql_do(
		db, what,
		"UPDATE attempt SET outcome = 'interrupted', ended = ?, "
		"message = 'another supervisor took the job over' "
		"WHERE outcome = 'running' AND batch IN "
		"(SELECT id FROM batch WHERE state = 'running')",
		SQL(IN(now)), err);

	if (ret == 0)
		ret = sm_sql_do(db, what,
				"UPDATE worker SET ended = ? "
				"WHERE ended IS NULL",
				SQL(IN(now)), err);
	if (ret == 0)
		ret = sm_sql_do(db, what, "UPDATE job SET run = run + 1",
				SQL_NOTHING, err);
	if (ret == 0)
		ret = sm_sql_do(db, what,
				"UPDATE batch SET state = 'pending', "
				"not_before = 0, attempts = "
				"max(attempts - 1, 0) WHERE state = 'running'",
				SQL_NOTHING, err);
	*put_back = (uint64_t)sm_sql_changed(db);
	return ret;
}

int
sm_fence_holds(bool *holds, struct sm_db *db, int64_t run, struct sm_err *err)
{
	struct sm_job_now live = { 0 };
	int ret = sm_job_now(&live, db, err);

	*holds = ret == 0 && live.run == run;
	return ret;
}
