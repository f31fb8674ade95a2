/*
 * bench_claims.c - claims and commits a second, and what they could be at best
 *
 *	bench_claims [-w WORKERS] [-t SECONDS] [-s] MODE JOB
 *
 * JOB is a fresh job with more batches than can be taken in the time; a worker
 * by itself ends where they do.  MODE:
 *
 *	store   WORKERS processes claim and complete batches by the functions
 *	        of src/store, one transaction each, as workers do
 *	shards  the same, with a shard file for each, renamed in place under
 *	        the write lock
 *	bare    one process alone: the same statements on the same tables, by
 *	        SQLite's API, without queue, fence or fault points
 *	files   one process alone: create, write a shard's worth of bytes,
 *	        rename
 *
 * -s syncs: the database at each commit, and each file before it is renamed.
 * Prints batches a second, and the fewest and the most of one worker.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include <shardmill.h>

#include "batch.h"
#include "clock.h"
#include "db.h"
#include "job.h"
#include "rand.h"
#include "shard.h"
#include "worker.h"

#define WORKERS_MAX 64

/* A shard of one line has about so many bytes. */
#define FILE_BYTES 160

struct bench {
	const char *mode;
	char dir[PATH_MAX];
	int dirfd, shards_fd, workers;
	double seconds;
	bool sync;
	/* Shared with the workers. */
	struct shared {
		double begin; /* 0: not yet */
		double took[WORKERS_MAX];
		uint64_t count[WORKERS_MAX];
	} * shared;
};

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "bench_claims: %s: %s\n", what, why);
	exit(1);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---------------------------------------------------------------- store -- */

struct self {
	const struct bench *bench;
	struct sm_db *db;
	struct sm_claim claim;
	struct sm_err err;
};

static void
check(struct self *s, int ret, const char *what)
{
	if (ret < 0)
		die(what, s->err.text);
}

static void
self_join(struct self *s, int slot)
{
	struct sm_db_opts opts = { .mode = SM_DB_WRITE };
	struct sm_worker row = { .slot = slot,
				 .pid = getpid(),
				 .pid_start = 1,
				 .supervised = true,
				 .started = sm_clock_wall() };
	struct sm_job_now live;

	check(s,
	      sm_db_open(&s->db, s->bench->dir, s->bench->dirfd, &opts,
			 &s->err),
	      "open");
	/* It queues as a worker does, and nobody has to be told. */
	sm_db_queue_is_looked_at(s->db, true);
	check(s, sm_db_set_full_sync(s->db, s->bench->sync, &s->err), "sync");
	check(s, sm_db_begin_write(s->db, &s->err), "begin");
	check(s, sm_worker_insert(s->db, &row, "bench", &s->err), "join");
	check(s, sm_job_now(&live, s->db, &s->err), "live");
	check(s, sm_db_commit(s->db, &s->err), "commit");
	s->claim.worker = row.id;
	s->claim.run = live.run;
	s->claim.fingerprint = "0000000000000000";
}

static struct sm_shard *
self_make(struct self *s, const struct sm_batch *b, struct sm_made *made)
{
	static const char text[FILE_BYTES] = { 0x03 };
	struct sm_entry e = { .fingerprint = 0 };
	struct sm_shard *shard;

	*made = (struct sm_made){ .sizes.gz_bytes = FILE_BYTES };
	if (strcmp(s->bench->mode, "store") == 0)
		return NULL;
	check(s,
	      sm_shard_open(&shard, s->bench->shards_fd, b->piece.id, 6,
			    b->piece.token, &s->err),
	      "shard");
	check(s, sm_shard_deflated(shard, text, 60, &s->err), "write");
	check(s, sm_shard_finish(&e, shard, s->bench->sync, &s->err), "finish");
	made->sizes = e.sizes;
	return shard;
}

/* Complete `done` and claim `next` in one transaction, as work.c does. */
static int
self_turn(struct self *s, const struct sm_batch *done, struct sm_batch *next)
{
	struct sm_made made;
	bool held, claimed;
	struct sm_shard *shard = NULL;
	int ret;

	if (done)
		shard = self_make(s, done, &made);
	check(s, sm_db_begin_write(s->db, &s->err), "begin");
	s->claim.now = sm_clock_wall();
	if (done) {
		ret = sm_batch_complete(&held, s->db, done, &made, s->claim.now,
					&s->err);
		check(s, ret, "complete");
		if (!held)
			die("complete", "fenced");
	}
	if (shard)
		check(s, sm_shard_publish(shard, &s->err), "publish");
	ret = sm_batch_claim(&claimed, next, s->db, &s->claim, &s->err);
	check(s, ret, "claim");
	check(s, sm_db_commit(s->db, &s->err), "commit");
	sm_shard_free(shard);
	return claimed;
}

static void
run_store(const struct bench *bench, int slot)
{
	struct self s = { .bench = bench };
	struct shared *sh = bench->shared;
	struct sm_batch hand = { 0 }, next;
	bool more = true;
	uint64_t n = 0;

	self_join(&s, slot);
	while (*(volatile double *)&sh->begin == 0)
		usleep(100);
	if (self_turn(&s, NULL, &hand) == 0)
		die("claim", "nothing to claim");
	while (more && now() - sh->begin < bench->seconds) {
		more = self_turn(&s, &hand, &next) != 0;
		sm_batch_release(&hand);
		hand = next;
		n++;
		if (!more && bench->workers > 1)
			die("claim", "too few batches");
	}
	sh->took[slot] = now() - sh->begin;
	sh->count[slot] = n;
	sm_db_close(s.db);
}

/* ----------------------------------------------------------------- bare -- */

enum { BEGIN, DONE, END, CLAIM, ATTEMPT, COMMIT, STATEMENTS };

static const char *const bare_sql[STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[DONE] = "UPDATE batch SET state = 'done', rows = 1, records = 1, "
		 "skipped = 0, "
		 "entries = 0, low_score = 0, too_few = 0, of_too_few = 0, "
		 "padding = 0, nan = 0, over_maximum = 0, "
		 "raw_bytes = 1, gz_bytes = 160, raw_crc32 = 1, "
		 "gz_crc32 = 1, finished = ?2, error = NULL WHERE id = ?1",
	[END] = "UPDATE attempt SET ended = ?2, outcome = 'done' "
		"WHERE batch = ?1",
	[CLAIM] = "UPDATE batch SET state = 'running', attempts = attempts + 1,"
		  " worker = 1, token = ?1, started = ?2, finished = NULL "
		  "WHERE id = (SELECT id FROM batch INDEXED BY batch_ready "
		  "WHERE state = 'pending' AND not_before = 0 "
		  "ORDER BY priority DESC, id LIMIT 1) RETURNING id",
	[ATTEMPT] = "INSERT INTO attempt (batch, worker, token, fingerprint, "
		    "started) VALUES (?1, 1, 1, '0000000000000000', ?2)",
	[COMMIT] = "COMMIT",
};

static int64_t
bare_run(sqlite3 *db, sqlite3_stmt *s, int64_t first)
{
	int64_t id = first;

	if (sqlite3_bind_parameter_count(s) > 0) {
		sqlite3_bind_int64(s, 1, first);
		sqlite3_bind_double(s, 2, sm_clock_wall());
	}
	while (sqlite3_step(s) == SQLITE_ROW)
		id = sqlite3_column_int64(s, 0);
	if (sqlite3_reset(s) != SQLITE_OK)
		die("bare", sqlite3_errmsg(db));
	return id;
}

static void
run_bare(const struct bench *bench)
{
	sqlite3_stmt *s[STATEMENTS];
	char path[PATH_MAX + 16];
	sqlite3 *db;
	int64_t id;
	uint64_t n = 0;
	int i;

	snprintf(path, sizeof(path), "%s/job.db", bench->dir);
	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_exec(db,
			 bench->sync ? "PRAGMA synchronous = FULL"
				     : "PRAGMA synchronous = NORMAL",
			 NULL, NULL, NULL) != SQLITE_OK)
		die("bare", sqlite3_errmsg(db));
	for (i = 0; i < STATEMENTS; i++)
		if (sqlite3_prepare_v2(db, bare_sql[i], -1, &s[i], NULL) !=
		    SQLITE_OK)
			die(bare_sql[i], sqlite3_errmsg(db));
	bench->shared->begin = now();
	for (id = -1; now() - bench->shared->begin < bench->seconds; n++) {
		bare_run(db, s[BEGIN], 0);
		if (id >= 0) {
			bare_run(db, s[DONE], id);
			bare_run(db, s[END], id);
		}
		id = bare_run(db, s[CLAIM], 1);
		bare_run(db, s[ATTEMPT], id);
		bare_run(db, s[COMMIT], 0);
	}
	bench->shared->took[0] = now() - bench->shared->begin;
	bench->shared->count[0] = n;
	for (i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(s[i]);
	sqlite3_close(db);
}

static void
run_files(const struct bench *bench)
{
	static const char bytes[FILE_BYTES];
	char tmp[SM_SHARD_NAME_MAX], name[SM_SHARD_NAME_MAX];
	uint64_t n;
	int fd;

	bench->shared->begin = now();
	for (n = 0; now() - bench->shared->begin < bench->seconds; n++) {
		sm_shard_tmp_name(tmp, n, 6, 1);
		sm_shard_name(name, n, 6);
		fd = openat(bench->shards_fd, tmp,
			    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd < 0 ||
		    write(fd, bytes, sizeof(bytes)) != sizeof(bytes) ||
		    (bench->sync && fdatasync(fd) < 0) || close(fd) < 0 ||
		    renameat(bench->shards_fd, tmp, bench->shards_fd, name) < 0)
			die("files", tmp);
	}
	bench->shared->took[0] = now() - bench->shared->begin;
	bench->shared->count[0] = n;
}

/* ----------------------------------------------------------------- main -- */

/* No connection is open here: none may cross a fork. */
static void
start_workers(struct bench *b)
{
	int i, status;

	for (i = 0; i < b->workers; i++) {
		switch (fork()) {
		case -1:
			die("fork", "no process");
		case 0:
			run_store(b, i);
			_exit(0);
		}
	}
	usleep(200000); /* all have joined, most likely */
	b->shared->begin = now();
	for (i = 0; i < b->workers; i++)
		if (wait(&status) < 0 || status != 0)
			die("worker", "it failed");
}

static void
report(const struct bench *b)
{
	uint64_t least = UINT64_MAX, most = 0;
	double rate = 0;
	int i;

	for (i = 0; i < b->workers; i++) {
		rate += (double)b->shared->count[i] / b->shared->took[i];
		if (b->shared->count[i] < least)
			least = b->shared->count[i];
		if (b->shared->count[i] > most)
			most = b->shared->count[i];
	}
	printf("%.0f %" PRIu64 " %" PRIu64 "\n", rate, least, most);
}

int
main(int argc, char **argv)
{
	struct bench b = { .workers = 1, .seconds = 1 };
	int c;

	while ((c = getopt(argc, argv, "w:t:s")) != -1) {
		switch (c) {
		case 'w':
			b.workers = atoi(optarg);
			break;
		case 't':
			b.seconds = atof(optarg);
			break;
		case 's':
			b.sync = true;
			break;
		default:
			return 2;
		}
	}
	if (optind + 2 != argc || b.workers < 1 || b.workers > WORKERS_MAX) {
		fprintf(stderr, "usage: bench_claims [-w WORKERS] [-t SECONDS] "
				"[-s] store|shards|bare|files JOB\n");
		return 2;
	}
	b.mode = argv[optind];
	if (!realpath(argv[optind + 1], b.dir))
		die(argv[optind + 1], "no such job");
	b.dirfd = open(b.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	b.shards_fd =
		openat(b.dirfd, "shards", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	b.shared = mmap(NULL, sizeof(*b.shared), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b.dirfd < 0 || b.shards_fd < 0 || b.shared == MAP_FAILED)
		die(b.dir, "cannot open it");
	if (strcmp(b.mode, "bare") == 0)
		run_bare(&b);
	else if (strcmp(b.mode, "files") == 0)
		run_files(&b);
	else
		start_workers(&b);
	report(&b);
	return 0;
}
