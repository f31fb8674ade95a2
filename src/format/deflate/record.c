/*
 * The record writer: makes the texts between the parts of a record once, and
 * passes calls on to the encoder that was chosen.  It is apart from the two
 * encoders so that neither knows what json.dumps writes, nor the caller which
 * of them it talks to.
 */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "err.h"

#include "jsontext.h"
#include "record_impl.h"

#include "record.h"

/* Append a field's name, quoted. */
static int
record_put_name(struct sm_buf *b, const char *name, struct sm_err *err)
{
	ssize_t bad = sm_jsontext_put(b, name, strlen(name));

	if (bad >= 0)
		return sm_err_set(err, SM_EINPUT,
				  "field name '%s' is not UTF-8 at byte %zd",
				  name, bad);
	return 0;
}

/*
 * The pieces of record_impl.h, one after the other in one block.  The buffer
 * may move while it grows, so lengths are noted first and pointers set at the
 * end.
 */
static int
record_make_template(struct sm_record_template *tpl, char **mem,
		     const struct sm_record_fields *f, struct sm_err *err)
{
	struct {
		struct sm_record_piece *piece;
		const char *before, *name, *after;
	} part[] = {
		{ &tpl->head, "{", f->key, ": " },
		{ &tpl->list, ", ", f->list, ": [" },
		{ &tpl->item, "{", f->id, ": " },
		{ &tpl->mid, ", ", f->score, ": " },
		{ &tpl->next, "}, {", f->id, ": " },
		{ &tpl->last, "}]}\n", NULL, "" },
		{ &tpl->none, "]}\n", NULL, "" },
	};
	struct sm_buf b = { 0 };
	size_t at = 0, i;
	int ret;

	for (i = 0; i < sizeof(part) / sizeof(*part); i++) {
		sm_buf_puts(&b, part[i].before);
		if (part[i].name) {
			ret = record_put_name(&b, part[i].name, err);
			if (ret < 0)
				goto fail;
		}
		sm_buf_puts(&b, part[i].after);
		part[i].piece->len = b.len - at;
		at = b.len;
	}
	*mem = sm_buf_steal(&b);
	if (!*mem)
		return sm_err_mem(err, "a record's field names");
	for (i = 0, at = 0; i < sizeof(part) / sizeof(*part); i++) {
		part[i].piece->text = *mem + at;
		at += part[i].piece->len;
	}
	return 0;

fail:
	sm_buf_release(&b);
	return ret;
}

/*
 * The template's memory belongs to the writer from here on, and to nobody if
 * its constructor fails.
 */
int
sm_record_writer_new(struct sm_record_writer **out,
		     const struct sm_record_fields *fields, int encoder,
		     int level, struct sm_err *err)
{
	struct sm_record_template tpl;
	char *mem = NULL;
	int ret;

	ret = record_make_template(&tpl, &mem, fields, err);
	if (ret < 0)
		return ret;
	switch (encoder) {
	case SM_ENCODER_RECORD:
		ret = sm_recdeflate_new(out, &tpl, err);
		break;
	case SM_ENCODER_ZLIB:
		ret = sm_rectext_new(out, &tpl, level, err);
		break;
	default:
		ret = sm_err_set(err, SM_EUSAGE, "there is no encoder %d",
				 encoder);
	}
	if (ret < 0)
		free(mem);
	return ret;
}

int
sm_record_writer_begin(struct sm_record_writer *w, struct sm_shard *shard,
		       struct sm_err *err)
{
	return w->ops->begin(w, shard, err);
}

void
sm_record_begin(struct sm_record_writer *w, const char *key, size_t len)
{
	w->ops->key(w, key, len);
}

void
sm_record_item(struct sm_record_writer *w, const char *id, size_t id_len,
	       const char *num, size_t num_len)
{
	w->ops->item(w, id, id_len, num, num_len);
}

void
sm_record_items(struct sm_record_writer *w, const struct sm_record_item *item,
		size_t n)
{
	w->ops->items(w, item, n);
}

int
sm_record_end(struct sm_record_writer *w, struct sm_err *err)
{
	return w->ops->end_record(w, err);
}

int
sm_record_writer_align(struct sm_record_writer *w, struct sm_err *err)
{
	return w->ops->align(w, err);
}

int
sm_record_writer_end(struct sm_record_writer *w, struct sm_err *err)
{
	return w->ops->end(w, err);
}

void
sm_record_writer_free(struct sm_record_writer *w)
{
	char *mem;

	if (!w)
		return;
	/* The first piece is the start of the block that holds them all. */
	mem = (char *)w->tpl.head.text;
	w->ops->free(w);
	free(mem);
}
