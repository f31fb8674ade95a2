/*
 * defblock.h - one deflate block from text and the matches found in it
 *
 * The caller describes a run of text as sequences, each some literals and then
 * a match; the last one has no match.  sm_defblock_put() counts the symbols,
 * builds the codes that are best for just these, and writes the block with
 * whichever is smaller, its own codes or the fixed ones of RFC 1951, 3.2.6.
 *
 * What the caller owes: the sequences add up to the text; a match's bytes are
 * those `dist` before, within the shard; the text has SM_DEFBLOCK_SLACK
 * readable bytes behind it, whatever they hold.
 *
 * Symbols for literals are looked up in pairs of digits, eight bytes at once:
 * number text is most of what is left when the structure is taken out.
 */
#ifndef SM_DEFBLOCK_H
#define SM_DEFBLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "bitput.h"

#define SM_DEFLATE_WINDOW 32768
#define SM_DEFLATE_MATCH_MIN 3
#define SM_DEFLATE_MATCH_MAX 258

#define SM_DEFBLOCK_SLACK 8

/*
 * Bytes that a block of `n` bytes of text can take: with the fixed codes a
 * literal has at most 9 bits and a match, of 3 bytes or more, at most 31 (8 + 5
 * for its length, 5 + 13 for its distance); own codes are used only if smaller.
 * Then 3 bits before, 7 after, up to 7 from the block before.
 */
#define SM_DEFBLOCK_BOUND(n) ((n) / 24 * 31 + 40 + SM_BITPUT_SPARE)

struct sm_defseq {
	uint32_t literals;
	uint16_t len;  /* 3 to 258; 0: no match, in the last sequence only */
	uint16_t dist; /* 1 to 32768 */
};

/* Sixteenths of a bit, to weigh one way to write a text against another. */
struct sm_defcost {
	uint16_t len[SM_DEFLATE_MATCH_MAX + 1];
	uint16_t dist[30]; /* by sm_defblock_dist_code() */
	uint16_t literal;  /* on average */
};

struct sm_defblock;

struct sm_defblock *sm_defblock_new(void); /* NULL: no memory */
void sm_defblock_free(struct sm_defblock *b);

/* What symbols cost before any block was written: a guess, always the same. */
void sm_defblock_guess(struct sm_defcost *cost);

/*
 * Write the block, not marked as the last one, to `o`, which has room for
 * SM_DEFBLOCK_BOUND() bytes; `cost` is set to what its symbols cost.
 */
void sm_defblock_put(struct sm_defblock *b, struct sm_bitput *o,
		     struct sm_defcost *cost, const unsigned char *text,
		     const struct sm_defseq *seq, size_t seqs);

/* An empty stored block: the stream is at a byte boundary behind it. */
void sm_defblock_align(struct sm_bitput *o);

/* Distance code (RFC 1951, 3.2.5), and the number of its extra bits. */
static inline unsigned
sm_defblock_dist_code(unsigned dist)
{
	unsigned d = dist - 1, top;

	if (d < 4)
		return d;
	top = 31 - (unsigned)__builtin_clz(d);
	return 2 * top + (d >> (top - 1) & 1);
}

static inline unsigned
sm_defblock_dist_extra(unsigned code)
{
	return code < 4 ? 0 : (code >> 1) - 1;
}

#endif /* SM_DEFBLOCK_H */
