/*
 * note.c - notes inside the deflate stream, to bytes and back
 *
 * The first half knows blocks, the second what the blocks of a note say.  What
 * index and end notes mean is gzip.c's.
 */
#include <assert.h>
#include <pthread.h>
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
#define GROUP_PAIRS    (GROUP_LITERALS / 2)

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

/*
 * What a reader adds to a group's number for two literals, by what is left for
 * them and those after them.  Of what is left five bits are looked at, so that
 * no other number is outside the table.
 */
#define PAIR_BITS 6
#define PAIR_LEFT 32
#define PAIR_BAD  (UINT32_C(1) << 31)

static struct {
	/* In how many ways can so many literals share so much? */
	uint32_t ways[GROUP_LITERALS][GROUP_SHARE + 1];
	uint32_t pair[GROUP_PAIRS][PAIR_LEFT][1u << PAIR_BITS];
	uint8_t pair_share[1u << PAIR_BITS];
} table;
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void
table_count_ways(void)
{
	unsigned n, sum, k;

	table.ways[0][0] = 1;
	for (n = 1; n < GROUP_LITERALS; n++)
		for (sum = 0; sum <= GROUP_SHARE; sum++)
			for (k = 0; k < LENGTHS && share[k] <= sum; k++)
				table.ways[n][sum] +=
					table.ways[n - 1][sum - share[k]];
}

/* The groups below those whose i-th literal has length `k`. */
static uint32_t
table_below(unsigned i, unsigned left, unsigned k)
{
	const uint32_t *after = table.ways[GROUP_LITERALS - 1 - i];
	uint32_t below = 0;

	while (k-- > 0)
		below += after[left - share[k]];
	return below;
}

static void
table_fill_pair(unsigned pair, unsigned a, unsigned b)
{
	unsigned bits = sent[a] | sent[b] << 3, both = share[a] + share[b];
	unsigned left;

	table.pair_share[bits] = (uint8_t)both;
	for (left = both; left <= GROUP_SHARE; left++)
		table.pair[pair][left][bits] =
			table_below(2 * pair, left, a) +
			table_below(2 * pair + 1, left - share[a], b);
}

static void
table_fill(void)
{
	unsigned i, a, b;
	uint32_t *p = &table.pair[0][0][0];

	table_count_ways();
	for (i = 0; i < sizeof(table.pair) / sizeof(*p); i++)
		p[i] = PAIR_BAD;
	for (i = 0; i < GROUP_PAIRS; i++)
		for (a = 0; a < LENGTHS; a++)
			for (b = 0; b < LENGTHS; b++)
				table_fill_pair(i, a, b);
}

/*
 * The group of that number, below 2^30, as it is sent.  There are more groups
 * than numbers, so that a length is found before its share is too large.
 */
static uint64_t
group_put(uint32_t number)
{
	unsigned i, k, left = GROUP_SHARE;
	const uint32_t *after;
	uint64_t group = 0;

	for (i = 0; i < GROUP_LITERALS; i++) {
		after = table.ways[GROUP_LITERALS - 1 - i];
		for (k = 0; number >= after[left - share[k]]; k++)
			number -= after[left - share[k]];
		left -= share[k];
		group |= (uint64_t)sent[k] << 3 * i;
	}
	return group;
}

/*
 * The number of what was sent.  It is 2^30 or more of what is no group: a
 * length that there is not, more than is left, or less.  So what comes back
 * below that is the one group that group_put() makes of it.
 */
static inline uint32_t
group_get(uint64_t group)
{
	unsigned i, bits, left = GROUP_SHARE;
	uint32_t number = 0, bad = 0, e;

	for (i = 0; i < GROUP_PAIRS; i++, group >>= PAIR_BITS) {
		bits = group & ((1u << PAIR_BITS) - 1);
		e = table.pair[i][left % PAIR_LEFT][bits];
		bad |= e;
		number += e;
		left -= table.pair_share[bits];
	}
	if (left > 0)
		bad = PAIR_BAD;
	return number | (bad & PAIR_BAD);
}

static void
note_put_block(unsigned char *dst, const unsigned char *says)
{
	uint64_t in = 0, out = MARK_REST;
	unsigned i, have = 0;

	memcpy(dst, sm_note_mark, SM_NOTE_MARK_BYTES);
	dst += SM_NOTE_MARK_BYTES;
	for (i = 0; i < GROUPS; i++, dst += GROUP_BYTES) {
		for (; have < GROUP_BITS; have += 8)
			in |= (uint64_t)*says++ << have;
		out |= group_put(in & ((1u << GROUP_BITS) - 1)) << MARK_BITS;
		in >>= GROUP_BITS;
		have -= GROUP_BITS;
		sm_put_le(dst, out, GROUP_BYTES);
		out >>= 8 * GROUP_BYTES;
	}
	sm_put_le(dst, out | BLOCK_END << MARK_BITS, GROUP_BYTES);
}

/*
 * What the block at `p` says; false if it is none.  There is one block that
 * says this: all bits beside the groups are compared, and a group has but one
 * number.
 */
static bool
note_get_block(unsigned char *says, const unsigned char *p)
{
	const unsigned char *from = p + SM_NOTE_MARK_BYTES;
	uint32_t number, all = 0;
	unsigned i, have = 0;
	uint64_t out = 0;

	if (memcmp(p, sm_note_mark, SM_NOTE_MARK_BYTES) != 0 ||
	    (*from & ((1u << MARK_BITS) - 1)) != MARK_REST)
		return false;
	for (i = 0; i < GROUPS; i++, from += GROUP_BYTES) {
		number = group_get(sm_get_le(from, 8) >> MARK_BITS);
		all |= number;
		out |= (uint64_t)number << have;
		for (have += GROUP_BITS; have >= 8; have -= 8, out >>= 8)
			*says++ = (unsigned char)out;
	}
	return all >> GROUP_BITS == 0 &&
	       sm_get_le(from, GROUP_BYTES) >> MARK_BITS == BLOCK_END;
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
	pthread_once(&table_once, table_fill);
	blocks = note_say(says, &crc, type, body, len);
	for (i = 0; i < blocks; i++)
		note_put_block(dst + i * SM_NOTE_BLOCK_BYTES,
			       says + i * SM_NOTE_SAYS_BYTES);
	if (crc32)
		*crc32 = crc;
	return blocks * SM_NOTE_BLOCK_BYTES;
}

bool
sm_note_get(struct sm_note *n, const unsigned char *p, size_t len)
{
	unsigned char says[SAYS_MAX], again[SAYS_MAX];
	size_t blocks, i;

	if (len < SM_NOTE_BLOCK_BYTES ||
	    memcmp(p, sm_note_mark, SM_NOTE_MARK_BYTES) != 0)
		return false;
	pthread_once(&table_once, table_fill);
	if (!note_get_block(says, p) || says[0] != 'S' || says[1] != 'M')
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
