/*
 * dbfile.c - job.db follows the umask, and keeps the locks that SQLite would
 * drop by a close(); why a file could not be opened for writing is kept, too
 *
 * Three of its system calls are replaced, once in a process.  Apart from the
 * rest of the store, since nothing there needs to know.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sql.h"

/*
 * SQLite closes a database file that it has opened and cannot fstat
 * (os_unix.c, fillInUnixFile(): "dropping a lock or two doesn't matter much").
 * That close() drops every POSIX lock that this process has on job.db, those of
 * its other connections too, which do not find out: another process that
 * closes the database takes itself for the last one and removes the log, our
 * later commits go to a file without a name, and are lost.  With a rollback
 * journal a reader could play back a commit that is being made.  So such a
 * descriptor is left open instead, until this process ends.
 *
 * xSetSystemCall is the process's.  What is not a new job.db passes through;
 * where an SQLite lacks these calls things are as it has them.
 */
typedef int open_call(const char *path, int flags, int mode);
typedef int fstat_call(int fd, struct stat *st);
typedef int close_call(int fd);

static open_call *real_open;
static fstat_call *real_fstat;
static close_call *real_close;

/* A job.db that this thread has opened and not examined yet; or could not. */
static _Thread_local int fresh = -1, unknown = -1;

/*
 * What SQLite cannot open for writing, or make, it opens for reading at once,
 * and the errno that it keeps is that call's (os_unix.c, unixOpen(),
 * unixOpenSharedMemory()): of a log that finds no room that is ENOENT.  So this
 * thread's first failure is kept: of the path that is to be opened again, which
 * is only compared, and of the last file that was opened for reading instead.
 */
static _Thread_local const char *refused_path;
static _Thread_local int refused, read_only;

static void
dbfile_note_refusal(const char *path, int flags, int fd, bool is_db)
{
	bool again = path == refused_path;

	refused_path = NULL;
	if ((flags & O_ACCMODE) == O_RDONLY) {
		/* Of this failure there is an earlier reason. */
		if (again && fd < 0)
			return;
		if (again)
			read_only = refused;
		refused = 0;
	} else if (fd < 0) {
		refused_path = path;
		refused = errno;
	} else {
		refused = 0;
		if (is_db)
			read_only = 0;
	}
}

int
sm_sql_refused(int rc)
{
	switch (rc) {
	case SQLITE_CANTOPEN:
		if (refused)
			return refused;
		/* A journal that is to be played back was opened for reading.
		 */
		return read_only;
	case SQLITE_READONLY_DIRECTORY:
		return refused;
	default:
		if ((rc & 0xff) == SQLITE_READONLY)
			return read_only;
		return 0;
	}
}

static int
dbfile_open(const char *path, int flags, int mode)
{
	static const char name[] = "/job.db";
	size_t n = strlen(path), m = sizeof(name) - 1;
	bool is_db = n >= m && strcmp(path + n - m, name) == 0;
	int fd;

	/* SQLite's 0644 would keep the group out.  Its log and shared memory
	 * take their mode from this file. */
	if (is_db)
		mode = 0666;
	fd = real_open(path, flags, mode);
	dbfile_note_refusal(path, flags, fd, is_db);
	fresh = -1;
	if (is_db)
		fresh = fd;
	unknown = -1;
	return fd;
}

static int
dbfile_fstat(int fd, struct stat *st)
{
	int ret = real_fstat(fd, st);

	unknown = ret < 0 && fd == fresh ? fd : -1;
	fresh = -1;
	return ret;
}

static int
dbfile_close(int fd)
{
	bool keep = fd >= 0 && fd == unknown;

	fresh = unknown = -1;
	return keep ? 0 : real_close(fd);
}

static void
dbfile_set_up(void)
{
	sqlite3_vfs *v = sqlite3_vfs_find(NULL);

	if (!v || v->iVersion < 3 || !v->xGetSystemCall || !v->xSetSystemCall)
		return;
	real_open = (open_call *)v->xGetSystemCall(v, "open");
	real_fstat = (fstat_call *)v->xGetSystemCall(v, "fstat");
	real_close = (close_call *)v->xGetSystemCall(v, "close");
	if (!real_open || !real_fstat || !real_close)
		return;
	v->xSetSystemCall(v, "open", (sqlite3_syscall_ptr)dbfile_open);
	v->xSetSystemCall(v, "fstat", (sqlite3_syscall_ptr)dbfile_fstat);
	v->xSetSystemCall(v, "close", (sqlite3_syscall_ptr)dbfile_close);
}

void
sm_sql_before_connect(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, dbfile_set_up);
	refused_path = NULL;
	refused = read_only = 0;
}

void
sm_db_sqlite(struct sm_db_sqlite *s)
{
	*s = (struct sm_db_sqlite){ .version = sqlite3_libversion(),
				    .number = sqlite3_libversion_number(),
				    .threads = sqlite3_threadsafe() != 0 };
}
