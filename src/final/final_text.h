/*
 * final_text.h - the text of one group of batches of a final file
 *
 *	sm_text_new(); per group sm_text_begin(), sm_text_move() to where text
 *	goes, then sm_text_read() until SM_TEXT_END; sm_text_free()
 *
 * sm_text_read() comes back when a batch begins, when there is no more room and
 * when the group ends; what it wrote before is text of the batch in hand.  At
 * the end all that was read has been compared with the index: header, bytes,
 * text, tail.  A caller who needs no more text just goes on with another group.
 *
 * A reader belongs to one thread; several may read one descriptor.
 */
#ifndef SM_FINAL_TEXT_H
#define SM_FINAL_TEXT_H

#include "final_read.h"
#include "inflate.h"

/* What must be free before, and behind, the room for text. */
#define SM_TEXT_BEFORE SM_INFLATE_WINDOW
#define SM_TEXT_BEHIND SM_INFLATE_OUT_SLACK

struct sm_text;

enum sm_text_event {
	SM_TEXT_BATCH = 1, /* the next batch begins here */
	SM_TEXT_FULL,      /* there is no more room */
	SM_TEXT_END,       /* that was the last batch, and all is as it was */
};

int sm_text_new(struct sm_text **out, const struct sm_final_reader *r,
		struct sm_err *err);
void sm_text_free(struct sm_text *t); /* NULL is allowed */

/* Begin a group that is not missing. */
void sm_text_begin(struct sm_text *t, const struct sm_final_group *g);
/*
 * Text goes to `room` from here on, `bytes` of it.  What matches may reach back
 * to is copied in front, from where text went before.
 */
void sm_text_move(struct sm_text *t, unsigned char *room, size_t bytes);
/* Up to `*end` there is text.  An event, SM_EIO or SM_EVERIFY. */
int sm_text_read(struct sm_text *t, unsigned char **end, struct sm_err *err);

/* The batch in hand. */
uint64_t sm_text_batch(const struct sm_text *t);
/* Which of how many rows it has lines of (note.h); NULL: that is not known. */
const unsigned char *sm_text_rows(const struct sm_text *t, uint64_t *rows);
/* Bytes of the file that were read, by this reader, so far. */
uint64_t sm_text_bytes(const struct sm_text *t);

#endif /* SM_FINAL_TEXT_H */
