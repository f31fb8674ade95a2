/*
 * Prefix codes for deflate: lengths under a limit, code words, and the block
 * header that describes them.  It is apart from defcode.c because it knows
 * nothing of literals and matches: counts go in, codes come out.
 */
#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "huffman.h"

#define LITLENS    286
#define DISTS      30
#define CLENS      19
#define CLEN_LIMIT 7
#define REPEAT     16 /* the last length, 3 to 6 times */
#define ZEROS      17 /* 3 to 10 */
#define MANY_ZEROS 18 /* 11 to 138 */

static const uint8_t clen_order[CLENS] = {
	16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
};

/*
 * Counted symbols by rising count, then symbol; returns their number.
 * Insertion sort is enough: at most 288 symbols, once per block.
 */
static unsigned
huffman_sort(uint16_t *symbol, uint64_t *weight, const uint32_t *count,
	     unsigned n)
{
	unsigned used = 0, i, k;

	for (i = 0; i < n; i++) {
		if (count[i] == 0)
			continue;
		for (k = used++; k > 0 && weight[k - 1] > count[i]; k--) {
			weight[k] = weight[k - 1];
			symbol[k] = symbol[k - 1];
		}
		weight[k] = count[i];
		symbol[k] = (uint16_t)i;
	}
	return used;
}

/* Within the limit, and complete: every string of bits is made of codes. */
static bool
huffman_is_whole(const uint8_t *len, unsigned n, unsigned limit)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		if (len[i] > limit)
			return false;
		if (len[i] > 0)
			sum += UINT64_C(1) << (limit - len[i]);
	}
	return sum == UINT64_C(1) << limit;
}

/*
 * Huffman's algorithm, of the two queues: leaves and packages, both in rising
 * order, make one list, in which items 2p and 2p + 1 are package p, and an
 * item's depth is that of its package plus one.  False: a length is over the
 * limit.
 *
 * Where none is, package-merge makes just these lengths, in many more steps.
 * Its lists are merged by the same rule, a leaf first where both weigh the
 * same.  None of their items is lighter than the one at that place here, and
 * those that are taken are the same, as they go down no more levels than there
 * are.
 */
static bool
huffman_plain(uint8_t *len, const uint16_t *symbol, const uint64_t *leaf,
	      unsigned used, unsigned limit)
{
	uint64_t weight[2 * SM_HUFFMAN_SYMBOLS], pair;
	bool is_leaf[2 * SM_HUFFMAN_SYMBOLS];
	uint16_t depth[SM_HUFFMAN_SYMBOLS]; /* of packages */
	unsigned max = 2 * used - 2, i, k, p, below;

	for (i = k = p = 0; i < max; i++) {
		pair = UINT64_MAX;
		if (2 * p + 1 < i)
			pair = weight[2 * p] + weight[2 * p + 1];
		is_leaf[i] = k < used && leaf[k] <= pair;
		if (is_leaf[i]) {
			weight[i] = leaf[k++];
		} else {
			weight[i] = pair;
			p++;
		}
	}
	assert(k == used && p == used - 2);

	depth[p] = 0;
	while (i-- > 0) {
		below = depth[i / 2] + 1u;
		if (!is_leaf[i])
			depth[--p] = (uint16_t)below;
		else if (below > limit)
			return false;
		else
			len[symbol[--k]] = (uint8_t)below;
	}
	return true;
}

/*
 * Package-merge.  Level 1 is the list of leaves; each further one merges the
 * leaves with the pairs ("packages") of the list below.  The 2n - 2 cheapest
 * of the last level make the code: a leaf's length is the number of levels
 * at which it was taken, so no length exceeds the number of levels.  Of each
 * list it is enough to know which items are leaves, as both kinds come in
 * rising order; and no more than its first 2n - 2 can be asked for.
 */
void
sm_huffman_lengths(uint8_t *len, const uint32_t *count, unsigned n,
		   unsigned limit)
{
	uint16_t symbol[SM_HUFFMAN_SYMBOLS];
	uint64_t leaf[SM_HUFFMAN_SYMBOLS];
	uint64_t list[2][2 * SM_HUFFMAN_SYMBOLS];
	uint8_t is_leaf[SM_HUFFMAN_LIMIT][2 * SM_HUFFMAN_SYMBOLS];
	unsigned used, items, level, max, i, k, p, take;
	uint64_t *from = list[0], *to = list[1], *swap;

	memset(len, 0, n);
	used = huffman_sort(symbol, leaf, count, n);
	if (used < 2) {
		if (used == 1)
			len[symbol[0]] = 1;
		return;
	}
	if (huffman_plain(len, symbol, leaf, used, limit)) {
		assert(huffman_is_whole(len, n, limit));
		return;
	}
	memset(len, 0, n);
	max = 2 * used - 2;

	memcpy(from, leaf, used * sizeof(*leaf));
	memset(is_leaf[0], 1, used);
	items = used;
	for (level = 1; level < limit; level++) {
		for (i = k = p = 0; i < max; i++) {
			uint64_t pair = UINT64_MAX;

			if (2 * p + 1 < items)
				pair = from[2 * p] + from[2 * p + 1];
			else if (k == used)
				break;
			is_leaf[level][i] = k < used && leaf[k] <= pair;
			if (is_leaf[level][i]) {
				to[i] = leaf[k++];
			} else {
				to[i] = pair;
				p++;
			}
		}
		items = i;
		swap = from;
		from = to;
		to = swap;
	}

	/*
	 * Back through the levels: of the `take` items taken at this one, k are
	 * leaves, the k least frequent, and p are packages of two items each of
	 * the level below.  max <= items at the last one, as 2^limit >= used.
	 */
	for (take = max; level-- > 0; take = 2 * p) {
		for (i = k = 0; i < take; i++)
			k += is_leaf[level][i];
		p = take - k;
		while (k > 0)
			len[symbol[--k]]++;
	}
	assert(huffman_is_whole(len, n, limit));
}

/*
 * RFC 1951, 3.2.2: code words of one length are consecutive, in the order of
 * their symbols.  Deflate sends them from the highest bit on, and bits are
 * written from the lowest on, so they are reversed here, once, all 16 of them.
 */
void
sm_huffman_codes(uint16_t *code, const uint8_t *len, unsigned n)
{
	unsigned of_len[SM_HUFFMAN_LIMIT + 1] = { 0 };
	unsigned next[SM_HUFFMAN_LIMIT + 2] = { 0 };
	unsigned i, b, v;

	for (i = 0; i < n; i++)
		of_len[len[i]]++;
	of_len[0] = 0;
	for (b = 1; b <= SM_HUFFMAN_LIMIT; b++)
		next[b] = (next[b - 1] + of_len[b - 1]) << 1;
	for (i = 0; i < n; i++) {
		v = next[len[i]]++;
		v = (v & 0x5555) << 1 | (v >> 1 & 0x5555);
		v = (v & 0x3333) << 2 | (v >> 2 & 0x3333);
		v = (v & 0x0f0f) << 4 | (v >> 4 & 0x0f0f);
		v = (v & 0x00ff) << 8 | v >> 8;
		code[i] = (uint16_t)(v >> (16 - len[i]));
	}
}

static void
header_run(struct sm_huffman_header *h, unsigned symbol, unsigned extra)
{
	h->run_symbol[h->runs] = (uint8_t)symbol;
	h->run_extra[h->runs++] = (uint8_t)extra;
}

/*
 * `times` times the length `v`, in runs.  REPEAT copies the length before it,
 * so that the first of a run of lengths other than 0 is written as such.
 */
static void
header_repeat(struct sm_huffman_header *h, unsigned v, unsigned times)
{
	unsigned n;

	while (v == 0 && times >= 3) {
		n = times;
		if (n > 138)
			n = 138;
		if (n <= 10)
			header_run(h, ZEROS, n - 3);
		else
			header_run(h, MANY_ZEROS, n - 11);
		times -= n;
	}
	if (v != 0 && times > 0) {
		header_run(h, v, 0);
		times--;
		for (; times >= 3; times -= n) {
			n = times;
			if (n > 6)
				n = 6;
			header_run(h, REPEAT, n - 3);
		}
	}
	while (times-- > 0)
		header_run(h, v, 0);
}

static unsigned
header_extra_bits(unsigned symbol)
{
	switch (symbol) {
	case REPEAT:
		return 2;
	case ZEROS:
		return 3;
	case MANY_ZEROS:
		return 7;
	default:
		return 0;
	}
}

/*
 * In order: how many lengths of each code are sent (zeros at the end are not),
 * the runs of all of them, the code for the runs' symbols, the size of it all.
 */
void
sm_huffman_describe(struct sm_huffman_header *h, const uint8_t *litlen,
		    const uint8_t *dist)
{
	uint8_t all[LITLENS + DISTS];
	uint32_t count[CLENS] = { 0 };
	unsigned i, k, n;

	for (h->litlens = LITLENS; h->litlens > 257; h->litlens--)
		if (litlen[h->litlens - 1] != 0)
			break;
	for (h->dists = DISTS; h->dists > 1; h->dists--)
		if (dist[h->dists - 1] != 0)
			break;
	memcpy(all, litlen, h->litlens);
	memcpy(all + h->litlens, dist, h->dists);

	/* A run may cross from one code into the other (3.2.7). */
	n = h->litlens + h->dists;
	h->runs = 0;
	for (i = 0; i < n; i = k) {
		for (k = i + 1; k < n && all[k] == all[i]; k++)
			;
		header_repeat(h, all[i], k - i);
	}

	for (i = 0; i < h->runs; i++)
		count[h->run_symbol[i]]++;
	/* zlib refuses a code-length code of one symbol: add unused ones. */
	for (i = k = 0; i < CLENS; i++)
		k += count[i] != 0;
	for (i = 0; k < 2; i++) {
		k += count[i] == 0;
		count[i] += count[i] == 0;
	}
	sm_huffman_lengths(h->len, count, CLENS, CLEN_LIMIT);

	for (h->clens = CLENS; h->clens > 4; h->clens--)
		if (h->len[clen_order[h->clens - 1]] != 0)
			break;
	h->bits = 5 + 5 + 4 + 3 * h->clens;
	for (i = 0; i < h->runs; i++)
		h->bits += h->len[h->run_symbol[i]] +
			   header_extra_bits(h->run_symbol[i]);
}

void
sm_huffman_put(struct sm_bitput *o, const struct sm_huffman_header *h)
{
	uint16_t code[CLENS];
	unsigned i, s;

	sm_huffman_codes(code, h->len, CLENS);
	sm_bitput_add(o, h->litlens - 257, 5);
	sm_bitput_add(o, h->dists - 1, 5);
	sm_bitput_add(o, h->clens - 4, 4);
	sm_bitput_flush(o);
	for (i = 0; i < h->clens; i++) {
		sm_bitput_add(o, h->len[clen_order[i]], 3);
		sm_bitput_flush(o);
	}
	for (i = 0; i < h->runs; i++) {
		s = h->run_symbol[i];
		sm_bitput_add(o, code[s], h->len[s]);
		sm_bitput_add(o, h->run_extra[i], header_extra_bits(s));
		sm_bitput_flush(o);
	}
}
