/*
 * fuzz_inflate.c - libFuzzer target: raw deflate, against zlib
 *
 * The first two bytes choose how the input and the room for text are cut.  The
 * verdict and the text must be zlib's.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "inflate.h"

#define TEXT_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned char want[TEXT_MAX], got[TEXT_MAX + SM_INFLATE_OUT_SLACK];

/* 1: all of it inflates; 0; -1: to more than fits here. */
static int
by_zlib(size_t *len, const uint8_t *data, size_t size)
{
	z_stream z = { 0 };
	int ret;

	if (inflateInit2(&z, -15) != Z_OK)
		abort();
	z.next_in = (Bytef *)data;
	z.avail_in = (uInt)size;
	z.next_out = want;
	z.avail_out = TEXT_MAX;
	ret = inflate(&z, Z_FINISH);
	*len = TEXT_MAX - z.avail_out;
	inflateEnd(&z);
	return ret == Z_STREAM_END ? 1 : z.avail_out == 0 ? -1 : 0;
}

static int
by_us(size_t *len, const uint8_t *data, size_t size, size_t piece, size_t room)
{
	struct sm_inflate *z = calloc(1, sizeof(*z));
	unsigned char *in =
		malloc(SM_INFLATE_IN_MIN + piece + SM_INFLATE_IN_SLACK);
	enum sm_inflate_why why;
	size_t at = 0, left, n;

	if (!z || !in)
		abort();
	memset(in, 0, SM_INFLATE_IN_MIN + piece + SM_INFLATE_IN_SLACK);
	z->in = z->in_end = in;
	z->in_last = size == 0;
	z->out = z->floor = got;
	for (;;) {
		z->out_end = z->out + room;
		if (z->out_end > got + TEXT_MAX)
			z->out_end = got + TEXT_MAX;
		why = sm_inflate(z);
		if (why == SM_INFLATE_BAD || why == SM_INFLATE_END ||
		    z->out >= got + TEXT_MAX)
			break;
		if (why != SM_INFLATE_IN)
			continue;
		left = (size_t)(z->in_end - z->in);
		n = size - at < piece ? size - at : piece;
		memmove(in, z->in, left);
		memcpy(in + left, data + at, n);
		at += n;
		z->in = in;
		z->in_end = in + left + n;
		z->in_last = at == size;
	}
	*len = (size_t)(z->out - got);
	free(in);
	free(z);
	return why == SM_INFLATE_END;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t a, b, piece, room;
	int takes;

	if (size < 2)
		return 0;
	piece = (size_t)data[0] * 17 + 1;
	room = (size_t)data[1] * 67 + 1;
	takes = by_zlib(&a, data + 2, size - 2);
	if (takes < 0)
		return 0;
	if (by_us(&b, data + 2, size - 2, piece, room) != takes ||
	    (takes && (a != b || memcmp(want, got, a) != 0)))
		abort();
	return 0;
}
