/*
 * columns.h - how much of a line of the terminal a text takes
 *
 * East Asian characters and most emoji take two columns, combining ones none,
 * whatever the locale: it is the terminal that draws them.  What is no UTF-8
 * takes one a byte.  A fit never parts a character from what combines with it.
 */
#ifndef SM_COLUMNS_H
#define SM_COLUMNS_H

#include <stddef.h>

unsigned sm_columns(const char *s);

/* Of `size` bytes, or up to a NUL. */
unsigned sm_columns_of(const char *s, size_t size);

/* How many bytes fit into `columns` from the beginning … */
size_t sm_columns_fit(const char *s, unsigned columns);

/* … and how many are to be left out for the rest to fit. */
size_t sm_columns_skip(const char *s, unsigned columns);

#endif /* SM_COLUMNS_H */
