/*
 * cmd_clean.c - clean: remove jobs that are finished
 *
 * One after the other.  A person is asked for each, with what would be freed;
 * elsewhere than on a terminal --yes has to have answered before.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "slurm.h"

#include "cmd.h"
#include "options.h"

struct clean_args {
	struct sm_clean_opts clean;
	bool yes;
};

static void
clean_ask(const struct sm_clean_result *r)
{
	fputs("remove ", stderr);
	sm_output_name(stderr, r->job);
	fprintf(stderr, " (%s", sm_text_size(r->bytes).s);
	if (r->final_path) {
		fputs("; ", stderr);
		sm_output_name(stderr, r->final_path);
		fputs(" stays", stderr);
	} else if (r->files_dir) {
		fputs("; the files in ", stderr);
		sm_output_name(stderr, r->files_dir);
		fputs(" stay", stderr);
	}
	if (!r->finished && !r->begun)
		fprintf(stderr,
			"; it is NOT FINISHED, and the %s of %s batches that "
			"are done would be lost",
			sm_text_count(r->done).s, sm_text_count(r->total).s);
	fputs(")? [y/N] ", stderr);
}

static int
clean_confirm(const char *job, const struct clean_args *a, struct sm_err *err)
{
	struct sm_clean_opts look = a->clean;
	struct sm_clean_result r;
	char answer[16];
	int ret;

	look.look = true;
	ret = sm_clean(&r, job, &look, err);
	if (ret < 0)
		return ret;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		ret = sm_output_fail(err, SM_EUSAGE,
				     "clean deletes '%s' and cannot ask here; "
				     "add --yes",
				     r.job);
	} else {
		clean_ask(&r);
		if (!fgets(answer, sizeof(answer), stdin) ||
		    (strcmp(answer, "y\n") && strcmp(answer, "yes\n")))
			ret = sm_output_fail(err, SM_EREFUSED,
					     "'%s' is left as it is", r.job);
	}
	sm_clean_result_release(&r);
	return ret;
}

static void
clean_show(const struct sm_clean_result *r)
{
	const char *stays = "", *name = "";

	if (r->final_path) {
		stays = "; the final file stays: ";
		name = r->final_path;
	} else if (r->files_dir) {
		stays = "; the files of its batches stay in ";
		name = r->files_dir;
	}
	sm_output_line(stdout, "% was removed, % freed%%", r->job,
		       sm_text_size(r->bytes).s, stays, name, NULL);
	if (access(r->job, F_OK) == 0)
		sm_output_line(stdout,
			       "% itself stays: there are files in it that "
			       "are not the job's",
			       r->job, NULL);
}

static int
clean_one(const char *job, const struct clean_args *a, struct sm_err *err)
{
	struct sm_clean_result r;
	int ret = 0;

	if (!a->yes)
		ret = clean_confirm(job, a, err);
	if (ret == 0)
		ret = sm_clean(&r, job, &a->clean, err);
	if (ret < 0)
		return ret;
	/* The library leaves what is not its own; and the directory with it. */
	sm_slurm_forget(r.job);
	clean_show(&r);
	sm_clean_result_release(&r);
	return 0;
}

/* All are tried; the first failure is the exit status. */
static int
clean_run(struct sm_call *call, struct sm_err *err)
{
	const struct clean_args *a = call->args;
	struct sm_err why;
	int first = 0;
	size_t i;

	for (i = 0; i < call->words.count; i++) {
		why = (struct sm_err){ 0 };
		if (clean_one(call->words.word[i], a, &why) == 0)
			continue;
		if (first == 0)
			first = why.code;
		fprintf(stderr, "shardmill: %s\n", why.text);
	}
	/* Each was told as it came. */
	err->code = first;
	err->text[0] = '\0';
	return first;
}

static const struct sm_option clean_options[] = {
	{ "yes", .type = SM_OPTION_BOOL, .flags = SM_OPTION_UNGUESSED,
	  .at = offsetof(struct clean_args, yes),
	  .help = "do not ask; needed where there is no terminal to ask on" },
	{ "unfinished", .type = SM_OPTION_BOOL, .flags = SM_OPTION_UNGUESSED,
	  .at = offsetof(struct clean_args, clean.unfinished),
	  .help = "also a job that is not finished",
	  .more = "What its batches have made, and is not in a final file, is "
		  "lost. Files of --to stay." },
	SM_OPTION_TRUST(struct clean_args, clean.trust),
	{ 0 },
};

const struct sm_cmd cmd_clean = {
	.name = "clean",
	.usage = "JOB... [--yes]",
	.summary = "remove finished jobs, and say what that frees",
	.detail = "A job is finished when its final file is there, whole and "
		  "its own; or, where\nbatches make files or nothing, when all "
		  "are done. The final file, the files of\nthe batches and "
		  "what else somebody has put into the job's directory stay.\n",
	.words = 1,
	.more_words = 1000000,
	.tables = { clean_options },
	.args_bytes = sizeof(struct clean_args),
	.run = clean_run,
};
