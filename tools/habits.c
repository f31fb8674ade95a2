/*
 * habits.c - answers to options that people know from GNU parallel and xargs
 *
 * Apart from the tables of options, since none of these is one: what means the
 * same there and here has its name there as well.
 */
#include <string.h>

#include "habits.h"

#define ALWAYS "is always so here"

static const struct {
	const char *names; /* a blank after each */
	const char *answer;
} habits[] = {
	{ "resume ", ALWAYS ": the same command goes on where it stopped" },
	{ "resume-failed ", "is '--retry-failed' here" },
	{ "jobs max-procs P ", "is '--workers N' (-j) here" },
	{ "retries ", "is '--max-attempts N' here" },
	{ "results res files output-as-files ",
	  ALWAYS ": each batch's output is a shard of the job, and the last of "
		 "its standard error in the table attempt; '--to DIR' is for "
		 "commands that make a file of each, '--keep-logs' keeps all "
		 "of what they say" },
	{ "joblog ",
	  ALWAYS ": the table attempt of JOB/job.db; 'shardmill status JOB' "
		 "sums it up" },
	{ "bar eta progress ",
	  ALWAYS " on a terminal; 'shardmill status JOB --watch' shows it "
		 "elsewhere" },
	{ "keep-order k group ",
	  ALWAYS ": the output is in the order of the batches, each whole" },
	{ "linebuffer line-buffer lb ungroup u ",
	  "is not there: a batch's output is taken whole, in the order of the "
	  "batches; what goes to standard error is in the table attempt" },
	{ "pipe spreadstdin pipepart ",
	  "is '--input FILE --lines N' here, with - for standard input" },
	{ "block blocksize ", "is '--bytes SIZE' with '--input FILE' here" },
	{ "arg-file a ", "is '--items FILE' here, or ':::: FILE' after the "
			 "command" },
	{ "max-args max-replace-args n L l max-lines X xargs m ",
	  "is '--size N' (-N) here, with {} where the items go" },
	{ "I i ", ALWAYS ": {} in the command is the item" },
	{ "link xapply ", "is ':::+' before the second list here" },
	{ "csv C ", "is '--colsep ,' here" },
	{ "delimiter d ",
	  "is not there: items end in a newline, or in NUL with '--null' "
	  "(-0)" },
	{ "no-run-if-empty r ", ALWAYS },
	{ "halt halt-on-error ",
	  "is '--max-failures N' or N% here (soon,fail=N), or '--fail-fast' "
	  "(soon,fail=1)" },
	{ "termseq term-seq ", "is '--grace S' here, from TERM to KILL" },
	{ "tag tagstring ",
	  "is not there: a command knows its item as {} and SHARDMILL_ITEM, "
	  "and can print it" },
	{ "bg fg ", "is the shell's: put '&' after the command" },
	{ "shuf ",
	  "is not there: the output has the order of the batches; which is "
	  "made first is the column priority of the table batch" },
	{ "sshlogin sshloginfile slf S transferfile return trc ",
	  "is not there: '--parts N' of 'shardmill plan' makes a job for "
	  "several machines, see SEVERAL MACHINES in shardmill-jobs(7)" },
	{ "dryrun verbose t ", "is '--dry-run' here" },
	{ "process-slot-var ", ALWAYS ": SHARDMILL_SLOT, and {slot}" },
	{ "nice ", "is a program: nice shardmill ..." },
	{ "workdir wd ",
	  ALWAYS ": commands run in the directory where the job was planned" },
	{ "compress ", ALWAYS ": shards and the final file are gzip" },
	{ "round-robin rr ",
	  ALWAYS ": a worker takes the next batch when it is ready" },
	{ "sqlmaster sqlworker sqlandworker ",
	  ALWAYS ": the job is a table of job.db, and 'shardmill work JOB' "
		 "is one more worker" },
};

static bool
habit_is(const char *names, const char *name, size_t n)
{
	for (; *names; names += strcspn(names, " ") + 1)
		if (strcspn(names, " ") == n && strncmp(names, name, n) == 0)
			return true;
	return false;
}

const char *
sm_habit(const struct sm_call *call, const char *name)
{
	size_t i;

	if (!call->kind && !call->cmd->takes_limits)
		return NULL;
	for (i = 0; i < sizeof(habits) / sizeof(*habits); i++)
		if (habit_is(habits[i].names, name, strlen(name)))
			return habits[i].answer;
	return NULL;
}
