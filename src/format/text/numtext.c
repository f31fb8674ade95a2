/*
 * The shortest digits of a binary floating-point number, for numbers that are
 * written by the hundred million.  The C library's printf has to be told how
 * many digits to write, and so would have to be tried with one number of them
 * after the other.  How the digits are laid out as text is in numput.h.
 */
#include <stdbool.h>
#include <string.h>

#include "numput.h"
#include "pow10.h"

#include "numtext.h"

/*
 * Shortest digits by Schubfach: Raffaello Giulietti, "The Schubfach way to
 * render doubles", 2020.
 *
 * A positive number is v = c * 2^q.  What reads back as v is the interval
 * between the middles to its neighbours, which are (c +- 1/2) * 2^q, or, where
 * v is the smallest of its binade, (c - 1/4) * 2^q below; its ends belong to
 * it if c is even.  Let k be the largest integer such that 10^k is not wider
 * than the interval.  Then at least one multiple of 10^k lies in it, and at
 * most one of 10^(k+1).  So only four decimals need a look: with
 * s = floor(v / 10^k), the neighbours of v among the multiples of 10^(k+1),
 * which win if one is inside, and s and s + 1.
 *
 * The interval's ends and v are compared with them as integers: 4v / 10^k and
 * so on, cut to an integer whose lowest bit is set if anything was cut off
 * ("rounded to odd").  Multiples of 4 compare with that as they would with
 * the exact number, and so do the odd multiples of 2 for v itself.
 *
 * 10^-k comes from a table, too large by at most one unit in its 128th bit
 * (64th for the shorter types).  A product with it, as computed, lies above
 * the exact one by less than 2 in its lowest word.  Hence that word is 0 or 1
 * where the exact product is an integer; the paper proves that elsewhere it
 * is larger, and that the integer part is right.
 */

/*
 * The shifts are these logarithms, rounded down; pow10.py checks each q and k.
 */
static inline int
floor_log10_pow2(int q)
{
	return (q * 1262611) >> 22; /* exact for |q| <= 1500 */
}

static inline int
floor_log10_three_quarters_pow2(int q)
{
	return (q * 1262611 - 524031) >> 22; /* exact for |q| <= 1500 */
}

static inline int
floor_log2_pow10(int k)
{
	return (k * 1741647) >> 19; /* exact for |k| <= 1233 */
}

/*
 * The upper half of a * b; the lower one in *low.  Without 128-bit integers the
 * product is put together from four of 32 by 32 bits; neither sum can overflow,
 * as (2^32 - 1)^2 + 2 * (2^32 - 1) = 2^64 - 1.
 */
static inline uint64_t
mul_wide(uint64_t *low, uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
	__extension__ typedef unsigned __int128 uint128;
	uint128 p = (uint128)a * b;

	*low = (uint64_t)p;
	return (uint64_t)(p >> 64);
#else
	uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
	uint64_t mid = a1 * b0 + ((a0 * b0) >> 32);
	uint64_t mid2 = a0 * b1 + (uint32_t)mid;

	*low = a * b;
	return a1 * b1 + (mid >> 32) + (mid2 >> 32);
#endif
}

/*
 * g * c / 2^128, rounded to odd.  The product has 192 bits; its lowest word
 * only contributes a carry, and y0 > 1 says whether anything was cut off (see
 * above).
 */
static inline uint64_t
scale_128(const struct sm_pow10 *g, uint64_t c)
{
	uint64_t carry, unused, y0, y1;

	carry = mul_wide(&unused, g->lo, c);
	y1 = mul_wide(&y0, g->hi, c);
	y0 += carry;
	y1 += y0 < carry;
	return y1 | (y0 > 1);
}

/* g * c / 2^64, rounded to odd; c < 2^32. */
static inline uint64_t
scale_64(uint64_t g, uint64_t c)
{
	uint64_t y0, y1;

	y1 = mul_wide(&y0, g, c);
	return y1 | ((y0 >> 32) > 1);
}

/*
 * The digits as a multiple of 10^k, from 4v / 10^k and the interval's ends in
 * the same scale.  Zeros at the end stay.  Which decimal wins is as good as
 * random: a branch on it would be mispredicted, so there is none.
 *
 * At most one multiple of ten is inside, so that the last one up to the upper
 * end decides.  Otherwise the nearer of s and s + 1 is inside, of a tie the
 * even one: an end is at least half of 10^k away, but for the lower end of a
 * binade's smallest number, which may exclude s.
 *
 * Where s < 10 the paper leaves the multiples of ten out, for 10 is then not
 * shorter than 9.  That is so for a few of the smallest subnormals alone; 0
 * is outside the interval there, and 10 is either outside or the closest.
 */
static inline uint64_t
pick_decimal(uint64_t lower, uint64_t v4, uint64_t upper, bool open)
{
	uint64_t s = v4 >> 2, ten, near;
	bool up, ten_in;

	lower += open;
	upper -= open;
	ten = upper / 40 * 10;
	ten_in = lower <= 4 * ten;
	up = ((v4 & 3) + (s & 1) > 2) | (lower > 4 * s);
	near = s + up;
	return near + ((ten - near) & (0 - (uint64_t)ten_in));
}

/*
 * c * 2^q in units of 10^*k; c < 2^53.  4c fits 55 bits, and h brings v to four
 * times the scale of the table's entry, so that (4c + 2) << h fits 64.
 * `narrow`: the neighbour below is only half as far away.
 */
static inline uint64_t
shortest_long(int *k, uint64_t c, int q, bool narrow)
{
	uint64_t left = 4 * c - (narrow ? 1 : 2);
	const struct sm_pow10 *g;
	int h;

	*k = narrow ? floor_log10_three_quarters_pow2(q) : floor_log10_pow2(q);
	g = &sm_pow10[-*k - SM_POW10_MIN];
	h = q + floor_log2_pow10(-*k) + 1; /* 1 to 4 */
	return pick_decimal(scale_128(g, left << h), scale_128(g, (4 * c) << h),
			    scale_128(g, (4 * c + 2) << h), c & 1);
}

/* As shortest_long(), with half the multiplications; c < 2^24. */
static inline uint64_t
shortest_short(int *k, uint64_t c, int q, bool narrow)
{
	uint64_t left = 4 * c - (narrow ? 1 : 2), g;
	int h;

	*k = narrow ? floor_log10_three_quarters_pow2(q) : floor_log10_pow2(q);
	g = sm_pow10[-*k - SM_POW10_MIN].hi + 1;
	h = q + floor_log2_pow10(-*k) + 1; /* 1 to 4 */
	return pick_decimal(scale_64(g, left << h), scale_64(g, (4 * c) << h),
			    scale_64(g, (4 * c + 2) << h), c & 1);
}

/*
 * Numbers in [2^-13, 1) that are no power of two, which scores mostly are, need
 * no table of powers and nothing rounded.  There k = -n is negative and small,
 * and what is to be decided is about integers:
 *
 *	x = c * 2^q / 10^k = c * 5^n * 2^(q + n) = c * 5^n / 2^s
 *
 * with 8 <= n <= 11 for binary32, so that c * 5^n is below 2^24 * 2^26, and 16
 * <= n <= 20 for binary64, where it is below 2^53 * 2^47.  Half the interval's
 * width is 5^n / 2^(s + 1) in the same unit.  With r what c * 5^n is above a
 * multiple of 10 * 2^s, the multiple of ten below is inside if 2r < 5^n, the
 * one above if 2r + 5^n > 20 * 2^s.  Neither is ever equal, since 5^n is odd:
 * whether the ends belong to the interval does not matter.  As 10^k is not
 * wider than the interval, and 10^(k+1) is, not both are inside, and the
 * nearest integer to x is, of a tie the even one.
 */
struct unit {
	uint64_t five;   /* 5^n */
	uint64_t twenty; /* 20 * 2^s */
	uint64_t half;   /* 2^(s - 1) - 1, to round to even with */
	unsigned s;
	int k;
};

#define UNIT(n, five, minus_q)                                                 \
	{                                                                      \
		UINT64_C(five), UINT64_C(20) << ((minus_q) - (n)),             \
			(UINT64_C(1) << ((minus_q) - (n)-1)) - 1,              \
			(minus_q) - (n), -(n)                                  \
	}

/* By exponent, from that of 2^-13 on: k is floor_log10_pow2(q). */
#define UNITS 13
static const struct unit unit_f32[UNITS] = {
	UNIT(11, 48828125, 36), UNIT(11, 48828125, 35), UNIT(11, 48828125, 34),
	UNIT(10, 9765625, 33),  UNIT(10, 9765625, 32),  UNIT(10, 9765625, 31),
	UNIT(10, 9765625, 30),  UNIT(9, 1953125, 29),   UNIT(9, 1953125, 28),
	UNIT(9, 1953125, 27),   UNIT(8, 390625, 26),    UNIT(8, 390625, 25),
	UNIT(8, 390625, 24),
};

static const struct unit unit_f64[UNITS] = {
	UNIT(20, 95367431640625, 65), UNIT(20, 95367431640625, 64),
	UNIT(19, 19073486328125, 63), UNIT(19, 19073486328125, 62),
	UNIT(19, 19073486328125, 61), UNIT(19, 19073486328125, 60),
	UNIT(18, 3814697265625, 59),  UNIT(18, 3814697265625, 58),
	UNIT(18, 3814697265625, 57),  UNIT(17, 762939453125, 56),
	UNIT(17, 762939453125, 55),   UNIT(17, 762939453125, 54),
	UNIT(16, 152587890625, 53),
};

/*
 * `near` and `whole` are x, rounded and rounded down; r has 64 bits, as it is
 * below 10 * 2^s and s is at most 45.
 */
static inline uint64_t
unit_decimal(const struct unit *u, uint64_t near, uint64_t below, uint64_t r)
{
	uint64_t up = 2 * r + u->five > u->twenty;
	uint64_t in = up | (2 * r < u->five);

	below += 10 & (0 - up);
	return near + ((below - near) & (0 - in));
}

static inline uint64_t
unit_short(const struct unit *u, uint64_t c)
{
	uint64_t x = c * u->five, whole = x >> u->s;
	uint64_t near = (x + u->half + (whole & 1)) >> u->s;
	uint64_t below = (uint32_t)whole / 10 * 10; /* whole < 2^28 */

	return unit_decimal(u, near, below, x - (below << u->s));
}

static inline uint64_t
unit_long(const struct unit *u, uint64_t c)
{
	uint64_t low, high = mul_wide(&low, c, u->five);
	/* s is 37 to 45, and x / 2^s below 10^17. */
	uint64_t whole = high << (64 - u->s) | low >> u->s;
	uint64_t fraction = low & (2 * u->half + 1);
	uint64_t near = whole + ((fraction + u->half + (whole & 1)) >> u->s);
	uint64_t below = whole / 10 * 10;

	return unit_decimal(u, near, below,
			    ((whole - below) << u->s) + fraction);
}

/* 0 has no digits to be found: 0.0 and -0.0, as Python writes them. */
static inline size_t
put_zero(char *dst)
{
	memcpy(dst, "0.0", 3);
	return 3;
}

/*
 * Any number.  The sign is always stored, and overwritten where there is none.
 * Subnormals have no hidden bit and share the exponent of the smallest normal
 * numbers.
 */
static __attribute__((noinline)) size_t
put_long(char *dst, uint64_t bits)
{
	uint64_t frac, v;
	unsigned exp, neg;
	int k;

	neg = (unsigned)(bits >> 63);
	exp = (unsigned)(bits >> 52) & 0x7ff;
	frac = bits & ((UINT64_C(1) << 52) - 1);

	*dst = '-';
	dst += neg;
	if (__builtin_expect(exp == 0, 0)) {
		if (frac == 0)
			return neg + put_zero(dst);
		v = shortest_long(&k, frac, -1074, false);
	} else {
		v = shortest_long(&k, frac | UINT64_C(1) << 52, (int)exp - 1075,
				  frac == 0 && exp > 1);
	}
	return neg + numput_long(dst, v, k);
}

/*
 * What is rarer is a call of its own at the end, so that no register is
 * saved for them.
 */
size_t
sm_numtext_f64(char *dst, double x)
{
	uint64_t bits, frac;
	unsigned exp, neg;
	const struct unit *u;

	memcpy(&bits, &x, sizeof(bits));
	neg = (unsigned)(bits >> 63);
	exp = (unsigned)(bits >> 52) & 0x7ff;
	frac = bits & ((UINT64_C(1) << 52) - 1);

	if (__builtin_expect(exp - (1023 - UNITS) >= UNITS || frac == 0, 0))
		return put_long(dst, bits);
	u = &unit_f64[exp - (1023 - UNITS)];
	frac |= UINT64_C(1) << 52;
	*dst = '-';
	return neg + numput_unit_long(dst + neg, unit_long(u, frac), u->k);
}

/*
 * A type whose numbers fit 32 bits: the bits of its fraction and exponent, and
 * the factor 10^zeros that gives a number in [2^-13, 1) 7 to 9 digits.
 */
struct short_type {
	int frac_bits, exp_bits, zeros;
	uint32_t factor;
};

static const struct short_type type_f32 = { 23, 8, 0, 1 };
static const struct short_type type_f16 = { 10, 5, 4, 10000 };

/* Inlined into its two callers, where all of `t` is known. */
static inline __attribute__((always_inline)) size_t
put_short(char *dst, uint32_t bits, const struct short_type *t)
{
	int bias = (1 << (t->exp_bits - 1)) - 1;
	int q_min = 1 - bias - t->frac_bits, k;
	uint32_t frac = bits & ((1U << t->frac_bits) - 1);
	unsigned exp = bits >> t->frac_bits & ((1U << t->exp_bits) - 1);
	unsigned neg = bits >> (t->frac_bits + t->exp_bits);
	uint64_t v;

	*dst = '-';
	dst += neg;
	if (__builtin_expect(exp == 0, 0)) {
		if (frac == 0)
			return neg + put_zero(dst);
		v = shortest_short(&k, frac, q_min, false);
	} else {
		v = shortest_short(&k, frac | 1U << t->frac_bits,
				   q_min + (int)exp - 1, frac == 0 && exp > 1);
	}
	v *= t->factor;
	k -= t->zeros;
	if (exp - ((unsigned)bias - UNITS) < UNITS)
		return neg + numput_unit_short(dst, v, k);
	return neg + numput_short(dst, v, k);
}

static __attribute__((noinline)) size_t
put_f32(char *dst, uint32_t bits)
{
	return put_short(dst, bits, &type_f32);
}

size_t
sm_numtext_f32(char *dst, float x)
{
	uint32_t bits, frac;
	unsigned exp, neg;
	const struct unit *u;

	memcpy(&bits, &x, sizeof(bits));
	neg = bits >> 31;
	exp = bits >> 23 & 0xff;
	frac = bits & ((1U << 23) - 1);

	if (__builtin_expect(exp - (127 - UNITS) >= UNITS || frac == 0, 0))
		return put_f32(dst, bits);
	u = &unit_f32[exp - (127 - UNITS)];
	frac |= 1U << 23;
	*dst = '-';
	return neg + numput_unit_short(dst + neg, unit_short(u, frac), u->k);
}

size_t
sm_numtext_f16(char *dst, uint16_t half_bits)
{
	return put_short(dst, half_bits, &type_f16);
}

/*
 * Every binary16 is a binary64.  Subnormals are a multiple of 2^-24, which the
 * multiplication gives exactly; all others keep their fraction and move their
 * exponent to the other bias, infinities and NaN to the largest one.
 */
double
sm_half_to_double(uint16_t half_bits)
{
	uint64_t sign = (uint64_t)(half_bits >> 15) << 63;
	uint64_t exp = (half_bits >> 10) & 0x1f, frac = half_bits & 0x3ff;
	uint64_t bits;
	double x;

	if (exp == 0) {
		x = (double)frac * 0x1p-24; /* exact */
		memcpy(&bits, &x, sizeof(bits));
		bits |= sign;
	} else {
		if (exp == 0x1f)
			exp = 0x7ff;
		else
			exp += 1023 - 15;
		bits = sign | exp << 52 | frac << 42;
	}
	memcpy(&x, &bits, sizeof(x));
	return x;
}
