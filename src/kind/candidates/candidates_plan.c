/*
 * candidates_plan.c - check the arrays and cut them into batches
 *
 * What planning reads of the inputs is here: shapes and types, keys and
 * vocabulary compiled into tables, and a look at the first rows.
 */
#include <inttypes.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "file.h"

#include "table.h"

#include "kind.h"

#include "candidates.h"

#define PLAN_SAMPLE_ROWS     1000 /* looked at for warnings */
#define PLAN_PROGRESS_MS     1000
#define PLAN_STOP_EVERY_ROWS 65536

struct plan {
	struct sm_kind_cut *cut;
	const struct sm_candidates_opts *opts;
	struct sm_candidates_input in;
	const char *keys, *vocab; /* paths */
	struct sm_table_info keys_info, vocab_info;
	uint64_t said_ms;
};

/* What the first rows look like. */
struct plan_sample {
	uint64_t rows;
	uint64_t rising; /* rows with a score above the one before it */
	uint64_t rising_row, rising_column; /* the first of them */
	uint64_t ids, found; /* candidates; those that the vocabulary has */
};

static int
plan_check_stop(const struct plan *p, struct sm_err *err)
{
	const struct sm_events *ev = p->cut->events;

	if (ev && ev->stop && *ev->stop > 0)
		return sm_err_set(err, SM_ESTOPPED,
				  "planning was stopped; nothing is planned");
	return 0;
}

static void
plan_progress(uint64_t done, uint64_t total, void *arg)
{
	struct plan *p = arg;
	const struct sm_events *ev = p->cut->events;
	struct sm_progress said = {
		.phase = "plan",
		.unit = "bytes",
		.done = done,
		.total = total,
		.eta_s = -1,
	};
	uint64_t ms = sm_clock_ms();

	if (!ev || !ev->progress || ms - p->said_ms < PLAN_PROGRESS_MS)
		return;
	p->said_ms = ms;
	ev->progress(&said, ev->arg);
}

static int
plan_compile(struct plan *p, struct sm_err *err)
{
	struct sm_table_source keys = {
		.path = p->keys,
		.format = p->opts->keys_format,
		.is_keys = true,
		.progress = plan_progress,
		.arg = p,
	};
	struct sm_table_source vocab = {
		.path = p->vocab,
		.format = p->opts->vocab_format,
		.ids = p->opts->ids,
		.progress = plan_progress,
		.arg = p,
	};
	int dirfd = p->cut->tables_dirfd, ret;

	ret = sm_table_compile(&p->keys_info, dirfd, SM_CANDIDATES_KEYS, &keys,
			       err);
	if (ret == 0)
		ret = plan_check_stop(p, err);
	if (ret == 0)
		ret = sm_table_compile(&p->vocab_info, dirfd,
				       SM_CANDIDATES_VOCAB, &vocab, err);
	if (ret == 0)
		ret = plan_check_stop(p, err);
	if (ret == 0 && sm_sync_dir(dirfd) < 0)
		ret = sm_err_sys(err, "cannot sync the directory of tables");
	return ret;
}

static int
plan_check_keys(struct plan *p, struct sm_err *err)
{
	struct sm_table t = { 0 };
	uint64_t row;
	int ret;

	ret = sm_table_open(&t, p->cut->tables_dirfd, SM_CANDIDATES_KEYS, err);
	if (ret < 0)
		return ret;
	for (row = 0; ret == 0 && row < p->in.rows; row++) {
		if (!sm_table_get(&t, row).text)
			ret = sm_err_set(err, SM_EINPUT,
					 "row %" PRIu64 " has no key: '%s' has "
					 "%" PRIu64 " keys, '%s' %" PRIu64
					 " rows",
					 row, p->keys, p->keys_info.entries,
					 p->in.cands.map.path, p->in.rows);
		else if (row % PLAN_STOP_EVERY_ROWS == 0)
			ret = plan_check_stop(p, err);
	}
	sm_table_close(&t);
	if (ret == 0 && p->keys_info.entries > p->in.rows)
		sm_event_notice(p->cut->events,
				"'%s' has %" PRIu64 " keys for %" PRIu64
				" rows; those of no row are not used",
				p->keys, p->keys_info.entries, p->in.rows);
	return ret;
}

/* Look at one row up to its padding. */
static void
plan_sample_row(struct plan_sample *s, const struct plan *p,
		const struct sm_table *vocab, uint64_t row)
{
	const struct sm_candidates_input *in = &p->in;
	uint64_t at = row * in->width, c, id;
	double score, before = 0;
	bool rising = false;

	for (c = 0; c < in->width; c++) {
		id = sm_candidates_id(in, at + c);
		score = sm_candidates_score(in, at + c);
		if (in->has_pad && id == in->pad) {
			if (p->opts->no_stop)
				continue;
			break;
		}
		s->ids++;
		if (!sm_candidates_id_negative(in, id) &&
		    sm_table_get(vocab, id).text)
			s->found++;
		if (c > 0 && score > before && !rising) {
			rising = true;
			if (s->rising++ == 0) {
				s->rising_row = row;
				s->rising_column = c;
			}
		}
		before = score;
	}
	s->rows++;
}

static void
plan_warn_crlf(const struct plan *p, const struct sm_table_info *info,
	       const char *path)
{
	if (info->crlf > 0)
		sm_event_notice(p->cut->events,
				"%" PRIu64 " line%s of '%s' in a carriage "
				"return, which is kept; was it written on "
				"Windows?",
				info->crlf, info->crlf == 1 ? " ends" : "s end",
				path);
}

static void
plan_warn(const struct plan *p, const struct plan_sample *s)
{
	const struct sm_candidates_opts *o = p->opts;
	const struct sm_events *ev = p->cut->events;

	/* Who looks at every column has unsorted rows, and knows it. */
	if (s->rising > 0 && !o->no_stop)
		sm_event_notice(
			ev,
			"%" PRIu64 " of the first %" PRIu64 " rows of "
			"'%s' have rising scores (first: row %" PRIu64
			", column %" PRIu64 "): a row ends at its first "
			"score below --min-score; for unsorted rows "
			"give --no-stop, and turn distances into scores",
			s->rising, s->rows, p->in.scores.map.path,
			s->rising_row, s->rising_column);
	if (s->ids > 0 && s->found == 0)
		sm_event_notice(
			ev,
			"'%s' has none of the %" PRIu64 " candidates of "
			"the first %" PRIu64 " rows of '%s': is it the "
			"vocabulary of these candidates?",
			p->vocab, s->ids, s->rows, p->in.cands.map.path);
	plan_warn_crlf(p, &p->keys_info, p->keys);
	plan_warn_crlf(p, &p->vocab_info, p->vocab);
	if (p->vocab_info.unusable > 0)
		sm_event_notice(ev,
				"%" PRIu64 " of %" PRIu64 " tokens of '%s' are "
				"no integers; --ids int leaves them out",
				p->vocab_info.unusable,
				p->vocab_info.unusable + p->vocab_info.entries,
				p->vocab);
	if (p->in.rows > 0 && p->in.width < o->min_candidates)
		sm_event_notice(ev,
				"no row can be written: --min-candidates is "
				"%" PRIu64 ", and '%s' has %" PRIu64 " columns",
				o->min_candidates, p->in.cands.map.path,
				p->in.width);
}

static int
plan_look(struct plan *p, struct sm_err *err)
{
	struct plan_sample sample = { 0 };
	struct sm_table vocab = { 0 };
	uint64_t row;
	int ret;

	ret = sm_table_open(&vocab, p->cut->tables_dirfd, SM_CANDIDATES_VOCAB,
			    err);
	if (ret < 0)
		return ret;
	for (row = 0; row < p->in.rows && row < PLAN_SAMPLE_ROWS; row++)
		plan_sample_row(&sample, p, &vocab, row);
	sm_table_close(&vocab);
	plan_warn(p, &sample);
	return 0;
}

static int
plan_emit(struct plan *p, struct sm_err *err)
{
	struct sm_piece b = { .first_byte = -1, .end_byte = -1 };
	uint64_t rows = p->in.rows, first, n;
	int ret;

	for (first = 0; first < rows; first += n, b.id++) {
		n = rows - first;
		if (n > p->opts->batch_rows)
			n = p->opts->batch_rows;
		b.first = (int64_t)first;
		b.end = (int64_t)(first + n);
		ret = plan_check_stop(p, err);
		if (ret == 0)
			ret = p->cut->emit(&b, p->cut->arg, err);
		if (ret < 0)
			return ret;
	}
	p->cut->batches = b.id;
	p->cut->rows = rows;
	return 0;
}

int
sm_candidates_cut(struct sm_kind_cut *cut, struct sm_err *err)
{
	struct plan p = {
		.cut = cut,
		.opts = cut->spec->opts,
		.keys = sm_candidates_path(cut->spec, "keys"),
		.vocab = sm_candidates_path(cut->spec, "vocab"),
		.said_ms = sm_clock_ms(),
	};
	int ret;

	ret = sm_candidates_input_open(&p.in, cut->spec, err);
	if (ret < 0)
		return ret;
	if (!cut->compiled)
		ret = plan_compile(&p, err);
	/*
	 * Rows without columns take no bytes: only the keys bound their number,
	 * and are looked at before any batch is made.
	 */
	if (ret == 0)
		ret = plan_check_keys(&p, err);
	if (ret == 0)
		ret = plan_look(&p, err);
	if (ret == 0)
		ret = plan_emit(&p, err);
	sm_candidates_input_close(&p.in);
	return ret;
}
