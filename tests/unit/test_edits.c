/* Batches put back: by hand, by retry, by the checks; and adopted ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "jobdb.h"

static int64_t
make_with_worker(uint64_t batches)
{
	jobdb_make(batches);
	return jobdb_worker(0);
}

static void
claim_and_complete(int64_t worker)
{
	struct sm_batch b;

	assert_int_equal(jobdb_claim(&b, worker), 1);
	assert_int_equal(jobdb_complete(&b, 50), 1);
}

/* The next batch fails for good. */
static void
claim_and_lose(int64_t worker)
{
	struct sm_batch_trouble t = jobdb_broken;
	struct sm_batch b;

	t.retry = false;
	assert_int_equal(jobdb_claim(&b, worker), 1);
	assert_int_equal(jobdb_fail(&b, &t, NULL), 1);
}

static int
requeue(uint64_t id, int64_t token)
{
	int ret;

	jobdb_begin();
	ret = jobdb_answer(sm_batch_requeue(&jobdb.yes, jobdb.db, id, token,
					    "its shard is gone", &jobdb.err));
	jobdb_commit();
	return ret;
}

static uint64_t
retry(enum sm_batch_set set)
{
	uint64_t n;

	jobdb_begin();
	assert_int_equal(sm_batch_retry(&n, jobdb.db, set, &jobdb.err), 0);
	jobdb_commit();
	return n;
}

static uint64_t
retry_range(uint64_t first, uint64_t last)
{
	uint64_t n;

	jobdb_begin();
	assert_int_equal(
		sm_batch_retry_range(&n, jobdb.db, first, last, &jobdb.err), 0);
	jobdb_commit();
	return n;
}

/* The states of all batches by their first letters. */
static void
expect_states(const char *want)
{
	assert_string_equal(jobdb_text("SELECT group_concat(substr(state, 1, "
				       "1), '') FROM (SELECT state FROM batch "
				       "ORDER BY id)"),
			    want);
}

/* ------------------------------------------------------------- by hand -- */

static void
test_done_to_pending(void **state)
{
	int64_t w = make_with_worker(2), old;
	struct sm_batch b;

	(void)state;
	claim_and_complete(w);
	claim_and_complete(w);
	old = jobdb_int("SELECT token FROM batch WHERE id = 1");
	jobdb_sql("UPDATE batch SET state = 'pending' WHERE id = 1");
	assert_int_equal(jobdb_claim(&b, w), 1);
	assert_int_equal(b.piece.id, 1);
	assert_int_not_equal(b.piece.token, old);
	/* A look at the old token finds nobody. */
	assert_int_equal(requeue(1, old), 0);
	assert_int_equal(jobdb_complete(&b, 51), 1);
	expect_states("dd");
	assert_int_equal(jobdb_int("SELECT gz_bytes FROM batch WHERE id = 1"),
			 51);
}

/* Pending again, it is tried at least once, and then fails again. */
static void
test_failed_to_pending(void **state)
{
	int64_t w = make_with_worker(1);
	struct sm_batch b;
	bool failed = false;
	int i;

	(void)state;
	jobdb_sql("UPDATE batch SET attempts = 17");
	for (i = 0; i < 2; i++) {
		assert_int_equal(jobdb_claim(&b, w), 1);
		assert_int_equal(jobdb_fail(&b, &jobdb_broken, &failed), 1);
		assert_true(failed);
		expect_states("f");
		jobdb_sql("UPDATE batch SET state = 'pending'");
	}
	claim_and_complete(w);
	expect_states("d");
}

/* While it runs: the worker is fenced, and the batch made by another. */
static void
test_running_to_pending(void **state)
{
	int64_t w = make_with_worker(1);
	struct sm_batch b, again;

	(void)state;
	assert_int_equal(jobdb_claim(&b, w), 1);
	jobdb_sql("UPDATE batch SET state = 'pending'");
	assert_int_equal(jobdb_complete(&b, 50), 0);
	assert_int_equal(jobdb_claim(&again, w), 1);
	assert_int_equal(jobdb_complete(&again, 50), 1);
	expect_states("d");
}

static void
test_refused_by_checks(void **state)
{
	static const char *const refused[] = {
		"UPDATE batch SET state = 'pendng'",
		"UPDATE batch SET state = 'PENDING'",
		"UPDATE batch SET state = NULL",
		"UPDATE batch SET state = 'running'",
		"UPDATE batch SET state = 'running', token = 5",
		"UPDATE batch SET state = 'running', worker = 1",
		"UPDATE batch SET state = 'done'",
		("UPDATE batch SET state = 'done', token = 5, rows = 1, "
		 "records = 1, skipped = 0, " NO_TALLIES
		 "raw_bytes = 1, gz_bytes = 1, "
		 "raw_crc32 = 1, finished = 1"),
		"UPDATE batch SET attempts = 'many'",
		"UPDATE job SET workers = -1",
		"UPDATE job SET paused = 2",
		"UPDATE job SET lease_s = 0",
		"UPDATE job SET max_attempts = 0",
		"UPDATE job SET sync = 'never'",
		"UPDATE job SET consume = 2",
		"INSERT INTO job (id, kind, spec, fingerprint, batches, rows, "
		"workers, max_attempts, lease_s, sync, fail_fast, network_fs, "
		"created) SELECT 2, kind, spec, fingerprint, batches, rows, "
		"workers, max_attempts, lease_s, sync, fail_fast, network_fs, "
		"created FROM job",
	};
	size_t i;

	(void)state;
	jobdb_make(1);
	for (i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		if ((jobdb_try(refused[i]) & 0xff) != SQLITE_CONSTRAINT)
			fail_msg("not refused: %s", refused[i]);
	/* What a state does not need may stand there or not. */
	jobdb_sql("UPDATE batch SET token = 5, worker = 1, error = 'x'");
	jobdb_sql("UPDATE batch SET state = 'failed', token = NULL");
	jobdb_sql("UPDATE batch SET state = 'pending', worker = NULL");
	jobdb_sql("UPDATE job SET workers = 0, paused = 1");
}

/* ------------------------------------------------------ requeue, retry -- */

static void
test_requeue(void **state)
{
	int64_t w = make_with_worker(3), token;
	struct sm_batch b;

	(void)state;
	claim_and_complete(w);
	claim_and_lose(w);
	assert_int_equal(jobdb_claim(&b, w), 1);
	token = jobdb_int("SELECT token FROM batch WHERE id = 0");
	/* Only a done row, and only with the token that was looked at. */
	assert_int_equal(requeue(0, token + 1), 0);
	assert_int_equal(requeue(1, jobdb_int("SELECT token FROM batch WHERE "
					      "id = 1")),
			 0);
	assert_int_equal(requeue(2, b.piece.token), 0);
	assert_int_equal(requeue(3, token), 0);
	expect_states("dfr");
	assert_int_equal(requeue(0, token), 1);
	expect_states("pfr");
	assert_int_equal(jobdb_int("SELECT attempts = 0 AND not_before = 0 AND "
				   "error = 'its shard is gone' FROM batch "
				   "WHERE id = 0"),
			 1);
	assert_int_equal(requeue(0, token), 0);
}

static void
test_retry(void **state)
{
	int64_t w = make_with_worker(7);
	struct sm_batch b;

	(void)state;
	claim_and_complete(w);                   /* 0 */
	claim_and_lose(w);                       /* 1 */
	claim_and_lose(w);                       /* 2 */
	assert_int_equal(jobdb_claim(&b, w), 1); /* 3 */
	assert_int_equal(jobdb_fail(&b, &jobdb_broken, NULL), 1);
	assert_int_equal(jobdb_claim(&b, w), 1); /* 4 */
	claim_and_complete(w);                   /* 5 */
	expect_states("dffprdp");
	assert_int_equal(retry_range(2, 3), 2);
	assert_int_equal(retry_range(4, 4), 0);
	expect_states("dfpprdp");
	/* In backoff no longer, and with fresh attempts. */
	assert_int_equal(jobdb_int("SELECT count(*) FROM batch WHERE id IN (2, "
				   "3) AND attempts = 0 AND not_before = 0"),
			 2);
	assert_int_equal(retry(SM_BATCHES_FAILED), 1);
	expect_states("dppprdp");
	assert_int_equal(retry(SM_BATCHES_FAILED), 0);
	assert_int_equal(retry(SM_BATCHES_ALL), 2);
	expect_states("pppprpp");
	assert_int_equal(retry_range(9, 12), 0);
	/* The running one goes on as if nothing had happened. */
	assert_int_equal(jobdb_complete(&b, 50), 1);
	expect_states("ppppdpp");
}

/* "With fresh attempts" is said of every batch that is not running. */
static void
test_retry_all_wakes(void **state)
{
	int64_t w = make_with_worker(1);
	struct sm_batch b;

	(void)state;
	assert_int_equal(jobdb_claim(&b, w), 1);
	assert_int_equal(jobdb_fail(&b, &jobdb_broken, NULL), 1);
	assert_int_equal(jobdb_claim(&b, w), 0);
	retry(SM_BATCHES_ALL);
	assert_int_equal(jobdb_claim(&b, w), 1);
	assert_int_equal(b.piece.attempt, 1);
}

static void
test_adopt(void **state)
{
	struct sm_claim by = { .fingerprint = JOBDB_FP, .now = JOBDB_NOW };
	struct sm_made made = { .counts = { .rows = 10, .records = 9 },
				.sizes = { .gz_bytes = 60,
					   .gz_crc32 = 0xffffffff } };
	struct sm_batch b;

	(void)state;
	by.worker = make_with_worker(2);
	assert_int_equal(jobdb_claim(&b, by.worker), 1);
	jobdb_begin();
	assert_int_equal(jobdb_answer(sm_batch_adopt(&jobdb.yes, jobdb.db, 0,
						     &by, &made, &jobdb.err)),
			 0); /* it runs */
	assert_int_equal(jobdb_answer(sm_batch_adopt(&jobdb.yes, jobdb.db, 1,
						     &by, &made, &jobdb.err)),
			 1);
	assert_int_equal(jobdb_answer(sm_batch_adopt(&jobdb.yes, jobdb.db, 1,
						     &by, &made, &jobdb.err)),
			 0);
	assert_int_equal(jobdb_answer(sm_batch_adopt(&jobdb.yes, jobdb.db, 2,
						     &by, &made, &jobdb.err)),
			 0);
	jobdb_commit();
	expect_states("rd");
	assert_int_equal(jobdb_int("SELECT count(*) FROM attempt AS a JOIN "
				   "batch AS b ON b.id = a.batch AND b.token = "
				   "a.token WHERE outcome = 'done' AND "
				   "b.records = 9 AND gz_crc32 = 4294967295 "
				   "AND a.ended IS NOT NULL"),
			 1);
	assert_int_equal(jobdb_int("SELECT count(*) FROM attempt"), 2);
}

/* ------------------------------------------------------------- totals -- */

static bool
totals_are_right(void)
{
	bool right;

	assert_int_equal(sm_db_check_totals(&right, jobdb.db, &jobdb.err), 0);
	/* By other words, and with the column that is no sum. */
	if (right)
		assert_int_equal(
			jobdb_int("SELECT count(*) FROM total AS t, sums AS s "
				  "WHERE t.done = s.done AND t.rows = s.rows "
				  "AND t.run_rows = s.run_rows "
				  "AND t.latest >= s.latest"),
			1);
	return right;
}

static void
keep_totals(bool anew)
{
	jobdb_begin();
	assert_int_equal(sm_db_keep_totals(jobdb.db, anew, &jobdb.err), 0);
	jobdb_commit();
}

#define DONE_ROW                                                               \
	"state = 'done', token = 5, rows = 3, records = 2, skipped = 1, "      \
	"entries = 7, low_score = 1, too_few = 2, of_too_few = 3, "            \
	"padding = 4, nan = 5, over_maximum = 6, raw_bytes = 90, "             \
	"gz_bytes = 40, raw_crc32 = 1, gz_crc32 = 2, finished = 2000000 "

/* Whatever a person types, the totals are what the rows add up to. */
static void
test_totals_of_edits(void **state)
{
	static const char *const edits[] = {
		"UPDATE batch SET state = 'pending' WHERE id = 0",
		"UPDATE batch SET state = 'pending'",
		"UPDATE batch SET " DONE_ROW "WHERE id IN (0, 2, 4)",
		"UPDATE batch SET joined = token, joined_at = 1 WHERE id < 4",
		"UPDATE batch SET token = token + 1 WHERE id = 2",
		"UPDATE batch SET rows = rows + 1, finished = 5 WHERE id = 4",
		"UPDATE job SET started = 1000000, ended = NULL",
		"UPDATE job SET started = 1",
		"UPDATE job SET started = NULL",
		"UPDATE job SET started = 3000000",
		"UPDATE batch SET priority = 3, not_before = 7",
		"UPDATE batch SET max_attempts = 9",
		"UPDATE batch SET state = 'failed' WHERE id IN (0, 1)",
		"UPDATE batch SET state = 'done' WHERE id = 0",
		"UPDATE batch SET id = 99 WHERE id = 0",
		"DELETE FROM batch WHERE id = 99",
		"INSERT INTO batch (id) VALUES (77)",
		"INSERT INTO batch SELECT 78, first, \"end\", first_byte, "
		"end_byte, item, state, attempts, max_attempts, not_before, "
		"priority, worker, token, rows, records, entries, low_score, "
		"too_few, of_too_few, padding, skipped, nan, over_maximum, "
		"raw_bytes, gz_bytes, raw_crc32, gz_crc32, open_line, "
		"file_bytes, file_crc32, started, finished, error, joined, "
		"joined_at FROM batch WHERE id = 2",
		"DELETE FROM batch WHERE id IN (2, 3)",
		"DELETE FROM batch",
	};
	int64_t w;
	size_t i;

	(void)state;
	w = make_with_worker(6);
	for (i = 0; i < 3; i++)
		claim_and_complete(w);
	claim_and_lose(w);
	assert_int_equal(jobdb_int("SELECT done FROM total"), 3);
	assert_true(totals_are_right());
	for (i = 0; i < sizeof(edits) / sizeof(*edits); i++) {
		jobdb_sql(edits[i]);
		if (!totals_are_right())
			fail_msg("wrong after: %s", edits[i]);
	}
	assert_int_equal(jobdb_int("SELECT batches FROM total"), 0);
}

/* What was changed without them is seen, and not believed where it can be. */
static void
test_totals_wrong(void **state)
{
	static const char *const edits[] = {
		"UPDATE total SET rows = rows + 1",
		"UPDATE total SET done = 2",
		"UPDATE total SET done = 4, batches = 7",
		"DELETE FROM total",
		"DROP TRIGGER total_undone",
		("DROP TRIGGER total_done; CREATE TRIGGER total_done AFTER "
		 "INSERT ON job BEGIN SELECT 1; END"),
	};
	struct sm_batch_counts c;
	int64_t w;
	size_t i;

	(void)state;
	w = make_with_worker(6);
	for (i = 0; i < 6; i++)
		claim_and_complete(w);
	for (i = 0; i < sizeof(edits) / sizeof(*edits); i++) {
		jobdb_sql(edits[i]);
		assert_false(totals_are_right());
		if (i > 0) {
			assert_int_equal(
				sm_batch_counts(&c, jobdb.db, &jobdb.err), 0);
			assert_int_equal(c.total, 6);
			assert_int_equal(c.done, 6);
			assert_int_equal(c.pending, 0);
			assert_int_equal(c.counts.rows, 60);
		}
		jobdb_sql("DROP TRIGGER IF EXISTS total_done");
		keep_totals(true);
		assert_true(totals_are_right());
	}
	/* A run asks for what is missing alone. */
	jobdb_sql("UPDATE total SET rows = rows + 1");
	keep_totals(false);
	assert_false(totals_are_right());
	jobdb_sql("DELETE FROM total");
	keep_totals(false);
	assert_true(totals_are_right());
}

/* A job of the version before has no totals, and the next run adds them. */
static void
test_totals_of_older(void **state)
{
	struct sm_batch_counts c;
	int64_t w;
	size_t i;
	bool right;

	(void)state;
	w = make_with_worker(6);
	claim_and_complete(w);
	jobdb_sql("DROP TRIGGER total_insert; DROP TRIGGER total_insert_done; "
		  "DROP TRIGGER total_delete; DROP TRIGGER total_delete_done; "
		  "DROP TRIGGER total_done; DROP TRIGGER total_undone; "
		  "DROP TRIGGER total_run; DROP VIEW sums; DROP VIEW progress; "
		  "DROP TABLE total; CREATE VIEW progress AS SELECT "
		  "count(*) AS total, 0 AS pending, 0 AS running, 1 AS done, "
		  "0 AS failed, 0 AS rows, 0 AS records, 0 AS entries, "
		  "0 AS low_score, 0 AS too_few, 0 AS of_too_few, "
		  "0 AS padding, 0 AS skipped, 0 AS nan, 0 AS over_maximum, "
		  "0 AS raw_bytes, 0 AS gz_bytes, 0 AS percent, "
		  "0 AS rows_per_s, 0 AS elapsed_s, 0 AS eta_s, 0 AS joined, "
		  "0 AS stragglers FROM batch; PRAGMA user_version = 4");
	sm_db_close(jobdb.db);
	jobdb.db = NULL;
	assert_int_equal(jobdb_open(SM_DB_WRITE), 0);
	/* There is nothing that could be wrong. */
	assert_int_equal(sm_db_check_totals(&right, jobdb.db, &jobdb.err), 0);
	assert_true(right);
	claim_and_complete(w);
	assert_int_equal(sm_batch_counts(&c, jobdb.db, &jobdb.err), 0);
	assert_int_equal(c.total, 6);
	for (i = 0; i < 2; i++) {
		keep_totals(false);
		assert_int_equal(jobdb_int("PRAGMA user_version"), 5);
		assert_int_equal(jobdb_int("SELECT done FROM total"), 2 + i);
		assert_true(totals_are_right());
		claim_and_complete(w);
	}
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, jobdb_setup, jobdb_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_done_to_pending),
		TEST(test_failed_to_pending),
		TEST(test_running_to_pending),
		TEST(test_refused_by_checks),
		TEST(test_requeue),
		TEST(test_retry),
		TEST(test_retry_all_wakes),
		TEST(test_adopt),
		TEST(test_totals_of_edits),
		TEST(test_totals_wrong),
		TEST(test_totals_of_older),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
