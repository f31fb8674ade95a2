/*
 * encoder.h - text to deflate, one shard after the other
 *
 *	sm_encoder_new(), then per shard: sm_encoder_begin(),
 *	sm_encoder_write() any number of times, sm_encoder_align().
 *
 * State starts afresh at each shard: its bytes depend on its text and the level
 * alone, through zlib on zlib's version as well.  sm_encoder_align() brings the
 * stream to a byte boundary by an empty stored block, if it is not at one; more
 * text may follow.  After a failure in one shard the next sm_encoder_begin()
 * starts clean.
 */
#ifndef SM_ENCODER_H
#define SM_ENCODER_H

#include <stddef.h>

struct sm_err;
struct sm_shard;
struct sm_encoder;

/* In the order of the words of exec's option. */
enum sm_encoder_how { SM_ENCODER_BY_TEXT, SM_ENCODER_BY_ZLIB };

/* `level` is 1 to 9; its own (deftext.h), or zlib's. */
int sm_encoder_new(struct sm_encoder **out, enum sm_encoder_how how, int level,
		   struct sm_err *err);
int sm_encoder_begin(struct sm_encoder *e, struct sm_shard *shard,
		     struct sm_err *err);
int sm_encoder_write(struct sm_encoder *e, const void *text, size_t len,
		     struct sm_err *err);
int sm_encoder_align(struct sm_encoder *e, struct sm_err *err);
void sm_encoder_free(struct sm_encoder *e); /* NULL is allowed */

#endif /* SM_ENCODER_H */
