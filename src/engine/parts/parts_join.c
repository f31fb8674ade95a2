/*
 * parts_join.c - join the shards of all parts: the file that one host makes
 *
 * The rows are read three times, part by part: for the shards, for the index,
 * and before the rename.  Each time the (id, token) of what is done must be the
 * same, so that a batch made again meanwhile is noticed, in whatever part.
 * What was joined is noted in JOB/final, behind the rename: killed in between,
 * the file is joined once more.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "dir.h"
#include "fault.h"
#include "file.h"
#include "hash.h"
#include "lock.h"

#include "consumed.h"
#include "parts_join.h"
#include "tend.h"

#define PROGRESS_MS 500

typedef int parts_row_fn(struct sm_parts_join *j, const struct sm_handle *h,
			 const struct sm_batch_row *row, struct sm_err *err);

/* One part's rows, which must be all there and in order. */
static int
each_row(struct sm_parts_join *j, struct sm_handle *h, parts_row_fn *fn,
	 struct sm_err *err)
{
	uint64_t next = h->job.first_batch, end = next + h->job.batches;
	struct sm_batch_row row;
	int ret = sm_batch_rows_begin(h->db, next, err);

	while (ret >= 0 && (ret = sm_batch_rows_next(&row, h->db, err)) > 0) {
		if (row.id != next)
			break;
		next++;
		ret = fn(j, h, &row, err);
	}
	sm_batch_rows_end(h->db);
	if (ret < 0 || next == end)
		return ret < 0 ? ret : 0;
	return sm_err_set(err, SM_EDAMAGED,
			  "the database of '%s' lacks the row of batch "
			  "%" PRIu64 "; 'shardmill recover' rebuilds it",
			  h->dir.path, next);
}

/* Every row of every part; `*part` is the one that failed. */
static int
each_part(struct sm_parts_join *j, uint64_t *part, parts_row_fn *fn,
	  struct sm_err *err)
{
	struct sm_db_opts db = { .mode = SM_DB_READ };
	struct sm_handle h;
	int ret = 0;

	for (*part = 0; *part < j->w->parts; (*part)++) {
		ret = sm_parts_handle(&h, j->w, *part, &db, err);
		if (ret == 0)
			ret = sm_db_begin_read(h.db, err);
		if (ret == 0)
			ret = each_row(j, &h, fn, err);
		if (h.db)
			sm_db_end_read(h.db);
		sm_handle_close(&h);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static bool
row_is_done(const struct sm_batch_row *row)
{
	return row->state == SM_DONE;
}

static bool
row_is_asked_for(const struct sm_parts_join *j, const struct sm_batch_row *row)
{
	return row->id >= j->only.first && row->id <= j->only.last;
}

/* Is it left out of a partial file?  Then `e` is what stands for it. */
static bool
row_is_left_out(struct sm_gzip_entry *e, const struct sm_parts_join *j,
		const struct sm_batch_row *row)
{
	if (!j->partial || (row_is_done(row) && row_is_asked_for(j, row)))
		return false;
	*e = (struct sm_gzip_entry){ 0 };
	if (row_is_done(row))
		e->rows = row->counts.rows;
	else if (row->end > row->first)
		e->rows = (uint64_t)(row->end - row->first);
	return true;
}

static int
row_skip(struct sm_parts_join *j, const struct sm_batch_row *row,
	 const struct sm_gzip_entry *e, struct sm_err *err)
{
	j->left_out++;
	if (row_is_asked_for(j, row)) {
		if (j->missing < SM_JOIN_NAMED_MAX)
			j->named[j->missing] = row->id;
		j->missing++;
	}
	return sm_final_skip(&j->final, e, err);
}

static void
join_tell(struct sm_parts_join *j)
{
	const struct sm_events *ev = &j->opts->events;
	struct sm_progress p = { .phase = "join",
				 .unit = "bytes",
				 .done = j->final.at,
				 .total = j->total_bytes,
				 .eta_s = -1 };
	uint64_t now = sm_clock_ms();

	if (!ev->progress || now - j->told_ms < PROGRESS_MS)
		return;
	j->told_ms = now;
	ev->progress(&p, ev->arg);
}

static int
row_append(struct sm_parts_join *j, const struct sm_handle *h,
	   const struct sm_batch_row *row, struct sm_err *err)
{
	char name[SM_SHARD_NAME_MAX];
	struct sm_gzip_entry e;
	int ret;

	if (sm_event_stops(&j->opts->events) > 0)
		return sm_err_set(err, SM_ESTOPPED,
				  "stopped while joining; the same command "
				  "joins again");
	if (row_is_left_out(&e, j, row))
		return row_skip(j, row, &e, err);
	if (!row_is_done(row))
		return sm_err_set(err, SM_EWORK,
				  "batch %" PRIu64 " was put back meanwhile; "
				  "run '%s' again",
				  row->id, h->dir.path);
	j->digest = sm_join_digest_row(j->digest, row);
	sm_consumed_entry(&e, row);
	sm_shard_name(name, row->id, h->digits);
	ret = sm_final_append(&j->final, h->dir.shards_fd, name, &e, err);
	j->records += e.records;
	j->raw_bytes += e.raw_bytes;
	join_tell(j);
	return ret;
}

/* A row in the index; the digest of the pass must come out as before. */
static int
row_list(struct sm_parts_join *j, const struct sm_handle *h,
	 const struct sm_batch_row *row, struct sm_err *err)
{
	struct sm_gzip_entry e;

	(void)h;
	if (!row_is_left_out(&e, j, row)) {
		j->digest = sm_join_digest_row(j->digest, row);
		sm_consumed_entry(&e, row);
	}
	return sm_final_entry(&j->final, &e, err);
}

static int
row_compare(struct sm_parts_join *j, const struct sm_handle *h,
	    const struct sm_batch_row *row, struct sm_err *err)
{
	struct sm_gzip_entry e;

	(void)h;
	(void)err;
	if (!row_is_left_out(&e, j, row))
		j->digest = sm_join_digest_row(
			row_is_done(row) ? j->digest : ~j->digest, row);
	return 0;
}

/* A pass over the rows that must see what the first one saw. */
static int
join_pass(struct sm_parts_join *j, parts_row_fn *fn, struct sm_err *err)
{
	uint64_t part, digest = j->digest;
	int ret;

	j->digest = SM_HASH_INIT;
	ret = each_part(j, &part, fn, err);
	if (ret < 0 || j->digest == digest)
		return ret;
	return sm_err_set(err, SM_EWORK,
			  "cannot finalize '%s': batches were made again, or "
			  "put back, while the shards were joined; run the job "
			  "and finalize once more",
			  j->w->dir.path);
}

/*
 * A shard is damaged: look at all of them from its part on, so that one more
 * run mends everything.
 */
static int
join_requeue_damaged(struct sm_parts_join *j, uint64_t part, struct sm_err *err)
{
	struct sm_verify_opts opts = { .requeue = true,
				       .trust = j->w->trust,
				       .events = j->opts->events };
	struct sm_verify_result result;
	struct sm_err why;
	char *path;
	int ret;

	for (; part < j->w->parts; part++) {
		ret = sm_parts_path_of(&path, j->w, part, err);
		if (ret < 0)
			return ret;
		ret = sm_one_verify(&result, path, &opts, &why);
		free(path);
		if (ret < 0 && ret != SM_EVERIFY) {
			*err = why;
			return ret;
		}
	}
	return sm_err_append(err, "; its batch was put back, 'shardmill run' "
				  "makes it again");
}

static int
join_write(struct sm_parts_join *j, struct sm_err *err)
{
	uint64_t part;
	int ret = sm_consumed_part_open(&j->fd, j->part_path, true, err);

	if (ret > 0 && !j->force)
		ret = sm_consumed_part_refuse(j->fd, j->part_path,
					      j->w->spec->fingerprint, NULL,
					      err);
	if (ret < 0)
		return ret;
	j->part_exists = true;
	if (ftruncate(j->fd, 0) < 0)
		return sm_err_sys(err, "cannot cut '%s'", j->part_path);
	sm_final_begin(&j->final, j->fd, j->part_path, j->w->spec->fingerprint);
	j->digest = SM_HASH_INIT;
	ret = each_part(j, &part, row_append, err);
	if (ret == SM_EVERIFY)
		return join_requeue_damaged(j, part, err);
	if (ret == 0)
		ret = join_pass(j, row_list, err);
	if (ret == 0)
		ret = sm_final_end(&j->final, err);
	if (ret == 0 && fdatasync(j->fd) < 0)
		ret = sm_err_sys(err, "cannot sync '%s'", j->part_path);
	return ret;
}

static int
join_publish(struct sm_parts_join *j, struct sm_err *err)
{
	struct sm_parts_final f = { .size = j->final.at,
				    .digest = j->digest,
				    .path = j->path };
	int ret = join_pass(j, row_compare, err);

	if (ret < 0)
		return ret;
	sm_fault("join.before_rename");
	if (rename(j->part_path, j->path) < 0)
		return sm_err_sys(err, "cannot rename '%s' to '%s'",
				  j->part_path, j->path);
	j->part_exists = false;
	sm_fault("join.after_rename");
	ret = sm_sync_parent(j->path, err);
	if (ret == 0 && j->left_out == 0)
		ret = sm_parts_write_final(&j->w->dir, &f, err);
	return ret;
}

static int
join_locked(struct sm_parts_join *j, struct sm_finalize_result *result,
	    struct sm_err *err)
{
	int lock = -1, ret;

	ret = sm_lock_try(&lock, j->w->dir.fd, "final.lock", err);
	if (ret == 0)
		ret = sm_err_set(err, SM_EHELD,
				 "another finalize is at work on '%s'; end it "
				 "or, if its host died, wait until the file "
				 "server lets its lock go, and 'shardmill "
				 "finalize' again",
				 j->w->dir.path);
	if (ret > 0)
		ret = join_write(j, err);
	if (ret == 0)
		ret = join_publish(j, err);
	if (lock >= 0)
		close(lock);
	result->left_out = j->left_out;
	result->size = j->final.at;
	result->batches = j->final.batches;
	result->records = j->records;
	result->raw_bytes = j->raw_bytes;
	return ret;
}

int
sm_parts_join(struct sm_finalize_result *result, struct sm_parts *w,
	      const struct sm_finalize_opts *opts, struct sm_err *err)
{
	struct sm_parts_join j = { .w = w, .opts = opts, .fd = -1 };
	struct sm_status s = { 0 };
	int ret = sm_parts_status(&s, w, err), missing = 0;

	*result = (struct sm_finalize_result){ 0 };
	j.total_bytes = s.gz_bytes;
	if (ret == 0)
		ret = sm_parts_join_choose(&j, &s, err);
	if (ret == 0)
		ret = sm_parts_join_stands(&j, result, &s, err);
	if (ret == 0)
		ret = sm_parts_join_check_target(&j, &s, err);
	if (ret == 0 && !result->was_complete)
		ret = join_locked(&j, result, err);
	if (ret == 0 && j.missing > 0)
		missing = sm_join_name_missing(j.path, j.named, j.missing, err);
	if (ret >= 0) {
		result->path = j.path;
		j.path = NULL;
		sm_dir_size(&result->job_size, w->dir.fd);
	}
	if (j.fd >= 0)
		close(j.fd);
	if (j.part_exists)
		unlink(j.part_path);
	free(j.path);
	free(j.part_path);
	sm_status_release(&s);
	return ret < 0 ? ret : missing;
}

int
sm_parts_is_complete(struct sm_parts *w, struct sm_err *err)
{
	struct sm_finalize_opts opts = { 0 };
	struct sm_parts_join j = { .w = w,
				   .opts = &opts,
				   .digest = SM_HASH_INIT };
	struct sm_parts_final f;
	struct stat st;
	uint64_t part;
	int ret;

	if (!sm_parts_read_final(&f, &w->dir))
		return 0;
	ret = stat(f.path, &st) == 0 && S_ISREG(st.st_mode) &&
	      (uint64_t)st.st_size == f.size;
	free(f.path);
	if (!ret)
		return 0;
	ret = each_part(&j, &part, row_compare, err);
	/* A part that is lost is no part that is done. */
	if (ret == SM_EINPUT || ret == SM_EDAMAGED)
		return 0;
	return ret < 0 ? ret : j.digest == f.digest;
}
