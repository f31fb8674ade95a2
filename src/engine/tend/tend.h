/*
 * tend.h - what is done with one job beside making its batches
 *
 * A job here is one directory with a job.db: a job without parts, or one part.
 */
#ifndef SM_TEND_H
#define SM_TEND_H

#include "handle.h"

int sm_one_status(struct sm_status *out, const char *job, struct sm_err *err);

/*
 * sm_list(), which asks `status` for the state of each job that is found: of
 * one in parts, too.
 */
int sm_list_jobs(struct sm_list_result *result, const char *dir,
		 const struct sm_list_opts *opts,
		 int (*status)(struct sm_status *out, const char *job,
			       struct sm_err *err),
		 struct sm_err *err);

int sm_one_report(struct sm_report *out, const char *job, struct sm_err *err);

int sm_one_batch_status(struct sm_batch_status *out, struct sm_handle *h,
			uint64_t batch, struct sm_err *err);

int sm_one_try(int *exit_status, struct sm_handle *h, uint64_t batch,
	       struct sm_err *err);

/*
 * A job that goes, one or in parts (clean.c).  sm_cleaning_hold() keeps plan,
 * run and finalize out until the end; SM_EHELD.  sm_cleaning_mark() is before
 * anything of it is removed: what a kill leaves is then removed by the next
 * call, sm_cleaning_was_begun(), though it is no job any more.
 */
struct sm_cleaning {
	struct sm_jobdir dir;
	int run_lock, final_lock;
};

#define SM_CLEANING_NONE                                                       \
	{                                                                      \
		.dir = SM_JOBDIR_NONE, .run_lock = -1, .final_lock = -1        \
	}

int sm_cleaning_hold(struct sm_cleaning *c, const char *job, bool trust,
		     struct sm_err *err);
int sm_cleaning_was_begun(bool *begun, const struct sm_cleaning *c,
			  struct sm_err *err);
int sm_cleaning_mark(const struct sm_cleaning *c, struct sm_err *err);
/* Remove the rest, and say in `r` whether something stays there. */
int sm_cleaning_remove(struct sm_clean_result *r, struct sm_cleaning *c,
		       struct sm_err *err);
void sm_cleaning_end(struct sm_cleaning *c); /* SM_CLEANING_NONE is allowed */

/*
 * Is the job of `h` finished?  If not, `why` says what is missing.  Fills in
 * what else is asked of it, and adds its batches.
 */
int sm_one_is_finished(bool *is, struct sm_err *why, struct sm_clean_result *r,
		       struct sm_handle *h, struct sm_err *err);
/* Say after `why` that there is a way all the same. */
int sm_cleaning_refuse(struct sm_err *err);
/* What grows at the final file's path is removed, if it is the job's. */
int sm_one_forget_growing(struct sm_handle *h, struct sm_err *err);
/* sm_clean() of one job, once it is held. */
int sm_one_clean(struct sm_clean_result *r, struct sm_cleaning *c,
		 const struct sm_clean_opts *opts, struct sm_err *err);

int sm_one_retry(uint64_t *changed, const char *job,
		 const struct sm_retry_opts *opts, struct sm_err *err);

/* Are these batches of the job?  SM_EUSAGE. */
int sm_retry_check_range(const struct sm_handle *h,
			 const struct sm_batch_range *r, struct sm_err *err);

/* Adds to `result`, for a job in parts. */
int sm_one_set(struct sm_set_result *result, const char *job,
	       const struct sm_set_opts *opts, struct sm_err *err);
int sm_one_stop(struct sm_stop_result *result, struct sm_handle *h,
		uint64_t batch, struct sm_err *err);

int sm_one_verify(struct sm_verify_result *result, const char *job,
		  const struct sm_verify_opts *opts, struct sm_err *err);
/* The same of a final file, whose job need not be there. */
int sm_file_verify(struct sm_verify_result *result, const char *path,
		   const struct sm_verify_opts *opts, struct sm_err *err);

int sm_one_recover(struct sm_recover_result *result, const char *job,
		   const struct sm_recover_opts *opts, struct sm_err *err);
/*
 * Are the rows of all batches there?  Rows that somebody deleted, or added, are
 * no damage to SQLite.
 */
int sm_recover_rows_are_there(bool *there, struct sm_db *db,
			      struct sm_err *err);

#endif /* SM_TEND_H */
