/* The start check: what a crash or a power cut left in shards/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shard.h"
#include "startcheck.h"

#include "jobdb.h"

#define BODY_BYTES 50 /* what the done rows of these tests record */

static size_t shard_bytes; /* of the file of such a batch */

static struct sm_handle h;
static struct sm_startcheck found;
static int64_t worker;

/* A job of `n` batches, all pending, as a handle. */
static void
make(uint64_t n)
{
	struct sm_entry e = {
		.counts = { .rows = 10, .records = 8, .tally = { 2 } },
		.sizes = { .raw_bytes = 100,
			   .gz_bytes = BODY_BYTES,
			   .raw_crc32 = 0xffffffff,
			   .gz_crc32 = 0x80000000 }
	};

	shard_bytes = (size_t)sm_shard_bytes(0, &e);
	jobdb_make(n);
	worker = jobdb_worker(0);
	h = (struct sm_handle){
		.dir = { .path = jobdb.path, .fd = jobdb.fd, .shards_fd = -1 },
		.db = jobdb.db,
		.job = { .batches = n },
		.digits = sm_shard_digits(n),
		.files = SM_FILES_NONE
	};
	assert_int_equal(mkdirat(jobdb.fd, "shards", 0755), 0);
	h.dir.shards_fd = openat(jobdb.fd, "shards", O_RDONLY | O_DIRECTORY);
	assert_true(h.dir.shards_fd >= 0);
}

static int
teardown(void **state)
{
	close(h.dir.shards_fd);
	return jobdb_teardown(state);
}

static void
put(const char *name, char fill, size_t bytes)
{
	char data[1024];
	int fd = openat(h.dir.shards_fd, name, O_WRONLY | O_CREAT | O_TRUNC,
			0644);

	assert_true(fd >= 0 && bytes <= sizeof(data));
	memset(data, fill, bytes);
	assert_int_equal(write(fd, data, bytes), bytes);
	close(fd);
}

static void
put_shard(uint64_t batch, char fill, size_t bytes)
{
	char name[SM_SHARD_NAME_MAX];

	sm_shard_name(name, batch, h.digits);
	put(name, fill, bytes);
}

static void
put_tmp(uint64_t batch, int64_t token, char fill, size_t bytes)
{
	char name[SM_SHARD_NAME_MAX];

	sm_shard_tmp_name(name, batch, h.digits, token);
	put(name, fill, bytes);
}

/* The first byte of a file in shards/, 0 if there is none. */
static char
first_byte(const char *name)
{
	int fd = openat(h.dir.shards_fd, name, O_RDONLY);
	char c = 0;

	if (fd >= 0) {
		assert_true(read(fd, &c, 1) >= 0);
		close(fd);
	}
	return c;
}

static bool
tmp_is_there(uint64_t batch, int64_t token)
{
	char name[SM_SHARD_NAME_MAX];

	sm_shard_tmp_name(name, batch, h.digits, token);
	return faccessat(h.dir.shards_fd, name, F_OK, 0) == 0;
}

/* Claim the next batch and mark it done; its token. */
static int64_t
done(void)
{
	struct sm_batch b;

	assert_int_equal(jobdb_claim(&b, worker), 1);
	assert_int_equal(jobdb_complete(&b, BODY_BYTES), 1);
	return b.piece.token;
}

static void
check(uint64_t renamed, uint64_t removed, uint64_t requeued)
{
	if (sm_startcheck(&found, &h, &jobdb.err) < 0)
		fail_msg("%s", jobdb.err.text);
	assert_int_equal(found.renamed, renamed);
	assert_int_equal(found.removed, removed);
	assert_int_equal(found.requeued, requeued);
}

static void
test_nothing(void **state)
{
	(void)state;
	make(3);
	check(0, 0, 0);
	done();
	put_shard(0, 'a', shard_bytes);
	check(0, 0, 0);
	assert_int_equal(first_byte("000000.gz"), 'a');
}

/* A power cut forgot the rename, and an older shard of the size is there. */
static void
test_forgotten_rename(void **state)
{
	int64_t t0, t1;

	(void)state;
	make(3);
	t0 = done();
	t1 = done();
	put_shard(0, 'o', shard_bytes);
	put_tmp(0, t0, 'n', shard_bytes);
	put_tmp(1, t1, 'n', shard_bytes);
	check(2, 0, 0);
	assert_int_equal(first_byte("000000.gz"), 'n');
	assert_int_equal(first_byte("000001.gz"), 'n');
	assert_false(tmp_is_there(0, t0));
	assert_false(tmp_is_there(1, t1));
	assert_int_equal(jobdb_int("SELECT count(*) FROM batch WHERE state = "
				   "'done'"),
			 2);
	check(0, 0, 0);
}

/* With the token, but not whole: the rename was not what is missing. */
static void
test_cut_rename(void **state)
{
	int64_t t0, t1;

	(void)state;
	make(2);
	t0 = done();
	t1 = done();
	put_tmp(0, t0, 'n', shard_bytes - 1);
	put_tmp(1, t1, 'n', shard_bytes - 1);
	put_shard(1, 'o', shard_bytes);
	check(0, 2, 1);
	assert_int_equal(first_byte("000000.gz"), 0);
	assert_int_equal(first_byte("000001.gz"), 'o');
	assert_string_equal(jobdb_text("SELECT state FROM batch WHERE id = 0"),
			    "pending");
	assert_string_equal(jobdb_text("SELECT state FROM batch WHERE id = 1"),
			    "done");
}

static void
test_temporary_files(void **state)
{
	struct sm_batch back, running;
	int64_t t0;

	(void)state;
	make(4);
	t0 = done();
	put_shard(0, 'a', shard_bytes);
	assert_int_equal(jobdb_claim(&back, worker), 1);
	assert_int_equal(jobdb_give_back(&back), 1);
	jobdb_sql("UPDATE batch SET priority = -1 WHERE id = 1");
	assert_int_equal(jobdb_claim(&running, worker), 1);
	assert_int_equal(running.piece.id, 2);
	put_tmp(0, t0 ^ 1, 's', shard_bytes); /* of an earlier attempt */
	put_tmp(1, back.piece.token, 's', shard_bytes);
	put_tmp(2, running.piece.token ^ 1, 's', shard_bytes);
	put_tmp(2, running.piece.token, 'r', 3);
	put_tmp(3, 12345, 's', 0);
	put_tmp(99, 12345, 's', shard_bytes); /* of no batch at all */
	put("notes.txt", 'p', 1);
	put("000001.gz.bak", 'p', 1);
	put("x.tmp", 'p', 1);
	check(0, 5, 0);
	assert_int_equal(first_byte("000000.gz"), 'a');
	assert_true(tmp_is_there(2, running.piece.token));
	assert_false(tmp_is_there(2, running.piece.token ^ 1));
	assert_false(tmp_is_there(0, t0 ^ 1));
	assert_false(tmp_is_there(1, back.piece.token));
	assert_false(tmp_is_there(3, 12345));
	assert_false(tmp_is_there(99, 12345));
	/* What is a person's stays. */
	assert_int_equal(first_byte("notes.txt"), 'p');
	assert_int_equal(first_byte("000001.gz.bak"), 'p');
	assert_int_equal(first_byte("x.tmp"), 'p');
	assert_int_equal(jobdb_complete(&running, 3), 1);
}

static void
test_lost_shards(void **state)
{
	char link[1024];
	int i;

	(void)state;
	make(7);
	for (i = 0; i < 6; i++)
		done();
	put_shard(0, 'a', shard_bytes);
	put_shard(1, 'a', shard_bytes - 1);
	put_shard(2, 'a', shard_bytes + 1);
	put_shard(3, 'a', 0);
	/* 4 is missing. */
	/* A link's size is that of its text: as long as a shard. */
	memset(link, '/', shard_bytes);
	memcpy(link, "000", 3);
	link[shard_bytes] = '\0';
	assert_int_equal(symlinkat(link, h.dir.shards_fd, "000005.gz"), 0);
	check(0, 0, 5);
	assert_string_equal(jobdb_text("SELECT group_concat(state) FROM "
				       "(SELECT state FROM batch ORDER BY "
				       "id)"),
			    "done,pending,pending,pending,pending,pending,"
			    "pending");
	assert_int_equal(jobdb_int("SELECT count(*) FROM batch WHERE error IS "
				   "NOT NULL AND attempts = 0 AND "
				   "not_before = 0"),
			 5);
	check(0, 0, 0);
}

/* Rows are read 4096 at a time: none may fall between two reads. */
static void
test_many(void **state)
{
	(void)state;
	make(9000);
	jobdb_sql("UPDATE batch SET state = 'done', token = id + 1, rows = 10, "
		  "records = 8, skipped = 2, " NO_TALLIES
		  "raw_bytes = 100, gz_bytes = 50, "
		  "raw_crc32 = 1, gz_crc32 = 1, finished = 1 WHERE id IN "
		  "(0, 4094, 4095, 4096, 4097, 8191, 8192, 8999)");
	put_shard(4096, 'a', shard_bytes);
	check(0, 0, 7);
	assert_int_equal(jobdb_int("SELECT id FROM batch WHERE state = 'done'"),
			 4096);
}

static void
expect_damaged(const char *edit)
{
	jobdb_sql(edit);
	if (sm_startcheck(&found, &h, &jobdb.err) != SM_EDAMAGED)
		fail_msg("not noticed: %s", edit);
	assert_non_null(strstr(jobdb.err.text, "recover"));
}

static void
test_rows_missing(void **state)
{
	(void)state;
	make(5);
	expect_damaged("DELETE FROM batch WHERE id = 2");
	assert_non_null(strstr(jobdb.err.text, "batch 2"));
	jobdb_sql("INSERT INTO batch (id) VALUES (2)");
	check(0, 0, 0);
	expect_damaged("DELETE FROM batch WHERE id = 4");
	jobdb_sql("INSERT INTO batch (id) VALUES (4)");
	expect_damaged("DELETE FROM batch WHERE id = 0");
	expect_damaged("DELETE FROM batch");
}

static void
test_rows_added(void **state)
{
	(void)state;
	make(2);
	expect_damaged("INSERT INTO batch (id) VALUES (2)");
	jobdb_sql("DELETE FROM batch WHERE id = 2");
	expect_damaged("INSERT INTO batch (id) VALUES (7)");
	jobdb_sql("DELETE FROM batch WHERE id = 7");
	check(0, 0, 0);
	/* Refused by a CHECK, or found: either will do. */
	if (jobdb_try("INSERT INTO batch (id) VALUES (-1)") == SQLITE_OK)
		expect_damaged("SELECT 1");
}

/* The job is another supervisor's: neither files nor rows are touched. */
static void
test_fenced(void **state)
{
	char gone[SM_SHARD_NAME_MAX];
	int64_t t0;

	(void)state;
	make(2);
	h.job.spec = (char *)jobdb_text("SELECT spec FROM job");
	t0 = done();
	put_tmp(0, t0, 'b', shard_bytes);
	put_shard(0, 'a', shard_bytes);
	jobdb_sql("UPDATE job SET run = run + 1");
	assert_int_equal(sm_startcheck(&found, &h, &jobdb.err), SM_EFENCED);
	assert_true(tmp_is_there(0, t0));
	assert_int_equal(first_byte("000000.gz"), 'a');
	/* Nor is a lost shard's batch put back. */
	sm_shard_tmp_name(gone, 0, h.digits, t0);
	assert_int_equal(unlinkat(h.dir.shards_fd, gone, 0), 0);
	assert_int_equal(unlinkat(h.dir.shards_fd, "000000.gz", 0), 0);
	assert_int_equal(sm_startcheck(&found, &h, &jobdb.err), SM_EFENCED);
	assert_int_equal(jobdb_int("SELECT state = 'done' FROM batch "
				   "WHERE id = 0"),
			 1);
}

/* One is one, two are more. */
static void
told(const char *text, void *arg)
{
	snprintf(arg, 128, "%s", text);
}

static void
test_told(void **state)
{
	struct sm_startcheck c = { .renamed = 1 };
	char text[128] = "";
	struct sm_events ev = { .notice = told, .arg = text };

	(void)state;
	h.dir.shards_fd = -1;
	sm_startcheck_notice(&c, &ev);
	assert_non_null(strstr(text, "1 file that"));
	c.renamed = 2;
	sm_startcheck_notice(&c, &ev);
	assert_non_null(strstr(text, "2 files that"));
	c = (struct sm_startcheck){ .requeued = 1 };
	sm_startcheck_notice(&c, &ev);
	assert_non_null(
		strstr(text, "1 done batch lost the shard, or the file"));
	c.requeued = 2;
	sm_startcheck_notice(&c, &ev);
	assert_non_null(
		strstr(text, "2 done batches lost the shard, or the file"));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, jobdb_setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_nothing),      TEST(test_forgotten_rename),
		TEST(test_cut_rename),   TEST(test_temporary_files),
		TEST(test_lost_shards),  TEST(test_many),
		TEST(test_rows_missing), TEST(test_rows_added),
		TEST(test_fenced),       TEST(test_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
