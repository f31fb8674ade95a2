/*
 * replace.h - a batch's numbers and item in the arguments of its command
 *
 *	{first} {end} {last} {batch} {rows}    of a batch that has numbers
 *	{#}                                    batch + 1
 *	{item} {} {.} {/} {//} {/.}            of a batch that has an item
 *	{2} {2.} {2/} {2//} {2/.}              of an item that has columns
 *	{input}                                of a batch that has lines
 *	{slot} {%}                             the worker's number, and 1 more
 *
 * `end` is one past the last number, `last` is end - 1, `rows` end - first.
 * Those of GNU parallel are what they are there: {.} lacks the ending, {/} the
 * directory, {//} is the directory, {/.} lacks both.  Of an item with columns
 * {} and these are of each column, with a space between; {item} is as it came.
 *
 * Whatever else is in braces, and what this batch does not have, is left
 * as it is, and so is ${...} but for the words of letters: it is the shell's.
 * What was put in is not looked at again: an item may hold braces.
 */
#ifndef SM_REPLACE_H
#define SM_REPLACE_H

#include <stdbool.h>

#include "kind.h"

#include "columns.h"

/* Does `arg` hold a placeholder of a batch's number, {batch} left out? */
bool sm_replace_has_number(const char *arg);
/* Any placeholder that is filled?  `columns`: as in columns.h. */
bool sm_replace_has(const char *arg, int columns);
/* The same without {slot}, which is not the batch's but the worker's. */
bool sm_replace_has_own(const char *arg, int columns);

/* One of the item, or of its columns? */
bool sm_replace_has_item(const char *arg, int columns);
/* The highest column that is asked for; 0: none. */
int sm_replace_highest(const char *arg, int columns);
/* Is the word in braces at `p`, in `arg`, a placeholder? */
bool sm_replace_is(const char *arg, const char *p, int columns);

/* What is put in. */
struct sm_replace_by {
	const struct sm_piece *batch;     /* NULL: {slot} is the only one */
	const struct sm_columns *columns; /* of its item, split */
	int slot;
};

/* Append `arg` with its placeholders filled in. */
void sm_replace_put(struct sm_buf *out, const char *arg,
		    const struct sm_replace_by *by);
/*
 * Append all words of a command, each with a NUL after it: how many is the
 * answer.  A word that is {} alone becomes one for each column.
 */
size_t sm_replace_words(struct sm_buf *out, const char *const *argv,
			const struct sm_replace_by *by);

/*
 * Append `arg` as a shell reads it back as one word: plain where that is safe,
 * in $'…' where a control character could steer a terminal.
 */
void sm_replace_quote(struct sm_buf *out, const char *arg);

#endif /* SM_REPLACE_H */
