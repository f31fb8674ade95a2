/* A call fails while shards are joined and removed (--consume). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "failing_scenario.h"

static void
published(void)
{
	made_again(SM_ENCODER_RECORD, 1);
}

static void
rewritten(void)
{
	made_again(SM_ENCODER_ZLIB, 1);
}

/* Finished as it consumes, and the commit that would say so is lost. */
static void
unsaid(void)
{
	consuming();
	must(finalize(), "finalize");
	sql("UPDATE job SET final_size = NULL, final_digest = NULL");
}

/* Finished, and all that was to be removed is still there. */
static void
unswept(void)
{
	consuming();
	shell("cp -a %s/shards %s/kept", job, job);
	must(finalize(), "finalize");
	shell("rm -r %s/shards && mv %s/kept %s/shards && touch %s.part.2", job,
	      job, job, final);
}

/* Batch 1 was made again since, and what the file has of batch 0 is damaged. */
static void
power_cut(void)
{
	made_again(SM_ENCODER_ZLIB, 1);
	shell("printf x | dd of=%s bs=1 seek=70 conv=notrunc status=none",
	      final);
}

/* That batch was the last of the file. */
static void
rewritten_last(void)
{
	consuming();
	must(finalize(), "finalize");
	sql("UPDATE batch SET state = 'pending' WHERE id = 3");
	plan_as(SM_ENCODER_ZLIB, true, 1);
	must(work(), "work");
}

/* Shards are not to go any more. */
static void
rewritten_kept(void)
{
	rewritten();
	sql("UPDATE job SET consume = 0");
}

static void
kept_unsynced(void)
{
	unsaid();
	sql("UPDATE job SET consume = 0, sync = 'end'");
}

/* Batch 0 is damaged in the file, and its shard came back. */
static void
power_cut_back(void)
{
	consuming();
	shell("cp -a %s/shards/000000.gz %s", job, job);
	must(finalize(), "finalize");
	sql("UPDATE batch SET state = 'pending' WHERE id = 1");
	plan_as(SM_ENCODER_ZLIB, true, 1);
	must(work(), "work");
	shell("mv %s/000000.gz %s/shards", job, job);
	shell("printf x | dd of=%s bs=1 seek=70 conv=notrunc status=none",
	      final);
}

/* What removed shards had is gone: all is made again. */
static void
lost_final(void)
{
	consuming();
	must(finalize(), "finalize");
	shell("rm %s", final);
}

static void
consumed(void)
{
	consuming();
	must(finalize(), "finalize");
}

/* It ends before any of what removed shards had. */
static void
cut_part(void)
{
	consumed();
	shell("mv %s %s.part && truncate -s 10 %s.part", final, final, final);
	sql("UPDATE job SET final_size = NULL, final_digest = NULL");
}

static void
none_done(const char *where)
{
	if (number("SELECT count(*) FROM batch WHERE state = 'done'"))
		fail_msg("%s: done, and nowhere", where);
}

static const struct scenario scenarios[] = {
	{ "consume", consuming, finalize, file_stands, 0, true, "" },
	{ "unsaid", unsaid, finalize, file_stands, 0, true, "" },
	{ "unswept", unswept, finalize, file_stands, 0, true, "" },
	{ "power_cut", power_cut, finalize, NULL, SM_EWORK, false, "0, 1" },
	{ "published", published, finalize, file_stands, 0, true, "1" },
	{ "rewritten", rewritten, finalize, file_stands, 0, true, "1" },
	{ "rewritten_last", rewritten_last, finalize, file_stands, 0, true,
	  "3" },
	{ "rewritten_kept", rewritten_kept, finalize, file_stands, 0, true,
	  "1" },
	{ "kept_unsynced", kept_unsynced, finalize, file_stands, 0, true, "" },
	{ "power_cut_back", power_cut_back, finalize, file_stands, 0, true,
	  "1" },
	{ "lost_final", lost_final, finalize, NULL, SM_EWORK, false,
	  "0, 1, 2, 3" },
	{ "part_consumed", consumed, finalize_part, other_stands, 0, true, "" },
	/* What cannot be looked at is not lost. */
	{ "startcheck_consumed", unsaid, startcheck, all_done, 0, true, "" },
	{ "startcheck_cut", cut_part, startcheck, none_done, 0, false,
	  "0, 1, 2, 3" },
	{ .name = NULL },
};

int
main(int argc, char **argv)
{
	return run_scenarios(scenarios, argc, argv);
}
