#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "finalfile.h"

#include "text.h"

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

static const unsigned counts[] = { 0, 1, 5, 16, 17, 800 };

static uint64_t
left_out(uint64_t batch)
{
	return batch % 100 == 3 || batch % 100 == 4;
}

static void
test_entries(void **state)
{
	struct finalfile ff = { .drop = true };
	const struct sm_final_about *a;
	struct sm_final_reader *r;
	struct sm_final_batch e;
	struct sm_buf text = { 0 };
	uint64_t size, b, row, n, missing;
	unsigned i;

	(void)state;
	for (i = 0; i < 2 * sizeof(counts) / sizeof(*counts); i++) {
		n = counts[i / 2];
		ff.left_out = i & 1 ? left_out : NULL;
		size = finalfile_make(&ff, n);
		r = open_reader(size);
		a = sm_final_about(r);
		for (b = row = missing = 0; b < n; b++) {
			missing += ff.left_out && left_out(b);
			row += BATCH_ROWS(b);
		}
		finalfile_text(&ff, &text, n, 0, UINT64_MAX, false);
		assert_int_equal(a->first, 0);
		assert_int_equal(a->batches, n);
		assert_int_equal(a->missing, missing);
		assert_int_equal(a->rows, row);
		assert_int_equal(a->raw_bytes, text.len);
		assert_int_equal(a->file_bytes, size);
		assert_true(a->fingerprint == FINGERPRINT);
		for (b = row = 0; sm_final_next(&e, r, NULL) > 0;) {
			assert_int_equal(e.batch, b);
			assert_int_equal(e.row, row);
			assert_int_equal(e.missing, ff.left_out && left_out(b));
			for (; b < e.batch + e.batches; b++)
				row += BATCH_ROWS(b);
			assert_int_equal(e.rows, row - e.row);
		}
		assert_int_equal(b, n);
		sm_final_close(r);
	}
	sm_buf_release(&text);
}

/* Each number of a kind is found, and the one after the last is not. */
static void
find_all(struct sm_final_reader *r, enum sm_final_by by, uint64_t count)
{
	struct sm_final_batch e;
	uint64_t i, first, n;

	for (i = 0; i < count; i++) {
		assert_int_equal(sm_final_find(&e, r, by, i, NULL), 1);
		first = by == SM_FINAL_BY_ROW      ? e.row
			: by == SM_FINAL_BY_RECORD ? e.record
						   : e.batch;
		n = by == SM_FINAL_BY_ROW      ? e.rows
		    : by == SM_FINAL_BY_RECORD ? e.records
					       : e.batches;
		assert_true(i >= first && i - first < n);
	}
	assert_int_equal(sm_final_find(&e, r, by, i, NULL), 0);
	assert_int_equal(sm_final_find(&e, r, by, UINT64_MAX, NULL), 0);
}

static void
test_find(void **state)
{
	struct finalfile ff = { .drop = true };
	const struct sm_final_about *a;
	struct sm_final_reader *r;

	(void)state;
	r = open_reader(finalfile_make(&ff, 800));
	a = sm_final_about(r);
	find_all(r, SM_FINAL_BY_ROW, a->rows);
	find_all(r, SM_FINAL_BY_RECORD, a->records);
	find_all(r, SM_FINAL_BY_BATCH, a->batches);
	sm_final_close(r);
}

static void
test_missing(void **state)
{
	struct finalfile ff = { .left_out = left_out };
	struct sm_final_reader *r;
	uint64_t i, first, count;

	(void)state;
	r = open_reader(finalfile_make(&ff, 800));
	for (i = 0; i < 8; i++) {
		assert_int_equal(sm_final_next_missing(&first, &count, r, NULL),
				 1);
		assert_int_equal(first, 100 * i + 3);
		assert_int_equal(count, 2);
	}
	assert_int_equal(sm_final_next_missing(&first, &count, r, NULL), 0);
	sm_final_close(r);
}

/* Every bit of the index is vouched for. */
static void
test_index_flips(void **state)
{
	struct finalfile ff = { .notes = true };
	struct sm_final_reader *r;
	struct sm_err err = { 0 };
	uint64_t size = finalfile_make(&ff, 40), i;
	struct sm_note n;
	unsigned char *p;

	(void)state;
	r = open_reader(size);
	sm_final_close(r);
	p = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED,
		 final_fd, 0);
	assert_true(p != MAP_FAILED);
	for (i = 0; i < size - SM_GZIP_TAIL_BYTES; i++) {
		uint64_t bit, end = i;

		if (sm_note_get(&n, p + i, (size_t)(size - i)) &&
		    n.type != SM_NOTE_ROWS)
			end = i + n.bytes;
		for (bit = 8 * i; bit < 8 * end; bit++) {
			p[bit / 8] ^= (unsigned char)(1u << bit % 8);
			if (sm_final_open(&r, final_fd, "final.gz", size,
					  &err) == 0)
				fail_msg("bit %d of byte %d", (int)(bit % 8),
					 (int)(bit / 8));
			p[bit / 8] ^= (unsigned char)(1u << bit % 8);
		}
	}
	for (i = 0; i < size; i++)
		assert_int_not_equal(
			sm_final_open(&r, final_fd, "final.gz", i, &err), 0);
	munmap(p, (size_t)size);
}

/* ----------------------------------------------------------------- text -- */

/* All text, in rooms of `bytes`; 0, or the first failure. */
static int
read_text(struct sm_buf *out, struct sm_final_reader *r, size_t bytes)
{
	unsigned char *mem = malloc(SM_TEXT_BEFORE + bytes + SM_TEXT_AFTER);
	unsigned char *room = mem + SM_TEXT_BEFORE, *end;
	enum sm_text_event event;
	struct sm_final_batch b;
	struct sm_text *t;
	int ret = 0;

	sm_buf_clear(out);
	assert_int_equal(sm_text_new(&t, r, NULL), 0);
	sm_final_rewind(r);
	while (ret == 0 && sm_final_next(&b, r, NULL) > 0) {
		if (b.bytes == 0)
			continue;
		sm_text_begin(t, &b);
		do {
			sm_text_move(t, room, bytes);
			ret = sm_text_read(&event, &end, t, NULL);
			sm_buf_put(out, room, (size_t)(end - room));
		} while (ret == 0 && event == SM_TEXT_FULL);
	}
	sm_text_free(t);
	free(mem);
	return ret;
}

static void
test_text(void **state)
{
	static const size_t rooms[] = { 1, 7, 300, 40000, 500000 };
	struct sm_buf want = { 0 }, got = { 0 };
	struct finalfile ff = { .drop = true };
	struct sm_final_reader *r;
	unsigned i, n;

	(void)state;
	for (i = 0; i < 20; i++) {
		n = i < 10 ? 30 : 800;
		ff.notes = i & 1;
		ff.left_out = i & 2 ? left_out : NULL;
		r = open_reader(finalfile_make(&ff, n));
		assert_int_equal(read_text(&got, r, rooms[i % 5]), 0);
		finalfile_text(&ff, &want, n, 0, UINT64_MAX, false);
		assert_int_equal(got.len, want.len);
		assert_memory_equal(got.data, want.data, want.len);
		sm_final_close(r);
	}
	sm_buf_release(&want);
	sm_buf_release(&got);
}

/* Which rows have lines, by the notes; nothing where there are none. */
static void
test_rows(void **state)
{
	struct finalfile ff = { .drop = true };
	struct sm_final_reader *r;
	struct sm_final_batch b;
	const unsigned char *bits;
	struct sm_text *t;
	uint64_t i;

	(void)state;
	for (;; ff.notes = true) {
		r = open_reader(finalfile_make(&ff, 120));
		assert_int_equal(sm_text_new(&t, r, NULL), 0);
		while (sm_final_next(&b, r, NULL) > 0) {
			if (b.records == 0 || b.records == b.rows)
				continue;
			assert_int_equal(sm_text_rows(&bits, t, &b, NULL), 0);
			assert_int_equal(bits != NULL, ff.notes);
			for (i = 0; ff.notes && i < b.rows; i++)
				assert_int_equal(
					bits[i / 8] >> i % 8 & 1,
					finalfile_keeps(&ff, b.row + i));
		}
		sm_text_free(t);
		sm_final_close(r);
		if (ff.notes)
			break;
	}
}

/* Every bit of what was read is vouched for; the index is whole. */
static void
test_text_flips(void **state)
{
	struct finalfile ff = { .notes = true, .drop = true };
	struct sm_final_reader *r;
	struct sm_final_batch b;
	struct sm_buf got = { 0 };
	uint64_t size = finalfile_make(&ff, 4), i, end = 0;
	unsigned char *p;
	int ret;

	(void)state;
	r = open_reader(size);
	while (sm_final_next(&b, r, NULL) > 0)
		end = b.at + b.bytes;
	p = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED,
		 final_fd, 0);
	assert_true(p != MAP_FAILED);
	for (i = SM_GZIP_HEADER_BYTES * 8; i < end * 8; i++) {
		p[i / 8] ^= (unsigned char)(1u << i % 8);
		ret = read_text(&got, r, 3000);
		if (ret != SM_EVERIFY)
			fail_msg("bit %d of byte %d: %d", (int)(i % 8),
				 (int)(i / 8), ret);
		p[i / 8] ^= (unsigned char)(1u << i % 8);
	}
	assert_int_equal(read_text(&got, r, 3000), 0);
	munmap(p, (size_t)size);
	sm_final_close(r);
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
			       "note to be here, which is one hundred and "
			       "twenty-six bytes from the end of the file, and "
			       "ten more at its start",
			       150),
			 150);
	assert_int_equal(sm_final_open(&r, fd, "final.gz", 150, &err),
			 SM_EINPUT);
	assert_non_null(strstr(err.text, "has no index"));
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_index_flips),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_text_flips),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, finalfile_setup,
				      finalfile_teardown);
}
