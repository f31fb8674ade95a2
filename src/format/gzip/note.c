#include <string.h>

#include "bitput.h"
#include "bytes.h"

#include "note.h"

#define NOTE_VERSION   1
#define NOTE_KIND_ROWS 1

/* Words of the code lengths, the first bit lowest: RFC 1951, 3.2.2. */
#define WORD_8_9 2u /* 0 10 */
#define WORD_9_8 1u /* 10 0 */
#define WORD_1   3u /* 110 */
#define WORD_2   7u /* 111 */

#define SAYS_BITS (8 * SM_NOTE_SAYS_BYTES)
/* Bits of a block before those that say something. */
#define HEAD_BITS (3 + 14 + 19 * 3)

static const unsigned char note_magic[4] = { 'S', 'M', NOTE_VERSION,
					     NOTE_KIND_ROWS };

static void
note_put_block(unsigned char *dst, const unsigned char *says)
{
	/* 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1 15 */
	static const unsigned char clens[19] = { 0, 0, 0, 0, 1, 0, 2, 0, 0, 0,
						 0, 0, 0, 0, 0, 3, 0, 3, 0 };
	unsigned char buf[SM_NOTE_BLOCK_BYTES + SM_BITPUT_SPARE];
	struct sm_bitput o = { .next = buf };
	unsigned i;

	sm_bitput_add(&o, 2 << 1, 3); /* dynamic, not the last */
	sm_bitput_add(&o, 0, 5);      /* 257 literals and lengths */
	sm_bitput_add(&o, 2, 5);      /* 3 distances */
	sm_bitput_add(&o, 15, 4);     /* 19 code lengths */
	for (i = 0; i < 19; i++) {
		sm_bitput_add(&o, clens[i], 3);
		sm_bitput_flush(&o);
	}
	for (i = 0; i < SAYS_BITS; i++) {
		sm_bitput_add(
			&o, says[i / 8] >> i % 8 & 1 ? WORD_9_8 : WORD_8_9, 3);
		sm_bitput_flush(&o);
	}
	sm_bitput_add(&o, WORD_2, 3); /* the end */
	sm_bitput_add(&o, WORD_1 | WORD_2 << 3 | WORD_2 << 6, 9);
	sm_bitput_add(&o, 0, 2); /* and here it is */
	sm_bitput_flush(&o);
	memcpy(dst, buf, SM_NOTE_BLOCK_BYTES);
}

/* What the block at `p` says; false if it is none. */
static bool
note_get_block(unsigned char *says, const unsigned char *p)
{
	unsigned char again[SM_NOTE_BLOCK_BYTES];
	unsigned i, at = HEAD_BITS, word;

	memset(says, 0, SM_NOTE_SAYS_BYTES);
	for (i = 0; i < SAYS_BITS; i++, at += 3) {
		word = (p[at / 8] | (unsigned)p[at / 8 + 1] << 8) >> at % 8 & 7;
		if (word == WORD_9_8)
			says[i / 8] |= (unsigned char)(1u << i % 8);
	}
	note_put_block(again, says);
	return memcmp(again, p, sizeof(again)) == 0;
}

/* The bytes of `bits` that block `n` holds: where, and how many. */
static size_t
note_part(uint64_t *at, uint64_t *in_block, uint64_t n, uint64_t rows)
{
	uint64_t bytes = rows / 8 + (rows % 8 != 0), room;

	*in_block = n == 0 ? SM_NOTE_HEAD_BYTES : 0;
	*at = n == 0 ? 0 : n * SM_NOTE_SAYS_BYTES - SM_NOTE_HEAD_BYTES;
	room = SM_NOTE_SAYS_BYTES - *in_block;
	if (*at >= bytes)
		return 0;
	return (size_t)(bytes - *at < room ? bytes - *at : room);
}

void
sm_note_put(unsigned char *dst, uint64_t n, const unsigned char *bits,
	    uint64_t rows)
{
	unsigned char says[SM_NOTE_SAYS_BYTES] = { 0 };
	uint64_t at, in_block;
	size_t len = note_part(&at, &in_block, n, rows);

	if (n == 0) {
		memcpy(says, note_magic, sizeof(note_magic));
		sm_put_le(says + sizeof(note_magic), rows, 4);
	}
	memcpy(says + in_block, bits + at, len);
	note_put_block(dst, says);
}

bool
sm_note_begins(uint64_t *rows, const unsigned char *p)
{
	unsigned char says[SM_NOTE_SAYS_BYTES];

	/* All of a block but what it says, as far as whole bytes go. */
	if (p[0] != 4 || !note_get_block(says, p) ||
	    memcmp(says, note_magic, sizeof(note_magic)) != 0)
		return false;
	*rows = sm_get_le(says + sizeof(note_magic), 4);
	return true;
}

bool
sm_note_get(unsigned char *bits, uint64_t rows, uint64_t n,
	    const unsigned char *p)
{
	unsigned char says[SM_NOTE_SAYS_BYTES];
	uint64_t at, in_block;
	size_t len = note_part(&at, &in_block, n, rows);

	if (!note_get_block(says, p))
		return false;
	memcpy(bits + at, says + in_block, len);
	return true;
}

uint64_t
sm_note_count(const unsigned char *bits, uint64_t end)
{
	uint64_t n = 0, i;

	for (i = 0; i < end / 8; i++)
		n += (unsigned)__builtin_popcount(bits[i]);
	if (end % 8 != 0)
		n += (unsigned)__builtin_popcount(bits[i] &
						  ((1u << end % 8) - 1));
	return n;
}
