/*
 * join.h - what the rest of the engine knows of final files
 *
 * How one is written, and what is in it, is known inside this folder only;
 * follow.h has the joining beside a run.
 */
#ifndef SM_JOIN_H
#define SM_JOIN_H

#include "published.h"
#include "rows.h"

struct sm_grow;

/*
 * Write the final file, or find that it is there.  `grown`, unless NULL, is
 * taken over: what a run has joined meanwhile.  SM_EWORK: batches are not done,
 * up to ten are named; SM_EVERIFY: a shard is damaged and its batch was put
 * back; SM_EHELD, SM_EREFUSED, SM_EIO, SM_ENOSPC: the old file is untouched.
 */
int sm_join(struct sm_finalize_result *result, const struct sm_join_from *from,
	    const struct sm_finalize_opts *opts, struct sm_grow *grown,
	    struct sm_err *err);

/* sm_finalize() of one job. */
int sm_one_finalize(struct sm_finalize_result *result, struct sm_handle *h,
		    const struct sm_finalize_opts *opts, struct sm_err *err);

/*
 * May `path` be replaced by this job?  Nothing is there, or a final file of
 * this fingerprint, or the one that the job has (`was`, or NULL), or `force`:
 * 0.  SM_EREFUSED.
 */
int sm_join_check_target(const char *path, uint64_t fingerprint,
			 const struct sm_published *was, bool force,
			 struct sm_err *err);

/*
 * The same of the final file that the job of `h` is to have, planned or new;
 * another one than it has is refused if shards were removed for that.
 */
int sm_join_check_output(struct sm_handle *h, const char *path,
			 struct sm_err *err);

/*
 * Where files are kept by another program or host: can a final file that grew
 * up to a kill be continued in the directory of `path`?  It is tried (probe.h);
 * SM_EREFUSED gives the reason.
 */
int sm_join_check_place(const char *path, struct sm_err *err);

/* Tell of a name that is a link, or that says nothing of gzip. */
void sm_join_tell_output(const char *given, const char *path,
			 const struct sm_events *ev);

/*
 * In the transaction that gives the job another final file: what has grown at
 * the old path is removed, if it is seen to be the job's and nobody is at it.
 */
void sm_join_leave(const struct sm_jobdir *dir, const struct sm_job *job,
		   const char *path);

/*
 * Of a job that is complete: remove what a kill after the commit that said so
 * has left.  What cannot be removed stays.
 */
void sm_join_sweep(struct sm_handle *h, const struct sm_events *ev);

#endif /* SM_JOIN_H */
