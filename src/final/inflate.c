/*
 * Bounds.  A step of inflate_coded() reads at most 16 bytes of input (two
 * refills of at most 8) and writes at most SM_INFLATE_OUT_SLACK; it begins only
 * below both limits.  At the end of all input the limit is after it, within
 * the slack: what is decoded from there is found to be too much when the bytes
 * that were not used are put back, and the caller hears BAD.
 */
#include <string.h>

#include "bitput.h"

#include "inflate.h"
#include "inflate_entry.h"

/* Of one step; the input's slack is twice that. */
#define STEP_IN 16

#define LITLEN_MASK ((1u << SM_INFLATE_LITLEN_BITS) - 1)
#define DIST_MASK   ((1u << SM_INFLATE_DIST_BITS) - 1)

/* What is read while a block is decoded: locals, which stay in registers. */
struct bits {
	const unsigned char *in;
	uint64_t bits;  /* above COUNT there may be more of the same input */
	unsigned count; /* in its lowest six bits; see bits_drop() */
};

#define COUNT(b) ((b)->count & 63)

/* Have 56 bits or more.  What is above COUNT is read again as it was. */
static inline void
bits_refill(struct bits *b)
{
	b->bits |= sm_load64(b->in) << COUNT(b);
	b->in += (63 - COUNT(b)) >> 3;
	b->count = COUNT(b) | 56;
}

/*
 * As many bits as the lowest six of `n` say: it may be a table's entry as it
 * is. What is above them changes nothing in the same bits of the difference.
 */
static inline void
bits_drop(struct bits *b, uint32_t n)
{
	b->bits >>= n & 63;
	b->count -= n;
}

static inline unsigned
bits_take(struct bits *b, unsigned n)
{
	unsigned v = (unsigned)b->bits & ((1u << n) - 1);

	bits_drop(b, n);
	return v;
}

static struct bits
inflate_load(const struct sm_inflate *z)
{
	return (struct bits){ z->in, z->bits, z->count };
}

/* Put whole bytes back; false if more was used than there is. */
static bool
inflate_save(struct sm_inflate *z, const struct bits *b)
{
	z->in = b->in - (COUNT(b) >> 3);
	z->count = b->count & 7;
	z->bits = b->bits & ((1u << z->count) - 1);
	return z->in <= z->in_end;
}

void
sm_inflate_reset(struct sm_inflate *z)
{
	z->bits = 0;
	z->count = 0;
	z->state = SM_INFLATE_HEAD;
	z->last = false;
	z->stored = 0;
}

/* --------------------------------------------------------------- heads -- */

/* The code of the code lengths. */
static bool
head_clens(uint32_t *table, struct bits *b, unsigned n)
{
	static const uint8_t order[SM_INFLATE_CLENS] = {
		16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15
	};
	uint8_t len[SM_INFLATE_CLENS] = { 0 };
	unsigned i;

	for (i = 0; i < n; i++) {
		bits_refill(b);
		len[order[i]] = (uint8_t)bits_take(b, 3);
	}
	return sm_inflate_clen_table(table, len);
}

/* A block with codes of its own. */
static bool
head_dynamic(struct sm_inflate *z, struct bits *b)
{
	uint32_t clen[1 << SM_INFLATE_CLEN_BITS], e;
	uint8_t len[286 + 30 + 138] = { 0 };
	unsigned litlens, dists, i, n, symbol;

	bits_refill(b);
	litlens = bits_take(b, 5) + 257;
	dists = bits_take(b, 5) + 1;
	n = bits_take(b, 4) + 4;
	if (litlens > 286 || dists > 30 || !head_clens(clen, b, n))
		return false;
	/* At most 320 times 14 bits: within SM_INFLATE_IN_MIN bytes. */
	for (i = 0; i < litlens + dists;) {
		if (b->in > z->in_end + 8)
			return false;
		bits_refill(b);
		e = clen[b->bits & ((1u << SM_INFLATE_CLEN_BITS) - 1)];
		bits_drop(b, e & 15);
		symbol = e >> 8;
		if (symbol < 16) {
			len[i++] = (uint8_t)symbol;
			continue;
		}
		if (symbol == 16) {
			if (i == 0)
				return false;
			n = 3 + bits_take(b, 2);
			memset(len + i, len[i - 1], n);
		} else {
			n = symbol == 17 ? 3 + bits_take(b, 3)
					 : 11 + bits_take(b, 7);
		}
		i += n;
	}
	return i == litlens + dists &&
	       sm_inflate_litlen_table(z->litlen, len, litlens) &&
	       sm_inflate_dist_table(z->dist, len + litlens, dists);
}

static bool
head_fixed(struct sm_inflate *z)
{
	uint8_t len[288];
	unsigned i;

	for (i = 0; i < 288; i++)
		len[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
	if (!sm_inflate_litlen_table(z->litlen, len, 288))
		return false;
	memset(len, 5, 32);
	return sm_inflate_dist_table(z->dist, len, 32);
}

static bool
head_stored(struct sm_inflate *z, struct bits *b)
{
	unsigned n;

	bits_drop(b, b->count & 7);
	bits_refill(b);
	n = bits_take(b, 16);
	if (bits_take(b, 16) != (n ^ 0xffff))
		return false;
	z->stored = n;
	return true;
}

/* A block's description. */
static bool
inflate_head(struct sm_inflate *z)
{
	struct bits b = inflate_load(z);
	bool ok = false;

	bits_refill(&b);
	z->last = bits_take(&b, 1);
	switch (bits_take(&b, 2)) {
	case 0:
		z->state = SM_INFLATE_STORED;
		ok = head_stored(z, &b);
		break;
	case 1:
		z->state = SM_INFLATE_CODED;
		ok = head_fixed(z);
		break;
	case 2:
		z->state = SM_INFLATE_CODED;
		ok = head_dynamic(z, &b);
		break;
	}
	return inflate_save(z, &b) && ok;
}

/* -------------------------------------------------------------- blocks -- */

/* Copy a match: up to 29 bytes after it are overwritten. */
static inline unsigned char *
copy_match(unsigned char *out, uint32_t dist, uint32_t len)
{
	const unsigned char *from = out - dist;
	unsigned char *end = out + len;

	if (dist >= 16) {
		/* Most are no longer than this, and a copy costs no guess. */
		memcpy(out, from, 16);
		memcpy(out + 16, from + 16, 16);
		for (out += 32; out < end; out += 16) {
			from += 16;
			memcpy(out, from + 16, 16);
		}
	} else if (dist == 1) {
		memset(out, *from, len);
	} else {
		do {
			*out++ = *from++;
		} while (out < end);
	}
	return end;
}

static inline void
put_literals(unsigned char **out, struct bits *b, uint32_t e)
{
	uint32_t three = e >> 8;

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	three = __builtin_bswap32(three);
#endif
	memcpy(*out, &three, 4);
	*out += ENTRY_LITERAL_COUNT(e);
	bits_drop(b, e);
}

/* Base and extra bits of an entry. */
static inline uint32_t
take_value(struct bits *b, uint32_t e)
{
	uint64_t bits = b->bits & ((UINT64_C(1) << ENTRY_BITS(e)) - 1);

	bits_drop(b, e);
	return ENTRY_BASE(e) + (uint32_t)(bits >> ENTRY_WORD_BITS(e));
}

/*
 * Go on in a block: OUT or IN, where it did not end; END where it did.  All in
 * one function, so that what is read and written stays in registers.
 */
static inline __attribute__((always_inline)) enum sm_inflate_why
inflate_coded_any(struct sm_inflate *z)
{
	const uint32_t *litlen = z->litlen, *dists = z->dist;
	const unsigned char *in_limit = z->in_end;
	unsigned char *out = z->out, *out_limit = z->out_end;
	struct bits b = inflate_load(z);
	enum sm_inflate_why why;
	uint32_t e, len, dist;

	if (z->in_last)
		in_limit += SM_INFLATE_IN_SLACK - STEP_IN;
	else if (z->in_end - z->in >= STEP_IN)
		in_limit -= STEP_IN;
	else
		return SM_INFLATE_IN;

	for (;;) {
		if (b.in >= in_limit || out >= out_limit) {
			why = out >= out_limit ? SM_INFLATE_OUT : SM_INFLATE_IN;
			break;
		}
		bits_refill(&b);
		e = litlen[b.bits & LITLEN_MASK];
		if (ENTRY_IS_LITERAL(e)) {
			put_literals(&out, &b, e);
			e = litlen[b.bits & LITLEN_MASK];
			if (ENTRY_IS_LITERAL(e)) {
				put_literals(&out, &b, e);
				e = litlen[b.bits & LITLEN_MASK];
				if (ENTRY_IS_LITERAL(e)) {
					put_literals(&out, &b, e);
					continue;
				}
			}
		}
		/* 34 bits are left here: a word of 15, and extra bits. */
		if (!ENTRY_IS_VALUE(e)) {
			if (ENTRY_IS_SUB(e)) {
				bits_drop(&b, SM_INFLATE_LITLEN_BITS);
				e = litlen[ENTRY_BASE(e) +
					   (b.bits &
					    ((1u << ENTRY_BITS(e)) - 1))];
				if (ENTRY_IS_LITERAL(e)) {
					put_literals(&out, &b, e);
					continue;
				}
			}
			if (!ENTRY_IS_VALUE(e)) {
				bits_drop(&b, e);
				why = ENTRY_IS_END(e) ? SM_INFLATE_END
						      : SM_INFLATE_BAD;
				break;
			}
		}
		len = take_value(&b, e);
		bits_refill(&b);
		e = dists[b.bits & DIST_MASK];
		if (!ENTRY_IS_VALUE(e)) {
			if (ENTRY_IS_SUB(e)) {
				bits_drop(&b, SM_INFLATE_DIST_BITS);
				e = dists[ENTRY_BASE(e) +
					  (b.bits &
					   ((1u << ENTRY_BITS(e)) - 1))];
			}
			if (!ENTRY_IS_VALUE(e)) {
				why = SM_INFLATE_BAD;
				break;
			}
		}
		dist = take_value(&b, e);
		if (dist > (size_t)(out - z->floor)) {
			why = SM_INFLATE_BAD;
			break;
		}
		out = copy_match(out, dist, len);
	}
	z->out = out;
	return inflate_save(z, &b) ? why : SM_INFLATE_BAD;
}

#if defined(__x86_64__) && defined(__GNUC__)
/* Shifts by a register other than CL: some percent of the time. */
static __attribute__((target("bmi2"))) enum sm_inflate_why
inflate_coded_bmi2(struct sm_inflate *z)
{
	return inflate_coded_any(z);
}

const char *
sm_inflate_feature(void)
{
	if (__builtin_cpu_supports("bmi2"))
		return "bmi2";
	return NULL;
}

static enum sm_inflate_why
inflate_coded(struct sm_inflate *z)
{
	if (__builtin_cpu_supports("bmi2"))
		return inflate_coded_bmi2(z);
	return inflate_coded_any(z);
}
#else
const char *
sm_inflate_feature(void)
{
	return NULL;
}

static enum sm_inflate_why
inflate_coded(struct sm_inflate *z)
{
	return inflate_coded_any(z);
}
#endif

/* Go on in a stored block, at a byte boundary: as inflate_coded(). */
static enum sm_inflate_why
inflate_stored(struct sm_inflate *z)
{
	size_t n = z->stored, in = (size_t)(z->in_end - z->in);
	size_t out = z->out < z->out_end ? (size_t)(z->out_end - z->out) : 0;

	if (n > in)
		n = in;
	if (n > out)
		n = out;
	memcpy(z->out, z->in, n);
	z->out += n;
	z->in += n;
	z->stored -= (uint32_t)n;
	if (z->stored == 0)
		return SM_INFLATE_END;
	return n == out ? SM_INFLATE_OUT : SM_INFLATE_IN;
}

enum sm_inflate_why
sm_inflate(struct sm_inflate *z)
{
	enum sm_inflate_why why;
	bool empty;

	for (;;) {
		empty = false;
		if (z->state == SM_INFLATE_HEAD) {
			if (z->in_last && z->in == z->in_end && z->count == 0)
				return SM_INFLATE_DRY;
			if (!z->in_last &&
			    z->in_end - z->in < SM_INFLATE_IN_MIN)
				return SM_INFLATE_IN;
			if (!inflate_head(z))
				return SM_INFLATE_BAD;
			empty = z->state == SM_INFLATE_STORED && z->stored == 0;
		}
		why = z->state == SM_INFLATE_STORED ? inflate_stored(z)
						    : inflate_coded(z);
		/* There is no more: what is asked for will not come. */
		if (why == SM_INFLATE_IN && z->in_last)
			return SM_INFLATE_BAD;
		if (why != SM_INFLATE_END)
			return why;
		z->state = SM_INFLATE_HEAD;
		if (z->last) {
			z->bits = 0;
			z->count = 0;
			return SM_INFLATE_END;
		}
		if (empty)
			return SM_INFLATE_FLUSH;
		if (z->by_block)
			return SM_INFLATE_BLOCK;
	}
}
