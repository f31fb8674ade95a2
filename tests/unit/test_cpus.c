/*
 * The CPUs of a process: quotas, as containers and systemd set them, affinity
 * masks of more CPUs than this machine has, and what is told of them.
 */
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "cpus.h"
#include "planning.h"

static char folder[] = "/tmp/shardmill-cpus-XXXXXX";

#include "put_file.h"

/*
 * The linker hands the mask's reader over (tests/CMakeLists.txt): a kernel with
 * room for `kernel_bits` CPUs, all of which this process may use; 0: the real
 * one.
 */
static size_t kernel_bits;
static unsigned asked;

int __real_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set);
int __wrap_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set);

int
__wrap_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
	asked++;
	if (kernel_bits == 0)
		return __real_sched_getaffinity(pid, size, set);
	if (size * CHAR_BIT < kernel_bits) {
		errno = EINVAL;
		return -1;
	}
	memset(set, 0, size);
	memset(set, 0xff, kernel_bits / CHAR_BIT);
	return 0;
}

/* The mount point is in the folder; the mount shows `root` there. */
static void
put_mount(const char *root, const char *type, const char *options)
{
	char line[512];

	snprintf(line, sizeof(line),
		 "22 1 0:5 / / rw - ext4 /dev/vda rw\n"
		 "31 22 0:27 %s %s/fs rw,nosuid shared:9 - %s cgroup rw%s\n",
		 root, folder, type, options);
	put("mountinfo", line);
}

static int
begin(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	return 0;
}

static int
end(void **state)
{
	char command[300];

	(void)state;
	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	return system(command);
}

static void
test_version_2(void **state)
{
	(void)state;
	assert_int_equal(sm_cpus_quota(folder), INT_MAX);
	put("cgroup", "0::/user.slice/job.scope\n");
	assert_int_equal(sm_cpus_quota(folder), INT_MAX);
	put_mount("/", "cgroup2", "");
	assert_int_equal(sm_cpus_quota(folder), INT_MAX);
	put("fs/user.slice/job.scope/cpu.max", "max 100000\n");
	assert_int_equal(sm_cpus_quota(folder), INT_MAX);
	/* A quota above the group counts, and the least of all. */
	put("fs/user.slice/cpu.max", "350000 100000\n");
	assert_int_equal(sm_cpus_quota(folder), 4);
	put("fs/user.slice/job.scope/cpu.max", "200000 100000\n");
	assert_int_equal(sm_cpus_quota(folder), 2);
	put("fs/cpu.max", "1000 100000\n");
	assert_int_equal(sm_cpus_quota(folder), 1);
	put("fs/cpu.max", "nonsense");
	assert_int_equal(sm_cpus_quota(folder), 2);
	/* A container sees its group as the root of the mount ... */
	put_mount("/user.slice", "cgroup2", "");
	put("fs/job.scope/cpu.max", "300000 100000\n");
	assert_int_equal(sm_cpus_quota(folder), 3);
	/* ... or, with a namespace of its own, in both places. */
	put("cgroup", "0::/\n");
	put("fs/cpu.max", "500000 100000\n");
	put_mount("/", "cgroup2", "");
	assert_int_equal(sm_cpus_quota(folder), 5);
}

static void
test_version_1(void **state)
{
	(void)state;
	put("cgroup", "5:cpuset:/x\n3:cpu,cpuacct:/docker/abc\n0::/\n");
	put_mount("/docker/abc", "cgroup", ",cpu,cpuacct");
	put("fs/cpu.cfs_quota_us", "-1\n");
	put("fs/cpu.cfs_period_us", "100000\n");
	assert_int_equal(sm_cpus_quota(folder), INT_MAX);
	put("fs/cpu.cfs_quota_us", "50000\n");
	assert_int_equal(sm_cpus_quota(folder), 1);
	put("fs/cpu.cfs_quota_us", "600000\n");
	assert_int_equal(sm_cpus_quota(folder), 6);
	/* The mount of another controller says nothing. */
	put_mount("/docker/abc", "cgroup", ",cpuset");
	assert_int_equal(sm_cpus_quota(folder), INT_MAX);
}

static void
test_here(void **state)
{
	bool quota;
	int cpus = sm_cpus(&quota, "/proc/self");

	(void)state;
	assert_true(cpus >= 1);
	assert_int_equal(sm_cpus(NULL, "/proc/self"), cpus);
	if (quota)
		assert_int_equal(cpus, sm_cpus_quota("/proc/self"));
}

/* More CPUs than a cpu_set_t has bits. */
static void
test_many(void **state)
{
	static const size_t bits[] = { 1024, 1032, 2048, 5000, 8192, 1 << 20 };
	bool quota = true;
	size_t i;

	(void)state;
	put("cgroup", "");
	for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		kernel_bits = bits[i];
		assert_int_equal(sm_cpus(&quota, folder), bits[i]);
		assert_false(quota);
	}
	/* One that never is long enough: the end of asking. */
	kernel_bits = SIZE_MAX;
	asked = 0;
	assert_int_equal(sm_cpus(&quota, folder), 1);
	assert_in_range(asked, 2, 30);
	kernel_bits = 0;
}

static unsigned notices;
static char notice[SM_ERR_TEXT];

static void
noticed(const char *text, void *arg)
{
	(void)arg;
	notices++;
	snprintf(notice, sizeof(notice), "%s", text);
}

/* Of a job without -j: told where the quota decides, and only there. */
static void
test_told(void **state)
{
	const struct sm_events ev = { .notice = noticed };

	(void)state;
	kernel_bits = 64;
	put("cgroup", "0::/job.scope\n");
	put_mount("/", "cgroup2", "");
	put("fs/job.scope/cpu.max", "max 100000\n");
	put("fs/cpu.max", "max 100000\n");
	assert_int_equal(sm_planning_workers(folder, &ev), 64);
	put("fs/job.scope/cpu.max", "6400000 100000\n");
	assert_int_equal(sm_planning_workers(folder, &ev), 64);
	assert_int_equal(notices, 0);
	put("fs/job.scope/cpu.max", "250000 100000\n");
	assert_int_equal(sm_planning_workers(folder, &ev), 3);
	assert_int_equal(notices, 1);
	assert_string_equal(
		notice,
		"3 workers: the CPU quota of this control "
		"group allows no more; sm_settings.workers says otherwise");
	/* Of the group above, and half a CPU. */
	put("fs/cpu.max", "50000 100000\n");
	assert_int_equal(sm_planning_workers(folder, &ev), 1);
	assert_int_equal(notices, 2);
	assert_string_equal(
		notice,
		"1 worker: the CPU quota of this control "
		"group allows no more; sm_settings.workers says otherwise");
	kernel_bits = 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version_2),
		cmocka_unit_test(test_version_1),
		cmocka_unit_test(test_here),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_told),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
