/*
 * note.h - what a file says of itself, inside the deflate stream
 *
 * A note is a row of dynamic blocks (RFC 1951, 3.2.7) without a symbol but the
 * end.  Every reader of gzip skips it; the lengths of the code words that are
 * not used say something.
 *
 * A block has 109 bytes and says 60.  Its 256 literals are 16 groups of 16.  A
 * literal has no word, or one of 9, 8, 7 or 6 bits, which takes 0, 1, 2, 4 or 8
 * parts of 512 of the code; those of a group have 28 together, which they share
 * in one of 1,142,589,584 ways, of which the first 2^30 say 30 bits.  The end
 * has a word of 3 bits, and so have eight distances.  The code is complete
 * whatever is said: 16 * 28 / 512 + 1 / 8 = 1.  Each length is sent in three
 * bits: readers are slower at lengths that are sent in few bits or many.
 *
 * The blocks of a note say, one after the other, "SM", version and type (1:
 * version * 16 + type), the length of the body (3, little-endian), the body,
 * the CRC-32 of all of these (4), and zeros to the last block's end.
 *
 * There is one block for what is said, and a reader refuses every other, so
 * that a bit that is not as it was written is found.
 */
#ifndef SM_NOTE_H
#define SM_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SM_NOTE_VERSION     2
#define SM_NOTE_BLOCK_BYTES 109
#define SM_NOTE_SAYS_BYTES  60 /* one block */
#define SM_NOTE_AROUND      10 /* what is said beside the body */
#define SM_NOTE_BODY_MAX    1024
#define SM_NOTE_MARK_BYTES  7 /* with which each block begins */

/* File bytes of a note whose body has so many. */
#define SM_NOTE_BYTES(body)                                                    \
	(((body) + SM_NOTE_AROUND + SM_NOTE_SAYS_BYTES - 1) /                  \
	 SM_NOTE_SAYS_BYTES * SM_NOTE_BLOCK_BYTES)
#define SM_NOTE_BYTES_MAX SM_NOTE_BYTES(SM_NOTE_BODY_MAX)

enum sm_note_type {
	SM_NOTE_ROWS = 1,
	SM_NOTE_INDEX = 2,
	SM_NOTE_END = 3,
};

struct sm_note {
	unsigned version, type;
	size_t len;     /* of the body */
	size_t bytes;   /* in the file */
	uint32_t crc32; /* what it says of itself */
	unsigned char body[SM_NOTE_BODY_MAX];
};

extern const unsigned char sm_note_mark[SM_NOTE_MARK_BYTES];

/*
 * Write a note of `len` <= SM_NOTE_BODY_MAX bytes to `dst`, which has room for
 * SM_NOTE_BYTES(len): its size and, unless NULL, its CRC.
 */
size_t sm_note_put(unsigned char *dst, uint32_t *crc32, enum sm_note_type type,
		   const unsigned char *body, size_t len);
/* Is there a whole note at `p`, byte for byte as it is written? */
bool sm_note_get(struct sm_note *n, const unsigned char *p, size_t len);

/*
 * Row notes: which rows of a batch have a line?  The text does not say it where
 * rows were dropped.  The body is the first row of the note, counted in the
 * batch, and how many there are (LEB128), and a bit for each, the first lowest.
 *
 * A note speaks of rows whose text is before it, and of 4,096 at most: with an
 * index note after it there are no 3,600 bytes without text, which is where
 * Tcl's reader of a pipe gives up.  Rows after a note that none speaks of were
 * left out.  Those before the first have a line each, or none: the records of
 * the batch less those of its notes are so many, or 0.
 */
#define SM_NOTE_ROWS_MAX   4096
#define SM_NOTE_ROWS_BYTES SM_NOTE_BYTES(10 + 2 + SM_NOTE_ROWS_MAX / 8)

size_t sm_note_put_rows(unsigned char *dst, uint64_t first, unsigned rows,
			const unsigned char *bits);
/* Of `n`, which sm_note_get() has read: false if it is no row note. */
bool sm_note_get_rows(uint64_t *first, unsigned *rows,
		      const unsigned char **bits, const struct sm_note *n);

/* How many of the rows from 0 to `end` - 1 were written. */
uint64_t sm_note_count(const unsigned char *bits, uint64_t end);

#endif /* SM_NOTE_H */
