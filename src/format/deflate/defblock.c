/*
 * Writes deflate blocks from text and the matches found in it.  It is apart
 * from defcode.c, which makes the codes, because this is the inner loop: what
 * is done per byte, and when the codes are made anew.
 *
 * There are two passes over the sequences of a run of text: one counts, one
 * writes; the codes are built between them.  The codes stay in use for later
 * runs, which go on with the same block, as long as those are similar: records
 * are, and counting would be a third of the work.  Whether a run is similar is
 * judged by every 31st of its sequences, by the bits that a byte of it would
 * take.  A symbol that did not occur before may occur then, so codes that are
 * to stay include all symbols; those that did not occur take some 14 bits, and
 * cost the others half a percent.
 *
 * Literals are taken eight bytes at a time.  If all of them are digits, they
 * are treated as four pairs, each digit a value of 0 to 9 and each place beyond
 * the end of the run a 10, so that a pair is a number below 121 and 10 has no
 * bits: runs of 1 to 8 digits take the same instructions, and no branch depends
 * on how many there are.  The pairs are counted as pairs, too.
 *
 * Bounds between two flushes (SM_BITPUT_MAX is 56): literal and length codes
 * have at most SM_DEFCODE_LITLEN_LIMIT = 14 bits, so four literals have 56; a
 * match has at most 14 + 5 + 15 + 13 = 47.
 *
 * On x86-64 eight digits are put together by PEXT, in place of a table of quads
 * that is larger than a first-level cache: two byte shuffles look up each
 * digit's code word and as many ones, and PEXT takes from the words what the
 * ones say.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define HAVE_PEXT
#endif

#include "defcode.h"

#include "defblock.h"

#define NO_DIGIT SM_DEFCODE_NO_DIGIT

/*
 * A run of this size says enough about what follows for its codes to stay ...
 */
#define LASTING_BYTES 65536
/* ... for this much text: small changes add up. */
#define SERVED_BYTES ((uint64_t)4 << 20)
/* One sequence in this many is sampled; odd, because their kinds alternate. */
#define SAMPLE 31

#define LEN_EXTRA_MAX  5
#define DIST_EXTRA_MAX 13
_Static_assert(4 * SM_DEFCODE_LITLEN_LIMIT <= SM_BITPUT_MAX, "four literals");
_Static_assert(SM_DEFCODE_LITLEN_LIMIT + LEN_EXTRA_MAX + SM_DEFCODE_DIST_LIMIT +
			       DIST_EXTRA_MAX <=
		       SM_BITPUT_MAX,
	       "a match");

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/*
 * Entries of `quad`, `len` and `dist`: the bits of one or more code words, and
 * in the low byte how many these are.
 */
#define WORD(bits, n) ((uint64_t)(bits) << 8 | (n))
#define WORD_N(word)  ((unsigned)((word)&0xff))
/*
 * With so many bits a digit, four are 24 and have room in 32 with their number,
 * and eight are 48, so that no group needs a flush within it.
 */
#define QUAD_DIGIT 6
_Static_assert(4 * QUAD_DIGIT <= 32 - 8, "four digits in a word");
_Static_assert(8 * QUAD_DIGIT <= SM_BITPUT_MAX, "eight digits");

#define PAIR_VALUES (SM_DEFCODE_PAIR(NO_DIGIT, NO_DIGIT) + 1) /* 121 */
/*
 * Distances up to NEAR have an entry each.  Farther ones have one for each 128,
 * which have a code in common: from 257 on a code is for 128 or more.
 */
#define NEAR      512
#define FAR_SHIFT 7
#define DISTS     (NEAR + (SM_DEFLATE_WINDOW >> FAR_SHIFT))
/*
 * The entry: a word, whose number of bits includes those of the distance that
 * are added to it; where these go, and which they are: all but of near ones.
 */
#define DIST_WORD(bits, n, at, mask)                                           \
	(WORD(bits, n) | (uint64_t)(at) << 40 | (uint64_t)(mask) << 48)
_Static_assert(SM_DEFCODE_DIST_LIMIT + FAR_SHIFT <= 32, "its bits");
_Static_assert(DIST_EXTRA_MAX <= 16, "its mask");

struct sm_defblock {
	struct sm_defcode code;
	bool open;       /* a block was begun, with these codes */
	bool tabulated;  /* they have the larger tables */
	bool pext;       /* the processor is fast at it */
	uint64_t rate;   /* of the text that they were made for */
	uint64_t served; /* bytes written with them */
	uint64_t len[SM_DEFLATE_MATCH_MAX + 1];
	uint64_t dist[DISTS]; /* by dist_index() */
	/* Of a group of n: the literals' bytes, and a 10 in each other. */
	uint64_t mask[9], fill[9];
	uint32_t quad[PAIR_VALUES * PAIR_VALUES];
	/* Of a digit: its code word, and as many ones; of a 10: nothing. */
	unsigned char word[16], ones[16];
};

/* The next literals: eight bytes, of which the first `n` (1 to 8) count. */
struct group {
	uint64_t pairs; /* a pair in each 16 bits */
	bool digits;    /* else `pairs` says nothing */
};

/*
 * Pairs in 16 bits each, of eight digits: v * 11 in each byte, and the next.
 * No byte exceeds 11 * 10 + 10 = 120, so nothing is carried.
 */
static inline uint64_t
pairs_of(uint64_t v)
{
	return (v * (11 << 8 | 1)) >> 8 & UINT64_C(0x00ff00ff00ff00ff);
}

static inline struct group
group_read(const unsigned char *p, size_t n)
{
	uint64_t mask = ~UINT64_C(0) >> (64 - 8 * n);
	uint64_t v = (sm_load64(p) ^ EACH('0')) & mask;
	struct group g;

	/* 0 to 9 stays below 128 with 118 added; whatever else sets bit 7. */
	g.digits = (((v + EACH(118)) | v) & EACH(128)) == 0;
	v |= EACH(NO_DIGIT) & ~mask;
	g.pairs = pairs_of(v);
	return g;
}

/*
 * AMD's processors before Zen 3, and Hygon's like them, have PEXT in microcode,
 * which is slower than tables; VPCLMULQDQ came with Zen 3.
 */
static bool
pext_is_fast(void)
{
#ifdef HAVE_PEXT
	return __builtin_cpu_supports("avx") &&
	       __builtin_cpu_supports("bmi2") &&
	       __builtin_cpu_supports("popcnt") &&
	       (__builtin_cpu_is("intel") ||
		__builtin_cpu_supports("vpclmulqdq"));
#else
	return false;
#endif
}

struct sm_defblock *
sm_defblock_new(void)
{
	struct sm_defblock *b = malloc(sizeof(*b));

	if (b)
		b->pext = pext_is_fast();
	return b;
}

void
sm_defblock_plain(struct sm_defblock *b)
{
	b->pext = false;
}

void
sm_defblock_free(struct sm_defblock *b)
{
	free(b);
}

/* Count the literals of a sequence. */
static inline void
count_literals(struct sm_defcount *count, const unsigned char *p, size_t left)
{
	struct group g;
	size_t n, k;

	for (; left > 0; left -= n, p += n) {
		n = left < 8 ? left : 8;
		g = group_read(p, n);
		if (g.digits) {
			count->pair[0][g.pairs & 0xff]++;
			count->pair[1][g.pairs >> 16 & 0xff]++;
			count->pair[2][g.pairs >> 32 & 0xff]++;
			count->pair[3][g.pairs >> 48]++;
			continue;
		}
		for (k = 0; k < n; k++)
			count->litlen[p[k]]++;
	}
}

/*
 * Count one of `every` sequences; returns their bytes.  Those between are only
 * stepped over.
 */
static uint64_t
block_count(struct sm_defblock *b, const struct sm_defrun *run, size_t every)
{
	struct sm_defcount *count = &b->code.count;
	const struct sm_defseq *seq = run->seq, *end = seq + run->seqs;
	const struct sm_defseq *next = seq;
	const unsigned char *p = run->text;
	uint64_t counted = 0;

	sm_defcode_clear(&b->code);
	while (next < end) {
		for (; seq < next; seq++)
			p += (size_t)seq->literals + seq->len;
		counted += (size_t)seq->literals + seq->len;
		count_literals(count, p, seq->literals);
		if (seq->len == 0)
			break;
		count->len[seq->len]++;
		count->dist[sm_deflate_dist_code(seq->dist)]++;
		if ((size_t)(end - seq) <= every)
			break;
		next = seq + every;
	}
	sm_defcode_sum_up(&b->code);
	return counted;
}

/*
 * Eight digits or fewer.  They take 56 bits or less unless the digits have long
 * codes: eight of 14 bits do not fit, hence the second flush.
 */
static inline void
put_pairs(struct sm_bitput *o, const struct sm_defcode *c, uint64_t pairs)
{
	const struct sm_defword *w0 = &c->pair[pairs & 0xff];
	const struct sm_defword *w1 = &c->pair[pairs >> 16 & 0xff];
	const struct sm_defword *w2 = &c->pair[pairs >> 32 & 0xff];
	const struct sm_defword *w3 = &c->pair[pairs >> 48];
	uint64_t low = w0->bits | (uint64_t)w1->bits << w0->n;
	uint64_t high = w2->bits | (uint64_t)w3->bits << w2->n;
	unsigned low_n = w0->n + w1->n, high_n = w2->n + w3->n;

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
put_literals(struct sm_bitput *o, const struct sm_defcode *c,
	     const unsigned char *p, size_t n)
{
	size_t k;

	for (k = 0; k < n; k++) {
		sm_bitput_add(o, c->literal[p[k]].bits, c->literal[p[k]].n);
		if (k % 4 == 3)
			sm_bitput_flush(o);
	}
	sm_bitput_flush(o);
}

/*
 * The length's extra bits are in its table; those of the distance are its low
 * bits, as many as its code says.
 */
static inline void
put_match(struct sm_bitput *o, const struct sm_defcode *c,
	  const struct sm_defseq *s)
{
	unsigned d = sm_deflate_dist_code(s->dist), extra;

	sm_bitput_add(o, c->len[s->len].bits, c->len[s->len].n);
	sm_bitput_add(o, c->dist[d].bits, c->dist[d].n);
	extra = sm_deflate_dist_extra(d);
	sm_bitput_add(o, (s->dist - 1u) & ((1u << extra) - 1), extra);
	sm_bitput_flush(o);
}

/* The second pass: the same walk as block_count(), with codes for counters. */
static void
block_write(const struct sm_defblock *b, struct sm_bitput *out,
	    const struct sm_defrun *run)
{
	struct sm_bitput o = *out; /* a local copy stays in registers */
	const struct sm_defseq *seq = run->seq;
	const unsigned char *p = run->text;
	size_t i, left, n, seqs = run->seqs;
	struct group g;

	for (i = 0; i < seqs; i++) {
		for (left = seq[i].literals; left > 0; left -= n, p += n) {
			n = left < 8 ? left : 8;
			g = group_read(p, n);
			if (g.digits)
				put_pairs(&o, &b->code, g.pairs);
			else
				put_literals(&o, &b->code, p, n);
		}
		if (seq[i].len == 0)
			break;
		put_match(&o, &b->code, &seq[i]);
		p += seq[i].len;
	}
	*out = o;
}

/*
 * A quad of pairs i and k: the word of i, and above its bits those of k, with
 * the sum of both numbers in the low byte.  The inner loop shifts by what stays
 * the same in it, so that a compiler makes vectors of it.
 */
static void
tabulate_quads(struct sm_defblock *b)
{
	const struct sm_defcode *c = &b->code;
	uint32_t bits[PAIR_VALUES], n[PAIR_VALUES], *quad = b->quad;
	unsigned i, k;

	for (k = 0; k < PAIR_VALUES; k++) {
		bits[k] = (uint32_t)WORD(c->pair[k].bits, 0);
		n[k] = c->pair[k].n;
	}
	for (i = 0; i < PAIR_VALUES; i++, quad += PAIR_VALUES)
		for (k = 0; k < PAIR_VALUES; k++)
			quad[k] = (bits[i] | bits[k] << n[i]) + (n[i] + n[k]);
}

static void
tabulate_digits(struct sm_defblock *b)
{
	const struct sm_defword *w = &b->code.literal['0'];
	unsigned i;

	memset(b->word, 0, sizeof(b->word));
	memset(b->ones, 0, sizeof(b->ones));
	for (i = 0; i < NO_DIGIT; i++) {
		b->word[i] = (unsigned char)w[i].bits;
		b->ones[i] = (unsigned char)((1u << w[i].n) - 1);
	}
}

/* Of a distance less one. */
static inline unsigned
dist_index(unsigned d)
{
	return d < NEAR ? d : NEAR + (d >> FAR_SHIFT);
}

static void
tabulate_matches(struct sm_defblock *b)
{
	const struct sm_defcode *c = &b->code;
	const struct sm_defword *w;
	unsigned i, code, extra;

	for (i = SM_DEFLATE_MATCH_MIN; i <= SM_DEFLATE_MATCH_MAX; i++)
		b->len[i] = WORD(c->len[i].bits, c->len[i].n);
	for (i = 0; i < NEAR; i++) {
		code = sm_deflate_dist_code(i + 1);
		extra = sm_deflate_dist_extra(code);
		w = &c->dist[code];
		b->dist[i] =
			DIST_WORD(w->bits | (i & ((1u << extra) - 1)) << w->n,
				  w->n + extra, 0, 0);
	}
	for (i = NEAR; i < SM_DEFLATE_WINDOW; i += 1u << FAR_SHIFT) {
		code = sm_deflate_dist_code(i + 1);
		extra = sm_deflate_dist_extra(code);
		w = &c->dist[code];
		b->dist[dist_index(i)] = DIST_WORD(w->bits, w->n + extra, w->n,
						   (1u << extra) - 1);
	}
}

static void
block_tabulate(struct sm_defblock *b)
{
	unsigned i;

	tabulate_matches(b);
	if (b->pext)
		tabulate_digits(b);
	else
		tabulate_quads(b);
	for (i = 0; i <= 8; i++) {
		b->mask[i] = i ? ~UINT64_C(0) >> (64 - 8 * i) : 0;
		b->fill[i] = EACH(NO_DIGIT) & ~b->mask[i];
	}
}

/* Are the codes such that the larger tables hold them? */
static bool
block_can_tabulate(const struct sm_defblock *b)
{
	unsigned i;

	for (i = '0'; i <= '9'; i++)
		if (b->code.literal[i].n > QUAD_DIGIT)
			return false;
	return true;
}

/*
 * Bits that are to be written.  Their number is the low byte of `n`: what a
 * word has above it comes along and is ignored, also when numbers are added,
 * whose sum stays below 4 * 56 here.
 */
struct bits {
	uint64_t bits, n;
};

static inline struct bits
bits_of(uint64_t word)
{
	return (struct bits){ word >> 8, word };
}

/* `b` has less than 64. */
static inline struct bits
bits_join(struct bits b, struct bits next)
{
	b.bits |= next.bits << (b.n % 64);
	b.n += next.n;
	return b;
}

static inline void
put_bits(struct sm_bitput *o, struct bits b)
{
	sm_bitput_add(o, b.bits, WORD_N(b.n));
	sm_bitput_flush(o);
}

/* The bits of eight digits, each 0 to 9, or 10 for none. */
typedef struct bits digits_fn(const struct sm_defblock *b, uint64_t v);

/*
 * Two quads.  The pairs, below 121 each in 16 bits, make quads as digits make
 * pairs; they are in the second and the fourth of these.
 */
static inline struct bits
bits_by_quads(const struct sm_defblock *b, uint64_t v)
{
	v = pairs_of(v) * (PAIR_VALUES << 16 | 1);
	return bits_join(bits_of(b->quad[v >> 16 & 0xffff]),
			 bits_of(b->quad[v >> 48]));
}

#ifdef HAVE_PEXT
#define PEXT __attribute__((target("avx,bmi2,popcnt")))
_Static_assert(QUAD_DIGIT <= 8, "a digit's code word in a byte");

static inline PEXT struct bits
bits_by_pext(const struct sm_defblock *b, uint64_t v)
{
	__m128i at = _mm_cvtsi64_si128((long long)v);
	__m128i word = _mm_loadu_si128((const __m128i *)b->word);
	__m128i ones = _mm_loadu_si128((const __m128i *)b->ones);
	uint64_t w = (uint64_t)_mm_cvtsi128_si64(_mm_shuffle_epi8(word, at));
	uint64_t m = (uint64_t)_mm_cvtsi128_si64(_mm_shuffle_epi8(ones, at));

	return (struct bits){ _pext_u64(w, m), (uint64_t)_mm_popcnt_u64(m) };
}
#endif

/* Is there another byte than 0 to 9?  As in group_read(). */
static inline bool
other_than_digits(uint64_t v)
{
	return __builtin_expect((((v + EACH(118)) | v) & EACH(128)) != 0, 0);
}

/*
 * What is rare is apart, and has the output by value, member by member, so that
 * the inner loop's own stays in registers.
 */
static __attribute__((noinline)) struct sm_bitput
others_put(struct sm_bitput o, const struct sm_defcode *c,
	   const unsigned char *p, size_t n)
{
	put_literals(&o, c, p, n);
	return o;
}

static inline void
put_others(struct sm_bitput *o, const struct sm_defcode *c,
	   const unsigned char *p, size_t n)
{
	struct sm_bitput in = { o->next, o->bits, o->count };
	struct sm_bitput out = others_put(in, c, p, n);

	o->next = out.next;
	o->bits = out.bits;
	o->count = out.count;
}

/* No branch: whether a match is far is as good as random. */
static inline struct bits
bits_of_match(const struct sm_defblock *b, const struct sm_defseq *s)
{
	unsigned d = s->dist - 1u;
	uint64_t word = b->dist[dist_index(d)];
	uint64_t rest = (d & word >> 48) << (word >> 40 & 63);
	struct bits dist = { (uint32_t)(word >> 8) | rest, word };

	return bits_join(bits_of(b->len[s->len]), dist);
}

/* Literals up to the last 0 to 8 before a match. */
static inline __attribute__((always_inline)) size_t
put_groups(struct sm_bitput *o, const struct sm_defblock *b,
	   const unsigned char **text, size_t n, digits_fn *bits_of_digits)
{
	const unsigned char *p = *text;
	uint64_t v;

	for (; n > 8; n -= 8, p += 8) {
		v = sm_load64(p) ^ EACH('0');
		if (other_than_digits(v))
			put_others(o, &b->code, p, 8);
		else
			put_bits(o, bits_of_digits(b, v));
	}
	*text = p;
	return n;
}

/* 0 to 8 literals; digits are left to the caller, others are written. */
static inline __attribute__((always_inline)) struct bits
bits_of_last(struct sm_bitput *o, const struct sm_defblock *b,
	     const unsigned char *p, size_t n, digits_fn *bits_of_digits)
{
	uint64_t v = (sm_load64(p) ^ EACH('0')) & b->mask[n];

	if (other_than_digits(v)) {
		put_others(o, &b->code, p, n);
		return (struct bits){ 0, 0 };
	}
	return bits_of_digits(b, v | b->fill[n]);
}

/*
 * As block_write(), by the larger tables.  A match has 47 bits at most, see the
 * assertions above, and eight digits have 48.
 */
static inline __attribute__((always_inline)) void
block_write_tabulated(const struct sm_defblock *b, struct sm_bitput *out,
		      const struct sm_defrun *run, digits_fn *bits_of_digits)
{
	struct sm_bitput o = *out; /* a local copy stays in registers */
	const struct sm_defseq *seq = run->seq, *last = seq + run->seqs - 1;
	const unsigned char *p = run->text;
	struct bits digits, match;
	size_t left;

	for (; seq < last; seq++) {
		left = put_groups(&o, b, &p, seq->literals, bits_of_digits);
		digits = bits_of_last(&o, b, p, left, bits_of_digits);
		p += left + seq->len;
		match = bits_of_match(b, seq);
		if (__builtin_expect(WORD_N(digits.n + match.n) > SM_BITPUT_MAX,
				     0)) {
			put_bits(&o, digits);
			digits = match;
		} else {
			digits = bits_join(digits, match);
		}
		put_bits(&o, digits);
	}
	left = put_groups(&o, b, &p, seq->literals, bits_of_digits);
	put_bits(&o, bits_of_last(&o, b, p, left, bits_of_digits));
	*out = o;
}

static void
write_by_quads(const struct sm_defblock *b, struct sm_bitput *out,
	       const struct sm_defrun *run)
{
	block_write_tabulated(b, out, run, bits_by_quads);
}

#ifdef HAVE_PEXT
static PEXT void
write_by_pext(const struct sm_defblock *b, struct sm_bitput *out,
	      const struct sm_defrun *run)
{
	block_write_tabulated(b, out, run, bits_by_pext);
}
#else
static void
write_by_pext(const struct sm_defblock *b, struct sm_bitput *out,
	      const struct sm_defrun *run)
{
	write_by_quads(b, out, run);
}
#endif

/* A symbol without a code: about what it would cost, were it to occur. */
#define COST_UNSEEN 13

/*
 * What symbols cost by the block's codes, to weigh matches against each other
 * in the text that follows.  Literals are not weighed one by one: their average
 * decides.
 */
static void
block_cost(const struct sm_defblock *b, struct sm_defcost *cost)
{
	const struct sm_defcode *code = &b->code;
	uint64_t bits = 0, literals = 0;
	unsigned i, n, extra;

	for (i = 0; i < 256; i++) {
		bits += (uint64_t)code->count.litlen[i] * code->litlen_len[i];
		literals += code->count.litlen[i];
	}
	cost->literal = (uint16_t)(16 * bits / literals);
	for (i = SM_DEFLATE_MATCH_MIN; i <= SM_DEFLATE_MATCH_MAX; i++) {
		n = code->litlen_len[257 + sm_defcode_of_len(i, &extra)];
		cost->len[i] = (uint16_t)(16 * ((n ? n : COST_UNSEEN) + extra));
	}
	for (i = 0; i < SM_DEFCODE_DISTS; i++) {
		n = code->dist_len[i];
		n = (n ? n : COST_UNSEEN) + sm_deflate_dist_extra(i);
		cost->dist[i] = (uint16_t)(16 * n);
	}
}

/*
 * Before the first block: roughly what records come to.  Any guess gives valid
 * output, but all of them must be the same, or equal jobs would differ.
 */
void
sm_defblock_guess(struct sm_defcost *cost)
{
	unsigned i, extra;

	memset(cost, 0, sizeof(*cost));
	for (i = SM_DEFLATE_MATCH_MIN; i <= SM_DEFLATE_MATCH_MAX; i++) {
		sm_defcode_of_len(i, &extra);
		cost->len[i] = (uint16_t)(16 * (5 + extra));
	}
	for (i = 0; i < SM_DEFCODE_DISTS; i++) {
		extra = sm_deflate_dist_extra(i);
		cost->dist[i] = (uint16_t)(16 * (3 + extra));
	}
	cost->literal = 16 * 7 / 2;
}

/*
 * Bits per byte, times 2^16, of what was counted: `bytes` of text, of which
 * there may be none, hence + 1.
 */
static uint64_t
block_rate(const struct sm_defblock *b, uint64_t bytes)
{
	return (sm_defcode_bits(&b->code) << 16) / (bytes + 1);
}

/*
 * Do the open block's codes suit this run, too?  They do if they give it no
 * more than 1/16 more bits per byte than the text that they were made for.
 */
static bool
block_suits(struct sm_defblock *b, const struct sm_defrun *run)
{
	uint64_t bytes;

	if (!b->open || b->served >= SERVED_BYTES)
		return false;
	bytes = block_count(b, run, SAMPLE);
	return block_rate(b, bytes) <= b->rate + b->rate / 16;
}

/* Begin a block with codes made for this run, all of which is counted. */
static void
block_open(struct sm_defblock *b, struct sm_bitput *o,
	   const struct sm_defrun *run)
{
	uint64_t bytes = block_count(b, run, 1);

	sm_defcode_make(&b->code, bytes >= LASTING_BYTES);
	b->tabulated = bytes >= LASTING_BYTES && block_can_tabulate(b);
	if (b->tabulated)
		block_tabulate(b);
	sm_defcode_put(o, &b->code);
	b->rate = block_rate(b, bytes);
	b->served = 0;
	b->open = true;
}

void
sm_defblock_begin(struct sm_defblock *b)
{
	b->open = false;
}

/*
 * A short run has its block to itself: its codes have only the symbols that
 * occurred in it.
 */
void
sm_defblock_put(struct sm_defblock *b, struct sm_bitput *o,
		struct sm_defcost *cost, const struct sm_defrun *run)
{
	if (!block_suits(b, run)) {
		sm_defblock_end(b, o);
		block_open(b, o, run);
		block_cost(b, cost);
	}
	if (b->tabulated && b->pext)
		write_by_pext(b, o, run);
	else if (b->tabulated)
		write_by_quads(b, o, run);
	else
		block_write(b, o, run);
	b->served += run->len;
	if (run->len < LASTING_BYTES)
		sm_defblock_end(b, o);
}

void
sm_defblock_end(struct sm_defblock *b, struct sm_bitput *o)
{
	if (!b->open)
		return;
	sm_bitput_add(o, b->code.end.bits, b->code.end.n);
	sm_bitput_flush(o);
	b->open = false;
}

void
sm_defblock_align(struct sm_bitput *o)
{
	/* Three bits of BTYPE 0, then LEN = 0 and NLEN = 0xffff. */
	sm_bitput_add(o, 0, 3);
	sm_bitput_align(o);
	sm_bitput_add(o, UINT64_C(0xffff0000), 32);
	sm_bitput_flush(o);
}
