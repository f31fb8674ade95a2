/*
 * A call fails in a job in parts.  What is asked of a job is asked of its
 * first part, and of a file of that alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "failing_scenario.h"

static char whole[96], second[128];

/* Two parts; `job` is the first of them from now on. */
static void
planned_parts(void)
{
	snprintf(whole, sizeof(whole), "%s", job);
	parts = 2;
	plan_as(SM_ENCODER_RECORD, false, 0);
	parts = 0;
	snprintf(second, sizeof(second), "%s/part-0001", whole);
	strcat(job, "/part-0000");
}

static int
work_second(void)
{
	struct sm_work_opts o = { .control_fd = 0 };

	return sm_work(second, &o, &err);
}

static void
made_parts(void)
{
	planned_parts();
	must(work(), "work");
	must(work_second(), "work");
}

static int
finalize_first(void)
{
	return finalize_to(other, NULL);
}

/* With no name of its own there is none for it. */
static int
finalize_unnamed(void)
{
	return finalize_to(NULL, NULL);
}

static int
of_whole(int (*act)(void))
{
	char part[96];
	int ret;

	memcpy(part, job, sizeof(part));
	memcpy(job, whole, sizeof(job));
	ret = act();
	memcpy(job, part, sizeof(job));
	return ret;
}

static int
finalize_whole(void)
{
	return of_whole(finalize_other);
}

static int
recover_whole(void)
{
	return of_whole(recover);
}

static void
lost_first(void)
{
	made_parts();
	lose_database();
}

static void
lost_mark(void)
{
	made_parts();
	shell("rm %s/spec.json", whole);
}

static int
plan_again(void)
{
	int ret;

	parts = 2;
	ret = plan_try(final, SM_ENCODER_RECORD, false, 0);
	parts = 0;
	return ret;
}

/* What a plan refuses to delete is recovered, as it says; that never fails. */
static int
plan_whole(void)
{
	int ret = of_whole(plan_again);

	failing_armed = false;
	return ret == SM_EDAMAGED ? recover_whole() : ret;
}

/*
 * Only one of two is made: of the other a plan sees no shards, whichever it
 * meets first, and goes on looking.
 */
static void
lost_mark_first(void)
{
	each_call = true;
	planned_parts();
	must(work(), "work");
	shell("rm %s/spec.json", whole);
}

static void
lost_mark_second(void)
{
	each_call = true;
	planned_parts();
	strcpy(job + strlen(whole), "/part-0001");
	must(work(), "work");
	shell("rm %s/spec.json", whole);
}

static void
refused(const char *where)
{
	fail_msg("%s: a part alone is no final file", where);
}

static const struct scenario scenarios[] = {
	{ "one", made_parts, finalize_first, other_stands, 0, true, "" },
	{ "unnamed", made_parts, finalize_unnamed, refused, SM_EUSAGE, true,
	  "" },
	{ "whole", made_parts, finalize_whole, other_stands, 0, true, "" },
	{ "recover", lost_first, recover_whole, all_done, SM_EREFUSED, false,
	  "" },
	{ "recover_mark", lost_mark, recover_whole, all_done, SM_EREFUSED, true,
	  "" },
	{ "plan_first", lost_mark_first, plan_whole, NULL, 0, true, "" },
	{ "plan_second", lost_mark_second, plan_whole, NULL, 0, true, "" },
	{ .name = NULL },
};

int
main(int argc, char **argv)
{
	return run_scenarios(scenarios, argc, argv);
}
