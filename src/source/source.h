/*
 * source.h - the lines of an exec job: files, one after the other
 *
 * A file may be plain text, gzip, or a final file of ours (which is gzip, and
 * has an index).  What counts is the text: the sequence is that of all files
 * together, and a byte's place in it is the same whatever the form.  No batch
 * has lines of two files.
 *
 *	plan:  sm_source_keep() for standard input, sm_source_plan()
 *	work:  sm_source_open(), then per batch sm_source_begin(),
 *	       sm_source_next() until 0; sm_source_close()
 *
 * With `header`, the first lines of each file are in no batch; they come
 * before the text of every batch, and must be the same in all files.
 *
 * Planning reads plain text as far as it must to find newlines, gzip from start
 * to end, noting points to enter at (gztext.h), at most one per
 * SM_SOURCE_SPAN of text; of a final file what the index cannot tell.
 */
#ifndef SM_SOURCE_H
#define SM_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cutter.h"

#define SM_SOURCE_SPAN  ((uint64_t)16 << 20)
#define SM_SOURCE_STDIN "-"     /* as a path: what was kept of it */
#define SM_SOURCE_KEPT  "input" /* in tables/ */

struct sm_source_plan {
	const char *const *path; /* NULL at the end */
	int tables_dirfd;
	uint64_t header;       /* lines */
	uint64_t lines, bytes; /* per batch, see cutter.h */
	int (*cut)(const struct sm_cut *c, void *arg, struct sm_err *err);
	/* Bytes of the files; may be NULL, as may `notice`. */
	void (*progress)(uint64_t done, uint64_t total, void *arg);
	void (*notice)(const char *text, void *arg);
	void *arg;
};

/* Copy standard input into the tables; `*bytes` of it.  Synced. */
int sm_source_keep(uint64_t *bytes, int tables_dirfd, struct sm_err *err);

/*
 * Cut the files into batches, and write what workers need into the tables.
 * SM_EINPUT names the file and what is wrong with it.
 */
int sm_source_plan(const struct sm_source_plan *plan, struct sm_err *err);

struct sm_source;

/* `path` as it was planned; it stays the caller's. */
int sm_source_open(struct sm_source **out, int tables_dirfd,
		   const char *const *path, struct sm_err *err);
void sm_source_close(struct sm_source *s); /* NULL is allowed */

/*
 * Begin with the header and the bytes `first` to `end` of the sequence, which
 * are of one file.  `*bytes`: how many there are of both.
 */
int sm_source_begin(uint64_t *bytes, struct sm_source *s, uint64_t first,
		    uint64_t end, struct sm_err *err);
/*
 * The next piece, valid until the next call: 1; 0: that was all; <0.
 * SM_EREFUSED: the file is not what was planned.
 */
int sm_source_next(const char **text, size_t *len, struct sm_source *s,
		   struct sm_err *err);
/* Read what is left of it: how many lines has it, the header left out? */
int sm_source_count(uint64_t *lines, struct sm_source *s, struct sm_err *err);
/*
 * Was the batch cut by an index that was believed?  Then sm_source_count() is
 * to agree with the batch's lines.
 */
bool sm_source_is_indexed(const struct sm_source *s);
/* The path of the file that the batch is of; how messages name that. */
const char *sm_source_path(const struct sm_source *s);
const char *sm_source_name(const struct sm_source *s);

#endif /* SM_SOURCE_H */
