/*
 * sql.c - one connection and its statements; SQLite's errors as ours
 *
 * The only place that prepares, binds and steps: what the other files of the
 * store say to SQLite goes through sm_sql_do(), sm_sql_one() and sm_sql_next().
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "errfile.h"
#include "fault.h"
#include "libc.h"

#include "sql.h"

static int
sql_wal_hook(void *arg, sqlite3 *conn, const char *name, int pages)
{
	struct sm_db *db = arg;

	(void)conn;
	(void)name;
	db->wal_pages = pages;
	return SQLITE_OK;
}

/*
 * A connection that trusts nothing in the file: no extensions, no functions
 * with side effects in views, no writing of the schema's own tables.
 */
int
sm_sql_connect(struct sm_db *db, sqlite3 **conn, int flags, const char *path)
{
	int rc;

	sm_sql_before_connect();
	rc = sqlite3_open_v2(path, conn, flags | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_extended_result_codes(*conn, 1);
	sqlite3_db_config(*conn, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(*conn, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(*conn, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0,
			  NULL);
	sqlite3_wal_autocheckpoint(*conn, 0);
	if (conn == &db->main)
		sqlite3_wal_hook(*conn, sql_wal_hook, db);
	return SQLITE_OK;
}

int
sm_sql_class(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return SM_ENOSPC;
	case SQLITE_NOMEM:
		return SM_ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return SM_EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return SM_EDAMAGED;
	case SQLITE_CONSTRAINT:
	case SQLITE_ERROR:
	case SQLITE_MISMATCH:
	case SQLITE_MISUSE:
		return SM_EBUG;
	default:
		return SM_EIO;
	}
}

static bool
sql_is_space(int sys)
{
	return sys == ENOSPC || sys == EDQUOT;
}

/*
 * Which of the database's files may this process not read and write, or make?
 * SQLite opens those for reading then, and says of a write only that it failed.
 */
static const char *
sql_denied(struct sm_db *db)
{
	static const char *const names[] = { "job.db", "job.db-wal",
					     "job.db-shm", "job.db-journal",
					     "." };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (faccessat(db->dirfd, names[i], R_OK | W_OK, AT_EACCESS) <
			    0 &&
		    errno == EACCES)
			return names[i];
	return NULL;
}

/*
 * After a crash the log has commits that are read by an index in shared memory;
 * who reads first makes it, in a file of this directory.
 */
static bool
sql_log_needs_writer(struct sm_db *db)
{
	struct stat st;

	return db->opts.mode == SM_DB_READ &&
	       faccessat(db->dirfd, ".", W_OK, AT_EACCESS) < 0 &&
	       fstatat(db->dirfd, "job.db-wal", &st, 0) == 0 &&
	       st.st_size > 0 &&
	       faccessat(db->dirfd, "job.db-shm", F_OK, AT_EACCESS) < 0;
}

/* What to do next, by class and by what the system said. */
static void
sql_add_advice(struct sm_db *db, int class, int sys, struct sm_err *err)
{
	const char *denied = class == SM_EIO ? sql_denied(db) : NULL;
	const char *next = NULL;
	char who[160];

	if (class == SM_EBUSY) {
		sm_outsider_tell(who, sizeof(who), db);
		sm_err_append(err, "; %s; end it there, then try again", who);
	} else if (class == SM_EIO && sql_log_needs_writer(db)) {
		sm_err_append(err,
			      "; a crash left the log 'job.db-wal', which "
			      "must be read once by somebody who may write in "
			      "this directory: 'shardmill status' does it");
		sm_err_add_owner(err, db->dirfd, ".");
	} else if (denied) {
		sm_err_append(err, "; '%s' may not be written", denied);
		sm_err_add_owner(err, db->dirfd, denied);
	} else if (class == SM_EDAMAGED) {
		next = "; the shards are safe: 'shardmill recover' rebuilds "
		       "the database from them";
	} else if (class == SM_ENOSPC) {
		next = sm_err_advice_in(sql_is_space(sys) ? sys : ENOSPC,
					db->dirfd);
	} else if (class == SM_EIO) {
		next = sm_err_advice_in(sys, db->dirfd);
		if (!next)
			next = "; check the disk, then run the same command "
			       "again";
	}
	if (next)
		sm_err_append(err, "%s", next);
}

/* The last errno of a file that SQLite has open, or 0. */
static int
sql_file_errno(sqlite3_file *f)
{
	int sys = 0;

	if (f && f->pMethods)
		f->pMethods->xFileControl(f, SQLITE_FCNTL_LAST_ERRNO, &sys);
	return sys;
}

static int
sql_journal_errno(struct sm_db *db)
{
	sqlite3_file *journal = NULL;

	sqlite3_file_control(db->main, "main", SQLITE_FCNTL_JOURNAL_POINTER,
			     &journal);
	return sql_file_errno(journal);
}

bool
sm_sql_disk_failed(struct sm_db *db)
{
	sqlite3_file *file = NULL;

	if (!db->main)
		return false;
	sqlite3_file_control(db->main, "main", SQLITE_FCNTL_FILE_POINTER,
			     &file);
	return sql_file_errno(file) || sql_journal_errno(db);
}

/*
 * SQLite keeps the reason of a COMMIT that failed with the log, and none of a
 * file that it could not open for writing.
 */
static int
sql_errno(struct sm_db *db, int rc)
{
	int sys = db->main ? sqlite3_system_errno(db->main) : 0;
	int refused = sm_sql_refused(rc), log = 0;

	if (refused)
		return refused;
	if (db->main && (rc == SQLITE_IOERR_WRITE || rc == SQLITE_IOERR_FSYNC))
		log = sql_journal_errno(db);
	if (log)
		return log;
	return sys;
}

int
sm_sql_err(struct sm_db *db, int rc, const char *what, struct sm_err *err)
{
	const char *reason =
		db->main ? sqlite3_errmsg(db->main) : sqlite3_errstr(rc);
	char text[128];
	int class, sys;

	if ((rc & 0xff) == SQLITE_CORRUPT && sm_sql_disk_failed(db)) {
		rc = SQLITE_IOERR_CORRUPTFS;
		reason = sqlite3_errstr(rc);
	}
	class = sm_sql_class(rc);
	if (class == SM_EBUSY && db->gave_up)
		return sm_err_set(err, SM_ESTOPPED,
				  "stopped while waiting for '%s'", db->path);
	sys = sql_errno(db, rc);
	/* Of a full disk SQLite says so by ENOSPC alone. */
	if (class == SM_EIO && sql_is_space(sys))
		class = SM_ENOSPC;
	if (!err)
		return class;
	sm_err_set(err, class, "cannot %s in '%s': %s (SQLite error %d%s%s)",
		   what, db->path, reason, rc, sys ? ": " : "",
		   sys ? sm_reason(text, sizeof(text), sys) : "");
	sql_add_advice(db, class, sys, err);
	err->sys = sys;
	return class;
}

/* The cached statement of that text, or a new one. */
static int
sql_get(sqlite3_stmt **s, struct sm_db *db, const char *text,
	struct sm_err *err)
{
	size_t i;
	int rc = SQLITE_IOERR;

	for (i = 0; i < db->cached; i++) {
		if (db->cache[i].text != text)
			continue;
		*s = db->cache[i].stmt;
		sqlite3_reset(*s);
		sqlite3_clear_bindings(*s);
		return 0;
	}
	if (db->cached == SQL_CACHE_MAX)
		return sm_err_set(err, SM_EBUG,
				  "more than %d statements in use",
				  SQL_CACHE_MAX);
	if (!sm_fault_errno("sql.prepare"))
		rc = sqlite3_prepare_v3(db->main, text, -1,
					SQLITE_PREPARE_PERSISTENT, s, NULL);
	if (rc != SQLITE_OK)
		return sm_sql_err(db, rc, "prepare a statement", err);
	db->cache[db->cached++] = (struct sm_sql_cached){ text, *s };
	return 0;
}

static int
sql_bind(sqlite3_stmt *s, int i, const struct sm_sql_value *v)
{
	switch (v->type) {
	case SM_SQL_INT:
		return sqlite3_bind_int64(s, i, v->i);
	case SM_SQL_REAL:
		return sqlite3_bind_double(s, i, v->d);
	default:
		/* Not copied: a copy that finds no memory would be a NULL. */
		return sqlite3_bind_text(s, i, v->text, -1, SQLITE_STATIC);
	}
}

/* False: there was no memory for the text. */
static bool
sql_read_text(const struct sm_sql_value *v, sqlite3_stmt *s, int i)
{
	const char *text = NULL;

	if (sqlite3_column_type(s, i) != SQLITE_NULL) {
		text = (const char *)sqlite3_column_text(s, i);
		if (!text)
			return false;
	}
	if (v->type == SM_SQL_TO_CHARS) {
		snprintf(v->to, v->size, "%s", text ? text : "");
		return true;
	}
	*(char **)v->to = NULL;
	if (text)
		*(char **)v->to = strdup(text);
	return !text || *(char **)v->to;
}

/* Numbers: of a NULL SQLite makes 0. */
static bool
sql_read(const struct sm_sql_value *v, sqlite3_stmt *s, int i)
{
	switch (v->type) {
	case SM_SQL_TO_INT64:
		*(int64_t *)v->to = sqlite3_column_int64(s, i);
		break;
	case SM_SQL_TO_OPT:
		*(int64_t *)v->to = -1;
		if (sqlite3_column_type(s, i) != SQLITE_NULL)
			*(int64_t *)v->to = sqlite3_column_int64(s, i);
		break;
	case SM_SQL_TO_INT:
		*(int *)v->to = sqlite3_column_int(s, i);
		break;
	case SM_SQL_TO_UINT32:
		*(uint32_t *)v->to = (uint32_t)sqlite3_column_int64(s, i);
		break;
	case SM_SQL_TO_BOOL:
		*(bool *)v->to = sqlite3_column_int(s, i);
		break;
	case SM_SQL_TO_REAL:
		*(double *)v->to = sqlite3_column_double(s, i);
		break;
	default:
		return sql_read_text(v, s, i);
	}
	return true;
}

int
sm_sql_begin(sqlite3_stmt **s, struct sm_db *db, const char *text,
	     const struct sm_sql_value *values, struct sm_err *err)
{
	const struct sm_sql_value *v;
	int ret, in = 0, out = 0, rc = SQLITE_OK;

	ret = sql_get(s, db, text, err);
	if (ret < 0)
		return ret;
	for (v = values; v && v->type != SM_SQL_END; v++)
		if (v->type > SM_SQL_OUT)
			out++;
		else if (rc == SQLITE_OK)
			rc = sql_bind(*s, ++in, v);
	if (rc != SQLITE_OK)
		return sm_sql_err(db, rc, "bind a value", err);
	if (in != sqlite3_bind_parameter_count(*s) ||
	    (out > 0 && out != sqlite3_column_count(*s)))
		return sm_err_set(err, SM_EBUG,
				  "a statement got %d values and %d columns: "
				  "%s",
				  in, out, text);
	return 0;
}

static int
sql_step(sqlite3_stmt *s, struct sm_db *db, const char *what,
	 struct sm_err *err)
{
	int rc = SQLITE_IOERR, ret = 0;

	if (!sm_fault_errno("sql.step"))
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE)
		ret = sm_sql_err(db, rc, what, err);
	sqlite3_reset(s);
	return ret;
}

int
sm_sql_next(sqlite3_stmt *s, struct sm_db *db, const char *what,
	    const struct sm_sql_value *values, struct sm_err *err)
{
	const struct sm_sql_value *v;
	bool read = true;
	int ret = sql_step(s, db, what, err), column = 0;

	if (ret <= 0)
		return ret;
	/* After a failure too: what is not read yet must not be freed. */
	for (v = values; v && v->type != SM_SQL_END; v++) {
		if (v->type == SM_SQL_TO_TEXT)
			*(char **)v->to = NULL;
		if (v->type > SM_SQL_OUT)
			read = read && sql_read(v, s, column++);
	}
	if (read)
		return 1;
	for (v = values; v && v->type != SM_SQL_END; v++)
		if (v->type == SM_SQL_TO_TEXT) {
			free(*(char **)v->to);
			*(char **)v->to = NULL;
		}
	sqlite3_reset(s);
	return sm_err_set(err, SM_ENOMEM, "cannot %s in '%s': out of memory",
			  what, db->path);
}

int
sm_sql_end(sqlite3_stmt *s, int ret)
{
	sqlite3_reset(s);
	return ret < 0 ? ret : 0;
}

int
sm_sql_do(struct sm_db *db, const char *what, const char *text,
	  const struct sm_sql_value *values, struct sm_err *err)
{
	sqlite3_stmt *s;
	int ret = sm_sql_begin(&s, db, text, values, err);

	if (ret == 0)
		ret = sql_step(s, db, what, err);
	return ret;
}

int
sm_sql_changed(struct sm_db *db)
{
	return sqlite3_changes(db->main);
}

int
sm_sql_one(bool *found, struct sm_db *db, const char *what, const char *text,
	   const struct sm_sql_value *values, struct sm_err *err)
{
	sqlite3_stmt *s;
	int ret = sm_sql_begin(&s, db, text, values, err);

	if (ret < 0)
		return ret;
	ret = sm_sql_next(s, db, what, values, err);
	sqlite3_reset(s);
	if (ret < 0)
		return ret;
	if (found)
		*found = ret > 0;
	return 0;
}

int
sm_sql_exec(struct sm_db *db, const char *text, const char *what,
	    struct sm_err *err)
{
	int rc = sqlite3_exec(db->main, text, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : sm_sql_err(db, rc, what, err);
}
