#include <stdlib.h>
#include <string.h>

#include "file.h"

#include "crc32.h"

#include "member.h"

#define MEMBER_WINDOW_BITS (-15)

int
sm_member_reader_new(struct sm_member_reader **out, int fd, const char *name,
		     uint64_t size, struct sm_err *err)
{
	struct sm_member_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return sm_err_mem(err, "reading back");
	if (inflateInit2(&r->z, MEMBER_WINDOW_BITS) != Z_OK) {
		free(r);
		return sm_err_mem(err, "reading back");
	}
	r->fd = fd;
	r->name = name;
	r->size = size;
	*out = r;
	return 0;
}

void
sm_member_reader_free(struct sm_member_reader *r)
{
	if (!r)
		return;
	inflateEnd(&r->z);
	free(r);
}

ssize_t
sm_member_peek(struct sm_member_reader *r, const unsigned char **p, uint64_t at,
	       size_t need, struct sm_err *err)
{
	ssize_t n;

	*p = r->buf;
	if (at >= r->size)
		return 0;
	if (need > r->size - at)
		need = (size_t)(r->size - at);
	if (at < r->buf_at || at - r->buf_at > r->buf_len ||
	    r->buf_len - (at - r->buf_at) < need) {
		if (r->progress && r->progress(at, r->size, r->arg))
			return sm_err_set(err, SM_ESTOPPED,
					  "stopped while reading '%s'",
					  r->name);
		r->buf_len = 0;
		n = sm_pread_full(r->fd, r->buf, sizeof(r->buf), at);
		if (n < 0)
			return sm_err_sys(err, "cannot read '%s'", r->name);
		r->buf_at = at;
		r->buf_len = (size_t)n;
		if ((uint64_t)n > r->size - at) /* a file that grows */
			r->buf_len = (size_t)(r->size - at);
	}
	*p = r->buf + (at - r->buf_at);
	return (ssize_t)(r->buf_len - (at - r->buf_at));
}

int
sm_member_crc(struct sm_member_reader *r, uint32_t *crc, uint64_t at,
	      uint64_t end, struct sm_err *err)
{
	const unsigned char *p;
	ssize_t n;

	for (*crc = 0; at < end; at += (uint64_t)n) {
		n = sm_member_peek(r, &p, at, 1, err);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return sm_err_set(err, SM_EIO,
					  "'%s' shrank while it was read",
					  r->name);
		if ((uint64_t)n > end - at)
			n = (ssize_t)(end - at);
		*crc = sm_crc32(*crc, p, (size_t)n);
	}
	return 0;
}

/* Inflate `len` bytes at `p`; returns zlib's last word. */
static int
member_inflate(struct sm_member *m, struct sm_member_reader *r,
	       const unsigned char *p, size_t len)
{
	size_t got;
	int ret;

	r->z.next_in = (Bytef *)p; /* zlib's API predates const */
	r->z.avail_in = (uInt)len;
	do {
		r->z.next_out = r->text;
		r->z.avail_out = sizeof(r->text);
		ret = inflate(&r->z, Z_NO_FLUSH);
		got = sizeof(r->text) - r->z.avail_out;
		m->raw_crc32 = sm_crc32(m->raw_crc32, r->text, got);
		m->raw_bytes += got;
	} while (ret == Z_OK && r->z.avail_out == 0);
	/* No progress is possible without more input: no error. */
	return ret == Z_BUF_ERROR ? Z_OK : ret;
}

/* The deflate stream from `*at` on; `*at` becomes the place behind it. */
static int
member_read_stream(struct sm_member *m, struct sm_member_reader *r,
		   uint64_t *at, uint64_t limit, struct sm_err *err)
{
	const unsigned char *p;
	ssize_t n;
	size_t used;
	int ret = Z_OK;

	inflateReset(&r->z);
	while (ret == Z_OK) {
		n = *at < limit ? sm_member_peek(r, &p, *at, 1, err) : 0;
		if (n < 0)
			return (int)n;
		if (n == 0) {
			m->cut = true;
			return 0;
		}
		if ((uint64_t)n > limit - *at)
			n = (ssize_t)(limit - *at);
		ret = member_inflate(m, r, p, (size_t)n);
		used = (size_t)n - r->z.avail_in;
		m->gz_crc32 = sm_crc32(m->gz_crc32, p, used);
		*at += used;
	}
	m->ended = ret == Z_STREAM_END;
	return 0;
}

int
sm_member_read(struct sm_member *m, struct sm_member_reader *r, uint64_t at,
	       uint64_t limit, struct sm_err *err)
{
	/* CRC and length, behind the deflate stream. */
	enum { LAST_BLOCK = 2, TRAILER = SM_GZIP_TAIL_BYTES - LAST_BLOCK };
	unsigned char tail[SM_GZIP_TAIL_BYTES];
	const unsigned char *p;
	uint64_t start = at;
	ssize_t n;
	int ret;

	*m = (struct sm_member){ 0 };
	n = sm_member_peek(r, &p, at, SM_GZIP_SHARD_HEADER, err);
	if (n < 0)
		return (int)n;
	if (n < SM_GZIP_SHARD_HEADER || limit - at < SM_GZIP_SHARD_HEADER) {
		m->cut = true;
		return 0;
	}
	m->header_ok = sm_gzip_get_shard(&m->head, p, (size_t)n);
	m->gz_crc32 = sm_crc32(0, p, SM_GZIP_SHARD_HEADER);
	at += SM_GZIP_SHARD_HEADER;

	ret = member_read_stream(m, r, &at, limit, err);
	if (ret < 0 || !m->ended)
		return ret;
	if (limit - at < TRAILER) {
		m->ended = false;
		m->cut = true;
		return 0;
	}
	n = sm_member_peek(r, &p, at - LAST_BLOCK, sizeof(tail), err);
	if (n < 0)
		return (int)n;
	if ((size_t)n < sizeof(tail))
		return sm_err_set(err, SM_EIO, "'%s' shrank while it was read",
				  r->name);
	sm_gzip_put_tail(tail, m->raw_crc32, m->raw_bytes);
	m->tail_ok = memcmp(p, tail, sizeof(tail)) == 0;
	m->gz_crc32 = sm_crc32(m->gz_crc32, p + LAST_BLOCK, TRAILER);
	m->bytes = at + TRAILER - start;
	return 0;
}

int
sm_member_read_inside(struct sm_member_inside *s, struct sm_member_reader *r,
		      uint64_t at, uint64_t end, struct sm_err *err)
{
	struct sm_member m = { 0 };
	const unsigned char *p;
	int ret = Z_OK;
	ssize_t n;

	*s = (struct sm_member_inside){ 0 };
	inflateReset(&r->z);
	for (; at < end; at += (uint64_t)n) {
		n = sm_member_peek(r, &p, at, 1, err);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return sm_err_set(err, SM_EIO,
					  "'%s' shrank while it was read",
					  r->name);
		if ((uint64_t)n > end - at)
			n = (ssize_t)(end - at);
		s->gz_crc32 = sm_crc32(s->gz_crc32, p, (size_t)n);
		if (ret == Z_OK)
			ret = member_inflate(&m, r, p, (size_t)n);
	}
	s->inflates = ret == Z_OK;
	s->raw_bytes = m.raw_bytes;
	s->raw_crc32 = m.raw_crc32;
	return 0;
}

int
sm_member_scan(uint64_t *found, struct sm_member_reader *r, uint64_t at,
	       uint64_t limit, struct sm_err *err)
{
	/* All that headers have in common: up to kind and flags. */
	enum { MARK = SM_GZIP_FIXED_BYTES + SM_GZIP_SUBFIELD_BYTES + 4 };
	unsigned char header[SM_GZIP_SHARD_HEADER];
	const unsigned char *p, *hit;
	ssize_t n;

	sm_gzip_put_shard(header, &(struct sm_gzip_shard){ 0 });
	*found = limit;
	while (at < limit && limit - at >= MARK) {
		n = sm_member_peek(r, &p, at, MARK, err);
		if (n < 0)
			return (int)n;
		if ((uint64_t)n > limit - at)
			n = (ssize_t)(limit - at);
		if (n < MARK)
			break;
		hit = memmem(p, (size_t)n, header, MARK);
		if (hit) {
			*found = at + (uint64_t)(hit - p);
			break;
		}
		/* One that begins in the last bytes is met again. */
		at += (uint64_t)n - MARK + 1;
	}
	return 0;
}

const char *
sm_member_judge(const struct sm_member *m, const struct sm_gzip_entry *e,
		uint64_t batch)
{
	if (!m->header_ok ||
	    (e && (m->head.batch != batch || m->head.counts.rows != e->rows ||
		   m->head.counts.records != e->records ||
		   m->head.raw_bytes != e->raw_bytes)))
		return "header";
	if (!m->ended)
		return "deflate";
	if (!m->tail_ok || m->head.raw_bytes != m->raw_bytes ||
	    (e && (m->bytes != e->gz_bytes || m->gz_crc32 != e->gz_crc32 ||
		   m->raw_crc32 != e->raw_crc32)))
		return "crc";
	return NULL;
}

const char *
sm_member_describe(const char *kind)
{
	if (strcmp(kind, "header") == 0)
		return "has a header that is not as it was written";
	if (strcmp(kind, "deflate") == 0)
		return "does not inflate";
	return "holds other bytes than were written";
}
