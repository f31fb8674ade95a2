#include "batch_sql.h"

static void
batch_read_held(struct sm_batch *b, sqlite3_stmt *s)
{
	*b = (struct sm_batch){ 0 };
	b->id = (uint64_t)sqlite3_column_int64(s, 0);
	b->token = sqlite3_column_int64(s, 1);
	b->worker = sqlite3_column_int64(s, 2);
	b->attempts = sqlite3_column_int64(s, 3);
	b->max_attempts = sqlite3_column_int64(s, 4);
	b->run = sqlite3_column_int64(s, 5);
	b->first = b->end = b->first_byte = b->end_byte = -1;
	sqlite3_reset(s);
}

#define HELD_COLUMNS                                                           \
	"b.id, b.token, b.worker, b.attempts, coalesce(b.max_attempts, "       \
	"j.max_attempts), j.run"

int
sm_batch_of_worker(struct sm_batch *b, struct sm_db *db, int64_t worker,
		   struct sm_err *err)
{
	static const char text[] =
		"SELECT " HELD_COLUMNS " FROM batch AS b, job AS j "
		"WHERE b.state = 'running' AND b.worker = ? LIMIT 1";
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	int ret;

	if (!s)
		return err->code;
	sqlite3_bind_int64(s, 1, worker);
	ret = sm_sql_step(db, s, "look for a worker's batch", err);
	if (ret > 0)
		batch_read_held(b, s);
	return ret;
}

int
sm_batch_orphan(struct sm_batch *b, struct sm_db *db, struct sm_err *err)
{
	static const char text[] =
		"SELECT " HELD_COLUMNS " FROM job AS j, batch AS b "
		"LEFT JOIN worker AS w ON w.id = b.worker "
		"WHERE b.state = 'running' AND (w.id IS NULL "
		"OR w.ended IS NOT NULL) LIMIT 1";
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	int ret;

	if (!s)
		return err->code;
	ret = sm_sql_step(db, s, "look for orphaned batches", err);
	if (ret > 0)
		batch_read_held(b, s);
	return ret;
}

int
sm_batch_interruptions(struct sm_db *db, uint64_t id, struct sm_err *err)
{
	static const char text[] =
		"SELECT count(*) FROM attempt WHERE batch = ?1 AND outcome = "
		"'interrupted' AND id > coalesce((SELECT max(id) FROM attempt "
		"WHERE batch = ?1 AND outcome NOT IN ('interrupted', "
		"'running')), 0)";
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	int ret;

	if (!s)
		return err->code;
	sqlite3_bind_int64(s, 1, (int64_t)id);
	ret = sm_sql_step(db, s, "count interruptions", err);
	if (ret > 0)
		ret = sqlite3_column_int(s, 0);
	sqlite3_reset(s);
	return ret;
}

int
sm_batch_get(struct sm_batch *b, struct sm_db *db, uint64_t id,
	     struct sm_err *err)
{
	static const char text[] =
		"SELECT first, \"end\", first_byte, end_byte, item, attempts "
		"FROM batch WHERE id = ?";
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	bool failed = false;
	int ret;

	if (!s)
		return err->code;
	sqlite3_bind_int64(s, 1, (int64_t)id);
	ret = sm_sql_step(db, s, "read a batch", err);
	if (ret <= 0)
		return ret;
	*b = (struct sm_batch){ .id = id };
	sm_batch_read_bounds(b, s, 0, &failed);
	b->attempts = sqlite3_column_int64(s, 5);
	sqlite3_reset(s);
	return failed ? sm_err_mem(err, "a batch") : 1;
}

int
sm_batch_look(char state[16], int64_t *token, struct sm_db *db, uint64_t id,
	      struct sm_err *err)
{
	sqlite3_stmt *s = sm_sql_get(
		db, "SELECT state, token FROM batch WHERE id = ?", err);
	bool failed = false;
	int ret;

	if (!s)
		return err->code;
	sqlite3_bind_int64(s, 1, (int64_t)id);
	ret = sm_sql_step(db, s, "look at a batch", err);
	if (ret > 0) {
		sm_sql_column_copy(state, 16, s, 0, &failed);
		*token = sqlite3_column_int64(s, 1);
	}
	sqlite3_reset(s);
	return failed ? sm_err_mem(err, "a batch") : ret;
}

#define BATCH_ROWS                                                             \
	"SELECT id, state, first, \"end\", token, rows, records, skipped, "    \
	"raw_bytes, gz_bytes, raw_crc32, gz_crc32"
static const char batch_rows_text[] =
	BATCH_ROWS ", joined, joined_at FROM batch WHERE id >= ? ORDER BY id";
/* Of a job that is only read, and so not upgraded. */
static const char batch_rows_text_1[] =
	BATCH_ROWS ", NULL, NULL FROM batch WHERE id >= ? ORDER BY id";

int
sm_batch_rows_begin(struct sm_db *db, uint64_t from, struct sm_err *err)
{
	sqlite3_stmt *s = sm_sql_get(
		db, db->version < 2 ? batch_rows_text_1 : batch_rows_text, err);

	if (!s)
		return err->code;
	sqlite3_bind_int64(s, 1, (int64_t)from);
	return 0;
}

/* The statement as it stands: sm_sql_get() would reset it. */
static sqlite3_stmt *
batch_rows_stmt(struct sm_db *db)
{
	size_t i;

	for (i = 0; i < db->cached; i++)
		if (db->cache[i].text == batch_rows_text ||
		    db->cache[i].text == batch_rows_text_1)
			return db->cache[i].stmt;
	return NULL;
}

int
sm_batch_rows_next(struct sm_batch_row *r, struct sm_db *db, struct sm_err *err)
{
	sqlite3_stmt *s = batch_rows_stmt(db);
	bool failed = false;
	int ret = s ? sm_sql_step(db, s, "read the batches", err) : 0;

	if (ret <= 0)
		return ret;
	r->id = (uint64_t)sqlite3_column_int64(s, 0);
	sm_sql_column_copy(r->state, sizeof(r->state), s, 1, &failed);
	r->first = sm_sql_column_opt(s, 2);
	r->end = sm_sql_column_opt(s, 3);
	r->token = sqlite3_column_int64(s, 4);
	r->rows = sm_sql_column_opt(s, 5);
	r->records = sm_sql_column_opt(s, 6);
	r->skipped = sm_sql_column_opt(s, 7);
	r->raw_bytes = sm_sql_column_opt(s, 8);
	r->gz_bytes = sm_sql_column_opt(s, 9);
	r->raw_crc32 = sm_sql_column_opt(s, 10);
	r->gz_crc32 = sm_sql_column_opt(s, 11);
	r->joined = sm_sql_column_opt(s, 12);
	r->joined_at = sm_sql_column_opt(s, 13);
	/* Without its state a done one would be made again. */
	return failed ? sm_err_mem(err, "a batch") : 1;
}

void
sm_batch_rows_end(struct sm_db *db)
{
	sqlite3_stmt *s = batch_rows_stmt(db);

	if (s)
		sqlite3_reset(s);
}

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
sm_batch_counts(struct sm_batch_counts *c, struct sm_db *db, struct sm_err *err)
{
#define COUNTS                                                                 \
	"SELECT total, pending, running, done, failed, rows, records, "        \
	"skipped, raw_bytes, gz_bytes, percent, rows_per_s, elapsed_s, "       \
	"coalesce(eta_s, -1)"
	static const char text[] = COUNTS ", joined FROM progress";
	static const char text_1[] = COUNTS ", 0 FROM progress";
#undef COUNTS
	sqlite3_stmt *s = sm_sql_get(db, db->version < 2 ? text_1 : text, err);
	uint64_t *const number[] = { &c->total,   &c->pending, &c->running,
				     &c->done,    &c->failed,  &c->rows,
				     &c->records, &c->skipped, &c->raw_bytes,
				     &c->gz_bytes };
	size_t i, n = sizeof(number) / sizeof(*number);
	int ret;

	if (!s)
		return err->code;
	*c = (struct sm_batch_counts){ .eta_s = -1 };
	ret = sm_sql_step(db, s, "read the progress", err);
	if (ret <= 0)
		return ret;
	for (i = 0; i < n; i++)
		*number[i] = (uint64_t)sqlite3_column_int64(s, (int)i);
	c->percent = sqlite3_column_double(s, (int)n);
	c->rows_per_s = sqlite3_column_double(s, (int)n + 1);
	c->elapsed_s = sqlite3_column_double(s, (int)n + 2);
	c->eta_s = sqlite3_column_double(s, (int)n + 3);
	c->joined = (uint64_t)sqlite3_column_int64(s, (int)n + 4);
	sqlite3_reset(s);
	return 0;
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
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	bool due, waiting;
	int ret;

	if (!s)
		return err->code;
	ret = sm_sql_step(db, s, "look for work", err);
	if (ret < 0)
		return ret;
	due = sqlite3_column_int(s, 0);
	waiting = sqlite3_column_type(s, 1) != SQLITE_NULL;
	left->pending = due || waiting;
	left->next_due = due || !waiting ? 0 : sqlite3_column_double(s, 1);
	left->running = sqlite3_column_int(s, 2);
	sqlite3_reset(s);
	return 0;
}

/* Is there a row?  1, 0, <0; `text` is a constant. */
static int
batch_any(struct sm_db *db, const char *text, struct sm_err *err)
{
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	int ret;

	if (!s)
		return err->code;
	ret = sm_sql_step(db, s, "look for batches", err);
	sqlite3_reset(s);
	return ret;
}

int
sm_batch_any_failed(struct sm_db *db, struct sm_err *err)
{
	static const char text[] =
		"SELECT 1 FROM batch WHERE state = 'failed' LIMIT 1";

	return batch_any(db, text, err);
}

int
sm_batch_any_begun(struct sm_db *db, struct sm_err *err)
{
	static const char text[] =
		"SELECT 1 FROM attempt UNION ALL "
		"SELECT 1 FROM batch WHERE state <> 'pending' LIMIT 1";

	return batch_any(db, text, err);
}

int
sm_batch_any_edited(struct sm_db *db, struct sm_err *err)
{
	static const char text[] =
		"SELECT 1 FROM job WHERE paused UNION ALL "
		"SELECT 1 FROM batch WHERE priority <> 0 OR not_before <> 0 "
		"OR max_attempts IS NOT NULL LIMIT 1";

	return batch_any(db, text, err);
}

int
sm_batch_not_done(uint64_t *id, int max, struct sm_db *db, struct sm_err *err)
{
	/* By the indices of the other states, so that a million done rows in
	 * front cost nothing. */
	static const char text[] =
		"SELECT id FROM batch WHERE state = 'failed' UNION ALL "
		"SELECT id FROM batch WHERE state = 'running' UNION ALL "
		"SELECT id FROM batch WHERE state = 'pending' "
		"AND not_before = 0 UNION ALL "
		"SELECT id FROM batch WHERE state = 'pending' "
		"AND not_before <> 0 LIMIT ?";
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	int ret, n = 0;

	if (!s)
		return err->code;
	sqlite3_bind_int(s, 1, max);
	while ((ret = sm_sql_step(db, s, "look for batches", err)) > 0)
		id[n++] = (uint64_t)sqlite3_column_int64(s, 0);
	return ret < 0 ? ret : n;
}
