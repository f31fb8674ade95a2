/*
 * gunzip.c - inflate gzip files that have no index of ours, from the start
 *
 * By zlib, which takes any valid file.  Files with an index go through
 * inflate.c, which is faster and knows where batches begin.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "file.h"

#include "zmem.h"

#include "gunzip.h"

#define GUNZIP_BYTES       ((size_t)256 * 1024)
#define GUNZIP_WINDOW_BITS (15 + 16) /* gzip, and no other header */

struct sm_gunzip {
	int fd;
	const char *name;
	uint64_t read, written; /* bytes of the file, of text */
	bool any;               /* member was met */
	bool inside;            /* one */
	bool eof;
	z_stream z;
	unsigned char in[GUNZIP_BYTES], text[GUNZIP_BYTES];
};

int
sm_gunzip_new(struct sm_gunzip **out, int fd, const char *name,
	      struct sm_err *err)
{
	struct sm_gunzip *g = calloc(1, sizeof(*g));

	if (!g)
		return sm_err_mem(err, "reading text");
	sm_zmem_use(&g->z);
	if (inflateInit2(&g->z, GUNZIP_WINDOW_BITS) != Z_OK) {
		free(g);
		return sm_err_mem(err, "reading text");
	}
	g->fd = fd;
	g->name = name;
	*out = g;
	return 0;
}

void
sm_gunzip_free(struct sm_gunzip *g)
{
	if (!g)
		return;
	inflateEnd(&g->z);
	free(g);
}

static int
gunzip_damaged(const struct sm_gunzip *g, const char *what, struct sm_err *err)
{
	return sm_err_set(err, SM_EVERIFY,
			  "'%s' is damaged: %s, after %" PRIu64
			  " bytes of text",
			  g->name, what, g->written);
}

/* Have two bytes of input at least, unless the file ends. */
static int
gunzip_fill(struct sm_gunzip *g, struct sm_err *err)
{
	size_t left = g->z.avail_in;
	ssize_t n;

	if (left >= 2 || g->eof)
		return 0;
	if (left > 0)
		memmove(g->in, g->z.next_in, left);
	n = sm_read_full(g->fd, g->in + left, GUNZIP_BYTES - left);
	if (n < 0)
		return sm_err_sys(err, "cannot read '%s'", g->name);
	g->eof = (size_t)n < GUNZIP_BYTES - left;
	g->read += (uint64_t)n;
	g->z.next_in = g->in;
	g->z.avail_in = (uInt)(left + (size_t)n);
	return 0;
}

/*
 * Between members: 1: there is one more; 0: the file ends, or all that follows
 * is zeros, with which tapes and block devices pad; <0.
 */
static int
gunzip_between(struct sm_gunzip *g, struct sm_err *err)
{
	int ret = gunzip_fill(g, err);

	if (ret < 0)
		return ret;
	if (g->z.avail_in >= 2 && g->z.next_in[0] == 0x1f &&
	    g->z.next_in[1] == 0x8b) {
		inflateReset(&g->z);
		g->any = true;
		g->inside = true;
		return 1;
	}
	if (!g->any)
		return sm_err_set(err, SM_EINPUT, "'%s' is no gzip file",
				  g->name);
	while (ret == 0 && g->z.avail_in > 0) {
		if (*g->z.next_in != 0)
			return gunzip_damaged(g, "what follows is no gzip",
					      err);
		g->z.next_in++;
		g->z.avail_in--;
		ret = gunzip_fill(g, err);
	}
	return ret;
}

int
sm_gunzip_next(const unsigned char **text, size_t *len, struct sm_gunzip *g,
	       struct sm_err *err)
{
	int ret, z;

	*len = 0;
	*text = g->text;
	while (*len == 0) {
		ret = g->inside ? 1 : gunzip_between(g, err);
		if (ret > 0)
			ret = gunzip_fill(g, err) < 0 ? err->code : 1;
		if (ret <= 0)
			return ret;
		g->z.next_out = g->text;
		g->z.avail_out = GUNZIP_BYTES;
		z = inflate(&g->z, Z_NO_FLUSH);
		*len = GUNZIP_BYTES - g->z.avail_out;
		g->written += *len;
		if (z == Z_MEM_ERROR)
			return sm_err_mem(err, "reading text");
		if (z == Z_BUF_ERROR && *len == 0 && g->eof)
			return gunzip_damaged(g, "it ends too soon", err);
		if (z != Z_OK && z != Z_STREAM_END && z != Z_BUF_ERROR)
			return gunzip_damaged(
				g, g->z.msg ? g->z.msg : "it does not inflate",
				err);
		g->inside = z != Z_STREAM_END;
	}
	return 1;
}

uint64_t
sm_gunzip_bytes(const struct sm_gunzip *g)
{
	return g->read;
}
