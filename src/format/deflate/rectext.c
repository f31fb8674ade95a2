/*
 * Records as text through zlib: the reference that the record encoder's text
 * must equal, and the better choice where ids are long texts.  It is apart from
 * encoder.c, which knows bytes only.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"

#include "encoder.h"

#include "record.h"
#include "record_impl.h"

/* Pieces of this size cost the checksum no more per byte than long ones. */
#define RECTEXT_BUF_BYTES ((size_t)64 * 1024)

struct rectext {
	struct sm_record_writer w;
	struct sm_encoder *encoder;
	bool first;           /* the record has no item yet */
	struct sm_err failed; /* code 0 while all is well */
	size_t len;
	char buf[RECTEXT_BUF_BYTES];
};

static struct rectext *
rectext_of(struct sm_record_writer *w)
{
	return (struct rectext *)w; /* its first member */
}

/*
 * A failure is kept, and later text dropped: record.h promises the caller that
 * only the end of a record reports it.
 */
static void
rectext_flush(struct rectext *r)
{
	if (r->failed.code == 0)
		sm_encoder_write(r->encoder, r->buf, r->len, &r->failed);
	r->len = 0;
}

/* Through the buffer: items are short, and the encoder takes a CRC per call. */
static void
rectext_put(struct rectext *r, const char *text, size_t len)
{
	size_t n;

	while (len > sizeof(r->buf) - r->len) {
		n = sizeof(r->buf) - r->len;
		memcpy(r->buf + r->len, text, n);
		r->len += n;
		rectext_flush(r);
		text += n;
		len -= n;
	}
	if (len > 0) /* memcpy() needs a valid pointer even for no bytes */
		memcpy(r->buf + r->len, text, len);
	r->len += len;
}

static void
rectext_put_piece(struct rectext *r, const struct sm_record_piece *p)
{
	rectext_put(r, p->text, p->len);
}

static int
rectext_report(struct rectext *r, struct sm_err *err)
{
	if (r->failed.code != 0 && err)
		*err = r->failed;
	return r->failed.code;
}

static int
rectext_begin(struct sm_record_writer *w, struct sm_shard *shard,
	      struct sm_err *err)
{
	struct rectext *r = rectext_of(w);

	r->len = 0;
	r->failed.code = 0;
	sm_encoder_begin(r->encoder, shard, &r->failed);
	return rectext_report(r, err);
}

static void
rectext_key(struct sm_record_writer *w, const char *key, size_t len)
{
	struct rectext *r = rectext_of(w);

	r->first = true;
	rectext_put_piece(r, &w->tpl.head);
	rectext_put(r, key, len);
	rectext_put_piece(r, &w->tpl.list);
}

static void
rectext_item(struct sm_record_writer *w, const char *id, size_t id_len,
	     const char *num, size_t num_len)
{
	const struct sm_record_piece *before = &w->tpl.next;
	struct rectext *r = rectext_of(w);

	if (r->first)
		before = &w->tpl.item;
	rectext_put_piece(r, before);
	rectext_put(r, id, id_len);
	rectext_put_piece(r, &w->tpl.mid);
	rectext_put(r, num, num_len);
	r->first = false;
}

static void
rectext_items(struct sm_record_writer *w, const struct sm_record_item *item,
	      size_t n)
{
	for (; n > 0; n--, item++)
		rectext_item(w, item->id, item->id_len, item->num,
			     item->num_len);
}

/* A record without an item ends with its list still empty. */
static int
rectext_end_record(struct sm_record_writer *w, struct sm_err *err)
{
	const struct sm_record_piece *end = &w->tpl.last;
	struct rectext *r = rectext_of(w);

	if (r->first)
		end = &w->tpl.none;
	rectext_put_piece(r, end);
	return rectext_report(r, err);
}

static int
rectext_align(struct sm_record_writer *w, struct sm_err *err)
{
	struct rectext *r = rectext_of(w);

	rectext_flush(r);
	if (r->failed.code == 0)
		sm_encoder_align(r->encoder, &r->failed);
	return rectext_report(r, err);
}

static void
rectext_free(struct sm_record_writer *w)
{
	struct rectext *r = rectext_of(w);

	sm_encoder_free(r->encoder);
	free(r);
}

static const struct sm_record_ops rectext_ops = {
	.begin = rectext_begin,
	.key = rectext_key,
	.item = rectext_item,
	.items = rectext_items,
	.end_record = rectext_end_record,
	.align = rectext_align,
	.end = rectext_align,
	.free = rectext_free,
};

int
sm_rectext_new(struct sm_record_writer **out,
	       const struct sm_record_template *tpl, int level,
	       struct sm_err *err)
{
	struct rectext *r = calloc(1, sizeof(*r));
	int ret;

	if (!r)
		return sm_err_mem(err, "a record writer");
	r->w.ops = &rectext_ops;
	r->w.tpl = *tpl;
	ret = sm_encoder_new(&r->encoder, SM_ENCODER_BY_ZLIB, level, err);
	if (ret < 0) {
		free(r);
		return ret;
	}
	*out = &r->w;
	return 0;
}
