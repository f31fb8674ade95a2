#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "fault.h"
#include "file.h"
#include "final.h"
#include "hash.h"
#include "lock.h"

#include "join.h"

#define PROGRESS_MS 500

struct join {
	struct sm_handle *h;
	const struct sm_events *ev;
	char *path, *part; /* the final file; what it is while it grows */
	int fd;
	bool part_exists;
	uint64_t digest; /* of (id, token) of the rows as they were read */
	uint64_t total_bytes, told_ms;
	uint64_t records, raw_bytes;
	bool single_member;
	/* Batches that go in, if they are done: `missing` may then be more. */
	bool partial;
	struct sm_batch_range only;
	uint64_t left_out; /* of the batches, for whatever reason … */
	uint64_t missing;  /* … of those asked for, because they are not done */
	uint64_t named[SM_JOIN_NAMED_MAX]; /* the first of these */
	struct sm_final final;
};

void
sm_finalize_result_release(struct sm_finalize_result *r)
{
	free(r->path);
	*r = (struct sm_finalize_result){ 0 };
}

static void
join_progress(struct join *j)
{
	struct sm_progress p = { .phase = "join",
				 .unit = "bytes",
				 .done = j->final.at,
				 .total = j->total_bytes,
				 .eta_s = -1 };
	uint64_t now = sm_clock_ms();

	if (!j->ev->progress || now - j->told_ms < PROGRESS_MS)
		return;
	j->told_ms = now;
	j->ev->progress(&p, j->ev->arg);
}

static void
join_entry(struct sm_gzip_entry *e, const struct sm_batch_row *row)
{
	*e = (struct sm_gzip_entry){
		.rows = (uint64_t)row->rows,
		.records = (uint64_t)row->records,
		.gz_bytes = (uint64_t)row->gz_bytes,
		.raw_bytes = (uint64_t)row->raw_bytes,
		.gz_crc32 = (uint32_t)row->gz_crc32,
		.raw_crc32 = (uint32_t)row->raw_crc32,
	};
}

/* Is the batch left out of a partial file?  Then `e` is what stands for it. */
static bool
join_leaves_out(struct sm_gzip_entry *e, const struct join *j,
		const struct sm_batch_row *row)
{
	if (!j->partial || (strcmp(row->state, "done") == 0 &&
			    row->id >= j->only.first &&
			    row->id <= j->only.last))
		return false;
	*e = (struct sm_gzip_entry){ 0 };
	if (strcmp(row->state, "done") == 0)
		e->rows = (uint64_t)row->rows;
	else if (row->first >= 0 && row->end > row->first)
		e->rows = (uint64_t)(row->end - row->first);
	return true;
}

/* Leave the batch out, and keep count of those that are missed. */
static int
join_skip(struct join *j, const struct sm_batch_row *row,
	  const struct sm_gzip_entry *e, struct sm_err *err)
{
	j->left_out++;
	if (row->id >= j->only.first && row->id <= j->only.last) {
		if (j->missing < SM_JOIN_NAMED_MAX)
			j->named[j->missing] = row->id;
		j->missing++;
	}
	return sm_final_skip(&j->final, e, err);
}

static int
join_row_is_done(const struct sm_batch_row *row, uint64_t expect,
		 struct sm_err *err)
{
	if (row->id != expect)
		return sm_err_set(err, SM_EDAMAGED,
				  "the row of batch %llu is missing; "
				  "'shardmill recover' rebuilds it",
				  (unsigned long long)expect);
	if (strcmp(row->state, "done") != 0)
		return sm_err_set(err, SM_EWORK,
				  "batch %llu was put back meanwhile; run the "
				  "job again",
				  (unsigned long long)row->id);
	return 0;
}

/* Shards in order, each read once and compared with its row. */
static int
join_shards(struct join *j, struct sm_batch_row *row, struct sm_err *err)
{
	char name[SM_SHARD_NAME_MAX];
	struct sm_gzip_entry e;
	uint64_t n = 0;
	int ret = sm_batch_rows_begin(j->h->db, 0, err);

	j->digest = SM_HASH_INIT;
	while (ret >= 0 &&
	       (ret = sm_batch_rows_next(row, j->h->db, err)) > 0) {
		if (join_leaves_out(&e, j, row) && row->id == n) {
			n++;
			ret = join_skip(j, row, &e, err);
			continue;
		}
		ret = join_row_is_done(row, n++, err);
		if (ret < 0)
			break;
		if (sm_event_stops(j->ev) > 0) {
			ret = sm_err_set(err, SM_ESTOPPED,
					 "stopped while joining; the same "
					 "command joins again");
			break;
		}
		j->digest = sm_join_digest_row(j->digest, row);
		join_entry(&e, row);
		sm_shard_name(name, row->id, j->h->digits);
		ret = sm_final_append(&j->final, j->h->dir.shards_fd, name, &e,
				      err);
		j->records += e.records;
		j->raw_bytes += e.raw_bytes;
		join_progress(j);
	}
	sm_batch_rows_end(j->h->db);
	return ret;
}

static int
join_index(struct join *j, struct sm_err *err)
{
	struct sm_batch_row row;
	struct sm_gzip_entry e;
	int ret = sm_batch_rows_begin(j->h->db, 0, err);

	while (ret >= 0 &&
	       (ret = sm_batch_rows_next(&row, j->h->db, err)) > 0) {
		if (!join_leaves_out(&e, j, &row))
			join_entry(&e, &row);
		ret = sm_final_entry(&j->final, &e, err);
	}
	sm_batch_rows_end(j->h->db);
	return ret < 0 ? ret : sm_final_end(&j->final, err);
}

/*
 * A shard is damaged: put its batch back, and those of all damaged shards
 * behind it, so that one more run mends everything.
 */
static int
join_requeue_damaged(struct join *j, struct sm_batch_row *row,
		     struct sm_err *err)
{
	char name[SM_SHARD_NAME_MAX];
	struct sm_gzip_entry e;
	struct sm_err why;
	uint64_t next;
	const char *kind;
	int ret;

	for (;;) {
		next = row->id + 1;
		ret = sm_db_begin_write(j->h->db, err);
		if (ret == 0)
			ret = sm_batch_requeue(j->h->db, row->id, row->token,
					       "its shard was damaged", err);
		if (ret >= 0)
			ret = sm_db_commit(j->h->db, err);
		else
			sm_db_rollback(j->h->db);
		if (ret < 0)
			return ret;
		do {
			ret = sm_batch_rows_begin(j->h->db, next, err);
			if (ret == 0)
				ret = sm_batch_rows_next(row, j->h->db, err);
			sm_batch_rows_end(j->h->db);
			if (ret <= 0)
				return ret;
			next = row->id + 1;
			join_entry(&e, row);
			sm_shard_name(name, row->id, j->h->digits);
			ret = strcmp(row->state, "done") != 0 ?
				      0 :
				      sm_shard_check(j->h->dir.shards_fd, name,
						     &e, NULL, &kind, &why);
		} while (ret == 0);
		if (ret != SM_EVERIFY) {
			*err = why;
			return ret;
		}
	}
}

/* Everything up to the rename: a whole, synced F.part. */
static int
join_write_part(struct join *j, struct sm_err *err)
{
	struct sm_batch_row row = { 0 };
	struct sm_err why;
	int ret;

	j->fd = open(j->part,
		     O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		     0666);
	if (j->fd < 0)
		return sm_err_sys(err, "cannot create '%s'", j->part);
	j->part_exists = true;
	if (j->single_member)
		sm_final_begin_single(&j->final, j->fd, j->h->fingerprint,
				      j->h->job.batches);
	else
		sm_final_begin(&j->final, j->fd, j->h->fingerprint);
	ret = sm_db_begin_read(j->h->db, err);
	if (ret < 0)
		return ret;
	ret = join_shards(j, &row, err);
	if (ret == 0)
		ret = join_index(j, err);
	sm_db_end_read(j->h->db);
	if (ret == SM_EVERIFY) {
		why = *err;
		ret = join_requeue_damaged(j, &row, err);
		if (ret < 0)
			return ret;
		*err = why;
		return SM_EVERIFY;
	}
	if (ret < 0)
		return ret;
	sm_fault("join.before_sync");
	if (sm_fault_errno("join.sync") || fdatasync(j->fd) < 0)
		return sm_err_sys(err, "cannot sync '%s'", j->part);
	return 0;
}

static int
join_sync_parent(struct join *j, struct sm_err *err)
{
	char *slash = strrchr(j->path, '/');
	int fd, ret = 0;

	/* j->path is absolute. */
	*slash = '\0';
	fd = open(slash == j->path ? "/" : j->path,
		  O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*slash = '/';
	if (fd < 0 || sm_sync_dir(fd) < 0)
		ret = sm_err_sys(err, "cannot sync the directory of '%s'",
				 j->path);
	if (fd >= 0)
		close(fd);
	return ret;
}

/*
 * The rows must still be those that were joined: compared, recorded and
 * renamed under one write lock.
 */
static int
join_publish(struct join *j, struct sm_err *err)
{
	uint64_t digest, odd;
	int ret = sm_db_begin_write(j->h->db, err);

	if (ret < 0)
		return ret;
	ret = sm_join_digest(&digest, &odd, j->h, err);
	if (ret == 0)
		ret = sm_err_set(err, SM_EWORK,
				 "cannot finalize '%s': batch %llu was put "
				 "back while the shards were joined; run the "
				 "job again",
				 j->h->dir.path, (unsigned long long)odd);
	else if (ret > 0 && digest != j->digest)
		ret = sm_err_set(err, SM_EWORK,
				 "cannot finalize '%s': batches were made "
				 "again while the shards were joined; finalize "
				 "once more",
				 j->h->dir.path);
	if (ret > 0)
		ret = sm_job_finalized(j->h->db, j->path, j->final.at,
				       j->digest, j->single_member, err);
	if (ret < 0)
		goto fail;
	sm_fault("join.before_rename");
	if (sm_fault_errno("join.rename") || rename(j->part, j->path) < 0) {
		ret = sm_err_sys(err, "cannot rename '%s' to '%s'", j->part,
				 j->path);
		goto fail;
	}
	j->part_exists = false;
	sm_fault("join.after_rename");
	/* Before the commit: the row must never record a name that is not. */
	ret = join_sync_parent(j, err);
	if (ret < 0)
		goto fail;
	return sm_db_commit(j->h->db, err);

fail:
	sm_db_rollback(j->h->db);
	return ret;
}

/* A partial file is not the job's final file: nothing is recorded. */
static int
join_publish_partial(struct join *j, struct sm_err *err)
{
	if (rename(j->part, j->path) < 0)
		return sm_err_sys(err, "cannot rename '%s' to '%s'", j->part,
				  j->path);
	j->part_exists = false;
	return join_sync_parent(j, err);
}

static int
join_locked(struct join *j, struct sm_finalize_result *result,
	    struct sm_err *err)
{
	struct sm_batch_counts c;
	int ret = sm_batch_counts(&c, j->h->db, err);

	if (ret < 0)
		return ret;
	j->total_bytes = c.gz_bytes;
	ret = join_write_part(j, err);
	if (ret == 0)
		ret = j->left_out > 0 ? join_publish_partial(j, err) :
					join_publish(j, err);
	if (ret < 0)
		return ret;
	result->left_out = j->left_out;
	result->size = j->final.at;
	result->batches = j->final.batches;
	result->records = j->records;
	result->raw_bytes = j->raw_bytes;
	return 0;
}

/* F.part, with as much of F as a name may be long. */
static char *
join_part_name(const char *path)
{
	static const char suffix[] = ".part";
	size_t dir = (size_t)(strrchr(path, '/') + 1 - path);
	size_t most = dir + NAME_MAX - strlen(suffix), n = strlen(path);
	char *part = malloc(n + sizeof(suffix));

	if (!part)
		return NULL;
	memcpy(part, path, n + 1);
	strcpy(part + (n < most ? n : most), suffix);
	return part;
}

static int
join_choose_path(struct join *j, const char *output, struct sm_err *err)
{
	const char *path = output ? output : j->h->job.final_path;

	if (!path)
		return sm_err_set(err, SM_EUSAGE,
				  "the job '%s' was planned without a final "
				  "file; name one by -o",
				  j->h->dir.path);
	j->path = sm_path_real(path, err);
	if (!j->path)
		return err->code;
	j->part = join_part_name(j->path);
	return j->part ? 0 : sm_err_mem(err, "a path");
}

/* Which form, and which batches: all of them must be done, or some may do. */
static int
join_choose_what(struct join *j, const struct sm_finalize_opts *opts,
		 struct sm_err *err)
{
	uint64_t batches = j->h->job.batches;

	j->single_member = opts->single_member ? opts->single_member > 0 :
						 j->h->job.single_member;
	j->only = (struct sm_batch_range){ 0, UINT64_MAX };
	if (opts->batches)
		j->only = *opts->batches;
	if (opts->batches && j->only.first >= batches)
		return sm_err_set(err, SM_EUSAGE,
				  "there is no batch %llu: the job has %llu, "
				  "counted from 0",
				  (unsigned long long)j->only.first,
				  (unsigned long long)batches);
	j->partial = opts->batches || opts->allow_missing;
	if (opts->allow_missing)
		return 0;
	return sm_join_refuse_unfinished(j->h, opts->batches, err);
}

/* Will it be a part, and stand in place of a whole file? */
static int
join_check_partial(struct join *j, const struct sm_finalize_opts *opts,
		   struct sm_err *err)
{
	struct sm_batch_counts c;
	int ret = sm_batch_counts(&c, j->h->db, err);

	if (ret < 0 || (!opts->batches && c.done == c.total))
		return ret;
	return sm_join_check_partial(j->path, err);
}

/* What a file that stands holds, by the rows. */
static int
join_count(struct sm_finalize_result *result, struct sm_handle *h,
	   struct sm_err *err)
{
	struct sm_batch_counts c;
	int ret = sm_batch_counts(&c, h->db, err);

	result->records = ret < 0 ? 0 : c.records;
	result->raw_bytes = ret < 0 ? 0 : c.raw_bytes;
	return ret;
}

int
sm_join(struct sm_finalize_result *result, struct sm_handle *h,
	const struct sm_finalize_opts *opts, struct sm_err *err)
{
	struct join j = { .h = h, .ev = &opts->events, .fd = -1 };
	int lock = -1, missing = 0, ret;

	*result = (struct sm_finalize_result){ 0 };
	ret = join_choose_what(&j, opts, err);
	if (ret == 0)
		ret = join_choose_path(&j, opts->output, err);
	if (ret < 0)
		goto out;
	if (h->job.final_path && strcmp(j.path, h->job.final_path) == 0 &&
	    j.single_member == h->job.single_member && !opts->batches) {
		ret = sm_join_is_complete(h, err);
		if (ret != 0) {
			result->was_complete = ret > 0;
			result->size = (uint64_t)h->job.final_size;
			result->batches = h->job.batches;
			if (ret > 0)
				ret = join_count(result, h, err);
			goto out;
		}
	}
	ret = sm_join_check_target(j.path, h->fingerprint, &h->job,
				   opts->force || h->job.final_force, err);
	if (ret == 0 && j.partial && !opts->force)
		ret = join_check_partial(&j, opts, err);
	if (ret < 0)
		goto out;
	ret = sm_lock_try(&lock, h->dir.fd, "final.lock", err);
	if (ret == 0)
		ret = sm_err_set(err, SM_EHELD,
				 "another finalize is at work on '%s'",
				 h->dir.path);
	if (ret > 0)
		ret = join_locked(&j, result, err);
	if (ret == 0 && j.missing > 0)
		missing = sm_join_name_missing(j.path, j.named, j.missing, err);
out:
	if (ret >= 0) {
		ret = 0;
		result->path = j.path;
		j.path = NULL;
		result->job_size = sm_tree_size(h->dir.fd);
	}
	if (j.fd >= 0)
		close(j.fd);
	if (j.part_exists)
		unlink(j.part);
	if (lock >= 0)
		close(lock);
	free(j.path);
	free(j.part);
	return ret < 0 ? ret : missing;
}
