/*
 * table_token.h - a key or token as it is written (table.c only)
 */
#ifndef SM_TABLE_TOKEN_H
#define SM_TABLE_TOKEN_H

#include "buf.h"
#include "jsonflat.h"

/* Digits that Python's int() reads by default (sys.int_info). */
#define SM_TABLE_INT_DIGITS_MAX 4300

/*
 * Append the JSON text of `entry`, whose text is valid UTF-8, to `b`.  Keys: a
 * string as a string, an integer as an integer.  Tokens by `ids` (enum
 * sm_ids); DESIGN.md, 5 has the rules.  Numbers are handled as text and keep
 * all their digits.  False: --ids int cannot read it, nothing was appended.
 */
bool sm_table_token(struct sm_buf *b, const struct sm_jsonflat_entry *entry,
		    bool is_key, int ids);

#endif /* SM_TABLE_TOKEN_H */
