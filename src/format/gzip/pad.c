/*
 * pad.c - how much goes before a large body, and what it is made of
 *
 * Nothing but arithmetic: where padding is, is decided here alone, for those
 * who write a file, go on with one or check it.
 */
#include <assert.h>
#include <string.h>

#include "pad.h"

#define SHORT_BYTES 5
#define LONG_BYTES  6

/* BFINAL 0, BTYPE 1 and its end, BFINAL 0, BTYPE 0; then a length of 0. */
static const unsigned char long_block[LONG_BYTES] = { 2, 0, 0, 0, 0xff, 0xff };
static const unsigned char *const short_block = long_block + 1;

/* Not every small number is a sum of fives and sixes. */
static bool
pad_can_be(uint64_t len)
{
	return len % SHORT_BYTES * LONG_BYTES <= len;
}

bool
sm_pad_may_be(uint64_t at, uint64_t len, uint64_t bytes)
{
	return bytes >= SM_PAD_FROM && len < SM_PAD_BLOCK && pad_can_be(len) &&
	       at % SM_PAD_BLOCK == SM_GZIP_HEADER_BYTES;
}

size_t
sm_pad_before(uint64_t at, uint64_t quiet, uint64_t bytes)
{
	uint64_t len = (SM_GZIP_HEADER_BYTES - at) % SM_PAD_BLOCK;

	if (!sm_pad_may_be(at + len, len, bytes) ||
	    quiet + len > SM_PAD_QUIET_MAX)
		return 0;
	return (size_t)len;
}

void
sm_pad_put(unsigned char *dst, size_t len)
{
	size_t longer = len % SHORT_BYTES;

	assert(pad_can_be(len));
	for (; longer > 0; longer--, dst += LONG_BYTES, len -= LONG_BYTES)
		memcpy(dst, long_block, LONG_BYTES);
	for (; len > 0; dst += SHORT_BYTES, len -= SHORT_BYTES)
		memcpy(dst, short_block, SHORT_BYTES);
}
