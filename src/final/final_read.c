#include <inttypes.h>
#include <stdlib.h>

#include "file.h"

#include "crc32.h"

#include "final_read.h"

#define PART_BYTES (SM_GZIP_SINGLE_MAX + SM_GZIP_TAIL_BYTES)

struct sm_final_reader {
	int fd;           /* the caller's */
	const char *name; /* the caller's */
	struct sm_final_about about;
	uint64_t data_at, data_end;    /* where groups stand */
	struct sm_final_group next;    /* where it begins; no more of it */
	struct sm_gzip_single *single; /* NULL: several members */
	unsigned next_run;

	/* Of several members: the index member in hand. */
	uint64_t index_at, index_end, part_at;
	uint32_t index_crc32, crc; /* as it must be; of what was read */
	unsigned entries, used;
	struct sm_gzip_entry entry[SM_GZIP_INDEX_ENTRIES];
	unsigned char part[PART_BYTES];
};

static int
reader_damaged(const struct sm_final_reader *r, struct sm_err *err)
{
	return sm_err_set(err, SM_EVERIFY,
			  "the index of '%s' is not as it was written; "
			  "'shardmill verify' says what is",
			  r->name);
}

/* ---------------------------------------------------------------- next -- */

void
sm_final_rewind(struct sm_final_reader *r)
{
	r->next = (struct sm_final_group){ .at = r->data_at };
	r->part_at = r->index_at;
	r->entries = r->used = 0;
	r->crc = 0;
	r->next_run = 0;
}

/* Read the index member at part_at. */
static int
reader_part(struct sm_final_reader *r, struct sm_err *err)
{
	uint64_t first, left = r->index_end - r->part_at;
	size_t want = left < sizeof(r->part) ? (size_t)left : sizeof(r->part);
	size_t len;
	ssize_t n;

	n = sm_pread_full(r->fd, r->part, want, r->part_at);
	if (n < 0)
		return sm_err_sys(err, "cannot read '%s'", r->name);
	if (!sm_gzip_get_index(r->entry, &r->entries, &first, r->part,
			       (size_t)n) ||
	    first != r->next.number || r->entries > r->about.batches - first)
		return reader_damaged(r, err);
	len = sm_gzip_index_bytes(r->entries);
	r->crc = sm_crc32(r->crc, r->part, len);
	r->part_at += len;
	r->used = 0;
	return 0;
}

/* Entry of the group r->next.number: 1; 0: there is none; <0. */
static int
reader_entry(const struct sm_gzip_entry **e, struct sm_final_reader *r,
	     struct sm_err *err)
{
	int ret;

	if (r->next.number == r->about.groups)
		return 0;
	if (r->single) {
		*e = &r->single->group[r->next.number];
		return 1;
	}
	if (r->used == r->entries) {
		ret = reader_part(r, err);
		if (ret < 0)
			return ret;
	}
	*e = &r->entry[r->used++];
	return 1;
}

int
sm_final_next(struct sm_final_group *g, struct sm_final_reader *r,
	      struct sm_err *err)
{
	const struct sm_gzip_entry *e;
	struct sm_final_group *next = &r->next;
	int ret;

	ret = reader_entry(&e, r, err);
	if (ret <= 0)
		return ret;
	*g = *next;
	g->batches = r->about.batches - g->batch;
	if (g->batches > r->about.per_group)
		g->batches = r->about.per_group;
	g->rows = e->rows;
	g->records = e->records;
	g->bytes = e->gz_bytes;
	g->raw_bytes = e->raw_bytes;
	g->gz_crc32 = e->gz_crc32;
	g->raw_crc32 = e->raw_crc32;
	if (r->single)
		g->missing = sm_gzip_missing(r->single, g->batch,
					     g->batch + g->batches);
	else
		g->missing = g->bytes == 0;

	next->number++;
	next->batch += g->batches;
	/* Sums that wrap would begin before the group does. */
	if (__builtin_add_overflow(next->row, g->rows, &next->row) ||
	    __builtin_add_overflow(next->record, g->records, &next->record) ||
	    __builtin_add_overflow(next->raw_at, g->raw_bytes, &next->raw_at) ||
	    g->bytes > r->data_end - next->at)
		return reader_damaged(r, err);
	next->at += g->bytes;
	return 1;
}

int
sm_final_find(struct sm_final_group *g, struct sm_final_reader *r,
	      enum sm_final_by by, uint64_t number, struct sm_err *err)
{
	uint64_t first, count;
	int ret;

	sm_final_rewind(r);
	while ((ret = sm_final_next(g, r, err)) > 0) {
		first = by == SM_FINAL_BY_ROW      ? g->row
			: by == SM_FINAL_BY_RECORD ? g->record
						   : g->batch;
		count = by == SM_FINAL_BY_ROW      ? g->rows
			: by == SM_FINAL_BY_RECORD ? g->records
						   : g->batches;
		if (number - first < count)
			break;
	}
	return ret;
}

uint64_t
sm_final_missing(const struct sm_final_reader *r,
		 const struct sm_final_group *g, uint64_t first, uint64_t end)
{
	first = first > g->batch ? first : g->batch;
	end = end < g->batch + g->batches ? end : g->batch + g->batches;
	if (end <= first)
		return 0;
	if (r->single)
		return sm_gzip_missing(r->single, first, end);
	return g->bytes == 0 ? end - first : 0;
}

uint64_t
sm_final_due(const struct sm_final_reader *r, const struct sm_final_group *g,
	     uint64_t batch)
{
	if (r->single)
		return sm_gzip_due(r->single, batch);
	return g->bytes == 0 ? g->batch + g->batches : batch;
}

int
sm_final_next_missing(struct sm_gzip_run *run, struct sm_final_reader *r,
		      struct sm_err *err)
{
	struct sm_final_group g;
	int ret;

	if (r->single) {
		if (r->next_run == r->single->runs)
			return 0;
		*run = r->single->run[r->next_run++];
		return 1;
	}
	run->count = 0;
	while ((ret = sm_final_next(&g, r, err)) > 0) {
		if (g.bytes > 0 && run->count > 0)
			break;
		if (g.bytes > 0)
			continue;
		run->first = run->count > 0 ? run->first : g.batch;
		run->count++;
	}
	return ret < 0 ? ret : run->count > 0;
}

/* ---------------------------------------------------------------- open -- */

static int
reader_open_members(struct sm_final_reader *r, uint64_t size,
		    struct sm_err *err)
{
	unsigned char buf[SM_GZIP_END_BYTES];
	struct sm_gzip_end e;
	ssize_t n;

	if (size < sizeof(buf))
		return 0;
	n = sm_pread_full(r->fd, buf, sizeof(buf), size - sizeof(buf));
	if (n < 0)
		return sm_err_sys(err, "cannot read '%s'", r->name);
	if ((size_t)n < sizeof(buf) || sm_gzip_get_end(&e, buf) == 0)
		return 0;
	if (sm_gzip_get_end(&e, buf) < 0 || e.file_bytes != size ||
	    e.index_at > size - sizeof(buf))
		return reader_damaged(r, err);
	r->index_at = r->data_end = e.index_at;
	r->index_end = size - sizeof(buf);
	r->about = (struct sm_final_about){ .fingerprint = e.fingerprint,
					    .batches = e.batches,
					    .per_group = 1,
					    .groups = e.batches,
					    .file_bytes = size };
	r->index_crc32 = e.index_crc32;
	return 1;
}

/* No index: was there one once? */
static int
reader_without(struct sm_final_reader *r, struct sm_err *err)
{
	ssize_t n = sm_pread_full(r->fd, r->part, SM_GZIP_SHARD_HEADER, 0);
	bool ours = n > 0 && sm_gzip_guess(r->part, (size_t)n) != 0;

	return sm_err_set(err, SM_EINPUT, "'%s' has no index: %s", r->name,
			  ours ? "it is one shard, or its end is missing; "
				 "'shardmill verify' says which"
			       : "it is no final file of shardmill");
}

static int
reader_open_single(struct sm_final_reader *r, uint64_t size, struct sm_err *err)
{
	struct sm_gzip_shape shape;
	ssize_t n;
	int ret;

	n = sm_pread_full(r->fd, r->part, SM_GZIP_SINGLE_MAX, 0);
	if (n < 0)
		return sm_err_sys(err, "cannot read '%s'", r->name);
	r->single = malloc(sizeof(*r->single));
	if (!r->single)
		return sm_err_mem(err, "an index");
	ret = sm_gzip_get_single(r->single, r->part, (size_t)n);
	if (ret < 0 || (ret > 0 && r->single->file_bytes != size))
		return reader_damaged(r, err);
	if (ret == 0)
		return 0;
	sm_gzip_single_shape(&shape, r->single->batches);
	if (size < shape.header_bytes + SM_GZIP_TAIL_BYTES)
		return reader_damaged(r, err);
	r->data_at = shape.header_bytes;
	r->data_end = size - SM_GZIP_TAIL_BYTES;
	r->about = (struct sm_final_about){
		.is_single = true,
		.fingerprint = r->single->fingerprint,
		.batches = r->single->batches,
		.per_group = shape.per_group,
		.groups = shape.groups,
		.file_bytes = size,
	};
	return 1;
}

/* Go over the whole index once: sums, and its CRC. */
static int
reader_sum_up(struct sm_final_reader *r, struct sm_err *err)
{
	struct sm_final_about *a = &r->about;
	struct sm_final_group g;
	int ret;

	sm_final_rewind(r);
	while ((ret = sm_final_next(&g, r, err)) > 0)
		a->missing += g.missing;
	if (ret < 0)
		return ret;
	a->rows = r->next.row;
	a->records = r->next.record;
	a->raw_bytes = r->next.raw_at;
	if (r->next.at != r->data_end || r->part_at != r->index_end ||
	    r->crc != r->index_crc32)
		return reader_damaged(r, err);
	sm_final_rewind(r);
	return 0;
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
	ret = reader_open_members(r, size, err);
	if (ret == 0)
		ret = reader_open_single(r, size, err);
	if (ret == 0)
		ret = reader_without(r, err);
	if (ret > 0)
		ret = reader_sum_up(r, err);
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
	free(r->single);
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
