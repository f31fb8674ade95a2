/* The log of job.db: checkpoints, and readers' snapshots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "jobdb.h"

static long
wal_bytes(void)
{
	struct stat st;

	assert_int_equal(stat(jobdb_file("job.db-wal"), &st), 0);
	return (long)st.st_size;
}

static void
write_much(int commits)
{
	int i;

	for (i = 0; i < commits; i++)
		jobdb_worker(i);
}

static int
is_one(void *arg, int columns, char **value, char **name)
{
	(void)arg;
	(void)columns;
	(void)name;
	return !value[0] || strcmp(value[0], "1") != 0;
}

/* 500 pages are 2 MB; what passes them is written back. */
static void
test_log_is_bounded(void **state)
{
	struct sm_batch_counts c;
	sqlite3 *reader = NULL;
	char uri[160];

	(void)state;
	jobdb_make(10);
	write_much(1200);
	assert_true(wal_bytes() > 0);
	assert_true(wal_bytes() < 600 * 4120);
	assert_int_equal(sm_batch_counts(&c, jobdb.db, &jobdb.err), 0);
	assert_int_equal(c.total, 10);

	/* A reader that never ends keeps its snapshot, and stops nobody. */
	assert_int_equal(sqlite3_open(jobdb_file("job.db"), &reader), 0);
	assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT * FROM worker",
				      NULL, NULL, NULL),
			 0);
	write_much(1200);
	assert_true(wal_bytes() > 2400 * 4120);
	sqlite3_close(reader);
	/* Begun anew, it is cut to its limit and grows no more. */
	write_much(1200);
	assert_int_equal(wal_bytes(), 8 << 20);
	assert_int_equal(jobdb_int("SELECT count(*) FROM worker"), 3600);
	assert_int_equal(jobdb_number(sm_db_integrity(&jobdb.n, jobdb.db, NULL,
						      NULL, &jobdb.err)),
			 0);

	/* Checkpointed, the file alone, without its log, holds everything. */
	assert_int_equal(sm_db_checkpoint(jobdb.db, &jobdb.err), 0);
	snprintf(uri, sizeof(uri), "file:%s?immutable=1", jobdb_file("job.db"));
	assert_int_equal(sqlite3_open_v2(uri, &reader,
					 SQLITE_OPEN_READONLY | SQLITE_OPEN_URI,
					 NULL),
			 0);
	assert_int_equal(sqlite3_exec(reader,
				      "SELECT count(*) = 3600 FROM "
				      "worker",
				      is_one, NULL, NULL),
			 0);
	sqlite3_close(reader);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, jobdb_setup, jobdb_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_log_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
