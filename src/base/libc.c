/*
 * What C libraries have in different forms, or not at all.  It is in one place
 * so that no other file asks which library it is: glibc and musl take the same
 * way wherever there is one that both have.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libc.h"

/* Descriptors that are looked at where the kernel has no close_range (5.9). */
#define LIBC_FD_MAX 1024

/* The kernel's CLOSE_RANGE_CLOEXEC (5.11); its header may not be there. */
#define LIBC_AT_EXEC (1u << 2)

/* glibc's strerror_r() returns the text, which may not be in `buf` ... */
static inline const char *
libc_reason_text(const char *text, const char *buf)
{
	(void)buf;
	return text;
}

/* ... and that of POSIX, musl's, 0 or an error. */
static inline const char *
libc_reason_filled(int failed, const char *buf)
{
	return failed ? "unknown error" : buf;
}

const char *
sm_reason(char *buf, size_t size, int sys)
{
	return _Generic(strerror_r(sys, buf, size), char *
			: libc_reason_text, default
			: libc_reason_filled)(strerror_r(sys, buf, size), buf);
}

const char *
sm_signal_name(int sig)
{
	static const char *const names[] = {
		[SIGHUP] = "HUP",       [SIGINT] = "INT",
		[SIGQUIT] = "QUIT",     [SIGILL] = "ILL",
		[SIGTRAP] = "TRAP",     [SIGABRT] = "ABRT",
		[SIGBUS] = "BUS",       [SIGFPE] = "FPE",
		[SIGKILL] = "KILL",     [SIGUSR1] = "USR1",
		[SIGSEGV] = "SEGV",     [SIGUSR2] = "USR2",
		[SIGPIPE] = "PIPE",     [SIGALRM] = "ALRM",
		[SIGTERM] = "TERM",     [SIGCHLD] = "CHLD",
		[SIGCONT] = "CONT",     [SIGSTOP] = "STOP",
		[SIGTSTP] = "TSTP",     [SIGTTIN] = "TTIN",
		[SIGTTOU] = "TTOU",     [SIGURG] = "URG",
		[SIGXCPU] = "XCPU",     [SIGXFSZ] = "XFSZ",
		[SIGVTALRM] = "VTALRM", [SIGPROF] = "PROF",
		[SIGWINCH] = "WINCH",   [SIGPOLL] = "POLL",
		[SIGPWR] = "PWR",       [SIGSYS] = "SYS",
#ifdef SIGSTKFLT
		[SIGSTKFLT] = "STKFLT",
#endif
	};

	if (sig < 0 || (size_t)sig >= sizeof(names) / sizeof(*names))
		return NULL;
	return names[sig];
}

bool
sm_in_group(gid_t gid)
{
	int n = getgroups(0, NULL);
	gid_t *groups;
	bool found = false;

	if (n <= 0)
		return false;
	groups = calloc((size_t)n, sizeof(*groups));
	if (!groups)
		return false;
	for (n = getgroups(n, groups); n > 0 && !found; n--)
		found = groups[n - 1] == gid;
	free(groups);
	return found;
}

void
sm_close_from(int first, bool at_exec)
{
	int fd;

	if (syscall(SYS_close_range, first, ~0u, at_exec ? LIBC_AT_EXEC : 0) ==
	    0)
		return;
	for (fd = first; fd < LIBC_FD_MAX; fd++) {
		if (at_exec)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
		else
			close(fd);
	}
}
