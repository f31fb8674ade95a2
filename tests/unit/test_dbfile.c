/*
 * A connection that cannot be opened costs the process's others no lock; and
 * why a file could not be opened for writing is told, though SQLite opens it
 * for reading then.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/wait.h>

#include "jobdb.h"
#include "sql.h"

/* The bytes of which each connection to a log locks one or all (os.h). */
#define SHARED_FIRST 0x40000002
#define SHARED_SIZE  510

static bool fails;
static int (*real_fstat)(int fd, struct stat *st);

static int
failing_fstat(int fd, struct stat *st)
{
	if (!fails)
		return real_fstat(fd, st);
	errno = EIO;
	return -1;
}

/* The file that is not opened for writing, and why. */
static const char *refuses;
static int refuses_by;
static int (*real_open)(const char *path, int flags, int mode);

static int
refusing_open(const char *path, int flags, int mode)
{
	size_t n = strlen(path), m = refuses ? strlen(refuses) : 0;

	if (m == 0 || (flags & O_ACCMODE) == O_RDONLY || n < m ||
	    strcmp(path + n - m, refuses) != 0)
		return real_open(path, flags, mode);
	errno = refuses_by;
	return -1;
}

/* As another process sees it: only such a one is told. */
static bool
is_locked(void)
{
	struct flock l = { .l_type = F_WRLCK,
			   .l_whence = SEEK_SET,
			   .l_start = SHARED_FIRST,
			   .l_len = SHARED_SIZE };
	int status, fd;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		fd = open(jobdb_file("job.db"), O_RDONLY | O_CLOEXEC);
		_exit(fd < 0 || fcntl(fd, F_GETLK, &l) < 0
			      ? 2
			      : l.l_type == F_UNLCK);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status) == 0;
}

static void
test_locks_stay(void **state)
{
	struct sm_db_opts opts = { .mode = SM_DB_WRITE };
	struct sm_db *other = NULL;

	(void)state;
	jobdb_make(2);
	assert_true(is_locked());
	fails = true;
	assert_int_equal(
		sm_db_open(&other, jobdb.path, jobdb.fd, &opts, &jobdb.err),
		SM_EIO);
	fails = false;
	assert_null(other);
	assert_true(is_locked());
	/* It takes nothing from those that can be opened, nor for ever. */
	assert_int_equal(
		sm_db_open(&other, jobdb.path, jobdb.fd, &opts, &jobdb.err), 0);
	sm_db_close(other);
	assert_true(is_locked());
	sm_db_close(jobdb.db);
	jobdb.db = NULL;
	assert_false(is_locked());
}

/*
 * Open it with `file` refused, and write where it is not for reading; what is
 * said of it.
 */
static int
use_refused(enum sm_db_mode mode, const char *file, int by)
{
	struct sm_db_opts opts = { .mode = mode };
	struct sm_db *db = NULL;
	int ret;

	refuses = file;
	refuses_by = by;
	ret = sm_db_open(&db, jobdb.path, jobdb.fd, &opts, &jobdb.err);
	if (ret == 0 && mode == SM_DB_WRITE)
		ret = sm_db_begin_write(db, &jobdb.err);
	if (ret == 0 && mode == SM_DB_WRITE)
		ret = sm_sql_exec(db, "UPDATE job SET paused = 1", "pause",
				  &jobdb.err);
	refuses = NULL;
	sm_db_close(db);
	return ret;
}

static void
test_refused(void **state)
{
	/* The log and shared memory are to be made, the database is there. */
	static const char *const files[] = { "/job.db-wal", "/job.db-shm",
					     "/job.db" };
	size_t i;

	(void)state;
	jobdb_make(2);
	sm_db_close(jobdb.db);
	jobdb.db = NULL;
	for (i = 0; i < sizeof(files) / sizeof(*files); i++) {
		assert_int_equal(use_refused(SM_DB_WRITE, files[i], EDQUOT),
				 SM_ENOSPC);
		assert_int_equal(jobdb.err.sys, EDQUOT);
		assert_non_null(strstr(jobdb.err.text, strerror(EDQUOT)));
		assert_null(strstr(jobdb.err.text, strerror(ENOENT)));
		assert_int_equal(use_refused(SM_DB_WRITE, files[i], EMFILE),
				 SM_EIO);
		assert_non_null(strstr(jobdb.err.text, strerror(EMFILE)));
		/* It is of one connection. */
		assert_int_equal(use_refused(SM_DB_WRITE, NULL, 0), 0);
	}
}

/* A host dies inside a commit that has begun to write to the database. */
static void
leave_a_hot_journal(void)
{
	static const char text[] =
		"PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; BEGIN; "
		"CREATE TABLE filler(x); WITH RECURSIVE c(i) AS (VALUES(1) "
		"UNION ALL SELECT i + 1 FROM c WHERE i < 5000) "
		"INSERT INTO filler SELECT randomblob(100) FROM c";
	sqlite3 *conn;
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(sqlite3_open(jobdb_file("job.db"), &conn) != SQLITE_OK ||
		      sqlite3_exec(conn, text, NULL, NULL, NULL) != SQLITE_OK);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/*
 * A journal must be played back before even a reader reads: why it could not be
 * is told, and of this connection, not of one before.
 */
static void
test_refused_journal(void **state)
{
	static const char *const files[] = { "/job.db", "/job.db-journal" };
	size_t i;

	(void)state;
	jobdb_make(2);
	sm_db_close(jobdb.db);
	jobdb.db = NULL;
	leave_a_hot_journal();
	for (i = 0; i < sizeof(files) / sizeof(*files); i++) {
		assert_int_equal(use_refused(SM_DB_READ, files[i], EDQUOT),
				 SM_ENOSPC);
		assert_int_equal(jobdb.err.sys, EDQUOT);
		assert_non_null(strstr(jobdb.err.text, strerror(EDQUOT)));
		assert_non_null(strstr(jobdb.err.text, "cut short"));
		assert_int_equal(use_refused(SM_DB_READ, files[i], EMFILE),
				 SM_EIO);
		assert_int_equal(jobdb.err.sys, EMFILE);
	}
	assert_int_equal(use_refused(SM_DB_READ, "/job.db", EACCES), SM_EIO);
	assert_non_null(strstr(jobdb.err.text, strerror(EACCES)));
	assert_non_null(strstr(jobdb.err.text, "; whoever may write"));
	assert_int_equal(use_refused(SM_DB_READ, NULL, 0), 0);
	assert_int_equal(use_refused(SM_DB_WRITE, "/job.db", EDQUOT),
			 SM_ENOSPC);
	/* None of what was refused before. */
	sm_sql_before_connect();
	assert_int_equal(sm_sql_refused(SQLITE_CANTOPEN), 0);
	assert_int_equal(sm_sql_refused(SQLITE_READONLY), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_locks_stay, jobdb_setup,
						jobdb_teardown),
		cmocka_unit_test_setup_teardown(test_refused, jobdb_setup,
						jobdb_teardown),
		cmocka_unit_test_setup_teardown(test_refused_journal,
						jobdb_setup, jobdb_teardown),
	};
	sqlite3_vfs *v = sqlite3_vfs_find(NULL);

	/* Before the library looks what there is. */
	real_fstat = (int (*)(int, struct stat *))v->xGetSystemCall(v, "fstat");
	v->xSetSystemCall(v, "fstat", (sqlite3_syscall_ptr)failing_fstat);
	real_open =
		(int (*)(const char *, int, int))v->xGetSystemCall(v, "open");
	v->xSetSystemCall(v, "open", (sqlite3_syscall_ptr)refusing_open);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
