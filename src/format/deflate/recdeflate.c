/*
 * Records straight to deflate symbols.  This is the encoder that most of a
 * worker's time goes through; it is apart from defwin.c and defblock.c, which
 * know text and matches but no records.
 *
 * Method.  A general compressor searches for repeated text.  Here it is known
 * where text repeats: each piece of the template is also in the item before, so
 * one subtraction gives its distance, and the digits after it that agree with
 * the item before lengthen the match (ids share a prefix, scores fall slowly).
 * A table of places, by a hash of the id's text, says where an id was last; if
 * that is within the window, one long match may cover piece, id, piece and the
 * score's first digits together.  It is taken where it costs fewer bits than
 * the nearer two, by the symbols' cost in the current block.  All else is
 * literals: numbers and short ids have no repetition inside; long texts have,
 * and are left to zlib (--encoder).  The text is written into a window first
 * (defwin.h); when that is full its symbols are counted, unless they are like
 * those before, and then written, with the Huffman codes that are best for what
 * was counted last (defblock.h).
 *
 * Why it is always valid deflate.
 *
 * (1) A match covers only bytes that are equal at both places.  A piece's
 * place is noted with the piece, as 64-bit positions that never wrap, so a
 * piece equals itself; what follows a piece, and everything found by the hash,
 * is compared in the buffer.  A collision or a stale place costs bits and
 * nothing else.
 *
 * (2) A distance is used only if it is 1 to 32,768, and its place then lies in
 * this shard: positions begin at 32,769, so that a place never set (0) is too
 * far.  Places of ids are kept as 32 bits; after 4 GiB of text one that is old,
 * or was never set, may look near, or as near as 0, which is refused; by then a
 * whole window of this shard's text lies before it.
 *
 * (3) Matches are at least 4 bytes long here, and longer ones than 258 are cut
 * into 3 to 258 each (sm_defwin_match_at(), which also asserts the distance).
 *
 * (4) Package-merge keeps the code lengths within 14, 15 and 7 bits by
 * construction, and every code has two symbols or more and is complete.
 *
 * (5) No block is marked as the last one; a byte boundary is reached by an
 * empty stored block.
 *
 * Why it is the same everywhere: the bytes follow from the parts alone, all
 * arithmetic is on unsigned integers of fixed width, words are read as
 * little-endian, and all state is set afresh by begin().
 *
 * Several items at once (items()) go through the same steps in another order:
 * where each lies follows from the lengths alone, so that a group is appended
 * and looked at first, and matched then.  The bytes are those of item(), which
 * is also the way of whatever is unusual.
 *
 * Bounds.  Memory is one window, about 1 MiB.  Parts may be of any length: what
 * fits SM_DEFWIN_UNIT together is appended as one unit, larger ones in pieces.
 * A window that is counted grows by no more than 9/8, and that only if it is
 * all literals; one that is not, and is of another kind where nobody looked,
 * may double.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"

#include "defwin.h"
#include "record.h"
#include "record_impl.h"

/*
 * Places of ids: 16 KiB, half a first-level cache, for the 600 to 1,500 items
 * that a window holds.
 */
#define ID_BITS 12

/*
 * What items() copies by whole vectors, however short the part: SM_DEFWIN_SLACK
 * bytes after the text may be written to, and what follows in it is written
 * afterwards.
 */
#define VECTOR 32
_Static_assert(2 * VECTOR <= SM_DEFWIN_SLACK, "an item's end and a vector");
_Static_assert(SM_RECORD_NUM_MAX == VECTOR, "a number is one");
/* Longer ids are left to item(). */
#define ID_SHORT 255
/* Items of which all are looked at before any is matched. */
#define GROUP 8
_Static_assert(GROUP *(3 * VECTOR + ID_SHORT) <= SM_DEFWIN_UNIT, "a group");

struct recdeflate {
	struct sm_record_writer w;
	struct sm_defwin *win;
	bool in_list;            /* an item was written in this record */
	struct sm_defpiece owed; /* the end of the record before, or nothing */
	/* Id and number must be shorter together; 0: all items are too long. */
	size_t item_room;
	/* The pieces before id and number, where both fit a vector. */
	bool vectors;
	char next[VECTOR], mid[VECTOR];
	/* Positions of the pieces where they were last; 0: nowhere. */
	struct places {
		uint64_t head, list, item, next, mid, last, none;
		uint32_t id[1 << ID_BITS];
	} at;
};

/*
 * The first eight bytes of a part, with zeros after a shorter one.  They are
 * read from the part itself: its copy in the window was stored in other widths
 * just now, and the processor would wait for these stores to reach the cache.
 */
static inline uint64_t
part_word(const char *part, size_t len)
{
	const unsigned char *p = (const unsigned char *)part;
	uint64_t v = 0;
	uint32_t low, high;

	if (len >= 8)
		return sm_load64(p);
	if (len >= 4) {
		low = sm_load32(p);
		high = sm_load32(p + len - 4);
		return low | (uint64_t)high << (8 * (len - 4));
	}
	while (len-- > 0)
		v = v << 8 | p[len];
	return v;
}

static struct sm_defpiece
part_of(const struct sm_record_piece *piece, uint64_t *place)
{
	return (struct sm_defpiece){ piece->text, piece->len, place };
}

/* The first item of a record, and any that is longer than a unit. */
static void
item_put(struct recdeflate *r, const char *id, size_t id_len, const char *num,
	 size_t num_len)
{
	const struct sm_record_template *tpl = &r->w.tpl;
	struct sm_defpiece part[5];
	size_t n = 0;

	if (r->in_list) {
		part[n++] = part_of(&tpl->next, &r->at.next);
	} else {
		/* The nearest is most often the end of the last `next`. */
		if (r->at.next != 0 && tpl->next.len >= tpl->item.len)
			r->at.item = r->at.next + tpl->next.len - tpl->item.len;
		part[n++] = part_of(&tpl->list, &r->at.list);
		part[n++] = part_of(&tpl->item, &r->at.item);
	}
	part[n++] = (struct sm_defpiece){ id, id_len, NULL };
	part[n++] = part_of(&tpl->mid, &r->at.mid);
	part[n++] = (struct sm_defpiece){ num, num_len, NULL };
	sm_defwin_put(r->win, part, n);
	r->in_list = true;
}

/* `tail` is the last eight bytes of an id that is longer, else 0. */
static inline uint32_t *
id_place(struct recdeflate *r, size_t len, uint64_t word, uint64_t tail)
{
	uint64_t h = word * UINT64_C(0x9e3779b97f4a7c15) + len;

	h ^= tail;
	h *= UINT64_C(0xd6e8feb86659fd93);
	return &r->at.id[h >> (64 - ID_BITS)];
}

/*
 * How many bytes from text[at] on agree with those `dist` before.  text[at] is
 * the start of a part of `len` bytes that begins with `word`.
 */
static inline size_t
item_agree(const struct sm_defwin *d, size_t at, uint64_t dist, size_t len,
	   uint64_t word)
{
	size_t n = len < 8 ? len : 8;
	uint64_t x = sm_load64(d->text + at - dist) ^ word;

	if (len < 8)
		x &= (UINT64_C(1) << (8 * len)) - 1;
	if (x != 0)
		return (size_t)__builtin_ctzll(x) >> 3;
	return n + sm_defwin_agree(d, at + n, d->end, dist);
}

/* A match's cost in sixteenths of a bit; a longer one is weighed as one. */
static inline uint64_t
match_cost(const struct sm_defwin *d, size_t len, uint64_t dist)
{
	len = len < SM_DEFLATE_MATCH_MAX ? len : SM_DEFLATE_MATCH_MAX;
	return (uint64_t)d->cost.len[len] +
	       d->cost.dist[sm_deflate_dist_code((unsigned)dist)];
}

struct item {
	size_t at, mid, end; /* where it, its middle piece and the next begin */
	size_t len, mid_len; /* what can be matched there; 0: nothing */
	uint64_t dist, mid_dist;
};

/* Is the match of `len` bytes `dist` before better than the nearer two? */
static inline bool
item_far_is_better(const struct sm_defwin *d, const struct item *it, size_t len,
		   uint64_t dist)
{
	uint64_t near, far;
	size_t covered = it->len + it->mid_len;

	/* It must reach beyond the id: up to there the nearer ones serve. */
	if (it->at + len < it->mid + SM_DEFWIN_MATCH_MIN)
		return false;
	if (it->len < SM_DEFWIN_MATCH_MIN || it->mid_len < SM_DEFWIN_MATCH_MIN)
		return true;
	if (covered >= it->end - it->at)
		return false;
	near = match_cost(d, it->len, it->dist) +
	       match_cost(d, it->mid_len, it->mid_dist) +
	       (it->end - it->at - covered) * d->cost.literal;
	far = match_cost(d, len, dist) +
	      (it->end - it->at - len) * d->cost.literal;
	return far < near;
}

static void
recdeflate_item(struct sm_record_writer *w, const char *id, size_t id_len,
		const char *num, size_t num_len)
{
	struct recdeflate *r = (struct recdeflate *)w;
	const struct sm_record_template *tpl = &w->tpl;
	struct sm_defwin *d = r->win;
	uint64_t position, mid_position, id_word, id_tail = 0, far;
	size_t id_at, num_at, len;
	uint32_t *place;
	struct item it;

	if (!r->in_list || id_len >= r->item_room ||
	    num_len >= r->item_room - id_len) {
		item_put(r, id, id_len, num, num_len);
		return;
	}

	sm_defwin_reserve(d, SM_DEFWIN_UNIT);
	it.at = d->end;
	id_at = it.at + tpl->next.len;
	it.mid = id_at + id_len;
	num_at = it.mid + tpl->mid.len;
	sm_defwin_copy(d->text + it.at, tpl->next.text, tpl->next.len);
	sm_defwin_copy(d->text + id_at, id, id_len);
	sm_defwin_copy(d->text + it.mid, tpl->mid.text, tpl->mid.len);
	sm_defwin_copy(d->text + num_at, num, num_len);
	d->end = it.end = num_at + num_len;

	position = sm_defwin_position(d, it.at);
	mid_position = sm_defwin_position(d, it.mid);
	it.dist = sm_defwin_dist(position, r->at.next);
	it.mid_dist = sm_defwin_dist(mid_position, r->at.mid);
	r->at.next = position;
	r->at.mid = mid_position;
	id_word = part_word(id, id_len);
	if (id_len > 8)
		id_tail = sm_load64((const unsigned char *)id + id_len - 8);
	place = id_place(r, id_len, id_word, id_tail);
	far = (uint32_t)((uint32_t)position - *place);
	*place = (uint32_t)position;

	it.len = it.mid_len = 0;
	if (it.dist != 0)
		it.len = tpl->next.len +
			 item_agree(d, id_at, it.dist, id_len, id_word);
	if (it.mid_dist != 0)
		it.mid_len = tpl->mid.len + item_agree(d, num_at, it.mid_dist,
						       num_len,
						       part_word(num, num_len));

	if (far - 1 < SM_DEFLATE_WINDOW && far != it.dist) {
		len = sm_defwin_agree(d, it.at, it.end, far);
		if (item_far_is_better(d, &it, len, far)) {
			sm_defwin_match(d, it.at, len, far);
			return;
		}
	}
	if (it.len >= SM_DEFWIN_MATCH_MIN)
		sm_defwin_match(d, it.at, it.len, it.dist);
	if (it.mid_len >= SM_DEFWIN_MATCH_MIN && it.mid >= d->done)
		sm_defwin_match(d, it.mid, it.mid_len, it.mid_dist);
}

/*
 * Several items after each other, each of which fits a unit by far: the same
 * steps as recdeflate_item(), with all that changes in local variables.
 */

static inline bool
item_is_short(const struct sm_record_item *item)
{
	assert(item->num_len <= SM_RECORD_NUM_MAX);
	return item->id_len <= ID_SHORT;
}

static inline void
vector_copy(unsigned char *dst, const char *src)
{
	memcpy(dst, src, VECTOR);
}

/* The first `len` bytes of what was read as eight, with zeros after them. */
static inline uint64_t
word_cut(uint64_t word, size_t len)
{
	static const uint64_t mask[9] = {
		0,
		UINT64_C(0xff),
		UINT64_C(0xffff),
		UINT64_C(0xffffff),
		UINT64_C(0xffffffff),
		UINT64_C(0xffffffffff),
		UINT64_C(0xffffffffffff),
		UINT64_C(0xffffffffffffff),
		~UINT64_C(0),
	};

	return word & mask[len < 8 ? len : 8];
}

/*
 * As item_agree(), for parts that most often differ within seven bytes: a bit
 * is set after the part, or after seven, so that the first difference is found
 * there at the latest.  Only where it is must the rest be compared.
 */
static inline size_t
word_agree(const struct sm_defwin *d, size_t at, uint64_t dist, size_t len,
	   uint64_t word)
{
	unsigned most = len < 7 ? (unsigned)len : 7, n;
	uint64_t x = sm_load64(d->text + at - dist) ^ word;

	x |= UINT64_C(1) << (8 * most);
	n = (unsigned)__builtin_ctzll(x) / 8;
	if (__builtin_expect(n == most, 0))
		return item_agree(d, at, dist, len, word_cut(word, len));
	return n;
}

/* What the first of two steps finds out about an item, for the second. */
struct staged {
	struct item it;
	uint64_t far; /* 0: the id was nowhere in the window */
};

/*
 * The first step: append the item, and see where it repeats.  The next item's
 * place follows from the lengths alone, so that no branch here depends on what
 * was found, and the processor works at several items at once.  What is found
 * by the hash is of no use unless it reaches beyond the id, whose first bytes
 * are compared at once: every other one is another id.
 */
static inline void
item_stage(struct staged *s, struct recdeflate *r,
	   const struct sm_record_item *item)
{
	const struct sm_record_template *tpl = &r->w.tpl;
	struct sm_defwin *d = r->win;
	size_t id_len = item->id_len, num_len = item->num_len;
	size_t at = d->end, id_at = at + tpl->next.len;
	size_t mid = id_at + id_len, num_at = mid + tpl->mid.len;
	/* Where the last eight bytes of the id begin, if it has as many. */
	size_t tail = id_len > 8 ? id_len - 8 : 0;
	uint64_t id_word, id_tail, num_word, position, mid_position, far, there;
	uint32_t *place;

	id_word = word_cut(sm_load64((const unsigned char *)item->id), id_len);
	id_tail = sm_load64((const unsigned char *)item->id + tail);
	num_word = sm_load64((const unsigned char *)item->num);
	vector_copy(d->text + at, r->next);
	if (__builtin_expect(id_len > 16, 0))
		sm_defwin_copy(d->text + id_at, item->id, id_len);
	sm_store64(d->text + id_at, id_word);
	sm_store64(d->text + id_at + tail, id_tail);
	vector_copy(d->text + mid, r->mid);
	vector_copy(d->text + num_at, item->num);
	d->end = num_at + num_len;
	s->it.at = at;
	s->it.mid = mid;
	s->it.end = d->end;

	position = sm_defwin_position(d, at);
	mid_position = sm_defwin_position(d, mid);
	s->it.dist = sm_defwin_dist(position, r->at.next);
	s->it.mid_dist = sm_defwin_dist(mid_position, r->at.mid);
	r->at.next = position;
	r->at.mid = mid_position;
	id_tail &= 0 - (uint64_t)(id_len > 8);
	place = id_place(r, id_len, id_word, id_tail);
	far = (uint32_t)((uint32_t)position - *place);
	*place = (uint32_t)position;

	s->it.len = s->it.mid_len = 0;
	if (__builtin_expect(s->it.dist != 0, 1))
		s->it.len = tpl->next.len +
			    word_agree(d, id_at, s->it.dist, id_len, id_word);
	if (__builtin_expect(s->it.mid_dist != 0, 1))
		s->it.mid_len =
			tpl->mid.len + word_agree(d, num_at, s->it.mid_dist,
						  num_len, num_word);

	/*
	 * By masks: which of these fails is as good as random.  Whatever is
	 * read is 0 to one window before, so that it is there.
	 */
	far &= 0 - (uint64_t)(far <= SM_DEFLATE_WINDOW);
	there = word_cut(sm_load64(d->text + id_at - far), id_len) ^ id_word;
	far &= 0 - (uint64_t)((there == 0) & (far != s->it.dist));
	s->far = far;
}

/* The second: as the end of recdeflate_item(). */
static inline void
item_match(struct sm_defwin *d, struct sm_defcursor *c, const struct staged *s)
{
	const struct item *it = &s->it;
	size_t len;

	if (s->far != 0) {
		len = sm_defwin_agree(d, it->at, it->end, s->far);
		if (item_far_is_better(d, it, len, s->far)) {
			sm_defwin_match_at(d, c, it->at, len, s->far);
			return;
		}
	}
	if (it->len >= SM_DEFWIN_MATCH_MIN)
		sm_defwin_match_at(d, c, it->at, it->len, it->dist);
	if (it->mid_len >= SM_DEFWIN_MATCH_MIN && it->mid >= c->done)
		sm_defwin_match_at(d, c, it->mid, it->mid_len, it->mid_dist);
}

/*
 * The window is handed over before the same item as recdeflate_item() would do
 * it: by a group only where there is room for its text and sequences, and for
 * a unit after that; else item by item.
 */
static const struct sm_record_item *
items_put(struct recdeflate *r, const struct sm_record_item *item,
	  const struct sm_record_item *end)
{
	struct sm_defwin *d = r->win;
	struct sm_defcursor c = sm_defwin_cursor(d);
	struct staged group[GROUP];
	size_t i, n;

	while (item < end && item_is_short(item)) {
		n = GROUP;
		if (sm_defwin_is_full(d, c, 2 * SM_DEFWIN_UNIT)) {
			n = 1;
			sm_defwin_set_cursor(d, c);
			sm_defwin_reserve(d, SM_DEFWIN_UNIT);
			c = sm_defwin_cursor(d);
		}
		for (i = 0; i < n && item < end && item_is_short(item); i++)
			item_stage(&group[i], r, item++);
		for (n = i, i = 0; i < n; i++)
			item_match(d, &c, &group[i]);
	}
	sm_defwin_set_cursor(d, c);
	return item;
}

static void
recdeflate_items(struct sm_record_writer *w, const struct sm_record_item *item,
		 size_t n)
{
	struct recdeflate *r = (struct recdeflate *)w;
	const struct sm_record_item *end = item + n;

	while (item < end) {
		if (r->in_list && r->vectors)
			item = items_put(r, item, end);
		if (item == end)
			break;
		recdeflate_item(w, item->id, item->id_len, item->num,
				item->num_len);
		item++;
	}
}

static void
recdeflate_key(struct sm_record_writer *w, const char *key, size_t len)
{
	struct recdeflate *r = (struct recdeflate *)w;
	struct sm_defpiece part[3];
	size_t n = 0;

	if (r->owed.len > 0)
		part[n++] = r->owed;
	part[n++] = part_of(&w->tpl.head, &r->at.head);
	part[n++] = (struct sm_defpiece){ key, len, NULL };
	sm_defwin_put(r->win, part, n);
	r->owed.len = 0;
	r->in_list = false;
}

/* Report the failure that sticks, if there is one. */
static int
recdeflate_failed(const struct recdeflate *r, struct sm_err *err)
{
	if (r->win->err.code != 0 && err)
		*err = r->win->err;
	return r->win->err.code;
}

static int
recdeflate_end_record(struct sm_record_writer *w, struct sm_err *err)
{
	struct recdeflate *r = (struct recdeflate *)w;
	struct sm_defpiece list = part_of(&w->tpl.list, &r->at.list);

	/* The end goes with the next record's head: one match for both. */
	if (r->in_list) {
		r->owed = part_of(&w->tpl.last, &r->at.last);
	} else {
		sm_defwin_put(r->win, &list, 1);
		r->owed = part_of(&w->tpl.none, &r->at.none);
	}
	return recdeflate_failed(r, err);
}

static int
recdeflate_begin(struct sm_record_writer *w, struct sm_shard *shard,
		 struct sm_err *err)
{
	struct recdeflate *r = (struct recdeflate *)w;

	(void)err; /* nothing here can fail */
	sm_defwin_begin(r->win, shard);
	memset(&r->at, 0, sizeof(r->at));
	r->in_list = false;
	r->owed.len = 0;
	return 0;
}

static int
recdeflate_align(struct sm_record_writer *w, struct sm_err *err)
{
	struct recdeflate *r = (struct recdeflate *)w;

	sm_defwin_put(r->win, &r->owed, r->owed.len > 0);
	r->owed.len = 0;
	sm_defwin_align(r->win);
	return recdeflate_failed(r, err);
}

static void
recdeflate_free(struct sm_record_writer *w)
{
	struct recdeflate *r = (struct recdeflate *)w;

	sm_defwin_free(r->win);
	free(r);
}

void
sm_recdeflate_plain(struct sm_record_writer *w)
{
	sm_defblock_plain(((struct recdeflate *)w)->win->block);
}

static const struct sm_record_ops recdeflate_ops = {
	.begin = recdeflate_begin,
	.key = recdeflate_key,
	.item = recdeflate_item,
	.items = recdeflate_items,
	.end_record = recdeflate_end_record,
	.align = recdeflate_align,
	.end = recdeflate_align,
	.free = recdeflate_free,
};

int
sm_recdeflate_new(struct sm_record_writer **out,
		  const struct sm_record_template *tpl, struct sm_err *err)
{
	struct recdeflate *r = calloc(1, sizeof(*r));

	if (r)
		r->win = sm_defwin_new();
	if (!r || !r->win) {
		free(r);
		return sm_err_mem(err, "the record encoder");
	}
	r->w.ops = &recdeflate_ops;
	r->w.tpl = *tpl;
	r->item_room = SM_DEFWIN_UNIT;
	if (tpl->next.len > r->item_room ||
	    tpl->mid.len > r->item_room - tpl->next.len)
		r->item_room = 0;
	else
		r->item_room -= tpl->next.len + tpl->mid.len;
	if (tpl->next.len <= VECTOR && tpl->mid.len <= VECTOR) {
		memcpy(r->next, tpl->next.text, tpl->next.len);
		memcpy(r->mid, tpl->mid.text, tpl->mid.len);
		r->vectors = true;
	}
	*out = &r->w;
	return 0;
}
