#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sql.h"

#include "job.h"
#include "joined.h"

static const char *const job_sync_names[] = { "shard", "end" };

int
sm_job_insert(struct sm_db *db, const struct sm_job *j, struct sm_err *err)
{
	static const char text[] =
		"INSERT INTO job (id, kind, spec, fingerprint, batches, rows, "
		"workers, max_attempts, lease_s, sync, fail_fast, network_fs, "
		"final_path, final_force, created, single_member, consume, "
		"generation, part, parts, first_batch, whole_batches) VALUES "
		"(1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
		"?, ?)";
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	int ret;

	if (!s)
		return err->code;
	sm_sql_bind_text(s, 1, j->kind);
	sm_sql_bind_text(s, 2, j->spec);
	sm_sql_bind_text(s, 3, j->fingerprint);
	sqlite3_bind_int64(s, 4, (int64_t)j->batches);
	sqlite3_bind_int64(s, 5, (int64_t)j->rows);
	sqlite3_bind_int(s, 6, j->workers);
	sqlite3_bind_int(s, 7, j->max_attempts);
	sqlite3_bind_double(s, 8, j->lease_s);
	sm_sql_bind_text(s, 9, job_sync_names[j->sync]);
	sqlite3_bind_int(s, 10, j->fail_fast);
	sqlite3_bind_int(s, 11, j->network_fs);
	sm_sql_bind_text(s, 12, j->final_path);
	sqlite3_bind_int(s, 13, j->final_force);
	sqlite3_bind_double(s, 14, j->created);
	sqlite3_bind_int(s, 15, j->single_member);
	sqlite3_bind_int(s, 16, j->consume);
	sqlite3_bind_int64(s, 17, j->generation);
	if (j->parts > 0) {
		sqlite3_bind_int64(s, 18, j->part);
		sqlite3_bind_int64(s, 19, (int64_t)j->parts);
		sqlite3_bind_int64(s, 21, (int64_t)j->whole_batches);
	}
	sqlite3_bind_int64(s, 20, (int64_t)j->first_batch);
	ret = sm_sql_run(db, s, "insert the job", err);
	return ret < 0 ? ret : 0;
}

int
sm_job_insert_input(struct sm_db *db, const struct sm_job_input *in,
		    struct sm_err *err)
{
	static const char text[] =
		"INSERT OR REPLACE INTO input (name, path, size, mtime_ns, "
		"crc32, sampled) VALUES (?, ?, ?, ?, ?, ?)";
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	int ret;

	if (!s)
		return err->code;
	sm_sql_bind_text(s, 1, in->name);
	sm_sql_bind_text(s, 2, in->path);
	sqlite3_bind_int64(s, 3, (int64_t)in->size);
	sqlite3_bind_int64(s, 4, in->mtime_ns);
	sqlite3_bind_int64(s, 5, in->crc32);
	sqlite3_bind_int(s, 6, in->sampled);
	ret = sm_sql_run(db, s, "record an input", err);
	return ret < 0 ? ret : 0;
}

static void
job_bind_setting(sqlite3_stmt *s, int i, int v)
{
	if (v >= 0)
		sqlite3_bind_int(s, i, v);
}

/* What has grown of a file of the other form is not the next one's. */
static int
job_forget_form(struct sm_db *db, int single_member, struct sm_err *err)
{
	sqlite3_stmt *s = sm_sql_get(
		db, "SELECT 1 FROM job WHERE single_member <> ?", err);
	int ret;

	if (!s)
		return err->code;
	sqlite3_bind_int(s, 1, single_member);
	ret = sm_sql_step(db, s, "read the job", err);
	sqlite3_reset(s);
	return ret > 0 ? sm_joined_forget(db, err) : ret;
}

int
sm_job_set(struct sm_db *db, const struct sm_settings *set, struct sm_err *err)
{
	static const char text[] =
		"UPDATE job SET workers = coalesce(?, workers), "
		"max_attempts = coalesce(?, max_attempts), "
		"lease_s = coalesce(?, lease_s), sync = coalesce(?, sync), "
		"fail_fast = coalesce(?, fail_fast), "
		/* A final file of the other form is not the one any more. */
		"final_size = iif(coalesce(?6, single_member) = "
		"single_member, final_size, NULL), "
		"single_member = coalesce(?6, single_member), "
		"consume = coalesce(?7, consume)";
	sqlite3_stmt *s;
	int ret = 0;

	if (set->single_member >= 0)
		ret = job_forget_form(db, set->single_member, err);
	if (ret < 0)
		return ret;
	s = sm_sql_get(db, text, err);
	if (!s)
		return err->code;
	job_bind_setting(s, 1, set->workers);
	job_bind_setting(s, 2, set->max_attempts);
	if (set->lease_s > 0)
		sqlite3_bind_double(s, 3, set->lease_s);
	if (set->sync >= 0)
		sm_sql_bind_text(s, 4, job_sync_names[set->sync]);
	job_bind_setting(s, 5, set->fail_fast);
	job_bind_setting(s, 6, set->single_member);
	job_bind_setting(s, 7, set->consume);
	ret = sm_sql_run(db, s, "change the settings", err);
	return ret < 0 ? ret : 0;
}

int
sm_job_set_spec(struct sm_db *db, const char *spec, const char *fingerprint,
		struct sm_err *err)
{
	sqlite3_stmt *s = sm_sql_get(
		db, "UPDATE job SET spec = ?, fingerprint = ?, run = run + 1",
		err);
	int ret;

	if (!s)
		return err->code;
	sm_sql_bind_text(s, 1, spec);
	sm_sql_bind_text(s, 2, fingerprint);
	ret = sm_sql_run(db, s, "record the options", err);
	return ret < 0 ? ret : 0;
}

/* Is another path recorded?  1, 0, <0. */
static int
job_path_differs(struct sm_db *db, const char *path, struct sm_err *err)
{
	sqlite3_stmt *s = sm_sql_get(
		db, "SELECT 1 FROM job WHERE final_path IS NOT ?", err);
	int ret;

	if (!s)
		return err->code;
	sm_sql_bind_text(s, 1, path);
	ret = sm_sql_step(db, s, "read the job", err);
	sqlite3_reset(s);
	return ret;
}

int
sm_job_set_network_fs(struct sm_db *db, struct sm_err *err)
{
	sqlite3_stmt *s = sm_sql_get(db, "UPDATE job SET network_fs = 1", err);
	int ret = s ? sm_sql_run(db, s, "record the file system", err)
		    : err->code;

	return ret < 0 ? ret : 0;
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
	sqlite3_stmt *s;
	int ret = job_path_differs(db, path, err);

	if (ret > 0)
		ret = sm_joined_forget(db, err);
	if (ret < 0)
		return ret;
	s = sm_sql_get(db, text, err);
	if (!s)
		return err->code;
	sm_sql_bind_text(s, 1, path);
	sqlite3_bind_int(s, 2, force);
	ret = sm_sql_run(db, s, "record the final file's path", err);
	return ret < 0 ? ret : 0;
}

int
sm_job_begin_run(struct sm_db *db, double at, struct sm_err *err)
{
	sqlite3_stmt *s =
		sm_sql_get(db, "UPDATE job SET started = ?, ended = NULL", err);
	int ret;

	if (!s)
		return err->code;
	sqlite3_bind_double(s, 1, at);
	ret = sm_sql_run(db, s, "record the run's begin", err);
	return ret < 0 ? ret : 0;
}

int
sm_job_end_run(struct sm_db *db, int64_t run, double at, struct sm_err *err)
{
	sqlite3_stmt *s =
		sm_sql_get(db, "UPDATE job SET ended = ? WHERE run = ?", err);
	int ret;

	if (!s)
		return err->code;
	sqlite3_bind_double(s, 1, at);
	sqlite3_bind_int64(s, 2, run);
	ret = sm_sql_run(db, s, "record the run's end", err);
	return ret < 0 ? ret : 0;
}

int
sm_job_finalized(struct sm_db *db, const char *path, uint64_t size,
		 uint64_t digest, bool single_member, struct sm_err *err)
{
	static const char text[] =
		"UPDATE job SET final_path = ?, final_size = ?, "
		"final_digest = ?, single_member = ?";
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	char hex[17];
	int ret;

	if (!s)
		return err->code;
	snprintf(hex, sizeof(hex), "%016llx", (unsigned long long)digest);
	sm_sql_bind_text(s, 1, path);
	sqlite3_bind_int64(s, 2, (int64_t)size);
	sm_sql_bind_text(s, 3, hex);
	sqlite3_bind_int(s, 4, single_member);
	ret = sm_sql_run(db, s, "record the final file", err);
	return ret < 0 ? ret : 0;
}

static void
job_read(struct sm_job *j, sqlite3_stmt *s, bool *failed)
{
	char sync[8];

	j->kind = sm_sql_column_dup(s, 0, failed);
	j->spec = sm_sql_column_dup(s, 1, failed);
	sm_sql_column_copy(j->fingerprint, sizeof(j->fingerprint), s, 2,
			   failed);
	j->batches = (uint64_t)sqlite3_column_int64(s, 3);
	j->rows = (uint64_t)sqlite3_column_int64(s, 4);
	j->workers = sqlite3_column_int(s, 5);
	j->paused = sqlite3_column_int(s, 6);
	j->run = sqlite3_column_int64(s, 7);
	j->max_attempts = sqlite3_column_int(s, 8);
	j->lease_s = sqlite3_column_double(s, 9);
	sm_sql_column_copy(sync, sizeof(sync), s, 10, failed);
	j->sync = strcmp(sync, "end") == 0 ? SM_SYNC_END : SM_SYNC_SHARD;
	j->fail_fast = sqlite3_column_int(s, 11);
	j->network_fs = sqlite3_column_int(s, 12);
	j->final_path = sm_sql_column_dup(s, 13, failed);
	j->final_size = sm_sql_column_opt(s, 14);
	sm_sql_column_copy(j->final_digest, sizeof(j->final_digest), s, 15,
			   failed);
	j->created = sqlite3_column_double(s, 16);
	j->started = sqlite3_column_double(s, 17);
	j->ended = sqlite3_column_double(s, 18);
	j->final_force = sqlite3_column_int(s, 19);
	j->single_member = sqlite3_column_int(s, 20);
	j->consume = sqlite3_column_int(s, 21);
	j->generation = sqlite3_column_int64(s, 22);
	j->part = sm_sql_column_opt(s, 23);
	j->parts = (uint64_t)sqlite3_column_int64(s, 24);
	j->first_batch = (uint64_t)sqlite3_column_int64(s, 25);
	j->whole_batches = (uint64_t)sqlite3_column_int64(s, 26);
}

int
sm_job_get(struct sm_job *j, struct sm_db *db, struct sm_err *err)
{
#define JOB_COLUMNS                                                            \
	"SELECT kind, spec, fingerprint, batches, rows, workers, paused, "     \
	"run, max_attempts, lease_s, sync, fail_fast, network_fs, "            \
	"final_path, final_size, final_digest, created, started, ended, "      \
	"final_force"
	static const char text[] = JOB_COLUMNS
		", single_member, consume, generation, part, "
		"coalesce(parts, 0), first_batch, coalesce(whole_batches, "
		"batches) FROM job";
	/* Of a job that is only read, and so not upgraded. */
	static const char text_1[] =
		JOB_COLUMNS ", 0, 0, 0, NULL, 0, 0, batches FROM job";
#undef JOB_COLUMNS
	sqlite3_stmt *s = sm_sql_get(db, db->version < 2 ? text_1 : text, err);
	bool failed = false;
	int ret;

	if (!s)
		return err->code;
	ret = sm_sql_step(db, s, "read the job", err);
	if (ret < 0)
		return ret;
	if (ret == 0)
		return sm_err_set(err, SM_EINPUT,
				  "'%s' has no job in it: planning it was cut "
				  "short; give the same command again",
				  db->path);
	*j = (struct sm_job){ 0 };
	job_read(j, s, &failed);
	sqlite3_reset(s);
	if (failed) {
		sm_job_release(j);
		return sm_err_mem(err, "the job");
	}
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
sm_job_live(struct sm_job_live *p, struct sm_db *db, struct sm_err *err)
{
	sqlite3_stmt *s = sm_sql_get(
		db, "SELECT workers, paused, run, started FROM job", err);
	int ret;

	if (!s)
		return err->code;
	ret = sm_sql_step(db, s, "read the job", err);
	if (ret <= 0)
		return ret < 0 ? ret
			       : sm_err_set(err, SM_EDAMAGED,
					    "the job row of '%s' is gone",
					    db->path);
	p->workers = sqlite3_column_int(s, 0);
	p->paused = sqlite3_column_int(s, 1);
	p->run = sqlite3_column_int64(s, 2);
	p->started = sqlite3_column_double(s, 3);
	sqlite3_reset(s);
	return 0;
}

int
sm_job_input(struct sm_job_input *in, struct sm_db *db, const char *name,
	     struct sm_err *err)
{
	static const char text[] =
		"SELECT name, path, size, mtime_ns, crc32, sampled "
		"FROM input WHERE name = ?";
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	bool failed = false;
	int ret;

	if (!s)
		return err->code;
	sm_sql_bind_text(s, 1, name);
	ret = sm_sql_step(db, s, "read an input", err);
	if (ret <= 0)
		return ret;
	*in = (struct sm_job_input){ 0 };
	in->name = sm_sql_column_dup(s, 0, &failed);
	in->path = sm_sql_column_dup(s, 1, &failed);
	in->size = (uint64_t)sqlite3_column_int64(s, 2);
	in->mtime_ns = sqlite3_column_int64(s, 3);
	in->crc32 = (uint32_t)sqlite3_column_int64(s, 4);
	in->sampled = sqlite3_column_int(s, 5);
	sqlite3_reset(s);
	if (failed) {
		sm_job_input_release(in);
		return sm_err_mem(err, "an input");
	}
	return 1;
}

void
sm_job_input_release(struct sm_job_input *in)
{
	free(in->name);
	free(in->path);
	*in = (struct sm_job_input){ 0 };
}
