/*
 * batch_read.c - what is asked of batches without changing them
 *
 * These never write, so that `status` and the joiner may use them in a read
 * transaction of their own beside any number of writers.
 */
#include <string.h>

#include "batch_sql.h"

#define HELD_COLUMNS                                                           \
	"b.id, b.token, b.worker, b.attempts, coalesce(b.max_attempts, "       \
	"j.max_attempts), j.run"

#define OUT_HELD(b)                                                            \
	OUT(&(b)->piece.id), OUT(&(b)->piece.token), OUT(&(b)->worker),        \
		OUT(&(b)->piece.attempt), OUT(&(b)->max_attempts),             \
		OUT(&(b)->run)
/* Whoever puts a batch back does not ask for its bounds. */
#define PIECE_UNKNOWN                                                          \
	{                                                                      \
		.first = -1, .end = -1, .first_byte = -1, .end_byte = -1       \
	}

int
sm_batch_of_worker(bool *found, struct sm_batch *b, struct sm_db *db,
		   int64_t worker, struct sm_err *err)
{
	*b = (struct sm_batch){ .piece = PIECE_UNKNOWN };
	return sm_sql_one(found, db, "look for a worker's batch",
			  "SELECT " HELD_COLUMNS " FROM batch AS b, job AS j "
			  "WHERE b.state = 'running' AND b.worker = ? LIMIT 1",
			  SQL(IN(worker), OUT_HELD(b)), err);
}

int
sm_batch_held_by(struct sm_batch_holder *held, struct sm_db *db, uint64_t id,
		 struct sm_err *err)
{
	struct sm_batch *b = &held->batch;

	*held = (struct sm_batch_holder){ .batch.piece = PIECE_UNKNOWN };
	return sm_sql_one(NULL, db, "look for a batch's worker",
			  "SELECT " HELD_COLUMNS ", b.state, "
			  "coalesce(b.started, 0), coalesce(w.slot, -1), "
			  "coalesce(w.pid, 0), coalesce(w.pid_start, 0), "
			  "coalesce(w.supervised, 0), coalesce(w.host, '') "
			  "FROM job AS j, batch AS b "
			  "LEFT JOIN worker AS w ON w.id = b.worker "
			  "WHERE b.id = ?",
			  SQL(IN(id), OUT_HELD(b), OUT_CHARS(held->state),
			      OUT(&held->started), OUT(&held->slot),
			      OUT(&held->pid), OUT(&held->pid_start),
			      OUT(&held->supervised), OUT_CHARS(held->host)),
			  err);
}

int
sm_batch_orphan(bool *found, struct sm_batch *b, struct sm_db *db,
		struct sm_err *err)
{
	*b = (struct sm_batch){ .piece = PIECE_UNKNOWN };
	/* SQLite would make an index of its own, of all rows. */
	return sm_sql_one(found, db, "look for orphaned batches",
			  "SELECT " HELD_COLUMNS " FROM job AS j, batch AS b "
			  "INDEXED BY batch_running "
			  "LEFT JOIN worker AS w ON w.id = b.worker "
			  "WHERE b.state = 'running' AND (w.id IS NULL "
			  "OR w.ended IS NOT NULL) LIMIT 1",
			  SQL(OUT_HELD(b)), err);
}

int
sm_batch_of_token(bool *found, uint64_t *batch, struct sm_db *db, int64_t token,
		  int slot, struct sm_err *err)
{
	return sm_sql_one(found, db, "look for a claim",
			  "SELECT a.batch FROM attempt AS a "
			  "JOIN worker AS w ON w.id = a.worker "
			  "WHERE a.token = ? AND w.slot = ? LIMIT 1",
			  SQL(IN(token), IN(slot), OUT(batch)), err);
}

/* In a row: since the last attempt that ended in any other way. */
int
sm_batch_interruptions(int *n, struct sm_db *db, uint64_t id,
		       struct sm_err *err)
{
	static const char text[] =
		"SELECT count(*) FROM attempt WHERE batch = ?1 AND outcome = "
		"'interrupted' AND id > coalesce((SELECT max(id) FROM attempt "
		"WHERE batch = ?1 AND outcome NOT IN ('interrupted', "
		"'running')), 0)";

	return sm_sql_one(NULL, db, "count interruptions", text,
			  SQL(IN(id), OUT(n)), err);
}

int
sm_batch_get(bool *found, struct sm_piece *p, struct sm_db *db, uint64_t id,
	     struct sm_err *err)
{
	*p = (struct sm_piece){ .id = id };
	return sm_sql_one(found, db, "read a batch",
			  "SELECT " PIECE_COLUMNS ", attempts FROM batch "
			  "WHERE id = ?",
			  SQL(IN(id), OUT_PIECE(p), OUT(&p->attempt)), err);
}

/* ------------------------------------------------------------- rows -- */

#define ROW_COLUMNS                                                            \
	"SELECT id, state, first, \"end\", token, " COUNT_COLUMNS              \
	", " SIZE_COLUMNS
#define OUT_ROW(r, word)                                                       \
	OUT(&(r)->id), OUT_CHARS(word), OUT_OPT(&(r)->first),                  \
		OUT_OPT(&(r)->end), OUT(&(r)->token),                          \
		OUT_COUNTS(&(r)->counts), OUT_SIZES(&(r)->sizes),              \
		OUT_OPT(&(r)->joined), OUT_OPT(&(r)->joined_at)
/* The longest is "running". */
#define STATE_WORD_MAX 16

/* Without its state a done row would be made again. */
static int
row_set_state(struct sm_batch_row *r, const char *word, struct sm_db *db,
	      struct sm_err *err)
{
	static const char *const words[] = { [SM_PENDING] = "pending",
					     [SM_RUNNING] = "running",
					     [SM_DONE] = "done",
					     [SM_FAILED] = "failed" };
	unsigned i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(word, words[i]) == 0) {
			r->state = (enum sm_state)i;
			return 0;
		}
	return sm_err_set(err, SM_EDAMAGED,
			  "batch %llu in '%s' is in no state that there is: "
			  "'%s'; 'shardmill recover' rebuilds the database "
			  "from the shards",
			  (unsigned long long)r->id, db->path, word);
}

int
sm_batch_rows_begin(struct sm_db *db, uint64_t from, struct sm_err *err)
{
	static const char text[] =
		ROW_COLUMNS ", joined, joined_at FROM batch WHERE id >= ? "
			    "ORDER BY id";

	return sm_sql_begin(&db->rows, db, text, SQL(IN(from)), err);
}

int
sm_batch_rows_next(struct sm_batch_row *r, struct sm_db *db, struct sm_err *err)
{
	char word[STATE_WORD_MAX];
	int ret = sm_sql_next(db->rows, db, "read the batches",
			      SQL(OUT_ROW(r, word)), err);

	if (ret > 0 && row_set_state(r, word, db, err) < 0)
		return err->code;
	return ret;
}

void
sm_batch_rows_end(struct sm_db *db)
{
	sqlite3_reset(db->rows); /* NULL: nothing */
	db->rows = NULL;
}

/*
 * For callers that take their time with each row: the statement is over when
 * this returns, and keeps no snapshot that the log would grow under.
 */
int
sm_batch_row_from(struct sm_batch_row *row, struct sm_db *db, uint64_t from,
		  struct sm_err *err)
{
	int ret = sm_batch_rows_begin(db, from, err);

	if (ret == 0)
		ret = sm_batch_rows_next(row, db, err);
	sm_batch_rows_end(db);
	return ret;
}

int
sm_batch_row_of(struct sm_batch_row *r, struct sm_db *db, uint64_t id,
		struct sm_err *err)
{
	static const char text[] =
		ROW_COLUMNS ", joined, joined_at FROM batch WHERE id = ?";
	char word[STATE_WORD_MAX];
	bool found;
	int ret;

	*r = (struct sm_batch_row){ 0 };
	ret = sm_sql_one(&found, db, "look at a batch", text,
			 SQL(IN(id), OUT_ROW(r, word)), err);
	if (ret == 0 && found)
		ret = row_set_state(r, word, db, err);
	return ret;
}

/* -------------------------------------------------------- questions -- */

int
sm_batch_counts(struct sm_batch_counts *c, struct sm_db *db, struct sm_err *err)
{
	static const char text[] =
		"SELECT total, pending, running, done, failed, " COUNT_COLUMNS
		", raw_bytes, gz_bytes, percent, rows_per_s, elapsed_s, "
		"coalesce(eta_s, -1), joined, stragglers FROM progress";

	*c = (struct sm_batch_counts){ .eta_s = -1 };
	return sm_sql_one(
		NULL, db, "read the progress", text,
		SQL(OUT(&c->total), OUT(&c->pending), OUT(&c->running),
		    OUT(&c->done), OUT(&c->failed), OUT_COUNTS(&c->counts),
		    OUT(&c->raw_bytes), OUT(&c->gz_bytes), OUT(&c->percent),
		    OUT(&c->rows_per_s), OUT(&c->elapsed_s), OUT(&c->eta_s),
		    OUT(&c->joined), OUT(&c->stragglers)),
		err);
}

int
sm_batch_straggler(bool *found, struct sm_straggler *s, struct sm_db *db,
		   struct sm_err *err)
{
	static const char text[] =
		"SELECT batch, seconds, usual_seconds, count(*) OVER () "
		"FROM stragglers ORDER BY seconds DESC LIMIT 1";

	*s = (struct sm_straggler){ 0 };
	return sm_sql_one(found, db, "look for stragglers", text,
			  SQL(OUT(&s->id), OUT(&s->seconds), OUT(&s->usual_s),
			      OUT(&s->count)),
			  err);
}

int
sm_batch_next_unnoted(bool *found, struct sm_batch_hand *b, struct sm_db *db,
		      double before, struct sm_err *err)
{
	/*
	 * One attempt of a running batch at most is not over: its last.  The
	 * token tells whether it is this claim's.
	 */
	static const char text[] =
		"SELECT b.id, b.token, w.slot FROM batch AS b "
		"INDEXED BY batch_running JOIN worker AS w ON w.id = b.worker "
		"WHERE b.state = 'running' AND b.started < ? AND b.id > ? AND "
		"(SELECT a.command_pid FROM attempt AS a WHERE a.batch = b.id "
		"AND a.token = b.token) IS NULL ORDER BY b.id LIMIT 1";

	return sm_sql_one(found, db, "look for commands", text,
			  SQL(IN(before), IN(b->id), OUT(&b->id),
			      OUT(&b->token), OUT(&b->slot)),
			  err);
}

int
sm_batch_odd_ends(uint64_t *empty, uint64_t *open, struct sm_db *db,
		  struct sm_err *err)
{
	static const char text[] =
		"SELECT coalesce(sum(raw_bytes = 0), 0), "
		"coalesce(sum(open_line), 0) FROM batch WHERE state = 'done'";

	return sm_sql_one(NULL, db, "read the batches", text,
			  SQL(OUT(empty), OUT(open)), err);
}

int
sm_batch_left(struct sm_batch_left *left, struct sm_db *db, struct sm_err *err)
{
	/* Each subquery asks one partial index for its first entry. */
	static const char text[] =
		"SELECT EXISTS (SELECT 1 FROM batch INDEXED BY batch_ready "
		"WHERE state = 'pending' AND not_before = 0), "
		"(SELECT min(not_before) FROM batch INDEXED BY batch_waiting "
		"WHERE state = 'pending' AND not_before <> 0), "
		"EXISTS (SELECT 1 FROM batch INDEXED BY batch_running "
		"WHERE state = 'running')";
	bool due = false;
	int ret;

	*left = (struct sm_batch_left){ 0 };
	ret = sm_sql_one(
		NULL, db, "look for work", text,
		SQL(OUT(&due), OUT(&left->next_due), OUT(&left->running)), err);
	left->pending = due || left->next_due != 0;
	if (due)
		left->next_due = 0;
	return ret;
}

static int
batch_any(bool *any, struct sm_db *db, const char *text, struct sm_err *err)
{
	return sm_sql_one(any, db, "look for batches", text, SQL_NOTHING, err);
}

int
sm_batch_any_failed(bool *any, struct sm_db *db, struct sm_err *err)
{
	static const char text[] =
		"SELECT 1 FROM batch WHERE state = 'failed' LIMIT 1";

	return batch_any(any, db, text, err);
}

int
sm_batch_count_failed(uint64_t *n, struct sm_db *db, struct sm_err *err)
{
	return sm_sql_one(NULL, db, "count failed batches",
			  "SELECT count(*) FROM batch INDEXED BY batch_failed "
			  "WHERE state = 'failed'",
			  SQL(OUT(n)), err);
}

int
sm_batch_any_begun(bool *any, struct sm_db *db, struct sm_err *err)
{
	static const char text[] =
		"SELECT 1 FROM attempt UNION ALL "
		"SELECT 1 FROM batch WHERE state <> 'pending' LIMIT 1";

	return batch_any(any, db, text, err);
}

int
sm_batch_any_edited(bool *any, struct sm_db *db, struct sm_err *err)
{
	static const char text[] =
		"SELECT 1 FROM job WHERE paused UNION ALL "
		"SELECT 1 FROM batch WHERE priority <> 0 OR not_before <> 0 "
		"OR max_attempts IS NOT NULL LIMIT 1";

	return batch_any(any, db, text, err);
}
