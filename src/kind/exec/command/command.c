/*
 * Runs one command of the user's from start to reaped, in one poll loop.
 *
 * It is apart from start.c (how a process begins) and feed.c (what it reads),
 * and is about time: who is waited for, for how long, and who is killed at the
 * end.  The sections: pipes, data, time, and the loop that calls them.  In each
 * round of the loop whatever is readable or writable moves first, then the
 * leader is looked at, then the clock.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "proc.h"

#include "feed.h"
#include "start.h"

#include "command.h"

/*
 * Pipes hold 64 KiB; those that carry more are widened to what an ordinary user
 * may have, so that each side works longer before the other one has to run.
 */
#define COMMAND_PIPE_BYTES   (1 << 20)
#define COMMAND_PIPE_DEFAULT 65536
#define COMMAND_BUF_BYTES    (256 * 1024)

/* How often to look (ms) where there is no descriptor to wait for. */
#define COMMAND_LOOK_MS 50

#define COMMAND_SLEEP_MAX_MS 3600000

struct sm_command {
	struct sm_start_report *report;
	struct sm_feed feed;
	char out[COMMAND_BUF_BYTES];
};

enum { RUN_OUT, RUN_ERR, RUN_IN, RUN_EXIT, RUN_STOP, RUN_FDS };

/*
 * One run.  Invariants:
 *	`code` is set once, with *err; from then on output is thrown away;
 *	the descriptor in fd[RUN_STOP] is the caller's, and never closed;
 *	`exited` means the leader is a zombie, reaped only by run_end(): until
 *	then its number, and so its group's, cannot be somebody else's.
 */
struct run {
	struct sm_command *c;
	const struct sm_command_opts *o;
	struct sm_command_end *end;
	struct sm_err *err;
	struct sm_start start;
	struct pollfd fd[RUN_FDS]; /* ours; -1 where closed or absent */
	pid_t pid;
	bool exited, failed, killed, wide;
	int code;
	uint64_t late_ms;  /* time-out, 0: none */
	uint64_t kill_ms;  /* when TERM is to be followed by KILL */
	uint64_t quiet_ms; /* the later of exit and last output */
};

int
sm_command_new(struct sm_command **out, struct sm_err *err)
{
	struct sm_command *c = calloc(1, sizeof(*c));

	if (!c)
		return sm_err_mem(err, "running commands");
	c->report = sm_start_report_new(err);
	if (!c->report) {
		free(c);
		return SM_ENOMEM;
	}
	*out = c;
	return 0;
}

void
sm_command_free(struct sm_command *c)
{
	if (!c)
		return;
	sm_start_report_free(c->report);
	free(c);
}

static void
run_close(struct run *r, int which)
{
	if (r->fd[which].fd >= 0)
		close(r->fd[which].fd);
	r->fd[which].fd = -1;
}

/*
 * Signal the group.  It exists as soon as the command runs; where vfork is fork
 * (sanitizers) it may not exist yet, and the signal goes to the process alone.
 */
static void
run_kill(struct run *r, int sig)
{
	if (r->o->foreground || kill(-r->pid, sig) < 0)
		kill(r->pid, sig);
}

uint64_t
sm_command_term_ms(const struct sm_command_opts *o)
{
	if (o->term_ms > 0)
		return o->term_ms;
	return SM_COMMAND_TERM_MS;
}

/* End the command early: TERM, and KILL after `patience_ms`. */
static void
run_abort(struct run *r, int code, uint64_t patience_ms)
{
	r->code = code;
	r->kill_ms = sm_clock_ms() + patience_ms;
	run_close(r, RUN_IN);
	run_kill(r, SIGTERM);
	/* A stopped process takes its TERM only when it goes on. */
	run_kill(r, SIGCONT);
}

/* --------------------------------------------------------------- pipes -- */

/* Make a pipe: our end goes to fd[which]; returns the child's end, or -1. */
static int
run_pipe_for(struct run *r, int which)
{
	int ends[2], ours = 0; /* the end that is read */

	if (sm_start_pipe(ends) < 0)
		return -1;
	r->fd[which].events = POLLIN;
	if (which == RUN_IN) {
		r->fd[which].events = POLLOUT;
		ours = 1;
	}
	r->fd[which].fd = ends[ours];
	return ends[!ours];
}

/*
 * The child's three descriptors.  On failure those that were made are closed by
 * the caller, whose arrays know them all.
 */
static int
run_open_pipes(struct run *r, int child[3])
{
	const struct sm_command_opts *o = r->o;

	if (o->in) {
		child[0] = run_pipe_for(r, RUN_IN);
		if (child[0] < 0)
			return -1;
		/* A write must take what fits, and never wait. */
		if (fcntl(r->fd[RUN_IN].fd, F_SETFL, O_NONBLOCK) < 0)
			return -1;
		/* Beyond the user's limit this fails, and the pipe stays. */
		if (o->in_bytes > COMMAND_PIPE_DEFAULT)
			fcntl(child[0], F_SETPIPE_SZ, COMMAND_PIPE_BYTES);
	} else {
		child[0] = fcntl(o->in_fd, F_DUPFD_CLOEXEC, 3);
		if (child[0] < 0)
			return -1;
	}
	if (o->out) {
		child[1] = run_pipe_for(r, RUN_OUT);
		if (child[1] < 0)
			return -1;
	}
	if (o->err_out) {
		child[2] = run_pipe_for(r, RUN_ERR);
		if (child[2] < 0)
			return -1;
	}
	return 0;
}

/*
 * Pipes, then the process.  The child's ends are closed here whatever happens:
 * were one to stay open, the end of the output would never come.
 */
static int
run_start(struct run *r)
{
	struct sm_start *s = &r->start;
	int ret, i;

	*s = (struct sm_start){
		.path = r->o->path,
		.argv = r->o->argv,
		.envp = r->o->envp,
		.cwd = r->o->cwd,
		.fd = { -1, -1, -1 },
		.foreground = r->o->foreground,
		.memory = r->o->memory,
		.group = { r->o->group[0], r->o->group[1] },
		.report = r->c->report,
	};
	if (run_open_pipes(r, s->fd) < 0)
		ret = sm_err_sys(r->err, "cannot make pipes for '%s'", s->path);
	else
		ret = sm_start(&r->pid, s, r->err);
	for (i = 0; i < 3; i++)
		if (s->fd[i] >= 0)
			close(s->fd[i]);
	if (ret < 0)
		return ret;
	/* Without one (no descriptor free) run_patience() looks regularly. */
	r->fd[RUN_EXIT].fd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	r->fd[RUN_EXIT].events = POLLIN;
	return 0;
}

/* ---------------------------------------------------------------- data -- */

/*
 * Read once and pass it on.  After a failure the output is read all the same,
 * so that a command that tidies up is not blocked by a full pipe.
 */
static void
run_read(struct run *r, int which)
{
	sm_command_sink *sink = r->o->out;
	int fd = r->fd[which].fd, ret;
	struct sm_err unheard, *err = &unheard;
	ssize_t n;

	if (which == RUN_ERR)
		sink = r->o->err_out;

	/* POLLHUP alone: empty, and no writer is left. */
	if ((r->fd[which].revents & (POLLIN | POLLHUP)) == POLLHUP) {
		run_close(r, which);
		return;
	}
	n = read(fd, r->c->out, sizeof(r->c->out));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		run_close(r, which);
		return;
	}
	if (r->exited)
		r->quiet_ms = sm_clock_ms();
	if (n >= COMMAND_PIPE_DEFAULT && which == RUN_OUT && !r->wide) {
		r->wide = true;
		fcntl(fd, F_SETPIPE_SZ, COMMAND_PIPE_BYTES);
	}
	if (r->code)
		return;
	if (r->err)
		err = r->err;
	ret = sink(r->c->out, (size_t)n, r->o->arg, err);
	if (ret < 0)
		run_abort(r, ret, SM_COMMAND_STOP_MS);
}

/*
 * Nobody reading any more, and all written, are the same here: standard input
 * is closed, and the command decides what it makes of that.
 */
static void
run_feed(struct run *r)
{
	int ret = sm_feed_write(&r->c->feed, r->fd[RUN_IN].fd, r->err);

	if (ret <= 0)
		run_close(r, RUN_IN);
	if (ret < 0)
		run_abort(r, ret, SM_COMMAND_STOP_MS);
}

/* ---------------------------------------------------------------- time -- */

/*
 * Is the worker to end?  Somebody waits for it, so that a command that is being
 * given five seconds after its timeout is now given one.
 */
static void
run_check_stop(struct run *r, uint64_t now)
{
	bool flag = r->o->stop &&
		    atomic_load_explicit(r->o->stop, memory_order_relaxed);

	if (!flag && !r->fd[RUN_STOP].revents)
		return;
	r->fd[RUN_STOP].fd = -1; /* it stays readable: poll would not wait */
	r->fd[RUN_STOP].revents = 0;
	if (!r->code) {
		sm_err_set(r->err, SM_ESTOPPED, "stopped");
		run_abort(r, SM_ESTOPPED, SM_COMMAND_STOP_MS);
	} else if (r->kill_ms > now + SM_COMMAND_STOP_MS) {
		r->kill_ms = now + SM_COMMAND_STOP_MS;
	}
}

/*
 * A process that the command left, for the message: of its session, which it
 * can leave only on purpose.  The leader itself is a zombie.
 */
static bool
run_find_left(struct sm_proc *p, const struct run *r)
{
	struct sm_dir d;
	bool found = false;

	sm_proc_begin(&d);
	while (!found && sm_proc_next(p, &d))
		found = p->session == r->pid && p->pid != r->pid;
	sm_dir_close(&d);
	return found;
}

/*
 * The command has exited but a pipe is open, and nothing came from it for
 * SM_COMMAND_GRACE_MS: stop waiting.  Output that is still held may be a part
 * of what was meant, so it is nobody's result.
 */
static void
run_left_behind(struct run *r, uint64_t now)
{
	char who[64] = "";
	struct sm_proc p;

	if (now < r->quiet_ms + SM_COMMAND_GRACE_MS)
		return;
	/* One that failed by its own word is told by that. */
	if (r->fd[RUN_OUT].fd >= 0 && !r->failed) {
		if (run_find_left(&p, r))
			snprintf(who, sizeof(who), " (pid %" PRId64 ", '%s')",
				 p.pid, p.name);
		r->code = sm_err_set(
			r->err, SM_ECOMMAND,
			"the command exited, but a process that it left "
			"behind%s holds its output open and wrote nothing for "
			"%d s, so that the output may not be whole; let the "
			"command wait for it, or send that process's output "
			"elsewhere",
			who, SM_COMMAND_GRACE_MS / 1000);
	} else {
		r->end->left_behind = true;
	}
	run_kill(r, SIGKILL);
	r->killed = true;
	run_close(r, RUN_OUT);
	run_close(r, RUN_ERR);
}

/* Do what is due by now: stop, time out, kill, stop waiting. */
static void
run_clock(struct run *r)
{
	uint64_t now = sm_clock_ms();

	run_check_stop(r, now);
	if (!r->code && r->late_ms && now >= r->late_ms) {
		sm_err_set(r->err, SM_ETIMEOUT,
			   "the command took longer than %g s (--timeout)",
			   r->o->timeout_s);
		run_abort(r, SM_ETIMEOUT, sm_command_term_ms(r->o));
	}
	if (r->code && !r->killed && now >= r->kill_ms) {
		run_kill(r, SIGKILL);
		r->killed = true;
	}
	if (!r->code && r->exited)
		run_left_behind(r, now);
}

static void
run_sooner(uint64_t *at, uint64_t when)
{
	if (when && when < *at)
		*at = when;
}

/*
 * How long poll may sleep, until the first thing that run_clock() would do; -1:
 * until something happens.  Without a descriptor for the leader or for the flag
 * it must wake up to look.  An hour is short enough for an int of milliseconds.
 */
static int
run_patience(const struct run *r)
{
	uint64_t at = UINT64_MAX, now = sm_clock_ms();

	if (!r->code)
		run_sooner(&at, r->late_ms);
	else if (!r->killed)
		run_sooner(&at, r->kill_ms);
	if (!r->code && r->exited)
		run_sooner(&at, r->quiet_ms + SM_COMMAND_GRACE_MS);
	if ((!r->exited && r->fd[RUN_EXIT].fd < 0) ||
	    (r->o->stop && r->o->stop_fd < 0))
		run_sooner(&at, now + COMMAND_LOOK_MS);
	if (at == UINT64_MAX)
		return -1;
	if (at <= now)
		return 0;
	if (at - now > COMMAND_SLEEP_MAX_MS)
		return COMMAND_SLEEP_MAX_MS;
	return (int)(at - now);
}

/* ---------------------------------------------------------------- loop -- */

/* Has the leader ended?  It stays a zombie, see struct run. */
static void
run_look(struct run *r)
{
	siginfo_t info = { .si_pid = 0 };
	int ret;

	if (r->exited || (r->fd[RUN_EXIT].fd >= 0 && !r->fd[RUN_EXIT].revents))
		return;
	ret = waitid(P_PID, (id_t)r->pid, &info, WEXITED | WNOHANG | WNOWAIT);
	if (ret < 0 && errno == EINTR)
		return;
	if (ret == 0 && info.si_pid == 0)
		return;
	/* Another failure (SIGCHLD is ignored) is reported by run_end(). */
	r->exited = true;
	r->failed = info.si_code != CLD_EXITED || info.si_status != 0;
	r->quiet_ms = sm_clock_ms();
	run_close(r, RUN_EXIT);
}

/* Done: the leader has exited, and nothing more is to be read. */
static bool
run_over(const struct run *r)
{
	if (!r->exited)
		return false;
	/* After KILL only a process that left the group can hold a pipe. */
	if (r->code && r->killed)
		return true;
	return r->fd[RUN_OUT].fd < 0 && r->fd[RUN_ERR].fd < 0;
}

static void
run_loop(struct run *r)
{
	int i, ready;

	while (!run_over(r)) {
		for (i = 0; i < RUN_FDS; i++)
			r->fd[i].revents = 0;
		ready = poll(r->fd, RUN_FDS, run_patience(r));
		if (ready > 0) {
			if (r->fd[RUN_OUT].revents)
				run_read(r, RUN_OUT);
			if (r->fd[RUN_ERR].revents)
				run_read(r, RUN_ERR);
			if (r->fd[RUN_IN].fd >= 0 && r->fd[RUN_IN].revents)
				run_feed(r);
		}
		run_look(r);
		run_clock(r);
	}
}

/*
 * Kill what is left of a failed attempt's group, then reap the leader.  In this
 * order: until it is reaped, its number cannot be another process's.
 */
static void
run_end(struct run *r)
{
	int status = 0;
	pid_t pid;

	run_close(r, RUN_EXIT);
	if ((r->code || r->failed) && !r->killed)
		run_kill(r, SIGKILL);
	/* Still a zombie: nobody can kill another group by this number. */
	sm_start_forget(r->o->group);
	do
		pid = waitpid(r->pid, &status, WNOHANG);
	while (pid < 0 && errno == EINTR);
	if (pid != r->pid) {
		if (!r->code)
			r->code = sm_err_sys(r->err, "cannot wait for the "
						     "command");
		return;
	}
	if (WIFSIGNALED(status))
		r->end->signal = WTERMSIG(status);
	else
		r->end->exit_status = WEXITSTATUS(status);
	if (!r->code && r->end->exit_status == SM_START_FAILED) {
		r->code = sm_start_failed(&r->start, r->err);
		if (r->code)
			r->end->exit_status = -1;
	}
}

int
sm_command_run(struct sm_command_end *end, struct sm_command *c,
	       const struct sm_command_opts *o, struct sm_err *err)
{
	struct run r = { .c = c, .o = o, .end = end, .err = err };
	int i;

	*end = (struct sm_command_end){ .exit_status = -1, .signal = -1 };
	for (i = 0; i < RUN_FDS; i++)
		r.fd[i].fd = -1;
	if (o->in)
		sm_feed_begin(&c->feed, o->in, o->arg);
	r.code = run_start(&r);
	if (r.code == 0) {
		if (o->timeout_s > 0)
			r.late_ms = sm_clock_ms() + 1 +
				    (uint64_t)(o->timeout_s * 1000);
		r.fd[RUN_STOP] =
			(struct pollfd){ .fd = o->stop_fd, .events = POLLIN };
		run_loop(&r);
		/* The flag's descriptor is the caller's. */
		r.fd[RUN_STOP].fd = -1;
		run_end(&r);
	}
	for (i = 0; i < RUN_FDS; i++)
		run_close(&r, i);
	if (o->in)
		sm_feed_end(&c->feed);
	return r.code;
}
