/*
 * Writes a run of text by the codes of a block.  It is apart from defblock.c,
 * which decides on the codes, because this is the inner loop: what is done per
 * byte.
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
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define HAVE_PEXT
#endif

#include "defgroup.h"

#include "defwrite.h"

#define NO_DIGIT   SM_DEFCODE_NO_DIGIT
#define EACH(byte) SM_DEFGROUP_EACH(byte)

#define LEN_EXTRA_MAX  5
#define DIST_EXTRA_MAX 13
_Static_assert(4 * SM_DEFCODE_LITLEN_LIMIT <= SM_BITPUT_MAX, "four literals");
_Static_assert(SM_DEFCODE_LITLEN_LIMIT + LEN_EXTRA_MAX + SM_DEFCODE_DIST_LIMIT +
			       DIST_EXTRA_MAX <=
		       SM_BITPUT_MAX,
	       "a match");

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

struct sm_defwrite {
	const struct sm_defcode *code;
	bool tabulated; /* it has the larger tables */
	bool pext;      /* the processor is fast at it */
	uint64_t len[SM_DEFLATE_MATCH_MAX + 1];
	uint64_t dist[DISTS]; /* by dist_index() */
	/* Of a group of n: the literals' bytes, and a 10 in each other. */
	uint64_t mask[9], fill[9];
	uint32_t quad[PAIR_VALUES * PAIR_VALUES];
	/* Of a digit: its code word, and as many ones; of a 10: nothing. */
	unsigned char word[16], ones[16];
};

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

struct sm_defwrite *
sm_defwrite_new(void)
{
	struct sm_defwrite *t = malloc(sizeof(*t));

	if (t)
		t->pext = pext_is_fast();
	return t;
}

void
sm_defwrite_plain(struct sm_defwrite *t)
{
	t->pext = false;
}

void
sm_defwrite_free(struct sm_defwrite *t)
{
	free(t);
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
write_plain(const struct sm_defwrite *t, struct sm_bitput *out,
	    const struct sm_defrun *run)
{
	struct sm_bitput o = *out; /* a local copy stays in registers */
	const struct sm_defseq *seq = run->seq;
	const unsigned char *p = run->text;
	size_t i, left, n, seqs = run->seqs;
	struct sm_defgroup g;

	for (i = 0; i < seqs; i++) {
		for (left = seq[i].literals; left > 0; left -= n, p += n) {
			n = left < 8 ? left : 8;
			g = sm_defgroup_read(p, n);
			if (g.digits)
				put_pairs(&o, t->code, g.pairs);
			else
				put_literals(&o, t->code, p, n);
		}
		if (seq[i].len == 0)
			break;
		put_match(&o, t->code, &seq[i]);
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
tabulate_quads(struct sm_defwrite *t)
{
	const struct sm_defcode *c = t->code;
	uint32_t bits[PAIR_VALUES], n[PAIR_VALUES], *quad = t->quad;
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
tabulate_digits(struct sm_defwrite *t)
{
	const struct sm_defword *w = &t->code->literal['0'];
	unsigned i;

	memset(t->word, 0, sizeof(t->word));
	memset(t->ones, 0, sizeof(t->ones));
	for (i = 0; i < NO_DIGIT; i++) {
		t->word[i] = (unsigned char)w[i].bits;
		t->ones[i] = (unsigned char)((1u << w[i].n) - 1);
	}
}

/* Of a distance less one. */
static inline unsigned
dist_index(unsigned d)
{
	return d < NEAR ? d : NEAR + (d >> FAR_SHIFT);
}

static void
tabulate_matches(struct sm_defwrite *t)
{
	const struct sm_defcode *c = t->code;
	const struct sm_defword *w;
	unsigned i, code, extra;

	for (i = SM_DEFLATE_MATCH_MIN; i <= SM_DEFLATE_MATCH_MAX; i++)
		t->len[i] = WORD(c->len[i].bits, c->len[i].n);
	for (i = 0; i < NEAR; i++) {
		code = sm_deflate_dist_code(i + 1);
		extra = sm_deflate_dist_extra(code);
		w = &c->dist[code];
		t->dist[i] =
			DIST_WORD(w->bits | (i & ((1u << extra) - 1)) << w->n,
				  w->n + extra, 0, 0);
	}
	for (i = NEAR; i < SM_DEFLATE_WINDOW; i += 1u << FAR_SHIFT) {
		code = sm_deflate_dist_code(i + 1);
		extra = sm_deflate_dist_extra(code);
		w = &c->dist[code];
		t->dist[dist_index(i)] = DIST_WORD(w->bits, w->n + extra, w->n,
						   (1u << extra) - 1);
	}
}

static void
tabulate(struct sm_defwrite *t)
{
	unsigned i;

	tabulate_matches(t);
	if (t->pext)
		tabulate_digits(t);
	else
		tabulate_quads(t);
	for (i = 0; i <= 8; i++) {
		t->mask[i] = i ? ~UINT64_C(0) >> (64 - 8 * i) : 0;
		t->fill[i] = EACH(NO_DIGIT) & ~t->mask[i];
	}
}

/* Are the codes such that the larger tables hold them? */
static bool
can_tabulate(const struct sm_defwrite *t)
{
	unsigned i;

	for (i = '0'; i <= '9'; i++)
		if (t->code->literal[i].n > QUAD_DIGIT)
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
typedef struct bits digits_fn(const struct sm_defwrite *t, uint64_t v);

/*
 * Two quads.  The pairs, below 121 each in 16 bits, make quads as digits make
 * pairs; they are in the second and the fourth of these.
 */
static inline struct bits
bits_by_quads(const struct sm_defwrite *t, uint64_t v)
{
	v = sm_defgroup_pairs(v) * (PAIR_VALUES << 16 | 1);
	return bits_join(bits_of(t->quad[v >> 16 & 0xffff]),
			 bits_of(t->quad[v >> 48]));
}

#ifdef HAVE_PEXT
#define PEXT __attribute__((target("avx,bmi2,popcnt")))
_Static_assert(QUAD_DIGIT <= 8, "a digit's code word in a byte");

static inline PEXT struct bits
bits_by_pext(const struct sm_defwrite *t, uint64_t v)
{
	__m128i at = _mm_cvtsi64_si128((long long)v);
	__m128i word = _mm_loadu_si128((const __m128i *)t->word);
	__m128i ones = _mm_loadu_si128((const __m128i *)t->ones);
	uint64_t w = (uint64_t)_mm_cvtsi128_si64(_mm_shuffle_epi8(word, at));
	uint64_t m = (uint64_t)_mm_cvtsi128_si64(_mm_shuffle_epi8(ones, at));

	return (struct bits){ _pext_u64(w, m), (uint64_t)_mm_popcnt_u64(m) };
}
#endif

/* Is there another byte than 0 to 9?  As in sm_defgroup_read(). */
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
bits_of_match(const struct sm_defwrite *t, const struct sm_defseq *s)
{
	unsigned d = s->dist - 1u;
	uint64_t word = t->dist[dist_index(d)];
	uint64_t rest = (d & word >> 48) << (word >> 40 & 63);
	struct bits dist = { (uint32_t)(word >> 8) | rest, word };

	return bits_join(bits_of(t->len[s->len]), dist);
}

/* Literals up to the last 0 to 8 before a match. */
static inline __attribute__((always_inline)) size_t
put_groups(struct sm_bitput *o, const struct sm_defwrite *t,
	   const unsigned char **text, size_t n, digits_fn *bits_of_digits)
{
	const unsigned char *p = *text;
	uint64_t v;

	for (; n > 8; n -= 8, p += 8) {
		v = sm_load64(p) ^ EACH('0');
		if (other_than_digits(v))
			put_others(o, t->code, p, 8);
		else
			put_bits(o, bits_of_digits(t, v));
	}
	*text = p;
	return n;
}

/* 0 to 8 literals; digits are left to the caller, others are written. */
static inline __attribute__((always_inline)) struct bits
bits_of_last(struct sm_bitput *o, const struct sm_defwrite *t,
	     const unsigned char *p, size_t n, digits_fn *bits_of_digits)
{
	uint64_t v = (sm_load64(p) ^ EACH('0')) & t->mask[n];

	if (other_than_digits(v)) {
		put_others(o, t->code, p, n);
		return (struct bits){ 0, 0 };
	}
	return bits_of_digits(t, v | t->fill[n]);
}

/*
 * As write_plain(), by the larger tables.  A match has 47 bits at most, see the
 * assertions above, and eight digits have 48.
 */
static inline __attribute__((always_inline)) void
write_tabulated(const struct sm_defwrite *t, struct sm_bitput *out,
		const struct sm_defrun *run, digits_fn *bits_of_digits)
{
	struct sm_bitput o = *out; /* a local copy stays in registers */
	const struct sm_defseq *seq = run->seq, *last = seq + run->seqs - 1;
	const unsigned char *p = run->text;
	struct bits digits, match;
	size_t left;

	for (; seq < last; seq++) {
		left = put_groups(&o, t, &p, seq->literals, bits_of_digits);
		digits = bits_of_last(&o, t, p, left, bits_of_digits);
		p += left + seq->len;
		match = bits_of_match(t, seq);
		if (__builtin_expect(WORD_N(digits.n + match.n) > SM_BITPUT_MAX,
				     0)) {
			put_bits(&o, digits);
			digits = match;
		} else {
			digits = bits_join(digits, match);
		}
		put_bits(&o, digits);
	}
	left = put_groups(&o, t, &p, seq->literals, bits_of_digits);
	put_bits(&o, bits_of_last(&o, t, p, left, bits_of_digits));
	*out = o;
}

static void
write_by_quads(const struct sm_defwrite *t, struct sm_bitput *out,
	       const struct sm_defrun *run)
{
	write_tabulated(t, out, run, bits_by_quads);
}

#ifdef HAVE_PEXT
static PEXT void
write_by_pext(const struct sm_defwrite *t, struct sm_bitput *out,
	      const struct sm_defrun *run)
{
	write_tabulated(t, out, run, bits_by_pext);
}
#else
static void
write_by_pext(const struct sm_defwrite *t, struct sm_bitput *out,
	      const struct sm_defrun *run)
{
	write_by_quads(t, out, run);
}
#endif

void
sm_defwrite_use(struct sm_defwrite *t, const struct sm_defcode *code,
		bool lasting)
{
	t->code = code;
	t->tabulated = lasting && can_tabulate(t);
	if (t->tabulated)
		tabulate(t);
}

void
sm_defwrite_run(const struct sm_defwrite *t, struct sm_bitput *out,
		const struct sm_defrun *run)
{
	if (t->tabulated && t->pext)
		write_by_pext(t, out, run);
	else if (t->tabulated)
		write_by_quads(t, out, run);
	else
		write_plain(t, out, run);
}
