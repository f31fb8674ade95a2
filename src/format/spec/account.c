/*
 * account.c - what became of a job's rows and entries, in words
 *
 * Planning says by it what the first rows look like, and a run what it left
 * out: the same causes in the same words.  It is beside the options, because
 * the words name their values.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "account.h"

/* "1,234,567" */
static void
account_put_number(struct sm_buf *out, uint64_t n)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n), i;

	for (i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			sm_buf_putc(out, ',');
		sm_buf_putc(out, digits[i]);
	}
}

/* The words of a cause; "{name}" is the value of that option. */
static void
account_put_why(struct sm_buf *out, const char *why,
		const struct sm_option *table, const void *opts)
{
	const struct sm_option *o;
	const char *close;
	char name[40];

	for (; *why; why++) {
		close = strchr(why, '}');
		if (*why != '{' || !close) {
			sm_buf_putc(out, *why);
			continue;
		}
		snprintf(name, sizeof(name), "%.*s", (int)(close - why - 1),
			 why + 1);
		o = sm_option_find(table, name);
		if (o)
			sm_option_put(out, o, opts);
		why = close;
	}
}

/* Rows, or entries: what there were, written or not. */
static uint64_t
account_all(const struct sm_counts *c, bool rows)
{
	uint64_t n = 0;
	unsigned i;

	if (rows)
		return c->rows;
	for (i = 0; i < SM_TALLIES; i++)
		if (!sm_tally(i)->rows)
			n += c->tally[i];
	return n;
}

static void
account_put_unit(struct sm_buf *out, const struct sm_counts *c, bool rows,
		 const struct sm_option *table, const void *opts)
{
	uint64_t all = account_all(c, rows);
	const char *before = "; ";
	const struct sm_tally *t;
	unsigned i;

	account_put_number(out, rows ? c->records : c->tally[SM_TALLY_ENTRIES]);
	sm_buf_puts(out, " of ");
	account_put_number(out, all);
	sm_buf_puts(out, rows ? " rows written" : " entries written");
	if (!rows)
		before = "; left out: ";
	for (i = 0; (t = sm_tally(i)); i++) {
		if (!t->why || t->rows != rows || c->tally[i] == 0)
			continue;
		sm_buf_puts(out, before);
		account_put_number(out, c->tally[i]);
		sm_buf_putc(out, ' ');
		account_put_why(out, t->why, table, opts);
		before = ", ";
	}
}

void
sm_account_put(struct sm_buf *out, const struct sm_counts *c,
	       const struct sm_option *table, const void *opts)
{
	bool some = false;
	unsigned i;

	for (i = 0; i < SM_TALLIES; i++)
		some |= sm_tally(i)->why && c->tally[i] > 0;
	if (!some)
		return;
	account_put_unit(out, c, true, table, opts);
	sm_buf_puts(out, ". ");
	account_put_unit(out, c, false, table, opts);
}

void
sm_account_put_large(struct sm_buf *out, const struct sm_counts *c,
		     const struct sm_option *table, const void *opts)
{
	const struct sm_tally *t;
	const char *before = "";
	uint64_t all, least;
	unsigned i;

	for (i = 0; (t = sm_tally(i)); i++) {
		all = account_all(c, t->rows);
		least = t->rows ? all / 2 : all / 10;
		if (!t->why || t->asked || c->tally[i] <= least)
			continue;
		sm_buf_printf(out, "%s%.0f %% of the %s ", before,
			      100.0 * (double)c->tally[i] / (double)all,
			      t->rows ? "rows" : "entries are left out");
		account_put_why(out, t->why, table, opts);
		before = ", ";
	}
}
