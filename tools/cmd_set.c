/*
 * cmd_set.c - set, pause and resume: steer a job while it runs, or not
 *
 * One call of the library does all of it.  Here the words of the command line
 * are read, and what was changed is said, with what comes of it.
 */
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

#include "cmd.h"
#include "options.h"

struct set_args {
	/* Not `set`: an offset of 0 would be none for its `has_workers`. */
	const char *priority; /* "3,7-9=5" */
	int paused;           /* of words_paused, from 1; 0: as it is */
	struct sm_ranges batch;
	struct sm_set_opts set;
};

static const struct sm_option set_batches = {
	"priority", .type = SM_OPTION_RANGES, .arg = "LIST",
	.at = offsetof(struct set_args, batch)
};

/* "3,7-9=5" into ranges and a number, which may be negative. */
static int
set_read_priority(struct set_args *a, struct sm_err *err)
{
	const char *equals = a->priority ? strrchr(a->priority, '=') : NULL;
	char *list, *end;
	long n;
	int ret;

	if (!a->priority)
		return 0;
	n = equals ? strtol(equals + 1, &end, 10) : 0;
	if (!equals || end == equals + 1 || *end || n < INT_MIN || n > INT_MAX)
		return sm_output_fail(err, SM_EUSAGE,
				      "option '--priority' is '%s': it must be "
				      "batches and a number, such as 3,7-9=5",
				      a->priority);
	list = strndup(a->priority, (size_t)(equals - a->priority));
	if (!list)
		return sm_output_fail(err, SM_ENOMEM, "out of memory");
	ret = sm_option_set(&set_batches, a, list, err);
	free(list);
	a->set.priority = n;
	a->set.range = a->batch.range;
	a->set.ranges = a->batch.count;
	return ret;
}

/* What to type where nobody is at work; "" where somebody is. */
static void
set_show_next(const struct sm_set_result *r, const char *job)
{
	if (r->active)
		puts("");
	else
		sm_output_line(stdout, "; next: shardmill run $", job, NULL);
}

static void
set_show_paused(const struct sm_set_result *r, const char *job)
{
	const char *was = r->was_paused == r->paused ? " already" : "";

	sm_output_name(stdout, job);
	if (!r->paused) {
		printf(": %s", *was ? "it was not paused" : "goes on");
		set_show_next(r, job);
		return;
	}
	printf(": paused%s", was);
	if (r->running > 0)
		printf("; %s %s in hand %s finished first",
		       sm_text_count(r->running).s,
		       sm_text_plural(r->running, "batch", "batches"),
		       r->running == 1 ? "is" : "are");
	sm_output_line(stdout, "; to go on: shardmill resume $", job, NULL);
}

static void
set_show(const struct sm_set_result *r, const struct set_args *a,
	 const char *job)
{
	const struct sm_set_opts *o = &a->set;

	if (o->has_workers) {
		sm_output_name(stdout, job);
		printf(": %d %s wanted, it was %d", r->workers,
		       sm_text_plural((uint64_t)r->workers, "worker",
				      "workers"),
		       r->was_workers);
		if (r->active && r->workers < r->was_workers)
			fputs("; those too many finish their batch first",
			      stdout);
		set_show_next(r, job);
	}
	if (o->max_attempts) {
		sm_output_name(stdout, job);
		printf(": %d %s before a batch has failed, it was %d\n",
		       r->max_attempts,
		       sm_text_plural((uint64_t)r->max_attempts, "try",
				      "tries"),
		       r->was_max_attempts);
	}
	if (o->limits && o->limits->name)
		sm_output_line(stdout, "%: %", job,
			       r->limits ? "the limits hold from each worker's "
					   "next batch on"
					 : "the limits were these already",
			       NULL);
	if (o->ranges > 0) {
		sm_output_name(stdout, job);
		printf(": priority %" PRId64 " for %s %s\n", o->priority,
		       sm_text_count(r->prioritized).s,
		       sm_text_plural(r->prioritized, "batch", "batches"));
	}
	if (o->paused)
		set_show_paused(r, job);
}

static int
set_call(struct set_args *a, const char *job, struct sm_err *err)
{
	struct sm_set_result r = { 0 };
	int ret = sm_set(&r, job, &a->set, err);

	if (ret == 0)
		set_show(&r, a, job);
	return ret;
}

static int
set_run(struct sm_call *call, struct sm_err *err)
{
	struct set_args *a = call->args;
	int ret = set_read_priority(a, err);

	a->set.limits = call->value;
	if (a->paused)
		a->set.paused = a->paused == 1 ? 1 : -1;
	if (ret == 0 && !a->set.has_workers && !a->set.paused &&
	    !a->set.max_attempts && !a->priority && call->values == 0)
		ret = sm_output_fail(err, SM_EUSAGE,
				     "nothing is named that is to be set; "
				     "'--help' lists what there is");
	if (ret == 0)
		ret = set_call(a, call->words.word[0], err);
	free(a->batch.range);
	return ret;
}

static int
pause_run(struct sm_call *call, struct sm_err *err)
{
	struct set_args *a = call->args;

	a->set.paused = 1;
	return set_call(a, call->words.word[0], err);
}

static int
resume_run(struct sm_call *call, struct sm_err *err)
{
	struct set_args *a = call->args;

	a->set.paused = -1;
	return set_call(a, call->words.word[0], err);
}

static const char *const words_paused[] = { "yes", "no", NULL };

static const struct sm_option set_options[] = {
	{ "workers", 'j', .type = SM_OPTION_INT, .arg = "N", .min = 0,
	  .max = SM_WORKERS_MAX, .unset = "as it is",
	  .at = offsetof(struct set_args, set.workers),
	  .given_at = offsetof(struct set_args, set.has_workers),
	  .help = "worker processes, of a living run too",
	  .more = "Those too many finish the batch in hand. With 0 a run "
		  "waits until there are to be some." },
	{ "paused", .type = SM_OPTION_WORD, .words = words_paused, .min = 1,
	  .unset = "as it is", .at = offsetof(struct set_args, paused),
	  .help = "claim nothing new; what is in hand is finished" },
	{ "priority", .type = SM_OPTION_TEXT, .arg = "LIST=N",
	  .at = offsetof(struct set_args, priority), .unset = "as it is",
	  .help = "of these batches, such as 3,7-9=5; higher is taken first",
	  .more = "All have 0 at first. The final file stays in order." },
	{ "max-attempts", .type = SM_OPTION_INT, .arg = "N", .min = 1,
	  .max = SM_ATTEMPTS_MAX, .unset = "as it is",
	  .at = offsetof(struct set_args, set.max_attempts),
	  .help = "tries before a batch has failed" },
	SM_OPTION_TRUST(struct set_args, set.trust),
	{ 0 },
};

static const struct sm_option pause_options[] = {
	SM_OPTION_TRUST(struct set_args, set.trust),
	{ 0 },
};

const struct sm_cmd cmd_set = {
	.name = "set",
	.usage = "JOB [OPTIONS]",
	.summary = "change workers, pause, priority, tries or limits of a job, "
		   "while it runs",
	.words = 1,
	.takes_limits = true,
	.tables = { set_options },
	.args_bytes = sizeof(struct set_args),
	.run = set_run,
};

const struct sm_cmd cmd_pause = {
	.name = "pause",
	.usage = "JOB",
	.summary = "finish what is in hand, and claim nothing new",
	.words = 1,
	.tables = { pause_options },
	.args_bytes = sizeof(struct set_args),
	.run = pause_run,
};

const struct sm_cmd cmd_resume = {
	.name = "resume",
	.usage = "JOB",
	.summary = "go on after a pause",
	.words = 1,
	.tables = { pause_options },
	.args_bytes = sizeof(struct set_args),
	.run = resume_run,
};
