/*
 * option.c - the values of options: from text, to text, equal or not
 *
 * Everything that depends on an option's type is here, except JSON, which
 * spec_json.c adds.  Whoever has a table of options (the kinds of job and the
 * commands of the program) leaves the reading of values to this file, so that
 * a number is checked in the same way and by the same message everywhere.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"

#include "option.h"

/* More ranges than anybody types; keeps a typo from eating the memory. */
#define OPTION_RANGES_MAX 100000

/* Longer words than any name; the distance of a longer one is not asked. */
#define OPTION_NAME_MAX 40

/* ------------------------------------------------------------ numbers -- */

static int
option_bad(const struct sm_option *o, const char *text, const char *why,
	   struct sm_err *err)
{
	char letter[] = { '-', o->letter, ',', ' ', '\0' };

	if (!o->letter)
		*letter = '\0';
	return sm_err_set(err, SM_EUSAGE, "bad value '%s' for '%s--%s': %s",
			  text, letter, o->name, why);
}

/* Numbers end in SQLite's integers, so 2^63 - 1 is the largest. */
static int64_t
option_max(const struct sm_option *o)
{
	if (o->max > 0)
		return o->max;
	return o->type == SM_OPTION_INT ? INT_MAX : INT64_MAX;
}

static int
option_outside(const struct sm_option *o, const char *text, struct sm_err *err)
{
	char why[96];

	if (option_max(o) == INT64_MAX)
		snprintf(why, sizeof(why), "it must be %" PRId64 " or more",
			 o->min);
	else
		snprintf(why, sizeof(why), "it must be %" PRId64 " to %" PRId64,
			 o->min, option_max(o));
	return option_bad(o, text, why, err);
}

/*
 * Digits, perhaps after a minus, at `*p`, which is moved past them; false if
 * there are none.  `*over`: they do not fit.
 */
static bool
option_digits(int64_t *v, bool *over, const char **p)
{
	const char *digits = *p + (**p == '-');
	char *end;

	/* strtoll() would take blanks and a plus. */
	if (*digits < '0' || *digits > '9')
		return false;
	errno = 0;
	*v = strtoll(*p, &end, 10);
	*over = errno == ERANGE;
	*p = end;
	return true;
}

/* A whole number, with a suffix where bytes are meant. */
static int
option_integer(int64_t *v, const struct sm_option *o, const char *text,
	       struct sm_err *err)
{
	static const char suffixes[] = "KMGTkmgt";
	const char *p = text, *s;
	bool over = false, ok = option_digits(v, &over, &p);

	if (ok && *p && o->type == SM_OPTION_BYTES) {
		s = strchr(suffixes, *p);
		if (s) {
			p++;
			over |= __builtin_mul_overflow(
				*v,
				INT64_C(1) << (10 * ((s - suffixes) % 4 + 1)),
				v);
		}
	}
	if (!ok || *p) {
		if (o->type != SM_OPTION_BYTES)
			return option_bad(o, text, "it must be a whole number",
					  err);
		return option_bad(o, text,
				  "it must be a number of bytes, with k, M, G "
				  "or T after it for powers of 1024",
				  err);
	}
	if (over)
		return option_bad(o, text, "it is too large", err);
	if (o->type != SM_OPTION_ID && (*v < o->min || *v > option_max(o)))
		return option_outside(o, text, err);
	return 0;
}

/*
 * Seconds as 90s, 5m or 1h30m: each unit is smaller than the one before.  False
 * if it is none, or a number alone.
 */
static bool
option_duration(double *v, const char *text)
{
	static const struct {
		char letter;
		double s;
	} units[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };
	const char *p = text;
	size_t unit = 0, n;
	char *end;

	*v = 0;
	while (*p) {
		n = strspn(p, "0123456789.");
		while (unit < 4 && units[unit].letter != p[n])
			unit++;
		if (n == 0 || unit == 4)
			return false;
		*v += strtod(p, &end) * units[unit++].s;
		if (end != p + n)
			return false;
		p += n + 1;
	}
	return p != text;
}

/* N, or N% of a whole as N / 100. */
static int
option_share(double *v, const struct sm_option *o, const char *text,
	     struct sm_err *err)
{
	const char *p = text;
	bool over = false, percent;
	int64_t n = 0;

	if (option_digits(&n, &over, &p) && !over && n > 0) {
		percent = strcmp(p, "%") == 0;
		*v = (double)n / (percent ? 100 : 1);
		if (!*p || (percent && n < 100))
			return 0;
	}
	return option_bad(o, text,
			  "it must be a whole number from 1 on, or 1% to 99%",
			  err);
}

static int
option_double(double *v, const struct sm_option *o, const char *text,
	      struct sm_err *err)
{
	bool seconds = o->unit && strcmp(o->unit, "s") == 0;
	bool share = o->unit && strcmp(o->unit, "%") == 0;
	const char *why = "it must be a number";
	char *end;

	if (share)
		return option_share(v, o, text, err);
	if (seconds)
		why = "it must be a number of seconds, or as 90s, 5m, 1h30m";
	if (!seconds || !option_duration(v, text)) {
		/* strtod() would take blanks, hexadecimal, "inf", "nan". */
		if (!*text || text[strspn(text, "0123456789.eE+-")])
			return option_bad(o, text, why, err);
		*v = strtod(text, &end);
		if (*end || end == text)
			return option_bad(o, text, why, err);
	}
	if (!isfinite(*v))
		return option_bad(o, text, why, err);
	if (o->max && (*v < (double)o->min || *v > (double)o->max))
		return option_outside(o, text, err);
	return 0;
}

/* One range at `*p`, which is moved past it. */
static bool
option_range(struct sm_batch_range *r, const char **p)
{
	int64_t first, last;
	bool over;

	if (!option_digits(&first, &over, p) || over)
		return false;
	last = first;
	if (**p == '-') {
		++*p;
		if (!option_digits(&last, &over, p) || over)
			return false;
	}
	r->first = (uint64_t)first;
	r->last = (uint64_t)last;
	return first >= 0 && first <= last;
}

static int
option_ranges(struct sm_ranges *v, const struct sm_option *o, const char *text,
	      struct sm_err *err)
{
	struct sm_batch_range *range;
	const char *p;
	size_t n = 1;

	for (p = text; *p; p++)
		n += *p == ',';
	if (n > OPTION_RANGES_MAX)
		return option_bad(o, text, "too many ranges", err);
	if (o->max > 0 && n > (size_t)o->max)
		return option_bad(o, text, "one range can be given", err);
	range = calloc(n, sizeof(*range));
	if (!range)
		return sm_err_mem(err, "ranges");
	for (p = text, n = 0; option_range(&range[n], &p); p++) {
		n++;
		if (*p == ',')
			continue;
		if (*p)
			break;
		v->range = range;
		v->count = n;
		return 0;
	}
	free(range);
	if (o->max == 1)
		return option_bad(o, text,
				  "it must be a number, or a range such as "
				  "7-9, the smaller end first",
				  err);
	return option_bad(o, text,
			  "it must be numbers and ranges such as 3,7-9, the "
			  "smaller end first",
			  err);
}

/* -------------------------------------------------------------- words -- */

static int
option_word(int *v, const struct sm_option *o, const char *text,
	    struct sm_err *err)
{
	char why[160] = "it must be ";
	size_t i, n = strlen(why);
	const char *before = "";

	for (i = 0; o->words[i]; i++) {
		if (strcmp(o->words[i], text) == 0) {
			*v = (int)o->min + (int)i;
			return 0;
		}
		if (i > 0)
			before = o->words[i + 1] ? ", " : " or ";
		n += (size_t)snprintf(why + n, sizeof(why) - n, "%s%s", before,
				      o->words[i]);
	}
	return option_bad(o, text, why, err);
}

static int
option_yes(bool *v, const struct sm_option *o, const char *text,
	   struct sm_err *err)
{
	*v = !text || strcmp(text, "yes") == 0;
	if (*v || strcmp(text, "no") == 0)
		return 0;
	return option_bad(o, text, "it must be yes or no", err);
}

int
sm_option_set(const struct sm_option *o, void *opts, const char *text,
	      struct sm_err *err)
{
	/* What is only checked goes here. */
	union {
		int64_t n;
		double d;
		const char *text;
		struct sm_ranges ranges;
	} scratch = { 0 };
	void *at = opts ? sm_option_slot(o, opts) : &scratch;
	bool *given = NULL, yes = false;
	int64_t n = 0;
	int ret = 0;

	if (opts && o->given_at)
		given = (bool *)((char *)opts + o->given_at);
	if (!text && o->type != SM_OPTION_BOOL && o->type != SM_OPTION_SWITCH)
		return sm_err_set(err, SM_EUSAGE, "option '--%s' needs a value",
				  o->name);
	switch (o->type) {
	case SM_OPTION_BOOL:
		ret = option_yes(&yes, o, text, err);
		if (ret == 0)
			*(bool *)at = yes;
		break;
	case SM_OPTION_SWITCH:
		ret = option_yes(&yes, o, text, err);
		if (ret == 0)
			*(int *)at = yes ? 1 : -1;
		break;
	case SM_OPTION_WORD:
		ret = option_word(at, o, text, err);
		break;
	case SM_OPTION_INT:
		ret = option_integer(&n, o, text, err);
		if (ret == 0)
			*(int *)at = (int)n;
		break;
	case SM_OPTION_ID:
		if (given)
			*given = false;
		if (strcmp(text, "none") == 0)
			return 0;
		ret = option_integer(&n, o, text, err);
		if (ret == 0)
			*(int64_t *)at = n;
		break;
	case SM_OPTION_UINT:
	case SM_OPTION_BYTES:
		ret = option_integer(&n, o, text, err);
		if (ret == 0)
			*(uint64_t *)at = (uint64_t)n;
		break;
	case SM_OPTION_DOUBLE:
		if (given)
			*given = false;
		if (o->given_at && strcmp(text, "none") == 0)
			return 0;
		ret = option_double(at, o, text, err);
		break;
	case SM_OPTION_FILE:
		if (!*text)
			return option_bad(o, text, "it must be a file's name",
					  err);
		*(const char **)at = text;
		break;
	case SM_OPTION_TEXT:
		*(const char **)at = text;
		break;
	case SM_OPTION_RANGES:
		ret = option_ranges(at, o, text, err);
		if (ret == 0 && !opts)
			free(scratch.ranges.range);
		break;
	case SM_OPTION_ARGV:
		return sm_err_set(err, SM_EUSAGE,
				  "'%s' is a list, which no text can give",
				  o->name);
	case SM_OPTION_FILES:
		/* One more of the list, which a specification keeps. */
		if (!*text)
			return option_bad(o, text, "it must be a file's name",
					  err);
		break;
	}
	if (ret == 0 && given)
		*given = true;
	return ret;
}

void
sm_options_init(const struct sm_option *table, void *opts)
{
	for (; table->name; table++)
		if (table->standard)
			sm_option_set(table, opts, table->standard, NULL);
}

int
sm_options_check(const struct sm_option *table, const void *opts,
		 struct sm_err *err)
{
	for (; table->name; table++)
		if ((table->flags & SM_OPTION_REQUIRED) &&
		    !sm_option_is_given(table, opts))
			return sm_err_set(err, SM_EUSAGE,
					  "option '--%s %s' is missing",
					  table->name, table->arg);
	return 0;
}

/* ------------------------------------------------------------- values -- */

const struct sm_option *
sm_option_find(const struct sm_option *table, const char *name)
{
	for (; table->name; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

/* Of the value in the options' struct, where equal bytes are equal values. */
static size_t
option_bytes(const struct sm_option *o)
{
	switch (o->type) {
	case SM_OPTION_BOOL:
		return sizeof(bool);
	case SM_OPTION_SWITCH:
	case SM_OPTION_WORD:
	case SM_OPTION_INT:
		return sizeof(int);
	default:
		return sizeof(uint64_t);
	}
}

bool
sm_option_may_lack(const struct sm_option *o)
{
	switch (o->type) {
	case SM_OPTION_TEXT:
	case SM_OPTION_FILE:
		return !(o->flags & SM_OPTION_REQUIRED);
	case SM_OPTION_ARGV:
	case SM_OPTION_FILES:
	case SM_OPTION_SWITCH:
		return true;
	case SM_OPTION_BOOL:
	case SM_OPTION_WORD:
		return false;
	default:
		return o->given_at || !o->standard;
	}
}

bool
sm_option_is_given(const struct sm_option *o, const void *opts)
{
	static const char zero[sizeof(uint64_t)];

	if (o->given_at)
		return *(const bool *)((const char *)opts + o->given_at);
	if (o->type == SM_OPTION_TEXT || o->type == SM_OPTION_FILE ||
	    o->type == SM_OPTION_ARGV || o->type == SM_OPTION_FILES)
		return *(const void *const *)sm_option_at(o, opts) != NULL;
	if (!sm_option_may_lack(o))
		return true;
	return memcmp(sm_option_at(o, opts), zero, option_bytes(o)) != 0;
}

static bool
option_same_argv(const char *const *a, const char *const *b)
{
	for (; *a && *b; a++, b++)
		if (strcmp(*a, *b) != 0)
			return false;
	return *a == *b;
}

bool
sm_option_same(const struct sm_option *o, const void *a, const void *b)
{
	const void *x = sm_option_at(o, a), *y = sm_option_at(o, b);
	bool given = sm_option_is_given(o, a);

	if (given != sm_option_is_given(o, b))
		return false;
	if (!given)
		return true;
	if (o->type == SM_OPTION_ARGV || o->type == SM_OPTION_FILES)
		return option_same_argv(*(const char *const *const *)x,
					*(const char *const *const *)y);
	if (o->type == SM_OPTION_TEXT || o->type == SM_OPTION_FILE)
		return strcmp(*(const char *const *)x,
			      *(const char *const *)y) == 0;
	return memcmp(x, y, option_bytes(o)) == 0;
}

int
sm_double_digits(double v)
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

static void
option_put_argv(struct sm_buf *out, const char *const *argv)
{
	const char *before = "";

	for (; *argv; argv++, before = " ")
		sm_buf_printf(out, "%s'%s'", before, *argv);
}

void
sm_option_put(struct sm_buf *out, const struct sm_option *o, const void *opts)
{
	const void *at = sm_option_at(o, opts);

	if (!sm_option_is_given(o, opts)) {
		if (o->unset)
			sm_buf_puts(out, o->unset);
		else if (o->given_at && (o->type == SM_OPTION_ID ||
					 o->type == SM_OPTION_DOUBLE))
			sm_buf_puts(out, "none");
		else
			sm_buf_puts(out, "not given");
		return;
	}
	switch (o->type) {
	case SM_OPTION_BOOL:
		sm_buf_puts(out, *(const bool *)at ? "yes" : "no");
		break;
	case SM_OPTION_SWITCH:
		sm_buf_puts(out, *(const int *)at == 1 ? "yes" : "no");
		break;
	case SM_OPTION_WORD:
		sm_buf_puts(out, o->words[*(const int *)at - o->min]);
		break;
	case SM_OPTION_INT:
		sm_buf_printf(out, "%d", *(const int *)at);
		break;
	case SM_OPTION_ID:
		sm_buf_printf(out, "%" PRId64, *(const int64_t *)at);
		break;
	case SM_OPTION_UINT:
	case SM_OPTION_BYTES:
		sm_buf_printf(out, "%" PRIu64, *(const uint64_t *)at);
		break;
	case SM_OPTION_DOUBLE:
		sm_buf_printf(out, "%.*g",
			      sm_double_digits(*(const double *)at),
			      *(const double *)at);
		break;
	case SM_OPTION_TEXT:
	case SM_OPTION_FILE:
		sm_buf_printf(out, "'%s'", *(const char *const *)at);
		break;
	case SM_OPTION_ARGV:
	case SM_OPTION_FILES:
		option_put_argv(out, *(const char *const *const *)at);
		break;
	case SM_OPTION_RANGES: /* in no specification */
		break;
	}
}

/* -------------------------------------------------------------- names -- */

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
	size_t row[3][OPTION_NAME_MAX + 1];
	size_t *two = row[0], *one = row[1], *cur = row[2], *t;
	size_t n = strlen(a), m = strlen(b), i, j;

	if (n > OPTION_NAME_MAX || m > OPTION_NAME_MAX)
		return OPTION_NAME_MAX;
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
sm_option_nearest(const char *word, const char *const *names, size_t count)
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
