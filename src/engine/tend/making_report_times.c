/*
 * The times that a report shows: those of runs, without pauses in which nothing
 * was in hand, side by side, with what lies between them folded.  It is apart
 * from making_report.c, which counts rows in columns of them.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "history.h"
#include "making_report.h"

/* A gap of this share of all work is folded, to this share of the picture. */
#define REPORT_GAP   0.03
#define REPORT_FOLD  0.012
#define REPORT_LEAST 0.02 /* of a span, however short */

double
sm_report_place(const struct sm_report *r, double time)
{
	const struct sm_report_span *s = r->span;
	size_t i;

	for (i = 0; i < r->spans; i++, s++) {
		if (time <= s->from)
			return s->at;
		if (time < s->to)
			return s->at +
			       s->width * (time - s->from) / (s->to - s->from);
	}
	return i > 0 ? s[-1].at + s[-1].width : 0;
}

static int
report_time(double from, double to, void *arg, struct sm_err *err)
{
	struct sm_making *m = arg;
	struct sm_report_span *grown;

	if (to <= 0)
		to = m->until;
	grown = realloc(m->time, (m->times + 1) * sizeof(*grown));
	if (!grown)
		return sm_err_mem(err, "the report");
	m->time = grown;
	if (to < from)
		to = from;
	grown[m->times++] = (struct sm_report_span){ .from = from, .to = to };
	return 0;
}

/* The times from `first` on lose what lies between `from` and `to`. */
static int
report_take_out(struct sm_making *m, size_t first, double from, double to,
		struct sm_err *err)
{
	size_t i, count = m->times;
	struct sm_report_span *t;
	double end;
	int ret = 0;

	for (i = first; i < count && ret == 0; i++) {
		t = &m->time[i];
		end = t->to;
		if (end <= from || t->from >= to)
			continue;
		if (t->from < from)
			t->to = from;
		else
			t->from = fmin(to, end);
		if (end > to && t->from < to)
			ret = report_time(to, end, m, err);
	}
	return ret;
}

/*
 * While a job is paused nobody works on it, once what was in hand is made: a
 * night of that would leave no room for the day.  Pauses that would not be
 * folded are not looked at, since that reads all attempts.
 */
static int
report_take_out_pauses(struct sm_making *m, size_t first, struct sm_db *db,
		       struct sm_err *err)
{
	struct sm_report_idle idle[SM_REPORT_SPANS];
	size_t i, n = 0, count;
	double all = 0, gap;
	int ret = sm_report_idle_pauses(idle, &count, SM_REPORT_SPANS, m->until,
					db, err);

	for (i = first; i < m->times; i++)
		all += m->time[i].to - m->time[i].from;
	for (i = 0; ret == 0 && i < count; i++)
		all -= idle[i].to - idle[i].from;
	gap = fmax(1, REPORT_GAP * all);
	while (ret == 0 && n < count && idle[n].to - idle[n].from >= gap)
		n++;
	if (n > 0)
		ret = sm_report_idle_cut(idle, n, m->until, db, err);
	for (i = 0; i < n && ret == 0; i++)
		if (idle[i].to - idle[i].from >= gap)
			ret = report_take_out(m, first, idle[i].from,
					      idle[i].to, err);
	return ret;
}

int
sm_making_read_times(struct sm_making *m, struct sm_db *db, struct sm_err *err)
{
	size_t times = m->times;
	int ret = sm_report_times(db, report_time, m, err);

	if (ret == 0)
		ret = report_take_out_pauses(m, times, db, err);
	return ret;
}

static int
report_by_from(const void *a, const void *b)
{
	const struct sm_report_span *x = a, *y = b;

	if (x->from > y->from)
		return 1;
	return x->from < y->from ? -1 : 0;
}

/* Join those that overlap or lie close together, and then the closest. */
static void
report_join_times(struct sm_making *m)
{
	struct sm_report_span *t = m->time;
	double all = 0, gap, least;
	size_t i, k, n = 0;

	if (m->times == 0)
		return;
	qsort(t, m->times, sizeof(*t), report_by_from);
	for (i = 0; i < m->times; i++)
		all += t[i].to - t[i].from;
	gap = fmax(1, REPORT_GAP * all);
	for (i = 1; i < m->times; i++)
		if (t[i].from - t[n].to < gap)
			t[n].to = fmax(t[n].to, t[i].to);
		else
			t[++n] = t[i];
	m->times = n + 1;
	while (m->times > SM_REPORT_SPANS) {
		k = 1;
		least = HUGE_VAL;
		for (i = 1; i < m->times; i++)
			if (t[i].from - t[i - 1].to < least) {
				least = t[i].from - t[i - 1].to;
				k = i;
			}
		t[k - 1].to = t[k].to;
		memmove(&t[k], &t[k + 1], (m->times - k - 1) * sizeof(*t));
		m->times--;
	}
}

static void
report_settle_times(struct sm_making *m)
{
	struct sm_report *r = m->r;
	double all = 0, shares = 0, at = 0, room;
	size_t i;

	report_join_times(m);
	r->spans = m->times;
	for (i = 0; i < r->spans; i++) {
		r->span[i] = m->time[i];
		/* So that no span is a point. */
		r->span[i].to = fmax(r->span[i].to, r->span[i].from + 0.001);
		all += r->span[i].to - r->span[i].from;
	}
	for (i = 0; i < r->spans; i++) {
		r->span[i].width = fmax((r->span[i].to - r->span[i].from) / all,
					REPORT_LEAST);
		shares += r->span[i].width;
	}
	room = 1;
	if (r->spans > 0)
		room -= REPORT_FOLD * (double)(r->spans - 1);
	for (i = 0; i < r->spans; i++) {
		r->span[i].width *= room / shares;
		r->span[i].at = at;
		at += r->span[i].width + REPORT_FOLD;
	}
}

/* The seconds of work that each column stands for. */
static void
report_settle_columns(struct sm_report *r)
{
	const struct sm_report_span *s;
	double from, to;
	size_t i, c;

	for (c = 0; c < SM_REPORT_COLUMNS; c++)
		for (i = 0; i < r->spans; i++) {
			s = &r->span[i];
			from = fmax(s->at, (double)c / SM_REPORT_COLUMNS);
			to = fmin(s->at + s->width,
				  (double)(c + 1) / SM_REPORT_COLUMNS);
			if (to > from)
				r->column[c].seconds += (to - from) / s->width *
							(s->to - s->from);
		}
}

void
sm_making_settle_times(struct sm_making *m)
{
	report_settle_times(m);
	report_settle_columns(m->r);
}
