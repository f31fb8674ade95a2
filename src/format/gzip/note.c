/*
 * note.c - notes inside the deflate stream, to bytes and back
 *
 * The first half knows blocks, the second what the blocks of a note say.  What
 * index and end notes mean is gzip.c's.
 */
#include <assert.h>
#include <string.h>

#include "bytes.h"
#include "crc32.h"
#include "varint.h"

#include "note.h"

#define HEAD_BYTES 6

/* Groups of a block that three said bytes fill, and their file bytes. */
#define GROUPS_PER_3 4
#define BYTES_PER_3  6

/*
 * Of the first 68 bits, 64.  BFINAL 0, BTYPE 2, HLIT 0: 257 literals and
 * lengths; HDIST 3: four distances; HCLEN 13: 17 code lengths, of which 8 has
 * one bit, 9 and 2 have two.  The other four bits are 0.
 */
const unsigned char sm_note_mark[SM_NOTE_MARK_BYTES] = {
	0x04, 0xa3, 0x01, 0x20, 0x10, 0, 0, 0x80
};

/* The last 12: the end, four distances, and the end itself. */
#define BLOCK_END 0x155u

/* ----------------------------------------------------------------- blocks --
 */

/*
 * The lengths of a group as they are sent: 0 for 8, 11 for 9, the first lowest;
 * for the first 64 of the bytes that have four bits, each 9 for a bit.
 */
static const uint16_t note_word[64] = {
	0x0ff, 0x1bf, 0x1ef, 0x1fb, 0x1fe, 0x33f, 0x36f, 0x37b, 0x37e, 0x3cf,
	0x3db, 0x3de, 0x3f3, 0x3f6, 0x3fc, 0x63f, 0x66f, 0x67b, 0x67e, 0x6cf,
	0x6db, 0x6de, 0x6f3, 0x6f6, 0x6fc, 0x78f, 0x79b, 0x79e, 0x7b3, 0x7b6,
	0x7bc, 0x7e3, 0x7e6, 0x7ec, 0x7f8, 0xc3f, 0xc6f, 0xc7b, 0xc7e, 0xccf,
	0xcdb, 0xcde, 0xcf3, 0xcf6, 0xcfc, 0xd8f, 0xd9b, 0xd9e, 0xdb3, 0xdb6,
	0xdbc, 0xde3, 0xde6, 0xdec, 0xdf8, 0xf0f, 0xf1b, 0xf1e, 0xf33, 0xf36,
	0xf3c, 0xf63, 0xf66, 0xf6c,
};

/* Which of them a word is, by a hash that tells them apart. */
#define NOTE_SLOT(word) (((word)*643u & 0xffff) >> 8)
static const uint8_t note_which[256] = {
	4,  14, 0,  34, 0,  0, 0,  0,  0,  0,  0, 0,  0,  0,  45, 0,  0,  0,
	0,  0,  0,  54, 0,  0, 0,  19, 26, 0,  0, 0,  0,  0,  0,  27, 0,  0,
	0,  0,  0,  5,  16, 0, 0,  39, 46, 58, 0, 0,  0,  0,  0,  47, 59, 0,
	0,  0,  20, 0,  36, 0, 0,  0,  0,  21, 0, 0,  0,  60, 0,  0,  17, 0,
	0,  0,  40, 0,  0,  0, 18, 0,  0,  41, 0, 0,  0,  0,  28, 0,  37, 0,
	0,  0,  0,  0,  29, 0, 38, 0,  1,  0,  0, 0,  0,  0,  48, 0,  0,  0,
	0,  30, 0,  0,  49, 0, 0,  0,  22, 0,  0, 0,  0,  0,  0,  23, 0,  0,
	0,  50, 0,  0,  0,  0, 0,  0,  42, 0,  0, 0,  24, 0,  0,  43, 0,  0,
	9,  0,  0,  0,  0,  0, 0,  0,  0,  0,  0, 0,  44, 0,  0,  6,  0,  0,
	0,  0,  0,  61, 0,  0, 0,  0,  0,  0,  0, 62, 0,  10, 15, 0,  0,  0,
	0,  0,  11, 0,  0,  0, 0,  0,  63, 7,  0, 0,  0,  0,  35, 0,  0,  8,
	0,  0,  0,  0,  0,  0, 0,  0,  0,  31, 0, 0,  55, 0,  0,  0,  32, 0,
	0,  0,  0,  2,  0,  0, 0,  0,  0,  51, 0, 0,  0,  33, 0,  0,  52, 0,
	0,  12, 0,  0,  0,  0, 56, 0,  13, 0,  0, 0,  0,  53, 57, 3,  0,  0,
	25, 0,  0,  0,
};

static void
note_put_block(unsigned char *dst, const unsigned char *says)
{
	unsigned i, k, at = SM_NOTE_MARK_BYTES;
	uint64_t carry = 0, v;

	memcpy(dst, sm_note_mark, SM_NOTE_MARK_BYTES);
	/* Three bytes to four words of 12 bits, four bits late. */
	for (i = 0; i < SM_NOTE_SAYS_BYTES; i += 3, at += BYTES_PER_3) {
		v = sm_get_le(says + i, 3);
		for (k = 0; k < GROUPS_PER_3; k++, v >>= 6)
			carry |= (uint64_t)note_word[v & 63] << (4 + 12 * k);
		sm_put_le(dst + at, carry, BYTES_PER_3);
		carry >>= 8 * BYTES_PER_3;
	}
	sm_put_le(dst + at, carry | BLOCK_END << 4, 2);
}

/* What the block at `p` says; false if it is none. */
static bool
note_get_block(unsigned char *says, const unsigned char *p)
{
	unsigned char again[SM_NOTE_BLOCK_BYTES];
	unsigned i, k, word, at = SM_NOTE_MARK_BYTES;
	uint64_t in, v;

	if (memcmp(p, sm_note_mark, SM_NOTE_MARK_BYTES) != 0)
		return false;
	for (i = 0; i < SM_NOTE_SAYS_BYTES; i += 3, at += BYTES_PER_3) {
		in = sm_get_le(p + at, BYTES_PER_3 + 1) >> 4;
		for (v = k = 0; k < GROUPS_PER_3; k++, in >>= 12) {
			word = in & 4095;
			v |= (uint64_t)note_which[NOTE_SLOT(word)] << 6 * k;
		}
		sm_put_le(says + i, v, 3);
	}
	note_put_block(again, says);
	return memcmp(again, p, sizeof(again)) == 0;
}

/* ------------------------------------------------------------------ notes --
 */

/* What a note says, from its head to its CRC, and zeros after it. */
static size_t
note_say(unsigned char *says, uint32_t *crc32, unsigned type,
	 const unsigned char *body, size_t len)
{
	size_t n = HEAD_BYTES + len;

	says[0] = 'S';
	says[1] = 'M';
	sm_put_le(says + 3, len, 3);
	says[2] = (unsigned char)(SM_NOTE_VERSION << 4 | type);
	memcpy(says + HEAD_BYTES, body, len);
	*crc32 = sm_crc32(0, says, n);
	sm_put_le(says + n, *crc32, 4);
	n += 4;
	memset(says + n, 0, SM_NOTE_SAYS_BYTES);
	return (n + SM_NOTE_SAYS_BYTES - 1) / SM_NOTE_SAYS_BYTES;
}

#define SAYS_MAX (SM_NOTE_BODY_MAX + SM_NOTE_AROUND + SM_NOTE_SAYS_BYTES)

size_t
sm_note_put(unsigned char *dst, uint32_t *crc32, enum sm_note_type type,
	    const unsigned char *body, size_t len)
{
	unsigned char says[SAYS_MAX];
	uint32_t crc;
	size_t blocks, i;

	assert(len <= SM_NOTE_BODY_MAX);
	blocks = note_say(says, &crc, type, body, len);
	for (i = 0; i < blocks; i++)
		note_put_block(dst + i * SM_NOTE_BLOCK_BYTES,
			       says + i * SM_NOTE_SAYS_BYTES);
	if (crc32)
		*crc32 = crc;
	return blocks * SM_NOTE_BLOCK_BYTES;
}

bool
sm_note_is_block(const unsigned char *p, size_t len)
{
	unsigned char says[SM_NOTE_SAYS_BYTES];

	return len >= SM_NOTE_BLOCK_BYTES && note_get_block(says, p);
}

bool
sm_note_get(struct sm_note *n, const unsigned char *p, size_t len)
{
	unsigned char says[SAYS_MAX], again[SAYS_MAX];
	size_t blocks, i;

	if (len < SM_NOTE_BLOCK_BYTES || !note_get_block(says, p) ||
	    says[0] != 'S' || says[1] != 'M')
		return false;
	n->version = says[2] >> 4;
	n->type = says[2] & 15;
	n->len = sm_get_le(says + 3, 3);
	if (n->len > SM_NOTE_BODY_MAX)
		return false;
	n->bytes = SM_NOTE_BYTES(n->len);
	if (n->bytes > len)
		return false;
	blocks = n->bytes / SM_NOTE_BLOCK_BYTES;
	for (i = 1; i < blocks; i++)
		if (!note_get_block(says + i * SM_NOTE_SAYS_BYTES,
				    p + i * SM_NOTE_BLOCK_BYTES))
			return false;
	memcpy(n->body, says + HEAD_BYTES, n->len);
	if (n->version != SM_NOTE_VERSION) {
		/* Another one's CRC is where this one's is, if it is one. */
		n->crc32 = (uint32_t)sm_get_le(says + HEAD_BYTES + n->len, 4);
		return sm_crc32(0, says, HEAD_BYTES + n->len) == n->crc32;
	}
	note_say(again, &n->crc32, n->type, n->body, n->len);
	return memcmp(says, again, blocks * SM_NOTE_SAYS_BYTES) == 0;
}

/* ------------------------------------------------------------------- rows --
 */

size_t
sm_note_put_rows(unsigned char *dst, uint64_t first, unsigned rows,
		 const unsigned char *bits)
{
	unsigned char body[SM_NOTE_BODY_MAX], *p = body;

	assert(rows <= SM_NOTE_ROWS_MAX);
	p = sm_varint_put(p, first);
	p = sm_varint_put(p, rows);
	memcpy(p, bits, (rows + 7) / 8);
	p += (rows + 7) / 8;
	return sm_note_put(dst, NULL, SM_NOTE_ROWS, body, (size_t)(p - body));
}

bool
sm_note_get_rows(uint64_t *first, unsigned *rows, const unsigned char **bits,
		 const struct sm_note *n)
{
	const unsigned char *p = n->body, *end = n->body + n->len;
	uint64_t count;

	if (n->version != SM_NOTE_VERSION || n->type != SM_NOTE_ROWS ||
	    !sm_varint_get(first, &p, end) || !sm_varint_get(&count, &p, end) ||
	    count > SM_NOTE_ROWS_MAX || (size_t)(end - p) != (count + 7) / 8)
		return false;
	*rows = (unsigned)count;
	*bits = p;
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
