/*
 * final.h - the final file: shards as they are and an index, or their insides
 * in one member
 *
 * Writing is a stream: sm_final_begin() or sm_final_begin_single() on an empty
 * file, sm_final_append() of each shard in batch order, then sm_final_entry()
 * for each batch again in the same order (the caller keeps no list in memory;
 * it reads its rows twice) and sm_final_end().  Nothing is inflated.
 *
 * A batch that is to be left out gets sm_final_skip() in its place; its entry
 * has gz_bytes, raw_bytes and records 0, and the rows it was planned with.
 *
 * What was appended stays whole while the file grows: nothing in it is written
 * twice, but for a single member's header, which is zeros until sm_final_end().
 * So a file that stopped growing is taken up again by sm_final_begin() as it
 * was, sm_final_resume() for each batch that may stand in it, and
 * sm_final_append() for the rest; what stood behind is overwritten and cut off.
 *
 * Reading needs nothing but the file: sm_final_check() reads every byte,
 * final_read.h finds batches in it.
 */
#ifndef SM_FINAL_H
#define SM_FINAL_H

#include <stdbool.h>
#include <stdint.h>

#include "gzip.h"

struct sm_final {
	int fd;           /* the caller's; written at explicit places */
	const char *name; /* in messages; the caller's */
	bool is_single;
	uint64_t fingerprint;
	uint64_t at;       /* end of what counts */
	uint64_t behind;   /* the disk was asked to begin with these bytes */
	uint64_t appended; /* batches, skipped ones too */
	uint64_t batches;  /* entries listed */
	bool partial;      /* a batch was skipped */
	uint64_t index_at;
	uint32_t index_crc32;
	unsigned pending; /* entries not yet in a member */
	struct sm_gzip_entry entry[SM_GZIP_INDEX_ENTRIES];

	/* A single member's header as it will be, and its whole text. */
	uint64_t per_group, raw_bytes;
	uint32_t raw_crc32;
	unsigned runs; /* room for them */
	struct sm_gzip_single single;
};

void sm_final_begin(struct sm_final *f, int fd, const char *name,
		    uint64_t fingerprint);
/* One ordinary member of so many batches, skipped ones counted. */
void sm_final_begin_single(struct sm_final *f, int fd, const char *name,
			   uint64_t fingerprint, uint64_t batches);

/*
 * Copy the shard file `name` of `dirfd` to the end.  SM_EVERIFY if its size or
 * CRC is not `expect`'s, SM_EIO, SM_ENOSPC: nothing of it counts.
 */
int sm_final_append(struct sm_final *f, int dirfd, const char *name,
		    const struct sm_gzip_entry *expect, struct sm_err *err);
/*
 * The same of a shard's bytes that stand in the file `fd`, `name` in messages,
 * from `at` on.
 */
int sm_final_append_from(struct sm_final *f, int fd, uint64_t at,
			 const char *name, const struct sm_gzip_entry *expect,
			 struct sm_err *err);
/* The same comparison with `expect`, and nothing appended. */
int sm_final_compare(struct sm_final *f, int dirfd, const char *name,
		     const struct sm_gzip_entry *expect, struct sm_err *err);
/*
 * Leave out the next batch.  SM_EREFUSED: those of a single member would be
 * more than SM_GZIP_SINGLE_RUNS runs.
 */
int sm_final_skip(struct sm_final *f, const struct sm_gzip_entry *e,
		  struct sm_err *err);
/*
 * Do the next batch's bytes stand in the file already?  1: they do, and count;
 * 0: they do not; <0.  Of a single member they are inflated, and compared by
 * their text.
 */
int sm_final_resume(struct sm_final *f, const struct sm_gzip_entry *expect,
		    struct sm_err *err);
int sm_final_entry(struct sm_final *f, const struct sm_gzip_entry *e,
		   struct sm_err *err);
int sm_final_end(struct sm_final *f, struct sm_err *err);
/* Let the disk begin with what was appended: nothing follows for a while. */
void sm_final_flush(struct sm_final *f);
/* Inside: write at a place. */
int sm_final_write(struct sm_final *f, const void *data, size_t len,
		   uint64_t at, struct sm_err *err);

/*
 * What the final file at `fd`, of either form, says of itself: 1 (of a single
 * member index_at and index_crc32 are 0); 0: it is none of ours; -1: damaged,
 * or that of a file of another size; < -1: it cannot be read, see errno.
 */
int sm_final_read_end(struct sm_gzip_end *e, int fd, uint64_t size);

struct sm_final_report {
	uint64_t batches, records, raw_bytes, gz_bytes; /* whole ones */
	uint64_t missing; /* batches that were left out: no findings */
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
 * batches is one finding, under the first of them), "doubled".  In a single
 * member a group of batches is one finding, under the first of them.  Memory:
 * one bit per batch at most.
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
/*
 * The same of a shard's bytes in the file `fd`, from `at` on; `name` is what
 * messages call them.
 */
int sm_shard_check_in(int fd, const char *name, uint64_t at,
		      const struct sm_gzip_entry *expect,
		      const struct sm_gzip_shard *head, const char **kind,
		      struct sm_err *err);

#endif /* SM_FINAL_H */
