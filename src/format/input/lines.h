/*
 * lines.h - cut a file into batches of whole lines
 *
 * A line ends with its newline; the last one may lack it.  The file is mapped
 * and scanned with memchr once (by lines), or only near each cut (by bytes).
 */
#ifndef SM_LINES_H
#define SM_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

#define SM_LINES_NONE UINT64_MAX /* number of a line that is not counted */

struct sm_lines_cut {
	uint64_t batch;
	uint64_t first_byte, end_byte; /* half-open */
	uint64_t first, end; /* lines; SM_LINES_NONE when cut by bytes */
};

struct sm_lines_opts {
	const char *path;
	uint64_t lines; /* per batch, or ... */
	uint64_t bytes; /* ... at least this many, to the next newline */
	int (*cut)(const struct sm_lines_cut *c, void *arg,
		   struct sm_err *err); /* <0 ends the scan */
	void (*progress)(uint64_t done, uint64_t total,
			 void *arg); /* or NULL */
	void *arg;
};

int sm_lines_scan(uint64_t *batches, const struct sm_lines_opts *opts,
		  struct sm_err *err);

#endif /* SM_LINES_H */
