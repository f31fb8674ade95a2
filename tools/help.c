/*
 * help.c - options in words: the help of a command, and what the manual shares
 * with it
 *
 * Both come from one table of options, so that they cannot differ.
 */
#include <string.h>

#include "options.h"

/* Column where the explanations begin, and where lines end. */
#define HELP_COLUMN 26
#define HELP_WIDTH  78

bool
sm_option_is_shown(const struct sm_option *o)
{
	return !(o->flags & (SM_OPTION_HIDDEN | SM_OPTION_UNTYPED));
}

struct sm_option_text
sm_option_arg(const struct sm_option *o)
{
	struct sm_option_text t = { "" };
	size_t n = 0, i;

	if (!o->words)
		snprintf(t.s, sizeof(t.s), "%s", o->arg ? o->arg : "");
	for (i = 0; o->words && o->words[i] && n < sizeof(t.s); i++)
		n += (size_t)snprintf(t.s + n, sizeof(t.s) - n, "%s%s",
				      i > 0 ? "|" : "", o->words[i]);
	return t;
}

struct sm_option_text
sm_option_default(const struct sm_option *o)
{
	struct sm_option_text t = { "" };

	if (o->flags & SM_OPTION_REQUIRED)
		snprintf(t.s, sizeof(t.s), "required");
	else if (o->standard)
		snprintf(t.s, sizeof(t.s), "default: %s%s%s", o->standard,
			 o->unit ? " " : "", o->unit ? o->unit : "");
	else if (o->unset)
		snprintf(t.s, sizeof(t.s), "default: %s", o->unset);
	return t;
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

static void
help_option(FILE *f, const struct sm_option *o)
{
	struct sm_option_text arg = sm_option_arg(o),
			      def = sm_option_default(o);
	char standard[sizeof(def.s) + 2];
	size_t col;
	int n;

	if (o->letter)
		n = fprintf(f, "  -%c, --%s", o->letter, o->name);
	else
		n = fprintf(f, "      --%s", o->name);
	if (o->type == SM_OPTION_SWITCH)
		n += fprintf(f, ", --no-%s", o->name);
	if (*arg.s)
		n += fprintf(f, " %s", arg.s);
	if (n + 2 > HELP_COLUMN) {
		putc('\n', f);
		n = 0;
	}
	fprintf(f, "%*s", HELP_COLUMN - n, "");
	col = help_wrap(f, HELP_COLUMN, o->help);
	if (*def.s) {
		snprintf(standard, sizeof(standard), "(%s)", def.s);
		help_wrap(f, col, standard);
	}
	putc('\n', f);
}

void
sm_options_help(FILE *f, const struct sm_call *call)
{
	const struct sm_option *o;
	bool untitled = false;
	size_t i;

	for (i = 0; (o = sm_options_table(call, i)) != NULL; i++) {
		if (!o->group && !untitled)
			fputs("\noptions:\n", f);
		untitled = !o->group;
		for (; o->name; o++) {
			if (o->group)
				fprintf(f, "\n%s:\n", o->group);
			if (sm_option_is_shown(o))
				help_option(f, o);
		}
	}
}
