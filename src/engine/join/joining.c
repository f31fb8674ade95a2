#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"

#include "member.h"

#include "joined.h"

#include "consumed.h"

#include "joining.h"

#define PROGRESS_MS 500

/* Rows are read so many at a time: what is recorded is written in between. */
#define ROWS_MAX 64

static void
joining_progress(struct sm_joining *j)
{
	struct sm_progress p = { .phase = "join",
				 .unit = "bytes",
				 .done = j->g->final.at,
				 .total = j->total_bytes,
				 .eta_s = -1 };
	uint64_t now = sm_clock_ms();

	if (!j->ev->progress || now - j->told_ms < PROGRESS_MS)
		return;
	j->told_ms = now;
	j->ev->progress(&p, j->ev->arg);
}

/* Is the batch left out of a partial file?  Then `e` is what stands for it. */
static bool
joining_leaves_out(struct sm_gzip_entry *e, const struct sm_joining *j,
		   const struct sm_batch_row *row)
{
	if (!j->partial || (row->state == SM_DONE && row->id >= j->only.first &&
			    row->id <= j->only.last))
		return false;
	*e = (struct sm_gzip_entry){ 0 };
	if (row->state == SM_DONE)
		e->rows = row->counts.rows;
	else if (row->end > row->first)
		e->rows = (uint64_t)(row->end - row->first);
	return true;
}

/* Leave the batch out, and keep count of those that are missed. */
static int
joining_skip(struct sm_joining *j, const struct sm_batch_row *row,
	     const struct sm_gzip_entry *e, struct sm_err *err)
{
	j->left_out++;
	if (row->id >= j->only.first && row->id <= j->only.last) {
		if (j->missing < SM_JOIN_NAMED_MAX)
			j->named[j->missing] = row->id;
		j->missing++;
	}
	return sm_final_skip(&j->g->final, e, err);
}

static int
joining_row_is_done(const struct sm_batch_row *row, uint64_t expect,
		    struct sm_err *err)
{
	if (row->id != expect)
		return sm_err_set(err, SM_EDAMAGED,
				  "the row of batch %llu is missing; "
				  "'shardmill recover' rebuilds it",
				  (unsigned long long)expect);
	if (row->state != SM_DONE)
		return sm_err_set(err, SM_EWORK,
				  "batch %llu was put back meanwhile; run the "
				  "job again",
				  (unsigned long long)row->id);
	return 0;
}

/* The rows from `from` on, as many as there is room for: their number, <0. */
static int
joining_read_rows(struct sm_batch_row *rows, struct sm_joining *j,
		  uint64_t from, struct sm_err *err)
{
	int n = 0, ret = sm_batch_rows_begin(j->h->db, from, err);

	while (ret >= 0 && n < ROWS_MAX &&
	       (ret = sm_batch_rows_next(&rows[n], j->h->db, err)) > 0)
		n++;
	sm_batch_rows_end(j->h->db);
	return ret < 0 ? ret : n;
}

/* One row, in its turn.  1: it is in; 0: the file must be rewritten; <0. */
static int
joining_add(struct sm_joining *j, const struct sm_batch_row *row,
	    struct sm_err *err)
{
	uint64_t n = j->g->final.appended;
	struct sm_batch_row now = *row;
	struct sm_gzip_entry e;
	int ret;

	if (joining_leaves_out(&e, j, row) && row->id == n) {
		ret = joining_skip(j, row, &e, err);
		return ret < 0 ? ret : 1;
	}
	ret = joining_row_is_done(row, n, err);
	if (ret < 0)
		return ret;
	if (sm_event_stops(j->ev) > 0)
		return sm_err_set(err, SM_ESTOPPED,
				  "stopped while joining; the same command "
				  "joins on");
	do
		ret = sm_growing_add(j->g, &now, err);
	while (ret == SM_EVERIFY && !j->ours &&
	       (ret = sm_joining_look_again(j, &now, err)) == 0);
	if (ret > 0)
		joining_progress(j);
	return ret;
}

/*
 * The shards that are not in the file yet, in order, each read once and
 * compared with its row; `*bad` is the last one looked at.
 */
static int
joining_shards(struct sm_joining *j, struct sm_batch_row *bad,
	       struct sm_err *err)
{
	struct sm_batch_row *rows = malloc(ROWS_MAX * sizeof(*rows));
	int ret = 0, n = 1, i;

	if (!rows)
		return sm_err_mem(err, "joining shards");
	while (ret >= 0 && n > 0) {
		n = joining_read_rows(rows, j, j->g->final.appended, err);
		ret = n < 0 ? n : 1;
		for (i = 0; ret > 0 && i < n; i++) {
			*bad = rows[i];
			ret = joining_add(j, &rows[i], err);
		}
		if (ret > 0)
			ret = sm_growing_record(j->g, false, err);
		else if (ret == 0)
			ret = sm_growing_rewrite(j->g, err);
	}
	free(rows);
	return ret;
}

static int
joining_index(struct sm_joining *j, struct sm_err *err)
{
	struct sm_batch_row row;
	struct sm_gzip_entry e;
	int ret = sm_batch_rows_begin(j->h->db, 0, err);

	while (ret >= 0 &&
	       (ret = sm_batch_rows_next(&row, j->h->db, err)) > 0) {
		if (!joining_leaves_out(&e, j, &row))
			sm_consumed_entry(&e, &row);
		ret = sm_growing_list(j->g, &row, &e, err);
	}
	sm_batch_rows_end(j->h->db);
	return ret < 0 ? ret : 0;
}

/*
 * The final file that stands has all batches: has it their index and end, and
 * nothing else?  1, 0, <0.  A kill may have come between its name and the
 * commit that says so.
 */
static int
joining_stands(struct sm_joining *j, struct sm_err *err)
{
	struct sm_growing *g = j->g;
	struct sm_member_reader *r = NULL;
	struct sm_gzip_end e;
	struct stat st;
	uint32_t crc = 0;
	int ret;

	if (fstat(g->fd, &st) < 0)
		return sm_err_sys(err, "cannot examine '%s'", g->path);
	j->size = (uint64_t)st.st_size;
	if (sm_final_read_end(&e, g->fd, j->size) != 1 || e.partial ||
	    e.fingerprint != j->h->fingerprint ||
	    e.batches != g->final.appended || e.index_at != g->final.at)
		return 0;
	ret = sm_member_reader_new(&r, g->fd, g->path, j->size, err);
	if (ret == 0)
		ret = sm_member_crc(r, &crc, e.index_at,
				    j->size - SM_GZIP_END_BYTES, err);
	sm_member_reader_free(r);
	return ret < 0 ? ret : crc == e.index_crc32;
}

/* All shards, then the index: of the same rows. */
static int
joining_fill(struct sm_joining *j, struct sm_batch_row *bad, struct sm_err *err)
{
	struct sm_growing *g = j->g;
	int ret = joining_shards(j, bad, err);

	if (ret == 0 && g->published) {
		ret = joining_stands(j, err);
		if (ret == 0)
			ret = sm_growing_rewrite(g, err);
		if (ret == 0)
			ret = joining_shards(j, bad, err);
		ret = ret > 0 ? 0 : ret;
	}
	if (ret == 0)
		ret = joining_index(j, err);
	if (ret == 0 && !j->partial && g->digest_listed != g->digest)
		ret = sm_err_set(err, SM_EWORK,
				 "cannot finalize '%s': batches were made "
				 "again while the shards were joined; finalize "
				 "once more",
				 j->h->dir.path);
	return ret;
}

/* Everything up to the rename: a whole, synced F.part. */
static int
joining_write_part(struct sm_joining *j, struct sm_err *err)
{
	struct sm_batch_row row = { 0 };
	struct sm_err why;
	int ret = 0;

	/* One snapshot for a file of which nothing is recorded meanwhile. */
	if (!j->ours)
		ret = sm_db_begin_read(j->h->db, err);
	if (ret == 0)
		ret = joining_fill(j, &row, err);
	if (!j->ours)
		sm_db_end_read(j->h->db);
	if (ret == SM_EVERIFY) {
		why = *err;
		ret = sm_joining_requeue_damaged(j, &row, err);
		if (ret < 0)
			return ret;
		*err = why;
		return SM_EVERIFY;
	}
	if (ret == 0)
		ret = sm_growing_end(j->g, err);
	if (!j->g->published)
		j->size = j->g->final.at;
	return ret;
}

/* In the transaction: the rows must still be those that were joined. */
static int
joining_check_rows(struct sm_joining *j, struct sm_err *err)
{
	uint64_t digest, odd;
	int ret = sm_join_digest(&digest, &odd, j->h, err);

	if (ret < 0)
		return ret;
	if (ret == 0)
		return sm_err_set(err, SM_EWORK,
				  "cannot finalize '%s': batch %llu was put "
				  "back while the shards were joined; run the "
				  "job again",
				  j->h->dir.path, (unsigned long long)odd);
	if (digest != j->g->digest)
		return sm_err_set(
			err, SM_EWORK,
			"cannot finalize '%s': batches were made "
			"again while the shards were joined; finalize "
			"once more",
			j->h->dir.path);
	return 0;
}

/* Compared, recorded and renamed under one write lock. */
static int
joining_publish(struct sm_joining *j, struct sm_err *err)
{
	struct sm_growing *g = j->g;
	int ret = sm_growing_make_findable(g, err);

	if (ret == 0 && (g->consume || g->rewriting))
		ret = sm_db_set_full_sync(j->h->db, true, err);
	if (ret == 0)
		ret = sm_db_begin_write(j->h->db, err);
	if (ret < 0)
		return ret;
	ret = joining_check_rows(j, err);
	if (ret == 0)
		ret = j->ours ? sm_growing_record_rest(g, err)
			      : sm_joined_forget(j->h->db, err);
	if (ret == 0)
		ret = sm_job_finalized(j->h->db, j->path, j->size, g->digest,
				       err);
	if (ret == 0)
		ret = sm_growing_rename(g, err);
	if (ret < 0) {
		sm_db_rollback(j->h->db);
		return ret;
	}
	ret = sm_db_commit(j->h->db, err);
	if (ret == 0)
		sm_growing_tidy(g);
	return ret;
}

int
sm_joining_write(struct sm_joining *j, struct sm_finalize_result *result,
		 struct sm_err *err)
{
	struct sm_batch_counts c;
	int ret = sm_batch_counts(&c, j->h->db, err);

	if (ret < 0)
		return ret;
	j->total_bytes = c.gz_bytes;
	ret = joining_write_part(j, err);
	/* A partial file is not the job's final file: nothing is recorded. */
	if (ret == 0)
		ret = j->partial ? sm_growing_rename(j->g, err)
				 : joining_publish(j, err);
	if (ret < 0)
		return ret;
	result->left_out = j->left_out;
	result->size = j->size;
	result->batches = j->g->final.appended;
	result->records = j->g->records;
	result->raw_bytes = j->g->raw_bytes;
	return 0;
}
