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

	sm_replace_put(&out, arg,
		       &(struct sm_replace_by){ .batch = b, .slot = 7 });
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
	assert_true(sm_replace_has("x{batch}", SM_COLUMNS_NO_ITEM));
	assert_false(sm_replace_has("x{}", SM_COLUMNS_NO_ITEM));
	assert_true(sm_replace_has("x{}", SM_COLUMNS_NONE));
	assert_true(sm_replace_has("{ {item}", SM_COLUMNS_NONE));
	assert_false(sm_replace_has("{id}", SM_COLUMNS_NONE));
	assert_true(sm_replace_has("x{input}", SM_COLUMNS_NO_ITEM));
	assert_false(sm_replace_has("x{input}", SM_COLUMNS_NONE));
	assert_true(sm_replace_has_number("{{rows}"));
	assert_false(sm_replace_has_number("{batch} {} {x}"));
}

/* As GNU parallel has them: {/}, {.} and so on, of each column too. */
static void
test_paths(void **state)
{
	static const char *const want[][5] = {
		/* {.}     {/}      {//}   {/.} */
		{ "a/b.c", "a/b", "b.c", "a", "b" },
		{ "/x", "/x", "x", "/", "x" },
		{ "//x.y", "//x", "x.y", "/", "x" },
		{ "d.d/x", "d.d/x", "x", "d.d", "x" },
		{ "x.", "x.", "x.", ".", "x." },
		{ "a.tar.gz", "a.tar", "a.tar.gz", ".", "a.tar" },
		{ "a//b/", "a//b/", "", "a", "" },
	};
	static const char *const words[] = { "{.}", "{/}", "{//}", "{/.}" };
	struct sm_piece b = item;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(want) / sizeof(*want); i++) {
		b.item = (char *)want[i][0];
		for (j = 0; j < 4; j++)
			expect(&b, words[j], want[i][j + 1]);
	}
	expect(&item, "{#}{%}", "88");
	/* The shell's, and regular expressions. */
	expect(&item, "${#}${1}${.}x{1}[0-9]{4}", "${#}${1}${.}x{1}[0-9]{4}");
	expect(&item, "{01}{0}{./}{10000/}", "{01}{0}{./}{10000/}");
	expect(&numbers, "{.}{/}{1}{#}", "{.}{/}{1}4");
}

static void
expect_columns(int planned, const char *colsep, const char *of, const char *arg,
	       const char *want)
{
	struct sm_columns c;
	struct sm_err err;
	struct sm_piece b = item;
	const char *const argv[] = { "{}", arg, NULL };
	struct sm_buf out = { 0 };
	struct sm_replace_by by = { .batch = &b, .columns = &c };
	size_t n, i;
	const char *p;

	b.item = (char *)of;
	assert_int_equal(sm_columns_init(&c, planned, colsep, &err), 0);
	assert_int_equal(sm_columns_split(&c, of, &err), 0);
	n = sm_replace_words(&out, argv, &by);
	assert_false(sm_buf_failed(&out));
	assert_int_equal(n, c.count + 1);
	for (i = 0, p = out.data; i + 1 < n; i++)
		p += strlen(p) + 1;
	assert_string_equal(p, want);
	sm_buf_release(&out);
	sm_columns_release(&c);
}

static void
test_columns(void **state)
{
	struct sm_columns c;
	struct sm_err err;

	(void)state;
	expect_columns(2, NULL, "a\tb", "{2}-{1}{3}", "b-a{3}");
	expect_columns(3, NULL, "a\tb", "{2}-{1}{3}", "b-a");
	expect_columns(1, NULL, "a\tb", "{1}|{2}", "a\tb|{2}");
	expect_columns(2, NULL, "x/a.b\ty/c.d", "<{}|{/}|{2/.}|{item}>",
		       "<x/a.b y/c.d|a.b c.d|c|x/a.b\ty/c.d>");
	expect_columns(2, NULL, "\t", "<{1}{2}>", "<>");
	expect_columns(SM_COLUMNS_ANY, "|", "a|b||c", "{4}{3}{2}", "cb");
	expect_columns(SM_COLUMNS_ANY, ".", "a.b", "{2}{1}", "ba");
	expect_columns(SM_COLUMNS_ANY, "\\t", "a\tb", "{2}{1}", "ba");
	expect_columns(SM_COLUMNS_ANY, " +", "a  b   c", "{3}{2}{1}", "cba");
	expect_columns(SM_COLUMNS_ANY, "^x", "xxa", "[{1}|{2}]", "[|xa]");
	assert_int_equal(sm_columns_init(&c, SM_COLUMNS_ANY, "x*", &err),
			 SM_EUSAGE);
	assert_int_equal(sm_columns_init(&c, SM_COLUMNS_ANY, "((", &err),
			 SM_EUSAGE);
	assert_int_equal(sm_replace_highest("{2}x{7/.}{1}${9}", SM_COLUMNS_ANY),
			 7);
	assert_int_equal(sm_replace_highest("{2}x{7/.}{1}", 3), 2);
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
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_quote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
