#include <stdlib.h>

#include "fault.h"
#include "rand.h"

#include "sql.h"

#include "batch_sql.h"

void
sm_batch_release(struct sm_batch *b)
{
	free(b->item);
	*b = (struct sm_batch){ 0 };
}

/* ?1 to ?6: id, bounds and item, which must live until the step. */
static void
batch_bind_bounds(sqlite3_stmt *s, const struct sm_batch *b)
{
	sqlite3_bind_int64(s, 1, (int64_t)b->id);
	sm_sql_bind_opt(s, 2, b->first);
	sm_sql_bind_opt(s, 3, b->end);
	sm_sql_bind_opt(s, 4, b->first_byte);
	sm_sql_bind_opt(s, 5, b->end_byte);
	if (b->item)
		sqlite3_bind_text(s, 6, b->item, -1, SQLITE_STATIC);
}

void
sm_batch_read_bounds(struct sm_batch *b, sqlite3_stmt *s, int column,
		     bool *failed)
{
	b->first = sm_sql_column_opt(s, column);
	b->end = sm_sql_column_opt(s, column + 1);
	b->first_byte = sm_sql_column_opt(s, column + 2);
	b->end_byte = sm_sql_column_opt(s, column + 3);
	b->item = sm_sql_column_dup(s, column + 4, failed);
}

int
sm_batch_insert(struct sm_db *db, const struct sm_batch *b, struct sm_err *err)
{
	static const char text[] =
		"INSERT INTO batch (id, first, \"end\", first_byte, end_byte, "
		"item) VALUES (?, ?, ?, ?, ?, ?)";
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	int ret;

	if (!s)
		return err->code;
	batch_bind_bounds(s, b);
	ret = sm_sql_run(db, s, "insert a batch", err);
	return ret < 0 ? ret : 0;
}

int
sm_batch_is(struct sm_db *db, const struct sm_batch *b, struct sm_err *err)
{
	static const char text[] =
		"SELECT first IS ?2 AND \"end\" IS ?3 AND first_byte IS ?4 "
		"AND end_byte IS ?5 AND item IS ?6 FROM batch WHERE id = ?1";
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	int ret, is;

	if (!s)
		return err->code;
	batch_bind_bounds(s, b);
	ret = sm_sql_step(db, s, "compare a batch", err);
	if (ret <= 0)
		return ret;
	is = sqlite3_column_int(s, 0);
	sqlite3_reset(s);
	return is;
}

/* One range of the index batch_waiting: an OR of two would scan all of it. */
static int
batch_wake_range(struct sm_db *db, const char *text, double now,
		 struct sm_err *err)
{
	sqlite3_stmt *s = sm_sql_get(db, text, err);

	if (!s)
		return err->code;
	sqlite3_bind_double(s, 1, now);
	return sm_sql_run(db, s, "wake waiting batches", err);
}

/*
 * Batches whose backoff is over join those that are due.  One that lies
 * further ahead than the longest backoff was set under another clock: a clock
 * set back must not stop a job.
 */
static int
batch_wake(struct sm_db *db, double now, struct sm_err *err)
{
#define WAKE                                                                   \
	"UPDATE batch SET not_before = 0 WHERE state = 'pending' "             \
	"AND not_before <> 0 AND "
	static const char over[] = WAKE "not_before <= ?1";
	static const char ahead[] = WAKE "not_before > ?1 + 3600";
#undef WAKE
	int ret = batch_wake_range(db, over, now, err);

	return ret < 0 ? ret : batch_wake_range(db, ahead, now, err);
}

int
sm_batch_open_attempt(struct sm_db *db, struct sm_batch *b,
		      const struct sm_claim *claim, struct sm_err *err)
{
	static const char text[] =
		"INSERT INTO attempt (batch, worker, token, fingerprint, "
		"started) VALUES (?, ?, ?, ?, ?)";
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	int ret;

	if (!s)
		return err->code;
	sqlite3_bind_int64(s, 1, (int64_t)b->id);
	sqlite3_bind_int64(s, 2, claim->worker);
	sqlite3_bind_int64(s, 3, b->token);
	sm_sql_bind_text(s, 4, claim->fingerprint);
	sqlite3_bind_double(s, 5, claim->now);
	ret = sm_sql_run(db, s, "record an attempt", err);
	b->attempt = sqlite3_last_insert_rowid(db->main);
	return ret < 0 ? ret : 0;
}

int
sm_batch_claim(struct sm_batch *b, struct sm_db *db,
	       const struct sm_claim *claim, struct sm_err *err)
{
	static const char text[] =
		"UPDATE batch SET state = 'running', attempts = attempts + 1, "
		"worker = ?1, token = ?2, started = ?3, finished = NULL "
		"WHERE id = (SELECT id FROM batch INDEXED BY batch_ready "
		"WHERE state = 'pending' AND not_before = 0 "
		"ORDER BY priority DESC, id LIMIT 1) "
		"AND (SELECT run = ?4 AND NOT paused FROM job) "
		"AND EXISTS (SELECT 1 FROM worker WHERE id = ?1 "
		"AND ended IS NULL) "
		"RETURNING id, first, \"end\", first_byte, end_byte, item, "
		"attempts, coalesce(max_attempts, (SELECT max_attempts FROM "
		"job))";
	sqlite3_stmt *s;
	bool failed = false;
	int ret;

	*b = (struct sm_batch){ .worker = claim->worker, .run = claim->run };
	ret = sm_rand_token(&b->token, err);
	if (ret < 0)
		return ret;
	ret = batch_wake(db, claim->now, err);
	if (ret < 0)
		return ret;
	s = sm_sql_get(db, text, err);
	if (!s)
		return err->code;
	sqlite3_bind_int64(s, 1, claim->worker);
	sqlite3_bind_int64(s, 2, b->token);
	sqlite3_bind_double(s, 3, claim->now);
	sqlite3_bind_int64(s, 4, claim->run);
	ret = sm_sql_step(db, s, "claim a batch", err);
	if (ret <= 0)
		return ret;
	b->id = (uint64_t)sqlite3_column_int64(s, 0);
	sm_batch_read_bounds(b, s, 1, &failed);
	b->attempts = sqlite3_column_int64(s, 6);
	b->max_attempts = sqlite3_column_int64(s, 7);
	ret = sm_sql_run(db, s, "claim a batch", err);
	if (ret >= 0 && failed)
		ret = sm_err_mem(err, "a batch");
	if (ret >= 0)
		ret = sm_batch_open_attempt(db, b, claim, err);
	if (ret < 0) {
		sm_batch_release(b);
		return ret;
	}
	sm_fault("batch.claimed");
	return 1;
}
