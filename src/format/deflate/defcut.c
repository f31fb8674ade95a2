/*
 * Makes deflate blocks of a run's sequences: where one ends, and in which of
 * the three forms of RFC 1951 it is.  It is apart from defblock.c, which keeps
 * one block for records as long as they are alike: general text changes, so
 * that every block here has codes of its own, and may be stored.
 *
 * Where a block ends.  The symbols of a run are counted piece by piece.  A
 * piece joins the block before it unless the two would take fewer bits apart,
 * by the entropy of their counts and what a header takes: so nothing is guessed
 * about what a change of text looks like, and the counts that decide are those
 * that the codes are made from.
 *
 * Why it is the same everywhere: logarithms are made by squaring integers.
 *
 * Bounds.  A block is written as what takes the fewest bits, its own codes, the
 * fixed ones, or the text itself; the number is known before the first bit is
 * written, and asserted after the last, in every build.  Between two flushes
 * are at most three literals of 14 bits, or a match of 14 + 5 + 15 + 13.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "defcode.h"

#include "defcut.h"

#define LITLENS 286
#define DISTS   SM_DEFCODE_DISTS
#define END     256
#define LENGTHS 257 /* the first symbol of a length */

/* A stored block's head after its three bits, and what one can hold. */
#define STORED_HEAD_BITS 32
#define STORED_MAX       65535

/*
 * About what a block's header takes: so much, and so much a symbol.  Both were
 * tried out, and a wrong estimate is not dear.
 */
#define HEADER_BITS 120
#define SYMBOL_BITS 4

/* Logarithms have this many bits after the point, of as many of a number. */
#define LOG_BITS  8
#define LOG_STEPS (1u << LOG_BITS)

_Static_assert(4 * SM_DEFCODE_LITLEN_LIMIT <= SM_BITPUT_MAX, "four literals");
_Static_assert(SM_DEFCODE_LITLEN_LIMIT + 5 + SM_DEFCODE_DIST_LIMIT + 13 <=
		       SM_BITPUT_MAX,
	       "a match");

struct counts {
	uint32_t litlen[LITLENS], dist[DISTS];
};

/* Some of a run: its text, its sequences, their symbols and size. */
struct piece {
	const unsigned char *text;
	size_t len;
	const struct sm_defseq *seq, *end;
	struct counts counts;
	uint64_t extra; /* bits of lengths and distances beyond their symbols */
	uint64_t bits;  /* of the symbols, about, with a header */
};

struct sm_defcut {
	struct piece open, next;
	struct sm_defcode code;
	uint16_t log[LOG_STEPS]; /* of 1 + i / LOG_STEPS */
	uint8_t len_symbol[SM_DEFLATE_MATCH_MAX + 1];
};

/*
 * The binary logarithm, bit by bit: each squaring doubles it, and where the
 * square is 2 or more the bit is 1.  x has 30 bits after the point.
 */
static uint16_t
log_make(unsigned i)
{
	uint64_t x = (uint64_t)(LOG_STEPS + i) << (30 - LOG_BITS);
	unsigned bit, log = 0;

	for (bit = 0; bit < LOG_BITS; bit++) {
		x = x * x >> 30;
		log = log << 1 | (unsigned)(x >> 31);
		x >>= x >> 31;
	}
	return (uint16_t)log;
}

/* n times its logarithm, which has LOG_BITS after the point; n < 2^32. */
static inline uint64_t
n_log_n(const struct sm_defcut *c, uint32_t n)
{
	unsigned top;
	uint64_t mantissa;

	if (n < 2)
		return 0;
	top = 31 - (unsigned)__builtin_clz(n);
	mantissa = ((uint64_t)n << LOG_BITS >> top) & (LOG_STEPS - 1);
	return n * (uint64_t)(top << LOG_BITS | c->log[mantissa]);
}

struct sm_defcut *
sm_defcut_new(void)
{
	struct sm_defcut *c = calloc(1, sizeof(*c));
	unsigned i, extra;

	if (!c)
		return NULL;
	for (i = 0; i < LOG_STEPS; i++)
		c->log[i] = log_make(i);
	for (i = SM_DEFLATE_MATCH_MIN; i <= SM_DEFLATE_MATCH_MAX; i++)
		c->len_symbol[i] = (uint8_t)sm_defcode_of_len(i, &extra);
	return c;
}

void
sm_defcut_free(struct sm_defcut *c)
{
	free(c);
}

/*
 * The entropy of a code's symbols, what to describe them takes included: with
 * T of them, T log T less the sum of n log n.
 */
static uint64_t
entropy(const struct sm_defcut *c, const uint32_t *count, unsigned symbols)
{
	uint64_t sum = 0;
	uint32_t total = 0;
	unsigned i, used = 0;

	for (i = 0; i < symbols; i++) {
		total += count[i];
		used += count[i] != 0;
		sum += n_log_n(c, count[i]);
	}
	return ((n_log_n(c, total) - sum) >> LOG_BITS) + SYMBOL_BITS * used;
}

static uint64_t
piece_bits(const struct sm_defcut *c, const struct counts *counts)
{
	return entropy(c, counts->litlen, LITLENS) +
	       entropy(c, counts->dist, DISTS) + HEADER_BITS;
}

/* Extra bits of all lengths and distances. */
static uint64_t
piece_extra(const struct counts *counts)
{
	uint64_t bits = 0;
	unsigned i;

	/* 8 lengths have none, then 4 each one more; 258 has none. */
	for (i = 8; i < 28; i++)
		bits += (uint64_t)counts->litlen[LENGTHS + i] * (i / 4 - 1);
	for (i = 0; i < DISTS; i++)
		bits += (uint64_t)counts->dist[i] * sm_defblock_dist_extra(i);
	return bits;
}

/*
 * Count what is next, up to the sequence with which it is long enough; a run's
 * last piece may be short.
 */
static void
piece_next(struct sm_defcut *c, const struct sm_defseq *end)
{
	struct piece *next = &c->next;
	const struct sm_defseq *seq = next->seq;
	const unsigned char *p = next->text;
	uint32_t *litlen = next->counts.litlen, *dist = next->counts.dist;
	size_t left;

	memset(&next->counts, 0, sizeof(next->counts));
	for (; seq < end && p < next->text + SM_DEFCUT_BLOCK; seq++) {
		for (left = seq->literals; left > 0; left--)
			litlen[*p++]++;
		if (seq->len > 0) {
			litlen[LENGTHS + c->len_symbol[seq->len]]++;
			dist[sm_defblock_dist_code(seq->dist)]++;
			p += seq->len;
		}
	}
	next->end = seq;
	next->len = (size_t)(p - next->text);
	next->extra = piece_extra(&next->counts);
	next->bits = piece_bits(c, &next->counts);
}

/* Append what is next to the block, if that takes no more bits. */
static bool
block_takes(struct sm_defcut *c)
{
	struct piece *open = &c->open, *next = &c->next;
	struct counts sum;
	uint64_t bits;
	unsigned i;

	for (i = 0; i < LITLENS; i++)
		sum.litlen[i] = open->counts.litlen[i] + next->counts.litlen[i];
	for (i = 0; i < DISTS; i++)
		sum.dist[i] = open->counts.dist[i] + next->counts.dist[i];
	bits = piece_bits(c, &sum);
	if (bits > open->bits + next->bits)
		return false;
	open->counts = sum;
	open->bits = bits;
	open->extra += next->extra;
	open->len += next->len;
	open->end = next->end;
	return true;
}

/* ----------------------------------------------------------------- output --
 */

static void
put_stored(struct sm_bitput *o, const unsigned char *text, size_t len)
{
	size_t n;

	for (; len > 0; text += n, len -= n) {
		n = len < STORED_MAX ? len : STORED_MAX;
		sm_bitput_add(o, 0, 3);
		sm_bitput_align(o);
		sm_bitput_add(o, n | (n ^ 0xffff) << 16, STORED_HEAD_BITS);
		sm_bitput_flush(o);
		memcpy(o->next, text, n);
		o->next += n;
	}
}

static inline void
put_word(struct sm_bitput *o, struct sm_defword w)
{
	sm_bitput_add(o, w.bits, w.n);
}

static void
put_coded(struct sm_bitput *out, const struct sm_defcode *code,
	  const struct piece *b)
{
	const unsigned char *p = b->text;
	const struct sm_defseq *seq;
	unsigned d, extra;
	struct sm_bitput o;
	size_t left;

	sm_defcode_put(out, code);
	o = *out; /* no call knows where it is: it stays in registers */
	for (seq = b->seq; seq < b->end; seq++) {
		for (left = seq->literals; left >= 4; left -= 4, p += 4) {
			put_word(&o, code->literal[p[0]]);
			put_word(&o, code->literal[p[1]]);
			put_word(&o, code->literal[p[2]]);
			put_word(&o, code->literal[p[3]]);
			sm_bitput_flush(&o);
		}
		for (; left > 0; left--)
			put_word(&o, code->literal[*p++]);
		sm_bitput_flush(&o);
		if (seq->len == 0)
			continue;
		d = sm_defblock_dist_code(seq->dist);
		extra = sm_defblock_dist_extra(d);
		put_word(&o, code->len[seq->len]);
		put_word(&o, code->dist[d]);
		sm_bitput_add(&o, (seq->dist - 1u) & ((1u << extra) - 1),
			      extra);
		sm_bitput_flush(&o);
		p += seq->len;
	}
	put_word(&o, code->end);
	sm_bitput_flush(&o);
	*out = o;
}

/*
 * Bits of put_stored() where the stream is `at` bits past a byte boundary: the
 * first block's three fit into that byte, or need one more.
 */
static uint64_t
stored_bits(size_t len, unsigned at)
{
	uint64_t blocks = (len + STORED_MAX - 1) / STORED_MAX;
	unsigned first = 8 - at;

	if (first < 3)
		first += 8;
	return first + 8 * (blocks - 1) + blocks * STORED_HEAD_BITS + 8 * len;
}

/*
 * The block in its smallest form.  What entropy alone forbids is stored without
 * a look at codes: they cannot be smaller.
 */
static void
block_put(struct sm_defcut *c, struct sm_bitput *o)
{
	const struct piece *b = &c->open;
	uint64_t stored = stored_bits(b->len, o->count), bits = stored;
	const unsigned char *from = o->next;
	unsigned at = o->count;

	if (b->bits + b->extra < stored) {
		sm_defcode_clear(&c->code);
		memcpy(c->code.count.litlen, b->counts.litlen,
		       sizeof(b->counts.litlen));
		memcpy(c->code.count.dist, b->counts.dist,
		       sizeof(b->counts.dist));
		sm_defcode_make(&c->code, false);
		bits = sm_defcode_bits(&c->code) + b->extra + 3;
		if (c->code.type == 2)
			bits += c->code.header.bits;
	}
	if (bits < stored) {
		put_coded(o, &c->code, b);
	} else {
		put_stored(o, b->text, b->len);
	}
	assert((uint64_t)(o->next - from) * 8 + o->count - at <= stored);
}

void
sm_defcut_put(struct sm_defcut *c, struct sm_bitput *o,
	      const struct sm_defrun *run)
{
	const struct sm_defseq *end = run->seq + run->seqs;
	const unsigned char *from = o->next;

	assert(run->len > 0 && run->len <= SM_DEFCUT_RUN);
	c->next.text = run->text;
	c->next.seq = run->seq;
	piece_next(c, end);
	c->open = c->next;
	while (c->open.end < end) {
		c->next.text = c->open.text + c->open.len;
		c->next.seq = c->open.end;
		piece_next(c, end);
		if (block_takes(c))
			continue;
		block_put(c, o);
		c->open = c->next;
	}
	block_put(c, o);
	assert(c->open.text + c->open.len == run->text + run->len);
	assert((size_t)(o->next - from) + SM_BITPUT_SPARE <=
	       SM_DEFCUT_BOUND(run->len));
}
