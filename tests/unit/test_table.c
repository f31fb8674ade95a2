#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "buf.h"
#include "rand.h"
#include "table.h"
#include "table_build.h"
#include "table_file.h"
#include "table_source.h"
#include "table_id.h"

#include "input_file.h"

struct fixture {
	struct sm_table table;
	struct sm_table_info info;
	struct sm_err err;
};

static int
compile_path(struct fixture *f, const char *path, bool inverted, bool is_keys,
	     int ids)
{
	struct sm_table_source source = { .path = path,
					  .inverted = inverted,
					  .is_keys = is_keys,
					  .ids = ids };
	int ret;

	*f = (struct fixture){ 0 };
	ret = sm_table_compile(&f->info, input_dir(), "table", &source,
			       &f->err);
	if (ret == 0)
		ret = sm_table_open(&f->table, input_dir(), "table", &f->err);
	return ret;
}

static int
compile(struct fixture *f, const char *name, const void *data, size_t len,
	bool is_keys, int ids)
{
	return compile_path(f, input_file(name, data, len), false, is_keys,
			    ids);
}

static void
good(struct fixture *f, const char *name, const void *data, size_t len,
     bool is_keys, int ids)
{
	if (compile(f, name, data, len, is_keys, ids) < 0)
		fail_msg("%s", f->err.text);
}

/* `want` NULL: the table lacks the index. */
static void
expect(const struct fixture *f, uint64_t index, const char *want)
{
	struct sm_table_text t = sm_table_get(&f->table, index);

	sm_table_prefetch(&f->table, index);
	if (!want) {
		assert_null(t.text);
		return;
	}
	assert_non_null(t.text);
	if (t.len != strlen(want) || memcmp(t.text, want, t.len) != 0)
		fail_msg("%llu: '%.*s', not '%s'", (unsigned long long)index,
			 (int)t.len, t.text, want);
}

/* One JSON value as a token (or key), and what is written for it. */
static void
token(const char *json, bool is_keys, int ids, const char *want)
{
	struct fixture f;
	char doc[256];

	snprintf(doc, sizeof(doc), "{\"3\": %s}", json);
	good(&f, "t.json", doc, strlen(doc), is_keys, ids);
	expect(&f, 3, want);
	expect(&f, 2, NULL);
	expect(&f, 4, NULL);
	assert_int_equal(f.info.entries, want != NULL);
	assert_int_equal(f.info.unusable, want == NULL);
	assert_int_equal(f.info.end, 4);
	sm_table_close(&f.table);
}

static void
test_tokens(void **state)
{
	static const struct {
		const char *json, *key, *automatic, *integer, *string;
	} cases[] = {
		{ "\"abc\"", "\"abc\"", "\"abc\"", NULL, "\"abc\"" },
		{ "\"17\"", "\"17\"", "17", "17", "\"17\"" },
		{ "\"-17\"", "\"-17\"", "-17", "-17", "\"-17\"" },
		{ "\"-0\"", "\"-0\"", "0", "0", "\"-0\"" },
		{ "\"0\"", "\"0\"", "0", "0", "\"0\"" },
		{ "\"007\"", "\"007\"", "\"007\"", "7", "\"007\"" },
		{ "\"-007\"", "\"-007\"", "\"-007\"", "-7", "\"-007\"" },
		{ "\"-00\"", "\"-00\"", "\"-00\"", "0", "\"-00\"" },
		{ "\"+5\"", "\"+5\"", "\"+5\"", "5", "\"+5\"" },
		{ "\" 5\\n\"", "\" 5\\n\"", "\" 5\\n\"", "5", "\" 5\\n\"" },
		{ "\"1_0\"", "\"1_0\"", "\"1_0\"", "10", "\"1_0\"" },
		{ "\"1__0\"", "\"1__0\"", "\"1__0\"", NULL, "\"1__0\"" },
		{ "\"_1\"", "\"_1\"", "\"_1\"", NULL, "\"_1\"" },
		{ "\"1_\"", "\"1_\"", "\"1_\"", NULL, "\"1_\"" },
		{ "\"- 1\"", "\"- 1\"", "\"- 1\"", NULL, "\"- 1\"" },
		{ "\"--1\"", "\"--1\"", "\"--1\"", NULL, "\"--1\"" },
		{ "\"1.0\"", "\"1.0\"", "\"1.0\"", NULL, "\"1.0\"" },
		{ "\"-\"", "\"-\"", "\"-\"", NULL, "\"-\"" },
		{ "\"\"", "\"\"", "\"\"", NULL, "\"\"" },
		{ "\" \"", "\" \"", "\" \"", NULL, "\" \"" },
		{ "\"1\\u0000\"", "\"1\\u0000\"", "\"1\\u0000\"", NULL,
		  "\"1\\u0000\"" },
		{ "\"\\u001c5\"", "\"\\u001c5\"", "\"\\u001c5\"", NULL,
		  "\"\\u001c5\"" },
		{ "17", "17", "17", "17", "\"17\"" },
		{ "-0", "0", "0", "0", "\"0\"" },
		{ "123456789012345678901234567890",
		  "123456789012345678901234567890",
		  "123456789012345678901234567890",
		  "123456789012345678901234567890",
		  "\"123456789012345678901234567890\"" },
		{ "\"90071992547409931\"", "\"90071992547409931\"",
		  "90071992547409931", "90071992547409931",
		  "\"90071992547409931\"" },
		{ "\"\xc3\xa9\"", "\"\\u00e9\"", "\"\\u00e9\"", NULL,
		  "\"\\u00e9\"" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		token(cases[i].json, true, SM_IDS_INT, cases[i].key);
		token(cases[i].json, false, SM_IDS_AUTO, cases[i].automatic);
		token(cases[i].json, false, SM_IDS_INT, cases[i].integer);
		token(cases[i].json, false, SM_IDS_STRING, cases[i].string);
	}
}

/* Python's int() reads 4300 digits, leading zeros and all. */
static void
test_digits(void **state)
{
	struct fixture f;
	char doc[9000];
	int n;

	(void)state;
	n = snprintf(doc, sizeof(doc), "%04300d\n%04301d\n", 7, 7);
	good(&f, "t.txt", doc, (size_t)n, false, SM_IDS_INT);
	expect(&f, 0, "7");
	expect(&f, 1, NULL);
	assert_int_equal(f.info.unusable, 1);
	sm_table_close(&f.table);
	memset(doc, '9', 4300);
	doc[4300] = '\0';
	good(&f, "t.txt", doc, 4300, false, SM_IDS_INT);
	expect(&f, 0, doc);
	sm_table_close(&f.table);
}

static void
test_text(void **state)
{
	static const char doc[] = "a\n\n12\r\nb\0c\n\xc3\xa9\"\nlast";
	struct fixture f;

	(void)state;
	good(&f, "t.txt", doc, sizeof(doc) - 1, false, SM_IDS_AUTO);
	expect(&f, 0, "\"a\"");
	expect(&f, 1, "\"\"");
	expect(&f, 2, "\"12\\r\"");
	expect(&f, 3, "\"b\\u0000c\"");
	expect(&f, 4, "\"\\u00e9\\\"\"");
	expect(&f, 5, "\"last\"");
	expect(&f, 6, NULL);
	assert_int_equal(f.info.end, 6);
	sm_table_close(&f.table);

	good(&f, "t.txt", "1\n2\n", 4, true, SM_IDS_AUTO);
	expect(&f, 1, "\"2\"");
	expect(&f, 2, NULL);
	sm_table_close(&f.table);

	good(&f, "t.txt", "", 0, true, SM_IDS_AUTO);
	assert_int_equal(f.info.end, 0);
	expect(&f, 0, NULL);
	sm_table_close(&f.table);

	assert_int_equal(compile(&f, "t.txt", "ab\nc\xff\n", 6, true, 0),
			 SM_EINPUT);
	assert_non_null(strstr(f.err.text, "byte 4 (line 1, from 0)"));
	/* Even where the text is not used. */
	assert_int_equal(compile(&f, "t.txt", "\xff\n", 2, false, SM_IDS_INT),
			 SM_EINPUT);
}

static void
test_npy(void **state)
{
	static const char head[] = "\x93NUMPY\1\0\76\0{'descr': '<i2', "
				   "'fortran_order': False, 'shape': (3,), }"
				   "    \n";
	unsigned char doc[256];
	struct fixture f;

	(void)state;
	memcpy(doc, head, sizeof(head) - 1);
	memcpy(doc + sizeof(head) - 1, "\x11\0\xff\xff\0\x80", 6);
	assert_int_equal(head[8], sizeof(head) - 1 - 10);
	/* Known by its magic, whatever its name. */
	good(&f, "t.json", doc, sizeof(head) + 5, true, 0);
	expect(&f, 0, "17");
	expect(&f, 1, "-1");
	expect(&f, 2, "-32768");
	expect(&f, 3, NULL);
	sm_table_close(&f.table);
	good(&f, "t.npy", doc, sizeof(head) + 5, false, SM_IDS_STRING);
	expect(&f, 1, "\"-1\"");
	sm_table_close(&f.table);

	memcpy(strchr((char *)doc + 10, '<'), "<f2", 3);
	assert_int_equal(compile(&f, "t.npy", doc, sizeof(head) + 5, true, 0),
			 SM_EINPUT);
	assert_non_null(strstr(f.err.text, "1-dimensional float16"));
	assert_int_equal(compile(&f, "t.npy", "1\n2\n", 4, true, 0), SM_EINPUT);
	assert_non_null(strstr(f.err.text, "no .npy file"));
}

static void
test_formats(void **state)
{
	struct sm_table_source source = { .format = SM_FORMAT_TEXT };
	struct fixture f = { 0 };

	(void)state;
	source.path = input_file("t.json", "[1, 2]", 6);
	assert_int_equal(sm_table_compile(&f.info, input_dir(), "table",
					  &source, &f.err),
			 0);
	assert_int_equal(sm_table_open(&f.table, input_dir(), "table", &f.err),
			 0);
	expect(&f, 0, "\"[1, 2]\"");
	sm_table_close(&f.table);

	source.path = input_file("t.txt", "[1, 2]", 6);
	source.format = SM_FORMAT_JSON;
	assert_int_equal(sm_table_compile(&f.info, input_dir(), "table",
					  &source, &f.err),
			 0);
	assert_int_equal(sm_table_open(&f.table, input_dir(), "table", &f.err),
			 0);
	expect(&f, 0, "1");
	sm_table_close(&f.table);

	source.format = SM_FORMAT_NPY;
	assert_int_equal(sm_table_compile(&f.info, input_dir(), "table",
					  &source, &f.err),
			 SM_EINPUT);
	assert_int_equal(
		compile(&f, "t.txt", "\x1f\x8b\x08 12345678", 12, true, 0),
		SM_EINPUT);
	assert_non_null(strstr(f.err.text, "gzip"));
	/* Text, were it not the start of a file of bzip2 -1. */
	assert_int_equal(compile(&f, "t.txt", "BZh11AY&SY", 10, true, 0),
			 SM_EINPUT);
	assert_non_null(strstr(f.err.text, "bzip2"));
}

/* Texts around the size of a slot and of the buffer. */
static void
test_lengths(void **state)
{
	static const size_t sizes[] = { 0,      12,     13,    14,
					15,     16,     70000, 262139,
					262142, 262143, 600000 };
	size_t n = sizeof(sizes) / sizeof(*sizes), i, k;
	struct sm_table_text t;
	struct sm_buf doc = { 0 };
	struct fixture f;

	(void)state;
	for (i = 0; i < 3 * n; i++) {
		for (k = 0; k < sizes[i % n]; k++)
			sm_buf_putc(&doc, (char)('a' + i % 26));
		sm_buf_putc(&doc, '\n');
	}
	good(&f, "t.txt", doc.data, doc.len, true, 0);
	for (i = 0; i < 3 * n; i++) {
		t = sm_table_get(&f.table, i);
		assert_int_equal(t.len, sizes[i % n] + 2);
		for (k = 1; k + 1 < t.len; k++)
			assert_int_equal(t.text[k], 'a' + i % 26);
	}
	sm_table_close(&f.table);
	sm_buf_release(&doc);
}

/*
 * `n` entries with gaps of up to `gap` between indices, in any order, against
 * what they were made from.
 */
static void
check_object(uint64_t n, uint64_t gap, bool shuffle, bool want_sparse)
{
	uint64_t *index = calloc((size_t)n, sizeof(*index)), i, k, t,
		 seed = n + gap;
	struct sm_buf doc = { 0 };
	struct fixture f;
	char text[64], *copy;

	for (i = 0, k = 0; i < n; i++, k += 1 + sm_rand_next(&seed) % gap)
		index[i] = k;
	for (i = n; shuffle && i > 1; i--) {
		k = sm_rand_next(&seed) % i;
		t = index[i - 1];
		index[i - 1] = index[k];
		index[k] = t;
	}
	sm_buf_putc(&doc, '{');
	for (i = 0; i < n; i++)
		sm_buf_printf(&doc, "%s\"%llu\":\"%s%llu\"", i ? "," : "",
			      (unsigned long long)index[i],
			      i % 3 ? "t" : "a longer text ",
			      (unsigned long long)i);
	sm_buf_putc(&doc, '}');
	good(&f, "t.json", doc.data, doc.len, false, 0);
	assert_int_equal(f.info.entries, n);
	assert_int_equal(f.table.entries, n);
	assert_int_equal(f.table.sorted != NULL, want_sparse);
	/* Even numbers of them in a copy, with nothing left to find in the map.
	 */
	copy = malloc(f.table.map.size);
	assert_non_null(copy);
	if (n % 2 == 0) {
		memcpy(copy, f.table.map.data, f.table.map.size);
		sm_table_use_copy(&f.table, copy);
		assert_int_equal(mprotect((void *)f.table.map.data,
					  f.table.map.size, PROT_NONE),
				 0);
	}
	for (i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "\"%s%llu\"",
			 i % 3 ? "t" : "a longer text ", (unsigned long long)i);
		expect(&f, index[i], text);
		assert_true(index[i] < f.info.end);
	}
	expect(&f, f.info.end, NULL);
	expect(&f, UINT64_MAX, NULL);
	sm_table_close(&f.table);
	sm_buf_release(&doc);
	free(copy);
	free(index);
}

static void
test_objects(void **state)
{
	(void)state;
	check_object(1, 1, false, false);
	check_object(1000, 1, false, false);
	check_object(1000, 1, true, false);
	check_object(1000, 50, true, false);
	check_object(1000, 1000, true, true);
	check_object(1000, 1000, false, true);
	check_object(100000, 20, true, false);
	check_object(100000, 60, true, true);
	check_object(100000, UINT64_C(1) << 46, true, true);
}

static void
test_far_indices(void **state)
{
	static const char doc[] = "{\"0\":\"a\",\"1\":\"x\",\"2\":\"17\","
				  "\"18446744073709551614\":\"5\"}";
	struct fixture f;

	(void)state;
	good(&f, "t.json", doc, strlen(doc), false, SM_IDS_INT);
	assert_non_null(f.table.sorted);
	assert_int_equal(f.info.entries, 2);
	assert_int_equal(f.info.unusable, 2);
	assert_true(f.info.end == UINT64_MAX);
	expect(&f, 0, NULL);
	expect(&f, 2, "17");
	expect(&f, UINT64_MAX - 1, "5");
	expect(&f, UINT64_MAX, NULL);
	sm_table_close(&f.table);

	good(&f, "t.json", "{\"99999999\":\"x\"}", 16, false, SM_IDS_INT);
	expect(&f, 99999999, NULL);
	sm_table_close(&f.table);
}

static void
test_twice(void **state)
{
	static const struct {
		const char *doc, *where;
	} cases[] = {
		{ "{\"0\":1,\"0\":1}", "byte 7: index 0 a second" },
		{ "{\"7\":1, \"7\":2}", "byte 8: index 7 a second" },
		{ "{\"7\":1,\"\\u0037\":2}", "byte 7: index 7 a second" },
		{ "{\"0\":1,\"5\":1,\"0\":2}", "byte 13: index 0 a second" },
		{ "{\"7\":\"x\",\"7\":\"y\"}", "byte 9: index 7 a second" },
		{ "{\"99999999\":1,\"99999999\":2}",
		  "byte 14: index 99999999" },
		{ "{\"99999999\":\"x\",\"1\":1,\"99999999\":\"y\"}",
		  "byte 22: index 99999999" },
		{ "{\"07\":1}", "no plain decimal" },
	};
	struct fixture f;
	size_t i;
	int before = input_count();

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		unlinkat(input_dir(), "table", 0);
		assert_int_equal(compile(&f, "t.json", cases[i].doc,
					 strlen(cases[i].doc), false,
					 SM_IDS_INT),
				 SM_EINPUT);
		if (!strstr(f.err.text, cases[i].where))
			fail_msg("%s: %s", cases[i].doc, f.err.text);
	}
	assert_true(input_count() < before);
}

/* Cut at any length, or with any byte changed. */
static void
test_damaged(void **state)
{
	static const char doc[] = "a\nb\na longer text of this table\n";
	char whole[1024], copy[1024];
	struct fixture f;
	ssize_t size, i;
	int fd;

	(void)state;
	good(&f, "t.txt", doc, strlen(doc), true, 0);
	sm_table_close(&f.table);
	fd = openat(input_dir(), "table", O_RDONLY);
	size = read(fd, whole, sizeof(whole));
	close(fd);
	assert_int_equal(size, 64 + 3 * 16 + 29);
	for (i = 0; i < size; i++) {
		input_file("table", whole, (size_t)i);
		assert_int_equal(
			sm_table_open(&f.table, input_dir(), "table", &f.err),
			SM_EDAMAGED);
		memcpy(copy, whole, (size_t)size);
		copy[i] ^= 4;
		input_file("table", copy, (size_t)size);
		assert_int_equal(
			sm_table_open(&f.table, input_dir(), "table", &f.err),
			SM_EDAMAGED);
	}
	assert_non_null(strstr(f.err.text, "'table' is damaged"));
	assert_non_null(strstr(f.err.text, "--restart"));
	unlinkat(input_dir(), "table", 0);
	assert_int_equal(sm_table_open(&f.table, input_dir(), "table", &f.err),
			 SM_EDAMAGED);
	sm_table_close(&f.table);
}

static void
count_progress(uint64_t done, uint64_t total, void *arg)
{
	uint64_t *last = arg;

	assert_true(done > *last || done == total);
	assert_true(done <= total);
	*last = done;
}

static void
test_progress(void **state)
{
	struct sm_buf doc = { 0 };
	uint64_t last = 0, i;
	struct sm_table_source source = { .progress = count_progress,
					  .arg = &last };
	struct fixture f = { 0 };

	(void)state;
	for (i = 0; i < 2000000; i++)
		sm_buf_puts(&doc, "user\n");
	source.path = input_file("t.txt", doc.data, doc.len);
	assert_int_equal(sm_table_compile(&f.info, input_dir(), "table",
					  &source, &f.err),
			 0);
	assert_int_equal(last, doc.len);
	sm_buf_release(&doc);
}

/* No room: an error, not a signal, and nothing is left. */
/*
 * Of `tokens`: with a space after each colon it is written in the usual way,
 * with a tab it is read byte by byte.
 */
static void
put_object(struct sm_buf *b, const char *const *tokens, size_t count,
	   bool inverted, const char *space)
{
	size_t i;

	sm_buf_clear(b);
	sm_buf_putc(b, '{');
	for (i = 0; i < count; i++) {
		if (i > 0)
			sm_buf_puts(b, ",\n ");
		if (inverted)
			sm_buf_printf(b, "%s:%s%zu", tokens[i], space, i);
		else
			sm_buf_printf(b, "\"%zu\":%s%s", i, space, tokens[i]);
	}
	sm_buf_puts(b, "}\n");
	assert_false(sm_buf_failed(b));
}

/* What is read at once is what is read byte by byte. */
static void
test_usual(void **state)
{
	static const char *const tokens[] = {
		"\"\"",
		"\"0\"",
		"\"7\"",
		"\"07\"",
		"\"-7\"",
		"\"-\"",
		"\"-0\"",
		"\" 7\"",
		"\"7 \"",
		"\"1_000\"",
		"\"1e5\"",
		"\"1234567\"",
		"\"12345678\"",
		"\"123456789\"",
		"\"1234567890123456\"",
		"\"12345678901234567\"",
		"\"18446744073709551615\"",
		"\"18446744073709551616\"",
		"\"123456789012345678901234567890\"",
		"\"00000000000000000000000000000001\"",
		"\"a\"",
		"\"user-f66e8ef0\"",
		"\"fourteen bytes\"",
		"\"a text of more than fifteen bytes\"",
		"\"7 and more\"",
		"\"a \\\"quote\\\"\"",
		"\"a\\\\b\"",
		"\"\\u0037\"",
		"\"\\u00e4\"",
		"\"\xc3\xa4\"",
		"\"tab\\t\"",
		"\"\x7f\"",
		"0",
		"7",
		"-7",
		"12345678",
		"123456789",
		"123456789012345678901234567890",
	};
	size_t count = sizeof(tokens) / sizeof(*tokens), n;
	struct sm_buf doc = { 0 };
	struct fixture x, y;
	bool inverted, is_key;
	int i;

	(void)state;
	for (i = 0; i < 8; i++) {
		inverted = i >= 4;
		is_key = i % 4 == 3;
		/* The last six are no strings, and no keys. */
		n = count - 6 * (size_t)inverted;
		put_object(&doc, tokens, n, inverted, "\t");
		assert_int_equal(
			compile_path(&x,
				     input_file("x.json", doc.data, doc.len),
				     inverted, is_key, i % 3),
			0);
		put_object(&doc, tokens, n, inverted, " ");
		assert_int_equal(
			compile_path(&y,
				     input_file("y.json", doc.data, doc.len),
				     inverted, is_key, i % 3),
			0);
		assert_int_equal(x.table.map.size, y.table.map.size);
		assert_memory_equal(x.table.map.data, y.table.map.data,
				    x.table.map.size);
		assert_memory_equal(&x.info, &y.info, sizeof(x.info));
		sm_table_close(&x.table);
		sm_table_close(&y.table);
	}
	sm_buf_release(&doc);
}

/*
 * Entries in order fill pieces of the file; the one after them, of index
 * `last`, does not fit in.
 */
static void
pieces(uint64_t n, uint64_t last, const char *text)
{
	struct sm_buf doc = { 0 };
	struct fixture f;
	char want[64];
	uint64_t i;

	sm_buf_puts(&doc, "{");
	for (i = 0; i < n; i++)
		sm_buf_printf(&doc, "\"%llu\": \"%s%llu\",\n ",
			      (unsigned long long)i, text,
			      (unsigned long long)i);
	sm_buf_printf(&doc, "\"%llu\": \"last\"}", (unsigned long long)last);
	assert_false(sm_buf_failed(&doc));
	good(&f, "t.json", doc.data, doc.len, true, 0);
	assert_int_equal(f.info.entries, n + 1);
	assert_int_equal(f.info.end, last + 1);
	assert_true((f.table.sorted != NULL) == (last > 100 * n));
	for (i = 0; i < n; i++) {
		snprintf(want, sizeof(want), "\"%s%llu\"", text,
			 (unsigned long long)i);
		expect(&f, i, want);
	}
	expect(&f, last - 1, n == last ? want : NULL);
	expect(&f, last, "\"last\"");
	expect(&f, last + 1, NULL);
	sm_table_close(&f.table);
	sm_buf_release(&doc);
}

static void
test_pieces(void **state)
{
	/* Slots of the first piece: it has the header, too. */
	uint64_t first = (SM_TABLE_BUILD_PIECE - SM_TABLE_HEADER_SIZE) /
			 sizeof(struct sm_table_slot);

	(void)state;
	pieces(first - 1, first - 1, "");
	pieces(first, first, "");
	pieces(first, first + 1, "");
	pieces(first + 1, first + 3, "a text of some length ");
	pieces(first + 70000, first + 80000, "");
	pieces(first + 1, UINT64_C(1) << 60, "a text of some length ");
}

static void
no_room(const char *name, const char *text, rlim_t limit, const char *word)
{
	struct rlimit old, low = { 0 };
	struct fixture f;
	int before, ret;

	unlinkat(input_dir(), "table", 0);
	input_file(name, text, strlen(text));
	before = input_count();
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	low = old;
	low.rlim_cur = limit;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	ret = compile_path(&f, input_path(name), false, true, 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(ret, SM_EIO);
	assert_non_null(strstr(f.err.text, word));
	assert_int_equal(input_count(), before);
}

/* Of the file; of an area, reserved before it is touched. */
static void
test_no_room(void **state)
{
	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	no_room("t.txt", "a\nb\n", 80, "cannot write");
	no_room("t.txt", "a text of more than fifteen bytes\n", 90,
		"cannot write");
	no_room("t.json", "{\"1\": \"b\", \"0\": \"a\"}", 4096,
		"cannot reserve");
	signal(SIGXFSZ, SIG_DFL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_digits),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_npy),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_far_indices),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_progress),
		cmocka_unit_test(test_usual),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_no_room),
	};

	sm_say_typed(true); /* as the program says it */
	return cmocka_run_group_tests(tests, NULL, input_cleanup);
}
