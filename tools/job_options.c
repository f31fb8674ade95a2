/*
 * job_options.c - the options that plan, run and the kinds of job share
 *
 * Those of one kind are the library's: candidates_options.c and so on.
 */
#include <stddef.h>

#include "job.h"

static const char *const words_sync[] = { "shard", "end", NULL };

#define YEAR_S 31536000

/* A macro's value as text. */
#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x)

#define ARGS(member)     .at = offsetof(struct sm_job_args, member)
#define SETTINGS(member) ARGS(plan.settings.member)

const struct sm_option sm_job_target[] = {
	{ "output", 'o', .type = SM_OPTION_FILE, .arg = "FILE",
	  ARGS(plan.output), .group = "result",
	  .help = "the final file, gzip" },
	{ "force", .type = SM_OPTION_BOOL, .flags = SM_OPTION_UNGUESSED,
	  ARGS(plan.force), .help = "replace a FILE that is not this job's",
	  .more = "Without it that is refused, when planning." },
	{ 0 },
};

const struct sm_option sm_job_settings[] = {
	{ "workers", 'j', .type = SM_OPTION_INT, .arg = "N", .min = 1,
	  .max = SM_WORKERS_MAX, .unset = "the usable CPUs", SETTINGS(workers),
	  .group = "running (free to change at any start, else kept)",
	  .help = "worker processes",
	  .more = "CPUs are those of the affinity mask, or fewer where a "
		  "control group's quota allows no more." },
	{ "max-attempts", .type = SM_OPTION_INT, .arg = "N", .min = 1,
	  .max = SM_ATTEMPTS_MAX, .unset = TEXT(SM_MAX_ATTEMPTS_DEFAULT),
	  SETTINGS(max_attempts), .help = "tries before a batch has failed",
	  .more = "What ended with its supervisor, a reboot or a full disk "
		  "does not count, nor what was killed for want of memory "
		  "beside others." },
	{ "lease", .type = SM_OPTION_DOUBLE, .arg = "S", .min = 1,
	  .max = YEAR_S, .unit = "s", .unset = TEXT(SM_LEASE_S_DEFAULT) " s",
	  SETTINGS(lease_s),
	  .help = "a worker that stands still so long is killed",
	  .more = "Its batch is given to another." },
	{ "sync", .type = SM_OPTION_WORD, .words = words_sync,
	  .min = SM_SYNC_SHARD, .unset = "shard", SETTINGS(sync),
	  .help = "shard: each is on disk before its batch is done; end: at "
		  "the end, for swarms of tiny batches" },
	{ "fail-fast", .type = SM_OPTION_SWITCH, .unset = "no",
	  SETTINGS(fail_fast), .help = "stop at the first failed batch" },
	{ "consume", .type = SM_OPTION_SWITCH, .flags = SM_OPTION_UNGUESSED,
	  .unset = "no", SETTINGS(consume),
	  .help = "remove each shard once the final file has it for good, so "
		  "that both need the disk once",
	  .more = "That file is FILE.part until the job is done. From then on "
		  "a batch's bytes are in it, where the start check, verify "
		  "and recover look for them. If it is lost before the job is, "
		  "its batches are made again. A batch that is put back is "
		  "made again, alone; if its bytes are others, the file is "
		  "written a second time from its own bytes and the new shard. "
		  "The name of the final file stays." },
	{ 0 },
};

const struct sm_option sm_job_replan[] = {
	{ "accept-changed", .type = SM_OPTION_BOOL,
	  .flags = SM_OPTION_UNGUESSED, ARGS(plan.accept_changed),
	  .group = "a job that is there",
	  .help = "keep the batches that are done, make the rest with these "
		  "options and inputs",
	  .more = "Without it, options and inputs that decide about the "
		  "content are compared with the planned ones, and a "
		  "difference is refused." },
	{ "extend", .type = SM_OPTION_BOOL, ARGS(plan.extend),
	  .help = "add batches for items, lines or numbers that are new at the "
		  "end",
	  .more = "What is done stays; a last batch that was shorter is made "
		  "again. Where nothing is new it changes nothing." },
	{ "restart", .type = SM_OPTION_BOOL, .flags = SM_OPTION_UNGUESSED,
	  ARGS(plan.restart),
	  .help = "delete the job and begin again; asks first",
	  .more = "It asks on a terminal, and needs --yes elsewhere." },
	{ "yes", .type = SM_OPTION_BOOL, .flags = SM_OPTION_UNGUESSED,
	  ARGS(yes), .help = "do not ask" },
	{ "network-fs", .type = SM_OPTION_BOOL, ARGS(plan.network_fs),
	  .help = "allow a job on a network file system, used by one host at "
		  "a time",
	  .more = "It has a rollback journal in place of a log. A file system "
		  "that is mounted by FUSE counts as one, since it does not "
		  "say what is below it. A job that was planned on a local "
		  "disk, and moved, leaves its log. Running and working are "
		  "refused (8) where workers of another host have not ended, "
		  "even if its locks are not seen here: it is at work, or "
		  "died. Two hosts that have a job open at once, as after run "
		  "--takeover, need file locks that hold from host to host, or "
		  "the database may be damaged. They do not on mounts that "
		  "keep locks local, such as nolock, local_lock and localflock "
		  "ones and most of FUSE." },
	SM_OPTION_TRUST(struct sm_job_args, plan.trust),
	{ 0 },
};

const struct sm_option sm_job_parts[] = {
	{ "parts", .type = SM_OPTION_UINT, .arg = "N", .min = 1, .max = 100000,
	  ARGS(plan.parts), .unset = "none", .group = "parts",
	  .help = "a new job in N parts, each for a host of its own",
	  .more = "See shardmill-jobs(7)." },
	{ 0 },
};

const struct sm_option sm_job_running[] = {
	{ "retry-failed", .type = SM_OPTION_BOOL, ARGS(run.retry_failed),
	  .group = "this run", .help = "put the failed batches back first" },
	{ "max-failures", .type = SM_OPTION_DOUBLE, .arg = "N|N%", .unit = "%",
	  ARGS(run.max_failures), .unset = "no limit",
	  .help = "end the run after so many batches failed in it, or such a "
		  "share of all",
	  .more = "What is in hand is finished. --fail-fast is kept with the "
		  "job, this is not." },
	{ "follow", .type = SM_OPTION_SWITCH, ARGS(run.follow),
	  .unset = "if there is a final file",
	  .help = "join the shards while the job runs, or at its end",
	  .more = "Where they were joined before, only the tail of the final "
		  "file is left to write at the end. The bytes are the same. "
		  "A batch that is put back after it was joined is made again, "
		  "and the file is written again from there on, if its bytes "
		  "are others." },
	{ "on-end", .type = SM_OPTION_TEXT, .arg = "CMD", ARGS(on_end),
	  .unset = "none",
	  .help = "run CMD by sh when the run has ended, however it did",
	  .more = "What came of it is in the environment: SHARDMILL_JOB, "
		  "SHARDMILL_STATUS (what the run exits with), SHARDMILL_WHY "
		  "(in words), SHARDMILL_DONE, SHARDMILL_FAILED, "
		  "SHARDMILL_LEFT (batches), SHARDMILL_OUTPUT (the final "
		  "file, if it is whole). The run waits for CMD, whose own "
		  "status changes nothing." },
	{ 0 },
};

const struct sm_option sm_job_dry[] = {
	{ "dry-run", .type = SM_OPTION_BOOL, ARGS(dry_run),
	  .help = "print the command of every batch, and make nothing",
	  .more = "Each is a line that a shell reads back. A job that is "
		  "there is not looked at." },
	{ 0 },
};

const struct sm_option sm_job_quiet[] = {
	SM_OPTION_QUIET(struct sm_job_args, quiet),
	{ 0 },
};
