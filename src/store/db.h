/*
 * db.h - the connection to job.db, and its write transactions
 *
 * Writers queue: sm_db_begin_write() waits for its turn on the kernel's flock
 * queue of the file write.lock, then BEGIN IMMEDIATE.  SQLite's own waiting
 * polls with growing pauses, and with eight writers some starve.  While the
 * turn lasts INT, TERM, HUP and TSTP are blocked in the calling thread: a
 * process stopped in its turn would stop everybody.  A process of several
 * threads is stopped by what another of them takes: Ctrl-Z may find a
 * supervisor in the turn of its follow thread, and all wait until it goes on.
 *
 * An outsider, such as a shell with an open transaction, does not queue.  It
 * is waited for as `struct sm_db_wait` says, and named by its pid.
 *
 * Checkpoints.  SQLite 3.7.0 to 3.51.2 can corrupt a WAL database when one
 * connection resets the log while another checkpoints it.  Automatic
 * checkpoints are off, and one is made only in the queue, with the SQLite write
 * lock held by a second connection of the same process, so that nobody can
 * reset the log meanwhile: when the log passes 500 pages, and again only 500
 * pages after the last try.
 *
 * A failed COMMIT means unknown, not undone: SM_EUNKNOWN, the reason's class in
 * err->sys.  The caller keeps what belongs to the transaction, reopens
 * (sm_db_reopen) and reads the row.
 *
 * One connection belongs to one thread.  No handle crosses fork: workers are
 * exec'd.  job.db is opened by nothing else in this process, since closing any
 * descriptor of it would drop SQLite's POSIX locks; what SQLite itself would
 * close so is left open (dbfile.c).
 */
#ifndef SM_DB_H
#define SM_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <shardmill.h>

struct sm_db;

enum sm_db_mode {
	SM_DB_READ,   /* cannot change anything */
	SM_DB_WRITE,  /* the database must exist and have a job */
	SM_DB_CREATE, /* made if missing */
};

/* The longest that commands other than run and work wait for an outsider. */
#define SM_OUTSIDER_LIMIT_S 30.0

typedef void sm_db_waiting(const char *text, void *arg);

struct sm_db_wait {
	double limit_s; /* for an outsider; 0: as long as it takes */
	bool patient;   /* the limit is for writing; it reads, in silence */
	sm_db_waiting *notice;      /* every 10 s; NULL: sm_db_hear_waiting()'s;
				       of the kernel's queue once for each wait */
	bool (*give_up)(void *arg); /* asked while waiting, or NULL */
	void *arg;
};

struct sm_db_opts {
	enum sm_db_mode mode;
	bool network_fs; /* rollback journal instead of WAL; CREATE only */
	/* Triggers are taken: those of a run that is on its way (see
	 * sm_db_refuse_triggers()). */
	bool triggers;
	struct sm_db_wait wait; /* SM_DB_READ without a limit has 30 s */
};

/*
 * Without a limit a writer waits for its turn in the kernel's queue, and cannot
 * tell of it there.  `looked_at`: from now on another thread calls
 * sm_db_look_at_queue() each second or two, which gives the notice.  Where it
 * is not so the writer asks for its turn for ten seconds, tells, and only then
 * queues.
 */
void sm_db_queue_is_looked_at(struct sm_db *db, bool looked_at);
void sm_db_look_at_queue(struct sm_db *db);

/* Where a connection has no notice of its own; for the whole process. */
void sm_db_hear_waiting(sm_db_waiting *notice, void *arg);

/*
 * Open job.db of the directory `dir` (its real path, which SQLite needs;
 * `dirfd` is the same directory and must outlive the connection).
 *
 * SM_EINPUT: there is none, or only a plan that was killed.  SM_EDAMAGED: not
 * a database, or damaged.  SM_EREFUSED: another application's, of a newer
 * version, or with triggers on our tables; the file is untouched then.
 */
int sm_db_open(struct sm_db **out, const char *dir, int dirfd,
	       const struct sm_db_opts *opts, struct sm_err *err);
int sm_db_reopen(struct sm_db *db, struct sm_err *err);
void sm_db_close(struct sm_db *db); /* NULL is allowed */
/*
 * From now on neither a checkpoint nor closing writes the log back, or removes
 * it: somebody whom our locks do not reach may be writing it.
 */
void sm_db_keep_log(struct sm_db *db);

/* SM_EREFUSED: a trigger on our tables could change what we write. */
int sm_db_refuse_triggers(struct sm_db *db, struct sm_err *err);

/*
 * The table `total` and the triggers that keep it (schema/totals.sql).  Both
 * are called in a write transaction and may read all rows; the second one does
 * nothing where all is there, unless it is to be made anew, and brings a job of
 * an earlier version to this one.
 */
int sm_db_make_totals(struct sm_db *db, struct sm_err *err);
int sm_db_keep_totals(struct sm_db *db, bool anew, struct sm_err *err);
/*
 * Are the triggers there, and the totals what the rows add up to?  Reads all
 * rows.  A job of an earlier version has none, which is right.
 */
int sm_db_check_totals(bool *right, struct sm_db *db, struct sm_err *err);

/* Not so: the plan was killed, or the row or its table is gone. */
int sm_db_has_job(bool *has, struct sm_db *db, struct sm_err *err);

/* synchronous = FULL (true, the default) or NORMAL. */
int sm_db_set_full_sync(struct sm_db *db, bool full, struct sm_err *err);

/*
 * From the log to a rollback journal, for a job that is to be used on a network
 * file system.  SM_EBUSY: somebody else has the database open.
 */
int sm_db_leave_wal(struct sm_db *db, struct sm_err *err);
/*
 * And back, where a person's PRAGMA, or a copy by VACUUM INTO, has left a job
 * without its log.  `entered`: it was so.  SM_EBUSY: somebody else has it open.
 */
int sm_db_enter_wal(bool *entered, struct sm_db *db, struct sm_err *err);

/* Nesting is SM_EBUG.  SM_EBUSY: the outsider's time is over. */
int sm_db_begin_write(struct sm_db *db, struct sm_err *err);
int sm_db_commit(struct sm_db *db, struct sm_err *err);
/* Is a full disk the reason, of a failed COMMIT or of anything else? */
bool sm_db_is_full(const struct sm_err *why);
/*
 * Unblock signals for the rest of this transaction: for planning, whose only
 * transaction is long, and for which nobody queues.
 */
void sm_db_hear_signals(struct sm_db *db);
void sm_db_rollback(struct sm_db *db); /* outside a transaction: nothing */

/* Checkpoint all of the log now, in the queue; plan and run end with it. */
int sm_db_checkpoint(struct sm_db *db, struct sm_err *err);

/*
 * Findings of `PRAGMA integrity_check`, one call each (`found` may be NULL),
 * and their number.  A page that cannot be read is an error and no finding.
 */
int sm_db_integrity(int *n, struct sm_db *db,
		    void (*found)(const char *text, void *arg), void *arg,
		    struct sm_err *err);

/* Has it SQLite's log, or a rollback journal? */
bool sm_db_has_log(const struct sm_db *db);

/* The SQLite that is loaded. */
struct sm_db_sqlite {
	const char *version;
	int number;   /* 3040001 for 3.40.1 */
	bool threads; /* it may be called from several */
};

void sm_db_sqlite(struct sm_db_sqlite *s);

#endif /* SM_DB_H */
