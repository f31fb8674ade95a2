#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "err.h"
#include "hash.h"

#include "jsontext.h"
#include "spec.h"
#include "spec_internal.h"

/*
 * Writing.  A NULL from jansson means no memory and travels on: its setters
 * refuse a NULL value, so that one check at the end of each object is enough.
 */

/* {"bytes": "<hex>"}: JSON text cannot hold bytes that are not UTF-8. */
static json_t *
json_of_bytes(const char *s, size_t len)
{
	static const char digit[] = "0123456789abcdef";
	char *hex = malloc(2 * len + 1);
	json_t *j;
	size_t i;

	if (!hex)
		return NULL;
	for (i = 0; i < len; i++) {
		hex[2 * i] = digit[(unsigned char)s[i] >> 4];
		hex[2 * i + 1] = digit[(unsigned char)s[i] & 15];
	}
	j = json_pack("{s:s%}", "bytes", hex, 2 * len);
	free(hex);
	return j;
}

static json_t *
json_of_string(const char *s)
{
	struct sm_buf text = { 0 };
	bool valid, failed;

	if (!s)
		return json_null();
	valid = sm_jsontext_put(&text, s, strlen(s)) < 0;
	failed = sm_buf_failed(&text);
	sm_buf_release(&text);
	if (failed)
		return NULL;
	return valid ? json_string(s) : json_of_bytes(s, strlen(s));
}

static json_t *
json_of_argv(const char *const *argv)
{
	json_t *list;

	if (!argv)
		return json_null();
	list = json_array();
	for (; list && *argv; argv++) {
		if (json_array_append_new(list, json_of_string(*argv)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *
json_of_field(const struct sm_spec_field *f, const void *opts)
{
	const void *at = sm_spec_at(f, opts);

	if (!sm_spec_has(f, opts))
		return json_null();
	switch (f->type) {
	case SM_SPEC_BOOL:
		return json_boolean(*(const bool *)at);
	case SM_SPEC_UINT:
	case SM_SPEC_INT:
		return json_integer(*(const int64_t *)at);
	case SM_SPEC_LEVEL:
		return json_integer(*(const int *)at);
	case SM_SPEC_DOUBLE:
		return json_real(*(const double *)at);
	case SM_SPEC_ENUM:
		return json_string(f->names[*(const int *)at]);
	case SM_SPEC_STRING:
		return json_of_string(sm_spec_string_at(f, opts));
	case SM_SPEC_ARGV:
		return json_of_argv(sm_spec_argv_at(f, opts));
	}
	return NULL;
}

/* The options whose flags have no bit of `without`. */
static json_t *
json_of_options(const struct sm_spec *s, unsigned without)
{
	const struct sm_spec_field *f = s->shape->fields;
	json_t *o = json_object();
	size_t i;

	for (i = 0; o && i < s->shape->count; i++, f++) {
		if (f->flags & without)
			continue;
		if (json_object_set_new(o, f->name, json_of_field(f, s->opts)) <
		    0) {
			json_decref(o);
			return NULL;
		}
	}
	return o;
}

/* Size and CRC as `digest` has them, for both the text and the fingerprint. */
static json_t *
json_of_digest(const struct sm_digest *d)
{
	char crc[9];

	snprintf(crc, sizeof(crc), "%08" PRIx32, d->crc32);
	return json_pack("{s:I, s:s, s:b}", "size", (json_int_t)d->size,
			 "crc32", crc, "sampled", (int)d->sampled);
}

static json_t *
json_of_input(const struct sm_spec_input *in)
{
	json_t *digest = json_of_digest(&in->digest), *o;

	o = json_pack("{s:s, s:o, s:I}", "name", in->name, "path",
		      json_of_string(in->path), "mtime_ns",
		      (json_int_t)in->digest.mtime_ns);
	if (!o || !digest || json_object_update(o, digest) < 0) {
		json_decref(o);
		o = NULL;
	}
	json_decref(digest);
	return o;
}

static json_t *
json_of_inputs(const struct sm_spec *s)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; list && i < s->inputs; i++) {
		if (json_array_append_new(list, json_of_input(&s->input[i])) <
		    0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* Decimal digits at which every double of the options reads back. */
static size_t
spec_precision(const struct sm_spec *s)
{
	const struct sm_spec_field *f = s->shape->fields;
	size_t i, n = 1, k;

	for (i = 0; i < s->shape->count; i++, f++) {
		if (f->type != SM_SPEC_DOUBLE)
			continue;
		k = (size_t)sm_spec_double_digits(
			*(const double *)sm_spec_at(f, s->opts));
		n = k > n ? k : n;
	}
	return n;
}

static int
json_into_buf(const char *text, size_t len, void *arg)
{
	sm_buf_put(arg, text, len);
	return 0;
}

/* Only where there are parts, so that older programs read the others. */
static int
spec_set_parts(json_t *root, const struct sm_spec *s)
{
	if (s->part >= 0 &&
	    json_object_set_new(root, "part", json_integer(s->part)) < 0)
		return -1;
	return s->parts == 0 ? 0
			     : json_object_set_new(
				       root, "parts",
				       json_integer((json_int_t)s->parts));
}

char *
sm_spec_text(const struct sm_spec *s, struct sm_err *err)
{
	struct sm_buf b = { 0 };
	char fp[17], *text = NULL;
	json_t *root;

	snprintf(fp, sizeof(fp), "%016" PRIx64, s->fingerprint);
	root = json_pack("{s:i, s:s, s:o, s:o, s:o, s:I, s:I, s:s}",
			 "shardmill", SM_SPEC_VERSION, "kind", s->shape->kind,
			 "options", json_of_options(s, 0), "inputs",
			 json_of_inputs(s), "output", json_of_string(s->output),
			 "batches", (json_int_t)s->batches, "rows",
			 (json_int_t)s->rows, "fingerprint", fp);
	if (root && spec_set_parts(root, s) == 0 &&
	    json_dump_callback(
		    root, json_into_buf, &b,
		    JSON_INDENT(2) | JSON_REAL_PRECISION(spec_precision(s))) ==
		    0) {
		sm_buf_putc(&b, '\n');
		text = sm_buf_steal(&b);
	}
	if (!text)
		sm_err_mem(err, "the specification");
	sm_buf_release(&b);
	json_decref(root);
	return text;
}

static int
json_into_hash(const char *text, size_t len, void *arg)
{
	uint64_t *h = arg;

	*h = sm_hash(*h, text, len);
	return 0;
}

/*
 * The precision is fixed here: with as many digits as the values need, one
 * option's value would change the spelling of another's.
 */
int
sm_spec_fingerprint(uint64_t *fp, const struct sm_spec *s, struct sm_err *err)
{
	json_t *root, *inputs = json_object();
	uint64_t h = SM_HASH_INIT;
	bool bad = !inputs;
	size_t i;

	for (i = 0; !bad && i < s->inputs; i++)
		bad = json_object_set_new(inputs, s->input[i].name,
					  json_of_digest(&s->input[i].digest)) <
		      0;
	root = json_pack("{s:s, s:o, s:o}", "kind", s->shape->kind, "options",
			 json_of_options(s, SM_SPEC_PLACE), "inputs", inputs);
	bad = bad || !root ||
	      json_dump_callback(root, json_into_hash, &h,
				 JSON_SORT_KEYS | JSON_COMPACT |
					 JSON_REAL_PRECISION(17)) < 0;
	json_decref(root);
	if (bad)
		return sm_err_mem(err, "the specification");
	/* UINT64_MAX stands for "none" where fingerprints are stored. */
	*fp = h == UINT64_MAX ? 0 : h;
	return 0;
}
