/*
 * rectwin.h - a second record writer, which is given its items by groups
 *
 * For tests of the record encoder: what one writer gets item by item, the twin
 * gets by sm_record_items(), in groups of 1 to 20, and without what only some
 * processors can.  Both shards must be equal, byte for byte.  Needs memshard.h.
 */
#ifndef RECTWIN_H
#define RECTWIN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"
#include "record_impl.h"

#include "memshard.h"

#define RECTWIN_GROUP 20

struct rectwin {
	struct sm_record_writer *w;
	struct sm_shard shard;
	struct sm_record_item item[RECTWIN_GROUP];
	/* Memory of theirs. */
	char *id[RECTWIN_GROUP], num[RECTWIN_GROUP][SM_RECORD_NUM_MAX];
	unsigned items, group;
};

static void
rectwin_begin(struct rectwin *t)
{
	memshard_clear(&t->shard);
	t->w->ops->begin(t->w, &t->shard, NULL);
}

static void
rectwin_open(struct rectwin *t, const struct sm_record_template *tpl)
{
	memset(t, 0, sizeof(*t));
	if (sm_recdeflate_new(&t->w, tpl, NULL) < 0)
		abort();
	sm_recdeflate_plain(t->w);
	rectwin_begin(t);
}

/* Hand over what is collected; the next group has another size. */
static void
rectwin_flush(struct rectwin *t)
{
	unsigned i;

	t->w->ops->items(t->w, t->item, t->items);
	for (i = 0; i < t->items; i++)
		free(t->id[i]);
	t->items = 0;
	t->group = (t->group * 13 + 7) % RECTWIN_GROUP;
}

static void
rectwin_key(struct rectwin *t, const char *key, size_t len)
{
	t->w->ops->key(t->w, key, len);
}

/* With exactly the memory that an item must have, for sanitizers to see. */
static void
rectwin_item(struct rectwin *t, const char *id, size_t id_len, const char *num,
	     size_t num_len)
{
	struct sm_record_item *item = &t->item[t->items];
	char *copy;

	if (num_len > SM_RECORD_NUM_MAX) {
		rectwin_flush(t);
		t->w->ops->item(t->w, id, id_len, num, num_len);
		return;
	}
	copy = malloc(id_len < 8 ? 8 : id_len);
	if (!copy)
		abort();
	memset(copy, '#', 8);
	memcpy(copy, id, id_len);
	memset(t->num[t->items], '#', SM_RECORD_NUM_MAX);
	memcpy(t->num[t->items], num, num_len);
	item->num = t->num[t->items];
	item->num_len = (uint32_t)num_len;
	item->id = t->id[t->items] = copy;
	item->id_len = (uint32_t)id_len;
	if (++t->items > t->group)
		rectwin_flush(t);
}

static void
rectwin_end_record(struct rectwin *t)
{
	rectwin_flush(t);
	t->w->ops->end_record(t->w, NULL);
}

/* End; is what the twin made what `other` has, which has ended? */
static bool
rectwin_end(struct rectwin *t, const struct sm_shard *other)
{
	const struct sm_buf *a = &t->shard.deflated, *b = &other->deflated;

	t->w->ops->end(t->w, NULL);
	return a->len == b->len &&
	       (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static void
rectwin_close(struct rectwin *t)
{
	t->w->ops->free(t->w);
	memshard_release(&t->shard);
}

#endif /* RECTWIN_H */
