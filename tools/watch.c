/*
 * The screen of status --watch: where the job is, what is slow, what failed,
 * and keys that steer it.  It is apart from status_text.c, which writes what
 * stays on the terminal: this is drawn over itself, fits any width from 40
 * columns on, and has to give the terminal back however it ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "colour.h"
#include "output.h"
#include "screen.h"

#include "watch.h"

#define WATCH_EVERY_S 1.0
/* A look reads every row: it may take a tenth of the time. */
#define WATCH_SHARE    10
#define WATCH_SPEEDS   240 /* looks that the line of speeds goes back */
#define WATCH_LINE_MAX 1024
#define WATCH_LISTED   5 /* batches of a kind */

struct watch {
	const char *job;
	struct sm_status s;
	bool colour, utf8;
	unsigned columns, rows, row;
	bool keys; /* standard input is a terminal too */
	struct termios saved;
	double speed[WATCH_SPEEDS]; /* batches per second, the latest last */
	size_t speeds;
	uint64_t done;  /* at the look before … */
	double at;      /* … which was then; 0: none */
	char said[200]; /* what the last key did */
};

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

static void
watch_measure(struct watch *w)
{
	struct winsize size;

	w->columns = 80;
	w->rows = 24;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 &&
	    size.ws_row > 0) {
		w->columns = size.ws_col;
		w->rows = size.ws_row;
	}
}

/* ----------------------------------------------------------- drawing -- */

/* Columns that a text takes; each character of UTF-8 one. */
static unsigned
watch_width(const char *s)
{
	unsigned n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* How many bytes of `s` fit into `columns`. */
static size_t
watch_fit(const char *s, unsigned columns)
{
	size_t i = 0;

	while (s[i]) {
		if (((unsigned char)s[i] & 0xc0) != 0x80 && columns-- == 0)
			break;
		i++;
	}
	return i;
}

/*
 * A line: as many of the pieces, parted by two spaces, as there is room for,
 * and `last`, which is always there.  Nothing is written below the screen, and
 * the last row is that of the keys.
 */
static void
watch_line(struct watch *w, enum sm_paint paint, const char *text,
	   const char *last)
{
	unsigned used = watch_width(last), room = 0;
	size_t n = 0;
	const char *p;

	if (w->row + 1 >= w->rows)
		return;
	w->row++;
	if (used < w->columns)
		room = w->columns - used;
	/* A message may be cut anywhere. */
	if (watch_width(text) <= room || paint == SM_PAINT_BAD) {
		n = watch_fit(text, room);
	} else {
		for (p = text; (p = strstr(p, "  ")); p += 2)
			if (watch_fit(text, room) >= (size_t)(p - text))
				n = (size_t)(p - text);
	}
	if (w->colour)
		fputs(sm_colour_sgr(paint), stdout);
	fwrite(text, 1, n, stdout);
	fwrite(last, 1, watch_fit(last, w->columns), stdout);
	if (w->colour)
		fputs(SM_COLOUR_END, stdout);
	/* After a full line the cursor is on its last character. */
	for (p = text; p < text + n; p++)
		used += ((unsigned char)*p & 0xc0) != 0x80;
	fputs(used < w->columns ? "\033[K\n" : "\n", stdout);
}

/* No byte that came from outside controls the terminal. */
static void
watch_compose(char text[WATCH_LINE_MAX], const char *fmt, va_list ap)
{
	size_t n;
	char *p;

	vsnprintf(text, WATCH_LINE_MAX, fmt, ap);
	for (p = text; *p; p += n ? n : 1) {
		n = sm_output_control(p);
		memset(p, '?', n);
	}
}

static void watch_say(struct watch *w, enum sm_paint paint, const char *fmt,
		      ...) __attribute__((format(printf, 3, 4)));
static void watch_wrap(struct watch *w, enum sm_paint paint, const char *fmt,
		       ...) __attribute__((format(printf, 3, 4)));

static void
watch_say(struct watch *w, enum sm_paint paint, const char *fmt, ...)
{
	char text[WATCH_LINE_MAX];
	va_list ap;

	va_start(ap, fmt);
	watch_compose(text, fmt, ap);
	va_end(ap);
	watch_line(w, paint, text, "");
}

/* What does not fit into one line goes on in the next, and is cut there. */
static void
watch_wrap(struct watch *w, enum sm_paint paint, const char *fmt, ...)
{
	char text[WATCH_LINE_MAX], rest[WATCH_LINE_MAX + 2];
	size_t n, at;
	va_list ap;

	va_start(ap, fmt);
	watch_compose(text, fmt, ap);
	va_end(ap);
	n = watch_fit(text, w->columns);
	if (!text[n]) {
		watch_line(w, paint, text, "");
		return;
	}
	for (at = n; at > n / 2 && text[at] != ' ';)
		at--;
	if (text[at] == ' ')
		n = at;
	snprintf(rest, sizeof(rest), "  %s", text + n + (text[n] == ' '));
	text[n] = '\0';
	rest[watch_fit(rest, w->columns)] = '\0';
	watch_line(w, paint, text, "");
	watch_line(w, paint, rest, "");
}

/* The name without its middle, where it has more than `columns`. */
static void
watch_shorten(char *dst, size_t size, const char *name, unsigned columns,
	      bool utf8)
{
	unsigned all = watch_width(name), half;
	const char *dots = utf8 ? "…" : "~";
	size_t head, skip;

	if (columns < 8)
		columns = 8;
	if (all <= columns) {
		snprintf(dst, size, "%s", name);
		return;
	}
	half = (columns - 1) / 2;
	head = watch_fit(name, columns - 1 - half);
	skip = watch_fit(name, all - half);
	snprintf(dst, size, "%.*s%s%s", (int)head, name, dots, name + skip);
}

static const char *
watch_state(const struct sm_status *s)
{
	if (s->complete)
		return "complete";
	if (!s->active && s->workers == 0)
		return "nobody is working on it";
	if (s->stopped)
		return "stopped by a signal";
	if (s->paused)
		return "paused";
	return "running";
}

static void
watch_draw_head(struct watch *w)
{
	const struct sm_status *s = &w->s;
	char text[WATCH_LINE_MAX], last[WATCH_LINE_MAX] = "", bar[40];
	const char *name = s->final_path ? s->final_path : s->job;
	unsigned width = w->columns / 4, used;
	double percent = s->percent;

	name = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
	snprintf(text, sizeof(text), "  %s  %u of %d %s", watch_state(s),
		 s->workers, s->target_workers,
		 sm_text_plural((uint64_t)s->target_workers, "worker",
				"workers"));
	used = watch_width(text);
	watch_shorten(last, sizeof(last), name,
		      used < w->columns ? w->columns - used : 0, w->utf8);
	watch_say(w, SM_PAINT_BOLD, "%s%s", last, text);
	last[0] = '\0';
	if (width > 30)
		width = 30;
	sm_screen_bar(bar, width, percent / 100);
	if (s->done < s->total && percent > 99.9)
		percent = 99.9;
	if (s->eta_s >= 0 && s->done < s->total)
		snprintf(last, sizeof(last), "  %s left",
			 sm_text_duration(s->eta_s).s);
	snprintf(text, sizeof(text), "%s  %4.1f%%  %s/%s %s", bar, percent,
		 sm_text_count(s->done).s, sm_text_count(s->total).s,
		 sm_text_plural(s->total, "batch", "batches"));
	watch_line(w, SM_PAINT_NONE, text, last);
	watch_say(w, SM_PAINT_NONE, "pending %s  running %s  done %s",
		  sm_text_count(s->pending).s, sm_text_count(s->running).s,
		  sm_text_count(s->done).s);
	watch_say(w, SM_PAINT_NONE, "rows %s  records %s  text %s  gzip %s",
		  sm_text_count(s->rows).s, sm_text_count(s->records).s,
		  sm_text_size(s->raw_bytes).s, sm_text_size(s->gz_bytes).s);
}

/* How fast it went, look by look: as high as the fastest one shown. */
static void
watch_draw_speeds(struct watch *w)
{
	static const char *const high[] = { "▁", "▂", "▃", "▄",
					    "▅", "▆", "▇", "█" };
	static const char plain[] = "_.:-=+*#";
	char text[WATCH_LINE_MAX] = "", last[80] = "";
	size_t shown, from, i, n = 0;
	unsigned level;
	double top = 0;

	if (w->speeds == 0)
		return;
	snprintf(last, sizeof(last), " %.3g batches/s",
		 w->speed[w->speeds - 1]);
	shown = w->columns > strlen(last) ? w->columns - strlen(last) : 0;
	if (shown > w->speeds)
		shown = w->speeds;
	from = w->speeds - shown;
	for (i = from; i < w->speeds; i++)
		if (w->speed[i] > top)
			top = w->speed[i];
	for (i = from; i < w->speeds && n + 4 < sizeof(text); i++) {
		level = 0;
		if (top > 0)
			level = (unsigned)(7 * w->speed[i] / top + 0.5);
		if (w->utf8)
			n += (size_t)sprintf(text + n, "%s", high[level]);
		else
			text[n++] = plain[level];
	}
	text[n] = '\0';
	watch_line(w, SM_PAINT_NONE, text, last);
}

/* Of the running ones, the slow or the others. */
static void
watch_draw_running(struct watch *w, bool slow)
{
	const struct sm_status_batch *b;
	unsigned shown = 0;
	size_t i;

	for (i = 0; i < w->s.batches && shown < WATCH_LISTED; i++) {
		b = &w->s.batch[i];
		if (strcmp(b->state, "running") != 0 ||
		    (b->usual_s > 0) != slow)
			continue;
		shown++;
		if (slow)
			watch_say(w, SM_PAINT_SLOW,
				  "slow  batch %" PRIu64
				  "  for %s, usually %s  pid %" PRId64,
				  b->id, sm_text_duration(b->elapsed_s).s,
				  sm_text_duration(b->usual_s).s,
				  b->command > 0 ? b->command : b->pid);
		else
			watch_say(w, SM_PAINT_NONE,
				  "worker %" PRId64 "  batch %" PRIu64
				  "  for %s  try %" PRId64 "  pid %" PRId64,
				  b->slot, b->id,
				  sm_text_duration(b->elapsed_s).s, b->attempts,
				  b->command > 0 ? b->command : b->pid);
	}
}

/* By reason: those that failed for good, then tries that will be repeated. */
static void
watch_draw_failures(struct watch *w)
{
	const struct sm_status_failure *x;
	size_t i;

	for (i = 0; i < w->s.failures && i < WATCH_LISTED; i++) {
		x = &w->s.failure[i];
		watch_wrap(
			w, x->failed > 0 ? SM_PAINT_BAD : SM_PAINT_SLOW,
			"%s %s, such as batch %s: %s",
			sm_text_count(x->failed > 0 ? x->failed : x->tries).s,
			x->failed > 0 ? "failed" : "tries failed", x->examples,
			x->message ? x->message : "");
	}
}

static void
watch_draw(struct watch *w)
{
	const struct sm_status *s = &w->s;
	const char *keys = "q quit";

	if (w->keys)
		keys = s->paused ? "p resume  + - workers  q quit"
				 : "p pause  + - workers  q quit";
	watch_measure(w);
	w->row = 0;
	fputs("\033[H", stdout);
	watch_draw_head(w);
	watch_draw_speeds(w);
	watch_draw_running(w, true);
	watch_draw_running(w, false);
	watch_draw_failures(w);
	if (w->said[0])
		watch_say(w, SM_PAINT_BOLD, "%s", w->said);
	/* The rest of the screen, and the keys in its last row. */
	printf("\033[J\033[%u;1H%s%.*s%s", w->rows, w->colour ? "\033[2m" : "",
	       (int)watch_fit(keys, w->columns), keys,
	       w->colour ? "\033[0m" : "");
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
		watch_draw(&w);
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
