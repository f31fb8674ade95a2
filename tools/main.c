/*
 * main.c - the commands of shardmill
 *
 * The table below is the list of commands; each has a file of its own.  A kind
 * of job is a command as well, made from its table of options.
 */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <shardmill.h>

#include "describe.h"
#include "options.h"
#include "output.h"
#include "screen.h"
#include "signals.h"
#include "title.h"

#include "cmd.h"

#define NAMES_MAX 64 /* kinds and commands */

static void
main_usage(FILE *f)
{
	const struct sm_kind_info *kind;
	struct sm_cmd cmd = { .name = NULL };
	size_t i;

	fputs("usage: shardmill COMMAND [OPTIONS]\n"
	      "\n"
	      "Turns a job too long to lose into rows of an SQLite table.\n"
	      "\n"
	      "commands:\n",
	      f);
	for (i = 0; sm_cmd_at(&cmd, &kind, i); i++)
		fprintf(f, "  %-12s%s\n", cmd.name, cmd.summary);
	fputs("\n'shardmill COMMAND --help' explains one; the manual is "
	      "shardmill(1).\n",
	      f);
}

static int
main_unknown(const char *name, struct sm_err *err)
{
	const char *names[NAMES_MAX], *nearest;
	const struct sm_kind_info *kind;
	struct sm_cmd cmd;
	size_t n;

	for (n = 0; n < NAMES_MAX && sm_cmd_at(&cmd, &kind, n); n++)
		names[n] = cmd.name;
	nearest = sm_option_nearest(name, names, n);
	if (nearest)
		return sm_output_fail(err, SM_EUSAGE,
				      "unknown command '%s'; did you mean "
				      "'%s'?",
				      name, nearest);
	return sm_output_fail(err, SM_EUSAGE,
			      "unknown command '%s'; 'shardmill --help' lists "
			      "them",
			      name);
}

static void
main_version(void)
{
	const char *before = "CPU: ";
	struct sm_about about;
	size_t i;

	sm_about(&about);
	printf("shardmill %s\ncommit %s\nSQLite %s, zlib %s, jansson %s\n",
	       about.version, about.commit, about.sqlite, about.zlib,
	       about.jansson);
	for (i = 0; about.cpu[i]; i++) {
		printf("%s%s", before, about.cpu[i]);
		before = ", ";
	}
	if (i == 0)
		printf("%snothing beyond the usual", before);
	putchar('\n');
}

static int
main_find(struct sm_cmd *cmd, const struct sm_kind_info **kind,
	  const char *name, struct sm_err *err)
{
	size_t i;

	for (i = 0; sm_cmd_at(cmd, kind, i); i++)
		if (strcmp(cmd->name, name) == 0)
			return 0;
	return main_unknown(name, err);
}

/*
 * The kind that a plan's words name, after JOB: it decides what the options
 * mean.  Those who turn the two around are told so, and not of unknown options.
 */
static const struct sm_kind_info *
main_named_kind(char *const *argv)
{
	const struct sm_kind_info *kind = NULL;

	if (argv[0] && argv[1])
		kind = sm_cmd_find_kind(argv[1]);
	if (argv[0] && !kind)
		kind = sm_cmd_find_kind(argv[0]);
	return kind;
}

/* Is help asked for, before a "--" after which the words are not ours? */
static bool
main_wants_help(char *const *argv)
{
	for (; *argv && strcmp(*argv, "--") != 0; argv++)
		if (strcmp(*argv, "-h") == 0 || strcmp(*argv, "--help") == 0)
			return true;
	return false;
}

static void
main_help(const struct sm_call *call)
{
	const struct sm_cmd *cmd = call->cmd;

	printf("usage: shardmill %s %s\n\n%c%s.\n", cmd->name, cmd->usage,
	       toupper((unsigned char)*cmd->summary), cmd->summary + 1);
	if (cmd->detail)
		printf("\n%s", cmd->detail);
	if (call->kind && call->kind->detail)
		printf("\n%s", call->kind->detail);
	sm_options_help(stdout, call);
}

static int
main_check_words(const struct sm_cmd *cmd, const struct sm_words *words,
		 struct sm_err *err)
{
	if (words->count > cmd->words + cmd->more_words)
		return sm_output_fail(err, SM_EUSAGE,
				      "unexpected argument "
				      "'%s'%s",
				      words->word[cmd->words + cmd->more_words],
				      cmd->takes_rest && !words->rest
					      ? "; the command goes after '--'"
					      : "");
	if (words->count < cmd->words)
		return sm_output_fail(err, SM_EUSAGE,
				      "an argument is missing: "
				      "shardmill %s %s",
				      cmd->name, cmd->usage);
	return 0;
}

static int
main_call(struct sm_call *call, char **argv, struct sm_err *err)
{
	const struct sm_cmd *cmd = call->cmd;
	size_t i;
	int ret;

	if (cmd->takes_kind)
		call->kind = main_named_kind(argv);
	if (main_wants_help(argv)) {
		main_help(call);
		return 0;
	}
	call->args = calloc(1, cmd->args_bytes);
	if (!call->args)
		return sm_output_fail(err, SM_ENOMEM, "out of memory");
	ret = sm_options_parse(call, argv, err);
	/* Where no command may follow, "--" only ends the options. */
	if (ret == 0 && !cmd->takes_rest) {
		for (i = 0; i < call->words.rest_count; i++)
			call->words.word[call->words.count++] =
				call->words.rest[i];
		call->words.rest = NULL;
	}
	if (ret == 0)
		ret = main_check_words(cmd, &call->words, err);
	if (ret == 0 && cmd->drains)
		sm_signals_catch(NULL);
	if (ret == 0)
		ret = cmd->run(call, err);
	free(call->args);
	return ret;
}

static int
main_exit_status(const struct sm_err *err)
{
	if (err->code == SM_ESTOPPED && sm_signals_first())
		return 128 + sm_signals_first();
	return sm_code_exit(err->code);
}

/* Of commands that show no progress and have no other line. */
static void
main_waits(const char *text, void *arg)
{
	(void)arg;
	fputs("shardmill: ", stderr);
	sm_output_name(stderr, text);
	putc('\n', stderr);
}

int
main(int argc, char **argv)
{
	struct sm_err err = { 0 }, late = { 0 };
	struct sm_cmd cmd;
	struct sm_call call = { .cmd = &cmd };
	int ret = 0;

	/* A reader that goes away is an error of ours, not our death. */
	signal(SIGPIPE, SIG_IGN);
	/* A limit of file sizes is then EFBIG; the workers inherit this. */
	signal(SIGXFSZ, SIG_IGN);
	/* Ignored by who started us, it would keep us from reaping workers. */
	signal(SIGCHLD, SIG_DFL);
	sm_hear_waiting(main_waits, NULL);
	sm_say_typed(true);
	if (argc > 1 && strcmp(argv[1], "work") == 0)
		sm_title_init(argc, argv);
	if (argc < 2) {
		main_usage(stderr);
		return sm_code_exit(SM_EUSAGE);
	}
	if (strcmp(argv[1], "--version") == 0) {
		main_version();
	} else if (strcmp(argv[1], "--manual") == 0 && argc > 2) {
		/* These three are the build's. */
		ret = sm_describe_command(stdout, argv[2], &err);
	} else if (strcmp(argv[1], "--manual") == 0) {
		sm_describe_manual(stdout);
	} else if (strcmp(argv[1], "--completion") == 0 && argc > 2) {
		ret = sm_describe_completion(stdout, argv[2], &err);
	} else if (strcmp(argv[1], "-h") == 0 ||
		   strcmp(argv[1], "--help") == 0 ||
		   strcmp(argv[1], "help") == 0) {
		main_usage(stdout);
	} else {
		ret = main_find(&cmd, &call.kind, argv[1], &err);
		if (ret == 0)
			ret = main_call(&call, argv + 2, &err);
	}
	/* How a run ended is read the next day, a mistyped option at once. */
	if (ret < 0 && err.text[0])
		fprintf(stderr, "%sshardmill: %s\n",
			cmd.drains && err.code != SM_EUSAGE ? sm_screen_clock()
							    : "",
			err.text);
	if (sm_output_finish(&late) < 0 && late.sys == EPIPE)
		return 128 + SIGPIPE; /* as if the signal had ended us */
	if (late.code && ret >= 0) {
		fprintf(stderr, "shardmill: %s\n", late.text);
		err = late;
		ret = late.code;
	}
	/* A command's own status (try) is passed on. */
	return ret < 0 ? main_exit_status(&err) : ret;
}
