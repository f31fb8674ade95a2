/*
 * deftext.h - general text to deflate, one shard after the other
 *
 *	sm_deftext_new(), then per shard: sm_deftext_begin(),
 *	sm_deftext_write() any number of times, sm_deftext_align().
 *
 * The bytes depend on the text and the level alone: not on how it is cut into
 * writes, nor on the processor.  What sm_encoder promises (encoder.h) holds.
 */
#ifndef SM_DEFTEXT_H
#define SM_DEFTEXT_H

#include <stddef.h>

struct sm_err;
struct sm_shard;
struct sm_deftext;

/* `level` is 1 to 9.  NULL: no memory */
struct sm_deftext *sm_deftext_new(int level);
void sm_deftext_free(struct sm_deftext *t); /* NULL is allowed */
void sm_deftext_begin(struct sm_deftext *t, struct sm_shard *shard);
int sm_deftext_write(struct sm_deftext *t, const void *text, size_t len,
		     struct sm_err *err);
int sm_deftext_align(struct sm_deftext *t, struct sm_err *err);

#endif /* SM_DEFTEXT_H */
