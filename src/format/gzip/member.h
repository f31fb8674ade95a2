/*
 * member.h - read gzip members of ours and say what is wrong with them
 *
 * A reader goes through one open file by pread(2) with one buffer, so that
 * looking ahead and going back cost no state.  Memory is fixed, whatever the
 * file holds.  Errors are SM_EIO, and SM_ESTOPPED where `progress` says so.
 */
#ifndef SM_MEMBER_H
#define SM_MEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <zlib.h>

#include "gzip.h"

#define SM_MEMBER_BUF_BYTES ((size_t)256 * 1024)

struct sm_member_reader {
	int fd;           /* the caller's */
	const char *name; /* the caller's, for messages */
	uint64_t size;    /* of the file */
	/* may be NULL; nonzero return stops with SM_ESTOPPED */
	int (*progress)(uint64_t done, uint64_t total, void *arg);
	void *arg;
	z_stream z;
	uint64_t buf_at; /* what `buf` holds */
	size_t buf_len;
	unsigned char buf[SM_MEMBER_BUF_BYTES];
	unsigned char text[SM_MEMBER_BUF_BYTES];
};

/* One shard's member as it was found. */
struct sm_member {
	bool header_ok; /* `head` is a header as it is written */
	bool ended;     /* the deflate stream came to its end, bytes counts */
	bool tail_ok;   /* 03 00, CRC and length fit the text */
	bool cut;       /* the end of what may be read came first */
	struct sm_gzip_shard head;
	uint64_t bytes; /* header to tail */
	uint32_t gz_crc32;
	uint64_t raw_bytes;
	uint32_t raw_crc32;
};

/* Deflate blocks, none of them the last, from one byte boundary to another. */
struct sm_member_inside {
	bool inflates;
	uint32_t gz_crc32;
	uint64_t raw_bytes;
	uint32_t raw_crc32;
};

int sm_member_reader_new(struct sm_member_reader **out, int fd,
			 const char *name, uint64_t size, struct sm_err *err);
void sm_member_reader_free(struct sm_member_reader *r); /* NULL is allowed */

/*
 * Bytes from `at` on: `*p` and how many of them, at least `need` (up to
 * SM_MEMBER_BUF_BYTES) unless the file ends before; <0.  Valid until the next
 * call.
 */
ssize_t sm_member_peek(struct sm_member_reader *r, const unsigned char **p,
		       uint64_t at, size_t need, struct sm_err *err);

/* CRC of the bytes from `at` to `end`, which must be in the file. */
int sm_member_crc(struct sm_member_reader *r, uint32_t *crc, uint64_t at,
		  uint64_t end, struct sm_err *err);

/* Read the shard member at `at`, no further than `limit`, and inflate it. */
int sm_member_read(struct sm_member *m, struct sm_member_reader *r, uint64_t at,
		   uint64_t limit, struct sm_err *err);

/* Read the blocks from `at` to `end`, which must be in the file. */
int sm_member_read_inside(struct sm_member_inside *s,
			  struct sm_member_reader *r, uint64_t at, uint64_t end,
			  struct sm_err *err);

/* Where the next shard header begins from `at` on, or `limit`. */
int sm_member_scan(uint64_t *found, struct sm_member_reader *r, uint64_t at,
		   uint64_t limit, struct sm_err *err);

/*
 * What is wrong with `m`, by itself or, unless NULL, as the batch `batch` and
 * entry `e`: "header", "deflate", "crc"; NULL: nothing.
 */
const char *sm_member_judge(const struct sm_member *m,
			    const struct sm_gzip_entry *e, uint64_t batch);
/* The same for people: "does not inflate". */
const char *sm_member_describe(const char *kind);

#endif /* SM_MEMBER_H */
