/*
 * main.c - the commands of shardmill
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <shardmill.h>

#include "options.h"
#include "output.h"
#include "signals.h"

#include "cmd.h"

/* A command is one line. */
/* clang-format off */
static const struct sm_cmd *const commands[] = {
	&cmd_candidates,
	&cmd_exec,
	&cmd_plan,
	&cmd_run,
	&cmd_work,
	&cmd_status,
	&cmd_retry,
	&cmd_finalize,
	&cmd_verify,
	&cmd_cat,
	&cmd_index,
	&cmd_recover,
	&cmd_try,
	&cmd_slurm,
	&cmd_sample,
};
/* clang-format on */

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static void
main_usage(FILE *f)
{
	size_t i;

	fputs("usage: shardmill COMMAND [OPTIONS]\n"
	      "\n"
	      "Turns a job too long to lose into rows of an SQLite table.\n"
	      "\n"
	      "commands:\n",
	      f);
	for (i = 0; i < COMMANDS; i++)
		fprintf(f, "  %-12s%s\n", commands[i]->name,
			commands[i]->summary);
	fputs("\n'shardmill COMMAND --help' explains one; the manual is "
	      "shardmill(1).\n",
	      f);
}

static const struct sm_cmd *
main_find(const char *name, struct sm_err *err)
{
	const char *names[COMMANDS], *nearest;
	size_t i;

	for (i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
		names[i] = commands[i]->name;
	}
	nearest = sm_options_nearest(name, names, COMMANDS);
	sm_output_fail(err, SM_EUSAGE, "unknown command '%s'; %s%s%s", name,
		       nearest ? "did you mean '" : "'shardmill --help",
		       nearest ? nearest : "", nearest ? "'?" : "' lists them");
	return NULL;
}

/* Is help asked for, before a "--" behind which the words are not ours? */
static bool
main_wants_help(char *const *argv)
{
	for (; *argv && strcmp(*argv, "--") != 0; argv++)
		if (strcmp(*argv, "-h") == 0 || strcmp(*argv, "--help") == 0)
			return true;
	return false;
}

static void
main_help(const struct sm_cmd *cmd, const struct sm_option_group *groups,
	  const void *args)
{
	printf("usage: shardmill %s %s\n\n%s.\n", cmd->name, cmd->usage,
	       cmd->summary);
	if (cmd->detail)
		printf("\n%s", cmd->detail);
	sm_options_help(stdout, groups, args);
}

static int
main_check_words(const struct sm_cmd *cmd, const struct sm_words *words,
		 struct sm_err *err)
{
	if (words->count > cmd->words)
		return sm_output_fail(err, SM_EUSAGE,
				      "unexpected argument "
				      "'%s'%s",
				      words->word[cmd->words],
				      cmd->takes_rest && !words->rest
					      ? "; the command goes behind '--'"
					      : "");
	if (words->count < cmd->words)
		return sm_output_fail(err, SM_EUSAGE,
				      "an argument is missing: "
				      "shardmill %s %s",
				      cmd->name, cmd->usage);
	return 0;
}

static int
main_call(const struct sm_cmd *cmd, char **argv, struct sm_err *err)
{
	const struct sm_option_group *groups = cmd->groups;
	struct sm_call call = { .cmd = cmd };
	size_t i;
	int ret;

	call.args = calloc(1, cmd->args_bytes);
	if (!call.args)
		return sm_output_fail(err, SM_ENOMEM, "out of memory");
	if (cmd->init)
		cmd->init(call.args);
	if (cmd->pick && cmd->pick(argv))
		groups = cmd->pick(argv);
	if (main_wants_help(argv)) {
		main_help(cmd, groups, call.args);
		free(call.args);
		return 0;
	}
	ret = sm_options_parse(&call.words, groups, call.args, argv, err);
	/* Where no command may follow, "--" only ends the options. */
	if (ret == 0 && !cmd->takes_rest) {
		for (i = 0; i < call.words.rest_count; i++)
			call.words.word[call.words.count++] =
				call.words.rest[i];
		call.words.rest = NULL;
	}
	if (ret == 0)
		ret = main_check_words(cmd, &call.words, err);
	if (ret == 0 && cmd->drains)
		sm_signals_catch(NULL);
	if (ret == 0)
		ret = cmd->run(&call, err);
	free(call.args);
	return ret;
}

static int
main_exit_status(const struct sm_err *err)
{
	if (err->code == SM_ESTOPPED && sm_signals_first())
		return 128 + sm_signals_first();
	return sm_code_exit(err->code);
}

int
main(int argc, char **argv)
{
	struct sm_err err = { 0 }, late = { 0 };
	const struct sm_cmd *cmd;
	int ret = 0;

	/* A reader that goes away is an error of ours, not our death. */
	signal(SIGPIPE, SIG_IGN);
	/* Ignored by who started us, it would keep us from reaping workers. */
	signal(SIGCHLD, SIG_DFL);
	if (argc < 2) {
		main_usage(stderr);
		return sm_code_exit(SM_EUSAGE);
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("shardmill " SHARDMILL_VERSION);
	} else if (strcmp(argv[1], "-h") == 0 ||
		   strcmp(argv[1], "--help") == 0 ||
		   strcmp(argv[1], "help") == 0) {
		main_usage(stdout);
	} else {
		cmd = main_find(argv[1], &err);
		ret = cmd ? main_call(cmd, argv + 2, &err) : err.code;
	}
	if (ret < 0 && err.text[0])
		fprintf(stderr, "shardmill: %s\n", err.text);
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
