/*
 * Eight binary32 numbers at once as text with the digits of a double.  It is
 * apart from numeight.c, whose loops a compiler makes vectors of: the products
 * here are of 32 by 32 bits, in lanes of 64, so that the vectors are written by
 * hand, and the method is another one, which needs that the numbers have no
 * more than 24 bits.
 *
 * As in numtext.c the number x lies in [2^-13, 1) and is no power of two, and
 * k = -n.  Wanted are the multiple of 10^(k+1) below or above x, if it lies in
 * the interval of x, and otherwise the nearest multiple of 10^k.  So they are
 * sixteen digits, and one more that is 0 in the first case.
 *
 * Let e be x's exponent, from that of 2^-13 on: x = c * 2^(e - 36), c < 2^24.
 * n is 20 - g, where g is 0 to 4 and grows with e, by 0.3 or so, and e - g is 0
 * to 8.  The sixteen digits and what follows them are x * 10^(19-g), the first
 * four of them
 *
 *	x * 10^(7-g) = (c * 2^(e-g)) * (5^(7-g) * 8) / 2^32,
 *
 * factors below 2^32 and 2^20: an integer, and a fraction of 32 bits, of which
 * at least the last 3 are 0.  Times 10^4 the fraction gives four digits more
 * and a fraction whose last 7 bits are 0, and so on: after sixteen digits it
 * is f / 2^32, a multiple of 2^15.  Nothing was rounded.
 *
 * Half the interval of a double is h = 5^(19-g) * 2^(e-g-15), in the unit of f.
 * This is not an integer, for e - g < 15, so that H = floor(h) does as well:
 * the multiple below is inside if f <= H, the one above if 2^32 - f <= H.  H
 * itself comes from floor(5^(19-g) / 2^15) * 2^(e-g), which is smaller than h
 * by less than 2^8; f being a multiple of 2^15, both are the same to it, as
 * h mod 2^15 is at least 2^8 for each of the 13 exponents.
 *
 * H is less than 2^31.  So f + H carries into the digits if it is the one above
 * that is inside; what is left of the sum is at most 2H if either is.  The
 * carry may make the last four digits 10000, but does not go beyond the four
 * before: else f' / 2^32, the fraction after eight digits, a multiple of 2^7,
 * would be within (H / 2^32) / 10^8 < 2^-27 below 1, and is not 1 - 2^-25 or
 * less.
 *
 * The seventeenth digit is 10 * f / 2^32, rounded, of a tie to even.  A tie is
 * f / 2^32 = (2d + 1) / 20 for a digit d; as 2^32 has no factor 5, 2d + 1 has:
 * it is 1/4 or 3/4, and must become 2 or 8.  So with a factor a little larger
 * than 10, and that much less at f = 2^31, a half is rounded up: f times 2^-20
 * is far below the 5 * 2^-16 or more by which another number misses a tie.
 */
#include <stdbool.h>
#include <string.h>

#include "numtext.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

#define UNITS 13

static inline AVX2 __m256i
all_64(uint64_t x)
{
	return _mm256_set1_epi64x((int64_t)x);
}

static inline AVX2 __m256i
all_32(uint32_t x)
{
	return _mm256_set1_epi32((int32_t)x);
}

static inline AVX2 __m256i
all_16(uint16_t x)
{
	return _mm256_set1_epi16((int16_t)x);
}

/* By lanes of 32 bits: c * 2^(e-g), 5^(7-g) * 8, H; g. */
struct scaled {
	__m256i c, five, half, g;
};

/* False: a number is negative, out of range or a power of two. */
static inline AVX2 bool
eight_scale(struct scaled *s, const float x[8])
{
	const __m256i g = _mm256_broadcastsi128_si256(
		_mm_setr_epi8(0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 0, 0, 0));
	const __m256i five =
		_mm256_setr_epi32(625000, 125000, 25000, 5000, 1000, 0, 0, 0);
	/* 5^19 to 5^15, by 2^15 */
	const __m256i half = _mm256_setr_epi32(582076609, 116415321, 23283064,
					       4656612, 931322, 0, 0, 0);
	__m256i bits, e, frac, bad;

	bits = _mm256_loadu_si256((const __m256i *)(const void *)x);
	e = _mm256_sub_epi32(_mm256_srli_epi32(bits, 23), all_32(127 - UNITS));
	frac = _mm256_and_si256(bits, all_32((1 << 23) - 1));
	bad = _mm256_or_si256(
		_mm256_cmpgt_epi32(_mm256_setzero_si256(), e),
		_mm256_or_si256(
			_mm256_cmpgt_epi32(e, all_32(UNITS - 1)),
			_mm256_cmpeq_epi32(frac, _mm256_setzero_si256())));
	if (!_mm256_testz_si256(bad, bad))
		return false;
	frac = _mm256_or_si256(frac, all_32(1 << 23));
	/* The upper bytes of e are 0, and so is the first of g. */
	s->g = _mm256_shuffle_epi8(g, e);
	e = _mm256_sub_epi32(e, s->g);
	s->c = _mm256_sllv_epi32(frac, e);
	s->five = _mm256_permutevar8x32_epi32(five, s->g);
	s->half = _mm256_sllv_epi32(_mm256_permutevar8x32_epi32(half, s->g), e);
	return true;
}

/*
 * Of four numbers, in lanes of 64 bits, whose upper halves of c and five do not
 * matter and that of `half` is 0: sixteen digits by fours, in lanes of 16 bits,
 * and the last digit.  Each product has digits in its upper half and a fraction
 * in the lower.
 */
static inline AVX2 __m256i
four_decimals(__m256i *last, __m256i c, __m256i five, __m256i half)
{
	const __m256i e4 = all_64(10000);
	__m256i a, b, d, f, in, carry;

	a = _mm256_mul_epu32(c, five);
	b = _mm256_mul_epu32(a, e4);
	d = _mm256_mul_epu32(b, e4);
	f = _mm256_mul_epu32(d, e4);

	*last = _mm256_mul_epu32(f, all_64((10 << 20) + 1));
	*last = _mm256_add_epi64(
		*last, all_64((UINT64_C(1) << 51) - (UINT64_C(1) << 31)));
	*last = _mm256_srli_epi64(*last, 52);

	f = _mm256_add_epi64(f, half);
	half = _mm256_add_epi64(half, half);
	in = _mm256_cmpeq_epi32(_mm256_min_epu32(f, half), f);
	*last = _mm256_andnot_si256(in, *last);

	/* The lower halves are not looked at any more. */
	carry = _mm256_cmpeq_epi32(f, all_64(UINT64_C(10000) << 32));
	d = _mm256_sub_epi32(d, carry);
	f = _mm256_andnot_si256(carry, f);

	a = _mm256_blend_epi16(_mm256_srli_epi64(a, 32),
			       _mm256_srli_epi64(b, 16), 0x22);
	a = _mm256_blend_epi16(a, d, 0x44);
	a = _mm256_blend_epi16(a, _mm256_slli_epi64(f, 16), 0x88);
	return a;
}

/* v below 100, as two digits, the first in the lower byte. */
static inline AVX2 __m256i
two_digits(__m256i v)
{
	__m256i t = _mm256_mulhi_epu16(v, all_16(103 << 6));

	return _mm256_sub_epi16(_mm256_slli_epi16(v, 8),
				_mm256_mullo_epi16(t, all_16((10 << 8) - 1)));
}

/* Four times four digits each of four numbers: one in each half. */
static inline AVX2 void
four_digits(__m256i *even, __m256i *odd, __m256i v)
{
	__m256i t;

	t = _mm256_srli_epi16(_mm256_mulhi_epu16(v, all_16(10486)), 4);
	v = _mm256_sub_epi16(v, _mm256_mullo_epi16(t, all_16(100)));
	t = two_digits(t);
	v = two_digits(v);
	*even = _mm256_unpacklo_epi16(t, v);
	*odd = _mm256_unpackhi_epi16(t, v);
}

/*
 * Where the digits are, and the last that is not 0 (the first four are never
 * all 0); the rest is as numput_unit_long() has it.
 */
static inline AVX2 uint32_t
put(char *dst, __m128i digits, uint32_t mask, uint32_t last, uint32_t g)
{
	char *p = dst + 5 - g;

	memcpy(dst, "0.000000", 8);
	_mm_storeu_si128((__m128i *)(void *)p, digits);
	p[16] = (char)last;
	dst[1] = '.';
	return 6 - g + (31 ^ (uint32_t)__builtin_clz(mask));
}

/* Numbers i and i + 4 */
static inline AVX2 void
put_two(char dst[][SM_NUMTEXT_MAX], uint32_t len[8], __m256i digits,
	const uint32_t last[8], const uint32_t more[8], const uint32_t g[8],
	unsigned i)
{
	uint32_t mask;

	mask = (uint32_t)_mm256_movemask_epi8(
		_mm256_cmpgt_epi8(digits, _mm256_setzero_si256()));
	digits = _mm256_or_si256(digits, _mm256_set1_epi8('0'));
	len[i] = put(dst[i], _mm256_castsi256_si128(digits),
		     (mask & 0xffff) | more[i], last[i], g[i]);
	len[i + 4] = put(dst[i + 4], _mm256_extracti128_si256(digits, 1),
			 mask >> 16 | more[i + 4], last[i + 4], g[i + 4]);
}

static AVX2 bool
eight_put(char dst[][SM_NUMTEXT_MAX], uint32_t len[8], const float x[8])
{
	uint32_t last[8], more[8], g[8];
	__m256i v, w, a, b, t;
	struct scaled s;

	if (!eight_scale(&s, x))
		return false;
	v = four_decimals(&a, s.c, s.five,
			  _mm256_and_si256(s.half, all_64(UINT32_MAX)));
	w = four_decimals(&b, _mm256_srli_epi64(s.c, 32),
			  _mm256_srli_epi64(s.five, 32),
			  _mm256_srli_epi64(s.half, 32));
	a = _mm256_or_si256(a, _mm256_slli_epi64(b, 32));
	t = _mm256_cmpgt_epi32(a, _mm256_setzero_si256());
	t = _mm256_and_si256(t, all_32(1 << 16));
	a = _mm256_or_si256(a, all_32('0'));
	_mm256_storeu_si256((__m256i *)(void *)last, a);
	_mm256_storeu_si256((__m256i *)(void *)more, t);
	_mm256_storeu_si256((__m256i *)(void *)g, s.g);

	four_digits(&a, &b, v);
	put_two(dst, len, a, last, more, g, 0);
	put_two(dst, len, b, last, more, g, 2);
	four_digits(&a, &b, w);
	put_two(dst, len, a, last, more, g, 1);
	put_two(dst, len, b, last, more, g, 3);
	return true;
}

bool
sm_numtext_f64_eight(char dst[][SM_NUMTEXT_MAX], uint32_t len[8],
		     const float x[8])
{
	return __builtin_cpu_supports("avx2") && eight_put(dst, len, x);
}

#else

bool
sm_numtext_f64_eight(char dst[][SM_NUMTEXT_MAX], uint32_t len[8],
		     const float x[8])
{
	(void)dst;
	(void)len;
	(void)x;
	return false;
}

#endif
