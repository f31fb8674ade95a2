/*
 * joining_damaged.c - a shard is not what its row says
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"

#include "joined.h"

#include "consumed.h"

#include "joining.h"

static int
damaged_was_made_again(const struct sm_joining *j, uint64_t batch,
		       struct sm_err *err)
{
	return sm_err_set(err, SM_EWORK,
			  "cannot finalize '%s': batch %" PRIu64 " was put "
			  "back while the shards were joined; run the job, or "
			  "finalize once more",
			  j->h->dir.path, batch);
}

/* Where is what the row speaks of, by `now`, which has no snapshot? */
static int
damaged_compare(struct sm_joining *j, struct sm_batch_row *row,
		struct sm_handle *now, const struct sm_err *damaged,
		struct sm_err *err)
{
	struct sm_growing *g = j->g;
	struct sm_batch_row was = *row;
	int ret = sm_db_begin_read(now->db, err);

	if (ret == 0)
		ret = sm_joined_generation(&now->job.generation, now->db, err);
	if (ret == 0)
		ret = sm_batch_row_of(row, now->db, was.id, err);
	sm_db_end_read(now->db);
	if (ret < 0)
		return ret;
	if (row->token != was.token || row->state != SM_DONE)
		return damaged_was_made_again(j, was.id, err);
	if (row->joined == was.joined && row->joined_at == was.joined_at &&
	    now->job.generation == g->generation) {
		*err = *damaged;
		return SM_EVERIFY;
	}
	g->generation = now->job.generation;
	if (g->old_fd >= 0)
		close(g->old_fd);
	ret = sm_consumed_open(&g->old_fd, &g->old_size, &now->job, err);
	return ret < 0 ? ret : 0;
}

int
sm_joining_look_again(struct sm_joining *j, struct sm_batch_row *row,
		      struct sm_err *err)
{
	struct sm_db_opts db = { .mode = SM_DB_READ };
	struct sm_err damaged = *err;
	struct sm_handle now;
	int ret = sm_handle_open(&now, j->h->dir.path, &db, true, err);

	if (ret == 0)
		ret = damaged_compare(j, row, &now, &damaged, err);
	sm_handle_close(&now);
	return ret;
}

int
sm_join_requeue(struct sm_db *db, const struct sm_batch_row *row,
		struct sm_err *err)
{
	bool held;
	int ret;

	sm_fault("join.before_requeue");
	ret = sm_db_begin_write(db, err);
	if (ret < 0)
		return ret;
	ret = sm_batch_requeue(&held, db, row->id, row->token,
			       "its shard was damaged", err);
	if (ret < 0) {
		sm_db_rollback(db);
		return ret;
	}
	ret = sm_db_commit(db, err);
	return ret < 0 ? ret : held;
}

/* So that one more run mends everything. */
int
sm_joining_requeue_damaged(struct sm_joining *j, struct sm_batch_row *row,
			   struct sm_err *err)
{
	struct sm_handle *h = j->h;
	int ret = sm_join_requeue(h->db, row, err);
	uint64_t next = row->id + 1;
	const char *kind;

	while (ret >= 0 &&
	       (ret = sm_batch_row_from(row, h->db, next, err)) > 0) {
		next = row->id + 1;
		if (row->state != SM_DONE)
			continue;
		ret = sm_consumed_check(h, row, NULL, &kind, err);
		if (ret != SM_EVERIFY)
			continue;
		ret = sm_consumed_still(h, row, err);
		if (ret > 0)
			ret = sm_join_requeue(h->db, row, err);
		else if (ret == 0)
			next = row->id; /* as it is by now */
	}
	return ret;
}
