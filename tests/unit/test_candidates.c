/* The candidates job: planning, and the text of its batches. */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "buf.h"
#include "candidates.h"
#include "kind.h"
#include "option.h"
#include "record.h"
#include "table_id.h"

static char dir[] = "/tmp/test_candidates.XXXXXX";
static int dirfd_ = -1;

static const char *const files[] = { "cands.npy",  "scores.npy", "keys.json",
				     "vocab.json", "keys",       "vocab",
				     "000000.gz" };
#define FILE_COUNT (sizeof(files) / sizeof(*files))

static char paths[4][64]; /* of the first four */

static int
set_up(void **state)
{
	size_t i;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (i = 0; i < 4; i++)
		snprintf(paths[i], sizeof(paths[i]), "%s/%s", dir, files[i]);
	return dirfd_ < 0 ? -1 : 0;
}

static int
tear_down(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < FILE_COUNT; i++)
		unlinkat(dirfd_, files[i], 0);
	close(dirfd_);
	return rmdir(dir);
}

/* ----------------------------------------------------------- fixtures -- */

static void
put_bytes(const char *name, const void *data, size_t len, bool append)
{
	int flags = O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC);
	int fd = openat(dirfd_, name, flags, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	assert_int_equal(close(fd), 0);
}

static void
put_text(const char *name, const char *text)
{
	put_bytes(name, text, strlen(text), false);
}

static void
put_npy(const char *name, const char *descr, unsigned rows, unsigned width,
	const void *data, size_t item)
{
	char text[128], head[128];

	snprintf(text, sizeof(text),
		 "{'descr': '%s', 'fortran_order': False, 'shape': (%u, %u), }",
		 descr, rows, width);
	memset(head, ' ', sizeof(head));
	memcpy(head, "\x93NUMPY\1\0\x76\0", 10);
	memcpy(head + 10, text, strlen(text));
	head[127] = '\n';
	put_bytes(name, head, sizeof(head), false);
	put_bytes(name, data, rows * width * item, true);
}

static const int32_t cands[3][4] = {
	{ 1, 2, 3, 4 },
	{ 2, 99, 0, 1 },
	{ 5, 1, -1, 2 },
};
static const float scores[3][4] = {
	{ 0.9f, 0.5f, 0.7131989f, 0.1f },
	{ 0.8f, 0.75f, 0.7f, 0.6f },
	{ 1.0f, 0.3f, 0.4f, 1e-5f },
};

static void
put_inputs(void)
{
	put_npy("cands.npy", "=i4", 3, 4, cands, 4);
	put_npy("scores.npy", "=f4", 3, 4, scores, 4);
	put_text("keys.json", "[\"user-1\", 17, \"\\u00e9\"]");
	put_text("vocab.json", "{\"1\": \"11\", \"2\": \"b\", \"3\": \"033\", "
			       "\"4\": 44, \"5\": \"a token of some length\"}");
}

static void
opts_init(struct sm_candidates_opts *o)
{
	*o = (struct sm_candidates_opts){ 0 };
	sm_options_init(sm_candidates_info.options, o);
	o->cands = paths[0];
	o->scores = paths[1];
	o->keys = paths[2];
	o->vocab = paths[3];
	o->min_candidates = 1;
	o->has_pad = true;
	o->pad = 0;
	o->encoder = SM_ENCODER_ZLIB;
}

/* ---------------------------------------------------- plan and produce -- */

static struct sm_buf notices, batches;

static int
emit_to_text(const struct sm_piece *b, void *arg, struct sm_err *err)
{
	(void)arg;
	(void)err;
	sm_buf_printf(&batches, "%d:%d-%d ", (int)b->id, (int)b->first,
		      (int)b->end);
	return 0;
}

static void
notice_to_text(const char *text, void *arg)
{
	(void)arg;
	sm_buf_puts(&notices, text);
	sm_buf_putc(&notices, '\n');
}

static const struct sm_events events = { .notice = notice_to_text };

static int
plan(struct sm_spec **spec, const struct sm_candidates_opts *o,
     struct sm_err *err)
{
	const struct sm_kind *k = &sm_kind_candidates;
	struct sm_kind_cut cut = { .tables_dirfd = dirfd_,
				   .emit = emit_to_text,
				   .events = &events };
	int ret;

	sm_buf_release(&notices);
	sm_buf_release(&batches);
	sm_buf_puts(&notices, "");
	sm_buf_puts(&batches, "");
	*spec = NULL;
	ret = sm_spec_new(spec, k->info, NULL, NULL, err);
	if (ret < 0)
		return ret;
	*(struct sm_candidates_opts *)(*spec)->opts = *o;
	cut.spec = *spec;
	ret = k->check(o, err);
	if (ret == 0)
		ret = k->cut(&cut, err);
	if (ret < 0) {
		sm_spec_free(*spec);
		*spec = NULL;
		return ret;
	}
	(*spec)->batches = cut.batches;
	(*spec)->rows = cut.rows;
	return 0;
}

static int
produce(struct sm_made *out, const struct sm_spec *spec, int64_t first,
	int64_t end, const atomic_bool *stop, struct sm_err *err)
{
	const struct sm_kind *k = &sm_kind_candidates;
	struct sm_kind_env env = { .spec = spec,
				   .job_dirfd = dirfd_,
				   .tables_dirfd = dirfd_,
				   .stop = stop,
				   .stop_fd = -1 };
	struct sm_piece b = { .first = first, .end = end };
	struct sm_entry e = { 0 };
	struct sm_shard *shard = NULL;
	struct sm_out *to = NULL;
	void *state = NULL;
	int ret;

	*out = (struct sm_made){ 0 };
	ret = k->open(&state, &env, err);
	if (ret < 0)
		return ret;
	ret = sm_out_new(&to, stop, err);
	if (ret == 0)
		ret = sm_shard_open(&shard, dirfd_, 0, 6, 1, err);
	if (ret == 0) {
		sm_out_begin(to, shard, out);
		ret = k->produce(state, &b, to, err);
	}
	if (ret == 0)
		ret = sm_out_end(to, err);
	if (ret == 0)
		ret = sm_shard_finish(&e, shard, false, err);
	if (ret == 0)
		ret = sm_shard_publish(shard, err);
	sm_shard_free(shard);
	sm_out_free(to);
	k->close(state);
	return ret;
}

static char *
shard_text(void)
{
	static char text[65536];
	char path[64];
	gzFile f;
	int n;

	snprintf(path, sizeof(path), "%s/000000.gz", dir);
	f = gzopen(path, "rb");
	assert_non_null(f);
	n = gzread(f, text, sizeof(text) - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	assert_int_equal(gzclose(f), Z_OK);
	return text;
}

/* Plan, make all rows as one batch, compare. */
static struct sm_made
expect(const struct sm_candidates_opts *o, const char *text)
{
	struct sm_made out = { 0 };
	struct sm_err err = { 0 };
	struct sm_spec *spec;

	if (plan(&spec, o, &err) < 0 ||
	    produce(&out, spec, 0, (int64_t)spec->rows, NULL, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(shard_text(), text);
	sm_spec_free(spec);
	return out;
}

/* Each row and each entry is counted once. */
static void
adds_up(const struct sm_made *m, uint64_t entries)
{
	uint64_t rows = m->counts.records, sum = 0;
	size_t i;

	for (i = 0; i < SM_TALLIES; i++)
		*(sm_tally(i)->rows ? &rows : &sum) += m->counts.tally[i];
	assert_int_equal(rows, m->counts.rows);
	assert_int_equal(sum, entries);
}

/* -------------------------------------------------------------- tests -- */

static void
test_text(void **state)
{
	struct sm_candidates_opts o;
	struct sm_made out;

	(void)state;
	put_inputs();
	opts_init(&o);
	/* 0.3f is above 0.3 as a double; -1 is a missing id, 99 as well. */
	out = expect(&o, "{\"key\": \"user-1\", \"value\": [{\"track_id\": 11, "
			 "\"score\": 0.9}, {\"track_id\": \"b\", \"score\": "
			 "0.5}, {\"track_id\": \"033\", \"score\": 0.7131989}]}"
			 "\n{\"key\": 17, \"value\": [{\"track_id\": \"b\", "
			 "\"score\": 0.8}]}\n{\"key\": \"\\u00e9\", \"value\": "
			 "[{\"track_id\": \"a token of some length\", "
			 "\"score\": 1.0}, {\"track_id\": 11, \"score\": 0.3}]}"
			 "\n");
	assert_int_equal(out.counts.rows, 3);
	assert_int_equal(out.counts.records, 3);
	assert_int_equal(out.counts.tally[SM_TALLY_SKIPPED], 1);
	adds_up(&out, 12);

	o.min_candidates = 3;
	o.score_digits = SM_DIGITS_DOUBLE;
	o.ids = SM_IDS_STRING;
	o.key_field = o.id_field = "k\"";
	out = expect(&o, "{\"k\\\"\": \"user-1\", \"value\": [{\"k\\\"\": "
			 "\"11\", \"score\": 0.8999999761581421}, {\"k\\\"\": "
			 "\"b\", \"score\": 0.5}, {\"k\\\"\": \"033\", "
			 "\"score\": 0.7131989002227783}]}\n");
	assert_int_equal(out.counts.records, 1);
	/* In dropped rows. */
	assert_int_equal(out.counts.tally[SM_TALLY_SKIPPED], 1);
	assert_int_equal(out.counts.tally[SM_TALLY_TOO_FEW], 2);
	adds_up(&out, 12);
}

static void
test_walk_options(void **state)
{
	struct sm_candidates_opts o;
	struct sm_made out;

	(void)state;
	put_inputs();
	opts_init(&o);
	o.no_stop = true;
	o.ids = SM_IDS_INT;
	o.min_candidates = 2;
	out = expect(&o, "{\"key\": \"user-1\", \"value\": [{\"track_id\": 11, "
			 "\"score\": 0.9}, {\"track_id\": 33, \"score\": "
			 "0.7131989}]}\n");
	/* b twice in rows 0 and 1, 99, the long token */
	assert_int_equal(out.counts.tally[SM_TALLY_SKIPPED], 4);
	/* 0 and -1 */
	assert_int_equal(out.counts.tally[SM_TALLY_PADDING], 2);
	adds_up(&out, 12);

	opts_init(&o);
	o.max_candidates = 1;
	o.has_pad = false;
	o.min_score = 0.85;
	expect(&o, "{\"key\": \"user-1\", \"value\": [{\"track_id\": 11, "
		   "\"score\": 0.9}]}\n{\"key\": \"\\u00e9\", \"value\": "
		   "[{\"track_id\": \"a token of some length\", \"score\": "
		   "1.0}]}\n");

	opts_init(&o);
	o.pad = -1;
	o.min_candidates = 0;
	o.min_score = 0.85;
	expect(&o, "{\"key\": \"user-1\", \"value\": [{\"track_id\": 11, "
		   "\"score\": 0.9}]}\n{\"key\": 17, \"value\": []}\n{\"key\": "
		   "\"\\u00e9\", \"value\": [{\"track_id\": "
		   "\"a token of some length\", \"score\": 1.0}]}\n");

	opts_init(&o);
	o.no_stop = true;
	o.pad = -1;
	o.min_score = -1e9;
	o.min_candidates = 3;
	out = expect(&o, "{\"key\": \"user-1\", \"value\": [{\"track_id\": 11, "
			 "\"score\": 0.9}, {\"track_id\": \"b\", \"score\": "
			 "0.5}, {\"track_id\": \"033\", \"score\": 0.7131989}, "
			 "{\"track_id\": 44, \"score\": 0.1}]}\n{\"key\": "
			 "\"\\u00e9\", \"value\": [{\"track_id\": \"a token of "
			 "some length\", \"score\": 1.0}, {\"track_id\": 11, "
			 "\"score\": 0.3}, {\"track_id\": \"b\", \"score\": "
			 "1e-05}]}\n");
	assert_int_equal(out.counts.tally[SM_TALLY_SKIPPED], 2); /* 99 and 0 */
}

/* Each type of both arrays gives the same rows. */
static void
test_types(void **state)
{
	static const int64_t i8[4] = { 2, -1, 0, 3 };
	static const uint64_t u8[4] = { 2, UINT64_MAX, 0, 3 };
	static const int32_t i4[4] = { 2, -1, 0, 3 };
	static const uint32_t u4[4] = { 2, UINT32_MAX, 0, 3 };
	static const uint16_t f2[4] = { 0x3c00, 0x3a66, 0x3800, 0x7e00 };
	static const float f4[4] = { 1, 0.8f, 0.5f, NAN };
	static const double f8[4] = { 1, 0.8, 0.5, NAN };
	const struct {
		const char *descr;
		const void *data;
		size_t item;
		bool is_signed;
	} ids[] = { { "=i8", i8, 8, true },
		    { "=u8", u8, 8, false },
		    { "=i4", i4, 4, true },
		    { "=u4", u4, 4, false } },
	  nums[] = { { "=f2", f2, 2, true },
		     { "=f4", f4, 4, true },
		     { "=f8", f8, 8, true } };
	struct sm_candidates_opts o;
	struct sm_made out;
	size_t i, j;

	(void)state;
	put_text("keys.json", "[\"k\"]");
	put_text("vocab.json", "[\"zero\", \"one\", \"two\", \"three\"]");
	for (i = 0; i < 4; i++) {
		for (j = 0; j < 3; j++) {
			put_npy("cands.npy", ids[i].descr, 1, 4, ids[i].data,
				ids[i].item);
			put_npy("scores.npy", nums[j].descr, 1, 4, nums[j].data,
				nums[j].item);
			opts_init(&o);
			o.has_pad = false;
			out = expect(&o, "{\"key\": \"k\", \"value\": "
					 "[{\"track_id\": \"two\", \"score\": "
					 "1.0}, {\"track_id\": \"zero\", "
					 "\"score\": 0.5}]}\n");
			assert_int_equal(out.counts.tally[SM_TALLY_SKIPPED],
					 !ids[i].is_signed);
			assert_int_equal(out.counts.tally[SM_TALLY_PADDING],
					 ids[i].is_signed);
			assert_int_equal(out.counts.tally[SM_TALLY_NAN], 1);
			adds_up(&out, 4);
			/* -1 is no value of an unsigned array. */
			o.has_pad = true;
			o.pad = -1;
			o.min_candidates = 2;
			expect(&o, ids[i].is_signed
					   ? ""
					   : "{\"key\": \"k\", \"value\": "
					     "[{\"track_id\": \"two\", "
					     "\"score\": 1.0}, {\"track_id\": "
					     "\"zero\", \"score\": 0.5}]}\n");
		}
	}
}

/* A row of four, as bits, with their bytes in the order that `descr` says. */
static void
put_ordered(const char *name, const char *descr, const uint64_t bits[4])
{
	unsigned width = descr[2] & 15, i, k, at;
	unsigned char bytes[4 * 15];

	for (i = 0; i < 4; i++) {
		for (k = 0; k < width; k++) {
			at = k;
			if (*descr == '>')
				at = width - 1 - k;
			bytes[i * width + at] =
				(unsigned char)(bits[i] >> (8 * k));
		}
	}
	put_npy(name, descr, 1, 4, bytes, width);
}

/*
 * Files are of one order, and hosts of another: the other tests here write
 * numbers as this host has them, and would not see that it reads files so too.
 */
static void
test_byte_orders(void **state)
{
	static const struct {
		const char *descr[2];
		uint64_t bits[4];
	} ids[] = { { { "<i4", ">i4" }, { 2, 0, 3, 1 } },
		    { { "<i8", ">i8" }, { 2, 0, 3, 1 } },
		    { { "<u2", ">u2" }, { 2, 0, 3, 1 } } },
	  nums[] = { { { "<f2", ">f2" }, { 0x3c00, 0x3a00, 0x3800, 0x3400 } },
		     { { "<f4", ">f4" },
		       { 0x3f800000, 0x3f400000, 0x3f000000, 0x3e800000 } },
		     { { "<f8", ">f8" },
		       { 0x3ff0000000000000, 0x3fe8000000000000,
			 0x3fe0000000000000, 0x3fd0000000000000 } } };
	struct sm_candidates_opts o;
	struct sm_made out;
	size_t i, order;

	(void)state;
	put_text("keys.json", "[\"k\"]");
	put_text("vocab.json", "[\"zero\", \"one\", \"two\", \"three\"]");
	for (i = 0; i < 3; i++) {
		for (order = 0; order < 4; order++) {
			put_ordered("cands.npy", ids[i].descr[order & 1],
				    ids[i].bits);
			put_ordered("scores.npy", nums[i].descr[order >> 1],
				    nums[i].bits);
			opts_init(&o);
			o.has_pad = false;
			o.min_score = 0;
			out = expect(&o, "{\"key\": \"k\", \"value\": "
					 "[{\"track_id\": \"two\", \"score\": "
					 "1.0}, {\"track_id\": \"zero\", "
					 "\"score\": 0.75}, {\"track_id\": "
					 "\"three\", \"score\": 0.5}, "
					 "{\"track_id\": \"one\", \"score\": "
					 "0.25}]}\n");
			adds_up(&out, 4);
		}
	}
}

/* The vocabulary is sparse, and has an id that -1 has the bits of. */
static void
test_huge_ids(void **state)
{
	static const uint64_t u8[3] = { UINT64_MAX - 1, 9007199254740993, 7 };
	static const int64_t i8[3] = { -2, 9007199254740993, 7 };
	static const double f8[3] = { 1, 1, 1 };
	struct sm_candidates_opts o;

	(void)state;
	put_text("keys.json", "[\"k\"]");
	put_text("vocab.json", "{\"18446744073709551614\": \"x\", "
			       "\"9007199254740993\": \"9007199254740993\"}");
	put_npy("scores.npy", "=f8", 1, 3, f8, 8);
	put_npy("cands.npy", "=u8", 1, 3, u8, 8);
	opts_init(&o);
	expect(&o, "{\"key\": \"k\", \"value\": [{\"track_id\": \"x\", "
		   "\"score\": 1.0}, {\"track_id\": 9007199254740993, "
		   "\"score\": 1.0}]}\n");
	put_npy("cands.npy", "=i8", 1, 3, i8, 8);
	expect(&o, "{\"key\": \"k\", \"value\": [{\"track_id\": "
		   "9007199254740993, \"score\": 1.0}]}\n");
}

static void
test_infinite(void **state)
{
	static const int32_t ids[2][2] = { { 1, 1 }, { 1, 0 } };
	static const float f[2][2] = { { 1, INFINITY }, { INFINITY, 1 } };
	struct sm_candidates_opts o;
	struct sm_made out;
	struct sm_spec *spec;
	struct sm_err err;

	(void)state;
	put_text("keys.json", "[\"a\", \"b\"]");
	put_text("vocab.json", "[\"zero\", \"one\"]");
	put_npy("cands.npy", "=i4", 2, 2, ids, 4);
	put_npy("scores.npy", "=f4", 2, 2, f, 4);
	opts_init(&o);
	o.min_candidates = 2;
	assert_int_equal(plan(&spec, &o, &err), 0);
	assert_int_equal(produce(&out, spec, 0, 2, NULL, &err), SM_EVALUE);
	assert_non_null(strstr(err.text, "row 0, column 1 of '"));
	/* Row 1 is dropped, and so is its infinity. */
	assert_int_equal(produce(&out, spec, 1, 2, NULL, &err), 0);
	assert_string_equal(shard_text(), "");
	assert_int_equal(out.counts.records, 0);
	sm_spec_free(spec);
}

static void
test_plan(void **state)
{
	struct sm_candidates_opts o;
	struct sm_spec *spec;
	struct sm_err err;

	(void)state;
	put_inputs();
	opts_init(&o);
	o.batch_rows = 2;
	assert_int_equal(plan(&spec, &o, &err), 0);
	assert_string_equal(batches.data, "0:0-2 1:2-3 ");
	assert_int_equal(spec->batches, 2);
	assert_int_equal(spec->rows, 3);
	assert_non_null(strstr(notices.data, "1 of the first 3 rows"));
	assert_non_null(strstr(notices.data, "first: row 0, column 2"));
	sm_spec_free(spec);

	o.ids = SM_IDS_INT;
	o.min_candidates = 5;
	o.no_stop = true;
	put_text("vocab.json", "{\"1000\": \"1\", \"1001\": \"x\"}");
	put_text("keys.json", "[\"user\", 2, 3, 4]");
	assert_int_equal(plan(&spec, &o, &err), SM_EINPUT);
	assert_non_null(
		strstr(err.text, "one too many, and its first is 'user'"));
	put_text("keys.json", "[1, 2, 3, 4, 5]");
	assert_int_equal(plan(&spec, &o, &err), 0);
	assert_null(strstr(notices.data, "rising"));
	assert_non_null(strstr(notices.data, "has none of the 10 candidates"));
	assert_non_null(strstr(notices.data, "1 of 2 tokens of '"));
	assert_non_null(strstr(notices.data, "no row can be written"));
	assert_non_null(strstr(notices.data, "5 keys for 3 rows"));
	sm_spec_free(spec);

	put_text("keys.json", "{\"0\": 1, \"2\": 3}");
	assert_int_equal(plan(&spec, &o, &err), SM_EINPUT);
	assert_non_null(strstr(err.text, "row 1 has no key"));
	put_npy("scores.npy", "=f4", 4, 3, scores, 4);
	assert_int_equal(plan(&spec, &o, &err), SM_EINPUT);
	assert_non_null(strstr(err.text, "3 rows of 4 columns"));
	assert_non_null(strstr(err.text, "4 rows of 3;"));
	put_npy("scores.npy", "=i4", 3, 4, cands, 4);
	assert_int_equal(plan(&spec, &o, &err), SM_EINPUT);
}

/* Scores that rise are distances, or in no order: most would be lost. */
static void
test_rising(void **state)
{
	static const float far[3][4] = {
		{ 0.1f, 0.2f, 0.3f, 0.4f },
		{ 0.2f, 0.25f, 0.7f, 0.9f },
		{ 0.0f, 0.3f, 0.4f, 2 },
	};
	struct sm_candidates_opts o;
	struct sm_spec *spec;
	struct sm_err err;
	struct sm_made out;

	(void)state;
	put_inputs();
	put_npy("scores.npy", "=f4", 3, 4, far, 4);
	opts_init(&o);
	assert_int_equal(plan(&spec, &o, &err), SM_EINPUT);
	assert_non_null(strstr(err.text, "3 of the first 3 rows"));
	assert_non_null(strstr(err.text, "--no-stop"));
	assert_non_null(strstr(err.text, "--min-score none"));
	/* The two ways on. */
	o.no_stop = true;
	assert_int_equal(plan(&spec, &o, &err), 0);
	sm_spec_free(spec);
	o.no_stop = false;
	o.has_min_score = false;
	assert_int_equal(plan(&spec, &o, &err), 0);
	assert_int_equal(produce(&out, spec, 0, 3, NULL, &err), 0);
	assert_int_equal(out.counts.records, 3);
	adds_up(&out, 12);
	sm_spec_free(spec);
}

static void
test_no_rows(void **state)
{
	struct sm_candidates_opts o;
	struct sm_spec *spec;
	struct sm_err err;

	(void)state;
	put_npy("cands.npy", "=i4", 0, 4, cands, 4);
	put_npy("scores.npy", "=f4", 0, 4, scores, 4);
	put_text("keys.json", "[]");
	put_text("vocab.json", "{}");
	opts_init(&o);
	assert_int_equal(plan(&spec, &o, &err), 0);
	assert_int_equal(spec->batches, 0);
	assert_string_equal(notices.data, "");
	sm_spec_free(spec);

	/* Rows without columns have no candidates, but keys. */
	put_npy("cands.npy", "=i4", 2, 0, cands, 4);
	put_npy("scores.npy", "=f4", 2, 0, scores, 4);
	put_text("keys.json", "[5, 6]");
	o.min_candidates = 0;
	expect(&o, "{\"key\": 5, \"value\": []}\n"
		   "{\"key\": 6, \"value\": []}\n");
}

static void
test_stop_and_change(void **state)
{
	atomic_bool stop = true;
	struct sm_candidates_opts o;
	struct sm_made out;
	struct sm_digest d = { 0 };
	struct sm_spec *spec;
	struct sm_err err;

	(void)state;
	put_inputs();
	opts_init(&o);
	assert_int_equal(plan(&spec, &o, &err), 0);
	assert_int_equal(produce(&out, spec, 0, 3, &stop, &err), SM_ESTOPPED);
	stop = false;
	assert_int_equal(produce(&out, spec, 0, 3, &stop, &err), 0);
	assert_int_equal(produce(&out, spec, 0, 4, &stop, &err), SM_EINPUT);
	assert_int_equal(produce(&out, spec, -1, 1, &stop, &err), SM_EINPUT);
	assert_int_equal(produce(&out, spec, 2, 2, &stop, &err), 0);

	d.size = 128 + sizeof(cands);
	assert_int_equal(
		sm_spec_set_input(spec, 0, "cands", paths[0], &d, &err), 0);
	assert_int_equal(produce(&out, spec, 0, 3, NULL, &err), 0);
	spec->input[0].digest.size++;
	assert_int_equal(produce(&out, spec, 0, 3, NULL, &err), SM_EREFUSED);
	assert_non_null(strstr(err.text, "changed its size while the job runs: "
					 "planned 177 bytes, has 176"));
	spec->input[0].digest.size--;
	spec->rows = 4;
	assert_int_equal(produce(&out, spec, 0, 3, NULL, &err), SM_EREFUSED);
	sm_spec_free(spec);
}

/* An input that grows between open() and produce(). */
static void
test_grown_input(void **state)
{
	const struct sm_kind *k = &sm_kind_candidates;
	struct sm_kind_env env = { .tables_dirfd = dirfd_, .stop_fd = -1 };
	struct sm_piece b = { .end = 3 };
	struct sm_candidates_opts o;
	struct sm_spec *spec;
	struct sm_err err;
	void *s = NULL;

	(void)state;
	put_inputs();
	opts_init(&o);
	assert_int_equal(plan(&spec, &o, &err), 0);
	env.spec = spec;
	assert_int_equal(k->open(&s, &env, &err), 0);
	put_bytes("scores.npy", "x", 1, true);
	assert_int_equal(k->produce(s, &b, NULL, &err), SM_EREFUSED);
	assert_non_null(strstr(err.text, "planned 176 bytes, has 177"));
	k->close(s);
	k->close(NULL);
	sm_spec_free(spec);
}

static void
expect_checked(const struct sm_candidates_opts *o, int code, const char *words)
{
	struct sm_err err = { 0 };

	assert_int_equal(sm_kind_candidates.check(o, &err), code);
	if (!strstr(err.text, words))
		fail_msg("'%s' lacks '%s'", err.text, words);
}

static void
test_check(void **state)
{
	struct sm_candidates_opts o;

	(void)state;
	opts_init(&o);
	expect_checked(&o, 0, "");
	opts_init(&o);
	o.min_candidates = 3;
	o.max_candidates = 2;
	expect_checked(&o, SM_EUSAGE, "no row could be written");
	opts_init(&o);
	o.key_field = "value";
	expect_checked(&o, SM_EUSAGE, "--key-field and --list-field");
	opts_init(&o);
	o.score_field = "track_id";
	expect_checked(&o, SM_EUSAGE, "--id-field and --score-field");
	opts_init(&o);
	o.score_field = "s\xff";
	expect_checked(&o, SM_EINPUT, "not UTF-8 from byte 1");
}

static struct sm_spec *
spec_of(const char *path, const char *min_score)
{
	struct sm_value values[] = {
		{ "cands", path }, { "scores", "/s" },         { "keys", "/k" },
		{ "vocab", "/v" }, { "min-score", min_score }, { 0 }
	};
	struct sm_spec *s = NULL;

	assert_int_equal(
		sm_spec_new(&s, &sm_candidates_info, values, NULL, NULL), 0);
	return s;
}

static uint64_t
fingerprint_of(struct sm_spec *s)
{
	uint64_t fp;

	assert_int_equal(sm_spec_fingerprint(&fp, s, NULL), 0);
	sm_spec_free(s);
	return fp;
}

/* The options survive as JSON, and paths do not count. */
static void
test_spec(void **state)
{
	struct sm_spec *a = spec_of("/c", "0.3"), *b;
	uint64_t fp;
	char *text = sm_spec_text(a, NULL);

	(void)state;
	assert_int_equal(
		sm_spec_parse(&b, sm_kind_info, text, "spec.json", NULL), 0);
	free(text);
	fp = fingerprint_of(a);
	assert_true(fingerprint_of(b) == fp);
	assert_true(fingerprint_of(spec_of("/elsewhere", "0.30")) == fp);
	assert_true(fingerprint_of(spec_of("/c", "0.25")) != fp);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_walk_options),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_byte_orders),
		cmocka_unit_test(test_huge_ids),
		cmocka_unit_test(test_infinite),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_rising),
		cmocka_unit_test(test_no_rows),
		cmocka_unit_test(test_stop_and_change),
		cmocka_unit_test(test_grown_input),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_spec),
	};
	int ret;

	sm_say_typed(true); /* as the program says it */
	ret = cmocka_run_group_tests(tests, set_up, tear_down);

	sm_buf_release(&notices);
	sm_buf_release(&batches);
	return ret;
}
