/*
 * defcode.h - the two codes of a deflate block (defblock.c only)
 *
 *	sm_defcode_clear(), symbols counted in `count`, sm_defcode_sum_up(),
 *	then sm_defcode_make() for the codes that are best for them, or
 *	sm_defcode_bits() for what they take with the codes made before
 *
 * Digits may be counted, and are looked up, in pairs: each digit a value of 0
 * to 9, and a 10 in place of one that is not there.  Matches are counted by
 * their length; both are brought to symbols by sm_defcode_sum_up().
 */
#ifndef SM_DEFCODE_H
#define SM_DEFCODE_H

#include <stdbool.h>
#include <stdint.h>

#include "deflate.h"
#include "huffman.h"

#define SM_DEFCODE_LITLENS      288 /* the fixed code has two more than are used */
#define SM_DEFCODE_DISTS        30
#define SM_DEFCODE_LITLEN_LIMIT 14 /* bits */
#define SM_DEFCODE_DIST_LIMIT   15

#define SM_DEFCODE_NO_DIGIT   10
#define SM_DEFCODE_PAIR(a, b) ((a)*11 + (b))
#define SM_DEFCODE_PAIRS      128

struct sm_defcount {
	uint32_t litlen[SM_DEFCODE_LITLENS];
	uint32_t dist[SM_DEFCODE_DISTS];
	uint32_t len[SM_DEFLATE_MATCH_MAX + 1];
	/* One table each for the four places in a group of digits. */
	uint32_t pair[4][SM_DEFCODE_PAIRS];
};

struct sm_defword {
	uint32_t bits;
	uint32_t n;
};

struct sm_defcode {
	struct sm_defcount count;
	unsigned type;                   /* BTYPE */
	struct sm_huffman_header header; /* of a dynamic block */
	uint8_t litlen_len[SM_DEFCODE_LITLENS], dist_len[SM_DEFCODE_DISTS];
	struct sm_defword literal[256];
	struct sm_defword pair[SM_DEFCODE_PAIRS];
	struct sm_defword len[SM_DEFLATE_MATCH_MAX + 1]; /* with extra bits */
	struct sm_defword dist[SM_DEFCODE_DISTS];
	struct sm_defword end; /* of the block */
};

void sm_defcode_clear(struct sm_defcode *c);
void sm_defcode_sum_up(struct sm_defcode *c);

/*
 * Make the codes, or take the fixed ones where these are smaller.  `all`: every
 * symbol is to have a code, counted or not, for text that is not known yet.
 */
void sm_defcode_make(struct sm_defcode *c, bool all);

/*
 * Bits of what is counted, without the extra ones, which are always the same.
 */
uint64_t sm_defcode_bits(const struct sm_defcode *c);

/* BTYPE and what follows it, up to the first symbol. */
void sm_defcode_put(struct sm_bitput *o, const struct sm_defcode *c);

/* Length code (RFC 1951, 3.2.5) less 257, and its number of extra bits. */
static inline unsigned
sm_defcode_of_len(unsigned len, unsigned *extra_bits)
{
	unsigned l = len - SM_DEFLATE_MATCH_MIN, top;

	*extra_bits = 0;
	if (len == SM_DEFLATE_MATCH_MAX)
		return 28;
	if (l < 8)
		return l;
	top = 31 - (unsigned)__builtin_clz(l);
	*extra_bits = top - 2;
	return 4 * (top - 1) + (l >> (top - 2) & 3);
}

#endif /* SM_DEFCODE_H */
