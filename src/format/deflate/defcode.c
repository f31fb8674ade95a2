/*
 * Makes the codes of a deflate block from counted symbols, and the tables that
 * turn digits, lengths and distances into bits at once.  It is apart from
 * defblock.c because it runs once per block, where that runs once per byte.
 */
#include <string.h>

#include "defcode.h"

#define LITLENS      SM_DEFCODE_LITLENS
#define LITLENS_USED 286 /* 286 and 287 never occur in a stream */
#define DISTS        SM_DEFCODE_DISTS
#define END_OF_BLOCK 256
#define NO_DIGIT     SM_DEFCODE_NO_DIGIT
#define PAIR         SM_DEFCODE_PAIR

#define TYPE_FIXED   1
#define TYPE_DYNAMIC 2

void
sm_defcode_clear(struct sm_defcode *c)
{
	memset(&c->count, 0, sizeof(c->count));
}

/*
 * Spread the counts of pairs to their digits and of lengths to their length
 * codes.  The four tables of pairs are apart while counting, so that equal
 * pairs in one group do not wait for each other's increment.
 */
void
sm_defcode_sum_up(struct sm_defcode *c)
{
	struct sm_defcount *count = &c->count;
	unsigned i, k, n, extra;

	for (i = 0; i <= NO_DIGIT; i++) {
		for (k = 0; k <= NO_DIGIT; k++) {
			n = count->pair[0][PAIR(i, k)] +
			    count->pair[1][PAIR(i, k)] +
			    count->pair[2][PAIR(i, k)] +
			    count->pair[3][PAIR(i, k)];
			if (i != NO_DIGIT)
				count->litlen['0' + i] += n;
			if (k != NO_DIGIT)
				count->litlen['0' + k] += n;
		}
	}
	for (i = SM_DEFLATE_MATCH_MIN; i <= SM_DEFLATE_MATCH_MAX; i++)
		count->litlen[257 + sm_defcode_of_len(i, &extra)] +=
			count->len[i];
}

/*
 * Add what the codes need beside the symbols that occurred: the end of the
 * block, and at least two symbols each, because some inflaters refuse fewer.
 */
static void
code_complete(struct sm_defcount *count, bool all)
{
	unsigned i, used, litlens = 1;

	if (all)
		litlens = LITLENS_USED;
	count->litlen[END_OF_BLOCK] = 1;
	for (i = 0; i < litlens; i++)
		count->litlen[i] += count->litlen[i] == 0;
	for (i = used = 0; i < DISTS; i++)
		used += count->dist[i] != 0;
	for (i = 0; i < DISTS && (all || used < 2); i++) {
		used += count->dist[i] == 0;
		count->dist[i] += count->dist[i] == 0;
	}
}

static uint64_t
code_bits(const struct sm_defcount *count, const uint8_t *litlen,
	  const uint8_t *dist)
{
	uint64_t bits = 0;
	unsigned i;

	for (i = 0; i < LITLENS; i++)
		bits += (uint64_t)count->litlen[i] * litlen[i];
	for (i = 0; i < DISTS; i++)
		bits += (uint64_t)count->dist[i] * dist[i];
	return bits;
}

uint64_t
sm_defcode_bits(const struct sm_defcode *c)
{
	return code_bits(&c->count, c->litlen_len, c->dist_len);
}

/* The fixed codes of RFC 1951, 3.2.6. */
static void
code_fixed(uint8_t *litlen, uint8_t *dist)
{
	memset(litlen, 8, 144);
	memset(litlen + 144, 9, 256 - 144);
	memset(litlen + 256, 7, 280 - 256);
	memset(litlen + 280, 8, LITLENS - 280);
	memset(dist, 5, DISTS);
}

/*
 * The better of two: the codes that are best for these counts, with the header
 * that describes them, or the fixed ones, which need none.
 */
static void
code_choose(struct sm_defcode *c)
{
	uint8_t litlen[LITLENS], dist[DISTS];

	sm_huffman_lengths(c->litlen_len, c->count.litlen, LITLENS,
			   SM_DEFCODE_LITLEN_LIMIT);
	sm_huffman_lengths(c->dist_len, c->count.dist, DISTS,
			   SM_DEFCODE_DIST_LIMIT);
	sm_huffman_describe(&c->header, c->litlen_len, c->dist_len);
	code_fixed(litlen, dist);
	c->type = TYPE_DYNAMIC;
	if (sm_defcode_bits(c) + c->header.bits <
	    code_bits(&c->count, litlen, dist))
		return;
	memcpy(c->litlen_len, litlen, sizeof(litlen));
	memcpy(c->dist_len, dist, sizeof(dist));
	c->type = TYPE_FIXED;
}

/*
 * The tables for writing: a code word per literal, per pair of digits, per
 * length with its extra bits, per distance code.  A pair has 28 bits at most, a
 * length 14 + 5.  The 10 of a pair, which is no digit, has no bits.
 */
static void
code_tabulate(struct sm_defcode *c)
{
	uint16_t litlen[LITLENS], dist[DISTS];
	struct sm_defword digit[NO_DIGIT + 1] = { { 0 } };
	unsigned i, k, n, extra, base;

	sm_huffman_codes(litlen, c->litlen_len, LITLENS);
	sm_huffman_codes(dist, c->dist_len, DISTS);
	for (i = 0; i < 256; i++)
		c->literal[i] =
			(struct sm_defword){ litlen[i], c->litlen_len[i] };
	c->end.bits = litlen[END_OF_BLOCK];
	c->end.n = c->litlen_len[END_OF_BLOCK];
	for (i = 0; i < NO_DIGIT; i++)
		digit[i] = c->literal['0' + i];
	for (i = 0; i <= NO_DIGIT; i++) {
		for (k = 0; k <= NO_DIGIT; k++) {
			c->pair[PAIR(i, k)].bits =
				digit[i].bits | digit[k].bits << digit[i].n;
			c->pair[PAIR(i, k)].n = digit[i].n + digit[k].n;
		}
	}
	for (i = SM_DEFLATE_MATCH_MIN; i <= SM_DEFLATE_MATCH_MAX; i++) {
		n = 257 + sm_defcode_of_len(i, &extra);
		base = (i - SM_DEFLATE_MATCH_MIN) & ((1u << extra) - 1);
		c->len[i].bits = litlen[n] | base << c->litlen_len[n];
		c->len[i].n = c->litlen_len[n] + extra;
	}
	for (i = 0; i < DISTS; i++)
		c->dist[i] = (struct sm_defword){ dist[i], c->dist_len[i] };
}

void
sm_defcode_make(struct sm_defcode *c, bool all)
{
	code_complete(&c->count, all);
	code_choose(c);
	code_tabulate(c);
}

void
sm_defcode_put(struct sm_bitput *o, const struct sm_defcode *c)
{
	sm_bitput_add(o, c->type << 1, 3);
	sm_bitput_flush(o);
	if (c->type == TYPE_DYNAMIC)
		sm_huffman_put(o, &c->header);
}
