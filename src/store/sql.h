/*
 * sql.h - statements, inside the store
 *
 *	sm_sql_do(db, "end a worker",
 *		  "UPDATE worker SET ended = ? WHERE id = ?",
 *		  SQL(IN(at), IN(id)), err);
 *	sm_sql_one(&found, db, "read an input",
 *		   "SELECT size, path FROM input WHERE name = ?",
 *		   SQL(IN(name), OUT(&size), OUT(&path)), err);
 *
 * One list holds what goes in and what comes out.  The n-th IN is bound to the
 * n-th parameter, the n-th OUT gets the n-th column; the compiler checks the
 * types, and each call that there are as many of both as the statement has.
 *
 * A statement is prepared once per connection and found again by the address
 * of its text, which must be a string constant.
 */
#ifndef SM_SQL_H
#define SM_SQL_H

#include <pthread.h>
#include <signal.h>

#include <sqlite3.h>

#include "err.h"
#include "lock.h"

#include "db.h"

#define SQL_CACHE_MAX 64

struct sm_sql_cached {
	const char *text;
	sqlite3_stmt *stmt;
};

/* One wait for an outsider, whose times are 0 before the first try. */
struct sm_outsider_wait {
	unsigned sleep_ms;    /* between two tries */
	unsigned patience_ms; /* before the caller is asked to give up */
	bool is_endless;      /* whatever the connection's limit is */
	bool queues;          /* for write.lock, not for SQLite's locks */
	uint64_t begun_ms, told_ms;
};

struct sm_db {
	char *path; /* of job.db */
	int dirfd;  /* borrowed */
	struct sm_db_opts opts;
	sqlite3 *main;
	sqlite3 *guard;      /* holds the write lock while `main` checkpoints */
	int queue_fd;        /* write.lock, this connection's own open file */
	struct sm_line line; /* of that queue */
	/* For a second thread, which looks at the wait in the queue. */
	pthread_mutex_t queued;
	uint64_t queued_ms; /* since when it waits; 0: it does not */
	bool queued_told, queue_is_looked_at;
	bool in_turn, in_write, full_sync, wal;
	bool keep_log;       /* sm_db_keep_log() */
	int wal_pages;       /* in the log after the latest commit */
	int checkpointed_at; /* wal_pages at the last try */
	struct sm_sql_cached cache[SQL_CACHE_MAX];
	size_t cached;
	sqlite3_stmt *rows;           /* sm_batch_rows_begin()'s */
	sigset_t signals;             /* the mask to restore after the turn */
	struct sm_outsider_wait busy; /* of the statement that runs */
	bool gave_up; /* that wait ended since the caller asked for it */
};

/* Open `path` as one of our connections; an SQLite result code. */
int sm_sql_connect(struct sm_db *db, sqlite3 **conn, int flags,
		   const char *path);

/*
 * dbfile.c, before each connection: that it cannot be opened must cost the
 * process's other ones no lock, and what was refused to others is forgotten.
 */
void sm_sql_before_connect(void);
/*
 * The errno for which a file was not opened for writing by this thread's last
 * connection, where an SQLite result code says that it could not be opened, or
 * that it may not be written to; 0: it is not known.
 */
int sm_sql_refused(int rc);

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

enum sm_sql_type {
	SM_SQL_END,
	/* What goes in. */
	SM_SQL_INT,
	SM_SQL_REAL,
	SM_SQL_TEXT,
	SM_SQL_OUT, /* what comes out comes after it */
	SM_SQL_TO_INT64,
	SM_SQL_TO_OPT, /* an int64_t, -1 for NULL; 0 in all the others */
	SM_SQL_TO_INT,
	SM_SQL_TO_UINT32,
	SM_SQL_TO_BOOL,
	SM_SQL_TO_REAL,
	SM_SQL_TO_TEXT,
	SM_SQL_TO_CHARS,
};

struct sm_sql_value {
	enum sm_sql_type type;
	size_t size; /* SM_SQL_TO_CHARS */
	union {
		int64_t i;
		double d;
		const char *text;
		void *to;
	};
};

#define SQL(...)                                                               \
	(const struct sm_sql_value[])                                          \
	{                                                                      \
		__VA_ARGS__,                                                   \
		{                                                              \
			.type = SM_SQL_END                                     \
		}                                                              \
	}
#define SQL_NOTHING NULL

/* A text must live until the call returns; NULL is NULL. */
#define IN(v)                                                                  \
	_Generic((v), \
		bool: sm_sql_in_int, \
		int: sm_sql_in_int, \
		uint32_t: sm_sql_in_int, \
		int64_t: sm_sql_in_int, \
		uint64_t: sm_sql_in_uint64, \
		double: sm_sql_in_real, \
		char *: sm_sql_in_text, \
		const char *: sm_sql_in_text)(v)
/* A negative number is NULL. */
#define IN_OPT(v) sm_sql_in_opt(v)

/* A char ** gets a copy, the caller's to free; NULL for NULL. */
#define OUT(p)                                                                 \
	_Generic((p), \
		bool *: sm_sql_to_bool, \
		int *: sm_sql_to_int, \
		uint32_t *: sm_sql_to_uint32, \
		int64_t *: sm_sql_to_int64, \
		uint64_t *: sm_sql_to_uint64, \
		double *: sm_sql_to_real, \
		char **: sm_sql_to_text)(p)
/* NULL is -1. */
#define OUT_OPT(p) sm_sql_to_opt(p)
/* As much as there is room for in an array; "" for NULL. */
#define OUT_CHARS(a) sm_sql_to_chars(a, sizeof(a))

#define SQL_VALUE(name, arg, kind, member)                                     \
	static inline struct sm_sql_value name(arg v)                          \
	{                                                                      \
		return (struct sm_sql_value){ .type = (kind), .member = v };   \
	}
SQL_VALUE(sm_sql_in_int, int64_t, SM_SQL_INT, i)
SQL_VALUE(sm_sql_in_real, double, SM_SQL_REAL, d)
SQL_VALUE(sm_sql_in_text, const char *, SM_SQL_TEXT, text)
SQL_VALUE(sm_sql_to_bool, bool *, SM_SQL_TO_BOOL, to)
SQL_VALUE(sm_sql_to_int, int *, SM_SQL_TO_INT, to)
SQL_VALUE(sm_sql_to_uint32, uint32_t *, SM_SQL_TO_UINT32, to)
SQL_VALUE(sm_sql_to_int64, int64_t *, SM_SQL_TO_INT64, to)
SQL_VALUE(sm_sql_to_uint64, uint64_t *, SM_SQL_TO_INT64, to)
SQL_VALUE(sm_sql_to_opt, int64_t *, SM_SQL_TO_OPT, to)
SQL_VALUE(sm_sql_to_real, double *, SM_SQL_TO_REAL, to)
SQL_VALUE(sm_sql_to_text, char **, SM_SQL_TO_TEXT, to)
#undef SQL_VALUE

static inline struct sm_sql_value
sm_sql_in_uint64(uint64_t v)
{
	return sm_sql_in_int((int64_t)v);
}

static inline struct sm_sql_value
sm_sql_in_opt(int64_t v)
{
	/* A text that is NULL is bound as NULL. */
	return v < 0 ? sm_sql_in_text(NULL) : sm_sql_in_int(v);
}

static inline struct sm_sql_value
sm_sql_to_chars(char *v, size_t size)
{
	return (struct sm_sql_value){ .type = SM_SQL_TO_CHARS,
				      .to = v,
				      .size = size };
}

/*
 * A cached statement, reset, to which `values` are bound; with none of them
 * its bindings are cleared.
 */
int sm_sql_begin(sqlite3_stmt **s, struct sm_db *db, const char *text,
		 const struct sm_sql_value *values, struct sm_err *err);
/*
 * 1: a row, in the OUTs of `values`; 0: the end; <0.  The statement is reset at
 * the end and by an error, and copies of text are then freed.
 */
int sm_sql_next(sqlite3_stmt *s, struct sm_db *db, const char *what,
		const struct sm_sql_value *values, struct sm_err *err);
/*
 * Leave off reading: what ends a loop that may stop before the last row.  `ret`
 * is what the loop ended with; 0, or its error.
 */
int sm_sql_end(sqlite3_stmt *s, int ret);

/* A statement without columns, run to its end. */
int sm_sql_do(struct sm_db *db, const char *what, const char *text,
	      const struct sm_sql_value *values, struct sm_err *err);
/* How many rows the latest write changed. */
int sm_sql_changed(struct sm_db *db);
/*
 * The first row.  Where there is none the OUTs are not touched; `found` may be
 * NULL where there always is one.
 */
int sm_sql_one(bool *found, struct sm_db *db, const char *what,
	       const char *text, const struct sm_sql_value *values,
	       struct sm_err *err);
/* Run a text without parameters, several statements allowed. */
int sm_sql_exec(struct sm_db *db, const char *text, const char *what,
		struct sm_err *err);

/* schema.c */
/* Is there nothing in the file: a plan that was killed? */
int sm_schema_is_empty(bool *empty, struct sm_db *db, struct sm_err *err);
int sm_schema_create(struct sm_db *db, struct sm_err *err);
int sm_schema_check(struct sm_db *db, struct sm_err *err);

/* outsider.c */
/* Who keeps the database locked, and how: "process 4321 has it locked". */
void sm_outsider_tell(char *text, size_t size, struct sm_db *db);
/* SM_ESTOPPED: the caller wants to wait no longer. */
int sm_outsider_stopped(struct sm_db *db, struct sm_err *err);
/*
 * To be called after each try that found the database locked: it sleeps, and
 * tells every 10 s who is waited for.  SM_ESTOPPED; SM_EBUSY: the limit.
 */
int sm_outsider_wait(struct sm_outsider_wait *wait, struct sm_db *db,
		     struct sm_err *err);

#endif /* SM_SQL_H */
