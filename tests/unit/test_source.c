/* Lines of files in all forms: cut into batches, and read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <zlib.h>

#include "finalfile.h"
#include "input_file.h"

#include "lines_file.h"
#include "rand.h"
#include "source.h"

static uint64_t seed = 1;
static struct sm_err err;

static size_t
rnd(size_t n)
{
	return (size_t)(sm_rand_next(&seed) % n);
}

static int
cut_to_text(const struct sm_cut *c, void *arg, struct sm_err *unused)
{
	(void)unused;
	sm_buf_printf(arg, "%d-%d", (int)c->first_byte, (int)c->end_byte);
	if (c->first != SM_CUT_NONE)
		sm_buf_printf(arg, "(%d-%d)", (int)c->first, (int)c->end);
	sm_buf_putc(arg, ' ');
	return 0;
}

static char names[8][512];
static const char *paths[9];

/* The input of that number. */
static void
put(size_t i, const char *name, const void *data, size_t len)
{
	snprintf(names[i], sizeof(names[i]), "%s", input_file(name, data, len));
	paths[i] = names[i];
	paths[i + 1] = NULL;
}

static int
plan(struct sm_buf *cuts, uint64_t header, uint64_t lines, uint64_t bytes)
{
	struct sm_source_plan p = {
		.path = paths,
		.tables_dirfd = input_dir(),
		.header = header,
		.lines = lines,
		.bytes = bytes,
		.cut = cut_to_text,
		.arg = cuts,
	};

	sm_buf_clear(cuts);
	sm_buf_puts(cuts, "");
	memset(&err, 0, sizeof(err));
	return sm_source_plan(&p, &err);
}

static void
expect_plan(uint64_t header, uint64_t lines, uint64_t bytes, const char *want)
{
	struct sm_buf b = { 0 };

	if (plan(&b, header, lines, bytes) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(b.data, want);
	sm_buf_release(&b);
}

static void
expect_refused(uint64_t header, const char *words)
{
	struct sm_buf b = { 0 };

	assert_int_equal(plan(&b, header, 1, 0), SM_EINPUT);
	if (!strstr(err.text, words))
		fail_msg("'%s' lacks '%s'", err.text, words);
	assert_int_equal(faccessat(input_dir(), "lines.tmp", F_OK, 0), -1);
	sm_buf_release(&b);
}

static void
expect(const char *data, size_t len, uint64_t lines, uint64_t bytes,
       const char *cuts)
{
	put(0, "a", data, len);
	expect_plan(0, lines, bytes, cuts);
}

static void
test_by_lines(void **state)
{
	(void)state;
	expect("", 0, 2, 0, "");
	expect("a", 1, 2, 0, "0-1(0-1) ");
	expect("a\n", 2, 2, 0, "0-2(0-1) ");
	expect("a\nb\n", 4, 2, 0, "0-4(0-2) ");
	expect("a\nb\nc", 5, 2, 0, "0-4(0-2) 4-5(2-3) ");
	expect("\n\n\n", 3, 1, 0, "0-1(0-1) 1-2(1-2) 2-3(2-3) ");
	expect("a\r\nb\0\n\xff", 7, 1, 0, "0-3(0-1) 3-6(1-2) 6-7(2-3) ");
	expect("a\nb\n", 4, UINT64_MAX, 0, "0-4(0-2) ");
}

static void
test_by_bytes(void **state)
{
	(void)state;
	expect("", 0, 0, 2, "");
	expect("ab\ncd\n", 6, 0, 3, "0-3 3-6 ");
	expect("ab\ncd\n", 6, 0, 1, "0-3 3-6 ");
	expect("ab\ncd\n", 6, 0, 4, "0-6 ");
	expect("ab\ncd\n", 6, 0, 6, "0-6 ");
	expect("ab\ncd\n", 6, 0, UINT64_MAX, "0-6 ");
	expect("abcdef", 6, 0, 2, "0-6 ");
	expect("ab\ncd", 5, 0, 2, "0-3 3-5 ");
}

static void
test_several(void **state)
{
	(void)state;
	put(0, "a", "1\n2\n3", 5);
	put(1, "b", "", 0);
	put(2, "c", "4\n5\n", 4);
	expect_plan(0, 2, 0, "0-4(0-2) 4-5(2-3) 5-9(3-5) ");
	expect_plan(0, 0, 3, "0-4 4-5 5-9 ");
	expect_plan(0, 0, 100, "0-5 5-9 ");
}

static void
test_header(void **state)
{
	(void)state;
	put(0, "a", "h\n1\n2\n3", 7);
	expect_plan(1, 2, 0, "2-6(0-2) 6-7(2-3) ");
	expect_plan(1, 0, 2, "2-4 4-6 6-7 ");
}

static void
test_refused(void **state)
{
	(void)state;
	put(0, "a", "\x28\xb5\x2f\xfd\0", 5);
	expect_refused(0, "zstd -dk");
	put(0, "a", "BZh91AY&SY\0", 11);
	expect_refused(0, "bzip2 -dk");
	put(0, "a.gz", "text\n", 5);
	expect_refused(0, "is no gzip file by its first bytes");
	put(0, "a.gz", "", 0);
	expect_refused(0, "is no gzip file: it is empty");
	put(0, "a", "\x1f\x8b\x08\0\0", 5);
	expect_refused(0, "is cut off: it ends after 0 bytes of text");
	put(0, "a", "1\n2\n", 4);
	expect_refused(3, "has fewer lines than the 3 of its header");
	put(1, "b", "1\n3\n", 4);
	expect_refused(2, "is not that of");
	put(0, "a", "x\n", 2);
	put(1, "none", "", 0);
	unlink(names[1]);
	expect_refused(0, "none");
	paths[0] = input_folder;
	paths[1] = NULL;
	expect_refused(0, input_folder);
}

static int
cut_fails(const struct sm_cut *c, void *arg, struct sm_err *e)
{
	(void)arg;
	return c->first == 1 ? sm_err_set(e, SM_EBUSY, "no") : 0;
}

static void
test_cut_fails(void **state)
{
	struct sm_source_plan p = { .path = paths,
				    .tables_dirfd = input_dir(),
				    .lines = 1,
				    .cut = cut_fails };

	(void)state;
	put(0, "a", "a\nb\nc\n", 6);
	assert_int_equal(sm_source_plan(&p, &err), SM_EBUSY);
}

/* -------------------------------------------------------------- reading -- */

static struct sm_buf got;

/* Read the bytes `first` to `end` into `got`; its lines. */
static uint64_t
range(struct sm_source *s, uint64_t first, uint64_t end)
{
	const char *text;
	uint64_t bytes = 0, lines = 0;
	size_t len;
	int ret;

	sm_buf_clear(&got);
	memset(&err, 0, sizeof(err));
	if (sm_source_begin(&bytes, s, first, end, &err) < 0)
		fail_msg("%s", err.text);
	while ((ret = sm_source_next(&text, &len, s, &err)) > 0)
		sm_buf_put(&got, text, len);
	if (ret < 0)
		fail_msg("%s", err.text);
	assert_int_equal(got.len, bytes);
	assert_int_equal(sm_source_count(&lines, s, &err), 0);
	return lines;
}

static struct sm_source *
open_source(void)
{
	struct sm_source *s = NULL;

	if (sm_source_open(&s, input_dir(), paths, &err) < 0)
		fail_msg("%s", err.text);
	return s;
}

/* Ranges of all of `text`, at random; some are not read to the end. */
static void
check_ranges(const char *text, size_t len, unsigned times)
{
	struct sm_source *s = open_source();
	size_t first, end, n;
	uint64_t bytes;
	const char *p;

	while (times-- > 0) {
		first = rnd(len);
		end = first + 1 + rnd(rnd(3) ? 1000 : len - first);
		if (end > len)
			end = len;
		range(s, first, end);
		assert_memory_equal(got.data, text + first, end - first);
		if (rnd(3))
			continue;
		/* Much of it is left, and the next range is elsewhere. */
		first = rnd(len);
		assert_int_equal(sm_source_begin(&bytes, s, first, len, &err),
				 0);
		assert_int_equal(sm_source_next(&p, &n, s, &err), 1);
		assert_memory_equal(p, text + first, n);
	}
	sm_source_close(s);
}

static char *
make_text(size_t len)
{
	char *t = malloc(len);
	size_t i, n, from;

	assert_non_null(t);
	for (i = 0; i < len;) {
		n = 1 + rnd(60);
		if (n > len - i)
			n = len - i;
		if (i > 0 && rnd(3)) {
			/* Something that matches reach back to. */
			from = i - 1 - rnd(i < 30000 ? i : 30000);
			for (; n > 0; n--)
				t[i++] = t[from++];
		} else {
			for (; n > 0; n--)
				t[i++] = (char)('a' + rnd(16));
			t[i - 1] = '\n';
		}
	}
	return t;
}

/* A member, with flushes, at a random level, with all that a header may have.
 */
static void
add_member(struct sm_buf *out, const char *text, size_t len)
{
	static Bytef extra[3000];
	gz_header head = { .extra = extra,
			   .extra_len = (uInt)rnd(3000),
			   .name = (Bytef *)"a name",
			   .comment = (Bytef *)"a comment",
			   .hcrc = 1 };
	z_stream z = { 0 };
	size_t at = 0, n, room = 2 * len + 100000;
	unsigned char *p = malloc(room);
	int flush;

	assert_int_equal(deflateInit2(&z, (int)rnd(10), Z_DEFLATED, 15 + 16,
				      1 + (int)rnd(9), (int)rnd(5)),
			 Z_OK);
	if (rnd(2))
		deflateSetHeader(&z, &head);
	z.next_out = p;
	z.avail_out = (uInt)room;
	do {
		n = rnd(4) ? rnd(len - at + 1) : len - at;
		z.next_in = (Bytef *)(text + at);
		z.avail_in = (uInt)n;
		at += n;
		flush = at == len ? Z_FINISH
			: rnd(2)  ? Z_SYNC_FLUSH
				  : Z_NO_FLUSH;
		deflate(&z, flush);
	} while (flush != Z_FINISH);
	sm_buf_put(out, p, room - z.avail_out);
	deflateEnd(&z);
	free(p);
}

static void
add_members(struct sm_buf *out, const char *text, size_t len)
{
	size_t n = 0, at = 0;

	do {
		n = rnd(2) ? len - at : rnd(len - at + 1);
		add_member(out, text + at, n);
		at += n;
	} while (at < len);
}

/* Every block's end is a point: enter at some of them, and read some text. */
static void
test_points(void **state)
{
	const size_t len = 300000;
	struct sm_gztext *g = NULL, *h = NULL;
	struct sm_buf b = { 0 };
	const unsigned char *window;
	struct sm_point p;
	unsigned round, points = 0, members = 0;
	const char *piece;
	size_t n, wlen, at;
	char *text;
	int fd, ret;

	(void)state;
	for (round = 0; round < 60; round++) {
		text = make_text(len);
		sm_buf_clear(&b);
		add_members(&b, text, len);
		put(0, "a", b.data, b.len);
		fd = open(names[0], O_RDONLY);
		assert_int_equal(sm_gztext_new(&g, fd, "g", SM_EINPUT, &err),
				 0);
		assert_int_equal(sm_gztext_new(&h, fd, "h", SM_EINPUT, &err),
				 0);
		at = 0;
		sm_gztext_seek_point(g);
		while ((ret = sm_gztext_next(&piece, &n, g, &err)) > 0) {
			assert_memory_equal(piece, text + at, n);
			at += n;
			if (!sm_gztext_point(&p, &window, &wlen, g))
				continue;
			sm_gztext_seek_point(g);
			assert_int_equal(p.text_at, at);
			assert_memory_equal(window, text + at - wlen, wlen);
			points++;
			members += p.member;
			if (!p.member && rnd(40) > 0)
				continue;
			sm_gztext_enter(h, &p, window, wlen);
			if (sm_gztext_next(&piece, &n, h, &err) > 0)
				assert_memory_equal(piece, text + at, n);
		}
		if (ret < 0)
			fail_msg("%s", err.text);
		assert_int_equal(at, len);
		sm_gztext_free(g);
		sm_gztext_free(h);
		close(fd);
		free(text);
	}
	assert_true(points > 200 && members > 30);
	sm_buf_release(&b);
}

/* The same batches as of the plain text, and the same bytes in each. */
static void
test_gzip(void **state)
{
	const size_t len = 100000;
	struct sm_buf plain = { 0 }, packed = { 0 }, b = { 0 };
	uint64_t lines, bytes;
	unsigned round;
	char *text;

	(void)state;
	for (round = 0; round < 40; round++) {
		text = make_text(len);
		sm_buf_clear(&b);
		add_members(&b, text, len);
		/* Tapes pad with zeros. */
		for (; round % 3 == 0 && b.len % 512;)
			sm_buf_putc(&b, '\0');
		put(0, "a", text, len);
		lines = rnd(2) ? 1 + rnd(50) : 0;
		bytes = lines ? 0 : 1 + rnd(5000);
		assert_int_equal(plan(&plain, round % 3, lines, bytes), 0);
		put(0, "a", b.data, b.len);
		assert_int_equal(plan(&packed, round % 3, lines, bytes), 0);
		assert_string_equal(plain.data, packed.data);
		if (round % 3 == 0)
			check_ranges(text, len, 10);
		free(text);
	}
	sm_buf_release(&plain);
	sm_buf_release(&packed);
	sm_buf_release(&b);
}

/* Larger than two spans: there are points, and workers enter at them. */
static void
test_large(void **state)
{
	const size_t len = (size_t)2 * SM_SOURCE_SPAN + 3000000;
	struct sm_buf plain = { 0 }, packed = { 0 }, b = { 0 };
	struct sm_lines_file f;
	struct sm_lines_entry e;
	char *text = make_text(len);

	(void)state;
	put(0, "a", text, len);
	assert_int_equal(plan(&plain, 0, 5000, 0), 0);
	check_ranges(text, len, 10);
	add_members(&b, text, len);
	put(0, "a.gz", b.data, b.len);
	assert_int_equal(plan(&packed, 0, 5000, 0), 0);
	assert_string_equal(plain.data, packed.data);
	assert_int_equal(sm_lines_file_open(&f, input_dir(), &err), 0);
	sm_lines_file_entry(&e, &f, 0);
	assert_int_equal(e.form, SM_LINES_GZIP);
	assert_int_equal(e.bytes, len);
	assert_in_range(f.points, 1, 2);
	sm_lines_file_close(&f);
	check_ranges(text, len, 20);
	free(text);
	sm_buf_release(&plain);
	sm_buf_release(&packed);
	sm_buf_release(&b);
}

/* Whatever is cut off or changed is refused, or is nothing of the text. */
static void
test_damaged(void **state)
{
	const size_t len = 3000;
	struct sm_buf b = { 0 }, plain = { 0 }, cuts = { 0 };
	char *text = make_text(len);
	size_t i, end[2];
	int ret;

	(void)state;
	put(0, "a", text, len);
	assert_int_equal(plan(&plain, 0, 1, 0), 0);
	add_member(&b, text, 2000);
	end[0] = b.len;
	add_member(&b, text + 2000, 1000);
	end[1] = b.len;
	for (i = 3; i < end[1]; i += 1 + i / 40) {
		if (i == end[0])
			continue; /* a whole member */
		put(0, "a", b.data, i);
		expect_refused(0, "is cut off: it ends after ");
	}
	/* The ends, where lengths and CRCs are, whole; of the rest a third. */
	for (i = 3; i<end[1]; i += end[1] - i> 16 ? 3 : 1) {
		const char was = b.data[i];

		b.data[i] = (char)(was ^ 1 << rnd(8));
		put(0, "a", b.data, end[1]);
		b.data[i] = was;
		ret = plan(&cuts, 0, 1, 0);
		if (ret == 0)
			assert_string_equal(cuts.data, plain.data);
		else
			assert_int_equal(ret, SM_EINPUT);
		if (ret < 0 && i == end[1] - 1)
			assert_non_null(strstr(err.text, "length differs"));
		if (ret < 0 && i == end[1] - 8)
			assert_non_null(strstr(err.text, "CRC differs"));
	}
	sm_buf_puts(&b, "garbage");
	put(0, "a", b.data, b.len);
	expect_refused(0, "what follows is no member of it, after 3000 bytes");
	free(text);
	sm_buf_release(&plain);
	sm_buf_release(&cuts);
	sm_buf_release(&b);
}

/* ---------------------------------------------------------------- final -- */

static void
use_final(void)
{
	snprintf(names[0], sizeof(names[0]), "%s", finalfile_path);
	paths[0] = names[0];
	paths[1] = NULL;
}

static void
test_final(void **state)
{
	static const uint64_t per[] = { 1, 7, 100, 100000 };
	struct finalfile ff = { .drop = true };
	struct sm_buf text = { 0 }, plain = { 0 }, cuts = { 0 };
	struct sm_lines_file f;
	struct sm_lines_entry e;
	unsigned i;

	(void)state;
	finalfile_make(&ff, 300);
	finalfile_text(&ff, &text, 300, 0, UINT64_MAX, false);
	for (i = 0; i < 8; i++) {
		put(0, "a", text.data, text.len);
		assert_int_equal(plan(&plain, i == 2, i < 4 ? per[i] : 0,
				      i < 4 ? 0 : per[i - 4]),
				 0);
		use_final();
		assert_int_equal(plan(&cuts, i == 2, i < 4 ? per[i] : 0,
				      i < 4 ? 0 : per[i - 4]),
				 0);
		assert_string_equal(plain.data, cuts.data);
		assert_int_equal(sm_lines_file_open(&f, input_dir(), &err), 0);
		sm_lines_file_entry(&e, &f, 0);
		assert_int_equal(e.form, SM_LINES_FINAL);
		sm_lines_file_close(&f);
		if (i != 2)
			check_ranges(text.data, text.len, 50);
	}
	sm_buf_release(&text);
	sm_buf_release(&plain);
	sm_buf_release(&cuts);
}

/* Planning believed the index, but no text is given of what was damaged. */
static void
test_final_damaged(void **state)
{
	struct finalfile ff = { .drop = true };
	struct sm_buf text = { 0 }, cuts = { 0 };
	struct sm_source *s;
	const char *piece;
	uint64_t bytes, size;
	size_t len;
	int fd;

	(void)state;
	size = finalfile_make(&ff, 60);
	finalfile_text(&ff, &text, 60, 0, UINT64_MAX, false);
	fd = finalfile_open(0);
	assert_int_equal(pwrite(fd, "\xff\xff", 2, 40), 2);
	use_final();
	assert_int_equal(plan(&cuts, 0, 100000, 0), 0);
	s = open_source();
	assert_int_equal(sm_source_begin(&bytes, s, 0, text.len, &err), 0);
	assert_int_equal(sm_source_next(&piece, &len, s, &err), SM_EREFUSED);
	assert_non_null(strstr(err.text, "is damaged: batch 0 of it"));
	sm_source_close(s);
	/* Without its end it is a gzip file as any other: a cut one. */
	assert_int_equal(ftruncate(fd, (off_t)size - 1), 0);
	assert_int_equal(plan(&cuts, 0, 100000, 0), SM_EINPUT);
	close(fd);
	sm_buf_release(&text);
	sm_buf_release(&cuts);
}

/* cat F F: the end's index is of the first alone. */
static void
test_final_twice(void **state)
{
	struct finalfile ff = { .drop = false };
	struct sm_buf text = { 0 }, cuts = { 0 };
	size_t size = (size_t)finalfile_make(&ff, 60);
	char *file = malloc(2 * size), want[64];
	int fd = finalfile_open(0);

	(void)state;
	finalfile_text(&ff, &text, 60, 0, UINT64_MAX, false);
	assert_int_equal(sm_pread_full(fd, file, size, 0), size);
	memcpy(file + size, file, size);
	put(0, "twice.gz", file, 2 * size);
	assert_int_equal(plan(&cuts, 0, 0, UINT64_MAX), 0);
	snprintf(want, sizeof(want), "0-%d ", (int)(2 * text.len));
	assert_string_equal(cuts.data, want);
	close(fd);
	free(file);
	sm_buf_release(&text);
	sm_buf_release(&cuts);
}

/* ----------------------------------------------------------- the tables -- */

static void
test_several_read(void **state)
{
	struct sm_buf b = { 0 }, cuts = { 0 };
	struct sm_source *s;

	(void)state;
	add_member(&b, "h\nthree\nfour\n", 13);
	put(0, "a", "h\none\ntwo", 9);
	put(1, "b.gz", b.data, b.len);
	put(2, "c", "h\n", 2);
	put(3, "d", "h\nfive\n", 7);
	assert_int_equal(plan(&cuts, 1, 1, 0), 0);
	assert_string_equal(cuts.data, "2-6(0-1) 6-9(1-2) 11-17(2-3) "
				       "17-22(3-4) 26-31(4-5) ");
	s = open_source();
	assert_int_equal(range(s, 26, 31), 1);
	assert_memory_equal(got.data, "h\nfive\n", got.len);
	assert_int_equal(range(s, 17, 22), 1);
	assert_memory_equal(got.data, "h\nfour\n", got.len);
	assert_string_equal(sm_source_name(s), names[1]);
	assert_int_equal(range(s, 6, 9), 1);
	assert_memory_equal(got.data, "h\ntwo", got.len);
	sm_source_close(s);
	sm_buf_release(&b);
	sm_buf_release(&cuts);
}

/* Any byte of it that is another is noticed. */
static void
test_table_damaged(void **state)
{
	struct sm_buf cuts = { 0 };
	struct sm_lines_file f;
	unsigned char c;
	struct stat st;
	off_t i;
	int fd;

	(void)state;
	put(0, "a", "h\n1\n2\n", 6);
	assert_int_equal(plan(&cuts, 1, 1, 0), 0);
	fd = openat(input_dir(), SM_LINES_NAME, O_RDWR);
	assert_int_equal(fstat(fd, &st), 0);
	for (i = 0; i < st.st_size; i++) {
		assert_int_equal(pread(fd, &c, 1, i), 1);
		c = (unsigned char)~c;
		assert_int_equal(pwrite(fd, &c, 1, i), 1);
		assert_int_equal(sm_lines_file_open(&f, input_dir(), &err),
				 SM_EDAMAGED);
		c = (unsigned char)~c;
		assert_int_equal(pwrite(fd, &c, 1, i), 1);
	}
	for (i = st.st_size - 1; i >= 0; i--) {
		assert_int_equal(ftruncate(fd, i), 0);
		assert_int_equal(sm_lines_file_open(&f, input_dir(), &err),
				 SM_EDAMAGED);
	}
	close(fd);
	sm_buf_release(&cuts);
}

static int
set_up(void **state)
{
	input_dir();
	return finalfile_setup(state);
}

static int
tear_down(void **state)
{
	sm_buf_release(&got);
	return finalfile_teardown(state) | input_cleanup(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_lines),
		cmocka_unit_test(test_by_bytes),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cut_fails),
		cmocka_unit_test(test_points),
		cmocka_unit_test(test_gzip),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_final),
		cmocka_unit_test(test_final_damaged),
		cmocka_unit_test(test_final_twice),
		cmocka_unit_test(test_several_read),
		cmocka_unit_test(test_table_damaged),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
