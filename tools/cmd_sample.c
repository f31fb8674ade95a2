#include <stddef.h>

#include "output.h"
#include "screen.h"

#include "cmd.h"

struct sample_args {
	struct sm_sample_opts sample;
	bool quiet;
};

static void
sample_init(void *args)
{
	struct sample_args *a = args;

	sm_sample_opts_init(&a->sample);
}

static int
sample_run(struct sm_call *call, struct sm_err *err)
{
	struct sample_args *a = call->args;
	const char *dir = call->words.word[0];
	struct sm_screen screen;
	int ret;

	sm_screen_init(&screen, a->quiet);
	a->sample.events = sm_screen_events(&screen);
	ret = sm_sample(dir, &a->sample, err);
	sm_screen_clear(&screen);
	if (ret < 0 || a->quiet)
		return ret;
	sm_output_line(stdout, "%: % rows of % candidates, made in %", dir,
		       sm_text_count(a->sample.rows).s,
		       sm_text_count(a->sample.width).s,
		       sm_text_duration(sm_screen_elapsed(&screen)).s, NULL);
	sm_output_line(stdout,
		       "next: (cd $ && shardmill candidates "
		       "-o final_res.gz --cands cands.npy --scores scores.npy "
		       "--keys keys.json --vocab vocab.json)",
		       dir, NULL);
	return 0;
}

static const struct sm_option sample_options[] = {
	{ "rows", .type = SM_OPTION_UINT, .arg = "N",
	  .at = offsetof(struct sample_args, sample.rows),
	  .help = "rows of cands.npy and scores.npy, keys in keys.json" },
	{ "width", .type = SM_OPTION_UINT, .arg = "K", .min = 1,
	  .at = offsetof(struct sample_args, sample.width),
	  .help = "candidates per row" },
	{ "vocab", .type = SM_OPTION_UINT, .arg = "V", .min = 2,
	  .at = offsetof(struct sample_args, sample.vocab),
	  .help = "tokens in vocab.json" },
	{ "seed", .type = SM_OPTION_UINT, .arg = "S",
	  .at = offsetof(struct sample_args, sample.seed),
	  .help = "equal seeds give equal files" },
	{ "quiet", 'q', .type = SM_OPTION_BOOL,
	  .at = offsetof(struct sample_args, quiet),
	  .help = "no progress and no closing line" },
	{ 0 },
};

static const struct sm_option_group sample_groups[] = {
	{ "options", sample_options, 0 },
	{ 0 },
};

const struct sm_cmd cmd_sample = {
	.name = "sample",
	.usage = "DIR [--rows N] [--width K] [--vocab V] [--seed S]",
	.summary = "make a realistic data set to try candidates on",
	.words = 1,
	.drains = true,
	.groups = sample_groups,
	.args_bytes = sizeof(struct sample_args),
	.init = sample_init,
	.run = sample_run,
};
