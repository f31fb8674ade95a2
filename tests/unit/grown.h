/*
 * grown.h - a job of BATCHES batches with real shards, and its growing file
 *
 * grown_setup() and grown_teardown() are a cmocka test's.
 */
#ifndef GROWN_H
#define GROWN_H

#include "consumed.h"
#include "encoder.h"
#include "grow.h"
#include "join.h"
#include "joined.h"

#include "jobdb.h"

/* Two groups of the file, and some more: a group's shards go together. */
#define GROUP   SM_GROUP_ENTRIES
#define BATCHES (2 * GROUP + 8)

static struct sm_handle h;
static struct sm_events quiet;
static struct sm_grow g;
static struct sm_encoder *encoder;
static int64_t worker;

static inline int
grown_setup(void **state)
{
	int ret = jobdb_setup(state);

	if (ret < 0 ||
	    sm_encoder_new(&encoder, SM_ENCODER_BY_TEXT, 6, NULL) < 0)
		return -1;
	jobdb_make(BATCHES);
	worker = jobdb_worker(0);
	h = (struct sm_handle){
		.dir = { .path = jobdb.path, .fd = jobdb.fd, .shards_fd = -1 },
		.db = jobdb.db,
		.job = { .batches = BATCHES, .final_size = -1 },
		.fingerprint = 0xab,
		.digits = sm_shard_digits(BATCHES),
		.files = SM_FILES_NONE
	};
	h.job.final_path = strdup(jobdb_file("f.gz"));
	mkdirat(jobdb.fd, "shards", 0755);
	h.dir.shards_fd = openat(jobdb.fd, "shards", O_RDONLY | O_DIRECTORY);
	sm_grow_init(&g, &h, h.fingerprint, &quiet);
	return h.dir.shards_fd < 0 ? -1 : 0;
}

static inline int
grown_teardown(void **state)
{
	sm_grow_close(&g);
	sm_encoder_free(encoder);
	free(h.job.final_path);
	close(h.dir.shards_fd);
	return jobdb_teardown(state);
}

/* Make the next batch that is due, with `word` in its text. */
static inline void
make_one(const char *word)
{
	struct sm_entry e = { .fingerprint = h.fingerprint,
			      .counts = { .rows = 10, .records = 1 } };
	struct sm_made made = { .counts = { .rows = 10, .records = 1 } };
	struct sm_shard *s;
	struct sm_batch b;
	char text[64];

	assert_int_equal(jobdb_claim(&b, worker), 1);
	snprintf(text, sizeof(text), "%s of batch %d\n", word, (int)b.piece.id);
	assert_int_equal(sm_shard_open(&s, h.dir.shards_fd, b.piece.id,
				       h.digits, b.piece.token, NULL),
			 0);
	assert_int_equal(sm_encoder_begin(encoder, s, NULL), 0);
	assert_int_equal(sm_encoder_write(encoder, text, strlen(text), NULL),
			 0);
	assert_int_equal(sm_encoder_align(encoder, NULL), 0);
	assert_int_equal(sm_shard_finish(&e, s, false, NULL), 0);
	made.sizes = e.sizes;
	snprintf(text, sizeof(text),
		 "UPDATE attempt SET fingerprint = '%016llx'",
		 (unsigned long long)h.fingerprint);
	jobdb_sql(text);
	jobdb_begin();
	assert_int_equal(
		jobdb_answer(sm_batch_complete(&jobdb.yes, jobdb.db, &b, &made,
					       JOBDB_NOW, &jobdb.err)),
		1);
	assert_int_equal(sm_shard_publish(s, NULL), 0);
	jobdb_commit();
	sm_shard_free(s);
	sm_batch_release(&b);
}

static inline void
make_all(void)
{
	int i;

	for (i = 0; i < BATCHES; i++)
		make_one("text");
}

static inline struct sm_batch_row
row_of(uint64_t id)
{
	struct sm_batch_row row;

	assert_int_equal(sm_batch_rows_begin(jobdb.db, id, &jobdb.err), 0);
	assert_int_equal(sm_batch_rows_next(&row, jobdb.db, &jobdb.err), 1);
	sm_batch_rows_end(jobdb.db);
	return row;
}

static inline int
add(void)
{
	struct sm_batch_row row = row_of(g.final.appended);
	bool added;
	int ret;

	ret = sm_grow_add(&added, &g, &h, &row, &jobdb.err);
	return ret < 0 ? ret : added;
}

/* Are the batches that were added still the rows'? */
static inline bool
is_current(void)
{
	struct sm_join_from from = sm_join_from_one(&h);
	struct sm_rows_digest d;

	assert_int_equal(
		sm_rows_digest(&d, &from, g.final.appended, &jobdb.err), 0);
	return d.batches == g.final.appended && d.digest == g.digest;
}

static inline void
add_to(uint64_t n)
{
	while (g.final.appended < n)
		if (add() != 1)
			fail_msg("batch %d: %s", (int)g.final.appended,
				 jobdb.err.text);
}

static inline void
open_again(void)
{
	sm_grow_close(&g);
	sm_grow_init(&g, &h, h.fingerprint, &quiet);
	if (sm_grow_open(&g, h.job.final_path, false, &jobdb.err) < 0)
		fail_msg("%s", jobdb.err.text);
}

static inline bool
has_shard(uint64_t id)
{
	char name[SM_SHARD_NAME_MAX];

	sm_shard_name(name, id, h.digits);
	return faccessat(h.dir.shards_fd, name, F_OK, 0) == 0;
}

static inline void
remove_shard(uint64_t id)
{
	char name[SM_SHARD_NAME_MAX];

	sm_shard_name(name, id, h.digits);
	assert_int_equal(unlinkat(h.dir.shards_fd, name, 0), 0);
}

static inline uint64_t
size_of(const char *name)
{
	struct stat st;

	return stat(jobdb_file(name), &st) == 0 ? (uint64_t)st.st_size : 0;
}

static inline void
record(bool all)
{
	if (sm_grow_record(&g, all, &jobdb.err) < 0)
		fail_msg("%s", jobdb.err.text);
}

#endif /* GROWN_H */
