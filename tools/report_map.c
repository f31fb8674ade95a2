/*
 * The pictures of a report that have batches in them: the map of all, and how
 * long the done ones took.  Above some thousands of batches a cell of the map
 * is several; what it says is then of all of them.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "output.h"

#include "report.h"

#define MAP_NUMBERED 60 /* batches whose numbers stand in their cells */
#define MAP_SHADES   5

/* Times the typical duration, from which on a shade is the next one. */
static const double map_shades[MAP_SHADES] = { 0, 0.7, 1.5, 3, 10 };

/*
 * The bar in which the middle one of the done batches is, by its middle: that
 * of all, whereas the view `usual` knows the latest alone.
 */
static double
map_typical(const struct sm_report *r)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < SM_REPORT_BARS; i++) {
		n += r->bar[i].batches;
		if (2 * n >= r->status.done && n > 0)
			break;
	}
	if (i == 0 || i >= SM_REPORT_BARS)
		return r->bar[1].from;
	return r->bar[i].from * 1.155;
}

/* ----------------------------------------------------------------- map -- */

static const char *
map_class(const struct sm_report_cell *c, double typical)
{
	static const char *const shade[MAP_SHADES] = { "d0", "d1", "d2", "d3",
						       "d4" };
	size_t i = MAP_SHADES - 1;
	double mean;

	if (c->failed > 0)
		return "f";
	if (c->running > 0)
		return "r";
	if (c->done == 0)
		return "p";
	if (c->pending > 0)
		return "m";
	mean = c->seconds / (double)c->done;
	while (i > 0 && mean < map_shades[i] * typical)
		i--;
	return shade[i];
}

static void
map_part(FILE *f, const char **before, uint64_t n, const char *what)
{
	if (n == 0)
		return;
	fprintf(f, "%s%s %s", *before, sm_text_count(n).s, what);
	*before = ", ";
}

static void
map_title(FILE *f, const struct sm_report_cell *c)
{
	const char *before = ": ", *state = "pending";

	if (c->batches == 1) {
		if (c->failed)
			state = "failed";
		else if (c->running)
			state = "running";
		else if (c->done)
			state = "done";
		fprintf(f, "batch %" PRIu64 ": %s", c->first, state);
		if (c->done)
			fprintf(f, " in %s", sm_html_duration(c->seconds).s);
		if (c->attempts > 1)
			fprintf(f, ", %" PRIu64 " attempts", c->attempts);
		return;
	}
	fprintf(f, "batches %" PRIu64 " to %" PRIu64, c->first,
		c->first + c->batches - 1);
	map_part(f, &before, c->done, "done");
	map_part(f, &before, c->failed, "failed");
	map_part(f, &before, c->running, "running");
	map_part(f, &before, c->pending, "pending");
	if (c->done > 0)
		fprintf(f, "; %s each, at most %s",
			sm_html_duration(c->seconds / (double)c->done).s,
			sm_html_duration(c->longest).s);
}

/* What can be read on a cell of the class, in light and dark. */
static const char *
map_ink(const char *class)
{
	if (*class == 'r')
		return "ink";
	if (*class == 'f' || (*class == 'd' && class[1] >= '2'))
		return "on";
	return "off";
}

static void
map_cell(FILE *f, const struct sm_report_cell *c, const char *class, double x,
	 double y, double size)
{
	char number[24];
	int font;

	fprintf(f,
		"<path class=\"%s\" d=\"M%.0f %.0fh%.0fv%.0fh-%.0fz\">"
		"<title>",
		class, x, y, size - 1, size - 1, size - 1);
	map_title(f, c);
	fputs("</title></path>", f);
	if (size > 20) {
		font = snprintf(number, sizeof(number), "%" PRIu64, c->first);
		font = font > 4 ? 50 / font : 13;
		fprintf(f,
			"<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" "
			"style=\"font-size:%dpx\">%s</text>",
			map_ink(class), x + size / 2,
			y + size / 2 + font * 0.35, font, number);
	}
	putc('\n', f);
}

static void
map_swatch(FILE *f, const char *class, const char *text)
{
	fprintf(f,
		"<li><svg viewBox=\"0 0 9 9\" aria-hidden=\"true\"><path "
		"class=\"%s\" d=\"M0 0h9v9h-9z\"/></svg>%s</li>",
		class, text);
}

static void
map_key(FILE *f, const struct sm_report *r, bool mixed, double typical)
{
	const struct sm_status *s = &r->status;
	char class[3] = "d0", text[100];
	unsigned i;

	fputs("<ul class=\"key\">", f);
	if (s->failed > 0)
		map_swatch(f, "f", "failed");
	if (s->running > 0)
		map_swatch(f, "r", "running");
	if (s->pending > 0)
		map_swatch(f, "p", "pending");
	if (mixed)
		map_swatch(f, "m", "done in part");
	for (i = 0; i < MAP_SHADES && s->done > 0; i++) {
		class[1] = (char)('0' + i);
		snprintf(text, sizeof(text), "done in %s or more",
			 sm_html_duration(map_shades[i] * typical).s);
		if (i == 0)
			snprintf(text, sizeof(text), "done in less than %s",
				 sm_html_duration(map_shades[1] * typical).s);
		map_swatch(f, class, text);
	}
	fputs("</ul>\n", f);
}

/*
 * The number of a row's first batch, beside the map, since squares of a phone,
 * or of thousands, have no room for theirs: of a tenth of the rows or so.
 */
static void
map_rows(FILE *f, const struct sm_report *r, size_t across, size_t rows)
{
	uint64_t step = 1, row, last = r->first + r->status.total;
	char text[24];
	int digits = snprintf(text, sizeof(text), "%" PRIu64, last);

	while (rows / step > 10)
		step = step == 1 ? 5 : 2 * step;
	fprintf(f,
		"<div class=\"rows\" aria-hidden=\"true\" style=\"width:%dch\">",
		digits);
	for (row = 0; row < rows; row += step)
		fprintf(f, "<span style=\"top:%.2f%%\">%" PRIu64 "</span>",
			100 * ((double)row + 0.5) / (double)rows,
			r->first + row * across * r->cell_batches);
	fputs("</div>", f);
}

/* Each square is what, and what is beside them. */
static void
map_caption(FILE *f, const struct sm_report *r, size_t across, bool numbered)
{
	fputs("<figcaption>In order, row by row; ", f);
	if (r->cell_batches > 1)
		fprintf(f,
			"each square is %s batches, red if one of them has "
			"failed",
			sm_text_count(r->cell_batches).s);
	else
		fputs("each square is a batch", f);
	if (!numbered)
		fprintf(f, "; on the left the first batch of a row of %s",
			sm_text_count(across * r->cell_batches).s);
	fputs(".</figcaption></figure>\n", f);
}

void
sm_svg_map(FILE *f, const struct sm_report *r)
{
	double typical = map_typical(r), size = 10;
	bool numbered = r->status.total <= MAP_NUMBERED, mixed = false;
	const char *class;
	size_t i, row, across, rows;

	if (r->cells == 0) {
		fputs("<p>The job has no batches.</p>\n", f);
		return;
	}
	/* Twice as wide as high, in tens, so that the rows' numbers are round.
	 */
	across = 10 * (size_t)ceil(sqrt((double)r->cells * 2) / 10);
	if (numbered) {
		size = 40;
		across = r->cells < 10 ? 10 : 15;
	}
	rows = (r->cells + across - 1) / across;
	fputs("<figure><div class=\"map\">", f);
	if (!numbered)
		map_rows(f, r, across, rows);
	fprintf(f,
		"<svg role=\"img\" aria-label=\"map of all batches\" "
		"viewBox=\"0 0 %.0f %.0f\">\n",
		size * (double)across, size * (double)rows);
	for (i = 0; i < r->cells; i++) {
		class = map_class(&r->cell[i], typical);
		mixed = mixed || *class == 'm';
		row = i / across;
		map_cell(f, &r->cell[i], class, size * (double)(i % across),
			 size * (double)row, size);
	}
	fputs("</svg></div>\n", f);
	map_key(f, r, mixed, typical);
	map_caption(f, r, across, numbered);
}

/* ----------------------------------------------------------- durations -- */

/* Where a duration is among the bars; as sm_report_bar are cut. */
static double
map_bar_at(double seconds)
{
	if (seconds < 0.001)
		return seconds / 0.001;
	return 1 + 8 * log10(seconds / 0.001);
}

struct map_bars {
	size_t from, to; /* that are drawn */
	uint64_t top;
};

static double
map_bar_x(const struct map_bars *b, double seconds)
{
	double at = (map_bar_at(seconds) - (double)b->from) /
		    (double)(b->to - b->from);

	return 1000 * fmin(1, fmax(0, at));
}

static struct map_bars
map_bars(const struct sm_report *r)
{
	struct map_bars b = { .from = SM_REPORT_BARS };
	double last = 0;
	size_t i;

	for (i = 0; i < SM_REPORT_BARS; i++) {
		if (r->bar[i].batches == 0)
			continue;
		if (b.from > i)
			b.from = i;
		b.to = i + 1;
		if (b.top < r->bar[i].batches)
			b.top = r->bar[i].batches;
	}
	if (r->straggler_s > 0)
		last = map_bar_at(r->straggler_s) + 1;
	for (i = 0; i < r->straggler_count; i++)
		last = fmax(last, map_bar_at(r->straggler[i].seconds) + 1);
	if (b.to < (size_t)last)
		b.to = (size_t)last;
	if (b.from > 0)
		b.from--;
	if (b.to < b.from + 8)
		b.to = b.from + 8;
	if (b.to > SM_REPORT_BARS)
		b.to = SM_REPORT_BARS;
	return b;
}

static void
map_mark(FILE *f, const struct map_bars *b, double seconds, const char *class,
	 const char *what)
{
	double x = map_bar_x(b, seconds);

	if (seconds < 0)
		return;
	fprintf(f,
		"<line class=\"mark %s\" x1=\"%.1f\" x2=\"%.1f\" y1=\"0\" "
		"y2=\"200\"><title>%s: %s</title></line>\n",
		class, x, x, what, sm_html_duration(seconds).s);
}

void
sm_svg_durations(FILE *f, const struct sm_report *r)
{
	struct map_bars b = map_bars(r);
	double width, h, last = -1;
	size_t i;

	if (b.top == 0) {
		fputs("<p>No batch is done yet.</p>\n", f);
		return;
	}
	width = 1000 / (double)(b.to - b.from);
	fputs("<figure><div class=\"plot\"><svg role=\"img\" aria-label=\""
	      "how long done batches took\" viewBox=\"0 0 1000 200\" "
	      "preserveAspectRatio=\"none\">\n",
	      f);
	for (i = b.from; i < b.to; i++) {
		if (r->bar[i].batches == 0)
			continue;
		/* One of a million is still to be seen. */
		h = fmax(3, 190 * (double)r->bar[i].batches / (double)b.top);
		fprintf(f,
			"<rect class=\"d2\" x=\"%.1f\" y=\"%.1f\" "
			"width=\"%.1f\" height=\"%.1f\"><title>from %s to %s: "
			"%s %s</title></rect>\n",
			width * (double)(i - b.from), 200 - h, width * 0.94, h,
			sm_html_duration(r->bar[i].from).s,
			i + 1 < SM_REPORT_BARS
				? sm_html_duration(r->bar[i + 1].from).s
				: "any",
			sm_text_count(r->bar[i].batches).s,
			sm_text_plural(r->bar[i].batches, "batch", "batches"));
	}
	map_mark(f, &b, r->median_s, "", "median");
	map_mark(f, &b, r->p99_s, "", "99 of 100 take no longer");
	map_mark(f, &b, r->straggler_s, "limit", "a straggler from here on");
	for (i = 0; i < r->straggler_count; i++)
		fprintf(f,
			"<rect class=\"r\" x=\"%.1f\" y=\"150\" width=\"6\" "
			"height=\"50\"><title>batch %" PRIu64
			" is running for %s</title></rect>\n",
			map_bar_x(&b, r->straggler[i].seconds),
			r->straggler[i].id,
			sm_html_duration(r->straggler[i].seconds).s);
	fprintf(f,
		"</svg><span class=\"top\">%s</span></div>\n"
		"<div class=\"ticks\" aria-hidden=\"true\">",
		sm_text_count(b.top).s);
	for (i = b.from; i < b.to; i++) {
		h = width * (double)(i - b.from) / 1000;
		if (h < last + 0.17 || h > 0.86)
			continue;
		fprintf(f, "<span style=\"left:%.1f%%\">%s</span>", 100 * h,
			sm_html_duration(r->bar[i].from).s);
		last = h;
	}
	fputs("</div>\n<figcaption>Done batches by the time they took", f);
	if (r->median_s >= 0) {
		fputs("; of the latest the median is ", f);
		sm_html_seconds(f, "median_s", r->median_s);
		fputs(" and 99 of 100 take no more than ", f);
		sm_html_seconds(f, "p99_s", r->p99_s);
	}
	if (r->straggler_s >= 0) {
		fputs("; a straggler (red line) runs for more than ", f);
		sm_html_seconds(f, "straggler_s", r->straggler_s);
	}
	fputs(".</figcaption></figure>\n", f);
}
