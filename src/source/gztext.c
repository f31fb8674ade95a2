/*
 * gztext.c - inflate any gzip file, and know where one could begin to
 *
 * By inflate.c, since a worker that enters at a point inflates what is between
 * that and its batch, again and again.  It is separate from final/gunzip.c,
 * which asks zlib and only ever reads from the start.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "crc32.h"
#include "file.h"
#include "inflate.h"

#include "gztext.h"

#define GZTEXT_IN_BYTES  ((size_t)128 * 1024)
#define GZTEXT_OUT_BYTES ((size_t)256 * 1024)
/* With less room than this, text goes to the start of the buffer again. */
#define GZTEXT_OUT_MIN ((size_t)64 * 1024)

enum { GZIP_FHCRC = 2, GZIP_FEXTRA = 4, GZIP_FNAME = 8, GZIP_FCOMMENT = 16 };

struct sm_gztext {
	int fd;
	const char *name;
	int code;
	uint64_t at;   /* where the file goes on after `in` */
	uint64_t text; /* given so far, of the file */
	bool any;      /* member was begun */
	bool inside;   /* one, after its header */
	bool checked;  /* it is read from its start */
	bool seeking;  /* a point is wanted */
	bool at_block; /* the last piece ended with a block */
	uint32_t crc32;
	uint64_t bytes; /* of the member's text */
	struct sm_inflate z;
	unsigned char in[GZTEXT_IN_BYTES + SM_INFLATE_IN_SLACK];
	unsigned char out[SM_INFLATE_WINDOW + GZTEXT_OUT_BYTES +
			  SM_INFLATE_OUT_SLACK];
};

int
sm_gztext_new(struct sm_gztext **out, int fd, const char *name, int code,
	      struct sm_err *err)
{
	static const struct sm_point start = { .member = true };
	struct sm_gztext *g = calloc(1, sizeof(*g));

	if (!g)
		return sm_err_mem(err, "reading gzip");
	g->fd = fd;
	g->name = name;
	g->code = code;
	sm_gztext_enter(g, &start, NULL, 0);
	*out = g;
	return 0;
}

void
sm_gztext_free(struct sm_gztext *g)
{
	free(g);
}

uint64_t
sm_gztext_at(const struct sm_gztext *g)
{
	return g->at;
}

uint64_t
sm_gztext_text(const struct sm_gztext *g)
{
	return g->text;
}

/* Text goes to the start of the room; `len` bytes before it are the window. */
static void
gztext_set_room(struct sm_gztext *g, size_t len)
{
	g->z.out = g->out + SM_INFLATE_WINDOW;
	g->z.floor = g->z.out - len;
	g->z.out_end = g->z.out + GZTEXT_OUT_BYTES;
}

void
sm_gztext_enter(struct sm_gztext *g, const struct sm_point *p,
		const unsigned char *window, size_t len)
{
	sm_inflate_reset(&g->z);
	g->at = p->at;
	g->text = p->text_at;
	g->any = p->at > 0;
	g->inside = !p->member;
	g->checked = p->member;
	g->z.in = g->z.in_end = g->in;
	g->z.in_last = false;
	g->z.bits = p->bits;
	g->z.count = p->count;
	gztext_set_room(g, len);
	if (len > 0)
		memcpy(g->z.floor, window, len);
}

/* ---------------------------------------------------------------- input -- */

static int
gztext_damaged(const struct sm_gztext *g, const char *what, struct sm_err *err)
{
	return sm_err_set(err, g->code,
			  "the gzip file '%s' is damaged: %s, after %" PRIu64
			  " bytes of text",
			  g->name, what, g->text);
}

static int
gztext_cut(const struct sm_gztext *g, struct sm_err *err)
{
	return sm_err_set(err, g->code,
			  "the gzip file '%s' is cut off: it ends after "
			  "%" PRIu64 " bytes of text, within a member",
			  g->name, g->text);
}

static size_t
gztext_left(const struct sm_gztext *g)
{
	return (size_t)(g->z.in_end - g->z.in);
}

/* Have `need` bytes at hand, unless the file ends. */
static int
gztext_fill(struct sm_gztext *g, size_t need, struct sm_err *err)
{
	size_t left = gztext_left(g), want = GZTEXT_IN_BYTES - left;
	ssize_t n;

	if (left >= need || g->z.in_last)
		return 0;
	memmove(g->in, g->z.in, left);
	n = sm_pread_full(g->fd, g->in + left, want, g->at);
	if (n < 0)
		return sm_err_sys(err, "cannot read '%s' at byte %" PRIu64,
				  g->name, g->at);
	g->at += (uint64_t)n;
	g->z.in = g->in;
	g->z.in_end = g->in + left + n;
	g->z.in_last = (size_t)n < want;
	return 0;
}

/* -------------------------------------------------------------- members -- */

/* The next byte of a header, which is under the header's own CRC. */
static int
gztext_byte(unsigned *byte, struct sm_gztext *g, struct sm_err *err)
{
	unsigned char c;
	int ret = gztext_fill(g, 1, err);

	if (ret < 0)
		return ret;
	if (gztext_left(g) == 0)
		return gztext_cut(g, err);
	c = *g->z.in++;
	g->crc32 = sm_crc32(g->crc32, &c, 1);
	*byte = c;
	return 0;
}

static int
gztext_skip(struct sm_gztext *g, unsigned bytes, struct sm_err *err)
{
	unsigned c;
	int ret = 0;

	while (bytes-- > 0 && ret == 0)
		ret = gztext_byte(&c, g, err);
	return ret;
}

static int
gztext_skip_string(struct sm_gztext *g, struct sm_err *err)
{
	unsigned c;
	int ret;

	do {
		ret = gztext_byte(&c, g, err);
	} while (ret == 0 && c != 0);
	return ret;
}

/* Two bytes; `crc` as it was before them. */
static int
gztext_short(unsigned *v, uint32_t *crc, struct sm_gztext *g,
	     struct sm_err *err)
{
	unsigned low = 0, high = 0;
	int ret;

	*crc = g->crc32;
	ret = gztext_byte(&low, g, err);
	if (ret == 0)
		ret = gztext_byte(&high, g, err);
	*v = low | high << 8;
	return ret;
}

/* RFC 1952, 2.3. */
static int
gztext_header(struct sm_gztext *g, struct sm_err *err)
{
	unsigned method = 0, flags = 0, n = 0;
	uint32_t crc;
	int ret;

	g->crc32 = 0;
	ret = gztext_skip(g, 2, err);
	if (ret == 0)
		ret = gztext_byte(&method, g, err);
	if (ret == 0)
		ret = gztext_byte(&flags, g, err);
	if (ret == 0 && (method != 8 || (flags & 0xe0)))
		return gztext_damaged(g, "a member's header is unknown", err);
	if (ret == 0)
		ret = gztext_skip(g, 6, err);
	if (ret == 0 && (flags & GZIP_FEXTRA))
		ret = gztext_short(&n, &crc, g, err);
	if (ret == 0)
		ret = gztext_skip(g, n, err);
	if (ret == 0 && (flags & GZIP_FNAME))
		ret = gztext_skip_string(g, err);
	if (ret == 0 && (flags & GZIP_FCOMMENT))
		ret = gztext_skip_string(g, err);
	if (ret == 0 && (flags & GZIP_FHCRC)) {
		ret = gztext_short(&n, &crc, g, err);
		if (ret == 0 && n != (crc & 0xffff))
			return gztext_damaged(g,
					      "a member's header differs "
					      "from its CRC",
					      err);
	}
	return ret;
}

/* CRC-32 and length, after the last block. */
static int
gztext_trailer(struct sm_gztext *g, struct sm_err *err)
{
	int ret = gztext_fill(g, 8, err);

	if (ret < 0)
		return ret;
	if (gztext_left(g) < 8)
		return gztext_cut(g, err);
	if (g->checked && sm_get_le(g->z.in, 4) != g->crc32)
		return gztext_damaged(g, "a member's CRC differs", err);
	if (g->checked && sm_get_le(g->z.in + 4, 4) != (g->bytes & UINT32_MAX))
		return gztext_damaged(g, "a member's length differs", err);
	g->z.in += 8;
	g->inside = false;
	return 0;
}

/* Between members: 1: there is one more; 0: the file ends; <0. */
static int
gztext_between(struct sm_gztext *g, struct sm_err *err)
{
	const unsigned char *p;
	int ret = gztext_fill(g, 2, err);

	if (ret < 0)
		return ret;
	p = g->z.in;
	if (gztext_left(g) >= 2 && p[0] == 0x1f && p[1] == 0x8b) {
		ret = gztext_header(g, err);
		if (ret < 0)
			return ret;
		sm_inflate_reset(&g->z);
		g->any = g->inside = g->checked = true;
		g->crc32 = 0;
		g->bytes = 0;
		g->z.floor = g->z.out;
		return 1;
	}
	if (gztext_left(g) == 1 && p[0] == 0x1f)
		return gztext_cut(g, err);
	while (ret == 0 && gztext_left(g) > 0) {
		if (!g->any || *g->z.in != 0)
			return gztext_damaged(
				g, "what follows is no member of it", err);
		g->z.in++;
		ret = gztext_fill(g, 1, err);
	}
	return ret;
}

/* ----------------------------------------------------------------- text -- */

/* Inflate up to a block's end or as much as there is room for. */
static int
gztext_inflate(enum sm_inflate_why *why, struct sm_gztext *g,
	       struct sm_err *err)
{
	size_t n = (size_t)(g->z.out - g->z.floor);
	unsigned char *window = g->z.out;
	int ret;

	if (g->z.out + GZTEXT_OUT_MIN > g->z.out_end) {
		if (n > SM_INFLATE_WINDOW)
			n = SM_INFLATE_WINDOW;
		window -= n;
		gztext_set_room(g, n);
		memmove(g->z.floor, window, n);
	}
	g->z.by_block = g->seeking;
	do {
		ret = gztext_fill(g, SM_INFLATE_IN_MIN, err);
		if (ret < 0)
			return ret;
		*why = sm_inflate(&g->z);
	} while (*why == SM_INFLATE_IN);
	if (*why == SM_INFLATE_DRY ||
	    (*why == SM_INFLATE_BAD && g->z.in_last && g->z.in >= g->z.in_end))
		return gztext_cut(g, err);
	if (*why == SM_INFLATE_BAD)
		return gztext_damaged(g, "it does not inflate", err);
	return 0;
}

int
sm_gztext_next(const char **text, size_t *len, struct sm_gztext *g,
	       struct sm_err *err)
{
	enum sm_inflate_why why;
	unsigned char *from;
	int ret;

	for (g->at_block = false;;) {
		*len = 0;
		if (!g->inside) {
			ret = gztext_between(g, err);
			if (ret <= 0)
				return ret;
		}
		from = g->z.out;
		/* It may move what was given, to the start of the room. */
		if (from + GZTEXT_OUT_MIN > g->z.out_end)
			from = g->out + SM_INFLATE_WINDOW;
		ret = gztext_inflate(&why, g, err);
		*text = (const char *)from;
		*len = (size_t)(g->z.out - from);
		g->text += *len;
		g->bytes += *len;
		if (ret == 0 && g->checked)
			g->crc32 = sm_crc32(g->crc32, from, *len);
		if (ret == 0 && why == SM_INFLATE_END)
			ret = gztext_trailer(g, err);
		if (ret < 0)
			return ret;
		g->at_block = why != SM_INFLATE_OUT;
		if (*len > 0 || (g->seeking && g->at_block))
			return 1;
	}
}

/* --------------------------------------------------------------- points -- */

void
sm_gztext_seek_point(struct sm_gztext *g)
{
	g->seeking = true;
}

bool
sm_gztext_point(struct sm_point *p, const unsigned char **window, size_t *len,
		struct sm_gztext *g)
{
	if (!g->seeking || !g->at_block)
		return false;
	*p = (struct sm_point){ .at = g->at - gztext_left(g),
				.text_at = g->text,
				.member = !g->inside };
	*len = 0;
	if (g->inside) {
		p->count = (uint8_t)g->z.count;
		p->bits = (uint8_t)g->z.bits;
		*len = (size_t)(g->z.out - g->z.floor);
	}
	if (*len > SM_INFLATE_WINDOW)
		*len = SM_INFLATE_WINDOW;
	*window = g->z.out - *len;
	g->seeking = false;
	return true;
}
