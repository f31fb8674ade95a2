/*
 * hash.h - 64-bit FNV-1a (Fowler, Noll, Vo; RFC 9923): fingerprints and list
 * digests.  It guards against mistakes, not against an adversary.
 */
#ifndef SM_HASH_H
#define SM_HASH_H

#include <stddef.h>
#include <stdint.h>

#define SM_HASH_INIT UINT64_C(0xcbf29ce484222325)

static inline uint64_t
sm_hash(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len--)
		h = (h ^ *p++) * UINT64_C(0x100000001b3);
	return h;
}

/* A number as its eight bytes, lowest first, whatever the machine's order. */
static inline uint64_t
sm_hash_u64(uint64_t h, uint64_t v)
{
	unsigned char b[8];
	int i;

	for (i = 0; i < 8; i++)
		b[i] = (unsigned char)(v >> (8 * i));
	return sm_hash(h, b, sizeof(b));
}

#endif /* SM_HASH_H */
