/*
 * columns.c - split an item into its columns
 *
 * Apart from replace.c, which puts them into words: an expression is compiled
 * once, and an item is split once for all words of its command.
 */
#include <stdlib.h>
#include <string.h>

#include "buf.h"

#include "columns.h"

/* \t is no TAB to regcomp(). */
static char *
columns_pattern(const char *colsep)
{
	struct sm_buf b = { 0 };
	const char *p;

	for (p = colsep; *p; p++) {
		if (p[0] != '\\' || !p[1]) {
			sm_buf_putc(&b, *p);
			continue;
		}
		if (*++p == 't')
			sm_buf_putc(&b, '\t');
		else
			sm_buf_put(&b, p - 1, 2);
	}
	return sm_buf_steal(&b);
}

int
sm_columns_init(struct sm_columns *c, int planned, const char *colsep,
		struct sm_err *err)
{
	char *pattern, why[128];
	int ret = 0, code;

	*c = (struct sm_columns){ .planned = planned, .colsep = colsep };
	if (!colsep || strlen(colsep) == 1)
		return 0;
	pattern = columns_pattern(colsep);
	if (!pattern)
		return sm_err_mem(err, "the columns");
	code = regcomp(&c->regex, pattern, REG_EXTENDED);
	c->has_regex = code == 0;
	if (code != 0) {
		regerror(code, &c->regex, why, sizeof(why));
		ret = sm_err_set(err, SM_EUSAGE,
				 "bad value '%s' for '--colsep': %s", colsep,
				 why);
	} else if (regexec(&c->regex, "", 0, NULL, 0) == 0) {
		ret = sm_err_set(err, SM_EUSAGE,
				 "bad value '%s' for '--colsep': it matches "
				 "where nothing is",
				 colsep);
	}
	free(pattern);
	if (ret < 0)
		sm_columns_release(c);
	return ret;
}

static int
columns_add(struct sm_columns *c, const char *text, size_t len,
	    struct sm_err *err)
{
	struct sm_column *grown;

	if (c->count == c->cap) {
		grown = realloc(c->column,
				(2 * c->cap + 8) * sizeof(*c->column));
		if (!grown)
			return sm_err_mem(err, "an item's columns");
		c->column = grown;
		c->cap = 2 * c->cap + 8;
	}
	c->column[c->count++] = (struct sm_column){ text, len };
	return 0;
}

/* The next separator in `p`; NULL: there is none.  None is empty. */
static const char *
columns_next(const struct sm_columns *c, const char *p, bool first, size_t *len)
{
	int sep = c->colsep ? *c->colsep : SM_COLUMNS_SEP;
	regmatch_t m;

	if (c->has_regex) {
		if (regexec(&c->regex, p, 1, &m, first ? 0 : REG_NOTBOL) != 0 ||
		    m.rm_eo == m.rm_so)
			return NULL;
		*len = (size_t)(m.rm_eo - m.rm_so);
		return p + m.rm_so;
	}
	*len = 1;
	if (c->planned == 1)
		return NULL;
	return strchr(p, sep);
}

int
sm_columns_split(struct sm_columns *c, const char *item, struct sm_err *err)
{
	const char *p = item, *stop;
	size_t len;
	int ret = 0;

	c->count = 0;
	if (!item || c->planned <= SM_COLUMNS_NONE)
		return 0;
	while (ret == 0 && (stop = columns_next(c, p, p == item, &len))) {
		ret = columns_add(c, p, (size_t)(stop - p), err);
		p = stop + len;
	}
	if (ret == 0)
		ret = columns_add(c, p, strlen(p), err);
	return ret;
}

void
sm_columns_release(struct sm_columns *c)
{
	if (c->has_regex)
		regfree(&c->regex);
	free(c->column);
	*c = (struct sm_columns){ 0 };
}
