/*
 * table_id.h - a key or token as it is written (table.c only)
 */
#ifndef SM_TABLE_ID_H
#define SM_TABLE_ID_H

#include "buf.h"
#include "jsonflat.h"

/* Digits that Python's int() reads by default (sys.int_info). */
#define SM_TABLE_INT_DIGITS_MAX 4300

/* In the order of the words of the option. */
enum sm_ids { SM_IDS_AUTO, SM_IDS_INT, SM_IDS_STRING };

/*
 * Append the JSON text of `entry`, whose text is valid UTF-8, to `b`; nothing,
 * if it cannot be used.  Keys: a string as a string, an integer as an integer.
 * Tokens by `ids` (enum sm_ids): string, all as strings; auto, a string that
 * matches -?(0|[1-9][0-9]*) as an integer, any other as a string; int, what
 * Python's int() reads, in ASCII, as an integer, and nothing else can be used.
 * Numbers are handled as text and keep all their digits.
 */
void sm_table_id(struct sm_buf *b, const struct sm_jsonflat_entry *entry,
		 bool is_key, int ids);
/*
 * The same text where the source has it as it is to be written: no copy.
 * `is_number`: sm_scan_number() says that the entry's text is one.
 * False: it has not, or that is not seen without a closer look.
 */
bool sm_table_id_in_place(const char **text, size_t *len,
			  const struct sm_jsonflat_entry *entry, bool is_key,
			  int ids, bool is_number);

#endif /* SM_TABLE_ID_H */
