#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include <cmocka.h>

#include "bytes.h"
#include "inflate.h"
#include "note.h"

static unsigned char file[SM_NOTE_BYTES_MAX + 64];

/* Every reader passes over it: no text, a byte boundary, all of it used. */
static void
assert_skipped(size_t len)
{
	static struct sm_inflate s;
	unsigned char out[SM_INFLATE_OUT_SLACK + 10];
	z_stream z = { 0 };

	file[len] = 3; /* the last block, empty */
	file[len + 1] = 0;
	assert_int_equal(inflateInit2(&z, -15), Z_OK);
	z.next_in = file;
	z.avail_in = (uInt)len + 2;
	z.next_out = out;
	z.avail_out = 10;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	assert_int_equal(z.avail_out, 10);
	inflateEnd(&z);

	sm_inflate_reset(&s);
	s.in = file;
	s.in_end = file + len + 2;
	s.in_last = true;
	s.out = s.floor = out;
	s.out_end = out + 10;
	assert_int_equal(sm_inflate(&s), SM_INFLATE_END);
	assert_ptr_equal(s.in, file + len + 2);
	assert_ptr_equal(s.out, out);

	/* Without a last block: the end of all there is, a byte boundary. */
	sm_inflate_reset(&s);
	s.in = file;
	s.in_end = file + len;
	s.in_last = true;
	s.out = s.floor = out;
	s.out_end = out + 10;
	assert_int_equal(sm_inflate(&s), SM_INFLATE_DRY);
	assert_ptr_equal(s.in, file + len);
}

/* Made by other code, bit by bit, from the description. */
static void
test_block(void **state)
{
	static const unsigned char want[SM_NOTE_BLOCK_BYTES] = {
		0x2c, 0x47, 0x01, 0x6c, 0xdb, 0x30, 0x0c, 0x03, 0xde, 0x0e,
		0xdb, 0x80, 0xf6, 0xc3, 0x87, 0xfc, 0x68, 0x7f, 0xbc, 0x18,
		0x70, 0x60, 0xf8, 0x12, 0x14, 0x00, 0x00, 0x00, 0x68, 0xf0,
		0xec, 0x05, 0x00, 0x00, 0x00, 0x80, 0x26, 0x01, 0x00, 0x00,
		0x00, 0x80, 0x26, 0x01, 0x00, 0x00, 0x00, 0x80, 0x26, 0x01,
		0x00, 0x00, 0x00, 0x80, 0x26, 0x01, 0x00, 0x00, 0x00, 0x80,
		0x26, 0x01, 0x00, 0x00, 0x00, 0x80, 0x26, 0x01, 0x00, 0x00,
		0x00, 0x80, 0x26, 0x01, 0x00, 0x00, 0x00, 0x80, 0x26, 0x01,
		0x00, 0x00, 0x00, 0x80, 0x26, 0x01, 0x00, 0x00, 0x00, 0x80,
		0x26, 0x01, 0x00, 0x00, 0x00, 0x80, 0x26, 0x01, 0x00, 0x00,
		0x00, 0x80, 0x26, 0x21, 0x00, 0x80, 0x24, 0x49, 0x12
	};
	uint32_t crc;

	(void)state;
	assert_int_equal(sm_note_put(file, &crc, SM_NOTE_END,
				     (const unsigned char *)"abc", 3),
			 sizeof(want));
	assert_memory_equal(file, want, sizeof(want));
	assert_memory_equal(file, sm_note_mark, SM_NOTE_MARK_BYTES);
}

/* Bodies of every length, of every six bits at every place in turn. */
static void
test_round_trip(void **state)
{
	unsigned char body[SM_NOTE_BODY_MAX];
	struct sm_note n;
	uint32_t crc;
	size_t len, bytes, i;
	unsigned k;

	(void)state;
	for (len = 0; len <= SM_NOTE_BODY_MAX; len += len < 200 ? 1 : 103)
		for (k = 0; k < 64; k++) {
			for (i = 0; i < len; i++)
				body[i] = (unsigned char)(k * 0x41 + i * k);
			bytes = sm_note_put(file, &crc, SM_NOTE_INDEX, body,
					    len);
			assert_int_equal(bytes, SM_NOTE_BYTES(len));
			memset(&n, 0, sizeof(n));
			assert_true(sm_note_get(&n, file, bytes));
			assert_int_equal(n.type, SM_NOTE_INDEX);
			assert_int_equal(n.version, SM_NOTE_VERSION);
			assert_int_equal(n.len, len);
			assert_int_equal(n.bytes, bytes);
			assert_int_equal(n.crc32, crc);
			assert_memory_equal(n.body, body, len);
			assert_false(sm_note_get(&n, file, bytes - 1));
			if (k % 16 == 0)
				assert_skipped(bytes);
		}
}

/* No bit of it is free, the zeros at its end included. */
static void
test_flips(void **state)
{
	unsigned char body[100];
	struct sm_note n;
	size_t bytes, i, len;

	(void)state;
	for (len = 0; len <= sizeof(body); len += 20) {
		memset(body, 0x5a, sizeof(body));
		bytes = sm_note_put(file, NULL, SM_NOTE_END, body, len);
		for (i = 0; i < bytes * 8; i++) {
			file[i / 8] ^= (unsigned char)(1u << i % 8);
			if (sm_note_get(&n, file, bytes))
				fail_msg("bit %zu of byte %zu of %zu", i % 8,
					 i / 8, bytes);
			file[i / 8] ^= (unsigned char)(1u << i % 8);
		}
		assert_true(sm_note_get(&n, file, bytes));
	}
	memset(file, 0, sizeof(file));
	assert_false(sm_note_get(&n, file, sizeof(file)));
}

static void
test_rows(void **state)
{
	static unsigned char bits[SM_NOTE_ROWS_MAX / 8];
	const unsigned char *got;
	uint64_t first;
	unsigned rows, count, i;
	struct sm_note n;
	size_t bytes;

	(void)state;
	for (rows = 0; rows <= SM_NOTE_ROWS_MAX; rows += rows < 99 ? 1 : 571) {
		memset(bits, 0, sizeof(bits));
		for (i = 0; i < rows; i++)
			if (i * 2654435761u % 7 < 3)
				bits[i / 8] |= (unsigned char)(1u << i % 8);
		bytes = sm_note_put_rows(file, UINT64_C(1) << rows % 63, rows,
					 bits);
		assert_in_range(bytes, 1, SM_NOTE_ROWS_BYTES);
		assert_skipped(bytes);
		assert_true(sm_note_get(&n, file, bytes));
		assert_true(sm_note_get_rows(&first, &count, &got, &n));
		assert_true(first == UINT64_C(1) << rows % 63);
		assert_int_equal(count, rows);
		assert_memory_equal(got, bits, (rows + 7) / 8);
		n.len--;
		assert_false(sm_note_get_rows(&first, &count, &got, &n));
		n.type = SM_NOTE_END;
		assert_false(sm_note_get_rows(&first, &count, &got, &n));
	}
}

static void
test_count(void **state)
{
	unsigned char bits[126];
	uint64_t end, n = 0;

	(void)state;
	for (end = 0; end < sizeof(bits); end++)
		bits[end] = (unsigned char)(end * 37);
	for (end = 0; end < 1000; end++) {
		assert_int_equal(sm_note_count(bits, end), n);
		n += bits[end / 8] >> end % 8 & 1;
	}
	assert_int_equal(sm_note_count(bits, end), n);
}

/*
 * The last of all groups of 16 literals: it says a number that does not fit in
 * 30 bits, of which the lower ones are what the note has there.
 */
static void
test_no_number(void **state)
{
	const unsigned at = 59 + 4 * 48; /* bits before the fifth group */
	const uint64_t last = 1 | 1 << 3 | 1 << 6 | 5 << 9;
	unsigned char body[64] = { 0 };
	struct sm_note n;
	size_t bytes;
	unsigned i;

	(void)state;
	/* The fifth group says what begins with bit 120: 6 bytes are its head.
	 */
	sm_put_le(body + 120 / 8 - 6, 1142589583 - (1 << 30), 4);
	bytes = sm_note_put(file, NULL, SM_NOTE_INDEX, body, sizeof(body));
	assert_true(sm_note_get(&n, file, bytes));
	for (i = at; i < at + 48; i++) {
		file[i / 8] &= (unsigned char)~(1u << i % 8);
		file[i / 8] |= (unsigned char)((last >> (i - at) & 1) << i % 8);
	}
	assert_skipped(bytes);
	assert_false(sm_note_get(&n, file, bytes));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_block), cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_flips), cmocka_unit_test(test_rows),
		cmocka_unit_test(test_count), cmocka_unit_test(test_no_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
