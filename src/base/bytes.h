/*
 * bytes.h - numbers as little-endian bytes, as every format here has them, and
 * as big-endian ones of files that others write
 */
#ifndef SM_BYTES_H
#define SM_BYTES_H

#include <stddef.h>
#include <stdint.h>

static inline void
sm_put_le(unsigned char *p, uint64_t v, unsigned width)
{
	unsigned i;

	for (i = 0; i < width; i++)
		p[i] = (unsigned char)(v >> (8 * i));
}

static inline uint64_t
sm_get_le(const unsigned char *p, unsigned width)
{
	uint64_t v = 0;
	unsigned i;

	for (i = 0; i < width; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

/*
 * Bytes of the UTF-8 character (RFC 3629) that `s` begins with, of `len` bytes;
 * 0: it begins with none.
 */
static inline unsigned
sm_utf8_bytes(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned n = 4, i;

	if (len == 0 || p[0] < 0x80)
		return len > 0;
	if (p[0] < 0xe0)
		n = 2;
	else if (p[0] < 0xf0)
		n = 3;
	if (p[0] < 0xc2 || p[0] > 0xf4 || len < n)
		return 0;
	for (i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* Longer than need be, surrogates, above U+10FFFF. */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static inline uint64_t
sm_get_be(const unsigned char *p, unsigned width)
{
	uint64_t v = 0;
	unsigned i;

	for (i = 0; i < width; i++)
		v = v << 8 | p[i];
	return v;
}

#endif /* SM_BYTES_H */
