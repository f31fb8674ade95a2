/*
 * items.h - the list of items of an exec job
 *
 * Items are read once, at plan time, from a file, a pipe or standard input,
 * and kept in the job's tables/: each item's bytes followed by a NUL, nothing
 * else.  It is the second copy of what batch.item holds, for `recover`, and
 * what the job's fingerprint covers: size and CRC of that file, the same
 * whether the items came from a file or a pipe, with newlines or NULs.
 *
 * An item ends with its newline (or NUL); the last one may lack it.  Empty
 * ones are left out and counted, as xargs does.  All other bytes are kept,
 * valid UTF-8 or not, a carriage return too.
 */
#ifndef SM_ITEMS_H
#define SM_ITEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "file.h"

#include "columns.h"

#define SM_ITEMS_NAME "items" /* in tables/ */

struct sm_items_info {
	uint64_t count; /* items */
	uint64_t empty; /* left out */
	uint64_t crlf;  /* items that end in a carriage return */
	uint64_t bytes; /* of the stored list */
	uint32_t crc32; /* of its bytes */
};

/* Where items come from. */
struct sm_items_from {
	const char *path; /* "-": standard input */
	bool nul;
	/* In its place: lists of a command line (arguments.h); NULL: none. */
	const char *const *arguments;
	/* So many are one item, as its columns (columns.h); 0 and 1: one. */
	uint64_t size;
};

/*
 * Read them and write the list into the directory
 * `tables_dirfd`, under a temporary name first, synced; syncing the directory
 * is the planner's.  With `tables_dirfd` -1 nothing is written: `info` says
 * what would be, to compare a rerun's items with the planned ones.  SM_EINPUT
 * names source, item and reason.
 */
int sm_items_store(struct sm_items_info *info, int tables_dirfd,
		   const struct sm_items_from *from, struct sm_err *err);

struct sm_items {
	struct sm_map map;
	size_t at;
};

/* Map the list; SM_EDAMAGED if its last item has no end. */
int sm_items_open(struct sm_items *it, int tables_dirfd, struct sm_err *err);
/* The next item, NULL at the end; it lives until sm_items_close(). */
const char *sm_items_next(struct sm_items *it);
void sm_items_close(struct sm_items *it); /* a zeroed one is allowed */

#endif /* SM_ITEMS_H */
