/* What is asked of the batch rows: counts, what is left, who holds what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "jobdb.h"

/* 0 done, 1 failed, 2 waits for its backoff, 3 runs, 4 and 5 pending. */
static int64_t
make_mixed(struct sm_batch *running)
{
	struct sm_batch_trouble t = jobdb_broken;
	struct sm_batch b;
	int64_t w;

	jobdb_make(6);
	w = jobdb_worker(0);
	assert_int_equal(jobdb_claim(&b, w), 1);
	assert_int_equal(jobdb_complete(&b, 50), 1);
	t.retry = false;
	assert_int_equal(jobdb_claim(&b, w), 1);
	assert_int_equal(jobdb_fail(&b, &t, NULL), 1);
	assert_int_equal(jobdb_claim(&b, w), 1);
	assert_int_equal(jobdb_fail(&b, &jobdb_broken, NULL), 1);
	assert_int_equal(jobdb_claim(running, w), 1);
	return w;
}

static void
test_counts(void **state)
{
	struct sm_batch_counts c;
	struct sm_batch b;

	(void)state;
	make_mixed(&b);
	assert_int_equal(sm_batch_counts(&c, jobdb.db, &jobdb.err), 0);
	assert_int_equal(c.total, 6);
	assert_int_equal(c.pending, 3);
	assert_int_equal(c.running, 1);
	assert_int_equal(c.done, 1);
	assert_int_equal(c.failed, 1);
	assert_int_equal(c.counts.rows, 10);
	assert_int_equal(c.counts.records, 8);
	assert_int_equal(c.counts.tally[SM_TALLY_SKIPPED], 2);
	assert_int_equal(c.raw_bytes, 100);
	assert_int_equal(c.gz_bytes, 50);
	assert_true(c.percent == (double)16.67);
	/* A worker is alive, and its batch runs for long. */
	assert_true(c.eta_s > 0);
	assert_int_equal(c.stragglers, 0);
	jobdb_sql("UPDATE job SET paused = 1");
	assert_int_equal(sm_batch_counts(&c, jobdb.db, &jobdb.err), 0);
	assert_true(c.eta_s < 0);
	jobdb_sql("UPDATE job SET paused = 0");

	/* Rates count what this run did, and nothing before it. */
	jobdb_sql("UPDATE job SET started = 1000000, ended = 1000020");
	assert_int_equal(sm_batch_counts(&c, jobdb.db, &jobdb.err), 0);
	assert_true(c.elapsed_s == 20);
	assert_true(c.rows_per_s == 0.5);
	/* Nor the time of pauses, as far as they are within it. */
	jobdb_sql("INSERT INTO pause (started, ended) VALUES (999000, 1000005),"
		  "(1000012, NULL), (999000, 999001), (1000030, 1000040)");
	assert_int_equal(sm_batch_counts(&c, jobdb.db, &jobdb.err), 0);
	assert_true(c.elapsed_s == 20);
	assert_true(c.rows_per_s == 1.4);
	jobdb_sql("DELETE FROM pause");
	jobdb_sql("UPDATE job SET started = 1000006");
	assert_int_equal(sm_batch_counts(&c, jobdb.db, &jobdb.err), 0);
	assert_true(c.rows_per_s == 0);
	/* What an earlier attempt left is not counted in another state. */
	jobdb_sql("UPDATE batch SET state = 'pending' WHERE id = 0");
	assert_int_equal(sm_batch_counts(&c, jobdb.db, &jobdb.err), 0);
	assert_int_equal(c.counts.rows, 0);
	assert_int_equal(c.gz_bytes, 0);
	jobdb_sql("DELETE FROM batch");
	assert_int_equal(sm_batch_counts(&c, jobdb.db, &jobdb.err), 0);
	assert_int_equal(c.total, 0);
	assert_true(c.percent == 100);
}

static void
test_left(void **state)
{
	struct sm_batch_left left;
	struct sm_batch b;

	(void)state;
	make_mixed(&b);
	assert_int_equal(sm_batch_left(&left, jobdb.db, &jobdb.err), 0);
	assert_true(left.pending && left.running);
	assert_true(left.next_due == 0);
	jobdb_sql("DELETE FROM batch WHERE id >= 4");
	assert_int_equal(sm_batch_left(&left, jobdb.db, &jobdb.err), 0);
	assert_true(left.pending && left.running);
	assert_true(left.next_due > JOBDB_NOW);
	jobdb_sql("DELETE FROM batch WHERE id = 2");
	assert_int_equal(sm_batch_left(&left, jobdb.db, &jobdb.err), 0);
	assert_true(!left.pending && left.running);
	assert_true(left.next_due == 0);
	assert_int_equal(jobdb_complete(&b, 50), 1);
	assert_int_equal(sm_batch_left(&left, jobdb.db, &jobdb.err), 0);
	assert_true(!left.pending && !left.running);
}

static void
test_any_failed(void **state)
{
	struct sm_batch b;

	(void)state;
	make_mixed(&b);
	assert_int_equal(jobdb_answer(sm_batch_any_failed(&jobdb.yes, jobdb.db,
							  &jobdb.err)),
			 1);
	jobdb_sql("DELETE FROM batch WHERE state <> 'done'");
	assert_int_equal(jobdb_answer(sm_batch_any_failed(&jobdb.yes, jobdb.db,
							  &jobdb.err)),
			 0);
}

static void
test_rows(void **state)
{
	static const enum sm_state states[] = { SM_DONE,    SM_FAILED,
						SM_PENDING, SM_RUNNING,
						SM_PENDING, SM_PENDING };
	struct sm_batch_row row;
	struct sm_batch b;
	uint64_t i;

	(void)state;
	make_mixed(&b);
	assert_int_equal(sm_batch_rows_begin(jobdb.db, 0, &jobdb.err), 0);
	for (i = 0; i < 6; i++) {
		assert_int_equal(sm_batch_rows_next(&row, jobdb.db, &jobdb.err),
				 1);
		assert_int_equal(row.id, i);
		assert_int_equal(row.state, states[i]);
		assert_int_equal(row.first, 10 * i);
		assert_int_equal(row.end, 10 * i + 10);
		assert_int_equal(row.sizes.gz_bytes, i == 0 ? 50 : 0);
		assert_true(row.sizes.gz_crc32 == (i == 0 ? 0x80000000 : 0));
		if (i == 3)
			assert_int_equal(row.token, b.piece.token);
	}
	assert_int_equal(sm_batch_rows_next(&row, jobdb.db, &jobdb.err), 0);
	sm_batch_rows_end(jobdb.db);
	/* From the middle, and left in the middle. */
	assert_int_equal(sm_batch_rows_begin(jobdb.db, 4, &jobdb.err), 0);
	assert_int_equal(sm_batch_rows_next(&row, jobdb.db, &jobdb.err), 1);
	assert_int_equal(row.id, 4);
	sm_batch_rows_end(jobdb.db);
	assert_int_equal(sm_batch_rows_begin(jobdb.db, 6, &jobdb.err), 0);
	assert_int_equal(sm_batch_rows_next(&row, jobdb.db, &jobdb.err), 0);
	sm_batch_rows_end(jobdb.db);
	/* No snapshot is left open: the log can be written back. */
	jobdb_sql("UPDATE batch SET priority = 1");
	assert_int_equal(jobdb_int("PRAGMA wal_checkpoint(TRUNCATE)"), 0);
}

static void
test_look(void **state)
{
	struct sm_batch_row row;
	struct sm_batch b;
	struct sm_piece p;

	(void)state;
	make_mixed(&b);
	/* Beside an open cursor, which goes on as if nothing had been asked. */
	assert_int_equal(sm_batch_rows_begin(jobdb.db, 1, &jobdb.err), 0);
	assert_int_equal(sm_batch_row_of(&row, jobdb.db, 3, &jobdb.err), 0);
	assert_int_equal(row.state, SM_RUNNING);
	assert_int_equal(row.token, b.piece.token);
	assert_int_equal(sm_batch_row_of(&row, jobdb.db, 5, &jobdb.err), 0);
	assert_int_equal(row.id, 5);
	assert_int_equal(row.state, SM_PENDING);
	assert_int_equal(sm_batch_row_of(&row, jobdb.db, 6, &jobdb.err), 0);
	assert_int_equal(row.token, 0);
	assert_int_equal(sm_batch_rows_next(&row, jobdb.db, &jobdb.err), 1);
	assert_int_equal(row.id, 1);
	sm_batch_rows_end(jobdb.db);

	assert_int_equal(jobdb_answer(sm_batch_get(&jobdb.yes, &p, jobdb.db, 2,
						   &jobdb.err)),
			 1);
	assert_int_equal(p.id, 2);
	assert_int_equal(p.first, 20);
	assert_int_equal(p.end, 30);
	assert_int_equal(p.first_byte, -1);
	assert_int_equal(p.attempt, 1);
	assert_int_equal(jobdb_answer(sm_batch_get(&jobdb.yes, &p, jobdb.db, 6,
						   &jobdb.err)),
			 0);
}

/* A state that no CHECK would have let in: whatever it is, it is not "done". */
static void
test_no_state(void **state)
{
	struct sm_batch_row row;
	struct sm_batch b;

	(void)state;
	make_mixed(&b);
	jobdb_sql("PRAGMA ignore_check_constraints = 1; "
		  "UPDATE batch SET state = 'lost' WHERE id = 2");
	assert_int_equal(sm_batch_row_of(&row, jobdb.db, 2, &jobdb.err),
			 SM_EDAMAGED);
	assert_non_null(strstr(jobdb.err.text, "'lost'"));
	assert_int_equal(sm_batch_row_from(&row, jobdb.db, 2, &jobdb.err),
			 SM_EDAMAGED);
}

/* Running rows whose worker's row is over, or never was. */
static void
test_orphan(void **state)
{
	struct sm_batch b, found;
	int64_t w;

	(void)state;
	w = make_mixed(&b);
	assert_int_equal(jobdb_answer(sm_batch_orphan(&jobdb.yes, &found,
						      jobdb.db, &jobdb.err)),
			 0);
	jobdb_begin();
	assert_int_equal(sm_worker_end(jobdb.db, w, 9, &jobdb.err), 0);
	/* Whoever saw it first has said when. */
	assert_int_equal(sm_worker_end(jobdb.db, w, 10, &jobdb.err), 0);
	jobdb_commit();
	assert_int_equal(jobdb_int("SELECT ended FROM worker"), 9);
	assert_int_equal(jobdb_answer(sm_batch_orphan(&jobdb.yes, &found,
						      jobdb.db, &jobdb.err)),
			 1);
	assert_int_equal(found.piece.id, 3);
	assert_int_equal(found.piece.token, b.piece.token);
	assert_int_equal(found.worker, w);
	assert_int_equal(jobdb_give_back(&found), 1);
	assert_int_equal(jobdb_answer(sm_batch_orphan(&jobdb.yes, &found,
						      jobdb.db, &jobdb.err)),
			 0);
	jobdb_sql("UPDATE batch SET state = 'running', token = 5, worker = 99 "
		  "WHERE id = 4");
	assert_int_equal(jobdb_answer(sm_batch_orphan(&jobdb.yes, &found,
						      jobdb.db, &jobdb.err)),
			 1);
	assert_int_equal(found.piece.id, 4);
	assert_int_equal(found.worker, 99);
}

static void
test_workers(void **state)
{
	struct sm_worker w = { 0 };
	int64_t id[3];
	int i;

	(void)state;
	jobdb_make(1);
	assert_int_equal(sm_worker_next(&w, jobdb.db, 0, &jobdb.err), 0);
	for (i = 0; i < 3; i++)
		id[i] = jobdb_worker(9 - i);
	jobdb_begin();
	assert_int_equal(sm_worker_end(jobdb.db, id[1], 1, &jobdb.err), 0);
	jobdb_commit();
	assert_int_equal(jobdb_answer(sm_worker_is_open(&jobdb.yes, jobdb.db,
							id[0], &jobdb.err)),
			 1);
	assert_int_equal(jobdb_answer(sm_worker_is_open(&jobdb.yes, jobdb.db,
							id[1], &jobdb.err)),
			 0);
	assert_int_equal(jobdb_answer(sm_worker_is_open(&jobdb.yes, jobdb.db,
							77, &jobdb.err)),
			 0);
	assert_int_equal(sm_worker_next(&w, jobdb.db, 0, &jobdb.err), 1);
	assert_int_equal(w.id, id[0]);
	assert_int_equal(w.slot, 9);
	assert_int_equal(sm_worker_next(&w, jobdb.db, w.id, &jobdb.err), 1);
	assert_int_equal(w.id, id[2]);
	assert_int_equal(sm_worker_next(&w, jobdb.db, w.id, &jobdb.err), 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, jobdb_setup, jobdb_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_counts), TEST(test_left),    TEST(test_any_failed),
		TEST(test_rows),   TEST(test_look),    TEST(test_no_state),
		TEST(test_orphan), TEST(test_workers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
