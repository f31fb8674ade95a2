/* Placeholders and shell quoting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "replace.h"

static const struct sm_piece numbers = {
	.id = 3,
	.first = 15,
	.end = 20,
	.first_byte = -1,
	.end_byte = -1,
};
static const struct sm_piece item = {
	.id = 7,
	.first = 7,
	.end = 8,
	.first_byte = -1,
	.end_byte = -1,
	.item = "a {first} b",
};
static const struct sm_piece bytes = {
	.id = 0,
	.first = -1,
	.end = -1,
	.first_byte = 0,
	.end_byte = 9,
	.input = "a {} file",
};

static void
expect(const struct sm_piece *b, const char *arg, const char *want)
{
	struct sm_buf out = { 0 };

	sm_replace_put(&out, arg, b, 7);
	assert_false(sm_buf_failed(&out));
	assert_string_equal(out.data, want);
	sm_buf_release(&out);
}

static void
test_numbers(void **state)
{
	(void)state;
	expect(&numbers, "{first}", "15");
	expect(&numbers, "--range={first}-{last}", "--range=15-19");
	expect(&numbers, "{end}{rows}{batch}", "2053");
	expect(&numbers, "", "");
	expect(&numbers, "plain", "plain");
}

static void
test_left_alone(void **state)
{
	(void)state;
	expect(&numbers, "{}", "{}");
	expect(&numbers, "{item}", "{item}");
	expect(&numbers, "{id, text}", "{id, text}");
	expect(&numbers, "{first", "{first");
	expect(&numbers, "{{first}}", "{15}");
	expect(&numbers, "{First} { first}", "{First} { first}");
	expect(&bytes, "{input}|{item}", "a {} file|{item}");
	expect(&item, "{input}", "{input}");
	expect(&bytes, "{first}{end}{last}{rows}{batch}",
	       "{first}{end}{last}{rows}0");
}

static void
test_item(void **state)
{
	(void)state;
	/* What was put in is not looked at again. */
	expect(&item, "<{}|{item}>", "<a {first} b|a {first} b>");
	expect(&item, "{first} {rows}", "7 1");
}

static void
test_has(void **state)
{
	(void)state;
	assert_true(sm_replace_has("x{batch}", false));
	assert_false(sm_replace_has("x{}", false));
	assert_true(sm_replace_has("x{}", true));
	assert_true(sm_replace_has("{ {item}", true));
	assert_false(sm_replace_has("{id}", true));
	assert_true(sm_replace_has("x{input}", false));
	assert_false(sm_replace_has("x{input}", true));
	assert_true(sm_replace_has_number("{{rows}"));
	assert_false(sm_replace_has_number("{batch} {} {x}"));
}

/* A shell gives back what went in. */
static void
quote_round(const char *word)
{
	struct sm_buf b = { 0 };
	char got[256];
	size_t n;
	FILE *f;

	/* $'…' is bash's, which the shell behind popen need not be. */
	sm_buf_puts(&b, "printf %s ");
	sm_replace_quote(&b, word);
	setenv("LINE", b.data, 1);
	f = popen("bash -c 'eval \"$LINE\"'", "r");
	assert_non_null(f);
	n = fread(got, 1, sizeof(got) - 1, f);
	got[n] = '\0';
	assert_int_equal(pclose(f), 0);
	assert_string_equal(got, word);
	sm_buf_release(&b);
}

static void
test_quote(void **state)
{
	static const char *const words[] = {
		"plain-1.0/x",         "two words",          "it's",
		"$HOME `ls` \\ \"q\"", "line\nbreak\t'tab'", "\x1b[31m\001f1\\",
		"*?[a]~!#&|;<>()",     "\xc3\xa4\xff",
	};
	struct sm_buf b = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		quote_round(words[i]);
	sm_replace_quote(&b, "");
	assert_string_equal(b.data, "''");
	sm_buf_clear(&b);
	sm_replace_quote(&b, "a-b_c");
	assert_string_equal(b.data, "a-b_c");
	sm_buf_clear(&b);
	/* Nothing that could steer a terminal comes through. */
	sm_replace_quote(&b, "\x1b[2J");
	assert_string_equal(b.data, "$'\\033[2J'");
	sm_buf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_left_alone),
		cmocka_unit_test(test_item),
		cmocka_unit_test(test_has),
		cmocka_unit_test(test_quote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
