/*
 * body.c - bodies by zlib, and what is around them, from one open file
 *
 * Apart from shard.c, which writes: here nothing that is read is believed.
 */
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "file.h"

#include "crc32.h"
#include "zmem.h"

#include "body.h"

#define BODY_WINDOW_BITS (-15)

int
sm_body_reader_new(struct sm_body_reader **out, int fd, const char *name,
		   uint64_t size, struct sm_err *err)
{
	struct sm_body_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return sm_err_mem(err, "reading back");
	sm_zmem_use(&r->z);
	if (inflateInit2(&r->z, BODY_WINDOW_BITS) != Z_OK) {
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
sm_body_reader_free(struct sm_body_reader *r)
{
	if (!r)
		return;
	inflateEnd(&r->z);
	free(r);
}

/*
 * Bytes from `at` on: `*p` and `*len`, at least `need` (up to
 * SM_BODY_BUF_BYTES) unless the file ends before.  Valid until the next call.
 */
static int
body_peek(const unsigned char **p, size_t *len, struct sm_body_reader *r,
	  uint64_t at, size_t need, struct sm_err *err)
{
	ssize_t n;

	*p = r->buf;
	*len = 0;
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
	*len = r->buf_len - (size_t)(at - r->buf_at);
	return 0;
}

int
sm_body_same(bool *same, struct sm_body_reader *r, uint64_t at,
	     const unsigned char *bytes, size_t len, struct sm_err *err)
{
	const unsigned char *p;
	size_t n;
	int ret = body_peek(&p, &n, r, at, len, err);

	*same = ret == 0 && n >= len && memcmp(p, bytes, len) == 0;
	return ret;
}

/* The bytes from `at` to `end`, as many as are at hand; at least one. */
static int
body_piece(const unsigned char **p, size_t *len, struct sm_body_reader *r,
	   uint64_t at, uint64_t end, struct sm_err *err)
{
	int ret = body_peek(p, len, r, at, 1, err);

	if (ret == 0 && *len == 0)
		return sm_err_set(err, SM_EIO, "'%s' shrank while it was read",
				  r->name);
	if (*len > end - at)
		*len = (size_t)(end - at);
	return ret;
}

int
sm_body_crc(uint32_t *crc, struct sm_body_reader *r, uint64_t at, uint64_t end,
	    struct sm_err *err)
{
	const unsigned char *p;
	size_t n;
	int ret;

	for (*crc = 0; at < end; at += n) {
		ret = body_piece(&p, &n, r, at, end, err);
		if (ret < 0)
			return ret;
		*crc = sm_crc32(*crc, p, n);
	}
	return 0;
}

/* Inflate `len` bytes at `p`; returns zlib's last word. */
static int
body_inflate(struct sm_body *b, struct sm_body_reader *r,
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
		b->raw_crc32 = sm_crc32(b->raw_crc32, r->text, got);
		b->raw_bytes += got;
	} while (ret == Z_OK && r->z.avail_out == 0);
	/* No progress is possible without more input: no error. */
	return ret == Z_BUF_ERROR ? Z_OK : ret;
}

int
sm_body_read(struct sm_body *b, struct sm_body_reader *r, uint64_t at,
	     uint64_t end, struct sm_err *err)
{
	const unsigned char *p;
	size_t n;
	int ret, z = Z_OK;

	*b = (struct sm_body){ 0 };
	inflateReset(&r->z);
	for (; at < end; at += n) {
		ret = body_piece(&p, &n, r, at, end, err);
		if (ret < 0)
			return ret;
		b->gz_crc32 = sm_crc32(b->gz_crc32, p, n);
		if (z == Z_OK)
			z = body_inflate(b, r, p, n);
		/* No memory for a window says nothing of the data. */
		if (z == Z_MEM_ERROR)
			return sm_err_mem(err, "reading back");
	}
	b->inflates = z == Z_OK;
	return 0;
}

int
sm_body_note(bool *found, struct sm_note *n, struct sm_body_reader *r,
	     uint64_t at, struct sm_err *err)
{
	const unsigned char *p;
	size_t len;
	int ret = body_peek(&p, &len, r, at, SM_NOTE_BYTES_MAX, err);

	*found = ret == 0 && sm_note_get(n, p, len);
	return ret;
}

int
sm_body_find_note(bool *found, struct sm_note *n, uint64_t *at,
		  struct sm_body_reader *r, struct sm_err *err)
{
	const unsigned char *p, *hit;
	size_t len;
	int ret;

	*found = false;
	while (*at < r->size && r->size - *at >= SM_NOTE_MARK_BYTES) {
		ret = body_peek(&p, &len, r, *at, SM_NOTE_BYTES_MAX, err);
		if (ret < 0)
			return ret;
		if (len < SM_NOTE_MARK_BYTES)
			break;
		hit = memmem(p, len, sm_note_mark, SM_NOTE_MARK_BYTES);
		if (!hit) {
			/* One that begins in the last bytes is met again. */
			*at += len - SM_NOTE_MARK_BYTES + 1;
			continue;
		}
		r->marked = true;
		*at += (uint64_t)(hit - p);
		ret = body_peek(&p, &len, r, *at, SM_NOTE_BYTES_MAX, err);
		if (ret < 0)
			return ret;
		*found = sm_note_get(n, p, len);
		if (*found)
			return 0;
		++*at;
	}
	return 0;
}
