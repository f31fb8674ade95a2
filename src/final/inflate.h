/*
 * inflate.h - raw deflate (RFC 1951) back to text, from and to buffers
 *
 * For `cat`, where it is what all time goes into: two to three times as fast
 * as zlib, which remains what `verify` reads with.  It differs in three ways.
 * Text goes straight to where the caller wants it, and matches read from there,
 * so that nothing is copied into a window; up to three literals come out of
 * one look at a table; and bounds are looked at once per match or some
 * literals, because both buffers have bytes to spare.
 *
 *	zeroed struct, or sm_inflate_reset()
 *	fill in `in` and `out`, sm_inflate(), look at why it came back
 *
 * What comes in is bytes from outside: whatever they are, no memory but the
 * buffers' is touched, and the call ends.  That the text is the right one is
 * for the caller's CRC to say.
 */
#ifndef SM_INFLATE_H
#define SM_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SM_INFLATE_WINDOW 32768 /* as far as a match reaches back */

/* Bytes after in_end that may be read, whatever they hold. */
#define SM_INFLATE_IN_SLACK 32
/*
 * Bytes after out_end that may be written: at most 12 for literals, 258 for a
 * match, and 15 for copying 16 at once.
 */
#define SM_INFLATE_OUT_SLACK 320
/*
 * Input left that is not looked at before more of it comes: a block's
 * description, 17 + 19 * 3 + 316 * 14 bits at most, is read in one go.
 */
#define SM_INFLATE_IN_MIN 640

/*
 * One look at a table decides about so many bits.  12: three digits in most
 * looks; and both tables, 18 KiB, leave room in a first-level cache of 32.
 */
#define SM_INFLATE_LITLEN_BITS 12
#define SM_INFLATE_DIST_BITS   9
/*
 * Entries, with those for longer words, up to 15 bits: of a complete code, 2^s
 * entries for s bits more belong to s + 1 words or more.  So it is 8 / 4 for
 * each of 288 symbols at most, and 64 / 7 for each of 32.
 */
#define SM_INFLATE_LITLENS ((1 << SM_INFLATE_LITLEN_BITS) + 288 * 8 / 4)
#define SM_INFLATE_DISTS   ((1 << SM_INFLATE_DIST_BITS) + 32 * 64 / 7)

enum sm_inflate_why {
	SM_INFLATE_BAD = -1, /* no deflate, or it ends too soon */
	SM_INFLATE_IN,       /* fewer than SM_INFLATE_IN_MIN bytes are left */
	SM_INFLATE_OUT,      /* out_end was reached */
	SM_INFLATE_FLUSH,    /* an empty stored block ended: a byte boundary */
	SM_INFLATE_BLOCK,    /* another block ended, and by_block is set */
	SM_INFLATE_DRY,      /* nothing is left, at a boundary between blocks */
	SM_INFLATE_END,      /* the last block ended: a byte boundary */
};

struct sm_inflate {
	const unsigned char *in, *in_end;
	bool in_last;  /* nothing comes after in_end */
	bool by_block; /* come back after every block */
	/* Matches may read from `floor` on. */
	unsigned char *floor, *out, *out_end;

	/* What the call itself keeps. */
	uint64_t bits; /* read, not used: fewer than 8 between calls */
	unsigned count;
	enum sm_inflate_state {
		SM_INFLATE_HEAD, /* at a block's first bit */
		SM_INFLATE_STORED,
		SM_INFLATE_CODED,
	} state;
	bool last;       /* block */
	uint32_t stored; /* bytes left of a stored block */
	uint32_t litlen[SM_INFLATE_LITLENS];
	uint32_t dist[SM_INFLATE_DISTS];
};

void sm_inflate_reset(struct sm_inflate *z);

/*
 * Go on from z->in, to z->out, until one of the reasons above.  `in` and `out`
 * are where it stopped: whole bytes that are not used yet were put back.
 */
enum sm_inflate_why sm_inflate(struct sm_inflate *z);

/* The instruction of this CPU that it is made with; NULL: none of its own. */
const char *sm_inflate_feature(void);

/* Inside: tables of a block's codes, from their lengths; false: no code. */
bool sm_inflate_litlen_table(uint32_t *table, const uint8_t *len, unsigned n);
bool sm_inflate_dist_table(uint32_t *table, const uint8_t *len, unsigned n);
/* The code of the lengths: 7 bits at most, entries SYMBOL << 8 | bits. */
bool sm_inflate_clen_table(uint32_t *table, const uint8_t *len);

#define SM_INFLATE_CLENS     19
#define SM_INFLATE_CLEN_BITS 7

#endif /* SM_INFLATE_H */
