/* Joining, where rows or the final file change under it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hash.h"
#include "damaged.h"
#include "growing.h"
#include "write.h"

#include "grown.h"

static struct sm_finalize_result result;

static int
join(bool allow_missing)
{
	struct sm_finalize_opts o = { .allow_missing = allow_missing,
				      .force = !allow_missing };
	struct sm_join_from from = sm_join_from_one(&h);
	int ret = sm_join(&result, &from, &o, NULL, &jobdb.err);

	sm_finalize_result_release(&result);
	return ret;
}

/* Joined and consumed, without the commit that says so. */
static void
consume_all(void)
{
	h.job.consume = true;
	make_all();
	assert_int_equal(join(false), 0);
	jobdb_sql("UPDATE job SET final_size = NULL, final_digest = NULL");
	assert_int_equal(size_of("f.gz.part"), 0);
}

static void
damage(const char *name, off_t at)
{
	int fd = open(jobdb_file(name), O_RDWR);

	assert_int_equal(pwrite(fd, "damage", 6, at), 6);
	close(fd);
}

static void
read_end(struct sm_gzip_end *e)
{
	int fd = open(h.job.final_path, O_RDONLY);
	enum sm_final_state state;

	assert_int_equal(
		sm_final_read_end(&state, e, fd, "f.gz", size_of("f.gz"), NULL),
		0);
	assert_int_equal(state, SM_FINAL_WHOLE);
	close(fd);
}

static void
write_end(const struct sm_gzip_end *e)
{
	unsigned char buf[SM_GZIP_END_BYTES];
	int fd = open(h.job.final_path, O_RDWR);

	sm_gzip_put_end(buf, e);
	assert_int_equal(pwrite(fd, buf, sizeof(buf),
				(off_t)(size_of("f.gz") - SM_GZIP_LAST_BYTES)),
			 sizeof(buf));
	close(fd);
}

/* A published file is the job's if its end says nothing else: if it does, it
 * is written again. */
static void
test_odd_end(void **state)
{
	struct sm_gzip_end good, e;
	int64_t generation;
	int i;

	(void)state;
	consume_all();
	read_end(&good);
	assert_int_equal(join(false), 0);
	generation = jobdb_int("SELECT generation FROM job");
	for (i = 0; i < 5; i++) {
		e = good;
		e.missing += i == 0;
		e.fingerprint += i == 1;
		e.batches -= i == 2;
		e.last_at -= i == 3;
		e.last_crc32 ^= i == 4;
		write_end(&e);
		jobdb_sql("UPDATE job SET final_size = NULL, final_digest = "
			  "NULL");
		h.job.final_size = -1;
		if (join(false) < 0)
			fail_msg("end %d: %s", i, jobdb.err.text);
		if (jobdb_int("SELECT generation FROM job") != ++generation)
			fail_msg("end %d: not written again", i);
		read_end(&e);
		assert_int_equal(e.last_crc32, good.last_crc32);
		assert_int_equal(e.fingerprint, good.fingerprint);
	}
}

/* After the look at the rows, and before they are read. */
static void
test_put_back_meanwhile(void **state)
{
	struct sm_join_from from = sm_join_from_one(&h);
	struct sm_finalize_opts o = { .force = true };
	struct sm_join j = { .from = &from, .opts = &o, .g = &g, .ours = true };

	(void)state;
	make_all();
	open_again();
	jobdb_sql("UPDATE batch SET state = 'pending' WHERE id = 3");
	assert_int_equal(sm_join_write(&result, &j, &jobdb.err), SM_EWORK);
	assert_non_null(strstr(jobdb.err.text, "batch 3 was put back"));
	jobdb_sql("DELETE FROM batch WHERE id = 3");
	open_again();
	assert_int_equal(sm_join_write(&result, &j, &jobdb.err), SM_EDAMAGED);
	assert_non_null(strstr(jobdb.err.text, "lacks the row of batch 3"));
}

/* Leaving out is for what is not done, not for rows that are gone. */
static void
test_missing_row(void **state)
{
	(void)state;
	make_all();
	/* Of rows that nobody can count. */
	jobdb_sql("UPDATE batch SET state = 'failed', first = NULL, \"end\" = "
		  "NULL WHERE id = 1");
	assert_int_equal(join(true), SM_EWORK);
	assert_non_null(strstr(jobdb.err.text, "lacks 1 batches"));
	assert_true(size_of("f.gz") > 0);
	jobdb_sql("DELETE FROM batch WHERE id = 0");
	assert_int_equal(join(true), SM_EDAMAGED);
	assert_non_null(strstr(jobdb.err.text, "lacks the row of batch 0"));
}

/* All damaged ones behind the first are put back, and nothing else: neither
 * what is not done, nor what has moved since the handle was opened. */
static void
test_requeue_behind(void **state)
{
	struct sm_join_from from = sm_join_from_one(&h);
	struct sm_batch_row row;

	(void)state;
	consume_all();
	damage("f.gz", row_of(1).joined_at + 4);
	damage("f.gz", row_of(4).joined_at + 4);
	jobdb_sql("UPDATE batch SET state = 'failed' WHERE id = 2");
	h.job.generation = 0; /* as of before it was joined */
	row = row_of(1);
	assert_int_equal(sm_damaged_put_back_all(&from, &row, &jobdb.err), 0);
	assert_string_equal(jobdb_text("SELECT group_concat(state) FROM "
				       "(SELECT state FROM batch ORDER BY "
				       "id LIMIT 6)"),
			    "done,pending,failed,done,pending,done");
}

static void
test_still(void **state)
{
	struct sm_batch_row row;
	bool still;

	(void)state;
	consume_all();
	h.job.generation = 1;
#define EXPECT(edit, want)                                                     \
	do {                                                                   \
		row = row_of(2);                                               \
		edit;                                                          \
		assert_int_equal(                                              \
			sm_consumed_is_still(&still, &h, &row, &jobdb.err),    \
			0);                                                    \
		assert_int_equal(still, want);                                 \
	} while (0)
	EXPECT((void)0, 1);
	EXPECT(row.id = BATCHES + 1, 0);
	EXPECT(row.token++, 0);
	EXPECT(row.joined++, 0);
	EXPECT(row.joined_at++, 0);
	EXPECT(row.state = SM_PENDING, 0);
	EXPECT(h.job.generation = 0, 0);
	EXPECT((void)0, 1);
	jobdb_sql("UPDATE batch SET id = 999 WHERE id = 5");
	row = row_of(2);
	row.id = 5;
	assert_int_equal(sm_consumed_is_still(&still, &h, &row, &jobdb.err), 0);
	assert_false(still);
}

/* Is the file refused to a job of this fingerprint?  `known`: to this one. */
static int
refuse(int fd, bool known, uint64_t fingerprint)
{
	struct sm_growing who = { .dir = &h.dir };

	if (known)
		who = sm_growing_of(&h);
	who.fingerprint = fingerprint;
	return sm_growing_refuse(fd, "f.gz.part", &who, &jobdb.err);
}

/* Another job's beginning is not written over; this one's is. */
static void
test_refuse(void **state)
{
	int fd;

	(void)state;
	make_all();
	open_again();
	add_to(GROUP);
	sm_grow_close(&g);
	fd = open(jobdb_file("f.gz.part"), O_RDWR);
	assert_int_equal(refuse(fd, false, 0xab), 0);
	assert_int_equal(refuse(fd, false, 0xcd), SM_EREFUSED);
	/* By its first batch it is this one's, whatever the fingerprint by
	 * now: as the row says, or the shard where the row does not. */
	assert_int_equal(refuse(fd, true, 0xcd), 0);
	jobdb_sql("UPDATE batch SET state = 'pending' WHERE id = 0");
	assert_int_equal(refuse(fd, true, 0xcd), 0);
	damage("shards/000000.gz", 30);
	assert_int_equal(refuse(fd, true, 0xcd), SM_EREFUSED);
	assert_int_equal(truncate(jobdb_file("shards/000000.gz"), 20), 0);
	assert_int_equal(refuse(fd, true, 0xcd), SM_EREFUSED);
	remove_shard(0);
	assert_int_equal(refuse(fd, true, 0xcd), SM_EREFUSED);
	close(fd);
}

/* Nothing in it tells whose it is, but the job noted which file it is. */
static void
test_refuse_unknown(void **state)
{
	int fd;

	(void)state;
	make_all();
	remove_shard(0);
	fd = open(jobdb_file("f.gz.part"), O_RDWR | O_CREAT, 0666);
	assert_int_equal(refuse(fd, true, 0xab), 0); /* it is empty */
	assert_int_equal(write(fd, "mine", 4), 4);
	assert_int_equal(refuse(fd, true, 0xab), SM_EREFUSED);
	assert_non_null(strstr(jobdb.err.text, "is not this job's"));
	assert_int_equal(sm_growing_note(fd, "f.gz.part", &h.dir, &jobdb.err),
			 0);
	assert_int_equal(refuse(fd, true, 0xab), 0);
	assert_int_equal(refuse(fd, false, 0xcd), 0);
	close(fd);
	/* Another file of that name is another inode. */
	fd = open(jobdb_file("other"), O_RDWR | O_CREAT, 0666);
	assert_int_equal(write(fd, "mine", 4), 4);
	assert_int_equal(refuse(fd, true, 0xab), SM_EREFUSED);
	close(fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, grown_setup, grown_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_odd_end),        TEST(test_put_back_meanwhile),
		TEST(test_missing_row),    TEST(test_requeue_behind),
		TEST(test_still),          TEST(test_refuse),
		TEST(test_refuse_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
