/*
 * The guard is forked from the worker, which has other threads: the child makes
 * system calls only.  It is apart from start.c since it is no command: it has
 * nothing of the worker's but one end of a pipe and one shared page.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libc.h"

#include "start.h"

#include "guard.h"

struct sm_guard {
	_Atomic int64_t *group; /* shared with the guard */
	int alive;              /* closed by our end: the guard's sign */
	pid_t pid;
};

/*
 * Nothing of the worker's may stay open: its lock would look held, its pipes
 * would have no end.  `end` is 0 afterwards.
 */
static void
guard_close_others(int end)
{
	dup2(end, 0);
	sm_close_from(1, false);
}

static _Noreturn void
guard_wait(_Atomic int64_t *group, int end)
{
	int64_t pgid;
	ssize_t n;
	char byte;

	guard_close_others(end);
	/* What a terminal or a scheduler sends to all is not for it. */
	setsid();
	prctl(PR_SET_NAME, "shardmill-guard");
	do
		n = read(0, &byte, 1);
	while (n < 0 && errno == EINTR);
	pgid = atomic_load(group);
	if (pgid > 1)
		kill((pid_t)-pgid, SIGKILL);
	_exit(0);
}

int
sm_guard_new(struct sm_guard **out, struct sm_err *err)
{
	struct sm_guard *g = calloc(1, sizeof(*g));
	sigset_t all, before;
	void *page;
	int ends[2], ret;

	if (!g)
		return sm_err_mem(err, "running commands");
	page = mmap(NULL, sizeof(*g->group), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED) {
		free(g);
		return sm_err_mem(err, "running commands");
	}
	g->group = page;
	g->alive = -1;
	if (sm_start_pipe(ends) < 0) {
		ret = sm_err_sys(err, "cannot make a pipe");
		goto fail;
	}
	g->alive = ends[1];
	/* Blocked for good in the guard, which no signal but KILL may end. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	g->pid = fork();
	if (g->pid == 0)
		guard_wait(g->group, ends[0]);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(ends[0]);
	if (g->pid < 0) {
		ret = sm_err_sys(err, "cannot start a process");
		goto fail;
	}
	*out = g;
	return 0;

fail:
	sm_guard_free(g);
	return ret;
}

_Atomic int64_t *
sm_guard_group(struct sm_guard *g)
{
	if (!g)
		return NULL;
	return g->group;
}

void
sm_guard_free(struct sm_guard *g)
{
	if (!g)
		return;
	if (g->alive >= 0)
		close(g->alive);
	while (g->pid > 0 && waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
		;
	munmap(g->group, sizeof(*g->group));
	free(g);
}
