/*
 * runs.c - the rows of `run` and `pause`
 *
 * They are a history for people and reports: nothing that the program decides
 * depends on them.  They are apart from job.c, which has the one row that does.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <shardmill.h>

#include "sql.h"
#include "worker.h"

#include "runs.h"

/* Of the run's own workers; `after` keeps this to the attempts of its time. */
#define RUN_COUNTS                                                             \
	"done = (SELECT count(*) FROM attempt AS a JOIN worker AS w "          \
	"ON w.id = a.worker WHERE a.id > run.after AND a.outcome = 'done' "    \
	"AND w.run = run.id), "                                                \
	"failed = (SELECT count(*) FROM batch AS b "                           \
	"WHERE b.state = 'failed' AND EXISTS (SELECT 1 FROM attempt AS a "     \
	"JOIN worker AS w ON w.id = a.worker WHERE a.batch = b.id "            \
	"AND a.id > run.after AND a.reason IS NOT NULL AND w.run = run.id)) "

/*
 * When a killed run still did something.  8,192 attempts are more than there
 * can be in hand at once, twice.
 */
#define RUN_LAST_SIGN                                                          \
	"max(started, coalesce((SELECT max(max(a.started, "                    \
	"coalesce(a.ended, 0))) FROM (SELECT started, ended FROM attempt "     \
	"WHERE id > run.after ORDER BY id DESC LIMIT 8192) AS a), 0))"

void
sm_runs_why(struct sm_runs_end *end, const struct sm_err *err)
{
	size_t n;

	snprintf(end->why, sizeof(end->why), "%s", err->text);
	/* A name in quotes may have a semicolon of its own. */
	n = strcspn(end->why, ";'");
	if ((err->code == SM_EWORK || err->code == SM_ESTOPPED) &&
	    end->why[n] == ';')
		end->why[n] = '\0';
}

int
sm_runs_begin(int64_t *id, struct sm_db *db, bool work, double now,
	      struct sm_err *err)
{
	const char *command = "run";
	char host[SM_WORKER_HOST_MAX];
	int ret;

	if (work)
		command = "work";
	sm_worker_this_host(host);
	ret = sm_sql_do(db, "record the run",
			"INSERT INTO run (command, started, host, pid, "
			"version, workers, after) VALUES (?1, ?2, ?3, ?4, ?5, "
			"iif(?1 = 'work', 1, (SELECT workers FROM job)), "
			"(SELECT coalesce(max(id), 0) FROM attempt))",
			SQL(IN(command), IN(now), IN(host),
			    IN((int64_t)getpid()), IN(SHARDMILL_VERSION)),
			err);
	if (ret == 0)
		*id = sqlite3_last_insert_rowid(db->main);
	return ret;
}

int
sm_runs_end(struct sm_db *db, int64_t id, const struct sm_runs_end *end,
	    struct sm_err *err)
{
	return sm_sql_do(db, "record the run's end",
			 "UPDATE run SET ended = ?, why = ?, exit_status = ?, "
			 "signal = ?, " RUN_COUNTS "WHERE id = ? "
			 "AND ended IS NULL",
			 SQL(IN(end->at), IN(end->why),
			     IN_OPT(end->exit_status), IN_OPT(end->signal),
			     IN(id)),
			 err);
}

int
sm_runs_go_on(struct sm_db *db, int64_t id, struct sm_err *err)
{
	return sm_sql_do(db, "record the run",
			 "UPDATE run SET ended = NULL, why = NULL, "
			 "done = NULL, failed = NULL WHERE id = ?",
			 SQL(IN(id)), err);
}

int
sm_runs_end_killed(struct sm_db *db, const char *why, struct sm_err *err)
{
	return sm_sql_do(db, "record a run's end",
			 "UPDATE run SET ended = " RUN_LAST_SIGN
			 ", why = ?, " RUN_COUNTS
			 "WHERE ended IS NULL AND command = 'run'",
			 SQL(IN(why)), err);
}

int
sm_runs_end_worker(struct sm_db *db, int64_t worker, struct sm_err *err)
{
	return sm_sql_do(db, "record a run's end",
			 "UPDATE run SET ended = " RUN_LAST_SIGN
			 ", why = ?, " RUN_COUNTS
			 "WHERE ended IS NULL AND command = 'work' AND id = "
			 "(SELECT run FROM worker WHERE id = ?)",
			 SQL(IN(SM_RUNS_KILLED), IN(worker)), err);
}

int
sm_runs_pause_is_noted(bool *noted, struct sm_db *db, struct sm_err *err)
{
	return sm_sql_one(noted, db, "look for a pause",
			  "SELECT 1 FROM job WHERE paused = EXISTS "
			  "(SELECT 1 FROM pause WHERE ended IS NULL)",
			  SQL_NOTHING, err);
}

int
sm_runs_note_pause(struct sm_db *db, double now, struct sm_err *err)
{
	int ret = sm_sql_do(db, "record a pause",
			    "UPDATE pause SET ended = ? WHERE ended IS NULL "
			    "AND NOT (SELECT paused FROM job)",
			    SQL(IN(now)), err);

	if (ret < 0)
		return ret;
	return sm_sql_do(db, "record a pause",
			 "INSERT INTO pause (started) SELECT ? FROM job "
			 "WHERE paused AND NOT EXISTS "
			 "(SELECT 1 FROM pause WHERE ended IS NULL)",
			 SQL(IN(now)), err);
}

int
sm_runs_last(bool *found, struct sm_status_run *r, struct sm_db *db,
	     struct sm_err *err)
{
	static const char text[] =
		"SELECT r.id, r.command, r.started, r.ended, r.host, r.pid, "
		"r.version, r.why, r.exit_status, r.signal, v.done, v.failed "
		"FROM run AS r JOIN runs AS v ON v.run = r.id "
		"ORDER BY r.command = 'run' DESC, r.id DESC LIMIT 1";

	*r = (struct sm_status_run){ 0 };
	return sm_sql_one(found, db, "read the runs", text,
			  SQL(OUT(&r->id), OUT(&r->command), OUT(&r->started),
			      OUT(&r->ended), OUT(&r->host), OUT(&r->pid),
			      OUT(&r->version), OUT(&r->why),
			      OUT_OPT(&r->exit_status), OUT_OPT(&r->signal),
			      OUT(&r->done), OUT(&r->failed)),
			  err);
}
