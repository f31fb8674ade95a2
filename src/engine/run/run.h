/*
 * run.h - the two sides of a run of one job: its supervisor and a worker
 */
#ifndef SM_RUN_H
#define SM_RUN_H

#include <shardmill.h>

/* sm_run() of one job, or of one part. */
int sm_one_run(struct sm_run_result *result, const char *job,
	       const struct sm_run_opts *opts, struct sm_err *err);

/* sm_work() on one job, or on one part. */
int sm_one_work(const char *job, const struct sm_work_opts *opts,
		struct sm_err *err);

#endif /* SM_RUN_H */
