/*
 * cmd_ls.c - ls: the jobs below a directory, a line each
 *
 * `status` of a directory shows the same (list.c); here one can say how deep.
 */
#include <stddef.h>

#include "list.h"

#include "cmd.h"
#include "options.h"

struct ls_args {
	struct sm_list_shown how;
	int depth;
};

static int
ls_run(struct sm_call *call, struct sm_err *err)
{
	struct ls_args *a = call->args;
	const char *dir = ".";

	if (call->words.count > 0)
		dir = call->words.word[0];
	a->how.depth = (unsigned)a->depth;
	return sm_list_show(dir, &a->how, err);
}

_Static_assert(SM_LIST_DEPTH == 5 && SM_LIST_DEPTH_MAX == 16,
	       "ls_options says so");

static const struct sm_option ls_options[] = {
	{ "depth", .type = SM_OPTION_INT, .arg = "N", .min = 1,
	  .max = SM_LIST_DEPTH_MAX, .standard = "5",
	  .at = offsetof(struct ls_args, depth),
	  .help = "levels of directories below DIR that are looked into" },
	{ "json", .type = SM_OPTION_BOOL,
	  .at = offsetof(struct ls_args, how.json),
	  .help = "for programs: a list, with an object a line",
	  .more = "See STATUS IN JSON." },
	SM_OPTION_TRUST(struct ls_args, how.trust),
	{ "quiet", 'q', .type = SM_OPTION_BOOL,
	  .at = offsetof(struct ls_args, how.quiet),
	  .help = "no progress, and nothing but the list" },
	{ 0 },
};

const struct sm_cmd cmd_ls = {
	.name = "ls",
	.usage = "[DIR] [--depth N] [--json]",
	.summary = "list the jobs below a directory; changes nothing",
	.detail = "A line for each job: its state, batches done of all and "
		  "failed ones, time left,\nsize on disk. Links are not "
		  "followed, nor names that begin with a dot.\n",
	.more_words = 1,
	.tables = { ls_options },
	.args_bytes = sizeof(struct ls_args),
	.run = ls_run,
};
