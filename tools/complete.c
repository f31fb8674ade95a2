/*
 * Completion for bash, zsh and fish: a script each, which the build writes and
 * installs.  What can be completed comes from the tables; the scripts differ in
 * how a shell wants to be told.
 */
#include <string.h>

#include "describe.h"
#include "options.h"
#include "output.h"

static bool
complete_has_value(const struct sm_option *o)
{
	return o->type != SM_OPTION_BOOL && o->type != SM_OPTION_SWITCH;
}

static bool
complete_is_file(const struct sm_option *o)
{
	return o->type == SM_OPTION_FILE || o->type == SM_OPTION_FILES;
}

/* Put `s` between single quotes. */
static void
complete_quoted(FILE *f, const char *s)
{
	for (; *s; s++) {
		if (*s == '\'')
			fputs("'\\''", f);
		else
			putc(*s, f);
	}
}

/* --------------------------------------------------------------- bash -- */

static void
bash_options(FILE *f, const struct sm_call *call)
{
	const struct sm_option *o;
	size_t t;

	for (t = 0; (o = sm_options_table(call, t)) != NULL; t++) {
		for (; o->name; o++) {
			if (!sm_option_is_shown(o))
				continue;
			fprintf(f, " --%s", o->name);
			if (o->type == SM_OPTION_SWITCH)
				fprintf(f, " --no-%s", o->name);
		}
	}
}

/* A line for each option whose value is no file, with the words it may be. */
static void
bash_values(FILE *f, const struct sm_call *call)
{
	const struct sm_option *o;
	size_t t, i;

	for (t = 0; (o = sm_options_table(call, t)) != NULL; t++) {
		for (; o->name; o++) {
			if (!sm_option_is_shown(o) || !complete_has_value(o) ||
			    complete_is_file(o))
				continue;
			fputs("\t\t", f);
			if (o->letter)
				fprintf(f, "-%c | ", o->letter);
			fprintf(f, "--%s) values='", o->name);
			for (i = 0; o->words && o->words[i]; i++)
				fprintf(f, "%s%s", i > 0 ? " " : "",
					o->words[i]);
			fputs("' ;;\n", f);
		}
	}
}

static void
bash_command(FILE *f, const char *pattern, const struct sm_call *call)
{
	fprintf(f, "\t'%s')\n\t\toptions='--help", pattern);
	bash_options(f, call);
	fputs("'\n\t\tcase $prev in\n", f);
	bash_values(f, call);
	fputs("\t\t*) values=- ;;\n\t\tesac\n\t\t;;\n", f);
}

static void
complete_bash(FILE *f)
{
	const struct sm_kind_info *kind;
	struct sm_cmd cmd;
	struct sm_call call = { .cmd = &cmd };
	char pattern[128];
	size_t i, k;

	fputs("# bash completion for shardmill\n"
	      "_shardmill() {\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} options='' values=- i\n"
	      "\tlocal prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	      "\tlocal command=${COMP_WORDS[1]} kinds='",
	      f);
	for (k = 0; (kind = sm_kind_info(k)) != NULL; k++)
		fprintf(f, "%s%s", k > 0 ? " " : "", kind->name);
	fputs("'\n\tCOMPREPLY=()\n"
	      "\tif [ \"$COMP_CWORD\" = 1 ]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W '--help --version",
	      f);
	for (i = 0; sm_cmd_at(&cmd, &kind, i); i++)
		fprintf(f, " %s", cmd.name);
	fputs("' -- \"$cur\"))\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\t# What follows -- is another program's.\n"
	      "\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
	      "\t\t[ \"${COMP_WORDS[i]}\" != -- ] || return 0\n"
	      "\tdone\n"
	      "\tif [ \"$command\" = plan ]; then\n"
	      "\t\tif [ \"$COMP_CWORD\" = 3 ]; then\n"
	      "\t\t\tCOMPREPLY=($(compgen -W \"$kinds\" -- \"$cur\"))\n"
	      "\t\t\treturn\n"
	      "\t\tfi\n"
	      "\t\tcommand=\"plan ${COMP_WORDS[3]}\"\n"
	      "\tfi\n"
	      "\tcase $command in\n",
	      f);
	for (i = 0; sm_cmd_at(&cmd, &call.kind, i); i++) {
		if (!cmd.takes_kind) {
			bash_command(f, cmd.name, &call);
			continue;
		}
		for (k = 0; (call.kind = sm_kind_info(k)) != NULL; k++) {
			snprintf(pattern, sizeof(pattern), "%s %s", cmd.name,
				 call.kind->name);
			bash_command(f, pattern, &call);
		}
	}
	fputs("\tesac\n"
	      "\tif [ \"$values\" != - ]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"$values\" -- \"$cur\"))\n"
	      "\telif [[ $cur = -* ]]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
	      "\telse\n"
	      "\t\tcompopt -o default 2>/dev/null\n"
	      "\tfi\n"
	      "}\n"
	      "complete -F _shardmill shardmill\n",
	      f);
}

/* ---------------------------------------------------------------- zsh -- */

/* An explanation: brackets end it, quotes end the word. */
static void
zsh_help(FILE *f, const char *s)
{
	putc('[', f);
	for (; *s; s++) {
		if (*s == '\'') {
			fputs("'\\''", f);
			continue;
		}
		if (*s == '[' || *s == ']' || *s == '\\')
			putc('\\', f);
		putc(*s, f);
	}
	putc(']', f);
}

static void
zsh_value(FILE *f, const struct sm_option *o)
{
	size_t i;

	if (!complete_has_value(o))
		return;
	fputs(":value:", f);
	if (complete_is_file(o)) {
		fputs("_files", f);
	} else if (o->words) {
		putc('(', f);
		for (i = 0; o->words[i]; i++)
			fprintf(f, "%s%s", i > 0 ? " " : "", o->words[i]);
		putc(')', f);
	}
}

static void
zsh_option(FILE *f, const struct sm_option *o, const char *dashes)
{
	fprintf(f, " \\\n\t\t\t'%s%s%s", o->type == SM_OPTION_FILES ? "*" : "",
		dashes, o->name);
	if (complete_has_value(o))
		putc('=', f);
	zsh_help(f, o->help);
	zsh_value(f, o);
	putc('\'', f);
	if (!o->letter)
		return;
	fprintf(f, " \\\n\t\t\t'-%c", o->letter);
	if (complete_has_value(o))
		putc('+', f);
	zsh_help(f, o->help);
	zsh_value(f, o);
	putc('\'', f);
}

static void
zsh_command(FILE *f, const char *pattern, const struct sm_call *call)
{
	const struct sm_option *o;
	size_t t;

	fprintf(f, "\t'%s')\n\t\t_arguments '--help[explain it]'", pattern);
	for (t = 0; (o = sm_options_table(call, t)) != NULL; t++) {
		for (; o->name; o++) {
			if (!sm_option_is_shown(o))
				continue;
			zsh_option(f, o, "--");
			if (o->type == SM_OPTION_SWITCH)
				zsh_option(f, o, "--no-");
		}
	}
	fputs(" '*:file:_files'\n\t\t;;\n", f);
}

static void
complete_zsh(FILE *f)
{
	const struct sm_kind_info *kind;
	struct sm_cmd cmd;
	struct sm_call call = { .cmd = &cmd };
	char pattern[128];
	size_t i, k;

	fputs("#compdef shardmill\n"
	      "_shardmill() {\n"
	      "\tlocal -a commands kinds\n"
	      "\tlocal command=$words[2]\n"
	      "\tcommands=(\n",
	      f);
	for (i = 0; sm_cmd_at(&cmd, &kind, i); i++) {
		fprintf(f, "\t\t'%s:", cmd.name);
		complete_quoted(f, cmd.summary);
		fputs("'\n", f);
	}
	fputs("\t)\n\tkinds=(", f);
	for (k = 0; (kind = sm_kind_info(k)) != NULL; k++)
		fprintf(f, "%s%s", k > 0 ? " " : "", kind->name);
	fputs(")\n"
	      "\tif ((CURRENT == 2)); then\n"
	      "\t\t_describe command commands\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\tif [[ $command = plan ]]; then\n"
	      "\t\tif ((CURRENT == 4)); then\n"
	      "\t\t\t_describe kind kinds\n"
	      "\t\t\treturn\n"
	      "\t\tfi\n"
	      "\t\tcommand=\"plan $words[4]\"\n"
	      "\tfi\n"
	      "\tcase $command in\n",
	      f);
	for (i = 0; sm_cmd_at(&cmd, &call.kind, i); i++) {
		if (!cmd.takes_kind) {
			zsh_command(f, cmd.name, &call);
			continue;
		}
		for (k = 0; (call.kind = sm_kind_info(k)) != NULL; k++) {
			snprintf(pattern, sizeof(pattern), "%s %s", cmd.name,
				 call.kind->name);
			zsh_command(f, pattern, &call);
		}
	}
	fputs("\tesac\n"
	      "}\n"
	      "_shardmill \"$@\"\n",
	      f);
}

/* --------------------------------------------------------------- fish -- */

static void
fish_option(FILE *f, const char *condition, const struct sm_option *o,
	    const char *no)
{
	size_t i;

	fprintf(f, "complete -c shardmill -n '%s' -l %s%s", condition, no,
		o->name);
	if (o->letter)
		fprintf(f, " -s %c", o->letter);
	if (complete_is_file(o)) {
		fputs(" -r -F", f);
	} else if (complete_has_value(o)) {
		fputs(" -x", f);
		if (o->words)
			fputs(" -a '", f);
		for (i = 0; o->words && o->words[i]; i++)
			fprintf(f, "%s%s", i > 0 ? " " : "", o->words[i]);
		if (o->words)
			putc('\'', f);
	}
	fputs(" -d '", f);
	complete_quoted(f, o->help);
	fputs("'\n", f);
}

static void
fish_command(FILE *f, const char *condition, const struct sm_call *call)
{
	const struct sm_option *o;
	size_t t;

	for (t = 0; (o = sm_options_table(call, t)) != NULL; t++) {
		for (; o->name; o++) {
			if (!sm_option_is_shown(o))
				continue;
			fish_option(f, condition, o, "");
			if (o->type == SM_OPTION_SWITCH)
				fish_option(f, condition, o, "no-");
		}
	}
}

static void
complete_fish(FILE *f)
{
	static const char seen[] = "__fish_seen_subcommand_from";
	const struct sm_kind_info *kind;
	struct sm_cmd cmd;
	struct sm_call call = { .cmd = &cmd };
	char condition[160];
	size_t i, k;

	fputs("# fish completion for shardmill\n", f);
	for (i = 0; sm_cmd_at(&cmd, &kind, i); i++) {
		fprintf(f,
			"complete -c shardmill -n __fish_use_subcommand -f "
			"-a %s -d '",
			cmd.name);
		complete_quoted(f, cmd.summary);
		fputs("'\n", f);
	}
	for (i = 0; sm_cmd_at(&cmd, &call.kind, i); i++) {
		/* The kind of a plan is a word among its arguments. */
		snprintf(condition, sizeof(condition), "%s %s", seen, cmd.name);
		fish_command(f, condition, &call);
		for (k = 0; cmd.takes_kind && (kind = sm_kind_info(k)); k++)
			fprintf(f, "complete -c shardmill -n '%s %s' -a %s\n",
				seen, cmd.name, kind->name);
	}
}

int
sm_describe_completion(FILE *f, const char *shell, struct sm_err *err)
{
	if (strcmp(shell, "bash") == 0)
		complete_bash(f);
	else if (strcmp(shell, "zsh") == 0)
		complete_zsh(f);
	else if (strcmp(shell, "fish") == 0)
		complete_fish(f);
	else
		return sm_output_fail(err, SM_EUSAGE,
				      "no completion for '%s': it must be "
				      "bash, zsh or fish",
				      shell);
	return 0;
}
