/*
 * plan.c - make a job, or find that it is made
 *
 * The order, so that a killed plan is planned anew and nothing else is lost:
 * run.lock, inputs digested, tables compiled and synced under a temporary
 * name, an empty database, tables named by the fingerprint; then batches
 * inserted, spec.json, the job row in the same transaction as the batches,
 * checkpoint, directory and parent synced.  A job.db without a job row is a
 * plan that was killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "live.h"
#include "lock.h"

#include "files.h"
#include "growing.h"
#include "join.h"
#include "planning.h"

void
sm_plan_result_release(struct sm_plan_result *r)
{
	free(r->first_command);
	*r = (struct sm_plan_result){ 0 };
}

/* Does the final file stand without its job? */
static int
plan_is_complete(bool *complete, const struct sm_planning *p,
		 struct sm_err *err)
{
	struct stat st;

	*complete = false;
	/* A list of files says nothing of them without the job. */
	if (!p->spec->output || p->force ||
	    (p->kind->files && p->kind->files(p->spec->opts).dir))
		return 0;
	*complete = stat(p->spec->output, &st) == 0;
	if (!*complete && errno != ENOENT)
		return sm_err_sys(err, "cannot examine '%s'", p->spec->output);
	return 0;
}

int
sm_plan_cut(struct sm_planning *p, struct sm_err *err)
{
	struct sm_growing who = { .dir = &p->dir };
	struct sm_err ignored;
	int ret;

	p->begin = p->opts->parts == 0;
	ret = sm_planning_fill_cuts(p, err);
	if (ret == 0 && p->spec->output)
		ret = sm_join_check_target(p->spec->output,
					   p->spec->fingerprint, NULL, p->force,
					   err);
	if (ret == 0)
		ret = plan_is_complete(&p->result->complete, p, err);
	who.fingerprint = p->spec->fingerprint;
	if (ret == 0 && p->spec->output && !p->force && !p->result->complete)
		ret = sm_growing_check(p->spec->output, &who, err);
	p->forget = p->result->complete;
	if (ret == 0 && !p->forget)
		ret = sm_files_make(p->spec, &p->dir, p->opts->force, err);
	if (ret == 0 && !p->forget)
		ret = sm_jobdir_tables_name(&p->dir, p->spec->fingerprint, err);
	if (ret < 0 && p->db) {
		sm_db_close(p->db);
		p->db = NULL;
		sm_jobdir_remove_database(&p->dir, &ignored);
	}
	return ret;
}

int
sm_plan_open(bool *there, struct sm_planning *p, struct sm_err *err)
{
	bool has, shards = false;
	int ret = sm_jobdir_has(&has, &p->dir, "job.db", err);

	*there = false;
	if (ret == 0 && has)
		ret = sm_planning_open(p, err);
	if (p->db && ret == 0)
		ret = sm_db_has_job(there, p->db, err);
	if (ret == 0 && !*there)
		ret = sm_jobdir_has_shards(&shards, &p->dir, err);
	if (ret < 0 || *there)
		return ret;
	/* What a killed plan left of it tells nothing. */
	if (!shards) {
		sm_db_close(p->db);
		p->db = NULL;
		return sm_jobdir_remove_database(&p->dir, err);
	}
	/* Shards without a database are worth more than a new plan. */
	return sm_err_set(err, SM_EDAMAGED,
			  "the job '%s' has lost its job.db; its shards are "
			  "safe: 'shardmill recover %s' rebuilds the database "
			  "from them, --restart begins again without",
			  p->dir.path, p->dir.path);
}

/*
 * The database and the job row of the job that is to go.  `*db` stays NULL
 * where there is none, or none that says anything any more; one that could not
 * be read for another reason may say whose the growing file is.
 */
static int
restart_open(struct sm_db **db, struct sm_job *job, const struct sm_planning *p,
	     struct sm_err *err)
{
	struct sm_db_opts opts = { .mode = SM_DB_READ };
	int ret = sm_db_open(db, p->dir.path, p->dir.fd, &opts, err);

	if (ret == 0)
		ret = sm_job_get(job, *db, err);
	if (ret == 0)
		return 0;
	sm_db_close(*db);
	*db = NULL;
	if (sm_err_is_missing(err) || !sm_code_retry(ret))
		return 0;
	return sm_err_append(err,
			     "; --restart looks there for what else is the "
			     "job's: try again, or remove '%s' yourself",
			     p->dir.path);
}

/* The new job may replace what the old one has published. */
static int
restart_note_published(const struct sm_planning *p, const struct sm_job *job,
		       struct sm_err *err)
{
	struct sm_published was = { .path = NULL };
	int ret;

	if (job->final_size >= 0) {
		was.path = job->final_path;
		was.size = (uint64_t)job->final_size;
	}
	ret = sm_join_check_target(job->final_path, 0, &was, job->final_force,
				   err);
	if (ret == 0)
		ret = sm_jobdir_write(&p->dir, "replaces", job->final_path,
				      err);
	return ret == SM_EREFUSED ? 0 : ret;
}

int
sm_plan_note_final(struct sm_planning *p, struct sm_err *err)
{
	struct sm_growing who = { .dir = &p->dir };
	const char *path = p->spec->output;
	struct sm_job job = { 0 };
	struct sm_db *db = NULL;
	int ret = restart_open(&db, &job, p, err);

	if (db) {
		path = job.final_path;
		who.job = &job;
		who.db = db;
		who.fingerprint = strtoull(job.fingerprint, NULL, 16);
	}
	/* The new job would be refused, after the old one is gone. */
	if (db && path && ret == 0 && !p->opts->force && job.generation == 0)
		ret = sm_growing_check(path, &who, err);
	/* First the note: killed after this, --restart goes on. */
	if (db && path && ret == 0)
		ret = restart_note_published(p, &job, err);
	/* Without a database the directory says which file is its own. */
	if (path && ret == 0)
		ret = sm_growing_forget(path, &who, err);
	sm_job_release(&job);
	sm_db_close(db);
	return ret;
}

int
sm_plan_read_note(struct sm_planning *p, struct sm_err *err)
{
	struct sm_map map = { 0 };
	const char *path = p->spec->output;
	int ret;

	p->force = p->opts->force;
	if (!path)
		return 0;
	ret = sm_map_openat(&map, p->dir.fd, "replaces", err);
	if (ret < 0 && sm_err_is_missing(err))
		return 0;
	if (ret < 0)
		return sm_err_prefix(err, "%s", p->dir.path);
	if (map.size == strlen(path) && memcmp(map.data, path, map.size) == 0)
		p->force = true;
	sm_map_close(&map);
	return 0;
}

static int
plan_emit_nothing(const struct sm_piece *b, void *arg, struct sm_err *err)
{
	(void)b;
	(void)arg;
	(void)err;
	return 0;
}

/* Bad input must be found before anything that was done is deleted. */
static int
plan_rehearse(struct sm_planning *p, struct sm_err *err)
{
	int ret;

	ret = sm_files_refuse(p->spec, &p->dir, p->opts->force, err);
	if (ret < 0 || p->stdin_once)
		return ret;
	ret = sm_planning_digest(p, err);
	if (ret >= 0)
		ret = sm_planning_cut(p, plan_emit_nothing, err);
	return ret;
}

/* Workers by hand and a finalize do not hold run.lock. */
static int
plan_refuse_living(const struct sm_planning *p, struct sm_err *err)
{
	int worker = sm_live_any_held(p->dir.fd), held = worker;

	if (held == 0)
		held = sm_lock_held(p->dir.fd, "final.lock");
	if (held == 0)
		return 0;
	if (held < 0) {
		errno = -held;
		return sm_err_sys(err,
				  "cannot tell whether anybody still "
				  "works on the job '%s'",
				  p->dir.path);
	}
	return sm_err_set(err, SM_EHELD,
			  "a %s still works on the job '%s', which --restart "
			  "would delete; end it first%s",
			  worker ? "worker" : "finalize", p->dir.path,
			  worker ? " (the view 'workers' has its pid)" : "");
}

int
sm_plan_check_restart(struct sm_planning *p, struct sm_err *err)
{
	int ret = plan_refuse_living(p, err);

	if (ret >= 0)
		ret = plan_rehearse(p, err);
	return ret;
}

int
sm_plan_clear_files(struct sm_planning *p, struct sm_err *err)
{
	struct sm_spec *old = NULL;
	enum sm_place place;
	struct sm_err why;
	/* A specification that says nothing any more names no files. */
	int ret = sm_place_read_spec(&old, &p->dir, &why);

	if (ret == 0)
		ret = sm_place_settle(&place, &p->dir, old, NULL, &why);
	if (ret == 0)
		ret = sm_files_clear(old, &p->dir, err);
	else if (!sm_code_retry(ret))
		ret = 0;
	else
		*err = why;
	sm_spec_free(old);
	return ret;
}

/* The directory is made again, since removing the job may have taken it away
 * under the lock. */
int
sm_plan_remove(struct sm_planning *p, struct sm_err *err)
{
	char *path = strdup(p->dir.path);
	bool made;
	int ret = path ? sm_jobdir_remove(&p->dir, err)
		       : sm_err_mem(err, "a path");

	if (ret < 0)
		goto out;
	close(p->lock);
	p->lock = -1;
	sm_reach_leave(&p->reach);
	sm_jobdir_close(&p->dir);
	ret = sm_jobdir_create(&p->dir, path, p->opts->trust,
			       p->opts->network_fs, &made, err);
	if (ret == 0)
		ret = sm_planning_lock(p, err);
out:
	free(path);
	return ret;
}

void
sm_plan_report(struct sm_planning *p)
{
	unlinkat(p->dir.fd, "replaces", 0);
	p->result->batches = p->spec->batches;
	p->result->rows = p->spec->rows;
	snprintf(p->result->fingerprint, sizeof(p->result->fingerprint),
		 "%016llx", (unsigned long long)p->spec->fingerprint);
}
