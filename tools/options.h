/*
 * options.h - the options of a command line, parsed strictly
 *
 * Strict means: the whole of a value must parse and lie in its range, no name
 * may be abbreviated, and what decides about a result may not be said twice; of
 * settings, which an alias may hold, the last one counts.  An option may stand
 * anywhere before "--", as --name VALUE, --name=VALUE, -n VALUE, -nVALUE; a
 * value may begin with "-".  What a value may be is the library's to say
 * (sm_option_set()).
 */
#ifndef SM_OPTIONS_H
#define SM_OPTIONS_H

#include <stddef.h>
#include <stdio.h>

#include "cmd.h"

/*
 * Parse argv (without program and command, NULL at the end): into call->args,
 * call->value and call->words.  SM_EUSAGE names the option and what is wrong
 * with it.
 */
int sm_options_parse(struct sm_call *call, char **argv, struct sm_err *err);

/* The i-th table of the call, that of its kind first; NULL past the last. */
const struct sm_option *sm_options_table(const struct sm_call *call, size_t i);

/* As help. */
void sm_options_help(FILE *f, const struct sm_call *call);

/* Is it in help, manual and completion? */
bool sm_option_is_shown(const struct sm_option *o);

/* What is shown of an option and its value. */
struct sm_option_text {
	char s[128];
};

/* What its value is called: "FILE", "auto|int|string"; "" if it has none. */
struct sm_option_text sm_option_arg(const struct sm_option *o);
/* "required", "default: 60 s", or "". */
struct sm_option_text sm_option_default(const struct sm_option *o);

/* Rows of several commands. */
#define SM_OPTION_TRUST(type_, member)                                         \
	{                                                                      \
		"trust", .type = SM_OPTION_BOOL,                               \
			 .at = offsetof(type_, member),                        \
			 .help = "use a job directory that is somebody "       \
				 "else's",                                     \
			 .more = "A job can hold a command."                   \
	}
#define SM_OPTION_QUIET(type_, member)                                         \
	{                                                                      \
		"quiet", 'q', .type = SM_OPTION_BOOL,                          \
			      .at = offsetof(type_, member),                   \
			      .help = "no progress and no closing line",       \
			      .more = "Warnings and errors remain."            \
	}

#endif /* SM_OPTIONS_H */
