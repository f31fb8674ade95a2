/*
 * What status --watch draws: the head, the speeds, what runs and what failed,
 * each in as many columns as there are.  It is apart from watch.c, which takes
 * the terminal, waits and hears keys.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "colour.h"
#include "columns.h"
#include "output.h"
#include "screen.h"

#include "watch_screen.h"

#define WATCH_LINE_MAX 1024
#define WATCH_LISTED   5 /* batches of a kind */

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

/*
 * A line: as many of the pieces, parted by two spaces, as there is room for,
 * and `last`, which is always there.  Nothing is written below the screen, and
 * the last row is that of the keys.
 */
static void
watch_line(struct watch *w, enum sm_paint paint, const char *text,
	   const char *last)
{
	unsigned used = sm_columns(last), room = 0;
	const char *p;
	size_t n = 0;

	if (w->row + 1 >= w->rows)
		return;
	w->row++;
	if (used < w->columns)
		room = w->columns - used;
	/* A message may be cut anywhere. */
	if (sm_columns(text) <= room || paint == SM_PAINT_BAD) {
		n = sm_columns_fit(text, room);
	} else {
		for (p = text; (p = strstr(p, "  ")); p += 2)
			if (sm_columns_fit(text, room) >= (size_t)(p - text))
				n = (size_t)(p - text);
	}
	if (w->colour)
		fputs(sm_colour_sgr(paint), stdout);
	fwrite(text, 1, n, stdout);
	fwrite(last, 1, sm_columns_fit(last, w->columns), stdout);
	if (w->colour)
		fputs(SM_COLOUR_END, stdout);
	/* After a full line the cursor is on its last character. */
	used += sm_columns_of(text, n);
	fputs(used < w->columns ? "\033[K\n" : "\n", stdout);
}

/* No byte that came from outside controls the terminal, or is no UTF-8. */
static void
watch_compose(char text[WATCH_LINE_MAX], const char *fmt, va_list ap)
{
	size_t n;
	char *p;

	vsnprintf(text, WATCH_LINE_MAX, fmt, ap);
	for (p = text; *p; p += n) {
		n = sm_output_control(p);
		if (n == 0 && (n = sm_output_utf8(p)) > 0)
			continue;
		if (n == 0)
			n = 1;
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
	n = sm_columns_fit(text, w->columns);
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
	rest[sm_columns_fit(rest, w->columns)] = '\0';
	watch_line(w, paint, text, "");
	watch_line(w, paint, rest, "");
}

/* The name without its middle, where it has more than `columns`. */
static void
watch_shorten(char *dst, size_t size, const char *name, unsigned columns,
	      bool utf8)
{
	const char *dots = utf8 ? "…" : "~";
	unsigned half;

	if (columns < 8)
		columns = 8;
	if (sm_columns(name) <= columns) {
		snprintf(dst, size, "%s", name);
		return;
	}
	half = (columns - 1) / 2;
	snprintf(dst, size, "%.*s%s%s",
		 (int)sm_columns_fit(name, columns - 1 - half), name, dots,
		 name + sm_columns_skip(name, half));
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
	used = sm_columns(text);
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

void
sm_watch_draw(struct watch *w)
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
	       (int)sm_columns_fit(keys, w->columns), keys,
	       w->colour ? "\033[0m" : "");
}
