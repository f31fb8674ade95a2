/*
 * worker.c - workers are recorded, ended and listed
 *
 * A row tells who took part.  Whether it lives is not in the row but in the
 * lock byte, which no crash can leave behind.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sql.h"

#include "worker.h"

void
sm_worker_this_host(char host[SM_WORKER_HOST_MAX])
{
	if (gethostname(host, SM_WORKER_HOST_MAX) < 0)
		snprintf(host, SM_WORKER_HOST_MAX, "unknown");
	host[SM_WORKER_HOST_MAX - 1] = '\0';
}

int
sm_worker_insert(struct sm_db *db, struct sm_worker *w, const char *host,
		 struct sm_err *err)
{
	int ret = sm_sql_do(db, "register a worker",
			    "INSERT INTO worker (slot, pid, pid_start, host, "
			    "supervised, started, run) VALUES (?, ?, ?, ?, ?, "
			    "?, coalesce(nullif(?, 0), (SELECT max(id) "
			    "FROM run WHERE command = 'run')))",
			    SQL(IN(w->slot), IN(w->pid), IN(w->pid_start),
				IN(host), IN(w->supervised), IN(w->started),
				IN(w->run)),
			    err);

	if (ret == 0)
		w->id = sqlite3_last_insert_rowid(db->main);
	return ret;
}

/*
 * Whoever comes first ends it, the worker itself or its rescuer; the second
 * finds the row ended and changes nothing.
 */
int
sm_worker_end(struct sm_db *db, int64_t id, double at, struct sm_err *err)
{
	return sm_sql_do(db, "end a worker",
			 "UPDATE worker SET ended = ? "
			 "WHERE id = ? AND ended IS NULL",
			 SQL(IN(at), IN(id)), err);
}

int
sm_worker_is_open(bool *open, struct sm_db *db, int64_t id, struct sm_err *err)
{
	return sm_sql_one(open, db, "look for a worker",
			  "SELECT 1 FROM worker WHERE id = ? AND ended IS NULL",
			  SQL(IN(id)), err);
}

/*
 * Any open row of another host counts, dead or alive: its lock bytes cannot be
 * asked for on a file system that does not pass locks on.
 */
int
sm_worker_elsewhere(char host[SM_WORKER_HOST_MAX], struct sm_db *db,
		    struct sm_err *err)
{
	char here[SM_WORKER_HOST_MAX];

	host[0] = '\0';
	sm_worker_this_host(here);
	return sm_sql_one(
		NULL, db, "look for another host's workers",
		"SELECT host FROM worker INDEXED BY worker_alive "
		"WHERE ended IS NULL AND host <> ? LIMIT 1",
		SQL(IN(here), sm_sql_to_chars(host, SM_WORKER_HOST_MAX)), err);
}

/*
 * One row a call, by id: no statement stays open while the caller writes to the
 * table that it reads.
 */
int
sm_worker_next(struct sm_worker *w, struct sm_db *db, int64_t after,
	       struct sm_err *err)
{
	bool found;
	int ret = sm_sql_one(&found, db, "read the workers",
			     "SELECT id, slot, pid, pid_start, supervised, "
			     "started FROM worker INDEXED BY worker_alive "
			     "WHERE ended IS NULL AND id > ? "
			     "ORDER BY id LIMIT 1",
			     SQL(IN(after), OUT(&w->id), OUT(&w->slot),
				 OUT(&w->pid), OUT(&w->pid_start),
				 OUT(&w->supervised), OUT(&w->started)),
			     err);

	return ret == 0 && found ? 1 : ret;
}

int
sm_worker_list(struct sm_worker **list, size_t *n, struct sm_db *db,
	       struct sm_err *err)
{
	struct sm_worker w = { 0 }, *p;
	size_t room = 0;
	int ret;

	*list = NULL;
	*n = 0;
	while ((ret = sm_worker_next(&w, db, w.id, err)) > 0) {
		if (*n == room) {
			room = room ? 2 * room : 64;
			p = realloc(*list, room * sizeof(**list));
			if (!p) {
				ret = sm_err_mem(err, "the list of workers");
				break;
			}
			*list = p;
		}
		(*list)[(*n)++] = w;
	}
	if (ret < 0) {
		free(*list);
		*list = NULL;
		*n = 0;
	}
	return ret;
}
