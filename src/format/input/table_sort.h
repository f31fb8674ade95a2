/*
 * table_sort.h - sort entries by index where they lie (table_build.c only)
 */
#ifndef SM_TABLE_SORT_H
#define SM_TABLE_SORT_H

#include "table.h"

/* An entry that came out of order, in native byte order. */
struct sm_table_record {
	uint64_t index;
	uint64_t at; /* byte offset in the source */
	struct sm_table_slot slot;
};

/*
 * Sort `n` records; `largest` is the largest index.  No memory is taken, and
 * the order of equal indices is any.
 */
void sm_table_sort(struct sm_table_record *r, size_t n, uint64_t largest);

#endif /* SM_TABLE_SORT_H */
