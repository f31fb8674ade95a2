/* Which attempts count against a batch, and how long it waits for the next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "jobdb.h"

#define NOW JOBDB_NOW

static void
test_max_attempts(void **state)
{
	double now = NOW, wait;
	struct sm_batch b;
	bool failed;
	int64_t w;
	int i;

	(void)state;
	jobdb_make(1);
	w = jobdb_worker(0);
	for (i = 1; i <= 3; i++) {
		assert_int_equal(jobdb_claim_at(&b, w, now), 1);
		assert_int_equal(b.piece.attempt, i);
		/* Any number of interruptions in between changes nothing. */
		assert_int_equal(jobdb_give_back(&b), 1);
		assert_int_equal(jobdb_int("SELECT attempts FROM batch"),
				 i - 1);
		assert_int_equal(jobdb_claim_at(&b, w, now), 1);
		assert_int_equal(b.piece.attempt, i);
		failed = !(i == 3);
		assert_int_equal(jobdb_fail(&b, &jobdb_broken, &failed), 1);
		assert_int_equal(failed, i == 3);
		wait = strtod(jobdb_text("SELECT not_before FROM batch"),
			      NULL) -
		       NOW;
		if (i < 3) {
			/* 2^n seconds, a quarter more or less. */
			assert_true(wait >= 0.75 * (1 << i));
			assert_true(wait <= 1.25 * (1 << i));
			assert_int_equal(
				jobdb_claim_at(&b, w, NOW + wait - 0.1), 0);
			now = NOW + wait + 0.001;
		}
	}
	assert_int_equal(jobdb_int("SELECT state = 'failed' AND attempts = 3 "
				   "AND error = 'it broke' FROM batch"),
			 1);
	assert_int_equal(jobdb_int("SELECT count(*) FROM attempt WHERE "
				   "outcome = 'error' AND exit_status = 3 AND "
				   "signal IS NULL AND error_class = 'command' "
				   "AND message = 'it broke' AND stderr = "
				   "'oh' || char(10) || 'no' || char(10)"),
			 3);
	assert_int_equal(jobdb_claim_at(&b, w, NOW + 7200), 0);
}

static void
test_not_worth_retrying(void **state)
{
	struct sm_batch_trouble t = jobdb_broken;
	struct sm_batch b;
	bool failed = false;

	(void)state;
	jobdb_make(1);
	assert_int_equal(jobdb_claim(&b, jobdb_worker(0)), 1);
	t.retry = false;
	assert_int_equal(jobdb_fail(&b, &t, &failed), 1);
	assert_true(failed);
	assert_int_equal(jobdb_int("SELECT attempts FROM batch WHERE state = "
				   "'failed'"),
			 1);
}

/* The wait never passes an hour, after however many attempts. */
static void
test_longest_backoff(void **state)
{
	struct sm_batch b;
	double wait;
	int64_t w;
	int i;

	(void)state;
	jobdb_make(30);
	w = jobdb_worker(0);
	jobdb_sql("UPDATE batch SET attempts = 11 + id * 40, "
		  "max_attempts = 100000");
	for (i = 0; i < 30; i++) {
		assert_int_equal(jobdb_claim(&b, w), 1);
		assert_int_equal(jobdb_fail(&b, &jobdb_broken, NULL), 1);
	}
	wait = strtod(jobdb_text("SELECT max(not_before) FROM batch"), NULL);
	assert_true(wait - NOW <= 3600);
	wait = strtod(jobdb_text("SELECT min(not_before) FROM batch"), NULL);
	assert_true(wait - NOW >= 0.75 * 4096);
	/* Exactly as long as is still waited for, and no longer. */
	assert_int_equal(jobdb_claim(&b, w), 0);
	assert_int_equal(jobdb_claim_at(&b, w, NOW + 3600), 1);
}

/* In a row, up to the latest: what ended otherwise begins the count anew. */
static void
test_interruptions(void **state)
{
	struct sm_batch b;
	int64_t w;
	int i;

	(void)state;
	jobdb_make(2);
	w = jobdb_worker(0);
	assert_int_equal(jobdb_number(sm_batch_interruptions(&jobdb.n, jobdb.db,
							     0, &jobdb.err)),
			 0);
	for (i = 1; i <= 4; i++) {
		assert_int_equal(jobdb_claim(&b, w), 1);
		assert_int_equal(b.piece.id, 0);
		/* The attempt under way does not interrupt the row of them. */
		assert_int_equal(jobdb_number(sm_batch_interruptions(
					 &jobdb.n, jobdb.db, 0, &jobdb.err)),
				 i - 1);
		assert_int_equal(jobdb_give_back(&b), 1);
		assert_int_equal(jobdb_number(sm_batch_interruptions(
					 &jobdb.n, jobdb.db, 0, &jobdb.err)),
				 i);
	}
	assert_int_equal(jobdb_claim(&b, w), 1);
	assert_int_equal(jobdb_fail(&b, &jobdb_broken, NULL), 1);
	assert_int_equal(jobdb_number(sm_batch_interruptions(&jobdb.n, jobdb.db,
							     0, &jobdb.err)),
			 0);
	jobdb_sql("UPDATE batch SET not_before = 0");
	assert_int_equal(jobdb_claim(&b, w), 1);
	assert_int_equal(jobdb_give_back(&b), 1);
	assert_int_equal(jobdb_number(sm_batch_interruptions(&jobdb.n, jobdb.db,
							     0, &jobdb.err)),
			 1);
	assert_int_equal(jobdb_number(sm_batch_interruptions(&jobdb.n, jobdb.db,
							     1, &jobdb.err)),
			 0);
	assert_int_equal(jobdb_int("SELECT attempts FROM batch WHERE id = 0"),
			 1);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, jobdb_setup, jobdb_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_max_attempts),
		TEST(test_not_worth_retrying),
		TEST(test_longest_backoff),
		TEST(test_interruptions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
