/* Cutting files into batches of whole lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "buf.h"
#include "gzip.h"
#include "lines.h"
#include "rand.h"

static char path[] = "/tmp/test_lines.XXXXXX";

static int
set_up(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int
tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

static void
put_file(const void *data, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static int
cut_to_text(const struct sm_lines_cut *c, void *arg, struct sm_err *err)
{
	(void)err;
	sm_buf_printf(arg, "%d:%d-%d", (int)c->batch, (int)c->first_byte,
		      (int)c->end_byte);
	if (c->first != SM_LINES_NONE)
		sm_buf_printf(arg, "(%d-%d)", (int)c->first, (int)c->end);
	sm_buf_putc(arg, ' ');
	return 0;
}

static void
expect(const char *data, size_t len, uint64_t lines, uint64_t bytes,
       const char *cuts)
{
	struct sm_buf b = { 0 };
	struct sm_lines_opts o = {
		.path = path,
		.lines = lines,
		.bytes = bytes,
		.cut = cut_to_text,
		.arg = &b,
	};
	uint64_t batches = 99, n = 0;
	const char *p;

	put_file(data, len);
	sm_buf_puts(&b, "");
	assert_int_equal(sm_lines_scan(&batches, &o, NULL), 0);
	assert_string_equal(b.data, cuts);
	for (p = cuts; *p; p++)
		n += *p == ':';
	assert_int_equal(batches, n);
	sm_buf_release(&b);
}

static void
test_by_lines(void **state)
{
	(void)state;
	expect("", 0, 2, 0, "");
	expect("a", 1, 2, 0, "0:0-1(0-1) ");
	expect("a\n", 2, 2, 0, "0:0-2(0-1) ");
	expect("a\nb\n", 4, 2, 0, "0:0-4(0-2) ");
	expect("a\nb\nc", 5, 2, 0, "0:0-4(0-2) 1:4-5(2-3) ");
	expect("\n\n\n", 3, 1, 0, "0:0-1(0-1) 1:1-2(1-2) 2:2-3(2-3) ");
	expect("a\r\nb\0\n\xff", 7, 1, 0, "0:0-3(0-1) 1:3-6(1-2) 2:6-7(2-3) ");
	expect("a\nb\n", 4, UINT64_MAX, 0, "0:0-4(0-2) ");
}

static void
test_by_bytes(void **state)
{
	(void)state;
	expect("", 0, 0, 2, "");
	expect("ab\ncd\n", 6, 0, 3, "0:0-3 1:3-6 ");
	expect("ab\ncd\n", 6, 0, 1, "0:0-3 1:3-6 ");
	expect("ab\ncd\n", 6, 0, 4, "0:0-6 ");
	expect("ab\ncd\n", 6, 0, 6, "0:0-6 ");
	expect("ab\ncd\n", 6, 0, UINT64_MAX, "0:0-6 ");
	expect("abcdef", 6, 0, 2, "0:0-6 ");
	expect("ab\ncd", 5, 0, 2, "0:0-3 1:3-5 ");
}

static void
expect_refused(const void *data, size_t len, const char *words)
{
	struct sm_lines_opts o = { .path = path,
				   .lines = 1,
				   .cut = cut_to_text };
	struct sm_err err = { 0 };
	uint64_t batches = 0;

	put_file(data, len);
	assert_int_equal(sm_lines_scan(&batches, &o, &err), SM_EINPUT);
	if (!strstr(err.text, words))
		fail_msg("'%s' lacks '%s'", err.text, words);
}

static void
test_compressed(void **state)
{
	(void)state;
	expect_refused("\x1f\x8b\x08\0\0\0", 6, "gzip -dk");
	expect_refused("\x28\xb5\x2f\xfd\0", 5, "zstd -dk");
	expect_refused("\xfd\x37zXZ\0\0", 7, "xz -dk");
	expect_refused("BZh91AY&SY\0", 11, "bzip2 -dk");
	expect_refused("BZh9\x17rE8P\x90", 10, "bzip2 -dk");
	expect("BZh9 is text\n", 13, 1, 0, "0:0-13(0-1) ");
	expect("\x1f\x8b", 2, 1, 0, "0:0-2(0-1) ");
}

static int
cut_fails(const struct sm_lines_cut *c, void *arg, struct sm_err *err)
{
	(void)arg;
	return c->batch == 1 ? sm_err_set(err, SM_EBUSY, "no") : 0;
}

static void
test_failures(void **state)
{
	struct sm_lines_opts o = { .path = path, .lines = 1, .cut = cut_fails };
	struct sm_err err;
	uint64_t batches = 7;

	(void)state;
	put_file("a\nb\nc\n", 6);
	assert_int_equal(sm_lines_scan(&batches, &o, &err), SM_EBUSY);
	assert_int_equal(batches, 7);
	o.bytes = 3;
	assert_int_equal(sm_lines_scan(&batches, &o, &err), SM_EUSAGE);
	o.bytes = 0;
	o.path = "/tmp";
	assert_int_equal(sm_lines_scan(&batches, &o, &err), SM_EINPUT);
	o.path = "/tmp/test_lines.none";
	assert_int_equal(sm_lines_scan(&batches, &o, &err), SM_EINPUT);
}

struct walk {
	const char *data;
	uint64_t at, line, per, reports;
	size_t len;
};

static int
walk_cut(const struct sm_lines_cut *c, void *arg, struct sm_err *err)
{
	struct walk *w = arg;
	uint64_t i, n = 0;

	(void)err;
	assert_true(c->first_byte == w->at && c->first == w->line);
	for (i = c->first_byte; i < c->end_byte; i++)
		n += w->data[i] == '\n';
	assert_true(c->end - c->first == n);
	assert_true(n == w->per || c->end_byte == w->len);
	w->at = c->end_byte;
	w->line = c->end;
	return 0;
}

static void
walk_progress(uint64_t done, uint64_t total, void *arg)
{
	struct walk *w = arg;

	assert_true(done <= total && total == w->len);
	w->reports++;
}

/* Larger than one step, so that pages are given up on the way. */
static void
test_large(void **state)
{
	struct walk w = { .per = 1000, .len = (size_t)150 << 20 };
	struct sm_lines_opts o = {
		.path = path,
		.lines = w.per,
		.cut = walk_cut,
		.progress = walk_progress,
		.arg = &w,
	};
	uint64_t seed = 1, batches = 0;
	char *data = malloc(w.len);
	size_t i;

	(void)state;
	assert_non_null(data);
	memset(data, 'x', w.len);
	for (i = 0; i < w.len; i += 1 + sm_rand_next(&seed) % 4000)
		data[i] = '\n';
	data[w.len - 1] = '\n';
	put_file(data, w.len);
	w.data = data;
	assert_int_equal(sm_lines_scan(&batches, &o, NULL), 0);
	assert_true(w.at == w.len && batches > 50 && w.reports == 2);
	free(data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_lines),
		cmocka_unit_test(test_by_bytes),
		cmocka_unit_test(test_compressed),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
