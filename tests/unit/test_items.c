/* The stored list of items. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "buf.h"
#include "crc32.h"
#include "items.h"

#include "input_file.h"

static struct sm_items_info info;
static struct sm_err err;

static int
store(const void *data, size_t len, bool nul)
{
	const char *path = input_file("list", data, len);

	memset(&info, 0, sizeof(info));
	memset(&err, 0, sizeof(err));
	return sm_items_store(
		&info, input_dir(),
		&(struct sm_items_from){ .path = path, .nul = nul }, &err);
}

/* The items that were stored, with "|" behind each. */
static void
expect(const char *data, size_t len, bool nul, const char *want)
{
	struct sm_items it;
	struct sm_buf got = { 0 };
	const char *item;
	uint64_t count = 0;
	uint32_t crc;

	assert_int_equal(store(data, len, nul), 0);
	assert_int_equal(sm_items_open(&it, input_dir(), &err), 0);
	sm_buf_puts(&got, "");
	while ((item = sm_items_next(&it)) != NULL) {
		sm_buf_printf(&got, "%s|", item);
		count++;
	}
	crc = sm_crc32(0, it.map.data, it.map.size);
	assert_int_equal(info.bytes, it.map.size);
	assert_int_equal(info.crc32, it.map.size ? crc : 0);
	assert_int_equal(info.count, count);
	assert_string_equal(got.data, want);
	sm_items_close(&it);
	sm_buf_release(&got);
}

#define EXPECT(data, nul, want) expect(data, sizeof(data) - 1, nul, want)

static void
test_items(void **state)
{
	(void)state;
	EXPECT("", false, "");
	EXPECT("\n\n\n", false, "");
	assert_int_equal(info.empty, 3);
	EXPECT("a\nb c\n", false, "a|b c|");
	EXPECT("a\n\nb", false, "a|b|");
	assert_int_equal(info.empty, 1);
	EXPECT("a\r\n\xff\xfe\n--\n", false, "a\r|\xff\xfe|--|");
	assert_int_equal(info.crlf, 1);
	EXPECT("a\nb\0c", true, "a\nb|c|");
	EXPECT("\0\0", true, "");
	EXPECT("'); DROP TABLE\n%s\n", false, "'); DROP TABLE|%s|");
}

static void
test_same_digest(void **state)
{
	struct sm_items_info lines, dry;

	(void)state;
	assert_int_equal(store("x\ny\n", 4, false), 0);
	lines = info;
	assert_int_equal(store("x\0y", 3, true), 0);
	assert_memory_equal(&lines, &info, sizeof(info));
	const struct sm_items_from list = { .path = input_path("list"),
					    .nul = true };
	assert_int_equal(sm_items_store(&dry, -1, &list, &err), 0);
	assert_memory_equal(&dry, &info, sizeof(info));
}

static void
test_refused(void **state)
{
	char *big = malloc(SM_ITEMS_TEXT_MAX + 3);
	struct stat st;

	(void)state;
	assert_non_null(big);
	assert_int_equal(store("ok\na\0b\n", 7, false), SM_EINPUT);
	assert_non_null(strstr(err.text, "item 1 of"));
	assert_non_null(strstr(err.text, "-0"));

	memset(big, 'x', SM_ITEMS_TEXT_MAX + 3);
	big[SM_ITEMS_TEXT_MAX] = '\n';
	assert_int_equal(store(big, SM_ITEMS_TEXT_MAX + 1, false), 0);
	assert_int_equal(info.count, 1);
	big[SM_ITEMS_TEXT_MAX] = 'x';
	big[SM_ITEMS_TEXT_MAX + 1] = '\n';
	assert_int_equal(store(big, SM_ITEMS_TEXT_MAX + 2, false), SM_EINPUT);
	free(big);

	assert_int_equal(
		sm_items_store(&info, -1,
			       &(struct sm_items_from){ .path = "/none/such" },
			       &err),
		SM_EINPUT);
	assert_int_equal(
		sm_items_store(&info, -1,
			       &(struct sm_items_from){ .path = "/tmp" }, &err),
		SM_EINPUT);
	/* No temporary file is left. */
	assert_int_equal(fstatat(input_dir(), "items.tmp", &st, 0), -1);
}

/* Many items over many chunks, through a pipe. */
static void
test_stdin(void **state)
{
	const int n = 300000;
	int saved = dup(0), ends[2], i;
	struct sm_items it;
	const char *item;
	char want[32];
	FILE *f;

	(void)state;
	fflush(NULL);
	assert_int_equal(pipe(ends), 0);
	if (fork() == 0) {
		close(ends[0]);
		f = fdopen(ends[1], "w");
		for (i = 0; f && i < n; i++)
			fprintf(f, "item %d\n", i);
		if (f)
			fclose(f);
		_exit(0);
	}
	close(ends[1]);
	dup2(ends[0], 0);
	close(ends[0]);
	assert_int_equal(sm_items_store(&info, input_dir(),
					&(struct sm_items_from){ .path = "-" },
					&err),
			 0);
	dup2(saved, 0);
	close(saved);
	assert_int_equal(info.count, n);
	assert_int_equal(sm_items_open(&it, input_dir(), &err), 0);
	for (i = 0; (item = sm_items_next(&it)) != NULL; i++) {
		snprintf(want, sizeof(want), "item %d", i);
		assert_string_equal(item, want);
	}
	assert_int_equal(i, n);
	sm_items_close(&it);
}

static void
test_damaged(void **state)
{
	struct sm_items it;

	(void)state;
	input_file(SM_ITEMS_NAME, "a\0b", 3);
	assert_int_equal(sm_items_open(&it, input_dir(), &err), SM_EDAMAGED);
	sm_items_close(&it);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_same_digest),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_stdin),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, input_cleanup);
}
