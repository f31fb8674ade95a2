/*
 * table_source.h - the entries of a .npy, JSON or text file, one after the
 * other, in the shape that jsonflat.h gives them (table.c only)
 *
 * The format, unless it is named: .npy by its magic or its name, JSON if the
 * name ends in ".json", else text.  .npy: one dimension, integers or strings;
 * the index is the position.  Text: line n, from 0; a line ends at '\n' and at
 * nothing else, so that the '\r' of CRLF belongs to its text, as do NUL bytes;
 * a byte order mark at the file's beginning belongs to none; an empty line is
 * an entry with an empty text; what follows the last '\n' is a line unless it
 * is empty; invalid UTF-8 is refused.
 *
 * Every text handed out is valid UTF-8.  Sources of more than
 * SM_TABLE_SOURCE_MAX bytes are refused: below it no offset can overflow.
 */
#ifndef SM_TABLE_SOURCE_H
#define SM_TABLE_SOURCE_H

#include "jsonflat.h"
#include "npy.h"

#define SM_TABLE_SOURCE_MAX (UINT64_C(1) << 40)

/* Longest line of a text file. */
#define SM_TABLE_LINE_MAX SM_JSONFLAT_TEXT_MAX

/* In the order of the words of the options. */
enum sm_table_format {
	SM_FORMAT_AUTO,
	SM_FORMAT_JSON,
	SM_FORMAT_TEXT,
	SM_FORMAT_NPY
};

struct sm_table_reader {
	int format;        /* enum sm_table_format, decided */
	struct sm_map map; /* JSON and text */
	struct sm_npy npy;
	struct sm_jsonflat json;
	uint64_t index; /* of the next line or item */
	uint64_t at;    /* text: byte offset of the next line */
	bool bom;       /* text: it begins with a byte order mark */
	char digits[24];
	struct sm_buf string; /* .npy: the current one */
};

/*
 * A zeroed reader may be closed.  An array that is deflated in an archive is
 * unpacked into a file of `dirfd` that has no name.
 */
int sm_table_reader_open(struct sm_table_reader *r, const char *path,
			 int format, int dirfd, struct sm_err *err);
void sm_table_reader_close(struct sm_table_reader *r);

/* 1: an entry, valid until the next call; 0: the end; <0. */
int sm_table_reader_next(struct sm_table_reader *r,
			 struct sm_jsonflat_entry *entry, struct sm_err *err);

uint64_t sm_table_reader_size(const struct sm_table_reader *r); /* bytes */

#endif /* SM_TABLE_SOURCE_H */
