/*
 * joined.c - the columns that say what the final file holds
 *
 * Growing files are described here and nowhere else: per batch, which token's
 * bytes the file has, and where.  A later batch with another token makes the
 * file's end stale.
 */
#include <stdlib.h>

#include "sql.h"

#include "joined.h"

/*
 * By token, since the batch may have been put back and made again after its
 * bytes were added: then the row must not say that the file has them.
 */
int
sm_joined_record(bool *held, struct sm_db *db, uint64_t id, int64_t token,
		 uint64_t at, struct sm_err *err)
{
	int ret = sm_sql_do(db, "record a joined batch",
			    "UPDATE batch SET joined = ?1, joined_at = ?2 "
			    "WHERE id = ?3 AND state = 'done' AND token = ?1",
			    SQL(IN(token), IN(at), IN(id)), err);

	*held = ret == 0 && sm_sql_changed(db) > 0;
	return ret;
}

/* Recover has found these bytes in the file, and made the row from them. */
int
sm_joined_adopt(struct sm_db *db, uint64_t id, uint64_t at, struct sm_err *err)
{
	return sm_sql_do(db, "record a joined batch",
			 "UPDATE batch SET joined = token, joined_at = ? "
			 "WHERE id = ? AND state = 'done'",
			 SQL(IN(at), IN(id)), err);
}

int
sm_joined_forget(struct sm_db *db, struct sm_err *err)
{
	return sm_sql_do(db, "forget what was joined",
			 "UPDATE batch SET joined = NULL, joined_at = NULL "
			 "WHERE joined IS NOT NULL",
			 SQL_NOTHING, err);
}

int
sm_joined_generation(int64_t *generation, struct sm_db *db, struct sm_err *err)
{
	*generation = 0;
	return sm_sql_one(NULL, db, "read the final file's generation",
			  "SELECT generation FROM job", SQL(OUT(generation)),
			  err);
}

int
sm_joined_set_generation(struct sm_db *db, int64_t generation,
			 struct sm_err *err)
{
	return sm_sql_do(db, "record the final file's generation",
			 "UPDATE job SET generation = ?", SQL(IN(generation)),
			 err);
}

int
sm_joined_token(int64_t *token, struct sm_db *db, uint64_t id,
		struct sm_err *err)
{
	*token = 0;
	return sm_sql_one(NULL, db, "look for a joined batch",
			  "SELECT token FROM batch WHERE id = ? AND "
			  "state = 'done' AND joined = token",
			  SQL(IN(id), OUT(token)), err);
}

int
sm_joined_any_behind(bool *any, struct sm_db *db, uint64_t id,
		     struct sm_err *err)
{
	return sm_sql_one(any, db, "look for joined batches",
			  "SELECT 1 FROM batch WHERE id > ? AND state = "
			  "'done' AND joined = token LIMIT 1",
			  SQL(IN(id)), err);
}

int
sm_joined_any(bool *any, struct sm_db *db, struct sm_err *err)
{
	return sm_sql_one(any, db, "look for joined batches",
			  "SELECT 1 FROM batch WHERE state = 'done' AND "
			  "joined = token LIMIT 1",
			  SQL_NOTHING, err);
}

int
sm_joined_end(uint64_t *end, struct sm_db *db, struct sm_err *err)
{
	return sm_sql_one(NULL, db, "look for joined batches",
			  "SELECT coalesce(max(joined_at + gz_bytes), 0) "
			  "FROM batch WHERE state = 'done' AND joined = token",
			  SQL(OUT(end)), err);
}

int
sm_joined_fingerprint(uint64_t *fingerprint, struct sm_db *db, uint64_t id,
		      int64_t token, struct sm_err *err)
{
	char hex[17] = "";
	int ret = sm_sql_one(NULL, db, "look for an attempt",
			     "SELECT fingerprint FROM attempt WHERE batch = ? "
			     "AND token = ?",
			     SQL(IN(id), IN(token), OUT_CHARS(hex)), err);

	*fingerprint = strtoull(hex, NULL, 16);
	return ret;
}
