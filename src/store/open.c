/*
 * open.c - job.db is opened, closed and opened again, and its journal chosen
 *
 * It is above the transactions and the schema, which opening needs: what they
 * need of a connection is in sql.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "lock.h"

#include "sql.h"

/* SQLite refuses paths over 512 bytes; "/job.db-journal" is added to this. */
#define DB_DIR_MAX 500

#define DB_BUSY_SLEEP_MS 5
/* A worker that ends reads on its way, and is not to be kept from it by what
 * takes moments. */
#define DB_PATIENCE_MS   5000
#define DB_JOURNAL_TRIES 20

static bool
db_has_journal(const struct sm_db *db)
{
	struct stat st;

	/* One that cannot be looked at may be there. */
	if (fstatat(db->dirfd, "job.db-wal", &st, 0) == 0 || errno != ENOENT)
		return true;
	if (fstatat(db->dirfd, "job.db-journal", &st, 0) == 0)
		return st.st_size > 0;
	return errno != ENOENT;
}

/*
 * For reading: the URI escapes what would be syntax in it.  `immutable` is for
 * a directory that cannot be written and has no log, where WAL's shared memory
 * could not be made.
 */
static char *
db_uri(const struct sm_db *db)
{
	bool immutable = faccessat(db->dirfd, ".", W_OK, AT_EACCESS) < 0 &&
			 !db_has_journal(db);
	sqlite3_str *s = sqlite3_str_new(NULL);
	const char *p;

	sqlite3_str_appendall(s, "file:");
	for (p = db->path; *p; p++)
		if (strchr("?#%", *p))
			sqlite3_str_appendf(s, "%%%02X", (unsigned char)*p);
		else
			sqlite3_str_appendchar(s, 1, *p);
	sqlite3_str_appendall(s,
			      immutable ? "?mode=ro&immutable=1" : "?mode=ro");
	return sqlite3_str_finish(s);
}

/*
 * SQLite asks its busy handler for none of the locks that a change of the
 * journal takes, and a signal in fcntl() is "busy" to it, too.
 */
static int
db_choose_journal(struct sm_db *db, const char *text, struct sm_err *err)
{
	int tries, ret;

	for (tries = 1;; tries++) {
		ret = sm_sql_exec(db, text, "choose the journal", err);
		if (ret != SM_EBUSY || tries == DB_JOURNAL_TRIES)
			return ret;
		sm_clock_sleep_ms(DB_BUSY_SLEEP_MS);
	}
}

/* Which journal the file has; what writes keeps a rollback journal's name. */
static int
db_look_at_journal(struct sm_db *db, struct sm_err *err)
{
	char mode[16] = "";
	int ret = sm_sql_one(NULL, db, "read the journal mode",
			     "PRAGMA journal_mode", SQL(OUT_CHARS(mode)), err);

	if (ret < 0)
		return ret;
	db->wal = strcmp(mode, "wal") == 0;
	if (!db->wal && db->opts.mode != SM_DB_READ)
		ret = db_choose_journal(db, "PRAGMA journal_mode = TRUNCATE",
					err);
	return ret;
}

static int
db_set_journal(struct sm_db *db, struct sm_err *err)
{
	const char *text = "PRAGMA journal_mode = WAL";
	bool empty = false;
	int ret = 0;

	if (db->opts.network_fs)
		text = "PRAGMA journal_mode = TRUNCATE";
	/* Chosen once, while the file is empty, and never for another's. */
	if (db->opts.mode == SM_DB_CREATE)
		ret = sm_schema_is_empty(&empty, db, err);
	if (ret == 0 && empty)
		ret = db_choose_journal(db, text, err);
	if (ret == 0)
		ret = db_look_at_journal(db, err);
	return ret;
}

/*
 * A read meets an outsider's lock for moments only: a log that is recovered or
 * closed, or a rollback journal's commit; who holds one for longer is told.  In
 * our turn sm_db_begin_write() and sm_db_commit() wait for outsiders
 * themselves, but for the pages that a transaction with a rollback journal
 * writes before its end.
 */
static int
db_busy(void *arg, int calls)
{
	struct sm_db *db = arg;
	int ret;

	if (db->in_turn && (db->wal || !db->in_write))
		return 0;
	if (calls == 0)
		db->busy = (struct sm_outsider_wait){
			.sleep_ms = DB_BUSY_SLEEP_MS,
			.patience_ms = db->wal ? DB_PATIENCE_MS : 0,
			.is_endless = db->opts.wait.patient && !db->in_turn,
		};
	ret = sm_outsider_wait(&db->busy, db, NULL);
	db->gave_up = ret == SM_ESTOPPED;
	return ret == 0;
}

/*
 * A host that died inside a commit leaves a rollback journal to be played back
 * before anybody reads, and a connection that only reads may not do that.
 */
static int
db_play_back(struct sm_db *db, struct sm_err *err)
{
	static const char read[] = "SELECT 1 FROM sqlite_schema LIMIT 1";
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW;
	int rc = sqlite3_exec(db->main, read, NULL, NULL, NULL);
	sqlite3 *conn = NULL, *reads = db->main;
	int ret = 0;

	/* Once waited for is enough; what else is wrong comes up again. */
	if ((rc & 0xff) == SQLITE_BUSY)
		return sm_sql_err(db, rc, "read", err);
	if (rc != SQLITE_READONLY_ROLLBACK)
		return 0;
	rc = sm_sql_connect(db, &conn, flags, db->path);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_handler(conn, db_busy, db);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(conn, read, NULL, NULL, NULL);
	if (rc != SQLITE_OK) {
		db->main = conn;
		ret = sm_sql_err(db, rc, "undo a commit that was cut short",
				 err);
		db->main = reads;
		if (err && (err->sys == EACCES || err->sys == EROFS))
			sm_err_append(err, "; whoever may write to it does "
					   "that by reading");
	}
	sqlite3_close(conn);
	return ret;
}

/* Both connections and the queue, on db->path. */
static int
db_connect_all(struct sm_db *db, struct sm_err *err)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, rc;
	char *uri = NULL;
	int ret = 0;

	if (db->opts.mode == SM_DB_CREATE)
		flags |= SQLITE_OPEN_CREATE;
	if (db->opts.mode == SM_DB_READ) {
		flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
		uri = db_uri(db);
	}
	rc = sm_sql_connect(db, &db->main, flags, uri ? uri : db->path);
	sqlite3_free(uri);
	if (rc != SQLITE_OK)
		return sm_sql_err(db, rc, "open the database", err);
	if (db->opts.mode != SM_DB_READ) {
		ret = sm_queue_open(&db->queue_fd, db->dirfd, "write.lock",
				    err);
		if (ret < 0)
			return ret;
		sm_line_open(&db->line, db->queue_fd);
	}
	sqlite3_busy_handler(db->main, db_busy, db);
	if (db->opts.mode == SM_DB_READ)
		ret = db_play_back(db, err);
	if (ret == 0)
		ret = db_set_journal(db, err);
	if (ret < 0)
		return ret;
	/* A log that grew under a long reader shrinks when it begins anew. */
	ret = sm_sql_exec(db, "PRAGMA journal_size_limit = 8388608",
			  "limit the log", err);
	if (ret < 0)
		return ret;
	return sm_db_set_full_sync(db, db->full_sync, err);
}

static void
db_disconnect(struct sm_db *db)
{
	size_t i;

	sm_db_rollback(db);
	for (i = 0; i < db->cached; i++)
		sqlite3_finalize(db->cache[i].stmt);
	db->cached = 0;
	db->rows = NULL;
	sqlite3_close(db->guard);
	sqlite3_close(db->main);
	db->guard = db->main = NULL;
	sm_line_close(&db->line);
	if (db->queue_fd >= 0)
		close(db->queue_fd);
	db->queue_fd = -1;
	db->wal_pages = db->checkpointed_at = 0;
}

/* What is there must be our database before SQLite writes a byte to it. */
static int
db_examine(struct sm_db *db, struct sm_err *err)
{
	struct stat st;

	if (fstatat(db->dirfd, "job.db", &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (db->opts.mode == SM_DB_CREATE && errno == ENOENT)
			return 0;
		return sm_err_sys_as(err, SM_EINPUT,
				     "no job in '%s': cannot find job.db",
				     db->path);
	}
	if (!S_ISREG(st.st_mode))
		return sm_err_set(err, SM_EREFUSED,
				  "'%s' is not a regular file", db->path);
	/* SQLite does not see that mode's locks, and both would write. */
	if (fstatat(db->dirfd, "job.db-tshm", &st, AT_SYMLINK_NOFOLLOW) == 0)
		return sm_err_set(err, SM_EREFUSED,
				  "'%s-tshm' is there: another engine (Turso, "
				  "multiprocess_wal) has or had '%s' open in a "
				  "way that damages it beside SQLite; end "
				  "that program, remove the file, then "
				  "'shardmill verify'",
				  db->path, db->path);
	return 0;
}

int
sm_db_open(struct sm_db **out, const char *dir, int dirfd,
	   const struct sm_db_opts *opts, struct sm_err *err)
{
	struct sm_db *db;
	int ret;

	if (strlen(dir) > DB_DIR_MAX)
		return sm_err_set(
			err, SM_EINPUT,
			"the path of the job is %zu bytes long, and "
			"SQLite opens none over %d; use a shorter one",
			strlen(dir), DB_DIR_MAX);
	db = calloc(1, sizeof(*db));
	if (!db)
		return sm_err_mem(err, "the database");
	pthread_mutex_init(&db->queued, NULL);
	db->queue_fd = -1;
	db->dirfd = dirfd;
	db->opts = *opts;
	db->full_sync = true;
	if (opts->mode == SM_DB_READ && opts->wait.limit_s <= 0)
		db->opts.wait.limit_s = SM_OUTSIDER_LIMIT_S;
	if (asprintf(&db->path, "%s/job.db", dir) < 0) {
		db->path = NULL;
		ret = sm_err_mem(err, "the database");
		goto fail;
	}
	ret = db_examine(db, err);
	if (ret < 0)
		goto fail;
	ret = db_connect_all(db, err);
	if (ret < 0)
		goto fail;
	ret = sm_schema_check(db, err);
	if (ret == 0 && opts->mode == SM_DB_CREATE)
		ret = sm_schema_create(db, err);
	if (ret < 0)
		goto fail;
	*out = db;
	return 0;

fail:
	sm_db_close(db);
	return ret;
}

int
sm_db_reopen(struct sm_db *db, struct sm_err *err)
{
	db_disconnect(db);
	return db_connect_all(db, err);
}

void
sm_db_keep_log(struct sm_db *db)
{
	db->keep_log = true;
	sqlite3_db_config(db->main, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (db->guard)
		sqlite3_db_config(db->guard, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
				  1, NULL);
}

void
sm_db_close(struct sm_db *db)
{
	if (!db)
		return;
	db_disconnect(db);
	pthread_mutex_destroy(&db->queued);
	free(db->path);
	free(db);
}

int
sm_db_has_job(bool *has, struct sm_db *db, struct sm_err *err)
{
	int ret = sm_sql_one(has, db, "look for the job",
			     "SELECT 1 FROM sqlite_schema WHERE name = 'job'",
			     SQL_NOTHING, err);

	if (ret == 0 && *has)
		ret = sm_sql_one(has, db, "look for the job",
				 "SELECT 1 FROM job", SQL_NOTHING, err);
	return ret;
}

int
sm_db_set_full_sync(struct sm_db *db, bool full, struct sm_err *err)
{
	/* A rollback journal is for file systems that deserve no less. */
	db->full_sync = full || !db->wal;
	return sm_sql_exec(db,
			   db->full_sync ? "PRAGMA synchronous = FULL"
					 : "PRAGMA synchronous = NORMAL",
			   "set synchronous", err);
}

int
sm_db_leave_wal(struct sm_db *db, struct sm_err *err)
{
	int ret;

	if (!db->wal)
		return 0;
	sqlite3_close(db->guard);
	db->guard = NULL;
	ret = sm_sql_exec(db, "PRAGMA journal_mode = TRUNCATE",
			  "leave the log, which nobody else may have open",
			  err);
	if (ret == 0)
		ret = db_look_at_journal(db, err);
	if (ret == 0 && db->wal)
		ret = sm_err_set(err, SM_EBUSY,
				 "cannot choose a rollback journal for '%s': "
				 "somebody has it open; end that, then try "
				 "again",
				 db->path);
	if (ret == 0)
		ret = sm_db_set_full_sync(db, true, err);
	return ret;
}

int
sm_db_enter_wal(bool *entered, struct sm_db *db, struct sm_err *err)
{
	int ret;

	*entered = false;
	if (db->wal)
		return 0;
	/* Of a reader, which it would wait for, the caller hears at once. */
	sqlite3_busy_handler(db->main, NULL, NULL);
	ret = db_choose_journal(db, "PRAGMA journal_mode = WAL", err);
	sqlite3_busy_handler(db->main, db_busy, db);
	if (ret == 0)
		ret = db_look_at_journal(db, err);
	*entered = ret == 0 && db->wal;
	return ret;
}

int
sm_db_integrity(int *n, struct sm_db *db, void (*found)(const char *, void *),
		void *arg, struct sm_err *err)
{
	static const char what[] = "check the database";
	char *text = NULL;
	sqlite3_stmt *s;
	int ret = sm_sql_begin(&s, db, "PRAGMA integrity_check(20)",
			       SQL(OUT(&text)), err);

	*n = 0;
	if (ret < 0)
		return ret;
	while ((ret = sm_sql_next(s, db, what, SQL(OUT(&text)), err)) > 0) {
		if (strcmp(text, "ok") != 0) {
			/* A page that cannot be read is no finding. */
			if (sm_sql_disk_failed(db)) {
				ret = sm_sql_err(db, SQLITE_CORRUPT, what, err);
				break;
			}
			if (found)
				found(text, arg);
			++*n;
		}
		free(text);
		text = NULL;
	}
	free(text);
	return sm_sql_end(s, ret);
}

bool
sm_db_has_log(const struct sm_db *db)
{
	return db->wal;
}
