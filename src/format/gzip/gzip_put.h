/*
 * gzip_put.h - numbers and entries of a header; for gzip.c, gzip_single.c
 */
#ifndef SM_GZIP_PUT_H
#define SM_GZIP_PUT_H

#include "bytes.h"

#include "gzip.h"

/* Where things stand in a member of ours. */
enum {
	GZIP_AT_XLEN = 10,
	GZIP_AT_ID = SM_GZIP_FIXED_BYTES,
	GZIP_AT_LEN = SM_GZIP_FIXED_BYTES + 2,
	GZIP_AT_DATA = SM_GZIP_FIXED_BYTES + SM_GZIP_SUBFIELD_BYTES,
	GZIP_AT_KIND = GZIP_AT_DATA + 1,
	GZIP_AT_COUNT = GZIP_AT_DATA + 2,
};

static inline void
gzip_put(unsigned char **p, uint64_t v, unsigned width)
{
	sm_put_le(*p, v, width);
	*p += width;
}

static inline uint64_t
gzip_get(const unsigned char **p, unsigned width)
{
	uint64_t v = sm_get_le(*p, width);

	*p += width;
	return v;
}

static inline void
gzip_put_entry(unsigned char **p, const struct sm_gzip_entry *e)
{
	gzip_put(p, e->rows, 8);
	gzip_put(p, e->records, 8);
	gzip_put(p, e->gz_bytes, 8);
	gzip_put(p, e->raw_bytes, 8);
	gzip_put(p, e->gz_crc32, 4);
	gzip_put(p, e->raw_crc32, 4);
}

static inline void
gzip_get_entry(struct sm_gzip_entry *e, const unsigned char **p)
{
	e->rows = gzip_get(p, 8);
	e->records = gzip_get(p, 8);
	e->gz_bytes = gzip_get(p, 8);
	e->raw_bytes = gzip_get(p, 8);
	e->gz_crc32 = (uint32_t)gzip_get(p, 4);
	e->raw_crc32 = (uint32_t)gzip_get(p, 4);
}

/* Header up to version and kind; returns the place behind them. */
unsigned char *sm_gzip_put_header(unsigned char *dst, enum sm_gzip_kind kind,
				  size_t data_bytes);

#endif /* SM_GZIP_PUT_H */
