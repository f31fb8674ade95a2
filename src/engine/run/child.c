/*
 * Starts a worker process, talks to it, and reaps it.  It is apart from
 * super.c, which decides how many there are to be, and from pulse.c, which is
 * the other end of the socket, in the worker.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "libc.h"
#include "pulse.h"
#include "role.h"

#include "child.h"

/* How long to wait for a killed group; SIGKILL takes no longer as a rule. */
#define GROUP_REAP_MS 1000

/*
 * Between fork and exec: async-signal-safe calls only, because another thread
 * of the supervisor may have held a lock of libc as the process was copied.
 */
static void
child_become_worker(const char *const *argv, char **env, int dirfd, int fd,
		    pid_t parent)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126); /* it died before the call above: nobody looks */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (fchdir(dirfd) < 0)
		_exit(126);
	if (fd == SM_WORKER_FD)
		fcntl(fd, F_SETFD, 0);
	else if (dup2(fd, SM_WORKER_FD) < 0)
		_exit(126);
	/* Nothing that the user's shell left open reaches the worker. */
	sm_close_from(SM_WORKER_FD + 1, true);
	execve(argv[0], (char *const *)argv, env);
	_exit(127);
}

/*
 * The number of the run is in the socket before the child exists, so that the
 * worker finds it there however late it starts.
 */
int
sm_child_start(struct sm_child *c, const char *const *argv, int dirfd,
	       int64_t run, struct sm_err *err)
{
	char **env = sm_role_worker_environ();
	pid_t parent = getpid();
	int pair[2], ret;

	if (!env)
		return sm_err_mem(err, "a worker");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		ret = sm_err_sys(err, "cannot make a worker's socket");
		free(env);
		return ret;
	}
	*c = (struct sm_child){ .fd = pair[0] };
	sm_pulse_send(pair[0], SM_PULSE_RUN, &run, sizeof(run));
	c->pid = fork();
	if (c->pid == 0)
		child_become_worker(argv, env, dirfd, pair[1], parent);
	ret = 0;
	if (c->pid < 0)
		ret = sm_err_sys(err, "cannot start a worker");
	free(env);
	close(pair[1]);
	if (ret < 0)
		close(pair[0]);
	return ret;
}

void
sm_child_ask_end(struct sm_child *c, bool stop)
{
	char what = SM_PULSE_DRAIN;

	if (stop)
		what = SM_PULSE_STOP;
	sm_pulse_send(c->fd, what, NULL, 0);
	c->draining = true;
}

/*
 * One message.  It comes from the same program, but perhaps from one that was
 * replaced under it: lengths and the end of a text are checked.
 */
static void
child_packet(struct sm_child *c, const char *p, size_t n,
	     const struct sm_events *ev)
{
	char text[SM_ERR_TEXT];

	switch (p[0]) {
	case SM_PULSE_CLAIMED:
		c->claimed = true;
		break;
	case SM_PULSE_ERROR:
		if (n == 1 + sizeof(c->err))
			memcpy(&c->err, p + 1, sizeof(c->err));
		c->err.text[SM_ERR_TEXT - 1] = '\0';
		break;
	case SM_PULSE_NOTICE:
		if (n > sizeof(text))
			n = sizeof(text);
		memcpy(text, p + 1, n - 1);
		text[n - 1] = '\0';
		if (ev && ev->notice)
			ev->notice(text, ev->arg);
		break;
	}
}

/* All that has arrived; the end of the stream is the end of the worker. */
void
sm_child_hear(struct sm_child *c, const struct sm_events *ev)
{
	char packet[SM_PULSE_PACKET_MAX];
	ssize_t n;

	while (c->fd >= 0) {
		n = recv(c->fd, packet, sizeof(packet), MSG_DONTWAIT);
		/*
		 * A worker that ended without having read what was sent to it:
		 * Linux says so once, before what it has said itself.
		 */
		if (n < 0 && (errno == EINTR || errno == ECONNRESET))
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			close(c->fd);
			c->fd = -1;
			return;
		}
		child_packet(c, packet, (size_t)n, ev);
	}
}

int
sm_child_reap(struct sm_child *c, int *status)
{
	return waitpid(c->pid, status, WNOHANG) == c->pid;
}

void
sm_child_kill_group(int64_t pgid)
{
	uint64_t begun = sm_clock_ms();

	if (pgid <= 1 || kill((pid_t)-pgid, SIGKILL) < 0)
		return;
	/*
	 * Orphans are given to us, as a subreaper: wait until the group is
	 * gone, so that none of it runs beside the next attempt.
	 */
	while (sm_clock_ms() - begun < GROUP_REAP_MS) {
		if (waitpid((pid_t)-pgid, NULL, WNOHANG) < 0 &&
		    kill((pid_t)-pgid, 0) < 0)
			return;
		sm_clock_sleep_ms(5);
	}
}
