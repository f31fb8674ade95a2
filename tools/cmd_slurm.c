/*
 * cmd_slurm.c - slurm: submit a job in parts to Slurm
 *
 * It checks what Slurm would refuse only after hours in a queue, and shows
 * what to type next.  The scripts themselves are in slurm.c.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "slurm.h"

#include "cmd.h"
#include "options.h"

struct slurm_args {
	uint64_t parts;
	bool print;
};

static bool
slurm_all_done(const struct sm_status *s)
{
	return s->done == s->total;
}

static int
slurm_check_size(uint64_t parts, struct sm_err *err)
{
	uint64_t max = 0;
	int ret = sm_slurm_max_array(&max, err);

	if (ret < 0 || parts <= max)
		return ret;
	return sm_output_fail(err, SM_EREFUSED,
			      "%" PRIu64 " parts are too many: this cluster "
			      "takes arrays of %" PRIu64 " tasks "
			      "(MaxArraySize); plan the job in at most so many "
			      "parts",
			      parts, max);
}

/* What the job must be for this; --parts plans one that has none again. */
static int
slurm_check_job(struct sm_status *s, const struct slurm_args *a,
		const char *job, struct sm_err *err)
{
	struct sm_plan_opts again = { .parts = a->parts };
	struct sm_plan_result planned = { 0 };
	size_t i;
	int ret = 0;

	if (s->part_count > 0)
		return sm_output_fail(err, SM_EUSAGE,
				      "'%s' is a part itself; name the whole "
				      "job",
				      job);
	if (s->parts == 0 && a->parts == 0)
		return sm_output_fail(err, SM_EUSAGE,
				      "the job '%s' is not in parts; --parts N "
				      "plans it again in N, if it was not "
				      "begun: more parts than nodes",
				      job);
	if (s->parts == 0) {
		if (!a->print)
			ret = slurm_check_size(a->parts, err);
		if (ret == 0)
			ret = sm_plan(&planned, job, &again, err);
		sm_plan_result_release(&planned);
		sm_status_release(s);
		if (ret == 0)
			ret = sm_status(s, job, err);
		if (ret < 0)
			return ret;
	}
	if (a->parts && a->parts != s->parts)
		return sm_output_fail(err, SM_EREFUSED,
				      "the job '%s' was planned in %zu parts, "
				      "not %" PRIu64,
				      job, s->parts, a->parts);
	for (i = 0; i < s->parts; i++)
		if (s->part[i].error)
			return sm_output_fail(
				err, SM_EINPUT, "%s cannot be read: %s",
				s->part[i].name, s->part[i].error);
	return 0;
}

/* What the array would get into the way of. */
static int
slurm_check_queue(const struct sm_status *s, struct sm_err *err)
{
	char id[64];
	size_t i;
	int ret = slurm_check_size(s->parts, err);

	if (ret < 0)
		return ret;
	ret = sm_slurm_is_queued(id, s, err);
	if (ret > 0)
		return sm_output_fail(err, SM_EHELD,
				      "Slurm's job %s of '%s' is queued or "
				      "runs: 'squeue -j %s' shows it, 'scancel "
				      "%s' ends it",
				      id, s->job, id, id);
	for (i = 0; i < s->parts && ret == 0; i++)
		if (s->part[i].active)
			ret = sm_output_fail(
				err, SM_EHELD,
				"%s of '%s' is being run; end that "
				"first",
				s->part[i].name, s->job);
	return ret;
}

static int
slurm_check_options(char *const *option, struct sm_err *err)
{
	for (; option && *option; option++)
		if (strncmp(*option, "--array", 7) == 0 ||
		    (strncmp(*option, "-a", 2) == 0))
			return sm_output_fail(err, SM_EUSAGE,
					      "'%s': the array's numbers are "
					      "those of the parts",
					      *option);
	return 0;
}

static void
slurm_print_command(const char *script, char *const *option, const char *after)
{
	const char *p;

	fputs("sbatch", stdout);
	for (; option && *option; option++) {
		putchar(' ');
		/* What begins with a dash is meant to be an option here. */
		for (p = *option; *p == '-'; p++)
			putchar(*p);
		if (*p)
			sm_output_word(stdout, p);
	}
	printf("%s %s\n", after, script);
}

static int
slurm_print(const struct sm_status *s, char *const *options, const char *array,
	    const char *finalize)
{
	sm_output_line(stdout, "$/" SM_SLURM_ARRAY ":", s->job, NULL);
	fputs(array ? array : "# every part is done\n", stdout);
	if (finalize) {
		sm_output_line(stdout, "\n$/" SM_SLURM_FINALIZE ":", s->job,
			       NULL);
		fputs(finalize, stdout);
	}
	sm_output_line(stdout, "\nto submit them: cd $", s->job, NULL);
	if (array)
		slurm_print_command(SM_SLURM_ARRAY, options, "");
	if (finalize)
		slurm_print_command(SM_SLURM_FINALIZE, options,
				    array ? " --dependency=afterany:NUMBER"
					  : "");
	return 0;
}

static void
slurm_tell(const struct sm_status *s, const char *job, const char *array,
	   const char *finalize)
{
	uint64_t left = 0;
	size_t i;

	for (i = 0; i < s->parts; i++)
		left += s->part[i].done < s->part[i].total;
	if (*array)
		sm_output_line(stdout, "submitted: job %, % %", array,
			       sm_text_count(left).s,
			       sm_text_plural(left, "part", "parts"), NULL);
	if (*finalize)
		sm_output_line(stdout, "submitted: job %, finalize%", finalize,
			       *array ? ", after it" : "", NULL);
	else
		sm_output_line(stdout,
			       "planned without a final file; in the end: "
			       "shardmill finalize $ -o FILE",
			       job, NULL);
	sm_output_line(stdout,
		       "to follow: shardmill status $ --watch; logs: "
		       "$/logs/slurm-*.log",
		       job, s->job, NULL);
	sm_output_line(stdout,
		       "to repair: shardmill retry $ puts failed batches back, "
		       "shardmill slurm $ submits the parts that are not done, "
		       "and finalize once more",
		       job, job, NULL);
	if (s->failed > 0)
		sm_output_line(stdout,
			       "% % failed before and will not be tried "
			       "again without shardmill retry",
			       sm_text_count(s->failed).s,
			       sm_text_plural(s->failed, "batch", "batches"),
			       NULL);
}

static int
slurm_submit(const struct sm_status *s, const char *job, char *const *options,
	     bool has_array, bool has_finalize, struct sm_err *err)
{
	char array[64] = "", finalize[64] = "";
	struct sm_err ignored;
	int ret = slurm_check_queue(s, err);

	if (ret == 0 && has_array)
		ret = sm_slurm_submit(array, s, SM_SLURM_ARRAY, options, NULL,
				      err);
	/* What was submitted is noted whatever comes of the rest. */
	if (ret == 0 && has_finalize)
		ret = sm_slurm_submit(finalize, s, SM_SLURM_FINALIZE, options,
				      *array ? array : NULL, err);
	if (*array || *finalize)
		sm_slurm_note(s, array, finalize, ret < 0 ? &ignored : err);
	if (ret == 0)
		slurm_tell(s, job, array, finalize);
	return ret;
}

static int
slurm_run(struct sm_call *call, struct sm_err *err)
{
	const struct slurm_args *a = call->args;
	const char *job = call->words.word[0];
	char *array = NULL, *finalize = NULL;
	struct sm_status s = { 0 };
	int ret = sm_status(&s, job, err);

	if (ret == 0)
		ret = slurm_check_options(call->words.rest, err);
	if (ret == 0)
		ret = slurm_check_job(&s, a, job, err);
	if (ret == 0 && s.complete) {
		sm_output_line(stdout, "% is complete; nothing is left to do",
			       s.final_path, NULL);
		goto out;
	}
	if (ret == 0 && !slurm_all_done(&s)) {
		array = sm_slurm_array(&s, err);
		ret = array ? sm_slurm_write(&s, SM_SLURM_ARRAY, array, err)
			    : err->code;
	}
	if (ret == 0 && s.final_path) {
		finalize = sm_slurm_finalize(&s, err);
		ret = finalize ? sm_slurm_write(&s, SM_SLURM_FINALIZE, finalize,
						err)
			       : err->code;
	}
	if (ret == 0)
		ret = a->print ? slurm_print(&s, call->words.rest, array,
					     finalize)
			       : slurm_submit(&s, job, call->words.rest,
					      array != NULL, finalize != NULL,
					      err);
out:
	free(array);
	free(finalize);
	sm_status_release(&s);
	return ret;
}

static const struct sm_option slurm_options[] = {
	{ "parts", .type = SM_OPTION_UINT, .arg = "N", .min = 1,
	  .at = offsetof(struct slurm_args, parts), .unset = "as planned",
	  .help = "plan a job that has no parts again in so many, if no batch "
		  "was begun",
	  .more = "But for its parts it is planned as it was; a job that has "
		  "another number of parts is refused, and one that is paused "
		  "or whose batches were given a priority and the like by "
		  "hand." },
	{ "print", .type = SM_OPTION_BOOL,
	  .at = offsetof(struct slurm_args, print),
	  .help = "show the batch scripts, submit nothing; --parts plans the "
		  "job again all the same",
	  .more = "The scripts are those of its parts." },
	{ 0 },
};

const struct sm_cmd cmd_slurm = {
	.name = "slurm",
	.usage = "JOB [--parts N] [--print] [-- SBATCH OPTIONS...]",
	.summary = "submit a job in parts to Slurm",
	.detail = "An array with a task for each part that is not done, and a "
		  "finalize after it.\nMore parts than nodes let the queue "
		  "share them out.  What comes after -- goes to\nsbatch: "
		  "-- --partition=long --time=12:00:00 --cpus-per-task=16\n",
	.words = 1,
	.takes_rest = true,
	.tables = { slurm_options },
	.args_bytes = sizeof(struct slurm_args),
	.run = slurm_run,
};
