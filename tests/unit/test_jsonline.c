/* Is every line JSON?  The answer must not depend on how it is fed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jsonline.h"

static struct sm_jsonline *check;

static int
set_up(void **state)
{
	(void)state;
	return sm_jsonline_new(&check, NULL);
}

static int
tear_down(void **state)
{
	(void)state;
	sm_jsonline_free(check);
	return 0;
}

static int
feed(const char *text, size_t len, size_t step, struct sm_err *err)
{
	size_t at, n;
	int ret = 0;

	sm_jsonline_begin(check);
	for (at = 0; at < len && ret == 0; at += n) {
		n = len - at < step ? len - at : step;
		ret = sm_jsonline_feed(check, text + at, n, err);
	}
	return ret < 0 ? ret : sm_jsonline_end(check, err);
}

static void
good(const char *text, size_t len)
{
	struct sm_err err = { 0 };
	size_t step;

	for (step = 1; step <= len + 1; step++)
		if (feed(text, len, step, &err) < 0)
			fail_msg("'%s' by %zu: %s", text, step, err.text);
}

static void
bad(const char *text, size_t len, const char *line)
{
	struct sm_err err = { 0 };
	size_t step;

	for (step = 1; step <= len + 1; step++) {
		if (feed(text, len, step, &err) != SM_EOUTPUT)
			fail_msg("'%s' by %zu was taken", text, step);
		if (!strstr(err.text, line))
			fail_msg("'%s' by %zu: %s", text, step, err.text);
	}
}

#define GOOD(text)      good(text, sizeof(text) - 1)
#define BAD(text, line) bad(text, sizeof(text) - 1, line)

static void
test_good(void **state)
{
	(void)state;
	GOOD("");
	GOOD("{}\n");
	GOOD("{}");
	GOOD("1\n\"two\"\nnull\n[3]\n");
	GOOD(" {\"a\": [1, 2.5e3]} \r\n{\"b\": \"\\u0000 x\"}\n");
	GOOD("123456789012345678901234567890\n");
}

static void
test_bad(void **state)
{
	(void)state;
	BAD("\n", "line 1 ");
	BAD("{}\n\n{}\n", "line 2 ");
	BAD("{}\n{} {}\n", "line 2 ");
	BAD("{}\n{\"a\": nul}\n", "line 2 ");
	BAD("{}\n{}\n{\"cut", "line 3 ");
	BAD("{\"a\":\n1}\n", "line 1 ");
	BAD("\xff\n", "line 1 ");
	BAD("{\"a\": 1\0}\n", "line 1 ");
	BAD("NaN\n", "line 1 ");
	BAD("{'a': 1}\n", "column ");
}

static void
test_limit(void **state)
{
	size_t size = 1 << 20, i;
	char *text = malloc(size);
	struct sm_err err = { 0 };
	int ret = 0;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', size);
	sm_jsonline_begin(check);
	for (i = 0; i < 70 && ret == 0; i++)
		ret = sm_jsonline_feed(check, text, size, &err);
	assert_int_equal(ret, SM_EOUTPUT);
	assert_int_equal(i, 65);
	assert_non_null(strstr(err.text, "longer"));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
