/*
 * item_files.h - what the files were that items name (--watch-items)
 *
 * A table beside the list of items, a record for each: size, time and digest
 * when the job was planned.  It is read and written front to back, so that a
 * million items take no memory.  Items are paths from
 * `cwd`, the command's directory.
 */
#ifndef SM_ITEM_FILES_H
#define SM_ITEM_FILES_H

#include "buf.h"
#include "digest.h"
#include "event.h"

#include "kind.h"

#define SM_ITEM_FILES_NAME "item-files" /* in tables/, and of the input */

/*
 * Write the table of the items in `tables_dirfd`.  What `old_dirfd` (-1: none)
 * has of a file of the same size and time is taken over, unread.  SM_EINPUT: an
 * item is no file that can be read.
 */
int sm_item_files_store(const char *cwd, int tables_dirfd, int old_dirfd,
			const struct sm_events *ev, struct sm_err *err);

/* Of all of them together: their contents, not their times. */
int sm_item_files_digest(struct sm_digest *d, int tables_dirfd,
			 struct sm_err *err);

/*
 * The first difference between two tables, in words.  `grew`: all that the old
 * one has is the same.
 */
int sm_item_files_differ(struct sm_buf *what, bool *grew,
			 const struct sm_kind_kept *kept, struct sm_err *err);

/* Are the files still what the table says?  SM_EREFUSED names the first. */
int sm_item_files_check(const char *cwd, int tables_dirfd,
			const struct sm_events *ev, struct sm_err *err);

#endif /* SM_ITEM_FILES_H */
