/*
 * Eight binary32 numbers as text at once, with their own digits or with those
 * of a double.  It is apart from numtext.c because the code is written for
 * vectors of AVX2, without a branch, and because the method is another one,
 * which needs that a number has no more than 24 bits: nothing is ever wider
 * than a product of 32 by 32 bits.
 *
 * As in numtext.c a number x lies in [2^-13, 1) and is no power of two, and
 * k = -n.  Wanted are the multiple of 10^(k+1) below or above x, if it lies in
 * the interval of x, and otherwise the nearest multiple of 10^k.  So they are
 * eight digits, sixteen for a double, and one more that is 0 in the first case.
 *
 * Let e be x's exponent, from that of 2^-13 on: x = c * 2^(e-36), c < 2^24.
 * n is 11 - g, or 20 - g for a double, where g grows with e.  The first four
 * digits are, the second line for a double,
 *
 *	x * 10^(n-5)  = (c * 2^(e-i)) * (5^(6-g) * 2^(i-g+2)) / 2^32,
 *	x * 10^(n-13) = (c * 2^(e-i)) * (5^(7-g) * 2^(i-g+3)) / 2^32,
 *
 * with an i for which e - i is 0 to 8 (g, or 4 where g is 3 and e 12): both
 * factors fit 32 bits.  The product is an integer and a fraction of 32 bits,
 * whose last 2 + e - g are 0, or 3 for a double.  Times 10^4 the fraction gives
 * four digits more, and a fraction with 4 zeros more.  So nothing is rounded.
 * At the end f / 2^32 is left, f a multiple of 2^(6+e-g), or of 2^15.
 *
 * Half the interval of x is, in the unit of f, h = 5^(10-g) * 2^(e-g+5), or
 * h = 5^(19-g) * 2^(e-g-15) for a double, no multiple of what f is one of.  So
 * the multiple of ten below is inside if f <= H, and the one above if
 * 2^32 - f <= H, for any integer H < h that is no less than the multiple before
 * h.  Such a one is 2^(e-i) times an integer that depends on i: h / 2^(e-i)
 * less 1, as h is 2^(e-g+5) above the multiple; or h / 2^(e-i) rounded down,
 * which makes H less than 2^8 smaller than h, while h is 4482 or more above the
 * multiple for each of the 13 exponents.
 *
 * H is less than 2^31.  So f + H carries into the digits if the multiple above
 * is inside, and what is left of the sum is at most 2H if either is.  The last
 * four digits may become 10000 by that and carry into the four before.  These
 * are not 9999 then.  As the first of two they are 1562 at most.  As the third
 * of four they would follow a fraction that is less than H / 2^32 / 10^8, or
 * 2^-27, below 1; but that one is a multiple of 2^-25.
 *
 * The last digit is 10 * f / 2^32, rounded, of a tie to even.  A tie is
 * f / 2^32 = (2d + 1) / 20 for a digit d; as 2^32 has no factor 5, 2d + 1 has:
 * it is 1/4 or 3/4, and must become 2 or 8.  So halves are rounded up, of a
 * number that is (f - 2^31) / 2^60 too large.  This is less than 2^-28, and as
 * 10 * f is a multiple of 2^7, what is no tie is 2^-25 or more away from one.
 */
#include <stdbool.h>
#include <string.h>

#include "numtext.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

/* Inlined into one function each for f32 and f64, with all tables known. */
#define AVX2 inline __attribute__((target("avx2"), always_inline))

#define UNITS 13

static AVX2 __m256i
all_64(uint64_t x)
{
	return _mm256_set1_epi64x((int64_t)x);
}

static AVX2 __m256i
all_32(uint32_t x)
{
	return _mm256_set1_epi32((int32_t)x);
}

static AVX2 __m256i
all_16(uint16_t x)
{
	return _mm256_set1_epi16((int16_t)x);
}

/*
 * By exponent: i, and where the digits begin in the text, which is 4 - g or
 * 5 - g.  By i: what c * 2^(e-i) is multiplied by, and H / 2^(e-i).
 */
struct tables {
	unsigned char i[16], at[16];
	uint32_t five[8], half[8];
};

static const struct tables tables_f32 = {
	{ 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4 },
	{ 4, 4, 4, 3, 3, 3, 3, 2, 2, 2, 1, 1, 1 },
	{ 4 * 15625, 4 * 3125, 4 * 625, 4 * 125, 2 * 4 * 125 },
	{ (9765625 << 5) - 1, (1953125 << 5) - 1, (390625 << 5) - 1,
	  (78125 << 5) - 1, (78125 << 6) - 1 },
};

static const struct tables tables_f64 = {
	{ 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4 },
	{ 5, 5, 4, 4, 4, 4, 3, 3, 3, 2, 2, 2, 1 },
	{ 8 * 78125, 8 * 15625, 8 * 3125, 8 * 625, 8 * 125 },
	{ 19073486328125 >> 15, 3814697265625 >> 15, 762939453125 >> 15,
	  152587890625 >> 15, 30517578125 >> 15 },
};

/* The eight in lanes of 32 bits. */
struct scaled {
	__m256i c; /* c * 2^(e-i) */
	__m256i five, half, at;
};

static AVX2 __m256i
load(const void *p)
{
	return _mm256_loadu_si256((const __m256i *)p);
}

static AVX2 __m256i
load_bytes(const unsigned char p[16])
{
	return _mm256_broadcastsi128_si256(
		_mm_loadu_si128((const __m128i *)(const void *)p));
}

/* False: a number is negative, out of range or a power of two. */
static AVX2 bool
eight_scale(struct scaled *s, const float x[8], const struct tables *t)
{
	const __m256i zero = _mm256_setzero_si256();
	__m256i bits, e, i, frac, bad;

	bits = load(x);
	e = _mm256_sub_epi32(_mm256_srli_epi32(bits, 23), all_32(127 - UNITS));
	frac = _mm256_and_si256(bits, all_32((1 << 23) - 1));
	bad = _mm256_or_si256(_mm256_cmpgt_epi32(zero, e),
			      _mm256_cmpgt_epi32(e, all_32(UNITS - 1)));
	bad = _mm256_or_si256(bad, _mm256_cmpeq_epi32(frac, zero));
	if (!_mm256_testz_si256(bad, bad))
		return false;
	/* The upper bytes of e are 0, and look up the first entry: i of 0. */
	i = _mm256_shuffle_epi8(load_bytes(t->i), e);
	s->at = _mm256_and_si256(_mm256_shuffle_epi8(load_bytes(t->at), e),
				 all_32(0xff));
	e = _mm256_sub_epi32(e, i);
	s->c = _mm256_sllv_epi32(_mm256_or_si256(frac, all_32(1 << 23)), e);
	s->five = _mm256_permutevar8x32_epi32(load(t->five), i);
	s->half = _mm256_permutevar8x32_epi32(load(t->half), i);
	s->half = _mm256_sllv_epi32(s->half, e);
	return true;
}

/*
 * The numbers with even and with odd index, in lanes of 64 bits; only of `half`
 * is the upper half 0.
 */
static AVX2 void
halve(struct scaled half[2], const struct scaled *s)
{
	half[0] = *s;
	half[0].half = _mm256_and_si256(s->half, all_64(UINT32_MAX));
	half[1].c = _mm256_srli_epi64(s->c, 32);
	half[1].five = _mm256_srli_epi64(s->five, 32);
	half[1].half = _mm256_srli_epi64(s->half, 32);
}

/* Four digits more, in the upper half, from the fraction in the lower one. */
static AVX2 __m256i
next_four(__m256i v)
{
	return _mm256_mul_epu32(v, all_64(10000));
}

/*
 * The last digit, after the fours in the upper halves of *v and *before, which
 * it may carry into.  Their lower halves are not to be used any more.
 */
static AVX2 __m256i
last_digit(__m256i *before, __m256i *v, __m256i half)
{
	__m256i last, sum, in, carry;

	last = _mm256_mul_epu32(*v, all_64((UINT64_C(10) << 28) + 1));
	last = _mm256_add_epi64(
		last, all_64((UINT64_C(1) << 59) - (UINT64_C(1) << 31)));
	last = _mm256_srli_epi64(last, 60);

	sum = _mm256_add_epi64(*v, half);
	half = _mm256_add_epi64(half, half);
	in = _mm256_cmpeq_epi32(_mm256_min_epu32(sum, half), sum);

	carry = _mm256_cmpeq_epi32(sum, all_64(UINT64_C(10000) << 32));
	*before = _mm256_sub_epi32(*before, carry);
	*v = _mm256_andnot_si256(carry, sum);
	return _mm256_andnot_si256(in, last);
}

/* Four fours, each in an upper half, side by side. */
static AVX2 __m256i
join(__m256i a, __m256i b, __m256i c, __m256i d)
{
	a = _mm256_srli_epi64(a, 32);
	a = _mm256_blend_epi16(a, _mm256_srli_epi64(b, 16), 0x22);
	a = _mm256_blend_epi16(a, c, 0x44);
	return _mm256_blend_epi16(a, _mm256_slli_epi64(d, 16), 0x88);
}

/* v below 100, as two digits, the first in the lower byte. */
static AVX2 __m256i
two_digits(__m256i v)
{
	__m256i t = _mm256_mulhi_epu16(v, all_16(103 << 6));

	return _mm256_sub_epi16(_mm256_slli_epi16(v, 8),
				_mm256_mullo_epi16(t, all_16((10 << 8) - 1)));
}

/*
 * The digits of 16 fours: in *low those of the lower eight bytes of both halves
 * of v, of the upper ones in *high.  For the constants see numput_spread().
 */
static AVX2 void
spread(__m256i *low, __m256i *high, __m256i v)
{
	__m256i t;

	t = _mm256_srli_epi16(_mm256_mulhi_epu16(v, all_16(10486)), 4);
	v = _mm256_sub_epi16(v, _mm256_mullo_epi16(t, all_16(100)));
	t = two_digits(t);
	v = two_digits(v);
	*low = _mm256_unpacklo_epi16(t, v);
	*high = _mm256_unpackhi_epi16(t, v);
}

/* A bit for each byte that is not 0. */
static AVX2 uint32_t
not_zero(__m256i digits)
{
	return (uint32_t)_mm256_movemask_epi8(
		_mm256_cmpgt_epi8(digits, _mm256_setzero_si256()));
}

static AVX2 __m256i
ascii(__m256i digits)
{
	return _mm256_or_si256(digits, _mm256_set1_epi8('0'));
}

/* What the text of each needs beside the digits. */
struct rest {
	uint32_t at[8];   /* where they begin */
	uint32_t last[8]; /* the last digit */
	uint32_t more[8]; /* a bit after those of the others, if it is not 0 */
};

static AVX2 void
rest_of(struct rest *r, __m256i at, __m256i even, __m256i odd, uint32_t bit)
{
	__m256i last = _mm256_or_si256(even, _mm256_slli_epi64(odd, 32));
	__m256i more = _mm256_cmpgt_epi32(last, _mm256_setzero_si256());

	more = _mm256_and_si256(more, all_32(bit));
	last = _mm256_or_si256(last, all_32('0'));
	_mm256_storeu_si256((__m256i *)(void *)r->at, at);
	_mm256_storeu_si256((__m256i *)(void *)r->last, last);
	_mm256_storeu_si256((__m256i *)(void *)r->more, more);
}

/*
 * The layout of numput_unit_long(): if the digits begin where the point
 * belongs, the first is a 0.  The first four are never all 0, so that `mask`,
 * the digits that are not, has a bit; the text ends with the last of them.
 */
static AVX2 uint32_t
put_end(char *dst, uint32_t mask, const struct rest *r, unsigned i,
	unsigned digits)
{
	dst[r->at[i] + digits] = (char)r->last[i];
	dst[1] = '.';
	mask |= r->more[i];
	return r->at[i] + 1 + (31 ^ (uint32_t)__builtin_clz(mask));
}

static AVX2 void
put_zeros(char *dst)
{
	memcpy(dst, "0.000000", 8);
}

static AVX2 uint32_t
put_eight(char *dst, uint64_t digits, uint32_t mask, const struct rest *r,
	  unsigned i)
{
	put_zeros(dst);
	memcpy(dst + r->at[i], &digits, 8);
	return put_end(dst, mask & 0xff, r, i, 8);
}

static AVX2 uint32_t
put_sixteen(char *dst, __m128i digits, uint32_t mask, const struct rest *r,
	    unsigned i)
{
	put_zeros(dst);
	_mm_storeu_si128((__m128i *)(void *)(dst + r->at[i]), digits);
	return put_end(dst, mask & 0xffff, r, i, 16);
}

/* Numbers i, i + 1, i + 4 and i + 5. */
static AVX2 void
put_four(char dst[][SM_NUMTEXT_MAX], uint32_t len[8], __m256i digits,
	 const struct rest *r, unsigned i)
{
	uint32_t mask = not_zero(digits);
	__m128i low, high;

	digits = ascii(digits);
	low = _mm256_castsi256_si128(digits);
	high = _mm256_extracti128_si256(digits, 1);
	len[i] =
		put_eight(dst[i], (uint64_t)_mm_cvtsi128_si64(low), mask, r, i);
	len[i + 1] = put_eight(dst[i + 1], (uint64_t)_mm_extract_epi64(low, 1),
			       mask >> 8, r, i + 1);
	len[i + 4] = put_eight(dst[i + 4], (uint64_t)_mm_cvtsi128_si64(high),
			       mask >> 16, r, i + 4);
	len[i + 5] = put_eight(dst[i + 5], (uint64_t)_mm_extract_epi64(high, 1),
			       mask >> 24, r, i + 5);
}

/* Numbers i and i + 4. */
static AVX2 void
put_two(char dst[][SM_NUMTEXT_MAX], uint32_t len[8], __m256i digits,
	const struct rest *r, unsigned i)
{
	uint32_t mask = not_zero(digits);

	digits = ascii(digits);
	len[i] =
		put_sixteen(dst[i], _mm256_castsi256_si128(digits), mask, r, i);
	len[i + 4] =
		put_sixteen(dst[i + 4], _mm256_extracti128_si256(digits, 1),
			    mask >> 16, r, i + 4);
}

static __attribute__((target("avx2"))) bool
eight_put_f32(char dst[][SM_NUMTEXT_MAX], uint32_t len[8], const float x[8])
{
	__m256i a[2], b[2], last[2], low, high;
	struct scaled s, half[2];
	struct rest r;
	unsigned i;

	if (!eight_scale(&s, x, &tables_f32))
		return false;
	halve(half, &s);
	for (i = 0; i < 2; i++) {
		a[i] = _mm256_mul_epu32(half[i].c, half[i].five);
		b[i] = next_four(a[i]);
		last[i] = last_digit(&a[i], &b[i], half[i].half);
	}
	rest_of(&r, s.at, last[0], last[1], 1 << 8);
	spread(&low, &high, join(a[0], b[0], a[1], b[1]));
	put_four(dst, len, low, &r, 0);
	put_four(dst, len, high, &r, 2);
	return true;
}

static __attribute__((target("avx2"))) bool
eight_put_f64(char dst[][SM_NUMTEXT_MAX], uint32_t len[8], const float x[8])
{
	__m256i a, b, c, d, v[2], last[2], low, high;
	struct scaled s, half[2];
	struct rest r;
	unsigned i;

	if (!eight_scale(&s, x, &tables_f64))
		return false;
	halve(half, &s);
	for (i = 0; i < 2; i++) {
		a = _mm256_mul_epu32(half[i].c, half[i].five);
		b = next_four(a);
		c = next_four(b);
		d = next_four(c);
		last[i] = last_digit(&c, &d, half[i].half);
		v[i] = join(a, b, c, d);
	}
	rest_of(&r, s.at, last[0], last[1], 1 << 16);
	for (i = 0; i < 2; i++) {
		spread(&low, &high, v[i]);
		put_two(dst, len, low, &r, i);
		put_two(dst, len, high, &r, i + 2);
	}
	return true;
}

bool
sm_numtext_f32_eight(char dst[][SM_NUMTEXT_MAX], uint32_t len[8],
		     const float x[8])
{
	return __builtin_cpu_supports("avx2") && eight_put_f32(dst, len, x);
}

bool
sm_numtext_f64_eight(char dst[][SM_NUMTEXT_MAX], uint32_t len[8],
		     const float x[8])
{
	return __builtin_cpu_supports("avx2") && eight_put_f64(dst, len, x);
}

#else

bool
sm_numtext_f32_eight(char dst[][SM_NUMTEXT_MAX], uint32_t len[8],
		     const float x[8])
{
	(void)dst;
	(void)len;
	(void)x;
	return false;
}

bool
sm_numtext_f64_eight(char dst[][SM_NUMTEXT_MAX], uint32_t len[8],
		     const float x[8])
{
	return sm_numtext_f32_eight(dst, len, x);
}

#endif
