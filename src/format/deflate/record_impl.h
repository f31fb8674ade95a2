/*
 * record_impl.h - what implements the record writer (record.h)
 *
 * record.c makes the template, picks an implementation by enum
 * sm_encoding and calls it through its table.  An implementation's state
 * begins with the struct sm_record_writer below:
 *
 *	struct rectext {
 *		struct sm_record_writer w;
 *		…
 *	};
 *
 * Its constructor copies `*tpl` into w.tpl (pointers and all), sets w.ops and
 * hands out &state->w.  The pieces live in one block that belongs to record.c:
 * it outlives the writer, ops->free() leaves it alone, and record.c frees it
 * after ops->free(), or after a constructor that failed.
 *
 * record.c passes calls on as they come, in the order that record.h demands.
 */
#ifndef SM_RECORD_IMPL_H
#define SM_RECORD_IMPL_H

#include <stddef.h>

#include <shardmill.h>

struct sm_record_item;
struct sm_record_writer;
struct sm_shard;

struct sm_record_piece {
	const char *text; /* len bytes; no NUL is promised */
	size_t len;
};

/*
 * The bytes that json.dumps puts between the parts of a record.  A line is
 *
 *	head KEY list item ID mid NUM next ID mid NUM … last
 *	head KEY list none                      (a record without items)
 */
struct sm_record_template {
	struct sm_record_piece head; /* {"key": and a space */
	struct sm_record_piece list; /* , "value": [ */
	struct sm_record_piece item; /* {"track_id": and a space */
	struct sm_record_piece mid;  /* , "score": and a space */
	struct sm_record_piece next; /* }, {"track_id": and a space */
	struct sm_record_piece last; /* }]}\n */
	struct sm_record_piece none; /* ]}\n */
};

/*
 * As the calls of the same name in record.h.  A failure sticks until the next
 * begin(): key(), item() and items() keep it, end_record() and end() report it.
 */
struct sm_record_ops {
	int (*begin)(struct sm_record_writer *w, struct sm_shard *shard,
		     struct sm_err *err);
	void (*key)(struct sm_record_writer *w, const char *key, size_t len);
	void (*item)(struct sm_record_writer *w, const char *id, size_t id_len,
		     const char *num, size_t num_len);
	void (*items)(struct sm_record_writer *w,
		      const struct sm_record_item *item, size_t n);
	int (*end_record)(struct sm_record_writer *w, struct sm_err *err);
	int (*align)(struct sm_record_writer *w, struct sm_err *err);
	int (*end)(struct sm_record_writer *w, struct sm_err *err);
	void (*free)(struct sm_record_writer *w); /* never NULL */
};

struct sm_record_writer {
	const struct sm_record_ops *ops;
	struct sm_record_template tpl;
};

/* SM_ENCODER_RECORD: deflate symbols straight from the structure. */
int sm_recdeflate_new(struct sm_record_writer **out,
		      const struct sm_record_template *tpl, struct sm_err *err);

/*
 * For tests, between the batches of such a writer: do without what only some
 * processors can.
 */
void sm_recdeflate_plain(struct sm_record_writer *w);

/* SM_ENCODER_ZLIB: text through an sm_encoder of `level`. */
int sm_rectext_new(struct sm_record_writer **out,
		   const struct sm_record_template *tpl, int level,
		   struct sm_err *err);

#endif /* SM_RECORD_IMPL_H */
