/* Write transactions: the queue, the outsider, commits of unknown outcome. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "clock.h"

#include "jobdb.h"

static bool
queue_is_free(void)
{
	int fd = open(jobdb_file("write.lock"), O_RDWR | O_CLOEXEC);
	bool is_free = flock(fd, LOCK_EX | LOCK_NB) == 0;

	assert_true(fd >= 0);
	close(fd);
	return is_free;
}

static bool
is_blocked(int number)
{
	sigset_t now;

	pthread_sigmask(SIG_BLOCK, NULL, &now);
	return sigismember(&now, number) == 1;
}

static void
expect_idle(void)
{
	assert_true(queue_is_free());
	assert_false(is_blocked(SIGINT));
	assert_false(is_blocked(SIGTERM));
	assert_false(is_blocked(SIGHUP));
	assert_false(is_blocked(SIGTSTP));
}

static void
test_nesting(void **state)
{
	(void)state;
	jobdb_make(1);
	assert_int_equal(sm_db_commit(jobdb.db, &jobdb.err), SM_EBUG);
	sm_db_rollback(jobdb.db);
	jobdb_begin();
	assert_int_equal(sm_job_end_run(jobdb.db, 0, 7, &jobdb.err), 0);
	assert_int_equal(sm_db_begin_write(jobdb.db, &jobdb.err), SM_EBUG);
	/* The outer one is none the worse for it. */
	assert_false(queue_is_free());
	jobdb_commit();
	assert_int_equal(jobdb_int("SELECT ended FROM job"), 7);
	jobdb_begin();
	assert_int_equal(sm_job_end_run(jobdb.db, 0, 8, &jobdb.err), 0);
	sm_db_rollback(jobdb.db);
	assert_int_equal(jobdb_int("SELECT ended FROM job"), 7);
	/* Closing is a rollback. */
	jobdb_begin();
	assert_int_equal(sm_job_end_run(jobdb.db, 0, 9, &jobdb.err), 0);
	sm_db_close(jobdb.db);
	jobdb.db = NULL;
	assert_int_equal(jobdb_int("SELECT ended FROM job"), 7);
	expect_idle();
}

/* A process stopped in its turn would stop everybody. */
static void
test_signals(void **state)
{
	sigset_t mine, old;

	(void)state;
	jobdb_make(1);
	sigemptyset(&mine);
	sigaddset(&mine, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &mine, &old);
	expect_idle();
	jobdb_begin();
	assert_true(is_blocked(SIGINT) && is_blocked(SIGTERM));
	assert_true(is_blocked(SIGHUP) && is_blocked(SIGTSTP));
	assert_false(queue_is_free());
	/* Whoever does something long in its turn can be asked to stop. */
	sm_db_hear_signals(jobdb.db);
	assert_false(is_blocked(SIGINT) || is_blocked(SIGTERM));
	jobdb_commit();
	expect_idle();
	assert_true(is_blocked(SIGUSR1));
	sm_db_hear_signals(jobdb.db);
	assert_true(is_blocked(SIGUSR1));
	jobdb_begin();
	sm_db_rollback(jobdb.db);
	expect_idle();
	assert_true(is_blocked(SIGUSR1));
	/* Outside of a turn there is no mask to restore. */
	sigaddset(&mine, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &mine, NULL);
	sm_db_rollback(jobdb.db);
	assert_true(is_blocked(SIGUSR1) && is_blocked(SIGUSR2));
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* ------------------------------------------------------- the outsider -- */

struct outsider {
	pid_t pid;
	int end_fd; /* closing it ends the outsider's transaction */
};

/*
 * A process that has what `sql` locks open, for `ms` or until its pipe is
 * closed.  No SQLite handle may cross the fork: job.db is closed here.
 */
static void
outsider_lock(struct outsider *o, int ms, const char *sql)
{
	int ready[2], end[2];
	sqlite3 *c = NULL;
	char byte = 0;

	assert_null(jobdb.db);
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(end), 0);
	o->pid = fork();
	assert_true(o->pid >= 0);
	if (o->pid == 0) {
		close(end[1]);
		if (sqlite3_open(jobdb_file("job.db"), &c) != SQLITE_OK ||
		    sqlite3_exec(c, sql, NULL, NULL, NULL) != SQLITE_OK ||
		    write(ready[1], "r", 1) != 1)
			_exit(1);
		if (ms > 0)
			sm_clock_sleep_ms((uint64_t)ms);
		else if (read(end[0], &byte, 1) != 0)
			_exit(1);
		sqlite3_exec(c, "UPDATE job SET ended = 77; COMMIT", NULL, NULL,
			     NULL);
		sqlite3_close(c);
		_exit(0);
	}
	close(ready[1]);
	close(end[0]);
	o->end_fd = end[1];
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

static void
outsider_start(struct outsider *o, int ms)
{
	outsider_lock(o, ms, "BEGIN IMMEDIATE");
}

static void
outsider_end(struct outsider *o)
{
	int status;

	close(o->end_fd);
	assert_int_equal(waitpid(o->pid, &status, 0), o->pid);
	assert_int_equal(status, 0);
}

static int asked;

static bool
give_up_at_third(void *arg)
{
	assert_ptr_equal(arg, &asked);
	return ++asked == 3;
}

static void
test_busy(void **state)
{
	struct sm_db_opts opts = { .mode = SM_DB_WRITE,
				   .wait = { .limit_s = 0.3, .arg = &asked } };
	struct outsider o;
	uint64_t begun;
	char pid[32];

	(void)state;
	jobdb_make(1);
	sm_db_close(jobdb.db);
	jobdb.db = NULL;
	outsider_start(&o, 0);
	assert_int_equal(
		sm_db_open(&jobdb.db, jobdb.path, jobdb.fd, &opts, &jobdb.err),
		0);
	begun = sm_clock_ms();
	assert_int_equal(sm_db_begin_write(jobdb.db, &jobdb.err), SM_EBUSY);
	assert_in_range(sm_clock_ms() - begun, 300, 5000);
	snprintf(pid, sizeof(pid), "process %d ", (int)o.pid);
	if (!strstr(jobdb.err.text, pid))
		fail_msg("no '%s' in: %s", pid, jobdb.err.text);
	expect_idle();
	/* Readers do not mind. */
	assert_int_equal(jobdb_answer(sm_batch_any_failed(&jobdb.yes, jobdb.db,
							  &jobdb.err)),
			 0);
	sm_db_close(jobdb.db);
	jobdb.db = NULL;

	asked = 0;
	opts.wait.give_up = give_up_at_third;
	opts.wait.limit_s = 0;
	assert_int_equal(
		sm_db_open(&jobdb.db, jobdb.path, jobdb.fd, &opts, &jobdb.err),
		0);
	assert_int_equal(sm_db_begin_write(jobdb.db, &jobdb.err), SM_ESTOPPED);
	assert_int_equal(asked, 3);
	expect_idle();
	outsider_end(&o);
	jobdb_begin();
	sm_db_rollback(jobdb.db);
}

static void
jobdb_shut(void)
{
	sm_db_close(jobdb.db);
	jobdb.db = NULL;
}

/* The error is SM_EBUSY, after the limit, and says of `o` that it `does`. */
static void
expect_busy(int ret, uint64_t begun, const struct outsider *o, const char *does)
{
	char said[80];

	assert_int_equal(ret, SM_EBUSY);
	assert_in_range(sm_clock_ms() - begun, 300, 5000);
	snprintf(said, sizeof(said), "process %d %s", (int)o->pid, does);
	if (!strstr(jobdb.err.text, said))
		fail_msg("no '%s' in: %s", said, jobdb.err.text);
}

/* Not even the journal's mode can be read, by who writes or who reads. */
static void
test_locked_exclusively(void **state)
{
	static const char lock[] = "PRAGMA locking_mode = EXCLUSIVE;"
				   "BEGIN IMMEDIATE; UPDATE job SET ended = 1;"
				   "COMMIT; BEGIN";
	struct sm_db_opts opts = { .wait = { .limit_s = 0.3 } };
	enum sm_db_mode mode;
	struct outsider o;
	uint64_t begun;

	(void)state;
	jobdb_make(1);
	jobdb_shut();
	outsider_lock(&o, 0, lock);
	for (mode = SM_DB_READ; mode <= SM_DB_CREATE; mode++) {
		opts.mode = mode;
		begun = sm_clock_ms();
		expect_busy(sm_db_open(&jobdb.db, jobdb.path, jobdb.fd, &opts,
				       &jobdb.err),
			    begun, &o, "has it locked");
	}
	outsider_end(&o);
}

/* With a rollback journal a reader is one to be named. */
static void
test_busy_reader(void **state)
{
	struct sm_db_opts opts = { .mode = SM_DB_CREATE,
				   .network_fs = true,
				   .wait = { .limit_s = 0.3 } };
	struct outsider o;
	uint64_t begun;

	(void)state;
	assert_int_equal(
		sm_db_open(&jobdb.db, jobdb.path, jobdb.fd, &opts, &jobdb.err),
		0);
	jobdb_begin();
	jobdb_plan(1);
	jobdb_commit();
	jobdb_shut();
	outsider_lock(&o, 0, "BEGIN; SELECT * FROM sqlite_schema");
	opts.mode = SM_DB_WRITE;
	assert_int_equal(
		sm_db_open(&jobdb.db, jobdb.path, jobdb.fd, &opts, &jobdb.err),
		0);
	jobdb_begin();
	assert_int_equal(sm_job_end_run(jobdb.db, 0, 7, &jobdb.err), 0);
	begun = sm_clock_ms();
	expect_busy(sm_db_commit(jobdb.db, &jobdb.err), begun, &o,
		    "has a read of it open");
	expect_idle();
	jobdb_shut();
	outsider_end(&o);
}

static void
test_busy_for_a_while(void **state)
{
	struct sm_db_opts opts = { .mode = SM_DB_WRITE };
	struct outsider o;

	(void)state;
	jobdb_make(1);
	sm_db_close(jobdb.db);
	jobdb.db = NULL;
	outsider_start(&o, 300);
	assert_int_equal(
		sm_db_open(&jobdb.db, jobdb.path, jobdb.fd, &opts, &jobdb.err),
		0);
	jobdb_begin();
	/* What the outsider committed is what this transaction sees. */
	assert_int_equal(jobdb_int("SELECT ended FROM job"), 77);
	jobdb_commit();
	outsider_end(&o);
}

/* Our own kind waits in the kernel's queue. */
static void
test_queue(void **state)
{
	int ready[2], status, fd;
	uint64_t begun;
	pid_t pid;
	char byte;

	(void)state;
	jobdb_make(1);
	sm_db_close(jobdb.db);
	jobdb.db = NULL;
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		fd = open(jobdb_file("write.lock"), O_RDWR);
		if (flock(fd, LOCK_EX) < 0 || write(ready[1], "r", 1) != 1)
			_exit(1);
		sm_clock_sleep_ms(300);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	begun = sm_clock_ms();
	assert_int_equal(jobdb_open(SM_DB_WRITE), 0);
	jobdb_begin();
	assert_in_range(sm_clock_ms() - begun, 200, 5000);
	jobdb_commit();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* A checkpoint takes its turn too, and gives up as a commit does. */
static void
test_checkpoint_queues(void **state)
{
	struct sm_db_opts opts = { .mode = SM_DB_WRITE,
				   .wait = { .limit_s = 0.05 } };
	struct sm_db *db;
	int fd;

	(void)state;
	jobdb_make(1);
	assert_int_equal(
		sm_db_open(&db, jobdb.path, jobdb.fd, &opts, &jobdb.err), 0);
	fd = open(jobdb_file("write.lock"), O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(sm_db_checkpoint(db, &jobdb.err), SM_EBUSY);
	close(fd);
	assert_int_equal(sm_db_checkpoint(db, &jobdb.err), 0);
	sm_db_close(db);
}

/* ----------------------------------------------------- unknown commits -- */

/* No file may grow: the log cannot be written, and COMMIT fails for real. */
static int
commit_without_room(void)
{
	struct rlimit old, none;
	int ret;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	none = (struct rlimit){ .rlim_cur = 1, .rlim_max = old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	ret = sm_db_commit(jobdb.db, &jobdb.err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	return ret;
}

static void
test_unknown_commit(void **state)
{
	struct sm_made made = { .sizes.gz_bytes = 50 };
	struct sm_batch_row row;
	struct sm_batch b;

	(void)state;
	jobdb_make(1);
	assert_int_equal(jobdb_claim(&b, jobdb_worker(0)), 1);
	jobdb_begin();
	assert_int_equal(
		jobdb_answer(sm_batch_complete(&jobdb.yes, jobdb.db, &b, &made,
					       1, &jobdb.err)),
		1);
	assert_int_equal(commit_without_room(), SM_EUNKNOWN);
	assert_int_equal(jobdb.err.code, SM_EUNKNOWN);
	assert_int_equal(jobdb.err.sys, SM_EIO);
	expect_idle();
	assert_int_equal(sm_db_reopen(jobdb.db, &jobdb.err), 0);
	assert_int_equal(sm_batch_row_of(&row, jobdb.db, 0, &jobdb.err), 0);
	assert_int_equal(row.state, SM_RUNNING);
	assert_int_equal(row.token, b.piece.token);
	assert_int_equal(jobdb_complete(&b, 50), 1);
	assert_string_equal(jobdb_text("SELECT state FROM batch"), "done");
	assert_int_equal(jobdb_int("SELECT count(*) FROM attempt"), 1);
}

static const char *program; /* argv[0] */

/* In a process of its own, whose first commit is said to fail. */
static int
fault_child(const char *path)
{
	struct sm_db_opts opts = { .mode = SM_DB_WRITE };
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret;
	struct sm_db *db = NULL;
	struct sm_err err;

	ret = sm_db_open(&db, path, fd, &opts, &err) < 0 ? 10
	      : sm_db_begin_write(db, &err) < 0          ? 11
	      : sm_job_end_run(db, 0, 5, &err) < 0       ? 12
	      : sm_db_commit(db, &err) != SM_EUNKNOWN    ? 13
	      : err.sys != SM_EIO                        ? 14
	      : sm_db_reopen(db, &err) < 0               ? 15
	      : sm_db_begin_write(db, &err) < 0          ? 16
	      : sm_job_begin_run(db, 6, &err) < 0        ? 17
	      : sm_db_commit(db, &err) < 0               ? 18
							 : 0;
	sm_db_close(db);
	close(fd);
	return ret;
}

static void
test_unknown_commit_by_fault(void **state)
{
#ifdef SHARDMILL_FAULTS
	int status;
	pid_t pid;

	(void)state;
	jobdb_make(1);
	sm_db_close(jobdb.db);
	jobdb.db = NULL;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		setenv("SHARDMILL_FAULT", "db.commit:EIO:1", 1);
		execl(program, program, "fault", jobdb.path, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(jobdb_int("SELECT ended IS NULL FROM job"), 1);
	assert_int_equal(jobdb_int("SELECT started FROM job"), 6);
#else
	(void)state;
	skip();
#endif
}

int
main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, jobdb_setup, jobdb_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_nesting),
		TEST(test_signals),
		TEST(test_busy),
		TEST(test_busy_for_a_while),
		TEST(test_locked_exclusively),
		TEST(test_busy_reader),
		TEST(test_queue),
		TEST(test_checkpoint_queues),
		TEST(test_unknown_commit),
		TEST(test_unknown_commit_by_fault),
	};

	program = argv[0];
	if (argc == 3 && strcmp(argv[1], "fault") == 0)
		return fault_child(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
