/* What doctor says of a host whose control groups are made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "doctor.h"

static char folder[] = "/tmp/shardmill-doctor-XXXXXX";
static char proc[64];

/* The check that is looked for, as it was told last. */
static struct {
	const char *name;
	int health;
	char text[SM_ERR_TEXT], advice[SM_ERR_TEXT];
	unsigned times;
} seen;

#include "put_file.h"

static int
begin(void **state)
{
	char line[512];

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(proc, sizeof(proc), "%s/self", folder);
	snprintf(line, sizeof(line),
		 "31 22 0:27 / %s/fs rw shared:9 - cgroup2 cgroup rw\n",
		 folder);
	put("self/cgroup", "0::/job.scope\n");
	put("self/mountinfo", line);
	put("fs/job.scope/none", "");
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
checked(const struct sm_check *c, void *arg)
{
	(void)arg;
	assert_true(c->health >= SM_HEALTH_FINE && c->health <= SM_HEALTH_BAD);
	assert_true(c->text && *c->text);
	if (strcmp(c->name, seen.name) != 0)
		return;
	seen.times++;
	seen.health = c->health;
	snprintf(seen.text, sizeof(seen.text), "%s", c->text);
	snprintf(seen.advice, sizeof(seen.advice), "%s",
		 c->advice ? c->advice : "");
}

/* Look at the host, for the check `name`. */
static struct sm_doctor_result
look(const char *name)
{
	struct sm_doctor_opts opts = { .checked = checked };
	struct sm_doctor_result result = { 0 };
	struct sm_doctor d = { .opts = &opts, .result = &result };

	seen.name = name;
	seen.times = 0;
	sm_doctor_host(&d, proc);
	assert_int_equal(seen.times, 1);
	assert_int_equal(d.first.code != 0, result.bad > 0);
	return result;
}

static void
test_memory(void **state)
{
	(void)state;
	look("memory");
	assert_int_equal(seen.health, SM_HEALTH_FINE);
	put("fs/job.scope/memory.max", "2000000\n");
	look("memory");
	assert_int_equal(seen.health, SM_HEALTH_WARNING);
	assert_non_null(strstr(seen.text, "2 MB of this control group"));
	assert_non_null(strstr(seen.advice, "-j"));
}

static void
test_processes(void **state)
{
	(void)state;
	put("fs/job.scope/pids.max", "max\n");
	put("fs/job.scope/pids.current", "3\n");
	put("fs/pids.max", "100000\n");
	put("fs/pids.current", "3\n");
	look("processes");
	assert_null(strstr(seen.text, "control group"));
	put("fs/pids.max", "7\n");
	look("processes");
	assert_int_equal(seen.health, SM_HEALTH_WARNING);
	assert_non_null(strstr(seen.text, "allows 4 more"));
	/* More than it may have: its limit was lowered. */
	put("fs/pids.current", "9\n");
	look("processes");
	assert_non_null(strstr(seen.text, "allows 0 more"));
}

static void
test_no_proc(void **state)
{
	struct sm_doctor_result r;

	(void)state;
	r = look("/proc");
	assert_int_equal(seen.health, SM_HEALTH_BAD);
	assert_int_equal(r.bad, 1);
	assert_non_null(strstr(seen.advice, "mount"));
	put("self/stat", "1 (x) S\n");
	r = look("/proc");
	assert_int_equal(seen.health, SM_HEALTH_FINE);
	assert_int_equal(r.bad, 0);
}

/* NULL as err, and nobody who listens. */
static void
test_silent(void **state)
{
	struct sm_doctor_opts opts = { 0 };
	struct sm_doctor_result result;
	struct sm_about about;

	(void)state;
	assert_int_equal(sm_doctor(&result, folder, &opts, NULL), 0);
	assert_true(result.fine + result.warnings >= 15);
	assert_int_equal(result.bad, 0);
	assert_int_equal(sm_doctor(&result, "/nowhere", &opts, NULL),
			 SM_EINPUT);
	assert_int_equal(result.fine, 0);
	sm_about(&about);
	assert_string_equal(about.version, SHARDMILL_VERSION);
	assert_true(*about.commit && *about.sqlite && *about.zlib &&
		    *about.jansson);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_processes),
		cmocka_unit_test(test_no_proc),
	};

	sm_say_typed(true); /* as the program says it */
	return cmocka_run_group_tests(tests, begin, end);
}
