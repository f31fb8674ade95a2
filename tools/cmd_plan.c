#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "job.h"
#include "output.h"

#include "cmd.h"

static const struct sm_option_group plan_candidates_groups[] = {
	{ "result", sm_job_target_optional, 0 },
	SM_JOB_CANDIDATES_GROUPS,
	SM_JOB_SETTINGS_GROUP,
	{ "parts", sm_job_parts, 0 },
	{ "a job that is there", sm_job_replan, 0 },
	{ "output", sm_job_planning, 0 },
	{ 0 },
};

static const struct sm_option_group plan_exec_groups[] = {
	{ "result", sm_job_target_optional, 0 },
	SM_JOB_EXEC_GROUPS,
	SM_JOB_SETTINGS_GROUP,
	{ "parts", sm_job_parts, 0 },
	{ "a job that is there", sm_job_replan, 0 },
	{ "output", sm_job_planning, 0 },
	{ 0 },
};

/* The options of a kind of job, NULL: there is none of this name. */
static const struct sm_option_group *
plan_kind(const char *name)
{
	if (strcmp(name, "candidates") == 0)
		return plan_candidates_groups;
	if (strcmp(name, "exec") == 0)
		return plan_exec_groups;
	return NULL;
}

static void
plan_show(const char *job, const struct sm_plan_result *r)
{
	char parts[64] = "";

	if (r->parts > 0)
		snprintf(parts, sizeof(parts), " in %s %s",
			 sm_text_count(r->parts).s,
			 sm_text_plural(r->parts, "part", "parts"));
	sm_output_line(stdout, "%: %%, % %, % %, fingerprint %", job,
		       r->planned ? "planned" : "planned before", parts,
		       sm_text_count(r->batches).s,
		       sm_text_plural(r->batches, "batch", "batches"),
		       sm_text_count(r->rows).s,
		       sm_text_plural(r->rows, "row", "rows"), r->fingerprint,
		       NULL);
}

static int
plan_run(struct sm_call *call, struct sm_err *err)
{
	struct sm_job_args *a = call->args;
	struct sm_plan_result result = { 0 };
	struct sm_screen screen;
	const char *job = call->words.word[0], *kind = call->words.word[1];
	int ret;

	if (!plan_kind(kind))
		return sm_output_fail(err, SM_EUSAGE,
				      "unknown kind of job '%s': it must be "
				      "candidates or exec, behind JOB",
				      kind);
	ret = sm_job_prepare(call, job, strcmp(kind, "exec") == 0, err);
	if (ret < 0)
		return ret;
	sm_screen_init(&screen, a->quiet);
	a->plan.events = sm_screen_events(&screen);
	ret = sm_job_plan(&result, job, a, err);
	sm_screen_clear(&screen);
	if (ret < 0 || a->quiet)
		goto out;
	plan_show(job, &result);
	if (result.first_command)
		sm_output_line(stdout, "first command: %", result.first_command,
			       NULL);
	if (result.complete)
		sm_output_line(stdout, "it is complete", NULL);
	else if (result.parts > 0)
		sm_output_line(
			stdout,
			"next: shardmill run $ (one part after another), "
			"or of each part on a host of its own",
			job, NULL);
	else
		sm_output_line(stdout, "next: shardmill run $", job, NULL);

out:
	sm_plan_result_release(&result);
	return ret;
}

static const struct sm_option_group plan_groups[] = {
	{ "result", sm_job_target_optional, 0 },
	SM_JOB_SETTINGS_GROUP,
	{ "parts", sm_job_parts, 0 },
	{ "a job that is there", sm_job_replan, 0 },
	{ "output", sm_job_planning, 0 },
	{ 0 },
};

/*
 * JOB and the kind come first: the kind decides what the options mean.  Those
 * who turn the two around are told so, and not of unknown options.
 */
static const struct sm_option_group *
plan_pick(char *const *argv)
{
	const struct sm_option_group *groups = NULL;

	if (argv[0] && argv[1])
		groups = plan_kind(argv[1]);
	return groups || !argv[0] ? groups : plan_kind(argv[0]);
}

const struct sm_cmd cmd_plan = {
	.name = "plan",
	.usage = "JOB candidates|exec [OPTIONS] [-- COMMAND...]",
	.summary = "make a job and its batches, run nothing",
	.detail = "The options are those of the command of that name; JOB and "
		  "the kind come first.\n'shardmill plan JOB exec --help' "
		  "lists them.\n",
	.words = 2,
	.takes_rest = true,
	.drains = true,
	.groups = plan_groups,
	.pick = plan_pick,
	.args_bytes = sizeof(struct sm_job_args),
	.init = sm_job_args_init,
	.run = plan_run,
};
