/*
 * record.h - the record writer: lists of (id, number) under a key
 *
 * One record is one line:
 *
 *	{"key": KEY, "value": [{"track_id": ID, "score": NUM}, …]}
 *
 * in the layout of Python's json.dumps, with the four field names chosen by
 * the caller.  The caller hands over the parts (a key, then items), not bytes:
 * an implementation knows the record's structure, and may write the line as
 * text through zlib or straight as deflate symbols.
 *
 *	sm_record_writer_new()
 *	per shard:  sm_record_writer_begin()
 *	per record: sm_record_begin(), sm_record_item() or sm_record_items(),
 *		any number of times, sm_record_end()
 *	at its end: sm_record_writer_end()
 *
 * KEY, ID are JSON text (quoted and escaped, or digits), NUM is number text.
 * Nothing is buffered without bound: sm_record_end() and, for long lists,
 * sm_record_item() hand finished bytes to the shard.  The bytes depend on the
 * parts, the names, the encoder and its level alone; state starts afresh at
 * each shard.  A failure sticks until the next sm_record_writer_begin(), and
 * is reported by sm_record_end() and sm_record_writer_end().
 */
#ifndef SM_RECORD_H
#define SM_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include <shardmill.h>

/* struct sm_record_fields is public: a producer names its own. */
struct sm_shard;
struct sm_record_writer;

/* As long as number text can be (numtext.h). */
#define SM_RECORD_NUM_MAX 32

/*
 * An item to be handed over with others.  However short they are, 8 bytes can
 * be read at `id`, and SM_RECORD_NUM_MAX at `num`, which has no more.
 */
struct sm_record_item {
	const char *id, *num;
	uint32_t id_len, num_len;
};

/* In the order of the words of its option. */
enum sm_encoding { SM_ENCODER_RECORD, SM_ENCODER_ZLIB };

/*
 * `encoder` is an enum sm_encoding; `level` is zlib's.  SM_EINPUT if a
 * field name is not valid UTF-8.
 */
int sm_record_writer_new(struct sm_record_writer **out,
			 const struct sm_record_fields *fields, int encoder,
			 int level, struct sm_err *err);
int sm_record_writer_begin(struct sm_record_writer *w, struct sm_shard *shard,
			   struct sm_err *err);
void sm_record_begin(struct sm_record_writer *w, const char *key, size_t len);
void sm_record_item(struct sm_record_writer *w, const char *id, size_t id_len,
		    const char *num, size_t num_len);
/* The same for `n` items: the same bytes, in less time. */
void sm_record_items(struct sm_record_writer *w,
		     const struct sm_record_item *item, size_t n);
int sm_record_end(struct sm_record_writer *w, struct sm_err *err);
/* Bring the stream to a byte boundary, between two records. */
int sm_record_writer_align(struct sm_record_writer *w, struct sm_err *err);
int sm_record_writer_end(struct sm_record_writer *w, struct sm_err *err);
void sm_record_writer_free(struct sm_record_writer *w); /* NULL is allowed */

#endif /* SM_RECORD_H */
