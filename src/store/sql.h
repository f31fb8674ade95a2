/*
 * sql.h - statements, inside the store
 *
 * A statement is prepared once per connection and found again by the address
 * of its text, which must be a string constant.  Values are bound, never
 * formatted.  A statement that was stepped is reset by sqlite3_reset(), or by
 * the next sm_sql_get() of it.
 */
#ifndef SM_SQL_H
#define SM_SQL_H

#include <signal.h>

#include <sqlite3.h>

#include "err.h"

#include "db.h"

#define SQL_CACHE_MAX 64

struct sm_sql_cached {
	const char *text;
	sqlite3_stmt *stmt;
};

struct sm_db {
	char *path; /* of job.db */
	int dirfd;  /* borrowed */
	struct sm_db_opts opts;
	sqlite3 *main;
	sqlite3 *guard; /* holds the write lock while `main` checkpoints */
	int queue_fd;   /* write.lock, this connection's own open file */
	bool in_turn, in_write, full_sync, wal;
	int64_t version;     /* of the schema; an older one is only read */
	int wal_pages;       /* in the log after the latest commit */
	int checkpointed_at; /* wal_pages at the last try */
	struct sm_sql_cached cache[SQL_CACHE_MAX];
	size_t cached;
	sigset_t signals; /* the mask to restore after the turn */
};

/* Open `path` as one of our connections; an SQLite result code. */
int sm_sql_connect(struct sm_db *db, sqlite3 **conn, int flags,
		   const char *path);

/*
 * dbfile.c: that a connection cannot be opened must cost the process's other
 * ones no lock.  Before the first one.
 */
void sm_sql_keep_locks(void);

/* The class of an SQLite result code. */
int sm_sql_class(int rc);
/*
 * Did a call on the database's file, or its journal's, fail?  What SQLite could
 * not read it also calls damage: SQLITE_IOERR_CORRUPTFS becomes SQLITE_CORRUPT
 * as a statement runs, and a finding of an integrity check.
 */
bool sm_sql_disk_failed(struct sm_db *db);
/* Fill err from the connection's state: "cannot <what>: <reason>". */
int sm_sql_err(struct sm_db *db, int rc, const char *what, struct sm_err *err);

/* A cached statement, reset, with its bindings cleared; NULL with err set. */
sqlite3_stmt *sm_sql_get(struct sm_db *db, const char *text,
			 struct sm_err *err);
/* 1 a row, 0 the end, <0. */
int sm_sql_step(struct sm_db *db, sqlite3_stmt *s, const char *what,
		struct sm_err *err);
/* Run to the end; returns the number of changed rows or <0. */
int sm_sql_run(struct sm_db *db, sqlite3_stmt *s, const char *what,
	       struct sm_err *err);
/* Run a text without parameters, several statements allowed. */
int sm_sql_exec(struct sm_db *db, const char *text, const char *what,
		struct sm_err *err);

/* NULL: NULL.  The text must live until the statement has been stepped. */
void sm_sql_bind_text(sqlite3_stmt *s, int i, const char *text);
void sm_sql_bind_opt(sqlite3_stmt *s, int i, int64_t v); /* <0: NULL */
int64_t sm_sql_column_opt(sqlite3_stmt *s, int i);       /* NULL: -1 */
/* As much as there is room for; "" for NULL, and for no memory: *failed. */
void sm_sql_column_copy(char *dst, size_t size, sqlite3_stmt *s, int i,
			bool *failed);
/* malloc'd, NULL for NULL (and for no memory: *failed is set). */
char *sm_sql_column_dup(sqlite3_stmt *s, int i, bool *failed);

/* schema.c */
/* 1: there is nothing in the file: a plan that was killed; 0; <0. */
int sm_schema_is_empty(struct sm_db *db, struct sm_err *err);
int sm_schema_create(struct sm_db *db, struct sm_err *err);
int sm_schema_check(struct sm_db *db, struct sm_err *err);
int sm_schema_upgrade(struct sm_db *db, struct sm_err *err);

/* outsider.c: who holds the write lock?  0 if that cannot be told. */
int sm_outsider_pid(struct sm_db *db);

#endif /* SM_SQL_H */
