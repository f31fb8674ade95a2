/*
 * jsonflat.h - stream a flat JSON object or array of strings and integers
 *
 * Keys and vocabularies come as {"0": "a", "17": 23} or ["a", 23, …], up to
 * gigabytes of it.  A tree would take ten times the file in memory; this
 * reader goes through a mapping once and holds one string.
 *
 * Grammar: RFC 8259, narrowed to one object or array whose values are strings
 * or integers.  Refused with file, byte offset and reason (SM_EINPUT): other
 * values, nesting, fractions and exponents, NaN, comments, invalid UTF-8, lone
 * surrogates, index keys that are not plain decimals
 * ("07", "-1", "1.0"), trailing text.  A key may use escapes ("\u0037" is 7).
 * A byte order mark is passed over, and said.
 *
 * An inverted object has the texts as keys and their indices as values:
 * {"a": 0, "b": 17}.
 *
 * One string or number may be SM_JSONFLAT_TEXT_MAX bytes long in the file:
 * that bounds the memory, whatever the file.
 */
#ifndef SM_JSONFLAT_H
#define SM_JSONFLAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "file.h"

#define SM_JSONFLAT_TEXT_MAX (16 * 1024 * 1024)

struct sm_jsonflat_entry {
	uint64_t index; /* object: its key; array: the position; < 2^64 - 1 */
	bool is_string; /* else an integer */
	/*
	 * The file has `text` between quotes, all of it bytes that JSON shows
	 * as they are; or it is an integer of digits alone.
	 */
	bool in_place;
	const char *text; /* decoded UTF-8 (may hold NUL), or the digits */
	size_t len;       /* valid until the next call */
	uint64_t at;      /* byte offset in the file, for messages */
};

struct sm_jsonflat {
	const struct sm_map *map; /* the caller's */
	size_t at;
	bool is_object;
	bool inverted; /* set by the caller: an object from text to index */
	uint64_t next_index;
	int state;
	bool bom;              /* the file begins with a byte order mark */
	struct sm_buf scratch; /* strings that had escapes */
};

void sm_jsonflat_init(struct sm_jsonflat *j, const struct sm_map *map);
/*
 * 1: an entry; 0: the end, and nothing but white space after it; <0, after
 * which only sm_jsonflat_release() may be called.
 */
int sm_jsonflat_next(struct sm_jsonflat *j, struct sm_jsonflat_entry *entry,
		     struct sm_err *err);
void sm_jsonflat_release(struct sm_jsonflat *j);

#endif /* SM_JSONFLAT_H */
