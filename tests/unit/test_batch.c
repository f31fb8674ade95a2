/* Claims, and the guard behind them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "jobdb.h"

#define NOW JOBDB_NOW

static void
do_fenced(const struct sm_batch *b)
{
	jobdb_begin();
	assert_int_equal(sm_batch_fenced(jobdb.db, b, NOW, &jobdb.err), 0);
	jobdb_commit();
}

/* Ids in the order in which they are claimed at `now`, each with a ",". */
static void
expect_claims(int64_t worker, double now, const char *want)
{
	char got[128] = "";
	struct sm_batch b;

	while (jobdb_claim_at(&b, worker, now) == 1) {
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%d,",
			 (int)b.piece.id);
		sm_batch_release(&b);
	}
	assert_string_equal(got, want);
}

/* -------------------------------------------------------------- claims -- */

static void
test_order(void **state)
{
	int64_t w;

	(void)state;
	jobdb_make(6);
	w = jobdb_worker(0);
	jobdb_sql("UPDATE batch SET priority = 5 WHERE id IN (3, 5);"
		  "UPDATE batch SET priority = -1 WHERE id = 0;"
		  "UPDATE batch SET priority = 6 WHERE id = 4");
	expect_claims(w, NOW, "4,3,5,1,2,0,");
	assert_int_equal(jobdb_int("SELECT count(DISTINCT token) FROM batch "
				   "WHERE state = 'running' AND attempts = 1"),
			 6);
	assert_int_equal(jobdb_int("SELECT count(*) FROM attempt AS a JOIN "
				   "batch AS b ON b.id = a.batch AND b.token = "
				   "a.token WHERE outcome = 'running'"),
			 6);
}

/* A batch is the planned one only by every one of its bounds. */
static void
test_is(void **state)
{
	static const struct sm_piece planned = {
		.id = 1,
		.first = 2,
		.end = 3,
		.first_byte = 7,
		.end_byte = 99,
		.item = (char *)(uintptr_t) "it's"
	};
	struct sm_piece other[6];
	size_t i;

	(void)state;
	jobdb_make(1);
	jobdb_begin();
	assert_int_equal(sm_batch_insert(jobdb.db, &planned, &jobdb.err), 0);
	jobdb_commit();
	assert_int_equal(jobdb_answer(sm_batch_is(&jobdb.yes, jobdb.db,
						  &planned, &jobdb.err)),
			 1);
	for (i = 0; i < 6; i++)
		other[i] = planned;
	other[0].first = -1;
	other[1].end = 4;
	other[2].first_byte = 0;
	other[3].end_byte = 98;
	other[4].item = NULL;
	other[5].id = 2; /* there is none */
	for (i = 0; i < 6; i++)
		assert_int_equal(
			jobdb_answer(sm_batch_is(&jobdb.yes, jobdb.db,
						 &other[i], &jobdb.err)),
			0);
}

static void
test_claim_fields(void **state)
{
	struct sm_piece in = { .id = 1,
			       .first = -1,
			       .end = -1,
			       .first_byte = 7,
			       .end_byte = 99,
			       .item = (char *)(uintptr_t) "it's" };
	struct sm_batch b;
	int64_t w;

	(void)state;
	jobdb_make(1);
	jobdb_begin();
	assert_int_equal(sm_batch_insert(jobdb.db, &in, &jobdb.err), 0);
	jobdb_commit();
	w = jobdb_worker(0);
	jobdb_sql("UPDATE batch SET max_attempts = 9 WHERE id = 1");

	assert_int_equal(jobdb_claim(&b, w), 1);
	assert_int_equal(b.piece.first, 0);
	assert_int_equal(b.piece.end, 10);
	assert_int_equal(b.piece.first_byte, -1);
	assert_int_equal(b.piece.end_byte, -1);
	assert_null(b.piece.item);
	assert_int_equal(b.max_attempts, 3);
	assert_int_equal(b.worker, w);
	assert_int_equal(jobdb_claim(&b, w), 1);
	assert_int_equal(b.piece.first, -1);
	assert_int_equal(b.piece.first_byte, 7);
	assert_int_equal(b.piece.end_byte, 99);
	assert_string_equal(b.piece.item, "it's");
	assert_int_equal(b.max_attempts, 9);
	assert_true(b.piece.token > 0);
	sm_batch_release(&b);
	assert_string_equal(jobdb_text("SELECT fingerprint FROM attempt"),
			    JOBDB_FP);
}

/* Due: the time has come, or is further ahead than the longest backoff. */
static void
test_due(void **state)
{
	struct sm_batch_left left;
	int64_t w;

	(void)state;
	jobdb_make(5);
	w = jobdb_worker(0);
	jobdb_sql("UPDATE batch SET not_before = 1000010 WHERE id = 0;"
		  "UPDATE batch SET not_before = 1003600 WHERE id = 1;"
		  "UPDATE batch SET not_before = 1003601 WHERE id = 2;"
		  "UPDATE batch SET not_before = 1000000 WHERE id = 3;"
		  "UPDATE batch SET not_before = 999999, priority = 1 "
		  "WHERE id = 4");
	assert_int_equal(sm_batch_left(&left, jobdb.db, &jobdb.err), 0);
	assert_true(left.pending && left.next_due == 999999);
	expect_claims(w, NOW, "4,2,3,");
	assert_int_equal(sm_batch_left(&left, jobdb.db, &jobdb.err), 0);
	assert_true(left.pending && left.running);
	assert_true(left.next_due == 1000010);
	expect_claims(w, NOW + 9.5, "");
	expect_claims(w, NOW + 10, "0,");
	expect_claims(w, NOW + 3599, "");
	/* The clock is set back by a day: the wait is over at once. */
	expect_claims(w, NOW - 86400, "1,");
}

static void
test_no_claim(void **state)
{
	struct sm_claim claim = { .fingerprint = JOBDB_FP, .now = NOW };
	struct sm_batch b;

	(void)state;
	jobdb_make(2);
	claim.worker = jobdb_worker(0);
	jobdb_sql("UPDATE job SET paused = 1");
	assert_int_equal(jobdb_claim(&b, claim.worker), 0);
	jobdb_sql("UPDATE job SET paused = 0, run = 1");
	assert_int_equal(jobdb_claim(&b, claim.worker), 0);
	jobdb_begin();
	claim.run = 1;
	assert_int_equal(jobdb_answer(sm_batch_claim(&jobdb.yes, &b, jobdb.db,
						     &claim, &jobdb.err)),
			 1);
	assert_int_equal(b.run, 1);
	jobdb_commit();
	/* Given up for dead: it must come back under a new row. */
	jobdb_begin();
	assert_int_equal(sm_worker_end(jobdb.db, claim.worker, NOW, &jobdb.err),
			 0);
	assert_int_equal(jobdb_answer(sm_batch_claim(&jobdb.yes, &b, jobdb.db,
						     &claim, &jobdb.err)),
			 0);
	assert_int_equal(
		jobdb_answer(sm_worker_is_open(&jobdb.yes, jobdb.db,
					       claim.worker, &jobdb.err)),
		0);
	claim.worker = 4711;
	assert_int_equal(jobdb_answer(sm_batch_claim(&jobdb.yes, &b, jobdb.db,
						     &claim, &jobdb.err)),
			 0);
	sm_db_rollback(jobdb.db);
	assert_int_equal(jobdb_int("SELECT count(*) FROM attempt"), 1);
}

/* ----------------------------------------------------------- the guard -- */

static void
test_complete(void **state)
{
	struct sm_batch b;

	(void)state;
	jobdb_make(1);
	assert_int_equal(jobdb_claim(&b, jobdb_worker(0)), 1);
	assert_int_equal(jobdb_complete(&b, 77), 1);
	assert_int_equal(jobdb_int("SELECT count(*) FROM batch WHERE state = "
				   "'done' AND rows = 10 AND records = 8 AND "
				   "skipped = 2 AND raw_bytes = 100 AND "
				   "gz_bytes = 77 AND raw_crc32 = 4294967295 "
				   "AND gz_crc32 = 2147483648 AND finished = "
				   "1000005 AND error IS NULL"),
			 1);
	assert_int_equal(jobdb_int("SELECT token FROM batch"), b.piece.token);
	assert_string_equal(jobdb_text("SELECT outcome FROM attempt"), "done");
	/* Once. */
	assert_int_equal(jobdb_complete(&b, 78), 0);
	assert_int_equal(jobdb_fail(&b, &jobdb_broken, NULL), 0);
	assert_int_equal(jobdb_give_back(&b), 0);
	assert_int_equal(jobdb_int("SELECT gz_bytes FROM batch"), 77);
	assert_string_equal(jobdb_text("SELECT outcome FROM attempt"), "done");
}

/* Put back and claimed by another, while the first still holds its claim. */
static void
test_fenced(void **state)
{
	struct sm_batch first, seen, second;
	int64_t a, b;

	(void)state;
	jobdb_make(1);
	a = jobdb_worker(0);
	b = jobdb_worker(1);
	assert_int_equal(jobdb_claim(&first, a), 1);
	assert_int_equal(jobdb_answer(sm_batch_of_worker(
				 &jobdb.yes, &seen, jobdb.db, b, &jobdb.err)),
			 0);
	assert_int_equal(jobdb_answer(sm_batch_of_worker(
				 &jobdb.yes, &seen, jobdb.db, a, &jobdb.err)),
			 1);
	assert_int_equal(seen.piece.token, first.piece.token);
	assert_int_equal(seen.piece.attempt, 1);
	assert_int_equal(seen.max_attempts, 3);
	assert_int_equal(jobdb_give_back(&seen), 1);
	/* Pending: the old token is still in the row, and worth nothing. */
	assert_int_equal(jobdb_complete(&first, 50), 0);
	assert_int_equal(jobdb_fail(&first, &jobdb_broken, NULL), 0);
	assert_int_equal(jobdb_give_back(&first), 0);

	assert_int_equal(jobdb_claim(&second, b), 1);
	assert_int_not_equal(second.piece.token, first.piece.token);
	assert_int_equal(jobdb_complete(&first, 50), 0);
	assert_int_equal(jobdb_fail(&first, &jobdb_broken, NULL), 0);
	assert_int_equal(jobdb_give_back(&first), 0);
	assert_int_equal(jobdb_int("SELECT token FROM batch WHERE state = "
				   "'running' AND attempts = 1"),
			 second.piece.token);
	/* Its attempt was closed by the rescue; that it came late is told. */
	do_fenced(&first);
	assert_string_equal(jobdb_text("SELECT outcome FROM attempt "
				       "ORDER BY id"),
			    "fenced");
	assert_int_equal(jobdb_complete(&second, 51), 1);
	assert_int_equal(jobdb_complete(&first, 50), 0);
	assert_int_equal(jobdb_int("SELECT gz_bytes FROM batch"), 51);
}

/* A hand edit leaves the attempt open: the fenced worker closes its own. */
static void
test_fenced_by_hand(void **state)
{
	struct sm_batch first, second;
	int64_t w;

	(void)state;
	jobdb_make(1);
	w = jobdb_worker(0);
	assert_int_equal(jobdb_claim(&first, w), 1);
	jobdb_sql("UPDATE batch SET state = 'pending'");
	assert_int_equal(jobdb_claim(&second, w), 1);
	assert_int_equal(jobdb_complete(&first, 50), 0);
	do_fenced(&first);
	assert_string_equal(jobdb_text("SELECT group_concat(outcome) FROM "
				       "(SELECT outcome FROM attempt "
				       "ORDER BY id)"),
			    "fenced,running");
	assert_int_equal(jobdb_complete(&second, 50), 1);
}

/* Other options: claims made with the old ones are void. */
static void
test_run_fence(void **state)
{
	struct sm_batch b, seen;
	int64_t w;

	(void)state;
	jobdb_make(1);
	w = jobdb_worker(0);
	assert_int_equal(jobdb_claim(&b, w), 1);
	jobdb_begin();
	assert_int_equal(sm_job_set_spec(jobdb.db, "{}", "cd", &jobdb.err), 0);
	jobdb_commit();
	assert_int_equal(jobdb_complete(&b, 50), 0);
	assert_int_equal(jobdb_fail(&b, &jobdb_broken, NULL), 0);
	assert_int_equal(jobdb_give_back(&b), 0);
	assert_string_equal(jobdb_text("SELECT state FROM batch"), "running");
	/* Whoever rescues it works under the new run. */
	assert_int_equal(jobdb_answer(sm_batch_of_worker(
				 &jobdb.yes, &seen, jobdb.db, w, &jobdb.err)),
			 1);
	assert_int_equal(jobdb_give_back(&seen), 1);
	assert_int_equal(jobdb_claim(&b, w), 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, jobdb_setup, jobdb_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_order),        TEST(test_is),
		TEST(test_claim_fields), TEST(test_due),
		TEST(test_no_claim),     TEST(test_complete),
		TEST(test_fenced),       TEST(test_fenced_by_hand),
		TEST(test_run_fence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
