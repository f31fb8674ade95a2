/*
 * cmd_recover.c - recover: rebuild a lost job.db from the shards
 *
 * It is for a job.db that is lost or damaged; everything else mends itself at
 * the next run.
 */
#include <stddef.h>

#include "output.h"

#include "cmd.h"
#include "options.h"

static int
recover_run(struct sm_call *call, struct sm_err *err)
{
	struct sm_recover_opts *opts = call->args;
	const char *job = call->words.word[0];
	struct sm_recover_result r;
	int ret = sm_recover(&r, job, opts, err);

	if (ret < 0)
		return ret;
	sm_output_line(stdout,
		       "$: rebuilt, % of % batches were whole and are done; "
		       "next: shardmill run $",
		       job, sm_text_count(r.reused).s,
		       sm_text_count(r.batches).s, job, NULL);
	if (r.outdated)
		sm_output_line(stdout,
			       "% of the others are whole, but were made with "
			       "other options (--accept-changed): they are "
			       "made again with those of now",
			       sm_text_count(r.outdated).s, NULL);
	if (r.had_database)
		sm_output_line(stdout,
			       "the damaged database was kept beside "
			       "it as job.db.damaged",
			       NULL);
	return 0;
}

static const struct sm_option recover_options[] = {
	{ "network-fs", .type = SM_OPTION_BOOL,
	  .at = offsetof(struct sm_recover_opts, network_fs),
	  .help = "for a job that was planned with --network-fs" },
	SM_OPTION_TRUST(struct sm_recover_opts, trust),
	{ 0 },
};

const struct sm_cmd cmd_recover = {
	.name = "recover",
	.usage = "JOB",
	.summary = "rebuild a lost job.db from the shards",
	.words = 1,
	.tables = { recover_options },
	.args_bytes = sizeof(struct sm_recover_opts),
	.run = recover_run,
};
