/*
 * A job's history in bins.  It is apart from what reads the rows and from what
 * draws the page: here it is decided how many batches a cell of the map has and
 * which column a batch counts in, so that a report of a million batches takes
 * no more memory than one of five thousand.  Which times there are to have
 * columns of, is decided in making_report_times.c.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "making_report.h"
#include "history.h"
#include "tend.h"

/* The first bar of durations is of all below a millisecond; 8 per decade. */
#define REPORT_BAR_S 0.001
#define REPORT_BARS  8

static void
report_release_lists(struct sm_report *r)
{
	struct sm_report_failure *f = r->failure;
	struct sm_report_run *x = r->run;

	for (; r->runs > 0; r->runs--, x++) {
		free(x->run.command);
		free(x->run.host);
		free(x->run.version);
		free(x->run.why);
	}
	for (; r->failures > 0; r->failures--, f++) {
		free(f->reason);
		free(f->message);
		free(f->error_class);
		free(f->stderr_text);
		free(f->examples);
	}
	for (; r->inputs > 0; r->inputs--) {
		free(r->input[r->inputs - 1].name);
		free(r->input[r->inputs - 1].path);
	}
}

void
sm_report_release(struct sm_report *r)
{
	report_release_lists(r);
	sm_status_release(&r->status);
	free(r->spec);
	free(r->cell);
	free(r->lane);
	free(r->tries);
	free(r->run);
	free(r->pause);
	free(r->failure);
	free(r->input);
	*r = (struct sm_report){ 0 };
}

/* ------------------------------------------------------------- scales -- */

int
sm_making_begin(struct sm_making *m, struct sm_report *r, struct sm_err *err)
{
	uint64_t i, step = 1, total = r->status.total;

	*m = (struct sm_making){ .r = r };
	r->at = sm_clock_wall();
	r->median_s = r->p99_s = r->straggler_s = -1;
	/* 1, 2, 5, 10, 20 … batches to a cell. */
	for (i = 1; (total + step - 1) / step > SM_REPORT_CELLS; i++)
		step = i % 3 == 2 ? step / 2 * 5 : step * 2;
	r->cell_batches = step;
	r->cells = (size_t)((total + step - 1) / step);
	r->cell = calloc(r->cells + 1, sizeof(*r->cell));
	for (i = 0; i < SM_REPORT_BARS; i++)
		r->bar[i].from =
			i == 0 ? 0
			       : REPORT_BAR_S *
					 pow(10, (double)(i - 1) / REPORT_BARS);
	return r->cell ? 0 : sm_err_mem(err, "the report");
}

/* Equal reasons of several parts are one. */
static void
report_join_failures(struct sm_report *r)
{
	struct sm_report_failure *f = r->failure, *g, last;
	size_t i, k;

	for (i = 0; i < r->failures; i++)
		for (k = i + 1; k < r->failures;) {
			g = &f[k];
			if (strcmp(f[i].reason, g->reason) != 0) {
				k++;
				continue;
			}
			f[i].tries += g->tries;
			f[i].batches += g->batches;
			f[i].failed += g->failed;
			f[i].open += g->open;
			free(g->reason);
			free(g->message);
			free(g->error_class);
			free(g->stderr_text);
			free(g->examples);
			last = f[--r->failures];
			if (k < r->failures)
				*g = last;
		}
	if (r->failures > r->failures_all)
		r->failures_all = r->failures;
}

static int
report_by_failed(const void *a, const void *b)
{
	const struct sm_report_failure *x = a, *y = b;

	if (x->failed != y->failed)
		return x->failed < y->failed ? 1 : -1;
	if (x->tries != y->tries)
		return x->tries < y->tries ? 1 : -1;
	return strcmp(x->reason, y->reason);
}

static int
report_latest_first(const void *a, const void *b)
{
	const struct sm_report_run *x = a, *y = b;

	if (x->run.started < y->run.started)
		return 1;
	return x->run.started > y->run.started ? -1 : 0;
}

int
sm_making_frame(struct sm_making *m, struct sm_handle *h, struct sm_err *err)
{
	struct sm_report *r = m->r;
	uint64_t attempts = 0, slots = 0;
	size_t had = r->runs;
	int ret;

	if (!r->spec) {
		r->spec = strdup(h->job.spec);
		r->created = h->job.created;
		r->lease_s = h->job.lease_s;
		r->max_attempts = h->job.max_attempts;
		/* The first part may be one that cannot be read. */
		if (r->status.parts == 0)
			r->first = h->job.first_batch;
		if (!r->spec)
			return sm_err_mem(err, "the report");
	}
	m->until = r->at;
	/* Nobody works: a run without an end was killed, when is not known. */
	if (!r->status.active && r->status.workers == 0) {
		ret = sm_report_last_sign(&m->until, h->db, err);
		if (ret < 0)
			return ret;
	}
	ret = sm_making_read_times(m, h->db, err);
	if (ret == 0)
		ret = sm_report_lists(r, h->db, err);
	if (ret == 0)
		ret = sm_report_counts(&attempts, &slots, h->db, err);
	r->tries_all += attempts;
	r->workers += slots;
	if (had == 0)
		return ret;
	/* Of parts: what each has is cut to what one may have. */
	qsort(r->run, r->runs, sizeof(*r->run), report_latest_first);
	for (; r->runs > SM_REPORT_ROWS; r->runs--) {
		free(r->run[r->runs - 1].run.command);
		free(r->run[r->runs - 1].run.host);
		free(r->run[r->runs - 1].run.version);
		free(r->run[r->runs - 1].run.why);
	}
	return ret;
}

int
sm_making_settle(struct sm_making *m, struct sm_err *err)
{
	struct sm_report *r = m->r;
	uint64_t i, per;

	sm_making_settle_times(m);
	if (r->failures > 0) {
		report_join_failures(r);
		qsort(r->failure, r->failures, sizeof(*r->failure),
		      report_by_failed);
	}
	for (i = 0; i < r->cells; i++) {
		r->cell[i].first = r->first + i * r->cell_batches;
		r->cell[i].batches = r->cell_batches;
	}
	if (r->cells > 0)
		r->cell[r->cells - 1].batches =
			r->status.total - (r->cells - 1) * r->cell_batches;
	per = (r->workers + SM_REPORT_LANES - 1) / SM_REPORT_LANES;
	if (per > 0)
		r->lanes = (size_t)((r->workers + per - 1) / per);
	r->lane = calloc(r->lanes + 1, sizeof(*r->lane));
	if (!r->lane)
		return sm_err_mem(err, "the report");
	for (i = 0; i < r->lanes; i++) {
		r->lane[i].first = i * per;
		r->lane[i].workers = per;
		if (r->lane[i].first + per > r->workers)
			r->lane[i].workers = r->workers - r->lane[i].first;
	}
	return 0;
}

/* --------------------------------------------------------------- rows -- */

/* The columns from one time to another, and how much of it is in the first. */
struct report_across {
	size_t column, last;
	double at, to;
};

static size_t
report_column(double at)
{
	size_t c = (size_t)(at * SM_REPORT_COLUMNS);

	return c < SM_REPORT_COLUMNS ? c : SM_REPORT_COLUMNS - 1;
}

static struct report_across
report_across(const struct sm_report *r, double from, double to)
{
	struct report_across a = { .at = sm_report_place(r, from),
				   .to = sm_report_place(r, to) };

	a.column = report_column(a.at);
	a.last = report_column(a.to);
	if (a.last < a.column)
		a.last = a.column;
	return a;
}

/* The share of the whole that the column has. */
static double
report_share(const struct report_across *a, size_t column)
{
	double from, to;

	if (a->column == a->last || !(a->to > a->at))
		return column == a->column;
	from = fmax(a->at, (double)column / SM_REPORT_COLUMNS);
	to = a->to;
	if (column < a->last)
		to = (double)(column + 1) / SM_REPORT_COLUMNS;
	return fmax(0, to - from) / (a->to - a->at);
}

/* The slowest first; of equal ones the lowest number. */
static void
report_slowest(struct sm_report *r, uint64_t id, double seconds)
{
	size_t i = r->slowest_count;

	if (i == SM_REPORT_BATCHES) {
		if (seconds <= r->slowest[i - 1].seconds)
			return;
		i--;
	} else {
		r->slowest_count++;
	}
	for (; i > 0 && r->slowest[i - 1].seconds < seconds; i--)
		r->slowest[i] = r->slowest[i - 1];
	r->slowest[i] =
		(struct sm_report_batch){ .id = id, .seconds = seconds };
}

static void
report_done(struct sm_report *r, struct sm_report_cell *cell,
	    const struct sm_report_batch_row *b)
{
	double seconds = fmax(0, b->finished - b->started), share;
	struct report_across a = report_across(r, b->started, b->finished);
	struct sm_report_column *to;
	double bar = 0;
	size_t c;

	cell->seconds += seconds;
	cell->longest = fmax(cell->longest, seconds);
	report_slowest(r, b->id, seconds);
	if (seconds >= REPORT_BAR_S)
		bar = 1 + REPORT_BARS * log10(seconds / REPORT_BAR_S);
	r->bar[(size_t)fmin(bar, SM_REPORT_BARS - 1)].batches++;
	for (c = a.column; c <= a.last; c++) {
		share = report_share(&a, c);
		to = &r->column[c];
		to->rows += share * (double)b->rows;
		to->raw_bytes += share * (double)b->raw_bytes;
		to->gz_bytes += share * (double)b->gz_bytes;
	}
	r->column[a.last].done++;
}

static void
report_batch(const struct sm_report_batch_row *b, void *arg)
{
	struct sm_report *r = arg;
	struct sm_report_cell *cell;
	uint64_t i;

	if (r->cells == 0 || b->id < r->first)
		return;
	i = (b->id - r->first) / r->cell_batches;
	if (i >= r->cells)
		return;
	cell = &r->cell[i];
	cell->attempts += b->attempts;
	switch (b->state) {
	case 'p':
		cell->pending++;
		break;
	case 'r':
		cell->running++;
		break;
	case 'f':
		cell->failed++;
		break;
	default:
		cell->done++;
		report_done(r, cell, b);
	}
}

static size_t
report_lane(const struct sm_report *r, uint64_t worker)
{
	uint64_t lane = worker / r->lane[0].workers;

	return lane < r->lanes ? (size_t)lane : r->lanes - 1;
}

static void
report_attempt(const struct sm_report_attempt_row *row, void *arg)
{
	struct sm_making *m = arg;
	struct sm_report *r = m->r;
	struct sm_report_lane_column *column;
	struct report_across a;
	double ended = row->ended;
	uint64_t slot = 0;
	size_t c;

	if (r->lanes == 0)
		return;
	if (row->running || ended <= 0)
		ended = m->until;
	a = report_across(r, row->started, ended);
	if (row->worker < m->slot_count)
		slot = m->slots[row->worker];
	column = r->lane[report_lane(r, m->lane_base + slot)].column;
	for (c = a.column; c <= a.last; c++)
		column[c].busy +=
			report_share(&a, c) * fmax(0, ended - row->started);
	if (row->running)
		return;
	column[a.last].tries++;
	column[a.last].failed += row->failed;
	r->column[a.last].failed += row->failed;
}

int
sm_making_rows(struct sm_making *m, struct sm_handle *h, struct sm_err *err)
{
	struct sm_report *r = m->r;
	size_t i, told = r->tries_told;
	uint64_t attempts, slots = 0;
	int ret;

	free(m->slots);
	ret = sm_report_slots(&m->slots, &m->slot_count, h->db, err);
	if (ret == 0)
		ret = sm_report_counts(&attempts, &slots, h->db, err);
	if (ret == 0)
		ret = sm_report_batches(h->db, report_batch, r, err);
	if (ret == 0)
		ret = sm_report_attempts(h->db, report_attempt, m, err);
	if (ret == 0 && r->tries_all <= SM_REPORT_TRIES && r->lanes > 0)
		ret = sm_report_tries(r, h->db, err);
	for (i = told; i < r->tries_told; i++)
		r->tries[i].lane =
			report_lane(r, m->lane_base + r->tries[i].lane);
	m->lane_base += slots;
	return ret;
}

void
sm_making_end(struct sm_making *m)
{
	struct sm_report *r = m->r;
	uint64_t done = 0;
	size_t c;

	/* Until here each had its own. */
	for (c = 0; c < SM_REPORT_COLUMNS; c++) {
		done += r->column[c].done;
		r->column[c].done = done;
	}
	free(m->time);
	free(m->slots);
	*m = (struct sm_making){ .r = NULL };
}

int
sm_one_report(struct sm_report *out, const char *job, struct sm_err *err)
{
	struct sm_db_opts db = { .mode = SM_DB_READ };
	struct sm_making m = { .r = NULL };
	struct sm_handle h = SM_HANDLE_NONE;
	int ret = sm_one_status(&out->status, job, err);

	if (ret == 0)
		ret = sm_handle_open(&h, job, &db, true, err);
	if (ret < 0)
		goto out;
	ret = sm_making_begin(&m, out, err);
	if (ret == 0)
		ret = sm_making_frame(&m, &h, err);
	if (ret == 0)
		ret = sm_making_settle(&m, err);
	if (ret == 0)
		ret = sm_making_rows(&m, &h, err);
	sm_making_end(&m);
out:
	sm_handle_close(&h);
	return ret;
}
