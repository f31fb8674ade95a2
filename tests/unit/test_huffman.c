#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rand.h"

#include "huffman.h"

/* Bits of all symbols by an unlimited Huffman code: the sum of all merges. */
static uint64_t
best_bits(const uint32_t *count, unsigned n)
{
	uint64_t w[SM_HUFFMAN_SYMBOLS], bits = 0, low;
	unsigned used = 0, i, k, a;

	for (i = 0; i < n; i++)
		if (count[i] != 0)
			w[used++] = count[i];
	for (; used > 1; used--) {
		for (k = 0; k < 2; k++) {
			for (a = k, i = k; i < used; i++)
				a = w[i] < w[a] ? i : a;
			low = w[a];
			w[a] = w[k];
			w[k] = low;
		}
		w[1] += w[0];
		bits += w[1];
		w[0] = w[used - 1];
	}
	return bits;
}

/* Longest length; the code is complete and within its limit. */
static unsigned
check_code(const uint32_t *count, unsigned n, unsigned limit, uint64_t *bits)
{
	uint8_t len[SM_HUFFMAN_SYMBOLS];
	uint32_t kraft = 0;
	unsigned i, longest = 0;

	sm_huffman_lengths(len, count, n, limit);
	*bits = 0;
	for (i = 0; i < n; i++) {
		assert_int_equal(len[i] == 0, count[i] == 0);
		assert_true(len[i] <= limit);
		if (len[i] > 0)
			kraft += 1u << (15 - len[i]);
		longest = len[i] > longest ? len[i] : longest;
		*bits += (uint64_t)count[i] * len[i];
	}
	assert_int_equal(kraft, 1u << 15);
	return longest;
}

static void
test_lengths(void **state)
{
	static const unsigned size[] = { 2, 3, 19, 30, 128, 288 };
	uint32_t count[SM_HUFFMAN_SYMBOLS];
	uint64_t seed = 5, bits, least, wider;
	unsigned round, i, n, limit;

	(void)state;
	for (round = 0; round < 3000; round++) {
		n = size[round % 6];
		for (i = 0; i < n; i++)
			count[i] = (uint32_t)(sm_rand_next(&seed) >>
					      (40 + sm_rand_next(&seed) % 24));
		count[0] |= 1;
		count[n - 1] |= 1;
		least = best_bits(count, n);
		for (wider = UINT64_MAX, limit = n <= 128 ? 7 : 9; limit <= 15;
		     limit++, wider = bits) {
			/* A wider limit never costs; below it: the best. */
			if (check_code(count, n, limit, &bits) < limit)
				assert_int_equal(bits, least);
			assert_true(bits >= least && bits <= wider);
		}
	}
}

/* Fibonacci's numbers make the longest codes. */
static void
test_steep_counts(void **state)
{
	uint32_t count[40] = { 1, 1 };
	uint64_t bits;
	unsigned i, limit;

	(void)state;
	for (i = 2; i < 40; i++)
		count[i] = count[i - 1] + count[i - 2];
	for (limit = 6; limit <= 15; limit++)
		assert_int_equal(check_code(count, 40, limit, &bits), limit);
}

/*
 * What package-merge makes of counts with many ties, by itself: of the last row
 * the limit asks for it, of the others it does not.
 */
static void
test_known(void **state)
{
	static const struct {
		uint32_t count[20];
		uint8_t len[20];
	} known
		[] = {
			{ { 1, 1, 3, 3, 1, 1, 2,  2,  2, 4,
			    4, 4, 8, 8, 8, 8, 16, 16, 0, 1 },
			  { 6, 6, 5, 5, 6, 6, 6, 5, 5, 5,
			    4, 4, 4, 4, 3, 3, 3, 3, 0, 6 } },
			{ { 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5 },
			  { 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 3, 3, 3 } },
			{ { 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377,
			    610 },
			  { 14, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2,
			    1 } },
			{ { 1,  1,   2,   3,   5,   8,   13,   21,   34,   55,
			    89, 144, 233, 377, 610, 987, 1597, 2584, 4181, 6765 },
			  { 15, 15, 14, 13, 12, 11, 10, 9, 8, 7,
			    6,  5,  5,  5,  4,  4,  3,  3, 2, 2 } },
		};
	uint8_t len[20];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(known) / sizeof(*known); i++) {
		sm_huffman_lengths(len, known[i].count, 20, 15);
		assert_memory_equal(len, known[i].len, sizeof(len));
	}
}

static void
test_one_and_none(void **state)
{
	uint32_t count[19] = { 0 };
	uint8_t len[19], none[19] = { 0 };

	(void)state;
	sm_huffman_lengths(len, count, 19, 7);
	assert_memory_equal(len, none, sizeof(len));
	count[4] = 9;
	none[4] = 1;
	sm_huffman_lengths(len, count, 19, 7);
	assert_memory_equal(len, none, sizeof(len));
}

/* The fixed code of RFC 1951, 3.2.6, whose words it lists. */
static void
test_words(void **state)
{
	uint8_t len[288];
	uint16_t code[288];

	(void)state;
	memset(len, 8, 144);
	memset(len + 144, 9, 112);
	memset(len + 256, 7, 24);
	memset(len + 280, 8, 8);
	sm_huffman_codes(code, len, 288);
	assert_int_equal(code[0], 0x0c);    /* 00110000, turned round */
	assert_int_equal(code[143], 0xfd);  /* 10111111 */
	assert_int_equal(code[144], 0x13);  /* 110010000 */
	assert_int_equal(code[255], 0x1ff); /* 111111111 */
	assert_int_equal(code[256], 0);     /* 0000000 */
	assert_int_equal(code[279], 0x74);  /* 0010111 */
	assert_int_equal(code[280], 0x03);  /* 11000000 */
	assert_int_equal(code[287], 0xe3);  /* 11000111 */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_steep_counts),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_one_and_none),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
