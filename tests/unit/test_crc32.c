#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef __aarch64__
#include <sys/auxv.h>
#endif

#include <cmocka.h>

#include <zlib.h>

#include "rand.h"

#include "crc32.h"

#define LENGTHS    1501
#define ALIGNMENTS 16
#define BIG_BYTES  ((size_t)3 << 20)

static unsigned char *
random_bytes(size_t len)
{
	unsigned char *p = malloc(len);
	uint64_t seed = 7;
	size_t i;

	assert_non_null(p);
	for (i = 0; i < len; i++)
		p[i] = (unsigned char)sm_rand_next(&seed);
	return p;
}

/* The definition, bit by bit: no code shared with what is tested. */
static uint32_t
crc_by_bits(const unsigned char *p, size_t len)
{
	uint32_t crc = 0xffffffff;
	int i;

	for (; len > 0; p++, len--) {
		crc ^= *p;
		for (i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

static void
test_known(void **state)
{
	unsigned char *p = random_bytes(1000);
	size_t n;

	(void)state;
	assert_int_equal(sm_crc32(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(sm_crc32(0, NULL, 0), 0);
	assert_int_equal(sm_crc32(0x12345678, NULL, 0), 0x12345678);
	for (n = 0; n <= 1000; n += 37)
		assert_int_equal(sm_crc32(0, p, n), crc_by_bits(p, n));
	free(p);
}

/* Exact allocations, so that a sanitizer sees reads past either end. */
static void
test_lengths_and_alignments(void **state)
{
	unsigned char *from = random_bytes(LENGTHS + ALIGNMENTS), *p;
	uint32_t start;
	size_t at, n;

	(void)state;
	for (at = 0; at < ALIGNMENTS; at++) {
		for (n = 0; n < LENGTHS; n++) {
			p = malloc(at + n + 1);
			assert_non_null(p);
			memcpy(p + at, from + at, n);
			start = n % 3 ? (uint32_t)n * 0x9e3779b1U : 0;
			assert_int_equal(sm_crc32(start, p + at, n),
					 n ? crc32_z(start, p + at, n) : start);
			free(p);
		}
	}
	free(from);
}

static void
test_chunks(void **state)
{
	unsigned char *p = random_bytes(BIG_BYTES);
	uint32_t whole = (uint32_t)crc32_z(0, p, BIG_BYTES), crc, combined;
	uint64_t seed = 11;
	size_t at, n, most;

	(void)state;
	assert_int_equal(sm_crc32(0, p, BIG_BYTES), whole);
	for (most = 10; most < BIG_BYTES; most *= 7) {
		crc = combined = 0;
		for (at = 0; at < BIG_BYTES; at += n) {
			n = (size_t)(sm_rand_next(&seed) % most);
			n = n < BIG_BYTES - at ? n : BIG_BYTES - at;
			crc = sm_crc32(crc, p + at, n);
			/* combine is far slower than the bytes themselves */
			if (most > 1000)
				combined = sm_crc32_combine(
					combined, sm_crc32(0, p + at, n), n);
		}
		assert_int_equal(crc, whole);
		if (most > 1000)
			assert_int_equal(combined, whole);
	}
	free(p);
}

/* Lengths beyond 32 bits: 2^40 zeros by doubling, and as four quarters. */
static void
test_combine_long(void **state)
{
	const uint64_t tail = (UINT64_C(5) << 32) + 12345;
	unsigned char *zeros = calloc(1, 1 << 16);
	uint32_t crc, quarter = 0, four = 0;
	uint64_t len = 1 << 16;

	(void)state;
	assert_non_null(zeros);
	crc = sm_crc32(0, zeros, (size_t)len);
	for (; len < UINT64_C(1) << 40; len *= 2) {
		if (len == UINT64_C(1) << 38)
			quarter = crc;
		crc = sm_crc32_combine(crc, crc, len);
	}
	for (len = 0; len < 4; len++)
		four = sm_crc32_combine(four, quarter, UINT64_C(1) << 38);
	assert_int_equal(four, crc);

	assert_int_equal(
		sm_crc32_combine(sm_crc32_combine(1, 2, tail), 3, 9),
		sm_crc32_combine(1, sm_crc32_combine(2, 3, 9), tail + 9));
	free(zeros);
}

#ifdef __aarch64__

/*
 * The linker hands over what the processor can do (tests/CMakeLists.txt), of
 * which `hidden` is taken away.
 */
static unsigned long hidden;

unsigned long __real_getauxval(unsigned long type);
unsigned long __wrap_getauxval(unsigned long type);

unsigned long
__wrap_getauxval(unsigned long type)
{
	unsigned long has = __real_getauxval(type);

	return type == AT_HWCAP ? has & ~hidden : has;
}

/* Each processor's way, as far as this one has it. */
static void
test_processors(void **state)
{
	const unsigned long both = HWCAP_PMULL | HWCAP_CRC32;
	const unsigned long less[] = { HWCAP_PMULL, HWCAP_CRC32, both };
	static const char *const feature[] = { "crc32", "pmull", NULL };
	size_t i;

	for (i = 0; i < sizeof(less) / sizeof(less[0]); i++) {
		hidden = less[i];
		if (!feature[i])
			assert_null(sm_crc32_feature());
		else if ((__real_getauxval(AT_HWCAP) & both) == both)
			assert_string_equal(sm_crc32_feature(), feature[i]);
		test_known(state);
		test_lengths_and_alignments(state);
		test_chunks(state);
	}
	hidden = 0;
}

#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_lengths_and_alignments),
		cmocka_unit_test(test_chunks),
#ifdef __aarch64__
		cmocka_unit_test(test_processors),
#endif
		cmocka_unit_test(test_combine_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
