/*
 * text.h - the text of one batch of a final file
 *
 *	sm_text_new(); per batch sm_text_begin(), sm_text_move() to where text
 *	goes, then sm_text_read() until SM_TEXT_END; sm_text_free()
 *
 * At the end all that was read has been compared with the index.  A caller who
 * needs no more text just goes on with another batch.
 *
 * A reader belongs to one thread; several may read one descriptor.
 */
#ifndef SM_TEXT_H
#define SM_TEXT_H

#include "inflate.h"
#include "read.h"

/* What must be free before, and after, the room for text. */
#define SM_TEXT_BEFORE SM_INFLATE_WINDOW
#define SM_TEXT_AFTER  SM_INFLATE_OUT_SLACK

struct sm_text;

enum sm_text_event {
	SM_TEXT_FULL, /* there is no more room */
	SM_TEXT_END,  /* that was the batch, and all is as it was */
};

int sm_text_new(struct sm_text **out, const struct sm_final_reader *r,
		struct sm_err *err);
void sm_text_free(struct sm_text *t); /* NULL is allowed */

/* Begin a batch that has text. */
void sm_text_begin(struct sm_text *t, const struct sm_final_batch *b);
/*
 * Text goes to `room` from here on, `bytes` of it.  What matches may reach back
 * to is copied before it, from where text went so far.
 */
void sm_text_move(struct sm_text *t, unsigned char *room, size_t bytes);
/* Up to `*end` there is text. */
int sm_text_read(enum sm_text_event *event, unsigned char **end,
		 struct sm_text *t, struct sm_err *err);

/*
 * Which rows of the batch have a line (note.h)?  `*bits` NULL: it does not say.
 * Notes are after the text that they speak of, so all of it is read, once more;
 * what was begun is forgotten.
 */
int sm_text_rows(const unsigned char **bits, struct sm_text *t,
		 const struct sm_final_batch *b, struct sm_err *err);
/* Bytes of the file that were read, by this reader, so far. */
uint64_t sm_text_bytes(const struct sm_text *t);

#endif /* SM_TEXT_H */
