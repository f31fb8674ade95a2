/*
 * defmatch_impl.h - what the finders of matches share (defmatch.c, defquick.c)
 *
 * A finder appends sequences, and moves `covered` behind what they cover, by
 * put_match(); what is left after it are literals.
 */
#ifndef SM_DEFMATCH_IMPL_H
#define SM_DEFMATCH_IMPL_H

#include <assert.h>
#include <stdint.h>

#include "defmatch.h"

#define WINDOW    SM_DEFLATE_WINDOW
#define MATCH_MAX SM_DEFLATE_MATCH_MAX

/* Two places of 16 bits in each 32, or one in each 16: 128 KiB. */
#define PAIR_BITS  15
#define ONE_BITS   16
#define CHAIN_BITS 15
#define THREE_BITS 14

/*
 * Where nothing is found for long, nothing may be there: after this many
 * literals one more byte is left out between searches for each as many.
 */
#define BLIND_SHIFT 8

_Static_assert(SM_DEFMATCH_TURN == 65536, "places have 16 bits");

enum finder {
	QUICK, /* one place for each hash, defquick.c */
	PAIRS, /* two places */
	CHAINS
};

struct level {
	enum finder finder;
	unsigned depth; /* places of a chain that are tried */
	unsigned nice;  /* a match as long as this is good enough */
	unsigned lazy;  /* bytes by which a search goes on */
};

struct sm_defmatch_to {
	struct sm_defseq *seq; /* the next one */
	size_t covered;        /* up to here by sequences */
};

struct sm_defmatch {
	struct level level;
	struct sm_defmatch_to to;
	size_t floor; /* no text of the shard is before this */
	union {
		uint32_t pair[1 << PAIR_BITS];
		uint16_t one[1 << ONE_BITS];
	};
	uint16_t head[1 << CHAIN_BITS]; /* of chains */
	uint16_t prev[WINDOW];
	uint16_t three[1 << THREE_BITS];
};

struct match {
	unsigned len, dist; /* 0: none */
};

/* Literals up to text[at], at most SM_DEFMATCH_LITERALS in one sequence. */
static inline size_t
put_literals(struct sm_defmatch_to *to, size_t at)
{
	size_t n = at - to->covered;

	for (; n > SM_DEFMATCH_LITERALS; n -= SM_DEFMATCH_LITERALS)
		*to->seq++ = (struct sm_defseq){
			.literals = SM_DEFMATCH_LITERALS,
		};
	return n;
}

static inline void
put_match(struct sm_defmatch_to *to, size_t at, struct match found,
	  size_t floor)
{
	size_t literals;

	assert(found.len >= SM_DEFLATE_MATCH_MIN && found.len <= MATCH_MAX);
	assert(found.dist >= 1 && found.dist <= WINDOW &&
	       found.dist <= at - floor);
	literals = put_literals(to, at);
	*to->seq++ = (struct sm_defseq){
		.literals = (uint32_t)literals,
		.len = (uint16_t)found.len,
		.dist = (uint16_t)found.dist,
	};
	to->covered = at + found.len;
}

/*
 * How many bytes agree, of which the first `n` are known to; `max` of them
 * count, which are read in eights.
 */
static inline unsigned
agree(const unsigned char *a, const unsigned char *b, unsigned n, unsigned max)
{
	uint64_t x;

	for (; n < max; n += 8) {
		x = sm_load64(a + n) ^ sm_load64(b + n);
		if (x != 0) {
			n += (unsigned)__builtin_ctzll(x) >> 3;
			break;
		}
	}
	return n < max ? n : max;
}

static inline unsigned
room_of(size_t at, size_t end)
{
	return end - at < MATCH_MAX ? (unsigned)(end - at) : MATCH_MAX;
}

/* Matches of text[start .. end); the finder of level 1. */
void sm_defquick_run(struct sm_defmatch *m, const unsigned char *text,
		     size_t start, size_t end);

#endif /* SM_DEFMATCH_IMPL_H */
