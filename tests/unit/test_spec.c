/* The specification: round trips, strictness, differences, fingerprints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "option.h"
#include "spec.h"

struct opts {
	const char *input;
	bool flag;
	int way;
	uint64_t most;
	bool has_pad;
	int64_t pad;
	uint64_t rows;
	int level;
	double min_score;
	double wait_s;
	int ids;
	const char *field;
	const char *const *argv;
	const char *const *also;
};

static const char *const ids_names[] = { "auto", "int", "string", NULL };

#define AT(member) .at = offsetof(struct opts, member)

static const struct sm_option options[] = {
	{ "input", .type = SM_OPTION_FILE, .flags = SM_OPTION_PLACE,
	  AT(input) },
	{ "flag", .type = SM_OPTION_BOOL, AT(flag) },
	{ "way", .type = SM_OPTION_SWITCH, AT(way) },
	{ "pad", .type = SM_OPTION_ID, .standard = "0", AT(pad),
	  .given_at = offsetof(struct opts, has_pad) },
	{ "rows", .type = SM_OPTION_UINT, .min = 1, .standard = "5000",
	  .flags = SM_OPTION_GROWS, AT(rows) },
	{ "most", .type = SM_OPTION_BYTES, .unset = "all", AT(most) },
	{ "level", .type = SM_OPTION_INT, .min = 1, .max = 9, .standard = "6",
	  AT(level) },
	{ "min-score", .type = SM_OPTION_DOUBLE, .standard = "0.3",
	  AT(min_score) },
	{ "ids", .type = SM_OPTION_WORD, .words = ids_names, .standard = "auto",
	  AT(ids) },
	{ "field", .type = SM_OPTION_TEXT, .standard = "key", AT(field) },
	{ "command", .type = SM_OPTION_ARGV, .flags = SM_OPTION_UNTYPED,
	  AT(argv) },
	{ "also", .type = SM_OPTION_FILES, .flags = SM_OPTION_PLACE, AT(also) },
	{ "wait-s", .type = SM_OPTION_DOUBLE, .max = 100, .standard = "0",
	  .flags = SM_OPTION_LIMIT, AT(wait_s) },
	{ 0 },
};

static const struct sm_kind_info kind = {
	.name = "sample",
	.options = options,
	.opts_bytes = sizeof(struct opts),
};
static const struct sm_kind_info other_kind = {
	.name = "other",
	.options = options + sizeof(options) / sizeof(*options) - 1,
	.opts_bytes = sizeof(struct opts),
};

static const struct sm_kind_info *
kinds(size_t i)
{
	static const struct sm_kind_info *const list[] = { &other_kind, &kind,
							   NULL };

	return list[i];
}

static void
opts_init(struct opts *o)
{
	*o = (struct opts){ 0 };
	sm_options_init(options, o);
}

static struct sm_spec *
make(const struct opts *o)
{
	struct sm_digest d = { .size = 240,
			       .mtime_ns = 1700000000123456789,
			       .crc32 = 0x0a1b2c3d };
	struct sm_spec *s = NULL;

	assert_int_equal(sm_spec_new(&s, &kind, NULL, NULL, NULL), 0);
	*(struct opts *)s->opts = *o;
	assert_int_equal(sm_spec_set_input(s, 0, "cands", "/d/c.npy", &d, NULL),
			 0);
	d.sampled = true;
	d.crc32 = 7;
	assert_int_equal(
		sm_spec_set_input(s, 1, "scores", "/d/s\xff.npy", &d, NULL), 0);
	assert_int_equal(sm_spec_set_output(s, "/d/out.gz", NULL), 0);
	s->batches = 200;
	s->rows = 1000000;
	assert_int_equal(sm_spec_fingerprint(&s->fingerprint, s, NULL), 0);
	return s;
}

static uint64_t
fingerprint_of(const struct opts *o)
{
	struct sm_spec *s = make(o);
	uint64_t fp = s->fingerprint;

	sm_spec_free(s);
	return fp;
}

static void
assert_same_text(const struct sm_spec *s, const char *text)
{
	char *again = sm_spec_text(s, NULL);

	assert_non_null(again);
	assert_string_equal(again, text);
	free(again);
}

static void
test_round_trip(void **state)
{
	static const char *const argv[] = { "jq", "-c", "a\xff'\n", "", NULL };
	static const double scores[] = { 0.3,   1.0 / 3,   -1e-300, 5e-324,
					 1e308, 0.1 + 0.2, -0.0,    1 };
	struct opts o, *back;
	struct sm_spec *s, *r;
	struct sm_buf diff = { 0 };
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(scores) / sizeof(*scores); i++) {
		opts_init(&o);
		o.min_score = scores[i];
		o.input = "/data/\xc3\xa9.npy";
		o.argv = argv;
		o.pad = INT64_MIN;
		o.rows = INT64_MAX;
		o.field = i % 2 ? NULL : "\xfe";
		o.has_pad = i % 3 != 0;
		s = make(&o);
		text = sm_spec_text(s, NULL);
		assert_non_null(text);
		assert_int_equal(
			sm_spec_parse(&r, kinds, text, "spec.json", NULL), 0);
		back = r->opts;
		assert_memory_equal(&back->min_score, &o.min_score, 8);
		assert_int_equal(back->has_pad, o.has_pad);
		assert_true(back->rows == INT64_MAX);
		assert_string_equal(back->argv[2], argv[2]);
		assert_string_equal(back->argv[3], "");
		assert_null(back->argv[4]);
		assert_string_equal(r->input[1].path, "/d/s\xff.npy");
		assert_int_equal(r->input[0].digest.crc32, 0x0a1b2c3d);
		assert_true(r->input[1].digest.sampled);
		assert_true(r->fingerprint == s->fingerprint);
		assert_int_equal(sm_spec_diff(&diff, s, r), 0);
		assert_same_text(r, text);
		free(text);
		sm_spec_free(s);
		sm_spec_free(r);
	}
	sm_buf_release(&diff);
}

static void
test_readable(void **state)
{
	struct opts o;
	struct sm_spec *s;
	char *text;

	(void)state;
	opts_init(&o);
	s = make(&o);
	text = sm_spec_text(s, NULL);
	assert_non_null(strstr(text, "\"min_score\": 0.3,\n"));
	assert_non_null(strstr(text, "\"crc32\": \"0a1b2c3d\""));
	assert_non_null(strstr(text, "{\n  \"shardmill\": 2,\n"));
	assert_int_equal(text[strlen(text) - 1], '\n');
	free(text);
	sm_spec_free(s);
}

/* Replace `from` in a good text, and expect this failure. */
static void
expect_text(const char *from, const char *to, int code, const char *message)
{
	struct opts o;
	struct sm_spec *s, *r = NULL;
	struct sm_err err = { 0 };
	struct sm_buf b = { 0 };
	char *text, *at;

	opts_init(&o);
	o.input = "/i";
	s = make(&o);
	text = sm_spec_text(s, NULL);
	at = strstr(text, from);
	assert_non_null(at);
	sm_buf_put(&b, text, (size_t)(at - text));
	sm_buf_puts(&b, to);
	sm_buf_puts(&b, at + strlen(from));
	assert_int_equal(sm_spec_parse(&r, kinds, b.data, "spec.json", &err),
			 code);
	assert_null(r);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, message))
		fail_msg("'%s' lacks '%s'", err.text, message);
	sm_buf_release(&b);
	free(text);
	sm_spec_free(s);
}

static void
test_strict(void **state)
{
	(void)state;
	expect_text("min_score", "min_scor", SM_EINPUT,
		    "spec.json: options.min_scor: unknown; did you mean "
		    "'min_score'?");
	expect_text("\"batches\"", "\"batchs\"", SM_EINPUT,
		    "spec.json: batchs: unknown; did you mean 'batches'?");
	expect_text("\"rows\": 5000,", "", SM_EINPUT,
		    "spec.json: options.rows: missing");
	expect_text("\"rows\": 5000,", "\"rows\": 5000, \"rows\": 1,",
		    SM_EINPUT, "duplicate");
	expect_text("\"rows\": 5000", "\"rows\": \"5000\"", SM_EINPUT,
		    "options.rows: \"5000\" is text; write the number without "
		    "quotes");
	expect_text("\"rows\": 5000", "\"rows\": 0", SM_EINPUT,
		    "options.rows: bad value '0' for '--rows': it must be 1 "
		    "or more");
	expect_text("\"rows\": 5000", "\"rows\": -5", SM_EINPUT,
		    "bad value '-5'");
	expect_text("\"rows\": 5000", "\"rows\": 5e3", SM_EINPUT,
		    "a fraction where a whole number is expected");
	expect_text("\"rows\": 5000", "\"rows\": 9223372036854775808",
		    SM_EINPUT, "whole numbers end at 9223372036854775807");
	expect_text("\"rows\": 5000", "\"rows\": null", SM_EINPUT,
		    "null where a whole number");
	expect_text("\"level\": 6", "\"level\": 10", SM_EINPUT,
		    "options.level: bad value '10' for '--level': it must be 1 "
		    "to 9");
	expect_text("\"level\": 6", "\"level\": 4294967302", SM_EINPUT,
		    "it must be 1 to 9");
	expect_text("0.3", "NaN", SM_EINPUT, "spec.json: line ");
	expect_text("0.3", "1e999", SM_EINPUT, "fractions at 1.8e308");
	expect_text("0.3", "\"0.3\"", SM_EINPUT, "without quotes");
	expect_text("\"wait_s\": 0.0", "\"wait_s\": -1", SM_EINPUT,
		    "options.wait_s: bad value '-1' for '--wait-s': it must be "
		    "0 to 100");
	expect_text("\"ids\": \"auto\"", "\"ids\": \"itn\"", SM_EINPUT,
		    "options.ids: bad value 'itn' for '--ids': it must be "
		    "auto, int or string");
	expect_text("\"way\": null", "\"way\": 1", SM_EINPUT,
		    "options.way: a whole number where true or false");
	expect_text("\"part\": null", "\"part\": 0", SM_EINPUT,
		    "part: 0 is out of range: there are 0 parts");
	expect_text("\"kind\": \"sample\",", "", SM_EINPUT, "kind: missing");
	expect_text("\"name\": \"cands\"", "\"name\": null", SM_EINPUT,
		    "inputs[0].name: null where text");
	expect_text("\"flag\": false", "\"flag\": 0", SM_EINPUT,
		    "options.flag: a whole number where true or false");
	expect_text("\"key\"", "17", SM_EINPUT, "options.field:");
	expect_text("\"key\"", "{\"bytes\": \"6\"}", SM_EINPUT,
		    "options.field:");
	expect_text("\"key\"", "{\"bytes\": \"6100\"}", SM_EINPUT,
		    "options.field:");
	expect_text("\"key\"", "\"k\\u0000y\"", SM_EINPUT, "spec.json: line");
	expect_text("\"sample\"", "\"smaple\"", SM_EINPUT,
		    "kind: 'smaple' is unknown; did you mean 'sample'?");
	expect_text("\"crc32\": \"0a1b2c3d\"", "\"crc32\": \"0A1B2C3D\"",
		    SM_EINPUT, "inputs[0].crc32: not 8 hexadecimal digits");
	expect_text("\"sampled\": true", "\"smpled\": true", SM_EINPUT,
		    "inputs[1].smpled: unknown; did you mean 'sampled'?");
	expect_text("\"scores\"", "\"cands\"", SM_EINPUT,
		    "inputs[1].name: 'cands' is there twice");
	expect_text("\"output\": \"/d/out.gz\",", "", SM_EINPUT,
		    "output: missing");
	expect_text("\"fingerprint\": \"", "\"fingerprint\": \"0", SM_EINPUT,
		    "fingerprint: not 16");
	expect_text("{\n  \"shard", "[]{\n  \"shard", SM_EINPUT, "spec.json");
	expect_text("}\n", "} x\n", SM_EINPUT, "spec.json: line");
}

static void
test_version(void **state)
{
	(void)state;
	expect_text("\"shardmill\": 2,", "\"shardmill\": 3, \"new\": 1,",
		    SM_EREFUSED, "version 3 is newer than the 2");
	expect_text("\"shardmill\": 2,", "\"shardmill\": 0,", SM_EINPUT,
		    "it must be 2 to 2");
	expect_text("\"shardmill\": 2,", "\"shardmill\": 1, \"old\": 1,",
		    SM_EREFUSED, "version 1 is of shardmill 0.1");
	expect_text("\"shardmill\": 2,", "", SM_EINPUT,
		    "shardmill: missing: this is no specification");
	expect_text("\"shardmill\": 2,", "\"shardmill\": \"2\",", SM_EINPUT,
		    "without quotes");
}

static void
test_not_an_object(void **state)
{
	static const char *const texts[] = { "",      "[]", "17", "null",
					     "\"x\"", "{",  "{}", "\xff" };
	struct sm_err err;
	struct sm_spec *s = NULL;
	char *deep;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(sm_spec_parse(&s, kinds, texts[i], "f", &err),
				 SM_EINPUT);
		assert_null(s);
	}
	deep = malloc(1000001);
	assert_non_null(deep);
	memset(deep, '[', 1000000);
	deep[1000000] = '\0';
	assert_int_equal(sm_spec_parse(&s, kinds, deep, "f", &err), SM_EINPUT);
	free(deep);
}

/* ------------------------------------------------------------- values -- */

static void
expect_set(const char *name, const char *text, const char *message)
{
	struct sm_value values[] = { { name, text }, { 0 } };
	struct sm_spec *s = NULL;
	struct sm_err err = { 0 };
	int ret = sm_spec_new(&s, &kind, values, NULL, &err);

	if (message) {
		assert_int_equal(ret, SM_EUSAGE);
		assert_string_equal(err.text, message);
		assert_null(s);
	} else {
		assert_int_equal(ret, 0);
	}
	sm_spec_free(s);
}

static void
test_values(void **state)
{
	(void)state;
	expect_set("level", "9", NULL);
	expect_set("level", "0",
		   "bad value '0' for '--level': it must be 1 to 9");
	expect_set("level", "",
		   "bad value '' for '--level': it must be a whole number");
	expect_set("level", NULL, "option '--level' needs a value");
	expect_set("rows", "18446744073709551615",
		   "bad value '18446744073709551615' for '--rows': it is too "
		   "large");
	expect_set("rows", " 5",
		   "bad value ' 5' for '--rows': it must be a whole number");
	expect_set("rows", "-1",
		   "bad value '-1' for '--rows': it must be 1 or more");
	expect_set("pad", "none", NULL);
	expect_set("pad", "-9223372036854775808", NULL);
	expect_set("pad", "9223372036854775808",
		   "bad value '9223372036854775808' for '--pad': it is too "
		   "large");
	expect_set("most", "8T", NULL);
	expect_set("most", "9999999T",
		   "bad value '9999999T' for '--most': it is too large");
	expect_set("most", "8m", NULL);
	expect_set("most", "9999999t",
		   "bad value '9999999t' for '--most': it is too large");
	expect_set("most", "8kB",
		   "bad value '8kB' for '--most': it must be a number of "
		   "bytes, with k, M, G or T after it for powers of 1024");
	expect_set("min-score", "-1e-300", NULL);
	expect_set("min-score", "nan",
		   "bad value 'nan' for '--min-score': it must be a number");
	expect_set("wait-s", "100.5",
		   "bad value '100.5' for '--wait-s': it must be 0 to 100");
	expect_set("ids", "3",
		   "bad value '3' for '--ids': it must be auto, int or "
		   "string");
	expect_set("flag", "no", NULL);
	expect_set("way", "1",
		   "bad value '1' for '--way': it must be yes or no");
	expect_set("input", "",
		   "bad value '' for '--input': it must be a file's name");
	expect_set("command", "x",
		   "'command' is a list, which no text can give");
	expect_set("min-scroe", "1",
		   "unknown option '--min-scroe'; did you mean "
		   "'--min-score'?");
}

static void
expect_seconds(const char *text, double want)
{
	const struct sm_option o = { "t", .type = SM_OPTION_DOUBLE,
				     .max = 1000000, .unit = "s" };
	struct sm_err err;
	double v = -1;
	int ret = sm_option_set(&o, &v, text, &err);

	if (want < 0) {
		assert_int_equal(ret, SM_EUSAGE);
		assert_non_null(strstr(err.text, "90s, 5m, 1h30m"));
		return;
	}
	assert_int_equal(ret, 0);
	assert_true(v == want);
}

/* Durations and sizes, as people write them. */
static void
test_units(void **state)
{
	static const char *const sizes[] = { "2048", "2k", "2K", NULL };
	const struct sm_option o = { "n", .type = SM_OPTION_BYTES };
	const char *const *s;
	struct sm_err err;
	uint64_t v;

	(void)state;
	for (s = sizes; *s; s++) {
		v = 0;
		assert_int_equal(sm_option_set(&o, &v, *s, &err), 0);
		assert_int_equal(v, 2048);
	}
	assert_int_equal(sm_option_set(&o, &v, "3t", &err), 0);
	assert_int_equal(v, UINT64_C(3) << 40);
	expect_seconds("90", 90);
	expect_seconds("1.5", 1.5);
	expect_seconds("90s", 90);
	expect_seconds("5m", 300);
	expect_seconds("1h30m", 5400);
	expect_seconds("1.5h", 5400);
	expect_seconds("1d2h3m4.5s", 93784.5);
	expect_seconds("0s", 0);
	expect_seconds("30m1h", -1);
	expect_seconds("5m5m", -1);
	expect_seconds("m", -1);
	expect_seconds("1h30", -1);
	expect_seconds("-5m", -1);
	expect_seconds("5min", -1);
	expect_seconds("1.2.3s", -1);
	expect_seconds("", -1);
}

static void
test_diff(void **state)
{
	static const char *const was[] = { "jq", "-c", NULL };
	static const char *const is[] = { "jq", NULL };
	struct sm_spec *a, *b;
	struct sm_buf diff = { 0 };
	struct opts o;

	(void)state;
	opts_init(&o);
	o.input = "/a";
	o.argv = was;
	a = make(&o);
	o.input = "/b";
	o.argv = is;
	o.min_score = 0.5;
	o.has_pad = false;
	o.flag = true;
	o.ids = 1;
	o.field = NULL;
	o.way = -1;
	o.most = 5;
	b = make(&o);
	assert_int_equal(sm_spec_diff(&diff, a, b), 8);
	assert_string_equal(diff.data,
			    "--flag was no, is yes; --way was not given, is "
			    "no; --pad was 0, is none; --most was all, is 5; "
			    "--min-score was 0.3, is 0.5; --ids was auto, is "
			    "int; --field was 'key', is not given; the "
			    "command was 'jq' '-c', is 'jq'");
	sm_buf_release(&diff);
	sm_spec_free(a);
	sm_spec_free(b);
}

static void
test_fingerprint(void **state)
{
	struct opts o;
	struct sm_spec *s;
	uint64_t fp, other;

	(void)state;
	opts_init(&o);
	fp = fingerprint_of(&o);
	o.input = "/elsewhere";
	assert_true(fingerprint_of(&o) == fp);
	o.wait_s = 1.0 / 3;
	assert_true(fingerprint_of(&o) == fp);
	o.min_score = 1.0 / 3;
	assert_true(fingerprint_of(&o) != fp);
	opts_init(&o);
	o.has_pad = false;
	other = fingerprint_of(&o);
	assert_true(other != fp);
	o.pad = 9; /* not there, so without effect */
	assert_true(fingerprint_of(&o) == other);

	opts_init(&o);
	s = make(&o);
	s->input[0].path = "/other/place";
	s->input[0].digest.mtime_ns = 5;
	s->output = NULL;
	assert_int_equal(sm_spec_fingerprint(&other, s, NULL), 0);
	assert_true(other == fp);
	s->input[0].digest.size++;
	assert_int_equal(sm_spec_fingerprint(&other, s, NULL), 0);
	assert_true(other != fp);
	sm_spec_free(s);
}

/* The copy does not depend on the caller's strings. */
static void
test_own_strings(void **state)
{
	char field[] = "mine", arg[] = "x";
	const char *argv[] = { arg, NULL };
	struct sm_value values[] = { { "field", field }, { 0 } };
	struct sm_spec *s = NULL;
	struct sm_err err;
	struct opts *copy;

	(void)state;
	assert_int_equal(sm_spec_new(&s, &kind, values, argv, NULL), 0);
	field[0] = arg[0] = '!';
	argv[0] = NULL;
	copy = s->opts;
	assert_string_equal(copy->field, "mine");
	assert_string_equal(copy->argv[0], "x");
	assert_true(copy->rows == 5000);
	sm_spec_free(s);
	sm_spec_free(NULL);
	assert_int_equal(sm_spec_new(&s, &other_kind, NULL, argv, &err),
			 SM_EUSAGE);
	assert_string_equal(err.text, "other takes no command");
}

/* What is no content: stored, compared apart, and in no fingerprint. */
static void
test_no_content(void **state)
{
	static const struct sm_value given[] = { { "also", "/a" },
						 { "also", "/b" },
						 { "wait-s", "7" },
						 { NULL, NULL } };
	struct sm_spec *a = NULL, *b = NULL, *back = NULL;
	struct sm_buf diff = { 0 };
	uint64_t fp[2];
	struct opts *o;
	char *text;

	(void)state;
	assert_int_equal(sm_spec_new(&a, &kind, NULL, NULL, NULL), 0);
	assert_int_equal(sm_spec_new(&b, &kind, given, NULL, NULL), 0);
	assert_int_equal(sm_spec_diff(&diff, a, b), 0);
	assert_false(sm_spec_same_free(a, b));
	assert_true(sm_spec_same_free(b, b));
	assert_int_equal(sm_spec_fingerprint(&fp[0], a, NULL), 0);
	assert_int_equal(sm_spec_fingerprint(&fp[1], b, NULL), 0);
	assert_true(fp[0] == fp[1]);
	text = sm_spec_text(b, NULL);
	assert_int_equal(sm_spec_parse(&back, kinds, text, "x", NULL), 0);
	assert_true(sm_spec_same_free(b, back));
	o = back->opts;
	assert_string_equal(o->also[1], "/b");
	assert_null(o->also[2]);
	free(text);
	sm_spec_free(back);
	sm_spec_free(b);
	sm_spec_free(a);
	sm_buf_release(&diff);
}

/* A job that was extended twice. */
static void
test_grown(void **state)
{
	struct sm_spec *a = NULL, *b = NULL, *back = NULL;
	char *text;

	(void)state;
	assert_int_equal(sm_spec_new(&a, &kind, NULL, NULL, NULL), 0);
	assert_int_equal(sm_spec_new(&b, &kind, NULL, NULL, NULL), 0);
	assert_int_equal(sm_spec_grown(a, b), 0);
	((struct opts *)b->opts)->rows = 5001;
	assert_int_equal(sm_spec_grown(a, b), 1);
	assert_int_equal(sm_spec_grown(b, a), 0);

	a->fingerprint = 0xaa;
	assert_int_equal(sm_spec_add_earlier(a, "00000000000000bb 3", NULL), 0);
	assert_int_equal(sm_spec_take_earlier(b, a, NULL), 0);
	assert_int_equal(sm_spec_add_earlier(b, "00000000000000aa 5", NULL), 0);
	b->fingerprint = 0xcc;
	text = sm_spec_text(b, NULL);
	assert_int_equal(sm_spec_parse(&back, kinds, text, "x", NULL), 0);
	assert_true(sm_spec_made(back, 0xcc, 100));
	assert_true(sm_spec_made(back, 0xaa, 4));
	assert_false(sm_spec_made(back, 0xaa, 5));
	assert_true(sm_spec_made(back, 0xbb, 2));
	assert_false(sm_spec_made(back, 0xbb, 3));
	assert_false(sm_spec_made(back, 0xdd, 0));
	assert_true(sm_spec_had(back, 0xbb));
	assert_false(sm_spec_had(back, 0xdd));
	free(text);
	sm_spec_free(back);
	sm_spec_free(b);
	sm_spec_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_readable),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_not_an_object),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_fingerprint),
		cmocka_unit_test(test_own_strings),
		cmocka_unit_test(test_no_content),
		cmocka_unit_test(test_grown),
	};

	sm_say_typed(true); /* as the program says it */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
