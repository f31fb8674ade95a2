/*
 * cmd_verify.c - verify: re-read every byte of a job or of a final file
 *
 * A directory is a job, anything else a file; both are named in the same
 * place.
 */
#include <inttypes.h>
#include <stddef.h>

#include "output.h"
#include "screen.h"

#include "cmd.h"
#include "options.h"

struct verify_args {
	struct sm_verify_opts verify;
	bool quiet;
};

static void
verify_found(const struct sm_finding *f, void *arg)
{
	sm_screen_clear(arg);
	if (f->batch >= 0)
		printf("batch %" PRId64 ": ", f->batch);
	sm_output_line(stdout, "%: %", f->damage, f->text, NULL);
}

static void
verify_show(const char *path, const struct sm_verify_result *r,
	    const struct sm_screen *screen)
{
	sm_output_line(stdout,
		       "%: % %, % records, % of text, % of gzip read "
		       "in %: %",
		       path, sm_text_count(r->batches).s,
		       sm_text_plural(r->batches, "batch", "batches"),
		       sm_text_count(r->records).s,
		       sm_text_size(r->raw_bytes).s,
		       sm_text_size(r->gz_bytes).s,
		       sm_text_duration(sm_screen_elapsed(screen)).s,
		       r->findings ? "damaged" : "whole", NULL);
	if (r->left > 0)
		sm_output_line(
			stdout, "%: % % not done: they have no shard to verify",
			path, sm_text_count(r->left).s,
			sm_text_plural(r->left, "batch is", "batches are"),
			NULL);
	if (r->missing > 0)
		sm_output_line(
			stdout, "%: % % left out of it", path,
			sm_text_count(r->missing).s,
			sm_text_plural(r->missing, "batch was", "batches were"),
			NULL);
}

static int
verify_run(struct sm_call *call, struct sm_err *err)
{
	struct verify_args *a = call->args;
	const char *path = call->words.word[0];
	struct sm_verify_result r = { 0 };
	struct sm_screen screen;
	int ret;

	sm_screen_init(&screen, a->quiet);
	a->verify.events = sm_screen_events(&screen);
	a->verify.found = verify_found;
	a->verify.found_arg = &screen;
	ret = sm_verify(&r, path, &a->verify, err);
	sm_screen_clear(&screen);
	if (ret == SM_EVERIFY || (ret == 0 && !a->quiet))
		verify_show(path, &r, &screen);
	return ret;
}

static const struct sm_option verify_options[] = {
	{ "requeue", .type = SM_OPTION_BOOL, .flags = SM_OPTION_UNGUESSED,
	  .at = offsetof(struct verify_args, verify.requeue),
	  .help = "put a job's damaged batches back to pending" },
	SM_OPTION_TRUST(struct verify_args, verify.trust),
	{ "quiet", 'q', .type = SM_OPTION_BOOL,
	  .at = offsetof(struct verify_args, quiet),
	  .help = "no progress, and nothing where all is whole" },
	{ 0 },
};

const struct sm_cmd cmd_verify = {
	.name = "verify",
	.usage = "JOB|FILE [--requeue]",
	.summary = "re-read every byte of a job or of a final file",
	.words = 1,
	.drains = true,
	.tables = { verify_options },
	.args_bytes = sizeof(struct verify_args),
	.run = verify_run,
};
