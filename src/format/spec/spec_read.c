/*
 * spec_read.c - spec.json into a specification
 *
 * It is read as strictly as it is written: every key once, none besides, each
 * value of its type and in its range.  A person edits this file, and a value
 * that is silently left out would change the job.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "err.h"

#include "spec_json.h"

#define SPEC_PLACE_MAX 128
#define SPEC_KNOWN_MAX 96 /* keys of one object, kinds */

struct spec_reader {
	struct sm_spec *spec; /* owns the strings that are read */
	const char *where;
	char place[SPEC_PLACE_MAX]; /* "options.min_score"; "": the whole */
	struct sm_err *err;
};

/* ----------------------------------------------------------- messages -- */

static void SM_PRINTF(2, 3)
	reader_at(struct spec_reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->place, sizeof(r->place), fmt, ap);
	va_end(ap);
}

static int SM_PRINTF(3, 4)
	reader_fail(struct spec_reader *r, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sm_err_setv(r->err, code, fmt, ap);
	va_end(ap);
	if (*r->place)
		sm_err_prefix(r->err, "%s: %s", r->where, r->place);
	else
		sm_err_prefix(r->err, "%s", r->where);
	return code;
}

static int
reader_mem(struct spec_reader *r)
{
	return sm_err_mem(r->err, "the specification");
}

static const char *
json_type_text(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "text";
	case JSON_INTEGER:
		return "a whole number";
	case JSON_REAL:
		return "a fraction";
	case JSON_NULL:
		return "null";
	case JSON_TRUE:
		return "true";
	default:
		return "false";
	}
}

static int
reader_type(struct spec_reader *r, const json_t *v, const char *wanted)
{
	if (json_is_string(v) && strstr(wanted, "number"))
		return reader_fail(r, SM_EINPUT,
				   "\"%s\" is text; write the number without "
				   "quotes",
				   json_string_value(v));
	return reader_fail(r, SM_EINPUT, "%s where %s is expected",
			   json_type_text(v), wanted);
}

static int
reader_unknown(struct spec_reader *r, const char *what, const char *name,
	       const char *const *known, size_t count)
{
	const char *nearest = sm_option_nearest(name, known, count);

	if (nearest)
		return reader_fail(r, SM_EINPUT,
				   "%sunknown; did you mean '%s'?", what,
				   nearest);
	return reader_fail(r, SM_EINPUT, "%sunknown", what);
}

/* ------------------------------------------------------------- values -- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* {"bytes": "<hex>"} as a string; bytes of 0 would end it early. */
static int
read_bytes(const char **out, struct spec_reader *r, json_t *v)
{
	const char *hex = json_string_value(json_object_get(v, "bytes"));
	size_t n = hex ? strlen(hex) : 0, i;
	int hi, lo;
	char *s;

	if (n == 0 || n % 2 != 0 || json_object_size(v) != 1)
		return reader_type(r, v, "text or {\"bytes\": hex}");
	s = sm_spec_alloc(r->spec, n / 2 + 1);
	if (!s)
		return reader_mem(r);
	for (i = 0; i < n / 2; i++) {
		hi = hex_digit(hex[2 * i]);
		lo = hex_digit(hex[2 * i + 1]);
		if (hi < 0 || lo < 0 || hi + lo == 0)
			return reader_fail(r, SM_EINPUT,
					   "\"%s\" is not hexadecimal bytes "
					   "other than 00",
					   hex);
		s[i] = (char)(hi * 16 + lo);
	}
	*out = s;
	return 0;
}

static int
read_string(const char **out, struct spec_reader *r, json_t *v)
{
	if (json_is_object(v))
		return read_bytes(out, r, v);
	if (!json_is_string(v))
		return reader_type(r, v, "text");
	*out = sm_spec_strdup(r->spec, json_string_value(v));
	return *out ? 0 : reader_mem(r);
}

static int
read_argv(const char *const **out, struct spec_reader *r, json_t *v)
{
	size_t n = json_array_size(v), i;
	const char **argv;
	int ret;

	if (!json_is_array(v))
		return reader_type(r, v, "a list of text");
	argv = sm_spec_alloc(r->spec, (n + 1) * sizeof(*argv));
	if (!argv)
		return reader_mem(r);
	for (i = 0; i < n; i++) {
		ret = read_string(&argv[i], r, json_array_get(v, i));
		if (ret < 0)
			return ret;
	}
	*out = argv;
	return 0;
}

static int
read_hex(uint64_t *out, struct spec_reader *r, const char *s, size_t digits)
{
	size_t i;

	*out = 0;
	for (i = 0; hex_digit(s[i]) >= 0; i++)
		*out = *out << 4 | (uint64_t)hex_digit(s[i]);
	if (i != digits || s[i])
		return reader_fail(r, SM_EINPUT,
				   "not %zu hexadecimal digits as text",
				   digits);
	return 0;
}

/* By way of its text, so that its range is kept as that of a typed one is. */
static int
read_option(struct spec_reader *r, const struct sm_option *o, void *base,
	    json_t *v)
{
	struct sm_err bad = { 0 };
	char number[40] = "";
	const char *text = number;
	int ret = 0;

	if (json_is_null(v) && sm_option_may_lack(o))
		return 0;
	switch (o->type) {
	case SM_OPTION_BOOL:
	case SM_OPTION_SWITCH:
		if (!json_is_boolean(v))
			return reader_type(r, v, "true or false");
		text = json_is_true(v) ? "yes" : "no";
		break;
	case SM_OPTION_DOUBLE:
		if (!json_is_number(v))
			return reader_type(r, v, "a number");
		snprintf(number, sizeof(number), "%.17g", json_number_value(v));
		break;
	case SM_OPTION_INT:
	case SM_OPTION_ID:
	case SM_OPTION_UINT:
	case SM_OPTION_BYTES:
		if (!json_is_integer(v))
			return reader_type(r, v, "a whole number");
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(v));
		break;
	case SM_OPTION_ARGV:
	case SM_OPTION_FILES:
		return read_argv(sm_option_slot(o, base), r, v);
	case SM_OPTION_WORD:
	case SM_OPTION_TEXT:
	case SM_OPTION_FILE:
	case SM_OPTION_RANGES:
		ret = read_string(&text, r, v);
		break;
	}
	if (ret == 0 && sm_option_set(o, base, text, &bad) < 0)
		ret = reader_fail(r, SM_EINPUT, "%s", bad.text);
	return ret;
}

/*
 * The object `v`, called `at`, must have the keys of `table` and no others; its
 * values go into `base`, which is zeroed.
 */
static int
read_table(struct spec_reader *r, json_t *v, const char *at,
	   const struct sm_option *table, void *base)
{
	char name[SPEC_KNOWN_MAX][SM_SPEC_KEY_MAX];
	const char *known[SPEC_KNOWN_MAX], *key, *dot = *at ? "." : "";
	json_t *value;
	size_t i, n;
	int ret;

	reader_at(r, "%s", at);
	if (!json_is_object(v))
		return reader_type(r, v, "an object");
	for (n = 0; table[n].name && n < SPEC_KNOWN_MAX; n++)
		known[n] = sm_spec_key(name[n], &table[n]);
	json_object_foreach(v, key, value)
	{
		for (i = 0; i < n && strcmp(key, known[i]) != 0;)
			i++;
		if (i < n)
			continue;
		reader_at(r, "%s%s%s", at, dot, key);
		return reader_unknown(r, "", key, known, n);
	}
	for (i = 0; i < n; i++) {
		reader_at(r, "%s%s%s", at, dot, known[i]);
		value = json_object_get(v, known[i]);
		if (!value)
			return reader_fail(r, SM_EINPUT, "missing");
		ret = read_option(r, &table[i], base, value);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* -------------------------------------------------------------- whole -- */

/* `seen` has the names of those before. */
static int
read_input(struct spec_reader *r, json_t *v, size_t i, json_t *seen)
{
	struct sm_spec_json_input in = { 0 };
	struct sm_digest digest;
	uint64_t crc = 0;
	char at[32];
	int ret;

	snprintf(at, sizeof(at), "inputs[%zu]", i);
	ret = read_table(r, v, at, sm_spec_input_table, &in);
	if (ret < 0)
		return ret;
	reader_at(r, "%s.crc32", at);
	ret = read_hex(&crc, r, in.crc32, 8);
	if (ret < 0)
		return ret;
	reader_at(r, "%s.name", at);
	if (json_object_get(seen, in.name))
		return reader_fail(r, SM_EINPUT, "'%s' is there twice",
				   in.name);
	if (json_object_set_new_nocheck(seen, in.name, json_true()) < 0)
		return reader_mem(r);
	digest = (struct sm_digest){ .size = in.size,
				     .mtime_ns = in.mtime_ns,
				     .crc32 = (uint32_t)crc,
				     .sampled = in.sampled };
	ret = sm_spec_set_input(r->spec, i, in.name, in.path, &digest, r->err);
	if (ret == 0)
		r->spec->input[i].aside = in.aside;
	return ret;
}

static int
read_inputs(struct spec_reader *r, json_t *list)
{
	size_t n = json_array_size(list), i;
	json_t *seen;
	int ret = 0;

	reader_at(r, "inputs");
	if (!json_is_array(list))
		return reader_type(r, list, "a list");
	seen = json_object();
	if (!seen)
		return reader_mem(r);
	for (i = 0; ret == 0 && i < n; i++)
		ret = read_input(r, json_array_get(list, i), i, seen);
	json_decref(seen);
	return ret;
}

/* Another version may well have other keys, so it is looked at first. */
static int
read_version(struct spec_reader *r, json_t *root)
{
	json_t *v = json_object_get(root, "shardmill");

	reader_at(r, "%s", "");
	if (!json_is_object(root))
		return reader_type(r, root, "an object");
	reader_at(r, "shardmill");
	if (!v)
		return reader_fail(r, SM_EINPUT,
				   "missing: this is no specification of a "
				   "job");
	if (json_is_integer(v) && json_integer_value(v) > SM_SPEC_VERSION)
		return reader_fail(r, SM_EREFUSED,
				   "version %" JSON_INTEGER_FORMAT
				   " is newer than the %d that this program "
				   "reads; use a newer shardmill",
				   json_integer_value(v), SM_SPEC_VERSION);
	if (json_is_integer(v) && json_integer_value(v) == 1)
		return reader_fail(r, SM_EREFUSED,
				   "version 1 is of shardmill 0.1, which names "
				   "the options otherwise; finish the job with "
				   "that, or plan it again");
	return 0;
}

/*
 * The specification is made by its kind, which has to be known before the
 * strings of the others find a place.
 */
static int
read_kind(struct spec_reader *r, json_t *root,
	  const struct sm_kind_info *(*kinds)(size_t i))
{
	const char *known[SPEC_KNOWN_MAX], *name;
	json_t *v = json_object_get(root, "kind");
	char what[64];
	size_t i;

	reader_at(r, "kind");
	if (!v)
		return reader_fail(r, SM_EINPUT, "missing");
	name = json_string_value(v);
	if (!name)
		return reader_type(r, v, "text");
	for (i = 0; i < SPEC_KNOWN_MAX && kinds(i); i++) {
		known[i] = kinds(i)->name;
		if (strcmp(known[i], name) == 0)
			return sm_spec_make(&r->spec, kinds(i), r->err);
	}
	snprintf(what, sizeof(what), "'%.40s' is ", name);
	return reader_unknown(r, what, name, known, i);
}

static int
read_root(struct spec_reader *r, json_t *root)
{
	struct sm_spec_json_root all = { 0 };
	struct sm_spec *s = r->spec;
	int ret = read_table(r, root, "", sm_spec_root_table, &all);

	if (ret < 0)
		return ret;
	reader_at(r, "fingerprint");
	ret = read_hex(&s->fingerprint, r, all.fingerprint, 16);
	if (ret < 0)
		return ret;
	reader_at(r, "part");
	if (all.has_part && all.part >= all.parts)
		return reader_fail(r, SM_EINPUT,
				   "%" PRIu64 " is out of range: there are "
				   "%" PRIu64 " parts",
				   all.part, all.parts);
	s->home = all.home;
	s->id = all.id;
	s->earlier = all.earlier;
	s->output = all.output;
	s->batches = all.batches;
	s->rows = all.rows;
	s->parts = all.parts;
	if (all.has_part)
		s->part = (int64_t)all.part;
	return 0;
}

/* The member `name` of the whole, which has tables of its own. */
static int
read_taken(struct spec_reader *r, json_t *root, const char *name)
{
	json_t *v = json_incref(json_object_get(root, name));
	int ret;

	reader_at(r, "%s", name);
	if (!v)
		return reader_fail(r, SM_EINPUT, "missing");
	json_object_del(root, name);
	if (strcmp(name, "options") == 0)
		ret = read_table(r, v, name, r->spec->kind->options,
				 r->spec->opts);
	else
		ret = read_inputs(r, v);
	json_decref(v);
	return ret;
}

static int
reader_not_json(struct spec_reader *r, const json_error_t *e)
{
	enum json_error_code code = json_error_code(e);

	if (code == json_error_out_of_memory)
		return reader_mem(r);
	reader_at(r, "line %d, column %d", e->line, e->column);
	if (code == json_error_numeric_overflow)
		return reader_fail(r, SM_EINPUT,
				   "%s; whole numbers end at %" PRId64
				   ", fractions at 1.8e308",
				   e->text, INT64_MAX);
	return reader_fail(r, SM_EINPUT, "%s", e->text);
}

int
sm_spec_parse(struct sm_spec **out,
	      const struct sm_kind_info *(*kinds)(size_t i), const char *text,
	      const char *where, struct sm_err *err)
{
	struct spec_reader r = { .where = where, .err = err };
	json_error_t e;
	json_t *root;
	int ret;

	root = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
	if (!root)
		return reader_not_json(&r, &e);
	ret = read_version(&r, root);
	if (ret == 0)
		ret = read_kind(&r, root, kinds);
	if (ret == 0)
		ret = read_taken(&r, root, "options");
	if (ret == 0)
		ret = read_taken(&r, root, "inputs");
	if (ret == 0)
		ret = read_root(&r, root);
	json_decref(root);
	if (ret < 0) {
		sm_spec_free(r.spec);
		return ret;
	}
	*out = r.spec;
	return 0;
}
