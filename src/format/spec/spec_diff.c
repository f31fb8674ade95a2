#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spec.h"
#include "spec_internal.h"

int
sm_spec_double_digits(double v)
{
	char text[64];
	int n;

	for (n = 1; n < 17; n++) {
		snprintf(text, sizeof(text), "%.*g", n, v);
		if (strtod(text, NULL) == v)
			break;
	}
	return n;
}

static bool
spec_same_string(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool
spec_same_argv(const char *const *a, const char *const *b)
{
	if (!a || !b)
		return a == b;
	for (; *a && *b; a++, b++)
		if (strcmp(*a, *b) != 0)
			return false;
	return *a == *b;
}

static bool
spec_same_field(const struct sm_spec_field *f, const void *a, const void *b)
{
	const void *x = sm_spec_at(f, a), *y = sm_spec_at(f, b);

	if (!sm_spec_has(f, a) || !sm_spec_has(f, b))
		return sm_spec_has(f, a) == sm_spec_has(f, b);
	switch (f->type) {
	case SM_SPEC_BOOL:
		return *(const bool *)x == *(const bool *)y;
	case SM_SPEC_UINT:
	case SM_SPEC_INT:
		return *(const uint64_t *)x == *(const uint64_t *)y;
	case SM_SPEC_LEVEL:
	case SM_SPEC_ENUM:
		return *(const int *)x == *(const int *)y;
	case SM_SPEC_DOUBLE:
		return memcmp(x, y, sizeof(double)) == 0;
	case SM_SPEC_STRING:
		return spec_same_string(sm_spec_string_at(f, a),
					sm_spec_string_at(f, b));
	case SM_SPEC_ARGV:
		return spec_same_argv(sm_spec_argv_at(f, a),
				      sm_spec_argv_at(f, b));
	}
	return true;
}

static void
spec_put_argv(struct sm_buf *out, const char *const *argv)
{
	for (; argv && *argv; argv++)
		sm_buf_printf(out, "'%s'%s", *argv, argv[1] ? " " : "");
}

/* The value as a person would type it. */
static void
spec_put_value(struct sm_buf *out, const struct sm_spec_field *f,
	       const void *opts)
{
	const void *at = sm_spec_at(f, opts);
	const char *text;
	double v;

	if (!sm_spec_has(f, opts)) {
		sm_buf_puts(out, "none");
		return;
	}
	switch (f->type) {
	case SM_SPEC_BOOL:
		sm_buf_puts(out, *(const bool *)at ? "yes" : "no");
		break;
	case SM_SPEC_UINT:
		sm_buf_printf(out, "%" PRIu64, *(const uint64_t *)at);
		break;
	case SM_SPEC_INT:
		sm_buf_printf(out, "%" PRId64, *(const int64_t *)at);
		break;
	case SM_SPEC_LEVEL:
		sm_buf_printf(out, "%d", *(const int *)at);
		break;
	case SM_SPEC_ENUM:
		sm_buf_puts(out, f->names[*(const int *)at]);
		break;
	case SM_SPEC_DOUBLE:
		v = *(const double *)at;
		sm_buf_printf(out, "%.*g", sm_spec_double_digits(v), v);
		break;
	case SM_SPEC_STRING:
		text = sm_spec_string_at(f, opts);
		if (text)
			sm_buf_printf(out, "'%s'", text);
		else
			sm_buf_puts(out, "not given");
		break;
	case SM_SPEC_ARGV:
		spec_put_argv(out, sm_spec_argv_at(f, opts));
		break;
	}
}

unsigned
sm_spec_diff(struct sm_buf *out, const struct sm_spec *planned,
	     const struct sm_spec *now)
{
	const struct sm_spec_field *f;
	unsigned n = 0;
	char name[64];
	size_t i;

	if (planned->shape != now->shape) {
		sm_buf_printf(out, "the kind of job was %s, is %s",
			      planned->shape->kind, now->shape->kind);
		return 1;
	}
	for (i = 0; i < planned->shape->count; i++) {
		f = &planned->shape->fields[i];
		if ((f->flags & SM_SPEC_PLACE) ||
		    spec_same_field(f, planned->opts, now->opts))
			continue;
		sm_spec_option_name(name, sizeof(name), f);
		sm_buf_printf(out, "%s%s was ", n++ ? "; " : "",
			      f->type == SM_SPEC_ARGV ? "the command" : name);
		spec_put_value(out, f, planned->opts);
		sm_buf_puts(out, ", is ");
		spec_put_value(out, f, now->opts);
	}
	return n;
}
