/*
 * status_text.c - status for people
 *
 * Where a job is, what failed, and what to type next.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "colour.h"
#include "output.h"
#include "screen.h"
#include "slurm.h"

#include "status.h"

#define STATUS_BAR 40

/* A log larger than this is a reader's that never ends. */
#define STATUS_WAL_BYTES (64u << 20)

/* What was left out, by the names of the columns. */
static void
status_show_left(const uint64_t tally[SM_TALLIES])
{
	const char *before = "left out: ";
	const struct sm_tally *t;
	unsigned i;

	for (i = 0; (t = sm_tally(i)); i++) {
		if (!t->why || tally[i] == 0)
			continue;
		printf("%s%s %s%s", before, t->name, sm_text_count(tally[i]).s,
		       t->rows ? " rows" : "");
		before = "  ";
	}
	if (*before == ' ')
		putchar('\n');
}

static void
status_show_counts(const struct sm_status *s)
{
	char bar[STATUS_BAR + 3];

	sm_screen_bar(bar, STATUS_BAR, s->percent / 100);
	printf("%s %5.1f%%  %s of %s %s\n", bar,
	       s->done < s->total && s->percent > 99.9 ? 99.9 : s->percent,
	       sm_text_count(s->done).s, sm_text_count(s->total).s,
	       sm_text_plural(s->total, "batch", "batches"));
	printf("pending %s  running %s  done %s  ", sm_text_count(s->pending).s,
	       sm_text_count(s->running).s, sm_text_count(s->done).s);
	sm_colour_begin(stdout, s->failed > 0 ? SM_PAINT_BAD : SM_PAINT_NONE);
	printf("failed %s", sm_text_count(s->failed).s);
	sm_colour_end(stdout);
	putchar('\n');
	printf("rows %s  records %s  text %s  gzip %s\n",
	       sm_text_count(s->rows).s, sm_text_count(s->records).s,
	       sm_text_size(s->raw_bytes).s, sm_text_size(s->gz_bytes).s);
	status_show_left(s->tally);
	if (s->joined > 0 && s->done < s->total)
		printf("in the final file so far: %s %s\n",
		       sm_text_count(s->joined).s,
		       sm_text_plural(s->joined, "batch", "batches"));
}

/* What an operator is to see first, though it may mend itself. */
static void
status_word(const char *before, const char *text)
{
	fputs(before, stdout);
	sm_colour_begin(stdout, SM_PAINT_SLOW);
	fputs(text, stdout);
	sm_colour_end(stdout);
}

static void
status_show_pace(const struct sm_status *s)
{
	char text[128];

	if (!s->active && s->workers == 0) {
		if (s->running > 0)
			puts("nobody is working on it; what is running was "
			     "left so, and is put back by the next run");
		else if (s->done < s->total)
			puts("nobody is working on it");
		return;
	}
	printf("%u %s of %d wanted", s->workers,
	       sm_text_plural(s->workers, "worker", "workers"),
	       s->target_workers);
	if (s->paused)
		status_word(", ", "paused");
	if (s->rows_per_s > 0)
		printf(", %s rows/s", sm_text_rate(s->rows_per_s).s);
	if (s->elapsed_s > 0)
		printf(", for %s", sm_text_duration(s->elapsed_s).s);
	if (s->stopped)
		status_word(", ", "stopped by a signal (fg goes on)");
	if (s->eta_s >= 0 && s->done < s->total) {
		printf(", about %s left", sm_text_duration(s->eta_s).s);
	} else if (s->stragglers > 0 && !s->paused && !s->stopped) {
		snprintf(text, sizeof(text),
			 "waiting for %s %s that %s far longer than usual",
			 sm_text_count(s->stragglers).s,
			 sm_text_plural(s->stragglers, "batch", "batches"),
			 sm_text_plural(s->stragglers, "takes", "take"));
		status_word(", ", text);
	}
	putchar('\n');
}

/*
 * Does the message of a failed command end in that line already?  It may have
 * been cut there, and what is no text is escaped.
 */
static bool
status_is_said(const char *error, const char *tail)
{
	char begin[40];
	size_t n = 0;

	while (n + 1 < sizeof(begin) && tail[n] && !sm_output_control(tail + n))
		n++;
	snprintf(begin, n + 1, "%s", tail);
	return error && strstr(error, begin);
}

static void
status_why(FILE *f, const char *error, const char *stderr_tail)
{
	const char *tail = stderr_tail ? stderr_tail : "";

	if (status_is_said(error, tail))
		tail = "";
	sm_output_line(f, "%%%%", error ? ": " : "", error ? error : "",
		       *tail ? ": " : "", tail, NULL);
}

void
sm_status_failed(FILE *f, const struct sm_status_failure *x)
{
	if (x->failed == 1 && x->batches == 1)
		fprintf(f, "batch %s failed", x->examples);
	else
		fprintf(f, "%s %s failed, such as %s",
			sm_text_count(x->failed).s,
			sm_text_plural(x->failed, "batch", "batches"),
			x->examples);
	status_why(f, x->message, x->stderr_tail);
}

/* One line per reason: of what has failed, or else of what will be tried again.
 */
static void
status_show_failures(const struct sm_status *s, bool failed)
{
	const struct sm_status_failure *x;
	bool told = false;
	size_t i;

	for (i = 0; i < s->failures; i++) {
		x = &s->failure[i];
		if (failed != (x->failed > 0))
			continue;
		if (!told)
			puts(failed ? "failed:" : "tries that failed:");
		told = true;
		fputs("  ", stdout);
		sm_colour_begin(stdout, failed ? SM_PAINT_BAD : SM_PAINT_SLOW);
		if (failed) {
			sm_status_failed(stdout, x);
			sm_colour_end(stdout);
			continue;
		}
		printf("%s of %s %s, such as %s", sm_text_count(x->tries).s,
		       sm_text_count(x->batches).s,
		       sm_text_plural(x->batches, "batch", "batches"),
		       x->examples);
		status_why(stdout, x->message, x->stderr_tail);
		sm_colour_end(stdout);
	}
}

/* "run 3 ended 2026-11-28 02:14:55 after 3 h 04 min: …" */
static void
status_show_last(const struct sm_status *s)
{
	const struct sm_status_run *r = &s->last;
	char began[64];

	if (r->id == 0 || !r->why)
		return;
	snprintf(began, sizeof(began), "%s", sm_text_time(r->started).s);
	if (r->ended > 0)
		printf("the last %s, %s to %s", r->command, began,
		       sm_text_time(r->ended).s);
	else
		printf("the last %s, from %s on", r->command, began);
	printf(", made %s %s", sm_text_count(r->done).s,
	       sm_text_plural(r->done, "batch", "batches"));
	if (r->failed > 0)
		printf(", %s failed", sm_text_count(r->failed).s);
	fputs("; ", stdout);
	sm_colour_begin(stdout,
			r->exit_status == 0 ? SM_PAINT_NONE : SM_PAINT_SLOW);
	fputs("ended", stdout);
	if (r->exit_status >= 0)
		printf(" with %" PRId64, r->exit_status);
	if (r->signal > 0)
		printf(" by signal %" PRId64 " (%s)", r->signal,
		       strsignal((int)r->signal));
	fputs(": ", stdout);
	sm_output_name(stdout, r->why);
	sm_colour_end(stdout);
	putchar('\n');
}

static void
status_show_one_running(const struct sm_status_batch *b)
{
	fputs("  ", stdout);
	if (b->usual_s > 0)
		sm_colour_begin(stdout, SM_PAINT_SLOW);
	printf("batch %" PRIu64 " for %s", b->id,
	       sm_text_duration(b->elapsed_s).s);
	if (b->usual_s > 0) {
		printf(" (usually %s)", sm_text_duration(b->usual_s).s);
		sm_colour_end(stdout);
	}
	printf(", try %" PRId64 ", pid %" PRId64, b->attempts, b->pid);
	if (b->command > 0)
		printf(", command %" PRId64, b->command);
	status_why(stdout, b->error, b->stderr_tail);
}

static void
status_show_running(const struct sm_status *s)
{
	const struct sm_status_batch *b;
	uint64_t shown = 0;
	size_t i;

	for (i = 0; i < s->batches; i++) {
		b = &s->batch[i];
		if (strcmp(b->state, "running") != 0)
			continue;
		if (shown++ == 0)
			puts("running:");
		status_show_one_running(b);
	}
	if (shown > 0 && s->running > shown)
		printf("  and %s more\n", sm_text_count(s->running - shown).s);
}

/* A line for each part that is not done. */
static void
status_show_parts(const struct sm_status *s)
{
	const struct sm_status_part *p;
	uint64_t done = 0;
	size_t i;

	for (i = 0; i < s->parts; i++) {
		p = &s->part[i];
		if (p->error) {
			sm_output_line(stdout, "%: cannot be read: %", p->name,
				       p->error, NULL);
			continue;
		}
		if (p->done == p->total) {
			done++;
			continue;
		}
		printf("%s: %s of %s done, %s running, %s failed%s\n", p->name,
		       sm_text_count(p->done).s, sm_text_count(p->total).s,
		       sm_text_count(p->running).s, sm_text_count(p->failed).s,
		       p->active ? "; it runs" : "");
	}
	if (s->parts > 0)
		printf("%s of %s %s done\n", sm_text_count(done).s,
		       sm_text_count(s->parts).s,
		       sm_text_plural(s->parts, "part is", "parts are"));
}

/* The directory above a part's. */
struct sm_path
sm_status_whole(const struct sm_status *s)
{
	struct sm_path whole;
	char *slash;

	snprintf(whole.s, sizeof(whole.s), "%s", s->job ? s->job : "");
	slash = strrchr(whole.s, '/');
	if (slash)
		*slash = '\0';
	return whole;
}

/* Its parts are made by Slurm, and not on the host where this is asked. */
static bool
status_is_submitted(const struct sm_status *s)
{
	struct sm_path note;

	snprintf(note.s, sizeof(note.s), "%s/" SM_SLURM_NOTE, s->job);
	return s->parts > 0 && access(note.s, F_OK) == 0;
}

/* The one line that a person should type now, if there is one. */
static void
status_show_next(const struct sm_status *s, const char *job)
{
	if (s->complete) {
		sm_colour_begin(stdout, SM_PAINT_GOOD);
		fputs("complete", stdout);
		sm_colour_end(stdout);
		sm_output_line(
			stdout, ": %; % may be removed (shardmill clean)",
			s->final_path ? s->final_path : "joined", s->job, NULL);
	} else if (s->paused && s->pending)
		sm_output_line(stdout, "paused; to go on: shardmill resume $",
			       job, NULL);
	else if (s->target_workers == 0 && s->pending && s->parts == 0)
		sm_output_line(stdout,
			       "0 workers are wanted; to go on: shardmill set "
			       "$ -j 1",
			       job, NULL);
	else if (s->active)
		return;
	else if (s->producer && s->failed && !s->pending && !s->running)
		sm_output_line(stdout,
			       "next: shardmill retry $, then run it by the "
			       "program that has the producer '%'",
			       job, s->producer, NULL);
	else if (s->producer && (s->pending || s->running))
		sm_output_line(stdout,
			       "next: run it by the program that has the "
			       "producer '%'",
			       s->producer, NULL);
	else if (status_is_submitted(s) && s->failed)
		sm_output_line(stdout,
			       "next: shardmill retry $ && shardmill slurm $",
			       job, job, NULL);
	else if (status_is_submitted(s) && (s->pending || s->running))
		sm_output_line(stdout, "next: shardmill slurm $", job, NULL);
	else if (s->pending || s->running)
		sm_output_line(stdout, "next: shardmill run $", job, NULL);
	else if (s->failed)
		sm_output_line(stdout, "next: shardmill run $ --retry-failed",
			       job, NULL);
	else if (s->part_count > 0)
		sm_output_line(stdout,
			       "this part is done; when all % are: shardmill "
			       "finalize $",
			       sm_text_count(s->part_count).s,
			       sm_status_whole(s).s, NULL);
	else if (s->files_dir && !s->final_path)
		sm_output_line(stdout, "all are done; the files are in '%'",
			       s->files_dir, NULL);
	else if (s->textless)
		sm_output_line(stdout, "all are done", NULL);
	else
		sm_output_line(stdout, "next: shardmill finalize $%", job,
			       s->final_path ? "" : " -o FILE", NULL);
}

void
sm_status_show(const struct sm_status *s, const char *job)
{
	sm_colour_begin(stdout, SM_PAINT_BOLD);
	sm_output_name(stdout, s->job);
	sm_colour_end(stdout);
	sm_output_line(stdout, ": %%%%, fingerprint %", s->kind ? s->kind : "",
		       s->producer ? " '" : "", s->producer ? s->producer : "",
		       s->producer ? "'" : "", s->fingerprint, NULL);
	status_show_counts(s);
	status_show_pace(s);
	if (s->wal_bytes > STATUS_WAL_BYTES)
		printf("the database's log is %s: some reader has been open "
		       "for long\n",
		       sm_text_size(s->wal_bytes).s);
	status_show_running(s);
	status_show_failures(s, true);
	status_show_failures(s, false);
	status_show_parts(s);
	if (!s->active)
		status_show_last(s);
	status_show_next(s, job);
}

static double
status_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
status_show_attempt(const struct sm_attempt *a)
{
	printf("try %" PRId64 ": %s", a->number, sm_text_time(a->started).s);
	if (a->ended > 0)
		printf(", %s", sm_text_duration(a->ended - a->started).s);
	printf(", pid %" PRId64, a->pid);
	/* It is there: somebody is at work on it. */
	if (a->command > 0)
		printf(", command %" PRId64 ", for %s", a->command,
		       sm_text_duration(fmax(0, status_now() - a->started)).s);
	sm_output_line(stdout, " on %: %", a->host ? a->host : "-",
		       a->outcome ? a->outcome : "", NULL);
	if (a->exit_status >= 0)
		printf("  exit status %" PRId64 "\n", a->exit_status);
	if (a->signal > 0)
		printf("  signal %" PRId64 " (%s)\n", a->signal,
		       strsignal((int)a->signal));
	if (a->message)
		sm_output_line(stdout, "  %: %",
			       a->error_class ? a->error_class : "error",
			       a->message, NULL);
}

/* Line by line, each after a mark, so that it cannot pass for ours. */
static void
status_show_stderr(const char *text)
{
	const char *end;
	char line[4200]; /* more than an attempt keeps */

	for (; *text; text = *end ? end + 1 : end) {
		end = text + strcspn(text, "\n");
		snprintf(line, sizeof(line), "%.*s", (int)(end - text), text);
		sm_output_line(stdout, "  | %", line, NULL);
	}
}

void
sm_status_show_batch(const struct sm_batch_status *b, const char *job)
{
	const struct sm_attempt *a;
	uint64_t tally[SM_TALLIES];
	char id[24];
	size_t i;

	snprintf(id, sizeof(id), "%" PRIu64, b->id);
	printf("batch %s: %s, %zu %s", id, b->state, b->attempt_count,
	       sm_text_plural(b->attempt_count, "attempt", "attempts"));
	/* Those that were interrupted, or are of before a retry, do not. */
	if (b->attempts != (int64_t)b->attempt_count)
		printf(", of which %" PRId64 " %s", b->attempts,
		       sm_text_plural((uint64_t)b->attempts, "counts",
				      "count"));
	putchar('\n');
	if (b->first >= 0)
		printf("from %" PRId64 " to %" PRId64 ", the end not "
		       "included\n",
		       b->first, b->end);
	if (b->first_byte >= 0)
		printf("bytes %" PRId64 " to %" PRId64 "\n", b->first_byte,
		       b->end_byte);
	if (b->item)
		sm_output_line(stdout, "item %", b->item, NULL);
	if (b->rows >= 0 && strcmp(b->state, "done") == 0) {
		printf("rows %s  records %s  text %s  gzip %s\n",
		       sm_text_count((uint64_t)b->rows).s,
		       sm_text_count((uint64_t)b->records).s,
		       sm_text_size((uint64_t)b->raw_bytes).s,
		       sm_text_size((uint64_t)b->gz_bytes).s);
		for (i = 0; i < SM_TALLIES; i++)
			tally[i] = b->tally[i] > 0 ? (uint64_t)b->tally[i] : 0;
		status_show_left(tally);
	}
	if (b->error && strcmp(b->state, "done") != 0)
		sm_output_line(stdout, "error: %", b->error, NULL);
	for (i = 0; i < b->attempt_count; i++) {
		a = &b->attempt[i];
		status_show_attempt(a);
		if (a->stderr_text)
			status_show_stderr(a->stderr_text);
	}
	if (strcmp(b->state, "failed") == 0)
		sm_output_line(stdout, "next: shardmill retry $ --batch %", job,
			       id, NULL);
	if (b->attempt_count > 0 &&
	    b->attempt[b->attempt_count - 1].command > 0)
		sm_output_line(stdout,
			       "next: shardmill stop $ --batch %, if it is to "
			       "be ended and made again",
			       job, id, NULL);
}
