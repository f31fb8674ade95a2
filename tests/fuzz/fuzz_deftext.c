/*
 * fuzz_deftext.c - libFuzzer target: text from bytes, inflated by all we have
 *
 * The input is a program: a level, then bytes of its own, runs of one, text
 * from some distance before, noise, numbers, and byte boundaries; how the text
 * is cut into writes is of it, too.  What comes out must inflate to the text,
 * by zlib and by ours, and by libdeflate and ISA-L where they were found, and
 * be no larger than stored blocks are.
 */
#include <stdint.h>
#include <stdio.h>

#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif
#ifdef HAVE_ISAL
#include <isa-l/igzip_lib.h>
#endif

#include "rand.h"

#include "defcut.h"
#include "deftext.h"
#include "inflate.h"

#include "../unit/memshard.h"

/* Several runs of SM_DEFCUT_RUN, and what is beyond two turns of 64 KiB. */
#define TEXT_MAX ((size_t)400000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
	const uint8_t *p, *end;
	struct sm_buf text;
	uint64_t seed;
};

static unsigned
fuzz_byte(struct fuzz *f)
{
	return f->p < f->end ? *f->p++ : 0;
}

/* A number of up to 20 bits, small ones as often as large ones. */
static size_t
fuzz_number(struct fuzz *f)
{
	unsigned bits = fuzz_byte(f) % 18;
	size_t n = fuzz_byte(f) | fuzz_byte(f) << 8 | fuzz_byte(f) << 16;

	return n & (((size_t)1 << bits) - 1);
}

static void
fuzz_text(struct fuzz *f)
{
	unsigned op = fuzz_byte(f) % 6, c = fuzz_byte(f);
	size_t n = fuzz_number(f), dist = fuzz_number(f) + 1;
	struct sm_buf *t = &f->text;

	if (op == 0 && n > (size_t)(f->end - f->p))
		n = (size_t)(f->end - f->p);
	for (; n > 0 && t->len < TEXT_MAX; n--) {
		switch (op) {
		case 0:
			sm_buf_putc(t, (char)fuzz_byte(f));
			break;
		case 1:
			sm_buf_putc(t, (char)c);
			break;
		case 2:
		case 3:
			if (dist > t->len)
				dist = t->len;
			sm_buf_putc(t, dist ? t->data[t->len - dist] : 'x');
			break;
		case 4:
			sm_buf_putc(t, (char)(sm_rand_next(&f->seed) & c));
			break;
		default:
			sm_buf_printf(
				t, "%u,",
				(unsigned)(sm_rand_next(&f->seed) % (c + 1)));
		}
	}
	if (sm_buf_failed(t))
		abort();
}

static void
expect(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

/* By our own reader, all of it at once. */
static void
check_ours(const struct sm_buf *gz, const struct sm_buf *text,
	   unsigned char *got)
{
	struct sm_inflate *z = calloc(1, sizeof(*z));
	unsigned char *in = calloc(1, gz->len + SM_INFLATE_IN_SLACK);
	enum sm_inflate_why why;

	if (!z || !in)
		abort();
	memcpy(in, gz->data, gz->len);
	z->in = in;
	z->in_end = in + gz->len;
	z->in_last = true;
	z->out = z->floor = got;
	z->out_end = got + text->len + 1;
	do
		why = sm_inflate(z);
	while (why == SM_INFLATE_FLUSH);
	expect(why == SM_INFLATE_END && (size_t)(z->out - got) == text->len &&
		       memcmp(got, text->data, text->len) == 0,
	       "our own inflate has other text");
	free(in);
	free(z);
}

#ifdef HAVE_LIBDEFLATE
static void
check_libdeflate(const struct sm_buf *gz, const struct sm_buf *text,
		 unsigned char *got)
{
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	size_t n = 0;

	expect(d &&
		       libdeflate_deflate_decompress(d, gz->data, gz->len, got,
						     text->len + 1, &n) ==
			       LIBDEFLATE_SUCCESS &&
		       n == text->len && memcmp(got, text->data, n) == 0,
	       "libdeflate has other text");
	libdeflate_free_decompressor(d);
}
#endif

#ifdef HAVE_ISAL
static void
check_isal(const struct sm_buf *gz, const struct sm_buf *text,
	   unsigned char *got)
{
	struct inflate_state z;

	isal_inflate_init(&z);
	z.next_in = (uint8_t *)gz->data;
	z.avail_in = (uint32_t)gz->len;
	z.next_out = got;
	z.avail_out = (uint32_t)text->len + 1;
	expect(isal_inflate(&z) == ISAL_DECOMP_OK &&
		       z.block_state == ISAL_BLOCK_FINISH &&
		       z.total_out == text->len &&
		       memcmp(got, text->data, text->len) == 0,
	       "ISA-L has other text");
}
#endif

static void
fuzz_check(struct fuzz *f, struct sm_shard *s, size_t aligned)
{
	size_t n = f->text.len, len = s->deflated.len;
	unsigned char *got = malloc(n + 1 + SM_INFLATE_OUT_SLACK);
	const char *wrong = memshard_check(s, n ? f->text.data : "", n);

	if (!got)
		abort();
	expect(!wrong, wrong);
	expect(len <= n + 6 * (n / SM_DEFCUT_BLOCK + n / SM_DEFCUT_RUN + 2) +
			       11 * aligned,
	       "it is larger than stored blocks are");
	if (n > 0) {
		sm_buf_put(&s->deflated, "\3\0", 2);
		check_ours(&s->deflated, &f->text, got);
#ifdef HAVE_LIBDEFLATE
		check_libdeflate(&s->deflated, &f->text, got);
#endif
#ifdef HAVE_ISAL
		check_isal(&s->deflated, &f->text, got);
#endif
	}
	free(got);
}

/* The same text at once, after another shard, is the same bytes. */
static void
check_again(struct sm_deftext *t, const struct fuzz *f,
	    const struct sm_shard *s)
{
	struct sm_shard again = { .fail_at = 0 };

	memshard_clear(&again);
	sm_deftext_begin(t, &again);
	if (sm_deftext_write(t, f->text.data, f->text.len, NULL) < 0 ||
	    sm_deftext_align(t, NULL) < 0)
		abort();
	expect(again.deflated.len == s->deflated.len &&
		       (s->deflated.len == 0 ||
			memcmp(again.deflated.data, s->deflated.data,
			       s->deflated.len) == 0),
	       "the bytes depend on more than the text");
	memshard_release(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { .p = data, .end = data + size };
	struct sm_shard s = { .fail_at = 0 };
	struct sm_deftext *t = sm_deftext_new((int)(fuzz_byte(&f) % 9) + 1);
	size_t cut = fuzz_number(&f) + 1, at = 0, n, aligned = 0;

	if (!t)
		abort();
	f.seed = fuzz_byte(&f);
	sm_deftext_begin(t, &s);
	while (f.p < f.end && f.text.len < TEXT_MAX) {
		fuzz_text(&f);
		for (; at < f.text.len; at += n) {
			n = f.text.len - at < cut ? f.text.len - at : cut;
			if (sm_deftext_write(t, f.text.data + at, n, NULL) < 0)
				abort();
		}
		if (fuzz_byte(&f) > 250) {
			if (sm_deftext_align(t, NULL) < 0)
				abort();
			aligned++;
		}
	}
	if (sm_deftext_align(t, NULL) < 0)
		abort();
	if (aligned == 0 && f.text.len > 0)
		check_again(t, &f, &s);
	fuzz_check(&f, &s, aligned + 1);
	sm_deftext_free(t);
	sm_buf_release(&f.text);
	memshard_release(&s);
	return 0;
}
