/* The growing file where rows, names and lists are not as they mostly are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "grown.h"

/* All are made, joined and recorded, and their shards removed. */
static void
grow_all(void)
{
	h.job.consume = true;
	make_all();
	open_again();
	add_to(BATCHES);
	record(true);
}

/* Whatever edit: the batches that were added are not the rows' any more. */
static void
test_current(void **state)
{
	static const char *const edits[][2] = {
		{ "UPDATE batch SET token = token + 1 WHERE id = 2",
		  "UPDATE batch SET token = token - 1 WHERE id = 2" },
		{ "UPDATE batch SET state = 'failed' WHERE id = 1",
		  "UPDATE batch SET state = 'done' WHERE id = 1" },
		{ "UPDATE batch SET id = 999 WHERE id = 1",
		  "UPDATE batch SET id = 1 WHERE id = 999" },
	};
	size_t i;

	(void)state;
	make_all();
	open_again();
	add_to(4);
	for (i = 0; i < sizeof(edits) / sizeof(*edits); i++) {
		assert_int_equal(is_current(), 1);
		jobdb_sql(edits[i][0]);
		if (is_current() != 0)
			fail_msg("still current: %s", edits[i][0]);
		jobdb_sql(edits[i][1]);
	}
	/* Fewer rows than were added. */
	jobdb_sql("DELETE FROM batch WHERE id > 2");
	assert_int_equal(is_current(), 0);
}

/* One batch is not worth a commit yet, unless it has waited for long. */
static void
test_due(void **state)
{
	(void)state;
	make_all();
	open_again();
	add_to(1);
	record(false);
	assert_int_equal(g.fresh.count, 1);
	g.recorded_ms -= 4000;
	record(false);
	assert_int_equal(g.fresh.count, 1);
	g.recorded_ms -= 1001;
	record(false);
	assert_int_equal(g.fresh.count, 0);
	assert_int_equal(jobdb_int("SELECT joined FROM progress"), 1);
	/* Or is a large one. */
	add_to(2);
	record(false);
	assert_int_equal(g.fresh.count, 1);
	g.fresh_bytes = (uint64_t)256 << 20;
	record(false);
	assert_int_equal(g.fresh.count, 0);
}

/* More than a list has room for at first, and than goes in one turn. */
static void
test_many_spent(void **state)
{
	struct sm_grown one = { 0 };
	uint64_t i;

	(void)state;
	h.job.consume = true;
	make_all();
	open_again();
	add_to(GROUP + 2);
	record(true);
	assert_false(has_shard(1));
	/* Not before the file has them for good. */
	one.id = g.durable;
	assert_int_equal(sm_grown_push(&g.spent, &one, &jobdb.err), 0);
	record(false);
	/* With the two whose index note is not there yet. */
	assert_int_equal(g.spent.count, 3);
	assert_true(has_shard(GROUP));
	g.spent.count = 0;
	g.durable = UINT64_MAX;
	/* Some of no batch, the last two of another token, or put back. */
	for (i = 0; i < 600; i++) {
		one.id = 1000 + i;
		assert_int_equal(sm_grown_push(&g.spent, &one, &jobdb.err), 0);
		assert_int_equal(g.spent.item[i].id, one.id);
	}
	for (one.id = 100; one.id < 103; one.id++) {
		one.token = row_of(one.id).token + (one.id == 100);
		assert_int_equal(sm_grown_push(&g.spent, &one, &jobdb.err), 0);
	}
	jobdb_sql("UPDATE batch SET state = 'pending' WHERE id = 101");
	record(false);
	assert_int_equal(g.spent.count, 0);
	assert_true(has_shard(100));
	assert_true(has_shard(101));
	assert_false(has_shard(102));
	assert_true(has_shard(103));
}

/* The row has another place than the file: it is noted anew. */
static void
test_other_place(void **state)
{
	(void)state;
	make_all();
	open_again();
	add_to(BATCHES);
	record(true);
	jobdb_sql("UPDATE batch SET joined_at = joined_at + 1 WHERE id = 2");
	open_again();
	add_to(BATCHES);
	assert_int_equal(g.fresh.count, 1);
	assert_int_equal(g.fresh.item[0].id, 2);
	assert_int_equal(row_of(2).joined_at, g.fresh.item[0].at + 1);
}

/* Somebody's file has taken the name: it is not written over. */
static void
test_name_taken(void **state)
{
	FILE *out;

	(void)state;
	grow_all();
	assert_int_equal(rename(jobdb_file("f.gz.part"), h.job.final_path), 0);
	jobdb_sql("UPDATE batch SET state = 'pending' WHERE id = 2");
	make_one("quite another text");
	open_again();
	assert_int_equal(g.state, SM_GROW_PUBLISHED);
	out = fopen(jobdb_file("f.gz.part"), "w");
	assert_non_null(out);
	fputs("somebody's", out);
	fclose(out);
	assert_int_equal(sm_grow_rewrite(&g, &jobdb.err), SM_EIO);
	assert_non_null(strstr(jobdb.err.text, "f.gz.part"));
	sm_grow_close(&g);
	assert_int_equal(size_of("f.gz.part"), 10);
	assert_true(size_of("f.gz") > 0);
}

/* A link in its place is not followed: nothing stands there. */
static void
test_linked(void **state)
{
	(void)state;
	grow_all();
	assert_int_equal(renameat(jobdb.fd, "f.gz.part", jobdb.fd, "kept.gz"),
			 0);
	assert_int_equal(symlink("kept.gz", h.job.final_path), 0);
	open_again();
	assert_int_not_equal(g.state, SM_GROW_PUBLISHED);
	assert_int_equal(add(), 0);
	assert_true(size_of("kept.gz") > 0);
	/* Nor is one that leads nowhere, */
	sm_grow_close(&g);
	assert_int_equal(unlink(jobdb_file("f.gz.part")), 0);
	assert_int_equal(unlink(h.job.final_path), 0);
	assert_int_equal(symlink("f.gz", h.job.final_path), 0);
	open_again();
	assert_int_not_equal(g.state, SM_GROW_PUBLISHED);
	assert_int_equal(add(), 0);
	/* or nothing at all. */
	sm_grow_close(&g);
	assert_int_equal(unlink(jobdb_file("f.gz.part")), 0);
	assert_int_equal(unlink(h.job.final_path), 0);
	open_again();
	assert_int_not_equal(g.state, SM_GROW_PUBLISHED);
	assert_int_equal(add(), 0);
}

/* With a name that leads nowhere beside it, what grows is taken up. */
static void
test_looped(void **state)
{
	(void)state;
	grow_all();
	assert_int_equal(symlink("f.gz", h.job.final_path), 0);
	open_again();
	assert_int_not_equal(g.state, SM_GROW_PUBLISHED);
	add_to(BATCHES);
	/* Those whose shards wait for their index note are recorded again. */
	assert_int_equal(g.fresh.count, BATCHES % GROUP);
}

static struct {
	int count;
	char text[512];
} heard;

static void
hear(const char *text, void *arg)
{
	(void)arg;
	heard.count++;
	snprintf(heard.text, sizeof(heard.text), "%s", text);
}

/* Gone through once more, it is written again from the first other batch on,
 * which is told; what stands before that is not. */
static void
test_rewound(void **state)
{
	struct sm_events ev = { .notice = hear };
	uint64_t at;

	(void)state;
	make_all();
	open_again();
	g.ev = &ev;
	add_to(4);
	at = g.final.at;
	jobdb_sql("UPDATE batch SET state = 'pending' WHERE id = 2");
	make_one("another text");
	assert_int_equal(is_current(), 0);
	sm_grow_rewind(&g);
	add_to(2);
	assert_int_equal(g.state, SM_GROW_COMPARING);
	assert_int_equal(heard.count, 0);
	add_to(BATCHES);
	assert_int_equal(g.state, SM_GROW_APPENDING);
	assert_true(g.final.at > at);
	assert_int_equal(heard.count, 1);
	assert_non_null(strstr(heard.text, "batch 2 was made again"));
	assert_int_equal(is_current(), 1);
}

/* What begins as another job's is refused, if neither row nor shard is its. */
static void
test_of_another(void **state)
{
	(void)state;
	make_all();
	open_again();
	add_to(GROUP);
	sm_grow_close(&g);
	h.fingerprint++;
	open_again(); /* planned otherwise meanwhile: its shards are in it */
	sm_grow_close(&g);
	remove_shard(0);
	open_again(); /* the job noted that the file is its own */
	sm_grow_close(&g);
	assert_int_equal(unlink(jobdb_file("growing")), 0);
	open_again(); /* the first batch's row tells it */
	sm_grow_close(&g);
	jobdb_sql("UPDATE batch SET state = 'pending' WHERE id = 0");
	assert_int_equal(unlink(jobdb_file("growing")), 0);
	sm_grow_init(&g, &h, h.fingerprint, &quiet);
	assert_int_equal(sm_grow_open(&g, h.job.final_path, false, &jobdb.err),
			 SM_EREFUSED);
	assert_non_null(strstr(jobdb.err.text, "f.gz.part"));
	sm_grow_close(&g);
	assert_true(size_of("f.gz.part") > 0);
	/* By force it is. */
	sm_grow_init(&g, &h, h.fingerprint, &quiet);
	assert_int_equal(sm_grow_open(&g, h.job.final_path, true, &jobdb.err),
			 0);
}

/* A job that names another file leaves nothing, but what rows rely on. */
static void
test_left(void **state)
{
	struct sm_job job = { .final_size = -1, .fingerprint = "ab" };
	const char *other = jobdb_file("other.gz");

	(void)state;
	make_all();
	open_again();
	add_to(GROUP);
	sm_grow_close(&g);
	job.final_path = h.job.final_path;
	job.generation = 1;
	sm_join_leave(&h.dir, &job, other);
	assert_true(size_of("f.gz.part") > 0);
	job.generation = 0;
	sm_join_leave(&h.dir, &job, job.final_path);
	assert_true(size_of("f.gz.part") > 0);
	sm_join_leave(&h.dir, &job, other);
	assert_int_equal(size_of("f.gz.part"), 0);
}

/* The file's bytes are those of the attempt that was joined, even where a later
 * one made the same. */
static void
test_made_the_same(void **state)
{
	struct sm_batch_row row;
	const char *kind;

	(void)state;
	grow_all();
	jobdb_sql("UPDATE batch SET state = 'pending' WHERE id = 2");
	make_one("text");
	remove_shard(2);
	row = row_of(1);
	assert_int_equal(sm_consumed_check(&h, &row, &kind, &jobdb.err), 0);
	row = row_of(2);
	assert_int_equal(sm_consumed_check(&h, &row, &kind, &jobdb.err),
			 SM_EVERIFY);
}

/* What was consumed once, and is not by now: shards that are there stay. */
static void
test_swept_kept(void **state)
{
	(void)state;
	h.job.consume = true;
	make_all();
	open_again();
	add_to(GROUP + 3);
	record(true);
	sm_grow_close(&g);
	h.job.consume = false;
	open_again();
	add_to(BATCHES);
	record(true);
	sm_grow_close(&g);
	sm_join_sweep(&h, &quiet);
	assert_false(has_shard(2));
	assert_true(has_shard(GROUP));
	assert_true(has_shard(BATCHES - 1));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, grown_setup, grown_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_current),       TEST(test_due),
		TEST(test_many_spent),    TEST(test_other_place),
		TEST(test_name_taken),    TEST(test_linked),
		TEST(test_looped),        TEST(test_rewound),
		TEST(test_of_another),    TEST(test_left),
		TEST(test_made_the_same), TEST(test_swept_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
