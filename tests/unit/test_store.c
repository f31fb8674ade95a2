/* job.db: what is opened, and what is refused without a byte being changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "joined.h"

#include "jobdb.h"

static const enum sm_db_mode modes[] = { SM_DB_READ, SM_DB_WRITE,
					 SM_DB_CREATE };

static void
write_file(const char *name, const void *data, size_t len)
{
	FILE *f = fopen(jobdb_file(name), "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

#define FILE_MAX (1 << 20)
static char before[FILE_MAX], after[FILE_MAX];

static size_t
read_file(char *data, const char *name)
{
	FILE *f = fopen(jobdb_file(name), "rb");
	size_t len;

	assert_non_null(f);
	len = fread(data, 1, FILE_MAX, f);
	fclose(f);
	return len;
}

static bool
is_there(const char *name)
{
	return access(jobdb_file(name), F_OK) == 0;
}

/* Every mode answers `code`, and not one byte of the file changes. */
static void
expect_refusal(int code, const char *word)
{
	size_t i, len = read_file(before, "job.db");

	for (i = 0; i < 3; i++) {
		assert_int_equal(jobdb_open(modes[i]), code);
		assert_null(jobdb.db);
		assert_int_equal(jobdb.err.code, code);
		if (!strstr(jobdb.err.text, word))
			fail_msg("'%s' is not in: %s", word, jobdb.err.text);
		if (read_file(after, "job.db") != len ||
		    memcmp(before, after, len) != 0)
			fail_msg("mode %d changed the file", (int)modes[i]);
	}
}

/* ------------------------------------------------------------ opening -- */

static void
test_create(void **state)
{
	(void)state;
	assert_int_equal(jobdb_open(SM_DB_CREATE), 0);
	assert_int_equal(jobdb_int("PRAGMA application_id"), 0x534d696c);
	assert_int_equal(jobdb_int("PRAGMA user_version"), 5);
	assert_string_equal(jobdb_text("PRAGMA journal_mode"), "wal");
	assert_int_equal(
		jobdb_answer(sm_db_has_job(&jobdb.yes, jobdb.db, &jobdb.err)),
		0);
	jobdb_begin();
	jobdb_plan(3);
	jobdb_commit();
	assert_int_equal(
		jobdb_answer(sm_db_has_job(&jobdb.yes, jobdb.db, &jobdb.err)),
		1);
	/* Opened once more, it is the same and not made anew. */
	assert_int_equal(jobdb_open(SM_DB_CREATE), 0);
	assert_int_equal(
		jobdb_answer(sm_db_has_job(&jobdb.yes, jobdb.db, &jobdb.err)),
		1);
	assert_int_equal(jobdb_open(SM_DB_WRITE), 0);
	assert_int_equal(jobdb_int("SELECT count(*) FROM batch"), 3);
	assert_int_equal(jobdb_number(sm_db_integrity(&jobdb.n, jobdb.db, NULL,
						      NULL, &jobdb.err)),
			 0);
}

static void
test_network_fs(void **state)
{
	struct sm_db_opts opts = { .mode = SM_DB_CREATE, .network_fs = true };

	(void)state;
	assert_int_equal(
		sm_db_open(&jobdb.db, jobdb.path, jobdb.fd, &opts, &jobdb.err),
		0);
	jobdb_begin();
	jobdb_plan(2);
	jobdb_commit();
	assert_false(is_there("job.db-wal"));
	/* The mode is the file's: those who open it later need not know. */
	assert_int_equal(jobdb_open(SM_DB_WRITE), 0);
	assert_int_equal(jobdb_worker(0), 1);
	assert_false(is_there("job.db-wal"));
	assert_int_equal(sm_db_checkpoint(jobdb.db, &jobdb.err), 0);
}

static void
test_missing(void **state)
{
	char path[600];

	(void)state;
	assert_int_equal(jobdb_open(SM_DB_READ), SM_EINPUT);
	assert_int_equal(jobdb_open(SM_DB_WRITE), SM_EINPUT);
	assert_false(is_there("job.db"));
	assert_false(is_there("write.lock"));

	memset(path, 'x', sizeof(path));
	path[501] = '\0';
	assert_int_equal(sm_db_open(&jobdb.db, path, jobdb.fd,
				    &(struct sm_db_opts){ 0 }, &jobdb.err),
			 SM_EINPUT);
	assert_non_null(strstr(jobdb.err.text, "501"));
}

static void
test_read_only(void **state)
{
	(void)state;
	jobdb_make(1);
	assert_int_equal(jobdb_open(SM_DB_READ), 0);
	assert_true(sm_db_begin_write(jobdb.db, &jobdb.err) < 0);
	assert_true(sm_job_end_run(jobdb.db, 0, 1, &jobdb.err) < 0);
	assert_int_equal(jobdb_int("SELECT ended IS NULL FROM job"), 1);
}

static void
test_no_database(void **state)
{
	char junk[8192];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(junk); i++)
		junk[i] = (char)(i * 7 + 1);
	write_file("job.db", junk, sizeof(junk));
	expect_refusal(SM_EDAMAGED, "recover");
}

/* An empty file is what is left of a plan, or of a disk that was full. */
static void
test_empty(void **state)
{
	struct sm_job job;

	(void)state;
	write_file("job.db", "", 0);
	if (jobdb_open(SM_DB_WRITE) == 0) {
		assert_int_equal(jobdb_answer(sm_db_has_job(
					 &jobdb.yes, jobdb.db, &jobdb.err)),
				 0);
		assert_int_equal(sm_job_get(&job, jobdb.db, &jobdb.err),
				 SM_EDAMAGED);
	}
	assert_int_equal(jobdb.err.code, SM_EDAMAGED);
	assert_non_null(strstr(jobdb.err.text, "recover"));
	assert_int_equal(jobdb_open(SM_DB_CREATE), 0);
	jobdb_begin();
	jobdb_plan(1);
	jobdb_commit();
	assert_int_equal(
		jobdb_answer(sm_db_has_job(&jobdb.yes, jobdb.db, &jobdb.err)),
		1);
}

static void
test_other_application(void **state)
{
	(void)state;
	jobdb_sql("CREATE TABLE t (x); PRAGMA application_id = 7;");
	expect_refusal(SM_EREFUSED, "another application");
	/* Nor is one without any id ours. */
	jobdb_sql("PRAGMA application_id = 0");
	expect_refusal(SM_EREFUSED, "another application");
}

/*
 * The time of an input is that of a file system, to the nanosecond, and each
 * column of it stays below what a floating-point number holds.
 */
static void
test_input(void **state)
{
	static const int64_t times[] = {
		1700000000123456789, 0,           999999999, -1,
		-1000000000,         -5000000001, INT64_MAX
	};
	char name[] = "input 1", path[] = "/a";
	struct sm_job_input in = { .name = name,
				   .path = path,
				   .size = 7,
				   .crc32 = UINT32_MAX,
				   .sampled = true };
	struct sm_job_input out;
	bool found;
	size_t i;

	(void)state;
	jobdb_make(1);
	for (i = 0; i < sizeof(times) / sizeof(*times); i++) {
		in.mtime_ns = times[i];
		jobdb_begin();
		assert_int_equal(sm_job_insert_input(jobdb.db, &in, &jobdb.err),
				 0);
		jobdb_commit();
		assert_int_equal(
			sm_job_input(&found, &out, jobdb.db, name, &jobdb.err),
			0);
		assert_true(found);
		assert_int_equal(out.mtime_ns, times[i]);
		assert_int_equal(out.crc32, UINT32_MAX);
		sm_job_input_release(&out);
		assert_int_equal(
			jobdb_int("SELECT count(*) FROM input WHERE "
				  "abs(mtime) < 1 << 53 AND "
				  "mtime_nsec BETWEEN 0 AND 999999999"),
			1);
	}
}

/* What `.dump` keeps are the tables. */
static void
test_dump(void **state)
{
	(void)state;
	jobdb_make(1);
	sm_db_close(jobdb.db);
	jobdb.db = NULL;
	jobdb_sql("PRAGMA application_id = 0; PRAGMA user_version = 0");
	expect_refusal(SM_EDAMAGED, "shardmill recover");
}

/* The file that a mode of another engine leaves, whose locks SQLite ignores. */
static void
test_other_engine(void **state)
{
	int fd;

	(void)state;
	jobdb_make(1);
	sm_db_close(jobdb.db);
	jobdb.db = NULL;
	fd = open(jobdb_file("job.db-tshm"), O_CREAT | O_WRONLY, 0666);
	assert_true(fd >= 0);
	close(fd);
	expect_refusal(SM_EREFUSED, "another engine");
	assert_int_equal(unlink(jobdb_file("job.db-tshm")), 0);
	jobdb_open(SM_DB_WRITE);
}

/* Who lost the log gets it back, unless somebody else has the file open. */
static void
test_enter_wal(void **state)
{
	bool entered;
	sqlite3 *other;

	(void)state;
	jobdb_make(1);
	assert_int_equal(sm_db_enter_wal(&entered, jobdb.db, &jobdb.err), 0);
	assert_false(entered);
	sm_db_close(jobdb.db);
	jobdb.db = NULL;
	jobdb_sql("PRAGMA journal_mode = DELETE");
	jobdb_open(SM_DB_WRITE);
	assert_int_equal(sqlite3_open(jobdb_file("job.db"), &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN; SELECT * FROM job", NULL,
				      NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(sm_db_enter_wal(&entered, jobdb.db, &jobdb.err),
			 SM_EBUSY);
	assert_false(entered);
	sqlite3_close(other);
	assert_int_equal(sm_db_enter_wal(&entered, jobdb.db, &jobdb.err), 0);
	assert_true(entered);
	jobdb_begin();
	jobdb_commit();
	assert_int_equal(access(jobdb_file("job.db-wal"), F_OK), 0);
}

/* A trigger stops who begins, not who is on the way. */
static void
test_triggers_of_a_run(void **state)
{
	struct sm_db_opts opts = { .mode = SM_DB_WRITE, .triggers = true };

	(void)state;
	jobdb_make(1);
	sm_db_close(jobdb.db);
	jobdb.db = NULL;
	jobdb_sql("CREATE TRIGGER tr AFTER UPDATE ON batch BEGIN "
		  "SELECT 1; END");
	expect_refusal(SM_EREFUSED, "trigger 'tr'");
	assert_int_equal(
		sm_db_open(&jobdb.db, jobdb.path, jobdb.fd, &opts, &jobdb.err),
		0);
	assert_int_equal(sm_db_refuse_triggers(jobdb.db, &jobdb.err),
			 SM_EREFUSED);
}

static void
test_newer(void **state)
{
	(void)state;
	jobdb_make(1);
	sm_db_close(jobdb.db);
	jobdb.db = NULL;
	jobdb_sql("PRAGMA user_version = 6");
	expect_refusal(SM_EREFUSED, "newer");
	jobdb_sql("PRAGMA user_version = 2");
	expect_refusal(SM_EREFUSED, "shardmill 0.1");
	assert_int_equal(jobdb_int("PRAGMA user_version"), 2);
}

/* What the growing file has, and which batches are made anew since. */
static void
test_joined(void **state)
{
	(void)state;
	jobdb_make(3);
	sm_db_close(jobdb.db);
	jobdb.db = NULL;
	jobdb_sql("UPDATE batch SET state = 'done', token = 9, rows = 1, "
		  "records = 1, skipped = 0, " NO_TALLIES
		  "raw_bytes = 5, gz_bytes = 7, "
		  "raw_crc32 = 1, gz_crc32 = 2, finished = 3 WHERE id = 1");
	assert_int_equal(jobdb_open(SM_DB_WRITE), 0);
	jobdb_begin();
	assert_int_equal(jobdb_answer(sm_joined_record(&jobdb.yes, jobdb.db, 1,
						       8, 0, &jobdb.err)),
			 0);
	assert_int_equal(jobdb_answer(sm_joined_record(&jobdb.yes, jobdb.db, 0,
						       9, 0, &jobdb.err)),
			 0);
	assert_int_equal(jobdb_answer(sm_joined_record(&jobdb.yes, jobdb.db, 1,
						       9, 70, &jobdb.err)),
			 1);
	jobdb_commit();
	assert_int_equal(jobdb_int("SELECT joined FROM progress"), 1);
	assert_int_equal(
		jobdb_answer(sm_joined_any(&jobdb.yes, jobdb.db, &jobdb.err)),
		1);
	assert_int_equal(jobdb_answer(sm_joined_any_behind(&jobdb.yes, jobdb.db,
							   0, &jobdb.err)),
			 1);
	assert_int_equal(jobdb_answer(sm_joined_any_behind(&jobdb.yes, jobdb.db,
							   1, &jobdb.err)),
			 0);
}

static void
test_triggers(void **state)
{
	static const char *const tables[] = { "job", "input", "batch",
					      "attempt", "worker" };
	char sql[200];
	size_t i;

	(void)state;
	jobdb_make(1);
	sm_db_close(jobdb.db);
	jobdb.db = NULL;
	/* A person's own things stay, and so do triggers on them. */
	jobdb_sql("CREATE TABLE mine (x); CREATE INDEX slow ON batch (rows);"
		  "CREATE VIEW seen AS SELECT * FROM batch;"
		  "CREATE TRIGGER own AFTER INSERT ON mine "
		  "BEGIN SELECT 1; END");
	assert_int_equal(jobdb_open(SM_DB_WRITE), 0);
	sm_db_close(jobdb.db);
	jobdb.db = NULL;
	assert_int_equal(jobdb_int("SELECT count(*) FROM sqlite_schema WHERE "
				   "name IN ('mine', 'slow', 'seen', 'own')"),
			 4);
	for (i = 0; i < 5; i++) {
		snprintf(sql, sizeof(sql),
			 "CREATE TRIGGER spy AFTER UPDATE "
			 "ON %s BEGIN SELECT 1; END",
			 tables[i]);
		jobdb_sql(sql);
		expect_refusal(SM_EREFUSED, "'spy'");
		jobdb_sql("DROP TRIGGER spy");
	}
	/* Names are compared as SQLite does it. */
	jobdb_sql("CREATE TRIGGER spy AFTER UPDATE ON BATCH "
		  "BEGIN SELECT 1; END");
	expect_refusal(SM_EREFUSED, "'spy'");
}

static void
test_not_regular(void **state)
{
	(void)state;
	jobdb_make(1);
	sm_db_close(jobdb.db);
	jobdb.db = NULL;
	assert_int_equal(renameat(jobdb.fd, "job.db", jobdb.fd, "real.db"), 0);
	assert_int_equal(symlinkat("real.db", jobdb.fd, "job.db"), 0);
	assert_int_equal(jobdb_open(SM_DB_READ), SM_EREFUSED);
	assert_int_equal(jobdb_open(SM_DB_WRITE), SM_EREFUSED);
	assert_int_equal(jobdb_open(SM_DB_CREATE), SM_EREFUSED);
	assert_int_equal(unlinkat(jobdb.fd, "job.db", 0), 0);
	assert_int_equal(mkdirat(jobdb.fd, "job.db", 0755), 0);
	assert_int_equal(jobdb_open(SM_DB_WRITE), SM_EREFUSED);
}

static void
test_damaged_page(void **state)
{
	size_t len, at, i;
	int n;

	(void)state;
	jobdb_make(500);
	assert_int_equal(sm_db_checkpoint(jobdb.db, &jobdb.err), 0);
	sm_db_close(jobdb.db);
	jobdb.db = NULL;
	len = read_file(before, "job.db");
	/* The one through which all of the 500 rows are found. */
	at = (size_t)jobdb_int("SELECT 4096 * (rootpage - 1) FROM "
			       "sqlite_schema WHERE name = 'batch'");
	assert_true(len > 10 * 4096 && len % 4096 == 0 && at < len);
	for (i = at; i < at + 4096; i++)
		before[i] = (char)(i * 31);
	write_file("job.db", before, len);
	assert_int_equal(jobdb_open(SM_DB_READ), 0);
	n = jobdb_number(
		sm_db_integrity(&jobdb.n, jobdb.db, NULL, NULL, &jobdb.err));
	assert_true(n > 0 || n == SM_EDAMAGED);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, jobdb_setup, jobdb_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_create),
		TEST(test_network_fs),
		TEST(test_missing),
		TEST(test_read_only),
		TEST(test_no_database),
		TEST(test_empty),
		TEST(test_other_application),
		TEST(test_input),
		TEST(test_dump),
		TEST(test_other_engine),
		TEST(test_enter_wal),
		TEST(test_triggers_of_a_run),
		TEST(test_newer),
		TEST(test_joined),
		TEST(test_triggers),
		TEST(test_not_regular),
		TEST(test_damaged_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
