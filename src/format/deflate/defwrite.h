/*
 * defwrite.h - write a run of text by the codes of a block
 *
 *	sm_defwrite_use() for each block's codes, sm_defwrite_run() for each run
 *
 * The text is described by sequences: some literals, and then a match.
 */
#ifndef SM_DEFWRITE_H
#define SM_DEFWRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bitput.h"

struct sm_defcode;

struct sm_defseq {
	uint32_t literals;
	uint16_t len;  /* 3 to 258; 0: no match, in the last sequence only */
	uint16_t dist; /* 1 to 32768 */
};

/* A run of text, and the sequences that add up to it. */
struct sm_defrun {
	const unsigned char *text;
	size_t len;
	const struct sm_defseq *seq;
	size_t seqs;
};

struct sm_defwrite;

struct sm_defwrite *sm_defwrite_new(void);    /* NULL: no memory */
void sm_defwrite_free(struct sm_defwrite *t); /* NULL is allowed */

/* For tests, as sm_defblock_plain(). */
void sm_defwrite_plain(struct sm_defwrite *t);

/*
 * Write by `code` from now on, which stays where it is, unchanged.  Where it is
 * to serve for much text, larger tables are made of it.
 */
void sm_defwrite_use(struct sm_defwrite *t, const struct sm_defcode *code,
		     bool lasting);

/*
 * `o` has room for SM_DEFBLOCK_BOUND(run->len).  Each symbol of the run has a
 * code, and eight bytes after the text are readable.
 */
void sm_defwrite_run(const struct sm_defwrite *t, struct sm_bitput *o,
		     const struct sm_defrun *run);

#endif /* SM_DEFWRITE_H */
