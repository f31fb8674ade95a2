/*
 * final_walk_single.c - check a final file that is one member
 *
 * The header vouches, by its CRC, for the index, and the index for each
 * group's deflate bytes.  A group needs none before it, so damage in one says
 * nothing about the others.
 */
#include <inttypes.h>
#include <string.h>

#include "crc32.h"

#include "final_walk.h"

struct single {
	struct sm_gzip_single head;
	struct sm_gzip_shape shape;
	/* Of the text, as the index has it. */
	uint64_t raw_bytes;
	uint32_t raw_crc32;
};

/* A header that is not as it was written, or not all there. */
static void
single_found_header(struct sm_walk *w, const unsigned char *p, size_t len)
{
	uint64_t bytes = UINT64_MAX, inner;

	/* Two places say how long it is; one of them may be what is wrong. */
	if (len >= SM_GZIP_FIXED_BYTES + SM_GZIP_SUBFIELD_BYTES) {
		bytes = SM_GZIP_FIXED_BYTES + (p[10] | (uint64_t)p[11] << 8);
		inner = SM_GZIP_FIXED_BYTES + SM_GZIP_SUBFIELD_BYTES +
			(p[14] | (uint64_t)p[15] << 8);
		bytes = bytes < inner ? bytes : inner;
	}
	if (w->size < bytes)
		sm_walk_found_cut(w);
	else
		sm_walk_found(w, SM_WALK_NONE, "header",
			      "the header, with the index, is not as it was "
			      "written; 'gzip -t' checks the text");
}

/* The group at w->at, of the batches from `first` to `end` - 1. */
static int
single_group(struct sm_walk *w, const struct sm_gzip_entry *g, uint64_t first,
	     uint64_t end, uint64_t left_out, struct sm_err *err)
{
	struct sm_member_inside s;
	const char *kind;
	int ret;

	ret = sm_member_read_inside(&s, w->r, w->at, w->at + g->gz_bytes, err);
	if (ret < 0)
		return ret;
	if (s.inflates && s.gz_crc32 == g->gz_crc32 &&
	    s.raw_bytes == g->raw_bytes && s.raw_crc32 == g->raw_crc32) {
		w->report->batches += end - first - left_out;
		w->report->records += g->records;
		w->report->raw_bytes += g->raw_bytes;
		w->report->gz_bytes += g->gz_bytes;
		return 0;
	}
	kind = s.inflates ? "crc" : "deflate";
	if (end - first == 1)
		sm_walk_found(w, first, kind,
			      "batch %" PRIu64 " at byte %" PRIu64 " %s", first,
			      w->at, sm_member_describe(kind));
	else
		sm_walk_found(w, first, kind,
			      "one of the batches %" PRIu64 " to %" PRIu64
			      ", from byte %" PRIu64 " on, %s",
			      first, end - 1, w->at, sm_member_describe(kind));
	return 0;
}

/* 0: the file ends in one of them, which is reported; 1; <0. */
static int
single_groups(struct sm_walk *w, struct single *s, struct sm_err *err)
{
	const struct sm_gzip_entry *g;
	uint64_t end, left_out;
	unsigned i;
	int ret;

	for (i = 0; i < s->shape.groups; i++) {
		g = &s->head.group[i];
		w->want = i * s->shape.per_group;
		end = w->want + s->shape.per_group;
		end = end < s->head.batches ? end : s->head.batches;
		left_out = sm_gzip_missing(&s->head, w->want, end);
		w->report->missing += left_out;
		if (w->at > w->size || g->gz_bytes > w->size - w->at) {
			sm_walk_found_cut(w);
			return 0;
		}
		ret = single_group(w, g, w->want, end, left_out, err);
		if (ret < 0)
			return ret;
		w->at += g->gz_bytes;
		s->raw_bytes += g->raw_bytes;
		s->raw_crc32 = sm_crc32_combine(s->raw_crc32, g->raw_crc32,
						g->raw_bytes);
	}
	w->want = s->head.batches;
	return 1;
}

static int
single_tail(struct sm_walk *w, const struct single *s, struct sm_err *err)
{
	unsigned char tail[SM_GZIP_TAIL_BYTES];
	const unsigned char *p;
	ssize_t n;

	if (w->size - w->at < sizeof(tail)) {
		sm_walk_found_cut(w);
		return 0;
	}
	n = sm_member_peek(w->r, &p, w->at, sizeof(tail), err);
	if (n < 0)
		return (int)n;
	sm_gzip_put_tail(tail, s->raw_crc32, s->raw_bytes);
	if ((size_t)n < sizeof(tail) || memcmp(p, tail, sizeof(tail)) != 0)
		sm_walk_found(w, SM_WALK_NONE, "end",
			      "the end at byte %" PRIu64
			      " is not as it was written",
			      w->at);
	w->at += sizeof(tail);
	if (w->at != s->head.file_bytes)
		sm_walk_found(w, SM_WALK_NONE, "end",
			      "it ends at byte %" PRIu64
			      ", its header speaks of %" PRIu64,
			      w->at, s->head.file_bytes);
	else if (w->at < w->size)
		sm_walk_found(w, SM_WALK_NONE, "trailing",
			      "%" PRIu64
			      " bytes stand behind the end at byte %" PRIu64,
			      w->size - w->at, w->at);
	return 0;
}

int
sm_walk_single(struct sm_walk *w, struct sm_err *err)
{
	struct single s = { 0 };
	const unsigned char *p;
	ssize_t n;
	int ret;

	n = sm_member_peek(w->r, &p, 0, SM_GZIP_SINGLE_MAX, err);
	if (n < 0)
		return (int)n;
	if (sm_gzip_get_single(&s.head, p, (size_t)n) <= 0) {
		single_found_header(w, p, (size_t)n);
		return 0;
	}
	sm_gzip_single_shape(&s.shape, s.head.batches);
	w->at = s.shape.header_bytes;
	ret = single_groups(w, &s, err);
	return ret > 0 ? single_tail(w, &s, err) : ret;
}
