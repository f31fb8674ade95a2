/* SQLite out of memory: what is said to be written is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "jobdb.h"

static sqlite3_mem_methods usual;
static long until_failure; /* allocations, this one included; 0: none fails */

static bool
fails(void)
{
	return until_failure > 0 && --until_failure == 0;
}

static void *
memory_malloc(int size)
{
	return fails() ? NULL : usual.xMalloc(size);
}

static void *
memory_realloc(void *p, int size)
{
	return fails() ? NULL : usual.xRealloc(p, size);
}

static int
group_setup(void **state)
{
	sqlite3_mem_methods ours;

	(void)state;
	if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &usual) != SQLITE_OK)
		return -1;
	ours = usual;
	ours.xMalloc = memory_malloc;
	ours.xRealloc = memory_realloc;
	/* Small blocks would come from a pool that never fails. */
	sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
	return sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) == SQLITE_OK ? 0
									: -1;
}

/* A text that found no room was a NULL, in a statement that succeeded. */
static void
test_texts(void **state)
{
	char path[40];
	long n, passed = 0;
	int ret;

	(void)state;
	jobdb_make(1);
	for (n = 1; n < 2000 && passed < 20; n++) {
		snprintf(path, sizeof(path), "/somewhere/f-%ld.gz", n);
		until_failure = n;
		ret = sm_db_begin_write(jobdb.db, &jobdb.err);
		if (ret == 0)
			ret = sm_job_finalized(jobdb.db, path, 7, 8,
					       &jobdb.err);
		if (ret == 0)
			ret = sm_db_commit(jobdb.db, &jobdb.err);
		sm_db_rollback(jobdb.db);
		passed = until_failure > 0 ? passed + 1 : 0;
		until_failure = 0;
		if (ret < 0)
			continue;
		assert_string_equal(jobdb_text("SELECT final_path FROM job"),
				    path);
		assert_string_equal(jobdb_text("SELECT final_digest FROM job"),
				    "0000000000000008");
	}
	assert_int_equal(passed, 20);
	assert_true(n > 40);
}

/* Nor is a batch claimed without its item, which its command would lack. */
static void
test_claimed_item(void **state)
{
	struct sm_claim claim = { .fingerprint = JOBDB_FP, .now = JOBDB_NOW };
	struct sm_batch b;
	long n, passed = 0, claimed = 0;
	int ret;

	(void)state;
	jobdb_make(1);
	jobdb_sql("UPDATE batch SET item = 'an item of some length'");
	claim.worker = jobdb_worker(0);
	for (n = 1; n < 2000 && passed < 20; n++) {
		jobdb_begin();
		until_failure = n;
		ret = jobdb_answer(sm_batch_claim(&jobdb.yes, &b, jobdb.db,
						  &claim, &jobdb.err));
		passed = until_failure > 0 ? passed + 1 : 0;
		until_failure = 0;
		sm_db_rollback(jobdb.db);
		if (ret <= 0) {
			assert_int_equal(ret, SM_ENOMEM);
			continue;
		}
		claimed++;
		assert_string_equal(b.piece.item, "an item of some length");
		sm_batch_release(&b);
	}
	assert_int_equal(passed, 20);
	assert_true(claimed >= 20 && n > 40);
}

/* ------------------------------------------- each statement, one by one -- */

static struct sm_batch held;

static int
do_fail(void)
{
	enum sm_fate fate;

	return sm_batch_fail(&fate, jobdb.db, &held, &jobdb_broken, JOBDB_NOW,
			     &jobdb.err);
}

static int
do_give_back(void)
{
	enum sm_fate fate;

	return sm_batch_give_back(&fate, jobdb.db, &held, &jobdb_broken,
				  JOBDB_NOW, &jobdb.err);
}

static int
do_retry(void)
{
	uint64_t n;

	return sm_batch_retry(&n, jobdb.db, SM_BATCHES_ALL, &jobdb.err);
}

static int
do_is(void)
{
	return jobdb_answer(
		sm_batch_is(&jobdb.yes, jobdb.db, &held.piece, &jobdb.err));
}

static int
do_get(void)
{
	struct sm_piece b = { .item = NULL };
	int ret = jobdb_answer(
		sm_batch_get(&jobdb.yes, &b, jobdb.db, 0, &jobdb.err));

	if (ret > 0)
		assert_string_equal(b.item, "an item");
	free(b.item);
	return ret;
}

static int
do_count(void)
{
	struct sm_batch_counts c;
	int ret = sm_batch_counts(&c, jobdb.db, &jobdb.err);

	if (ret == 0)
		assert_int_equal(c.running, 1);
	return ret;
}

/* What finds no memory says so, and what says nothing has been done. */
static void
test_statements(void **state)
{
	static int (*const calls[])(void) = { do_fail, do_give_back, do_retry,
					      do_is,   do_get,       do_count };
	size_t i;
	long n;
	int ret, want;
	bool hit;

	(void)state;
	for (i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		jobdb_make(2);
		jobdb_sql("UPDATE batch SET item = 'an item'");
		assert_int_equal(jobdb_claim(&held, jobdb_worker(0)), 1);
		/* A view's parse asks thousands of times: of those a share. */
		for (n = 1, hit = true; hit; n += 1 + n / 100) {
			/* Statements are prepared anew. */
			assert_int_equal(jobdb_open(SM_DB_WRITE), 0);
			jobdb_begin();
			until_failure = n;
			ret = calls[i]();
			hit = until_failure == 0;
			until_failure = 0;
			want = hit ? SM_ENOMEM : calls[i]();
			if (ret < 0)
				assert_int_equal(ret, want);
			sm_db_rollback(jobdb.db);
		}
		assert_true(n > 3 && ret >= 0);
		sm_batch_release(&held);
		assert_int_equal(sm_db_checkpoint(jobdb.db, &jobdb.err), 0);
		sm_db_close(jobdb.db);
		jobdb.db = NULL;
		unlink(jobdb_file("job.db"));
		unlink(jobdb_file("job.db-wal"));
		unlink(jobdb_file("job.db-shm"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_texts, jobdb_setup,
						jobdb_teardown),
		cmocka_unit_test_setup_teardown(test_claimed_item, jobdb_setup,
						jobdb_teardown),
		cmocka_unit_test_setup_teardown(test_statements, jobdb_setup,
						jobdb_teardown),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
