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
 * What takes time is branches that are guessed wrong, of which each sequence
 * had two, by the number of its literals.  So these are first copied together,
 * sixteen bytes whatever their number, and then counted in one loop; and up to
 * three are written without a branch, by words that are masked.
 *
 * Bounds.  A block is written as what takes the fewest bits, its own codes, the
 * fixed ones, or the text itself; the number is known before the first bit is
 * written, and asserted after the last, in every build.  Between two flushes
 * are at most four literals of 14 bits, or a match of 14 + 5 + 15 + 13.
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
#define COPIED  16  /* literals, for no branch that would be guessed wrong */
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

_Static_assert(COPIED <= SM_DEFCUT_SLACK, "readable after a run");
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
	/* Of a piece, and of a sequence that goes beyond it. */
	unsigned char literals[SM_DEFCUT_BLOCK + SM_DEFCUT_LITERALS +
			       SM_DEFCUT_SLACK];
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

/*
 * n times its logarithm, which has LOG_BITS after the point; 0 for n = 0, too.
 */
static inline uint64_t
n_log_n(const struct sm_defcut *c, uint32_t n)
{
	unsigned top;
	uint64_t mantissa;

	top = 31 - (unsigned)__builtin_clz(n | 1);
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
		bits += (uint64_t)counts->dist[i] * sm_deflate_dist_extra(i);
	return bits;
}

/*
 * The symbol of a distance, less 1, as sm_deflate_dist_code() has it, without
 * a branch: the highest bit and the next are d >> extra, 2 or 3, and all of a d
 * below 4.
 */
static inline unsigned
dist_symbol(unsigned d)
{
	unsigned extra = (31u ^ (unsigned)__builtin_clz(d | 2)) - 1;

	return 2 * extra + (d >> extra);
}

/*
 * Literals of the piece that stand together: eight at a time, in tables of
 * their own, so that equal neighbours do not wait for each other.
 */
static void
count_literals(uint32_t *litlen, const unsigned char *p, size_t n)
{
	uint32_t count[4][256];
	unsigned i;
	uint64_t v;

	memset(count, 0, sizeof(count));
	for (; n >= 8; n -= 8, p += 8) {
		v = sm_load64(p);
		count[0][v & 0xff]++;
		count[1][v >> 8 & 0xff]++;
		count[2][v >> 16 & 0xff]++;
		count[3][v >> 24 & 0xff]++;
		count[0][v >> 32 & 0xff]++;
		count[1][v >> 40 & 0xff]++;
		count[2][v >> 48 & 0xff]++;
		count[3][v >> 56]++;
	}
	for (; n > 0; n--)
		count[0][*p++]++;
	for (i = 0; i < 256; i++)
		litlen[i] =
			count[0][i] + count[1][i] + count[2][i] + count[3][i];
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
	const unsigned char *p = next->text, *stop = p + SM_DEFCUT_BLOCK;
	uint32_t *litlen = next->counts.litlen, *dist = next->counts.dist;
	unsigned char *put = c->literals;
	unsigned n;

	memset(&next->counts, 0, sizeof(next->counts));
	for (; seq < end && p < stop; seq++) {
		n = seq->literals;
		memcpy(put, p, COPIED);
		if (n > COPIED) {
			assert(n <= SM_DEFCUT_LITERALS);
			memcpy(put + COPIED, p + COPIED, n - COPIED);
		}
		put += n;
		p += n + seq->len;
		if (seq->len > 0) {
			litlen[LENGTHS + c->len_symbol[seq->len]]++;
			dist[dist_symbol(seq->dist - 1u)]++;
		}
	}
	next->end = seq;
	next->len = (size_t)(p - next->text);
	count_literals(litlen, c->literals, (size_t)(put - c->literals));
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

/*
 * A code's words as they are written: their bits, and in the low byte how many
 * these are.
 */
#define WORD(bits, n) ((uint64_t)(bits) << 8 | (n))

/* Of a distance d: (d - 1) << n plus `plus`, of which `all` bits count. */
struct dist_word {
	uint64_t plus;
	uint32_t n, all;
};

struct words {
	uint64_t literal[256];
	uint64_t len[SM_DEFLATE_MATCH_MAX + 1]; /* 0: none */
	struct dist_word dist[DISTS];
};

/* Which of up to three literals there are. */
#define ALL (~UINT64_C(0))
static const uint64_t these[4][3] = {
	{ 0, 0, 0 },
	{ ALL, 0, 0 },
	{ ALL, ALL, 0 },
	{ ALL, ALL, ALL },
};

/*
 * The distance's extra bits are its low ones: what is above them is the same
 * for all of a symbol, and taken away with the symbol's bits put in.
 */
static void
words_make(struct words *w, const struct sm_defcode *code)
{
	unsigned i, extra;
	uint64_t least;

	for (i = 0; i < 256; i++)
		w->literal[i] = WORD(code->literal[i].bits, code->literal[i].n);
	memset(w->len, 0, SM_DEFLATE_MATCH_MIN * sizeof(w->len[0]));
	for (i = SM_DEFLATE_MATCH_MIN; i <= SM_DEFLATE_MATCH_MAX; i++)
		w->len[i] = WORD(code->len[i].bits, code->len[i].n);
	for (i = 0; i < DISTS; i++) {
		extra = sm_deflate_dist_extra(i);
		least = i;
		if (i >= 4)
			least = (uint64_t)(2 + (i & 1)) << extra;
		w->dist[i].n = code->dist[i].n;
		w->dist[i].all = code->dist[i].n + extra;
		w->dist[i].plus =
			code->dist[i].bits - (least << code->dist[i].n);
	}
}

static inline void
put_word(struct sm_bitput *o, uint64_t word)
{
	sm_bitput_add(o, word >> 8, (unsigned)(word & 0xff));
}

static inline void
put_match(struct sm_bitput *o, const struct words *w,
	  const struct sm_defseq *seq)
{
	unsigned d = seq->dist - 1u;
	const struct dist_word *dist = &w->dist[dist_symbol(d)];

	put_word(o, w->len[seq->len]);
	sm_bitput_add(o, dist->plus + ((uint64_t)d << dist->n), dist->all);
	sm_bitput_flush(o);
}

static void
put_coded(struct sm_bitput *out, const struct sm_defcode *code,
	  const struct piece *b)
{
	const unsigned char *p = b->text;
	const struct sm_defseq *seq;
	const uint64_t *literal;
	struct sm_bitput o;
	struct words w;
	size_t left;

	words_make(&w, code);
	literal = w.literal;
	sm_defcode_put(out, code);
	o = *out; /* no call knows where it is: it stays in registers */
	for (seq = b->seq; seq < b->end; seq++) {
		for (left = seq->literals; left >= 4; left -= 4, p += 4) {
			put_word(&o, literal[p[0]]);
			put_word(&o, literal[p[1]]);
			put_word(&o, literal[p[2]]);
			put_word(&o, literal[p[3]]);
			sm_bitput_flush(&o);
		}
		/* No branch says how many are left: it would be guessed. */
		put_word(&o, literal[p[0]] & these[left][0]);
		put_word(&o, literal[p[1]] & these[left][1]);
		put_word(&o, literal[p[2]] & these[left][2]);
		sm_bitput_flush(&o);
		p += left + seq->len;
		if (seq->len > 0)
			put_match(&o, &w, seq);
	}
	sm_bitput_add(&o, code->end.bits, code->end.n);
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
