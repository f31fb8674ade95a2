/*
 * spec_write.c - a specification as JSON: the text that is kept, and what is
 * hashed of it
 *
 * A NULL from jansson means no memory and travels on: its setters refuse a NULL
 * value, so that one check at the end of each object is enough.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "err.h"
#include "hash.h"

#include "jsontext.h"
#include "spec_json.h"

#define INPUT(member) .at = offsetof(struct sm_spec_json_input, member)
#define ROOT(member)  .at = offsetof(struct sm_spec_json_root, member)

/* What has a default is never null. */
const struct sm_option sm_spec_input_table[] = {
	{ "name", .type = SM_OPTION_TEXT, .flags = SM_OPTION_REQUIRED,
	  INPUT(name) },
	{ "path", .type = SM_OPTION_TEXT, .flags = SM_OPTION_REQUIRED,
	  INPUT(path) },
	{ "crc32", .type = SM_OPTION_TEXT, .flags = SM_OPTION_REQUIRED,
	  INPUT(crc32) },
	{ "mtime-ns", .type = SM_OPTION_ID, .standard = "0", INPUT(mtime_ns) },
	{ "size", .type = SM_OPTION_UINT, .standard = "0", INPUT(size) },
	{ "sampled", .type = SM_OPTION_BOOL, INPUT(sampled) },
	{ "aside", .type = SM_OPTION_BOOL, INPUT(aside) },
	{ 0 },
};

const struct sm_option sm_spec_root_table[] = {
	{ "shardmill", .type = SM_OPTION_UINT, .min = SM_SPEC_VERSION,
	  .max = SM_SPEC_VERSION, .standard = "2", ROOT(version) },
	{ "kind", .type = SM_OPTION_TEXT, .flags = SM_OPTION_REQUIRED,
	  ROOT(kind) },
	{ "home", .type = SM_OPTION_TEXT, ROOT(home) },
	{ "id", .type = SM_OPTION_TEXT, ROOT(id) },
	{ "earlier", .type = SM_OPTION_ARGV, ROOT(earlier) },
	{ "output", .type = SM_OPTION_TEXT, ROOT(output) },
	{ "batches", .type = SM_OPTION_UINT, .standard = "0", ROOT(batches) },
	{ "rows", .type = SM_OPTION_UINT, .standard = "0", ROOT(rows) },
	{ "parts", .type = SM_OPTION_UINT, ROOT(parts) },
	{ "part", .type = SM_OPTION_UINT, ROOT(part),
	  .given_at = offsetof(struct sm_spec_json_root, has_part) },
	{ "fingerprint", .type = SM_OPTION_TEXT, .flags = SM_OPTION_REQUIRED,
	  ROOT(fingerprint) },
	{ 0 },
};

const char *
sm_spec_key(char dst[SM_SPEC_KEY_MAX], const struct sm_option *o)
{
	char *p;

	snprintf(dst, SM_SPEC_KEY_MAX, "%s", o->name);
	for (p = dst; *p; p++)
		if (*p == '-')
			*p = '_';
	return dst;
}

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
json_of_option(const struct sm_option *o, const void *opts)
{
	const void *at = sm_option_at(o, opts);

	if (!sm_option_is_given(o, opts))
		return json_null();
	switch (o->type) {
	case SM_OPTION_BOOL:
		return json_boolean(*(const bool *)at);
	case SM_OPTION_SWITCH:
		return json_boolean(*(const int *)at == 1);
	case SM_OPTION_WORD:
		return json_string(o->words[*(const int *)at - o->min]);
	case SM_OPTION_INT:
		return json_integer(*(const int *)at);
	case SM_OPTION_ID:
	case SM_OPTION_UINT:
	case SM_OPTION_BYTES:
		return json_integer(*(const int64_t *)at);
	case SM_OPTION_DOUBLE:
		return json_real(*(const double *)at);
	case SM_OPTION_TEXT:
	case SM_OPTION_FILE:
		return json_of_string(*(const char *const *)at);
	case SM_OPTION_ARGV:
	case SM_OPTION_FILES:
		return json_of_argv(*(const char *const *const *)at);
	case SM_OPTION_RANGES: /* in no specification */
		break;
	}
	return NULL;
}

/* The options that have no flag of `without`. */
static json_t *
json_of_table(const struct sm_option *o, const void *opts, unsigned without)
{
	json_t *object = json_object();
	char key[SM_SPEC_KEY_MAX];

	for (; object && o->name; o++) {
		if (o->flags & without)
			continue;
		if (json_object_set_new(object, sm_spec_key(key, o),
					json_of_option(o, opts)) < 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static json_t *
json_of_input(const struct sm_spec_input *in)
{
	char crc[9];
	struct sm_spec_json_input j = { .name = in->name,
					.path = in->path,
					.crc32 = crc,
					.mtime_ns = in->digest.mtime_ns,
					.size = in->digest.size,
					.sampled = in->digest.sampled,
					.aside = in->aside };

	snprintf(crc, sizeof(crc), "%08" PRIx32, in->digest.crc32);
	return json_of_table(sm_spec_input_table, &j, 0);
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
	const struct sm_option *o;
	size_t n = 1, k;

	for (o = s->kind->options; o->name; o++) {
		if (o->type != SM_OPTION_DOUBLE)
			continue;
		k = (size_t)sm_double_digits(
			*(const double *)sm_option_at(o, s->opts));
		if (k > n)
			n = k;
	}
	return n;
}

static int
json_into_buf(const char *text, size_t len, void *arg)
{
	sm_buf_put(arg, text, len);
	return 0;
}

char *
sm_spec_text(const struct sm_spec *s, struct sm_err *err)
{
	char fp[17], *text = NULL;
	struct sm_spec_json_root all = { .version = SM_SPEC_VERSION,
					 .kind = s->kind->name,
					 .home = s->home,
					 .id = s->id,
					 .earlier = s->earlier,
					 .output = s->output,
					 .fingerprint = fp,
					 .batches = s->batches,
					 .rows = s->rows,
					 .parts = s->parts,
					 .part = (uint64_t)s->part,
					 .has_part = s->part >= 0 };
	struct sm_buf b = { 0 };
	json_t *root;

	snprintf(fp, sizeof(fp), "%016" PRIx64, s->fingerprint);
	root = json_of_table(sm_spec_root_table, &all, 0);
	if (root &&
	    json_object_set_new(root, "options",
				json_of_table(s->kind->options, s->opts, 0)) ==
		    0 &&
	    json_object_set_new(root, "inputs", json_of_inputs(s)) == 0 &&
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

/* What of an input counts. */
static json_t *
json_of_digest(const struct sm_digest *d)
{
	char crc[9];

	snprintf(crc, sizeof(crc), "%08" PRIx32, d->crc32);
	return json_pack("{s:I, s:s, s:b}", "size", (json_int_t)d->size,
			 "crc32", crc, "sampled", (int)d->sampled);
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
		bad = !s->input[i].aside &&
		      json_object_set_new(inputs, s->input[i].name,
					  json_of_digest(&s->input[i].digest)) <
			      0;
	root = json_pack(
		"{s:s, s:o, s:o}", "kind", s->kind->name, "options",
		json_of_table(s->kind->options, s->opts, SM_OPTION_FREE),
		"inputs", inputs);
	bad = bad || !root ||
	      json_dump_callback(root, json_into_hash, &h,
				 JSON_SORT_KEYS | JSON_COMPACT |
					 JSON_REAL_PRECISION(17)) < 0;
	json_decref(root);
	if (bad)
		return sm_err_mem(err, "the specification");
	/* UINT64_MAX means "none" where fingerprints are stored. */
	*fp = h == UINT64_MAX ? 0 : h;
	return 0;
}

const char *
sm_spec_jansson(void)
{
	return jansson_version_str();
}
