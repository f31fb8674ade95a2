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
	static const char text[] =
		"INSERT INTO worker (slot, pid, pid_start, host, supervised, "
		"started) VALUES (?, ?, ?, ?, ?, ?)";
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	int ret;

	if (!s)
		return err->code;
	sqlite3_bind_int(s, 1, w->slot);
	sqlite3_bind_int64(s, 2, w->pid);
	sqlite3_bind_int64(s, 3, (int64_t)w->pid_start);
	sm_sql_bind_text(s, 4, host);
	sqlite3_bind_int(s, 5, w->supervised);
	sqlite3_bind_double(s, 6, w->started);
	ret = sm_sql_run(db, s, "register a worker", err);
	if (ret < 0)
		return ret;
	w->id = sqlite3_last_insert_rowid(db->main);
	return 0;
}

int
sm_worker_end(struct sm_db *db, int64_t id, double at, struct sm_err *err)
{
	static const char text[] =
		"UPDATE worker SET ended = ? WHERE id = ? AND ended IS NULL";
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	int ret;

	if (!s)
		return err->code;
	sqlite3_bind_double(s, 1, at);
	sqlite3_bind_int64(s, 2, id);
	ret = sm_sql_run(db, s, "end a worker", err);
	return ret < 0 ? ret : 0;
}

int
sm_worker_is_open(struct sm_db *db, int64_t id, struct sm_err *err)
{
	sqlite3_stmt *s = sm_sql_get(
		db, "SELECT 1 FROM worker WHERE id = ? AND ended IS NULL", err);
	int ret;

	if (!s)
		return err->code;
	sqlite3_bind_int64(s, 1, id);
	ret = sm_sql_step(db, s, "look for a worker", err);
	sqlite3_reset(s);
	return ret;
}

int
sm_worker_elsewhere(char host[SM_WORKER_HOST_MAX], struct sm_db *db,
		    struct sm_err *err)
{
	static const char text[] =
		"SELECT host FROM worker INDEXED BY worker_alive "
		"WHERE ended IS NULL AND host <> ? LIMIT 1";
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	int ret;

	if (!s)
		return err->code;
	sm_worker_this_host(host);
	sm_sql_bind_text(s, 1, host);
	ret = sm_sql_step(db, s, "look for another host's workers", err);
	if (ret > 0)
		snprintf(host, SM_WORKER_HOST_MAX, "%s",
			 (const char *)sqlite3_column_text(s, 0));
	sqlite3_reset(s);
	return ret;
}

int
sm_worker_next(struct sm_worker *w, struct sm_db *db, int64_t after,
	       struct sm_err *err)
{
	static const char text[] =
		"SELECT id, slot, pid, pid_start, supervised, started "
		"FROM worker INDEXED BY worker_alive "
		"WHERE ended IS NULL AND id > ? ORDER BY id LIMIT 1";
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	int ret;

	if (!s)
		return err->code;
	sqlite3_bind_int64(s, 1, after);
	ret = sm_sql_step(db, s, "read the workers", err);
	if (ret <= 0)
		return ret;
	w->id = sqlite3_column_int64(s, 0);
	w->slot = sqlite3_column_int(s, 1);
	w->pid = sqlite3_column_int64(s, 2);
	w->pid_start = (uint64_t)sqlite3_column_int64(s, 3);
	w->supervised = sqlite3_column_int(s, 4);
	w->started = sqlite3_column_double(s, 5);
	sqlite3_reset(s);
	return 1;
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
