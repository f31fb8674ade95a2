/* Memory limits and OOM kills, as control groups tell them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "memory.h"

static char folder[] = "/tmp/shardmill-memory-XXXXXX";
static char proc[64];

#include "put_file.h"

static void
put_mount(const char *root, const char *type, const char *options)
{
	char line[512];

	snprintf(line, sizeof(line),
		 "31 22 0:27 %s %s/fs rw,nosuid shared:9 - %s cgroup rw%s\n",
		 root, folder, type, options);
	put("self/mountinfo", line);
}

static int
begin(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(proc, sizeof(proc), "%s/self", folder);
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
	assert_true(sm_memory_limit(proc) == UINT64_MAX);
	assert_int_equal(sm_memory_oom_kills(proc), -1);
	put("self/cgroup", "0::/user.slice/job.scope\n");
	put_mount("/", "cgroup2", "");
	put("fs/user.slice/job.scope/memory.max", "max\n");
	assert_true(sm_memory_limit(proc) == UINT64_MAX);
	put("fs/user.slice/memory.max", "3000000000\n");
	assert_int_equal(sm_memory_limit(proc), 3000000000);
	put("fs/user.slice/job.scope/memory.max", "4000000000\n");
	assert_int_equal(sm_memory_limit(proc), 3000000000);
	put("fs/user.slice/job.scope/memory.max", "2000\n");
	assert_int_equal(sm_memory_limit(proc), 2000);

	/* The machine's, until the group counts. */
	put("vmstat", "nr_free_pages 5\noom_kill 7\nswap_ra 1\n");
	assert_int_equal(sm_memory_oom_kills(proc), 7);
	put("fs/user.slice/job.scope/memory.events",
	    "low 0\nhigh 0\nmax 12\noom 4\noom_kill 3\noom_group_kill 9\n");
	assert_int_equal(sm_memory_oom_kills(proc), 3);
	put("fs/user.slice/job.scope/memory.events", "oom 4\noom_group_kill 9");
	assert_int_equal(sm_memory_oom_kills(proc), 7);
}

static void
test_version_1(void **state)
{
	(void)state;
	put("self/cgroup", "5:cpuset:/x\n3:memory:/docker/abc\n0::/\n");
	put_mount("/docker/abc", "cgroup", ",memory");
	put("fs/memory.limit_in_bytes", "9223372036854771712\n");
	put("fs/memory.oom_control",
	    "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
	assert_true(sm_memory_limit(proc) == UINT64_MAX);
	assert_int_equal(sm_memory_oom_kills(proc), 2);
	put("fs/memory.limit_in_bytes", "83886080\n");
	assert_int_equal(sm_memory_limit(proc), 83886080);
}

static void
test_watch(void **state)
{
	struct sm_memory_watch w;

	(void)state;
	put("fs/memory.oom_control", "oom_kill 2\n");
	sm_memory_watch_begin(&w, proc);
	assert_int_equal(sm_memory_watch_look(&w), SM_MEMORY_SPARED);
	put("fs/memory.oom_control", "oom_kill 3\n");
	assert_int_equal(sm_memory_watch_look(&w), SM_MEMORY_KILLED);
	assert_int_equal(sm_memory_watch_look(&w), SM_MEMORY_SPARED);
	sm_memory_watch_begin(&w, "/nonexistent");
	assert_int_equal(sm_memory_watch_look(&w), SM_MEMORY_UNKNOWN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version_2),
		cmocka_unit_test(test_version_1),
		cmocka_unit_test(test_watch),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
