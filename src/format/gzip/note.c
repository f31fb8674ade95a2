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

/* Of a group: literals, what they share, bits said, bytes sent. */
#define GROUP_LITERALS 16
#define GROUP_SHARE    28
#define GROUP_BITS     30
#define GROUP_BYTES    6
#define GROUPS         (256 / GROUP_LITERALS)

/*
 * Of the first 59 bits, 56.  BFINAL 0, BTYPE 2, HLIT 5: 262 literals and
 * lengths; HDIST 7: eight distances; HCLEN 10: 14 code lengths, of which 0 and
 * 3 to 9 have three bits each.
 */
const unsigned char sm_note_mark[SM_NOTE_MARK_BYTES] = { 0x2c, 0x47, 0x01, 0x6c,
							 0xdb, 0x30, 0x0c };
/* The other three, after which the groups begin. */
#define MARK_REST 0x3u
#define MARK_BITS 3

/* The last 45: 3 for the end, 0 five times, 3 eight times, the end itself. */
#define BLOCK_END UINT64_C(0x24924900004)

/* ----------------------------------------------------------------- blocks --
 */

/*
 * What a literal may have: no word, or one of 9, 8, 7 or 6 bits.  `share` is
 * the part of the code that it takes, in 1 / 512; `sent` how its length is
 * sent.
 */
#define LENGTHS 5
static const unsigned share[LENGTHS] = { 0, 1, 2, 4, 8 };
static const unsigned sent[LENGTHS] = { 0, 7, 3, 5, 1 };

/* In how many ways can so many literals share so much? */
struct ways {
	uint32_t of[GROUP_LITERALS][GROUP_SHARE + 1];
};

static void
ways_count(struct ways *w)
{
	unsigned n, sum, k;

	*w = (struct ways){ .of[0][0] = 1 };
	for (n = 1; n < GROUP_LITERALS; n++)
		for (sum = 0; sum <= GROUP_SHARE; sum++)
			for (k = 0; k < LENGTHS && share[k] <= sum; k++)
				w->of[n][sum] += w->of[n - 1][sum - share[k]];
}

/*
 * The group of that number, below 2^30, as it is sent.  There are more groups
 * than numbers, so that a length is found before its share is too large.
 */
static uint64_t
group_put(const struct ways *w, uint32_t number)
{
	unsigned i, k, left = GROUP_SHARE;
	const uint32_t *after;
	uint64_t group = 0;

	for (i = 0; i < GROUP_LITERALS; i++) {
		after = w->of[GROUP_LITERALS - 1 - i];
		for (k = 0; number >= after[left - share[k]]; k++)
			number -= after[left - share[k]];
		left -= share[k];
		group |= (uint64_t)sent[k] << 3 * i;
	}
	return group;
}

/* The number of what was sent; that of something else if it is no group. */
static uint32_t
group_get(const struct ways *w, uint64_t group)
{
	unsigned i, k, left = GROUP_SHARE;
	const uint32_t *after;
	uint32_t number = 0;

	for (i = 0; i < GROUP_LITERALS; i++, group >>= 3) {
		after = w->of[GROUP_LITERALS - 1 - i];
		for (k = 0; sent[k] != (group & 7) && k + 1 < LENGTHS &&
			    share[k + 1] <= left;
		     k++)
			number += after[left - share[k]];
		left -= share[k];
	}
	return number & ((1u << GROUP_BITS) - 1);
}

static void
note_put_block(unsigned char *dst, const struct ways *w,
	       const unsigned char *says)
{
	uint64_t in = 0, out = MARK_REST;
	unsigned i, have = 0;

	memcpy(dst, sm_note_mark, SM_NOTE_MARK_BYTES);
	dst += SM_NOTE_MARK_BYTES;
	for (i = 0; i < GROUPS; i++, dst += GROUP_BYTES) {
		for (; have < GROUP_BITS; have += 8)
			in |= (uint64_t)*says++ << have;
		out |= group_put(w, in & ((1u << GROUP_BITS) - 1)) << MARK_BITS;
		in >>= GROUP_BITS;
		have -= GROUP_BITS;
		sm_put_le(dst, out, GROUP_BYTES);
		out >>= 8 * GROUP_BYTES;
	}
	sm_put_le(dst, out | BLOCK_END << MARK_BITS, GROUP_BYTES);
}

/* What the block at `p` says; false if it is none. */
static bool
note_get_block(unsigned char *says, const struct ways *w,
	       const unsigned char *p)
{
	const unsigned char *from = p + SM_NOTE_MARK_BYTES;
	unsigned char again[SM_NOTE_BLOCK_BYTES], *to = says;
	unsigned i, have = 0;
	uint64_t out = 0, in;

	for (i = 0; i < GROUPS; i++, from += GROUP_BYTES) {
		in = sm_get_le(from, GROUP_BYTES + 1) >> MARK_BITS;
		out |= (uint64_t)group_get(w, in) << have;
		for (have += GROUP_BITS; have >= 8; have -= 8, out >>= 8)
			*to++ = (unsigned char)out;
	}
	note_put_block(again, w, says);
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
	struct ways w;
	uint32_t crc;
	size_t blocks, i;

	assert(len <= SM_NOTE_BODY_MAX);
	ways_count(&w);
	blocks = note_say(says, &crc, type, body, len);
	for (i = 0; i < blocks; i++)
		note_put_block(dst + i * SM_NOTE_BLOCK_BYTES, &w,
			       says + i * SM_NOTE_SAYS_BYTES);
	if (crc32)
		*crc32 = crc;
	return blocks * SM_NOTE_BLOCK_BYTES;
}

bool
sm_note_get(struct sm_note *n, const unsigned char *p, size_t len)
{
	unsigned char says[SAYS_MAX], again[SAYS_MAX];
	struct ways w;
	size_t blocks, i;

	if (len < SM_NOTE_BLOCK_BYTES ||
	    memcmp(p, sm_note_mark, SM_NOTE_MARK_BYTES) != 0)
		return false;
	ways_count(&w);
	if (!note_get_block(says, &w, p) || says[0] != 'S' || says[1] != 'M')
		return false;
	n->version = says[2] >> 4;
	n->type = says[2] & 15;
	n->len = (size_t)sm_get_le(says + 3, 3);
	if (n->len > SM_NOTE_BODY_MAX)
		return false;
	n->bytes = SM_NOTE_BYTES(n->len);
	if (n->bytes > len)
		return false;
	blocks = n->bytes / SM_NOTE_BLOCK_BYTES;
	for (i = 1; i < blocks; i++)
		if (!note_get_block(says + i * SM_NOTE_SAYS_BYTES, &w,
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
