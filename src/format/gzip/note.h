/*
 * note.h - which rows of a batch were written, in the shard's deflate stream
 *
 * A row may have been dropped, so the text does not say which line belongs to
 * which row.  The note says it: one bit per row, at the start of the shard's
 * deflate bytes.  There it is kept whether shards are joined as members or
 * their insides into one, and every reader of gzip skips it: it consists of
 * dynamic blocks (RFC 1951, 3.2.7) without a symbol but the end, whose unused
 * code words' lengths are free to say something.
 *
 * A block is 59 bytes and says 128 bits.  Literals 2i and 2i + 1 have words of
 * 8 and 9 bits for a 0, of 9 and 8 for a 1; the end has one of 2 bits; three
 * distances have 1, 2 and 2.  Whatever the bits, the code is complete:
 * 128 / 256 + 128 / 512 + 1 / 4 = 1.  Lengths 8, 9, 1, 2 have words of 1, 2, 3
 * and 3 bits and all 19 of these are listed, so that a block is
 * 3 + 14 + 57 + 128 * 3 + 3 + 9 + 2 = 472 bits and ends on a byte boundary.
 *
 * The first block says "SM", version(1), kind(1), rows(4), and the bits of 64
 * rows, the first in the lowest bit; each further one those of 128.
 */
#ifndef SM_NOTE_H
#define SM_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SM_NOTE_BLOCK_BYTES 59
#define SM_NOTE_SAYS_BYTES  16 /* one block */
#define SM_NOTE_HEAD_BYTES  8
#define SM_NOTE_ROWS_MAX    UINT32_MAX

/* Blocks of a note of so many rows. */
static inline uint64_t
sm_note_blocks(uint64_t rows)
{
	return (SM_NOTE_HEAD_BYTES + rows / 8 + (rows % 8 != 0) +
		SM_NOTE_SAYS_BYTES - 1) /
	       SM_NOTE_SAYS_BYTES;
}

/*
 * Write block `n` of the note that says `bits`, (rows + 7) / 8 bytes, to `dst`
 * (SM_NOTE_BLOCK_BYTES).
 */
void sm_note_put(unsigned char *dst, uint64_t n, const unsigned char *bits,
		 uint64_t rows);

/*
 * Does a note begin with the block at `p` (SM_NOTE_BLOCK_BYTES)?  If so, of
 * how many rows?
 */
bool sm_note_begins(uint64_t *rows, const unsigned char *p);
/* Take in block `n` at `p`; false if it is none of such a note. */
bool sm_note_get(unsigned char *bits, uint64_t rows, uint64_t n,
		 const unsigned char *p);

/* How many of the rows from 0 to `end` - 1 were written. */
uint64_t sm_note_count(const unsigned char *bits, uint64_t end);

#endif /* SM_NOTE_H */
