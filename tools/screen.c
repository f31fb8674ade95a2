/*
 * The progress line, and notices, of a command that takes long.  It is apart
 * from output.c, which writes results to standard output, because this goes to
 * standard error, and has to know whether that is a terminal and what is drawn
 * on it.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "colour.h"
#include "output.h"
#include "signals.h"

#include "screen.h"

#define SCREEN_EVERY_S  5.0 /* between lines where nothing can be redrawn */
#define SCREEN_DRAW_S   0.1 /* on a terminal, at most this often */
#define SCREEN_BAR_MIN  8
#define SCREEN_BAR_MAX  30
#define SCREEN_LINE_MAX 512

static double
screen_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void
sm_screen_init(struct sm_screen *s, bool quiet)
{
	const char *term = getenv("TERM");

	*s = (struct sm_screen){ .quiet = quiet, .begun_s = screen_now() };
	s->written_s = s->begun_s;
	s->tty = isatty(STDERR_FILENO) && (!term || strcmp(term, "dumb"));
	s->colour = s->tty && sm_colour_can(stderr);
}

double
sm_screen_elapsed(const struct sm_screen *s)
{
	return screen_now() - s->begun_s;
}

void
sm_screen_clear(struct sm_screen *s)
{
	if (s->drawn)
		fputs("\r\033[K", stderr);
	s->drawn = false;
}

void
sm_screen_bar(char *dst, unsigned width, double part)
{
	unsigned full = 0;

	if (part > 0)
		full = (unsigned)(part * width);
	if (full > width)
		full = width;
	dst[0] = '[';
	memset(dst + 1, '#', full);
	memset(dst + 1 + full, '.', width - full);
	dst[width + 1] = ']';
	dst[width + 2] = '\0';
}

/* Add to a line; what does not fit is left out. */
static void screen_add(char *line, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void
screen_add(char *line, const char *fmt, ...)
{
	size_t n = strlen(line);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + n, SCREEN_LINE_MAX - n, fmt, ap);
	va_end(ap);
}

static double
screen_part(const struct sm_progress *p)
{
	if (p->total == 0)
		return 0;
	return (double)p->done / (double)p->total;
}

/*
 * All but the phase and the bar: percent, count, failures, workers, rate, time
 * left, each only where the library knows it.
 */
static void
screen_compose(char *line, const struct sm_progress *p)
{
	bool bytes = strcmp(p->unit, "bytes") == 0;
	double percent = 100 * screen_part(p);

	*line = '\0';
	/* 99.97 must not be shown as 100.0 before all is done. */
	if (p->done < p->total && percent > 99.9)
		percent = 99.9;
	if (p->total)
		screen_add(line, "%4.1f%%  ", percent);
	if (bytes && p->total)
		screen_add(line, "%s of %s", sm_text_size(p->done).s,
			   sm_text_size(p->total).s);
	else if (p->total)
		screen_add(line, "%s/%s %s", sm_text_count(p->done).s,
			   sm_text_count(p->total).s, p->unit);
	else
		screen_add(line, "%s %s", sm_text_count(p->done).s, p->unit);
	if (p->failed)
		screen_add(line, "  %s failed", sm_text_count(p->failed).s);
	if (p->workers)
		screen_add(line, "  %u %s", p->workers,
			   sm_text_plural(p->workers, "worker", "workers"));
	if (p->rows_per_s > 0)
		screen_add(line, "  %s rows/s", sm_text_rate(p->rows_per_s).s);
}

/* What must be seen even where the line is cut: how long it will take. */
static void
screen_compose_left(char *line, const struct sm_progress *p)
{
	*line = '\0';
	if (p->eta_s >= 0 && p->done < p->total)
		screen_add(line, "  %s left", sm_text_duration(p->eta_s).s);
	if (p->stragglers && p->eta_s < 0)
		screen_add(line,
			   "  waiting for batch %" PRIu64
			   ", running for %s, usually %s",
			   p->straggler, sm_text_duration(p->straggler_s).s,
			   sm_text_duration(p->usual_s).s);
	else if (p->stragglers)
		screen_add(line, "  %s slow: batch %" PRIu64 " for %s",
			   sm_text_count(p->stragglers).s, p->straggler,
			   sm_text_duration(p->straggler_s).s);
}

/* Asked at each drawing: a person may resize the window at any time. */
static unsigned
screen_columns(void)
{
	struct winsize w;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 1)
		return w.ws_col;
	return 80;
}

/* In a file, or a service's journal, when is the first question. */
const char *
sm_screen_clock(void)
{
	static char text[16];
	time_t now = time(NULL);
	struct tm tm;

	text[0] = '\0';
	if (!isatty(STDERR_FILENO) && localtime_r(&now, &tm))
		strftime(text, sizeof(text), "%H:%M:%S ", &tm);
	return text;
}

static void
screen_notice(const char *text, void *arg)
{
	struct sm_screen *s = arg;

	sm_screen_clear(s);
	fprintf(stderr, "%sshardmill: ", sm_screen_clock());
	sm_output_name(stderr, text);
	putc('\n', stderr);
}

/*
 * As much of a line as there is room for, in whole pieces: two spaces part
 * them, and half a number would be another number.
 */
static int
screen_whole(const char *line, int room)
{
	int n = 0;
	const char *p;

	if (room >= (int)strlen(line))
		return (int)strlen(line);
	for (p = line; (p = strstr(p, "  ")) && p - line <= room; p += 2)
		n = (int)(p - line);
	return n;
}

static void
screen_put(const struct sm_screen *s, const char *text, int n,
	   enum sm_paint paint)
{
	if (n <= 0)
		return;
	if (s->colour)
		fputs(sm_colour_sgr(paint), stderr);
	fwrite(text, 1, (size_t)n, stderr);
	if (s->colour && paint != SM_PAINT_NONE)
		fputs(SM_COLOUR_END, stderr);
}

/* The first `n` bytes of the line; the piece that counts failures has a colour.
 */
static void
screen_put_line(const struct sm_screen *s, const char *line, int n)
{
	static const char word[] = " failed";
	const char *end = strstr(line, word), *begin = end;

	if (end)
		end += strlen(word);
	if (!end || end - line > n) {
		screen_put(s, line, n, SM_PAINT_NONE);
		return;
	}
	while (begin > line && begin[-1] != ' ')
		begin--;
	screen_put(s, line, (int)(begin - line), SM_PAINT_NONE);
	screen_put(s, begin, (int)(end - begin), SM_PAINT_BAD);
	screen_put(s, end, n - (int)(end - line), SM_PAINT_NONE);
}

/*
 * Draw the line over the last one, with a bar if there is room for it.
 * "\033[K" erases what a longer line before it left.
 */
static void
screen_draw(struct sm_screen *s, const struct sm_progress *p, const char *line,
	    const char *left)
{
	char bar[SCREEN_BAR_MAX + 3] = "";
	const char *gap = "";
	/*
	 * A line as wide as the terminal would wrap, and \r would come back
	 * to its second half only.
	 */
	int room = (int)screen_columns() - 1;
	int last = (int)strlen(left);
	int spare = room - (int)(strlen(p->phase) + strlen(line)) - last - 4;

	if (spare > SCREEN_BAR_MAX)
		spare = SCREEN_BAR_MAX;
	if (p->total && spare >= SCREEN_BAR_MIN) {
		sm_screen_bar(bar, (unsigned)spare, screen_part(p));
		gap = " ";
	}
	if (last > room - (int)strlen(p->phase) - 1)
		last = room - (int)strlen(p->phase) - 1;
	if (last < 0)
		last = 0;
	room -= (int)(strlen(p->phase) + strlen(bar) + strlen(gap)) + 1 + last;
	fprintf(stderr, "\r%s %s%s", p->phase, bar, gap);
	screen_put_line(s, line, screen_whole(line, room));
	screen_put(s, left, last,
		   p->stragglers > 0 ? SM_PAINT_SLOW : SM_PAINT_NONE);
	fputs("\033[K", stderr);
	s->drawn = true;
}

static void
screen_progress(const struct sm_progress *p, void *arg)
{
	struct sm_screen *s = arg;
	char line[SCREEN_LINE_MAX], left[SCREEN_LINE_MAX];
	double now = screen_now(), every = SCREEN_EVERY_S;

	if (s->tty)
		every = SCREEN_DRAW_S;
	if (s->quiet || now - s->written_s < every)
		return;
	s->written_s = now;
	screen_compose(line, p);
	if (s->doing && *s->doing)
		screen_add(line, "  %s", s->doing);
	screen_compose_left(left, p);
	if (s->tty) {
		screen_draw(s, p, line, left);
		return;
	}
	fprintf(stderr, "%s%s %s%s\n", sm_screen_clock(), p->phase, line, left);
}

struct sm_events
sm_screen_events(struct sm_screen *s)
{
	return (struct sm_events){ .progress = screen_progress,
				   .notice = screen_notice,
				   .arg = s,
				   .stop = sm_signals_count(),
				   .signal = sm_signals_number() };
}
