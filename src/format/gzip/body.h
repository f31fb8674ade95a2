/*
 * body.h - read what is in a file of ours: bodies, notes, bytes
 *
 * A reader goes through one open file by pread(2) with one buffer, so that
 * looking ahead and going back cost no state.  Memory is fixed, whatever the
 * file holds.  Errors are SM_EIO, and SM_ESTOPPED where `progress` says so.
 */
#ifndef SM_BODY_H
#define SM_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <zlib.h>

#include "gzip.h"

struct sm_err;

#define SM_BODY_BUF_BYTES ((size_t)256 * 1024)

struct sm_body_reader {
	int fd;           /* the caller's */
	const char *name; /* the caller's, for messages */
	uint64_t size;    /* of the file */
	/* may be NULL; nonzero return stops with SM_ESTOPPED */
	int (*progress)(uint64_t done, uint64_t total, void *arg);
	void *arg;
	z_stream z;
	bool marked;     /* sm_body_find_note() met the mark of a note */
	uint64_t buf_at; /* what `buf` holds */
	size_t buf_len;
	unsigned char buf[SM_BODY_BUF_BYTES];
	unsigned char text[SM_BODY_BUF_BYTES];
};

/* A batch's blocks as they were found. */
struct sm_body {
	bool inflates; /* and no block is marked as the last */
	uint32_t gz_crc32;
	uint64_t raw_bytes;
	uint32_t raw_crc32;
};

int sm_body_reader_new(struct sm_body_reader **out, int fd, const char *name,
		       uint64_t size, struct sm_err *err);
void sm_body_reader_free(struct sm_body_reader *r); /* NULL is allowed */

/* Are the `len` bytes at `at` these? */
int sm_body_same(bool *same, struct sm_body_reader *r, uint64_t at,
		 const unsigned char *bytes, size_t len, struct sm_err *err);
/* CRC of the bytes from `at` to `end`, which must be in the file. */
int sm_body_crc(uint32_t *crc, struct sm_body_reader *r, uint64_t at,
		uint64_t end, struct sm_err *err);
/* Read and inflate the bytes from `at` to `end`, which must be in the file. */
int sm_body_read(struct sm_body *b, struct sm_body_reader *r, uint64_t at,
		 uint64_t end, struct sm_err *err);

/* The note at `at`, if there is a whole one: `*found`. */
int sm_body_note(bool *found, struct sm_note *n, struct sm_body_reader *r,
		 uint64_t at, struct sm_err *err);
/* The next note from `*at` on, of whatever type. */
int sm_body_find_note(bool *found, struct sm_note *n, uint64_t *at,
		      struct sm_body_reader *r, struct sm_err *err);

#endif /* SM_BODY_H */
