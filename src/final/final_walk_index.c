#include <inttypes.h>

#include "final_walk.h"

static uint64_t
walk_index_bytes(uint64_t batches)
{
	unsigned rest = (unsigned)(batches % SM_GZIP_INDEX_ENTRIES);

	return batches / SM_GZIP_INDEX_ENTRIES *
		       sm_gzip_index_bytes(SM_GZIP_INDEX_ENTRIES) +
	       (rest ? sm_gzip_index_bytes(rest) : 0);
}

/* Read index member `m` into w->entry: 1; 0: it is not as written; <0. */
static int
walk_load(struct sm_walk *w, uint64_t m, struct sm_err *err)
{
	const size_t full = sm_gzip_index_bytes(SM_GZIP_INDEX_ENTRIES);
	const unsigned char *p;
	uint64_t first, left = w->end.batches - m * SM_GZIP_INDEX_ENTRIES;
	unsigned count;
	ssize_t n;

	w->loaded = SM_WALK_NONE;
	n = sm_member_peek(w->r, &p, w->index_at + m * full, full, err);
	if (n < 0)
		return (int)n;
	if (!sm_gzip_get_index(w->entry, &count, &first, p, (size_t)n))
		return 0;
	if (left > SM_GZIP_INDEX_ENTRIES)
		left = SM_GZIP_INDEX_ENTRIES;
	if (first != m * SM_GZIP_INDEX_ENTRIES || count != left)
		return 0;
	w->loaded = m;
	return 1;
}

/* Of the index member in w->entry. */
static void
walk_count_left_out(struct sm_walk *w, uint64_t m)
{
	uint64_t i, n = w->end.batches - m * SM_GZIP_INDEX_ENTRIES;

	if (!w->end.partial)
		return;
	for (i = 0; i < n && i < SM_GZIP_INDEX_ENTRIES; i++)
		w->report->missing += w->entry[i].gz_bytes == 0;
}

int
sm_walk_entry(struct sm_walk *w, const struct sm_gzip_entry **e, uint64_t batch,
	      struct sm_err *err)
{
	uint64_t m = batch / SM_GZIP_INDEX_ENTRIES;
	int ret;

	*e = NULL;
	if (!w->has_index || batch >= w->end.batches)
		return 0;
	if (w->loaded != m) {
		ret = walk_load(w, m, err);
		if (ret <= 0)
			return ret;
	}
	*e = &w->entry[batch % SM_GZIP_INDEX_ENTRIES];
	return 1;
}

int
sm_walk_due(struct sm_walk *w, uint64_t *batch, struct sm_err *err)
{
	const struct sm_gzip_entry *e;
	int ret;

	if (!w->has_end || !w->end.partial)
		return 0;
	while ((ret = sm_walk_entry(w, &e, *batch, err)) > 0 &&
	       e->gz_bytes == 0)
		(*batch)++;
	return ret < 0 ? ret : 0;
}

int
sm_walk_index(struct sm_walk *w, struct sm_err *err)
{
	uint64_t end_at = w->size - SM_GZIP_END_BYTES, m;
	uint64_t members = w->end.batches / SM_GZIP_INDEX_ENTRIES +
			   (w->end.batches % SM_GZIP_INDEX_ENTRIES != 0);
	uint32_t crc;
	int ret;

	/* Each batch has an entry: a larger number cannot be multiplied. */
	if (w->end.batches > end_at / SM_GZIP_INDEX_ENTRY ||
	    walk_index_bytes(w->end.batches) > end_at) {
		sm_walk_found(w, SM_WALK_NONE, "index",
			      "the file is too short for the index of %" PRIu64
			      " batches",
			      w->end.batches);
		w->has_end = false; /* its number is not believed either */
		return 0;
	}
	w->index_at = end_at - walk_index_bytes(w->end.batches);
	ret = sm_member_crc(w->r, &crc, w->index_at, end_at, err);
	if (ret < 0)
		return ret;
	ret = crc == w->end.index_crc32;
	for (m = 0; ret == 1 && m < members; m++) {
		ret = walk_load(w, m, err);
		if (ret == 1)
			walk_count_left_out(w, m);
	}
	if (ret < 0)
		return ret;
	if (ret == 0) {
		sm_walk_found(w, SM_WALK_NONE, "index",
			      "the index at byte %" PRIu64
			      " is not as it was written",
			      w->index_at);
		return 0;
	}
	w->has_index = true;
	w->data_end = w->index_at;
	return 0;
}
