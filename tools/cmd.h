/*
 * cmd.h - a command of the program
 *
 * A command is one file, which ends in its `const struct sm_cmd`, and one line
 * in cmds.c.  The table says all that can be said without running it: main.c
 * parses the options, counts the words, writes the help and catches the
 * signals by it.
 *
 * Each kind of job that the library has (sm_kind_info()) is a command too:
 * cmd_kind under the name, the help and with the options of the kind.
 */
#ifndef SM_CMD_H
#define SM_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include <shardmill.h>

#define SM_CMD_TABLES 7
#define SM_CMD_VALUES 96   /* options of a command */
#define SM_CMD_GIVEN  1024 /* in one command line, those given again too */

struct sm_call;

struct sm_cmd {
	const char *name;
	const char *usage;   /* after the name: words and kinds of options */
	const char *summary; /* one line for the list of commands */
	const char *detail;  /* more for its own help, or NULL */
	size_t words;        /* JOB and the like: as many, no fewer … */
	size_t more_words;   /* … and up to so many more */
	bool takes_rest;     /* a command after "--" */
	bool drains;         /* INT, TERM, HUP are counted (signals.h) */
	bool takes_kind;     /* the second word names a kind of job */
	bool takes_limits;   /* options of any kind that are limits */
	/* Options into `args`; NULL after the last table. */
	const struct sm_option *tables[SM_CMD_TABLES + 1];
	size_t args_bytes; /* of the struct they go into, zeroed at first */
	/* 0, <0 with err set, or an exit status of its own. */
	int (*run)(struct sm_call *call, struct sm_err *err);
};

/* What is no option: argv, reordered in place. */
struct sm_words {
	char **word; /* before "--" */
	size_t count;
	char **rest; /* after "--", NULL at the end; NULL: no "--" */
	size_t rest_count;
};

/* One use of a command. */
struct sm_call {
	const struct sm_cmd *cmd;
	const struct sm_kind_info *kind; /* whose options it has too, or NULL */
	void *args;
	struct sm_words words;
	/* The options of the kind that were given, checked. */
	struct sm_value value[SM_CMD_GIVEN + 1];
	size_t values;
};

/*
 * The i-th command of all; `*kind` is the kind of job that it makes, or NULL.
 * False: there are no more.
 */
bool sm_cmd_at(struct sm_cmd *cmd, const struct sm_kind_info **kind, size_t i);
/* NULL: there is no kind of this name. */
const struct sm_kind_info *sm_cmd_find_kind(const char *name);

#endif /* SM_CMD_H */
