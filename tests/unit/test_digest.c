#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "file.h"
#include "rand.h"

#include "crc32.h"

#include "digest.h"

#define MIB   ((size_t)1 << 20)
#define BLOCK ((size_t)64 * 1024)

static char test_path[] = "/tmp/test_digest.XXXXXX";
static struct sm_err err;

static int
setup(void **state)
{
	int fd = mkstemp(test_path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int
teardown(void **state)
{
	(void)state;
	return unlink(test_path);
}

/* A new file of `len` pseudo-random bytes, returned as well; free() it. */
static unsigned char *
make_file(size_t len)
{
	unsigned char *p = malloc(len + 1);
	uint64_t seed = len;
	size_t i;
	int fd;

	assert_non_null(p);
	for (i = 0; i < len; i++)
		p[i] = (unsigned char)sm_rand_next(&seed);
	fd = open(test_path, O_WRONLY | O_TRUNC);
	assert_true(fd >= 0);
	assert_int_equal(sm_write_all(fd, p, len), 0);
	close(fd);
	return p;
}

static void
set_byte(uint64_t at, unsigned char value)
{
	int fd = open(test_path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(sm_pwrite_all(fd, &value, 1, at), 0);
	close(fd);
}

static uint32_t
crc_of(bool sampled)
{
	struct sm_digest d = { 0 };

	assert_int_equal(
		sm_digest_file(&d, test_path, sampled, NULL, NULL, &err), 0);
	return d.crc32;
}

static void
test_whole(void **state)
{
	static const size_t sizes[] = {
		0, 1, 1000, 256 * 1024, 256 * 1024 + 1, 3 * MIB + 17, 9 * MIB
	};
	struct sm_digest d, s;
	unsigned char *p;
	struct stat st;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		p = make_file(sizes[i]);
		assert_int_equal(
			sm_digest_file(&d, test_path, false, NULL, NULL, &err),
			0);
		assert_int_equal(stat(test_path, &st), 0);
		assert_int_equal(d.size, sizes[i]);
		assert_int_equal(d.crc32, sm_crc32(0, p, sizes[i]));
		assert_int_equal(d.mtime_ns,
				 (int64_t)st.st_mtim.tv_sec * 1000000000 +
					 st.st_mtim.tv_nsec);
		assert_false(d.sampled);

		s = (struct sm_digest){ .crc32 = 42 };
		assert_int_equal(sm_digest_stat(&s, test_path, &err), 0);
		assert_int_equal(s.size, d.size);
		assert_int_equal(s.mtime_ns, d.mtime_ns);
		assert_int_equal(s.crc32, 42);
		free(p);
	}
}

static void
test_small_is_whole(void **state)
{
	unsigned char *p = make_file(8 * MIB - 1);
	struct sm_digest d;

	(void)state;
	assert_int_equal(sm_digest_file(&d, test_path, true, NULL, NULL, &err),
			 0);
	assert_false(d.sampled);
	assert_int_equal(d.crc32, sm_crc32(0, p, 8 * MIB - 1));
	free(p);
}

static void
test_sampled(void **state)
{
	size_t size = 8 * MIB + 4321, i, at;
	unsigned char *p = make_file(size);
	struct sm_digest d;
	uint32_t crc = 0;

	(void)state;
	for (i = 0; i < 64; i++) {
		at = (size - BLOCK) * i / 63;
		crc = sm_crc32(crc, p + at, BLOCK);
	}
	assert_int_equal(sm_digest_file(&d, test_path, true, NULL, NULL, &err),
			 0);
	assert_true(d.sampled);
	assert_int_equal(d.size, size);
	assert_int_equal(d.crc32, crc);

	/* both ends count, and what lies between two blocks does not */
	set_byte(0, (unsigned char)~p[0]);
	assert_int_not_equal(crc_of(true), crc);
	set_byte(0, p[0]);
	set_byte(size - 1, (unsigned char)~p[size - 1]);
	assert_int_not_equal(crc_of(true), crc);
	set_byte(size - 1, p[size - 1]);
	set_byte(BLOCK, (unsigned char)~p[BLOCK]);
	assert_int_equal(crc_of(true), crc);
	assert_int_not_equal(crc_of(false), sm_crc32(0, p, size));
	free(p);
}

/* A sparse file of 8 TiB is sampled at once. */
static void
test_huge(void **state)
{
	struct sm_digest d;

	(void)state;
	free(make_file(0));
	if (truncate(test_path, (off_t)8 << 40) < 0)
		skip(); /* this file system has no files of that size */
	assert_int_equal(sm_digest_file(&d, test_path, true, NULL, NULL, &err),
			 0);
	assert_int_equal(d.size, UINT64_C(8) << 40);
}

struct seen {
	uint64_t done, total, calls;
	off_t truncate_to; /* at the second call, unless negative */
	bool write;        /* at the second call */
};

static void
see_progress(uint64_t done, uint64_t total, void *arg)
{
	struct seen *s = arg;

	assert_true(done > s->done && done <= total);
	s->done = done;
	s->total = total;
	if (++s->calls != 2)
		return;
	if (s->truncate_to >= 0)
		assert_int_equal(truncate(test_path, s->truncate_to), 0);
	if (s->write)
		set_byte(0, 1);
}

static void
test_progress(void **state)
{
	struct seen s = { .truncate_to = -1 };
	struct sm_digest d;

	(void)state;
	free(make_file(2 * MIB + 5));
	assert_int_equal(
		sm_digest_file(&d, test_path, false, see_progress, &s, &err),
		0);
	assert_int_equal(s.done, 2 * MIB + 5);
	assert_int_equal(s.total, 2 * MIB + 5);
	assert_int_equal(s.calls, 9);
}

static void
check_changed(struct seen s, const char *text)
{
	/* an old mtime: a write within the clock's tick must show */
	const struct timespec old[2] = { { .tv_sec = 1000000000 },
					 { .tv_sec = 1000000000 } };
	struct sm_digest d = { .crc32 = 42 };

	free(make_file(2 * MIB));
	assert_int_equal(utimensat(AT_FDCWD, test_path, old, 0), 0);
	assert_int_equal(
		sm_digest_file(&d, test_path, false, see_progress, &s, &err),
		SM_EINPUT);
	assert_non_null(strstr(err.text, text));
	assert_non_null(strstr(err.text, test_path));
	assert_int_equal(d.crc32, 42);
}

static void
test_changes_meanwhile(void **state)
{
	(void)state;
	check_changed((struct seen){ .truncate_to = MIB }, "shrank");
	check_changed((struct seen){ .truncate_to = 0 }, "shrank");
	check_changed((struct seen){ .truncate_to = 3 * MIB },
		      "it had 2097152 bytes and has 3145728");
	check_changed((struct seen){ .truncate_to = -1, .write = true },
		      "was written to");
}

static void
test_unreadable(void **state)
{
	struct sm_digest d;

	(void)state;
	assert_int_equal(
		sm_digest_file(&d, "/nonexistent/x", false, NULL, NULL, &err),
		SM_EINPUT);
	assert_int_equal(sm_digest_stat(&d, "/nonexistent/x", &err), SM_EINPUT);
	assert_int_equal(sm_digest_file(&d, "/tmp", false, NULL, NULL, &err),
			 SM_EINPUT);
	assert_int_equal(sm_digest_stat(&d, "/dev/null", &err), SM_EINPUT);
}

/* Of the first bytes of a file that grew, as of the file that it was. */
static void
test_prefix(void **state)
{
	static const size_t sizes[] = { 0, 100, 8 * MIB - 1, 8 * MIB + 17 };
	struct sm_digest was, now, all;
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		free(make_file(sizes[i]));
		assert_int_equal(
			sm_digest_file(&was, test_path, true, NULL, NULL, &err),
			0);
		fd = open(test_path, O_WRONLY | O_APPEND);
		assert_int_equal(sm_write_all(fd, "and more", 8), 0);
		close(fd);
		assert_int_equal(
			sm_digest_prefix(&now, test_path, sizes[i], true, &err),
			0);
		assert_true(now.size == was.size);
		assert_int_equal(now.crc32, was.crc32);
		assert_int_equal(now.sampled, was.sampled);
		assert_int_equal(
			sm_digest_file(&all, test_path, true, NULL, NULL, &err),
			0);
		assert_true(all.size == was.size + 8);
		assert_int_not_equal(all.crc32, was.crc32);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_small_is_whole),
		cmocka_unit_test(test_sampled),
		cmocka_unit_test(test_huge),
		cmocka_unit_test(test_progress),
		cmocka_unit_test(test_changes_meanwhile),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_prefix),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
