/* What a directory's file system does, and of which type it is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "dir.h"
#include "live.h"
#include "lock.h"
#include "mount.h"
#include "probe.h"
#include "proc.h"

#include "input_file.h"
#include "open_files.h"

#define LEFT "/.shardmill-probe.0123456789abcdef.tmp"

static struct sm_err err;

static int
names(void)
{
	const char *name;
	struct sm_dir d;
	int n = 0;

	sm_dir_open(&d, input_dir(), ".");
	while (sm_dir_next(&name, &d) > 0)
		n++;
	sm_dir_close(&d);
	return n;
}

static void
test_works(void **state)
{
	char why[SM_PROBE_WHY] = "";
	int before;

	(void)state;
	input_dir();
	before = open_files();
	assert_int_equal(sm_probe(why, input_dir(), SM_PROBE_FILE, &err), 1);
	assert_int_equal(sm_probe(why, input_dir(), SM_PROBE_JOB, &err), 1);
	assert_string_equal(why, "");
	assert_int_equal(names(), 0);
	assert_int_equal(open_files(), before);
}

/* What cannot be tried is no verdict. */
static void
test_cannot(void **state)
{
	char why[SM_PROBE_WHY] = "";
	int fd = open("/proc/self", O_RDONLY | O_DIRECTORY);

	(void)state;
	assert_true(fd >= 0);
	assert_true(sm_probe(why, fd, SM_PROBE_JOB, &err) < 0);
	assert_non_null(strstr(err.text, "to try what the file system does"));
	close(fd);
}

/* A killed one's goes after an hour: until then it may be at work. */
static void
test_left(void **state)
{
	struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	char why[SM_PROBE_WHY];

	(void)state;
	assert_int_equal(mkdirat(input_dir(), &LEFT[1], 0700), 0);
	assert_int_equal(mkdirat(input_dir(), "mine.tmp", 0700), 0);
	assert_int_equal(sm_probe(why, input_dir(), SM_PROBE_FILE, &err), 1);
	assert_int_equal(names(), 2);
	assert_int_equal(utimensat(input_dir(), &LEFT[1], old, 0), 0);
	assert_int_equal(utimensat(input_dir(), "mine.tmp", old, 0), 0);
	assert_int_equal(sm_probe(why, input_dir(), SM_PROBE_FILE, &err), 1);
	assert_int_equal(names(), 1);
	assert_int_equal(unlinkat(input_dir(), "mine.tmp", AT_REMOVEDIR), 0);
}

static void
test_mount(void **state)
{
	static const char line[] =
		"36 35 98:0 / /mnt/a\\040-\\040b rw,noatime master:1 - "
		"fuse.sshfs host:/ rw\n";
	char type[SM_MOUNT_TYPE_MAX] = "before";
	struct sm_mount m;

	(void)state;
	assert_false(sm_mount_parse(type, line, 3));
	assert_false(sm_mount_parse(type, "36 35 98:0 / /mnt rw\n", 36));
	assert_false(sm_mount_parse(type, "", 36));
	assert_false(sm_mount_parse(type, "36 - ", 36));
	assert_string_equal(type, "before");
	assert_true(sm_mount_parse(type, line, 36));
	assert_string_equal(type, "fuse.sshfs");
	sm_mount_of(&m, -1);
	assert_false(m.is_remote);
	assert_true(m.type[0] != '\0');
	sm_mount_of(&m, open("/proc/self", O_RDONLY | O_DIRECTORY));
	assert_string_equal(m.type, "proc");
	assert_false(m.is_fuse || m.is_network || m.is_remote || m.note);
}

/* The start of a process, read in two ways. */
static void
test_start(void **state)
{
	struct sm_proc p;

	(void)state;
	assert_true(sm_proc_get(&p, getpid()));
	assert_true(p.start > 0);
	assert_true(p.start == sm_live_pid_start(getpid()));
	assert_int_equal(p.state, 'R');
}

/* Names that are used once, and what is left of them. */
static void
test_names(void **state)
{
	char a[SM_TMP_MAX], b[SM_TMP_MAX], c[SM_TMP_MAX], long_name[300];
	int fa, fb, fc;

	(void)state;
	assert_int_equal(sm_tmp_create(&fa, a, input_dir(), "x", &err), 0);
	assert_int_equal(sm_tmp_create(&fb, b, input_dir(), "x", &err), 0);
	assert_int_equal(sm_tmp_create(&fc, c, input_dir(), "x.y", &err), 0);
	assert_string_not_equal(a, b);
	assert_int_equal(strlen(a), strlen("x.0123456789abcdef.tmp"));
	assert_int_equal(sm_byte_lock(fa, 0), 1);
	/* Of that name alone, and none that somebody writes. */
	sm_tmp_sweep(input_dir(), "x");
	assert_int_equal(names(), 2);
	assert_int_equal(faccessat(input_dir(), b, F_OK, 0), -1);
	close(fa);
	close(fb);
	close(fc);
	sm_tmp_sweep(input_dir(), "x");
	sm_tmp_sweep(input_dir(), "x.y");
	assert_int_equal(names(), 0);
	assert_int_equal(sm_tmp_create_nameless(&fa, input_dir(), "x", &err),
			 0);
	assert_int_equal(names(), 0);
	assert_int_equal(write(fa, "x", 1), 1);
	close(fa);
	memset(long_name, 'n', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(sm_tmp_create(&fa, a, input_dir(), long_name, &err),
			 SM_EUSAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_works), cmocka_unit_test(test_cannot),
		cmocka_unit_test(test_left),  cmocka_unit_test(test_mount),
		cmocka_unit_test(test_start), cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, input_cleanup);
}
