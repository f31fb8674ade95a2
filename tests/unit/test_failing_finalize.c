/* A call fails while shards are joined. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "failing_scenario.h"

static int
finalize_first(void)
{
	struct sm_batch_range only = { 0, 1 };

	return finalize_to(other, &only);
}

static int
finalize_all(void)
{
	struct sm_batch_range only = { 0, BATCHES - 1 };

	return finalize_to(other, &only);
}

static int
finalize_missing(void)
{
	struct sm_finalize_opts o = { .output = other, .allow_missing = true };
	struct sm_finalize_result r;
	int ret = sm_finalize(&r, job, &o, &err);

	sm_finalize_result_release(&r);
	return ret;
}

/* What grew stands under its first name, recorded. */
static void
grown(void)
{
	made();
	must(finalize(), "finalize");
	shell("mv %s %s.part", final, final);
}

static void
grown_unsynced(void)
{
	planned();
	sql("UPDATE job SET sync = 'end'");
	must(work(), "work");
	must(finalize(), "finalize");
	shell("mv %s %s.part", final, final);
}

/* A power cut left the first batch of it, and no index. */
static void
grown_torn(void)
{
	grown();
	shell("truncate -s %lld %s.part",
	      number("SELECT 10 + gz_bytes FROM batch WHERE id = 0"), final);
}

static int
begin_again(void)
{
	int ret;

	restarts = true;
	ret = plan_try(final, SM_ENCODER_RECORD, false, 0);
	restarts = false;
	return ret;
}

static void
made_but_one(void)
{
	planned();
	sql("UPDATE batch SET state = 'failed' WHERE id = 2");
	assert_int_equal(work(), SM_EWORK);
}

static void
parted(void)
{
	made();
	must(finalize_part(), "a part");
}

/* What grew has batch 1 as it was: other bytes than its shard's. */
static void
regrown(void)
{
	grown();
	sql("UPDATE batch SET state = 'pending' WHERE id = 1");
	plan_as(SM_ENCODER_ZLIB, true, 0);
	must(work(), "work");
}

/* What grew is of the options before, and recorded nowhere. */
static void
changed(void)
{
	grown();
	sql("UPDATE batch SET joined = NULL, joined_at = NULL");
	sql("UPDATE job SET final_size = NULL, final_digest = NULL");
	plan_as(SM_ENCODER_ZLIB, true, 0);
}

static void
damaged(void)
{
	made();
	shell("for i in 1 3; do printf x | dd of=%s/shards/00000$i.gz bs=1 "
	      "seek=70 conv=notrunc status=none; done",
	      job);
}

/* A forgotten rename alone. */
static void
unnamed(void)
{
	made();
	shell("cd %s/shards && mv 000000.gz 000000.%lld.tmp", job,
	      number("SELECT token FROM batch WHERE id = 0"));
}

static const struct scenario scenarios[] = {
	{ "named", made_unnamed, finalize_named, file_stands, 0, true, "" },
	{ "finalize", made, finalize, file_stands, 0, true, "" },
	{ "grown", grown, finalize, file_stands, 0, true, "" },
	{ "grown_unsynced", grown_unsynced, finalize, file_stands, 0, true,
	  "" },
	{ "restart", grown_torn, begin_again, NULL, 0, false, "" },
	{ "other", made, finalize_other, other_stands, 0, true, "" },
	{ "part", made, finalize_part, other_stands, 0, true, "" },
	{ "part_first", made, finalize_first, other_stands, 0, true, "" },
	{ "part_all", made, finalize_all, other_stands, 0, true, "" },
	{ "part_again", parted, finalize_part, other_stands, 0, true, "" },
	{ "changed", changed, finalize, file_stands, 0, true, "" },
	{ "regrown", regrown, finalize, file_stands, 0, true, "1" },
	{ "missing", made_but_one, finalize_missing, NULL, SM_EWORK, true, "" },
	{ "unnamed", unnamed, finalize, file_stands, 0, true, "" },
	{ "damaged", damaged, finalize, NULL, SM_EWORK, false, "1, 3" },
	{ "other_damaged", damaged, finalize_other, NULL, SM_EWORK, false,
	  "1, 3" },
	{ "verify", made, verify, all_done, 0, true, "" },
	{ .name = NULL },
};

int
main(int argc, char **argv)
{
	return run_scenarios(scenarios, argc, argv);
}
