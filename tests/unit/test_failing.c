/*
 * Whatever call fails while a job is made, joined, consumed, recovered or
 * checked: it is told, nothing is lost or left open, and the same again comes
 * to the same final file.
 *
 *	test_failing [NAME]
 *
 * Each scenario is run with its first call failing, then its second, … once
 * and from then on, until it ends without having met the failure.  By default
 * one call in STEP; FAILING_ALL=1 in the environment takes every one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "shardmill.h"

#include "failing.h"
#include "failing_tree.h"
#include "handle.h"
#include "live.h"
#include "rescue.h"
#include "startcheck.h"

#define STEP 13
#define BATCHES 4

static char root[64], dir[80], template[80];
static char job[96], final[96], other[96];
static char done_before[256], done_after[256]; /* tokens, with commas */
static struct sm_err err;

/* One moment in a job's life, and what is done then. */
struct scenario {
	const char *name;
	void (*prepare)(void);
	int (*act)(void);
	/* It said that it is done: is it?  NULL: nothing more than the rest. */
	void (*done)(const char *where);
	int again; /* what it may also end with, done a second time */
	bool keeps; /* what is done is never made again */
};

/* ------------------------------------------------------------- fixtures -- */

static void
shell(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (system(text) != 0)
		fail_msg("failed: %s", text);
}

static void
must(int ret, const char *what)
{
	if (ret < 0)
		fail_msg("%s: %s", what, err.text);
}

static void
put(const char *name, const void *data, size_t len)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	f = fopen(path, "ab");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	fclose(f);
}

static void
put_npy(const char *name, const char *descr, const void *data, size_t len)
{
	char text[128], head[128];

	snprintf(text, sizeof(text),
		 "{'descr': '%s', 'fortran_order': False, 'shape': (%d, 2), }",
		 descr, 2 * BATCHES);
	memset(head, ' ', sizeof(head));
	memcpy(head, "\x93NUMPY\1\0\x76\0", 10);
	memcpy(head + 10, text, strlen(text));
	head[127] = '\n';
	put(name, head, sizeof(head));
	put(name, data, len);
}

static int
group_setup(void **state)
{
	int32_t cands[2 * BATCHES][2];
	float scores[2 * BATCHES][2];
	const char *shm = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	int i;

	(void)state;
	snprintf(root, sizeof(root), "%s/shardmill-failing.XXXXXX", shm);
	if (!mkdtemp(root))
		return -1;
	snprintf(dir, sizeof(dir), "%s/w", root);
	snprintf(template, sizeof(template), "%s/t", root);
	snprintf(job, sizeof(job), "%s/w/f.gz.job", root);
	snprintf(final, sizeof(final), "%s/w/f.gz", root);
	snprintf(other, sizeof(other), "%s/w/other.gz", root);
	for (i = 0; i < 2 * BATCHES; i++) {
		cands[i][0] = 1 + i;
		cands[i][1] = 9 - i;
		scores[i][0] = 0.9f;
		scores[i][1] = 0.5f + 0.01f * (float)i;
	}
	put_npy("cands.npy", "<i4", cands, sizeof(cands));
	put_npy("scores.npy", "<f4", scores, sizeof(scores));
	put("keys.txt", "a\nb\nc\nd\ne\nf\ng\nh\n", 16);
	put("vocab.txt", "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n", 20);
	return 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	tree_remove(root);
	return 0;
}

static void
plan_for(const char *output, int encoder, bool accept, int consume)
{
	static char path[4][96];
	static const char *const names[] = { "cands.npy", "scores.npy",
					     "keys.txt", "vocab.txt" };
	struct sm_candidates_opts c;
	struct sm_plan_opts o = { .output = output,
				  .accept_changed = accept };
	struct sm_plan_result r;
	int i;

	for (i = 0; i < 4; i++)
		snprintf(path[i], sizeof(path[i]), "%s/%s", root, names[i]);
	sm_candidates_opts_init(&c);
	c.cands = path[0];
	c.scores = path[1];
	c.keys = path[2];
	c.vocab = path[3];
	c.min_candidates = 1;
	c.batch_rows = 2;
	c.encoder = encoder;
	o.candidates = &c;
	sm_settings_init(&o.settings);
	/* No second try, which would be waited for. */
	o.settings.max_attempts = 1;
	o.settings.consume = consume;
	must(sm_plan(&r, job, &o, &err), "plan");
	sm_plan_result_release(&r);
}

static void
plan_as(int encoder, bool accept, int consume)
{
	plan_for(final, encoder, accept, consume);
}

static void
sql(const char *text)
{
	char path[128];
	sqlite3 *db = NULL;

	snprintf(path, sizeof(path), "%s/job.db", job);
	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(db));
	sqlite3_close(db);
}

/* The answer of one row and column, as text. */
static void
answer(char *dst, size_t size, const char *text)
{
	char path[128];
	sqlite3_stmt *s = NULL;
	sqlite3 *db = NULL;

	snprintf(path, sizeof(path), "%s/job.db", job);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &s, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	snprintf(dst, size, "%s", (const char *)sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	sqlite3_close(db);
}

static long
number(const char *text)
{
	char got[32];

	answer(got, sizeof(got), text);
	return strtol(got, NULL, 10);
}

static void
remember_done(char *dst)
{
	answer(dst, sizeof(done_after),
	       "SELECT coalesce(group_concat(token), 0) FROM batch "
	       "WHERE state = 'done'");
}

/* Are those that were done still done by the same attempt? */
static bool
done_is_kept(void)
{
	char text[1200];

	snprintf(text, sizeof(text),
		 "SELECT count(*) FROM json_each('[%s,%s]') WHERE value <> 0 "
		 "AND value NOT IN (SELECT token FROM batch WHERE state = "
		 "'done')", done_before, done_after);
	return number(text) == 0;
}

static char *
content(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	char *data;

	*size = 0;
	if (!f)
		return NULL;
	data = malloc(1 << 16);
	assert_non_null(data);
	*size = fread(data, 1, 1 << 16, f);
	fclose(f);
	return data;
}

/* ------------------------------------------------------------ operations -- */

static int
work(void)
{
	struct sm_work_opts o = { .control_fd = -1 };

	return sm_work(job, &o, &err);
}

static void
progress(const struct sm_progress *p, void *arg)
{
	(void)arg;
	assert_true(p->done <= p->total);
}

static int
finalize_to(const char *output, const struct sm_batch_range *only)
{
	struct sm_finalize_opts o = { .output = output,
				      .batches = only,
				      .events = { .progress = progress } };
	struct sm_finalize_result r;
	int ret = sm_finalize(&r, job, &o, &err);

	sm_finalize_result_release(&r);
	return ret;
}

static int
finalize(void)
{
	return finalize_to(NULL, NULL);
}

/* Of a job that has no final file yet: the first that is named. */
static int
finalize_named(void)
{
	return finalize_to(final, NULL);
}

static int
finalize_other(void)
{
	return finalize_to(other, NULL);
}

static int
finalize_part(void)
{
	struct sm_batch_range only = { 1, 2 };

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

static int
recover(void)
{
	struct sm_recover_opts o = { .events = { .progress = progress } };
	struct sm_recover_result r;

	return sm_recover(&r, job, &o, &err);
}

/* The two that run does, with a handle of their own. */
static int
with_handle(int (*call)(struct sm_handle *h))
{
	struct sm_db_opts o = { .mode = SM_DB_WRITE,
				.wait = { .limit_s = 20 } };
	struct sm_handle h = SM_HANDLE_NONE;
	int ret = sm_handle_open(&h, job, &o, false, &err);

	if (ret == 0)
		ret = call(&h);
	sm_handle_close(&h);
	return ret;
}

static int
startcheck_call(struct sm_handle *h)
{
	struct sm_startcheck found;

	return sm_startcheck(&found, h, &err);
}

static int
startcheck(void)
{
	return with_handle(startcheck_call);
}

static int
rescue_call(struct sm_handle *h)
{
	struct sm_live live = SM_LIVE_NONE;
	struct sm_events quiet = { .notice = NULL };
	int ret = sm_live_open(&live, h->dir.fd, &err);

	if (ret == 0)
		ret = sm_rescue_dead(h, &live, NULL, 0, &quiet, &err);
	sm_live_close(&live);
	return ret < 0 ? ret : 0;
}

static int
rescue(void)
{
	return with_handle(rescue_call);
}

/* ------------------------------------------------------------- scenarios -- */

static void
planned(void)
{
	plan_as(SM_ENCODER_RECORD, false, 0);
}

static void
made(void)
{
	planned();
	must(work(), "work");
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

static void
made_single(void)
{
	planned();
	sql("UPDATE job SET single_member = 1");
	must(work(), "work");
}

static void
grown_single(void)
{
	made_single();
	must(finalize(), "finalize");
	shell("mv %s %s.part", final, final);
}

static void
made_but_one(void)
{
	planned();
	sql("UPDATE batch SET state = 'failed' WHERE id = 2");
	assert_int_equal(work(), SM_EWORK);
}

/* Finished, with batch 1 made again: other bytes if by another encoder. */
static void
made_again(int encoder, int consume)
{
	plan_as(SM_ENCODER_RECORD, false, consume);
	must(work(), "work");
	must(finalize(), "finalize");
	sql("UPDATE batch SET state = 'pending' WHERE id = 1");
	if (encoder != SM_ENCODER_RECORD)
		plan_as(encoder, true, consume);
	must(work(), "work");
}

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

static void
consuming(void)
{
	plan_as(SM_ENCODER_RECORD, false, 1);
	must(work(), "work");
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
	shell("rm -r %s/shards && mv %s/kept %s/shards && touch %s.part.2",
	      job, job, job, final);
}

/* Batch 1 was made again since, and what the file has of batch 0 is damaged. */
static void
power_cut(void)
{
	made_again(SM_ENCODER_ZLIB, 1);
	shell("printf x | dd of=%s bs=1 seek=70 conv=notrunc status=none",
	      final);
}

static void
lose_database(void)
{
	shell("rm -f %s/job.db %s/job.db-wal %s/job.db-shm", job, job, job);
}

static void
lost(void)
{
	made();
	lose_database();
	shell("printf x | dd of=%s/shards/000002.gz bs=1 seek=70 conv=notrunc "
	      "status=none", job);
}

static void
lost_consumed(void)
{
	consuming();
	must(finalize(), "finalize");
	lose_database();
}

static void
made_unnamed(void)
{
	plan_for(NULL, SM_ENCODER_RECORD, false, 0);
	/* A text that each claim copies. */
	sql("UPDATE batch SET item = 'an item'");
	must(work(), "work");
	assert_int_equal(finalize(), SM_EUSAGE);
}

static void
planned_items(void)
{
	planned();
	sql("UPDATE batch SET item = 'an item'");
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
	      "ln -s ../odd 000001.gz && rm 000002.gz", job);
	snprintf(path, sizeof(path), "%s/shards/000002.gz", job);
	assert_int_equal(mknod(path, S_IFSOCK | 0600, 0), 0);
}

static void
damaged(void)
{
	made();
	shell("for i in 1 3; do printf x | dd of=%s/shards/00000$i.gz bs=1 "
	      "seek=70 conv=notrunc status=none; done", job);
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
	snprintf(name, sizeof(name), "000000.%ld.tmp",
		 number("SELECT token FROM batch WHERE id = 0"));
	shell("cd %s/shards && mv 000000.gz %s && rm 000001.gz && "
	      "touch 000003.5.tmp", job, name);
}

/* A forgotten rename alone. */
static void
unnamed(void)
{
	made();
	shell("cd %s/shards && mv 000000.gz 000000.%ld.tmp", job,
	      number("SELECT token FROM batch WHERE id = 0"));
}

static void
all_done(const char *where)
{
	if (number("SELECT count(*) FROM batch WHERE state <> 'done'"))
		fail_msg("%s: not all are done", where);
}

static void
file_stands(const char *where)
{
	if (access(final, F_OK) < 0)
		fail_msg("%s: there is no final file", where);
}

static void
other_stands(const char *where)
{
	if (access(other, F_OK) < 0)
		fail_msg("%s: there is no such file", where);
}

static void
none_running(const char *where)
{
	if (number("SELECT count(*) FROM batch WHERE state = 'running'") ||
	    number("SELECT count(*) FROM attempt WHERE outcome = 'running'"))
		fail_msg("%s: some are still running", where);
}

/* Only one shard is what it should be. */
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

/* Of four batches one is lost; no other one is made again. */
static void
all_but_one(const char *where)
{
	if (number("SELECT count(*) FROM batch WHERE state = 'done'") !=
	    BATCHES - 1)
		fail_msg("%s: more than one is to be made again", where);
}

static const struct scenario scenarios[] = {
	{ "work", planned, work, all_done, SM_EWORK, true },
	{ "items", planned_items, work, all_done, SM_EWORK, true },
	{ "named", made_unnamed, finalize_named, file_stands, 0, true },
	{ "finalize", made, finalize, file_stands, 0, true },
	{ "grown", grown, finalize, file_stands, 0, true },
	{ "other", made, finalize_other, other_stands, 0, true },
	{ "part", made, finalize_part, other_stands, 0, true },
	{ "missing", made_but_one, finalize_missing, NULL, SM_EWORK, true },
	{ "grown_unsynced", grown_unsynced, finalize, file_stands, 0, true },
	{ "single", made_single, finalize, file_stands, 0, true },
	{ "grown_single", grown_single, finalize, file_stands, 0, true },
	{ "unsaid", unsaid, finalize, file_stands, 0, true },
	{ "unswept", unswept, finalize, file_stands, 0, true },
	{ "power_cut", power_cut, finalize, NULL, SM_EWORK, false },
	{ "consume", consuming, finalize, file_stands, 0, true },
	{ "published", published, finalize, file_stands, 0, true },
	{ "rewritten", rewritten, finalize, file_stands, 0, true },
	{ "unnamed", unnamed, finalize, file_stands, 0, true },
	{ "damaged", damaged, finalize, NULL, SM_EWORK, false },
	{ "recover", lost, recover, all_but_one, SM_EREFUSED, false },
	{ "recover_whole", made, recover, refused, SM_EREFUSED, true },
	{ "recover_consumed", lost_consumed, recover, all_done, SM_EREFUSED, false },
	{ "recover_unnamed", lost_unnamed, recover, all_done, SM_EREFUSED,
	  false },
	{ "recover_nothing", lost_everything, recover, NULL, SM_EREFUSED,
	  false },
	{ "recover_rows", lost_rows, recover, all_done, SM_EREFUSED, false },
	{ "recover_odd", lost_odd, recover, one_reused, SM_EREFUSED, false },
	{ "rescue", left_running, rescue, none_running, 0, false },
	{ "startcheck", wrecked, startcheck, all_but_one, 0, false },
};

/* ---------------------------------------------------------------- oracle -- */

static int
open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static const char *
place(const struct scenario *s)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s: call %ld%s (%s)", s->name,
		 failing_nth, failing_onwards ? "+" : "",
		 failing_name ? failing_name : "none");
	return text;
}

/* Everything from here to the final file, as a person would. */
static void
finish(const struct scenario *s, const char *where, const char *want,
       size_t want_size)
{
	size_t size;
	char *got;
	int ret = s->act();

	if (ret < 0 && ret != s->again && ret != SM_EVERIFY)
		fail_msg("%s: once more: %s", where, err.text);
	must(startcheck(), where);
	must(rescue(), where);
	sql("UPDATE batch SET state = 'pending', not_before = 0 "
	    "WHERE state <> 'done'");
	must(work(), where);
	ret = finalize_named();
	if (ret == SM_EVERIFY) { /* two were damaged: both are made again */
		must(work(), where);
		ret = finalize_named();
	}
	must(ret, where);
	got = content(final, &size);
	if (want && (!got || size != want_size || memcmp(got, want, size) != 0))
		fail_msg("%s: the final file differs", where);
	free(got);
	if (s->keeps && !done_is_kept())
		fail_msg("%s: what was done was made again", where);
	if (number("SELECT count(*) FROM attempt WHERE outcome = 'running'") ||
	    number("SELECT count(*) FROM worker WHERE ended IS NULL"))
		fail_msg("%s: attempts or workers stay open", where);
	if (number("SELECT count(*) FROM batch AS b WHERE (SELECT count(*) "
		   "FROM attempt AS a WHERE a.batch = b.id AND a.token = "
		   "b.token AND a.outcome = 'done') <> 1"))
		fail_msg("%s: a batch was not committed once", where);
	if (tree_leftover(dir))
		fail_msg("%s: left behind: %s", where, tree_left);
}

/* One failure; false: it was not reached. */
static bool
one(const struct scenario *s, long nth, bool onwards, const char *want,
    size_t want_size)
{
	int before, ret;
	bool hit;

	tree_remove(dir);
	tree_copy(template, dir);
	err = (struct sm_err){ 0 };
	before = open_files();
	failing_arm(nth, onwards);
	ret = s->act();
	hit = failing_disarm();
	if (open_files() != before)
		fail_msg("%s: files stay open", place(s));
	if (ret < 0 && (ret != err.code || !err.text[0] || ret == SM_EBUG))
		fail_msg("%s: %d says %d: %s", place(s), ret, err.code,
			 err.text);
	if (s->keeps)
		remember_done(done_after);
	if (ret >= 0 && s->done)
		s->done(place(s));
	if (hit)
		finish(s, place(s), want, want_size);
	return hit;
}

static void
test(void **state)
{
	const struct scenario *s = *state;
	long step = getenv("FAILING_ALL") ? 1 : STEP, n;
	size_t size;
	char *want;

	tree_remove(dir);
	tree_remove(template);
	assert_int_equal(mkdir(dir, 0755), 0);
	s->prepare();
	tree_copy(dir, template);
	if (s->keeps)
		remember_done(done_before);
	snprintf(done_after, sizeof(done_after), "0");
	finish(s, "undisturbed", NULL, 0);
	want = content(final, &size);
	for (n = 1; one(s, n, false, want, size); n += step)
		;
	print_message("%s: %ld calls\n", s->name, n - 1);
	for (n = 1; one(s, n, true, want, size); n += 2 * step)
		;
	free(want);
}

int
main(int argc, char **argv)
{
	struct CMUnitTest tests[sizeof(scenarios) / sizeof(*scenarios)];
	size_t i;

	for (i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++)
		tests[i] = (struct CMUnitTest){
			scenarios[i].name, test, NULL, NULL,
			(void *)(uintptr_t)&scenarios[i]
		};
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
