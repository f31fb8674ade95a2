/* How many batches may be made at once, after one was killed beside others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "room.h"

#include "jobdb.h"

#define WORKERS 8

static int64_t worker[WORKERS];
static struct sm_batch batch[WORKERS];

static int
setup(void **state)
{
	int i;

	if (jobdb_setup(state) < 0)
		return -1;
	jobdb_make(1000);
	jobdb_sql("UPDATE job SET workers = 8");
	for (i = 0; i < WORKERS; i++)
		worker[i] = jobdb_worker(i);
	return 0;
}

/* How many of the workers get a batch? */
static int
claims(void)
{
	int i, n = 0;

	for (i = 0; i < WORKERS; i++)
		n += jobdb_claim(&batch[i], worker[i]);
	return n;
}

static void
release(void)
{
	int i;

	jobdb_sql("UPDATE batch SET state = 'pending' WHERE state = 'running'");
	for (i = 0; i < WORKERS; i++)
		sm_batch_release(&batch[i]);
}

static void
shrink(int commands, int ran, int at_once)
{
	struct sm_room room;

	jobdb_begin();
	if (sm_room_shrink(&room, jobdb.db, commands, &jobdb.err) < 0)
		fail_msg("%s", jobdb.err.text);
	jobdb_commit();
	assert_int_equal(room.ran, ran);
	assert_int_equal(room.at_once, at_once);
}

static int
grow(void)
{
	int at_once;

	jobdb_begin();
	if (sm_room_grow(&at_once, jobdb.db, &jobdb.err) < 0)
		fail_msg("%s", jobdb.err.text);
	jobdb_commit();
	return at_once;
}

/* After `after` batches that went well, and not before. */
static void
expect_grown(int after, int at_once)
{
	while (--after > 0)
		assert_int_equal(grow(), -1);
	assert_int_equal(grow(), at_once);
}

static bool
is_full(void)
{
	struct sm_job_now now;

	assert_int_equal(sm_job_now(&now, jobdb.db, &jobdb.err), 0);
	return now.full;
}

static void
test_claims(void **state)
{
	(void)state;
	assert_false(is_full());
	assert_int_equal(claims(), 8);
	assert_false(is_full());
	shrink(0, 8, 4);
	assert_true(is_full());
	assert_int_equal(jobdb_claim(&batch[0], worker[0]), 0);
	release();
	assert_int_equal(claims(), 4);
	release();
	jobdb_sql("UPDATE job SET at_once = NULL");
	assert_int_equal(claims(), 8);
	release();
}

/* Several are killed in one moment, and those that are left still run. */
static void
test_shrinks(void **state)
{
	(void)state;
	assert_int_equal(claims(), 8);
	shrink(0, 8, 4);
	jobdb_sql("UPDATE batch SET state = 'pending' WHERE id = 0");
	shrink(0, 7, 3);
	jobdb_sql("UPDATE batch SET state = 'pending' WHERE id < 3");
	shrink(0, 5, 2);
	/* The limit does not rise while many still run. */
	release();
	jobdb_sql("UPDATE job SET at_once = 1");
	assert_int_equal(claims(), 1);
	shrink(8, 8, 1);
	/* Alone, but for commands between two batches. */
	shrink(1, 1, 0);
	shrink(2, 2, 1);
	assert_int_equal(jobdb_int("SELECT at_once FROM job"), 1);
	release();
}

static void
test_grows(void **state)
{
	(void)state;
	assert_int_equal(grow(), -1);
	assert_int_equal(claims(), 8);
	shrink(2, 8, 4);
	release();
	expect_grown(2 * 4, 0);
	assert_int_equal(grow(), -1);
	assert_int_equal(claims(), 8);
	/* What was too early is tried later. */
	shrink(0, 8, 4);
	release();
	assert_int_equal(claims(), 4);
	shrink(0, 4, 2);
	release();
	assert_int_equal(claims(), 2);
	shrink(0, 2, 1);
	release();
	expect_grown(4 * 1, 2);
	expect_grown(8 * 2, 4);
	expect_grown(16 * 4, 0);
	assert_int_equal(grow(), -1);
}

/* A further run may have more memory. */
static void
test_next_run(void **state)
{
	(void)state;
	assert_int_equal(claims(), 8);
	shrink(0, 8, 4);
	release();
	jobdb_begin();
	assert_int_equal(sm_job_begin_run(jobdb.db, JOBDB_NOW, &jobdb.err), 0);
	jobdb_commit();
	assert_int_equal(claims(), 8);
	release();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, jobdb_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_claims),
		TEST(test_shrinks),
		TEST(test_grows),
		TEST(test_next_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
