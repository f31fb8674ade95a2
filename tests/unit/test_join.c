/* Joining: which file may be written over, and what is told of the rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "final.h"
#include "hash.h"
#include "damaged.h"
#include "join.h"
#include "kind.h"
#include "write.h"

#include "jobdb.h"

#define FINGERPRINT 0xab

static struct sm_handle h;
static struct sm_spec spec;
static struct sm_published was;
static char path[128];

static int
setup(void **state)
{
	int ret = jobdb_setup(state);

	spec.kind = sm_kind_find("exec")->info;
	h = (struct sm_handle){ .dir = { .path = jobdb.path, .fd = jobdb.fd },
				.spec = &spec,
				.fingerprint = FINGERPRINT,
				.files = SM_FILES_NONE };
	was = (struct sm_published){ .path = NULL };
	snprintf(path, sizeof(path), "%s", jobdb_file("f.gz"));
	return ret;
}

static void
put(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* A final file of one batch, which is left out if it is a part. */
static void
put_final(uint64_t fingerprint, bool partial)
{
	static struct sm_final f;
	struct sm_entry e = { .counts.rows = 1 };
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	sm_final_begin(&f, fd, "f", fingerprint);
	if (partial)
		assert_int_equal(sm_final_skip(&f, &e, NULL), 0);
	assert_int_equal(sm_final_end(&f, NULL), 0);
	close(fd);
}

static int
target(bool force)
{
	return sm_join_check_target(path, FINGERPRINT, &was, force, &jobdb.err);
}

static void
expect_refused(const char *why)
{
	assert_int_equal(target(false), SM_EREFUSED);
	if (!strstr(jobdb.err.text, why))
		fail_msg("'%s' does not say '%s'", jobdb.err.text, why);
}

static void
test_target(void **state)
{
	(void)state;
	assert_int_equal(target(false), 0);
	put("somebody's");
	expect_refused("is not this job's");
	assert_int_equal(sm_join_check_target(path, FINGERPRINT, NULL, false,
					      &jobdb.err),
			 SM_EREFUSED);
	assert_int_equal(target(true), 0);
	/* Recorded as the job's: its name and size. */
	was.path = path;
	expect_refused("is not this job's");
	was.size = 10;
	assert_int_equal(target(false), 0);
	was.size = 11;
	expect_refused("is not this job's");
	was.size = 10;
	was.path = (char *)(uintptr_t) "/elsewhere";
	expect_refused("is not this job's");
	/* Or it says so itself. */
	put_final(FINGERPRINT, false);
	assert_int_equal(target(false), 0);
	put_final(FINGERPRINT + 1, false);
	expect_refused("is not this job's");
}

static void
test_target_odd(void **state)
{
	(void)state;
	assert_int_equal(mkdir(path, 0755), 0);
	expect_refused("is a directory");
	assert_int_equal(target(true), SM_EREFUSED);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
	expect_refused("is not a regular file");
	assert_int_equal(target(true), SM_EREFUSED);
	assert_int_equal(unlink(path), 0);
	put("a file");
	strcat(path, "/f.gz");
	assert_int_equal(target(false), SM_EINPUT);
	assert_non_null(strstr(jobdb.err.text, path));
}

static void
test_partial_target(void **state)
{
	(void)state;
	assert_int_equal(sm_join_check_partial(path, &jobdb.err), 0);
	put_final(FINGERPRINT, true);
	assert_int_equal(sm_join_check_partial(path, &jobdb.err), 0);
	put_final(FINGERPRINT, false);
	assert_int_equal(sm_join_check_partial(path, &jobdb.err), SM_EREFUSED);
	put("no final file");
	assert_int_equal(sm_join_check_partial(path, &jobdb.err), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_int_equal(sm_join_check_partial(path, &jobdb.err), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(sm_join_check_partial(path, &jobdb.err), 0);
}

#define DONE                                                                   \
	"UPDATE batch SET state = 'done', token = id + 100, rows = 1, "        \
	"records = 1, skipped = 0, " NO_TALLIES                                \
	"raw_bytes = 1, gz_bytes = 50, "                                       \
	"raw_crc32 = 1, gz_crc32 = 1, finished = 1 WHERE id "

static void
make(uint64_t n)
{
	jobdb_make(n);
	h.db = jobdb.db;
	h.job = (struct sm_job){ .batches = n, .final_size = -1 };
}

static int
unfinished(const struct sm_batch_range *only)
{
	struct sm_finalize_opts o = { .output = path, .batches = only };
	struct sm_join_from from = sm_join_from_one(&h);
	struct sm_join j = { .from = &from, .opts = &o };
	int ret;

	jobdb.err.text[0] = '\0';
	ret = sm_join_choose(&j, &jobdb.err);
	free(j.path);
	return ret;
}

static void
test_unfinished(void **state)
{
	struct sm_batch_range some = { 3, 5 };

	(void)state;
	make(14);
	jobdb_sql(DONE "IN (0, 3, 12)");
	assert_int_equal(unfinished(NULL), SM_EWORK);
	assert_non_null(strstr(jobdb.err.text,
			       "batches 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, …;"));
	assert_int_equal(unfinished(&some), SM_EWORK);
	assert_non_null(strstr(jobdb.err.text, "batches 4, 5;"));
	jobdb_sql(DONE "IN (4, 5)");
	assert_int_equal(unfinished(&some), 0);
	jobdb_sql("UPDATE batch SET state = 'failed' WHERE id = 5");
	assert_int_equal(unfinished(NULL), SM_EWORK);
	assert_non_null(strstr(jobdb.err.text,
			       "batches 1, 2, 5, 6, 7, 8, 9, 10, 11, 13;"));
	some = (struct sm_batch_range){ 0, 13 };
	jobdb_sql("UPDATE batch SET state = 'pending'");
	assert_int_equal(unfinished(&some), SM_EWORK);
	assert_non_null(strstr(jobdb.err.text,
			       "batches 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …;"));
	jobdb_sql(DONE ">= 0");
	assert_int_equal(unfinished(NULL), 0);
}

static struct sm_rows_digest
look(void)
{
	struct sm_join_from from = sm_join_from_one(&h);
	struct sm_rows_digest d;

	assert_int_equal(sm_rows_digest(&d, &from, UINT64_MAX, &jobdb.err), 0);
	return d;
}

static bool
is_complete(void)
{
	struct sm_join_from from = sm_join_from_one(&h);
	bool complete;

	assert_int_equal(sm_published_is_complete(&complete, &from, &jobdb.err),
			 0);
	return complete;
}

/* Complete: all done, by the tokens that were joined, in a file that stands. */
static void
test_complete(void **state)
{
	struct sm_rows_digest d;

	(void)state;
	make(3);
	jobdb_sql(DONE "<> 1");
	d = look();
	assert_false(d.all);
	assert_int_equal(d.batches, 1);
	jobdb_sql(DONE "= 1");
	d = look();
	assert_true(d.all);
	put("0123456789");
	assert_false(is_complete());
	h.job.final_path = path;
	assert_false(is_complete());
	h.job.final_size = 10;
	assert_false(is_complete());
	snprintf(h.job.final_digest, sizeof(h.job.final_digest), "%016llx",
		 (unsigned long long)d.digest);
	assert_true(is_complete());
	h.job.final_size = 9;
	assert_false(is_complete());
	h.job.final_size = 10;
	/* Made again since, by another token. */
	jobdb_sql("UPDATE batch SET token = 4711 WHERE id = 2");
	assert_false(is_complete());
	jobdb_sql(DONE "= 2");
	assert_true(is_complete());
	jobdb_sql("UPDATE batch SET state = 'pending' WHERE id = 2");
	assert_false(is_complete());
	/* A row that is gone, or one too many. */
	jobdb_sql("DELETE FROM batch WHERE id = 2");
	d = look();
	assert_false(d.all);
	assert_int_equal(d.batches, 2);
	/* Of two rows at once SQLite 3.37 refuses a default of `not_before`. */
	jobdb_sql("INSERT INTO batch (id) VALUES (2)");
	jobdb_sql("INSERT INTO batch (id) VALUES (3)");
	jobdb_sql(DONE ">= 2");
	d = look();
	assert_false(d.all);
	jobdb_sql("DELETE FROM batch WHERE id IN (0, 3)");
	d = look();
	assert_false(d.all);
	assert_int_equal(d.batches, 0);
}

/* No regular file: nothing stands there, whatever its size. */
static void
test_complete_odd(void **state)
{
	struct stat st;
	struct sm_rows_digest d;

	(void)state;
	make(1);
	jobdb_sql(DONE "= 0");
	d = look();
	assert_true(d.all);
	snprintf(h.job.final_digest, sizeof(h.job.final_digest), "%016llx",
		 (unsigned long long)d.digest);
	h.job.final_path = path;
	h.job.final_size = 0;
	assert_false(is_complete());
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(stat(path, &st), 0);
	h.job.final_size = st.st_size;
	assert_false(is_complete());
}

static void
test_requeue(void **state)
{
	struct sm_batch_row row = { .id = 1, .token = 101 };
	bool put_back;

	(void)state;
	make(2);
	jobdb_sql(DONE ">= 0");
	assert_int_equal(sm_damaged_put_back(&put_back, &h, &row, &jobdb.err),
			 0);
	assert_true(put_back);
	assert_string_equal(jobdb_text("SELECT state || ': ' || error FROM "
				       "batch WHERE id = 1"),
			    "pending: its shard was damaged");
	/* Another one by now: left alone. */
	assert_int_equal(sm_damaged_put_back(&put_back, &h, &row, &jobdb.err),
			 0);
	assert_false(put_back);
	row = (struct sm_batch_row){ .id = 0, .token = 99 };
	assert_int_equal(sm_damaged_put_back(&put_back, &h, &row, &jobdb.err),
			 0);
	assert_false(put_back);
	assert_string_equal(jobdb_text("SELECT state FROM batch WHERE id = 0"),
			    "done");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, jobdb_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_target),         TEST(test_target_odd),
		TEST(test_partial_target), TEST(test_unfinished),
		TEST(test_complete),       TEST(test_complete_odd),
		TEST(test_requeue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
