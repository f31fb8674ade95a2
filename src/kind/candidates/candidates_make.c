/*
 * What a worker does with rows: filter the candidates of each, look them up,
 * and hand them to the record writer.  It is apart from candidates.c (the kind)
 * and candidates_plan.c (cutting and compiling), because this is the code in
 * which a job spends its time, and it touches no option twice.
 *
 * The sections: open (inputs, tables, writer), row (collect, then write),
 * batch.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "err.h"

#include "cpus.h"
#include "huge.h"

#include "record.h"
#include "table.h"

#include "kind.h"

#include "candidates.h"

/*
 * A slot of a large vocabulary misses the cache and the page tables: 100 ns and
 * more, where a column that is only looked at costs 5 to 10.  So the slots of
 * the next row are prefetched while this one is written, one with each item:
 * some 70 ns each, and they have a whole row's time to arrive.  What is left
 * out by that, such as the row after one that is dropped, is prefetched this
 * many columns ahead.
 */
#define MAKE_AHEAD 20

/*
 * Items that are formatted and handed to the writer together.  As many slots
 * are prefetched at once: the least that a processor has on their way from
 * memory without waiting are 10.
 */
#define MAKE_GROUP 8
_Static_assert(MAKE_GROUP == 8, "what sm_numtext_f64_eight() takes");
_Static_assert(SM_NUMTEXT_MAX == SM_RECORD_NUM_MAX, "a number of an item");

struct make_numbers {
	char text[MAKE_GROUP][SM_NUMTEXT_MAX];
	uint32_t len[MAKE_GROUP];
};

struct make_pick {
	uint64_t at; /* item in the arrays, as it can be read */
	struct sm_table_text id;
};

struct make {
	struct sm_kind_env env;
	const struct sm_candidates_opts *opts;
	struct sm_candidates_input in;
	struct sm_table keys, vocab;
	struct sm_huge vocab_copy; /* where `vocab` looks, if there is one */
	struct sm_record_writer *writer; /* of the current batch's output */
	struct make_pick *pick;     /* the accepted candidates of one row */
	uint64_t pick_max;          /* at least 1 */
	uint64_t tally[SM_TALLIES]; /* of the current batch */
};

static bool
make_stopped(const struct make *m)
{
	return m->env.stop &&
	       atomic_load_explicit(m->env.stop, memory_order_relaxed);
}

/* --------------------------------------------------------------- open -- */

/* Size of the input when the job was planned; `now` if it was not recorded. */
static uint64_t
make_planned_size(const struct make *m, const char *name, uint64_t now)
{
	const struct sm_spec *s = m->env.spec;
	size_t i;

	for (i = 0; i < s->inputs; i++)
		if (strcmp(s->input[i].name, name) == 0)
			return s->input[i].digest.size;
	return now;
}

static int
make_check_size(const struct make *m, const char *name,
		const struct sm_npy *npy, uint64_t now, struct sm_err *err)
{
	uint64_t planned = make_planned_size(m, name, npy->map.file_bytes);

	if (now == planned && planned == npy->map.file_bytes)
		return 0;
	return sm_err_set(err, SM_EREFUSED,
			  "input '%s' changed its size while the job runs: "
			  "planned %" PRIu64 " bytes, has %" PRIu64,
			  npy->map.path, planned, now);
}

/*
 * Is the file still as long as what is mapped?  Asked before each batch: if it
 * has shrunk, this is a message; after the check it is a SIGBUS, which the
 * worker catches.
 */
static int
make_check_file(const struct make *m, const char *name,
		const struct sm_npy *npy, struct sm_err *err)
{
	const struct sm_map *file = sm_npy_file(npy);
	struct stat st;

	if (!file)
		return 0;
	if (stat(file->path, &st) < 0)
		return sm_err_sys_as(err, SM_EINPUT, "cannot examine '%s'",
				     file->path);
	if (file == &npy->map)
		return make_check_size(m, name, npy, (uint64_t)st.st_size, err);
	if ((uint64_t)st.st_size != file->size)
		return sm_err_set(err, SM_EREFUSED,
				  "the archive '%s' changed its size while the "
				  "job runs",
				  file->path);
	return 0;
}

/*
 * The sizes again, after the supervisor's check of the digests: the file may
 * have been replaced between the two.
 */
static int
make_open_input(struct make *m, struct sm_err *err)
{
	const struct sm_spec *s = m->env.spec;
	int ret;

	ret = sm_candidates_input_open(&m->in, s, m->env.tables_dirfd, err);
	if (ret == 0)
		ret = make_check_size(m, "cands", &m->in.cands,
				      m->in.cands.map.file_bytes, err);
	if (ret == 0)
		ret = make_check_size(m, "scores", &m->in.scores,
				      m->in.scores.map.file_bytes, err);
	if (ret == 0 && m->in.rows != s->rows)
		ret = sm_err_set(err, SM_EREFUSED,
				 "input '%s' changed: planned %" PRIu64
				 " rows, has %" PRIu64,
				 m->in.cands.map.path, s->rows, m->in.rows);
	return ret;
}

/*
 * Room for the most candidates that a row can have, so that no row allocates.
 * One at least, as calloc() may return NULL for none.
 */
static int
make_open_pick(struct make *m, struct sm_err *err)
{
	uint64_t n = m->in.width, max = m->opts->max_candidates;

	if (max > 0 && max < n)
		n = max;
	if (n == 0)
		n = 1;
	m->pick_max = n;
	if (n <= SIZE_MAX)
		m->pick = calloc((size_t)n, sizeof(*m->pick));
	if (!m->pick)
		return sm_err_mem(err, "the candidates of one row");
	return 0;
}

/*
 * The vocabulary is read at random, by all workers at once; the keys are read
 * in order.
 */
static int
make_open_vocab(struct make *m, struct sm_err *err)
{
	int ret = sm_table_open(&m->vocab, m->env.tables_dirfd,
				SM_CANDIDATES_VOCAB, err);

	if (ret == 0 &&
	    sm_huge_copy(&m->vocab_copy, m->vocab.map.data, m->vocab.map.size,
			 (unsigned)sm_cpus(NULL, "/proc/self"), "/proc/self",
			 "/sys/kernel/mm/transparent_hugepage"))
		sm_table_use_copy(&m->vocab, m->vocab_copy.data);
	return ret;
}

int
sm_candidates_open(void **state, const struct sm_kind_env *env,
		   struct sm_err *err)
{
	struct make *m = calloc(1, sizeof(*m));
	int ret;

	if (!m)
		return sm_err_mem(err, "a worker's state");
	m->env = *env;
	m->opts = env->spec->opts;
	ret = make_open_input(m, err);
	if (ret == 0)
		ret = sm_table_open(&m->keys, env->tables_dirfd,
				    SM_CANDIDATES_KEYS, err);
	if (ret == 0)
		ret = make_open_vocab(m, err);
	if (ret == 0)
		ret = make_open_pick(m, err);
	if (ret < 0) {
		sm_candidates_close(m);
		return ret;
	}
	*state = m;
	return 0;
}

void
sm_candidates_close(void *state)
{
	struct make *m = state;

	if (!m)
		return;
	free(m->pick);
	sm_table_close(&m->vocab);
	sm_huge_release(&m->vocab_copy);
	sm_table_close(&m->keys);
	sm_candidates_input_close(&m->in);
	free(m);
}

/* ---------------------------------------------------------------- row -- */

static inline __attribute__((always_inline)) void
make_prefetch_as(const struct make *m, uint64_t at, uint64_t end,
		 enum sm_npy_type type)
{
	for (; at < end; at++)
		sm_table_prefetch(&m->vocab,
				  sm_candidates_id_as(&m->in, type, at));
}

/* Prefetch the vocabulary slots of a row's columns `from` to `to` - 1. */
static inline void
make_prefetch(const struct make *m, uint64_t row, uint64_t from, uint64_t to)
{
	uint64_t at = (row - m->in.first) * m->in.width;

	if (row >= m->in.end)
		return;
	if (to > m->in.width)
		to = m->in.width;
	if (m->in.ids.type == SM_NPY_I4)
		make_prefetch_as(m, at + from, at + to, SM_NPY_I4);
	else if (m->in.ids.type == SM_NPY_U4)
		make_prefetch_as(m, at + from, at + to, SM_NPY_U4);
	else
		make_prefetch_as(m, at + from, at + to, SM_NPY_I8);
}

/*
 * Before each of the rows up to `end`, from the first on: read a block where
 * the one before has ended, and prefetch for its first row.
 */
static inline int
make_ready(struct make *m, uint64_t row, uint64_t end, struct sm_err *err)
{
	int ret;

	if (row < m->in.end)
		return 0;
	ret = sm_candidates_input_get(&m->in, row, end, err);
	if (ret < 0)
		return ret;
	make_prefetch(m, row, 0, MAKE_AHEAD);
	return 0;
}

/* Why a candidate that the walk of a row does not pass is left out. */
static unsigned
make_cause(const struct make *m, uint64_t id, uint64_t at)
{
	const struct sm_candidates_input *in = &m->in;

	if ((in->has_pad && id == in->pad) || sm_candidates_id_negative(in, id))
		return SM_TALLY_PADDING;
	if (isnan(sm_candidates_score(in, at)))
		return SM_TALLY_NAN;
	return SM_TALLY_LOW_SCORE;
}

/*
 * Collect the candidates that a row is to have into m->pick; returns how many.
 * Columns are sorted by score: the first that is too low, or padding, ends the
 * row, unless --no-stop.  One that the vocabulary lacks, or that is negative,
 * is left out.
 *
 * All that are not collected are counted, by cause.  Those after the one that
 * ended the row go with it: nothing has looked at them.
 *
 * Inlined for each pair of types, so that none is asked for per candidate.
 */
static inline __attribute__((always_inline)) uint64_t
make_collect_as(struct make *m, uint64_t row, enum sm_npy_type id_type,
		enum sm_npy_type score_type)
{
	const struct sm_candidates_input *in = &m->in;
	uint64_t at = (row - in->first) * in->width, end = at + in->width;
	uint64_t n = 0, id, pick_max = m->pick_max;
	double min_score = sm_candidates_min_score(m->opts);
	bool no_stop = m->opts->no_stop;
	unsigned cause = SM_TALLY_LOW_SCORE; /* of what ended the row */
	struct sm_table vocab = m->vocab;
	struct make_pick *pick = m->pick;
	struct sm_table_text text;

	for (; at < end && n < pick_max; at++) {
		if (at + MAKE_AHEAD < end)
			sm_table_prefetch(&vocab,
					  sm_candidates_id_as(in, id_type,
							      at + MAKE_AHEAD));
		id = sm_candidates_id_as(in, id_type, at);
		/* Not `score < min_score`: a NaN must fail, too. */
		if (!(sm_candidates_score_as(in, score_type, at) >=
		      min_score) ||
		    (in->has_pad && id == in->pad)) {
			cause = make_cause(m, id, at);
			if (!no_stop)
				break;
			m->tally[cause]++;
			continue;
		}
		text = sm_table_get(&vocab, id);
		if (!text.text || sm_candidates_id_negative(in, id)) {
			cause = SM_TALLY_SKIPPED;
			if (sm_candidates_id_negative(in, id))
				cause = SM_TALLY_PADDING;
			m->tally[cause]++;
			continue;
		}
		pick[n].at = at;
		pick[n].id = text;
		n++;
	}
	if (n == pick_max)
		cause = SM_TALLY_OVER_MAXIMUM;
	m->tally[cause] += end - at;
	return n;
}

static inline __attribute__((always_inline)) uint64_t
make_collect_ids(struct make *m, uint64_t row, enum sm_npy_type id_type)
{
	switch (m->in.values.type) {
	case SM_NPY_F4:
		return make_collect_as(m, row, id_type, SM_NPY_F4);
	case SM_NPY_F2:
		return make_collect_as(m, row, id_type, SM_NPY_F2);
	default:
		return make_collect_as(m, row, id_type, SM_NPY_F8);
	}
}

static uint64_t
make_collect(struct make *m, uint64_t row)
{
	switch (m->in.ids.type) {
	case SM_NPY_I4:
		return make_collect_ids(m, row, SM_NPY_I4);
	case SM_NPY_U4:
		return make_collect_ids(m, row, SM_NPY_U4);
	default:
		return make_collect_ids(m, row, SM_NPY_I8);
	}
}

/* Has the row enough?  Count it, and what was collected. */
static bool
make_judge(struct make *m, uint64_t count)
{
	if (count < m->opts->min_candidates) {
		m->tally[SM_TALLY_TOO_FEW]++;
		m->tally[SM_TALLY_OF_TOO_FEW] += count;
		return false;
	}
	m->tally[SM_TALLY_ENTRIES] += count;
	return true;
}

/*
 * Number text of a score.  By default the digits are the shortest that read
 * back as the same number of the file's own type; otherwise, as Python prints
 * the score as a double.
 */
static inline __attribute__((always_inline)) uint32_t
make_number(char *dst, const struct make *m, uint64_t at, enum sm_npy_type type,
	    bool source)
{
	if (source && type == SM_NPY_F4)
		return (uint32_t)sm_numtext_f32(
			dst, sm_candidates_score_f32(&m->in, at));
	if (source && type == SM_NPY_F2)
		return (uint32_t)sm_numtext_f16(
			dst, sm_candidates_score_f16(&m->in, at));
	return (uint32_t)sm_numtext_f64(
		dst, sm_candidates_score_as(&m->in, type, at));
}

static inline __attribute__((always_inline)) uint64_t
make_numbers_as(struct make_numbers *num, const struct make *m,
		const struct make_pick *p, uint64_t n, enum sm_npy_type type,
		bool source)
{
	uint64_t i;

	for (i = 0; i < n; i++) {
		if (isinf(sm_candidates_score_as(&m->in, type, p[i].at)))
			break;
		num->len[i] =
			make_number(num->text[i], m, p[i].at, type, source);
	}
	return i;
}

/*
 * Scores of a group as binary32, mostly next to each other.  False: one of them
 * is none.
 */
static inline __attribute__((always_inline)) bool
make_floats(float score[MAKE_GROUP], const struct make *m,
	    const struct make_pick *p, enum sm_npy_type type)
{
	double x;
	bool exact = true;
	unsigned i;

	if (type == SM_NPY_F4 &&
	    p[MAKE_GROUP - 1].at - p->at == MAKE_GROUP - 1) {
		memcpy(score, m->in.values.data + p->at * 4,
		       MAKE_GROUP * sizeof(*score));
		return true;
	}
	for (i = 0; i < MAKE_GROUP; i++) {
		x = sm_candidates_score_as(&m->in, type, p[i].at);
		score[i] = (float)x;
		exact &= (double)score[i] == x;
	}
	return exact;
}

/* Numbers of a whole group at once, if they are as most scores are. */
static inline __attribute__((always_inline)) bool
make_eight(struct make_numbers *num, const struct make *m,
	   const struct make_pick *p, enum sm_npy_type type, bool source)
{
	float score[MAKE_GROUP];

	if (!make_floats(score, m, p, type))
		return false;
	if (source)
		return sm_numtext_f32_eight(num->text, num->len, score);
	return sm_numtext_f64_eight(num->text, num->len, score);
}

/*
 * Number text of up to MAKE_GROUP picks, one after the other; returns how many,
 * up to an infinite score.
 */
static uint64_t
make_numbers(struct make_numbers *num, const struct make *m,
	     const struct make_pick *p, uint64_t n)
{
	bool source = m->opts->score_digits == SM_DIGITS_SOURCE;
	bool whole = n == MAKE_GROUP;

	switch (m->in.values.type) {
	case SM_NPY_F4:
		if (whole && make_eight(num, m, p, SM_NPY_F4, source))
			return n;
		if (source)
			return make_numbers_as(num, m, p, n, SM_NPY_F4, true);
		return make_numbers_as(num, m, p, n, SM_NPY_F4, false);
	case SM_NPY_F2:
		if (whole && !source && make_eight(num, m, p, SM_NPY_F2, false))
			return n;
		return make_numbers_as(num, m, p, n, SM_NPY_F2, source);
	default:
		if (whole && make_eight(num, m, p, SM_NPY_F8, false))
			return n;
		return make_numbers_as(num, m, p, n, SM_NPY_F8, false);
	}
}

/*
 * One record, by groups of items.  Each group also prefetches as many slots of
 * the next row: the memory works while this thread formats.
 */
static int
make_write(struct make *m, uint64_t row, uint64_t count, struct sm_err *err)
{
	struct sm_table_text key = sm_table_get(&m->keys, row);
	struct sm_record_item item[MAKE_GROUP];
	const struct make_pick *p = m->pick;
	struct make_numbers num;
	uint64_t i, k, n, whole;

	if (!key.text)
		return sm_err_set(err, SM_EDAMAGED,
				  "the compiled table of keys lacks row "
				  "%" PRIu64 ", which it had when the job was "
				  "planned; plan it again with --restart",
				  row);
	sm_record_begin(m->writer, key.text, key.len);
	for (i = 0; i < count; i += n, p += n) {
		n = count - i < MAKE_GROUP ? count - i : MAKE_GROUP;
		make_prefetch(m, row + 1, i, i + n);
		whole = make_numbers(&num, m, p, n);
		if (whole < n)
			return sm_err_set(err, SM_EVALUE,
					  "row %" PRIu64 ", column %" PRIu64
					  " of '%s' is infinite, which JSON "
					  "cannot hold",
					  row,
					  p[whole].at - (row - m->in.first) *
								m->in.width,
					  m->in.scores.map.path);
		for (k = 0; k < n; k++)
			item[k] = (struct sm_record_item){
				.id = p[k].id.text,
				.num = num.text[k],
				.id_len = (uint32_t)p[k].id.len,
				.num_len = num.len[k],
			};
		sm_record_items(m->writer, item, (size_t)n);
	}
	return sm_record_end(m->writer, err);
}

/* -------------------------------------------------------------- batch -- */

/*
 * A row's range comes from the database, where a person may have changed it: it
 * must lie within the input before anything is read.
 */
static int
make_check_batch(const struct make *m, const struct sm_piece *b,
		 struct sm_err *err)
{
	int ret;

	if (b->first < 0 || b->end < b->first || (uint64_t)b->end > m->in.rows)
		return sm_err_set(err, SM_EINPUT,
				  "batch %" PRIu64 " asks for rows %" PRId64
				  " to %" PRId64 " of %" PRIu64,
				  b->id, b->first, b->end, m->in.rows);
	ret = make_check_file(m, "cands", &m->in.cands, err);
	if (ret == 0)
		ret = make_check_file(m, "scores", &m->in.scores, err);
	return ret;
}

static int
make_begin(struct make *m, struct sm_out *out, struct sm_err *err)
{
	const struct sm_candidates_opts *o = m->opts;
	struct sm_record_fields fields = {
		.key = o->key_field,
		.list = o->list_field,
		.id = o->id_field,
		.score = o->score_field,
	};

	return sm_out_writer(&m->writer, out, &fields, o->encoder, o->level,
			     err);
}

/*
 * Row by row; the stop flag is looked at before each, so that a request to end
 * is answered within one row.
 */
int
sm_candidates_produce(void *state, const struct sm_piece *b, struct sm_out *out,
		      struct sm_err *err)
{
	struct sm_made *made;
	struct make *m = state;
	uint64_t row, count, records = 0;
	bool enough;
	int ret;

	ret = make_check_batch(m, b, err);
	if (ret == 0)
		ret = make_begin(m, out, err);
	if (ret < 0)
		return ret;
	memset(m->tally, 0, sizeof(m->tally));
	m->in.end = 0;
	for (row = (uint64_t)b->first; row < (uint64_t)b->end; row++) {
		if (make_stopped(m))
			return sm_err_set(err, SM_ESTOPPED,
					  "batch %" PRIu64 " was given up at "
					  "row %" PRIu64,
					  b->id, row);
		ret = make_ready(m, row, (uint64_t)b->end, err);
		if (ret < 0)
			return ret;
		count = make_collect(m, row);
		enough = make_judge(m, count);
		if (enough) {
			ret = make_write(m, row, count, err);
			records++;
		} else {
			make_prefetch(m, row + 1, 0, MAKE_AHEAD);
		}
		if (ret == 0)
			ret = sm_out_row(out, enough, err);
		if (ret < 0)
			return ret;
	}
	sm_out_count(out, records);
	made = sm_out_made(out);
	made->counts.rows = (uint64_t)(b->end - b->first);
	memcpy(made->counts.tally, m->tally, sizeof(m->tally));
	return 0;
}

/* --------------------------------------------------------------- look -- */

int
sm_candidates_sample(struct sm_counts *counts,
		     const struct sm_candidates_input *in,
		     const struct sm_table *vocab,
		     const struct sm_candidates_opts *opts, uint64_t rows,
		     struct sm_err *err)
{
	struct make m = { .opts = opts, .in = *in, .vocab = *vocab };
	uint64_t row;
	int ret = make_open_pick(&m, err);

	if (ret < 0)
		return ret;
	*counts = (struct sm_counts){ .rows = rows };
	m.in.end = 0;
	for (row = 0; ret == 0 && row < rows; row++) {
		ret = make_ready(&m, row, rows, err);
		if (ret == 0)
			counts->records +=
				make_judge(&m, make_collect(&m, row));
	}
	memcpy(counts->tally, m.tally, sizeof(m.tally));
	free(m.pick);
	return ret;
}
