/*
 * cmd_plan.c - plan: make a job and its batches, run nothing
 *
 * The kind of job is a word of its own, with options of its own, so it is
 * looked up before the rest of the line is read.
 */
#include <stddef.h>
#include <stdio.h>

#include "job.h"
#include "output.h"

#include "cmd.h"

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
plan_unknown_kind(const char *name, struct sm_err *err)
{
	const struct sm_kind_info *kind;
	char names[256] = "";
	size_t i, n = 0;

	for (i = 0; (kind = sm_kind_info(i)) != NULL && n < sizeof(names); i++)
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s",
				      i > 0 ? " or " : "", kind->name);
	return sm_output_fail(err, SM_EUSAGE,
			      "unknown kind of job '%s': it must be %s, after "
			      "JOB",
			      name, names);
}

static int
plan_run(struct sm_call *call, struct sm_err *err)
{
	struct sm_job_args *a = call->args;
	struct sm_plan_result result = { 0 };
	struct sm_screen screen;
	const char *job = call->words.word[0];
	int ret;

	if (!sm_cmd_find_kind(call->words.word[1]))
		return plan_unknown_kind(call->words.word[1], err);
	sm_screen_init(&screen, a->quiet);
	a->plan.events = sm_screen_events(&screen);
	if (a->dry_run)
		return sm_job_dry_run(call, err);
	ret = sm_job_prepare(call, job, err);
	if (ret < 0)
		return ret;
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

const struct sm_cmd cmd_plan = {
	.name = "plan",
	.usage = "JOB KIND [OPTIONS] [-- COMMAND...]",
	.summary = "make a job and its batches, run nothing",
	.detail = "The options are those of the command that KIND names; JOB "
		  "and the kind come first.\n'shardmill plan JOB exec --help' "
		  "lists them.\n",
	.words = 2,
	.takes_rest = true,
	.takes_kind = true,
	.drains = true,
	.tables = { sm_job_target, sm_job_settings, sm_job_parts, sm_job_replan,
		    sm_job_dry, sm_job_quiet },
	.args_bytes = sizeof(struct sm_job_args),
	.run = plan_run,
};
