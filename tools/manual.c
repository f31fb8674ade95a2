/*
 * The section OPTIONS of the manual, as the build puts it into shardmill.1, and
 * the page of one command.  The section has each table of options once, under
 * the names of the commands that share it, with the sentences that --help
 * leaves out.
 */
#include <ctype.h>
#include <string.h>

#include "describe.h"
#include "options.h"
#include "output.h"

static void
manual_put(FILE *f, const char *s, size_t n)
{
	for (; n > 0; s++, n--) {
		if (*s == '-')
			fputs("\\-", f);
		else if (*s == '\\')
			fputs("\\e", f);
		else
			putc(*s, f);
	}
}

/* One word: an option in bold, the option's own value in italics. */
static void
manual_word(FILE *f, const char *word, size_t len, const char *arg)
{
	size_t before = strspn(word, "("), n = len, body;
	const char *font = "";

	if (before > len)
		before = len;
	while (n > before && strchr(".,;:)", word[n - 1]))
		n--;
	body = n - before;
	if (body > 2 && strncmp(word + before, "--", 2) == 0)
		font = "\\fB";
	else if (body > 0 && strlen(arg) == body &&
		 strncmp(word + before, arg, body) == 0)
		font = "\\fI";
	/* No line may begin like a request. */
	if (*word == '.' || *word == '\'')
		fputs("\\&", f);
	manual_put(f, word, before);
	fputs(font, f);
	manual_put(f, word + before, body);
	if (*font)
		fputs("\\fR", f);
	manual_put(f, word + n, len - n);
}

/* A sentence begins a line. */
static void
manual_text(FILE *f, const char *text, const char *arg)
{
	size_t n;

	while (*text) {
		n = strcspn(text, " ");
		manual_word(f, text, n, arg);
		putc(text[n - 1] == '.' || !text[n] ? '\n' : ' ', f);
		text += n + strspn(text + n, " ");
	}
}

/* The line of help, as a sentence. */
static void
manual_help(FILE *f, const struct sm_option *o, const char *arg)
{
	struct sm_option_text def = sm_option_default(o);
	char text[512];
	size_t word = strcspn(o->help, " ");

	if (*def.s)
		snprintf(text, sizeof(text), "%s (%s).", o->help, def.s);
	else
		snprintf(text, sizeof(text), "%s.", o->help);
	/* What is explained, as "jsonl:", is spelled as it is typed. */
	if (o->help[word - 1] != ':')
		*text = (char)toupper((unsigned char)*text);
	manual_text(f, text, arg);
}

static void
manual_option(FILE *f, const struct sm_option *o)
{
	struct sm_option_text arg = sm_option_arg(o);

	fputs(".TP\n", f);
	if (o->letter)
		fprintf(f, "\\fB\\-%c\\fR, ", o->letter);
	fputs("\\fB\\-\\-", f);
	manual_put(f, o->name, strlen(o->name));
	if (o->type == SM_OPTION_SWITCH) {
		fputs("\\fR, \\fB\\-\\-no\\-", f);
		manual_put(f, o->name, strlen(o->name));
	}
	if (*arg.s) {
		fputs("\\fR \\fI", f);
		manual_put(f, arg.s, strlen(arg.s));
	}
	fputs("\\fR\n", f);
	manual_help(f, o, arg.s);
	if (o->more)
		manual_text(f, o->more, arg.s);
}

/* Has the i-th command this table? */
static bool
manual_has(const struct sm_option *table, size_t i)
{
	const struct sm_option *o;
	struct sm_cmd cmd;
	struct sm_call call = { .cmd = &cmd };
	size_t t;

	if (!sm_cmd_at(&cmd, &call.kind, i))
		return false;
	for (t = 0; (o = sm_options_table(&call, t)) != NULL; t++)
		if (o == table)
			return true;
	return false;
}

static void
manual_heading(FILE *f, const char *title, const struct sm_option *table)
{
	const struct sm_kind_info *kind;
	const char *before = "";
	struct sm_cmd cmd;
	size_t i;

	fprintf(f, ".SS \"%c", toupper((unsigned char)*title));
	manual_put(f, title + 1, strlen(title + 1));
	fputs(" (", f);
	for (i = 0; sm_cmd_at(&cmd, &kind, i); i++) {
		if (!manual_has(table, i))
			continue;
		fprintf(f, "%s%s", before, cmd.name);
		before = ", ";
	}
	fputs(")\"\n", f);
}

static void
manual_table(FILE *f, const struct sm_option *table)
{
	const struct sm_option *o;

	if (!table->group)
		manual_heading(f, "options", table);
	for (o = table; o->name; o++) {
		if (o->group)
			manual_heading(f, o->group, table);
		if (sm_option_is_shown(o))
			manual_option(f, o);
	}
}

/* The options of one command, those of its own first. */
static void
manual_options_of(FILE *f, const struct sm_call *call)
{
	const struct sm_option *o;
	size_t t;

	for (t = 0; (o = sm_options_table(call, t)) != NULL; t++) {
		for (; o->name; o++) {
			if (o->group) {
				fprintf(f, ".SS \"%c",
					toupper((unsigned char)*o->group));
				manual_put(f, o->group + 1,
					   strlen(o->group + 1));
				fputs("\"\n", f);
			}
			if (sm_option_is_shown(o))
				manual_option(f, o);
		}
	}
}

void
sm_describe_manual(FILE *f)
{
	const struct sm_option *table;
	struct sm_cmd cmd;
	struct sm_call call = { .cmd = &cmd };
	size_t i, t, j;

	for (i = 0; sm_cmd_at(&cmd, &call.kind, i); i++) {
		for (t = 0; (table = sm_options_table(&call, t)); t++) {
			/* They are in their kind's table. */
			if (table->flags & SM_OPTION_LIMIT)
				continue;
			for (j = 0; j < i && !manual_has(table, j);)
				j++;
			if (j == i)
				manual_table(f, table);
		}
	}
}

int
sm_describe_command(FILE *f, const char *name, struct sm_err *err)
{
	struct sm_cmd cmd;
	struct sm_call call = { .cmd = &cmd };
	const char *p;
	size_t i;

	for (i = 0; sm_cmd_at(&cmd, &call.kind, i); i++)
		if (strcmp(cmd.name, name) == 0)
			break;
	if (!sm_cmd_at(&cmd, &call.kind, i))
		return sm_output_fail(err, SM_EUSAGE, "unknown command '%s'",
				      name);
	fputs(".TH \"SHARDMILL\\-", f);
	for (p = name; *p; p++)
		if (*p == '-')
			fputs("\\-", f);
		else
			putc(toupper((unsigned char)*p), f);
	fputs("\" 1 \"\" \"shardmill " SHARDMILL_VERSION
	      "\" \"User Commands\"\n.SH NAME\nshardmill\\-",
	      f);
	manual_put(f, name, strlen(name));
	fputs(" \\- ", f);
	manual_put(f, cmd.summary, strlen(cmd.summary));
	fputs("\n.SH SYNOPSIS\n.B shardmill ", f);
	manual_put(f, name, strlen(name));
	putc('\n', f);
	manual_text(f, cmd.usage, "");
	fprintf(f,
		"\n.SH DESCRIPTION\n"
		".\\\" The build puts what shardmill.1 says of %s here.\n",
		name);
	fputs(".SH OPTIONS\n"
	      "How values are written is in\n.BR shardmill (1).\n",
	      f);
	manual_options_of(f, &call);
	fputs(".SH \"EXIT STATUS\"\nSee\n.BR shardmill (1).\n"
	      ".SH \"SEE ALSO\"\n.BR shardmill (1),\n"
	      ".BR shardmill\\-jobs (7)\n",
	      f);
	return 0;
}
