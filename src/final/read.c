/*
 * read.c - go through the index of a final file, or straight to a place in it
 *
 * Each index note has the sums of all before it, so that one is found by
 * halving, and few are read.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "chain.h"

#include "read.h"

struct sm_final_reader {
	int fd;           /* the caller's */
	const char *name; /* the caller's */
	struct sm_final_about about;
	struct sm_chain chain;
	size_t link;  /* after the group in hand */
	unsigned run; /* the next of it */
	struct sm_group group;
	struct sm_final_batch next; /* where it begins; no more of it */
};

/* ------------------------------------------------------------------- next --
 */

static int
reader_load(struct sm_final_reader *r, size_t link, struct sm_err *err)
{
	struct sm_group *g = &r->group;
	size_t bytes;
	int ret = sm_chain_group(g, &bytes, &r->chain.link[link], r->fd,
				 r->name, err);

	if (ret < 0)
		return ret;
	r->link = link + 1;
	r->run = 0;
	r->next = (struct sm_final_batch){ .batch = g->batch,
					   .row = g->row,
					   .record = g->record,
					   .raw_at = g->raw_at,
					   .at = g->at };
	return 0;
}

void
sm_final_rewind(struct sm_final_reader *r)
{
	r->link = 0;
	r->run = r->group.entries = 0;
}

int
sm_final_next(struct sm_final_batch *b, struct sm_final_reader *r,
	      struct sm_err *err)
{
	struct sm_final_batch *next = &r->next;
	const struct sm_span *run;
	int ret;

	if (r->run == r->group.entries) {
		if (r->link == r->chain.links)
			return 0;
		ret = reader_load(r, r->link, err);
		if (ret < 0)
			return ret;
	}
	run = &r->group.run[r->run++];
	*b = *next;
	b->batches = run->batches;
	b->missing = run->missing;
	b->rows = run->e.counts.rows;
	b->records = run->e.counts.records;
	memcpy(b->tally, run->e.counts.tally, sizeof(b->tally));
	b->bytes = run->e.sizes.gz_bytes;
	b->raw_bytes = run->e.sizes.raw_bytes;
	b->gz_crc32 = run->e.sizes.gz_crc32;
	next->batch += b->batches;
	next->row += b->rows;
	next->record += b->records;
	next->at += b->bytes;
	next->raw_at += b->raw_bytes;
	return 1;
}

/* The number of that kind with which something begins, and how many it has. */
static uint64_t
reader_number(uint64_t *count, const struct sm_final_batch *b,
	      enum sm_final_by by)
{
	switch (by) {
	case SM_FINAL_BY_ROW:
		*count = b->rows;
		return b->row;
	case SM_FINAL_BY_RECORD:
		*count = b->records;
		return b->record;
	case SM_FINAL_BY_TEXT:
		*count = b->raw_bytes;
		return b->raw_at;
	case SM_FINAL_BY_BATCH:
		break;
	}
	*count = b->batches;
	return b->batch;
}

int
sm_final_find(struct sm_final_batch *b, struct sm_final_reader *r,
	      enum sm_final_by by, uint64_t number, struct sm_err *err)
{
	size_t low = 0, high = r->chain.links, middle;
	uint64_t first, count;
	int ret;

	/* The last group that does not begin after it: low. */
	while (high - low > 1) {
		middle = low + (high - low) / 2;
		ret = reader_load(r, middle, err);
		if (ret < 0)
			return ret;
		if (reader_number(&count, &r->next, by) <= number)
			low = middle;
		else
			high = middle;
	}
	sm_final_rewind(r);
	r->link = low;
	while ((ret = sm_final_next(b, r, err)) > 0) {
		first = reader_number(&count, b, by);
		if (number - first < count)
			break;
	}
	return ret;
}

int
sm_final_next_missing(uint64_t *first, uint64_t *count,
		      struct sm_final_reader *r, struct sm_err *err)
{
	struct sm_final_batch b;
	int ret;

	*count = 0;
	while ((ret = sm_final_next(&b, r, err)) > 0) {
		if (!b.missing && *count > 0)
			break;
		if (!b.missing)
			continue;
		if (*count == 0)
			*first = b.batch;
		*count += b.batches;
	}
	return ret < 0 ? ret : *count > 0;
}

/* ------------------------------------------------------------------- open --
 */

/* Sums of the whole file: those before its last entry, and that one's. */
static int
reader_sum_up(struct sm_final_reader *r, struct sm_err *err)
{
	struct sm_final_about *a = &r->about;
	struct sm_final_batch b;
	int ret;

	if (r->chain.links == 0)
		return 0;
	ret = reader_load(r, 0, err);
	a->first = r->next.batch;
	if (ret == 0)
		ret = reader_load(r, r->chain.links - 1, err);
	while (ret >= 0 && (ret = sm_final_next(&b, r, err)) > 0)
		;
	a->rows = r->next.row;
	a->records = r->next.record;
	a->raw_bytes = r->next.raw_at;
	sm_final_rewind(r);
	return ret;
}

/*
 * Does the index end where the file's end begins?  Of two files put together
 * by cat(1), the last one's end may speak of places in the first.
 */
static int
reader_is_all(bool *whole, struct sm_final_reader *r, uint64_t size,
	      struct sm_err *err)
{
	const struct sm_link *last;
	size_t bytes;
	int ret;

	*whole = size == SM_GZIP_HEADER_BYTES + SM_GZIP_LAST_BYTES;
	if (r->chain.links == 0)
		return 0;
	last = &r->chain.link[r->chain.links - 1];
	ret = sm_chain_group(&r->group, &bytes, last, r->fd, r->name, err);
	*whole = last->at + bytes + SM_GZIP_LAST_BYTES == size;
	return ret;
}

static int
reader_open(struct sm_final_reader *r, uint64_t size, struct sm_err *err)
{
	enum sm_final_state state;
	struct sm_gzip_end end;
	bool whole = false;
	int ret = sm_final_read_end(&state, &end, r->fd, r->name, size, err);

	if (ret == 0 && state == SM_FINAL_NONE)
		return sm_err_set(err, SM_EINPUT,
				  "'%s' has no index: it is no final file of "
				  "shardmill, or its end is missing; "
				  "'shardmill verify' says which",
				  r->name);
	if (ret == 0 && state == SM_FINAL_WHOLE)
		ret = sm_chain_follow(&whole, &r->chain, &end, r->fd, r->name,
				      err);
	if (ret == 0 && whole)
		ret = reader_is_all(&whole, r, size, err);
	if (ret == 0 && !whole)
		return sm_err_set(err, SM_EVERIFY,
				  "the index of '%s' is not as it was written; "
				  "'shardmill verify' says what is",
				  r->name);
	r->about.fingerprint = end.fingerprint;
	r->about.batches = end.batches;
	r->about.missing = end.missing;
	r->about.file_bytes = size;
	if (ret >= 0)
		ret = reader_sum_up(r, err);
	return ret;
}

int
sm_final_open(struct sm_final_reader **out, int fd, const char *name,
	      uint64_t size, struct sm_err *err)
{
	struct sm_final_reader *r = calloc(1, sizeof(*r));
	int ret;

	if (!r)
		return sm_err_mem(err, "an index");
	r->fd = fd;
	r->name = name;
	ret = reader_open(r, size, err);
	if (ret < 0) {
		sm_final_close(r);
		return ret;
	}
	*out = r;
	return 0;
}

void
sm_final_close(struct sm_final_reader *r)
{
	if (!r)
		return;
	sm_chain_release(&r->chain);
	free(r);
}

const struct sm_final_about *
sm_final_about(const struct sm_final_reader *r)
{
	return &r->about;
}

void
sm_final_file(const struct sm_final_reader *r, int *fd, const char **name)
{
	*fd = r->fd;
	*name = r->name;
}
