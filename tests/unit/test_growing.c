/* The growing final file: taken up again, recorded, consumed, rewritten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <limits.h>

#include <cmocka.h>

#include "damaged.h"

#include "grown.h"

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
	assert_int_equal(is_current(), 1);
	add_to(BATCHES);
	assert_int_equal(g.fresh.count, BATCHES - 4);
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
	assert_int_equal(pwrite(fd, "damage", 6, row_of(2).joined_at + 4), 6);
	close(fd);
	open_again();
	add_to(BATCHES);
	assert_int_equal(g.fresh.count, BATCHES - 2);
	/* A damaged shard behind it cannot take its place. */
	fd = open(jobdb_file("f.gz.part"), O_RDWR);
	assert_int_equal(pwrite(fd, "damage", 6, row_of(2).joined_at + 4), 6);
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
	assert_int_equal(is_current(), 0);
	record(true);
	assert_int_equal(jobdb_int("SELECT count(joined) FROM batch"),
			 BATCHES - 1);
	/*
	 * With the same bytes it has its place; with others it takes another.
	 */
	make_one("text");
	sm_grow_rewind(&g);
	add_to(BATCHES);
	assert_int_equal(g.final.at, at);
	assert_int_equal(g.fresh.count, 1);
	record(true);
	jobdb_sql("UPDATE batch SET state = 'pending' WHERE id = 1");
	make_one("a longer text");
	sm_grow_rewind(&g);
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
	add_to(GROUP + 3);
	assert_true(has_shard(0));
	assert_int_equal(jobdb_int("SELECT generation FROM job"), 0);
	record(true);
	assert_int_equal(jobdb_int("SELECT generation FROM job"), 1);
	assert_int_equal(jobdb_int("SELECT joined FROM progress"), GROUP + 3);
	assert_true(size_of(SM_CONSUMED_NOTE) > 0);
	/* What the index does not have yet stays. */
	for (i = 0; i < BATCHES; i++)
		assert_int_equal(has_shard((uint64_t)i), i >= GROUP);
	assert_int_equal(size_of("f.gz.part"), g.final.at);
	/* Put back and made again before its turn: the new shard stays. */
	add_to(2 * GROUP);
	jobdb_sql("UPDATE batch SET state = 'pending' WHERE id = 127");
	make_one("another text");
	record(true);
	assert_false(has_shard(126));
	assert_true(has_shard(127));
	assert_int_equal(jobdb_int("SELECT joined FROM progress"),
			 2 * GROUP - 1);
	/* It is the last that was joined: written over in place. */
	open_again();
	add_to(BATCHES);
	record(true);
	assert_int_equal(jobdb_int("SELECT generation FROM job"), 1);
	assert_int_equal(jobdb_int("SELECT joined FROM progress"), BATCHES);
}

/* What a kill has left goes; what was made since is in no file yet. */
static void
test_swept(void **state)
{
	(void)state;
	h.job.consume = true;
	make_all();
	open_again();
	add_to(BATCHES);
	record(true);
	sm_grow_close(&g);
	jobdb_sql("UPDATE batch SET state = 'pending' WHERE id = 2");
	make_one("another text");
	assert_int_equal(linkat(h.dir.shards_fd, "000002.gz", h.dir.shards_fd,
				"000004.gz", 0),
			 0);
	sm_join_sweep(&h, &quiet);
	assert_true(has_shard(2));
	assert_false(has_shard(4));
}

static void
test_rewritten(void **state)
{
	struct sm_batch_row row;
	const char *kind;
	uint64_t before, i;
	bool stands;

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
	assert_int_equal(sm_grow_rewrite(&g, &jobdb.err), 0);
	assert_int_equal(g.final.appended, 0);
	add_to(BATCHES);
	record(true); /* not before it is published */
	assert_int_equal(jobdb_int("SELECT generation FROM job"), 1);
	assert_int_equal(size_of("f.gz.part"), before);
	assert_true(size_of("f.gz.part.2") > before);
	assert_int_equal(sm_grow_end(&stands, &g, &jobdb.err), 0);
	assert_true(stands);
	jobdb_begin();
	assert_int_equal(sm_grow_record_rest(&g, &jobdb.err), 0);
	assert_int_equal(sm_grow_rename(&g, &jobdb.err), 0);
	jobdb_commit();
	sm_grow_tidy(&g);
	assert_int_equal(size_of("f.gz.part"), 0);
	assert_int_equal(size_of("f.gz.part.2"), 0);
	assert_false(has_shard(2));
	assert_int_equal(jobdb_int("SELECT generation FROM job"), 2);
	/* The rows say where each batch is. */
	for (i = 0; i < BATCHES; i++) {
		row = row_of(i);
		if (sm_consumed_check(&h, &row, &kind, &jobdb.err) < 0)
			fail_msg("batch %d: %s", (int)i, jobdb.err.text);
	}
	/* And a file that was cut has not what is behind. */
	assert_int_equal(truncate(h.job.final_path, row_of(4).joined_at), 0);
	row = row_of(4);
	assert_int_equal(sm_consumed_check(&h, &row, &kind, &jobdb.err),
			 SM_EVERIFY);
	row = row_of(3);
	assert_int_equal(sm_consumed_check(&h, &row, &kind, &jobdb.err), 0);
}

/* A file beside the job's own is one writer's at a time, and no trace stays. */
static void
test_other(void **state)
{
	struct sm_grow second;
	const char *path = strdup(jobdb_file("other.gz"));

	(void)state;
	make_all();
	assert_int_equal(sm_grow_open_beside(&g, path, &jobdb.err), 0);
	add_to(BATCHES);
	assert_int_equal(g.fresh.count, 0);
	sm_grow_init(&second, &h, h.fingerprint, &quiet);
	assert_int_equal(sm_grow_open_beside(&second, path, &jobdb.err),
			 SM_EHELD);
	sm_grow_close(&second);
	assert_true(size_of("other.gz.00000000000000ab.tmp") > 0);
	sm_grow_close(&g);
	assert_int_equal(size_of("other.gz.00000000000000ab.tmp"), 0);
	free((void *)(uintptr_t)path);
}

/*
 * The growing file has grown since the one beside it was begun, and the rows
 * are read after that: shards that went into it are not damaged.
 */
static void
test_beside_grows(void **state)
{
	struct sm_batch_row row;
	struct sm_grow second;
	char *path = strdup(jobdb_file("other.gz"));
	bool added;
	int again = 0, ret;

	(void)state;
	h.job.consume = true;
	make_all();
	open_again();
	add_to(GROUP);
	record(true);
	assert_int_equal(
		sm_joined_generation(&h.job.generation, jobdb.db, &jobdb.err),
		0);
	sm_grow_init(&second, &h, h.fingerprint, &quiet);
	assert_int_equal(sm_grow_open_beside(&second, path, &jobdb.err), 0);
	add_to(BATCHES - 2);
	record(true);
	assert_false(has_shard(GROUP + 1));
	while (second.final.appended < BATCHES) {
		row = row_of(second.final.appended);
		ret = sm_grow_add(&added, &second, &h, &row, &jobdb.err);
		if (ret == SM_EVERIFY) {
			again++;
			assert_int_equal(sm_damaged_look_again(&row, &second,
							       &h, &jobdb.err),
					 0);
			continue;
		}
		assert_int_equal(ret, 0);
	}
	assert_int_equal(again, 1);

	/* What is in no file is missing, as often as it is looked for. */
	remove_shard(BATCHES - 1);
	row = row_of(BATCHES - 1);
	assert_int_equal(sm_damaged_look_again(&row, &second, &h, &jobdb.err),
			 SM_EVERIFY);
	/* Nor is it there where the row only says so. */
	row = row_of(GROUP);
	jobdb_sql("UPDATE batch SET joined_at = 1000000000 WHERE id = 64");
	assert_int_equal(sm_damaged_look_again(&row, &second, &h, &jobdb.err),
			 0);
	assert_int_equal(sm_damaged_look_again(&row, &second, &h, &jobdb.err),
			 SM_EVERIFY);
	sm_grow_close(&second);
	free(path);
}

/* What was published is kept under its first name while it is written again,
 * also where a try before did so. */
static void
test_kept_twice(void **state)
{
	int i;

	(void)state;
	h.job.consume = true;
	make_all();
	open_again();
	add_to(BATCHES);
	record(true);
	assert_int_equal(rename(jobdb_file("f.gz.part"), h.job.final_path), 0);
	jobdb_sql("UPDATE batch SET state = 'pending' WHERE id = 2");
	make_one("quite another text");
	for (i = 0; i < 2; i++) {
		open_again();
		assert_int_equal(g.state, SM_GROW_PUBLISHED);
		add_to(2);
		assert_int_equal(add(), 0);
		if (i > 0) /* it stands there, by another's hand */
			assert_int_equal(
				link(h.job.final_path, jobdb_file("f.gz.part")),
				0);
		assert_int_equal(sm_grow_rewrite(&g, &jobdb.err), 0);
		assert_true(size_of("f.gz.part") > 0);
		add_to(BATCHES);
	}
	sm_grow_close(&g);
	assert_int_equal(size_of("f.gz.part.2"), 0);
	assert_true(size_of("f.gz") > 0);
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, grown_setup, grown_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_taken_up),     TEST(test_other_bytes),
		TEST(test_put_back),     TEST(test_consumed),
		TEST(test_swept),        TEST(test_rewritten),
		TEST(test_other),        TEST(test_kept_twice),
		TEST(test_beside_grows), TEST(test_part_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
