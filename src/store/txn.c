/*
 * txn.c - write transactions: the queue, BEGIN IMMEDIATE, COMMIT, checkpoints
 *
 * They are apart from what is written in them because their order is delicate:
 * signals are blocked, then the queue is entered, then SQLite's lock is taken,
 * and a checkpoint may only be made with both held.
 */
#include <errno.h>
#include <signal.h>

#include "clock.h"
#include "fault.h"
#include "lock.h"

#include "sql.h"

/*
 * A log of 500 pages (2 MB) stays in the page cache and is copied back in
 * milliseconds; a reader that never ends would otherwise cost a futile
 * checkpoint at every commit.
 */
#define CHECKPOINT_PAGES 500

#define WAIT_POLL_MS 50
#define TURN_POLL_MS 5

static void
turn_begin_signals(struct sm_db *db)
{
	sigset_t block;

	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGHUP);
	sigaddset(&block, SIGTSTP);
	pthread_sigmask(SIG_BLOCK, &block, &db->signals);
}

void
sm_db_queue_is_looked_at(struct sm_db *db, bool looked_at)
{
	db->queue_is_looked_at = looked_at;
}

/* What the other thread sees of a wait (outsider.c). */
static void
turn_waits(struct sm_db *db, uint64_t since_ms)
{
	pthread_mutex_lock(&db->queued);
	db->queued_ms = since_ms;
	db->queued_told = false;
	pthread_mutex_unlock(&db->queued);
}

/*
 * Workers and the supervisor wait in the kernel's queue, with their signals
 * open: a handler that runs ends the wait.
 */
static int
turn_queue(struct sm_db *db, struct sm_err *err)
{
	bool entered = false;
	int ret = 0;

	turn_waits(db, sm_clock_ms());
	while (ret == 0 && !entered) {
		entered = sm_line_enter(&db->line, db->queue_fd) == 0;
		if (!entered && errno != EINTR)
			ret = sm_err_sys(err, "cannot queue for '%s'",
					 db->path);
		else if (!entered)
			ret = sm_outsider_stopped(db, err);
	}
	turn_waits(db, 0);
	return ret;
}

/*
 * Ask again and again: a command of a person's, which gives up in time, and who
 * has no other thread to tell of the wait, until it has told once.
 */
static int
turn_poll(bool *entered, struct sm_db *db, struct sm_err *err)
{
	struct sm_outsider_wait wait = { .sleep_ms = TURN_POLL_MS,
					 .queues = true };
	bool ends = db->opts.wait.limit_s > 0;
	int ret = 0;

	*entered = false;
	while (ret == 0 && (ends || wait.told_ms == wait.begun_ms)) {
		ret = sm_queue_try(db->queue_fd);
		if (ret < 0)
			return sm_err_sys(err, "cannot queue for '%s'",
					  db->path);
		*entered = ret > 0;
		if (*entered)
			return 0;
		ret = sm_outsider_wait(&wait, db, err);
	}
	return ret;
}

static int
turn_begin(struct sm_db *db, struct sm_err *err)
{
	bool entered = false;
	int ret = 0;

	/* Nobody whose wait is looked at asks first: that would be to pass by
	 * those who stand in line. */
	if (db->opts.wait.limit_s > 0 || !db->queue_is_looked_at)
		ret = turn_poll(&entered, db, err);
	if (ret == 0 && !entered)
		ret = turn_queue(db, err);
	if (ret < 0)
		return ret;
	turn_begin_signals(db);
	db->in_turn = true;
	return 0;
}

static void
turn_end(struct sm_db *db)
{
	if (!db->in_turn)
		return;
	db->in_turn = false;
	sm_queue_leave(db->queue_fd);
	pthread_sigmask(SIG_SETMASK, &db->signals, NULL);
}

void
sm_db_hear_signals(struct sm_db *db)
{
	if (db->in_turn)
		pthread_sigmask(SIG_SETMASK, &db->signals, NULL);
}

/*
 * Repeat `sql`, which an outsider may answer with SQLITE_BUSY.  What db_busy()
 * waited for it counts as well.
 */
static int
wait_exec(struct sm_db *db, const char *sql, int *rc, struct sm_err *err)
{
	uint64_t now = sm_clock_ms();
	struct sm_outsider_wait wait = { .sleep_ms = WAIT_POLL_MS,
					 .begun_ms = now,
					 .told_ms = now };
	sqlite3_stmt *s;
	int ret = sm_sql_begin(&s, db, sql, SQL_NOTHING, err);

	while (ret == 0) {
		*rc = sqlite3_step(s);
		sqlite3_reset(s);
		if (*rc == SQLITE_DONE)
			*rc = SQLITE_OK;
		if ((*rc & 0xff) != SQLITE_BUSY)
			return 0;
		ret = sm_outsider_wait(&wait, db, err);
	}
	return ret;
}

int
sm_db_begin_write(struct sm_db *db, struct sm_err *err)
{
	int ret, rc = SQLITE_IOERR;

	if (db->in_write)
		return sm_err_set(err, SM_EBUG, "nested write transaction");
	ret = turn_begin(db, err);
	if (ret < 0)
		return ret;
	if (!sm_fault_errno("sql.step"))
		ret = wait_exec(db, "BEGIN IMMEDIATE", &rc, err);
	if (ret == 0 && rc != SQLITE_OK)
		ret = sm_sql_err(db, rc, "begin a transaction", err);
	if (ret < 0) {
		turn_end(db);
		return ret;
	}
	db->in_write = true;
	sm_fault("db.begun");
	return 0;
}

/*
 * Copy the log back, with the write lock held by the second connection.  What
 * fails here costs nothing but a longer log.
 */
static void
checkpoint_in_turn(struct sm_db *db)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW;

	db->checkpointed_at = db->wal_pages;
	if (db->keep_log)
		return;
	if (!db->guard &&
	    sm_sql_connect(db, &db->guard, flags, db->path) != SQLITE_OK) {
		sqlite3_close(db->guard);
		db->guard = NULL;
		return;
	}
	if (sqlite3_exec(db->guard, "BEGIN IMMEDIATE", NULL, NULL, NULL) !=
	    SQLITE_OK)
		return;
	sm_fault("db.checkpoint");
	sqlite3_wal_checkpoint_v2(db->main, NULL, SQLITE_CHECKPOINT_PASSIVE,
				  NULL, NULL);
	sqlite3_exec(db->guard, "ROLLBACK", NULL, NULL, NULL);
}

static bool
checkpoint_is_due(struct sm_db *db)
{
	if (db->wal_pages < db->checkpointed_at)
		db->checkpointed_at = 0; /* the log began anew */
	return db->wal && db->wal_pages >= CHECKPOINT_PAGES &&
	       db->wal_pages - db->checkpointed_at >= CHECKPOINT_PAGES;
}

/* COMMIT failed: whether it took effect is for the caller to find out. */
static int
commit_failed(struct sm_db *db, int rc, struct sm_err *err)
{
	int class = sm_sql_err(db, rc, "commit", err);

	if (err) {
		err->code = SM_EUNKNOWN;
		err->sys = class;
	}
	return SM_EUNKNOWN;
}

bool
sm_db_is_full(const struct sm_err *why)
{
	return why->code == SM_ENOSPC ||
	       (why->code == SM_EUNKNOWN && why->sys == SM_ENOSPC);
}

int
sm_db_commit(struct sm_db *db, struct sm_err *err)
{
	int rc = SQLITE_IOERR, ret = 0;

	if (!db->in_write)
		return sm_err_set(err, SM_EBUG, "commit outside a transaction");
	sm_fault("db.before_commit");
	if (!sm_fault_errno("db.commit"))
		ret = wait_exec(db, "COMMIT", &rc, err);
	if (rc == SQLITE_OK && sm_fault_errno("db.commit_unsaid"))
		rc = SQLITE_IOERR; /* it took effect all the same */
	if (ret == 0 && rc != SQLITE_OK)
		ret = commit_failed(db, rc, err);
	if (ret < 0) {
		sm_db_rollback(db);
		return ret;
	}
	db->in_write = false;
	sm_fault("db.committed");
	if (checkpoint_is_due(db))
		checkpoint_in_turn(db);
	turn_end(db);
	return 0;
}

void
sm_db_rollback(struct sm_db *db)
{
	if (db->in_write) {
		db->in_write = false;
		sqlite3_exec(db->main, "ROLLBACK", NULL, NULL, NULL);
	}
	turn_end(db);
}

int
sm_db_checkpoint(struct sm_db *db, struct sm_err *err)
{
	int ret;

	if (!db->wal)
		return 0;
	ret = turn_begin(db, err);
	if (ret < 0)
		return ret;
	checkpoint_in_turn(db);
	turn_end(db);
	return 0;
}
