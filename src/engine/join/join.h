/*
 * join.h - join the shards of a job whose batches are all done
 *
 * Inside the engine: finalize opens a job and calls it, a run calls it when the
 * last batch is done.
 */
#ifndef SM_JOIN_H
#define SM_JOIN_H

#include "handle.h"

struct sm_growing;

/*
 * Write the final file, or find that it stands.  `grown`, unless NULL, is taken
 * over: what a run has joined meanwhile.  SM_EWORK: batches are not
 * done, up to ten are named; SM_EVERIFY: a shard is damaged and its batch was
 * put back; SM_EHELD, SM_EREFUSED, SM_EIO, SM_ENOSPC: the old file is
 * untouched.
 */
int sm_join(struct sm_finalize_result *result, struct sm_handle *h,
	    const struct sm_finalize_opts *opts, struct sm_growing *grown,
	    struct sm_err *err);

/* sm_finalize() of one job. */
int sm_one_finalize(struct sm_finalize_result *result, struct sm_handle *h,
		    const struct sm_finalize_opts *opts, struct sm_err *err);

/* Put a batch back whose shard is damaged: 1; 0: it is another one; <0. */
int sm_join_requeue(struct sm_db *db, const struct sm_batch_row *row,
		    struct sm_err *err);

/*
 * Name up to SM_JOIN_NAMED_MAX batches that are not done, of all or, unless it
 * is NULL, of `only`: SM_EWORK; 0 if all are.
 */
int sm_join_refuse_unfinished(struct sm_handle *h,
			      const struct sm_batch_range *only,
			      struct sm_err *err);
#define SM_JOIN_NAMED_MAX 10
/* Say that the file `path` lacks so many batches: SM_EWORK. */
int sm_join_name_missing(const char *path, const uint64_t *named,
			 uint64_t missing, struct sm_err *err);

/*
 * Which shards a final file is made of: a hash over (id, token) in order of
 * id, begun with SM_HASH_INIT.
 */
uint64_t sm_join_digest_row(uint64_t digest, const struct sm_batch_row *row);
/*
 * The digest of all rows as they are: 1; 0 with `*odd` set: this one is not
 * done, or not there; <0.
 */
int sm_join_digest(uint64_t *digest, uint64_t *odd, struct sm_handle *h,
		   struct sm_err *err);

/* All done, the recorded digest matches, the file has that size?  1, 0, <0. */
int sm_join_is_complete(struct sm_handle *h, struct sm_err *err);

/*
 * May `path` be replaced by this job?  Nothing stands there, or a final file
 * of this fingerprint, or the one that `job` (NULL: none yet) recorded, or
 * `force`: 0.  SM_EREFUSED.
 */
int sm_join_check_target(const char *path, uint64_t fingerprint,
			 const struct sm_job *job, bool force,
			 struct sm_err *err);

/* A partial file must not stand in place of a whole one: SM_EREFUSED. */
int sm_join_check_partial(const char *path, struct sm_err *err);

#endif /* SM_JOIN_H */
