/*
 * Writes deflate blocks from text and the matches found in it: when a block
 * begins, and with which codes.  It is apart from defcode.c, which makes codes,
 * and from defwrite.c, the inner loop, which writes by them.
 *
 * There are two passes over the sequences of a run of text: one counts, one
 * writes; the codes are built between them.  The codes stay in use for later
 * runs, which go on with the same block, as long as those are similar: records
 * are, and counting would be a third of the work.  Whether a run is similar is
 * judged by every 31st of its sequences, by the bits that a byte of it would
 * take.  A symbol that did not occur before may occur then, so codes that are
 * to stay include all symbols; those that did not occur take some 14 bits, and
 * cost the others half a percent.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "defcode.h"
#include "defgroup.h"
#include "defwrite.h"

#include "defblock.h"

/*
 * A run of this size says enough about what follows for its codes to stay ...
 */
#define LASTING_BYTES 65536
/* ... for this much text: small changes add up. */
#define SERVED_BYTES ((uint64_t)4 << 20)
/* One sequence in this many is sampled; odd, because their kinds alternate. */
#define SAMPLE 31

struct sm_defblock {
	struct sm_defcode code;
	struct sm_defwrite *write;
	bool open;       /* a block was begun, with these codes */
	uint64_t rate;   /* of the text that they were made for */
	uint64_t served; /* bytes written with them */
};

struct sm_defblock *
sm_defblock_new(void)
{
	struct sm_defblock *b = malloc(sizeof(*b));

	if (b)
		b->write = sm_defwrite_new();
	if (!b || !b->write) {
		free(b);
		return NULL;
	}
	return b;
}

void
sm_defblock_plain(struct sm_defblock *b)
{
	sm_defwrite_plain(b->write);
}

void
sm_defblock_free(struct sm_defblock *b)
{
	if (b)
		sm_defwrite_free(b->write);
	free(b);
}

/* Count the literals of a sequence. */
static inline void
count_literals(struct sm_defcount *count, const unsigned char *p, size_t left)
{
	struct sm_defgroup g;
	size_t n, k;

	for (; left > 0; left -= n, p += n) {
		n = left < 8 ? left : 8;
		g = sm_defgroup_read(p, n);
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
	sm_defwrite_use(b->write, &b->code, bytes >= LASTING_BYTES);
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
	sm_defwrite_run(b->write, o, run);
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
