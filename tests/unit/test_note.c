#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include <cmocka.h>

#include "inflate.h"
#include "note.h"

#define ROWS_MAX 5000

static unsigned char bits[ROWS_MAX / 8 + 1], back[ROWS_MAX / 8 + 1];
static unsigned char note[(ROWS_MAX / 128 + 2) * SM_NOTE_BLOCK_BYTES + 64];

static void
fill_bits(uint64_t rows, unsigned seed)
{
	uint64_t i;

	memset(bits, 0, sizeof(bits));
	for (i = 0; i < rows; i++)
		if ((i * 2654435761u + seed) % 7 < seed % 9)
			bits[i / 8] |= (unsigned char)(1u << i % 8);
}

static size_t
put_note(uint64_t rows)
{
	uint64_t n, blocks = sm_note_blocks(rows);

	for (n = 0; n < blocks; n++)
		sm_note_put(note + n * SM_NOTE_BLOCK_BYTES, n, bits, rows);
	return (size_t)blocks * SM_NOTE_BLOCK_BYTES;
}

/* Every reader passes over it: no text, a byte boundary, all of it used. */
static void
assert_skipped(size_t len)
{
	static struct sm_inflate s;
	unsigned char out[SM_INFLATE_OUT_SLACK + 10];
	z_stream z = { 0 };

	note[len] = 3; /* the last block, empty */
	note[len + 1] = 0;
	assert_int_equal(inflateInit2(&z, -15), Z_OK);
	z.next_in = note;
	z.avail_in = (uInt)len + 2;
	z.next_out = out;
	z.avail_out = 10;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	assert_int_equal(z.avail_out, 10);
	inflateEnd(&z);

	sm_inflate_reset(&s);
	s.in = note;
	s.in_end = note + len + 2;
	s.in_last = true;
	s.out = s.floor = out;
	s.out_end = out + 10;
	assert_int_equal(sm_inflate(&s), SM_INFLATE_END);
	assert_ptr_equal(s.in, note + len + 2);
	assert_ptr_equal(s.out, out);
}

static void
test_round_trip(void **state)
{
	uint64_t rows, got, n;
	size_t len;

	(void)state;
	for (rows = 0; rows <= ROWS_MAX; rows += rows < 700 ? 1 : 333) {
		fill_bits(rows, (unsigned)rows);
		len = put_note(rows);
		assert_skipped(len);
		assert_true(sm_note_begins(&got, note));
		assert_int_equal(got, rows);
		memset(back, 0, sizeof(back));
		for (n = 0; n < sm_note_blocks(rows); n++)
			assert_true(sm_note_get(
				back, rows, n, note + n * SM_NOTE_BLOCK_BYTES));
		assert_memory_equal(back, bits, sizeof(bits));
	}
}

/* A bit more or less is no note: words of 8 and 9 bits go in pairs. */
static void
test_flips(void **state)
{
	uint64_t got;
	size_t len, i;

	(void)state;
	fill_bits(500, 4);
	len = put_note(500);
	for (i = 0; i < len * 8; i++) {
		note[i / 8] ^= (unsigned char)(1u << i % 8);
		if (i / 8 < SM_NOTE_BLOCK_BYTES)
			assert_false(sm_note_begins(&got, note));
		assert_false(sm_note_get(back, 500, i / 8 / SM_NOTE_BLOCK_BYTES,
					 note + i / 8 / SM_NOTE_BLOCK_BYTES *
							 SM_NOTE_BLOCK_BYTES));
		note[i / 8] ^= (unsigned char)(1u << i % 8);
	}
	/* A block that goes on is none that begins. */
	assert_false(sm_note_begins(&got, note + SM_NOTE_BLOCK_BYTES));
}

static void
test_count(void **state)
{
	uint64_t end, n = 0;

	(void)state;
	fill_bits(1000, 5);
	for (end = 0; end < 1000; end++) {
		assert_int_equal(sm_note_count(bits, end), n);
		n += bits[end / 8] >> end % 8 & 1;
	}
	assert_int_equal(sm_note_count(bits, end), n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_flips),
		cmocka_unit_test(test_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
