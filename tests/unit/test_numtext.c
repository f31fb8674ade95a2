#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rand.h"

#include "pow10.h"

#include "numtext.h"

#define ROUND_TRIPS    1000000
#define SHORTEST_TRIES 100000
#define TEXT_SIZE      (SM_NUMTEXT_MAX + 1)

enum type { F64, F32, F16 };

static double
from_bits(enum type type, uint64_t bits)
{
	uint32_t bits32 = (uint32_t)bits;
	double x;
	float f;

	if (type == F16)
		return sm_half_to_double((uint16_t)bits);
	memcpy(&x, &bits, sizeof(x));
	memcpy(&f, &bits32, sizeof(f));
	return type == F64 ? x : (double)f;
}

/* The text of `bits` into `dst`, with a NUL; nothing behind it is touched. */
static void
text_of(char *dst, enum type type, uint64_t bits)
{
	uint32_t bits32 = (uint32_t)bits;
	size_t len;
	double x;
	float f;

	memcpy(&x, &bits, sizeof(x));
	memcpy(&f, &bits32, sizeof(f));
	dst[SM_NUMTEXT_MAX] = '#';
	len = type == F64   ? sm_numtext_f64(dst, x)
	      : type == F32 ? sm_numtext_f32(dst, f)
			    : sm_numtext_f16(dst, (uint16_t)bits);
	assert_true(len <= 24);
	assert_int_equal(dst[SM_NUMTEXT_MAX], '#');
	dst[len] = '\0';
}

/*
 * binary16 by its definition: between the middles to the neighbours, which are
 * exact in binary64; 2^16 stands for the neighbour above the largest.
 */
static bool
reads_as_half(const char *text, uint16_t bits)
{
	double t = strtod(text, NULL), x = sm_half_to_double(bits), low, high;

	low = sm_half_to_double((uint16_t)(bits - 1));
	high = (bits & 0x7fff) == 0x7bff
		       ? copysign(65536, x)
		       : sm_half_to_double((uint16_t)(bits + 1));
	low = fabs(x + low) / 2;
	high = fabs(x + high) / 2;
	t = fabs(t);
	return bits & 1 ? low < t && t < high : low <= t && t <= high;
}

static bool
reads_back(const char *text, enum type type, uint64_t bits)
{
	if (type == F16)
		return reads_as_half(text, (uint16_t)bits);
	if (type == F32)
		return strtof(text, NULL) == (float)from_bits(F32, bits);
	return strtod(text, NULL) == from_bits(F64, bits);
}

/* |text| as digits * 10^exp, without zeros at the end; returns the digits. */
static uint64_t
digits_of(int *exp, const char *text)
{
	const char *p = text + (*text == '-');
	uint64_t v = 0;
	bool after = false;

	*exp = 0;
	for (; *p && *p != 'e'; p++) {
		if (*p == '.') {
			after = true;
			continue;
		}
		v = v * 10 + (uint64_t)(*p - '0');
		*exp -= after;
	}
	if (*p == 'e')
		*exp += atoi(p + 1);
	for (; v && v % 10 == 0; v /= 10)
		++*exp;
	return v;
}

/*
 * No decimal with one digit less reads back (those next to the text would),
 * and the digits are those of the correctly rounded decimal of their number,
 * unless the number begins a binade, where that one may not read back.
 */
static void
check_shortest(const char *text, enum type type, uint64_t bits, bool begins)
{
	char other[64];
	uint64_t v, w;
	int exp, other_exp, i, n;

	v = digits_of(&exp, text);
	for (i = 0; i < 2 && v >= 10; i++) {
		snprintf(other, sizeof(other), "%s%" PRIu64 "e%d",
			 *text == '-' ? "-" : "", v / 10 + (uint64_t)i,
			 exp + 1);
		if (reads_back(other, type, bits))
			fail_msg("%s could be %s", text, other);
	}
	n = snprintf(other, sizeof(other), "%" PRIu64, v);
	snprintf(other, sizeof(other), "%.*e", n - 1, from_bits(type, bits));
	w = digits_of(&other_exp, other);
	if (!begins && (v != w || exp != other_exp))
		fail_msg("%s is not the closest: %s", text, other);
}

static void
check_number(enum type type, uint64_t bits, bool shortest)
{
	static const uint64_t frac[] = { (UINT64_C(1) << 52) - 1, 0x7fffff,
					 0x3ff };
	char text[TEXT_SIZE];

	if (!isfinite(from_bits(type, bits)))
		return;
	text_of(text, type, bits);
	if (from_bits(type, bits) == 0) {
		assert_string_equal(text, bits ? "-0.0" : "0.0");
		return;
	}
	if (!reads_back(text, type, bits))
		fail_msg("type %d, %016" PRIx64 ": %s does not read back", type,
			 bits, text);
	if (shortest)
		check_shortest(text, type, bits, (bits & frac[type]) == 0);
}

static void
test_random_f64(void **state)
{
	uint64_t seed = 1, x;
	double unit;
	int i;

	(void)state;
	for (i = 0; i < ROUND_TRIPS; i++) {
		check_number(F64, sm_rand_next(&seed), i < SHORTEST_TRIES);
		unit = sm_rand_unit(&seed);
		memcpy(&x, &unit, sizeof(x));
		check_number(F64, x, i < SHORTEST_TRIES);
	}
}

static void
test_random_f32(void **state)
{
	uint64_t seed = 2, bits;
	uint32_t x;
	float unit;
	int i;

	(void)state;
	for (i = 0; i < ROUND_TRIPS; i++) {
		bits = sm_rand_next(&seed);
		check_number(F32, bits >> 32, i < SHORTEST_TRIES);
		unit = (float)(bits & 0xffffff) * 0x1p-24f;
		memcpy(&x, &unit, sizeof(x));
		check_number(F32, x, i < SHORTEST_TRIES);
	}
}

static void
test_every_f16(void **state)
{
	uint64_t bits;

	(void)state;
	for (bits = 0; bits < 65536; bits++)
		check_number(F16, bits, true);
}

/* The first numbers of every binade, the last ones, and subnormals. */
static void
test_binades(void **state)
{
	uint64_t exp, i;

	(void)state;
	for (exp = 0; exp < 2047; exp++)
		for (i = 0; i < 8; i++)
			check_number(F64, (exp << 52) - 4 + i, true);
	for (exp = 0; exp < 255; exp++)
		for (i = 0; i < 8; i++)
			check_number(F32, (uint32_t)((exp << 23) - 4 + i),
				     true);
	for (i = 0; i < 20000; i++) {
		check_number(F64, i, true);
		check_number(F32, i, true);
	}
}

static void
test_layout(void **state)
{
	static const char *const text[] = {
		"0.0",
		"-0.0",
		"1.0",
		"-1.0",
		"0.1",
		"0.7131989",
		"0.001",
		"0.0001",
		"0.00012345",
		"0.0001220703125",
		"0.0009765625",
		"9.999e-05",
		"1e-05",
		"1.5e-05",
		"-1.25e-07",
		"12345.0",
		"100.0",
		"10.5",
		"1234567.5",
		"12345678.5",
		"123456789.25",
		"1000000000000000.0",
		"9999999999999998.0",
		"1e+16",
		"1.2345678901234568e+16",
		"1e+22",
		"1.5e+300",
		"1e-300",
		"5e-324",
		"1e-323",
		"2.2250738585072014e-308",
		"-2.2250738585072014e-308",
		"1.7976931348623157e+308",
		"5.684341886080802e-14",
		"9.5367431640625e-07",
		"0.30000000000000004",
		"0.9999999999999999",
		"4503599627370495.5",
		"9007199254740992.0",
	};
	char got[TEXT_SIZE];
	uint64_t bits;
	double x;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(text) / sizeof(*text); i++) {
		x = strtod(text[i], NULL);
		memcpy(&bits, &x, sizeof(bits));
		text_of(got, F64, bits);
		assert_string_equal(got, text[i]);
	}
}

static void
test_layout_short(void **state)
{
	static const struct {
		enum type type;
		uint32_t bits;
		const char *text;
	} rows[] = {
		{ F32, 0x3dcccccd, "0.1" },
		{ F32, 0x3f800000, "1.0" },
		{ F32, 0x4b800000, "16777216.0" },
		{ F32, 0x7f7fffff, "3.4028235e+38" },
		{ F32, 0x00000001, "1e-45" },
		{ F32, 0x00000007, "1e-44" },
		{ F32, 0x00800000, "1.1754944e-38" },
		{ F32, 0x5a0e1bca, "1e+16" },
		{ F32, 0xbf7fffff, "-0.99999994" },
		{ F16, 0x0000, "0.0" },
		{ F16, 0x8000, "-0.0" },
		{ F16, 0x0001, "6e-08" },
		{ F16, 0x0400, "6.104e-05" },
		{ F16, 0x2e66, "0.1" },
		{ F16, 0x3bff, "0.9995" },
		{ F16, 0x3c00, "1.0" },
		{ F16, 0x7bff, "65500.0" },
		{ F16, 0xfbff, "-65500.0" },
	};
	char got[TEXT_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		text_of(got, rows[i].type, rows[i].bits);
		assert_string_equal(got, rows[i].text);
	}
}

/* Against the contract infinite, or no number: any text, within bounds. */
static void
test_not_finite(void **state)
{
	static const uint64_t bits64[] = { UINT64_C(0x7ff0000000000000),
					   UINT64_C(0xfff0000000000000),
					   UINT64_C(0x7ff8000000000000),
					   UINT64_MAX };
	char got[TEXT_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		text_of(got, F64, bits64[i]);
		text_of(got, F32, bits64[i] >> 32);
		text_of(got, F16, bits64[i] >> 48);
	}
}

static void
test_half(void **state)
{
	uint32_t i;
	double x;

	(void)state;
	for (i = 0; i < 0x7c00; i++) {
		/* all halves are multiples of 2^-24 */
		x = i < 0x400 ? ldexp(i, -24)
			      : ldexp((i & 0x3ff) | 0x400, (int)(i >> 10) - 25);
		assert_true(sm_half_to_double((uint16_t)i) == x);
		x = sm_half_to_double((uint16_t)(i | 0x8000));
		assert_true(signbit(x) && -x == sm_half_to_double((uint16_t)i));
	}
	assert_true(isinf(sm_half_to_double(0x7c00)));
	assert_true(sm_half_to_double(0xfc00) < 0);
	assert_true(isnan(sm_half_to_double(0x7e01)));
}

#define BIG_WORDS 40 /* 1280 bits; 10^324 has 1077 */

/* a *= m, little-endian words; returns what does not fit. */
static uint32_t
big_multiply(uint32_t *a, uint32_t m)
{
	uint64_t carry = 0;
	int i;

	for (i = 0; i < BIG_WORDS; i++) {
		carry += (uint64_t)a[i] * m;
		a[i] = (uint32_t)carry;
		carry >>= 32;
	}
	return (uint32_t)carry;
}

static int
big_bits(const uint32_t *a)
{
	int i = BIG_WORDS - 1;

	while (i > 0 && a[i] == 0)
		i--;
	return 32 * i + 32 - __builtin_clz(a[i] | 1);
}

/* Bits from `at` (which may be negative) to at + 63. */
static uint64_t
big_word(const uint32_t *a, int at)
{
	uint64_t v = 0;
	int i, bit;

	for (i = 0; i < 64; i++) {
		bit = at + i;
		if (bit >= 0 && bit < 32 * BIG_WORDS)
			v |= (uint64_t)(a[bit / 32] >> (bit % 32) & 1) << i;
	}
	return v;
}

static bool
big_is_zero_below(const uint32_t *a, int bits)
{
	int i;

	for (i = 0; i < bits; i++)
		if (a[i / 32] >> (i % 32) & 1)
			return false;
	return true;
}

/* 10^k, k >= 0: the upper 128 bits, plus 1 if any bit below them is set. */
static void
test_powers_up(void **state)
{
	uint32_t ten[BIG_WORDS] = { 1 };
	const struct sm_pow10 *g;
	uint64_t hi, lo;
	int k, cut;

	(void)state;
	for (k = 0; k <= SM_POW10_MAX; k++) {
		g = &sm_pow10[k - SM_POW10_MIN];
		cut = big_bits(ten) - 128;
		lo = big_word(ten, cut);
		hi = big_word(ten, cut + 64);
		lo += cut > 0 && !big_is_zero_below(ten, cut);
		hi += lo == 0 && cut > 0;
		assert_true(g->hi == hi && g->lo == lo);
		assert_int_equal(big_multiply(ten, 10), 0);
	}
}

/*
 * 10^-n: g is the quotient 2^s / 10^n rounded up, so that g * 10^n is less
 * than 10^n above the power of two 2^s: g * 10^n - 10^n < 2^s <= g * 10^n.
 */
static void
test_powers_down(void **state)
{
	uint32_t a[BIG_WORDS], less[BIG_WORDS];
	const struct sm_pow10 *g;
	int n, i, bits;

	(void)state;
	for (n = 1; n <= -SM_POW10_MIN; n++) {
		g = &sm_pow10[-n - SM_POW10_MIN];
		memset(a, 0, sizeof(a));
		memset(less, 0, sizeof(less));
		a[0] = (uint32_t)g->lo;
		a[1] = (uint32_t)(g->lo >> 32);
		a[2] = (uint32_t)g->hi;
		a[3] = (uint32_t)(g->hi >> 32);
		memcpy(less, a, sizeof(a));
		for (i = 0; less[i]-- == 0; i++)
			;
		for (i = 0; i < n; i++) {
			assert_int_equal(big_multiply(a, 10), 0);
			assert_int_equal(big_multiply(less, 10), 0);
		}
		bits = big_bits(a);
		assert_true(g->hi >> 63);
		assert_int_equal(big_bits(less), bits - 1);
	}
}

/* A float of [2^-13, 1) that is no power of two. */
static float
unit_float(uint64_t *seed)
{
	uint64_t r = sm_rand_next(seed);
	uint32_t bits = (uint32_t)(127 - 13 + r % 13) << 23;
	uint32_t frac = (uint32_t)(r >> 32) & 0x7fffff;
	float x;

	/* Few digits of either kind, too, and the ends of the range. */
	if (r % 17 == 0)
		frac &= UINT32_C(0x7fffff) << (r % 23);
	if (r % 19 == 0)
		frac |= UINT32_C(0x7fffff) >> (r % 23);
	bits |= frac ? frac : 1;
	memcpy(&x, &bits, sizeof(x));
	return x;
}

static void
check_text(const char *one, size_t one_len, const char *text, uint32_t len)
{
	if (one_len != len || memcmp(one, text, len) != 0)
		fail_msg("'%.*s' alone, but '%.*s' of eight", (int)one_len, one,
			 (int)len, text);
}

/* Both kinds of digits; false: no AVX2. */
static bool
check_eight(const float x[8])
{
	char text[8][SM_NUMTEXT_MAX], one[SM_NUMTEXT_MAX];
	uint32_t len[8];
	unsigned k;

	if (!sm_numtext_f32_eight(text, len, x))
		return false;
	for (k = 0; k < 8; k++)
		check_text(one, sm_numtext_f32(one, x[k]), text[k], len[k]);
	assert_true(sm_numtext_f64_eight(text, len, x));
	for (k = 0; k < 8; k++)
		check_text(one, sm_numtext_f64(one, (double)x[k]), text[k],
			   len[k]);
	return true;
}

/* Eight at once are what they are one by one, or are refused. */
static void
test_eight(void **state)
{
	static const float others[] = {
		0.0F,           -0.0F,         0.5F,
		1.0F,           -0.3F,         0.0001220703125F,
		2.5F,           INFINITY,      0.0001F,
		-INFINITY,      NAN,           0x1.fffffep-14F,
		1e9F,           1e-40F,        0x1p-12F,
		0x1p-149F,      -0.75F,        1.5F,
		0x1.000002p+0F, 0x1.fffffep+0F
	};
	char text[8][SM_NUMTEXT_MAX];
	uint64_t seed = 8;
	uint32_t len[8];
	unsigned i, k;
	float x[8];

	(void)state;
	for (i = 0; i < ROUND_TRIPS; i++) {
		for (k = 0; k < 8; k++)
			x[k] = unit_float(&seed);
		if (!check_eight(x))
			skip(); /* no AVX2 */
	}
	for (i = 0; i < 8 * sizeof(others) / sizeof(*others); i++) {
		for (k = 0; k < 8; k++)
			x[k] = k == i % 8 ? others[i / 8] : unit_float(&seed);
		assert_false(sm_numtext_f32_eight(text, len, x));
		assert_false(sm_numtext_f64_eight(text, len, x));
	}
}

/*
 * Of each exponent in range the smallest and the largest fractions and those
 * around its few-bit ones, in each place; then every 61st of all.
 */
static void
test_eight_binades(void **state)
{
	uint32_t exp, frac, around, bits;
	unsigned k, bit;
	float x[8];

	(void)state;
	for (exp = 127 - 13; exp < 127; exp++) {
		for (bit = 0; bit <= 23; bit++) {
			around = UINT32_C(1) << bit;
			for (k = 0; k < 8; k++) {
				frac = (around + k - 4) & 0x7fffff;
				bits = exp << 23 | (frac ? frac : 1);
				memcpy(&x[(k + bit) % 8], &bits, sizeof(bits));
			}
			if (!check_eight(x))
				skip(); /* no AVX2 */
		}
		for (frac = exp % 61 + 1; frac < 0x800000 - 7 * 61;
		     frac += 8 * 61) {
			for (k = 0; k < 8; k++) {
				bits = exp << 23 | (frac + 61 * k);
				memcpy(&x[k], &bits, sizeof(bits));
			}
			assert_true(check_eight(x));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eight),
		cmocka_unit_test(test_eight_binades),
		cmocka_unit_test(test_powers_up),
		cmocka_unit_test(test_powers_down),
		cmocka_unit_test(test_half),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_layout_short),
		cmocka_unit_test(test_not_finite),
		cmocka_unit_test(test_every_f16),
		cmocka_unit_test(test_binades),
		cmocka_unit_test(test_random_f32),
		cmocka_unit_test(test_random_f64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
