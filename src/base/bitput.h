/*
 * bitput.h - write bits, lowest first, as RFC 1951 packs them
 *
 *	struct sm_bitput o = { .next = buffer };
 *	sm_bitput_add(&o, bits, n);     any number of times, then
 *	sm_bitput_flush(&o);            moves whole bytes out
 *
 * Between two flushes at most SM_BITPUT_MAX bits may be added: a flush leaves
 * up to 7 in place, and 64 fit.  A flush stores eight bytes whatever their use,
 * so the buffer needs as many to spare.  Nothing is checked here; the caller
 * knows the bound of what it writes.
 */
#ifndef SM_BITPUT_H
#define SM_BITPUT_H

#include <stdint.h>
#include <string.h>

#define SM_BITPUT_MAX   56
#define SM_BITPUT_SPARE 8

struct sm_bitput {
	unsigned char *next;
	uint64_t bits;  /* not yet stored; zero above `count` */
	unsigned count; /* of `bits` */
};

/* Bytes as a number, the first the lowest, on any machine. */
static inline uint64_t
sm_load64(const unsigned char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

static inline uint32_t
sm_load32(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap32(v);
#endif
	return v;
}

static inline void
sm_store64(unsigned char *p, uint64_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	memcpy(p, &v, sizeof(v));
}

/* `bits` is below 2^n. */
static inline void
sm_bitput_add(struct sm_bitput *o, uint64_t bits, unsigned n)
{
	o->bits |= bits << o->count;
	o->count += n;
}

static inline void
sm_bitput_flush(struct sm_bitput *o)
{
	sm_store64(o->next, o->bits);
	o->next += o->count >> 3;
	o->bits >>= o->count & ~7u;
	o->count &= 7;
}

/* Zero bits up to the next byte boundary. */
static inline void
sm_bitput_align(struct sm_bitput *o)
{
	o->count = (o->count + 7) & ~7u;
	sm_bitput_flush(o);
}

#endif /* SM_BITPUT_H */
