/*
 * replace.h - a batch's numbers and item in the arguments of its command
 *
 *	{first} {end} {last} {batch} {rows}    of a batch that has numbers
 *	{item} {}                              of a batch that has an item
 *	{input}                                of a batch that has lines
 *	{slot}                                 the worker's number
 *
 * `end` is one past the last number, `last` is end - 1, `rows` end - first.
 * Whatever else is in braces, and what this batch does not have, is left
 * as it is.  What was put in is not looked at again: an item may hold braces.
 */
#ifndef SM_REPLACE_H
#define SM_REPLACE_H

#include <stdbool.h>

#include "kind.h"

/* Does `arg` hold a placeholder of a batch's number, {batch} left out? */
bool sm_replace_has_number(const char *arg);
/* Does `arg` hold any placeholder that a batch with an item (or not) fills? */
bool sm_replace_has(const char *arg, bool item);
/* The same without {slot}, which is not the batch's but the worker's. */
bool sm_replace_has_own(const char *arg, bool item);

/* Does `arg` hold {item} or {}? */
bool sm_replace_has_item(const char *arg);
/* Are the `len` bytes at `word`, braces included, a placeholder? */
bool sm_replace_is(const char *word, size_t len);

/* Append `arg` with its placeholders filled in. */
/*
 * Append `arg` with its placeholders filled in; with `b` NULL {slot} is the
 * only one.
 */
void sm_replace_put(struct sm_buf *out, const char *arg,
		    const struct sm_piece *b, int slot);

/*
 * Append `arg` as a shell reads it back as one word: plain where that is safe,
 * in $'…' where a control character could steer a terminal.
 */
void sm_replace_quote(struct sm_buf *out, const char *arg);

#endif /* SM_REPLACE_H */
