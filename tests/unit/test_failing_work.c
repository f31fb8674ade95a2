/* A call fails while batches are made, or put back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "failing_scenario.h"

static void
planned_items(void)
{
	planned();
	sql("UPDATE batch SET item = 'an item'");
}

/* Workers that died with a batch in hand, and one whose row is over. */
static void
left_running(void)
{
	planned();
	sql("INSERT INTO worker (id, slot, pid, pid_start, host, supervised, "
	    "started) VALUES (7, 70, 1, 1, 'h', 0, 1), (8, 71, 1, 1, 'h', 0, "
	    "1)");
	sql("UPDATE worker SET ended = 2 WHERE id = 8");
	sql("UPDATE batch SET state = 'running', token = id + 1, attempts = 1, "
	    "worker = 7 + (id > 1), started = 1 WHERE id IN (1, 2)");
	sql("INSERT INTO attempt (batch, worker, token, fingerprint, started) "
	    "SELECT id, worker, token, '', 1 FROM batch WHERE state = "
	    "'running'");
	shell("touch %s/shards/000001.2.tmp", job);
}

/* A forgotten rename, a lost shard, and a stray file. */
static void
wrecked(void)
{
	char name[64];

	made();
	snprintf(name, sizeof(name), "000000.%lld.tmp",
		 number("SELECT token FROM batch WHERE id = 0"));
	shell("cd %s/shards && mv 000000.gz %s && rm 000001.gz && "
	      "touch 000003.5.tmp",
	      job, name);
}

/* No file is left that nobody will ever name. */
static void
tidied(const char *where)
{
	all_but_one(where);
	if (tree_leftover(dir))
		fail_msg("%s: left behind: %s", where, tree_left);
}

static void
none_running(const char *where)
{
	if (number("SELECT count(*) FROM batch WHERE state = 'running'") ||
	    number("SELECT count(*) FROM attempt WHERE outcome = 'running'"))
		fail_msg("%s: some are still running", where);
}

static void
lost_shard(void)
{
	made();
	shell("rm %s/shards/000002.gz", job);
}

static int
look_call(struct sm_handle *h)
{
	struct sm_piece p;
	bool found;
	int ret = sm_batch_get(&found, &p, h->db, 1, &err);

	if (ret < 0)
		return ret;
	if (!p.item || strcmp(p.item, "an item") != 0)
		fail_msg("%s: read without its item", failing_name);
	free(p.item);
	return 0;
}

static int
look(void)
{
	return with_handle(look_call);
}

static const struct scenario scenarios[] = {
	{ "work", planned, work, all_done, SM_EWORK, true, "" },
	{ "items", planned_items, work, all_done, SM_EWORK, true, "" },
	{ "rescue", left_running, rescue, none_running, 0, false, "" },
	{ "startcheck", wrecked, startcheck, tidied, 0, false, "1" },
	{ "startcheck_lost", lost_shard, startcheck, all_but_one, 0, false,
	  "2" },
	{ "look", planned_items, look, NULL, 0, true, "" },
	{ .name = NULL },
};

int
main(int argc, char **argv)
{
	return run_scenarios(scenarios, argc, argv);
}
