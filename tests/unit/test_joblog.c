/* JOB/log: whole lines, a bound, and one line for each reason. */
#include <fcntl.h>
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

#include "joblog.h"

static char dir[] = "/tmp/shardmill-test.XXXXXX";
static int dirfd_;
static char told[100][SM_ERR_TEXT + 64];
static int tolds;

static void
joblog_told(const char *text, void *arg)
{
	assert_ptr_equal(arg, &tolds);
	snprintf(told[tolds++ % 100], sizeof(told[0]), "%s", text);
}

static long
joblog_size(const char *name)
{
	struct stat st;

	return fstatat(dirfd_, name, &st, 0) < 0 ? -1 : (long)st.st_size;
}

/* Lines of the log, each of which must be whole. */
static int
joblog_lines(const char *name)
{
	int fd = openat(dirfd_, name, O_RDONLY), n = 0;
	FILE *f = fdopen(fd, "r");
	char line[4096];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		assert_int_equal(line[strlen(line) - 1], '\n');
		assert_int_equal(line[4], '-');
		assert_non_null(strstr(line, "] "));
		n++;
	}
	fclose(f);
	return n;
}

static void
test_reasons(void **state)
{
	struct sm_events to = { .notice = joblog_told, .arg = &tolds };
	struct sm_joblog l;
	int i;

	(void)state;
	sm_joblog_open(&l, dirfd_, &to);
	assert_null(l.events.progress);
	for (i = 0; i < 137; i++)
		sm_event_notice(&l.events, "batch %d: no '%d.txt'", i, i);
	for (i = 0; i < 3; i++)
		sm_event_notice(&l.events, "the job is paused");
	sm_event_notice(&l.events, "batch 9: another thing");
	assert_int_equal(tolds, 7);
	assert_string_equal(told[0], "batch 0: no '0.txt'");
	assert_non_null(strstr(told[1], "batch 9: no '9.txt' ("));
	assert_non_null(strstr(told[2], "batch 99: no '99.txt' ("));
	sm_joblog_close(&l);
	assert_int_equal(tolds, 8);
	assert_string_equal(told[7], "137 times in all: batch N: no '*'");
	assert_int_equal(joblog_lines("log"), 8);
}

/* More reasons than are counted are told each time, and nothing is lost. */
static void
test_many_reasons(void **state)
{
	struct sm_events to = { .notice = joblog_told, .arg = &tolds };
	struct sm_joblog l;
	char word[8] = "a";
	int i, turn;

	(void)state;
	tolds = 0;
	sm_joblog_open(&l, dirfd_, &to);
	for (turn = 0; turn < 2; turn++)
		for (i = 0; i < SM_JOBLOG_REASONS + 2; i++) {
			word[0] = (char)('A' + i);
			sm_event_notice(&l.events, "batch 1: %s", word);
		}
	assert_int_equal(tolds, SM_JOBLOG_REASONS + 4);
	sm_joblog_close(&l);
}

static void
test_bound(void **state)
{
	struct sm_events none = { .arg = NULL };
	struct sm_joblog l;
	int i;

	(void)state;
	sm_joblog_open(&l, dirfd_, &none);
	for (i = 0; i < 30000; i++)
		sm_event_notice(&l.events,
				"a line of some length, with a\nnewline and "
				"number %d",
				i);
	assert_true(joblog_size("log") > 0);
	assert_true(joblog_size("log") <= SM_JOBLOG_MAX);
	assert_true(joblog_size("log.1") <= SM_JOBLOG_MAX);
	assert_true(joblog_size("log.1") > SM_JOBLOG_MAX - 4096);
	assert_true(joblog_lines("log") > 0);
	assert_true(joblog_lines("log.1") > 1000);
	sm_joblog_close(&l);
}

/* What cannot be written is not told, and nothing else happens. */
static void
test_no_log(void **state)
{
	struct sm_events to = { .notice = joblog_told, .arg = &tolds };
	struct sm_joblog l;

	(void)state;
	tolds = 0;
	unlinkat(dirfd_, "log", 0);
	assert_int_equal(mkdirat(dirfd_, "log", 0700), 0);
	sm_joblog_open(&l, dirfd_, &to);
	sm_event_notice(&l.events, "one");
	assert_int_equal(unlinkat(dirfd_, "log", AT_REMOVEDIR), 0);
	/* Nor is a link followed, or a pipe waited for. */
	assert_int_equal(symlinkat("elsewhere", dirfd_, "log"), 0);
	sm_event_notice(&l.events, "two");
	assert_int_equal(joblog_size("elsewhere"), -1);
	unlinkat(dirfd_, "log", 0);
	assert_int_equal(mkfifoat(dirfd_, "log", 0600), 0);
	sm_event_notice(&l.events, "three");
	assert_int_equal(tolds, 3);
	sm_joblog_close(&l);
	unlinkat(dirfd_, "log", 0);
}

static int
joblog_setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY);
	return dirfd_ < 0 ? -1 : 0;
}

static int
joblog_teardown(void **state)
{
	(void)state;
	unlinkat(dirfd_, "log", 0);
	unlinkat(dirfd_, "log.1", 0);
	close(dirfd_);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_many_reasons),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_no_log),
	};

	return cmocka_run_group_tests(tests, joblog_setup, joblog_teardown);
}
