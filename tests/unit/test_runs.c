/* The rows of `run` and `pause`, and the reasons of attempts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "jobdb.h"
#include "runs.h"

#define NOW JOBDB_NOW

static int64_t
runs_begin(bool work, double at)
{
	int64_t id = 0;

	jobdb_begin();
	assert_int_equal(sm_runs_begin(&id, jobdb.db, work, at, &jobdb.err), 0);
	jobdb_commit();
	return id;
}

static void
runs_end(int64_t id, const char *why, int status)
{
	struct sm_runs_end end = { .exit_status = status,
				   .signal = -1,
				   .at = NOW + 100 };

	snprintf(end.why, sizeof(end.why), "%s", why);
	jobdb_begin();
	assert_int_equal(sm_runs_end(jobdb.db, id, &end, &jobdb.err), 0);
	jobdb_commit();
}

static void
runs_killed(const char *why)
{
	jobdb_begin();
	assert_int_equal(sm_runs_end_killed(jobdb.db, why, &jobdb.err), 0);
	jobdb_commit();
}

static int64_t
runs_worker(int64_t run)
{
	struct sm_worker w = {
		.slot = 3, .pid = 1, .pid_start = 1, .started = NOW, .run = run
	};

	jobdb_begin();
	assert_int_equal(sm_worker_insert(jobdb.db, &w, "host", &jobdb.err), 0);
	jobdb_commit();
	return w.id;
}

/* Each run counts what its own workers did, and after it began. */
static void
test_counts(void **state)
{
	struct sm_batch_trouble t = jobdb_broken;
	int64_t run, work, by_run, by_work;
	struct sm_batch b;

	(void)state;
	jobdb_make(6);
	run = runs_begin(false, NOW);
	by_run = runs_worker(0);
	work = runs_begin(true, NOW + 1);
	by_work = runs_worker(work);
	assert_int_equal(jobdb_int("SELECT group_concat(run, '') FROM worker"),
			 10 * run + work);
	assert_int_equal(jobdb_claim(&b, by_run), 1);
	assert_int_equal(jobdb_complete(&b, 10), 1);
	assert_int_equal(jobdb_claim(&b, by_work), 1);
	assert_int_equal(jobdb_complete(&b, 10), 1);
	assert_int_equal(jobdb_claim(&b, by_work), 1);
	assert_int_equal(jobdb_complete(&b, 10), 1);
	/* One that is tried again has not failed. */
	assert_int_equal(jobdb_claim(&b, by_run), 1);
	assert_int_equal(jobdb_fail(&b, &t, NULL), 1);
	t.retry = false;
	assert_int_equal(jobdb_claim(&b, by_run), 1);
	assert_int_equal(jobdb_fail(&b, &t, NULL), 1);
	assert_string_equal(jobdb_text("SELECT group_concat(done || '.' || "
				       "failed, ' ') FROM runs"),
			    "1.1 2.0");
	runs_end(run, "it is over", 1);
	assert_string_equal(jobdb_text("SELECT done || '.' || failed || ' ' || "
				       "exit_status || ' ' || why FROM run "
				       "WHERE id = 1"),
			    "1.1 1 it is over");
	/* A later run has none of it. */
	run = runs_begin(false, NOW + 200);
	runs_end(run, "nothing to do", 0);
	assert_string_equal(jobdb_text("SELECT done || '.' || failed FROM run "
				       "WHERE id = 3"),
			    "0.0");
}

/* The next run ends the row of one that was killed, by its last sign of life.
 */
static void
test_killed(void **state)
{
	struct sm_status_run last = { 0 };
	struct sm_batch b;
	int64_t run, work, w;

	(void)state;
	jobdb_make(4);
	run = runs_begin(false, NOW);
	w = jobdb_worker(0);
	assert_int_equal(jobdb_claim_at(&b, w, NOW + 2), 1);
	assert_int_equal(jobdb_complete(&b, 10), 1); /* at NOW + 5 */
	assert_int_equal(jobdb_claim_at(&b, w, NOW + 7), 1);
	work = runs_begin(true, NOW + 1);
	runs_killed(SM_RUNS_KILLED);
	assert_int_equal(jobdb_int("SELECT ended - 1000000 FROM run WHERE id "
				   "= 1 AND exit_status IS NULL AND done = 1 "
				   "AND why LIKE 'killed%'"),
			 7);
	/* What is told already is not told otherwise. */
	runs_killed("another");
	runs_end(run, "late", 0);
	assert_int_equal(jobdb_int("SELECT count(*) FROM run WHERE why LIKE "
				   "'killed%'"),
			 1);
	/* A `work` lives without the supervisor; its own worker's end ends it.
	 */
	w = runs_worker(work);
	assert_int_equal(jobdb_int("SELECT count(*) FROM run WHERE ended IS "
				   "NULL"),
			 1);
	jobdb_begin();
	assert_int_equal(sm_runs_end_worker(jobdb.db, w, &jobdb.err), 0);
	jobdb_commit();
	assert_int_equal(jobdb_int("SELECT count(*) FROM run WHERE why LIKE "
				   "'killed%'"),
			 2);
	jobdb_begin();
	assert_int_equal(sm_runs_go_on(jobdb.db, work, &jobdb.err), 0);
	jobdb_commit();
	assert_int_equal(jobdb_int("SELECT ended IS NULL AND why IS NULL FROM "
				   "run WHERE id = 2"),
			 1);
	/* The latest of a supervisor comes before any `work`. */
	assert_int_equal(sm_runs_last(&jobdb.yes, &last, jobdb.db, &jobdb.err),
			 0);
	assert_true(jobdb.yes);
	assert_int_equal(last.id, run);
	assert_string_equal(last.version, SHARDMILL_VERSION);
	assert_int_equal(last.exit_status, -1);
	free(last.command);
	free(last.host);
	free(last.version);
	free(last.why);
}

static void
test_pauses(void **state)
{
	static const int paused[] = { 0, 1, 1, 0, 0, 1 };
	static const char *const rows[] = { "0 0", "1 0", "1 0",
					    "1 1", "1 1", "2 1" };
	char sql[64];
	size_t i;

	(void)state;
	jobdb_make(1);
	for (i = 0; i < sizeof(paused) / sizeof(*paused); i++) {
		snprintf(sql, sizeof(sql), "UPDATE job SET paused = %d",
			 paused[i]);
		jobdb_sql(sql);
		assert_int_equal(sm_runs_pause_is_noted(&jobdb.yes, jobdb.db,
							&jobdb.err),
				 0);
		assert_int_equal(jobdb.yes, i == 0 || i == 2 || i == 4);
		jobdb_begin();
		assert_int_equal(sm_runs_note_pause(jobdb.db, NOW + (double)i,
						    &jobdb.err),
				 0);
		jobdb_commit();
		assert_string_equal(jobdb_text("SELECT count(*) || ' ' || "
					       "count(ended) FROM pause"),
				    rows[i]);
	}
	assert_string_equal(jobdb_text("SELECT group_concat(started - 1000000, "
				       "' ') || ' ' || sum(ended - 1000000) "
				       "FROM pause"),
			    "1.0 5.0 3.0");
}

/* Only tries that count have a reason; equal ones are one row of the view. */
static void
test_reasons(void **state)
{
	struct sm_batch_trouble t = jobdb_broken;
	struct sm_batch b;
	char text[64];
	int64_t w;
	int i;

	(void)state;
	jobdb_make(9);
	w = jobdb_worker(0);
	t.message = text;
	t.retry = false;
	for (i = 0; i < 7; i++) {
		snprintf(text, sizeof(text), "no '%d.txt' in %d s", i, 7 * i);
		if (i == 5)
			snprintf(text, sizeof(text), "no memory");
		t.retry = i == 6;
		assert_int_equal(jobdb_claim(&b, w), 1);
		assert_int_equal(jobdb_fail(&b, &t, NULL), 1);
	}
	assert_int_equal(jobdb_claim(&b, w), 1);
	assert_int_equal(jobdb_give_back(&b), 1);
	assert_int_equal(jobdb_int("SELECT count(*) FROM attempt WHERE reason "
				   "IS NULL"),
			 1);
	assert_string_equal(
		jobdb_text("SELECT reason || '|' || tries || '|' || batches || "
			   "'|' || failed || '|' || open || '|' || examples "
			   "|| '|' || message FROM failures LIMIT 1"),
		"no '*' in N s|6|6|5|1|0, 1, 2|no '6.txt' in 42 s");
	/* One that a person set to failed has no try that says why. */
	jobdb_sql("UPDATE batch SET state = 'failed' WHERE id = 8");
	assert_string_equal(jobdb_text("SELECT group_concat(tries || '.' || "
				       "failed, ' ') FROM failures"),
			    "6.5 1.1 0.1");
	/* Once they are done it is history. */
	jobdb_sql("UPDATE batch SET state = 'pending', attempts = 0, "
		  "not_before = 0");
	assert_int_equal(jobdb_int("SELECT sum(failed) = 0 AND sum(open) = 7 "
				   "FROM failures"),
			 1);
	assert_string_equal(jobdb_text("SELECT group_concat(try, '') FROM "
				       "tries WHERE batch IN (6, 7)"),
			    "11");
}

/* Ended by hand: not counted, after all others, and not at once. */
static void
test_stop(void **state)
{
	struct sm_batch_holder held;
	struct sm_batch b;
	int64_t w;

	(void)state;
	jobdb_make(3);
	jobdb_sql("UPDATE batch SET priority = -4 WHERE id = 2");
	w = jobdb_worker(5);
	assert_int_equal(jobdb_claim(&b, w), 1);
	assert_int_equal(sm_batch_held_by(&held, jobdb.db, 0, &jobdb.err), 0);
	assert_string_equal(held.state, "running");
	assert_string_equal(held.host, "host");
	assert_int_equal(held.slot, 5);
	assert_int_equal(held.batch.piece.token, b.piece.token);
	jobdb_begin();
	assert_int_equal(sm_batch_stop(&jobdb.yes, jobdb.db, &held.batch,
				       NOW + 9, &jobdb.err),
			 0);
	jobdb_commit();
	assert_true(jobdb.yes);
	assert_string_equal(
		jobdb_text("SELECT state || ' ' || attempts || ' ' || priority "
			   "|| ' ' || (not_before - 1000000) FROM batch WHERE "
			   "id = 0"),
		"pending 0 -5 69.0");
	assert_string_equal(jobdb_text("SELECT outcome || coalesce(reason, '') "
				       "FROM attempt"),
			    "stopped");
	/* Its worker is too late, and what it writes changes nothing. */
	assert_int_equal(jobdb_complete(&b, 10), 0);
	assert_int_equal(jobdb_fail(&b, &jobdb_broken, NULL), 0);
	jobdb_begin();
	assert_int_equal(sm_batch_stop(&jobdb.yes, jobdb.db, &held.batch, NOW,
				       &jobdb.err),
			 0);
	jobdb_commit();
	assert_false(jobdb.yes);
	assert_int_equal(jobdb_claim_at(&b, w, NOW + 10), 1);
	assert_int_equal(b.piece.id, 1);
	assert_int_equal(jobdb_claim_at(&b, w, NOW + 70), 1);
	assert_int_equal(b.piece.id, 2);
	assert_int_equal(jobdb_claim_at(&b, w, NOW + 70), 1);
	assert_int_equal(b.piece.id, 0);
	assert_int_equal(sm_batch_held_by(&held, jobdb.db, 7, &jobdb.err), 0);
	assert_string_equal(held.state, "");
}

/* What is to be typed next is not why a run ended. */
static void
test_why(void **state)
{
	static const struct {
		int code;
		const char *text, *why;
	} cases[] = {
		{ SM_EWORK,
		  "1 of 6 batches failed; 'shardmill status' names it",
		  "1 of 6 batches failed" },
		{ SM_ESTOPPED, "stopped with 2 left; the same command goes on",
		  "stopped with 2 left" },
		{ SM_EWORK, "cannot join 'a;b'; run it again",
		  "cannot join 'a;b'; run it again" },
		{ SM_ENOSPC, "cannot write: no space left; make space",
		  "cannot write: no space left; make space" },
	};
	struct sm_runs_end end;
	struct sm_err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		sm_err_set(&err, cases[i].code, "%s", cases[i].text);
		sm_runs_why(&end, &err);
		assert_string_equal(end.why, cases[i].why);
	}
}

int
main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, jobdb_setup, jobdb_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_counts), TEST(test_killed),
		TEST(test_pauses), TEST(test_reasons),
		TEST(test_stop),   cmocka_unit_test(test_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
