/*
 * job.h - what the commands that plan or run a job have in common
 *
 * candidates and exec are one command for plan and run; plan does the first
 * half of either, run the second.  So all share their options and their words.
 */
#ifndef SM_JOB_H
#define SM_JOB_H

#include <stdbool.h>

#include <shardmill.h>

#include "cmd.h"
#include "options.h"
#include "screen.h"

/* Options of candidates, exec and plan. */
struct sm_job_args {
	struct sm_candidates_opts candidates;
	struct sm_exec_opts exec;
	struct sm_plan_opts plan;
	int follow; /* as in struct sm_run_opts */
	bool retry_failed;
	bool yes;
	bool quiet;
};

/* Offsets in the structs of shardmill.h that they are named after. */
extern const struct sm_option sm_job_candidates_inputs[];
extern const struct sm_option sm_job_candidates_rows[];
extern const struct sm_option sm_job_candidates_output[];
extern const struct sm_option sm_job_exec_input[];
extern const struct sm_option sm_job_exec_command[];
extern const struct sm_option sm_job_settings[];

/* Offsets in struct sm_job_args. */
extern const struct sm_option sm_job_target[]; /* -o, required */
extern const struct sm_option sm_job_target_optional[];
extern const struct sm_option sm_job_parts[];
extern const struct sm_option sm_job_replan[];
extern const struct sm_option sm_job_running[];
extern const struct sm_option sm_job_planning[];

/* The paragraphs of the kinds' own options, for a list of groups. */
#define SM_JOB_CANDIDATES_GROUPS                                               \
	{ "inputs", sm_job_candidates_inputs,                                  \
	  offsetof(struct sm_job_args, candidates) },                          \
		{ "what is written", sm_job_candidates_rows,                   \
		  offsetof(struct sm_job_args, candidates) },                  \
	{                                                                      \
		"how it is written", sm_job_candidates_output,                 \
			offsetof(struct sm_job_args, candidates)               \
	}
#define SM_JOB_EXEC_GROUPS                                                     \
	{ "batches (one of --lines, --bytes, --range, --items)",               \
	  sm_job_exec_input, offsetof(struct sm_job_args, exec) },             \
	{                                                                      \
		"the command and its output", sm_job_exec_command,             \
			offsetof(struct sm_job_args, exec)                     \
	}
#define SM_JOB_SETTINGS_GROUP                                                  \
	{                                                                      \
		"running (free to change at any start)", sm_job_settings,      \
			offsetof(struct sm_job_args, plan.settings)            \
	}

void sm_job_args_init(void *args);

/*
 * Point the plan at the kind that `call` is for, the command behind "--"
 * included; ask before --restart deletes `job`.
 */
int sm_job_prepare(struct sm_call *call, const char *job, bool exec,
		   struct sm_err *err);

/* sm_plan(), and with --restart the end of what the program wrote there. */
int sm_job_plan(struct sm_plan_result *planned, const char *job,
		const struct sm_job_args *a, struct sm_err *err);

/* candidates and exec: plan F.job, run it, say how it went. */
int sm_job_make(struct sm_call *call, bool exec, struct sm_err *err);

/* Run and say how it went; `opts->events` is overwritten with `screen`'s. */
int sm_job_run(struct sm_screen *screen, const char *job,
	       struct sm_run_opts *opts, struct sm_err *err);

#endif /* SM_JOB_H */
