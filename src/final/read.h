/*
 * read.h - find batches, rows and records in a final file, or a shard
 *
 *	sm_final_open(), then any number of times sm_final_rewind() and
 *	sm_final_next() until 0, or sm_final_find(), then sm_final_close()
 *
 * Opening follows the index from the file's end and checks it by its CRCs, so
 * that what it says can be relied on.  Memory is 16 bytes for a group.
 */
#ifndef SM_READ_H
#define SM_READ_H

#include "final.h"

struct sm_final_reader;

struct sm_final_about {
	uint64_t fingerprint;
	uint64_t first;            /* number of the first batch */
	uint64_t batches, missing; /* batches: missing ones too */
	uint64_t rows;             /* missing batches' too */
	uint64_t records, raw_bytes, file_bytes;
};

/* A batch, or a run of batches that are all missing or all without text. */
struct sm_final_batch {
	uint64_t batch, batches; /* the first, and how many */
	bool missing;
	uint64_t row, rows, record, records; /* the first, and how many */
	uint64_t tally[SM_TALLIES];
	uint64_t at, bytes; /* the body, in the file */
	uint64_t raw_at, raw_bytes;
	uint32_t gz_crc32;
};

/*
 * Open the index of the file at `fd`, which stays the caller's.  SM_EINPUT: it
 * has none; SM_EVERIFY: it is a final file, but damaged; SM_EIO.
 */
int sm_final_open(struct sm_final_reader **out, int fd, const char *name,
		  uint64_t size, struct sm_err *err);
void sm_final_close(struct sm_final_reader *r); /* NULL is allowed */
const struct sm_final_about *sm_final_about(const struct sm_final_reader *r);
/* What it was opened with. */
void sm_final_file(const struct sm_final_reader *r, int *fd, const char **name);

void sm_final_rewind(struct sm_final_reader *r);
/* 1: the next entry; 0: that was the last; <0. */
int sm_final_next(struct sm_final_batch *b, struct sm_final_reader *r,
		  struct sm_err *err);

enum sm_final_by {
	SM_FINAL_BY_ROW,
	SM_FINAL_BY_RECORD,
	SM_FINAL_BY_BATCH,
	SM_FINAL_BY_TEXT, /* a byte of the text */
};

/*
 * The entry that holds a row, a record, a batch or a byte, and go on after it;
 * 0: none does; <0.
 */
int sm_final_find(struct sm_final_batch *b, struct sm_final_reader *r,
		  enum sm_final_by by, uint64_t number, struct sm_err *err);

/*
 * Runs of missing batches, in place of the entries, from the last rewinding on:
 * 1, 0 at the end, <0.
 */
int sm_final_next_missing(uint64_t *first, uint64_t *count,
			  struct sm_final_reader *r, struct sm_err *err);

#endif /* SM_READ_H */
