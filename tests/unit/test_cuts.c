/* The list of batches: what went in comes out, in order and from anywhere. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "dir.h"

#include "cuts.h"

#define BATCHES 5000

static char dir[] = "/tmp/shardmill-test.XXXXXX";
static int dirfd_;
static struct sm_err err;

/* Every seventh has none; some are longer than what is read at once. */
static char *
cuts_item(uint64_t id)
{
	size_t len = id % 1000 == 1 ? 100000 : (size_t)(id % 7);
	char *item = malloc(len + 1);

	assert_non_null(item);
	memset(item, 'a' + (int)(id % 26), len);
	item[len] = '\0';
	return item;
}

static struct sm_cuts *
cuts_make(uint64_t first, uint64_t end)
{
	struct sm_cuts *c = NULL;
	struct sm_piece b = { .id = 0 };
	uint64_t id;

	for (id = first; id < end; id++) {
		b = (struct sm_piece){ .id = id,
				       .first = (int64_t)id * 10,
				       .end = (int64_t)id * 10 + 10,
				       .first_byte = -1,
				       .end_byte = INT64_MAX - (int64_t)id };
		if (id % 7)
			b.item = cuts_item(id);
		assert_int_equal(sm_cuts_add(&c, dirfd_, &b, &err), 0);
		free(b.item);
	}
	return c;
}

static void
cuts_expect(struct sm_cuts *c, uint64_t index, uint64_t id)
{
	char *item = cuts_item(id);
	struct sm_piece b;

	assert_int_equal(sm_cuts_read(&b, c, index, &err), 0);
	assert_int_equal(b.id, id);
	assert_int_equal(b.first, id * 10);
	assert_int_equal(b.end, id * 10 + 10);
	assert_int_equal(b.first_byte, -1);
	assert_int_equal(b.end_byte, INT64_MAX - (int64_t)id);
	if (id % 7)
		assert_string_equal(b.item, item);
	else
		assert_null(b.item);
	free(item);
}

static void
test_order(void **state)
{
	struct sm_cuts *c = cuts_make(3, 3 + BATCHES);
	const char *name;
	struct sm_dir d;
	uint64_t i;

	(void)state;
	assert_int_equal(sm_cuts_count(c), BATCHES);
	assert_int_equal(sm_cuts_first_id(c), 3);
	for (i = 0; i < BATCHES; i++)
		cuts_expect(c, i, i + 3);
	/* Again from in the middle, over some, the same once more. */
	cuts_expect(c, 2500, 2503);
	cuts_expect(c, 2600, 2603);
	cuts_expect(c, 2600, 2603);
	cuts_expect(c, 0, 3);
	/* Nothing of it has a name. */
	sm_dir_open(&d, dirfd_, ".");
	assert_int_equal(sm_dir_next(&name, &d), 0);
	sm_dir_close(&d);
	sm_cuts_free(c);
}

static void
test_none(void **state)
{
	(void)state;
	assert_int_equal(sm_cuts_count(NULL), 0);
	sm_cuts_free(NULL);
}

/* No room: the list is not taken for a shorter one. */
static void
test_full(void **state)
{
	struct rlimit was, is;
	struct sm_cuts *c = NULL;
	struct sm_piece b = { .id = 0, .first = 0, .end = 1 };
	int ret = 0;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	is = was;
	is.rlim_cur = 100000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &is), 0);
	while (ret == 0 && b.id < 100000) {
		ret = sm_cuts_add(&c, dirfd_, &b, &err);
		b.id++;
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_true(ret < 0);
	assert_int_equal(err.code, SM_EIO);
	assert_non_null(strstr(err.text, "list of batches"));
	sm_cuts_free(c);
}

static int
setup(void **state)
{
	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	if (!mkdtemp(dir))
		return -1;
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dirfd_ < 0 ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	close(dirfd_);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
