/*
 * fuzz_recdeflate.c - libFuzzer target: records from bytes, inflated by zlib
 *
 * The input is a program: seven template pieces, then keys, items, ends of
 * records and of shards.  A part is some bytes of the input, or one of the last
 * eight parts again (so that there is something to match), or a run of one
 * byte; each may be repeated up to 65,536 bytes.  What comes out must inflate
 * to the text as it is put together here, and a second writer, which is given
 * its items by groups, must make the same bytes.
 */
#include <stdint.h>
#include <stdio.h>

#include "../unit/rectwin.h"

#define PARTS 8
/* A code serves 4 MiB at most: more than that. */
#define TEXT_MAX ((size_t)5 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
	const uint8_t *p, *end;
	struct sm_buf part[PARTS];
	unsigned parts;
	struct sm_buf text; /* what the shard should hold */
};

static unsigned
fuzz_byte(struct fuzz *f)
{
	return f->p < f->end ? *f->p++ : 0;
}

/* The next part; valid until PARTS - 1 more were made. */
static struct sm_record_piece
fuzz_part(struct fuzz *f)
{
	unsigned op = fuzz_byte(f), times, i;
	struct sm_buf *b = &f->part[f->parts % PARTS], *old;
	size_t n, unit;

	if (op < 64) {
		old = &f->part[(f->parts - 1 - op % (PARTS - 1)) % PARTS];
		f->parts++;
		sm_buf_clear(b);
		sm_buf_put(b, old->data, old->len);
		if (op & 32 && b->len > 0) /* nearly the same */
			b->data[b->len - 1] = (char)fuzz_byte(f);
		return (struct sm_record_piece){ b->len ? b->data : "",
						 b->len };
	}
	f->parts++;
	sm_buf_clear(b);
	n = op < 224 ? op & 31 : op & 255;
	if (n > (size_t)(f->end - f->p))
		n = (size_t)(f->end - f->p);
	sm_buf_put(b, f->p, n);
	f->p += n;
	if (op >= 208) {
		times = 1u << (fuzz_byte(f) % (op >= 253 ? 17 : 9));
		unit = b->len;
		for (i = 1; i < times && b->len + unit <= 65536; i++)
			sm_buf_put(b, f->p - n, unit);
	}
	return (struct sm_record_piece){ b->len ? b->data : "", b->len };
}

static void
fuzz_text(struct fuzz *f, struct sm_record_piece p)
{
	sm_buf_put(&f->text, p.text, p.len);
}

static void
fuzz_record(struct fuzz *f, struct sm_record_writer *w, struct rectwin *twin)
{
	const struct sm_record_template *t = &w->tpl;
	struct sm_record_piece id, num, key = fuzz_part(f);
	unsigned items = fuzz_byte(f) % 40, i;

	w->ops->key(w, key.text, key.len);
	rectwin_key(twin, key.text, key.len);
	fuzz_text(f, t->head);
	fuzz_text(f, key);
	fuzz_text(f, t->list);
	for (i = 0; i < items && f->p < f->end && f->text.len < TEXT_MAX; i++) {
		id = fuzz_part(f);
		num = fuzz_part(f);
		w->ops->item(w, id.text, id.len, num.text, num.len);
		rectwin_item(twin, id.text, id.len, num.text, num.len);
		fuzz_text(f, i > 0 ? t->next : t->item);
		fuzz_text(f, id);
		fuzz_text(f, t->mid);
		fuzz_text(f, num);
	}
	fuzz_text(f, i > 0 ? t->last : t->none);
	rectwin_end_record(twin);
	if (w->ops->end_record(w, NULL) != 0)
		abort();
}

static void
fuzz_check(struct fuzz *f, struct sm_record_writer *w, struct sm_shard *s,
	   struct rectwin *twin)
{
	const char *wrong;

	if (w->ops->end(w, NULL) != 0)
		abort();
	wrong = memshard_check(s, f->text.data, f->text.len);
	if (!rectwin_end(twin, s))
		wrong = "by groups it is something else";
	if (wrong) {
		fprintf(stderr, "%s\n", wrong);
		abort();
	}
	memshard_clear(s);
	rectwin_begin(twin);
	sm_buf_clear(&f->text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { .p = data, .end = data + size };
	struct sm_record_piece *piece;
	struct sm_record_template tpl;
	struct sm_record_writer *w;
	struct sm_shard shard = { .fail_at = 0 };
	struct rectwin twin;
	struct sm_buf own[7] = { { 0 } };
	size_t i;

	for (i = 0; i < 7; i++) {
		piece = (struct sm_record_piece *)&tpl + i;
		*piece = fuzz_part(&f);
		sm_buf_put(&own[i], piece->text, piece->len);
		piece->text = piece->len ? own[i].data : "";
	}
	if (sm_recdeflate_new(&w, &tpl, NULL) < 0)
		abort();
	w->ops->begin(w, &shard, NULL);
	rectwin_open(&twin, &tpl);
	while (f.p < f.end) {
		fuzz_record(&f, w, &twin);
		if (f.text.len > TEXT_MAX || fuzz_byte(&f) > 240) {
			fuzz_check(&f, w, &shard, &twin);
			w->ops->begin(w, &shard, NULL);
		}
	}
	fuzz_check(&f, w, &shard, &twin);
	w->ops->free(w);
	rectwin_close(&twin);
	for (i = 0; i < 7; i++)
		sm_buf_release(&own[i]);
	for (i = 0; i < PARTS; i++)
		sm_buf_release(&f.part[i]);
	sm_buf_release(&f.text);
	memshard_release(&shard);
	return 0;
}
