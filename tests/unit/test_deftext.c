#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rand.h"

#include "defcut.h"
#include "deftext.h"

#include "memshard.h"

#define TEXT_MAX ((size_t)600000)

enum kind {
	NOISE,   /* nothing repeats, nothing can be coded */
	LETTERS, /* nothing repeats, 16 letters of 256 */
	ZEROS,
	WORDS,
	MIXED, /* all of these, and old text again from any distance */
	KINDS
};

static void
put_noise(struct sm_buf *text, size_t n, unsigned mask, uint64_t *seed)
{
	for (; n > 0; n--)
		sm_buf_putc(text, (char)(sm_rand_next(seed) & mask));
}

static void
put_words(struct sm_buf *text, size_t n, uint64_t *seed)
{
	size_t end = text->len + n;
	unsigned word, is;

	while (text->len < end) {
		word = (unsigned)(sm_rand_next(seed) % 300);
		is = (unsigned)(sm_rand_next(seed) % 20000);
		sm_buf_printf(text, "{\"word\": %u, \"is\": \"%x\"}\n", word,
			      is);
	}
	text->len = end;
}

/* Text that was `dist` bytes before, which may overlap it. */
static void
put_again(struct sm_buf *text, size_t n, size_t dist)
{
	for (; n > 0 && dist <= text->len; n--)
		sm_buf_putc(text, text->data[text->len - dist]);
}

static void
put_text(struct sm_buf *text, enum kind kind, size_t n, uint64_t seed)
{
	uint64_t r;

	sm_buf_clear(text);
	while (text->len < n) {
		r = sm_rand_next(&seed);
		if (kind == NOISE)
			put_noise(text, n, 0xff, &seed);
		else if (kind == LETTERS)
			put_noise(text, n, 0x0f, &seed);
		else if (kind == ZEROS)
			sm_buf_putc(text, 0);
		else if (kind == WORDS)
			put_words(text, n, &seed);
		else if (r % 4 == 0)
			put_noise(text, r >> 8 & 0x3fff, 0xff, &seed);
		else if (r % 4 == 1)
			put_words(text, r >> 8 & 0x7fff, &seed);
		else if (r % 4 == 2)
			put_again(text, r >> 8 & 0x3ff,
				  1 + (size_t)(r >> 32) % 70000);
		else
			put_again(text, r >> 8 & 0xfff,
				  32766 + (size_t)(r >> 32) % 4);
	}
	text->len = n;
	assert_false(sm_buf_failed(text));
}

/* One shard of the text, in writes of `cut` bytes; 0: of any size. */
static void
write_shard(struct sm_deftext *t, struct sm_shard *s, const struct sm_buf *text,
	    size_t cut)
{
	uint64_t seed = 3;
	size_t at, n;

	memshard_clear(s);
	sm_deftext_begin(t, s);
	for (at = 0; at < text->len; at += n) {
		n = cut > 0 ? cut : (size_t)(sm_rand_next(&seed) % 100000);
		if (n > text->len - at)
			n = text->len - at;
		assert_int_equal(sm_deftext_write(t, text->data + at, n, NULL),
				 0);
	}
	assert_int_equal(sm_deftext_align(t, NULL), 0);
}

static void
expect_text(struct sm_shard *s, const struct sm_buf *text)
{
	const char *wrong =
		memshard_check(s, text->len ? text->data : "", text->len);

	if (wrong)
		fail_msg("%s: %zu bytes", wrong, text->len);
}

/* Each level, each kind of text, around the sizes where something ends. */
static void
test_round_trip(void **state)
{
	static const size_t sizes[] = {
		0,     1,      3,      4,      5,      300,    65535,
		65536, 131071, 131072, 131073, 131075, 600000,
	};
	struct sm_shard s = { .fail_at = 0 };
	struct sm_buf text = { 0 };
	struct sm_deftext *t;
	unsigned kind;
	int level;
	size_t i;

	(void)state;
	for (level = 1; level <= 9; level++) {
		t = sm_deftext_new(level);
		assert_non_null(t);
		for (kind = 0; kind < KINDS; kind++) {
			for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
				put_text(&text, (enum kind)kind, sizes[i],
					 kind + i);
				write_shard(t, &s, &text, 65536);
				expect_text(&s, &text);
			}
		}
		sm_deftext_free(t);
	}
	sm_buf_release(&text);
	memshard_release(&s);
}

/* Whatever the writes, and whatever the shard before. */
static void
test_cuts(void **state)
{
	static const size_t cuts[] = { 0, 1, 4095, 131072, TEXT_MAX };
	struct sm_shard first = { .fail_at = 0 }, s = { .fail_at = 0 };
	struct sm_buf text = { 0 }, other = { 0 };
	struct sm_deftext *t;
	int level;
	size_t i;

	(void)state;
	put_text(&text, MIXED, 400000, 1);
	put_text(&other, WORDS, 150001, 2);
	for (level = 1; level <= 9; level += 4) {
		t = sm_deftext_new(level);
		write_shard(t, &first, &text, 10000);
		for (i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
			write_shard(t, &s, &other, 7777);
			write_shard(t, &s, &text, cuts[i]);
			assert_int_equal(s.deflated.len, first.deflated.len);
			assert_memory_equal(s.deflated.data,
					    first.deflated.data,
					    s.deflated.len);
		}
		sm_deftext_free(t);
	}
	sm_buf_release(&text);
	sm_buf_release(&other);
	memshard_release(&first);
	memshard_release(&s);
}

/* What cannot be smaller is stored: 5 bytes for each block. */
static void
test_growth(void **state)
{
	struct sm_shard s = { .fail_at = 0 };
	struct sm_buf text = { 0 };
	struct sm_deftext *t;
	int level;
	size_t n;

	(void)state;
	for (level = 1; level <= 9; level += 4) {
		t = sm_deftext_new(level);
		for (n = 1; n <= TEXT_MAX; n = n * 3 + 1) {
			put_text(&text, NOISE, n, n);
			write_shard(t, &s, &text, 65536);
			assert_true(s.deflated.len <=
				    n + 5 * (n / SM_DEFCUT_BLOCK + 1) +
					    n / SM_DEFCUT_RUN * 5 + 5);
		}
		sm_deftext_free(t);
	}
	sm_buf_release(&text);
	memshard_release(&s);
}

/* Text after a byte boundary may refer to text before it. */
static void
test_align_between(void **state)
{
	struct sm_shard s = { .fail_at = 0 };
	struct sm_buf text = { 0 }, twice = { 0 };
	struct sm_deftext *t = sm_deftext_new(1);
	size_t once;

	(void)state;
	put_text(&text, NOISE, 20000, 9);
	sm_buf_put(&twice, text.data, text.len);
	sm_buf_put(&twice, text.data, text.len);
	sm_deftext_begin(t, &s);
	assert_int_equal(sm_deftext_align(t, NULL), 0);
	assert_int_equal(s.deflated.len, 0);
	assert_int_equal(sm_deftext_write(t, text.data, text.len, NULL), 0);
	assert_int_equal(sm_deftext_align(t, NULL), 0);
	assert_int_equal(sm_deftext_align(t, NULL), 0);
	once = s.deflated.len;
	assert_memory_equal(s.deflated.data + once - 4, "\0\0\377\377", 4);
	assert_int_equal(sm_deftext_write(t, text.data, text.len, NULL), 0);
	assert_int_equal(sm_deftext_align(t, NULL), 0);
	assert_true(s.deflated.len < once + once / 2);
	expect_text(&s, &twice);
	sm_deftext_free(t);
	sm_buf_release(&text);
	sm_buf_release(&twice);
	memshard_release(&s);
}

/* A failure is told at once, and the next shard starts clean. */
static void
test_failure(void **state)
{
	struct sm_shard s = { .fail_at = 1000 }, good = { .fail_at = 0 };
	struct sm_deftext *t = sm_deftext_new(1);
	struct sm_buf text = { 0 };
	struct sm_err err = { 0 };

	(void)state;
	put_text(&text, NOISE, 200000, 4);
	sm_deftext_begin(t, &s);
	assert_int_equal(sm_deftext_write(t, text.data, text.len, &err),
			 SM_ENOSPC);
	assert_string_equal(err.text, "no room");
	write_shard(t, &good, &text, 65536);
	expect_text(&good, &text);
	sm_deftext_free(t);
	sm_deftext_free(NULL);
	sm_buf_release(&text);
	memshard_release(&s);
	memshard_release(&good);
}

/*
 * The same bytes on every machine, and from one version to the next: the CRCs
 * of what four levels make of a text.
 */
static void
test_same_everywhere(void **state)
{
	static const struct {
		int level;
		unsigned long crc;
	} known[] = { { 1, 0x71c95077 },
		      { 4, 0xbd861dbe },
		      { 6, 0x36891e5b },
		      { 9, 0xd93b9eb0 } };
	struct sm_shard s = { .fail_at = 0 };
	struct sm_buf text = { 0 };
	struct sm_deftext *t;
	size_t i;

	(void)state;
	put_text(&text, MIXED, 500000, 77);
	for (i = 0; i < sizeof(known) / sizeof(*known); i++) {
		t = sm_deftext_new(known[i].level);
		write_shard(t, &s, &text, 65536);
		assert_int_equal(crc32(0, (const Bytef *)s.deflated.data,
				       (uInt)s.deflated.len),
				 known[i].crc);
		sm_deftext_free(t);
	}
	sm_buf_release(&text);
	memshard_release(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_align_between),
		cmocka_unit_test(test_failure),
		cmocka_unit_test(test_same_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
