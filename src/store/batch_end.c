#include <math.h>

#include "fault.h"
#include "rand.h"

#include "sql.h"

#include "batch_sql.h"

/* A failed attempt waits 2^n seconds, but at most this. */
#define BACKOFF_MAX_S 3600.0

#define CLOSE_ATTEMPT                                                          \
	"UPDATE attempt SET ended = ?1, outcome = ?2, exit_status = ?3, "      \
	"signal = ?4, error_class = ?5, message = ?6, stderr = ?7 "            \
	"WHERE batch = ?8 AND token = ?9 AND "

/* Run `text`, which begins with CLOSE_ATTEMPT. */
static int
batch_close_as(struct sm_db *db, const char *text, const struct sm_batch *b,
	       const struct sm_batch_trouble *t, double now, struct sm_err *err)
{
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	int ret;

	if (!s)
		return err->code;
	sqlite3_bind_double(s, 1, now);
	sm_sql_bind_text(s, 2, t->outcome);
	sm_sql_bind_opt(s, 3, t->exit_status);
	sm_sql_bind_opt(s, 4, t->signal);
	sm_sql_bind_text(s, 5, t->error_class);
	sm_sql_bind_text(s, 6, t->message);
	sm_sql_bind_text(s, 7, t->stderr_text);
	sqlite3_bind_int64(s, 8, (int64_t)b->id);
	sqlite3_bind_int64(s, 9, b->token);
	ret = sm_sql_run(db, s, "close an attempt", err);
	return ret < 0 ? ret : 0;
}

static int
batch_close_attempt(struct sm_db *db, const struct sm_batch *b,
		    const struct sm_batch_trouble *t, double now,
		    struct sm_err *err)
{
	return batch_close_as(db, CLOSE_ATTEMPT "outcome = 'running'", b, t,
			      now, err);
}

/* The guard: what every later write of a claim's holder asks of the row. */
#ifdef SABOTAGE_no_guard
#define GUARD(id, token, run)                                                  \
	"id = " id " AND " token " = " token " AND " run " = " run
#else
#define GUARD(id, token, run)                                                  \
	"id = " id " AND state = 'running' AND token = " token " AND " run     \
	" = (SELECT run FROM job)"
#endif

#define SET_DONE                                                               \
	"UPDATE batch SET state = 'done', rows = ?4, records = ?5, "           \
	"skipped = ?6, raw_bytes = ?7, gz_bytes = ?8, raw_crc32 = ?9, "        \
	"gz_crc32 = ?10, finished = ?11, error = NULL, token = ?2 "

/* Run `text`, which begins with SET_DONE; its ?3 is `third`. */
static int
batch_set_done(struct sm_db *db, const char *text, const struct sm_batch *b,
	       int64_t third, const struct sm_batch_made *m, double now,
	       struct sm_err *err)
{
	sqlite3_stmt *s = sm_sql_get(db, text, err);

	if (!s)
		return err->code;
	sqlite3_bind_int64(s, 1, (int64_t)b->id);
	sqlite3_bind_int64(s, 2, b->token);
	sqlite3_bind_int64(s, 3, third);
	sqlite3_bind_int64(s, 4, (int64_t)m->rows);
	sqlite3_bind_int64(s, 5, (int64_t)m->records);
	sqlite3_bind_int64(s, 6, (int64_t)m->skipped);
	sqlite3_bind_int64(s, 7, (int64_t)m->raw_bytes);
	sqlite3_bind_int64(s, 8, (int64_t)m->gz_bytes);
	sqlite3_bind_int64(s, 9, m->raw_crc32);
	sqlite3_bind_int64(s, 10, m->gz_crc32);
	sqlite3_bind_double(s, 11, now);
	return sm_sql_run(db, s, "complete a batch", err);
}

int
sm_batch_complete(struct sm_db *db, const struct sm_batch *b,
		  const struct sm_batch_made *m, double now, struct sm_err *err)
{
	static const char text[] = SET_DONE "WHERE " GUARD("?1", "?2", "?3");
	struct sm_batch_trouble t = { .outcome = "done",
				      .exit_status = -1,
				      .signal = -1,
				      .stderr_text = m->stderr_text };
	int ret = batch_set_done(db, text, b, b->run, m, now, err);

	if (ret <= 0)
		return ret;
	ret = batch_close_attempt(db, b, &t, now, err);
	sm_fault("batch.marked_done");
	return ret < 0 ? ret : 1;
}

int
sm_batch_adopt(struct sm_db *db, uint64_t id, const struct sm_claim *by,
	       const struct sm_batch_made *made, struct sm_err *err)
{
	static const char text[] =
		SET_DONE ", worker = ?3, started = ?11 "
			 "WHERE id = ?1 AND state = 'pending'";
	struct sm_batch_trouble t = { .outcome = "done",
				      .exit_status = -1,
				      .signal = -1,
				      .message = "its shard was found whole" };
	struct sm_batch b = { .id = id };
	int ret = sm_rand_token(&b.token, err);

	if (ret == 0)
		ret = batch_set_done(db, text, &b, by->worker, made, by->now,
				     err);
	if (ret <= 0)
		return ret;
	ret = sm_batch_open_attempt(db, &b, by, err);
	if (ret == 0)
		ret = batch_close_attempt(db, &b, &t, by->now, err);
	return ret < 0 ? ret : 1;
}

/* 2^n seconds with a quarter of jitter either way, so that batches that
 * failed together do not come back together. */
static double
batch_backoff_s(const struct sm_batch *b)
{
	uint64_t seed = (uint64_t)b->token;
	double s = ldexp(1.0, (int)(b->attempts < 12 ? b->attempts : 12));

	s *= 0.75 + 0.5 * sm_rand_unit(&seed);
	return s < BACKOFF_MAX_S ? s : BACKOFF_MAX_S;
}

int
sm_batch_fail(struct sm_db *db, const struct sm_batch *b,
	      const struct sm_batch_trouble *t, double now, bool *failed,
	      struct sm_err *err)
{
	static const char text[] =
		"UPDATE batch SET state = ?4, not_before = ?5, error = ?6, "
		"finished = ?7 WHERE " GUARD("?1", "?2", "?3");
	bool fail = !t->retry || b->attempts >= b->max_attempts;
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	int ret;

	if (!s)
		return err->code;
	sqlite3_bind_int64(s, 1, (int64_t)b->id);
	sqlite3_bind_int64(s, 2, b->token);
	sqlite3_bind_int64(s, 3, b->run);
	sm_sql_bind_text(s, 4, fail ? "failed" : "pending");
	sqlite3_bind_double(s, 5, fail ? 0 : now + batch_backoff_s(b));
	sm_sql_bind_text(s, 6, t->message);
	sqlite3_bind_double(s, 7, now);
	ret = sm_sql_run(db, s, "record a failure", err);
	if (ret <= 0)
		return ret;
	if (failed)
		*failed = fail;
	ret = batch_close_attempt(db, b, t, now, err);
	return ret < 0 ? ret : 1;
}

int
sm_batch_give_back(struct sm_db *db, const struct sm_batch *b,
		   const struct sm_batch_trouble *t, double now,
		   struct sm_err *err)
{
	static const char text[] =
		"UPDATE batch SET state = 'pending', not_before = 0, "
		"attempts = max(attempts - 1, 0) WHERE " GUARD("?1", "?2",
							       "?3");
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	int ret;

	if (!s)
		return err->code;
	sqlite3_bind_int64(s, 1, (int64_t)b->id);
	sqlite3_bind_int64(s, 2, b->token);
	sqlite3_bind_int64(s, 3, b->run);
	ret = sm_sql_run(db, s, "give a batch back", err);
	if (ret <= 0)
		return ret;
	ret = batch_close_attempt(db, b, t, now, err);
	return ret < 0 ? ret : 1;
}

int
sm_batch_fenced(struct sm_db *db, const struct sm_batch *b, double now,
		struct sm_err *err)
{
	struct sm_batch_trouble t = { .outcome = "fenced",
				      .exit_status = -1,
				      .signal = -1,
				      .message = "the batch was put back "
						 "meanwhile" };

	/* Given up for dead already: it was not, and that is worth a record. */
	return batch_close_as(db,
			      CLOSE_ATTEMPT "(outcome = 'running' OR outcome = "
					    "'interrupted')",
			      b, &t, now, err);
}

int
sm_batch_requeue(struct sm_db *db, uint64_t id, int64_t token,
		 const char *reason, struct sm_err *err)
{
	static const char text[] =
		"UPDATE batch SET state = 'pending', not_before = 0, "
		"attempts = 0, error = ?3 "
		"WHERE id = ?1 AND state = 'done' AND token = ?2";
	sqlite3_stmt *s = sm_sql_get(db, text, err);

	if (!s)
		return err->code;
	sqlite3_bind_int64(s, 1, (int64_t)id);
	sqlite3_bind_int64(s, 2, token);
	sm_sql_bind_text(s, 3, reason);
	return sm_sql_run(db, s, "put a batch back", err);
}

int64_t
sm_batch_retry(struct sm_db *db, enum sm_batch_set set, uint64_t first,
	       uint64_t last, struct sm_err *err)
{
#define RETRY                                                                  \
	"UPDATE batch SET state = 'pending', not_before = 0, attempts = 0 "
	static const char failed[] = RETRY "WHERE state = 'failed'";
	static const char all[] =
		RETRY "WHERE state IN ('failed', 'done') OR (state = 'pending' "
		      "AND (attempts <> 0 OR not_before <> 0))";
	static const char range[] =
		RETRY "WHERE state IN ('failed', 'done', 'pending') "
		      "AND id BETWEEN ? AND ?";
#undef RETRY
	const char *text = set == SM_BATCHES_FAILED ? failed
			   : set == SM_BATCHES_ALL  ? all
						    : range;
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	int ret;

	if (!s)
		return err->code;
	if (set == SM_BATCHES_RANGE) {
		sqlite3_bind_int64(s, 1, (int64_t)first);
		sqlite3_bind_int64(s, 2, (int64_t)last);
	}
	ret = sm_sql_run(db, s, "put batches back", err);
	return ret;
}
