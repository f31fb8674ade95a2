/*
 * gzip.c - header, index notes, end note and tail of the one form, to bytes and
 * back
 *
 * A reader encodes again what it has read and compares: there is one way to
 * write each.
 */
#include <assert.h>
#include <string.h>

#include "bytes.h"
#include "varint.h"

#include "gzip.h"

enum {
	GROUP_MISSING = 1,
	GROUP_SAME_ROWS = 2,
	GROUP_EMPTY = 4,
	GROUP_TALLIES = 8,
	GROUP_MORE = 16,
};

/* A few records are said by the flags themselves, above the others. */
#define GROUP_RECORDS     7
#define GROUP_RECORDS_BIT 5

/* ID1 ID2 CM FLG MTIME(4) XFL OS(unknown) */
const unsigned char sm_gzip_header[SM_GZIP_HEADER_BYTES] = { 0x1f, 0x8b, 8, 0,
							     0,    0,    0, 0,
							     0,    255 };

void
sm_gzip_put_tail(unsigned char *dst, uint32_t raw_crc32, uint64_t raw_bytes)
{
	/* The last block, empty and of fixed codes. */
	dst[0] = 3;
	dst[1] = 0;
	sm_put_le(dst + 2, raw_crc32, 4);
	sm_put_le(dst + 6, raw_bytes, 4); /* modulo 2^32 */
}

/* -------------------------------------------------------------------- end --
 */

void
sm_gzip_put_end(unsigned char *dst, const struct sm_gzip_end *e)
{
	unsigned char body[SM_GZIP_END_BODY];

	sm_put_le(body, e->fingerprint, 8);
	sm_put_le(body + 8, e->batches, 8);
	sm_put_le(body + 16, e->missing, 8);
	sm_put_le(body + 24, e->last_at, 8);
	sm_put_le(body + 32, e->last_crc32, 4);
	sm_note_put(dst, NULL, SM_NOTE_END, body, sizeof(body));
}

bool
sm_gzip_get_end(struct sm_gzip_end *e, const struct sm_note *n)
{
	if (n->version != SM_NOTE_VERSION || n->type != SM_NOTE_END ||
	    n->len != SM_GZIP_END_BODY)
		return false;
	e->fingerprint = sm_get_le(n->body, 8);
	e->batches = sm_get_le(n->body + 8, 8);
	e->missing = sm_get_le(n->body + 16, 8);
	e->last_at = sm_get_le(n->body + 24, 8);
	e->last_crc32 = (uint32_t)sm_get_le(n->body + 32, 4);
	return true;
}

/* ----------------------------------------------------------------- groups --
 */

static bool
run_is_empty(const struct sm_span *r)
{
	return r->e.sizes.raw_bytes == 0 && r->e.sizes.gz_bytes == 0 &&
	       r->e.counts.records == 0 && r->e.sizes.gz_crc32 == 0;
}

void
sm_group_add(struct sm_group *g, const struct sm_entry *e, bool missing)
{
	struct sm_span *r = &g->run[g->entries], *last = r - 1;
	unsigned i;

	assert(g->entries < SM_GROUP_ENTRIES);
	*r = (struct sm_span){ .batches = 1, .missing = missing };
	if (missing)
		r->e.counts.rows = e->counts.rows;
	else
		r->e = *e;
	r->e.fingerprint = g->fingerprint;
	/* Whatever rows they have: a file may be long without text. */
	if (g->entries > 0 && missing == last->missing && run_is_empty(r) &&
	    run_is_empty(last)) {
		last->batches++;
		last->e.counts.rows += r->e.counts.rows;
		for (i = 0; i < SM_TALLIES; i++)
			last->e.counts.tally[i] += r->e.counts.tally[i];
	} else {
		g->entries++;
	}
	if (g->back > 0)
		g->back += r->e.sizes.gz_bytes;
}

static uint64_t
group_batches(const struct sm_group *g)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < g->entries; i++)
		n += g->run[i].batches;
	return n;
}

void
sm_group_next(struct sm_group *next, const struct sm_group *g, uint64_t note_at,
	      size_t bytes, uint32_t crc32)
{
	struct sm_group n = {
		.fingerprint = g->fingerprint,
		.back = bytes, /* and the bodies that will be added */
		.before_crc32 = crc32,
		.batch = g->batch + group_batches(g),
		.at = note_at + bytes,
		.row = g->row,
		.record = g->record,
		.raw_at = g->raw_at,
	};
	unsigned i;

	for (i = 0; i < g->entries; i++) {
		n.row += g->run[i].e.counts.rows;
		n.record += g->run[i].e.counts.records;
		n.raw_at += g->run[i].e.sizes.raw_bytes;
	}
	*next = n;
}

void
sm_group_shift(struct sm_group *g, uint64_t bytes)
{
	assert(g->entries == 0);
	g->at += bytes;
	if (g->back > 0)
		g->back += bytes;
}

/* Those that are not 0; bit i for the i-th. */
static unsigned
run_mask(const struct sm_span *r)
{
	unsigned mask = 0, i;
	uint64_t any = 0;

	/* Mostly there is none. */
	for (i = 0; i < SM_TALLIES; i++)
		any |= r->e.counts.tally[i];
	for (i = 0; any > 0 && i < SM_TALLIES; i++)
		if (r->e.counts.tally[i] > 0)
			mask |= 1u << i;
	return mask;
}

/* One entry; `rows` are those of the entry before. */
static unsigned char *
run_put(unsigned char *p, const struct sm_span *r, const uint64_t *rows)
{
	unsigned flags = 0, mask = run_mask(r), i;
	bool empty = run_is_empty(r);
	bool few = r->e.counts.records <= GROUP_RECORDS;

	if (r->missing)
		flags |= GROUP_MISSING;
	else if (empty)
		flags |= GROUP_EMPTY;
	if (rows && *rows == r->e.counts.rows)
		flags |= GROUP_SAME_ROWS;
	if (mask)
		flags |= GROUP_TALLIES;
	if (r->batches > 1)
		flags |= GROUP_MORE;
	if (few)
		flags |= (unsigned)r->e.counts.records << GROUP_RECORDS_BIT;
	*p++ = (unsigned char)flags;
	if (!(flags & GROUP_SAME_ROWS))
		p = sm_varint_put(p, r->e.counts.rows);
	if (flags & GROUP_MORE)
		p = sm_varint_put(p, r->batches - 1);
	if (r->missing)
		return p;
	if (!empty && !(flags >> GROUP_RECORDS_BIT))
		p = sm_varint_put(p, r->e.counts.records);
	if (mask)
		p = sm_varint_put(p, mask);
	for (i = 0; mask >> i > 0; i++)
		if (mask & 1u << i)
			p = sm_varint_put(p, r->e.counts.tally[i]);
	if (empty)
		return p;
	p = sm_varint_put(p, r->e.sizes.gz_bytes);
	p = sm_varint_put(p, r->e.sizes.raw_bytes);
	sm_put_le(p, r->e.sizes.gz_crc32, 4);
	return p + 4;
}

/* A mask that says less than what follows is found by encoding it again. */
static bool
run_get_tallies(uint64_t tally[SM_TALLIES], const unsigned char **p,
		const unsigned char *end)
{
	uint64_t mask;
	unsigned i;

	if (!sm_varint_get(&mask, p, end) || mask >> SM_TALLIES)
		return false;
	for (i = 0; i < SM_TALLIES; i++)
		if ((mask >> i & 1) && !sm_varint_get(&tally[i], p, end))
			return false;
	return true;
}

static bool
run_get(struct sm_span *r, const unsigned char **p, const unsigned char *end,
	uint64_t rows)
{
	struct sm_entry *e = &r->e;
	uint64_t more = 0;
	unsigned flags;

	if (*p == end)
		return false;
	flags = *(*p)++;
	r->missing = flags & GROUP_MISSING;
	e->counts.rows = rows;
	if (!(flags & GROUP_SAME_ROWS) &&
	    !sm_varint_get(&e->counts.rows, p, end))
		return false;
	if ((flags & GROUP_MORE) && !sm_varint_get(&more, p, end))
		return false;
	r->batches = more + 1;
	if (r->missing)
		return true;
	e->counts.records = flags >> GROUP_RECORDS_BIT;
	if (!(flags & GROUP_EMPTY) && e->counts.records == 0 &&
	    !sm_varint_get(&e->counts.records, p, end))
		return false;
	if ((flags & GROUP_TALLIES) &&
	    !run_get_tallies(e->counts.tally, p, end))
		return false;
	if (flags & GROUP_EMPTY)
		return true;
	if (!sm_varint_get(&e->sizes.gz_bytes, p, end) ||
	    !sm_varint_get(&e->sizes.raw_bytes, p, end) || end - *p < 4)
		return false;
	e->sizes.gz_crc32 = (uint32_t)sm_get_le(*p, 4);
	*p += 4;
	return true;
}

static size_t
group_body(unsigned char *body, const struct sm_group *g)
{
	unsigned char *p = body;
	unsigned i;

	sm_put_le(p, g->fingerprint, 8);
	p = sm_varint_put(p + 8, g->back);
	sm_put_le(p, g->before_crc32, 4);
	p = sm_varint_put(p + 4, g->batch);
	p = sm_varint_put(p, g->entries);
	p = sm_varint_put(p, g->at);
	p = sm_varint_put(p, g->row);
	p = sm_varint_put(p, g->record);
	p = sm_varint_put(p, g->raw_at);
	for (i = 0; i < g->entries; i++)
		p = run_put(p, &g->run[i],
			    i > 0 ? &g->run[i - 1].e.counts.rows : NULL);
	return (size_t)(p - body);
}

bool
sm_group_is_full(const struct sm_group *g)
{
	unsigned char body[SM_NOTE_BODY_MAX];
	uint64_t bytes = 0;
	bool large = false;
	unsigned i;

	for (i = 0; i < g->entries; i++) {
		bytes += g->run[i].e.sizes.gz_bytes;
		large |= g->run[i].e.sizes.gz_bytes >= SM_GROUP_ALONE;
	}
	return large || g->entries == SM_GROUP_ENTRIES ||
	       (g->entries >= SM_GROUP_FEW && bytes >= SM_GROUP_LARGE) ||
	       group_body(body, g) >= SM_GROUP_FULL_BYTES;
}

size_t
sm_group_put(unsigned char *dst, uint32_t *crc32, const struct sm_group *g)
{
	unsigned char body[SM_NOTE_BODY_MAX];

	return sm_note_put(dst, crc32, SM_NOTE_INDEX, body,
			   group_body(body, g));
}

bool
sm_group_get(struct sm_group *g, const struct sm_note *n)
{
	unsigned char again[SM_NOTE_BODY_MAX];
	const unsigned char *p = n->body, *end = p + n->len;
	uint64_t entries, rows = 0;
	unsigned i;

	*g = (struct sm_group){ 0 };
	if (n->version != SM_NOTE_VERSION || n->type != SM_NOTE_INDEX ||
	    n->len < 12 || n->len > SM_GROUP_BODY_MAX)
		return false;
	g->fingerprint = sm_get_le(p, 8);
	p += 8;
	if (!sm_varint_get(&g->back, &p, end) || end - p < 4)
		return false;
	g->before_crc32 = (uint32_t)sm_get_le(p, 4);
	p += 4;
	if (!sm_varint_get(&g->batch, &p, end) ||
	    !sm_varint_get(&entries, &p, end) ||
	    !sm_varint_get(&g->at, &p, end) ||
	    !sm_varint_get(&g->row, &p, end) ||
	    !sm_varint_get(&g->record, &p, end) ||
	    !sm_varint_get(&g->raw_at, &p, end) || entries < 1 ||
	    entries > SM_GROUP_ENTRIES)
		return false;
	g->entries = (unsigned)entries;
	for (i = 0; i < g->entries; i++) {
		if (!run_get(&g->run[i], &p, end, rows))
			return false;
		rows = g->run[i].e.counts.rows;
		g->run[i].e.fingerprint = g->fingerprint;
	}
	return p == end && group_body(again, g) == n->len &&
	       memcmp(again, n->body, n->len) == 0;
}

/* ----------------------------------------------------------------- shards --
 */

static void
shard_group(struct sm_group *g, uint64_t batch, const struct sm_entry *e)
{
	*g = (struct sm_group){ .fingerprint = e->fingerprint,
				.batch = batch,
				.at = SM_GZIP_HEADER_BYTES };
	sm_group_add(g, e, false);
}

size_t
sm_shard_put_end(unsigned char *dst, uint64_t batch, const struct sm_entry *e)
{
	struct sm_gzip_end end = { .fingerprint = e->fingerprint,
				   .batches = 1,
				   .last_at = SM_GZIP_HEADER_BYTES +
					      e->sizes.gz_bytes };
	struct sm_group g;
	size_t n;

	shard_group(&g, batch, e);
	n = sm_group_put(dst, &end.last_crc32, &g);
	sm_gzip_put_end(dst + n, &end);
	n += SM_GZIP_END_BYTES;
	sm_gzip_put_tail(dst + n, e->sizes.raw_crc32, e->sizes.raw_bytes);
	return n + SM_GZIP_TAIL_BYTES;
}

uint64_t
sm_shard_bytes(uint64_t batch, const struct sm_entry *e)
{
	unsigned char body[SM_NOTE_BODY_MAX];
	struct sm_group g;

	shard_group(&g, batch, e);
	return SM_GZIP_HEADER_BYTES + e->sizes.gz_bytes +
	       SM_NOTE_BYTES(group_body(body, &g)) + SM_GZIP_LAST_BYTES;
}
