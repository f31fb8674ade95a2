/*
 * outsider.c - wait for a process that keeps the database locked, and name it
 *
 * SQLite says only that somebody has a lock; /proc/locks says who.  What waits
 * in a transaction (txn.c) and what reads (open.c) share the limits, the
 * notices and the words that are here.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

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

/* Set once, by main(); read by whatever thread waits. */
static _Atomic(sm_db_waiting *) hear_waiting;
static void *_Atomic hear_arg;

void
sm_db_hear_waiting(sm_db_waiting *notice, void *arg)
{
	atomic_store(&hear_arg, arg);
	atomic_store(&hear_waiting, notice);
}

/* A lock that somebody holds, or is asked for. */
struct outsider_lock {
	const char *file, *type;
	uint64_t byte;
	int except[2]; /* processes that are not meant */
};

/* Neighbouring locks of one process are one line, from the first to the last.
 */
static bool
outsider_line(const char *line, const struct outsider_lock *l, uint64_t inode,
	      int *pid)
{
	uint64_t ino, from, to = UINT64_MAX;
	char type[8], end[32];

	/* "5: POSIX  ADVISORY  WRITE 4321 fe:00:1234 120 120" */
	if (sscanf(line,
		   "%*d: POSIX %*s %7s %d %*x:%*x:%" SCNu64 " %" SCNu64 " %31s",
		   type, pid, &ino, &from, end) != 5)
		return false;
	sscanf(end, "%" SCNu64, &to); /* or "EOF" */
	return *pid > 0 && *pid != l->except[0] && *pid != l->except[1] &&
	       ino == inode && strcmp(type, l->type) == 0 && from <= l->byte &&
	       l->byte <= to;
}

/* Who holds it?  0: nobody that is seen here. */
static int
outsider_holder(struct sm_db *db, const struct outsider_lock *l)
{
	char line[256];
	struct stat st;
	int pid, found = 0;
	FILE *f;

	if (fstatat(db->dirfd, l->file, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	f = fopen("/proc/locks", "re");
	if (!f)
		return 0;
	while (!found && fgets(line, sizeof(line), f))
		if (outsider_line(line, l, (uint64_t)st.st_ino, &pid))
			found = pid;
	fclose(f);
	return found;
}

static int
outsider_writer(struct sm_db *db, const char *file, uint64_t byte)
{
	struct outsider_lock l = { file, "WRITE", byte, { getpid(), 0 } };

	return outsider_holder(db, &l);
}

void
sm_outsider_tell(char *text, size_t size, struct sm_db *db)
{
	struct outsider_lock pending = {
		"job.db", "WRITE", PENDING_BYTE, { 0 }
	};
	struct outsider_lock reader = { "job.db", "READ", SHARED_FIRST, { 0 } };
	static const char reads[] =
		"has a read of it open, and with a rollback "
		"journal nobody can write meanwhile";
	const char *what = "has it locked";
	int pid = outsider_writer(db, "job.db", SHARED_FIRST);

	/*
	 * While somebody waits for readers to end, we or another, no new ones
	 * come: who reads now is the one to wait for.
	 */
	if (!pid) {
		reader.except[0] = getpid();
		reader.except[1] = outsider_holder(db, &pending);
		if (reader.except[1])
			pid = outsider_holder(db, &reader);
		what = reads;
	}
	if (!pid) {
		pid = outsider_writer(db, "job.db", RESERVED_BYTE);
		what = "holds a write transaction open";
	}
	if (!pid)
		pid = outsider_writer(db, "job.db-shm", WAL_WRITE_BYTE);
	if (!pid)
		pid = outsider_writer(db, "job.db-shm", WAL_RECOVER_BYTE);
	/* Our own try to write is over, and with it the lock that it left. */
	if (!pid && !db->wal) {
		pid = outsider_holder(db, &reader);
		what = reads;
	}
	if (pid)
		snprintf(text, size, "process %d %s", pid, what);
	else
		snprintf(text, size, "another process has it locked");
}

static void
outsider_notice(struct sm_db *db, uint64_t waited_ms)
{
	const struct sm_db_wait *w = &db->opts.wait;
	sm_db_waiting *notice = w->notice;
	void *arg = w->arg;
	char text[256], who[160];

	if (!notice && !w->patient) {
		notice = atomic_load(&hear_waiting);
		arg = atomic_load(&hear_arg);
	}
	if (!notice)
		return;
	sm_outsider_tell(who, sizeof(who), db);
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
	char who[160];

	if (!wait->begun_ms)
		wait->begun_ms = wait->told_ms = now;
	waited = now - wait->begun_ms;
	if (waited >= wait->patience_ms && sm_outsider_stopped(db, err))
		return SM_ESTOPPED;
	if (ends && (double)waited > w->limit_s * 1000) {
		if (!err)
			return SM_EBUSY;
		sm_outsider_tell(who, sizeof(who), db);
		return sm_err_set(err, SM_EBUSY,
				  "'%s' is busy: waited %d s, and %s; end it "
				  "there, then try again",
				  db->path, (int)(waited / 1000), who);
	}
	if (now - wait->told_ms >= NOTICE_MS) {
		outsider_notice(db, waited);
		wait->told_ms = now;
	}
	outsider_sleep(db, wait->sleep_ms);
	return 0;
}
