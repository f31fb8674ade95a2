/*
 * final.h - the final file: shards as they are, an index, an end
 *
 * Writing is a stream: sm_final_begin() on an empty file, sm_final_append() of
 * each shard in batch order, then sm_final_entry() for each batch again in the
 * same order (the caller keeps no list in memory; it reads its rows twice) and
 * sm_final_end().  Nothing is inflated.
 *
 * Reading needs nothing but the file: sm_final_check() reads every byte.
 */
#ifndef SM_FINAL_H
#define SM_FINAL_H

#include <stdint.h>

#include "gzip.h"

struct sm_final {
	int fd;               /* the caller's */
	uint64_t fingerprint;
	uint64_t at;          /* bytes written */
	uint64_t batches;     /* entries listed */
	uint64_t index_at;
	uint32_t index_crc32;
	unsigned pending;     /* entries not yet in a member */
	struct sm_gzip_entry entry[SM_GZIP_INDEX_ENTRIES];
};

void sm_final_begin(struct sm_final *f, int fd, uint64_t fingerprint);

/*
 * Copy the shard file `name` of `dirfd` to the end.  SM_EVERIFY if its size or
 * CRC is not `expect`'s (nothing of it counts: the caller gives up this file),
 * SM_EIO, SM_ENOSPC.
 */
int sm_final_append(struct sm_final *f, int dirfd, const char *name,
		    const struct sm_gzip_entry *expect, struct sm_err *err);
int sm_final_entry(struct sm_final *f, const struct sm_gzip_entry *e,
		   struct sm_err *err);
int sm_final_end(struct sm_final *f, struct sm_err *err);

/*
 * The end member of the file at `fd`: 1; 0: none of ours; -1: damaged, or that
 * of a file of another size; < -1: it cannot be read, see errno.
 */
int sm_final_read_end(struct sm_gzip_end *e, int fd, uint64_t size);

struct sm_final_report {
	uint64_t batches, records, raw_bytes, gz_bytes;
	uint64_t findings;
	/* batch < 0: none in particular */
	void (*found)(int64_t batch, const char *kind, const char *text,
		      void *arg);
	/* may be NULL; nonzero return stops the check with SM_ESTOPPED */
	int (*progress)(uint64_t done, uint64_t total, void *arg);
	void *arg;
};

/*
 * Check the final file `path`: every byte.  0 however many findings there are;
 * SM_EINPUT if the file bears no mark of ours, or cannot be opened; SM_EIO.
 *
 * Kinds: "truncated", "trailing", "end", "index", "header", "crc", "deflate",
 * "swapped" (a whole member, intact, out of order), "missing" (a run of
 * batches is one finding, under the first of them), "doubled".  Memory: one
 * bit per batch at most.
 */
int sm_final_check(struct sm_final_report *r, const char *path,
		   struct sm_err *err);

/*
 * Check one shard file against `expect` and, unless head is NULL, its header
 * fields: 0, or SM_EVERIFY with the kind ("missing", "size", "crc", "header",
 * "deflate") in `*kind`.  A fingerprint of 0 in `head` is not compared: with
 * changed options accepted, a job holds shards of several.
 */
int sm_shard_check(int dirfd, const char *name,
		   const struct sm_gzip_entry *expect,
		   const struct sm_gzip_shard *head, const char **kind,
		   struct sm_err *err);

#endif /* SM_FINAL_H */
