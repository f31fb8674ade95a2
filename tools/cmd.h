/*
 * cmd.h - a command of the program
 *
 * A command is one file, which ends in its `const struct sm_cmd`, and one line
 * in main.c.  The table says all that can be said without running it: main.c
 * parses the options, counts the words, writes the help and catches the
 * signals by it.
 */
#ifndef SM_CMD_H
#define SM_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include <shardmill.h>

#include "options.h"

struct sm_call;

struct sm_cmd {
	const char *name;
	const char *usage;   /* behind the name: words and kinds of options */
	const char *summary; /* one line for the list of commands */
	const char *detail;  /* more for its own help, or NULL */
	size_t words;        /* JOB and the like: as many, no fewer */
	bool takes_rest;     /* a command behind "--" */
	bool drains;         /* INT, TERM, HUP are counted (signals.h) */
	const struct sm_option_group *groups;
	/* Where the words decide about the options; NULL for `groups`. */
	const struct sm_option_group *(*pick)(char *const *argv);
	size_t args_bytes; /* of the struct the options go into, zeroed … */
	void (*init)(void *args); /* … and filled with the defaults */
	/* 0, <0 with err set, or an exit status of its own. */
	int (*run)(struct sm_call *call, struct sm_err *err);
};

/* One use of a command. */
struct sm_call {
	const struct sm_cmd *cmd;
	void *args;
	struct sm_words words;
};

extern const struct sm_cmd cmd_candidates;
extern const struct sm_cmd cmd_exec;
extern const struct sm_cmd cmd_plan;
extern const struct sm_cmd cmd_run;
extern const struct sm_cmd cmd_work;
extern const struct sm_cmd cmd_status;
extern const struct sm_cmd cmd_retry;
extern const struct sm_cmd cmd_finalize;
extern const struct sm_cmd cmd_verify;
extern const struct sm_cmd cmd_cat;
extern const struct sm_cmd cmd_index;
extern const struct sm_cmd cmd_recover;
extern const struct sm_cmd cmd_try;
extern const struct sm_cmd cmd_slurm;
extern const struct sm_cmd cmd_sample;

#endif /* SM_CMD_H */
