#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "file.h"
#include "rand.h"

#include "crc32.h"

#include "digests.h"

#define MIB   ((size_t)1 << 20)
#define FILES 5

static const size_t sizes[FILES] = { 8 * MIB, 0, 9 * MIB + 17, 70001,
				     12 * MIB + 1 };

static char dir[] = "/tmp/test_digests.XXXXXX";
static char paths[FILES][64];
static uint32_t crcs[FILES];
static struct sm_err err;

static void
make_file(const char *path, size_t len, uint32_t *crc)
{
	unsigned char *p = malloc(len + 8);
	uint64_t seed = len, v;
	size_t i;
	int fd;

	assert_non_null(p);
	for (i = 0; i < len; i += 8) {
		v = sm_rand_next(&seed);
		memcpy(p + i, &v, 8);
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(sm_write_all(fd, p, len), 0);
	close(fd);
	*crc = sm_crc32(0, p, len);
	free(p);
}

static int
setup(void **state)
{
	size_t i;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	for (i = 0; i < FILES; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/%zu", dir, i);
		make_file(paths[i], sizes[i], &crcs[i]);
	}
	return 0;
}

static int
teardown(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < FILES; i++)
		unlink(paths[i]);
	return rmdir(dir);
}

static struct sm_digests *
begin(const struct sm_events *ev)
{
	struct sm_digests *ds;

	assert_int_equal(sm_digests_new(&ds, ev, &err), 0);
	return ds;
}

/* Other bytes, with the time that the file had. */
static void
change(const char *path)
{
	struct timespec times[2];
	struct stat st;
	int fd = open(path, O_RDWR);
	unsigned char c;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(sm_pread_full(fd, &c, 1, 0), 1);
	c ^= 1;
	/* A write within the clock's tick leaves no trace. */
	do {
		struct stat now;

		assert_int_equal(sm_pwrite_all(fd, &c, 1, 0), 0);
		times[0] = st.st_atim;
		times[1] = st.st_mtim;
		assert_int_equal(futimens(fd, times), 0);
		assert_int_equal(fstat(fd, &now), 0);
		if (now.st_ctim.tv_sec != st.st_ctim.tv_sec ||
		    now.st_ctim.tv_nsec != st.st_ctim.tv_nsec)
			break;
	} while (true);
	close(fd);
}

/* The digest of digest.h, however many threads make it. */
static void
test_same(void **state)
{
	static const unsigned threads[] = { 0, 1, 3, 100 };
	struct sm_digests *ds;
	struct sm_digest d, one;
	size_t i, k;

	(void)state;
	for (k = 0; k < sizeof(threads) / sizeof(*threads); k++) {
		ds = begin(NULL);
		for (i = 0; i < FILES; i++)
			assert_int_equal(
				sm_digests_add(ds, paths[i], false, &err), 0);
		assert_true(sm_digests_left(ds) >=
			    sizes[0] + sizes[2] + sizes[4]);
		sm_digests_start(ds, threads[k]);
		assert_int_equal(sm_digests_end(ds, &err), 0);
		for (i = 0; i < FILES; i++) {
			sm_digests_get(&d, ds, i);
			assert_int_equal(sm_digest_file(&one, paths[i], false,
							NULL, NULL, &err),
					 0);
			assert_int_equal(d.size, sizes[i]);
			assert_int_equal(d.crc32, crcs[i]);
			assert_int_equal(d.crc32, one.crc32);
			assert_int_equal(d.mtime_ns, one.mtime_ns);
			assert_false(d.sampled);
		}
		sm_digests_free(ds);
	}
}

/* Samples are read at once. */
static void
test_sampled(void **state)
{
	struct sm_digests *ds = begin(NULL);
	struct sm_digest d, one;

	(void)state;
	assert_int_equal(sm_digests_add(ds, paths[2], true, &err), 0);
	assert_int_equal(sm_digests_left(ds), 0);
	sm_digests_start(ds, 2);
	assert_int_equal(sm_digests_end(ds, &err), 0);
	sm_digests_get(&d, ds, 0);
	assert_int_equal(sm_digest_file(&one, paths[2], true, NULL, NULL, &err),
			 0);
	assert_true(d.sampled);
	assert_int_equal(d.crc32, one.crc32);
	sm_digests_free(ds);
}

static void
expect_failure(struct sm_digests *ds, const char *path, const char *text)
{
	err = (struct sm_err){ 0 };
	assert_int_equal(sm_digests_end(ds, &err), SM_EINPUT);
	assert_non_null(strstr(err.text, path));
	assert_non_null(strstr(err.text, text));
	sm_digests_free(ds);
}

static void
test_changed(void **state)
{
	struct sm_digests *ds;
	size_t i;

	(void)state;
	/* Between the look at it and its first piece. */
	ds = begin(NULL);
	assert_int_equal(sm_digests_add(ds, paths[0], false, &err), 0);
	change(paths[0]);
	sm_digests_start(ds, 2);
	expect_failure(ds, paths[0], "its time set back");

	/* Gone, and the file after it changed: the first is told. */
	for (i = 0; i < 20; i++) {
		ds = begin(NULL);
		assert_int_equal(sm_digests_add(ds, paths[2], false, &err), 0);
		assert_int_equal(sm_digests_add(ds, paths[0], false, &err), 0);
		change(paths[0]);
		assert_int_equal(unlink(paths[2]), 0);
		sm_digests_start(ds, 3);
		expect_failure(ds, paths[2], "No such file");
		make_file(paths[2], sizes[2], &crcs[2]);
	}
	make_file(paths[0], sizes[0], &crcs[0]);
}

/* What the caller has read meanwhile may be of other bytes. */
static void
test_changed_beside(void **state)
{
	struct sm_digests *ds = begin(NULL);
	int ret = SM_EINPUT;

	(void)state;
	assert_int_equal(sm_digests_add(ds, paths[0], false, &err), 0);
	change(paths[0]);
	sm_err_set(&err, SM_EINPUT, "something in it");
	assert_int_equal(sm_digests_give_up(ds, ret, &err), SM_EINPUT);
	assert_non_null(strstr(err.text, "its time set back"));
	sm_digests_free(ds);

	/* Unchanged: then it is as the caller says. */
	make_file(paths[0], sizes[0], &crcs[0]);
	ds = begin(NULL);
	assert_int_equal(sm_digests_add(ds, paths[0], false, &err), 0);
	sm_digests_start(ds, 2);
	sm_err_set(&err, SM_EIO, "something else");
	assert_int_equal(sm_digests_give_up(ds, SM_EIO, &err), SM_EIO);
	assert_string_equal(err.text, "something else");
	sm_digests_free(ds);
}

static bool shorten;

static void
see_progress(const struct sm_progress *p, void *arg)
{
	unsigned *seen = arg;

	assert_string_equal(p->phase, "digest");
	assert_true(p->done <= p->total);
	if (p->done > 0 && (*seen)++ == 0 && shorten)
		assert_int_equal(truncate(paths[2], (off_t)(5 * MIB)), 0);
}

/* Without threads the caller reads it all, and tells how far it is. */
static void
test_progress(void **state)
{
	unsigned seen = 0;
	struct sm_events ev = { .progress = see_progress, .arg = &seen };
	struct sm_digests *ds = begin(&ev);

	(void)state;
	shorten = false;
	assert_int_equal(sm_digests_add(ds, paths[2], false, &err), 0);
	assert_int_equal(sm_digests_end(ds, &err), 0);
	assert_true(seen > 0);
	sm_digests_free(ds);

	seen = 0;
	shorten = true;
	ds = begin(&ev);
	assert_int_equal(sm_digests_add(ds, paths[2], false, &err), 0);
	expect_failure(ds, paths[2], "shrank");
	make_file(paths[2], sizes[2], &crcs[2]);
}

static void
test_stopped(void **state)
{
	volatile sig_atomic_t stop = 1;
	struct sm_events ev = { .stop = &stop };
	struct sm_digests *ds = begin(&ev);

	(void)state;
	assert_int_equal(sm_digests_add(ds, paths[0], false, &err), 0);
	sm_digests_start(ds, 1);
	assert_int_equal(sm_digests_end(ds, &err), SM_ESTOPPED);
	sm_digests_free(ds);
}

static void
test_unreadable(void **state)
{
	struct sm_digests *ds = begin(NULL);

	(void)state;
	assert_int_equal(sm_digests_add(ds, "/nonexistent/x", false, &err),
			 SM_EINPUT);
	assert_int_equal(sm_digests_add(ds, dir, false, &err), SM_EINPUT);
	sm_digests_free(ds);
	sm_digests_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_sampled),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_changed_beside),
		cmocka_unit_test(test_progress),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_unreadable),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
