/*
 * on_end.c - --on-end CMD: a command that is told how a run ended
 *
 * It is the program's and not the library's, since it runs once all is over: a
 * caller of the library has the same in its own hands.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "output.h"
#include "screen.h"
#include "signals.h"

#include "on_end.h"

static void
on_end_set(const char *name, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, n);
	setenv(name, text, 1);
}

/* Into our own environment, which nothing else reads from here on. */
static void
on_end_environ(const char *job, const struct sm_run_result *r, int ret,
	       const struct sm_err *err)
{
	char *path = realpath(job, NULL);
	int status = sm_code_exit(ret);

	if (ret == SM_ESTOPPED && sm_signals_first())
		status = 128 + sm_signals_first();
	setenv("SHARDMILL_JOB", path ? path : job, 1);
	free(path);
	on_end_set("SHARDMILL_STATUS", (uint64_t)status);
	setenv("SHARDMILL_WHY", ret < 0 ? err->text : "all batches are done",
	       1);
	on_end_set("SHARDMILL_DONE", r->done);
	on_end_set("SHARDMILL_FAILED", r->failed);
	on_end_set("SHARDMILL_LEFT", r->left);
	if (ret == 0 && r->final_path)
		setenv("SHARDMILL_OUTPUT", r->final_path, 1);
	else
		unsetenv("SHARDMILL_OUTPUT");
}

void
sm_on_end(const char *command, const char *job, const struct sm_run_result *r,
	  int ret, const struct sm_err *err)
{
	const char *const argv[] = { "sh", "-c", command, NULL };
	posix_spawnattr_t attr;
	sigset_t defaults;
	int rc, status = 0;
	pid_t pid;

	on_end_environ(job, r, ret, err);
	fflush(stdout);
	/* What this program ignores is not to be ignored there. */
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	sigaddset(&defaults, SIGXFSZ);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	rc = posix_spawn(&pid, "/bin/sh", NULL, &attr,
			 (char *const *)(uintptr_t)argv, environ);
	posix_spawnattr_destroy(&attr);
	if (rc != 0) {
		fprintf(stderr,
			"%sshardmill: cannot run the command of --on-end: %s\n",
			sm_screen_clock(), strerror(rc));
		return;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		fprintf(stderr,
			"%sshardmill: the command of --on-end died by signal "
			"%d (%s)\n",
			sm_screen_clock(), WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		fprintf(stderr,
			"%sshardmill: the command of --on-end exited with "
			"status %d\n",
			sm_screen_clock(), WEXITSTATUS(status));
}
