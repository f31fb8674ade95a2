/*
 * What text goes through on its way to a shard: our own encoder (deftext.c), or
 * zlib.  All that zlib needs to give equal bytes is kept here; it is apart from
 * rectext.c because exec jobs have no records.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "err.h"

#include "shard.h"
#include "zmem.h"

#include "deftext.h"

#include "encoder.h"

/* Raw deflate, with a window of 32 KiB: shard.c writes header and end. */
#define ENCODER_WINDOW_BITS (-15)
#define ENCODER_MEM_LEVEL   8

/*
 * zlib is given the text in pieces of exactly this size, however it comes in:
 * its output depends on where its input was cut, and the pieces that come out
 * of a pipe differ from run to run.
 */
#define ENCODER_IN_BYTES  ((size_t)64 * 1024)
#define ENCODER_OUT_BYTES ((size_t)64 * 1024)

struct sm_encoder {
	struct sm_deftext *own; /* NULL: zlib, of which is all that follows */
	z_stream z;
	struct sm_shard *shard; /* borrowed, of this shard only */
	size_t len;             /* bytes in `in` */
	bool aligned;           /* nothing was written since a boundary */
	unsigned char in[ENCODER_IN_BYTES];
	unsigned char out[ENCODER_OUT_BYTES];
};

static bool
encoder_open_zlib(struct sm_encoder *e, int level)
{
	sm_zmem_use(&e->z);
	return deflateInit2(&e->z, level, Z_DEFLATED, ENCODER_WINDOW_BITS,
			    ENCODER_MEM_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK;
}

int
sm_encoder_new(struct sm_encoder **out, enum sm_encoder_how how, int level,
	       struct sm_err *err)
{
	struct sm_encoder *e;
	bool opened;

	if (level < 1 || level > 9)
		return sm_err_set(err, SM_EUSAGE,
				  "compression level %d is not 1 to 9", level);
	e = calloc(1, sizeof(*e));
	if (!e)
		return sm_err_mem(err, "an encoder");
	if (how == SM_ENCODER_BY_ZLIB) {
		opened = encoder_open_zlib(e, level);
	} else {
		e->own = sm_deftext_new(level);
		opened = e->own != NULL;
	}
	if (!opened) {
		free(e);
		return sm_err_mem(err, "an encoder");
	}
	*out = e;
	return 0;
}

/* deflateReset() rather than a new stream: it keeps 256 KiB of memory. */
int
sm_encoder_begin(struct sm_encoder *e, struct sm_shard *shard,
		 struct sm_err *err)
{
	if (e->own) {
		sm_deftext_begin(e->own, shard);
		return 0;
	}
	if (deflateReset(&e->z) != Z_OK)
		return sm_err_set(err, SM_EBUG, "cannot reset zlib");
	e->shard = shard;
	e->aligned = true;
	e->len = 0;
	return 0;
}

/*
 * Compress `len` bytes, at most ENCODER_IN_BYTES, and pass on what comes.
 * Output that fills its buffer may not be all there is.
 */
static int
encoder_feed(struct sm_encoder *e, const unsigned char *text, size_t len,
	     int flush, struct sm_err *err)
{
	int ret;

	e->z.next_in = (Bytef *)text; /* zlib's API predates const */
	e->z.avail_in = (uInt)len;
	do {
		e->z.next_out = e->out;
		e->z.avail_out = sizeof(e->out);
		if (deflate(&e->z, flush) == Z_STREAM_ERROR)
			return sm_err_set(err, SM_EBUG, "zlib cannot deflate");
		ret = sm_shard_deflated(e->shard, e->out,
					sizeof(e->out) - e->z.avail_out, err);
		if (ret < 0)
			return ret;
	} while (e->z.avail_out == 0);
	return 0;
}

/*
 * Collect pieces of ENCODER_IN_BYTES.  Where the text is at the border of a
 * piece and has a whole one left, it is not copied.
 */
int
sm_encoder_write(struct sm_encoder *e, const void *text, size_t len,
		 struct sm_err *err)
{
	const unsigned char *p = text;
	size_t n;
	int ret = 0;

	if (e->own)
		return sm_deftext_write(e->own, text, len, err);
	sm_shard_text(e->shard, text, len);
	e->aligned &= len == 0;
	for (; len > 0 && ret == 0; p += n, len -= n) {
		if (e->len == 0 && len >= ENCODER_IN_BYTES) {
			n = ENCODER_IN_BYTES;
			ret = encoder_feed(e, p, n, Z_NO_FLUSH, err);
			continue;
		}
		n = ENCODER_IN_BYTES - e->len;
		if (n > len)
			n = len;
		memcpy(e->in + e->len, p, n);
		e->len += n;
		if (e->len == ENCODER_IN_BYTES) {
			e->len = 0;
			ret = encoder_feed(e, e->in, ENCODER_IN_BYTES,
					   Z_NO_FLUSH, err);
		}
	}
	return ret;
}

/*
 * What is left, and Z_SYNC_FLUSH: it ends in an empty stored block, which
 * brings the stream to a byte boundary.
 */
int
sm_encoder_align(struct sm_encoder *e, struct sm_err *err)
{
	size_t len = e->len;

	if (e->own)
		return sm_deftext_align(e->own, err);
	/* Without text there is nothing to bring to a boundary. */
	if (len == 0 && e->aligned)
		return 0;
	e->aligned = true;
	e->len = 0;
	return encoder_feed(e, e->in, len, Z_SYNC_FLUSH, err);
}

void
sm_encoder_free(struct sm_encoder *e)
{
	if (!e)
		return;
	if (e->own)
		sm_deftext_free(e->own);
	else
		deflateEnd(&e->z);
	free(e);
}
