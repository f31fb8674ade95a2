/* Where the bytes of a shard that was removed are looked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "consumed.h"
#include "joined.h"

#include "jobdb.h"

static struct sm_job job;
static uint64_t size;
static int fd;

static int
setup(void **state)
{
	int ret = jobdb_setup(state);

	job = (struct sm_job){ .generation = 1 };
	job.final_path = strdup(jobdb_file("f.gz"));
	return ret;
}

static int
teardown(void **state)
{
	free(job.final_path);
	return jobdb_teardown(state);
}

static void
put(const char *name, size_t bytes)
{
	int out = open(jobdb_file(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(out >= 0);
	assert_int_equal(ftruncate(out, (off_t)bytes), 0);
	close(out);
}

/* What sm_consumed_open() says; what it opened is closed. */
static int
opened(void)
{
	int ret;

	fd = 99;
	size = 0;
	ret = sm_consumed_open(&fd, &size, &job, &jobdb.err);
	if (ret < 0)
		assert_int_equal(fd, -1);
	if (fd < 0)
		return ret;
	close(fd);
	return 1;
}

static void
test_open(void **state)
{
	(void)state;
	assert_int_equal(opened(), 0);
	put("f.gz", 20);
	assert_int_equal(opened(), 1);
	assert_int_equal(size, 20);
	/* While it grows, or is written again, that is what rows speak of. */
	put("f.gz.part", 30);
	assert_int_equal(opened(), 1);
	assert_int_equal(size, 30);
	job.generation = 2;
	assert_int_equal(opened(), 1);
	assert_int_equal(size, 20);
	put("f.gz.part.2", 40);
	assert_int_equal(opened(), 1);
	assert_int_equal(size, 40);
	/* None was consumed, or nothing was ever to be written. */
	job.generation = 0;
	assert_int_equal(opened(), 0);
	job.generation = 1;
	free(job.final_path);
	job.final_path = NULL;
	assert_int_equal(opened(), 0);
}

/* What somebody put in its place is not read. */
static void
test_open_odd(void **state)
{
	(void)state;
	put("other", 20);
	assert_int_equal(symlink("other", jobdb_file("f.gz")), 0);
	assert_int_equal(opened(), 0);
	put("f.gz.part", 30);
	assert_int_equal(opened(), 1);
	assert_int_equal(unlink(jobdb_file("f.gz.part")), 0);
	assert_int_equal(unlink(jobdb_file("f.gz")), 0);
	assert_int_equal(mkdir(jobdb_file("f.gz"), 0755), 0);
	assert_int_equal(opened(), 0);
	assert_int_equal(rmdir(jobdb_file("f.gz")), 0);
	assert_int_equal(mkfifo(jobdb_file("f.gz"), 0644), 0);
	assert_int_equal(opened(), 0);
	/* What cannot be looked at is not lost. */
	put("plain", 1);
	free(job.final_path);
	job.final_path = strdup(jobdb_file("plain/f.gz"));
	assert_int_equal(opened(), SM_EIO);
	assert_non_null(strstr(jobdb.err.text, "plain/f.gz"));
}

static void
test_has(void **state)
{
	struct sm_batch_row row = {
		.token = 7, .joined = 7, .joined_at = 100, .sizes.gz_bytes = 50
	};

	(void)state;
	assert_true(sm_consumed_has(&row, 150));
	assert_true(sm_consumed_has(&row, 1000));
	assert_false(sm_consumed_has(&row, 149));
	assert_false(sm_consumed_has(&row, 99));
	assert_false(sm_consumed_has(&row, 0));
	row.joined = 8; /* made again since */
	assert_false(sm_consumed_has(&row, 1000));
	row.joined = 7;
	row.joined_at = -1;
	assert_false(sm_consumed_has(&row, 1000));
	row.joined_at = 0;
	assert_true(sm_consumed_has(&row, 50));
}

static int
refused(const char *path)
{
	return sm_consumed_refuse_change(jobdb.db, &job, path, &jobdb.err);
}

static void
test_refuse_change(void **state)
{
	struct sm_batch b;

	(void)state;
	jobdb_make(1);
	assert_int_equal(jobdb_claim(&b, jobdb_worker(0)), 1);
	assert_int_equal(jobdb_complete(&b, 50), 1);
	/* No shard has gone yet. */
	assert_int_equal(refused("/other"), 0);
	jobdb_begin();
	assert_int_equal(
		jobdb_answer(sm_joined_record(&jobdb.yes, jobdb.db, b.piece.id,
					      b.piece.token, 0, &jobdb.err)),
		1);
	jobdb_commit();
	assert_int_equal(refused("/other"), SM_EREFUSED);
	assert_non_null(strstr(jobdb.err.text, job.final_path));
	assert_int_equal(refused(job.final_path), 0);
	assert_int_equal(refused(NULL), 0);
	/* Shards are not removed: any file can be written. */
	job.generation = 0;
	assert_int_equal(refused("/other"), 0);
	sm_batch_release(&b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_open),
		TEST(test_open_odd),
		TEST(test_has),
		TEST(test_refuse_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
