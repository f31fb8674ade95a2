/*
 * write.c - the one writer of a final file
 *
 * One pass over the rows, whatever databases have them, adds batch after batch
 * to whatever file is open; then the rows are looked at once more, under the
 * write lock where there is one database, and the file gets its name.
 */
#include <inttypes.h>
#include <string.h>

#include "fault.h"

#include "joined.h"

#include "consumed.h"

#include "damaged.h"

#include "write.h"

/* ---------------------------------------------------------------- rows -- */

static bool
write_leaves_out(const struct sm_join *j, const struct sm_batch_row *row)
{
	return j->partial &&
	       (row->state != SM_DONE || row->id < j->only.first ||
		row->id > j->only.last);
}

/* What is said of a batch that is left out. */
static struct sm_entry
write_left_out(const struct sm_batch_row *row)
{
	struct sm_entry e = { 0 };

	if (row->state == SM_DONE)
		e.counts.rows = row->counts.rows;
	else if (row->end > row->first)
		e.counts.rows = (uint64_t)(row->end - row->first);
	return e;
}

/* Leave the batch out, and keep count of those that are missed. */
static int
write_skip(struct sm_join *j, const struct sm_batch_row *row,
	   struct sm_err *err)
{
	struct sm_entry e = write_left_out(row);

	j->left_out++;
	if (row->id >= j->only.first && row->id <= j->only.last) {
		if (j->missing < SM_JOIN_NAMED_MAX)
			j->named[j->missing] = row->id;
		j->missing++;
	}
	return sm_final_skip(&j->g->final, &e, err);
}

/* One row, in its turn.  `*added` false: the file must be rewritten. */
static int
write_row(bool *added, struct sm_join *j, struct sm_handle *h,
	  struct sm_batch_row *row, struct sm_err *err)
{
	int ret;

	*added = true;
	if (write_leaves_out(j, row))
		return write_skip(j, row, err);
	if (row->state != SM_DONE)
		return sm_err_set(err, SM_EWORK,
				  "batch %" PRIu64 " was put back meanwhile; "
				  "run '%s' again",
				  row->id, j->from->dir->path);
	if (sm_event_stops(&j->opts->events) > 0)
		return sm_err_set(err, SM_ESTOPPED,
				  "stopped while joining; the same command "
				  "joins on");
	do {
		ret = sm_grow_add(added, j->g, h, row, err);
		if (ret != SM_EVERIFY || j->ours)
			break;
		ret = sm_damaged_look_again(row, j->g, h, err);
	} while (ret == 0);
	/* Bytes of text: notes are nobody's share. */
	sm_meter_tell(&j->meter, j->g->final.raw_bytes, j->raw_bytes);
	return ret;
}

/*
 * All batches, in order, each shard read once and compared with its row; `*bad`
 * is the last one looked at.
 */
static int
write_rows(struct sm_batch_row *bad, struct sm_join *j, struct sm_rows *r,
	   struct sm_err *err)
{
	const struct sm_batch_row *row;
	bool added;
	int ret = sm_rows_seek(r, j->g->final.appended, err);

	while (ret == 0) {
		ret = sm_rows_next(&row, r, err);
		if (ret <= 0)
			break;
		*bad = *row;
		ret = write_row(&added, j, r->h, bad, err);
		if (ret == 0 && added) {
			ret = sm_grow_record(j->g, false, err);
		} else if (ret == 0) {
			ret = sm_grow_rewrite(j->g, err);
			if (ret == 0)
				ret = sm_rows_seek(r, 0, err);
		}
	}
	return ret;
}

/* A whole, synced file, but for its name. */
static int
write_file(struct sm_batch_row *bad, struct sm_join *j, struct sm_err *err)
{
	struct sm_rows r;
	bool stands = false;
	int ret = 0;

	sm_rows_init(&r, j->from);
	while (ret == 0 && !stands) {
		ret = write_rows(bad, j, &r, err);
		if (ret == 0)
			ret = sm_grow_end(&stands, j->g, err);
		if (ret == 0 && !stands)
			ret = sm_grow_rewrite(j->g, err);
	}
	sm_rows_close(&r);
	return ret;
}

/* ------------------------------------------------------------- publish -- */

/* The rows must still be those that were joined. */
static int
publish_check_rows(struct sm_join *j, struct sm_err *err)
{
	const char *job = j->from->dir->path;
	struct sm_rows_digest now;
	int ret = sm_rows_digest(&now, j->from, UINT64_MAX, err);

	if (ret < 0)
		return ret;
	if (!now.all)
		return sm_err_set(err, SM_EWORK,
				  "cannot finalize '%s': batch %" PRIu64
				  " was put back while the shards were joined; "
				  "run the job again",
				  job, now.batches);
	if (now.digest != j->g->digest)
		return sm_err_set(err, SM_EWORK,
				  "cannot finalize '%s': batches were made "
				  "again while the shards were joined; "
				  "finalize once more",
				  job);
	return 0;
}

static int
publish_in_transaction(struct sm_join *j, struct sm_err *err)
{
	struct sm_grow *g = j->g;
	struct sm_db *db = j->from->h->db;
	int ret = publish_check_rows(j, err);

	if (ret == 0)
		ret = j->ours ? sm_grow_record_rest(g, err)
			      : sm_joined_forget(db, err);
	if (ret == 0)
		ret = sm_job_finalized(db, j->path, g->final.at, g->digest,
				       err);
	if (ret == 0)
		ret = sm_grow_rename(g, err);
	return ret;
}

/* Compared, recorded and renamed under one write lock. */
static int
publish(struct sm_join *j, struct sm_err *err)
{
	struct sm_grow *g = j->g;
	struct sm_db *db = j->from->h->db;
	int ret = sm_grow_make_findable(g, err);

	if (ret == 0 &&
	    (j->from->h->job.consume || g->state == SM_GROW_REWRITING))
		ret = sm_db_set_full_sync(db, true, err);
	if (ret == 0)
		ret = sm_db_begin_write(db, err);
	if (ret < 0)
		return ret;
	ret = publish_in_transaction(j, err);
	if (ret < 0) {
		sm_db_rollback(db);
		return ret;
	}
	ret = sm_db_commit(db, err);
	if (ret == 0)
		sm_grow_tidy(g);
	return ret;
}

/*
 * No lock holds the databases of all parts at once.  A batch that is made again
 * after this look has another token than JOB/final says, so that the next
 * finalize joins once more.
 */
static int
publish_parts(struct sm_join *j, struct sm_err *err)
{
	struct sm_published p = { .path = j->path,
				  .size = j->g->final.at,
				  .digest = j->g->digest };
	int ret = publish_check_rows(j, err);

	if (ret == 0)
		ret = sm_grow_rename(j->g, err);
	if (ret == 0)
		ret = sm_published_write(j->from->dir, &p, err);
	return ret;
}

int
sm_join_write(struct sm_finalize_result *result, struct sm_join *j,
	      struct sm_err *err)
{
	struct sm_batch_row bad = { 0 };
	struct sm_err why;
	int ret = write_file(&bad, j, &why);

	if (ret < 0)
		*err = why;
	if (ret == SM_EVERIFY) {
		ret = sm_damaged_put_back_all(j->from, &bad, err);
		if (ret == 0) {
			*err = why;
			ret = SM_EVERIFY;
		}
	}
	if (ret < 0)
		return ret;
	/* A partial file is not the job's final file: nothing is recorded. */
	if (j->partial)
		ret = sm_grow_rename(j->g, err);
	else if (j->from->h)
		ret = publish(j, err);
	else
		ret = publish_parts(j, err);
	if (ret < 0)
		return ret;
	result->left_out = j->left_out;
	result->size = j->g->final.at;
	result->batches = j->g->final.appended;
	result->records = j->g->records;
	result->raw_bytes = j->g->raw_bytes;
	return 0;
}
