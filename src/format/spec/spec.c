/*
 * spec.c - a specification in memory: made of options, compared, freed
 *
 * It owns every string in it, so that it outlives what it was made from.  How
 * it is written and read is in spec_write.c and spec_read.c.
 */
#include <stdlib.h>
#include <string.h>

#include "err.h"

#include "option.h"
#include "spec.h"

#define SPEC_NAMES_MAX 96

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
sm_spec_make(struct sm_spec **out, const struct sm_kind_info *kind,
	     struct sm_err *err)
{
	struct sm_spec *s = calloc(1, sizeof(*s));

	if (s)
		s->opts = calloc(1, kind->opts_bytes);
	if (!s || !s->opts) {
		free(s);
		return sm_err_mem(err, "the specification");
	}
	s->kind = kind;
	s->part = -1;
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
	free(s->input);
	free(s->opts);
	free(s);
}

static int
spec_unknown(const struct sm_kind_info *kind, const char *name,
	     struct sm_err *err)
{
	const char *names[SPEC_NAMES_MAX], *nearest, *before = "";
	const struct sm_option *o;
	size_t n = 0;

	for (o = kind->options; o->name && n < SPEC_NAMES_MAX; o++)
		names[n++] = o->name;
	nearest = sm_option_nearest(name, names, n);
	if (nearest)
		return sm_err_set(err, SM_EUSAGE,
				  "unknown option '--%s'; did you mean '--%s'?",
				  name, nearest);
	sm_err_set(err, SM_EUSAGE, "unknown option '--%s' of %s; there are",
		   name, kind->name);
	for (o = kind->options; o->name; o++) {
		if (o->flags & (SM_OPTION_UNTYPED | SM_OPTION_HIDDEN))
			continue;
		sm_err_append(err, "%s %s", before, o->name);
		before = ",";
	}
	return SM_EUSAGE;
}

static int
spec_add_file(struct sm_spec *s, const struct sm_option *o, const char *text,
	      struct sm_err *err)
{
	const char *const **slot = sm_option_slot(o, s->opts);
	const char **list;
	size_t n = 0;
	int ret = sm_option_set(o, NULL, text, err);

	if (ret < 0)
		return ret;
	while (*slot && (*slot)[n])
		n++;
	list = sm_spec_alloc(s, (n + 2) * sizeof(*list));
	if (!list)
		return sm_err_mem(err, "the specification");
	if (n > 0)
		memcpy(list, *slot, n * sizeof(*list));
	list[n] = text;
	*slot = list;
	return 0;
}

static int
spec_set_value(struct sm_spec *s, const struct sm_value *v, struct sm_err *err)
{
	const struct sm_option *o = sm_option_find(s->kind->options, v->name);
	const char *text = NULL;

	if (!o)
		return spec_unknown(s->kind, v->name, err);
	if (v->text) {
		text = sm_spec_strdup(s, v->text);
		if (!text)
			return sm_err_mem(err, "the specification");
	}
	if (o->type == SM_OPTION_FILES)
		return spec_add_file(s, o, text, err);
	return sm_option_set(o, s->opts, text, err);
}

static int
spec_set_command(struct sm_spec *s, const char *const *argv, struct sm_err *err)
{
	const struct sm_option *o = s->kind->options;
	const char **copy;
	size_t i, n = 0;

	while (o->name && o->type != SM_OPTION_ARGV)
		o++;
	if (!o->name)
		return sm_err_set(err, SM_EUSAGE, "%s takes no command",
				  s->kind->name);
	while (argv[n])
		n++;
	copy = sm_spec_alloc(s, (n + 1) * sizeof(*copy));
	for (i = 0; copy && i < n; i++) {
		copy[i] = sm_spec_strdup(s, argv[i]);
		if (!copy[i])
			copy = NULL;
	}
	if (!copy)
		return sm_err_mem(err, "the specification");
	*(const char *const **)sm_option_slot(o, s->opts) = copy;
	return 0;
}

int
sm_spec_set_values(struct sm_spec *s, const struct sm_value *values,
		   struct sm_err *err)
{
	int ret = 0;

	for (; ret == 0 && values && values->name; values++)
		ret = spec_set_value(s, values, err);
	return ret;
}

int
sm_spec_new(struct sm_spec **out, const struct sm_kind_info *kind,
	    const struct sm_value *values, const char *const *command,
	    struct sm_err *err)
{
	struct sm_spec *s = NULL;
	int ret = sm_spec_make(&s, kind, err);

	if (ret < 0)
		return ret;
	sm_options_init(kind->options, s->opts);
	ret = sm_spec_set_values(s, values, err);
	if (ret == 0 && command)
		ret = spec_set_command(s, command, err);
	if (ret < 0) {
		sm_spec_free(s);
		return ret;
	}
	*out = s;
	return 0;
}

bool
sm_spec_same_free(const struct sm_spec *a, const struct sm_spec *b)
{
	const struct sm_option *o;

	for (o = a->kind->options; o->name; o++)
		if ((o->flags & SM_OPTION_FREE) &&
		    !sm_option_same(o, a->opts, b->opts))
			return false;
	return true;
}

static bool
option_grew(const struct sm_option *o, const struct sm_spec *planned,
	    const struct sm_spec *now)
{
	return (o->flags & SM_OPTION_GROWS) &&
	       sm_option_is_given(o, planned->opts) &&
	       *(const uint64_t *)sm_option_at(o, planned->opts) <
		       *(const uint64_t *)sm_option_at(o, now->opts);
}

unsigned
sm_spec_grown(const struct sm_spec *planned, const struct sm_spec *now)
{
	const struct sm_option *o;
	unsigned n = 0;

	for (o = planned->kind->options; o->name; o++)
		n += option_grew(o, planned, now);
	return n;
}

bool
sm_spec_cuts_differ(const struct sm_spec *planned, const struct sm_spec *now)
{
	const struct sm_option *o;

	for (o = planned->kind->options; o->name; o++)
		if ((o->flags & (SM_OPTION_CUTS | SM_OPTION_GROWS)) &&
		    !option_grew(o, planned, now) &&
		    !sm_option_same(o, planned->opts, now->opts))
			return true;
	return false;
}

bool
sm_spec_had(const struct sm_spec *s, uint64_t fingerprint)
{
	const char *const *e = s->earlier;

	if (fingerprint == s->fingerprint)
		return true;
	for (; e && *e; e++)
		if (strtoull(*e, NULL, 16) == fingerprint)
			return true;
	return false;
}

bool
sm_spec_made(const struct sm_spec *s, uint64_t fingerprint, uint64_t id)
{
	const char *const *e = s->earlier;
	char *end;

	if (fingerprint == s->fingerprint)
		return true;
	for (; e && *e; e++)
		if (strtoull(*e, &end, 16) == fingerprint &&
		    id < strtoull(end, NULL, 10))
			return true;
	return false;
}

unsigned
sm_spec_diff(struct sm_buf *out, const struct sm_spec *planned,
	     const struct sm_spec *now)
{
	const struct sm_option *o;
	unsigned n = 0;

	if (planned->kind != now->kind) {
		sm_buf_printf(out, "the kind of job was %s, is %s",
			      planned->kind->name, now->kind->name);
		return 1;
	}
	for (o = planned->kind->options; o->name; o++) {
		if ((o->flags & SM_OPTION_FREE) ||
		    sm_option_same(o, planned->opts, now->opts))
			continue;
		if (n++)
			sm_buf_puts(out, "; ");
		/* What nobody types has no dashes. */
		if (o->flags & SM_OPTION_UNTYPED)
			sm_buf_printf(out, "the %s was ", o->name);
		else if (sm_err_is_typed())
			sm_buf_printf(out, "--%s was ", o->name);
		else
			sm_buf_printf(out, "'%s' was ", o->name);
		sm_option_put(out, o, planned->opts);
		sm_buf_puts(out, ", is ");
		sm_option_put(out, o, now->opts);
	}
	return n;
}

int
sm_spec_set_input(struct sm_spec *s, size_t i, const char *name,
		  const char *path, const struct sm_digest *d,
		  struct sm_err *err)
{
	struct sm_spec_input *in = s->input;

	/* Those between are filled in later. */
	if (i >= s->inputs)
		in = realloc(in, (i + 1) * sizeof(*in));
	if (!in)
		return sm_err_mem(err, "the specification");
	s->input = in;
	for (; s->inputs <= i; s->inputs++)
		in[s->inputs] = (struct sm_spec_input){ .name = NULL };
	in += i;
	in->name = sm_spec_strdup(s, name);
	in->path = sm_spec_strdup(s, path);
	in->digest = *d;
	in->aside = false;
	if (!in->name || !in->path)
		return sm_err_mem(err, "the specification");
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

int
sm_spec_take_earlier(struct sm_spec *s, const struct sm_spec *of,
		     struct sm_err *err)
{
	const char *const *was = of->earlier;
	const char **list;
	size_t n = 0, i;

	s->earlier = NULL;
	while (was && was[n])
		n++;
	if (n == 0)
		return 0;
	list = sm_spec_alloc(s, (n + 2) * sizeof(*list));
	for (i = 0; list && i < n; i++) {
		list[i] = sm_spec_strdup(s, was[i]);
		if (!list[i])
			return sm_err_mem(err, "the specification");
	}
	if (!list)
		return sm_err_mem(err, "the specification");
	s->earlier = list;
	return 0;
}

int
sm_spec_add_earlier(struct sm_spec *s, const char *text, struct sm_err *err)
{
	const char **list;
	size_t n = 0;

	while (s->earlier && s->earlier[n])
		n++;
	list = sm_spec_alloc(s, (n + 2) * sizeof(*list));
	if (!list)
		return sm_err_mem(err, "the specification");
	if (n > 0)
		memcpy(list, s->earlier, n * sizeof(*list));
	list[n] = sm_spec_strdup(s, text);
	s->earlier = list;
	return list[n] ? 0 : sm_err_mem(err, "the specification");
}

int
sm_spec_set_home(struct sm_spec *s, const char *path, struct sm_err *err)
{
	s->home = sm_spec_strdup(s, path);
	if (!s->home)
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
