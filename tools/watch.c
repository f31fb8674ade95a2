/*
 * status --watch on a terminal: it takes the second screen, has it drawn
 * (watch_screen.c) at each look and after each key, and gives the terminal back
 * however it ends.  It is apart from status_text.c, which writes what stays on
 * the terminal.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "colour.h"
#include "watch_screen.h"

#include "watch.h"

#define WATCH_EVERY_S 1.0
/* A look reads every row: it may take a tenth of the time. */
#define WATCH_SHARE  10
#define WATCH_SAID_S 10 /* for so long what a key did is told */

static volatile sig_atomic_t watch_signal, watch_stopped;

static double
watch_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

bool
sm_watch_can(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb");
}

/* ------------------------------------------------------- the terminal -- */

static void
watch_handle(int number)
{
	/* A change of the window's size only ends the wait. */
	if (number == SIGTSTP)
		watch_stopped = 1;
	else if (number != SIGWINCH)
		watch_signal = number;
}

static const int watch_caught[] = { SIGINT,  SIGTERM,  SIGHUP,
				    SIGQUIT, SIGWINCH, SIGTSTP };

#define WATCH_CAUGHT (sizeof(watch_caught) / sizeof(*watch_caught))

/*
 * They are blocked but for the wait: none can come between a look at the flags
 * and the wait.  `open`: the mask of the wait.
 */
static void
watch_catch(sigset_t *open)
{
	struct sigaction act = { .sa_handler = watch_handle }, old;
	sigset_t block;
	size_t i;

	sigemptyset(&block);
	for (i = 0; i < WATCH_CAUGHT; i++) {
		/* nohup's wish. */
		if (sigaction(watch_caught[i], NULL, &old) == 0 &&
		    old.sa_handler == SIG_IGN)
			continue;
		sigaction(watch_caught[i], &act, NULL);
		sigaddset(&block, watch_caught[i]);
	}
	sigprocmask(SIG_BLOCK, &block, open);
}

/* The second screen of the terminal, without a cursor, wrapping or echo. */
static void
watch_enter(struct watch *w)
{
	struct termios raw;

	w->keys =
		isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &w->saved) == 0;
	if (w->keys) {
		raw = w->saved;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		raw.c_cc[VMIN] = 1;
		raw.c_cc[VTIME] = 0;
		tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	}
	fputs("\033[?1049h\033[?25l\033[?7l", stdout);
	fflush(stdout);
}

static void
watch_leave(struct watch *w)
{
	fputs("\033[0m\033[?7h\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	if (w->keys)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &w->saved);
}

/* Ctrl-Z: the shell gets its terminal, and we draw anew after fg. */
static void
watch_stop(struct watch *w)
{
	watch_stopped = 0;
	watch_leave(w);
	raise(SIGSTOP);
	watch_enter(w);
}

/* -------------------------------------------------------------- looks -- */

static void
watch_note_speed(struct watch *w)
{
	double now = watch_now();

	/* A key was pressed, or the window resized: too early to tell. */
	if (w->at > 0 && now - w->at < WATCH_EVERY_S / 2)
		return;
	if (w->at > 0 && w->s.done >= w->done) {
		if (w->speeds == WATCH_SPEEDS) {
			memmove(w->speed, w->speed + 1,
				(WATCH_SPEEDS - 1) * sizeof(*w->speed));
			w->speeds--;
		}
		w->speed[w->speeds++] =
			(double)(w->s.done - w->done) / (now - w->at);
	}
	w->done = w->s.done;
	w->at = now;
}

static int
watch_look(struct watch *w, struct sm_err *err)
{
	sm_status_release(&w->s);
	return sm_status(&w->s, w->job, err);
}

static bool
watch_is_over(const struct sm_status *s)
{
	return s->complete ||
	       (!s->active && s->workers == 0 && s->pending + s->running == 0);
}

/* --------------------------------------------------------------- keys -- */

/* The first line that the command says, in w->said. */
static void
watch_hear(struct watch *w, int fd, pid_t pid)
{
	size_t n = 0;
	ssize_t got;
	int status;

	while (n + 1 < sizeof(w->said) &&
	       ((got = read(fd, w->said + n, sizeof(w->said) - 1 - n)) > 0 ||
		(got < 0 && errno == EINTR)))
		n += got > 0 ? (size_t)got : 0;
	close(fd);
	w->said[n] = '\0';
	w->said[strcspn(w->said, "\n")] = '\0';
	w->said_at = watch_now();
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
}

/* shardmill WORD JOB [OPTION VALUE], whose answer is shown. */
static void
watch_command(struct watch *w, const char *word, const char *option,
	      const char *value)
{
	const char *argv[] = {
		"/proc/self/exe", word, "--", w->job, NULL, NULL
	};
	const char *argv_set[] = { "/proc/self/exe", word, option, value, "--",
				   w->job,           NULL };
	posix_spawn_file_actions_t act;
	posix_spawnattr_t attr;
	sigset_t none;
	pid_t pid;
	int fd[2], bad;

	if (pipe2(fd, O_CLOEXEC) < 0)
		return;
	sigemptyset(&none);
	posix_spawn_file_actions_init(&act);
	posix_spawn_file_actions_addopen(&act, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&act, fd[1], 1);
	posix_spawn_file_actions_adddup2(&act, fd[1], 2);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attr, &none);
	bad = posix_spawn(&pid, argv[0], &act, &attr,
			  (char *const *)(option ? argv_set : argv), environ);
	posix_spawn_file_actions_destroy(&act);
	posix_spawnattr_destroy(&attr);
	close(fd[1]);
	if (bad)
		close(fd[0]);
	else
		watch_hear(w, fd[0], pid);
}

/* `quit`: that is what the key asks for. */
static void
watch_key(bool *quit, struct watch *w)
{
	char key, workers[24];
	int wanted = w->s.target_workers;
	ssize_t n = read(STDIN_FILENO, &key, 1);

	if (n <= 0) {
		/* The terminal is gone; the signal that says so is on its way.
		 */
		w->keys = n < 0 && errno == EINTR;
		return;
	}
	if (key == 'p') {
		watch_command(w, w->s.paused ? "resume" : "pause", NULL, NULL);
	} else if (key == '+' || key == '=' || key == '-') {
		wanted += key == '-' ? -1 : 1;
		snprintf(workers, sizeof(workers), "%d", wanted);
		if (wanted >= 0)
			watch_command(w, "set", "-j", workers);
	} else {
		*quit = key == 'q' || key == 'Q' || key == 4;
	}
}

/* Until it is time for the next look, or something happened. */
static void
watch_wait(bool *quit, struct watch *w, double seconds, const sigset_t *open)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	struct timespec ts = { .tv_sec = (time_t)seconds };

	ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * 1e9);
	if (!w->keys)
		in.fd = -1;
	fflush(stdout);
	if (ppoll(&in, 1, &ts, open) > 0)
		watch_key(quit, w);
	if (watch_stopped)
		watch_stop(w);
}

int
sm_watch(bool *over, const char *job, struct sm_err *err)
{
	const char *lang;
	struct watch w = { .job = job };
	bool quit = false;
	sigset_t open;
	double wait = WATCH_EVERY_S;
	int ret;

	w.colour = sm_colour_can(stdout);
	if (!(lang = getenv("LC_ALL")) || !*lang)
		if (!(lang = getenv("LC_CTYPE")) || !*lang)
			lang = getenv("LANG");
	w.utf8 = lang && (strstr(lang, "UTF-8") || strstr(lang, "utf8"));
	/* Before the screen is taken: what is no job is told as ever. */
	ret = watch_look(&w, err);
	if (ret < 0)
		return ret;
	watch_catch(&open);
	watch_enter(&w);
	while (ret == 0 && !watch_is_over(&w.s)) {
		if (watch_now() - w.said_at > WATCH_SAID_S)
			w.said[0] = '\0';
		sm_watch_draw(&w);
		watch_wait(&quit, &w, wait, &open);
		if (quit || watch_signal || ferror(stdout))
			break;
		wait = watch_now();
		ret = watch_look(&w, err);
		wait = WATCH_SHARE * (watch_now() - wait);
		if (wait < WATCH_EVERY_S)
			wait = WATCH_EVERY_S;
		watch_note_speed(&w);
	}
	*over = ret == 0 && watch_is_over(&w.s);
	watch_leave(&w);
	sm_status_release(&w.s);
	if (watch_signal) {
		signal(watch_signal, SIG_DFL);
		raise(watch_signal);
	}
	sigprocmask(SIG_SETMASK, &open, NULL);
	return ret;
}
