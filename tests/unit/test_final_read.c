#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "finalfile.h"

#include "final_text.h"

static int final_fd = -1;

static struct sm_final_reader *
open_reader(uint64_t size)
{
	struct sm_final_reader *r;

	if (final_fd >= 0)
		close(final_fd);
	final_fd = finalfile_open(0);
	assert_int_equal(sm_final_open(&r, final_fd, "final.gz", size, NULL),
			 0);
	return r;
}

/* 410: one index member and one entry; 800: groups of three. */
static const unsigned counts[] = { 0, 1, 5, 409, 410, 800 };

static uint64_t
left_out(uint64_t batch)
{
	return batch % 100 == 3 || batch % 100 == 4;
}

static void
test_groups(void **state)
{
	struct finalfile ff = { .drop = true };
	const struct sm_final_about *a;
	struct sm_final_reader *r;
	struct sm_final_group g;
	struct sm_buf text = { 0 };
	uint64_t size, b, row, n, groups, missing;
	unsigned i;

	(void)state;
	for (i = 0; i < 4 * sizeof(counts) / sizeof(*counts); i++) {
		n = counts[i / 4];
		ff.is_single = i & 1;
		ff.left_out = i & 2 ? left_out : NULL;
		size = finalfile_make(&ff, n);
		r = open_reader(size);
		a = sm_final_about(r);
		for (b = row = missing = 0; b < n; b++) {
			missing += ff.left_out && left_out(b);
			row += BATCH_ROWS(b);
		}
		finalfile_text(&ff, &text, n, 0, UINT64_MAX, false);
		assert_int_equal(a->is_single, ff.is_single);
		assert_int_equal(a->batches, n);
		assert_int_equal(a->missing, missing);
		assert_int_equal(a->rows, row);
		assert_int_equal(a->raw_bytes, text.len);
		assert_int_equal(a->file_bytes, size);
		assert_true(a->fingerprint == FINGERPRINT);
		for (b = row = groups = 0; sm_final_next(&g, r, NULL) > 0;) {
			assert_int_equal(g.number, groups++);
			assert_int_equal(g.batch, b);
			assert_int_equal(g.row, row);
			for (; b < g.batch + g.batches; b++)
				row += BATCH_ROWS(b);
			assert_int_equal(g.rows, row - g.row);
		}
		assert_int_equal(b, n);
		assert_int_equal(groups, a->groups);
		sm_final_close(r);
	}
	sm_buf_release(&text);
}

static void
test_find(void **state)
{
	struct finalfile ff = { .drop = true };
	const struct sm_final_about *a;
	struct sm_final_reader *r;
	struct sm_final_group g;
	uint64_t i;

	(void)state;
	for (ff.is_single = false;; ff.is_single = true) {
		r = open_reader(finalfile_make(&ff, 800));
		a = sm_final_about(r);
		for (i = 0; i < a->rows; i++) {
			assert_int_equal(
				sm_final_find(&g, r, SM_FINAL_BY_ROW, i, NULL),
				1);
			assert_true(i >= g.row && i - g.row < g.rows);
		}
		assert_int_equal(sm_final_find(&g, r, SM_FINAL_BY_ROW, i, NULL),
				 0);
		for (i = 0; i < a->records; i++) {
			assert_int_equal(sm_final_find(&g, r,
						       SM_FINAL_BY_RECORD, i,
						       NULL),
					 1);
			assert_true(i >= g.record && i - g.record < g.records);
		}
		assert_int_equal(sm_final_find(&g, r, SM_FINAL_BY_RECORD,
					       UINT64_MAX, NULL),
				 0);
		for (i = 0; i < a->batches; i++) {
			assert_int_equal(sm_final_find(&g, r, SM_FINAL_BY_BATCH,
						       i, NULL),
					 1);
			assert_true(i >= g.batch && i - g.batch < g.batches);
		}
		assert_int_equal(
			sm_final_find(&g, r, SM_FINAL_BY_BATCH, i, NULL), 0);
		sm_final_close(r);
		if (ff.is_single)
			break;
	}
}

static void
test_missing(void **state)
{
	struct finalfile ff = { .left_out = left_out };
	struct sm_final_reader *r;
	struct sm_final_group g;
	struct sm_gzip_run run;
	uint64_t i;

	(void)state;
	for (ff.is_single = false;; ff.is_single = true) {
		r = open_reader(finalfile_make(&ff, 800));
		for (i = 0; i < 8; i++) {
			assert_int_equal(sm_final_next_missing(&run, r, NULL),
					 1);
			assert_int_equal(run.first, 100 * i + 3);
			assert_int_equal(run.count, 2);
		}
		assert_int_equal(sm_final_next_missing(&run, r, NULL), 0);
		for (i = 0; i < 800; i++) {
			assert_int_equal(sm_final_find(&g, r, SM_FINAL_BY_BATCH,
						       i, NULL),
					 1);
			assert_int_equal(sm_final_missing(r, &g, i, i + 1),
					 left_out(i));
		}
		sm_final_close(r);
		if (ff.is_single)
			break;
	}
}

/* Every bit of the index is vouched for. */
static void
test_index_flips(void **state)
{
	struct finalfile ff = { .notes = true };
	struct sm_final_reader *r;
	struct sm_gzip_shape shape;
	struct sm_err err = { 0 };
	uint64_t size, i, from, to;
	unsigned char *p;

	(void)state;
	for (ff.is_single = false;; ff.is_single = true) {
		size = finalfile_make(&ff, 5);
		r = open_reader(size);
		sm_final_close(r);
		sm_gzip_single_shape(&shape, 5);
		from = ff.is_single ? 0
				    : size - SM_GZIP_END_BYTES -
					      sm_gzip_index_bytes(5);
		to = ff.is_single ? shape.header_bytes : size;
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 final_fd, 0);
		assert_true(p != MAP_FAILED);
		for (i = from * 8; i < to * 8; i++) {
			p[i / 8] ^= (unsigned char)(1u << i % 8);
			if (sm_final_open(&r, final_fd, "final.gz", size,
					  &err) == 0)
				fail_msg("bit %d of byte %d", (int)(i % 8),
					 (int)(i / 8));
			p[i / 8] ^= (unsigned char)(1u << i % 8);
		}
		for (i = 0; i < size; i++) {
			assert_int_not_equal(sm_final_open(&r, final_fd,
							   "final.gz", i, &err),
					     0);
		}
		munmap(p, size);
		if (ff.is_single)
			break;
	}
}

/* ----------------------------------------------------------------- text -- */

/* All text of the groups, in rooms of `bytes`; 0, or the first failure. */
static int
read_text(struct sm_buf *out, struct sm_final_reader *r, size_t bytes)
{
	unsigned char *mem = malloc(SM_TEXT_BEFORE + bytes + SM_TEXT_BEHIND);
	unsigned char *room = mem + SM_TEXT_BEFORE, *from, *end;
	struct sm_final_group g;
	struct sm_text *t;
	uint64_t batches;
	int ret = 0;

	sm_buf_clear(out);
	assert_int_equal(sm_text_new(&t, r, NULL), 0);
	sm_final_rewind(r);
	while (ret >= 0 && sm_final_next(&g, r, NULL) > 0) {
		if (g.bytes == 0)
			continue;
		sm_text_begin(t, &g);
		sm_text_move(t, room, bytes);
		from = room;
		batches = 0;
		do {
			ret = sm_text_read(t, &end, NULL);
			sm_buf_put(out, from, (size_t)(end - from));
			from = end;
			if (ret == SM_TEXT_BATCH) {
				batches++;
				assert_true(sm_text_batch(t) - g.batch <
					    g.batches);
			}
			if (ret == SM_TEXT_FULL) {
				sm_text_move(t, room, bytes);
				from = room;
			}
		} while (ret > 0 && ret != SM_TEXT_END);
		if (ret > 0)
			assert_int_equal(batches, g.batches - g.missing);
	}
	sm_text_free(t);
	free(mem);
	return ret < 0 ? ret : 0;
}

static void
test_text(void **state)
{
	static const size_t rooms[] = { 1, 7, 300, 40000, 500000 };
	struct sm_buf want = { 0 }, got = { 0 };
	struct finalfile ff = { .drop = true };
	struct sm_final_reader *r;
	unsigned i;

	(void)state;
	for (i = 0; i < 40; i++) {
		ff.is_single = i & 1;
		ff.notes = i & 2;
		ff.left_out = i & 4 ? left_out : NULL;
		r = open_reader(finalfile_make(&ff, i < 20 ? 30 : 800));
		assert_int_equal(read_text(&got, r, rooms[i % 5]), 0);
		finalfile_text(&ff, &want, i < 20 ? 30 : 800, 0, UINT64_MAX,
			       false);
		assert_int_equal(got.len, want.len);
		assert_memory_equal(got.data, want.data, want.len);
		sm_final_close(r);
	}
	sm_buf_release(&want);
	sm_buf_release(&got);
}

/* Every bit of what was read is vouched for; the index is whole. */
static void
test_text_flips(void **state)
{
	struct finalfile ff = { .notes = true, .drop = true };
	struct sm_final_reader *r;
	struct sm_gzip_shape shape;
	struct sm_buf got = { 0 };
	uint64_t size, i, from, to;
	unsigned char *p;
	int ret;

	(void)state;
	for (ff.is_single = false;; ff.is_single = true) {
		size = finalfile_make(&ff, 4);
		r = open_reader(size);
		sm_gzip_single_shape(&shape, 4);
		from = ff.is_single ? shape.header_bytes : 0;
		to = ff.is_single ? size - SM_GZIP_TAIL_BYTES
				  : size - SM_GZIP_END_BYTES -
					    sm_gzip_index_bytes(4);
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 final_fd, 0);
		assert_true(p != MAP_FAILED);
		for (i = from * 8; i < to * 8; i++) {
			p[i / 8] ^= (unsigned char)(1u << i % 8);
			ret = read_text(&got, r, 3000);
			if (ret != SM_EVERIFY)
				fail_msg("bit %d of byte %d: %d", (int)(i % 8),
					 (int)(i / 8), ret);
			p[i / 8] ^= (unsigned char)(1u << i % 8);
		}
		assert_int_equal(read_text(&got, r, 3000), 0);
		munmap(p, size);
		sm_final_close(r);
		if (ff.is_single)
			break;
	}
	sm_buf_release(&got);
}

static void
test_none(void **state)
{
	struct sm_final_reader *r;
	struct sm_err err;
	int fd = finalfile_open(O_CREAT | O_TRUNC);

	(void)state;
	assert_int_equal(sm_final_open(&r, fd, "final.gz", 0, &err), SM_EINPUT);
	assert_int_equal(write(fd,
			       "something else, and long enough for an end "
			       "member to stand here, seventy bytes",
			       78),
			 78);
	assert_int_equal(sm_final_open(&r, fd, "final.gz", 78, &err),
			 SM_EINPUT);
	assert_non_null(strstr(err.text, "has no index"));
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_index_flips),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_text_flips),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, finalfile_setup,
				      finalfile_teardown);
}
