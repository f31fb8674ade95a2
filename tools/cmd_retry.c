/*
 * cmd_retry.c - retry: put batches back to pending
 *
 * Without an option it takes the failed ones, since that is what people mean
 * by it.
 */
#include <stddef.h>
#include <stdlib.h>

#include "output.h"

#include "cmd.h"
#include "options.h"

struct retry_args {
	struct sm_retry_opts retry;
	struct sm_ranges batch;
};

/* Nothing was put back: what there is instead of what was asked for. */
static void
retry_show_why(const struct sm_retry_opts *o, const struct sm_status *s)
{
	const char *why = "none has failed";

	if (o->ranges > 0)
		why = "those are running; 'shardmill stop' ends one";
	else if (o->all)
		why = "all that are left are pending or running already";
	printf("0 batches put back to pending: %s (done %s, pending %s, "
	       "running %s, failed %s)\n",
	       why, sm_text_count(s->done).s, sm_text_count(s->pending).s,
	       sm_text_count(s->running).s, sm_text_count(s->failed).s);
}

static int
retry_run(struct sm_call *call, struct sm_err *err)
{
	struct retry_args *a = call->args;
	const char *job = call->words.word[0];
	struct sm_status s = { 0 };
	struct sm_err ignored;
	uint64_t changed = 0;
	int ret;

	a->retry.range = a->batch.range;
	a->retry.ranges = a->batch.count;
	ret = sm_retry(&changed, job, &a->retry, err);
	free(a->batch.range);
	if (ret < 0)
		return ret;
	if (sm_status(&s, job, &ignored) == 0 && changed == 0)
		retry_show_why(&a->retry, &s);
	else if (s.producer && !s.active)
		sm_output_line(stdout,
			       "% % put back to pending; next: run it by the "
			       "program that has the producer '%'",
			       sm_text_count(changed).s,
			       sm_text_plural(changed, "batch", "batches"),
			       s.producer, NULL);
	else
		sm_output_line(stdout,
			       s.active ? "% % put back to pending; the run "
					  "that goes on takes them up"
					: "% % put back to pending; next: "
					  "shardmill run $",
			       sm_text_count(changed).s,
			       sm_text_plural(changed, "batch", "batches"), job,
			       NULL);
	sm_status_release(&s);
	return 0;
}

static const struct sm_option retry_options[] = {
	{ "failed", .type = SM_OPTION_BOOL,
	  .at = offsetof(struct retry_args, retry.failed),
	  .help = "the failed ones; so without any option" },
	{ "batch", .type = SM_OPTION_RANGES, .arg = "LIST",
	  .at = offsetof(struct retry_args, batch),
	  .help = "these, such as 3,7-9: both ends included" },
	{ "all", .type = SM_OPTION_BOOL, .flags = SM_OPTION_UNGUESSED,
	  .at = offsetof(struct retry_args, retry.all),
	  .help = "every batch, those that are done as well" },
	SM_OPTION_TRUST(struct retry_args, retry.trust),
	{ 0 },
};

const struct sm_cmd cmd_retry = {
	.name = "retry",
	.usage = "JOB [--failed] [--batch LIST] [--all]",
	.summary = "put batches back to pending",
	.words = 1,
	.tables = { retry_options },
	.args_bytes = sizeof(struct retry_args),
	.run = retry_run,
};
