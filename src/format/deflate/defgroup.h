/*
 * defgroup.h - literals, eight bytes at a time (defblock.c and defwrite.c)
 *
 * Literals are taken eight bytes at a time.  If all of them are digits, they
 * are treated as four pairs, each digit a value of 0 to 9 and each place beyond
 * the end of the run a 10, so that a pair is a number below 121 and 10 has no
 * bits: runs of 1 to 8 digits take the same instructions, and no branch depends
 * on how many there are.  The pairs are counted as pairs, too.
 */
#ifndef SM_DEFGROUP_H
#define SM_DEFGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bitput.h"

#include "defcode.h"

#define SM_DEFGROUP_EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The next literals: eight bytes, of which the first `n` (1 to 8) count. */
struct sm_defgroup {
	uint64_t pairs; /* a pair in each 16 bits */
	bool digits;    /* else `pairs` says nothing */
};

/*
 * Pairs in 16 bits each, of eight digits: v * 11 in each byte, and the next.
 * No byte exceeds 11 * 10 + 10 = 120, so nothing is carried.
 */
static inline uint64_t
sm_defgroup_pairs(uint64_t v)
{
	return (v * (11 << 8 | 1)) >> 8 & UINT64_C(0x00ff00ff00ff00ff);
}

static inline struct sm_defgroup
sm_defgroup_read(const unsigned char *p, size_t n)
{
	uint64_t mask = ~UINT64_C(0) >> (64 - 8 * n);
	uint64_t v = (sm_load64(p) ^ SM_DEFGROUP_EACH('0')) & mask;
	struct sm_defgroup g;

	/* 0 to 9 stays below 128 with 118 added; whatever else sets bit 7. */
	g.digits = (((v + SM_DEFGROUP_EACH(118)) | v) &
		    SM_DEFGROUP_EACH(128)) == 0;
	v |= SM_DEFGROUP_EACH(SM_DEFCODE_NO_DIGIT) & ~mask;
	g.pairs = sm_defgroup_pairs(v);
	return g;
}

#endif /* SM_DEFGROUP_H */
