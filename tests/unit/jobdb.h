/*
 * jobdb.h - a job's database in a directory of its own, for tests
 *
 * jobdb_setup() and jobdb_teardown() are a cmocka test's; between them `jobdb`
 * holds the directory and, after jobdb_open() or jobdb_make(), the connection.
 * Hand edits and questions go through connections of their own, as a person's
 * shell does it.
 */
#ifndef JOBDB_H
#define JOBDB_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "batch.h"
#include "db.h"
#include "job.h"
#include "worker.h"

/* For a row that is marked as done by hand. */
#define NO_TALLIES                                                             \
	"entries = 0, low_score = 0, too_few = 0, of_too_few = 0, "            \
	"padding = 0, nan = 0, over_maximum = 0, "

#define JOBDB_NOW 1000000.0 /* what the tests call now, Unix seconds */
#define JOBDB_FP  "00000000000000ab"

struct jobdb {
	char path[64];
	int fd;
	struct sm_db *db;
	struct sm_err err;
	bool yes; /* what the store's questions are answered in */
	int n;
};

static struct jobdb jobdb;

/* Of a question whose answer goes to jobdb.yes: 1, 0, or its error. */
static inline int
jobdb_answer(int ret)
{
	return ret < 0 ? ret : jobdb.yes;
}

static inline int
jobdb_number(int ret)
{
	return ret < 0 ? ret : jobdb.n;
}

static inline int
jobdb_setup(void **state)
{
	(void)state;
	jobdb = (struct jobdb){ .path = "/tmp/shardmill-test.XXXXXX" };
	if (!mkdtemp(jobdb.path))
		return -1;
	jobdb.fd = open(jobdb.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return jobdb.fd < 0 ? -1 : 0;
}

static inline int
jobdb_remove_one(const char *path, const struct stat *st, int type,
		 struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int
jobdb_teardown(void **state)
{
	(void)state;
	sm_db_close(jobdb.db);
	close(jobdb.fd);
	return nftw(jobdb.path, jobdb_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline const char *
jobdb_file(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", jobdb.path, name);
	return path;
}

static inline int
jobdb_open(enum sm_db_mode mode)
{
	struct sm_db_opts opts = { .mode = mode, .wait = { .limit_s = 20 } };

	sm_db_close(jobdb.db);
	jobdb.db = NULL;
	jobdb.err = (struct sm_err){ 0 };
	return sm_db_open(&jobdb.db, jobdb.path, jobdb.fd, &opts, &jobdb.err);
}

static inline void
jobdb_begin(void)
{
	if (sm_db_begin_write(jobdb.db, &jobdb.err) < 0)
		fail_msg("begin: %s", jobdb.err.text);
}

static inline void
jobdb_commit(void)
{
	if (sm_db_commit(jobdb.db, &jobdb.err) < 0)
		fail_msg("commit: %s", jobdb.err.text);
}

/* In a write transaction: batches 0 to n - 1, ten rows each, and the job. */
static inline void
jobdb_plan(uint64_t n)
{
	struct sm_job job = { .kind = (char *)(uintptr_t) "exec",
			      .spec = (char *)(uintptr_t) "{}",
			      .fingerprint = JOBDB_FP,
			      .batches = n,
			      .rows = 10 * n,
			      .workers = 2,
			      .max_attempts = 3,
			      .lease_s = 60,
			      .sync = SM_SYNC_SHARD,
			      .created = JOBDB_NOW };
	uint64_t i;

	for (i = 0; i < n; i++) {
		struct sm_piece b = { .id = i,
				      .first = (int64_t)(10 * i),
				      .end = (int64_t)(10 * i + 10),
				      .first_byte = -1,
				      .end_byte = -1 };

		assert_int_equal(sm_batch_insert(jobdb.db, &b, &jobdb.err), 0);
	}
	assert_int_equal(sm_job_insert(jobdb.db, &job, &jobdb.err), 0);
}

/* A planned job with `n` pending batches, opened to write. */
static inline void
jobdb_make(uint64_t n)
{
	assert_int_equal(jobdb_open(SM_DB_CREATE), 0);
	/* Tests count on what is written, not on what a power cut leaves. */
	assert_int_equal(sm_db_set_full_sync(jobdb.db, false, &jobdb.err), 0);
	jobdb_begin();
	jobdb_plan(n);
	jobdb_commit();
}

/* What a person's shell would run: SQLITE_OK or why not. */
static inline int
jobdb_try(const char *sql)
{
	sqlite3 *c = NULL;
	int rc = sqlite3_open(jobdb_file("job.db"), &c);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(c, sql, NULL, NULL, NULL);
	sqlite3_close(c);
	return rc;
}

static inline void
jobdb_sql(const char *sql)
{
	if (jobdb_try(sql) != SQLITE_OK)
		fail_msg("refused: %s", sql);
}

/* The answer of one row and column, as text; "" for NULL. */
static inline const char *
jobdb_text(const char *sql)
{
	static char text[1024];
	sqlite3_stmt *s = NULL;
	sqlite3 *c = NULL;
	int rc = sqlite3_open(jobdb_file("job.db"), &c);

	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(c, sql, -1, &s, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	text[0] = '\0';
	if (rc == SQLITE_ROW && sqlite3_column_text(s, 0))
		snprintf(text, sizeof(text), "%s",
			 (const char *)sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	sqlite3_close(c);
	if (rc != SQLITE_ROW)
		fail_msg("no answer to: %s", sql);
	return text;
}

static inline long long
jobdb_int(const char *sql)
{
	return strtoll(jobdb_text(sql), NULL, 10);
}

/* A worker's row, in a transaction of its own. */
static inline int64_t
jobdb_worker(int slot)
{
	struct sm_worker w = {
		.slot = slot, .pid = 1, .pid_start = 1, .started = JOBDB_NOW
	};

	jobdb_begin();
	assert_int_equal(sm_worker_insert(jobdb.db, &w, "host", &jobdb.err), 0);
	jobdb_commit();
	return w.id;
}

/* Claim in a transaction of its own, at `now`; 1, 0. */
static inline int
jobdb_claim_at(struct sm_batch *b, int64_t worker, double now)
{
	struct sm_claim claim = { .worker = worker,
				  .fingerprint = JOBDB_FP,
				  .now = now };
	int ret;

	jobdb_begin();
	ret = jobdb_answer(
		sm_batch_claim(&jobdb.yes, b, jobdb.db, &claim, &jobdb.err));
	if (ret < 0)
		fail_msg("claim: %s", jobdb.err.text);
	jobdb_commit();
	return ret;
}

static inline int
jobdb_claim(struct sm_batch *b, int64_t worker)
{
	return jobdb_claim_at(b, worker, JOBDB_NOW);
}

/* Complete in a transaction of its own; 1, or 0 if the guard did not hold. */
static inline int
jobdb_complete(const struct sm_batch *b, uint64_t gz_bytes)
{
	struct sm_made made = { .counts = { .rows = 10,
					    .records = 8,
					    .tally[SM_TALLY_SKIPPED] = 2 },
				.sizes = { .raw_bytes = 100,
					   .gz_bytes = gz_bytes,
					   .raw_crc32 = 0xffffffff,
					   .gz_crc32 = 0x80000000 } };
	int ret;

	jobdb_begin();
	ret = jobdb_answer(sm_batch_complete(&jobdb.yes, jobdb.db, b, &made,
					     JOBDB_NOW + 5, &jobdb.err));
	if (ret < 0)
		fail_msg("complete: %s", jobdb.err.text);
	jobdb_commit();
	return ret;
}

static const struct sm_batch_trouble jobdb_broken = {
	.outcome = "error",
	.exit_status = 3,
	.signal = -1,
	.error_class = "command",
	.message = "it broke",
	.stderr_text = "oh\nno\n",
	.retry = true,
};

/* A counted failure, in a transaction of its own. */
static inline int
jobdb_fail(const struct sm_batch *b, const struct sm_batch_trouble *t,
	   bool *failed)
{
	enum sm_fate fate;

	jobdb_begin();
	assert_int_equal(
		sm_batch_fail(&fate, jobdb.db, b, t, JOBDB_NOW, &jobdb.err), 0);
	jobdb_commit();
	if (failed)
		*failed = fate == SM_FATE_FAILED;
	return fate != SM_FATE_FENCED;
}

/* An interruption, likewise. */
static inline int
jobdb_give_back(const struct sm_batch *b)
{
	struct sm_batch_trouble gone = { .outcome = "interrupted",
					 .exit_status = -1,
					 .signal = -1 };
	enum sm_fate fate;

	jobdb_begin();
	assert_int_equal(sm_batch_give_back(&fate, jobdb.db, b, &gone,
					    JOBDB_NOW, &jobdb.err),
			 0);
	jobdb_commit();
	return fate != SM_FATE_FENCED;
}

#endif /* JOBDB_H */
