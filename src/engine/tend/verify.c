/*
 * verify.c - re-read every byte of a job, or of a lone final file
 *
 * A file is checked by itself.  A job's shards are also compared with their
 * rows, and those that differ can be put back to be made again.
 */
#include <stdio.h>
#include <string.h>

#include "final.h"

#include "consumed.h"
#include "files.h"
#include "startcheck.h"
#include "tend.h"

struct verify {
	const struct sm_verify_opts *opts;
	struct sm_verify_result *result;
	struct sm_handle h;
	uint64_t total_bytes;
	struct sm_meter meter;
};

static struct sm_meter
verify_meter(const struct sm_verify_opts *opts)
{
	return (struct sm_meter){ .ev = &opts->events,
				  .phase = "verify",
				  .unit = "bytes" };
}

static void
verify_found(int64_t batch, const char *damage, const char *text, void *arg)
{
	struct verify *v = arg;
	struct sm_finding f = { .batch = batch,
				.damage = damage,
				.text = text };

	v->result->findings++;
	if (v->opts->found)
		v->opts->found(&f, v->opts->found_arg);
}

/* Nonzero stops. */
static int
verify_progress(uint64_t done, uint64_t total, void *arg)
{
	struct verify *v = arg;

	sm_meter_tell(&v->meter, done, total);
	return sm_event_stops(&v->opts->events) > 0;
}

static int
verify_verdict(const struct verify *v, const char *path, struct sm_err *err)
{
	struct sm_run_by by;

	if (v->result->findings == 0)
		return 0;
	if (v->result->requeued)
		return sm_err_set(
			err, SM_EVERIFY,
			"'%s' is damaged: findings: %llu, batches put "
			"back: %llu; %s makes them again",
			path, (unsigned long long)v->result->findings,
			(unsigned long long)v->result->requeued,
			sm_kind_run_by(&by, v->h.spec, NULL));
	sm_err_set(err, SM_EVERIFY, "'%s' is damaged: findings: %llu", path,
		   (unsigned long long)v->result->findings);
	if (v->result->is_file)
		return sm_err_append(err, "; make it again from its job");
	return sm_err_append(err, "; --requeue puts the damaged batches back");
}

static int
verify_file(struct verify *v, const char *path, struct sm_err *err)
{
	struct sm_final_report r = { .found = verify_found,
				     .progress = verify_progress,
				     .arg = v };
	int ret = sm_final_check(&r, path, err);

	v->result->batches = r.batches;
	v->result->records = r.records;
	v->result->raw_bytes = r.raw_bytes;
	v->result->gz_bytes = r.gz_bytes;
	v->result->missing = r.missing;
	if (ret == 0)
		ret = verify_verdict(v, path, err);
	return ret;
}

static void
verify_found_in_database(const char *text, void *arg)
{
	verify_found(-1, "database", text, arg);
}

/*
 * Nothing is made by the totals, so that wrong ones damage no batch: they are
 * a person's, who changed rows without the triggers, or dropped one.
 */
static int
verify_totals(struct verify *v, struct sm_err *err)
{
	bool right;
	int ret = sm_db_check_totals(&right, v->h.db, err);

	if (ret < 0 || right)
		return ret;
	verify_found(-1, "totals",
		     "the table 'total' of job.db is not what the batches add "
		     "up to, or lost its triggers, and 'status' may be wrong; "
		     "--requeue makes it anew",
		     v);
	if (!v->opts->requeue)
		return 0;
	ret = sm_db_begin_write(v->h.db, err);
	if (ret == 0)
		ret = sm_db_keep_totals(v->h.db, true, err);
	if (ret == 0)
		ret = sm_db_commit(v->h.db, err);
	sm_db_rollback(v->h.db);
	return ret;
}

/*
 * By token: a batch that was made again since its shard was read is left alone.
 */
static int
verify_requeue(struct verify *v, const struct sm_batch_row *row,
	       const char *damage, struct sm_err *err)
{
	char reason[128];
	bool held;
	int ret = sm_db_begin_write(v->h.db, err);

	if (ret < 0)
		return ret;
	snprintf(reason, sizeof(reason), "verify found it damaged: %s", damage);
	ret = sm_batch_requeue(&held, v->h.db, row->id, row->token, reason,
			       err);
	if (ret < 0) {
		sm_db_rollback(v->h.db);
		return ret;
	}
	v->result->requeued += held;
	return sm_db_commit(v->h.db, err);
}

/* SM_EFENCED: it is another one by now, and looked at again. */
static int
verify_shard(struct verify *v, const struct sm_batch_row *row,
	     struct sm_err *err)
{
	const char *damage = NULL;
	struct sm_err why;
	bool still;
	int ret = sm_consumed_check(&v->h, row, &damage, &why);

	if (ret == 0)
		ret = sm_files_check(&damage, &v->h.files, row, &why);
	if (ret == 0) {
		v->result->batches++;
		v->result->records += row->counts.records;
		v->result->raw_bytes += row->sizes.raw_bytes;
		v->result->gz_bytes += row->sizes.gz_bytes;
		return 0;
	}
	if (ret != SM_EVERIFY) {
		*err = why;
		return ret;
	}
	ret = sm_consumed_is_still(&still, &v->h, row, err);
	if (ret < 0)
		return ret;
	if (!still)
		return SM_EFENCED;
	verify_found((int64_t)row->id, damage, why.text, v);
	return v->opts->requeue ? verify_requeue(v, row, damage, err) : 0;
}

static int
verify_shards(struct verify *v, struct sm_err *err)
{
	struct sm_batch_row row;
	uint64_t next = v->h.job.first_batch, seen = 0, read = 0;
	char text[128];
	int ret;

	/* One row at a time: no snapshot is held while its shard is read. */
	while ((ret = sm_batch_row_from(&row, v->h.db, next, err)) > 0) {
		if (row.id != next) {
			snprintf(text, sizeof(text),
				 "the row of batch %llu is missing",
				 (unsigned long long)next);
			verify_found((int64_t)next, "row", text, v);
		}
		next = row.id + 1;
		seen++;
		if (row.state != SM_DONE)
			continue;
		ret = verify_shard(v, &row, err);
		if (ret == SM_EFENCED) {
			next = row.id; /* as it is by then */
			seen--;
			continue;
		}
		if (ret < 0)
			return ret;
		read += row.sizes.gz_bytes;
		if (verify_progress(read, v->total_bytes, v))
			return sm_err_set(err, SM_ESTOPPED,
					  "stopped while verifying");
	}
	if (ret == 0 && seen != v->h.job.batches) {
		snprintf(text, sizeof(text), "%llu rows, %llu were planned",
			 (unsigned long long)seen,
			 (unsigned long long)v->h.job.batches);
		verify_found(-1, "rows", text, v);
	}
	return ret;
}

static int
verify_job(struct verify *v, const char *path, struct sm_err *err)
{
	struct sm_db_opts db = { .mode = v->opts->requeue ? SM_DB_WRITE
							  : SM_DB_READ,
				 .wait = { .limit_s = SM_OUTSIDER_LIMIT_S,
					   .notice = v->opts->events.notice,
					   .arg = v->opts->events.arg } };
	struct sm_startcheck check;
	struct sm_batch_counts c;
	int findings,
		ret = sm_handle_open(&v->h, path, &db,
				     v->opts->trust || !v->opts->requeue, err);

	/*
	 * Shards that a power cut left unnamed are put in place first, or they
	 * would be reported as lost and made again.  Without --requeue nothing
	 * is changed.
	 */
	if (ret == 0 && v->opts->requeue) {
		ret = sm_startcheck_files(&check, &v->h, err);
		if (ret == 0)
			sm_startcheck_notice(&check, &v->opts->events);
	}
	if (ret == 0)
		ret = sm_db_integrity(&findings, v->h.db,
				      verify_found_in_database, v, err);
	if (ret == 0)
		ret = verify_totals(v, err);
	if (ret == 0)
		ret = sm_batch_counts(&c, v->h.db, err);
	if (ret == 0) {
		v->total_bytes = c.gz_bytes;
		v->result->left = c.total - c.done;
		ret = verify_shards(v, err);
	}
	if (ret == 0)
		ret = verify_verdict(v, v->h.dir.path, err);
	sm_handle_close(&v->h);
	return ret;
}

int
sm_one_verify(struct sm_verify_result *result, const char *job,
	      const struct sm_verify_opts *opts, struct sm_err *err)
{
	struct verify v = { .opts = opts,
			    .result = result,
			    .h = SM_HANDLE_NONE,
			    .meter = verify_meter(opts) };

	*result = (struct sm_verify_result){ 0 };
	return verify_job(&v, job, err);
}

int
sm_file_verify(struct sm_verify_result *result, const char *path,
	       const struct sm_verify_opts *opts, struct sm_err *err)
{
	struct verify v = { .opts = opts,
			    .result = result,
			    .meter = verify_meter(opts) };

	*result = (struct sm_verify_result){ .is_file = true };
	return verify_file(&v, path, err);
}
