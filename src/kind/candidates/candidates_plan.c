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

#include "account.h"
#include "packed.h"
#include "table.h"

#include "kind.h"

#include "candidates.h"

#define PLAN_SAMPLE_ROWS     1000 /* looked at for warnings */
#define PLAN_STOP_EVERY_ROWS 65536

struct plan {
	struct sm_kind_cut *cut;
	const struct sm_candidates_opts *opts;
	const struct sm_option *opts_table;
	struct sm_candidates_input in;
	const char *keys, *vocab; /* paths */
	struct sm_table_info keys_info, vocab_info;
	struct sm_meter meter;
};

/* What the first rows look like. */
struct plan_sample {
	uint64_t rows;
	uint64_t rising; /* rows with a score above the one before it */
	uint64_t rising_row, rising_column; /* the first of them */
	uint64_t distances;  /* of these: rows whose scores never fall */
	uint64_t ids, found; /* candidates; those that the vocabulary has */
	uint64_t good;       /* of these: with a score of the minimum or more */
	uint64_t pads;       /* candidates that are --pad */
	uint64_t after_low;  /* good ones after a score below the minimum ... */
	uint64_t after_pad;  /* ... and after padding, with which a row ends */
	bool pad_known;      /* the vocabulary has --pad */
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

	sm_meter_tell(&p->meter, done, total);
}

static int
plan_unpacking(uint64_t done, uint64_t total, void *arg, struct sm_err *err)
{
	plan_progress(done, total, arg);
	return plan_check_stop(arg, err);
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
		.inverted = p->opts->vocab_inverted,
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

/*
 * One line too many is a header, and would shift every key by one.  An object
 * says itself which row a key belongs to.
 */
static int
plan_check_header(const struct plan *p, struct sm_err *err)
{
	const struct sm_table_info *info = &p->keys_info;

	if (!info->positional || info->entries != p->in.rows + 1)
		return 0;
	return sm_err_set(err, SM_EINPUT,
			  "'%s' has %" PRIu64 " keys for %" PRIu64
			  " rows, one too many, and its first is '%s': is that "
			  "a header?  Every key would be that of the row "
			  "before; take it, or what else is too many, out: "
			  "tail -n +2 OLD > NEW",
			  p->keys, info->entries, p->in.rows, info->first);
}

/*
 * As many entries as the largest index has below it, and itself, are one for
 * each of these: that needs no look at the table that was just made.
 */
static bool
plan_has_all_keys(const struct plan *p)
{
	const struct sm_table_info *info = &p->keys_info;

	return !p->cut->compiled && info->entries == info->end &&
	       info->entries >= p->in.rows;
}

/* A key that is missing is told. */
static int
plan_look_up_keys(struct plan *p, struct sm_err *err)
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
	return ret;
}

static int
plan_check_keys(struct plan *p, struct sm_err *err)
{
	int ret = 0;

	if (!plan_has_all_keys(p))
		ret = plan_look_up_keys(p, err);
	if (ret == 0)
		ret = plan_check_header(p, err);
	if (ret == 0 && p->keys_info.entries > p->in.rows)
		sm_event_notice(p->cut->events,
				"'%s' has %" PRIu64 " keys for %" PRIu64
				" rows; those of no row are not used",
				p->keys, p->keys_info.entries, p->in.rows);
	return ret;
}

/*
 * Look at a whole row: is something lost by the way in which it ends?  What
 * cannot be an item is passed over: its scores mean nothing.
 */
static void
plan_sample_row(struct plan_sample *s, const struct plan *p,
		const struct sm_table *vocab, uint64_t row)
{
	const struct sm_candidates_input *in = &p->in;
	double min_score = sm_candidates_min_score(p->opts), score, before = 0;
	uint64_t at = (row - in->first) * in->width, c, id;
	bool rising = false, falling = false, first = true, good;
	uint64_t *after = NULL; /* the row has ended */

	for (c = 0; c < in->width; c++) {
		id = sm_candidates_id(in, at + c);
		score = sm_candidates_score(in, at + c);
		if (in->has_pad && id == in->pad) {
			s->pads++;
			if (!after)
				after = &s->after_pad;
			continue;
		}
		if (sm_candidates_id_negative(in, id))
			continue;
		s->ids++;
		good = false;
		if (sm_table_get(vocab, id).text) {
			s->found++;
			good = score >= min_score;
		}
		s->good += good;
		if (good && after)
			++*after;
		if (!after && score < min_score)
			after = &s->after_low;
		if (!first && score > before && !rising) {
			rising = true;
			if (s->rising++ == 0) {
				s->rising_row = row;
				s->rising_column = c;
			}
		}
		falling |= !first && score < before;
		before = score;
		first = false;
	}
	s->distances += rising && !falling;
	s->rows++;
}

/*
 * Distances, of which a minimum takes the nearest away; or scores in no order,
 * with rows that end at the first low one: most of the file would be lost.
 * Rows out of order that lose nothing by it are only told.
 */
static int
plan_judge_order(const struct plan *p, const struct plan_sample *s,
		 struct sm_err *err)
{
	const struct sm_candidates_opts *o = p->opts;
	const char *scores = p->in.scores.map.path;
	char load[SM_LOAD_MAX];

	/* Who looks at every column has unsorted rows, and knows it. */
	if (s->rising == 0 || o->no_stop || !o->has_min_score)
		return 0;
	if (s->rising <= s->rows / 2 ||
	    (s->distances <= s->rows / 2 && s->after_low == 0 && s->good > 0)) {
		sm_event_notice(p->cut->events,
				"%" PRIu64 " of the first %" PRIu64
				" rows of '%s' have rising scores (first: row "
				"%" PRIu64 ", column %" PRIu64
				"): a row ends at its first score below "
				"--min-score, and %" PRIu64 " of %" PRIu64
				" good candidates come after it; for unsorted "
				"rows give --no-stop",
				s->rising, s->rows, scores, s->rising_row,
				s->rising_column, s->after_low, s->good);
		return 0;
	}
	sm_packed_load(load, scores, "");
	return sm_err_set(
		err, SM_EINPUT,
		"%" PRIu64 " of the first %" PRIu64 " rows of '%s' have rising "
		"scores (first: row %" PRIu64 ", column %" PRIu64
		"), and a row ends at its first score below --min-score; for "
		"unsorted rows give --no-stop; distances are written as they "
		"are with --min-score none, or turned into scores, for which "
		"a minimum is negative, by python3 -c \"import numpy as np; "
		"np.save('new.npy', -%s)\"",
		s->rising, s->rows, scores, s->rising_row, s->rising_column,
		load);
}

/* Is --pad an item?  That others follow it, or that it has a token, says so. */
static void
plan_warn_pad(const struct plan *p, const struct plan_sample *s)
{
	const struct sm_events *ev = p->cut->events;
	int64_t pad = p->opts->pad;

	if (s->after_pad > 0)
		sm_event_notice(
			ev,
			"--pad %" PRId64 " seems to be no padding: %" PRIu64
			" of %" PRIu64 " good candidates (%.0f %%) of the "
			"first %" PRIu64 " rows of '%s' come after it, and "
			"are left out; without --pad they are written",
			pad, s->after_pad, s->good,
			100.0 * (double)s->after_pad / (double)s->good, s->rows,
			p->in.cands.map.path);
	else if (s->pad_known)
		sm_event_notice(
			ev,
			"'%s' has a token for --pad %" PRId64 ": is it an "
			"item?  It is %" PRIu64 " of %" PRIu64 " candidates "
			"of the first %" PRIu64 " rows (%.0f %%), and is left "
			"out",
			p->vocab, pad, s->pads, s->pads + s->ids, s->rows,
			s->pads == 0 ? 0.0
				     : 100.0 * (double)s->pads /
					       (double)(s->pads + s->ids));
}

/* What takes much of the first rows will most likely take much of the file. */
static void
plan_tell_large(const struct plan *p, const struct sm_counts *c)
{
	struct sm_buf text = { 0 };

	sm_account_put_large(&text, c, p->opts_table, p->opts);
	if (text.len > 0 && !sm_buf_failed(&text))
		sm_event_notice(p->cut->events,
				"of the first %" PRIu64 " rows: %.*s", c->rows,
				(int)text.len, text.data);
	sm_buf_release(&text);
}

/* What the texts of a file have that was most likely not meant. */
static void
plan_warn_texts(const struct plan *p, const struct sm_table_info *info,
		const char *path)
{
	const struct sm_events *ev = p->cut->events;

	if (info->bom)
		sm_event_notice(ev,
				"'%s' begins with a byte order mark, which is "
				"dropped",
				path);
	if (info->crlf > 0)
		sm_event_notice(ev,
				"%" PRIu64 " line%s of '%s' in a carriage "
				"return, which is kept; was it written on "
				"Windows?",
				info->crlf, info->crlf == 1 ? " ends" : "s end",
				path);
	if (info->quoted > 0)
		sm_event_notice(ev,
				"%" PRIu64 " line%s of '%s' in double quotes, "
				"which are kept: a text has no quotes; is it "
				"CSV?",
				info->quoted,
				info->quoted == 1 ? " is" : "s are", path);
	if (info->header)
		sm_event_notice(ev,
				"the first line of '%s', '%s', is no number "
				"and all others are: is it a header?  It "
				"counts as number 0, and each line for one "
				"more than it should",
				path, info->first);
	if (info->inverted)
		sm_event_notice(ev,
				"the values of '%s' are the numbers from 0 on, "
				"and its keys are not: if it is from token to "
				"candidate, give --vocab-inverted",
				path);
}

static void
plan_warn(const struct plan *p, const struct plan_sample *s)
{
	const struct sm_candidates_opts *o = p->opts;
	const struct sm_events *ev = p->cut->events;

	plan_warn_pad(p, s);
	if (s->ids > 0 && s->found == 0)
		sm_event_notice(
			ev,
			"'%s' has none of the %" PRIu64 " candidates of "
			"the first %" PRIu64 " rows of '%s': is it the "
			"vocabulary of these candidates?",
			p->vocab, s->ids, s->rows, p->in.cands.map.path);
	plan_warn_texts(p, &p->keys_info, p->keys);
	plan_warn_texts(p, &p->vocab_info, p->vocab);
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
	struct sm_counts counts;
	uint64_t rows = p->in.rows, row;
	int ret;

	ret = sm_table_open(&vocab, p->cut->tables_dirfd, SM_CANDIDATES_VOCAB,
			    err);
	if (ret < 0)
		return ret;
	if (rows > PLAN_SAMPLE_ROWS)
		rows = PLAN_SAMPLE_ROWS;
	p->in.end = 0;
	for (row = 0; ret == 0 && row < rows; row++) {
		if (row == p->in.end)
			ret = sm_candidates_input_get(&p->in, row, rows, err);
		if (ret == 0)
			plan_sample_row(&sample, p, &vocab, row);
	}
	sample.pad_known = p->in.has_pad &&
			   !sm_candidates_id_negative(&p->in, p->in.pad) &&
			   sm_table_get(&vocab, p->in.pad).text;
	if (ret == 0)
		ret = sm_candidates_sample(&counts, &p->in, &vocab, p->opts,
					   rows, err);
	sm_table_close(&vocab);
	if (ret == 0)
		ret = plan_judge_order(p, &sample, err);
	if (ret < 0)
		return ret;
	plan_warn(p, &sample);
	plan_tell_large(p, &counts);
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
		.opts_table = cut->spec->kind->options,
		.keys = sm_candidates_path(cut->spec, "keys"),
		.vocab = sm_candidates_path(cut->spec, "vocab"),
		.meter = { .ev = cut->events,
			   .phase = "plan",
			   .unit = "bytes",
			   .told_ms = sm_clock_ms() },
	};
	struct sm_npz step = { .step = plan_unpacking, .arg = &p };
	int ret = 0;

	if (!cut->compiled)
		ret = sm_candidates_unpack(cut->spec, cut->tables_dirfd, &step,
					   err);
	if (ret == 0)
		ret = sm_candidates_input_open(&p.in, cut->spec,
					       cut->tables_dirfd, err);
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
	/* What `recover` plans again was looked at when it was planned. */
	if (ret == 0 && !cut->compiled)
		ret = plan_look(&p, err);
	if (ret == 0)
		ret = plan_emit(&p, err);
	sm_candidates_input_close(&p.in);
	return ret;
}
