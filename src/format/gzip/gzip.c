#include <string.h>

#include "crc32.h"

#include "gzip_put.h"

/* ID1 ID2 CM FLG(FEXTRA) MTIME(4) XFL OS(unknown) */
static const unsigned char gzip_fixed[10] = { 0x1f, 0x8b, 8, 4, 0,
					      0,    0,    0, 0, 255 };

/* The last block, empty and of fixed codes. */
static const unsigned char gzip_last_block[2] = { 3, 0 };

unsigned char *
sm_gzip_put_header(unsigned char *dst, enum sm_gzip_kind kind,
		   size_t data_bytes)
{
	unsigned char *p = dst + sizeof(gzip_fixed);

	memcpy(dst, gzip_fixed, sizeof(gzip_fixed));
	gzip_put(&p, SM_GZIP_SUBFIELD_BYTES + data_bytes, 2);
	*p++ = 'S';
	*p++ = 'M';
	gzip_put(&p, data_bytes, 2);
	*p++ = SM_GZIP_VERSION;
	*p++ = (unsigned char)kind;
	return p;
}

/* Of the subfield so far; `member` is its header. */
static void
gzip_put_crc(unsigned char **p, const unsigned char *member)
{
	size_t n = (size_t)(*p - member) - GZIP_AT_ID;

	gzip_put(p, sm_crc32(0, member + GZIP_AT_ID, n), 4);
}

void
sm_gzip_put_shard(unsigned char *dst, const struct sm_gzip_shard *s)
{
	unsigned char *p =
		sm_gzip_put_header(dst, SM_GZIP_SHARD, SM_GZIP_SHARD_DATA);

	gzip_put(&p, 0, 2);
	gzip_put(&p, s->fingerprint, 8);
	gzip_put(&p, s->batch, 8);
	gzip_put(&p, s->first, 8);
	gzip_put(&p, s->end, 8);
	gzip_put(&p, s->counts.rows, 8);
	gzip_put(&p, s->counts.records, 8);
	gzip_put(&p, s->counts.skipped, 8);
	gzip_put(&p, s->raw_bytes, 8);
	gzip_put_crc(&p, dst);
}

int
sm_gzip_get_shard(struct sm_gzip_shard *s, const unsigned char *data,
		  size_t len)
{
	unsigned char again[SM_GZIP_SHARD_HEADER];
	const unsigned char *p = data + GZIP_AT_COUNT + 2;
	struct sm_gzip_shard t;

	if (len < SM_GZIP_SHARD_HEADER)
		return 0;
	t.fingerprint = gzip_get(&p, 8);
	t.batch = gzip_get(&p, 8);
	t.first = gzip_get(&p, 8);
	t.end = gzip_get(&p, 8);
	t.counts.rows = gzip_get(&p, 8);
	t.counts.records = gzip_get(&p, 8);
	t.counts.skipped = gzip_get(&p, 8);
	t.raw_bytes = gzip_get(&p, 8);
	sm_gzip_put_shard(again, &t);
	if (memcmp(again, data, sizeof(again)) != 0)
		return 0;
	*s = t;
	return 1;
}

void
sm_gzip_put_tail(unsigned char *dst, uint32_t raw_crc32, uint64_t raw_bytes)
{
	unsigned char *p = dst + sizeof(gzip_last_block);

	memcpy(dst, gzip_last_block, sizeof(gzip_last_block));
	gzip_put(&p, raw_crc32, 4);
	gzip_put(&p, raw_bytes & UINT32_MAX, 4); /* ISIZE: modulo 2^32 */
}

size_t
sm_gzip_index_bytes(unsigned count)
{
	return GZIP_AT_DATA + SM_GZIP_INDEX_HEAD +
	       (size_t)count * SM_GZIP_INDEX_ENTRY + SM_GZIP_TAIL_BYTES;
}

size_t
sm_gzip_put_index(unsigned char *dst, uint64_t first_batch,
		  const struct sm_gzip_entry *entry, unsigned count)
{
	unsigned char *p;
	unsigned i;

	p = sm_gzip_put_header(dst, SM_GZIP_INDEX,
			       SM_GZIP_INDEX_HEAD +
				       (size_t)count * SM_GZIP_INDEX_ENTRY);
	gzip_put(&p, count, 2);
	gzip_put(&p, first_batch, 8);
	for (i = 0; i < count; i++)
		gzip_put_entry(&p, &entry[i]);
	sm_gzip_put_tail(p, 0, 0);
	return sm_gzip_index_bytes(count);
}

int
sm_gzip_get_index(struct sm_gzip_entry *entry, unsigned *count,
		  uint64_t *first_batch, const unsigned char *data, size_t len)
{
	unsigned char want[GZIP_AT_COUNT], tail[SM_GZIP_TAIL_BYTES];
	const unsigned char *p = data + GZIP_AT_COUNT;
	unsigned n, i;

	if (len < sm_gzip_index_bytes(1))
		return 0;
	n = (unsigned)gzip_get(&p, 2);
	if (n < 1 || n > SM_GZIP_INDEX_ENTRIES || len < sm_gzip_index_bytes(n))
		return 0;
	/* All between header and tail is numbers: any bytes re-encode. */
	sm_gzip_put_header(want, SM_GZIP_INDEX,
			   SM_GZIP_INDEX_HEAD +
				   (size_t)n * SM_GZIP_INDEX_ENTRY);
	sm_gzip_put_tail(tail, 0, 0);
	if (memcmp(want, data, sizeof(want)) != 0 ||
	    memcmp(tail, data + sm_gzip_index_bytes(n) - sizeof(tail),
		   sizeof(tail)) != 0)
		return 0;
	*first_batch = gzip_get(&p, 8);
	for (i = 0; i < n; i++)
		gzip_get_entry(&entry[i], &p);
	*count = n;
	return 1;
}

void
sm_gzip_put_end(unsigned char *dst, const struct sm_gzip_end *e)
{
	unsigned char *p =
		sm_gzip_put_header(dst, SM_GZIP_END, SM_GZIP_END_DATA);

	gzip_put(&p, e->partial ? SM_GZIP_PARTIAL : 0, 2);
	gzip_put(&p, e->fingerprint, 8);
	gzip_put(&p, e->batches, 8);
	gzip_put(&p, e->index_at, 8);
	gzip_put(&p, e->file_bytes, 8);
	gzip_put(&p, e->index_crc32, 4);
	gzip_put_crc(&p, dst);
	sm_gzip_put_tail(p, 0, 0);
}

int
sm_gzip_get_end(struct sm_gzip_end *e, const unsigned char *data)
{
	/* Constant bytes of an end member: header, flags, tail. */
	enum { AT_NUMBERS = GZIP_AT_COUNT + 2, CONSTANT_DIFFER_MAX = 8 };
	unsigned char again[SM_GZIP_END_BYTES];
	const unsigned char *p = data + AT_NUMBERS;
	struct sm_gzip_end t;
	unsigned i, differ = 0;

	t.partial = data[GZIP_AT_COUNT] & SM_GZIP_PARTIAL;
	t.fingerprint = gzip_get(&p, 8);
	t.batches = gzip_get(&p, 8);
	t.index_at = gzip_get(&p, 8);
	t.file_bytes = gzip_get(&p, 8);
	t.index_crc32 = (uint32_t)gzip_get(&p, 4);
	sm_gzip_put_end(again, &t);
	if (memcmp(again, data, sizeof(again)) == 0) {
		*e = t;
		return 1;
	}
	/*
	 * An intact subfield is ours whatever is round it.  Else most of the
	 * 30 constant bytes must be there, and one of the three places that
	 * tell an end from the other members: those hold many zeros as well.
	 */
	if (memcmp(again + GZIP_AT_ID, data + GZIP_AT_ID,
		   SM_GZIP_SUBFIELD_BYTES + SM_GZIP_END_DATA) == 0)
		return -1;
	if (data[GZIP_AT_XLEN] != again[GZIP_AT_XLEN] &&
	    data[GZIP_AT_LEN] != again[GZIP_AT_LEN] &&
	    data[GZIP_AT_KIND] != again[GZIP_AT_KIND])
		return 0;
	for (i = 0; i < SM_GZIP_END_BYTES; i++)
		if (i < AT_NUMBERS ||
		    i >= SM_GZIP_END_BYTES - SM_GZIP_TAIL_BYTES)
			differ += again[i] != data[i];
	return differ <= CONSTANT_DIFFER_MAX ? -1 : 0;
}

int
sm_gzip_guess(const unsigned char *data, size_t len)
{
	/* Marks of any member of ours: ten fixed bytes, "SM", version. */
	enum { MARK_BYTES = GZIP_AT_ID + 2, DIFFER_MAX = 1 };
	unsigned char want[GZIP_AT_COUNT];
	unsigned i, differ = 0;
	uint64_t xlen;

	if (len < MARK_BYTES)
		return 0;
	sm_gzip_put_header(want, SM_GZIP_SHARD, SM_GZIP_SHARD_DATA);
	for (i = 0; i < MARK_BYTES; i++)
		if (i < GZIP_AT_XLEN || i >= GZIP_AT_ID)
			differ += want[i] != data[i];
	if (len > GZIP_AT_KIND)
		differ += want[GZIP_AT_DATA] != data[GZIP_AT_DATA];
	if (differ > DIFFER_MAX)
		return 0;
	if (len > GZIP_AT_KIND && data[GZIP_AT_KIND] >= SM_GZIP_SHARD &&
	    data[GZIP_AT_KIND] <= SM_GZIP_SINGLE)
		return data[GZIP_AT_KIND];
	/*
	 * The kind is lost; the length tells it as well.  Of a single member it
	 * is 32 + 16 r modulo 40, which is never that of an index.
	 */
	xlen = sm_get_le(data + GZIP_AT_XLEN, 2);
	if (xlen == SM_GZIP_SUBFIELD_BYTES + SM_GZIP_SHARD_DATA)
		return SM_GZIP_SHARD;
	if (xlen == SM_GZIP_SUBFIELD_BYTES + SM_GZIP_END_DATA)
		return SM_GZIP_END;
	return xlen % SM_GZIP_INDEX_ENTRY ==
			       SM_GZIP_SUBFIELD_BYTES + SM_GZIP_INDEX_HEAD
		       ? SM_GZIP_INDEX
		       : SM_GZIP_SINGLE;
}
