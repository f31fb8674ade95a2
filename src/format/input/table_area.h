/*
 * table_area.h - a file that grows under its shared mapping (table_build only)
 *
 * Blocks are reserved on disk before they are mapped: a full disk is
 * SM_ENOSPC here, not a SIGBUS when a page is touched.
 */
#ifndef SM_TABLE_AREA_H
#define SM_TABLE_AREA_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct sm_table_area {
	int fd; /* -1: none; closed with the area */
	unsigned char *data;
	size_t size;      /* mapped, and reserved on disk */
	const char *what; /* for messages */
};

/* Make the area at least `want` bytes long; what is new is zero. */
int sm_table_area_reserve(struct sm_table_area *a, uint64_t want,
			  struct sm_err *err);
void sm_table_area_release(struct sm_table_area *a);

#endif /* SM_TABLE_AREA_H */
