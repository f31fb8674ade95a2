/*
 * gztext.h - the text of any gzip file, from its start or from a point in it
 *
 * A point is where inflating can begin: the start of a member, or the end of a
 * deflate block, with the 32 KiB of text before it.  Whoever reads the file
 * from its start can note them, and another reader begin there.
 *
 * Members follow each other; zeros after the last one are what tapes and block
 * devices pad with.  The header, CRC-32 and length of each member that is read
 * from its start are checked.  Anything else is refused, with what is wrong:
 * `code` of the reader, with SM_EIO for a file that cannot be read.
 */
#ifndef SM_GZTEXT_H
#define SM_GZTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct sm_point {
	uint64_t at;         /* byte of the file to go on with */
	uint64_t text_at;    /* how much text is before it */
	bool member;         /* a member's header begins there */
	uint8_t count, bits; /* bits of the byte before `at`, not used yet */
};

struct sm_gztext;

/* `fd` and `name` stay the caller's; reading begins at the start. */
int sm_gztext_new(struct sm_gztext **out, int fd, const char *name, int code,
		  struct sm_err *err);
void sm_gztext_free(struct sm_gztext *g); /* NULL is allowed */
/* Go on at `p`, `window` (up to 32 KiB) being the text before it. */
void sm_gztext_enter(struct sm_gztext *g, const struct sm_point *p,
		     const unsigned char *window, size_t len);

/*
 * The next piece of text, valid until the next call: 1; 0: that was all; <0.
 * After sm_gztext_seek_point() a piece ends where a point is, and may be empty.
 */
int sm_gztext_next(const char **text, size_t *len, struct sm_gztext *g,
		   struct sm_err *err);
/* Where the file was read to, for progress. */
uint64_t sm_gztext_at(const struct sm_gztext *g);
/* How much text of the file is before the next piece. */
uint64_t sm_gztext_text(const struct sm_gztext *g);

/* Have the pieces end at points, until there is one. */
void sm_gztext_seek_point(struct sm_gztext *g);
/* Is one after the last piece?  `window` points to the text before it. */
bool sm_gztext_point(struct sm_point *p, const unsigned char **window,
		     size_t *len, struct sm_gztext *g);

#endif /* SM_GZTEXT_H */
