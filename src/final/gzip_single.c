#include <string.h>

#include "crc32.h"

#include "gzip_put.h"

void
sm_gzip_single_shape(struct sm_gzip_shape *shape, uint64_t batches)
{
	uint64_t k = batches / SM_GZIP_SINGLE_GROUPS +
		     (batches % SM_GZIP_SINGLE_GROUPS != 0);
	uint64_t runs = batches / 2 + batches % 2;

	shape->per_group = k > 0 ? k : 1;
	shape->groups = (unsigned)(batches / shape->per_group +
				   (batches % shape->per_group != 0));
	/* No two are adjacent, so there are at most half as many. */
	shape->runs = runs < SM_GZIP_SINGLE_RUNS ? (unsigned)runs
						 : SM_GZIP_SINGLE_RUNS;
	shape->header_bytes = SM_GZIP_FIXED_BYTES + SM_GZIP_SUBFIELD_BYTES +
			      SM_GZIP_SINGLE_HEAD +
			      (size_t)shape->groups * SM_GZIP_INDEX_ENTRY +
			      (size_t)shape->runs * SM_GZIP_SINGLE_RUN + 4;
}

size_t
sm_gzip_put_single(unsigned char *dst, const struct sm_gzip_single *s)
{
	struct sm_gzip_shape shape;
	unsigned char *p;
	unsigned i;

	sm_gzip_single_shape(&shape, s->batches);
	p = sm_gzip_put_header(dst, SM_GZIP_SINGLE,
			       shape.header_bytes - GZIP_AT_DATA);
	gzip_put(&p, s->runs > 0 ? SM_GZIP_PARTIAL : 0, 2);
	gzip_put(&p, s->fingerprint, 8);
	gzip_put(&p, s->batches, 8);
	gzip_put(&p, s->file_bytes, 8);
	for (i = 0; i < shape.groups; i++)
		gzip_put_entry(&p, &s->group[i]);
	for (i = 0; i < shape.runs; i++) {
		gzip_put(&p, i < s->runs ? s->run[i].first : 0, 8);
		gzip_put(&p, i < s->runs ? s->run[i].count : 0, 8);
	}
	gzip_put(&p,
		 sm_crc32(0, dst + GZIP_AT_ID, (size_t)(p - dst) - GZIP_AT_ID),
		 4);
	return shape.header_bytes;
}

/* Runs in order, not adjacent, within the batches; sets how many. */
static bool
single_get_runs(struct sm_gzip_single *s, const unsigned char *p, unsigned room)
{
	uint64_t first, count, next = 0;
	unsigned i;

	s->runs = 0;
	for (i = 0; i < room; i++) {
		first = gzip_get(&p, 8);
		count = gzip_get(&p, 8);
		if (count == 0)
			break;
		if (first >= s->batches || count > s->batches - first ||
		    (i > 0 && first <= next))
			return false;
		next = first + count;
		s->run[s->runs++] = (struct sm_gzip_run){ first, count };
	}
	return true;
}

int
sm_gzip_get_single(struct sm_gzip_single *s, const unsigned char *data,
		   size_t len)
{
	unsigned char again[SM_GZIP_SINGLE_MAX];
	const unsigned char *p = data + GZIP_AT_COUNT + 2;
	struct sm_gzip_shape shape;
	unsigned i;

	if (sm_gzip_guess(data, len) != SM_GZIP_SINGLE)
		return 0;
	if (len < GZIP_AT_DATA + SM_GZIP_SINGLE_HEAD)
		return -1;
	s->fingerprint = gzip_get(&p, 8);
	s->batches = gzip_get(&p, 8);
	s->file_bytes = gzip_get(&p, 8);
	sm_gzip_single_shape(&shape, s->batches);
	if (len < shape.header_bytes)
		return -1;
	for (i = 0; i < shape.groups; i++)
		gzip_get_entry(&s->group[i], &p);
	if (!single_get_runs(s, p, shape.runs))
		return -1;
	/* Zeros behind the runs, the CRC, the header round it: all at once. */
	sm_gzip_put_single(again, s);
	return memcmp(again, data, shape.header_bytes) == 0 ? 1 : -1;
}

uint64_t
sm_gzip_missing(const struct sm_gzip_single *s, uint64_t first, uint64_t end)
{
	uint64_t n = 0, from, to;
	unsigned i;

	for (i = 0; i < s->runs; i++) {
		from = s->run[i].first > first ? s->run[i].first : first;
		to = s->run[i].first + s->run[i].count;
		to = to < end ? to : end;
		n += to > from ? to - from : 0;
	}
	return n;
}

uint64_t
sm_gzip_due(const struct sm_gzip_single *s, uint64_t batch)
{
	unsigned i;

	for (i = 0; i < s->runs; i++)
		if (batch >= s->run[i].first &&
		    batch - s->run[i].first < s->run[i].count)
			return s->run[i].first + s->run[i].count;
	return batch;
}
