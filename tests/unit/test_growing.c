/* The growing final file: taken up again, recorded, consumed, rewritten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <limits.h>

#include <cmocka.h>

#include "consumed.h"
#include "encoder.h"
#include "growing.h"
#include "joined.h"

#include "jobdb.h"

#define BATCHES 6

static struct sm_handle h;
static struct sm_events quiet;
static struct sm_growing g;
static struct sm_encoder *encoder;
static int64_t worker;

static int
setup(void **state)
{
	int ret = jobdb_setup(state);

	if (ret < 0 || sm_encoder_new(&encoder, 6, NULL) < 0)
		return -1;
	jobdb_make(BATCHES);
	worker = jobdb_worker(0);
	h = (struct sm_handle){ .dir = { .path = jobdb.path,
					 .fd = jobdb.fd,
					 .shards_fd = -1 },
				.db = jobdb.db,
				.job = { .batches = BATCHES,
					 .final_size = -1 },
				.fingerprint = 0xab,
				.digits = sm_shard_digits(BATCHES) };
	h.job.final_path = strdup(jobdb_file("f.gz"));
	mkdirat(jobdb.fd, "shards", 0755);
	h.dir.shards_fd = openat(jobdb.fd, "shards", O_RDONLY | O_DIRECTORY);
	sm_growing_init(&g, &h, &quiet);
	return h.dir.shards_fd < 0 ? -1 : 0;
}

static int
teardown(void **state)
{
	sm_growing_close(&g);
	sm_encoder_free(encoder);
	free(h.job.final_path);
	close(h.dir.shards_fd);
	return jobdb_teardown(state);
}

/* Make the next batch that is due, with `word` in its text. */
static void
make_one(const char *word)
{
	struct sm_gzip_shard head = { .fingerprint = 0xab,
				      .rows = 10,
				      .records = 1 };
	struct sm_batch_made made = { .rows = 10, .records = 1 };
	struct sm_shard_info i;
	struct sm_shard *s;
	struct sm_batch b;
	char text[64];

	assert_int_equal(jobdb_claim(&b, worker), 1);
	snprintf(text, sizeof(text), "%s of batch %d\n", word, (int)b.id);
	assert_int_equal(sm_shard_open(&s, h.dir.shards_fd, b.id, h.digits,
				       b.token, NULL),
			 0);
	assert_int_equal(sm_encoder_begin(encoder, s, NULL), 0);
	assert_int_equal(sm_encoder_write(encoder, text, strlen(text), NULL),
			 0);
	assert_int_equal(sm_encoder_end(encoder, NULL), 0);
	assert_int_equal(sm_shard_finish(s, &head, false, &i, NULL), 0);
	made.raw_bytes = i.raw_bytes;
	made.gz_bytes = i.gz_bytes;
	made.raw_crc32 = i.raw_crc32;
	made.gz_crc32 = i.gz_crc32;
	jobdb_begin();
	assert_int_equal(sm_batch_complete(jobdb.db, &b, &made, JOBDB_NOW,
					   &jobdb.err),
			 1);
	assert_int_equal(sm_shard_publish(s, NULL), 0);
	jobdb_commit();
	sm_shard_free(s);
	sm_batch_release(&b);
}

static void
make_all(void)
{
	int i;

	for (i = 0; i < BATCHES; i++)
		make_one("text");
}

static struct sm_batch_row
row_of(uint64_t id)
{
	struct sm_batch_row row;

	assert_int_equal(sm_batch_rows_begin(jobdb.db, id, &jobdb.err), 0);
	assert_int_equal(sm_batch_rows_next(&row, jobdb.db, &jobdb.err), 1);
	sm_batch_rows_end(jobdb.db);
	return row;
}

static int
add(void)
{
	struct sm_batch_row row = row_of(g.final.appended);

	return sm_growing_add(&g, &row, &jobdb.err);
}

static void
add_to(uint64_t n)
{
	while (g.final.appended < n)
		if (add() != 1)
			fail_msg("batch %d: %s", (int)g.final.appended,
				 jobdb.err.text);
}

static void
open_again(void)
{
	sm_growing_close(&g);
	sm_growing_init(&g, &h, &quiet);
	if (sm_growing_open(&g, h.job.final_path, &jobdb.err) < 0)
		fail_msg("%s", jobdb.err.text);
}

static bool
has_shard(uint64_t id)
{
	char name[SM_SHARD_NAME_MAX];

	sm_shard_name(name, id, h.digits);
	return faccessat(h.dir.shards_fd, name, F_OK, 0) == 0;
}

static void
remove_shard(uint64_t id)
{
	char name[SM_SHARD_NAME_MAX];

	sm_shard_name(name, id, h.digits);
	assert_int_equal(unlinkat(h.dir.shards_fd, name, 0), 0);
}

static uint64_t
size_of(const char *name)
{
	struct stat st;

	return stat(jobdb_file(name), &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void
record(bool all)
{
	if (sm_growing_record(&g, all, &jobdb.err) < 0)
		fail_msg("%s", jobdb.err.text);
}

static void
test_taken_up(void **state)
{
	uint64_t end;

	(void)state;
	make_all();
	open_again();
	add_to(4);
	record(true);
	end = g.final.at;
	assert_int_equal(jobdb_int("SELECT joined FROM progress"), 4);
	assert_int_equal(jobdb_int("SELECT generation FROM job"), 0);
	/* What was added is not read from its shard again. */
	open_again();
	remove_shard(0);
	remove_shard(3);
	add_to(4);
	assert_int_equal(g.final.at, end);
	assert_int_equal(g.fresh.count, 0);
	assert_int_equal(sm_growing_is_current(&g, &jobdb.err), 1);
	add_to(BATCHES);
	assert_int_equal(g.fresh.count, 2);
	assert_int_equal(size_of("f.gz.part"), g.final.at);
}

static void
test_other_bytes(void **state)
{
	int fd;

	(void)state;
	make_all();
	open_again();
	add_to(BATCHES);
	record(true);
	/* Damage in batch 2: written again from there on, by the shards. */
	fd = open(jobdb_file("f.gz.part"), O_RDWR);
	assert_int_equal(pwrite(fd, "damage", 6,
				row_of(2).joined_at + 90), 6);
	close(fd);
	open_again();
	add_to(BATCHES);
	assert_int_equal(g.fresh.count, 4);
	/* A damaged shard behind it cannot take its place. */
	fd = open(jobdb_file("f.gz.part"), O_RDWR);
	assert_int_equal(pwrite(fd, "damage", 6,
				row_of(2).joined_at + 90), 6);
	close(fd);
	remove_shard(2);
	open_again();
	add_to(2);
	assert_int_equal(add(), SM_EVERIFY);
	assert_int_equal(g.final.appended, 2);
}

static void
test_put_back(void **state)
{
	uint64_t at;

	(void)state;
	make_all();
	open_again();
	add_to(BATCHES);
	at = g.final.at;
	/* Before it is recorded: what is not true any more is not. */
	jobdb_sql("UPDATE batch SET state = 'pending' WHERE id = 1");
	assert_int_equal(sm_growing_is_current(&g, &jobdb.err), 0);
	record(true);
	assert_int_equal(jobdb_int("SELECT count(joined) FROM batch"),
			 BATCHES - 1);
	/* With the same bytes it has its place; with others it takes another. */
	make_one("text");
	sm_growing_rewind(&g);
	add_to(BATCHES);
	assert_int_equal(g.final.at, at);
	assert_int_equal(g.fresh.count, 1);
	record(true);
	jobdb_sql("UPDATE batch SET state = 'pending' WHERE id = 1");
	make_one("a longer text");
	sm_growing_rewind(&g);
	add_to(BATCHES);
	assert_true(g.final.at > at);
	assert_int_equal(g.fresh.count, BATCHES - 1);
}

static void
test_consumed(void **state)
{
	int i;

	(void)state;
	h.job.consume = true;
	make_all();
	open_again();
	add_to(3);
	assert_true(has_shard(0));
	assert_int_equal(jobdb_int("SELECT generation FROM job"), 0);
	record(true);
	assert_int_equal(jobdb_int("SELECT generation FROM job"), 1);
	assert_int_equal(jobdb_int("SELECT joined FROM progress"), 3);
	assert_true(size_of(SM_CONSUMED_NOTE) > 0);
	for (i = 0; i < BATCHES; i++)
		assert_int_equal(has_shard((uint64_t)i), i >= 3);
	assert_int_equal(size_of("f.gz.part"), g.final.at);
	/* Put back and made again before its turn: the new shard stays. */
	add_to(5);
	jobdb_sql("UPDATE batch SET state = 'pending' WHERE id = 4");
	make_one("another text");
	record(true);
	assert_false(has_shard(3));
	assert_true(has_shard(4));
	assert_int_equal(jobdb_int("SELECT joined FROM progress"), 4);
	/* It is the last that was joined: written over in place. */
	open_again();
	add_to(BATCHES);
	record(true);
	assert_int_equal(jobdb_int("SELECT generation FROM job"), 1);
	assert_int_equal(jobdb_int("SELECT joined FROM progress"), BATCHES);
}

static void
test_rewritten(void **state)
{
	struct sm_gzip_entry e;
	struct sm_batch_row row;
	const char *kind;
	uint64_t before, i;

	(void)state;
	h.job.consume = true;
	make_all();
	open_again();
	add_to(BATCHES);
	record(true);
	before = size_of("f.gz.part");
	jobdb_sql("UPDATE batch SET state = 'pending' WHERE id = 2");
	make_one("quite another text");
	open_again();
	add_to(2);
	assert_int_equal(add(), 0);
	assert_int_equal(add(), 0);
	assert_int_equal(sm_growing_rewrite(&g, &jobdb.err), 0);
	assert_int_equal(g.final.appended, 0);
	add_to(BATCHES);
	record(true); /* not before it is published */
	assert_int_equal(jobdb_int("SELECT generation FROM job"), 1);
	assert_int_equal(size_of("f.gz.part"), before);
	assert_true(size_of("f.gz.part.2") > before);
	for (i = 0; i < BATCHES; i++) {
		row = row_of(i);
		sm_consumed_entry(&e, &row);
		assert_int_equal(sm_growing_list(&g, &row, &e, &jobdb.err), 0);
	}
	assert_int_equal(sm_growing_end(&g, &jobdb.err), 0);
	jobdb_begin();
	assert_int_equal(sm_growing_record_rest(&g, &jobdb.err), 0);
	assert_int_equal(sm_growing_rename(&g, &jobdb.err), 0);
	jobdb_commit();
	sm_growing_tidy(&g);
	assert_int_equal(size_of("f.gz.part"), 0);
	assert_int_equal(size_of("f.gz.part.2"), 0);
	assert_false(has_shard(2));
	assert_int_equal(jobdb_int("SELECT generation FROM job"), 2);
	/* The rows say where each batch is. */
	for (i = 0; i < BATCHES; i++) {
		row = row_of(i);
		if (sm_consumed_check(&h, &row, NULL, &kind, &jobdb.err) < 0)
			fail_msg("batch %d: %s", (int)i, jobdb.err.text);
	}
	/* And a file that was cut has not what is behind. */
	assert_int_equal(truncate(h.job.final_path, row_of(4).joined_at), 0);
	row = row_of(4);
	assert_int_equal(sm_consumed_check(&h, &row, NULL, &kind, &jobdb.err),
			 SM_EVERIFY);
	row = row_of(3);
	assert_int_equal(sm_consumed_check(&h, &row, NULL, &kind, &jobdb.err),
			 0);
}

static void
test_part_names(void **state)
{
	char path[NAME_MAX + 8] = "/d/", *part;

	(void)state;
	part = sm_consumed_part_name("/d/f.gz", 0);
	assert_string_equal(part, "/d/f.gz.part");
	free(part);
	part = sm_consumed_part_name("/d/f.gz", 1);
	assert_string_equal(part, "/d/f.gz.part");
	free(part);
	part = sm_consumed_part_name("/d/f.gz", 17);
	assert_string_equal(part, "/d/f.gz.part.17");
	free(part);
	memset(path + 3, 'x', NAME_MAX);
	part = sm_consumed_part_name(path, 3);
	assert_int_equal(strlen(part), 3 + NAME_MAX);
	assert_non_null(strstr(part, "x.part.3"));
	free(part);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_taken_up), TEST(test_other_bytes),
		TEST(test_put_back), TEST(test_consumed),
		TEST(test_rewritten), TEST(test_part_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
