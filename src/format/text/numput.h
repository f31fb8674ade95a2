/*
 * numput.h - a decimal as text, in the layout of Python's repr
 *
 * Internal to numtext.c, inline for speed.  Each function writes v * 10^k to
 * `dst` and returns the length; zeros at the end of v are left out, and at
 * most 24 bytes from `dst` are touched.  "long" takes 1 <= v < 10^17, "short"
 * 1 <= v < 2 * 10^8.
 */
#ifndef SM_NUMPUT_H
#define SM_NUMPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bitput.h"

#define NUMPUT_E8  UINT64_C(100000000)
#define NUMPUT_E15 UINT64_C(1000000000000000)
#define NUMPUT_E16 UINT64_C(10000000000000000)

#define NUMPUT_ASCII UINT64_C(0x3030303030303030)

/*
 * 17 significant digits, the first not 0: one, and twice eight as bytes 0 to
 * 9, the earlier digit in the lower byte.  d.ddd * 10^exp.
 */
struct numput {
	uint64_t first, mid, low;
	unsigned count; /* without the zeros at the end; at least 1 */
	int exp;
};

/*
 * Eight digits as bytes, by halves: 8 digits are 2 lanes of 4, 4 lanes of 2,
 * 8 lanes of one.  Where t is the upper half of each lane of v,
 *
 *	t + ((v - 100 * t) << 16) == (v << 16) - t * ((100 << 16) - 1).
 *
 * The quotients are exact: x * 109951163 >> 40 is x / 10^4 below 10^8,
 * x * 10486 >> 20 is x / 100 below 10^4, x * 103 >> 10 is x / 10 below 100.
 */
static inline uint64_t
numput_spread(uint64_t x)
{
	uint64_t v, t;

	t = (x * 109951163) >> 40;
	v = (x << 32) - t * ((UINT64_C(10000) << 32) - 1);
	t = ((v * 10486) >> 20) & UINT64_C(0x0000007f0000007f);
	v = (v << 16) - t * ((100 << 16) - 1);
	t = ((v * 103) >> 10) & UINT64_C(0x000f000f000f000f);
	return (v << 8) - t * ((10 << 8) - 1);
}

/* Eight spread digits, not all 0, up to the last that is not 0. */
static inline unsigned
numput_count(uint64_t v)
{
#if defined(__x86_64__) && !defined(__LZCNT__)
	/* clz of v by the faster way: bsr is one more step. */
	return 8 - ((unsigned)__builtin_ctzll(__builtin_bswap64(v)) >> 3);
#else
	return 8 - ((unsigned)__builtin_clzll(v) >> 3);
#endif
}

static inline void
numput_eight(char *dst, uint64_t spread)
{
	sm_store64((unsigned char *)dst, spread | NUMPUT_ASCII);
}

static inline void
numput_digits(char *dst, struct numput d)
{
	dst[0] = (char)('0' + d.first);
	numput_eight(dst + 1, d.mid);
	numput_eight(dst + 9, d.low);
}

/* d.ddde+XX */
static __attribute__((noinline)) size_t
numput_exponent(char *dst, const struct numput *d)
{
	unsigned e = (unsigned)(d->exp < 0 ? -d->exp : d->exp);
	size_t n = 1;

	numput_digits(dst + 1, *d);
	dst[0] = dst[1];
	if (d->count > 1) {
		dst[1] = '.';
		n += d->count;
	}
	dst[n++] = 'e';
	dst[n++] = d->exp < 0 ? '-' : '+';
	if (e >= 100)
		dst[n++] = (char)('0' + e / 100);
	dst[n++] = (char)('0' + e / 10 % 10);
	dst[n++] = (char)('0' + e % 10);
	return n;
}

/* 1 <= number < 10^16: all digits, then those before the point moved up. */
static inline size_t
numput_whole(char *dst, struct numput d)
{
	size_t whole = (size_t)d.exp + 1;
	uint64_t head, mask;

	numput_digits(dst + 1, d);
	if (whole < 8) {
		/* In a register: what was just stored is slow to load. */
		head = d.first | d.mid << 8;
		mask = (UINT64_C(1) << (8 * whole)) - 1;
		head = (head & mask) | ((head << 8) & ~mask);
		head |= NUMPUT_ASCII;
		/* byte `whole` holds the digit before it: make it the point */
		head &= ~(UINT64_C(0xff) << (8 * whole));
		head |= (uint64_t)'.' << (8 * whole);
		sm_store64((unsigned char *)dst, head);
	} else {
		memmove(dst, dst + 1, whole);
		dst[whole] = '.';
	}
	return d.count > whole ? d.count + 1 : whole + 2;
}

/* Python's layout: an exponent below 1e-4 and from 1e16 on. */
static inline size_t
numput_layout(char *dst, struct numput d)
{
	struct numput copy;
	char *p;

	if (d.exp >= 0 && d.exp < 16)
		return numput_whole(dst, d);
	if (d.exp >= 0 || d.exp < -4) {
		copy = d; /* so that d itself may live in registers */
		return numput_exponent(dst, &copy);
	}
	memcpy(dst, "0.000000", 8);
	p = dst + 1 - d.exp;
	numput_digits(p, d);
	return (size_t)(p - dst) + d.count;
}

/* Ten times *v if that is `more`, the same number; without a branch. */
static inline void
numput_grow(uint64_t *v, int *exp, bool more)
{
	*v += 9 * *v & (0 - (uint64_t)more);
	*exp -= more;
}

static inline size_t
numput_long(char *dst, uint64_t v, int k)
{
	struct numput d;
	uint64_t head;

	d.exp = k + 16;
	while (v < NUMPUT_E15) /* subnormals, and few others */
		numput_grow(&v, &d.exp, true);
	numput_grow(&v, &d.exp, v < NUMPUT_E16);
	head = v / NUMPUT_E8;
	d.first = head / NUMPUT_E8;
	d.mid = numput_spread(head - d.first * NUMPUT_E8);
	d.low = numput_spread(v - head * NUMPUT_E8);
	d.count = d.low   ? 9 + numput_count(d.low)
		  : d.mid ? 1 + numput_count(d.mid)
			  : 1;
	return numput_layout(dst, d);
}

static inline size_t
numput_short(char *dst, uint64_t v, int k)
{
	struct numput d;

	d.exp = k + 8;
	d.low = 0;
	while (v < NUMPUT_E8 / 100) /* subnormals */
		numput_grow(&v, &d.exp, true);
	numput_grow(&v, &d.exp, v < NUMPUT_E8 / 10);
	numput_grow(&v, &d.exp, v < NUMPUT_E8);
	d.first = v / NUMPUT_E8;
	d.mid = numput_spread(v - d.first * NUMPUT_E8);
	d.count = d.mid ? 1 + numput_count(d.mid) : 1;
	return numput_layout(dst, d);
}

/*
 * As numput_long(), for 10^-4 <= number < 1 and 16 <= -k <= 20.  The digits'
 * place follows from k alone; that v has fewer than 17 shows as zeros after
 * the point.  The first of 17 goes where the point belongs if -k is 16: it is
 * 0 then, and the point comes after it.
 */
static inline size_t
numput_unit_long(char *dst, uint64_t v, int k)
{
	size_t end = (size_t)(2 - k);
	uint64_t head = v / NUMPUT_E8, first = head / NUMPUT_E8, mid, low;

	mid = numput_spread(head - first * NUMPUT_E8);
	low = numput_spread(v - head * NUMPUT_E8);
	memcpy(dst, "0.000000", 8);
	dst[end - 17] = (char)('0' + first);
	numput_eight(dst + end - 16, mid);
	numput_eight(dst + end - 8, low);
	dst[1] = '.';
	if (low)
		return end - 8 + numput_count(low);
	return end - 16 + (mid ? numput_count(mid) : 0);
}

/* The same for v < 2 * 10^8, and 8 <= -k <= 12. */
static inline size_t
numput_unit_short(char *dst, uint64_t v, int k)
{
	size_t end = (size_t)(2 - k);
	uint64_t head = v >= NUMPUT_E8, low;

	low = numput_spread(v - (NUMPUT_E8 & (0 - head)));
	memcpy(dst, "0.000000", 8);
	dst[end - 9] = (char)('0' + head);
	numput_eight(dst + end - 8, low);
	dst[1] = '.';
	return end - 8 + (low ? numput_count(low) : 0);
}

#endif /* SM_NUMPUT_H */
