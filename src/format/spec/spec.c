#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"

#include "spec.h"
#include "spec_internal.h"

/* Strings and lists that the specification owns, freed together. */
struct spec_chunk {
	struct spec_chunk *next;
	max_align_t data[];
};

void *
sm_spec_alloc(struct sm_spec *s, size_t bytes)
{
	struct spec_chunk *c;

	if (bytes > SIZE_MAX - sizeof(*c))
		return NULL;
	c = calloc(1, sizeof(*c) + bytes);
	if (!c)
		return NULL;
	c->next = s->priv;
	s->priv = c;
	return c->data;
}

char *
sm_spec_strdup(struct sm_spec *s, const char *text)
{
	size_t n = strlen(text) + 1;
	char *p = sm_spec_alloc(s, n);

	if (p)
		memcpy(p, text, n);
	return p;
}

int
sm_spec_make(struct sm_spec **out, const struct sm_spec_shape *shape,
	     struct sm_err *err)
{
	struct sm_spec *s = calloc(1, sizeof(*s));

	if (s)
		s->opts = calloc(1, shape->opts_bytes);
	if (!s || !s->opts) {
		free(s);
		return sm_err_mem(err, "the specification");
	}
	s->shape = shape;
	s->part = -1;
	if (shape->init)
		shape->init(s->opts);
	*out = s;
	return 0;
}

void
sm_spec_free(struct sm_spec *s)
{
	struct spec_chunk *c, *next;

	if (!s)
		return;
	for (c = s->priv; c; c = next) {
		next = c->next;
		free(c);
	}
	free(s->opts);
	free(s);
}

/* ------------------------------------------------------------- ranges -- */

static void
spec_range(const struct sm_spec_field *f, int64_t *lo, int64_t *hi)
{
	bool capped = f->max > 0 && f->max <= INT64_MAX;

	*lo = (int64_t)f->min;
	*hi = capped ? (int64_t)f->max : INT64_MAX;
	if (f->type == SM_SPEC_INT)
		*lo = INT64_MIN;
	if (f->type == SM_SPEC_LEVEL && !capped)
		*hi = INT_MAX;
}

int
sm_spec_check_int(const struct sm_spec_field *f, int64_t v, struct sm_err *err)
{
	int64_t lo, hi;

	spec_range(f, &lo, &hi);
	if (v >= lo && v <= hi)
		return 0;
	return sm_err_set(err, SM_EINPUT,
			  "%" PRId64 " is out of range; give %" PRId64
			  " to %" PRId64,
			  v, lo, hi);
}

int
sm_spec_check_double(const struct sm_spec_field *f, double v,
		     struct sm_err *err)
{
	bool limited = !(f->flags & SM_SPEC_SIGNED);

	if (!isfinite(v))
		return sm_err_set(err, SM_EINPUT,
				  "%g is out of range; give a finite number",
				  v);
	if (!limited ||
	    (v >= (double)f->min && (f->max == 0 || v <= (double)f->max)))
		return 0;
	if (f->max == 0)
		return sm_err_set(err, SM_EINPUT,
				  "%g is out of range; give at least %" PRIu64,
				  v, f->min);
	return sm_err_set(err, SM_EINPUT,
			  "%g is out of range; give %" PRIu64 " to %" PRIu64, v,
			  f->min, f->max);
}

bool
sm_spec_has(const struct sm_spec_field *f, const void *opts)
{
	return f->has == 0 || *(const bool *)((const char *)opts + f->has);
}

static int
spec_check_uint(const struct sm_spec_field *f, uint64_t v, struct sm_err *err)
{
	int64_t lo, hi;

	if (v <= INT64_MAX)
		return sm_spec_check_int(f, (int64_t)v, err);
	spec_range(f, &lo, &hi);
	return sm_err_set(err, SM_EINPUT,
			  "%" PRIu64 " is out of range; give %" PRId64
			  " to %" PRId64,
			  v, lo, hi);
}

static int
spec_check_enum(const struct sm_spec_field *f, int v, struct sm_err *err)
{
	int n = 0;

	while (f->names[n])
		n++;
	if (v >= 0 && v < n)
		return 0;
	return sm_err_set(err, SM_EINPUT, "%d is out of range; give 0 to %d", v,
			  n - 1);
}

static int
spec_check_field(const struct sm_spec_field *f, const void *opts,
		 struct sm_err *err)
{
	const void *at = sm_spec_at(f, opts);

	if (!sm_spec_has(f, opts))
		return 0;
	switch (f->type) {
	case SM_SPEC_UINT:
		return spec_check_uint(f, *(const uint64_t *)at, err);
	case SM_SPEC_LEVEL:
		return sm_spec_check_int(f, *(const int *)at, err);
	case SM_SPEC_DOUBLE:
		return sm_spec_check_double(f, *(const double *)at, err);
	case SM_SPEC_ENUM:
		return spec_check_enum(f, *(const int *)at, err);
	case SM_SPEC_BOOL:
	case SM_SPEC_INT:
	case SM_SPEC_STRING:
	case SM_SPEC_ARGV:
		break;
	}
	return 0;
}

void
sm_spec_option_name(char *dst, size_t size, const struct sm_spec_field *f)
{
	char *p;

	snprintf(dst, size, "--%s", f->name);
	for (p = dst; *p; p++)
		if (*p == '_')
			*p = '-';
}

int
sm_spec_check(const struct sm_spec_shape *shape, const void *opts,
	      struct sm_err *err)
{
	char name[64];
	size_t i;
	int ret;

	for (i = 0; i < shape->count; i++) {
		ret = spec_check_field(&shape->fields[i], opts, err);
		if (ret < 0) {
			sm_spec_option_name(name, sizeof(name),
					    &shape->fields[i]);
			sm_err_prefix(err, "%s", name);
			return ret;
		}
	}
	return 0;
}

/* ------------------------------------------------------------- making -- */

/* Give the specification its own copy of a list of strings. */
static const char *const *
spec_copy_argv(struct sm_spec *s, const char *const *argv)
{
	const char **copy;
	size_t i, n = 0;

	while (argv[n])
		n++;
	copy = sm_spec_alloc(s, (n + 1) * sizeof(*copy));
	for (i = 0; copy && i < n; i++) {
		copy[i] = sm_spec_strdup(s, argv[i]);
		if (!copy[i])
			return NULL;
	}
	return copy;
}

static bool
spec_own_field(struct sm_spec *s, const struct sm_spec_field *f)
{
	void *at = sm_spec_slot(f, s->opts);
	const char **text = at;
	const char *const **argv = at;

	if (f->type == SM_SPEC_STRING && *text) {
		*text = sm_spec_strdup(s, *text);
		return *text != NULL;
	}
	if (f->type == SM_SPEC_ARGV && *argv) {
		*argv = spec_copy_argv(s, *argv);
		return *argv != NULL;
	}
	return true;
}

int
sm_spec_new(struct sm_spec **out, const struct sm_spec_shape *shape,
	    const void *opts, struct sm_err *err)
{
	struct sm_spec *s = NULL;
	size_t i;
	int ret;

	ret = sm_spec_check(shape, opts, err);
	if (ret < 0)
		return ret;
	ret = sm_spec_make(&s, shape, err);
	if (ret < 0)
		return ret;
	memcpy(s->opts, opts, shape->opts_bytes);
	for (i = 0; i < shape->count; i++) {
		if (!spec_own_field(s, &shape->fields[i])) {
			sm_spec_free(s);
			return sm_err_mem(err, "the specification");
		}
	}
	*out = s;
	return 0;
}

int
sm_spec_set_input(struct sm_spec *s, size_t i, const char *name,
		  const char *path, const struct sm_digest *d,
		  struct sm_err *err)
{
	struct sm_spec_input *in;

	if (i >= SM_SPEC_INPUTS_MAX)
		return sm_err_set(err, SM_EBUG, "input %zu of at most %d", i,
				  SM_SPEC_INPUTS_MAX);
	in = &s->input[i];
	in->name = sm_spec_strdup(s, name);
	in->path = sm_spec_strdup(s, path);
	in->digest = *d;
	if (!in->name || !in->path)
		return sm_err_mem(err, "the specification");
	if (s->inputs <= i)
		s->inputs = i + 1;
	return 0;
}

int
sm_spec_set_output(struct sm_spec *s, const char *path, struct sm_err *err)
{
	s->output = path ? sm_spec_strdup(s, path) : NULL;
	if (path && !s->output)
		return sm_err_mem(err, "the specification");
	return 0;
}

/* part * batches / parts, for numbers whose product is too large. */
static uint64_t
spec_part_first(uint64_t batches, uint64_t part, uint64_t parts)
{
	return batches / parts * part + batches % parts * part / parts;
}

void
sm_spec_part_range(uint64_t *first, uint64_t *end, uint64_t batches,
		   uint64_t part, uint64_t parts)
{
	*first = spec_part_first(batches, part, parts);
	*end = spec_part_first(batches, part + 1, parts);
}

uint64_t
sm_spec_part_of(uint64_t id, uint64_t batches, uint64_t parts)
{
	uint64_t low = 0, high = parts, middle;

	while (high - low > 1) {
		middle = low + (high - low) / 2;
		if (spec_part_first(batches, middle, parts) <= id)
			low = middle;
		else
			high = middle;
	}
	return low;
}
