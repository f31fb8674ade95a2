#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "err.h"

#include "spec.h"
#include "spec_internal.h"
#include "spec_reader.h"

#define SPEC_KINDS_MAX 16

/* -------------------------------------------------------------- parts -- */

static int
read_options(struct spec_reader *r, json_t *o)
{
	const struct sm_spec_shape *shape = r->spec->shape;
	const char **known;
	size_t i;
	int ret;

	sm_spec_reader_at(r, "options");
	if (!json_is_object(o))
		return sm_spec_reader_type(r, o, "an object");
	known = calloc(shape->count + 1, sizeof(*known));
	if (!known)
		return sm_spec_reader_mem(r);
	for (i = 0; i < shape->count; i++)
		known[i] = shape->fields[i].name;
	ret = sm_spec_reader_keys(r, o, "options.", known);
	for (i = 0; ret == 0 && i < shape->count; i++) {
		sm_spec_reader_at(r, "options.%s", known[i]);
		ret = sm_spec_read_field(r, &shape->fields[i],
					 json_object_get(o, known[i]));
	}
	free(known);
	return ret;
}

/* The value of the key `name`, which sm_spec_reader_keys() has found. */
static json_t *
reader_enter(struct spec_reader *r, json_t *o, const char *in, const char *name)
{
	sm_spec_reader_at(r, "%s%s", in, name);
	return json_object_get(o, name);
}

static const struct sm_spec_field spec_count_field = {
	.name = "count",
	.type = SM_SPEC_UINT,
};
static const struct sm_spec_field spec_time_field = {
	.name = "time",
	.type = SM_SPEC_INT,
};

static int
read_count(uint64_t *out, struct spec_reader *r, const json_t *v)
{
	int64_t n = 0;
	int ret = sm_spec_read_int(&n, r, v, &spec_count_field);

	*out = (uint64_t)n;
	return ret;
}

static int
read_input(struct sm_spec_input *in, struct spec_reader *r, json_t *o, size_t i)
{
	static const char *const known[] = { "name", "path",  "mtime_ns",
					     "size", "crc32", "sampled",
					     NULL };
	uint64_t crc = 0;
	char at[32];
	json_t *v;
	int ret;

	sm_spec_reader_at(r, "inputs[%zu]", i);
	if (!json_is_object(o))
		return sm_spec_reader_type(r, o, "an object");
	snprintf(at, sizeof(at), "inputs[%zu].", i);
	ret = sm_spec_reader_keys(r, o, at, known);
	if (ret < 0)
		return ret;
	v = reader_enter(r, o, at, "name");
	if (!json_is_string(v))
		return sm_spec_reader_type(r, v, "text");
	ret = sm_spec_read_string(&in->name, r, v);
	if (ret == 0)
		ret = sm_spec_read_string(&in->path, r,
					  reader_enter(r, o, at, "path"));
	if (ret == 0)
		ret = sm_spec_read_int(&in->digest.mtime_ns, r,
				       reader_enter(r, o, at, "mtime_ns"),
				       &spec_time_field);
	if (ret == 0)
		ret = read_count(&in->digest.size, r,
				 reader_enter(r, o, at, "size"));
	if (ret == 0)
		ret = sm_spec_read_hex(&crc, r, reader_enter(r, o, at, "crc32"),
				       8);
	if (ret < 0)
		return ret;
	in->digest.crc32 = (uint32_t)crc;
	v = reader_enter(r, o, at, "sampled");
	if (!json_is_boolean(v))
		return sm_spec_reader_type(r, v, "true or false");
	in->digest.sampled = json_is_true(v);
	return 0;
}

static int
read_inputs(struct spec_reader *r, json_t *list)
{
	struct sm_spec *s = r->spec;
	size_t n = json_array_size(list), i, j;
	int ret;

	sm_spec_reader_at(r, "inputs");
	if (!json_is_array(list))
		return sm_spec_reader_type(r, list, "a list");
	if (n > SM_SPEC_INPUTS_MAX)
		return sm_spec_reader_fail(r, SM_EINPUT,
					   "%zu inputs; at most %d", n,
					   SM_SPEC_INPUTS_MAX);
	for (i = 0; i < n; i++) {
		ret = read_input(&s->input[i], r, json_array_get(list, i), i);
		if (ret < 0)
			return ret;
		for (j = 0; j < i; j++) {
			if (strcmp(s->input[j].name, s->input[i].name) != 0)
				continue;
			sm_spec_reader_at(r, "inputs[%zu].name", i);
			return sm_spec_reader_fail(r, SM_EINPUT,
						   "'%s' stands twice",
						   s->input[i].name);
		}
	}
	s->inputs = n;
	return 0;
}

/* -------------------------------------------------------------- whole -- */

static int
read_version(struct spec_reader *r, json_t *root)
{
	json_t *v = json_object_get(root, "shardmill");
	json_int_t n;

	sm_spec_reader_at(r, "shardmill");
	if (!v)
		return sm_spec_reader_fail(
			r, SM_EINPUT,
			"missing: this is no specification of a "
			"job");
	if (!json_is_integer(v))
		return sm_spec_reader_type(r, v, "a whole number");
	n = json_integer_value(v);
	if (n > SM_SPEC_VERSION)
		return sm_spec_reader_fail(
			r, SM_EREFUSED,
			"version %" JSON_INTEGER_FORMAT
			" is newer than the %d that this program "
			"reads; use a newer shardmill",
			n, SM_SPEC_VERSION);
	if (n < 1)
		return sm_spec_reader_fail(r, SM_EINPUT,
					   "%" JSON_INTEGER_FORMAT
					   " is out of range; give 1 to %d",
					   n, SM_SPEC_VERSION);
	return 0;
}

static int
read_kind(struct spec_reader *r, json_t *v,
	  const struct sm_spec_shape *const *shapes)
{
	const char *known[SPEC_KINDS_MAX + 1] = { NULL };
	const char *name = json_string_value(v);
	size_t i;

	sm_spec_reader_at(r, "kind");
	if (!name)
		return sm_spec_reader_type(r, v, "text");
	for (i = 0; shapes[i] && i < SPEC_KINDS_MAX; i++) {
		if (strcmp(shapes[i]->kind, name) == 0)
			return sm_spec_make(&r->spec, shapes[i], r->err);
		known[i] = shapes[i]->kind;
	}
	return sm_spec_reader_fail(r, SM_EINPUT,
				   "'%s' is unknown; did you mean '%s'?", name,
				   sm_spec_nearest(name, known));
}

/* -1 if the key is not there; then, or taken, it is gone. */
static int
take_part_number(int64_t *out, struct spec_reader *r, json_t *root,
		 const char *name)
{
	json_t *v = json_object_get(root, name);
	int ret = 0;

	*out = -1;
	sm_spec_reader_at(r, "%s", name);
	if (v)
		ret = sm_spec_read_int(out, r, v, &spec_count_field);
	if (ret == 0)
		json_object_del(root, name);
	return ret;
}

static int
read_root(struct spec_reader *r, json_t *root,
	  const struct sm_spec_shape *const *shapes)
{
	static const char *const known[] = {
		"shardmill", "kind", "options",     "inputs", "output",
		"batches",   "rows", "fingerprint", NULL,
	};
	int64_t parts, part;
	json_t *v;
	int ret;

	sm_spec_reader_at(r, "%s", "");
	if (!json_is_object(root))
		return sm_spec_reader_type(r, root, "an object");
	/* A newer version may well have other keys: it comes first. */
	ret = read_version(r, root);
	/* These need not be there, and are taken out before the others. */
	if (ret == 0)
		ret = take_part_number(&parts, r, root, "parts");
	if (ret == 0)
		ret = take_part_number(&part, r, root, "part");
	if (ret == 0)
		ret = sm_spec_reader_keys(r, root, "", known);
	if (ret == 0)
		ret = read_kind(r, json_object_get(root, "kind"), shapes);
	if (ret == 0) {
		r->spec->parts = parts > 0 ? (uint64_t)parts : 0;
		r->spec->part = part;
	}
	if (ret == 0)
		ret = read_options(r, json_object_get(root, "options"));
	if (ret == 0)
		ret = read_inputs(r, json_object_get(root, "inputs"));
	v = reader_enter(r, root, "", "output");
	if (ret == 0 && !json_is_null(v))
		ret = sm_spec_read_string(&r->spec->output, r, v);
	if (ret == 0)
		ret = read_count(&r->spec->batches, r,
				 reader_enter(r, root, "", "batches"));
	if (ret == 0)
		ret = read_count(&r->spec->rows, r,
				 reader_enter(r, root, "", "rows"));
	if (ret == 0)
		ret = sm_spec_read_hex(&r->spec->fingerprint, r,
				       reader_enter(r, root, "", "fingerprint"),
				       16);
	if (ret == 0 && part >= 0 && (parts < 1 || part >= parts)) {
		sm_spec_reader_at(r, "part");
		ret = sm_spec_reader_fail(r, SM_EINPUT,
					  "%" PRId64 " is out of range: there "
					  "are %" PRId64 " parts",
					  part, parts < 0 ? 0 : parts);
	}
	return ret;
}

static int
reader_not_json(struct spec_reader *r, const json_error_t *e)
{
	enum json_error_code code = json_error_code(e);

	if (code == json_error_out_of_memory)
		return sm_spec_reader_mem(r);
	sm_spec_reader_at(r, "line %d, column %d", e->line, e->column);
	if (code == json_error_numeric_overflow)
		return sm_spec_reader_fail(r, SM_EINPUT,
					   "%s; whole numbers end at %" PRId64
					   ", fractions at 1.8e308",
					   e->text, INT64_MAX);
	return sm_spec_reader_fail(r, SM_EINPUT, "%s", e->text);
}

int
sm_spec_parse(struct sm_spec **out, const struct sm_spec_shape *const *shapes,
	      const char *text, const char *where, struct sm_err *err)
{
	struct spec_reader r = { .where = where, .err = err };
	json_error_t e;
	json_t *root;
	int ret;

	root = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
	if (!root)
		return reader_not_json(&r, &e);
	ret = read_root(&r, root, shapes);
	json_decref(root);
	if (ret < 0) {
		sm_spec_free(r.spec);
		return ret;
	}
	*out = r.spec;
	return 0;
}
