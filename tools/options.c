#include <string.h>

#include "output.h"

#include "options.h"

/* Options given in one command line: each target once, so a bound. */
#define OPTIONS_SEEN_MAX 96

/* Longer words than any name; the distance of a longer one is not asked. */
#define OPTIONS_NAME_MAX 40

struct option_seen {
	const void *target;
	const char *name;
};

struct option_parser {
	const struct sm_option_group *groups;
	char *args;
	struct option_seen seen[OPTIONS_SEEN_MAX];
	size_t seen_count;
};

static size_t
option_min(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * Edits between two names: a letter put in, left out, changed, or swapped with
 * its neighbour.  Three rows of the usual table are enough.
 */
static size_t
option_distance(const char *a, const char *b)
{
	size_t row[3][OPTIONS_NAME_MAX + 1];
	size_t *two = row[0], *one = row[1], *cur = row[2], *t;
	size_t n = strlen(a), m = strlen(b), i, j;

	if (n > OPTIONS_NAME_MAX || m > OPTIONS_NAME_MAX)
		return OPTIONS_NAME_MAX;
	for (j = 0; j <= m; j++)
		one[j] = two[j] = j;
	for (i = 1; i <= n; i++) {
		cur[0] = i;
		for (j = 1; j <= m; j++) {
			cur[j] = option_min(one[j], cur[j - 1]) + 1;
			cur[j] = option_min(
				cur[j], one[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				cur[j] = option_min(cur[j], two[j - 2] + 1);
		}
		t = two;
		two = one;
		one = cur;
		cur = t;
	}
	return one[m];
}

const char *
sm_options_nearest(const char *word, const char *const *names, size_t count)
{
	size_t i, n = strlen(word), d, best = n / 3 + 2;
	const char *nearest = NULL;

	for (i = 0; i < count; i++) {
		d = option_distance(word, names[i]);
		/* An abbreviation is near, however much it leaves out. */
		if (n > 1 && d > 1 && strncmp(word, names[i], n) == 0)
			d = 1;
		if (d < best) {
			best = d;
			nearest = names[i];
		}
	}
	return nearest;
}

static int
option_unknown(const struct option_parser *p, const char *name,
	       struct sm_err *err)
{
	const char *names[OPTIONS_SEEN_MAX], *nearest;
	const struct sm_option_group *g;
	const struct sm_option *o;
	size_t n = 0;

	for (g = p->groups; g->title; g++)
		for (o = g->table; o->name; o++)
			if (!o->hidden && n < OPTIONS_SEEN_MAX)
				names[n++] = o->name;
	nearest = sm_options_nearest(name, names, n);
	if (nearest)
		return sm_output_fail(err, SM_EUSAGE,
				      "unknown option '--%s'; did you mean "
				      "'--%s'?",
				      name, nearest);
	return sm_output_fail(err, SM_EUSAGE,
			      "unknown option '--%s'; '--help' lists them",
			      name);
}

/* By letter if that is not 0, else by the first `len` bytes of `name`. */
static const struct sm_option *
option_find(const struct option_parser *p, char letter, const char *name,
	    size_t len, const struct sm_option_group **group)
{
	const struct sm_option_group *g;
	const struct sm_option *o;

	for (g = p->groups; g->title; g++) {
		for (o = g->table; o->name; o++) {
			if (letter ? o->letter != letter
				   : strncmp(o->name, name, len) ||
					     o->name[len])
				continue;
			*group = g;
			return o;
		}
	}
	return NULL;
}

static int
option_take(struct option_parser *p, const struct sm_option_group *g,
	    const struct sm_option *o, const char *value, struct sm_err *err)
{
	char *base = p->args + g->at;
	size_t i;

	for (i = 0; i < p->seen_count; i++) {
		if (p->seen[i].target != base + o->at)
			continue;
		if (p->seen[i].name == o->name)
			return sm_output_fail(err, SM_EUSAGE,
					      "option '--%s' is given twice",
					      o->name);
		return sm_output_fail(err, SM_EUSAGE,
				      "options '--%s' and '--%s' exclude each "
				      "other",
				      p->seen[i].name, o->name);
	}
	if (p->seen_count == OPTIONS_SEEN_MAX)
		return sm_output_fail(err, SM_EUSAGE, "too many options");
	p->seen[p->seen_count++] =
		(struct option_seen){ base + o->at, o->name };
	return sm_option_store(o, base, value, err);
}

static int
option_missing_value(const struct sm_option *o, struct sm_err *err)
{
	return sm_output_fail(err, SM_EUSAGE,
			      "option '--%s' needs a value: "
			      "--%s %s",
			      o->name, o->name, o->arg);
}

/* --name, --name=VALUE or --name VALUE; `*at` is moved past what is used. */
static int
option_long(struct option_parser *p, char ***at, struct sm_err *err)
{
	const char *name = **at + 2, *value = NULL;
	const struct sm_option_group *g = NULL;
	const struct sm_option *o;
	char bare[OPTIONS_NAME_MAX + 1];
	size_t len = strcspn(name, "=");

	++*at;
	o = option_find(p, 0, name, len, &g);
	if (!o) {
		snprintf(bare, sizeof(bare), "%.*s",
			 (int)option_min(len, OPTIONS_NAME_MAX), name);
		return option_unknown(p, bare, err);
	}
	if (name[len] == '=')
		value = name + len + 1;
	if (!o->arg) {
		if (value)
			return sm_output_fail(err, SM_EUSAGE,
					      "option '--%s' takes no value",
					      o->name);
	} else if (!value) {
		value = **at;
		if (!value)
			return option_missing_value(o, err);
		++*at;
	}
	return option_take(p, g, o, value, err);
}

/* -a, -ab, -nVALUE or -n VALUE. */
static int
option_short(struct option_parser *p, char ***at, struct sm_err *err)
{
	const char *s = **at + 1, *value;
	const struct sm_option_group *g = NULL;
	const struct sm_option *o;
	int ret;

	for (++*at; *s; s++) {
		o = option_find(p, *s, NULL, 0, &g);
		if (!o)
			return sm_output_fail(err, SM_EUSAGE,
					      "unknown option '-%c'; '--help' "
					      "lists them",
					      *s);
		if (!o->arg) {
			ret = option_take(p, g, o, NULL, err);
			if (ret < 0)
				return ret;
			continue;
		}
		value = s + 1;
		if (!*value) {
			value = **at;
			if (!value)
				return option_missing_value(o, err);
			++*at;
		}
		return option_take(p, g, o, value, err);
	}
	return 0;
}

static int
option_check_required(const struct option_parser *p, struct sm_err *err)
{
	const struct sm_option_group *g;
	const struct sm_option *o;
	size_t i;

	for (g = p->groups; g->title; g++) {
		for (o = g->table; o->name; o++) {
			if (!o->required)
				continue;
			for (i = 0; i < p->seen_count; i++)
				if (p->seen[i].target ==
				    p->args + g->at + o->at)
					break;
			if (i == p->seen_count)
				return sm_output_fail(err, SM_EUSAGE,
						      "option '--%s %s' is "
						      "missing",
						      o->name, o->arg);
		}
	}
	return 0;
}

int
sm_options_parse(struct sm_words *words, const struct sm_option_group *groups,
		 void *args, char **argv, struct sm_err *err)
{
	struct option_parser p = { .groups = groups, .args = args };
	char **at = argv;
	int ret;

	*words = (struct sm_words){ .word = argv };
	while (*at) {
		if (strcmp(*at, "--") == 0) {
			words->rest = ++at;
			while (*at++)
				words->rest_count++;
			break;
		}
		if (strncmp(*at, "--", 2) == 0)
			ret = option_long(&p, &at, err);
		else if (**at == '-' && (*at)[1])
			ret = option_short(&p, &at, err);
		else {
			/* Words close ranks: never past what is read. */
			argv[words->count++] = *at++;
			continue;
		}
		if (ret < 0)
			return ret;
	}
	return option_check_required(&p, err);
}
