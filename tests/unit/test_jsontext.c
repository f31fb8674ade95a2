#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "jsontext.h"

static void
expect(const char *s, size_t len, const char *want)
{
	struct sm_buf b = { 0 };

	sm_buf_puts(&b, "<");
	assert_int_equal(sm_jsontext_put(&b, s, len), -1);
	assert_string_equal(b.data + 1, want);
	sm_buf_release(&b);
}

/* What json.dumps gives for each of these. */
static void
test_known(void **state)
{
	(void)state;
	expect("", 0, "\"\"");
	expect("user-1", 6, "\"user-1\"");
	expect("a \"b\" \\c/", 9, "\"a \\\"b\\\" \\\\c/\"");
	expect("\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\"");
	expect("\0\x01\x1f\x7f~", 5, "\"\\u0000\\u0001\\u001f\\u007f~\"");
	expect("stra\xc3\x9f"
	       "e",
	       7, "\"stra\\u00dfe\"");
	expect("\xed\x95\x9c\xea\xb5\xad", 6, "\"\\ud55c\\uad6d\"");
	expect("\xf0\x9f\x98\x80", 4, "\"\\ud83d\\ude00\"");
	expect("\xf4\x8f\xbf\xbf", 4, "\"\\udbff\\udfff\"");
	expect("\xef\xbf\xbf\xee\x80\x80", 6, "\"\\uffff\\ue000\"");
}

static void
test_invalid(void **state)
{
	static const struct {
		const char *s;
		size_t len;
		ssize_t at;
	} cases[] = {
		{ "\xff", 1, 0 },
		{ "abcdefghij\x80", 11, 10 },
		{ "abcdefgh\xc0\x80", 10, 8 },
		{ "\xc3\xa9\xc1\xbf", 4, 2 },
		{ "\xe0\x9f\xbf", 3, 0 },
		{ "\xed\xa0\x80", 3, 0 },
		{ "\xf0\x8f\xbf\xbf", 4, 0 },
		{ "\xf4\x90\x80\x80", 4, 0 },
		{ "\xf5\x80\x80\x80", 4, 0 },
		{ "\"\xe2\x82", 3, 1 },
		{ "\n\xf0\x9f\x98", 4, 1 },
		{ "\xe2\x82(", 3, 0 },
	};
	struct sm_buf b = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(sm_jsontext_put(&b, cases[i].s, cases[i].len),
				 cases[i].at);
	assert_int_equal(b.len, 0);
	sm_buf_release(&b);
}

/* Every byte at every place around the boundaries of words, read back. */
static void
test_places(void **state)
{
	char text[24];
	struct sm_buf b = { 0 };
	json_t *value;
	size_t at, len;
	int c;

	(void)state;
	for (c = 0; c < 128; c++) {
		for (at = 0; at < 20; at++) {
			len = at + 1 + at % 4;
			memset(text, 'x', sizeof(text));
			text[at] = (char)c;
			sm_buf_clear(&b);
			assert_int_equal(sm_jsontext_put(&b, text, len), -1);
			value = json_loadb(b.data, b.len,
					   JSON_DECODE_ANY | JSON_ALLOW_NUL,
					   NULL);
			assert_non_null(value);
			assert_int_equal(json_string_length(value), len);
			assert_memory_equal(json_string_value(value), text,
					    len);
			assert_true(c != 127 || strstr(b.data, "\\u007f"));
			json_decref(value);
		}
	}
	sm_buf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_invalid),
		cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
