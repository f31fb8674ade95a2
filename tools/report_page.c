/*
 * The page of a report: its sections, their tables and figures.  Pictures are
 * in report_svg.c and report_map.c; how text becomes HTML is in report_html.c.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "output.h"

#include "report.h"

/* Of a text from outside, in bytes: none may make the page large. */
#define PAGE_NAME_MAX    1000
#define PAGE_TEXT_MAX    2000
#define PAGE_STDERR_MAX  4096
#define PAGE_OPTIONS_MAX 200 /* rows */

static void
page_section(FILE *f, const char *id, const char *title)
{
	fprintf(f,
		"<section aria-labelledby=\"%s-title\" id=\"%s\">\n"
		"<h2 id=\"%s-title\">%s</h2>\n",
		id, id, id, title);
}

static void
page_section_end(FILE *f)
{
	fputs("</section>\n", f);
}

/* A table with its caption; the names of columns are parted by '|'. */
static void
page_table(FILE *f, const char *id, const char *caption, const char *columns)
{
	size_t n;

	fprintf(f,
		"<div class=\"wide\"><table id=\"%s\"><caption>%s</caption>"
		"<thead><tr>",
		id, caption);
	for (; *columns; columns += n + (columns[n] == '|')) {
		n = strcspn(columns, "|");
		if (*columns == '#')
			fprintf(f, "<th scope=\"col\" class=\"n\">%.*s</th>",
				(int)n - 1, columns + 1);
		else
			fprintf(f, "<th scope=\"col\">%.*s</th>", (int)n,
				columns);
	}
	fputs("</tr></thead>\n<tbody>\n", f);
}

static void
page_table_end(FILE *f)
{
	fputs("</tbody></table></div>\n", f);
}

static void
page_number(FILE *f, uint64_t n)
{
	fprintf(f, "<td class=\"n\">%s</td>", sm_text_count(n).s);
}

static void
page_words(FILE *f, const char *class, const char *text)
{
	/* The width of a block inside a cell counts, a cell's own does not. */
	fprintf(f, "<td class=\"%s\"><div>", class);
	sm_html_text(f, text, PAGE_NAME_MAX);
	fputs("</div></td>", f);
}

/* Date and time of day, which may stand below each other. */
static void
page_time(FILE *f, double unix_seconds)
{
	struct sm_text t = sm_text_time(unix_seconds);
	int day = (int)strcspn(t.s, " ");

	if (unix_seconds <= 0)
		fputs("<td class=\"t\"></td>", f);
	else
		fprintf(f,
			"<td class=\"t\"><div><span>%.*s</span> <span>%s</span>"
			"</div></td>",
			day, t.s, t.s + day + (t.s[day] == ' '));
}

static void
page_code(FILE *f, const char *text)
{
	fputs("<td class=\"a\"><code>", f);
	sm_html_text(f, text, PAGE_NAME_MAX);
	fputs("</code></td>", f);
}

/* ---------------------------------------------------------------- head -- */

static const char *
page_state(const struct sm_status *s)
{
	if (s->complete)
		return "complete";
	if (s->active || s->workers > 0) {
		if (s->stopped)
			return "stopped by a signal";
		return s->paused ? "paused" : "running";
	}
	if (s->pending + s->running > 0)
		return s->paused ? "paused, and nobody is working on it"
				 : "nobody is working on it";
	return s->failed > 0 ? "over, with failed batches" : "all are done";
}

static void
page_figure(FILE *f, const char *id, const char *name, uint64_t n)
{
	fprintf(f, "<div><dt>%s</dt><dd>", name);
	sm_html_number(f, id, n);
	fputs("</dd></div>\n", f);
}

static void
page_duration(FILE *f, const char *id, const char *name, double s)
{
	fprintf(f, "<div><dt>%s</dt><dd>", name);
	sm_html_seconds(f, id, s);
	fputs("</dd></div>\n", f);
}

/* How much of the job is in which state, in one line. */
static void
page_meter(FILE *f, const struct sm_status *s)
{
	const uint64_t part[] = { s->done, s->failed, s->running, s->pending };
	static const char *const class[] = { "d2", "f", "r", "p" };
	double x = 0, width;
	size_t i;

	fprintf(f,
		"<div class=\"meter\"><svg role=\"img\" aria-label=\"%.2f %% "
		"done\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\">",
		s->percent);
	for (i = 0; i < 4 && s->total > 0; i++) {
		width = 1000 * (double)part[i] / (double)s->total;
		/* One of a million is to be seen. */
		if (part[i] > 0)
			fprintf(f,
				"<rect class=\"%s\" x=\"%.2f\" width=\"%.2f\" "
				"height=\"10\"/>",
				class[i], fmin(x, 996), fmax(width, 4));
		x += width;
	}
	fputs("</svg></div>\n", f);
}

static void
page_head(FILE *f, const struct sm_report *r, const char *name)
{
	const struct sm_status *s = &r->status;
	char zone[40] = "";
	time_t at = (time_t)r->at;
	struct tm tm;

	if (localtime_r(&at, &tm))
		strftime(zone, sizeof(zone), "%z", &tm);
	fputs("<header>\n<h1>", f);
	sm_html_text(f, name, PAGE_NAME_MAX);
	fprintf(f, "</h1>\n<p><strong id=\"state\">%s</strong> at %s %s</p>\n",
		page_state(s), sm_text_time(r->at).s, zone);
	page_meter(f, s);
	fputs("<dl class=\"figures\">\n", f);
	fprintf(f,
		"<div><dt>progress</dt><dd><data id=\"percent\" value=\"%.2f\">%.1f"
		" %%</data></dd></div>\n",
		s->percent,
		s->done < s->total && s->percent > 99.9 ? 99.9 : s->percent);
	page_figure(f, "total", "batches", s->total);
	page_figure(f, "done", "done", s->done);
	page_figure(f, "failed", "failed", s->failed);
	page_figure(f, "running", "running", s->running);
	page_figure(f, "pending", "pending", s->pending);
	page_figure(f, "stragglers", "stragglers", s->stragglers);
	page_figure(f, "records", "records", s->records);
	if (s->elapsed_s > 0)
		page_duration(f, "elapsed_s",
			      s->active ? "this run so far" : "latest run",
			      s->elapsed_s);
	if (s->eta_s >= 0 && s->done < s->total && s->pending + s->running > 0)
		page_duration(f, "eta_s", "about left", s->eta_s);
	if (s->active || s->workers > 0)
		page_figure(f, "alive", "workers", s->workers);
	fputs("</dl>\n</header>\n", f);
}

/* ---------------------------------------------------------------- runs -- */

/* What matters most comes first: a narrow window shows no more at once. */
static void
page_run(FILE *f, const struct sm_report_run *x, double now)
{
	const struct sm_status_run *run = &x->run;
	bool ended = run->ended > 0;

	fputs("<tr>", f);
	if (x->part >= 0)
		page_number(f, (uint64_t)x->part);
	page_number(f, (uint64_t)run->id);
	page_time(f, run->started);
	page_words(
		f, "w",
		sm_text_duration((ended ? run->ended : now) - run->started).s);
	page_words(f, "a", run->why);
	if (run->exit_status >= 0)
		page_number(f, (uint64_t)run->exit_status);
	else
		page_words(f, "n", "");
	page_number(f, run->done);
	page_number(f, run->failed);
	page_time(f, run->ended);
	page_words(f, "w", run->command);
	page_number(f, (uint64_t)x->workers);
	page_words(f, "w", run->host);
	page_words(f, "w", run->version);
	fputs("</tr>\n", f);
}

static void
page_runs(FILE *f, const struct sm_report *r)
{
	bool parts = r->status.parts > 0 || r->status.part_count > 0;
	char caption[100];
	size_t i;

	if (r->runs == 0) {
		fputs("<p>It was not run yet.</p>\n", f);
		return;
	}
	snprintf(caption, sizeof(caption), "Runs, the latest first");
	if (r->runs_all > r->runs)
		snprintf(caption, sizeof(caption), "The latest %zu of %s runs",
			 r->runs, sm_text_count(r->runs_all).s);
	page_table(f, "runs", caption,
		   parts ? "#part|#run|began|took|why it ended|#exit|#done|"
			   "#failed|ended|command|#workers|host|version"
			 : "#run|began|took|why it ended|#exit|#done|"
			   "#failed|ended|command|#workers|host|version");
	for (i = 0; i < r->runs; i++)
		page_run(f, &r->run[i], r->at);
	page_table_end(f);
}

static void
page_pauses(FILE *f, const struct sm_report *r)
{
	const struct sm_report_pause *p = r->pause;
	size_t i;

	if (r->pauses == 0)
		return;
	page_table(f, "pauses", "Pauses, the latest first", "began|ended|took");
	for (i = 0; i < r->pauses; i++, p++) {
		fputs("<tr>", f);
		page_time(f, p->started);
		page_time(f, p->ended);
		page_words(f, "w",
			   sm_text_duration((p->ended > 0 ? p->ended : r->at) -
					    p->started)
				   .s);
		fputs("</tr>\n", f);
	}
	page_table_end(f);
}

/* ------------------------------------------------------------- batches -- */

static void
page_batches(FILE *f, const char *id, const char *caption, const char *columns,
	     const struct sm_report_batch *b, size_t count)
{
	if (count == 0)
		return;
	page_table(f, id, caption, columns);
	for (; count > 0; count--, b++) {
		fprintf(f, "<tr><td class=\"n\">%" PRIu64 "</td>", b->id);
		fprintf(f,
			"<td class=\"n\"><data value=\"%.3f\">%s</data></td>"
			"</tr>\n",
			b->seconds, sm_html_duration(b->seconds).s);
	}
	page_table_end(f);
}

/* ------------------------------------------------------------ failures -- */

static void
page_failure(FILE *f, const struct sm_report_failure *x)
{
	fprintf(f,
		"<article class=\"failure\">\n<h3><data class=\"failed\" "
		"value=\"%" PRIu64 "\">%s</data> %s failed for good, "
		"<data class=\"tries\" value=\"%" PRIu64 "\">%s</data> %s of "
		"<data class=\"batches\" value=\"%" PRIu64 "\">%s</data> %s"
		"</h3>\n<p><code class=\"message\">",
		x->failed, sm_text_count(x->failed).s,
		sm_text_plural(x->failed, "batch", "batches"), x->tries,
		sm_text_count(x->tries).s,
		sm_text_plural(x->tries, "try", "tries"), x->batches,
		sm_text_count(x->batches).s,
		sm_text_plural(x->batches, "batch", "batches"));
	sm_html_text(f, x->message, PAGE_TEXT_MAX);
	fputs("</code></p>\n<p class=\"dim\">such as batch ", f);
	sm_html_text(f, x->examples, PAGE_NAME_MAX);
	if (x->error_class) {
		fputs("; class ", f);
		sm_html_text(f, x->error_class, PAGE_NAME_MAX);
	}
	fputs("</p>\n", f);
	if (x->stderr_text && *x->stderr_text) {
		fputs("<pre tabindex=\"0\" aria-label=\"standard error of the "
		      "latest of them\">",
		      f);
		sm_html_text(f, x->stderr_text, PAGE_STDERR_MAX);
		fputs("</pre>\n", f);
	}
	fputs("</article>\n", f);
}

static void
page_failures(FILE *f, const struct sm_report *r)
{
	size_t i, shown = r->failures;

	if (shown > SM_REPORT_FAILURES)
		shown = SM_REPORT_FAILURES;
	page_section(f, "failures", "Failures by reason");
	if (shown == 0)
		fputs("<p>No try has failed.</p>\n", f);
	for (i = 0; i < shown; i++)
		page_failure(f, &r->failure[i]);
	if (r->failures_all > shown)
		fprintf(f,
			"<p>%s more %s; the view <code>failures</code> of "
			"job.db has all.</p>\n",
			sm_text_count(r->failures_all - shown).s,
			sm_text_plural(r->failures_all - shown, "reason",
				       "reasons"));
	page_section_end(f);
}

/* ------------------------------------------------------------ left out -- */

/* As it would be typed: 0.6, not all digits that a double has. */
static char *
page_value(const json_t *value)
{
	return json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
}

/* A cause, in which "{name}" is the value of that option. */
static void
page_why(FILE *f, const char *why, const json_t *options)
{
	char name[64];
	const char *end;
	json_t *value;
	char *text;

	for (; *why; why++) {
		end = strchr(why, '}');
		if (*why != '{' || !end) {
			putc(*why, f);
			continue;
		}
		snprintf(name, sizeof(name), "%.*s", (int)(end - why - 1),
			 why + 1);
		for (text = name; *text; text++)
			if (*text == '-')
				*text = '_';
		value = json_object_get(options, name);
		text = value ? page_value(value) : NULL;
		sm_html_text(f, text ? text : name, PAGE_NAME_MAX);
		free(text);
		why = end;
	}
}

static void
page_left(FILE *f, const struct sm_report *r, const json_t *options)
{
	const uint64_t *tally = r->status.tally;
	const struct sm_tally *t;
	uint64_t left = 0;
	size_t i;

	page_section(f, "left", "Left out");
	for (i = 0; (t = sm_tally(i)); i++)
		if (t->why)
			left += tally[i];
	if (left == 0 && tally[SM_TALLY_ENTRIES] == 0) {
		fputs("<p>This kind of job counts nothing that is left out"
		      ".</p>\n",
		      f);
	} else {
		page_table(
			f, "tallies",
			"What became of the entries and rows of done batches",
			"#how many|of what|what became of it");
		for (i = 0; (t = sm_tally(i)); i++) {
			fprintf(f, "<tr><td class=\"n\">");
			sm_html_number(f, t->name, tally[i]);
			fprintf(f, "</td><td>%s</td><td>",
				t->rows ? "rows" : "entries");
			if (t->why) {
				fputs("left out ", f);
				if (t->rows)
					fputs("that ", f);
				page_why(f, t->why, options);
			} else {
				fputs("written", f);
			}
			fputs("</td></tr>\n", f);
		}
		page_table_end(f);
	}
	if (r->status.failed > 0)
		fprintf(f,
			"<p>%s that failed %s in no final file unless made "
			"again.</p>\n",
			r->status.failed == 1 ? "The batch" : "The batches",
			r->status.failed == 1 ? "is" : "are");
	page_section_end(f);
}

/* ------------------------------------------------------------- the job -- */

static void
page_option(FILE *f, const char *name, const json_t *value)
{
	char *text = NULL;

	fputs("<tr>", f);
	page_words(f, "w", name);
	if (json_is_string(value)) {
		page_code(f, json_string_value(value));
	} else {
		text = page_value(value);
		page_code(f, text ? text : "");
	}
	free(text);
	fputs("</tr>\n", f);
}

static void
page_options(FILE *f, const json_t *spec)
{
	const char *name, *inner;
	json_t *value, *deep;
	size_t n = 0;

	page_table(f, "options", "Options, as in spec.json", "name|value");
	/* The macro of jansson takes the object without its const. */
	json_object_foreach((json_t *)(uintptr_t)spec, name, value)
	{
		if (n >= PAGE_OPTIONS_MAX)
			break;
		/* Inputs have a table of their own. */
		if (strcmp(name, "inputs") == 0 || json_is_null(value))
			continue;
		if (strcmp(name, "options") != 0) {
			page_option(f, name, value);
			n++;
			continue;
		}
		json_object_foreach(value, inner, deep)
		{
			if (json_is_null(deep))
				continue;
			if (n++ >= PAGE_OPTIONS_MAX)
				break;
			page_option(f, inner, deep);
		}
	}
	page_table_end(f);
}

static void
page_inputs(FILE *f, const struct sm_report *r)
{
	const struct sm_report_input *x = r->input;
	char caption[100];
	size_t i;

	if (r->inputs == 0)
		return;
	snprintf(caption, sizeof(caption), "Inputs, as they were planned");
	if (r->inputs_all > r->inputs)
		snprintf(caption, sizeof(caption), "%zu of %s inputs",
			 r->inputs, sm_text_count(r->inputs_all).s);
	page_table(f, "inputs", caption, "name|path|#bytes|changed|CRC-32");
	for (i = 0; i < r->inputs; i++, x++) {
		fputs("<tr>", f);
		page_words(f, "w", x->name);
		page_code(f, x->path);
		page_number(f, x->size);
		page_time(f, x->mtime);
		fprintf(f, "<td class=\"w\"><code>%08" PRIx32 "</code>%s</td>",
			x->crc32, x->sampled ? " of samples" : "");
		fputs("</tr>\n", f);
	}
	page_table_end(f);
}

static void
page_about(FILE *f, const struct sm_report *r, const json_t *spec)
{
	const struct sm_status *s = &r->status;

	page_section(f, "job", "The job");
	page_table(f, "about", "What it is", "name|value");
	fputs("<tr><td class=\"w\">directory</td>", f);
	page_code(f, s->job);
	fputs("</tr>\n<tr><td class=\"w\">final file</td>", f);
	page_code(f, s->final_path ? s->final_path : "none");
	fputs("</tr>\n<tr><td class=\"w\">kind</td>", f);
	page_code(f, s->kind);
	fputs("</tr>\n<tr><td class=\"w\">fingerprint</td>", f);
	page_code(f, s->fingerprint);
	fprintf(f,
		"</tr>\n<tr><td class=\"w\">planned</td><td>%s</td></tr>\n"
		"<tr><td class=\"w\">workers wanted</td><td>%d</td></tr>\n"
		"<tr><td class=\"w\">tries a batch may take</td><td>%d</td>"
		"</tr>\n<tr><td class=\"w\">page made by</td><td id=\"version\""
		">shardmill " SHARDMILL_VERSION ", SQLite %s</td></tr>\n",
		sm_text_time(r->created).s, s->target_workers, r->max_attempts,
		r->sqlite ? r->sqlite : "unknown");
	page_table_end(f);
	page_inputs(f, r);
	page_options(f, spec);
	page_section_end(f);
}

void
sm_report_page(FILE *f, const struct sm_report *r, unsigned refresh_s)
{
	const struct sm_status *s = &r->status;
	const char *name = s->final_path ? s->final_path : s->job;
	json_t *spec = json_loads(r->spec ? r->spec : "", 0, NULL);
	char title[300];

	name = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
	snprintf(title, sizeof(title), "%.1f %% %.200s", s->percent, name);
	sm_html_begin(f, title, refresh_s);
	page_head(f, r, name);
	fputs("<main>\n", f);
	page_section(f, "progress", "Progress");
	if (r->spans > 0)
		sm_svg_progress(f, r);
	page_runs(f, r);
	page_pauses(f, r);
	page_section_end(f);
	page_section(f, "map", "Batches");
	sm_svg_map(f, r);
	page_section_end(f);
	page_failures(f, r);
	page_section(f, "workers", "Workers");
	sm_svg_workers(f, r);
	page_section_end(f);
	page_section(f, "durations", "How long batches take");
	sm_svg_durations(f, r);
	page_batches(f, "running-stragglers",
		     "Stragglers: running far longer than usual",
		     "#batch|#running for", r->straggler, r->straggler_count);
	page_batches(f, "slowest", "The slowest that are done", "#batch|#took",
		     r->slowest, r->slowest_count < 10 ? r->slowest_count : 10);
	page_section_end(f);
	page_section(f, "throughput", "Throughput");
	sm_svg_throughput(f, r);
	page_section_end(f);
	page_left(f, r, json_object_get(spec, "options"));
	page_about(f, r, spec);
	fputs("</main>\n", f);
	sm_html_end(f);
	json_decref(spec);
}
