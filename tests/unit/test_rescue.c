/* Rescue: what a worker held goes back, and how that is told. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rescue.h"
#include "shard.h"

#include "jobdb.h"

static struct sm_handle h;
static struct sm_live live;
static struct sm_worker worker;
static struct sm_batch batch;
static struct sm_events events;
static struct sm_memory_watch memory;
static char told[512];
static int told_times;

static void
notice(const char *text, void *arg)
{
	(void)arg;
	snprintf(told, sizeof(told), "%s", text);
	told_times++;
}

/* Three batches, and a worker of slot 3 that has claimed the first. */
static int
setup(void **state)
{
	if (jobdb_setup(state) < 0)
		return -1;
	jobdb_make(3);
	worker = (struct sm_worker){ .id = jobdb_worker(3),
				     .slot = 3,
				     .pid = 4711 };
	events = (struct sm_events){ .notice = notice };
	told[0] = '\0';
	told_times = 0;
	h = (struct sm_handle){
		.dir = { .path = jobdb.path, .fd = jobdb.fd, .shards_fd = -1 },
		.db = jobdb.db,
		.job = { .batches = 3, .spec = (char *)(uintptr_t) "{}" },
		.digits = sm_shard_digits(3),
		.files = SM_FILES_NONE
	};
	if (mkdirat(jobdb.fd, "shards", 0755) < 0)
		return -1;
	h.dir.shards_fd = openat(jobdb.fd, "shards", O_RDONLY | O_DIRECTORY);
	live = (struct sm_live)SM_LIVE_NONE;
	if (sm_live_open(&live, jobdb.fd, &jobdb.err) < 0)
		return -1;
	sm_memory_watch_begin(&memory, "/nonexistent");
	return jobdb_claim(&batch, worker.id) == 1 ? 0 : -1;
}

static int
teardown(void **state)
{
	sm_live_close(&live);
	close(h.dir.shards_fd);
	return jobdb_teardown(state);
}

static int
tmp_of(const struct sm_batch *b, int flags)
{
	char name[SM_SHARD_NAME_MAX];

	sm_shard_tmp_name(name, b->piece.id, h.digits, b->piece.token);
	return openat(h.dir.shards_fd, name, flags | O_CLOEXEC, 0644);
}

static void
put_tmp(void)
{
	int fd = tmp_of(&batch, O_WRONLY | O_CREAT);

	assert_true(fd >= 0);
	close(fd);
}

static bool
has_tmp(void)
{
	int fd = tmp_of(&batch, O_RDONLY);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void
expect_attempt(const char *row, const char *message)
{
	assert_string_equal(
		jobdb_text("SELECT outcome || ' ' || coalesce(signal, '-') || "
			   "' ' || coalesce(error_class, '-') FROM attempt "
			   "WHERE batch = 0 ORDER BY id DESC LIMIT 1"),
		row);
	if (!strstr(jobdb_text("SELECT message FROM attempt "
			       "WHERE batch = 0 ORDER BY id DESC LIMIT 1"),
		    message))
		fail_msg("'%s' does not say '%s'",
			 jobdb_text("SELECT message FROM attempt "
				    "WHERE batch = 0 ORDER BY id DESC LIMIT 1"),
			 message);
}

static void
expect_batch(const char *state, int attempts)
{
	assert_string_equal(jobdb_text("SELECT state FROM batch WHERE id = 0"),
			    state);
	assert_int_equal(jobdb_int("SELECT attempts FROM batch WHERE id = 0"),
			 attempts);
}

static int
workers_ended(void)
{
	return (int)jobdb_int("SELECT count(*) FROM worker "
			      "WHERE ended IS NOT NULL");
}

static void
test_died_by_signal(void **state)
{
	(void)state;
	put_tmp();
	assert_int_equal(sm_rescue_died(&h, &worker, SIGSEGV, &memory, &events,
					&jobdb.err),
			 0);
	expect_attempt("signal 11 signal", "(pid 4711) died by signal 11");
	expect_batch("pending", 1);
	assert_true(jobdb_int("SELECT not_before > 0 FROM batch "
			      "WHERE id = 0"));
	assert_false(has_tmp());
	assert_int_equal(workers_ended(), 1);
	assert_int_equal(told_times, 1);
	assert_non_null(strstr(told, "batch 0: worker"));
	assert_non_null(strstr(told, "will be retried"));
}

static void
test_died_with_status(void **state)
{
	(void)state;
	assert_int_equal(sm_rescue_died(&h, &worker, 7 << 8, &memory, &events,
					&jobdb.err),
			 0);
	expect_attempt("error - command", "(pid 4711) ended with status 7");
	assert_int_equal(jobdb_int("SELECT exit_status FROM attempt "
				   "WHERE batch = 0"),
			 7);
	expect_batch("pending", 1);
}

/* The machine's number of OOM kills, where no control group counts them. */
static void
put_oom_kills(int n)
{
	static char proc[128];
	char text[64];
	int fd = openat(jobdb.fd, "vmstat", O_WRONLY | O_CREAT | O_CLOEXEC,
			0644);

	assert_true(fd >= 0);
	snprintf(text, sizeof(text), "oom_kill %d\n", n);
	assert_true(write(fd, text, strlen(text)) > 0);
	close(fd);
	snprintf(proc, sizeof(proc), "%s/shards", jobdb.path);
	memory.proc = proc;
}

static void
expect_killed(int at_once)
{
	assert_int_equal(sm_rescue_died(&h, &worker, SIGKILL, &memory, &events,
					&jobdb.err),
			 0);
	assert_int_equal(jobdb_int("SELECT coalesce(at_once, 0) FROM job"),
			 at_once);
}

/* Beside others: whose fault it is cannot be known. */
static void
test_killed_beside_others(void **state)
{
	struct sm_batch other;

	(void)state;
	assert_int_equal(jobdb_claim(&other, jobdb_worker(4)), 1);
	jobdb_sql("UPDATE batch SET max_attempts = 1");
	put_tmp();
	put_oom_kills(3);
	sm_memory_watch_begin(&memory, memory.proc);
	put_oom_kills(4);
	expect_killed(1);
	expect_attempt("returned 9 signal", "2 batches were in hand");
	expect_batch("pending", 0);
	assert_false(has_tmp());
	assert_non_null(strstr(told, "OOM killer was here"));
	assert_non_null(strstr(told, "at most 1 are"));
	assert_non_null(strstr(told, "will be retried"));
	sm_batch_release(&other);
}

/* Also where nobody counts OOM kills. */
static void
test_killed_unknown(void **state)
{
	struct sm_batch other;

	(void)state;
	assert_int_equal(jobdb_claim(&other, jobdb_worker(4)), 1);
	expect_killed(1);
	expect_batch("pending", 0);
	assert_null(strstr(told, "OOM killer"));
	sm_batch_release(&other);
}

static void
test_killed_alone(void **state)
{
	(void)state;
	expect_killed(0);
	expect_attempt("signal 9 signal", "no other batch was in hand");
	expect_batch("pending", 1);
}

/* The kernel says that it was somebody else. */
static void
test_killed_by_hand(void **state)
{
	struct sm_batch other;

	(void)state;
	assert_int_equal(jobdb_claim(&other, jobdb_worker(4)), 1);
	put_oom_kills(3);
	sm_memory_watch_begin(&memory, memory.proc);
	expect_killed(0);
	expect_attempt("signal 9 signal", "died by signal 9");
	expect_batch("pending", 1);
	sm_batch_release(&other);
}

static void
test_last_attempt(void **state)
{
	(void)state;
	jobdb_sql("UPDATE batch SET max_attempts = 1 WHERE id = 0");
	assert_int_equal(sm_rescue_stalled(&h, &worker, &events, &jobdb.err),
			 0);
	expect_attempt("stalled - stalled", "stood still");
	expect_batch("failed", 1);
	assert_non_null(strstr(told, "it has failed"));
}

/* Not counted, whatever the limit, and told from the third in a row on. */
static void
test_interrupted(void **state)
{
	int i;

	(void)state;
	jobdb_sql("UPDATE batch SET max_attempts = 1");
	for (i = 1; i <= 4; i++) {
		put_tmp();
		assert_int_equal(
			sm_rescue_interrupted(&h, &worker, &events, &jobdb.err),
			0);
		expect_attempt("interrupted - -", "ended with its supervisor");
		expect_batch("pending", 0);
		assert_false(has_tmp());
		assert_int_equal(told_times, i < 3 ? 0 : i - 2);
		worker.id = jobdb_worker(3);
		sm_batch_release(&batch);
		assert_int_equal(jobdb_claim(&batch, worker.id), 1);
		assert_int_equal(batch.piece.id, 0);
	}
	assert_non_null(strstr(told, "batch 0 was interrupted 4 times"));
}

static void
test_nothing_in_hand(void **state)
{
	(void)state;
	put_tmp();
	jobdb_sql("UPDATE batch SET state = 'pending' WHERE id = 0");
	assert_int_equal(sm_rescue_died(&h, &worker, SIGKILL, &memory, &events,
					&jobdb.err),
			 0);
	assert_int_equal(workers_ended(), 1);
	assert_int_equal(told_times, 0);
	expect_batch("pending", 1);
	/* Whose batch it is not any more, whose file it is not either. */
	assert_true(has_tmp());
}

/* Another supervisor took the job over: this one changes nothing. */
static void
test_fenced(void **state)
{
	(void)state;
	put_tmp();
	jobdb_sql("UPDATE job SET run = run + 1");
	assert_int_equal(sm_rescue_died(&h, &worker, SIGKILL, &memory, &events,
					&jobdb.err),
			 SM_EFENCED);
	expect_batch("running", 1);
	assert_int_equal(workers_ended(), 0);
	assert_int_equal(told_times, 0);
	assert_true(has_tmp());
	/* Nor is a transaction left open. */
	assert_int_equal(sm_db_begin_write(jobdb.db, &jobdb.err), 0);
	sm_db_rollback(jobdb.db);
}

static void
rescue_dead(const int64_t *except, size_t n)
{
	if (sm_rescue_dead(&h, &live, except, n, &events, &jobdb.err) < 0)
		fail_msg("%s", jobdb.err.text);
}

static void
test_dead(void **state)
{
	struct sm_batch b1, b2;
	int64_t alive, mine;

	(void)state;
	/* The first slot that is free is locked, by this process. */
	assert_int_equal(sm_live_take(&live, NULL, &jobdb.err), 0);
	alive = jobdb_worker(live.slot);
	mine = jobdb_worker(5);
	assert_int_equal(jobdb_claim(&b1, alive), 1);
	assert_int_equal(jobdb_claim(&b2, mine), 1);
	rescue_dead(&mine, 1);
	expect_batch("pending", 0);
	assert_string_equal(
		jobdb_text("SELECT group_concat(state) FROM (SELECT "
			   "state FROM batch ORDER BY id)"),
		"pending,running,running");
	assert_int_equal(workers_ended(), 1);
	/* By itself each of them is dead, but for one whose byte is held. */
	rescue_dead(NULL, 0);
	assert_string_equal(
		jobdb_text("SELECT group_concat(state) FROM (SELECT "
			   "state FROM batch ORDER BY id)"),
		"pending,running,pending");
	assert_int_equal(workers_ended(), 2);
	sm_batch_release(&b1);
	sm_batch_release(&b2);
}

/* Running, but of a worker whose row is over, or gone. */
static void
test_orphans(void **state)
{
	struct sm_batch b1;

	(void)state;
	put_tmp();
	assert_int_equal(jobdb_claim(&b1, jobdb_worker(6)), 1);
	jobdb_sql("UPDATE worker SET ended = 1");
	jobdb_sql("UPDATE batch SET worker = 99 WHERE id = 1");
	rescue_dead(NULL, 0);
	assert_string_equal(
		jobdb_text("SELECT group_concat(state) FROM (SELECT "
			   "state FROM batch ORDER BY id)"),
		"pending,pending,pending");
	assert_int_equal(jobdb_int("SELECT count(*) FROM attempt WHERE outcome "
				   "= 'interrupted'"),
			 2);
	assert_false(has_tmp());
	sm_batch_release(&b1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_died_by_signal),
		TEST(test_died_with_status),
		TEST(test_killed_beside_others),
		TEST(test_killed_unknown),
		TEST(test_killed_alone),
		TEST(test_killed_by_hand),
		TEST(test_last_attempt),
		TEST(test_interrupted),
		TEST(test_nothing_in_hand),
		TEST(test_fenced),
		TEST(test_dead),
		TEST(test_orphans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
