/*
 * Starts a program in a new process by vfork.  It is apart from command.c
 * because the code between vfork and exec runs on the parent's memory while the
 * parent waits: system calls only, no locks, no allocation, and nothing that
 * would have to be undone.  Everything it needs is prepared before, and what
 * failed comes back in shared memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libc.h"

#include "start.h"

enum { START_FINE, START_SET_UP, START_CHDIR, START_EXEC };

struct sm_start_report {
	volatile int stage; /* what failed */
	volatile int sys;   /* its errno */
};

struct sm_start_report *
sm_start_report_new(struct sm_err *err)
{
	void *p =
		mmap(NULL, sizeof(struct sm_start_report),
		     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p != MAP_FAILED)
		return p;
	sm_err_mem(err, "starting commands");
	return NULL;
}

void
sm_start_report_free(struct sm_start_report *r)
{
	if (r)
		munmap(r, sizeof(*r));
}

/*
 * dup2() of a descriptor to itself would keep its O_CLOEXEC, and one below 3
 * could be overwritten by the dup2() before it.  So none of ours is below 3.
 */
int
sm_start_pipe(int ends[2])
{
	int i, fd;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	for (i = 0; i < 2; i++) {
		if (ends[i] > 2)
			continue;
		fd = fcntl(ends[i], F_DUPFD_CLOEXEC, 3);
		close(ends[i]);
		ends[i] = fd;
	}
	if (ends[0] >= 0 && ends[1] >= 0)
		return 0;
	for (i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
	return -1;
}

static _Noreturn void
start_fail(struct sm_start_report *r, int stage)
{
	r->sys = errno;
	r->stage = stage;
	_exit(SM_START_FAILED);
}

/*
 * Exec resets handlers, but not ignored signals.  Both are reset here, before
 * the mask is emptied: until the exec a handler would run on the parent's
 * memory. sigaction() refuses KILL, STOP and two numbers that libc uses; no
 * matter.
 */
static void
start_reset_signals(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;
	int sig;

	for (sig = 1; sig < NSIG; sig++)
		sigaction(sig, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Limits are the process's own, though its memory is still the parent's. */
static int
start_limit_memory(uint64_t bytes)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_DATA, &r) < 0)
		return -1;
	if (bytes < r.rlim_max)
		r.rlim_max = bytes;
	r.rlim_cur = r.rlim_max;
	return setrlimit(RLIMIT_DATA, &r);
}

/*
 * Runs in the child, on the parent's memory: async-signal-safe calls only.  In
 * this order: the session, and with it the group, so that it can be killed as
 * one; the death signal; the three descriptors; the directory; the limit; the
 * signals, last, as nothing of ours may run after them.
 */
static _Noreturn void
start_child(const struct sm_start *s, pid_t parent)
{
	int i;

	if (!s->foreground && setsid() < 0)
		start_fail(s->report, START_SET_UP);
	/* From here on, whoever kills this worker must kill the group too. */
	for (i = 0; i < SM_START_GROUPS; i++)
		if (s->group[i])
			atomic_store(s->group[i], getpid());
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		start_fail(s->report, START_SET_UP);
	/* If the parent died before the prctl(), no signal will come. */
	if (getppid() != parent)
		_exit(SM_START_FAILED);
	for (i = 0; i < 3; i++)
		if (s->fd[i] >= 0 && dup2(s->fd[i], i) < 0)
			start_fail(s->report, START_SET_UP);
	/* Ours are O_CLOEXEC; what the user's shell left may not be. */
	sm_close_from(3, true);
	if (s->cwd && chdir(s->cwd) < 0)
		start_fail(s->report, START_CHDIR);
	if (s->memory && start_limit_memory(s->memory) < 0)
		start_fail(s->report, START_SET_UP);
	start_reset_signals();
	execve(s->path, s->argv, s->envp);
	start_fail(s->report, START_EXEC);
}

/*
 * A function of its own, so that no variable of the caller's lives across
 * vfork: the child could change it in the parent's stack.
 */
static __attribute__((noinline)) pid_t
start_vfork(const struct sm_start *s, pid_t parent)
{
	pid_t pid = vfork();

	if (pid == 0)
		start_child(s, parent);
	return pid;
}

void
sm_start_forget(_Atomic int64_t *const group[SM_START_GROUPS])
{
	int i;

	for (i = 0; i < SM_START_GROUPS; i++)
		if (group[i])
			atomic_store(group[i], 0);
}

/*
 * What the child reported, in words.  The class decides whether another try may
 * help: a command that is missing will be missing again, a lack of memory may
 * pass.
 */
int
sm_start_failed(const struct sm_start *s, struct sm_err *err)
{
	const char *where = ".";

	if (s->report->stage == START_FINE)
		return 0;
	if (s->cwd)
		where = s->cwd;
	errno = s->report->sys;
	if (s->report->stage == START_SET_UP)
		return sm_err_sys(err, "cannot start the command '%s'",
				  s->path);
	if (s->report->stage == START_CHDIR)
		return sm_err_sys_as(err, SM_ENOTFOUND,
				     "cannot enter the command's directory "
				     "'%s'",
				     s->cwd);
	switch (errno) {
	case E2BIG:
		return sm_err_set(err, SM_EINPUT,
				  "too many or too long arguments for the "
				  "command '%s', its environment counted; "
				  "hand them over on standard input",
				  s->path);
	case ENOENT:
		if (access(s->path, F_OK) == 0 && *s->path == '/')
			return sm_err_sys_as(err, SM_ENOTFOUND,
					     "cannot run the command '%s': its "
					     "interpreter or loader is missing",
					     s->path);
		/* fall through */
	case ENOTDIR:
	case ELOOP:
	case EACCES:
	case EPERM:
	case EISDIR:
		return sm_err_sys_as(err, SM_ENOTFOUND,
				     "cannot run the command '%s' in '%s'",
				     s->path, where);
	case ENOEXEC:
		return sm_err_set(err, SM_ENOTFOUND,
				  "cannot run the command '%s': it is neither "
				  "a program for this machine nor a script "
				  "with a '#!' line",
				  s->path);
	default:
		return sm_err_sys(err, "cannot run the command '%s'", s->path);
	}
}

/*
 * All signals are blocked around vfork: no handler of ours may run in the
 * child, on shared memory.  vfork returns when the child has run its program or
 * exited, so that its report is complete.
 */
int
sm_start(pid_t *out, const struct sm_start *s, struct sm_err *err)
{
	sigset_t all, before;
	pid_t pid;
	int sys;

	s->report->stage = START_FINE;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = start_vfork(s, getpid());
	sys = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = sys;

	if (pid < 0)
		return sm_err_sys(err, "cannot start a process for '%s'",
				  s->path);
	if (s->report->stage != START_FINE) {
		sm_start_forget(s->group);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return sm_start_failed(s, err);
	}
	*out = pid;
	return 0;
}
