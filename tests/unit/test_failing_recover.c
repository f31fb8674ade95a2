/* A call fails while a lost database is made again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gzip.h"

#include "failing_scenario.h"

static void
lost(void)
{
	made();
	lose_database();
	shell("printf x | dd of=%s/shards/000002.gz bs=1 seek=70 conv=notrunc "
	      "status=none",
	      job);
}

static void
lost_consumed(void)
{
	consuming();
	must(finalize(), "finalize");
	lose_database();
}

static void
lost_unnamed(void)
{
	made_unnamed();
	lose_database();
}

/* Neither the file nor the shards. */
static void
lost_everything(void)
{
	lost_consumed();
	shell("rm %s", final);
}

/* Rows are gone, which is no damage to SQLite. */
static void
lost_rows(void)
{
	made();
	sql("DELETE FROM batch WHERE id = 2");
}

/* In place of shards: more than one, a link, and what cannot be opened. */
static void
lost_odd(void)
{
	char path[128];

	made();
	lose_database();
	shell("cd %s/shards && printf x >>000000.gz && mv 000001.gz ../odd && "
	      "ln -s ../odd 000001.gz && rm 000002.gz",
	      job);
	snprintf(path, sizeof(path), "%s/shards/000002.gz", job);
	assert_int_equal(mknod(path, S_IFSOCK | 0600, 0), 0);
}

/* What a killed plan, or a killed recovery, has left. */
static void
lost_number(void)
{
	made();
	sql("PRAGMA foreign_keys = OFF");
	sql("UPDATE batch SET id = 99 WHERE id = 2");
}

static void
lost_rows_all(void)
{
	made();
	sql("DELETE FROM attempt");
	sql("DELETE FROM batch");
	sql("DELETE FROM job");
}

static void
lost_table(void)
{
	made();
	sql("DROP VIEW workers");
	sql("DROP TABLE job");
}

static void
lost_column(void)
{
	made();
	sql("ALTER TABLE batch RENAME COLUMN first TO erst");
}

/* Shards that are whole, but in the place of other batches. */
static void
lost_forged(void)
{
	made();
	lose_database();
	shell("cd %s/shards && mv 000000.gz x && mv 000001.gz 000000.gz && "
	      "mv 000002.gz 000001.gz && mv x 000002.gz",
	      job);
}

/* While it grows, its bytes have no other name. */
static void
lost_growing(void)
{
	lost_consumed();
	shell("mv %s %s.part", final, final);
}

/*
 * More than one read is needed to look for index notes: what a power cut left
 * after those that count is long, and has a header in it and half a note.
 */
static void
lost_far(void)
{
	lost_consumed();
	shell("cd $(dirname %s) && { cat f.gz && head -c 560000 /dev/zero && "
	      "head -c 100 f.gz && tail -c 150 f.gz | head -c 90 && "
	      "head -c 560000 /dev/zero; } >f.gz.part && rm f.gz",
	      final);
}

static void
one_reused(const char *where)
{
	if (number("SELECT count(*) FROM batch WHERE state = 'done'") != 1)
		fail_msg("%s: not just one is taken over", where);
}

/* A whole database is no job for recover, and never set aside. */
static void
refused(const char *where)
{
	fail_msg("%s: a whole database was made again", where);
}

static const struct scenario scenarios[] = {
	{ "recover", lost, recover, all_but_one, SM_EREFUSED, false, "" },
	{ "recover_whole", made, recover, refused, SM_EREFUSED, true, "" },
	{ "recover_consumed", lost_consumed, recover, all_done, SM_EREFUSED,
	  false, "" },
	{ "recover_unnamed", lost_unnamed, recover, all_done, SM_EREFUSED,
	  false, "" },
	{ "recover_nothing", lost_everything, recover, NULL, SM_EREFUSED, false,
	  "" },
	{ "recover_rows", lost_rows, recover, all_done, SM_EREFUSED, false,
	  "" },
	{ "recover_odd", lost_odd, recover, one_reused, SM_EREFUSED, false,
	  "" },
	{ "recover_void", lost_rows_all, recover, all_done, SM_EREFUSED, false,
	  "" },
	{ "recover_table", lost_table, recover, all_done, SM_EREFUSED, false,
	  "" },
	{ "recover_number", lost_number, recover, all_done, SM_EREFUSED, false,
	  "" },
	{ "recover_column", lost_column, recover, all_done, SM_EREFUSED, false,
	  "" },
	{ "recover_forged", lost_forged, recover, one_reused, SM_EREFUSED,
	  false, "" },
	{ "recover_growing", lost_growing, recover, all_done, SM_EREFUSED,
	  false, "" },
	{ "recover_far", lost_far, recover, all_done, SM_EREFUSED, false, "" },
	{ .name = NULL },
};

int
main(int argc, char **argv)
{
	return run_scenarios(scenarios, argc, argv);
}
