/*
 * defblock.h - deflate blocks from text and the matches found in it
 *
 *	sm_defblock_begin(), sm_defblock_put() for each run of text,
 *	sm_defblock_end()
 *
 * The caller describes a run of text as sequences, each some literals and then
 * a match; the last one has no match.  sm_defblock_put() counts the symbols,
 * builds the codes that are best for just these, and begins a block with
 * whichever is smaller, its own codes or the fixed ones of RFC 1951, 3.2.6.
 * The block goes on as long as the runs that follow suit its codes.
 *
 * What the caller owes: the sequences add up to the text; a match's bytes are
 * those `dist` before, within the shard; eight bytes after the text are
 * readable, whatever they hold.
 *
 * Symbols for literals are looked up in pairs of digits, eight bytes at once:
 * number text is most of what is left when the structure is taken out.
 */
#ifndef SM_DEFBLOCK_H
#define SM_DEFBLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "bitput.h"

#include "deflate.h"
#include "defwrite.h"

/*
 * Bytes that a run of `n` bytes can take.  With codes made for other text a
 * literal has at most 14 bits and a match, of 3 bytes or more, at most 47 (14 +
 * 5 for its length, 15 + 13 for its distance): twice the text at most.  With
 * its own, which are used only if they are smaller than the fixed ones, it is
 * 9/8 of the text.  Then 14 bits to end a block, 3 to begin one, 14 to end
 * that, up to 7 from the run before.
 */
#define SM_DEFBLOCK_BOUND(n) (2 * (n) + 40 + SM_BITPUT_SPARE)

/* Sixteenths of a bit, to weigh one way to write a text against another. */
struct sm_defcost {
	uint16_t len[SM_DEFLATE_MATCH_MAX + 1];
	uint16_t dist[30]; /* by sm_deflate_dist_code() */
	uint16_t literal;  /* on average */
};

struct sm_defblock;

struct sm_defblock *sm_defblock_new(void); /* NULL: no memory */
void sm_defblock_free(struct sm_defblock *b);

/* What symbols cost before any block was written: a guess, always the same. */
void sm_defblock_guess(struct sm_defcost *cost);

/*
 * For tests that compare: do without what only some processors can, from the
 * next sm_defblock_begin() on.  The bytes are the same.
 */
void sm_defblock_plain(struct sm_defblock *b);

/* No block is open; also the way to forget one. */
void sm_defblock_begin(struct sm_defblock *b);
/*
 * Write a run to `o`, which has room for SM_DEFBLOCK_BOUND(run->len); no block
 * is marked as the last one.  `cost` is set to what symbols cost by the block's
 * codes, when these are new.
 */
void sm_defblock_put(struct sm_defblock *b, struct sm_bitput *o,
		     struct sm_defcost *cost, const struct sm_defrun *run);
/* End the block, if one is open; 14 bits at most. */
void sm_defblock_end(struct sm_defblock *b, struct sm_bitput *o);

/* An empty stored block: after it the stream is at a byte boundary. */
void sm_defblock_align(struct sm_bitput *o);

#endif /* SM_DEFBLOCK_H */
