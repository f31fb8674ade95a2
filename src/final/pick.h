/*
 * pick.h - which lines of a group's text are asked for (cat.c)
 *
 * Lines of the whole text are counted by the index.  Which line belongs to
 * which row is known in three ways: by the note that a batch carries (note.h);
 * where a group has as many records as rows, one line for each, in order; else
 * not at all, and then all lines of its batches are given and `whole` is set.
 *
 *	zeroed struct, asked; per group sm_pick_group(), at the start of each
 *	batch sm_pick_batch(), for each piece of its text sm_pick_text(), until
 *	sm_pick_done()
 *
 * A batch's last line may lack its newline: it ends with its batch.
 */
#ifndef SM_PICK_H
#define SM_PICK_H

#include "final_text.h"

struct sm_pick {
	enum sm_cat_what what;
	uint64_t first, last; /* both included */

	bool whole; /* rows could not be told apart in some group */
	struct sm_final_group group;
	bool by_line;  /* skip and take hold for the whole group */
	bool done;     /* nothing more of this group, once take is 0 */
	uint64_t row;  /* the first of the batch in hand */
	uint64_t rows; /* of it */
	uint64_t skip; /* lines to leave out, then … */
	uint64_t take; /* … lines to give; UINT64_MAX: all there are */
	bool open;     /* inside a line */
};

void sm_pick_group(struct sm_pick *p, const struct sm_final_group *g);
/* `bits` and `rows` as sm_text_rows() has them. */
void sm_pick_batch(struct sm_pick *p, uint64_t batch, const unsigned char *bits,
		   uint64_t rows);
/* Narrow a piece of text to what is asked for. */
void sm_pick_text(struct sm_pick *p, const unsigned char **from,
		  const unsigned char **to);
bool sm_pick_done(const struct sm_pick *p);

#endif /* SM_PICK_H */
