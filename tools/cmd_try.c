/*
 * cmd_try.c - try: run one batch here, without touching the job
 *
 * It is the way to see why a batch fails: its command's own output and errors,
 * and its exit status.
 */
#include <stddef.h>

#include "cmd.h"
#include "options.h"

struct try_args {
	uint64_t batch;
	bool trust;
};

/* Said as a word, read as strictly as an option. */
static const struct sm_option try_batch = {
	"batch",
	.type = SM_OPTION_UINT,
	.at = offsetof(struct try_args, batch),
};

static int
try_run(struct sm_call *call, struct sm_err *err)
{
	struct try_args *a = call->args;
	int status = 0, ret;

	ret = sm_option_set(&try_batch, a, call->words.word[1], err);
	if (ret == 0)
		ret = sm_try(&status, call->words.word[0], a->batch, a->trust,
			     err);
	return ret < 0 ? ret : status;
}

static const struct sm_option try_options[] = {
	SM_OPTION_TRUST(struct try_args, trust),
	{ 0 },
};

const struct sm_cmd cmd_try = {
	.name = "try",
	.usage = "JOB N",
	.summary =
		"run one batch of an exec job here, without touching the job",
	.detail = "The command runs in the foreground, its output and errors "
		  "on this terminal;\nits exit status is passed on.\n",
	.words = 2,
	.tables = { try_options },
	.args_bytes = sizeof(struct try_args),
	.run = try_run,
};
