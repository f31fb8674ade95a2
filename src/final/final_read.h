/*
 * final_read.h - find batches, rows and records in a final file
 *
 * A final file is read in groups of batches: of several members each is one,
 * of a single member they are what its index has entries for.  A group begins
 * and ends on a byte boundary and needs none before it.
 *
 *	sm_final_open(), then any number of times sm_final_rewind() and
 *	sm_final_next() until 0, or sm_final_find(), then sm_final_close()
 *
 * Opening reads the whole index and checks it by its CRC, so that what it says
 * can be relied on; memory is one part of it, 16 KiB.
 */
#ifndef SM_FINAL_READ_H
#define SM_FINAL_READ_H

#include "final.h"

struct sm_final_reader;

struct sm_final_about {
	bool is_single;
	uint64_t fingerprint;
	uint64_t batches, missing; /* batches: missing ones too */
	uint64_t per_group;        /* batches; 1 of several members */
	uint64_t groups;
	uint64_t rows; /* missing batches' too */
	uint64_t records, raw_bytes, file_bytes;
};

struct sm_final_group {
	uint64_t number;
	uint64_t batch, batches, missing; /* the first, how many, of these … */
	uint64_t row, rows, record, records;
	uint64_t at, bytes; /* in the file; bytes 0: all of it is missing */
	uint64_t raw_at, raw_bytes;
	uint32_t gz_crc32, raw_crc32; /* of `bytes` from `at`; of the text */
};

/*
 * Open the index of the file at `fd`, which stays the caller's.  SM_EINPUT: it
 * has none; SM_EVERIFY: it is a final file, but damaged or cut; SM_EIO.
 */
int sm_final_open(struct sm_final_reader **out, int fd, const char *name,
		  uint64_t size, struct sm_err *err);
void sm_final_close(struct sm_final_reader *r); /* NULL is allowed */
const struct sm_final_about *sm_final_about(const struct sm_final_reader *r);
/* What it was opened with. */
void sm_final_file(const struct sm_final_reader *r, int *fd, const char **name);

void sm_final_rewind(struct sm_final_reader *r);
/* 1: the next group; 0: that was the last; <0. */
int sm_final_next(struct sm_final_group *g, struct sm_final_reader *r,
		  struct sm_err *err);

/*
 * The group that holds a row, a record or a batch, and go on behind it; 0: no
 * group does; <0.
 */
enum sm_final_by { SM_FINAL_BY_ROW, SM_FINAL_BY_RECORD, SM_FINAL_BY_BATCH };

int sm_final_find(struct sm_final_group *g, struct sm_final_reader *r,
		  enum sm_final_by by, uint64_t number, struct sm_err *err);

/* How many of the group's batches from `first` to `end` - 1 are missing. */
uint64_t sm_final_missing(const struct sm_final_reader *r,
			  const struct sm_final_group *g, uint64_t first,
			  uint64_t end);
/* The first of `batch` and those behind it in the group that is not. */
uint64_t sm_final_due(const struct sm_final_reader *r,
		      const struct sm_final_group *g, uint64_t batch);
/*
 * Runs of missing batches, in place of the groups, from the last rewinding on:
 * 1, 0 at the end, <0.
 */
int sm_final_next_missing(struct sm_gzip_run *run, struct sm_final_reader *r,
			  struct sm_err *err);

#endif /* SM_FINAL_READ_H */
