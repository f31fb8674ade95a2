/*
 * crc32.c - CRC-32 by carry-less multiplication where the processor has it, or
 * by arm64's instructions for it
 *
 * Other processors, short runs on x86-64 and the combining of two values are
 * left to zlib.  The values are the same everywhere.
 */
#include <stdbool.h>
#include <string.h>
#include <zlib.h>

#include "crc32.h"

/*
 * On x86-64 and arm64 long runs are folded by carry-less multiplication: V.
 * Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
 * Instruction", Intel, 2009.  16 bytes are a polynomial over GF(2) of degree
 * below 128.  Bytes that are D bits further ahead count as x^D times
 * themselves, modulo the CRC's polynomial P: so the two halves of a block,
 * multiplied by x^(D+64) mod P and x^D mod P, can be added to the block D bits
 * after it, and nothing of the remainder changes.  Four blocks go side by
 * side, to hide the latency of the multiplication; in the end they are folded
 * into one, whose remainder is computed as that of the bytes left over is.
 *
 * The CRC is bit-reflected.  A product of reflected factors comes out one bit
 * low, which the constants make up for: they are x^(D+32) and x^(D-32) mod P,
 * reflected in 33 bits.
 *
 * For each processor: what a block is, whether it can multiply, and the steps.
 */
#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define CRC32_FOLDS
#define CRC32_TARGET  __attribute__((target("pclmul,sse2")))
#define CRC32_FEATURE "pclmul"

typedef __m128i crc32_block;

static inline bool
crc32_can_fold(void)
{
	return __builtin_cpu_supports("pclmul");
}

static inline crc32_block CRC32_TARGET
crc32_set(uint64_t high, uint64_t low)
{
	return _mm_set_epi64x((int64_t)high, (int64_t)low);
}

static inline crc32_block CRC32_TARGET
crc32_load(const unsigned char *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline void CRC32_TARGET
crc32_store(unsigned char *p, crc32_block a)
{
	_mm_storeu_si128((__m128i *)(void *)p, a);
}

static inline crc32_block CRC32_TARGET
crc32_add(crc32_block a, crc32_block b)
{
	return _mm_xor_si128(a, b);
}

/* `block`, moved on by the distance of the factors `by`, added to `data`. */
static inline crc32_block CRC32_TARGET
crc32_fold(crc32_block block, crc32_block by, crc32_block data)
{
	__m128i low = _mm_clmulepi64_si128(block, by, 0x00);
	__m128i high = _mm_clmulepi64_si128(block, by, 0x11);

	return crc32_add(crc32_add(low, high), data);
}

/*
 * Newer ones multiply two blocks at once (VPCLMULQDQ).  As crc32_folded(), by
 * blocks of 32 bytes; what is left over is as long as a block, or shorter than
 * a step.
 */
#define CRC32_WIDE        1024 /* bytes from which on that is worth it */
#define CRC32_WIDE_BLOCK  32
#define CRC32_WIDE_STEP   (4 * CRC32_WIDE_BLOCK)
#define CRC32_WIDE_TARGET __attribute__((target("avx2,vpclmulqdq")))

#define CRC32_FOLD_1024_LOW  0x1e88ef372 /* x^(1024 + 32) mod P */
#define CRC32_FOLD_1024_HIGH 0x14a7fe880 /* x^(1024 - 32) mod P */
#define CRC32_FOLD_256_LOW   0x0f1da05aa /* x^(256 + 32) mod P */
#define CRC32_FOLD_256_HIGH  0x15a546366 /* x^(256 - 32) mod P */

static inline bool
crc32_can_fold_wide(void)
{
	return __builtin_cpu_supports("vpclmulqdq") &&
	       __builtin_cpu_supports("avx2");
}

static inline __m256i CRC32_WIDE_TARGET
crc32_wide_load(const unsigned char *p)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

static inline __m256i CRC32_WIDE_TARGET
crc32_wide_fold(__m256i block, __m256i by, __m256i data)
{
	__m256i low = _mm256_clmulepi64_epi128(block, by, 0x00);
	__m256i high = _mm256_clmulepi64_epi128(block, by, 0x11);

	return _mm256_xor_si256(_mm256_xor_si256(low, high), data);
}

/*
 * The remainder of the blocks of `len` bytes, a multiple of a step, is that of
 * the block put into `rest`.
 */
static void CRC32_WIDE_TARGET
crc32_fold_wide(unsigned char rest[CRC32_WIDE_BLOCK], uint32_t crc,
		const unsigned char *p, size_t len)
{
	const __m256i by1024 =
		_mm256_setr_epi64x(CRC32_FOLD_1024_LOW, CRC32_FOLD_1024_HIGH,
				   CRC32_FOLD_1024_LOW, CRC32_FOLD_1024_HIGH);
	const __m256i by256 =
		_mm256_setr_epi64x(CRC32_FOLD_256_LOW, CRC32_FOLD_256_HIGH,
				   CRC32_FOLD_256_LOW, CRC32_FOLD_256_HIGH);
	const unsigned char *end = p + len;
	__m256i a, b, c, d;

	/* The CRC of what came before is added to the first 32 bits. */
	a = _mm256_xor_si256(crc32_wide_load(p),
			     _mm256_setr_epi64x((uint32_t)~crc, 0, 0, 0));
	b = crc32_wide_load(p + 32);
	c = crc32_wide_load(p + 64);
	d = crc32_wide_load(p + 96);
	for (p += CRC32_WIDE_STEP; p < end; p += CRC32_WIDE_STEP) {
		a = crc32_wide_fold(a, by1024, crc32_wide_load(p));
		b = crc32_wide_fold(b, by1024, crc32_wide_load(p + 32));
		c = crc32_wide_fold(c, by1024, crc32_wide_load(p + 64));
		d = crc32_wide_fold(d, by1024, crc32_wide_load(p + 96));
	}
	b = crc32_wide_fold(a, by256, b);
	c = crc32_wide_fold(b, by256, c);
	d = crc32_wide_fold(c, by256, d);
	_mm256_storeu_si256((__m256i *)(void *)rest, d);
}

#elif defined(__aarch64__) && defined(__AARCH64EL__) && defined(__GNUC__)

#include <arm_neon.h>
#include <sys/auxv.h>

#define CRC32_FOLDS
#define CRC32_TARGET
#define CRC32_FEATURE "pmull"

typedef uint64x2_t crc32_block;

static inline bool
crc32_can_fold(void)
{
	return getauxval(AT_HWCAP) & HWCAP_PMULL;
}

static inline crc32_block
crc32_set(uint64_t high, uint64_t low)
{
	return vcombine_u64(vcreate_u64(low), vcreate_u64(high));
}

static inline crc32_block
crc32_load(const unsigned char *p)
{
	return vreinterpretq_u64_u8(vld1q_u8(p));
}

static inline void
crc32_store(unsigned char *p, crc32_block a)
{
	vst1q_u8(p, vreinterpretq_u8_u64(a));
}

static inline crc32_block
crc32_add(crc32_block a, crc32_block b)
{
	return veorq_u64(a, b);
}

/*
 * As above.  Assembler, since older compilers have the functions for it only if
 * the whole file is for such processors.
 */
static inline crc32_block
crc32_fold(crc32_block block, crc32_block by, crc32_block data)
{
	crc32_block low, high;

	__asm__(".arch_extension crypto\n\t"
		"pmull %0.1q, %2.1d, %3.1d\n\t"
		"pmull2 %1.1q, %2.2d, %3.2d"
		: "=&w"(low), "=w"(high)
		: "w"(block), "w"(by));
	return crc32_add(crc32_add(low, high), data);
}

/*
 * Some of these processors cannot multiply so, but have instructions for this
 * CRC, which short runs are quicker by as well.  Debian's zlib has neither.
 */
#define CRC32_WORDS

static inline bool
crc32_has_words(void)
{
	return getauxval(AT_HWCAP) & HWCAP_CRC32;
}

static uint32_t
crc32_by_words(uint32_t crc, const unsigned char *p, size_t len)
{
	uint64_t word;

	crc = ~crc;
	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		__asm__(".arch_extension crc\n\t"
			"crc32x %w0, %w0, %x1"
			: "+r"(crc)
			: "r"(word));
	}
	for (; len > 0; p++, len--)
		__asm__(".arch_extension crc\n\t"
			"crc32b %w0, %w0, %w1"
			: "+r"(crc)
			: "r"(*p));
	return ~crc;
}

#endif

/* Without a multiplication. */
static inline uint32_t
crc32_plain(uint32_t crc, const unsigned char *p, size_t len)
{
#ifdef CRC32_WORDS
	if (crc32_has_words())
		return crc32_by_words(crc, p, len);
#endif
	if (len == 0)
		return crc; /* zlib takes a null pointer for a reset */
	return (uint32_t)crc32_z(crc, p, len);
}

#ifdef CRC32_FOLDS

#define CRC32_BLOCK 16
#define CRC32_STEP  (4 * CRC32_BLOCK)

#define CRC32_FOLD_512_LOW  0x154442bd4 /* x^(512 + 32) mod P */
#define CRC32_FOLD_512_HIGH 0x1c6e41596 /* x^(512 - 32) mod P */
#define CRC32_FOLD_128_LOW  0x1751997d0 /* x^(128 + 32) mod P */
#define CRC32_FOLD_128_HIGH 0x0ccaa009e /* x^(128 - 32) mod P */

/* len >= CRC32_STEP */
static uint32_t CRC32_TARGET
crc32_folded(uint32_t crc, const unsigned char *p, size_t len)
{
	const crc32_block by512 =
		crc32_set(CRC32_FOLD_512_HIGH, CRC32_FOLD_512_LOW);
	const crc32_block by128 =
		crc32_set(CRC32_FOLD_128_HIGH, CRC32_FOLD_128_LOW);
	unsigned char rest[CRC32_BLOCK];
	crc32_block a, b, c, d;

	/* The CRC of what came before is added to the first 32 bits. */
	a = crc32_add(crc32_load(p), crc32_set(0, (uint32_t)~crc));
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
	crc32_store(rest, a);

	/* What is given is inverted: 0xffffffff starts from nothing. */
	crc = crc32_plain(0xffffffff, rest, sizeof(rest));
	return crc32_plain(crc, p, len);
}

#endif

uint32_t
sm_crc32(uint32_t crc, const void *data, size_t len)
{
#ifdef CRC32_WIDE
	unsigned char rest[CRC32_WIDE_BLOCK];
	size_t whole = len - len % CRC32_WIDE_STEP;

	if (len >= CRC32_WIDE && crc32_can_fold_wide()) {
		crc32_fold_wide(rest, crc, data, whole);
		/* 0xffffffff starts from nothing. */
		crc = crc32_plain(0xffffffff, rest, sizeof(rest));
		data = (const unsigned char *)data + whole;
		len -= whole;
	}
#endif
#ifdef CRC32_FOLDS
	if (len >= CRC32_STEP && crc32_can_fold())
		return crc32_folded(crc, data, len);
#endif
	return crc32_plain(crc, data, len);
}

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

const char *
sm_crc32_feature(void)
{
#ifdef CRC32_WIDE
	if (crc32_can_fold_wide())
		return "vpclmulqdq";
#endif
#ifdef CRC32_FOLDS
	if (crc32_can_fold())
		return CRC32_FEATURE;
#endif
#ifdef CRC32_WORDS
	if (crc32_has_words())
		return "crc32";
#endif
	return NULL;
}

const char *
sm_crc32_zlib(void)
{
	return zlibVersion();
}
