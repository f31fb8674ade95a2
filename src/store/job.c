/*
 * job.c - the job row and its inputs, written and read
 *
 * There is one row, so each function is one statement.  What may change while
 * a run lives is read by sm_job_now(), everything else once, when a job is
 * opened.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sql.h"

#include "job.h"
#include "joined.h"

static const char *const job_sync_names[] = {
	[SM_SYNC_SHARD] = "shard", [SM_SYNC_END] = "end"
};

int
sm_job_insert(struct sm_db *db, const struct sm_job *j, struct sm_err *err)
{
	static const char text[] =
		"INSERT INTO job (id, kind, spec, fingerprint, batches, rows, "
		"workers, max_attempts, lease_s, sync, fail_fast, network_fs, "
		"final_path, final_force, created, consume, "
		"generation, part, parts, first_batch, whole_batches) VALUES "
		"(1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
		"?)";
	int64_t part = -1, parts = -1, whole = -1;
	int ret;

	if (j->parts > 0) {
		part = j->part;
		parts = (int64_t)j->parts;
		whole = (int64_t)j->whole_batches;
	}
	ret = sm_sql_do(db, "insert the job", text,
			SQL(IN(j->kind), IN(j->spec), IN(j->fingerprint),
			    IN(j->batches), IN(j->rows), IN(j->workers),
			    IN(j->max_attempts), IN(j->lease_s),
			    IN(job_sync_names[j->sync]), IN(j->fail_fast),
			    IN(j->network_fs), IN(j->final_path),
			    IN(j->final_force), IN(j->created), IN(j->consume),
			    IN(j->generation), IN_OPT(part), IN_OPT(parts),
			    IN(j->first_batch), IN_OPT(whole)),
			err);
	/* Once, and not with each of the batches that were inserted before. */
	if (ret == 0)
		ret = sm_db_make_totals(db, err);
	return ret;
}

int
sm_job_insert_input(struct sm_db *db, const struct sm_job_input *in,
		    struct sm_err *err)
{
	int64_t s = in->mtime_ns / 1000000000, ns = in->mtime_ns % 1000000000;

	/* Before 1970 the nanoseconds count forward, too. */
	if (ns < 0) {
		s--;
		ns += 1000000000;
	}
	return sm_sql_do(db, "record an input",
			 "INSERT OR REPLACE INTO input (name, path, size, "
			 "mtime, mtime_nsec, crc32, sampled) "
			 "VALUES (?, ?, ?, ?, ?, ?, ?)",
			 SQL(IN(in->name), IN(in->path), IN(in->size), IN(s),
			     IN(ns), IN(in->crc32), IN(in->sampled)),
			 err);
}

/* As IN_OPT() has it: negative is kept. */
static int
job_number(int v)
{
	if (v == 0)
		return -1;
	return v;
}

static int
job_switch(int v)
{
	if (v == 0)
		return -1;
	return v > 0;
}

/* One UPDATE for all settings; what is NULL stays as it is. */
int
sm_job_set(struct sm_db *db, const struct sm_settings *set, struct sm_err *err)
{
	static const char text[] =
		"UPDATE job SET workers = coalesce(?, workers), "
		"max_attempts = coalesce(?, max_attempts), "
		"lease_s = coalesce(?, lease_s), sync = coalesce(?, sync), "
		"fail_fast = coalesce(?, fail_fast), "
		"consume = coalesce(?, consume)";
	struct sm_sql_value lease = sm_sql_in_opt(-1);
	const char *sync = NULL;

	if (set->lease_s > 0)
		lease = IN(set->lease_s);
	if (set->sync > 0)
		sync = job_sync_names[set->sync];
	return sm_sql_do(db, "change the settings", text,
			 SQL(IN_OPT(job_number(set->workers)),
			     IN_OPT(job_number(set->max_attempts)), lease,
			     IN(sync), IN_OPT(job_switch(set->fail_fast)),
			     IN_OPT(job_switch(set->consume))),
			 err);
}

int
sm_job_steer(struct sm_db *db, const struct sm_job_steer *to,
	     struct sm_err *err)
{
	return sm_sql_do(db, "change the settings",
			 "UPDATE job SET workers = coalesce(?1, workers), "
			 "paused = coalesce(?2, paused), "
			 "max_attempts = coalesce(?3, max_attempts), "
			 "limits = limits + (?4 IS NOT NULL AND ?4 <> spec), "
			 "spec = coalesce(?4, spec)",
			 SQL(IN_OPT(to->workers), IN_OPT(to->paused),
			     IN_OPT(to->max_attempts), IN(to->spec)),
			 err);
}

/*
 * A new run number fences off the workers of the old options: their guard asks
 * for the number that they were started with.
 */
int
sm_job_set_spec(struct sm_db *db, const char *spec, const char *fingerprint,
		struct sm_err *err)
{
	return sm_sql_do(db, "record the options",
			 "UPDATE job SET spec = ?, fingerprint = ?, "
			 "run = run + 1",
			 SQL(IN(spec), IN(fingerprint)), err);
}

int
sm_job_set_network_fs(struct sm_db *db, struct sm_err *err)
{
	return sm_sql_do(db, "record the file system",
			 "UPDATE job SET network_fs = 1", SQL_NOTHING, err);
}

int
sm_job_set_final(struct sm_db *db, const char *path, bool force,
		 struct sm_err *err)
{
	/* The same path keeps what was recorded, a leave to replace it too. */
	static const char text[] =
		"UPDATE job SET final_path = ?1, final_force = "
		"CASE WHEN final_path IS ?1 THEN max(final_force, ?2) "
		"ELSE ?2 END, final_size = iif(final_path IS ?1, final_size, "
		"NULL), final_digest = iif(final_path IS ?1, final_digest, "
		"NULL) WHERE final_path IS NOT ?1 OR final_force < ?2";
	bool other;
	int ret = sm_sql_one(&other, db, "read the job",
			     "SELECT 1 FROM job WHERE final_path IS NOT ?",
			     SQL(IN(path)), err);

	if (ret == 0 && other)
		ret = sm_joined_forget(db, err);
	if (ret < 0)
		return ret;
	return sm_sql_do(db, "record the final file's path", text,
			 SQL(IN(path), IN(force)), err);
}

int
sm_job_set_batches(struct sm_db *db, uint64_t batches, uint64_t rows,
		   struct sm_err *err)
{
	return sm_sql_do(db, "record the number of batches",
			 "UPDATE job SET batches = ?, rows = ?",
			 SQL(IN(batches), IN(rows)), err);
}

/*
 * The job was moved and its final file with it: what was joined is true still,
 * and only the name changes.  A copy has none, and forgets.
 */
int
sm_job_set_place(struct sm_db *db, const char *final_path, struct sm_err *err)
{
	if (!final_path)
		return sm_job_set_final(db, NULL, false, err);
	return sm_sql_do(db, "record the final file's path",
			 "UPDATE job SET final_path = ?", SQL(IN(final_path)),
			 err);
}

int
sm_job_begin_run(struct sm_db *db, double at, struct sm_err *err)
{
	return sm_sql_do(db, "record the run's begin",
			 "UPDATE job SET started = ?, ended = NULL, "
			 "at_once = NULL, at_once_rounds = 2",
			 SQL(IN(at)), err);
}

/*
 * Only the run that is still the job's: one that was taken over has not ended.
 */
int
sm_job_end_run(struct sm_db *db, int64_t run, double at, struct sm_err *err)
{
	return sm_sql_do(db, "record the run's end",
			 "UPDATE job SET ended = ? WHERE run = ?",
			 SQL(IN(at), IN(run)), err);
}

int
sm_job_finalized(struct sm_db *db, const char *path, uint64_t size,
		 uint64_t digest, struct sm_err *err)
{
	char hex[17];

	snprintf(hex, sizeof(hex), "%016llx", (unsigned long long)digest);
	return sm_sql_do(db, "record the final file",
			 "UPDATE job SET final_path = ?, final_size = ?, "
			 "final_digest = ?",
			 SQL(IN(path), IN(size), IN(hex)), err);
}

int
sm_job_get(struct sm_job *j, struct sm_db *db, struct sm_err *err)
{
	static const char text[] =
		"SELECT kind, spec, fingerprint, batches, rows, workers, "
		"paused, run, max_attempts, lease_s, sync, fail_fast, "
		"network_fs, final_path, final_size, final_digest, created, "
		"started, ended, final_force, consume, generation, part, "
		"coalesce(parts, 0), first_batch, coalesce(whole_batches, "
		"batches), limits FROM job";
	char sync[8];
	bool found;
	int ret;

	*j = (struct sm_job){ 0 };
	ret = sm_sql_one(
		&found, db, "read the job", text,
		SQL(OUT(&j->kind), OUT(&j->spec), OUT_CHARS(j->fingerprint),
		    OUT(&j->batches), OUT(&j->rows), OUT(&j->workers),
		    OUT(&j->paused), OUT(&j->run), OUT(&j->max_attempts),
		    OUT(&j->lease_s), OUT_CHARS(sync), OUT(&j->fail_fast),
		    OUT(&j->network_fs), OUT(&j->final_path),
		    OUT_OPT(&j->final_size), OUT_CHARS(j->final_digest),
		    OUT(&j->created), OUT(&j->started), OUT(&j->ended),
		    OUT(&j->final_force), OUT(&j->consume), OUT(&j->generation),
		    OUT_OPT(&j->part), OUT(&j->parts), OUT(&j->first_batch),
		    OUT(&j->whole_batches), OUT(&j->limits)),
		err);
	if (ret < 0)
		return ret;
	if (!found)
		return sm_err_set(err, SM_EINPUT,
				  "'%s' has no job in it: planning it was cut "
				  "short; give the same command again",
				  db->path);
	j->sync = SM_SYNC_SHARD;
	if (strcmp(sync, job_sync_names[SM_SYNC_END]) == 0)
		j->sync = SM_SYNC_END;
	return 0;
}

void
sm_job_release(struct sm_job *j)
{
	free(j->kind);
	free(j->spec);
	free(j->final_path);
	*j = (struct sm_job){ 0 };
}

int
sm_job_now(struct sm_job_now *p, struct sm_db *db, struct sm_err *err)
{
	bool found;
	int ret = sm_sql_one(&found, db, "read the job",
			     "SELECT workers, paused, run, started, "
			     "coalesce(at_once, 0), iif(at_once IS NULL, 0, "
			     "at_once <= (SELECT count(*) FROM batch "
			     "WHERE state = 'running')) FROM job",
			     SQL(OUT(&p->workers), OUT(&p->paused),
				 OUT(&p->run), OUT(&p->started),
				 OUT(&p->at_once), OUT(&p->full)),
			     err);

	if (ret == 0 && !found)
		ret = sm_err_set(err, SM_EDAMAGED,
				 "the job row of '%s' is gone", db->path);
	return ret;
}

int
sm_job_input(bool *found, struct sm_job_input *in, struct sm_db *db,
	     const char *name, struct sm_err *err)
{
	*in = (struct sm_job_input){ 0 };
	return sm_sql_one(found, db, "read an input",
			  "SELECT name, path, size, "
			  "mtime * 1000000000 + mtime_nsec, crc32, sampled "
			  "FROM input WHERE name = ?",
			  SQL(IN(name), OUT(&in->name), OUT(&in->path),
			      OUT(&in->size), OUT(&in->mtime_ns),
			      OUT(&in->crc32), OUT(&in->sampled)),
			  err);
}

void
sm_job_input_release(struct sm_job_input *in)
{
	free(in->name);
	free(in->path);
	*in = (struct sm_job_input){ 0 };
}
