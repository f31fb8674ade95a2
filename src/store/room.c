/*
 * Writes how many batches may be made at once.  It is apart from batch_end.c,
 * which writes what became of one batch.
 */
#include "sql.h"

#include "room.h"

int
sm_room_shrink(struct sm_room *room, struct sm_db *db, int commands,
	       struct sm_err *err)
{
	int limit = 0;
	bool found;
	int ret = sm_sql_one(&found, db, "count running batches",
			     "SELECT (SELECT count(*) FROM batch "
			     "WHERE state = 'running'), coalesce(at_once, 0) "
			     "FROM job",
			     SQL(OUT(&room->ran), OUT(&limit)), err);

	if (ret < 0)
		return ret;
	if (room->ran < commands)
		room->ran = commands;
	room->at_once = room->ran / 2;
	if (limit > 0 && limit < room->at_once)
		room->at_once = limit;
	if (room->at_once == 0)
		return 0;
	return sm_sql_do(db, "let fewer batches run at once",
			 "UPDATE job SET at_once = ?1, "
			 "at_once_left = ?1 * at_once_rounds",
			 SQL(IN(room->at_once)), err);
}

/* So many rounds at most: what brings memory to its end may be over. */
#define DOUBLE                                                                 \
	"UPDATE job SET at_once = iif(2 * at_once < workers, 2 * at_once, "    \
	"NULL), at_once_rounds = min(2 * at_once_rounds, 16), "                \
	"at_once_left = 2 * at_once * min(2 * at_once_rounds, 16) "            \
	"WHERE at_once_left <= 0 AND at_once IS NOT NULL "                     \
	"RETURNING coalesce(at_once, 0)"

int
sm_room_grow(int *at_once, struct sm_db *db, struct sm_err *err)
{
	bool found = false;
	int ret = sm_sql_do(db, "count a batch towards more at once",
			    "UPDATE job SET at_once_left = at_once_left - 1 "
			    "WHERE at_once IS NOT NULL",
			    SQL_NOTHING, err);

	*at_once = -1;
	if (ret < 0 || sm_sql_changed(db) == 0)
		return ret;
	return sm_sql_one(&found, db, "let more batches run at once", DOUBLE,
			  SQL(OUT(at_once)), err);
}
