/*
 * defmatch.h - repeated text, found: a run of bytes as sequences
 *
 *	sm_defmatch_new(), per shard sm_defmatch_begin(), then
 *	sm_defmatch_run() for one run of text after the other
 *
 * The text is in a buffer of the caller's whose indices say where in the shard
 * a byte is, modulo SM_DEFMATCH_TURN: the shard's first byte is at index
 * SM_DEFMATCH_TURN, and text that moves in the buffer moves by a multiple of
 * that.  Before a run at least SM_DEFMATCH_TURN bytes are readable, after it
 * SM_DEFMATCH_SLACK.
 */
#ifndef SM_DEFMATCH_H
#define SM_DEFMATCH_H

#include <stddef.h>

#include "defblock.h"

#define SM_DEFMATCH_TURN  ((size_t)65536)
#define SM_DEFMATCH_SLACK 16

/*
 * A sequence has no more literals than this: one with more is several, all
 * but the last one without a match.
 */
#define SM_DEFMATCH_LITERALS 4096

/* Sequences of a run of `n` bytes, at most; matches are 3 bytes or longer. */
#define SM_DEFMATCH_SEQS(n)                                                    \
	((n) / SM_DEFLATE_MATCH_MIN + (n) / SM_DEFMATCH_LITERALS + 2)

struct sm_defmatch;

/* `level` is 1 to 9.  NULL: no memory */
struct sm_defmatch *sm_defmatch_new(int level);
void sm_defmatch_free(struct sm_defmatch *m); /* NULL is allowed */
/* Forget all text. */
void sm_defmatch_begin(struct sm_defmatch *m);
/* Text was moved: a window of it is before index SM_DEFMATCH_TURN. */
void sm_defmatch_moved(struct sm_defmatch *m);
/*
 * Sequences that add up to text[start .. end), in `seq`, which has room for
 * SM_DEFMATCH_SEQS(end - start); returns their number.  Matches look back over
 * the runs before.
 */
size_t sm_defmatch_run(struct sm_defmatch *m, struct sm_defseq *seq,
		       const unsigned char *text, size_t start, size_t end);

#endif /* SM_DEFMATCH_H */
