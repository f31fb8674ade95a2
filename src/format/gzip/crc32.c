/*
 * crc32.c - CRC-32 by carry-less multiplication where the processor has it
 *
 * Short runs, other processors and the combining of two values are left to
 * zlib.  The values are the same everywhere.
 */
#include <zlib.h>

#include "crc32.h"

/*
 * On x86-64 long runs are folded by carry-less multiplication: V. Gopal et
 * al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
 * Instruction", Intel, 2009.  16 bytes are a polynomial over GF(2) of degree
 * below 128.  Bytes that are D bits further ahead count as x^D times
 * themselves, modulo the CRC's polynomial P: so the two halves of a block,
 * multiplied by x^(D+64) mod P and x^D mod P, can be added to the block D bits
 * after it, and nothing of the remainder changes.  Four blocks go side by
 * side, to hide the latency of the multiplication; in the end they are folded
 * into one, whose remainder zlib computes, along with the bytes left over.
 *
 * The CRC is bit-reflected.  A product of reflected factors comes out one bit
 * low, which the constants make up for: they are x^(D+32) and x^(D-32) mod P,
 * reflected in 33 bits.
 */
#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define CRC32_BLOCK 16
#define CRC32_STEP  (4 * CRC32_BLOCK)

#define CRC32_FOLD_512_LOW  0x154442bd4 /* x^(512 + 32) mod P */
#define CRC32_FOLD_512_HIGH 0x1c6e41596 /* x^(512 - 32) mod P */
#define CRC32_FOLD_128_LOW  0x1751997d0 /* x^(128 + 32) mod P */
#define CRC32_FOLD_128_HIGH 0x0ccaa009e /* x^(128 - 32) mod P */

#define CRC32_CLMUL __attribute__((target("pclmul,sse2")))

static inline __m128i CRC32_CLMUL
crc32_load(const unsigned char *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* `block`, moved on by the distance of the factors `by`, added to `data`. */
static inline __m128i CRC32_CLMUL
crc32_fold(__m128i block, __m128i by, __m128i data)
{
	__m128i low = _mm_clmulepi64_si128(block, by, 0x00);
	__m128i high = _mm_clmulepi64_si128(block, by, 0x11);

	return _mm_xor_si128(_mm_xor_si128(low, high), data);
}

/* len >= CRC32_STEP */
static uint32_t CRC32_CLMUL
crc32_clmul(uint32_t crc, const unsigned char *p, size_t len)
{
	const __m128i by512 =
		_mm_set_epi64x(CRC32_FOLD_512_HIGH, CRC32_FOLD_512_LOW);
	const __m128i by128 =
		_mm_set_epi64x(CRC32_FOLD_128_HIGH, CRC32_FOLD_128_LOW);
	unsigned char rest[CRC32_BLOCK];
	__m128i a, b, c, d;

	/* The CRC of what came before is added to the first 32 bits. */
	a = _mm_xor_si128(crc32_load(p), _mm_cvtsi32_si128((int)~crc));
	b = crc32_load(p + 16);
	c = crc32_load(p + 32);
	d = crc32_load(p + 48);
	p += CRC32_STEP;
	len -= CRC32_STEP;
	for (; len >= CRC32_STEP; p += CRC32_STEP, len -= CRC32_STEP) {
		a = crc32_fold(a, by512, crc32_load(p));
		b = crc32_fold(b, by512, crc32_load(p + 16));
		c = crc32_fold(c, by512, crc32_load(p + 32));
		d = crc32_fold(d, by512, crc32_load(p + 48));
	}
	a = crc32_fold(a, by128, b);
	a = crc32_fold(a, by128, c);
	a = crc32_fold(a, by128, d);
	for (; len >= CRC32_BLOCK; p += CRC32_BLOCK, len -= CRC32_BLOCK)
		a = crc32_fold(a, by128, crc32_load(p));
	_mm_storeu_si128((__m128i *)(void *)rest, a);

	/* zlib inverts the CRC it is given: 0xffffffff starts from nothing. */
	crc = (uint32_t)crc32_z(0xffffffff, rest, sizeof(rest));
	return (uint32_t)crc32_z(crc, p, len);
}

uint32_t
sm_crc32(uint32_t crc, const void *data, size_t len)
{
	if (len >= CRC32_STEP && __builtin_cpu_supports("pclmul"))
		return crc32_clmul(crc, data, len);
	if (len == 0)
		return crc; /* zlib takes a null pointer for a reset */
	return (uint32_t)crc32_z(crc, data, len);
}

#else

uint32_t
sm_crc32(uint32_t crc, const void *data, size_t len)
{
	return len ? (uint32_t)crc32_z(crc, data, len) : crc;
}

#endif

uint32_t
sm_crc32_combine(uint32_t a, uint32_t b, uint64_t len_b)
{
#ifdef Z_LARGE64
	/* The type of crc32_combine() has 32 bits on some machines. */
	return (uint32_t)crc32_combine64(a, b, (z_off64_t)len_b);
#else
	_Static_assert(sizeof(z_off_t) == 8, "zlib's lengths have 64 bits");
	return (uint32_t)crc32_combine(a, b, (z_off_t)len_b);
#endif
}
