#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "err.h"

#include "spec.h"
#include "spec_internal.h"
#include "spec_reader.h"

#define SPEC_NAME_MAX 64 /* longer names are compared by their beginning */

/* ----------------------------------------------------------- messages -- */

void
sm_spec_reader_at(struct spec_reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->place, sizeof(r->place), fmt, ap);
	va_end(ap);
}

/* Put the file and the place before a message that is there. */
static int
reader_blame(struct spec_reader *r, int code)
{
	if (*r->place)
		sm_err_prefix(r->err, "%s: %s", r->where, r->place);
	else
		sm_err_prefix(r->err, "%s", r->where);
	return code;
}

int
sm_spec_reader_fail(struct spec_reader *r, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sm_err_setv(r->err, code, fmt, ap);
	va_end(ap);
	return reader_blame(r, code);
}

int
sm_spec_reader_mem(struct spec_reader *r)
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
	default:
		return json_is_true(v) ? "true" : "false";
	}
}

int
sm_spec_reader_type(struct spec_reader *r, const json_t *v, const char *wanted)
{
	if (json_is_string(v) && strstr(wanted, "number"))
		return sm_spec_reader_fail(r, SM_EINPUT,
					   "\"%s\" is text; write the number "
					   "without quotes",
					   json_string_value(v));
	return sm_spec_reader_fail(r, SM_EINPUT, "%s where %s is expected",
				   json_type_text(v), wanted);
}

/* -------------------------------------------------------- known names -- */

/* Levenshtein's distance, of the first SPEC_NAME_MAX bytes. */
static size_t
name_distance(const char *a, const char *b)
{
	size_t row[SPEC_NAME_MAX + 1], n = strnlen(b, SPEC_NAME_MAX), i, j;
	size_t len = strnlen(a, SPEC_NAME_MAX), above_left, best;

	for (j = 0; j <= n; j++)
		row[j] = j;
	for (i = 0; i < len; i++) {
		above_left = row[0];
		row[0] = i + 1;
		for (j = 0; j < n; j++) {
			best = above_left + (a[i] != b[j]);
			above_left = row[j + 1];
			best = best < row[j] + 1 ? best : row[j] + 1;
			if (best > above_left + 1)
				best = above_left + 1;
			row[j + 1] = best;
		}
	}
	return row[n];
}

const char *
sm_spec_nearest(const char *name, const char *const *known)
{
	size_t d, least = SIZE_MAX;
	const char *nearest = "";

	for (; *known; known++) {
		d = name_distance(name, *known);
		if (d < least) {
			least = d;
			nearest = *known;
		}
	}
	return nearest;
}

static bool
name_known(const char *name, const char *const *known)
{
	for (; *known; known++)
		if (strcmp(name, *known) == 0)
			return true;
	return false;
}

int
sm_spec_reader_keys(struct spec_reader *r, json_t *o, const char *in,
		    const char *const *known)
{
	const char *key;
	json_t *v;
	size_t i;

	json_object_foreach(o, key, v)
	{
		if (name_known(key, known))
			continue;
		sm_spec_reader_at(r, "%s%s", in, key);
		return sm_spec_reader_fail(r, SM_EINPUT,
					   "unknown; did you mean '%s'?",
					   sm_spec_nearest(key, known));
	}
	for (i = 0; known[i]; i++) {
		if (json_object_get(o, known[i]))
			continue;
		sm_spec_reader_at(r, "%s%s", in, known[i]);
		return sm_spec_reader_fail(r, SM_EINPUT, "missing");
	}
	return 0;
}

/* ------------------------------------------------------------- values -- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
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
		return sm_spec_reader_type(r, v, "text or {\"bytes\": hex}");
	s = sm_spec_alloc(r->spec, n / 2 + 1);
	if (!s)
		return sm_spec_reader_mem(r);
	for (i = 0; i < n / 2; i++) {
		hi = hex_digit(hex[2 * i]);
		lo = hex_digit(hex[2 * i + 1]);
		if (hi < 0 || lo < 0 || hi + lo == 0)
			return sm_spec_reader_fail(
				r, SM_EINPUT,
				"\"%s\" is not hexadecimal bytes "
				"other than 00",
				hex);
		s[i] = (char)(hi * 16 + lo);
	}
	*out = s;
	return 0;
}

int
sm_spec_read_string(const char **out, struct spec_reader *r, json_t *v)
{
	if (json_is_object(v))
		return read_bytes(out, r, v);
	if (!json_is_string(v))
		return sm_spec_reader_type(r, v, "text");
	*out = sm_spec_strdup(r->spec, json_string_value(v));
	return *out ? 0 : sm_spec_reader_mem(r);
}

static int
read_argv(const char *const **out, struct spec_reader *r, json_t *v)
{
	size_t n = json_array_size(v), i;
	const char **argv;
	int ret;

	if (!json_is_array(v))
		return sm_spec_reader_type(r, v, "a list of text");
	argv = sm_spec_alloc(r->spec, (n + 1) * sizeof(*argv));
	if (!argv)
		return sm_spec_reader_mem(r);
	for (i = 0; i < n; i++) {
		ret = sm_spec_read_string(&argv[i], r, json_array_get(v, i));
		if (ret < 0)
			return ret;
	}
	*out = argv;
	return 0;
}

int
sm_spec_read_int(int64_t *out, struct spec_reader *r, const json_t *v,
		 const struct sm_spec_field *f)
{
	int ret;

	if (!json_is_integer(v))
		return sm_spec_reader_type(r, v, "a whole number");
	*out = json_integer_value(v);
	ret = sm_spec_check_int(f, *out, r->err);
	return ret < 0 ? reader_blame(r, ret) : 0;
}

static int
read_double(double *out, struct spec_reader *r, const json_t *v,
	    const struct sm_spec_field *f)
{
	int ret;

	if (!json_is_number(v))
		return sm_spec_reader_type(r, v, "a number");
	*out = json_number_value(v);
	ret = sm_spec_check_double(f, *out, r->err);
	return ret < 0 ? reader_blame(r, ret) : 0;
}

static int
read_enum(int *out, struct spec_reader *r, const json_t *v,
	  const struct sm_spec_field *f)
{
	const char *name = json_string_value(v);
	int i;

	if (!name)
		return sm_spec_reader_type(r, v, "text");
	for (i = 0; f->names[i]; i++) {
		if (strcmp(name, f->names[i]) == 0) {
			*out = i;
			return 0;
		}
	}
	return sm_spec_reader_fail(r, SM_EINPUT,
				   "'%s' is unknown; did you mean '%s'?", name,
				   sm_spec_nearest(name, f->names));
}

/* JSON null, where it may stand: the empty value.  1 if it was one. */
static int
read_null(struct sm_spec *s, const struct sm_spec_field *f)
{
	void *at = sm_spec_slot(f, s->opts);

	if (f->has) {
		*(bool *)((char *)s->opts + f->has) = false;
	} else if (f->type == SM_SPEC_STRING) {
		*(const char **)at = NULL;
	} else if (f->type == SM_SPEC_ARGV) {
		*(const char *const **)at = NULL;
	} else {
		return 0;
	}
	return 1;
}

int
sm_spec_read_field(struct spec_reader *r, const struct sm_spec_field *f,
		   json_t *v)
{
	void *at = sm_spec_slot(f, r->spec->opts);
	int64_t n = 0;
	int ret;

	if (json_is_null(v) && read_null(r->spec, f))
		return 0;
	if (f->has)
		*(bool *)((char *)r->spec->opts + f->has) = true;
	switch (f->type) {
	case SM_SPEC_BOOL:
		if (!json_is_boolean(v))
			return sm_spec_reader_type(r, v, "true or false");
		*(bool *)at = json_is_true(v);
		return 0;
	case SM_SPEC_UINT:
	case SM_SPEC_INT:
		return sm_spec_read_int(at, r, v, f);
	case SM_SPEC_LEVEL:
		ret = sm_spec_read_int(&n, r, v, f);
		if (ret == 0)
			*(int *)at = (int)n;
		return ret;
	case SM_SPEC_DOUBLE:
		return read_double(at, r, v, f);
	case SM_SPEC_ENUM:
		return read_enum(at, r, v, f);
	case SM_SPEC_STRING:
		return sm_spec_read_string(at, r, v);
	case SM_SPEC_ARGV:
		return read_argv(at, r, v);
	}
	return 0;
}

int
sm_spec_read_hex(uint64_t *out, struct spec_reader *r, const json_t *v,
		 size_t digits)
{
	const char *s = json_string_value(v);
	size_t i;

	*out = 0;
	for (i = 0; s && hex_digit(s[i]) >= 0; i++)
		*out = *out << 4 | (uint64_t)hex_digit(s[i]);
	if (!s || i != digits || s[i])
		return sm_spec_reader_fail(r, SM_EINPUT,
					   "not %zu hexadecimal digits as text",
					   digits);
	return 0;
}
