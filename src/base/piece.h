/*
 * piece.h - what every room knows of a batch
 *
 * A piece is what a batch is cut from, and goes from the plan's cut through
 * the row to the kind that makes it.  What was made of it goes the other way,
 * from the kind through the shard to the row and the final file: counts, which
 * the kind knows, and sizes, which the shard knows.
 *
 * A new tally is a number in shardmill.h, a line of tally.c, a line in each of
 * the lists of store/batch_sql.h and a column in schema/.
 */
#ifndef SM_PIECE_H
#define SM_PIECE_H

#include <stdbool.h>
#include <stdint.h>

#include <shardmill.h>

#include "buf.h"

/* -1 where there is no number. */
struct sm_piece {
	uint64_t id;
	int64_t first, end;           /* rows, lines or numbers, half-open */
	int64_t first_byte, end_byte; /* lines */
	char *item;                   /* NUL-terminated, or NULL */
	const char *input;            /* the file its lines are of, or NULL */
	const char *out;              /* the file it is to make, or NULL */
	int64_t attempt;              /* 1 for the first try; 0: only cut */
	int64_t token;                /* random, of the claim; 0: only cut */
};

struct sm_counts {
	uint64_t rows;    /* of the input */
	uint64_t records; /* lines of text */
	uint64_t tally[SM_TALLIES];
};

struct sm_sizes {
	uint64_t raw_bytes; /* before compression */
	uint64_t gz_bytes;  /* of the shard's deflate blocks, its body */
	uint32_t raw_crc32; /* of the uncompressed bytes */
	uint32_t gz_crc32;  /* of the body's bytes */
	/* Of a file that it made beside its text; 0: it made none. */
	uint64_t file_bytes;
	uint32_t file_crc32;
};

/* How one attempt went.  SM_MADE_NOTHING, then release `stderr_tail`. */
struct sm_made {
	struct sm_counts counts;
	struct sm_sizes sizes;
	bool open_line;            /* the text ends without a newline */
	int exit_status, signal;   /* of the command, -1: none */
	struct sm_buf stderr_tail; /* its last bytes */
};

#define SM_MADE_NOTHING                                                        \
	{                                                                      \
		.exit_status = -1, .signal = -1                                \
	}

#endif /* SM_PIECE_H */
