/*
 * columns.h - the columns of an item
 *
 * An item has them where several lists make it (`::: a b ::: 1 2`), where
 * several items make a batch (-N), or where --colsep says how to find them.  Of
 * the first two kinds they are joined by a TAB in the item, which none of them
 * may hold; an item of one column is that column, whatever it holds.
 */
#ifndef SM_COLUMNS_H
#define SM_COLUMNS_H

#include <limits.h>
#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "err.h"

/* How many columns there are. */
#define SM_COLUMNS_NO_ITEM (-1)    /* the job has no items */
#define SM_COLUMNS_NONE    0       /* its items have none */
#define SM_COLUMNS_ANY     INT_MAX /* as many as --colsep finds */

#define SM_COLUMNS_SEP '\t'

/*
 * Linux takes arguments and variables of up to 128 KiB each (MAX_ARG_STRLEN);
 * "SHARDMILL_ITEM=" and the NUL come on top.
 */
#define SM_ITEMS_TEXT_MAX (131072 - 16)

struct sm_column {
	const char *text; /* in the item */
	size_t len;
};

struct sm_columns {
	int planned; /* so many, or one of the above */
	const char *colsep;
	regex_t regex;
	bool has_regex;
	struct sm_column *column;
	size_t count, cap;
};

/*
 * `colsep` is one character, meant as it is, or an extended regular expression
 * with \t for a TAB; NULL: none.  It must live as long as `c`.  SM_EUSAGE: it
 * is no expression, or matches nothing at all.
 */
int sm_columns_init(struct sm_columns *c, int planned, const char *colsep,
		    struct sm_err *err);
/* Into c->column; without columns, or an item (NULL), there are none. */
int sm_columns_split(struct sm_columns *c, const char *item,
		     struct sm_err *err);
void sm_columns_release(struct sm_columns *c); /* a zeroed one is allowed */

#endif /* SM_COLUMNS_H */
