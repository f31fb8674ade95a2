/*
 * pick.h - which lines of a batch's text are asked for (cat.c)
 *
 * Lines of the whole text are counted by the index.  Which line belongs to
 * which row is known in three ways: by the row notes of the batch (note.h);
 * where it has as many records as rows, one line for each, in order; else not
 * at all, and then all its lines are given and `whole` is set.
 *
 *	zeroed struct, asked; per batch sm_pick_batch(), for each piece of its
 *	text sm_pick_text(), until sm_pick_done()
 */
#ifndef SM_PICK_H
#define SM_PICK_H

#include <shardmill.h>

#include "read.h"

struct sm_pick {
	enum sm_cat_what what;
	uint64_t first, last; /* both included */

	bool whole;    /* rows could not be told apart in some batch */
	bool done;     /* nothing more of this batch, once take is 0 */
	uint64_t skip; /* lines to leave out, then … */
	uint64_t take; /* … lines to give; UINT64_MAX: all there are */
	bool open;     /* inside a line */
};

/* Must row notes be read for sm_pick_batch()? */
bool sm_pick_needs_rows(const struct sm_pick *p,
			const struct sm_final_batch *b);
/* `bits` as sm_text_rows() has them. */
void sm_pick_batch(struct sm_pick *p, const struct sm_final_batch *b,
		   const unsigned char *bits);
/* Narrow a piece of text to what is asked for. */
void sm_pick_text(struct sm_pick *p, const unsigned char **from,
		  const unsigned char **to);
bool sm_pick_done(const struct sm_pick *p);

#endif /* SM_PICK_H */
