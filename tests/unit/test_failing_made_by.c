/*
 * Files that a command is made by: a call that fails while they are looked for
 * is no answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exec.h"
#include "kind.h"
#include "option.h"

#include "failing.h"
#include "failing_tree.h"

static char root[64];

static int
group_setup(void **state)
{
	char path[128];
	FILE *f;

	(void)state;
	snprintf(root, sizeof(root), "/tmp/shardmill-made.XXXXXX");
	if (!mkdtemp(root))
		return -1;
	snprintf(path, sizeof(path), "%s/prog", root);
	f = fopen(path, "w");
	if (!f || fputs("#!/bin/sh\n", f) < 0 || fchmod(fileno(f), 0755) < 0)
		return -1;
	return fclose(f);
}

static int
group_teardown(void **state)
{
	(void)state;
	tree_remove(root);
	return 0;
}

/* A job of the command `argv` in the folder above. */
static struct sm_spec *
plan(const char *const *argv)
{
	struct sm_spec *spec;
	struct sm_err err;

	assert_int_equal(sm_spec_new(&spec, &sm_exec_info, NULL, argv, &err),
			 0);
	((struct sm_exec_opts *)spec->opts)->cwd = root;
	assert_int_equal(sm_spec_set_output(spec, "/tmp/none/f.gz", &err), 0);
	return spec;
}

/* Each n-th call: all files, or an error; never fewer of them. */
static void
check(const char *const *argv, size_t want)
{
	struct sm_kind_file file[SM_KIND_FILES_MAX];
	struct sm_spec *spec;
	struct sm_err err;
	size_t count;
	long n = 0;
	bool failed;
	int ret;

	do {
		spec = plan(argv);
		failing_arm(n, false);
		ret = sm_exec_made_by(file, &count, spec, NULL, &err);
		failed = failing_disarm();
		assert_true(failed || ret == 0);
		if (ret == 0 && count != want)
			fail_msg("%zu files, not %zu, for %s", count, want,
				 failing_name ? failing_name : "nothing");
		if (ret < 0)
			assert_true(ret == SM_EIO || ret == SM_ENOMEM);
		((struct sm_exec_opts *)spec->opts)->cwd = NULL;
		sm_spec_free(spec);
		n++;
	} while (n == 1 || failed);
	assert_true(n > 3);
}

static void
test_words(void **state)
{
	(void)state;
	check((const char *const[]){ "sh", "prog", "none", "-c", NULL }, 2);
}

static void
test_program(void **state)
{
	(void)state;
	check((const char *const[]){ "./prog", "prog", NULL }, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_program),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
