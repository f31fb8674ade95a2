/*
 * defcut.h - sequences of a run as deflate blocks, cut where the text changes
 *
 *	sm_defcut_new(), then sm_defcut_put() for one run after the other
 *
 * No block goes on from one run into the next, and none is marked as the last.
 */
#ifndef SM_DEFCUT_H
#define SM_DEFCUT_H

#include <stddef.h>

#include "defblock.h"

/* Runs are at most as long as this. */
#define SM_DEFCUT_RUN ((size_t)128 * 1024)

/* Blocks are at least as long as this, but for the last one of a run. */
#define SM_DEFCUT_BLOCK ((size_t)12 * 1024)

/* One sequence has no more literals than this. */
#define SM_DEFCUT_LITERALS 4096

/* So many bytes after a run are readable, whatever they hold. */
#define SM_DEFCUT_SLACK 16

/*
 * Bytes that a run of `n` bytes takes at most: a block that is no smaller than
 * its text is stored, with 3 bits, up to 7 to a byte boundary, and 4 bytes for
 * each 65,535.
 */
#define SM_DEFCUT_BOUND(n)                                                     \
	((n) + 6 * ((n) / SM_DEFCUT_BLOCK + (n) / 65535 + 2) + SM_BITPUT_SPARE)

struct sm_defcut;

struct sm_defcut *sm_defcut_new(void);    /* NULL: no memory */
void sm_defcut_free(struct sm_defcut *c); /* NULL is allowed */
/* To `o`, which has room for SM_DEFCUT_BOUND(run->len). */
void sm_defcut_put(struct sm_defcut *c, struct sm_bitput *o,
		   const struct sm_defrun *run);

#endif /* SM_DEFCUT_H */
