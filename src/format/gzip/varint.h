/*
 * varint.h - numbers as notes have them: LEB128, seven bits a byte
 */
#ifndef SM_VARINT_H
#define SM_VARINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline unsigned char *
sm_varint_put(unsigned char *p, uint64_t v)
{
	for (; v >= 128; v >>= 7)
		*p++ = (unsigned char)(v | 128);
	*p++ = (unsigned char)v;
	return p;
}

/* From *p on, below `end`; false if there is none. */
static inline bool
sm_varint_get(uint64_t *v, const unsigned char **p, const unsigned char *end)
{
	unsigned shift;

	*v = 0;
	for (shift = 0; *p < end && shift < 64; shift += 7) {
		*v |= (uint64_t)(**p & 127) << shift;
		if (*(*p)++ < 128)
			return true;
	}
	return false;
}

#endif /* SM_VARINT_H */
