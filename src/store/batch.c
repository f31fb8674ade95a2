/*
 * batch.c - batches are planned and claimed
 *
 * How a claim ends is in batch_end.c, what only looks in batch_read.c.
 */
#include <stdlib.h>

#include "fault.h"
#include "rand.h"

#include "sql.h"

#include "batch_sql.h"

void
sm_batch_release(struct sm_batch *b)
{
	free(b->piece.item);
	*b = (struct sm_batch){ 0 };
}

int
sm_batch_insert(struct sm_db *db, const struct sm_piece *p, struct sm_err *err)
{
	return sm_sql_do(db, "insert a batch",
			 "INSERT INTO batch (id, " PIECE_COLUMNS ") "
			 "VALUES (?, ?, ?, ?, ?, ?)",
			 SQL(IN(p->id), IN_PIECE(p)), err);
}

int
sm_batch_is(bool *same, struct sm_db *db, const struct sm_piece *p,
	    struct sm_err *err)
{
	return sm_sql_one(same, db, "compare a batch",
			  "SELECT 1 FROM batch WHERE id = ? AND first IS ? "
			  "AND \"end\" IS ? AND first_byte IS ? "
			  "AND end_byte IS ? AND item IS ?",
			  SQL(IN(p->id), IN_PIECE(p)), err);
}

int
sm_batch_begins(bool *same, struct sm_db *db, const struct sm_piece *p,
		struct sm_err *err)
{
	return sm_sql_one(
		same, db, "compare a batch",
		"SELECT 1 FROM batch WHERE id = ? AND first IS ? "
		"AND first_byte IS ? AND (item IS ?4 OR instr("
		"CAST(?4 AS BLOB), CAST(item || char(9) AS BLOB)) = 1)",
		SQL(IN(p->id), IN_OPT(p->first), IN_OPT(p->first_byte),
		    IN(p->item)),
		err);
}

int
sm_batch_lengthen(struct sm_db *db, const struct sm_piece *p,
		  struct sm_err *err)
{
	return sm_sql_do(
		db, "lengthen a batch",
		"UPDATE batch SET \"end\" = ?, end_byte = ?, item = ?, "
		"state = iif(state = 'running', state, 'pending'), "
		"attempts = 0, not_before = 0, error = NULL "
		"WHERE id = ?",
		SQL(IN_OPT(p->end), IN_OPT(p->end_byte), IN(p->item),
		    IN(p->id)),
		err);
}

/*
 * Batches whose backoff is over join those that are due.  One that lies
 * further ahead than the longest backoff was set under another clock: a clock
 * set back must not stop a job.  Two ranges of the index batch_waiting, one
 * after the other: an OR would scan all of it.  Its two ends tell whether there
 * is anything to write: an UPDATE of a column that it asks for makes a
 * temporary table, even if it finds no row.
 */
static int
batch_wake(struct sm_db *db, double now, struct sm_err *err)
{
#define WAITS "state = 'pending' AND not_before <> 0"
#define WAKE  "UPDATE batch SET not_before = 0 WHERE " WAITS " AND "
	static const char ends[] =
		"SELECT (SELECT min(not_before) FROM batch INDEXED BY "
		"batch_waiting WHERE " WAITS "), "
		"(SELECT max(not_before) FROM batch INDEXED BY batch_waiting "
		"WHERE " WAITS ")";
	static const char over[] = WAKE "not_before <= ?";
	static const char ahead[] = WAKE "not_before > ? + 3600";
#undef WAKE
#undef WAITS
	/* 0, as both are where none waits. */
	double first = 0, last = 0;
	int ret = sm_sql_one(NULL, db, "look for waiting batches", ends,
			     SQL(OUT(&first), OUT(&last)), err);

	if (ret == 0 && first != 0 && first <= now)
		ret = sm_sql_do(db, "wake waiting batches", over, SQL(IN(now)),
				err);
	if (ret == 0 && last > now + 3600)
		ret = sm_sql_do(db, "wake waiting batches", ahead, SQL(IN(now)),
				err);
	return ret;
}

int
sm_batch_open_attempt(struct sm_db *db, struct sm_batch *b,
		      const struct sm_claim *claim, struct sm_err *err)
{
	int ret = sm_sql_do(db, "record an attempt",
			    "INSERT INTO attempt (batch, worker, token, "
			    "fingerprint, started) VALUES (?, ?, ?, ?, ?)",
			    SQL(IN(b->piece.id), IN(claim->worker),
				IN(b->piece.token), IN(claim->fingerprint),
				IN(claim->now)),
			    err);

	b->attempt = sqlite3_last_insert_rowid(db->main);
	return ret;
}

/*
 * Look, then write: both are in one write transaction, and an UPDATE that finds
 * its row by an index which it changes, and returns it, makes two temporary
 * tables for one row.
 */
int
sm_batch_claim(bool *claimed, struct sm_batch *b, struct sm_db *db,
	       const struct sm_claim *claim, struct sm_err *err)
{
	static const char next[] =
		"SELECT id, " PIECE_COLUMNS ", attempts + 1, "
		"coalesce(max_attempts, (SELECT max_attempts FROM job)), "
		"(SELECT limits FROM job) FROM batch INDEXED BY batch_ready "
		"WHERE state = 'pending' AND not_before = 0 "
		"AND (SELECT run = ?2 AND NOT paused AND "
		"iif(at_once IS NULL, 1, at_once > (SELECT count(*) "
		"FROM batch WHERE state = 'running')) FROM job) "
		"AND EXISTS (SELECT 1 FROM worker WHERE id = ?1 "
		"AND ended IS NULL) ORDER BY priority DESC, id LIMIT 1";
	static const char take[] =
		"UPDATE OR ROLLBACK batch SET state = 'running', attempts = attempts + 1, "
		"worker = ?, token = ?, started = ?, finished = NULL "
		"WHERE id = ?";
	int ret;

	*claimed = false;
	*b = (struct sm_batch){ .worker = claim->worker, .run = claim->run };
	ret = sm_rand_token(&b->piece.token, err);
	if (ret == 0)
		ret = batch_wake(db, claim->now, err);
	if (ret == 0)
		ret = sm_sql_one(claimed, db, "look for a batch to claim", next,
				 SQL(IN(claim->worker), IN(claim->run),
				     OUT(&b->piece.id), OUT_PIECE(&b->piece),
				     OUT(&b->piece.attempt),
				     OUT(&b->max_attempts), OUT(&b->limits)),
				 err);
	if (ret < 0 || !*claimed)
		return ret;
	ret = sm_sql_do(db, "claim a batch", take,
			SQL(IN(claim->worker), IN(b->piece.token),
			    IN(claim->now), IN(b->piece.id)),
			err);
	if (ret == 0)
		ret = sm_batch_open_attempt(db, b, claim, err);
	if (ret < 0) {
		*claimed = false;
		sm_batch_release(b);
		return ret;
	}
	sm_fault("batch.claimed");
	return 0;
}
