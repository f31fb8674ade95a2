#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "libc.h"

#define MANY 200

static void
test_reason(void **state)
{
	char buf[256];
	int sys;

	(void)state;
	for (sys = 1; sys < 100; sys++)
		assert_string_equal(sm_reason(buf, sizeof(buf), sys),
				    strerror(sys));
}

static void
test_signal_name(void **state)
{
	int sig;

	(void)state;
	assert_string_equal(sm_signal_name(SIGKILL), "KILL");
	assert_string_equal(sm_signal_name(SIGXFSZ), "XFSZ");
	assert_null(sm_signal_name(0));
	assert_null(sm_signal_name(-1));
	assert_null(sm_signal_name(1000));
#ifdef __GLIBC__
	for (sig = -1; sig < 70; sig++) {
		if (sigabbrev_np(sig))
			assert_string_equal(sm_signal_name(sig),
					    sigabbrev_np(sig));
		else
			assert_null(sm_signal_name(sig));
	}
#else
	(void)sig;
#endif
}

static void
test_in_group(void **state)
{
	gid_t *groups;
	int n = getgroups(0, NULL), i;

	(void)state;
	assert_true(n >= 0);
	groups = calloc((size_t)n + 1, sizeof(*groups));
	assert_non_null(groups);
	n = getgroups(n, groups);
	for (i = 0; i < n; i++)
		assert_true(sm_in_group(groups[i]));
	assert_false(sm_in_group((gid_t)0xfffffff0));
	free(groups);
}

/* In a child: every descriptor of this process is in the way. */
static void
test_close_from(void **state)
{
	int status, fd, low, high;
	pid_t pid;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		low = open("/dev/null", O_RDONLY);
		high = fcntl(low, F_DUPFD, MANY);
		sm_close_from(low, true);
		for (fd = low; fd <= high; fd++)
			if (fcntl(fd, F_GETFD) >= 0 &&
			    !(fcntl(fd, F_GETFD) & FD_CLOEXEC))
				_exit(1);
		if (low < 0 || high < MANY || fcntl(high, F_GETFD) < 0)
			_exit(2);
		sm_close_from(low + 1, false);
		if (fcntl(high, F_GETFD) >= 0 || fcntl(low, F_GETFD) < 0)
			_exit(3);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reason),
		cmocka_unit_test(test_signal_name),
		cmocka_unit_test(test_in_group),
		cmocka_unit_test(test_close_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
