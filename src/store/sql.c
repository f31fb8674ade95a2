#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

#include "sql.h"

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

/* What to do next, by class. */
static const char *
sql_advice(int class)
{
	switch (class) {
	case SM_ENOSPC:
		return "; make space, then run the same command again";
	case SM_EDAMAGED:
		return "; the shards are safe: 'shardmill recover' rebuilds "
		       "the database from them";
	case SM_EIO:
		return "; check the disk, then run the same command again";
	default:
		return "";
	}
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

static bool
sql_is_space(int sys)
{
	return sys == ENOSPC || sys == EDQUOT;
}

/*
 * Is it for want of space?  SQLite says so of ENOSPC alone, and of a COMMIT
 * that failed it keeps the reason with the log.
 */
static bool
sql_wants_space(struct sm_db *db, int rc, int sys)
{
	if (!sql_is_space(sys) && db->main &&
	    (rc == SQLITE_IOERR_WRITE || rc == SQLITE_IOERR_FSYNC))
		sys = sql_journal_errno(db);
	return sql_is_space(sys);
}

int
sm_sql_err(struct sm_db *db, int rc, const char *what, struct sm_err *err)
{
	const char *reason =
		db->main ? sqlite3_errmsg(db->main) : sqlite3_errstr(rc);
	int class, sys;

	if ((rc & 0xff) == SQLITE_CORRUPT && sm_sql_disk_failed(db)) {
		rc = SQLITE_IOERR_CORRUPTFS;
		reason = sqlite3_errstr(rc);
	}
	class = sm_sql_class(rc);
	sys = db->main ? sqlite3_system_errno(db->main) : 0;
	if (class == SM_EIO && sql_wants_space(db, rc, sys))
		class = SM_ENOSPC;
	if (!err)
		return class;
	sm_err_set(err, class, "cannot %s in '%s': %s (SQLite error %d)%s",
		   what, db->path, reason, rc, sql_advice(class));
	err->sys = sys;
	return class;
}

sqlite3_stmt *
sm_sql_get(struct sm_db *db, const char *text, struct sm_err *err)
{
	sqlite3_stmt *s;
	size_t i;
	int rc;

	for (i = 0; i < db->cached; i++) {
		if (db->cache[i].text != text)
			continue;
		s = db->cache[i].stmt;
		sqlite3_reset(s);
		sqlite3_clear_bindings(s);
		return s;
	}
	if (db->cached == SQL_CACHE_MAX) {
		sm_err_set(err, SM_EBUG, "more than %d statements in use",
			   SQL_CACHE_MAX);
		return NULL;
	}
	rc = SQLITE_IOERR;
	if (!sm_fault_errno("sql.prepare"))
		rc = sqlite3_prepare_v3(db->main, text, -1,
					SQLITE_PREPARE_PERSISTENT, &s, NULL);
	if (rc != SQLITE_OK) {
		sm_sql_err(db, rc, "prepare a statement", err);
		return NULL;
	}
	db->cache[db->cached++] = (struct sm_sql_cached){ text, s };
	return s;
}

int
sm_sql_step(struct sm_db *db, sqlite3_stmt *s, const char *what,
	    struct sm_err *err)
{
	int rc = SQLITE_IOERR, ret;

	if (!sm_fault_errno("sql.step"))
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE) {
		sqlite3_reset(s);
		return 0;
	}
	ret = sm_sql_err(db, rc, what, err);
	sqlite3_reset(s);
	return ret;
}

int
sm_sql_run(struct sm_db *db, sqlite3_stmt *s, const char *what,
	   struct sm_err *err)
{
	int ret;

	while ((ret = sm_sql_step(db, s, what, err)) > 0)
		;
	return ret < 0 ? ret : sqlite3_changes(db->main);
}

int
sm_sql_exec(struct sm_db *db, const char *text, const char *what,
	    struct sm_err *err)
{
	int rc = sqlite3_exec(db->main, text, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : sm_sql_err(db, rc, what, err);
}

void
sm_sql_bind_text(sqlite3_stmt *s, int i, const char *text)
{
	/* Not copied: a copy that finds no memory would be a NULL. */
	if (text)
		sqlite3_bind_text(s, i, text, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(s, i);
}

void
sm_sql_bind_opt(sqlite3_stmt *s, int i, int64_t v)
{
	if (v < 0)
		sqlite3_bind_null(s, i);
	else
		sqlite3_bind_int64(s, i, v);
}

int64_t
sm_sql_column_opt(sqlite3_stmt *s, int i)
{
	return sqlite3_column_type(s, i) == SQLITE_NULL
		       ? -1
		       : sqlite3_column_int64(s, i);
}

void
sm_sql_column_copy(char *dst, size_t size, sqlite3_stmt *s, int i, bool *failed)
{
	const char *text = (const char *)sqlite3_column_text(s, i);

	if (!text && sqlite3_column_type(s, i) != SQLITE_NULL)
		*failed = true;
	snprintf(dst, size, "%s", text ? text : "");
}

char *
sm_sql_column_dup(sqlite3_stmt *s, int i, bool *failed)
{
	const unsigned char *text;
	char *copy;

	if (sqlite3_column_type(s, i) == SQLITE_NULL)
		return NULL;
	text = sqlite3_column_text(s, i);
	copy = text ? strdup((const char *)text) : NULL;
	if (!copy)
		*failed = true;
	return copy;
}
