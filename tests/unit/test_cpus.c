/* CPU quotas, as containers and systemd set them. */
#include <limits.h>
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

static char folder[] = "/tmp/shardmill-cpus-XXXXXX";

#include "put_file.h"

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
	int cpus = sm_cpus(&quota);

	(void)state;
	assert_true(cpus >= 1);
	assert_int_equal(sm_cpus(NULL), cpus);
	if (quota)
		assert_int_equal(cpus, sm_cpus_quota("/proc/self"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version_2),
		cmocka_unit_test(test_version_1),
		cmocka_unit_test(test_here),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
