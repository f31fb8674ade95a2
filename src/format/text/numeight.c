/*
 * Eight binary32 numbers as text at once.  It is apart from numtext.c, whose
 * steps it takes for numbers in [2^-13, 1), because the code is written for
 * vectors: each loop is over eight numbers, without a branch, and by 32 bits
 * but for one product, so that a compiler needs one or two instructions of AVX2
 * for each operation.  Elsewhere the numbers are written one by one.
 */
#include <stdbool.h>
#include <string.h>

#include "numput.h"

#include "numtext.h"

#if defined(__x86_64__) && defined(__GNUC__)

#define UNITS 13
#define E8    100000000u

/*
 * 5^n and s as in the tables of numtext.c, by the exponent from that of 2^-13
 * on: q is e - 36.  False: a number is negative, out of range or a power of
 * two.
 */
static inline __attribute__((target("avx2"), always_inline)) bool
eight_scale(uint32_t e[8], uint32_t c[8], uint32_t five[8], const float x[8])
{
	uint32_t bits[8], bad = 0;
	unsigned i;

	memcpy(bits, x, sizeof(bits));
	for (i = 0; i < 8; i++) {
		e[i] = (bits[i] >> 23) - (127 - UNITS);
		c[i] = bits[i] << 9;
		bad |= (e[i] >= UNITS) | (c[i] == 0);
		c[i] = c[i] >> 9 | 1u << 23;
	}
	if (bad)
		return false;
	for (i = 0; i < 8; i++) {
		five[i] = e[i] < 10 ? 1953125 : 390625;
		five[i] = e[i] < 7 ? 9765625 : five[i];
		five[i] = e[i] < 3 ? 48828125 : five[i];
	}
	return true;
}

/*
 * The decimals, see numtext.c.  Beside the product, which has 50 bits, all fits
 * 32: s is 16 to 25, so that 20 * 2^s, and what is compared with it, is below
 * 2^30.  What is above a multiple of 2^s or of 10 * 2^s follows from the lower
 * half of the product.
 */
static inline __attribute__((target("avx2"), always_inline)) void
eight_decimals(uint32_t v[8], uint32_t n[8], const uint32_t e[8],
	       const uint32_t c[8], const uint32_t five[8])
{
	uint32_t s[8], whole[8], low[8], below, fraction, r2, near, up, in;
	unsigned i;

	for (i = 0; i < 8; i++) {
		n[i] = 8u + (e[i] < 10) + (e[i] < 7) + (e[i] < 3);
		s[i] = 36 - e[i] - n[i]; /* -(q + n) */
	}
	for (i = 0; i < 8; i++) {
		whole[i] = (uint32_t)((uint64_t)c[i] * five[i] >> s[i]);
		low[i] = c[i] * five[i];
	}
	for (i = 0; i < 8; i++) {
		below = whole[i] / 10 * 10;
		fraction = low[i] - (whole[i] << s[i]);
		near = (1u << s[i] >> 1) - 1 + (whole[i] & 1);
		near = whole[i] + ((fraction + near) >> s[i]);
		r2 = 2 * (low[i] - (below << s[i]));
		up = r2 + five[i] > 20u << s[i];
		in = up | (r2 < five[i]);
		below += up ? 10 : 0;
		v[i] = in ? below : near;
	}
}

/* Eight digits of each, as numput_spread() has them, and what is before. */
static inline __attribute__((target("avx2"), always_inline)) void
eight_digits(uint32_t head[8], uint32_t high[8], uint32_t low[8],
	     const uint32_t v[8])
{
	uint32_t d, t;
	unsigned i;

	for (i = 0; i < 8; i++) {
		head[i] = v[i] >= E8;
		d = v[i] - (head[i] ? E8 : 0);
		high[i] = d / 10000;
		low[i] = d - high[i] * 10000;
	}
	for (i = 0; i < 8; i++) {
		t = high[i] / 100;
		d = (high[i] << 16) - t * ((100 << 16) - 1);
		t = ((d * 103) >> 10) & 0x000f000f;
		high[i] = (d << 8) - t * ((10 << 8) - 1);
		t = low[i] / 100;
		d = (low[i] << 16) - t * ((100 << 16) - 1);
		t = ((d * 103) >> 10) & 0x000f000f;
		low[i] = (d << 8) - t * ((10 << 8) - 1);
	}
}

static __attribute__((target("avx2"))) bool
eight_put(char dst[][SM_NUMTEXT_MAX], uint32_t len[8], const float x[8])
{
	uint32_t e[8], c[8], five[8], v[8], n[8];
	uint32_t head[8], high[8], low[8];
	unsigned i;

	if (!eight_scale(e, c, five, x))
		return false;
	eight_decimals(v, n, e, c, five);
	eight_digits(head, high, low, v);
	for (i = 0; i < 8; i++)
		len[i] = (uint32_t)numput_unit_digits(
			dst[i], head[i], (uint64_t)low[i] << 32 | high[i],
			-(int)n[i]);
	return true;
}

bool
sm_numtext_f32_eight(char dst[][SM_NUMTEXT_MAX], uint32_t len[8],
		     const float x[8])
{
	return __builtin_cpu_supports("avx2") && eight_put(dst, len, x);
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

#endif
