/*
 * bytes.h - numbers as little-endian bytes, as every format here has them, and
 * as big-endian ones of files that others write
 */
#ifndef SM_BYTES_H
#define SM_BYTES_H

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
