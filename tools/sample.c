/*
 * sample.c - make a data set to try candidates on
 *
 * From a seed, in the form that a recommender writes.  It shares nothing with
 * what reads it, so that it can serve as a test's input.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"

#include "sample.h"

/* Candidates are int32. */
#define SAMPLE_VOCAB_MAX INT32_MAX
#define SAMPLE_WIDTH_MAX (UINT64_C(1) << 20)
#define SAMPLE_ROWS_MAX  (UINT64_C(1) << 32)
#define SAMPLE_CELL      4 /* bytes of a candidate and of a score */

/* From one look at the clock and the signals to the next. */
#define SAMPLE_REPORT 1024

/* Other draws before the next free identifier is taken instead. */
#define SAMPLE_DRAWS 8

#define SAMPLE_FILES 4
static const char *const sample_names[SAMPLE_FILES] = {
	"cands.npy", "scores.npy", "keys.json", "vocab.json"
};
enum { SAMPLE_CANDS, SAMPLE_SCORES, SAMPLE_KEYS, SAMPLE_VOCAB };

struct sample {
	const struct sm_sample_opts *opts;
	const struct sm_screen *screen;
	struct sm_events events; /* of the screen */
	const char *dir;
	int dirfd;
	FILE *file[SAMPLE_FILES];
	int made; /* so many of them, which are removed if the call fails */
	uint64_t state; /* of the random numbers */
	/*
	 * The ranks that the row in hand has taken: open addressing, at most
	 * half full.  A slot counts if its stamp is the row's, so that a new
	 * row needs no clearing.
	 */
	uint64_t *slot;
	size_t slots;
	unsigned char *cands, *scores; /* one row each */
};

/*
 * splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
 * Generators, OOPSLA 2014): the same sequence from one seed everywhere.
 */
static uint64_t
sample_draw(struct sample *s)
{
	uint64_t z = s->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* [0, 1), 53 bits */
static double
sample_unit(struct sample *s)
{
	return (double)(sample_draw(s) >> 11) * 0x1p-53;
}

/* Little-endian. */
static void
sample_put(unsigned char *p, uint64_t v, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes; i++, v >>= 8)
		p[i] = (unsigned char)v;
}

/* `what` failed, with errno. */
static int
sample_failed(struct sm_err *err, const char *what, const char *dir,
	      const char *name)
{
	int sys = errno, code = SM_EIO;

	if (sys == ENOSPC || sys == EDQUOT)
		code = SM_ENOSPC;
	sm_output_fail(err, code, "%s '%s%s%s': %s", what, dir,
		       *name ? "/" : "", name, strerror(sys));
	err->sys = sys;
	return code;
}

static int
sample_check(const struct sm_sample_opts *o, struct sm_err *err)
{
	if (o->rows > SAMPLE_ROWS_MAX)
		return sm_output_fail(err, SM_EUSAGE,
				      "cannot make %" PRIu64 " rows: at most "
				      "%" PRIu64,
				      o->rows, SAMPLE_ROWS_MAX);
	if (o->width < 1 || o->width > SAMPLE_WIDTH_MAX)
		return sm_output_fail(err, SM_EUSAGE,
				      "cannot make rows of %" PRIu64
				      " candidates: 1 to %" PRIu64,
				      o->width, SAMPLE_WIDTH_MAX);
	if (o->vocab < 2 || o->vocab > SAMPLE_VOCAB_MAX)
		return sm_output_fail(err, SM_EUSAGE,
				      "cannot make a vocabulary of %" PRIu64
				      ": 2 to %d",
				      o->vocab, SAMPLE_VOCAB_MAX);
	return 0;
}

/* Say how far it is; see whether to stop. */
static int
sample_report(struct sample *s, uint64_t done, struct sm_err *err)
{
	struct sm_progress p = { .phase = "sample",
				 .unit = "rows",
				 .done = done,
				 .total = s->opts->rows,
				 .eta_s = -1 };
	double passed = sm_screen_elapsed(s->screen);

	if (*s->events.stop)
		return sm_output_fail(err, SM_ESTOPPED,
				      "stopped; the files begun in '%s' are "
				      "removed",
				      s->dir);
	if (done > 0 && passed > 0) {
		p.rows_per_s = (double)done / passed;
		p.eta_s = (double)(p.total - done) / p.rows_per_s;
	}
	s->events.progress(&p, s->events.arg);
	return 0;
}

/* NumPy's own layout: version 1.0, the data at a multiple of 64. */
static void
sample_npy_header(FILE *f, const char *descr, uint64_t rows, uint64_t width)
{
	char text[128];
	unsigned char head[10] = "\x93NUMPY\x01";
	int n = snprintf(text, sizeof(text),
			 "{'descr': '%s', 'fortran_order': False, "
			 "'shape': (%" PRIu64 ", %" PRIu64 "), }",
			 descr, rows, width);
	unsigned all = ((unsigned)n + sizeof(head) + 1 + 63) / 64 * 64;

	sample_put(head + 8, all - sizeof(head), 2);
	fwrite(head, 1, sizeof(head), f);
	fprintf(f, "%-*s\n", (int)(all - sizeof(head) - 1), text);
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
		v = sample_draw(s);
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
	uint64_t n = width, kind = sample_draw(s) % 100;

	if (kind < 2) /* too few to be worth a line */
		n = sample_draw(s) % (width < 50 ? width : 50);
	else if (kind < 25)
		n = width / 4 + sample_draw(s) % (width - width / 4);
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
	double high = 0.95 + 0.045 * sample_unit(s);
	double low = 0.22 + 0.06 * sample_unit(s), left;
	unsigned char *c = s->cands, *p = s->scores;
	unsigned tries;
	uint32_t bits;
	float score;

	for (i = 0; i < n; i++, c += SAMPLE_CELL, p += SAMPLE_CELL) {
		r = sample_rank(s, count);
		for (tries = 1; !sample_take(s, row, r); tries++)
			r = tries < SAMPLE_DRAWS ? sample_rank(s, count)
						 : (r + 1) % count;
		sample_put(c, 1 + r * spread % count, SAMPLE_CELL);

		/* The i-th place has the i-th n-th of the way down. */
		left = 1 - ((double)i + sample_unit(s)) / (double)n;
		score = (float)(low + (high - low) * left * (0.5 + 0.5 * left));
		memcpy(&bits, &score, sizeof(bits));
		sample_put(p, bits, SAMPLE_CELL);
	}
	memset(c, 0, (size_t)(s->opts->width - n) * SAMPLE_CELL);
	memset(p, 0, (size_t)(s->opts->width - n) * SAMPLE_CELL);
}

static int
sample_rows(struct sample *s, struct sm_err *err)
{
	const struct sm_sample_opts *o = s->opts;
	FILE *cands = s->file[SAMPLE_CANDS], *scores = s->file[SAMPLE_SCORES];
	FILE *keys = s->file[SAMPLE_KEYS];
	uint32_t salt = (uint32_t)sample_draw(s);
	uint64_t row;
	int ret = 0;

	sample_npy_header(cands, "<i4", o->rows, o->width);
	sample_npy_header(scores, "<f4", o->rows, o->width);
	putc('{', keys);
	for (row = 0; row < o->rows && ret == 0; row++) {
		sample_row(s, row);
		fwrite(s->cands, SAMPLE_CELL, (size_t)o->width, cands);
		fwrite(s->scores, SAMPLE_CELL, (size_t)o->width, scores);
		/* An odd factor makes it 1:1, so that no key comes twice. */
		fprintf(keys, "%s\"%" PRIu64 "\": \"user-%08" PRIx32 "\"",
			row ? ",\n " : "", row,
			(uint32_t)row * UINT32_C(2654435769) + salt);
		if (row % SAMPLE_REPORT == 0)
			ret = sample_report(s, row, err);
	}
	fputs("}\n", keys);
	return ret;
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
	uint64_t v = sample_draw(s) % 1000, first = 1;
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
	FILE *f = s->file[SAMPLE_VOCAB];
	int ret = 0;

	putc('{', f);
	for (i = 0; i < s->opts->vocab && ret == 0; i++) {
		fprintf(f, "%s\"%" PRIu64 "\": \"%" PRIu64 "\"",
			i ? ",\n " : "", i, sample_id(s, used, LENGTHS));
		if (i % SAMPLE_REPORT == 0)
			ret = sample_report(s, 0, err);
	}
	fputs("}\n", f);
	return ret;
}

static int
sample_open(struct sample *s, struct sm_err *err)
{
	const char *name;
	int fd;

	if (mkdir(s->dir, 0777) < 0 && errno != EEXIST)
		return sample_failed(err, "cannot make the directory", s->dir,
				     "");
	s->dirfd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dirfd < 0)
		return sample_failed(err, "cannot open directory", s->dir, "");
	for (; s->made < SAMPLE_FILES; s->made++) {
		name = sample_names[s->made];
		fd = openat(s->dirfd, name,
			    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd < 0 && errno == EEXIST)
			return sm_output_fail(err, SM_EREFUSED,
					      "'%s/%s' exists; remove it, or "
					      "name another directory",
					      s->dir, name);
		if (fd < 0)
			return sample_failed(err, "cannot create", s->dir,
					     name);
		s->file[s->made] = fdopen(fd, "w");
		if (!s->file[s->made]) {
			close(fd);
			unlinkat(s->dirfd, name, 0);
			return sm_output_fail(err, SM_ENOMEM, "out of memory");
		}
	}
	return 0;
}

/*
 * A stream remembers that a write has failed, so that only here is asked.  The
 * errno of that write may be gone; the next one mostly fails like it.
 */
static int
sample_close(struct sample *s, struct sm_err *err)
{
	bool bad;
	int i, ret = 0;

	for (i = 0; i < SAMPLE_FILES; i++) {
		errno = 0;
		bad = ferror(s->file[i]);
		bad |= fclose(s->file[i]) != 0;
		s->file[i] = NULL;
		if (!bad || ret < 0)
			continue;
		if (errno == 0)
			errno = EIO;
		ret = sample_failed(err, "cannot write", s->dir,
				    sample_names[i]);
	}
	return ret;
}

static int
sample_make(struct sample *s, struct sm_err *err)
{
	size_t width = (size_t)s->opts->width;
	int ret;

	for (s->slots = 16; s->slots < 2 * width;)
		s->slots *= 2;
	s->slot = calloc(s->slots, sizeof(*s->slot));
	s->cands = malloc(width * SAMPLE_CELL);
	s->scores = malloc(width * SAMPLE_CELL);
	if (!s->slot || !s->cands || !s->scores)
		return sm_output_fail(err, SM_ENOMEM,
				      "out of memory for the sample's rows");
	ret = sample_vocab(s, err);
	if (ret == 0)
		ret = sample_rows(s, err);
	if (ret == 0)
		ret = sample_close(s, err);
	return ret;
}

int
sm_sample(const char *dir, const struct sm_sample_opts *opts,
	  struct sm_screen *screen, struct sm_err *err)
{
	struct sample s = { .opts = opts,
			    .screen = screen,
			    .events = sm_screen_events(screen),
			    .dir = dir,
			    .dirfd = -1,
			    .state = opts->seed };
	int ret = sample_check(opts, err), i;

	if (ret == 0)
		ret = sample_open(&s, err);
	if (ret == 0)
		ret = sample_make(&s, err);
	for (i = 0; i < s.made; i++) {
		if (s.file[i])
			fclose(s.file[i]);
		if (ret < 0)
			unlinkat(s.dirfd, sample_names[i], 0);
	}
	if (s.dirfd >= 0)
		close(s.dirfd);
	free(s.slot);
	free(s.cands);
	free(s.scores);
	return ret;
}
