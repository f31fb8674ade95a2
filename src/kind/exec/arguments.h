/*
 * arguments.h - lists of items in a command line, as GNU parallel has them
 *
 *	::: a b c      these words
 *	:::: FILE...   the lines of each FILE, - for standard input
 *
 * Several lists make their product, of which the last one varies fastest.  One
 * that has a plus after it (:::+, ::::+) is linked to the one before instead:
 * both advance together, up to the end of the shorter.  Nothing of the product
 * is kept in memory; a file that is not the first list is read once for each
 * item of those before, and a pipe is copied into a file for that.
 */
#ifndef SM_ARGUMENTS_H
#define SM_ARGUMENTS_H

#include <stdint.h>

#include "buf.h"
#include "err.h"

struct sm_arguments;

/* Where the first list begins in a command line; its length: there is none. */
size_t sm_arguments_at(const char *const *argv);
/* How many lists there are, and how many of them are standard input. */
int sm_arguments_count(const char *const *words, int *standard);
/* Does `word` begin a list, and one of files? */
bool sm_arguments_is_sep(const char *word, bool *files);

/*
 * `words` begin with a separator and are NULL-ended.  Lines end in NUL with
 * `nul`.  A pipe is copied into the directory `dirfd`, without a name; with
 * -1 into the one for temporary files.  SM_EINPUT names the list.
 */
int sm_arguments_open(struct sm_arguments **out, const char *const *words,
		      bool nul, int dirfd, struct sm_err *err);
/*
 * Append the next item to `item`, a TAB between its columns: 1; 0: there are no
 * more; <0.
 */
int sm_arguments_next(struct sm_buf *item, struct sm_arguments *a,
		      struct sm_err *err);
/* Lines without text, which were left out, each once. */
uint64_t sm_arguments_empty(const struct sm_arguments *a);
void sm_arguments_close(struct sm_arguments *a); /* NULL is allowed */

#endif /* SM_ARGUMENTS_H */
