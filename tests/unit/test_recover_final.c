/* What a lost database's final file still has, and which file that is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <limits.h>

#include <cmocka.h>

#include "recover_final.h"

#include "grown.h"

static struct sm_recover_final f;

static int
teardown(void **state)
{
	sm_recover_final_close(&f);
	return grown_teardown(state);
}

/* All batches are in f.gz.part, and their shards are gone. */
static void
consume_all(void)
{
	h.job.consume = true;
	make_all();
	open_again();
	add_to(BATCHES);
	record(true);
	sm_grow_close(&g);
}

static void
open_final(void)
{
	sm_recover_final_close(&f);
	if (sm_recover_final_open(&f, &h.dir, h.fingerprint, &jobdb.err) < 0)
		fail_msg("%s", jobdb.err.text);
}

/* Which batches it has, as ranges. */
static void
expect_found(const char *want)
{
	char got[BATCHES * 4] = "";
	struct sm_piece piece = { .first = 0, .end = 1 };
	struct sm_entry e;
	uint64_t id, at, first = 0;
	bool found = false, before;
	size_t n = 0;

	for (id = 0; id <= BATCHES; id++) {
		piece.id = id;
		before = found;
		found = false;
		if (id < BATCHES)
			assert_int_equal(sm_recover_final_find(&found, &e, &at,
							       &f, &piece,
							       &jobdb.err),
					 0);
		if (found)
			assert_int_equal(at, row_of(id).joined_at);
		if (found && !before)
			first = id;
		if (before && !found)
			n += (size_t)snprintf(got + n, sizeof(got) - n,
					      "%d-%d ", (int)first,
					      (int)id - 1);
	}
	assert_string_equal(got, want);
}

static void
damage(const char *name, int64_t at)
{
	int fd = open(jobdb_file(name), O_RDWR);

	assert_int_equal(pwrite(fd, "damage", 6, at), 6);
	close(fd);
}

static void
put(const char *name, const char *text)
{
	FILE *out = fopen(jobdb_file(name), "w");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void
test_found(void **state)
{
	(void)state;
	consume_all();
	open_final();
	assert_int_equal(f.generation, 1);
	assert_string_equal(f.path, h.job.final_path);
	/* What has no index note yet has its shards. */
	expect_found("0-127 ");
	/* After damage the next is looked at. */
	damage("f.gz.part", row_of(2).joined_at + 4);
	open_final();
	expect_found("0-1 3-127 ");
	damage("f.gz.part", row_of(0).joined_at);
	open_final();
	expect_found("1-1 3-127 ");
	assert_int_equal(
		truncate(jobdb_file("f.gz.part"), row_of(127).joined_at + 60),
		0);
	open_final();
	expect_found("1-1 3-63 ");
}

/* Of several generations the one that has most, by what stands in it. */
static void
test_generations(void **state)
{
	int64_t cut;

	(void)state;
	consume_all();
	cut = row_of(GROUP + 4).joined_at;
	jobdb_sql("UPDATE batch SET state = 'pending' WHERE id = 2");
	make_one("quite another text");
	open_again();
	add_to(2);
	assert_int_equal(add(), 0);
	assert_int_equal(sm_grow_rewrite(&g, &jobdb.err), 0);
	add_to(BATCHES);
	free(g.part);
	g.part = NULL; /* killed before it was published */
	sm_grow_close(&g);
	put("f.gz.part.x", "no generation");
	put("f.gz.part.3x", "no generation");
	put("f.gz.part.-1", "no generation");
	put("f.gz.part.1", "no generation");
	put("f.gz.partner", "somebody's");
	put("f.gz", "somebody's");
	assert_int_equal(mkdir(jobdb_file("f.gz.part.8"), 0755), 0);
	assert_int_equal(symlink("f.gz.part", jobdb_file("f.gz.part.9")), 0);
	assert_int_equal(truncate(jobdb_file("f.gz.part"), cut), 0);
	open_final();
	assert_int_equal(f.generation, 2);
	assert_int_equal(truncate(jobdb_file("f.gz.part.2"), 10), 0);
	open_final();
	assert_int_equal(f.generation, 1);
	expect_found("0-63 ");
	/* Published: the generation behind all that are there. */
	assert_int_equal(rename(jobdb_file("f.gz.part"), h.job.final_path), 0);
	open_final();
	assert_int_equal(f.generation, 10);
	assert_int_equal(unlink(jobdb_file("f.gz.part.9")), 0);
	assert_int_equal(rmdir(jobdb_file("f.gz.part.8")), 0);
	open_final();
	assert_int_equal(f.generation, 3);
}

/* Another job's file at the path has more batches, but none of this job's. */
static void
test_foreign(void **state)
{
	(void)state;
	h.fingerprint = 0xcd;
	consume_all();
	assert_int_equal(rename(jobdb_file("f.gz.part"), h.job.final_path), 0);
	h.fingerprint = 0xab;
	open_final();
	assert_int_equal(f.fd, -1);
	jobdb_sql("UPDATE job SET generation = 0");
	jobdb_sql("UPDATE batch SET state = 'pending', joined = NULL, "
		  "joined_at = NULL");
	make_all();
	open_again();
	add_to(GROUP + 3);
	record(true);
	sm_grow_close(&g);
	open_final();
	assert_int_equal(f.generation, 1);
	expect_found("0-63 ");
}

/* However many there are, and whatever: a socket is none. */
static void
test_many_names(void **state)
{
	char name[32];
	int i;

	(void)state;
	consume_all();
	assert_int_equal(mknod(jobdb_file("f.gz.part.2"), S_IFSOCK | 0600, 0),
			 0);
	open_final();
	assert_int_equal(f.generation, 1);
	for (i = 3; i < 40; i++) {
		snprintf(name, sizeof(name), "f.gz.part.%d", i);
		put(name, "nothing of a job");
	}
	open_final();
	assert_int_equal(unlink(jobdb_file("f.gz.part")), 0);
	open_final();
	expect_found("");
}

/* Nothing was consumed, as far as anybody can tell. */
static void
test_note(void **state)
{
	char longest[9000];

	(void)state;
	consume_all();
	assert_int_equal(unlink(jobdb_file(SM_CONSUMED_NOTE)), 0);
	open_final();
	assert_null(f.path);
	expect_found("");
	put(SM_CONSUMED_NOTE, "");
	open_final();
	assert_null(f.path);
	put(SM_CONSUMED_NOTE, "f.gz");
	open_final();
	assert_null(f.path);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	longest[0] = '/';
	put(SM_CONSUMED_NOTE, longest);
	open_final();
	assert_null(f.path);
	/* Its place is named, and nothing there: everything is made again. */
	put(SM_CONSUMED_NOTE, "/nowhere/at/all/f.gz");
	open_final();
	assert_string_equal(f.path, "/nowhere/at/all/f.gz");
	expect_found("");
	put(SM_CONSUMED_NOTE, "/nowhere.gz");
	open_final();
	expect_found("");
	/* But what cannot be looked at is not lost. */
	put("plain", "a file");
	snprintf(longest, sizeof(longest), "%s", jobdb_file("plain/f.gz"));
	put(SM_CONSUMED_NOTE, longest);
	sm_recover_final_close(&f);
	assert_int_equal(
		sm_recover_final_open(&f, &h.dir, h.fingerprint, &jobdb.err),
		SM_EIO);
	assert_non_null(strstr(jobdb.err.text, "plain"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, grown_setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_found),   TEST(test_generations),
		TEST(test_foreign), TEST(test_many_names),
		TEST(test_note),
	};

	f.fd = -1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
