/*
 * batch_end.c - how a claim ends, and how batches are put back
 *
 * Each guarded write is one UPDATE that asks for the claim's token, and then
 * closes the attempt of that token in the same transaction.
 */
#include <math.h>
#include <string.h>

#include "buf.h"
#include "fault.h"
#include "fold.h"
#include "rand.h"

#include "sql.h"

#include "batch_sql.h"

/* A failed attempt waits 2^n seconds, but at most this. */
#define BACKOFF_MAX_S 3600.0

#define CLOSE_ATTEMPT                                                          \
	"UPDATE attempt SET ended = ?, outcome = ?, exit_status = ?, "         \
	"signal = ?, error_class = ?, message = ?, stderr = ?, reason = ? "    \
	"WHERE batch = ? AND token = ? AND "

/* Run `text`, which begins with CLOSE_ATTEMPT. */
static int
batch_close_as(struct sm_db *db, const char *text, const struct sm_batch *b,
	       const struct sm_batch_trouble *t, double now, struct sm_err *err)
{
	const char *said = t->stderr_text;
	struct sm_buf tail = { .data = NULL };
	int ret;

	/* Other libraries fail to read TEXT that is no UTF-8. */
	if (said) {
		sm_buf_put_utf8(&tail, said, strlen(said));
		if (sm_buf_failed(&tail))
			return sm_err_mem(err, "the end of standard error");
		said = tail.data;
	}
	ret = sm_sql_do(db, "close an attempt", text,
			SQL(IN(now), IN(t->outcome), IN_OPT(t->exit_status),
			    IN_OPT(t->signal), IN(t->error_class),
			    IN(t->message), IN(said), IN(t->reason),
			    IN(b->piece.id), IN(b->piece.token)),
			err);
	sm_buf_release(&tail);
	return ret;
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
#define GUARD "id = ? AND ? IS NOT NULL AND ? IS NOT NULL"
#else
#define GUARD                                                                  \
	"id = ? AND state = 'running' AND token = ? "                          \
	"AND ? = (SELECT run FROM job)"
#endif
#define IN_GUARD(b) IN((b)->piece.id), IN((b)->piece.token), IN((b)->run)

#define SET_DONE                                                               \
	"UPDATE OR ROLLBACK batch SET state = 'done', (" COUNT_COLUMNS         \
	") = (" COUNT_PLACES "), "                                             \
	"(" SIZE_COLUMNS ") = (" SIZE_PLACES                                   \
	"), open_line = ?, finished = ?, "                                     \
	"token = ?, error = NULL "
#define IN_DONE(made, now, token)                                              \
	IN_COUNTS(&(made)->counts), IN_SIZES(&(made)->sizes),                  \
		IN((made)->open_line), IN(now), IN(token)

/*
 * The row and its attempt change in one transaction, which is the caller's: the
 * shard is renamed before its COMMIT.  Not `held` is no error: the batch was
 * given to somebody else, and the caller throws away what it made.
 */
int
sm_batch_complete(bool *held, struct sm_db *db, const struct sm_batch *b,
		  const struct sm_made *m, double now, struct sm_err *err)
{
	static const char text[] = SET_DONE "WHERE " GUARD;
	struct sm_batch_trouble t = { .outcome = "done",
				      .exit_status = -1,
				      .signal = -1 };
	int ret = sm_sql_do(db, "complete a batch", text,
			    SQL(IN_DONE(m, now, b->piece.token), IN_GUARD(b)),
			    err);

	*held = ret == 0 && sm_sql_changed(db) > 0;
	if (!*held)
		return ret;
	if (m->stderr_tail.len)
		t.stderr_text = m->stderr_tail.data;
	ret = batch_close_attempt(db, b, &t, now, err);
	sm_fault("batch.marked_done");
	return ret;
}

/*
 * Recover finds a shard without the row that speaks of it.  A new token is
 * drawn, since that of the attempt which made it is lost with the database.
 */
int
sm_batch_adopt(bool *held, struct sm_db *db, uint64_t id,
	       const struct sm_claim *by, const struct sm_made *made,
	       struct sm_err *err)
{
	static const char text[] =
		SET_DONE ", worker = ?, started = ? "
			 "WHERE id = ? AND state = 'pending'";
	struct sm_batch_trouble t = { .outcome = "done",
				      .exit_status = -1,
				      .signal = -1,
				      .message = "its shard was found whole" };
	struct sm_batch b = { .piece.id = id };
	int ret = sm_rand_token(&b.piece.token, err);

	if (ret == 0)
		ret = sm_sql_do(db, "complete a batch", text,
				SQL(IN_DONE(made, by->now, b.piece.token),
				    IN(by->worker), IN(by->now), IN(id)),
				err);
	*held = ret == 0 && sm_sql_changed(db) > 0;
	if (!*held)
		return ret;
	ret = sm_batch_open_attempt(db, &b, by, err);
	if (ret == 0)
		ret = batch_close_attempt(db, &b, &t, by->now, err);
	return ret;
}

/* 2^n seconds with a quarter of jitter either way, so that batches that
 * failed together do not come back together. */
static double
batch_backoff_s(const struct sm_batch *b)
{
	uint64_t seed = (uint64_t)b->piece.token;
	int64_t n = b->piece.attempt;
	/* 2^12 s is above BACKOFF_MAX_S already. */
	double s = ldexp(1.0, (int)(n < 12 ? n : 12));

	s *= 0.75 + 0.5 * sm_rand_unit(&seed);
	return s < BACKOFF_MAX_S ? s : BACKOFF_MAX_S;
}

int
sm_batch_fail(enum sm_fate *fate, struct sm_db *db, const struct sm_batch *b,
	      const struct sm_batch_trouble *t, double now, struct sm_err *err)
{
	static const char text[] =
		"UPDATE batch SET state = ?, not_before = ?, error = ?, "
		"finished = ? WHERE " GUARD;
	const char *state = "pending";
	struct sm_batch_trouble counted = *t;
	double due = now + batch_backoff_s(b);
	enum sm_fate next = SM_FATE_AGAIN;
	char reason[SM_FOLD_MAX];
	int ret;

	if (!t->retry || b->piece.attempt >= b->max_attempts) {
		state = "failed";
		due = 0;
		next = SM_FATE_FAILED;
	}
	/* The guard refuses by changing no row; it is no error of SQL. */
	*fate = SM_FATE_FENCED;
	ret = sm_sql_do(
		db, "record a failure", text,
		SQL(IN(state), IN(due), IN(t->message), IN(now), IN_GUARD(b)),
		err);
	if (ret < 0 || sm_sql_changed(db) == 0)
		return ret;
	*fate = next;
	sm_fold(reason, t->message);
	counted.reason = reason;
	return batch_close_attempt(db, b, &counted, now, err);
}

/*
 * What ended with its supervisor, a drain or a full disk says nothing about the
 * batch: the attempt stays in the history, but does not count.  max(): a person
 * may have set attempts to 0 meanwhile.
 */
int
sm_batch_give_back(enum sm_fate *fate, struct sm_db *db,
		   const struct sm_batch *b, const struct sm_batch_trouble *t,
		   double now, struct sm_err *err)
{
	static const char text[] =
		"UPDATE batch SET state = 'pending', not_before = 0, "
		"attempts = max(attempts - 1, 0) WHERE " GUARD;
	int ret =
		sm_sql_do(db, "give a batch back", text, SQL(IN_GUARD(b)), err);

	*fate = SM_FATE_FENCED;
	if (ret < 0 || sm_sql_changed(db) == 0)
		return ret;
	*fate = SM_FATE_AGAIN;
	return batch_close_attempt(db, b, t, now, err);
}

/*
 * The wait keeps the same run from taking it at once; the lower priority lets
 * whatever else is left be made first.  It is 60 s, far below the hour beyond
 * which not_before counts as another clock's.
 */
int
sm_batch_stop(bool *held, struct sm_db *db, const struct sm_batch *b,
	      double now, struct sm_err *err)
{
	static const char text[] =
		"UPDATE batch SET state = 'pending', not_before = ?, "
		"attempts = max(attempts - 1, 0), priority = min(priority, "
		"coalesce((SELECT min(priority) FROM batch INDEXED BY "
		"batch_ready WHERE state = 'pending' AND not_before = 0) - 1, "
		"priority)) WHERE " GUARD;
	struct sm_batch_trouble t = { .outcome = "stopped",
				      .exit_status = -1,
				      .signal = -1,
				      .message = "ended by hand" };
	int ret = sm_sql_do(db, "end a batch", text,
			    SQL(IN(now + SM_STOP_WAIT_S), IN_GUARD(b)), err);

	*held = ret == 0 && sm_sql_changed(db) > 0;
	if (!*held)
		return ret;
	return batch_close_attempt(db, b, &t, now, err);
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

/*
 * The token that is asked for is that of the shard which was found damaged: one
 * that was made again in between is not put back.
 */
int
sm_batch_requeue(bool *held, struct sm_db *db, uint64_t id, int64_t token,
		 const char *reason, struct sm_err *err)
{
	int ret = sm_sql_do(db, "put a batch back",
			    "UPDATE batch SET state = 'pending', "
			    "not_before = 0, attempts = 0, error = ? "
			    "WHERE id = ? AND state = 'done' AND token = ?",
			    SQL(IN(reason), IN(id), IN(token)), err);

	*held = ret == 0 && sm_sql_changed(db) > 0;
	return ret;
}

#define RETRY                                                                  \
	"UPDATE batch SET state = 'pending', not_before = 0, attempts = 0 "

int
sm_batch_retry(uint64_t *changed, struct sm_db *db, enum sm_batch_set set,
	       struct sm_err *err)
{
	static const char failed[] = RETRY "WHERE state = 'failed'";
	static const char all[] =
		RETRY "WHERE state IN ('failed', 'done') OR (state = 'pending' "
		      "AND (attempts <> 0 OR not_before <> 0))";
	int ret = sm_sql_do(db, "put batches back",
			    set == SM_BATCHES_ALL ? all : failed, SQL_NOTHING,
			    err);

	*changed = (uint64_t)sm_sql_changed(db);
	return ret;
}

int
sm_batch_retry_range(uint64_t *changed, struct sm_db *db, uint64_t first,
		     uint64_t last, struct sm_err *err)
{
	int ret =
		sm_sql_do(db, "put batches back",
			  RETRY "WHERE state IN ('failed', 'done', 'pending') "
				"AND id BETWEEN ? AND ?",
			  SQL(IN(first), IN(last)), err);

	*changed = (uint64_t)sm_sql_changed(db);
	return ret;
}

int
sm_batch_note_command(struct sm_db *db, const struct sm_batch_hand *b,
		      int64_t pid, struct sm_err *err)
{
	return sm_sql_do(db, "note a command",
			 "UPDATE attempt SET command_pid = ? WHERE batch = ? "
			 "AND token = ? AND outcome = 'running'",
			 SQL(IN(pid), IN(b->id), IN(b->token)), err);
}

int
sm_batch_set_priority(uint64_t *changed, struct sm_db *db,
		      const struct sm_batch_range *range, int64_t priority,
		      struct sm_err *err)
{
	int ret = sm_sql_do(
		db, "set the priority of batches",
		"UPDATE batch SET priority = ? "
		"WHERE id BETWEEN ? AND ?",
		SQL(IN(priority), IN(range->first), IN(range->last)), err);

	*changed = (uint64_t)sm_sql_changed(db);
	return ret;
}
