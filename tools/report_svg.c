/*
 * The pictures of a report that have time from left to right: progress,
 * throughput, workers.  They share the axis, on which times without any run are
 * folded, and are apart from those of batches (report_map.c), which have none.
 *
 * Each is 1,000 wide and stretched to the page; a shape says in its title what
 * it stands for.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "output.h"

#include "report.h"

#define SVG_WIDTH  1000.0
#define SVG_HEIGHT 200.0
#define SVG_LANE   20.0
#define SVG_APART  0.22 /* of the width, between the texts below a picture */

/* ---------------------------------------------------------------- time -- */

static double
svg_x(const struct sm_report *r, double time)
{
	return SVG_WIDTH * sm_report_place(r, time);
}

/* The time at a place, of a folded one when work began again. */
static double
svg_time(const struct sm_report *r, double at)
{
	const struct sm_report_span *s = r->span;
	size_t i;

	for (i = 0; i < r->spans; i++, s++)
		if (at < s->at + s->width)
			return s->from + fmax(0, at - s->at) / s->width *
						 (s->to - s->from);
	return i > 0 ? s[-1].to : 0;
}

/* As short as it may be: a date where there are several, seconds where they
 * matter. */
static struct sm_text
svg_clock(const struct sm_report *r, double time)
{
	const struct sm_report_span *s = r->span;
	const char *form = "%H:%M:%S";
	time_t at = (time_t)time;
	struct sm_text t = { "-" };
	double work = 0;
	struct tm tm;
	size_t i;

	for (i = 0; i < r->spans; i++)
		work += s[i].to - s[i].from;
	if (r->spans > 0 && s[r->spans - 1].to - s[0].from >= 86400)
		form = work < 3600 ? "%b %d %H:%M:%S" : "%b %d %H:%M";
	if (localtime_r(&at, &tm))
		strftime(t.s, sizeof(t.s), form, &tm);
	return t;
}

static void
svg_tick(FILE *f, const struct sm_report *r, double at, double *last)
{
	if (at < *last + SVG_APART || at > 1 - SVG_APART)
		return;
	/* A phone has room for the first and the last. */
	fprintf(f, "<span%s style=\"left:%.1f%%\">%s</span>",
		*last < 0 ? "" : " class=\"long\"", 100 * at,
		svg_clock(r, svg_time(r, at)).s);
	*last = at;
}

/* When each stretch of work began, the middle of a long one, and the end. */
static void
svg_ticks(FILE *f, const struct sm_report *r, const char *inset)
{
	const struct sm_report_span *s;
	double last = -1;
	size_t i;

	fprintf(f, "<div class=\"ticks%s\" aria-hidden=\"true\">", inset);
	for (i = 0; i < r->spans; i++) {
		s = &r->span[i];
		svg_tick(f, r, s->at, &last);
		if (s->width > 2 * SVG_APART)
			svg_tick(f, r, s->at + s->width / 2, &last);
	}
	if (r->spans > 0)
		fprintf(f, "<span style=\"right:0\">%s</span>",
			svg_clock(r, r->span[r->spans - 1].to).s);
	fputs("</div>\n", f);
}

/* ------------------------------------------------------- what is behind -- */

/* Folded times and pauses. */
static void
svg_back(FILE *f, const struct sm_report *r, double height)
{
	const struct sm_report_span *s;
	double x, to, ended;
	size_t i;

	for (i = 1; i < r->spans; i++) {
		s = &r->span[i - 1];
		x = SVG_WIDTH * (s->at + s->width);
		fprintf(f,
			"<rect class=\"gap\" x=\"%.1f\" width=\"%.1f\" "
			"height=\"%.0f\"><title>nothing ran for %s"
			"</title></rect>\n",
			x, SVG_WIDTH * s[1].at - x, height,
			sm_text_duration(s[1].from - s->to).s);
	}
	for (i = 0; i < r->pauses; i++) {
		ended = r->pause[i].ended;
		if (ended <= 0)
			ended = r->at;
		x = svg_x(r, r->pause[i].started);
		to = svg_x(r, ended);
		fprintf(f,
			"<rect class=\"pause\" x=\"%.1f\" width=\"%.1f\" "
			"height=\"%.0f\"><title>paused from %s, for %s%s"
			"</title></rect>\n",
			x, fmax(1.5, to - x), height,
			svg_clock(r, r->pause[i].started).s,
			sm_text_duration(ended - r->pause[i].started).s,
			r->pause[i].ended > 0 ? "" : " so far");
	}
}

static void
svg_open(FILE *f, const char *label, double height)
{
	fprintf(f,
		"<svg role=\"img\" aria-label=\"%s\" viewBox=\"0 0 1000 %.0f\" "
		"preserveAspectRatio=\"none\">\n",
		label, height);
}

/* Below the curve: a bar for each run, and its number where there is room. */
static void
svg_runs(FILE *f, const struct sm_report *r)
{
	const struct sm_status_run *run;
	double x, to, last = -1;
	size_t i;

	fputs("<div class=\"strip\">", f);
	svg_open(f, "each run, from its beginning to its end", 10);
	for (i = r->runs; i-- > 0;) {
		run = &r->run[i].run;
		x = svg_x(r, run->started);
		to = run->ended > 0 ? svg_x(r, run->ended) : SVG_WIDTH;
		fprintf(f,
			"<rect class=\"%s\" x=\"%.1f\" width=\"%.1f\" "
			"height=\"10\"><title>run %" PRId64
			", from %s: %s batches done, %s failed; ",
			run->id % 2 ? "d3" : "d1", x, fmax(2, to - x), run->id,
			svg_clock(r, run->started).s,
			sm_text_count(run->done).s,
			sm_text_count(run->failed).s);
		sm_html_text(f, run->why ? run->why : "no end is noted", 300);
		fputs("</title></rect>\n", f);
	}
	fputs("</svg></div>\n<div class=\"ticks\">", f);
	for (i = r->runs; i-- > 0;) {
		run = &r->run[i].run;
		x = sm_report_place(r, run->started);
		if (x < last + 0.12 || x > 0.88)
			continue;
		fprintf(f, "<span style=\"left:%.1f%%\">run %" PRId64 "</span>",
			100 * x, run->id);
		last = x;
	}
	fputs("</div>\n", f);
}

/* ----------------------------------------------------------- progress -- */

static void
svg_curve(FILE *f, const struct sm_report *r, bool closed)
{
	double total = r->status.total > 0 ? (double)r->status.total : 1, done;
	size_t c;

	fprintf(f, "<path class=\"%s\" d=\"M0 %.0f", closed ? "area" : "line",
		SVG_HEIGHT);
	for (c = 0; c < SM_REPORT_COLUMNS; c++) {
		done = (double)r->column[c].done;
		fprintf(f, "L%.1f %.1f",
			SVG_WIDTH * (double)(c + 1) / SM_REPORT_COLUMNS,
			SVG_HEIGHT * (1 - done / total));
	}
	if (closed)
		fprintf(f, "V%.0fZ", SVG_HEIGHT);
	fputs("\"/>\n", f);
}

/* What a pointer finds above a time, and a mark where tries failed. */
static void
svg_progress_columns(FILE *f, const struct sm_report *r)
{
	const struct sm_report_column *c = r->column;
	double width = SVG_WIDTH / SM_REPORT_COLUMNS;
	struct sm_text done, failed;
	size_t i;

	for (i = 0; i < SM_REPORT_COLUMNS; i++, c++) {
		if (c->seconds <= 0)
			continue;
		done = sm_text_count(c->done);
		failed = sm_text_count(c->failed);
		fprintf(f, "<g><title>%s: %s done",
			svg_clock(r, svg_time(r, (double)(i + 1) /
							 SM_REPORT_COLUMNS))
				.s,
			done.s);
		if (c->failed > 0)
			fprintf(f, ", %s %s failed", failed.s,
				sm_text_plural(c->failed, "try", "tries"));
		fprintf(f,
			"</title><rect class=\"none\" x=\"%.2f\" width=\"%.2f\""
			" height=\"200\"/>",
			width * (double)i, width);
		if (c->failed > 0)
			fprintf(f,
				"<rect class=\"f\" x=\"%.2f\" y=\"188\" "
				"width=\"%.2f\" height=\"12\"/>",
				width * (double)i, width);
		fputs("</g>\n", f);
	}
}

void
sm_svg_progress(FILE *f, const struct sm_report *r)
{
	double x;
	size_t i;

	fputs("<figure><div class=\"plot\">", f);
	svg_open(f, "batches done over time", SVG_HEIGHT);
	svg_back(f, r, SVG_HEIGHT);
	svg_curve(f, r, true);
	svg_curve(f, r, false);
	for (i = 0; i < r->runs; i++) {
		x = svg_x(r, r->run[i].run.started);
		fprintf(f,
			"<line class=\"mark begin\" x1=\"%.1f\" x2=\"%.1f\" "
			"y1=\"0\" y2=\"200\"/>\n",
			x, x);
	}
	svg_progress_columns(f, r);
	fprintf(f, "</svg><span class=\"top\">%s %s</span></div>\n",
		sm_text_count(r->status.total).s,
		sm_text_plural(r->status.total, "batch", "batches"));
	svg_ticks(f, r, "");
	svg_runs(f, r);
	fputs("<figcaption>Batches done; broken lines are where a run began",
	      f);
	if (r->pauses > 0)
		fputs(", violet is a pause", f);
	if (r->spans > 1)
		fputs(", grey a time in which nothing ran", f);
	fputs(", red at the bottom are tries that failed.</figcaption>"
	      "</figure>\n",
	      f);
}

/* ---------------------------------------------------------- throughput -- */

struct svg_rate {
	const char *id, *name;
	size_t at; /* in a column */
	uint64_t total;
	bool bytes;
};

static double
svg_rate_at(const struct sm_report_column *c, size_t at)
{
	double v;

	memcpy(&v, (const char *)c + at, sizeof(v));
	return c->seconds > 0 ? v / c->seconds : 0;
}

static struct sm_text
svg_rate_text(const struct svg_rate *rate, double v)
{
	struct sm_text t;

	if (rate->bytes)
		return sm_text_size((uint64_t)(v + 0.5));
	if (v >= 10 || v <= 0)
		return sm_text_count((uint64_t)(v + 0.5));
	snprintf(t.s, sizeof(t.s), "%.2g", v);
	return t;
}

static void
svg_rate(FILE *f, const struct sm_report *r, const struct svg_rate *rate)
{
	const struct sm_report_column *c = r->column;
	double top = 0, seconds = 0, v, h,
	       width = SVG_WIDTH / SM_REPORT_COLUMNS;
	char label[100];
	size_t i;

	for (i = 0; i < SM_REPORT_COLUMNS; i++) {
		top = fmax(top, svg_rate_at(&c[i], rate->at));
		seconds += c[i].seconds;
	}
	fputs("<figure><div class=\"plot low\">", f);
	snprintf(label, sizeof(label), "%s per second over time", rate->name);
	svg_open(f, label, SVG_HEIGHT);
	svg_back(f, r, SVG_HEIGHT);
	for (i = 0; i < SM_REPORT_COLUMNS && top > 0; i++, c++) {
		v = svg_rate_at(c, rate->at);
		h = SVG_HEIGHT * v / top;
		if (v <= 0)
			continue;
		fprintf(f,
			"<rect class=\"d2\" x=\"%.2f\" y=\"%.1f\" "
			"width=\"%.2f\" height=\"%.1f\"><title>%s: %s/s"
			"</title></rect>\n",
			width * (double)i, SVG_HEIGHT - h, width, h,
			svg_clock(r, svg_time(r, (double)i / SM_REPORT_COLUMNS))
				.s,
			svg_rate_text(rate, v).s);
	}
	fprintf(f, "</svg><span class=\"top\">%s/s</span></div>\n",
		svg_rate_text(rate, top).s);
	fprintf(f, "<figcaption>%s: ", rate->name);
	if (rate->bytes)
		sm_html_size(f, rate->id, rate->total);
	else
		sm_html_number(f, rate->id, rate->total);
	if (seconds > 0)
		fprintf(f, " in all, %s/s on average, at most %s/s",
			svg_rate_text(rate, (double)rate->total / seconds).s,
			svg_rate_text(rate, top).s);
	fputs("</figcaption></figure>\n", f);
}

void
sm_svg_throughput(FILE *f, const struct sm_report *r)
{
	const struct sm_status *s = &r->status;
	const struct svg_rate rates[] = {
		{ "rows", "Rows", offsetof(struct sm_report_column, rows),
		  s->rows, false },
		{ "raw_bytes", "Text",
		  offsetof(struct sm_report_column, raw_bytes), s->raw_bytes,
		  true },
		{ "gz_bytes", "Compressed",
		  offsetof(struct sm_report_column, gz_bytes), s->gz_bytes,
		  true },
	};
	size_t i;

	for (i = 0; i < sizeof(rates) / sizeof(*rates); i++)
		svg_rate(f, r, &rates[i]);
	svg_ticks(f, r, "");
	fputs("<p class=\"dim\">Of batches that are done, spread over the time "
	      "in which each was in hand.</p>\n",
	      f);
}

/* ------------------------------------------------------------- workers -- */

static void
svg_try(FILE *f, const struct sm_report *r, const struct sm_report_try *t)
{
	double ended = t->ended > 0 ? t->ended : r->at, x, to;
	const char *class = "o", *apart = "";

	x = svg_x(r, t->started);
	to = svg_x(r, ended);
	if (t->failed)
		class = "f";
	else if (strcmp(t->outcome, "done") == 0)
		class = "d2";
	else if (strcmp(t->outcome, "running") == 0)
		class = "r";
	/* Nothing would be left of a short one beside a line around it. */
	if (to - x > 4)
		apart = "try ";
	fprintf(f,
		"<rect class=\"%s%s\" x=\"%.2f\" width=\"%.2f\" "
		"height=\"20\"><title>batch %" PRIu64 ", try %" PRIu64
		": %s, %s, from %s</title></rect>\n",
		apart, class, x, fmax(1.5, to - x), t->batch, t->number,
		t->outcome, sm_html_duration(ended - t->started).s,
		svg_clock(r, t->started).s);
}

/* How much of the time the lane's workers had something in hand, in quarters.
 */
static unsigned
svg_busy(const struct sm_report *r, const struct sm_report_lane *lane, size_t c)
{
	double room = r->column[c].seconds * (double)lane->workers;
	double share = room > 0 ? lane->column[c].busy / room : 0;

	return (unsigned)(4 * fmin(share, 1) + 0.75);
}

/* Columns that are alike are one shape, and say what they have together. */
static void
svg_lane_bins(FILE *f, const struct sm_report *r,
	      const struct sm_report_lane *lane)
{
	const struct sm_report_lane_column *column = lane->column;
	double width = SVG_WIDTH / SM_REPORT_COLUMNS;
	uint64_t tries, failed;
	unsigned busy;
	size_t c, end;

	for (c = 0; c < SM_REPORT_COLUMNS; c = end) {
		busy = svg_busy(r, lane, c);
		tries = failed = 0;
		for (end = c;
		     end < SM_REPORT_COLUMNS &&
		     svg_busy(r, lane, end) == busy &&
		     (column[end].failed > 0) == (column[c].failed > 0);
		     end++) {
			tries += column[end].tries;
			failed += column[end].failed;
		}
		if (busy == 0 && tries == 0)
			continue;
		fprintf(f,
			"<g><title>from %s: %s tries ended, %s failed</title>"
			"<rect class=\"d2\" x=\"%.2f\" width=\"%.2f\" "
			"height=\"20\" fill-opacity=\"%.2f\"/>",
			svg_clock(r, svg_time(r, (double)c / SM_REPORT_COLUMNS))
				.s,
			sm_text_count(tries).s, sm_text_count(failed).s,
			width * (double)c, width * (double)(end - c),
			busy / 4.0);
		if (failed > 0)
			fprintf(f,
				"<rect class=\"f\" x=\"%.2f\" y=\"15\" "
				"width=\"%.2f\" height=\"5\"/>",
				width * (double)c, width * (double)(end - c));
		fputs("</g>\n", f);
	}
}

static void
svg_lane(FILE *f, const struct sm_report *r, size_t i)
{
	const struct sm_report_lane *lane = &r->lane[i];
	double busy = 0, seconds = 0, share = 0;
	uint64_t tries = 0, failed = 0;
	char name[60], label[160];
	size_t c, k;

	for (c = 0; c < SM_REPORT_COLUMNS; c++) {
		busy += lane->column[c].busy;
		seconds += r->column[c].seconds;
		tries += lane->column[c].tries;
		failed += lane->column[c].failed;
	}
	if (seconds > 0)
		share = fmin(1, busy / seconds / (double)lane->workers);
	snprintf(name, sizeof(name), "%" PRIu64, lane->first);
	if (lane->workers > 1)
		snprintf(name, sizeof(name), "%" PRIu64 "–%" PRIu64,
			 lane->first, lane->first + lane->workers - 1);
	snprintf(label, sizeof(label),
		 "worker %s: %.0f %% of the time at work, %" PRIu64
		 " tries ended, %" PRIu64 " of them failed",
		 name, 100 * share, tries, failed);
	fprintf(f, "<div class=\"lane\"><span>%s</span>", name);
	svg_open(f, label, SVG_LANE);
	svg_back(f, r, SVG_LANE);
	if (r->tries_told == 0)
		svg_lane_bins(f, r, lane);
	for (k = 0; k < r->tries_told; k++)
		if (r->tries[k].lane == i)
			svg_try(f, r, &r->tries[k]);
	fputs("</svg></div>\n", f);
}

void
sm_svg_workers(FILE *f, const struct sm_report *r)
{
	size_t i;

	if (r->lanes == 0) {
		fputs("<p>No worker has joined yet: ", f);
		sm_html_number(f, "tries", r->tries_all);
		fputs(" tries.</p>\n", f);
		return;
	}
	fputs("<figure>", f);
	for (i = 0; i < r->lanes; i++)
		svg_lane(f, r, i);
	svg_ticks(f, r, " inset");
	fputs("<figcaption>", f);
	if (r->tries_told > 0)
		fputs("Each try by its worker: blue done, amber running, red "
		      "failed, violet given back or ended otherwise. ",
		      f);
	else
		fputs("The fuller, the more of the time a worker had a batch "
		      "in hand; red: tries that failed. ",
		      f);
	sm_html_number(f, "tries", r->tries_all);
	fputs(" tries in all.</figcaption></figure>\n", f);
}
