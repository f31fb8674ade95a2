/*
 * tend.h - what is done with one job beside making its batches
 *
 * A job here is one directory with a job.db: a job without parts, or one part.
 */
#ifndef SM_TEND_H
#define SM_TEND_H

#include "handle.h"

int sm_one_status(struct sm_status *out, const char *job, struct sm_err *err);

int sm_one_report(struct sm_report *out, const char *job, struct sm_err *err);

int sm_one_batch_status(struct sm_batch_status *out, struct sm_handle *h,
			uint64_t batch, struct sm_err *err);

int sm_one_try(int *exit_status, struct sm_handle *h, uint64_t batch,
	       struct sm_err *err);

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
