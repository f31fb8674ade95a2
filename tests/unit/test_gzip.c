#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "gzip.h"

static const struct sm_gzip_shard shard = {
	.fingerprint = UINT64_C(0x0123456789abcdef),
	.batch = 17,
	.first = 85000,
	.end = SM_GZIP_NONE,
	.counts.rows = 5000,
	.counts.records = 4711,
	.counts.skipped = 12,
	.raw_bytes = UINT64_C(0x1122334455),
};

static void
make_entries(struct sm_gzip_entry *e, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		e[i] = (struct sm_gzip_entry){
			.rows = i,
			.records = i * 3u,
			.gz_bytes = UINT64_C(1) << (i % 60),
			.raw_bytes = UINT64_MAX - i,
			.gz_crc32 = i * 0x9e3779b9u,
			.raw_crc32 = ~i,
		};
}

/* zlib reads `len` bytes as one gzip member without text. */
static void
assert_empty_member(const unsigned char *p, size_t len)
{
	unsigned char out[16];
	z_stream z = { .next_in = (unsigned char *)p, .avail_in = (uInt)len };

	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_out = out;
	z.avail_out = sizeof(out);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	assert_int_equal(z.total_out, 0);
	inflateEnd(&z);
}

static void
test_shard_header(void **state)
{
	static const unsigned char start[] = {
		0x1f, 0x8b, 8,  4, 0, 0, 0, 0, 0,    255,  76,  0,
		'S',  'M',  72, 0, 1, 1, 0, 0, 0xef, 0xcd, 0xab /* fingerprint,
								   lowest byte
								   first */
	};
	unsigned char p[SM_GZIP_SHARD_HEADER];
	struct sm_gzip_shard s;

	(void)state;
	assert_int_equal(sizeof(p), 88);
	sm_gzip_put_shard(p, &shard);
	assert_memory_equal(p, start, sizeof(start));
	assert_int_equal(sm_gzip_get_shard(&s, p, sizeof(p)), 1);
	assert_memory_equal(&s, &shard, sizeof(s));
	assert_int_equal(sm_gzip_get_shard(&s, p, sizeof(p) - 1), 0);
	assert_int_equal(sm_gzip_guess(p, sizeof(p)), SM_GZIP_SHARD);
}

/* No bit of a header is free, and with one flipped it is still ours. */
static void
test_shard_header_bits(void **state)
{
	unsigned char p[SM_GZIP_SHARD_HEADER];
	struct sm_gzip_shard s;
	unsigned i, bit;

	(void)state;
	sm_gzip_put_shard(p, &shard);
	for (i = 0; i < sizeof(p); i++)
		for (bit = 0; bit < 8; bit++) {
			p[i] ^= (unsigned char)(1u << bit);
			assert_int_equal(sm_gzip_get_shard(&s, p, sizeof(p)),
					 0);
			assert_int_not_equal(sm_gzip_guess(p, sizeof(p)), 0);
			p[i] ^= (unsigned char)(1u << bit);
		}
}

static void
test_tail(void **state)
{
	static const unsigned char want[SM_GZIP_TAIL_BYTES] = {
		3, 0, 0x78, 0x56, 0x34, 0x12, 7, 0, 0, 0
	};
	unsigned char p[SM_GZIP_TAIL_BYTES];

	(void)state;
	/* ISIZE is the length modulo 2^32. */
	sm_gzip_put_tail(p, 0x12345678, (UINT64_C(3) << 32) + 7);
	assert_memory_equal(p, want, sizeof(want));
}

static void
test_index(void **state)
{
	static struct sm_gzip_entry in[SM_GZIP_INDEX_ENTRIES],
		out[SM_GZIP_INDEX_ENTRIES];
	static unsigned char p[SM_GZIP_EXTRA_MAX + 64];
	unsigned count, n;
	uint64_t first;
	size_t len;

	(void)state;
	make_entries(in, SM_GZIP_INDEX_ENTRIES);
	for (n = 1; n <= SM_GZIP_INDEX_ENTRIES; n++) {
		len = sm_gzip_put_index(p, 818, in, n);
		assert_int_equal(len, sm_gzip_index_bytes(n));
		assert_in_range(p[10] + 256u * p[11], 0, SM_GZIP_EXTRA_MAX);
		assert_empty_member(p, len);
		assert_int_equal(sm_gzip_get_index(out, &count, &first, p, len),
				 1);
		assert_int_equal(count, n);
		assert_int_equal(first, 818);
		assert_memory_equal(in, out, n * sizeof(*in));
		assert_int_equal(
			sm_gzip_get_index(out, &count, &first, p, len - 1), 0);
		assert_int_equal(sm_gzip_guess(p, len), SM_GZIP_INDEX);
	}
}

static void
test_index_constants(void **state)
{
	struct sm_gzip_entry e[3];
	unsigned char p[256], again[256];
	unsigned count, i, bit;
	uint64_t first;
	size_t len;

	(void)state;
	make_entries(e, 3);
	len = sm_gzip_put_index(p, 0, e, 3);
	for (i = 0; i < len; i++)
		for (bit = 0; bit < 8; bit++) {
			p[i] ^= (unsigned char)(1u << bit);
			/* Either refused, or it stands for other numbers. */
			if (sm_gzip_get_index(e, &count, &first, p, len)) {
				sm_gzip_put_index(again, first, e, count);
				assert_memory_equal(again, p, len);
				assert_in_range(i, 20, len - 11);
			}
			p[i] ^= (unsigned char)(1u << bit);
		}
}

static void
test_end(void **state)
{
	const struct sm_gzip_end in = { 1, 2, 3, UINT64_MAX, 0xdeadbeef, true };
	unsigned char p[SM_GZIP_END_BYTES];
	struct sm_gzip_end out;
	unsigned i, bit;

	(void)state;
	assert_int_equal(sizeof(p), 70);
	sm_gzip_put_end(p, &in);
	assert_empty_member(p, sizeof(p));
	memset(&out, 0, sizeof(out));
	assert_int_equal(sm_gzip_get_end(&out, p), 1);
	assert_int_equal(out.file_bytes, in.file_bytes);
	assert_int_equal(out.index_crc32, in.index_crc32);
	assert_int_equal(sm_gzip_guess(p, sizeof(p)), SM_GZIP_END);
	for (i = 0; i < sizeof(p); i++)
		for (bit = 0; bit < 8; bit++) {
			p[i] ^= (unsigned char)(1u << bit);
			assert_int_equal(sm_gzip_get_end(&out, p), -1);
			p[i] ^= (unsigned char)(1u << bit);
		}
}

static void
test_not_ours(void **state)
{
	/* The first bytes of a BGZF block, and of `gzip -n`. */
	static const unsigned char bgzf[32] = { 0x1f, 0x8b, 8, 4,   0, 0,
						0,    0,    0, 255, 6, 0,
						'B',  'C',  2, 0,   1, 1 };
	static const unsigned char plain[32] = { 0x1f, 0x8b, 8, 0, 0,
						 0,    0,    0, 0, 3 };
	unsigned char zeros[SM_GZIP_END_BYTES] = { 0 };
	struct sm_gzip_end e;

	(void)state;
	assert_int_equal(sm_gzip_guess(bgzf, sizeof(bgzf)), 0);
	assert_int_equal(sm_gzip_guess(plain, sizeof(plain)), 0);
	assert_int_equal(sm_gzip_guess(zeros, sizeof(zeros)), 0);
	assert_int_equal(sm_gzip_guess(zeros, 0), 0);
	assert_int_equal(sm_gzip_get_end(&e, zeros), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shard_header),
		cmocka_unit_test(test_shard_header_bits),
		cmocka_unit_test(test_tail),
		cmocka_unit_test(test_index),
		cmocka_unit_test(test_index_constants),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_not_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
