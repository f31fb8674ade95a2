/*
 * options.h - declared command-line options, parsed strictly
 *
 * A command describes its options in tables; a table's targets are offsets in
 * the struct that the group around it names, so that one table serves several
 * commands.  The struct is filled with the defaults before it is parsed into,
 * and the help shows those.
 *
 * Strict means: the whole of a value must parse and lie in its range, no name
 * may be abbreviated, and nothing may be said twice (two options with one
 * target, such as --replace and --no-replace, exclude each other).  An option
 * may stand anywhere before "--", as --name VALUE, --name=VALUE, -n VALUE,
 * -nVALUE; a value may begin with "-".
 */
#ifndef SM_OPTIONS_H
#define SM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <shardmill.h>

enum sm_option_type {
	SM_OPTION_BOOL,      /* bool, becomes true; takes no value */
	SM_OPTION_CONST,     /* int, becomes `constant`; takes no value */
	SM_OPTION_WORD,      /* int, its index in `words`, + `constant` */
	SM_OPTION_WORD_BOOL, /* bool, the same with two words */
	SM_OPTION_INT,       /* int */
	SM_OPTION_ID,        /* int64_t, or "none": the flag becomes false */
	SM_OPTION_UINT,      /* uint64_t */
	SM_OPTION_BYTES,     /* uint64_t, with K, M, G, T for powers of 1024 */
	SM_OPTION_DOUBLE,    /* double, finite */
	SM_OPTION_STRING,    /* const char *, into argv */
	SM_OPTION_RANGES,    /* struct sm_ranges */
};

struct sm_option {
	const char *name; /* long name without "--"; NULL ends a table */
	char letter;      /* short name or 0 */
	enum sm_option_type type;
	const char *arg;          /* what the value is called; NULL: none */
	const char *help;         /* may be wrapped at any blank */
	const char *standard;     /* default in words; NULL: as in `args` */
	const char *const *words; /* NULL at the end */
	size_t at;                /* of the target */
	size_t flag_at;           /* of a bool that says "given"; 0: none */
	int64_t min, max; /* of numbers; max 0: as large as the type goes */
	int constant;
	bool required;
	bool hidden; /* not in the help */
};

struct sm_option_group {
	const char *title; /* of a paragraph of the help; NULL ends a list */
	const struct sm_option *table;
	size_t at; /* of the struct that the table's offsets are in */
};

/* "3,7-9": both ends included.  Released by free(range). */
struct sm_ranges {
	struct sm_batch_range *range;
	size_t count;
};

/* What is no option: argv, reordered in place. */
struct sm_words {
	char **word; /* before "--" */
	size_t count;
	char **rest; /* behind "--", NULL at the end; NULL: no "--" */
	size_t rest_count;
};

/*
 * Parse argv (without program and command, NULL at the end) into `args`.
 * SM_EUSAGE names the option and what is wrong with it.
 */
int sm_options_parse(struct sm_words *words,
		     const struct sm_option_group *groups, void *args,
		     char **argv, struct sm_err *err);

/* The options as help, with the defaults that stand in `args`. */
void sm_options_help(FILE *f, const struct sm_option_group *groups,
		     const void *args);

/*
 * The name nearest to a mistyped `word`, or NULL if none is near.  `names` has
 * `count` of them.
 */
const char *sm_options_nearest(const char *word, const char *const *names,
			       size_t count);

/* Set the target of `o` in `base` from its text; used by the parser. */
int sm_option_store(const struct sm_option *o, void *base, const char *text,
		    struct sm_err *err);

#endif /* SM_OPTIONS_H */
