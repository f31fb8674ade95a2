#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

#include "options.h"

/* More ranges than anybody types; keeps a typo from eating the memory. */
#define VALUE_RANGES_MAX 100000

static int
value_bad(const struct sm_option *o, const char *text, const char *why,
	  struct sm_err *err)
{
	char letter[] = { '-', o->letter, ',', ' ', '\0' };

	return sm_output_fail(err, SM_EUSAGE, "bad value '%s' for '%s--%s': %s",
			      text, o->letter ? letter : "", o->name, why);
}

static int
value_outside(const struct sm_option *o, const char *text, int64_t min,
	      int64_t max, struct sm_err *err)
{
	char why[96];

	if (max == INT64_MAX)
		snprintf(why, sizeof(why), "it must be %" PRId64 " or more",
			 min);
	else
		snprintf(why, sizeof(why), "it must be %" PRId64 " to %" PRId64,
			 min, max);
	return value_bad(o, text, why, err);
}

/* Numbers end in SQLite's integers, so 2^63 - 1 is the largest. */
static int
value_too_large(const struct sm_option *o, const char *text, struct sm_err *err)
{
	return value_bad(o, text, "it is too large", err);
}

/*
 * Digits at `*p`, moved behind them; false if there are none.  What does not
 * fit is `*over`.
 */
static bool
value_digits(int64_t *v, bool *over, const char **p)
{
	const char *s = *p;
	int64_t n = 0;

	*over = false;
	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, *s - '0', &n))
			*over = true;
	if (s == *p)
		return false;
	*p = s;
	*v = n;
	return true;
}

static int
value_integer(int64_t *v, const struct sm_option *o, const char *text,
	      struct sm_err *err)
{
	int64_t max = o->max ? o->max : INT64_MAX;
	const char *p = text;
	bool minus = o->type == SM_OPTION_ID && *p == '-', over;

	if (minus)
		p++;
	if (!value_digits(v, &over, &p) || *p)
		return value_bad(o, text, "it must be a whole number", err);
	if (over)
		return value_too_large(o, text, err);
	if (minus)
		*v = -*v;
	else if (*v < o->min || *v > max)
		return value_outside(o, text, o->min, max, err);
	return 0;
}

static int
value_bytes(int64_t *v, const struct sm_option *o, const char *text,
	    struct sm_err *err)
{
	static const char suffixes[] = "KMGT";
	const char *p = text, *s;
	int64_t max = o->max ? o->max : INT64_MAX;
	bool over, ok = value_digits(v, &over, &p);

	s = ok && *p ? strchr(suffixes, *p) : NULL;
	if (s) {
		p++;
		over |= __builtin_mul_overflow(
			*v, INT64_C(1) << (10 * (s - suffixes + 1)), v);
	}
	if (!ok || *p)
		return value_bad(o, text,
				 "it must be a number of bytes, with "
				 "K, M, G or T behind it for powers of 1024",
				 err);
	if (over)
		return value_too_large(o, text, err);
	if (*v < o->min || *v > max)
		return value_outside(o, text, o->min, max, err);
	return 0;
}

static int
value_double(double *v, const struct sm_option *o, const char *text,
	     struct sm_err *err)
{
	char *end;

	/* strtod() would take blanks, hexadecimal, "inf" and "nan". */
	if (!*text || text[strspn(text, "0123456789.eE+-")])
		return value_bad(o, text, "it must be a number", err);
	*v = strtod(text, &end);
	if (*end || end == text || !isfinite(*v))
		return value_bad(o, text, "it must be a number", err);
	if (o->max && (*v < (double)o->min || *v > (double)o->max))
		return value_outside(o, text, o->min, o->max, err);
	return 0;
}

static int
value_word(int *v, const struct sm_option *o, const char *text,
	   struct sm_err *err)
{
	char why[160] = "it must be ";
	size_t i, n = strlen(why);

	for (i = 0; o->words[i]; i++) {
		if (strcmp(o->words[i], text) == 0) {
			*v = (int)i;
			return 0;
		}
		n += (size_t)snprintf(why + n, sizeof(why) - n, "%s%s",
				      i == 0            ? ""
				      : o->words[i + 1] ? ", "
							: " or ",
				      o->words[i]);
	}
	return value_bad(o, text, why, err);
}

/* One range at `*p`, moved behind it. */
static bool
value_range(struct sm_batch_range *r, const char **p)
{
	int64_t first, last;
	bool over;

	if (!value_digits(&first, &over, p) || over)
		return false;
	last = first;
	if (**p == '-') {
		++*p;
		if (!value_digits(&last, &over, p) || over)
			return false;
	}
	r->first = (uint64_t)first;
	r->last = (uint64_t)last;
	return first <= last;
}

static int
value_ranges(struct sm_ranges *v, const struct sm_option *o, const char *text,
	     struct sm_err *err)
{
	struct sm_batch_range *range;
	const char *p;
	size_t n = 1;

	for (p = text; *p; p++)
		n += *p == ',';
	if (n > VALUE_RANGES_MAX)
		return value_bad(o, text, "too many ranges", err);
	if (o->max > 0 && n > (size_t)o->max)
		return value_bad(o, text, "one range can be given", err);
	range = calloc(n, sizeof(*range));
	if (!range)
		return sm_output_fail(err, SM_ENOMEM,
				      "out of memory for '--%s'", o->name);
	for (p = text, n = 0; value_range(&range[n], &p); p++) {
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
	return value_bad(o, text,
			 o->max == 1 ? "it must be a number, or a range such "
				       "as 7-9, the smaller end first"
				     : "it must be numbers and ranges such as "
				       "3,7-9, the smaller end first",
			 err);
}

int
sm_option_store(const struct sm_option *o, void *base, const char *text,
		struct sm_err *err)
{
	void *at = (char *)base + o->at;
	bool *flag = o->flag_at ? (bool *)((char *)base + o->flag_at) : NULL;
	int64_t n = 0;
	int word = 0, ret = 0;

	switch (o->type) {
	case SM_OPTION_BOOL:
		*(bool *)at = true;
		break;
	case SM_OPTION_CONST:
		*(int *)at = o->constant;
		break;
	case SM_OPTION_WORD:
	case SM_OPTION_WORD_BOOL:
		ret = value_word(&word, o, text, err);
		if (ret == 0 && o->type == SM_OPTION_WORD)
			*(int *)at = word + o->constant;
		else if (ret == 0)
			*(bool *)at = word != 0;
		break;
	case SM_OPTION_INT:
		ret = value_integer(&n, o, text, err);
		if (ret == 0)
			*(int *)at = (int)n;
		break;
	case SM_OPTION_ID:
		if (strcmp(text, "none") == 0) {
			*flag = false;
			return 0;
		}
		ret = value_integer(&n, o, text, err);
		if (ret == 0)
			*(int64_t *)at = n;
		break;
	case SM_OPTION_UINT:
	case SM_OPTION_BYTES:
		ret = o->type == SM_OPTION_UINT
			      ? value_integer(&n, o, text, err)
			      : value_bytes(&n, o, text, err);
		if (ret == 0)
			*(uint64_t *)at = (uint64_t)n;
		break;
	case SM_OPTION_DOUBLE:
		ret = value_double(at, o, text, err);
		break;
	case SM_OPTION_STRING:
		if (!*text && strcmp(o->arg, "FILE") == 0)
			return value_bad(o, text, "it must be a file's name",
					 err);
		*(const char **)at = text;
		break;
	case SM_OPTION_RANGES:
		ret = value_ranges(at, o, text, err);
		break;
	}
	if (ret == 0 && flag)
		*flag = true;
	return ret;
}
