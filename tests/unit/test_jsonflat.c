#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jsonflat.h"
#include "scan.h"

/*
 * All entries as "index:text" (integers) and "index:'text'", one a line; at an
 * error its text.  The document lies at the end of a block of its own, where
 * the sanitizer sees a read past it.
 */
static int
walk(struct sm_buf *out, struct sm_err *err, const void *doc, size_t len)
{
	char *copy = malloc(len + !len);
	struct sm_map map = { .data = (unsigned char *)copy,
			      .size = len,
			      .path = "x.json" };
	struct sm_jsonflat_entry e;
	struct sm_jsonflat j;
	int ret;

	assert_non_null(copy);
	memcpy(copy, doc, len);
	sm_buf_clear(out);
	sm_jsonflat_init(&j, &map);
	while ((ret = sm_jsonflat_next(&j, &e, err)) > 0) {
		sm_buf_printf(out, "%llu:", (unsigned long long)e.index);
		sm_buf_puts(out, e.is_string ? "'" : "");
		sm_buf_put(out, e.text, e.len);
		sm_buf_puts(out, e.is_string ? "'\n" : "\n");
		assert_true(e.at < len);
	}
	if (ret == 0)
		assert_int_equal(sm_jsonflat_next(&j, &e, err), 0);
	sm_jsonflat_release(&j);
	free(copy);
	return ret;
}

static void
accept_bytes(const char *doc, size_t len, const char *want, size_t want_len)
{
	struct sm_buf out = { 0 };
	struct sm_err err = { 0 };
	int ret = walk(&out, &err, doc, len);

	if (ret < 0)
		fail_msg("%s: %s", doc, err.text);
	assert_int_equal(out.len, want_len);
	if (want_len)
		assert_memory_equal(out.data, want, want_len);
	sm_buf_release(&out);
}

static void
accept(const char *doc, const char *want)
{
	accept_bytes(doc, strlen(doc), want, strlen(want));
}

/* Refused at byte `at`, saying `word`. */
static void
refuse_bytes(const char *doc, size_t len, size_t at, const char *word)
{
	struct sm_buf out = { 0 };
	struct sm_err err = { 0 };
	char place[32];

	assert_int_equal(walk(&out, &err, doc, len), SM_EINPUT);
	snprintf(place, sizeof(place), ": byte %zu: ", at);
	if (!strstr(err.text, place) || !strstr(err.text, word) ||
	    !strstr(err.text, "'x.json'"))
		fail_msg("%s: %s", doc, err.text);
	sm_buf_release(&out);
}

static void
refuse(const char *doc, size_t at, const char *word)
{
	refuse_bytes(doc, strlen(doc), at, word);
}

static void
test_values(void **state)
{
	(void)state;
	accept("{}", "");
	accept(" [ ] \r\n\t", "");
	accept("[\"a\", 1,-2 ,\"\"]", "0:'a'\n1:1\n2:-2\n3:''\n");
	accept("{\"0\":\"a\" , \"17\" : 23}", "0:'a'\n17:23\n");
	accept("{\"5\": \"b\", \"3\": \"a\"}", "5:'b'\n3:'a'\n");
	accept("[-0,0,123456789012345678901234567890]",
	       "0:-0\n1:0\n2:123456789012345678901234567890\n");
	accept("{\"18446744073709551614\": 1}", "18446744073709551614:1\n");
	accept("{\"\\u0031\\u0037\": 1}", "17:1\n");
}

static void
test_strings(void **state)
{
	(void)state;
	accept("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "0:'\"\\/\b\f\n\r\t'\n");
	accept("[\"a long plain string of text\\nand more\"]",
	       "0:'a long plain string of text\nand more'\n");
	accept("[\"\\u00e9\\uD55c\\ud83d\\uDE00\\udbff\\udfff\"]",
	       "0:'\xc3\xa9\xed\x95\x9c\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf'\n");
	accept("[\"\xc3\xa9\xed\x95\x9c\xf0\x9f\x98\x80\x7f\"]",
	       "0:'\xc3\xa9\xed\x95\x9c\xf0\x9f\x98\x80\x7f'\n");
	accept_bytes("[\"a\\u0000b\"]", 12, "0:'a\0b'\n", 8);
}

static void
test_grammar(void **state)
{
	(void)state;
	refuse("", 0, "ends");
	refuse("   ", 3, "ends");
	refuse("17", 0, "object or array");
	refuse("\"a\"", 0, "object or array");
	refuse("[", 1, "ends");
	refuse("[1", 2, "',' or ']'");
	refuse("[1,", 3, "ends");
	refuse("[1,]", 3, "string or an integer");
	refuse("[,1]", 1, "string or an integer");
	refuse("[1 2]", 3, "',' or ']'");
	refuse("{\"1\":1,}", 7, "key in quotes");
	refuse("{\"1\" 1}", 5, "':'");
	refuse("{\"1\":}", 5, "string or an integer");
	refuse("{1:1}", 1, "key in quotes");
	refuse("{\"1\":1]", 6, "',' or '}'");
	refuse("[1] x", 4, "end of the file");
	refuse("[1][", 3, "end of the file");
	refuse_bytes("[1]\0", 4, 3, "0x00");
	refuse("/* c */ [1]", 0, "comments");
	refuse("[1, // c\n2]", 4, "comments");
	refuse("['a']", 1, "'''");
	accept("\xef\xbb\xbf[1]", "0:1\n");
	refuse("\xef\xbb\xbf\xef\xbb\xbf[1]", 3, "0xef");
}

static void
test_bad_values(void **state)
{
	(void)state;
	refuse("[null]", 1, "null");
	refuse("{\"7\": true}", 6, "index 7 is a truth value");
	refuse("[NaN]", 1, "no number");
	refuse("[-Infinity]", 1, "'-' without");
	refuse("[1.5]", 1, "fraction");
	refuse("[1e5]", 1, "exponent");
	refuse("[007]", 1, "leading zero");
	refuse("[-01]", 1, "leading zero");
	refuse("[+1]", 1, "string or an integer");
	refuse("[[", 1, "an array");
	refuse("{\"0\":{", 5, "an object");
	refuse("{\"x\":1}", 1, "\"x\"");
	refuse("{\"07\":1}", 1, "\"07\"");
	refuse("{\"\":\"a\"}", 1, "decimal");
	refuse("{\"-1\":\"a\"}", 1, "decimal");
	refuse("{\"1.0\":\"a\"}", 1, "decimal");
	refuse("{\" 1\":\"a\"}", 1, "decimal");
	/* From text to index, as most people's are. */
	refuse("{\"\":1}", 1, "inverted");
	refuse("{\"-1\":1}", 1, "inverted");
	refuse("{\"a b\":1}", 1, "--vocab-inverted");
	refuse("{\"18446744073709551615\":1}", 1, "larger");
	refuse("{\"99999999999999999999999\":1}", 1, "larger");
}

static void
test_bad_strings(void **state)
{
	(void)state;
	refuse("[\"abc", 1, "without an end");
	refuse("[\"abc\\", 5, "escape");
	refuse("[\"abc\\\"", 1, "without an end");
	refuse("[\"\\x41\"]", 2, "escape");
	refuse("[\"\\u12g4\"]", 2, "escape");
	refuse("[\"\\u123", 2, "escape");
	refuse("[\"\\ud800\"]", 2, "lone surrogate \\ud800");
	refuse("[\"\\ud800\\u0041\"]", 2, "lone surrogate");
	refuse("[\"x\\udc00\"]", 3, "lone surrogate \\udc00");
	refuse("[\"\\ud83d", 2, "lone surrogate");
	refuse("[\"a\nb\"]", 3, "control character 0x0a");
	refuse_bytes("[\"a\0b\"]", 7, 3, "control character 0x00");
	refuse("[\"abc\xff\"]", 5, "UTF-8");
	refuse("[\"\xc0\x80\"]", 2, "UTF-8");
	refuse("[\"\xed\xa0\x80\"]", 2, "UTF-8");
	refuse("[\"\xe2\x82\"]", 2, "UTF-8");
}

static void
test_large(void **state)
{
	size_t len = SM_JSONFLAT_TEXT_MAX + 5;
	struct sm_buf out = { 0 };
	struct sm_err err = { 0 };
	char *doc = malloc(len);

	(void)state;
	assert_non_null(doc);
	memset(doc, 'x', len);
	memcpy(doc, "[\"", 2);
	memcpy(doc + len - 2, "\"]", 2);
	refuse_bytes(doc, len, 1, "longer than");
	doc[3] = '"';
	memset(doc + 4, ' ', len - 5);
	assert_int_equal(walk(&out, &err, doc, len), 0);
	memset(doc + 1, '9', len - 2);
	refuse_bytes(doc, len, 1, "longer than");
	memset(doc, '[', len);
	refuse_bytes(doc, len, 1, "an array");
	sm_buf_release(&out);
	free(doc);
}

/*
 * An entry among others, with so much after it that it may be read at once:
 * NULL, it is refused at byte `at` of it, saying `word`.
 */
static const struct usual {
	const char *entry, *want;
	size_t at;
	const char *word;
} usual[] = {
	{ "\"7\": \"a\"", "7:'a'", 0, NULL },
	{ "\"7\":\"a\"", "7:'a'", 0, NULL },
	{ "\n \"7\": \"\"", "7:''", 0, NULL },
	{ "\n    \"7\":  \"a\"", "7:'a'", 0, NULL },
	{ "                    \"7\": \"a\"", "7:'a'", 0, NULL },
	{ "\r\n\t\"7\" : \"a\" ", "7:'a'", 0, NULL },
	{ "\"7\": 0", "7:0", 0, NULL },
	{ "\"7\": -12", "7:-12", 0, NULL },
	{ "\"7\": 123456789012345678901234567890",
	  "7:123456789012345678901234567890", 0, NULL },
	{ "\"7\": 12 ", "7:12", 0, NULL },
	{ "\"123\": \"a\"", "123:'a'", 0, NULL },
	{ "\"1234567\": \"a\"", "1234567:'a'", 0, NULL },
	{ "\"12345678\": \"a\"", "12345678:'a'", 0, NULL },
	{ "\"9876543210\": \"a\"", "9876543210:'a'", 0, NULL },
	{ "\"1234567890123456\": \"a\"", "1234567890123456:'a'", 0, NULL },
	{ "\"18446744073709551614\": \"a\"", "18446744073709551614:'a'", 0,
	  NULL },
	{ "\"\\u0037\": \"a\\nb\"", "7:'a\nb'", 0, NULL },
	{ "\"7\": \"\xc3\xa4\"", "7:'\xc3\xa4'", 0, NULL },
	{ "\"07\": \"a\"", NULL, 0, "plain decimal" },
	{ "\"\": \"a\"", NULL, 0, "plain decimal" },
	{ "\"-7\": \"a\"", NULL, 0, "plain decimal" },
	{ "\"7a\": \"a\"", NULL, 0, "plain decimal" },
	{ "\"1234567:\": \"a\"", NULL, 0, "plain decimal" },
	{ "\"1234567/\": \"a\"", NULL, 0, "plain decimal" },
	{ "\"18446744073709551615\": \"a\"", NULL, 0, "larger" },
	{ "\"7\" \"a\"", NULL, 4, "':' is wanted" },
	{ "\"7\": \"a", NULL, 9, "',' or '}'" },
	{ "\"7\": \"a\nb\"", NULL, 7, "control character" },
	{ "\"7\": \"a\\x\"", NULL, 7, "bad escape" },
	{ "\"7\": 07", NULL, 5, "leading zero" },
	{ "\"7\": 1.5", NULL, 5, "fraction" },
	{ "\"7\": 1a", NULL, 6, "',' or '}'" },
	{ "\"7\": null", NULL, 5, "null" },
	{ "\"7\": ", NULL, 5, "a string or an integer" },
	{ "", NULL, 0, "a key in quotes" },
	{ "#", NULL, 0, "comments" },
};

static void
test_usual(void **state)
{
	static const char before[] = "{\"0\": \"x\",",
			  after[] =
				  ",\"1\": \"as long as it takes, or longer\"}";
	char doc[256], want[256];
	const struct usual *u = usual;

	(void)state;
	for (; u < usual + sizeof(usual) / sizeof(*usual); u++) {
		snprintf(doc, sizeof(doc), "%s%s%s", before, u->entry, after);
		if (!u->want) {
			refuse_bytes(doc, strlen(doc), strlen(before) + u->at,
				     u->word);
			continue;
		}
		snprintf(want, sizeof(want),
			 "0:'x'\n%s\n1:'as long as it takes, or longer'\n",
			 u->want);
		accept(doc, want);
	}
	accept("[1, \"b\",\n 3, \"\", -5, 60, \"eight8  \", \"\\u0037\", "
	       "\"what ends it, with enough bytes\"]",
	       "0:1\n1:'b'\n2:3\n3:''\n4:-5\n5:60\n6:'eight8  '\n7:'7'\n"
	       "8:'what ends it, with enough bytes'\n");
}

/* Cut anywhere: nothing is read past the end, and all of it is wanted. */
static void
test_usual_cut(void **state)
{
	static const char doc[] =
		"{\"0\": \"x\",\n \"1\": \"ten bytes.\",\n \"2\": 123456789,\n "
		"\"3\": \"as long as it takes, or longer\"}";
	struct sm_buf out = { 0 };
	struct sm_err err = { 0 };
	size_t len;

	(void)state;
	for (len = 0; len + 1 < sizeof(doc); len++)
		assert_int_equal(walk(&out, &err, doc, len), SM_EINPUT);
	assert_int_equal(walk(&out, &err, doc, len), 0);
	sm_buf_release(&out);
}

/* As strtoull() reads it, where it is digits. */
static void
number(const char *s, size_t len)
{
	char text[32] = { 0 };
	bool want = len > 0;
	uint64_t v;
	size_t i;

	memcpy(text, s, len);
	for (i = 0; i < len; i++)
		want &= s[i] >= '0' && s[i] <= '9';
	errno = 0;
	strtoull(text, NULL, 10);
	want &= errno == 0;
	assert_int_equal(sm_scan_number(&v, s, len), want);
	if (want)
		assert_true(v == strtoull(text, NULL, 10));
}

/* All lengths, with a byte that is no digit in each place. */
static void
test_numbers(void **state)
{
	static const char odd[] = "/:09 \xb5\xff",
			  digits[] = "98765432109876543210987";
	size_t len, at, i;
	uint64_t v;
	char *s;

	(void)state;
	assert_false(sm_scan_number(&v, "", 0));
	for (len = 1; len < sizeof(digits); len++) {
		s = malloc(len);
		assert_non_null(s);
		for (i = 0; i < len * sizeof(odd); i++) {
			at = i / sizeof(odd);
			memcpy(s, digits + (i + len) % (sizeof(digits) - len),
			       len);
			s[at] = odd[i % sizeof(odd)];
			number(s, len);
		}
		free(s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_grammar),
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_bad_strings),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_usual),
		cmocka_unit_test(test_usual_cut),
		cmocka_unit_test(test_numbers),
	};

	sm_say_typed(true); /* as the program says it */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
