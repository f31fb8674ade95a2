/*
 * cmd_sample.c - sample: make a data set to try candidates on
 *
 * The data are like a recommender's: falling scores, popular items, some gaps.
 */
#include <stddef.h>

#include "output.h"
#include "sample.h"

#include "cmd.h"
#include "options.h"

struct sample_args {
	struct sm_sample_opts sample;
	bool quiet;
};

static int
sample_run(struct sm_call *call, struct sm_err *err)
{
	struct sample_args *a = call->args;
	const char *dir = call->words.word[0];
	struct sm_screen screen;
	int ret;

	sm_screen_init(&screen, a->quiet);
	ret = sm_sample(dir, &a->sample, &screen, err);
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
	{ "rows", .type = SM_OPTION_UINT, .standard = "20000", .arg = "N",
	  .at = offsetof(struct sample_args, sample.rows),
	  .help = "rows of cands.npy and scores.npy, keys in keys.json" },
	{ "width", .type = SM_OPTION_UINT, .standard = "300", .arg = "K",
	  .min = 1, .at = offsetof(struct sample_args, sample.width),
	  .help = "candidates per row" },
	{ "vocab", .type = SM_OPTION_UINT, .standard = "1000000", .arg = "V",
	  .min = 2, .at = offsetof(struct sample_args, sample.vocab),
	  .help = "tokens in vocab.json" },
	{ "seed", .type = SM_OPTION_UINT, .standard = "1", .arg = "S",
	  .at = offsetof(struct sample_args, sample.seed),
	  .help = "equal seeds give equal files" },
	SM_OPTION_QUIET(struct sample_args, quiet),
	{ 0 },
};

const struct sm_cmd cmd_sample = {
	.name = "sample",
	.usage = "DIR [--rows N] [--width K] [--vocab V] [--seed S]",
	.summary = "make a realistic data set to try candidates on",
	.words = 1,
	.drains = true,
	.tables = { sample_options },
	.args_bytes = sizeof(struct sample_args),
	.run = sample_run,
};
