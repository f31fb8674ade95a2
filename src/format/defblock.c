/*
 * Two passes over the sequences: one counts, one writes; the codes are built
 * between them.
 *
 * Literals are taken eight bytes at a time.  Are all of them digits, they are
 * seen as four pairs, each digit a value of 0 to 9 and each place beyond the
 * end of the run a 10, so that a pair is a number below 121 and 10 has no bits:
 * runs of 1 to 8 digits take the same instructions, and no branch depends on
 * how many there are.  The pairs are counted as pairs, too.
 *
 * Bounds between two flushes (SM_BITPUT_MAX is 56): literal and length codes
 * have at most LITLEN_LIMIT = 14 bits, so four literals have 56; a match has at
 * most 14 + 5 + 15 + 13 = 47.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "huffman.h"

#include "defblock.h"

#define LITLENS 288 /* the fixed code has two more than are ever used */
#define LITLENS_USED 286
#define DISTS 30
#define END_OF_BLOCK 256
#define LITLEN_LIMIT 14
#define DIST_LIMIT 15

#define BLOCK_FIXED 1
#define BLOCK_DYNAMIC 2

#define NO_DIGIT 10
#define PAIR(a, b) ((a) * 11 + (b))
#define PAIRS 128

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

struct code {
	uint32_t bits;
	uint32_t n;
};

struct sm_defblock {
	uint32_t litlen_count[LITLENS];
	uint32_t dist_count[DISTS];
	uint32_t len_count[SM_DEFLATE_MATCH_MAX + 1];
	uint32_t pair_count[4][PAIRS]; /* one each for the places in a group */
	uint8_t litlen_len[LITLENS], dist_len[DISTS];
	struct code literal[256];
	struct code pair[PAIRS];
	struct code len[SM_DEFLATE_MATCH_MAX + 1]; /* with the extra bits */
	struct code dist[DISTS];
	struct code end;
	struct sm_huffman_header header;
};

/* The literal at hand: eight bytes, of which the first `n` (1 to 8) count. */
struct group {
	uint64_t pairs; /* a pair in each 16 bits */
	bool digits;    /* else `pairs` says nothing */
};

static inline struct group
group_read(const unsigned char *p, size_t n)
{
	uint64_t mask = ~UINT64_C(0) >> (64 - 8 * n);
	uint64_t v = (sm_load64(p) ^ EACH('0')) & mask;
	struct group g;

	/* 0 to 9 stays below 128 with 118 added; whatever else sets bit 7. */
	g.digits = (((v + EACH(118)) | v) & EACH(128)) == 0;
	v |= EACH(NO_DIGIT) & ~mask;
	/* No byte exceeds PAIR(10, 10) = 120, so nothing is carried. */
	g.pairs = (v * 11 + (v >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
	return g;
}

struct sm_defblock *
sm_defblock_new(void)
{
	return malloc(sizeof(struct sm_defblock));
}

void
sm_defblock_free(struct sm_defblock *b)
{
	free(b);
}

/* Length code (RFC 1951, 3.2.5) less 257, and its number of extra bits. */
static unsigned
len_code(unsigned len, unsigned *extra_bits)
{
	unsigned l = len - SM_DEFLATE_MATCH_MIN, top;

	*extra_bits = 0;
	if (len == SM_DEFLATE_MATCH_MAX)
		return 28;
	if (l < 8)
		return l;
	top = 31 - (unsigned)__builtin_clz(l);
	*extra_bits = top - 2;
	return 4 * (top - 1) + (l >> (top - 2) & 3);
}

static void
block_count(struct sm_defblock *b, const unsigned char *text,
	    const struct sm_defseq *seq, size_t seqs)
{
	const unsigned char *p = text;
	struct group g;
	size_t i, left, n, k;

	for (i = 0; i < seqs; i++) {
		for (left = seq[i].literals; left > 0; left -= n, p += n) {
			n = left < 8 ? left : 8;
			g = group_read(p, n);
			if (g.digits) {
				b->pair_count[0][g.pairs & 0xff]++;
				b->pair_count[1][g.pairs >> 16 & 0xff]++;
				b->pair_count[2][g.pairs >> 32 & 0xff]++;
				b->pair_count[3][g.pairs >> 48]++;
				continue;
			}
			for (k = 0; k < n; k++)
				b->litlen_count[p[k]]++;
		}
		if (seq[i].len == 0)
			break;
		b->len_count[seq[i].len]++;
		b->dist_count[sm_defblock_dist_code(seq[i].dist)]++;
		p += seq[i].len;
	}
}

/* From pairs to digits, from lengths to codes; and what every block has. */
static void
block_sum_up(struct sm_defblock *b)
{
	unsigned i, k, n, extra, used;

	for (i = 0; i <= NO_DIGIT; i++) {
		for (k = 0; k <= NO_DIGIT; k++) {
			n = b->pair_count[0][PAIR(i, k)] +
			    b->pair_count[1][PAIR(i, k)] +
			    b->pair_count[2][PAIR(i, k)] +
			    b->pair_count[3][PAIR(i, k)];
			if (i != NO_DIGIT)
				b->litlen_count['0' + i] += n;
			if (k != NO_DIGIT)
				b->litlen_count['0' + k] += n;
		}
	}
	for (i = SM_DEFLATE_MATCH_MIN; i <= SM_DEFLATE_MATCH_MAX; i++)
		b->litlen_count[257 + len_code(i, &extra)] += b->len_count[i];
	b->litlen_count[END_OF_BLOCK] = 1;

	/* Two symbols each at least: some inflaters refuse fewer. */
	b->litlen_count[0] += b->litlen_count[0] == 0;
	for (i = used = 0; i < DISTS; i++)
		used += b->dist_count[i] != 0;
	for (i = 0; used < 2; i++) {
		used += b->dist_count[i] == 0;
		b->dist_count[i] += b->dist_count[i] == 0;
	}
}

static void
fixed_lengths(uint8_t *litlen, uint8_t *dist)
{
	memset(litlen, 8, 144);
	memset(litlen + 144, 9, 256 - 144);
	memset(litlen + 256, 7, 280 - 256);
	memset(litlen + 280, 8, LITLENS - 280);
	memset(dist, 5, DISTS);
}

/* Bits of all symbols but the extra ones, which no choice of code changes. */
static uint64_t
block_bits(const struct sm_defblock *b, const uint8_t *litlen,
	   const uint8_t *dist)
{
	uint64_t bits = 0;
	unsigned i;

	for (i = 0; i < LITLENS; i++)
		bits += (uint64_t)b->litlen_count[i] * litlen[i];
	for (i = 0; i < DISTS; i++)
		bits += (uint64_t)b->dist_count[i] * dist[i];
	return bits;
}

/* Choose the code lengths; returns BTYPE. */
static unsigned
block_choose(struct sm_defblock *b)
{
	uint8_t litlen[LITLENS], dist[DISTS];

	sm_huffman_lengths(b->litlen_len, b->litlen_count, LITLENS,
			   LITLEN_LIMIT);
	sm_huffman_lengths(b->dist_len, b->dist_count, DISTS, DIST_LIMIT);
	sm_huffman_describe(&b->header, b->litlen_len, b->dist_len);
	fixed_lengths(litlen, dist);
	if (block_bits(b, b->litlen_len, b->dist_len) + b->header.bits <
	    block_bits(b, litlen, dist))
		return BLOCK_DYNAMIC;
	memcpy(b->litlen_len, litlen, sizeof(litlen));
	memcpy(b->dist_len, dist, sizeof(dist));
	return BLOCK_FIXED;
}

/* What is looked up while writing. */
static void
block_tabulate(struct sm_defblock *b)
{
	uint16_t litlen[LITLENS], dist[DISTS];
	struct code digit[NO_DIGIT + 1] = { { 0 } };
	unsigned i, k, c, extra, base;

	sm_huffman_codes(litlen, b->litlen_len, LITLENS);
	sm_huffman_codes(dist, b->dist_len, DISTS);
	for (i = 0; i < 256; i++)
		b->literal[i] = (struct code){ litlen[i], b->litlen_len[i] };
	b->end.bits = litlen[END_OF_BLOCK];
	b->end.n = b->litlen_len[END_OF_BLOCK];
	for (i = 0; i < NO_DIGIT; i++)
		digit[i] = b->literal['0' + i];
	for (i = 0; i <= NO_DIGIT; i++) {
		for (k = 0; k <= NO_DIGIT; k++) {
			b->pair[PAIR(i, k)].bits =
				digit[i].bits | digit[k].bits << digit[i].n;
			b->pair[PAIR(i, k)].n = digit[i].n + digit[k].n;
		}
	}
	for (i = SM_DEFLATE_MATCH_MIN; i <= SM_DEFLATE_MATCH_MAX; i++) {
		c = 257 + len_code(i, &extra);
		base = (i - SM_DEFLATE_MATCH_MIN) & ((1u << extra) - 1);
		b->len[i].bits = litlen[c] | base << b->litlen_len[c];
		b->len[i].n = b->litlen_len[c] + extra;
	}
	for (i = 0; i < DISTS; i++)
		b->dist[i] = (struct code){ dist[i], b->dist_len[i] };
}

static inline void
put_pairs(struct sm_bitput *o, const struct sm_defblock *b, uint64_t pairs)
{
	const struct code *c0 = &b->pair[pairs & 0xff];
	const struct code *c1 = &b->pair[pairs >> 16 & 0xff];
	const struct code *c2 = &b->pair[pairs >> 32 & 0xff];
	const struct code *c3 = &b->pair[pairs >> 48];
	uint64_t low = c0->bits | (uint64_t)c1->bits << c0->n;
	uint64_t high = c2->bits | (uint64_t)c3->bits << c2->n;
	unsigned low_n = c0->n + c1->n, high_n = c2->n + c3->n;

	if (low_n + high_n <= SM_BITPUT_MAX) {
		sm_bitput_add(o, low | high << low_n, low_n + high_n);
	} else {
		sm_bitput_add(o, low, low_n);
		sm_bitput_flush(o);
		sm_bitput_add(o, high, high_n);
	}
	sm_bitput_flush(o);
}

/* 1 to 8 literals of any kind. */
static inline void
put_literals(struct sm_bitput *o, const struct sm_defblock *b,
	     const unsigned char *p, size_t n)
{
	size_t k;

	for (k = 0; k < n; k++) {
		sm_bitput_add(o, b->literal[p[k]].bits, b->literal[p[k]].n);
		if (k % 4 == 3)
			sm_bitput_flush(o);
	}
	sm_bitput_flush(o);
}

static inline void
put_match(struct sm_bitput *o, const struct sm_defblock *b,
	  const struct sm_defseq *s)
{
	unsigned c = sm_defblock_dist_code(s->dist), extra;

	sm_bitput_add(o, b->len[s->len].bits, b->len[s->len].n);
	sm_bitput_add(o, b->dist[c].bits, b->dist[c].n);
	extra = sm_defblock_dist_extra(c);
	sm_bitput_add(o, (s->dist - 1u) & ((1u << extra) - 1), extra);
	sm_bitput_flush(o);
}

static void
block_write(const struct sm_defblock *b, struct sm_bitput *out,
	    const unsigned char *text, const struct sm_defseq *seq,
	    size_t seqs)
{
	struct sm_bitput o = *out; /* of its own: stays in registers */
	const unsigned char *p = text;
	struct group g;
	size_t i, left, n;

	for (i = 0; i < seqs; i++) {
		for (left = seq[i].literals; left > 0; left -= n, p += n) {
			n = left < 8 ? left : 8;
			g = group_read(p, n);
			if (g.digits)
				put_pairs(&o, b, g.pairs);
			else
				put_literals(&o, b, p, n);
		}
		if (seq[i].len == 0)
			break;
		put_match(&o, b, &seq[i]);
		p += seq[i].len;
	}
	*out = o;
}

/* Symbols that did not occur would cost about this much. */
#define COST_UNSEEN 13

static void
block_cost(const struct sm_defblock *b, struct sm_defcost *cost)
{
	uint64_t bits = 0, literals = 0;
	unsigned i, c, extra;

	for (i = 0; i < 256; i++) {
		bits += (uint64_t)b->litlen_count[i] * b->litlen_len[i];
		literals += b->litlen_count[i];
	}
	cost->literal = (uint16_t)(16 * bits / literals);
	for (i = SM_DEFLATE_MATCH_MIN; i <= SM_DEFLATE_MATCH_MAX; i++) {
		c = b->litlen_len[257 + len_code(i, &extra)];
		cost->len[i] = (uint16_t)(16 * ((c ? c : COST_UNSEEN) + extra));
	}
	for (i = 0; i < DISTS; i++) {
		c = b->dist_len[i];
		c = (c ? c : COST_UNSEEN) + sm_defblock_dist_extra(i);
		cost->dist[i] = (uint16_t)(16 * c);
	}
}

void
sm_defblock_guess(struct sm_defcost *cost)
{
	unsigned i, extra;

	memset(cost, 0, sizeof(*cost));
	for (i = SM_DEFLATE_MATCH_MIN; i <= SM_DEFLATE_MATCH_MAX; i++) {
		len_code(i, &extra);
		cost->len[i] = (uint16_t)(16 * (5 + extra));
	}
	for (i = 0; i < DISTS; i++) {
		extra = sm_defblock_dist_extra(i);
		cost->dist[i] = (uint16_t)(16 * (3 + extra));
	}
	cost->literal = 16 * 7 / 2;
}

void
sm_defblock_put(struct sm_defblock *b, struct sm_bitput *o,
		struct sm_defcost *cost, const unsigned char *text,
		const struct sm_defseq *seq, size_t seqs)
{
	unsigned type;

	memset(b->litlen_count, 0, sizeof(b->litlen_count));
	memset(b->dist_count, 0, sizeof(b->dist_count));
	memset(b->len_count, 0, sizeof(b->len_count));
	memset(b->pair_count, 0, sizeof(b->pair_count));
	block_count(b, text, seq, seqs);
	block_sum_up(b);
	type = block_choose(b);
	block_tabulate(b);
	block_cost(b, cost);

	sm_bitput_add(o, type << 1, 3);
	sm_bitput_flush(o);
	if (type == BLOCK_DYNAMIC)
		sm_huffman_put(o, &b->header);
	block_write(b, o, text, seq, seqs);
	sm_bitput_add(o, b->end.bits, b->end.n);
	sm_bitput_flush(o);
}

void
sm_defblock_align(struct sm_bitput *o)
{
	sm_bitput_add(o, 0, 3);
	sm_bitput_align(o);
	sm_bitput_add(o, UINT64_C(0xffff0000), 32);
	sm_bitput_flush(o);
}
