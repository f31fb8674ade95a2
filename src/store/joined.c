#include "sql.h"

#include "joined.h"

int
sm_joined_record(struct sm_db *db, uint64_t id, int64_t token, uint64_t at,
		 struct sm_err *err)
{
	static const char text[] =
		"UPDATE batch SET joined = ?2, joined_at = ?3 "
		"WHERE id = ?1 AND state = 'done' AND token = ?2";
	sqlite3_stmt *s = sm_sql_get(db, text, err);

	if (!s)
		return err->code;
	sqlite3_bind_int64(s, 1, (int64_t)id);
	sqlite3_bind_int64(s, 2, token);
	sqlite3_bind_int64(s, 3, (int64_t)at);
	return sm_sql_run(db, s, "record a joined batch", err);
}

int
sm_joined_adopt(struct sm_db *db, uint64_t id, uint64_t at, struct sm_err *err)
{
	static const char text[] =
		"UPDATE batch SET joined = token, joined_at = ? "
		"WHERE id = ? AND state = 'done'";
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	int ret;

	if (!s)
		return err->code;
	sqlite3_bind_int64(s, 1, (int64_t)at);
	sqlite3_bind_int64(s, 2, (int64_t)id);
	ret = sm_sql_run(db, s, "record a joined batch", err);
	return ret < 0 ? ret : 0;
}

int
sm_joined_forget(struct sm_db *db, struct sm_err *err)
{
	static const char text[] =
		"UPDATE batch SET joined = NULL, joined_at = NULL "
		"WHERE joined IS NOT NULL";
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	int ret;

	if (!s)
		return err->code;
	ret = sm_sql_run(db, s, "forget what was joined", err);
	return ret < 0 ? ret : 0;
}

int
sm_joined_generation(int64_t *generation, struct sm_db *db, struct sm_err *err)
{
	sqlite3_stmt *s;
	int ret;

	*generation = 0;
	if (db->version < 2) /* of a job that is only read */
		return 0;
	s = sm_sql_get(db, "SELECT generation FROM job", err);
	if (!s)
		return err->code;
	ret = sm_sql_step(db, s, "read the final file's generation", err);
	if (ret > 0)
		*generation = sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	return ret < 0 ? ret : 0;
}

int
sm_joined_set_generation(struct sm_db *db, int64_t generation,
			 struct sm_err *err)
{
	sqlite3_stmt *s = sm_sql_get(db, "UPDATE job SET generation = ?", err);
	int ret;

	if (!s)
		return err->code;
	sqlite3_bind_int64(s, 1, generation);
	ret = sm_sql_run(db, s, "record the final file's generation", err);
	return ret < 0 ? ret : 0;
}

int
sm_joined_token(int64_t *token, struct sm_db *db, uint64_t id,
		struct sm_err *err)
{
	sqlite3_stmt *s = sm_sql_get(db,
				     "SELECT token FROM batch WHERE id = ? AND "
				     "state = 'done' AND joined = token",
				     err);
	int ret;

	if (!s)
		return err->code;
	sqlite3_bind_int64(s, 1, (int64_t)id);
	ret = sm_sql_step(db, s, "look for a joined batch", err);
	if (ret > 0)
		*token = sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	return ret;
}

/* Does the query, with ?1 = `id` if it asks for it, have a row? */
static int
joined_exists(struct sm_db *db, const char *text, uint64_t id,
	      struct sm_err *err)
{
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	int ret;

	if (!s)
		return err->code;
	if (sqlite3_bind_parameter_count(s) > 0)
		sqlite3_bind_int64(s, 1, (int64_t)id);
	ret = sm_sql_step(db, s, "look for joined batches", err);
	sqlite3_reset(s);
	return ret;
}

int
sm_joined_any_behind(struct sm_db *db, uint64_t id, struct sm_err *err)
{
	return joined_exists(db,
			     "SELECT 1 FROM batch WHERE id > ? AND state = "
			     "'done' AND joined = token LIMIT 1",
			     id, err);
}

int
sm_joined_any(struct sm_db *db, struct sm_err *err)
{
	return joined_exists(db,
			     "SELECT 1 FROM batch WHERE state = 'done' AND "
			     "joined = token LIMIT 1",
			     0, err);
}

int
sm_joined_end(uint64_t *end, struct sm_db *db, struct sm_err *err)
{
	static const char text[] =
		"SELECT coalesce(max(joined_at + gz_bytes), 0) FROM batch "
		"WHERE state = 'done' AND joined = token";
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	int ret;

	if (!s)
		return err->code;
	ret = sm_sql_step(db, s, "look for joined batches", err);
	if (ret > 0)
		*end = (uint64_t)sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	return ret < 0 ? ret : 0;
}
