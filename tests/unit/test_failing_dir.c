/*
 * Directories: listed, deleted, measured; and a call that fails is no end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dir.h"

#include "failing.h"
#include "failing_tree.h"

#define FILES 3

static char root[64];
static int root_fd = -1;

static int
group_setup(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "/tmp/shardmill-dir.XXXXXX");
	if (!mkdtemp(root))
		return -1;
	root_fd = open(root, O_RDONLY | O_DIRECTORY);
	return root_fd < 0 ? -1 : 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	close(root_fd);
	tree_remove(root);
	return 0;
}

static void
put(const char *name)
{
	static const char block[5000];
	int fd = openat(root_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
	close(fd);
}

/* t/0 t/1 t/2 t/sub/0 t/sub/up, the last a link to the parent */
static void
make_tree(void)
{
	char name[16];
	int i;

	mkdirat(root_fd, "t", 0755);
	mkdirat(root_fd, "t/sub", 0755);
	for (i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "t/%d", i);
		put(name);
	}
	put("t/sub/0");
	symlinkat("../..", root_fd, "t/sub/up");
}

static bool
is_there(const char *name)
{
	struct stat st;

	return __real_fstatat(root_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int
list(int *count)
{
	const char *name;
	struct sm_dir d;
	int more;

	*count = 0;
	sm_dir_open(&d, root_fd, "t");
	while ((more = sm_dir_next(&name, &d)) > 0) {
		assert_true(name[0] != '.');
		(*count)++;
	}
	sm_dir_close(&d);
	return more;
}

static void
test_list(void **state)
{
	const char *name;
	struct sm_dir d;
	int count;

	(void)state;
	make_tree();
	/* From the beginning each time, though one descriptor serves. */
	assert_int_equal(list(&count), 0);
	assert_int_equal(count, FILES + 1);
	assert_int_equal(list(&count), 0);
	assert_int_equal(count, FILES + 1);
	errno = 0;
	sm_dir_open(&d, root_fd, "t/none");
	assert_int_equal(sm_dir_next(&name, &d), -1);
	assert_int_equal(errno, ENOENT);
	sm_dir_close(&d);
	sm_dir_open(&d, root_fd, "t/0");
	assert_int_equal(sm_dir_next(&name, &d), -1);
	assert_int_equal(errno, ENOTDIR);
	sm_dir_close(&d);
	sm_dir_open(&d, root_fd, "t/sub/up");
	assert_int_equal(sm_dir_next(&name, &d), -1);
	sm_dir_close(&d);
}

/* Whatever call fails, the list is not complete, and is not called so. */
static void
test_list_fails(void **state)
{
	int count, ret;
	long n;

	(void)state;
	make_tree();
	for (n = 1;; n++) {
		failing_arm(n, false);
		ret = list(&count);
		if (!failing_disarm())
			break;
		assert_int_equal(ret, -1);
		assert_int_not_equal(errno, 0);
	}
	assert_true(n > FILES);
	assert_int_equal(ret, 0);
}

static void
test_remove(void **state)
{
	(void)state;
	make_tree();
	put("beside");
	assert_int_equal(sm_dir_remove(root_fd, "t"), 0);
	assert_false(is_there("t"));
	assert_true(is_there("beside"));
	assert_int_equal(sm_dir_remove(root_fd, "t"), 0);
	/* Of a link neither it nor what it leads to. */
	make_tree();
	assert_int_equal(sm_dir_remove(root_fd, "t/sub/up"), -1);
	assert_true(is_there("t/0"));
}

static void
test_remove_fails(void **state)
{
	int ret;
	long n;

	(void)state;
	for (n = 1;; n++) {
		make_tree();
		failing_arm(n, false);
		ret = sm_dir_remove(root_fd, "t");
		if (!failing_disarm())
			break;
		assert_int_equal(ret, -1);
		assert_int_not_equal(errno, 0);
		assert_true(is_there("t"));
	}
	assert_true(n > FILES);
	assert_int_equal(ret, 0);
	assert_false(is_there("t"));
}

static void
test_size(void **state)
{
	uint64_t before, size;

	(void)state;
	assert_int_equal(sm_dir_remove(root_fd, "t"), 0);
	assert_int_equal(sm_dir_size(&before, root_fd), 0);
	/* What a directory costs differs; what is in it counts once. */
	make_tree();
	assert_int_equal(sm_dir_size(&size, root_fd), 0);
	assert_in_range(size - before, (FILES + 1) * 5000,
			(FILES + 1) * 5000 + 64 * 1024);
	size = 1;
	assert_int_equal(sm_dir_size(&size, -1), -1);
	assert_int_equal(size, 0);
}

static void
test_size_fails(void **state)
{
	uint64_t size;
	int ret;
	long n;

	(void)state;
	make_tree();
	for (n = 1;; n++) {
		failing_arm(n, false);
		size = 1;
		ret = sm_dir_size(&size, root_fd);
		if (!failing_disarm())
			break;
		assert_int_equal(ret, -1);
		assert_int_equal(size, 0);
	}
	assert_true(n > FILES);
	assert_int_equal(ret, 0);
	assert_true(size > 0);
}

/* A file without a name has none left, or is not made at all. */
static void
test_nameless(void **state)
{
	struct sm_err err;
	int fd, ret, failures = 0;
	long n = 0;
	bool failed;

	(void)state;
	do {
		failing_arm(++n, false);
		ret = sm_tmp_create_nameless(&fd, root_fd, "x", &err);
		failed = failing_disarm();
		assert_int_equal(ret < 0, failed);
		if (ret < 0) {
			failures++;
			assert_true(failing_name[0] != 'u' ||
				    strstr(err.text, "cannot remove"));
		} else {
			close(fd);
		}
	} while (failed);
	/* A name drawn, the file opened, its name removed. */
	assert_int_equal(failures, 3);
	sm_tmp_sweep(root_fd, "x");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_nameless),
		cmocka_unit_test(test_list_fails),
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_remove_fails),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_size_fails),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
