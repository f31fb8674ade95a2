/*
 * Starts a command that is to live over many batches, listens to its standard
 * error and sees it to its end.  It is apart from serve.c, which talks to it: a
 * process may end in a batch, between two, or when the worker does, and its end
 * is the same each time.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

#include "living.h"

static void
living_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
living_close_all(struct sm_living *l)
{
	living_close(&l->ask_fd);
	living_close(&l->answer_fd);
	living_close(&l->err_fd);
	living_close(&l->exit_fd);
}

int
sm_living_init(struct sm_living *l, struct sm_err *err)
{
	l->ask_fd = l->answer_fd = l->err_fd = l->exit_fd = -1;
	l->report = sm_start_report_new(err);
	return l->report ? 0 : SM_ENOMEM;
}

void
sm_living_release(struct sm_living *l)
{
	living_close_all(l);
	sm_start_report_free(l->report);
}

/* A pipe: our end, which does not block, into `*ours`; the child's is returned,
 * or -1. */
static int
living_pipe(int *ours, bool we_read)
{
	int ends[2];

	if (sm_start_pipe(ends) < 0)
		return -1;
	*ours = ends[!we_read];
	fcntl(*ours, F_SETFL, O_NONBLOCK);
	return ends[we_read];
}

int
sm_living_start(struct sm_living *l, struct sm_err *err)
{
	struct sm_start *s = &l->start;
	int ret = 0, i;

	l->exited = l->leaving = false;
	*s = (struct sm_start){
		.path = l->o.path,
		.argv = l->o.argv,
		.envp = l->o.envp,
		.cwd = l->o.cwd,
		.fd = { -1, -1, -1 },
		.foreground = l->o.foreground,
		.memory = l->o.memory,
		.group = { l->o.group[0], l->o.group[1] },
		.report = l->report,
	};
	s->fd[0] = living_pipe(&l->ask_fd, false);
	if (s->fd[0] >= 0)
		s->fd[1] = living_pipe(&l->answer_fd, true);
	if (s->fd[1] >= 0 && l->o.err_out)
		s->fd[2] = living_pipe(&l->err_fd, true);
	if (s->fd[1] < 0 || (l->o.err_out && s->fd[2] < 0))
		ret = sm_err_sys(err, "cannot make pipes for '%s'", s->path);
	if (ret == 0)
		ret = sm_start(&l->pid, s, err);
	for (i = 0; i < 3; i++)
		if (s->fd[i] >= 0)
			close(s->fd[i]);
	if (ret < 0) {
		l->pid = 0;
		living_close_all(l);
		return ret;
	}
	l->exit_fd = (int)syscall(SYS_pidfd_open, l->pid, 0);
	return 0;
}

void
sm_living_leave(struct sm_living *l)
{
	living_close(&l->ask_fd);
	l->leaving = true;
}

bool
sm_living_look(struct sm_living *l)
{
	siginfo_t info = { .si_pid = 0 };
	int ret;

	if (l->exited)
		return true;
	ret = waitid(P_PID, (id_t)l->pid, &info, WEXITED | WNOHANG | WNOWAIT);
	if ((ret < 0 && errno == EINTR) || (ret == 0 && info.si_pid == 0))
		return false;
	/* Another failure (SIGCHLD is ignored) is told by sm_living_end(). */
	l->exited = true;
	return true;
}

bool
sm_living_stopped(const struct sm_living *l)
{
	return l->o.stop &&
	       atomic_load_explicit(l->o.stop, memory_order_relaxed);
}

int
sm_living_hear(struct sm_living *l, struct sm_err *err)
{
	ssize_t n;
	int ret = 0;

	if (l->err_fd < 0)
		return 0;
	n = read(l->err_fd, l->buf, sizeof(l->buf));
	if (n < 0 && errno == EINTR)
		return 1;
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0) {
		living_close(&l->err_fd);
		return 0;
	}
	if (l->o.err_out)
		ret = l->o.err_out(l->buf, (size_t)n, l->o.arg, err);
	if (ret < 0)
		return ret;
	return 1;
}

void
sm_living_say(struct sm_living *l, const char *note)
{
	struct sm_err ignored;

	if (l->o.err_out)
		l->o.err_out(note, strlen(note), l->o.arg, &ignored);
}

/* Where vfork is fork (sanitizers) there may be no group yet. */
static void
living_kill(struct sm_living *l, int sig)
{
	if (l->o.foreground || kill(-l->pid, sig) < 0)
		kill(l->pid, sig);
}

/* One look at a process that is on its way out, for at most `ms`. */
static void
living_wait(struct sm_living *l, uint64_t ms)
{
	struct pollfd fd[] = {
		{ .fd = l->exit_fd, .events = POLLIN },
		{ .fd = l->err_fd, .events = POLLIN },
		{ .fd = l->answer_fd, .events = POLLIN },
	};
	struct sm_err ignored;

	/* The flag has no descriptor here; ten looks a second will do. */
	if (ms > 2 * SM_LIVING_LOOK_MS)
		ms = 2 * SM_LIVING_LOOK_MS;
	if (poll(fd, 3, (int)ms) <= 0)
		return;
	if (fd[1].revents)
		sm_living_hear(l, &ignored);
	if (fd[2].revents && read(l->answer_fd, l->buf, sizeof(l->buf)) == 0)
		living_close(&l->answer_fd);
}

static void
living_see_off(struct sm_living *l, uint64_t wait_ms, uint64_t term_ms)
{
	uint64_t now = sm_clock_ms(), term_at = now + wait_ms, kill_at = 0;

	while (!sm_living_look(l)) {
		now = sm_clock_ms();
		if (sm_living_stopped(l) && term_ms > SM_COMMAND_STOP_MS)
			term_ms = SM_COMMAND_STOP_MS;
		if (!kill_at && (now >= term_at || sm_living_stopped(l))) {
			kill_at = now + term_ms;
			living_kill(l, SIGTERM);
			/* A stopped process takes it only when it goes on. */
			living_kill(l, SIGCONT);
		} else if (kill_at && now >= kill_at) {
			living_kill(l, SIGKILL);
			kill_at = UINT64_MAX;
		}
		living_wait(l, kill_at ? kill_at - now : term_at - now);
	}
}

/*
 * The group goes before the leader is reaped: until then its number cannot be
 * another process's.
 */
static int
living_reap(struct sm_command_end *end, struct sm_living *l, struct sm_err *err)
{
	int status = 0, ret = 0;
	pid_t pid;

	if (!l->o.foreground)
		kill(-l->pid, SIGKILL);
	sm_start_forget(l->o.group);
	do
		pid = waitpid(l->pid, &status, WNOHANG);
	while (pid < 0 && errno == EINTR);
	if (pid != l->pid)
		ret = sm_err_sys(err, "cannot wait for the command");
	else if (WIFSIGNALED(status))
		end->signal = WTERMSIG(status);
	else
		end->exit_status = WEXITSTATUS(status);
	if (ret == 0 && end->exit_status == SM_START_FAILED) {
		ret = sm_start_failed(&l->start, err);
		if (ret < 0)
			end->exit_status = -1;
	}
	l->pid = 0;
	living_close_all(l);
	return ret;
}

int
sm_living_end(struct sm_command_end *end, struct sm_living *l, uint64_t wait_ms,
	      uint64_t term_ms, struct sm_err *err)
{
	struct sm_err ignored;

	*end = (struct sm_command_end){ .exit_status = -1, .signal = -1 };
	if (l->pid == 0)
		return 0;
	sm_living_leave(l);
	living_see_off(l, wait_ms, term_ms);
	/* Its last words; a process that it left may go on for ever. */
	if (sm_living_hear(l, &ignored) > 0)
		sm_living_hear(l, &ignored);
	return living_reap(end, l, err);
}
