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

/* c * 2^q and its interval, in the scale of the table's entry for 10^-k. */
struct scaled {
	int k;
	int h; /* left shift that brings c * 2^q to that of the entry */
};

static inline struct scaled
scale_of(int q, bool narrow)
{
	struct scaled s;

	s.k = floor_log10_pow2(q);
	if (narrow)
		s.k = floor_log10_three_quarters_pow2(q);
	s.h = q + floor_log2_pow10(-s.k) + 1;
	return s; /* h is 1 to 4, as pow10.py checks */
}

/*
 * c * 2^q in units of 10^*k; c < 2^53.  4c fits 55 bits, and h brings v to four
 * times the scale of the table's entry, so that (4c + 2) << h fits 64.
 * `narrow`: the neighbour below is only half as far away.
 */
static uint64_t
exact_long(int *k, uint64_t c, int q, bool narrow)
{
	uint64_t left = 4 * c - (narrow ? 1 : 2);
	struct scaled s = scale_of(q, narrow);
	const struct sm_pow10 *g = &sm_pow10[-s.k - SM_POW10_MIN];

	*k = s.k;
	return pick_decimal(scale_128(g, left << s.h),
			    scale_128(g, (4 * c) << s.h),
			    scale_128(g, (4 * c + 2) << s.h), c & 1);
}

/* As exact_long(), with half the multiplications; c < 2^24. */
static uint64_t
exact_short(int *k, uint64_t c, int q, bool narrow)
{
	uint64_t left = 4 * c - (narrow ? 1 : 2), g;
	struct scaled s = scale_of(q, narrow);

	*k = s.k;
	g = sm_pow10[-s.k - SM_POW10_MIN].hi + 1;
	return pick_decimal(scale_64(g, left << s.h),
			    scale_64(g, (4 * c) << s.h),
			    scale_64(g, (4 * c + 2) << s.h), c & 1);
}

/*
 * The same decision from one product, for numbers whose neighbours are equally
 * far away, or no decision where the product is too rough for one.
 *
 * Let x = v / 10^k, and d half the interval's width in the same unit: by the
 * choice of k, 1/2 <= d < 5.  Let r be what x is above a multiple of ten.  One
 * multiple of ten is inside the interval if r < d (the one below), or if
 * r + d > 10 (the one above), and by d < 5 not both; otherwise the nearest
 * integer to x wins, which is inside, by d >= 1/2.  Ends that belong to the
 * interval, and ties, are cases of equality.
 *
 * Here x is an integer and a fraction of 64 bits, r and d are in units of
 * 2^-60, so that r + d < 15 * 2^60 does not overflow.  What is computed differs
 * from the exact numbers by less than `slack` units, for r, d and r + d, and by
 * less than 2^4 * slack in the last bits of the fraction.  Hence each
 * comparison is right where its sides differ by more than that; where they do
 * not, the caller computes exactly: for one number in 2^30 or less, but also
 * where the decimal is exact or half-way, as that of 0.5 is.  A fraction that
 * was rounded up to the next integer changes nothing: r wraps from 10 to 0, and
 * the multiple of ten that is as good as reached is chosen either way.
 */
struct rough {
	uint64_t decimal;
	bool decided;
};

static inline struct rough
rough_decimal(uint64_t whole, uint64_t fraction, uint64_t d, uint64_t slack)
{
	const uint64_t ten = UINT64_C(10) << 60, half = UINT64_C(1) << 63;
	uint64_t below = whole / 10 * 10, near = whole + (fraction >> 63);
	uint64_t r = (whole - below) << 60 | fraction >> 4;
	uint64_t up = r + d > ten, in = up | (r < d);
	struct rough x;

	x.decided = r + d - ten + slack > 2 * slack &&
		    r - d + slack > 2 * slack &&
		    fraction - half + 16 * slack > 32 * slack;
	below += 10 & (0 - up);
	x.decimal = near + ((below - near) & (0 - in));
	return x;
}

/*
 * The entry is too large by at most one unit in its 128th bit, and c << h is
 * below 2^57: so the product, of which the lowest of three words is cut off,
 * is too large by less than 2^-7 in the fraction's last bit, or too small by
 * less than one of them.  r and d lose less than one unit each when they are
 * shifted.
 */
static inline struct rough
rough_long(int *k, uint64_t c, int q)
{
	struct scaled s = scale_of(q, false);
	const struct sm_pow10 *g = &sm_pow10[-s.k - SM_POW10_MIN];
	uint64_t whole, fraction, carry, unused;

	carry = mul_wide(&unused, g->lo, c << s.h);
	whole = mul_wide(&fraction, g->hi, c << s.h);
	fraction += carry;
	whole += fraction < carry;
	*k = s.k;
	return rough_decimal(whole, fraction, g->hi >> (5 - s.h), 4);
}

/*
 * With 64 bits of the entry, and c << h below 2^28, the product is too large by
 * less than 2^28 in the fraction's last bits, which are 2^24 units of r.
 */
static inline struct rough
rough_short(int *k, uint64_t c, int q)
{
	struct scaled s = scale_of(q, false);
	uint64_t g = sm_pow10[-s.k - SM_POW10_MIN].hi + 1, whole, fraction;

	whole = mul_wide(&fraction, g, c << s.h);
	*k = s.k;
	return rough_decimal(whole, fraction, g >> (5 - s.h), 1 << 25);
}

/* 0 has no digits to be found: 0.0 and -0.0, as Python writes them. */
static inline size_t
put_zero(char *dst)
{
	memcpy(dst, "0.0", 3);
	return 3;
}

/*
 * Numbers without a decision; subnormals, which have no hidden bit and share
 * the exponent of the smallest normal numbers; 0; and powers of two, which most
 * often have a nearer neighbour below.
 */
static __attribute__((noinline)) size_t
put_exact_long(char *dst, uint64_t bits)
{
	uint64_t frac = bits & ((UINT64_C(1) << 52) - 1), v;
	unsigned exp = (unsigned)(bits >> 52) & 0x7ff;
	unsigned neg = (unsigned)(bits >> 63);
	int k;

	*dst = '-';
	dst += neg;
	if (exp == 0 && frac == 0)
		return neg + put_zero(dst);
	if (exp == 0)
		v = exact_long(&k, frac, -1074, false);
	else
		v = exact_long(&k, frac | UINT64_C(1) << 52, (int)exp - 1075,
			       frac == 0 && exp > 1);
	return neg + numput_long(dst, v, k);
}

static __attribute__((noinline)) size_t
put_any_long(char *dst, unsigned neg, uint64_t v, int k)
{
	return neg + numput_long(dst + neg, v, k);
}

/*
 * The sign is always stored, and overwritten where there is none.  Numbers in
 * [2^-13, 1), which scores mostly are, have a layout of their own.  Whatever is
 * rare is a call of its own at the end, so that this function saves no
 * registers.
 */
size_t
sm_numtext_f64(char *dst, double x)
{
	uint64_t bits, frac;
	unsigned exp, neg;
	struct rough v;
	int k;

	memcpy(&bits, &x, sizeof(bits));
	neg = (unsigned)(bits >> 63);
	exp = (unsigned)(bits >> 52) & 0x7ff;
	frac = bits & ((UINT64_C(1) << 52) - 1);

	if (__builtin_expect(exp == 0 || frac == 0, 0))
		return put_exact_long(dst, bits);
	v = rough_long(&k, frac | UINT64_C(1) << 52, (int)exp - 1075);
	if (__builtin_expect(!v.decided, 0))
		return put_exact_long(dst, bits);
	*dst = '-';
	if (exp - (1023 - 13) >= 13)
		return put_any_long(dst, neg, v.decimal, k);
	return neg + numput_unit_long(dst + neg, v.decimal, k);
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

/* As put_exact_long(). */
static __attribute__((noinline)) size_t
put_exact_short(char *dst, uint32_t bits, const struct short_type *t)
{
	int bias = (1 << (t->exp_bits - 1)) - 1;
	int q_min = 1 - bias - t->frac_bits, k;
	uint32_t frac = bits & ((1U << t->frac_bits) - 1);
	unsigned exp = bits >> t->frac_bits & ((1U << t->exp_bits) - 1);
	unsigned neg = bits >> (t->frac_bits + t->exp_bits);
	uint64_t v;

	*dst = '-';
	dst += neg;
	if (exp == 0 && frac == 0)
		return neg + put_zero(dst);
	if (exp == 0)
		v = exact_short(&k, frac, q_min, false);
	else
		v = exact_short(&k, frac | 1U << t->frac_bits,
				q_min + (int)exp - 1, frac == 0 && exp > 1);
	return neg + numput_short(dst, v * t->factor, k - t->zeros);
}

static __attribute__((noinline)) size_t
put_any_short(char *dst, unsigned neg, uint64_t v, int k)
{
	return neg + numput_short(dst + neg, v, k);
}

/* Inlined into its two callers, where all of `t` is known. */
static inline __attribute__((always_inline)) size_t
put_short(char *dst, uint32_t bits, const struct short_type *t)
{
	int bias = (1 << (t->exp_bits - 1)) - 1;
	int q_min = 1 - bias - t->frac_bits, k;
	uint32_t frac = bits & ((1U << t->frac_bits) - 1);
	unsigned exp = bits >> t->frac_bits & ((1U << t->exp_bits) - 1);
	unsigned neg = bits >> (t->frac_bits + t->exp_bits);
	struct rough v;

	if (__builtin_expect(exp == 0 || frac == 0, 0))
		return put_exact_short(dst, bits, t);
	v = rough_short(&k, frac | 1U << t->frac_bits, q_min + (int)exp - 1);
	if (__builtin_expect(!v.decided, 0))
		return put_exact_short(dst, bits, t);
	v.decimal *= t->factor;
	k -= t->zeros;
	*dst = '-';
	if (exp - ((unsigned)bias - 13) >= 13)
		return put_any_short(dst, neg, v.decimal, k);
	return neg + numput_unit_short(dst + neg, v.decimal, k);
}

size_t
sm_numtext_f32(char *dst, float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return put_short(dst, bits, &type_f32);
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
