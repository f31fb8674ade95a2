/*
 * rows.h - the rows of a job's batches, in order, from 1 … N databases
 *
 *	sm_rows_init(), then any number of times sm_rows_next() until it says 0,
 *	or sm_rows_seek() and on from there, always sm_rows_close()
 *
 * Rows are read a few at a time, and no statement stays open between two calls,
 * so that the caller may write to the database meanwhile.  A row may have
 * changed by the time that it is handed over: who writes a file compares bytes
 * with it, and looks at all rows again under the write lock before the file
 * gets its name.
 */
#ifndef SM_ROWS_H
#define SM_ROWS_H

#include "handle.h"

/*
 * Whose rows: of one database, `h`, or of `parts` databases, each of which has
 * the batches from its job.first_batch on.  Parts are opened one at a time,
 * since a thousand of them would be too many open files.
 */
struct sm_join_from {
	const struct sm_jobdir *dir; /* the job's, or that of the whole */
	const struct sm_spec *spec;
	uint64_t fingerprint, batches;
	struct sm_handle *h; /* NULL: the job is in parts */
	uint64_t parts;
	int (*open)(struct sm_handle *h, uint64_t part, void *arg,
		    struct sm_err *err);
	void *arg;
	const char *output; /* of parts: the planned final file, or NULL */
};

/* The job of one open database. */
struct sm_join_from sm_join_from_one(struct sm_handle *h);

#define SM_ROWS_MAX 64

struct sm_rows {
	const struct sm_join_from *from;
	struct sm_handle *h; /* has the row that was handed over last */
	struct sm_handle part;
	uint64_t next_part, next, end; /* batches due of `h` */
	int at, count;
	struct sm_batch_row row[SM_ROWS_MAX];
};

void sm_rows_init(struct sm_rows *r, const struct sm_join_from *from);
/* The next row that is handed over is that of batch `id`. */
int sm_rows_seek(struct sm_rows *r, uint64_t id, struct sm_err *err);
/*
 * 1: `*row`, until the next call; 0: that was the last; SM_EDAMAGED: the next
 * one is not there.
 */
int sm_rows_next(const struct sm_batch_row **row, struct sm_rows *r,
		 struct sm_err *err);
void sm_rows_close(struct sm_rows *r);

/*
 * Which shards a file is made of: a hash over (id, token) in order of id, begun
 * with SM_HASH_INIT.
 */
uint64_t sm_rows_digest_row(uint64_t digest, const struct sm_batch_row *row);

struct sm_rows_digest {
	uint64_t digest;
	uint64_t batches; /* so many, from the first, are there and done */
	bool all;         /* these are all there are to be, and no row more */
};

/* Of the first `most` rows, as they are now; of one database in one look. */
int sm_rows_digest(struct sm_rows_digest *d, const struct sm_join_from *from,
		   uint64_t most, struct sm_err *err);

#endif /* SM_ROWS_H */
