/*
 * jsonline.h - is every line of a text JSON?
 *
 *	sm_jsonline_new(), then per text: sm_jsonline_begin(),
 *	sm_jsonline_feed() any number of times, sm_jsonline_end().
 *
 * A line is any JSON value (RFC 8259), white space around it allowed; an empty
 * line is none.  The last line may lack its newline.  Numbers may be of any
 * size that a double can hold.  Lines that cross the borders of what is fed
 * are put together in memory: one longer than SM_JSONLINE_MAX is refused.
 */
#ifndef SM_JSONLINE_H
#define SM_JSONLINE_H

#include <stddef.h>

#include "err.h"

#define SM_JSONLINE_MAX ((size_t)64 << 20)

struct sm_jsonline;

int sm_jsonline_new(struct sm_jsonline **out, struct sm_err *err);
void sm_jsonline_begin(struct sm_jsonline *j);
/*
 * SM_EOUTPUT names line (from 1, as editors count), column and reason;
 * SM_ENOMEM.  After a failure only begin and free may be called.
 */
int sm_jsonline_feed(struct sm_jsonline *j, const void *text, size_t len,
		     struct sm_err *err);
int sm_jsonline_end(struct sm_jsonline *j, struct sm_err *err);
void sm_jsonline_free(struct sm_jsonline *j); /* NULL is allowed */

#endif /* SM_JSONLINE_H */
