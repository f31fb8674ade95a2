/*
 * cutter.h - cut a sequence of texts into batches of whole lines
 *
 * A line ends with its newline; the last one of a file may lack it, and no
 * batch has lines of two files.  Text comes in pieces of any size, in order.
 * Text that needs no look may be passed over: by bytes, only the end of each
 * batch is looked at; by lines, whoever knows how many lines there are in a
 * stretch may pass it over where no batch ends inside.
 */
#ifndef SM_CUTTER_H
#define SM_CUTTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define SM_CUT_NONE UINT64_MAX /* number of a line that is not counted */

struct sm_cut {
	uint64_t first_byte, end_byte; /* half-open, of the whole sequence */
	uint64_t first, end; /* lines; SM_CUT_NONE when cut by bytes */
	size_t file;
};

struct sm_cutter {
	uint64_t lines; /* per batch, or, if 0, … */
	uint64_t bytes; /* … at least this many, to the next newline */
	int (*emit)(const struct sm_cut *c, void *arg, struct sm_err *err);
	void *arg;

	size_t file;           /* the number of the one that is read */
	uint64_t at, line;     /* what was passed, ever */
	uint64_t start, first; /* of the open batch */
	bool in_line;          /* the last byte was no newline */
};

/* Bytes that belong to no batch: a header. */
void sm_cutter_skip(struct sm_cutter *c, uint64_t bytes);
/* The next piece. */
int sm_cutter_text(struct sm_cutter *c, const char *p, size_t len,
		   struct sm_err *err);
/* By bytes: so many need no look. */
uint64_t sm_cutter_free(const struct sm_cutter *c);
/* May whole lines, as many as these, be passed over? */
bool sm_cutter_may_pass(const struct sm_cutter *c, uint64_t bytes,
			uint64_t lines);
int sm_cutter_pass(struct sm_cutter *c, uint64_t bytes, uint64_t lines,
		   struct sm_err *err);
/* The file ends, and with it the open batch. */
int sm_cutter_end(struct sm_cutter *c, struct sm_err *err);

#endif /* SM_CUTTER_H */
