/*
 * cmd_stop.c - stop: end one batch that runs
 *
 * It is no signal to the run, which goes on: `stop` needs the number of a
 * batch, so that nobody ends a whole run by it.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "output.h"

#include "cmd.h"
#include "options.h"

struct stop_args {
	uint64_t batch;
	bool has_batch;
	bool trust;
};

static int
stop_run(struct sm_call *call, struct sm_err *err)
{
	const struct stop_args *a = call->args;
	const char *job = call->words.word[0];
	struct sm_stop_result r = { 0 };
	const char *how = "; its worker, which was started by hand, drops it "
			  "when it is made";
	int ret;

	if (!a->has_batch)
		return sm_output_fail(err, SM_EUSAGE,
				      "option '--batch N' is missing; to end "
				      "the whole run, send it TERM, and to let "
				      "it claim nothing new: shardmill pause");
	ret = sm_stop_batch(&r, job, a->batch, a->trust, err);
	if (ret < 0)
		return ret;
	if (r.killed)
		how = "; its command did not end of TERM, and was killed";
	else if (r.command || r.worker)
		how = "";
	printf("batch %" PRIu64 " was ended by hand after %s%s; it does not "
	       "count as a try, and is made again after all others, not before "
	       "%s from now\n",
	       a->batch, sm_text_duration(r.elapsed_s).s, how,
	       sm_text_duration(r.wait_s).s);
	return 0;
}

static const struct sm_option stop_options[] = {
	{ "batch", .type = SM_OPTION_UINT, .arg = "N",
	  .at = offsetof(struct stop_args, batch),
	  .given_at = offsetof(struct stop_args, has_batch),
	  .help = "the batch to end: its command by TERM, 5 s later by KILL",
	  .more = "The attempt is recorded as stopped and does not count. The "
		  "batch is pending again; it is not taken for 60 s, and then "
		  "after all others that wait. 'retry JOB --batch N' makes it "
		  "due at once. A worker without a command is replaced." },
	SM_OPTION_TRUST(struct stop_args, trust),
	{ 0 },
};

const struct sm_cmd cmd_stop = {
	.name = "stop",
	.usage = "JOB --batch N",
	.summary = "end one batch that runs; the run goes on",
	.words = 1,
	.tables = { stop_options },
	.args_bytes = sizeof(struct stop_args),
	.run = stop_run,
};
