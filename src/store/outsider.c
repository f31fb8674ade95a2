/*
 * outsider.c - wait for a process that keeps the database locked, and name it
 *
 * SQLite says only that somebody has a lock; /proc/locks says who.  What waits
 * in a transaction (txn.c) and what reads (open.c) share the limits, the
 * notices and the words that are here.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "holder.h"

#include "sql.h"

/*
 * SQLite's locks are POSIX locks.  On the database file (os.h): PENDING, which
 * keeps new readers out while a writer waits for those that are there, RESERVED
 * of the one who writes, and the range of SHARED, read by all who read a
 * rollback journal's database and by all connections with a log, and written by
 * who is exclusive.  On the -shm file: WAL_WRITE_LOCK and WAL_RECOVER_LOCK.
 */
#define PENDING_BYTE     0x40000000
#define RESERVED_BYTE    0x40000001
#define SHARED_FIRST     0x40000002
#define WAL_WRITE_BYTE   120
#define WAL_RECOVER_BYTE 122

#define NOTICE_MS 10000

/* With the longest path that a job may have (open.c). */
#define OUTSIDER_TEXT 640

/* Set once, by main(); read by whatever thread waits. */
static _Atomic(sm_db_waiting *) hear_waiting;
static void *_Atomic hear_arg;

void
sm_db_hear_waiting(sm_db_waiting *notice, void *arg)
{
	atomic_store(&hear_arg, arg);
	atomic_store(&hear_waiting, notice);
}

static int
outsider_writer(struct sm_db *db, const char *file, uint64_t byte)
{
	struct sm_lock_asked l = { "POSIX", "WRITE", byte, { getpid(), 0 } };

	return sm_lock_holder(db->dirfd, file, &l);
}

/* The process, and in `what` how it keeps the database locked; 0: not known. */
static int
outsider_find(const char **what, struct sm_db *db)
{
	struct sm_lock_asked pending = {
		"POSIX", "WRITE", PENDING_BYTE, { 0 }
	};
	struct sm_lock_asked reader = { "POSIX", "READ", SHARED_FIRST, { 0 } };
	static const char reads[] =
		"has a read of it open, and with a rollback "
		"journal nobody can write meanwhile";
	int pid = outsider_writer(db, "job.db", SHARED_FIRST);

	*what = "has it locked";
	/*
	 * While somebody waits for readers to end, we or another, no new ones
	 * come: who reads now is the one to wait for.
	 */
	if (!pid) {
		reader.except[0] = getpid();
		reader.except[1] =
			sm_lock_holder(db->dirfd, "job.db", &pending);
		if (reader.except[1])
			pid = sm_lock_holder(db->dirfd, "job.db", &reader);
		*what = reads;
	}
	if (!pid) {
		pid = outsider_writer(db, "job.db", RESERVED_BYTE);
		*what = "holds a write transaction open";
	}
	if (!pid)
		pid = outsider_writer(db, "job.db-shm", WAL_WRITE_BYTE);
	if (!pid)
		pid = outsider_writer(db, "job.db-shm", WAL_RECOVER_BYTE);
	/* Our own try to write is over, and with it the lock that it left. */
	if (!pid && !db->wal) {
		pid = sm_lock_holder(db->dirfd, "job.db", &reader);
		*what = reads;
	}
	return pid;
}

void
sm_outsider_tell(char *text, size_t size, struct sm_db *db)
{
	const char *what;
	int pid = outsider_find(&what, db);

	if (pid)
		snprintf(text, size, "process %d %s", pid, what);
	else
		snprintf(text, size, "another process has it locked");
}

/* Whose turn it is that does not end. */
static void
outsider_tell_queue(char *text, size_t size, struct sm_db *db)
{
	struct sm_lock_asked turn = { "FLOCK", "WRITE", 0, { getpid(), 0 } };
	int first = sm_lock_holder(db->dirfd, "write.lock", &turn);
	int dir = (int)(strlen(db->path) - strlen("job.db"));
	const char *what;
	int pid = outsider_find(&what, db);

	/* It may be one of ours, who waits for an outsider in its turn. */
	if (pid && pid != first)
		snprintf(text, size, "process %d %s", pid, what);
	else if (first)
		snprintf(text, size, "process %d holds '%.*swrite.lock'", first,
			 dir, db->path);
	else
		snprintf(text, size, "another process holds '%.*swrite.lock'",
			 dir, db->path);
}

static void
outsider_who(char *text, size_t size, struct sm_db *db, bool queues)
{
	if (queues)
		outsider_tell_queue(text, size, db);
	else
		sm_outsider_tell(text, size, db);
}

static void
outsider_notice(struct sm_db *db, bool queues, uint64_t waited_ms)
{
	const struct sm_db_wait *w = &db->opts.wait;
	sm_db_waiting *notice = w->notice;
	void *arg = w->arg;
	char who[OUTSIDER_TEXT], text[OUTSIDER_TEXT + 64];

	if (!notice && !w->patient) {
		notice = atomic_load(&hear_waiting);
		arg = atomic_load(&hear_arg);
	}
	if (!notice)
		return;
	outsider_who(who, sizeof(who), db, queues);
	snprintf(text, sizeof(text),
		 "has waited %d s for the database: %s; end it there",
		 (int)(waited_ms / 1000), who);
	notice(text, arg);
}

int
sm_outsider_stopped(struct sm_db *db, struct sm_err *err)
{
	const struct sm_db_wait *w = &db->opts.wait;

	if (!w->give_up || !w->give_up(w->arg))
		return 0;
	return sm_err_set(err, SM_ESTOPPED, "stopped while waiting for '%s'",
			  db->path);
}

/* Sleep with the caller's own signal mask, so that Ctrl-C is heard. */
static void
outsider_sleep(struct sm_db *db, unsigned ms)
{
	struct timespec t = { .tv_nsec = (long)ms * 1000000 };

	if (db->in_turn)
		pselect(0, NULL, NULL, NULL, &t, &db->signals);
	else
		sm_clock_sleep_ms(ms);
}

int
sm_outsider_wait(struct sm_outsider_wait *wait, struct sm_db *db,
		 struct sm_err *err)
{
	const struct sm_db_wait *w = &db->opts.wait;
	uint64_t now = sm_clock_ms(), waited;
	bool ends = w->limit_s > 0 && !wait->is_endless;
	char who[OUTSIDER_TEXT];

	if (!wait->begun_ms)
		wait->begun_ms = wait->told_ms = now;
	waited = now - wait->begun_ms;
	if (waited >= wait->patience_ms && sm_outsider_stopped(db, err))
		return SM_ESTOPPED;
	if (ends && (double)waited > w->limit_s * 1000) {
		if (!err)
			return SM_EBUSY;
		outsider_who(who, sizeof(who), db, wait->queues);
		return sm_err_set(err, SM_EBUSY,
				  "'%s' is busy: waited %d s, and %s; end it "
				  "there, then try again",
				  db->path, (int)(waited / 1000), who);
	}
	if (now - wait->told_ms >= NOTICE_MS) {
		outsider_notice(db, wait->queues, waited);
		wait->told_ms = now;
	}
	outsider_sleep(db, wait->sleep_ms);
	return 0;
}

/*
 * The mutex keeps whoever waited from going on while the notice is given: to
 * the caller it is as if the waiting thread had given it.
 */
void
sm_db_look_at_queue(struct sm_db *db)
{
	uint64_t waited;

	pthread_mutex_lock(&db->queued);
	waited = db->queued_ms ? sm_clock_ms() - db->queued_ms : 0;
	if (waited >= NOTICE_MS && !db->queued_told) {
		db->queued_told = true;
		outsider_notice(db, true, waited);
	}
	pthread_mutex_unlock(&db->queued);
}
