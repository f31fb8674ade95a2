/*
 * write.h - the one writer of a final file
 *
 * choose.c fills in what is to be written where; sm_join_write() writes it,
 * publishes it, and records it.
 */
#ifndef SM_WRITE_H
#define SM_WRITE_H

#include "grow.h"
#include "published.h"

#define SM_JOIN_NAMED_MAX 10

struct sm_join {
	const struct sm_join_from *from;
	const struct sm_finalize_opts *opts;
	struct sm_grow *g;
	char *path;   /* the final file */
	bool ours;    /* the job's own, whole: it may grow and be recorded */
	bool planned; /* … and by the plan what is there may be replaced */
	/* Batches that go in, if they are done: `missing` may then be more. */
	bool partial;
	struct sm_batch_range only;
	uint64_t records, raw_bytes, gz_bytes; /* of all that is done */
	struct sm_published was; /* the final file that the job has */
	uint64_t left_out;       /* of the batches, for whatever reason … */
	uint64_t missing; /* … of those asked for, because they are not done */
	uint64_t named[SM_JOIN_NAMED_MAX]; /* the first of these */
	struct sm_meter meter;
};

/* From what is open to what is published.  Fails as sm_join() does. */
int sm_join_write(struct sm_finalize_result *result, struct sm_join *j,
		  struct sm_err *err);

/* ---- choose.c ---- */

/* Paths, range, whether all is done: SM_EUSAGE, SM_EWORK. */
int sm_join_choose(struct sm_join *j, struct sm_err *err);
/* May the file be written, and is it the job's own?  SM_EREFUSED. */
int sm_join_check(struct sm_join *j, struct sm_err *err);

/* A partial file must not take the place of a whole one: SM_EREFUSED. */
int sm_join_check_partial(const char *path, struct sm_err *err);
/* Say that the file lacks batches: SM_EWORK. */
int sm_join_name_missing(const struct sm_join *j, struct sm_err *err);

#endif /* SM_WRITE_H */
