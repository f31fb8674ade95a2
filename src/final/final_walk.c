#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "final_walk.h"

void
sm_walk_found(struct sm_walk *w, uint64_t batch, const char *kind,
	      const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	w->report->findings++;
	if (w->report->found)
		w->report->found(batch > INT64_MAX ? -1 : (int64_t)batch, kind,
				 text, w->report->arg);
}

/* ------------------------------------------------------------- order -- */

static bool
walk_seen(const struct sm_walk *w, uint64_t batch)
{
	if (!w->seen)
		return batch < w->want;
	return w->seen[batch / 8] >> batch % 8 & 1;
}

static int
walk_mark(struct sm_walk *w, uint64_t batch, struct sm_err *err)
{
	uint64_t i;

	if (w->has_end && !w->seen && batch != w->want) {
		w->seen = calloc(1, (size_t)(w->end.batches / 8 + 1));
		if (!w->seen)
			return sm_err_mem(err, "the order of batches");
		for (i = 0; i < w->want; i++)
			w->seen[i / 8] |= (unsigned char)(1u << i % 8);
	}
	if (w->seen)
		w->seen[batch / 8] |= (unsigned char)(1u << batch % 8);
	if (batch >= w->want)
		w->want = batch + 1;
	return 0;
}

static void
walk_missing_run(struct sm_walk *w, uint64_t first, uint64_t end)
{
	if (end - first == 1)
		sm_walk_found(w, first, "missing",
			      "batch %" PRIu64 " is missing", first);
	else
		sm_walk_found(w, first, "missing",
			      "batches %" PRIu64 " to %" PRIu64 " are missing",
			      first, end - 1);
}

int
sm_walk_missing(struct sm_walk *w, struct sm_err *err)
{
	uint64_t i = 0, first, due;
	int ret = 0;

	while (w->has_end && i < w->end.batches) {
		first = i;
		ret = sm_walk_due(w, &i, err);
		if (ret < 0)
			break;
		if (i > first)
			continue;
		if (walk_seen(w, i)) {
			i++;
			continue;
		}
		do {
			due = ++i;
			ret = sm_walk_due(w, &due, err);
		} while (ret == 0 && due == i && i < w->end.batches &&
			 !walk_seen(w, i));
		walk_missing_run(w, first, i);
	}
	return ret;
}

/* A whole member: is it in its place? */
static int
walk_place(struct sm_walk *w, const struct sm_member *m, struct sm_err *err)
{
	uint64_t batch = m->head.batch;

	if (w->has_end && batch >= w->end.batches) {
		sm_walk_found(w, batch, "header",
			      "a member at byte %" PRIu64
			      " says that it is batch %" PRIu64 " of %" PRIu64,
			      w->at, batch, w->end.batches);
		return 0;
	}
	if (w->has_end && walk_seen(w, batch)) {
		sm_walk_found(w, batch, "doubled",
			      "batch %" PRIu64
			      " stands once more at byte %" PRIu64,
			      batch, w->at);
		return 0;
	}
	if (batch < w->want)
		sm_walk_found(w, batch, "swapped",
			      "batch %" PRIu64 " at byte %" PRIu64
			      " stands behind batch %" PRIu64,
			      batch, w->at, w->want - 1);
	else if (!w->has_end && batch > w->want)
		walk_missing_run(w, w->want, batch);
	w->report->batches++;
	w->report->records += m->head.counts.records;
	w->report->raw_bytes += m->raw_bytes;
	w->report->gz_bytes += m->bytes;
	return walk_mark(w, batch, err);
}

/* ------------------------------------------------------------ damage -- */

/* Does a member, or the end of the shards, stand at `at`?  1, 0, <0. */
static int
walk_begins(struct sm_walk *w, uint64_t at, struct sm_err *err)
{
	const unsigned char *p;
	ssize_t n;

	if (at >= w->data_end)
		return at == w->data_end;
	n = sm_member_peek(w->r, &p, at, SM_GZIP_SHARD_HEADER, err);
	if (n < 0)
		return (int)n;
	return sm_gzip_guess(p, (size_t)n) != 0;
}

/* Which batch is `m`, damaged as it is? */
static int
walk_blame(struct sm_walk *w, uint64_t *batch, const struct sm_member *m,
	   struct sm_err *err)
{
	const struct sm_gzip_entry *e;
	int ret;

	*batch = w->want;
	ret = sm_walk_due(w, batch, err);
	if (ret == 0)
		ret = sm_walk_entry(w, &e, *batch, err);
	if (ret < 0)
		return ret;
	/* The text is that of the batch due here: its header is at fault. */
	if (e && m->ended && m->bytes == e->gz_bytes &&
	    m->raw_crc32 == e->raw_crc32)
		return 0;
	if (m->header_ok && (!w->has_end || (m->head.batch < w->end.batches &&
					     !walk_seen(w, m->head.batch))))
		*batch = m->head.batch;
	else if (w->has_end && *batch >= w->end.batches)
		*batch = SM_WALK_NONE;
	return 0;
}

/*
 * Go on behind the damaged member at w->at, of which two lengths are thought
 * possible (0: unknown); if nothing of ours follows there, at the next header.
 */
static int
walk_resume(struct sm_walk *w, const uint64_t length[2], struct sm_err *err)
{
	int i, ret;

	for (i = 0; i < 2; i++) {
		if (length[i] == 0 || length[i] > w->data_end - w->at)
			continue;
		ret = walk_begins(w, w->at + length[i], err);
		if (ret < 0)
			return ret;
		if (ret > 0) {
			w->at += length[i];
			return 0;
		}
	}
	return sm_member_scan(&w->at, w->r, w->at + 1, w->data_end, err);
}

/* Report the damaged member at w->at and find the next one. */
static int
walk_damage(struct sm_walk *w, const struct sm_member *m, struct sm_err *err)
{
	const struct sm_gzip_entry *e;
	const char *kind;
	uint64_t batch, length[2];
	int ret;

	ret = walk_blame(w, &batch, m, err);
	if (ret < 0)
		return ret;
	ret = sm_walk_entry(w, &e, batch, err);
	if (ret < 0)
		return ret;
	kind = sm_member_judge(m, e, batch);
	if (!kind) /* whole, but no batch of this file */
		kind = "header";
	sm_walk_found(w, batch, kind, "the member at byte %" PRIu64 " %s",
		      w->at, sm_member_describe(kind));
	length[0] = e ? e->gz_bytes : 0;
	length[1] = m->ended ? m->bytes : 0;
	if (batch != SM_WALK_NONE && (!w->has_end || batch < w->end.batches)) {
		ret = walk_mark(w, batch, err);
		if (ret < 0)
			return ret;
	}
	return walk_resume(w, length, err);
}

void
sm_walk_found_cut(struct sm_walk *w)
{
	w->cut = true;
	if (w->want == 0)
		sm_walk_found(w, SM_WALK_NONE, "truncated",
			      "not one batch of it is whole, and its end is "
			      "missing");
	else
		sm_walk_found(w, SM_WALK_NONE, "truncated",
			      "whole up to batch %" PRIu64 " (byte %" PRIu64
			      "), its end is missing",
			      w->want - 1, w->at);
}

int
sm_walk_members(struct sm_walk *w, struct sm_err *err)
{
	const struct sm_gzip_entry *e = NULL;
	const unsigned char *p;
	struct sm_member m;
	ssize_t n;
	int ret, kind;

	while (w->at < w->data_end) {
		n = sm_member_peek(w->r, &p, w->at, SM_GZIP_SHARD_HEADER, err);
		if (n < 0)
			return (int)n;
		kind = sm_gzip_guess(p, (size_t)n);
		if (!w->has_index &&
		    (kind == SM_GZIP_INDEX || kind == SM_GZIP_END))
			break;
		ret = sm_member_read(&m, w->r, w->at, w->data_end, err);
		if (ret < 0)
			return ret;
		if (m.cut && !w->has_end) {
			sm_walk_found_cut(w);
			return 0;
		}
		ret = m.header_ok ? sm_walk_entry(w, &e, m.head.batch, err) : 0;
		if (ret < 0)
			return ret;
		if (ret == (int)w->has_index && m.header_ok &&
		    !sm_member_judge(&m, e, m.head.batch)) {
			ret = walk_place(w, &m, err);
			w->at += m.bytes;
		} else {
			ret = walk_damage(w, &m, err);
		}
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* Walk over index members, to the place behind the last whole one. */
int
sm_walk_skip_index(struct sm_walk *w, struct sm_err *err)
{
	const unsigned char *p;
	uint64_t first;
	unsigned count;
	ssize_t n;

	w->loaded = SM_WALK_NONE;
	for (;;) {
		n = sm_member_peek(w->r, &p, w->at,
				   sm_gzip_index_bytes(SM_GZIP_INDEX_ENTRIES),
				   err);
		if (n < 0)
			return (int)n;
		if (!sm_gzip_get_index(w->entry, &count, &first, p, (size_t)n))
			return 0;
		w->at += sm_gzip_index_bytes(count);
	}
}

void
sm_walk_release(struct sm_walk *w)
{
	free(w->seen);
	w->seen = NULL;
}
