/*
 * sample.c - make a data set to try candidates on
 *
 * From a seed, in the form that a recommender writes.  It shares nothing with
 * what reads it, so that it can serve as a test's input.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <shardmill.h>

#include "buf.h"
#include "bytes.h"
#include "clock.h"
#include "err.h"
#include "errfile.h"
#include "file.h"
#include "rand.h"

/* Candidates are int32. */
#define SAMPLE_VOCAB_MAX INT32_MAX
#define SAMPLE_WIDTH_MAX (UINT64_C(1) << 20)
#define SAMPLE_ROWS_MAX  (UINT64_C(1) << 32)
#define SAMPLE_CELL      4 /* bytes of a candidate and of a score */

/* Written at once: large enough that the calls do not count. */
#define SAMPLE_CHUNK ((size_t)1 << 20)

/* Other draws before the next free identifier is taken instead. */
#define SAMPLE_DRAWS 8

#define SAMPLE_FILES 4
static const char *const sample_names[SAMPLE_FILES] = {
	"cands.npy", "scores.npy", "keys.json", "vocab.json"
};
enum { SAMPLE_CANDS, SAMPLE_SCORES, SAMPLE_KEYS, SAMPLE_VOCAB };

struct sample_file {
	int fd;
	bool made; /* by this call: it is removed if the call fails */
	struct sm_buf buf;
};

struct sample {
	const struct sm_sample_opts *opts;
	const char *dir;
	int dirfd;
	struct sample_file file[SAMPLE_FILES];
	uint64_t state; /* of the random numbers */
	uint64_t begun_ms, told_ms;
	/*
	 * The ranks that the row in hand has taken: open addressing, at most
	 * half full.  A slot counts if its stamp is the row's, so that a new
	 * row needs no clearing.
	 */
	uint64_t *slot;
	size_t slots;
	unsigned char *cands, *scores; /* one row each */
};

static void
sample_settle(struct sm_sample_opts *o)
{
	if (o->rows == 0)
		o->rows = 20000;
	if (o->width == 0)
		o->width = 300;
	if (o->vocab == 0)
		o->vocab = 1000000;
	if (o->seed == 0)
		o->seed = 1;
}

void
sm_sample_opts_init(struct sm_sample_opts *opts)
{
	*opts = (struct sm_sample_opts){ 0 };
	sample_settle(opts);
}

static int
sample_check(const struct sm_sample_opts *o, struct sm_err *err)
{
	if (o->rows > SAMPLE_ROWS_MAX)
		return sm_err_set(err, SM_EUSAGE,
				  "cannot make %" PRIu64 " rows: at most "
				  "%" PRIu64,
				  o->rows, SAMPLE_ROWS_MAX);
	if (o->width < 1 || o->width > SAMPLE_WIDTH_MAX)
		return sm_err_set(err, SM_EUSAGE,
				  "cannot make rows of %" PRIu64
				  " candidates: 1 to %" PRIu64,
				  o->width, SAMPLE_WIDTH_MAX);
	if (o->vocab < 2 || o->vocab > SAMPLE_VOCAB_MAX)
		return sm_err_set(err, SM_EUSAGE,
				  "cannot make a vocabulary of %" PRIu64
				  ": 2 to %d",
				  o->vocab, SAMPLE_VOCAB_MAX);
	return 0;
}

static int
sample_flush(struct sample *s, int which, struct sm_err *err)
{
	struct sample_file *f = &s->file[which];

	if (sm_buf_failed(&f->buf))
		return sm_err_mem(err, sample_names[which]);
	if (f->buf.len > 0 && sm_write_all(f->fd, f->buf.data, f->buf.len) < 0)
		return sm_err_sys(err, "cannot write '%s/%s'", s->dir,
				  sample_names[which]);
	sm_buf_clear(&f->buf);
	return 0;
}

/* Say how far it is, about once a second; see whether to stop. */
static int
sample_report(struct sample *s, uint64_t done, struct sm_err *err)
{
	const struct sm_events *ev = &s->opts->events;
	uint64_t now = sm_clock_ms();
	struct sm_progress p = { .phase = "sample",
				 .unit = "rows",
				 .done = done,
				 .total = s->opts->rows,
				 .eta_s = -1 };

	if (ev->stop && *ev->stop)
		return sm_err_set(err, SM_ESTOPPED,
				  "stopped; the files begun "
				  "in '%s' are removed",
				  s->dir);
	if (!ev->progress || now - s->told_ms < 1000)
		return 0;
	s->told_ms = now;
	p.elapsed_s = (double)(now - s->begun_ms) / 1000;
	p.rows_per_s = (double)done / p.elapsed_s;
	if (done > 0)
		p.eta_s = (double)(p.total - done) / p.rows_per_s;
	ev->progress(&p, ev->arg);
	return 0;
}

/* NumPy's own layout: version 1.0, the data at a multiple of 64. */
static void
sample_npy_header(struct sm_buf *b, const char *descr, uint64_t rows,
		  uint64_t width)
{
	char text[128];
	unsigned char head[10] = "\x93NUMPY\x01";
	int n = snprintf(text, sizeof(text),
			 "{'descr': '%s', 'fortran_order': False, "
			 "'shape': (%" PRIu64 ", %" PRIu64 "), }",
			 descr, rows, width);
	unsigned all = ((unsigned)n + sizeof(head) + 1 + 63) / 64 * 64;

	sm_put_le(head + 8, all - sizeof(head), 2);
	sm_buf_put(b, head, sizeof(head));
	sm_buf_printf(b, "%-*s\n", (int)(all - sizeof(head) - 1), text);
}

/* Mark `rank` as taken by `row`; false if it was. */
static bool
sample_take(struct sample *s, uint64_t row, uint64_t rank)
{
	/* A stamp of 0 is an empty table's.  33 bits of row, 31 of rank. */
	uint64_t mark = (row + 1) << 31 | rank, *slot;
	size_t at = (size_t)(rank * UINT64_C(0x9e3779b97f4a7c15) >> 32);

	for (;; at++) {
		slot = &s->slot[at & (s->slots - 1)];
		if (*slot == mark)
			return false;
		if (*slot >> 31 != row + 1) {
			*slot = mark;
			return true;
		}
	}
}

/*
 * A rank from 0 to count - 1, rank r with a chance of about 1 / (r + 1): an
 * octave, each as likely as the other, and a place in it.
 */
static uint64_t
sample_rank(struct sample *s, uint64_t count)
{
	uint64_t octaves = 64 - (uint64_t)__builtin_clzll(count), v, k, r;

	do {
		v = sm_rand_next(&s->state);
		k = (v >> 40) * octaves >> 24;
		r = (UINT64_C(1) << k) - 1 + (v & ((UINT64_C(1) << k) - 1));
	} while (r >= count);
	return r;
}

/* How many candidates the row has before its padding begins. */
static uint64_t
sample_row_length(struct sample *s)
{
	uint64_t width = s->opts->width, count = s->opts->vocab - 1;
	uint64_t n = width, kind = sm_rand_next(&s->state) % 100;

	if (kind < 2) /* too few to be worth a line */
		n = sm_rand_next(&s->state) % (width < 50 ? width : 50);
	else if (kind < 25)
		n = width / 4 + sm_rand_next(&s->state) % (width - width / 4);
	return n < count ? n : count;
}

/*
 * One row: popular candidates are drawn more often, none twice; the scores
 * fall from about 0.99 to about 0.25 in steps of random size, quickly at
 * first.  Identifier 0 is padding; ranks are spread over the others, since
 * real identifiers do not come in the order of popularity.
 */
static void
sample_row(struct sample *s, uint64_t row)
{
	/* A prime beyond the vocabulary: rank * spread % count is 1:1. */
	const uint64_t spread = UINT64_C(2147483659);
	uint64_t count = s->opts->vocab - 1, n = sample_row_length(s), i, r;
	double high = 0.95 + 0.045 * sm_rand_unit(&s->state);
	double low = 0.22 + 0.06 * sm_rand_unit(&s->state), left;
	unsigned char *c = s->cands, *p = s->scores;
	unsigned tries;
	uint32_t bits;
	float score;

	for (i = 0; i < n; i++, c += SAMPLE_CELL, p += SAMPLE_CELL) {
		r = sample_rank(s, count);
		for (tries = 1; !sample_take(s, row, r); tries++)
			r = tries < SAMPLE_DRAWS ? sample_rank(s, count)
						 : (r + 1) % count;
		sm_put_le(c, 1 + r * spread % count, SAMPLE_CELL);

		/* The i-th place has the i-th n-th of the way down. */
		left = 1 - ((double)i + sm_rand_unit(&s->state)) / (double)n;
		score = (float)(low + (high - low) * left * (0.5 + 0.5 * left));
		memcpy(&bits, &score, sizeof(bits));
		sm_put_le(p, bits, SAMPLE_CELL);
	}
	memset(c, 0, (size_t)(s->opts->width - n) * SAMPLE_CELL);
	memset(p, 0, (size_t)(s->opts->width - n) * SAMPLE_CELL);
}

static int
sample_rows(struct sample *s, struct sm_err *err)
{
	const struct sm_sample_opts *o = s->opts;
	struct sm_buf *cands = &s->file[SAMPLE_CANDS].buf;
	struct sm_buf *scores = &s->file[SAMPLE_SCORES].buf;
	struct sm_buf *keys = &s->file[SAMPLE_KEYS].buf;
	size_t row_bytes = (size_t)o->width * SAMPLE_CELL;
	uint32_t salt = (uint32_t)sm_rand_next(&s->state);
	uint64_t row;
	int ret, i;

	sample_npy_header(cands, "<i4", o->rows, o->width);
	sample_npy_header(scores, "<f4", o->rows, o->width);
	sm_buf_putc(keys, '{');
	for (row = 0; row < o->rows; row++) {
		sample_row(s, row);
		sm_buf_put(cands, s->cands, row_bytes);
		sm_buf_put(scores, s->scores, row_bytes);
		/* An odd factor makes it 1:1, so that no key comes twice. */
		sm_buf_printf(keys, "%s\"%" PRIu64 "\": \"user-%08" PRIx32 "\"",
			      row ? ",\n " : "", row,
			      (uint32_t)row * UINT32_C(2654435769) + salt);
		if (cands->len < SAMPLE_CHUNK && keys->len < SAMPLE_CHUNK)
			continue;
		for (i = SAMPLE_CANDS; i <= SAMPLE_KEYS; i++) {
			ret = sample_flush(s, i, err);
			if (ret < 0)
				return ret;
		}
		ret = sample_report(s, row + 1, err);
		if (ret < 0)
			return ret;
	}
	sm_buf_puts(keys, "}\n");
	return 0;
}

/*
 * Tokens as a catalogue hands them out: decimal numbers, most of eight digits,
 * none twice.  A length that is used up passes on to the next.
 */
static uint64_t
sample_id(struct sample *s, uint64_t used[], unsigned lengths)
{
	/* Per mille that have more digits than 1, 2, 3, …, 9. */
	static const uint64_t longer[] = { 999, 997, 994, 989, 975,
					   920, 750, 60,  0 };
	uint64_t v = sm_rand_next(&s->state) % 1000, first = 1;
	unsigned k = 0;

	while (k + 1 < lengths && (v < longer[k] || used[k] == 9 * first)) {
		k++;
		first *= 10;
	}
	/* The factor has none in common with 9 * 10^k: 1:1. */
	return first + used[k]++ * 55623059 % (9 * first);
}

static int
sample_vocab(struct sample *s, struct sm_err *err)
{
	enum { LENGTHS = 10 };
	uint64_t used[LENGTHS] = { 0 }, i;
	struct sm_buf *b = &s->file[SAMPLE_VOCAB].buf;
	int ret;

	sm_buf_putc(b, '{');
	for (i = 0; i < s->opts->vocab; i++) {
		sm_buf_printf(b, "%s\"%" PRIu64 "\": \"%" PRIu64 "\"",
			      i ? ",\n " : "", i, sample_id(s, used, LENGTHS));
		if (b->len < SAMPLE_CHUNK)
			continue;
		ret = sample_flush(s, SAMPLE_VOCAB, err);
		if (ret == 0)
			ret = sample_report(s, 0, err);
		if (ret < 0)
			return ret;
	}
	sm_buf_puts(b, "}\n");
	return 0;
}

static int
sample_open(struct sample *s, struct sm_err *err)
{
	struct sample_file *f;
	int i;

	if (mkdir(s->dir, 0777) < 0 && errno != EEXIST)
		return sm_err_file(err, AT_FDCWD, s->dir,
				   "cannot make the directory");
	s->dirfd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dirfd < 0)
		return sm_err_sys(err, "cannot open directory '%s'", s->dir);
	for (i = 0; i < SAMPLE_FILES; i++) {
		f = &s->file[i];
		f->fd = openat(s->dirfd, sample_names[i],
			       O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (f->fd < 0 && errno == EEXIST)
			return sm_err_set(err, SM_EREFUSED,
					  "'%s/%s' exists; remove it, or name "
					  "another directory",
					  s->dir, sample_names[i]);
		if (f->fd < 0)
			return sm_err_file(err, s->dirfd, sample_names[i],
					   "cannot create");
		f->made = true;
	}
	return 0;
}

static int
sample_make(struct sample *s, struct sm_err *err)
{
	size_t width = (size_t)s->opts->width;
	int ret, i;

	for (s->slots = 16; s->slots < 2 * width;)
		s->slots *= 2;
	s->slot = calloc(s->slots, sizeof(*s->slot));
	s->cands = malloc(width * SAMPLE_CELL);
	s->scores = malloc(width * SAMPLE_CELL);
	if (!s->slot || !s->cands || !s->scores)
		return sm_err_mem(err, "the sample's rows");
	ret = sample_vocab(s, err);
	if (ret == 0)
		ret = sample_rows(s, err);
	for (i = 0; ret == 0 && i < SAMPLE_FILES; i++) {
		ret = sample_flush(s, i, err);
		if (ret < 0)
			break;
		if (sm_sync_close(s->file[i].fd, false) < 0)
			ret = sm_err_sys(err, "cannot write '%s/%s'", s->dir,
					 sample_names[i]);
		s->file[i].fd = -1;
	}
	return ret;
}

int
sm_sample(const char *dir, const struct sm_sample_opts *opts,
	  struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	struct sm_sample_opts o = *opts;
	struct sample s = {
		.opts = &o, .dir = dir, .dirfd = -1, .begun_ms = sm_clock_ms()
	};
	int ret, i;

	sample_settle(&o);
	s.state = o.seed;
	for (i = 0; i < SAMPLE_FILES; i++)
		s.file[i].fd = -1;
	s.told_ms = s.begun_ms;
	ret = sample_check(&o, err);
	if (ret >= 0)
		ret = sample_open(&s, err);
	if (ret >= 0)
		ret = sample_make(&s, err);
	for (i = 0; i < SAMPLE_FILES; i++) {
		if (s.file[i].fd >= 0)
			close(s.file[i].fd);
		if (ret < 0 && s.file[i].made)
			unlinkat(s.dirfd, sample_names[i], 0);
		sm_buf_release(&s.file[i].buf);
	}
	if (s.dirfd >= 0)
		close(s.dirfd);
	free(s.slot);
	free(s.cands);
	free(s.scores);
	return ret;
}
