/*
 * failing_job.h - the job of test_failing_*.c, and what is done with it
 *
 * candidates, BATCHES batches of two rows, in /dev/shm where that can be had:
 * `job` and `final` in `dir`, which a scenario begins with as a copy of
 * `template`.  Hand edits and questions go through connections of their own.
 */
#ifndef FAILING_JOB_H
#define FAILING_JOB_H

#include <stdio.h>
#include <string.h>

#include <shardmill.h>

#include "failing.h"
#include "failing_tree.h"
#include "handle.h"
#include "record.h"

#define BATCHES 4

static char root[64], dir[80], template[80];
static char job[96], final[96], other[96];
static uint64_t parts; /* of the job that is planned next; 0: none */
static bool restarts;  /* what is planned next begins again */
static struct sm_err err;

/* ------------------------------------------------------------- fixtures -- */

static inline void
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

static inline void
must(int ret, const char *what)
{
	if (ret < 0)
		fail_msg("%s: %s", what, err.text);
}

static inline void
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

static inline void
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

static inline int
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
	snprintf(final, sizeof(final), "%s/w/f.gz", root);
	snprintf(other, sizeof(other), "%s/w/other.gz", root);
	for (i = 0; i < 2 * BATCHES; i++) {
		cands[i][0] = 1 + i;
		cands[i][1] = 9 - i;
		scores[i][0] = 0.9f;
		scores[i][1] = 0.5f + 0.01f * (float)i;
	}
	put_npy("cands.npy", "=i4", cands, sizeof(cands));
	put_npy("scores.npy", "=f4", scores, sizeof(scores));
	put("keys.txt", "a\nb\nc\nd\ne\nf\ng\nh\n", 16);
	put("vocab.txt", "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n", 20);
	return 0;
}

static inline int
group_teardown(void **state)
{
	(void)state;
	tree_remove(root);
	return 0;
}

static inline int
plan_try(const char *output, int encoder, bool accept, int consume)
{
	static char path[4][96];
	static const char *const names[] = { "cands.npy", "scores.npy",
					     "keys.txt", "vocab.txt" };
	const struct sm_value options[] = {
		{ "cands", path[0] },
		{ "scores", path[1] },
		{ "keys", path[2] },
		{ "vocab", path[3] },
		{ "min-candidates", "1" },
		{ "batch-rows", "2" },
		{ "encoder", encoder == SM_ENCODER_ZLIB ? "zlib" : "record" },
		{ 0 },
	};
	struct sm_plan_opts o = { .kind = "candidates",
				  .options = options,
				  .output = output,
				  .accept_changed = accept,
				  .restart = restarts };
	struct sm_plan_result r;
	int i, ret;

	for (i = 0; i < 4; i++)
		snprintf(path[i], sizeof(path[i]), "%s/%s", root, names[i]);
	o.parts = parts;
	/* No second try, which would be waited for. */
	o.settings.max_attempts = 1;
	o.settings.consume = consume ? 1 : -1;
	ret = sm_plan(&r, job, &o, &err);
	sm_plan_result_release(&r);
	return ret;
}

static inline void
plan_for(const char *output, int encoder, bool accept, int consume)
{
	must(plan_try(output, encoder, accept, consume), "plan");
}

static inline void
plan_as(int encoder, bool accept, int consume)
{
	plan_for(final, encoder, accept, consume);
}

static inline void
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
static inline void
answer(char *dst, size_t size, const char *text)
{
	char path[128];
	sqlite3_stmt *s = NULL;
	sqlite3 *db = NULL;

	snprintf(path, sizeof(path), "%s/job.db", job);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	snprintf(dst, size, "%s", (const char *)sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	sqlite3_close(db);
}

/* Tokens have 53 bits, which `long` has not everywhere. */
static inline long long
number(const char *text)
{
	char got[32];

	answer(got, sizeof(got), text);
	return strtoll(got, NULL, 10);
}

static inline char *
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

#endif /* FAILING_JOB_H */
