/* Which messages are one reason, and which are two. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fold.h"

static const char *
folded(const char *text)
{
	static char dst[SM_FOLD_MAX];

	memset(dst, 'x', sizeof(dst));
	sm_fold(dst, text);
	return dst;
}

static void
test_folds(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ NULL, "" },
		{ "", "" },
		{ "it broke", "it broke" },
		{ "batch 17: no row 3,000", "batch N: no row N" },
		{ "at 12:30:05, 0.25 s", "at N, N s" },
		{ "17.", "N." },
		{ "at 0x7fAb: fault", "at N: fault" },
		{ "0x", "Nx" },
		{ "file12.txt", "fileN.txt" },
		{ "cannot open '/a/b c.txt': no", "cannot open '*': no" },
		{ "KeyError: \"k9\"", "KeyError: \"*\"" },
		{ "can't and won't", "can't and won't" },
		{ "'it's one'", "'*'" },
		{ "an open 'quote 5", "an open 'quote N" },
		{ "''", "'*'" },
		{ "exited with status 3: no 4", "exited with status 3: no N" },
		{ "worker 7 (pid 99) died by signal 9 (Killed)",
		  "worker N (pid N) died by signal 9 (Killed)" },
		{ "\xc3\xa9'7'", "\xc3\xa9'N'" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(folded(cases[i].text), cases[i].want);
}

/* However long, it ends within its room, and in a whole character. */
static void
test_long(void **state)
{
	char text[700];
	size_t i, n;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	n = strlen(folded(text));
	assert_true(n < SM_FOLD_MAX && n > SM_FOLD_MAX - 8);
	for (i = 0; i < 4; i++) {
		memset(text, 'a', i);
		for (n = i; n + 2 < sizeof(text); n += 2)
			memcpy(text + n, "\xc3\xa9", 2);
		text[n] = '\0';
		n = strlen(folded(text));
		assert_true(n < SM_FOLD_MAX && n > SM_FOLD_MAX - 8);
		assert_int_equal((n - i) % 2, 0);
	}
	memset(text, '9', sizeof(text) - 1);
	memcpy(text, "status ", 7);
	text[sizeof(text) - 1] = '\0';
	assert_string_equal(folded(text), "status ");
	memset(text, '\'', sizeof(text) - 1);
	assert_true(strlen(folded(text)) < SM_FOLD_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folds),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
