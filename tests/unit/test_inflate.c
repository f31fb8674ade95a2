#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include <cmocka.h>

#include "inflate.h"

#define TEXT_MAX ((size_t)600 * 1024)

static uint64_t seed = 1;

static uint32_t
rnd(uint32_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(seed >> 33) % below;
}

struct bytes {
	unsigned char *data;
	size_t len;
};

/* Text of one of several kinds. */
static struct bytes
make_text(unsigned kind, size_t len)
{
	struct bytes b = { malloc(len + 1), len };
	size_t i, n, back;

	assert_non_null(b.data);
	for (i = 0; i < len;) {
		switch (kind) {
		case 0: /* nothing but noise */
			b.data[i++] = (unsigned char)rnd(256);
			break;
		case 1: /* digits: short words, three to a look */
			b.data[i++] = (unsigned char)('0' + rnd(10));
			break;
		case 2: /* skewed: long words */
			b.data[i++] = (unsigned char)(rnd(1u << rnd(9)) & 255);
			break;
		case 3: /* runs, and matches at all distances */
			n = 1 + rnd(600);
			back = rnd(8) ? 1 + rnd(i < 40 ? 1 : 40)
				      : 1 + rnd(i ? (uint32_t)(i > 32768 ? 32768
									 : i)
						  : 1);
			for (; n > 0 && i < len; n--, i++)
				b.data[i] = back <= i ? b.data[i - back]
						      : (unsigned char)rnd(256);
			if (i < len)
				b.data[i++] = (unsigned char)rnd(256);
			break;
		default:
			b.data[i++] = 'a';
			break;
		}
	}
	return b;
}

/* Raw deflate, some flushes in it; all kinds of blocks. */
static struct bytes
deflate_bytes(const struct bytes *text, int level, int strategy)
{
	struct bytes b;
	z_stream z = { 0 };
	size_t at = 0, n, room;
	int flush, ret;

	assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, -15,
				      1 + (int)rnd(9), strategy),
			 Z_OK);
	room = deflateBound(&z, text->len) + 100000;
	b.data = malloc(room);
	z.next_out = b.data;
	z.avail_out = (uInt)room;
	do {
		n = rnd(3) ? text->len - at
			   : rnd((uint32_t)(text->len - at + 1));
		z.next_in = text->data + at;
		z.avail_in = (uInt)n;
		at += n;
		flush = at == text->len ? Z_FINISH
			: rnd(2)        ? Z_SYNC_FLUSH
					: Z_PARTIAL_FLUSH;
		ret = deflate(&z, flush); /* a second flush does nothing */
		assert_true(ret >= 0 || ret == Z_BUF_ERROR);
	} while (flush != Z_FINISH);
	b.len = room - z.avail_out;
	deflateEnd(&z);
	return b;
}

/*
 * Inflate in pieces of random size, to buffers just as large as promised, so
 * that a sanitizer sees what goes beyond.  Returns the last word.
 */
static enum sm_inflate_why
inflate_pieces(struct bytes *out, const struct bytes *in, size_t piece_in,
	       size_t piece_out, size_t limit, size_t *used)
{
	struct sm_inflate *z = calloc(1, sizeof(*z));
	unsigned char *ibuf =
		malloc(SM_INFLATE_IN_MIN + piece_in + SM_INFLATE_IN_SLACK);
	unsigned char *obuf =
		malloc(SM_INFLATE_WINDOW + piece_out + SM_INFLATE_OUT_SLACK);
	unsigned char *room = obuf + SM_INFLATE_WINDOW, *start = room;
	size_t at = 0, left, n;
	enum sm_inflate_why why;

	memset(ibuf, 0, SM_INFLATE_IN_MIN + piece_in + SM_INFLATE_IN_SLACK);
	sm_inflate_reset(z);
	z->in = z->in_end = ibuf;
	z->in_last = in->len == 0;
	z->out = z->floor = room;
	z->out_end = room + piece_out;
	out->len = 0;
	for (;;) {
		why = sm_inflate(z);
		assert_true(z->out <= z->out_end + SM_INFLATE_OUT_SLACK);
		n = (size_t)(z->out - start);
		assert_true(out->len + n <= limit + SM_INFLATE_OUT_SLACK);
		memcpy(out->data + out->len, start, n);
		out->len += n;
		start = z->out;
		if (why == SM_INFLATE_DRY)
			why = SM_INFLATE_BAD; /* there is no last block */
		if (why == SM_INFLATE_BAD || why == SM_INFLATE_END ||
		    out->len > limit)
			break;
		if (why == SM_INFLATE_OUT) {
			n = (size_t)(z->out - z->floor);
			n = n < SM_INFLATE_WINDOW ? n : SM_INFLATE_WINDOW;
			memmove(room - n, z->out - n, n);
			z->floor = room - n;
			z->out = start = room;
		} else if (why == SM_INFLATE_IN) {
			left = (size_t)(z->in_end - z->in);
			assert_true(left < SM_INFLATE_IN_MIN);
			assert_false(z->in_last);
			memmove(ibuf, z->in, left);
			n = in->len - at < piece_in ? in->len - at : piece_in;
			memcpy(ibuf + left, in->data + at, n);
			at += n;
			z->in = ibuf;
			z->in_end = ibuf + left + n;
			z->in_last = at == in->len;
		}
	}
	*used = at - (size_t)(z->in_end - z->in);
	free(z);
	free(ibuf);
	free(obuf);
	return why;
}

static void
test_round_trip(void **state)
{
	struct bytes text, in, out = { malloc(TEXT_MAX + 1000), 0 };
	size_t used, len, piece_in, piece_out;
	unsigned round;
	int why;

	(void)state;
	for (round = 0; round < 400; round++) {
		len = rnd(4) ? rnd(20000) : rnd((uint32_t)TEXT_MAX);
		text = make_text(round % 5, len);
		in = deflate_bytes(&text, (int)rnd(10), (int)rnd(5));
		piece_in = 1 + rnd(rnd(2) ? 50 : 70000);
		piece_out = 1 + rnd(rnd(2) ? 50 : 100000);
		why = inflate_pieces(&out, &in, piece_in, piece_out, TEXT_MAX,
				     &used);
		assert_int_equal(why, SM_INFLATE_END);
		assert_int_equal(out.len, text.len);
		assert_memory_equal(out.data, text.data, text.len);
		assert_int_equal(used, in.len);
		free(text.data);
		free(in.data);
	}
	free(out.data);
}

/* zlib's verdict: 1 and the text, 0. */
static int
zlib_takes(struct bytes *out, const struct bytes *in, size_t limit)
{
	z_stream z = { 0 };
	int ret;

	assert_int_equal(inflateInit2(&z, -15), Z_OK);
	z.next_in = in->data;
	z.avail_in = (uInt)in->len;
	z.next_out = out->data;
	z.avail_out = (uInt)limit;
	ret = inflate(&z, Z_FINISH);
	out->len = limit - z.avail_out;
	inflateEnd(&z);
	return ret == Z_STREAM_END;
}

/* Damaged streams: the same verdict, the same text. */
static void
test_damaged(void **state)
{
	struct bytes text, in, out = { malloc(TEXT_MAX + 1000), 0 };
	struct bytes want = { malloc(TEXT_MAX + 1000), 0 };
	unsigned round, flips, k, taken = 0;
	size_t used, at;
	int takes, why;

	(void)state;
	for (round = 0; round < 8000; round++) {
		text = make_text(round % 5, rnd(rnd(8) ? 300 : 20000));
		in = deflate_bytes(&text, (int)rnd(10), (int)rnd(5));
		flips = rnd(4);
		for (k = 0; k < flips; k++) {
			/* Heads are where it is most easily led astray. */
			at = rnd((uint32_t)(rnd(2) && in.len > 80 ? 80
								  : in.len));
			in.data[at] ^= (unsigned char)(1u << rnd(8));
		}
		if (flips == 0 && rnd(2))
			in.len = rnd((uint32_t)in.len);
		takes = zlib_takes(&want, &in, TEXT_MAX);
		why = inflate_pieces(&out, &in, 1 + rnd(3000), 1 + rnd(3000),
				     TEXT_MAX, &used);
		if (takes != (why == SM_INFLATE_END))
			fail_msg("round %u: zlib says %d, we %d", round, takes,
				 why);
		if (takes) {
			taken++;
			assert_int_equal(out.len, want.len);
			assert_memory_equal(out.data, want.data, want.len);
		}
		free(text.data);
		free(in.data);
	}
	assert_true(taken > 400);
	free(out.data);
	free(want.data);
}

/* Noise: nothing but that it ends, and what zlib says. */
static void
test_noise(void **state)
{
	unsigned char data[700];
	struct bytes in = { data, 0 }, out = { malloc(TEXT_MAX + 1000), 0 };
	struct bytes want = { malloc(TEXT_MAX + 1000), 0 };
	unsigned round;
	size_t used, i;
	int takes, why;

	(void)state;
	for (round = 0; round < 40000; round++) {
		in.len = rnd(round % 16 ? 60 : sizeof(data));
		for (i = 0; i < in.len; i++)
			data[i] = (unsigned char)rnd(256);
		takes = zlib_takes(&want, &in, TEXT_MAX);
		why = inflate_pieces(&out, &in, 1 + rnd(700), 1 + rnd(3000),
				     TEXT_MAX, &used);
		assert_int_equal(takes, why == SM_INFLATE_END);
		if (takes) {
			assert_int_equal(out.len, want.len);
			assert_memory_equal(out.data, want.data, want.len);
		}
	}
	free(out.data);
	free(want.data);
}

/* A flush is told where it ends, at a byte boundary. */
static void
test_flush(void **state)
{
	static const unsigned char in[64] = {
		0x4a, 0x04, 0x00, 0x00, 0x00, 0xff, 0xff, /* "a", flush */
		0x00, 0x00, 0x00, 0xff, 0xff,             /* flush */
		0x03, 0x00,                               /* the end */
	};
	unsigned char out[SM_INFLATE_OUT_SLACK + 10];
	struct sm_inflate *z = calloc(1, sizeof(*z));

	(void)state;
	z->in = in;
	z->in_end = in + 14;
	z->in_last = true;
	z->out = z->floor = out;
	z->out_end = out + 10;
	assert_int_equal(sm_inflate(z), SM_INFLATE_FLUSH);
	assert_ptr_equal(z->in, in + 7);
	assert_ptr_equal(z->out, out + 1);
	assert_int_equal(out[0], 'a');
	assert_int_equal(sm_inflate(z), SM_INFLATE_FLUSH);
	assert_ptr_equal(z->in, in + 12);
	assert_int_equal(sm_inflate(z), SM_INFLATE_END);
	assert_ptr_equal(z->in, in + 14);
	free(z);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_flush),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
