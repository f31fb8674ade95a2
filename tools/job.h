/*
 * job.h - what the commands that plan or run a job have in common
 *
 * The command of a kind of job is plan and run in one; plan does the first half
 * of it, run the second.  So all share their options and their words.
 */
#ifndef SM_JOB_H
#define SM_JOB_H

#include <stdbool.h>

#include <shardmill.h>

#include "cmd.h"
#include "options.h"
#include "screen.h"

/* Options of plan, run and the kinds; what both know is in `plan` alone. */
struct sm_job_args {
	struct sm_plan_opts plan;
	struct sm_run_opts run;
	const char *on_end; /* a command, or NULL */
	const char *job;    /* of a kind's command, or NULL */
	bool yes;
	bool dry_run;
	bool quiet;
};

/* Offsets in struct sm_job_args. */
extern const struct sm_option sm_job_target[];
extern const struct sm_option sm_job_settings[];
extern const struct sm_option sm_job_parts[];
extern const struct sm_option sm_job_replan[];
extern const struct sm_option sm_job_running[];
extern const struct sm_option sm_job_dry[];
extern const struct sm_option sm_job_quiet[];

/*
 * Give the plan its kind, the kind's options and the command after "--"; ask
 * before --restart deletes `job`.
 */
int sm_job_prepare(struct sm_call *call, const char *job, struct sm_err *err);

/* sm_plan(), and with --restart the end of what the program wrote there. */
int sm_job_plan(struct sm_plan_result *planned, const char *job,
		const struct sm_job_args *a, struct sm_err *err);

/* --dry-run: the commands, on standard output. */
int sm_job_dry_run(struct sm_call *call, struct sm_err *err);

/* Run and say how it went. */
int sm_job_run(struct sm_screen *screen, const char *job,
	       struct sm_job_args *args, struct sm_err *err);

#endif /* SM_JOB_H */
