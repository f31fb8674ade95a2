/*
 * A call fails while lines are cut into batches, or read again: it is told,
 * nothing stays open or half written, no text is given but the right one, and
 * the same again works.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "failing.h"

#include "finalfile.h"
#include "input_file.h"
#include "open_files.h"

#include "rand.h"
#include "lines_file.h"
#include "source.h"

#define BATCHES 60
#define LINES   20000

static struct sm_err err;
static struct sm_buf want;   /* all text, in order */
static const char *paths[4]; /* plain, gzip, a final file */
static char names[2][512];
static const char *kept[] = { SM_SOURCE_STDIN, NULL };

static struct {
	uint64_t first, end;
} cuts[2000];
static size_t count;

static int
take_cut(const struct sm_cut *c, void *arg, struct sm_err *unused)
{
	(void)arg;
	(void)unused;
	assert_true(count < sizeof(cuts) / sizeof(*cuts));
	cuts[count].first = c->first_byte;
	cuts[count++].end = c->end_byte;
	return 0;
}

static int
plan(void)
{
	struct sm_source_plan p = { .path = paths,
				    .tables_dirfd = input_dir(),
				    .lines = 100,
				    .cut = take_cut };

	count = 0;
	return sm_source_plan(&p, &err);
}

/* Every third batch, so that readers seek. */
static int
read_again(void)
{
	struct sm_source *s = NULL;
	uint64_t bytes, at;
	const char *text;
	size_t len, i;
	int ret = sm_source_open(&s, input_dir(), paths, &err);

	for (i = 0; i < count && ret == 0; i += 3) {
		at = cuts[i].first;
		ret = sm_source_begin(&bytes, s, at, cuts[i].end, &err);
		while (ret == 0 &&
		       (ret = sm_source_next(&text, &len, s, &err)) > 0) {
			assert_true(at + len <= cuts[i].end);
			assert_memory_equal(text, want.data + at, len);
			at += len;
			ret = 0;
			if (at == cuts[i].end)
				break;
		}
		if (ret == 0)
			assert_int_equal(at, cuts[i].end);
	}
	sm_source_close(s);
	return ret;
}

/* Standard input is the plain file. */
static int
keep(void)
{
	uint64_t bytes = 0;
	int ret;

	assert_int_equal(lseek(STDIN_FILENO, 0, SEEK_SET), 0);
	ret = sm_source_keep(&bytes, input_dir(), &err);
	if (ret == 0)
		assert_int_equal(bytes, lseek(STDIN_FILENO, 0, SEEK_END));
	return ret;
}

static int
plan_kept(void)
{
	struct sm_source_plan p = { .path = kept,
				    .tables_dirfd = input_dir(),
				    .bytes = 100000,
				    .cut = take_cut };

	count = 0;
	return sm_source_plan(&p, &err);
}

/* ---------------------------------------------------------------- calls -- */

/* Failures for which zlib had no memory for a window of a gzip file's text. */
static long windows;

/* With the n-th call failing, the n-th and all after it, until none is met. */
static void
each_call(const char *what, int (*act)(void))
{
	bool onwards = false, hit;
	long n = 1, calls = 0;
	int before, ret;

	for (;;) {
		err = (struct sm_err){ 0 };
		before = open_files();
		failing_arm(n++, onwards);
		ret = act();
		hit = failing_disarm();
		if (open_files() != before)
			fail_msg("%s, call %ld (%s): files stay open", what,
				 n - 1, failing_name);
		if (faccessat(input_dir(), "lines.tmp", F_OK, 0) == 0 &&
		    strcmp(failing_name, "unlinkat") != 0 && !onwards)
			fail_msg("%s, call %ld (%s): a file is left", what,
				 n - 1, failing_name);
		if (ret < 0 &&
		    (ret != err.code || !err.text[0] || ret == SM_EBUG))
			fail_msg("%s, call %ld (%s): %d says %d: %s", what,
				 n - 1, failing_name, ret, err.code, err.text);
		if (ret < 0 && ret != SM_ENOMEM && !onwards &&
		    strstr("malloc calloc realloc", failing_name))
			fail_msg("%s, call %ld (%s): no memory is %d: %s", what,
				 n - 1, failing_name, ret, err.text);
		windows += strstr(err.text, "a window of text") != NULL;
		if (hit && act() != 0)
			fail_msg("%s, after call %ld: %s", what, n - 1,
				 err.text);
		calls += hit;
		if (hit)
			continue;
		assert_int_equal(ret, 0);
		if (onwards)
			break;
		onwards = true;
		n = 1;
	}
	print_message("%s: %ld calls\n", what, calls);
	assert_true(calls > 10);
}

static void
test_plan(void **state)
{
	(void)state;
	each_call("plan", plan);
}

static void
test_read(void **state)
{
	(void)state;
	assert_int_equal(plan(), 0);
	assert_true(count > 300);
	each_call("read", read_again);
}

/* The text before a point, written and read back. */
static int
window(void)
{
	static unsigned char text[SM_LINES_WINDOW], back[SM_LINES_WINDOW];
	const struct sm_point p = { .at = 99, .text_at = sizeof(text) };
	struct sm_lines_build b;
	struct sm_lines_file f = { 0 };
	struct sm_buf header = { 0 };
	size_t i, len;
	int ret;

	for (i = 0; i < sizeof(text); i++)
		text[i] = (unsigned char)(i * i >> 7);
	ret = sm_lines_build_open(&b, input_dir(), &err);
	if (ret == 0)
		ret = sm_lines_build_point(&b, &p, text, sizeof(text), &err);
	if (ret == 0) {
		sm_lines_build_file(&b, SM_LINES_GZIP, 0, sizeof(text) + 1);
		ret = sm_lines_build_end(&b, &header, &err);
	}
	sm_lines_build_close(&b);
	if (ret == 0)
		ret = sm_lines_file_open(&f, input_dir(), &err);
	if (ret == 0)
		ret = sm_lines_file_window(back, &len, &f, 0, &err);
	if (ret == 0) {
		assert_int_equal(len, sizeof(text));
		assert_memory_equal(text, back, len);
	}
	sm_lines_file_close(&f);
	return ret;
}

/* What zlib asks for is asked of us, for packing and for unpacking. */
static void
test_window(void **state)
{
	(void)state;
	windows = 0;
	each_call("window", window);
	assert_true(windows >= 4);
}

static void
test_stdin(void **state)
{
	(void)state;
	each_call("keep", keep);
	each_call("plan what was kept", plan_kept);
	assert_true(count > 3);
}

/* ---------------------------------------------------------------- inputs -- */

/* Lines that deflate well, but not too well. */
static void
put_lines(struct sm_buf *b)
{
	uint64_t seed = 3;
	int i;

	for (i = 0; i < LINES; i++)
		sm_buf_printf(
			b, "%d %08x %.*s\n", i, (unsigned)sm_rand_next(&seed),
			(int)(sm_rand_next(&seed) % 50),
			"abababacabadabacabaeabacabadabacabafabacabadabacaba");
}

static void
put_gzip(const char *name, const struct sm_buf *text, size_t room)
{
	unsigned char *packed = malloc(room);
	size_t half = text->len / 2;
	z_stream z = { .next_in = (Bytef *)text->data,
		       .avail_in = (uInt)half,
		       .next_out = packed,
		       .avail_out = (uInt)room };
	int i;

	for (i = 0; i < 2; i++) {
		assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, 0),
				 Z_OK);
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		deflateEnd(&z);
		z.avail_in = (uInt)(text->len - half);
	}
	snprintf(names[1], sizeof(names[1]), "%s",
		 input_file(name, packed, room - z.avail_out));
	free(packed);
}

static int
setup(void **state)
{
	struct finalfile ff = { .drop = true };
	struct sm_buf text = { 0 }, last = { 0 };

	if (finalfile_setup(state) < 0)
		return -1;
	put_lines(&text);
	snprintf(names[0], sizeof(names[0]), "%s",
		 input_file("plain", text.data, text.len));
	put_gzip("gzip.gz", &text, 2 * text.len);
	finalfile_make(&ff, BATCHES);
	finalfile_text(&ff, &last, BATCHES, 0, UINT64_MAX, false);
	sm_buf_put(&want, text.data, text.len);
	sm_buf_put(&want, text.data, text.len);
	sm_buf_put(&want, last.data, last.len);
	sm_buf_release(&last);
	sm_buf_release(&text);
	paths[0] = names[0];
	paths[1] = names[1];
	paths[2] = finalfile_path;
	return dup2(open(names[0], O_RDONLY), STDIN_FILENO) < 0;
}

static int
teardown(void **state)
{
	sm_buf_release(&want);
	return finalfile_teardown(state) | input_cleanup(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_stdin),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
