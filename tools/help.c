/*
 * The text of --help, from the same tables of options that are parsed.  It is
 * apart from options.c, which parses, because only this knows columns and
 * widths.
 */
#include <inttypes.h>
#include <string.h>

#include "options.h"

/* Column where the explanations begin, and where lines end. */
#define HELP_COLUMN 26
#define HELP_WIDTH  78

/*
 * The default, from the struct that the options of a command are read into, or
 * from `standard` where a word says more than a number.  Empty: there is none
 * to tell.
 */
static void
help_default(char *text, size_t size, const struct sm_option *o,
	     const char *base)
{
	const void *at = base + o->at;

	*text = '\0';
	if (o->standard) {
		snprintf(text, size, "%s", o->standard);
		return;
	}
	switch (o->type) {
	case SM_OPTION_WORD:
		snprintf(text, size, "%s", o->words[*(const int *)at]);
		break;
	case SM_OPTION_WORD_BOOL:
		snprintf(text, size, "%s", o->words[*(const bool *)at]);
		break;
	case SM_OPTION_ID:
		snprintf(text, size, "%" PRId64, *(const int64_t *)at);
		break;
	case SM_OPTION_UINT:
	case SM_OPTION_BYTES:
		if (*(const uint64_t *)at)
			snprintf(text, size, "%" PRIu64, *(const uint64_t *)at);
		break;
	case SM_OPTION_INT:
		if (*(const int *)at > 0)
			snprintf(text, size, "%d", *(const int *)at);
		break;
	case SM_OPTION_DOUBLE:
		if (*(const double *)at > 0)
			snprintf(text, size, "%g", *(const double *)at);
		break;
	case SM_OPTION_STRING:
		if (*(const char *const *)at)
			snprintf(text, size, "%s", *(const char *const *)at);
		break;
	case SM_OPTION_BOOL:
	case SM_OPTION_CONST:
	case SM_OPTION_RANGES:
		break;
	}
}

/* Words of `text` from column `col` on, wrapped; returns the new column. */
static size_t
help_wrap(FILE *f, size_t col, const char *text)
{
	size_t n;

	while (*text) {
		n = strcspn(text, " ");
		if (col > HELP_COLUMN && col + 1 + n > HELP_WIDTH) {
			fprintf(f, "\n%*s", HELP_COLUMN, "");
			col = HELP_COLUMN;
		}
		if (col > HELP_COLUMN) {
			putc(' ', f);
			col++;
		}
		fwrite(text, 1, n, f);
		col += n;
		text += n + strspn(text + n, " ");
	}
	return col;
}

/*
 * Letter and name on the left; the explanation on the right, or below if the
 * name is too long.
 */
static void
help_option(FILE *f, const struct sm_option *o, const char *base)
{
	char left[64], value[64], standard[96];
	const char *gap = "", *arg = "";
	size_t n, col;

	if (o->arg) {
		gap = " ";
		arg = o->arg;
	}
	if (o->letter)
		n = (size_t)snprintf(left, sizeof(left), "  -%c, --%s%s%s",
				     o->letter, o->name, gap, arg);
	else
		n = (size_t)snprintf(left, sizeof(left), "      --%s%s%s",
				     o->name, gap, arg);
	fputs(left, f);
	if (n + 2 > HELP_COLUMN) {
		putc('\n', f);
		n = 0;
	}
	fprintf(f, "%*s", (int)(HELP_COLUMN - n), "");
	col = help_wrap(f, HELP_COLUMN, o->help);
	help_default(value, sizeof(value), o, base);
	if (o->required)
		help_wrap(f, col, "(required)");
	else if (*value) {
		snprintf(standard, sizeof(standard), "(default: %s)", value);
		help_wrap(f, col, standard);
	}
	putc('\n', f);
}

void
sm_options_help(FILE *f, const struct sm_option_group *groups, const void *args)
{
	const struct sm_option_group *g;
	const struct sm_option *o;

	for (g = groups; g->title; g++) {
		fprintf(f, "\n%s:\n", g->title);
		for (o = g->table; o->name; o++)
			if (!o->hidden)
				help_option(f, o, (const char *)args + g->at);
	}
}
