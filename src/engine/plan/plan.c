/*
 * plan.c - make a job, or find that it is made
 *
 * The order, so that a killed plan is planned anew and nothing else is lost:
 * run.lock, inputs digested, tables compiled and synced under a temporary
 * name, batches inserted, tables named by the fingerprint, spec.json, then the
 * job row in the same transaction as the batches, checkpoint, directory and
 * parent synced.  A job.db without a job row is a plan that was killed.
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
#include "role.h"

#include "consumed.h"
#include "parts.h"
#include "planning.h"

void
sm_plan_result_release(struct sm_plan_result *r)
{
	free(r->first_command);
	*r = (struct sm_plan_result){ 0 };
}

int
sm_plan_is_complete(const struct sm_planning *p, struct sm_err *err)
{
	struct stat st;

	if (!p->spec->output || p->force)
		return 0;
	if (stat(p->spec->output, &st) == 0)
		return 1;
	return errno == ENOENT ? 0
			       : sm_err_sys(err, "cannot examine '%s'",
					    p->spec->output);
}

/* Cut, compile, insert: everything but the job row. */
static int
plan_cut(struct sm_planning *p, struct sm_err *err)
{
	int ret = sm_planning_digest(p, err);

	if (ret == 0)
		ret = sm_planning_cut(p, sm_planning_insert, err);
	if (ret == 0 && !p->inserting)
		ret = sm_db_begin_write(p->db, err); /* no batches at all */
	p->inserting = p->inserting || ret == 0;
	if (ret == 0 && p->spec->output)
		ret = sm_join_check_target(p->spec->output,
					   p->spec->fingerprint, NULL, p->force,
					   err);
	return ret;
}

static int
plan_new(struct sm_planning *p, struct sm_err *err)
{
	int ret = plan_cut(p, err);

	if (ret == 0)
		ret = sm_plan_is_complete(p, err);
	if (ret > 0) {
		ret = 0;
		p->result->complete = true;
		p->forget = true;
	} else if (ret == 0) {
		ret = sm_jobdir_tables_name(&p->dir, p->spec->fingerprint, err);
		if (ret == 0)
			ret = sm_planning_commit(p, err);
		p->result->planned = ret == 0;
	}
	sm_db_rollback(p->db);
	return ret;
}

/* Shards without a database are worth more than a new plan. */
static int
plan_refuse_lost(struct sm_planning *p, struct sm_err *err)
{
	bool has_job = false;
	int there;

	if (p->db) {
		there = sm_db_has_job(&has_job, p->db, err);
	} else {
		there = sm_jobdir_has(&p->dir, "job.db", err);
		has_job = there > 0;
	}
	if (there < 0 || has_job)
		return there < 0 ? there : 0;
	there = sm_jobdir_has_shards(&p->dir, err);
	if (there <= 0)
		return there;
	return sm_err_set(err, SM_EDAMAGED,
			  "the job '%s' has lost its job.db; its shards are "
			  "safe: 'shardmill recover %s' rebuilds the database "
			  "from them, --restart begins again without",
			  p->dir.path, p->dir.path);
}

/* With run.lock held. */
static int
plan_locked(struct sm_planning *p, struct sm_err *err)
{
	struct sm_db_opts db = { .mode = SM_DB_CREATE,
				 .network_fs = p->opts->network_fs,
				 .wait = { .limit_s = SM_OUTSIDER_LIMIT_S,
					   .notice = p->ev->notice,
					   .arg = p->ev->arg } };
	bool has_job;
	int ret = plan_refuse_lost(p, err);

	if (ret == 0)
		ret = sm_db_open(&p->db, p->dir.path, p->dir.fd, &db, err);
	if (ret == 0)
		ret = plan_refuse_lost(p, err);
	if (ret == 0)
		ret = sm_db_has_job(&has_job, p->db, err);
	if (ret < 0)
		return ret;
	ret = has_job ? sm_plan_again(p, err) : plan_new(p, err);
	p->result->batches = p->spec->batches;
	p->result->rows = p->spec->rows;
	return ret;
}

static int
plan_note_final_of_parts(struct sm_planning *p, struct sm_err *err)
{
	struct sm_parts_final f;
	struct sm_spec *old = NULL;
	struct sm_err ignored;
	const char *path;
	int ret = sm_parts_read_spec(&old, &p->dir, err);

	if (ret < 0)
		return ret;
	path = sm_parts_read_final(&f, &p->dir) ? f.path : old->output;
	if (path && sm_join_check_target(path, old->fingerprint, NULL, false,
					 &ignored) == 0)
		ret = sm_jobdir_write(&p->dir, "replaces", path, err);
	free(f.path);
	sm_spec_free(old);
	return ret;
}

/*
 * The final file of the job that --restart deletes is the new job's to
 * replace.  Noted in a file before anything is deleted, so that a restart
 * killed in between still knows.
 */
static int
plan_note_final(struct sm_planning *p, struct sm_err *err)
{
	struct sm_db_opts opts = { .mode = SM_DB_READ };
	struct sm_job job = { 0 };
	struct sm_db *db = NULL;
	struct sm_err ignored;
	int ret = sm_parts_is_marked(&p->dir, err);

	if (ret != 0)
		return ret < 0 ? ret : plan_note_final_of_parts(p, err);
	/* A damaged database, or none, notes nothing. */
	if (sm_db_open(&db, p->dir.path, p->dir.fd, &opts, &ignored) == 0 &&
	    sm_job_get(&job, db, &ignored) == 0 && job.final_path) {
		p->grown[0] =
			sm_consumed_part_name(job.final_path, job.generation);
		p->grown[1] = sm_consumed_part_name(job.final_path,
						    job.generation + 1);
	}
	if (p->grown[0] && sm_join_check_target(job.final_path, 0, &job,
						job.final_force, &ignored) == 0)
		ret = sm_jobdir_write(&p->dir, "replaces", job.final_path, err);
	sm_job_release(&job);
	sm_db_close(db);
	return ret;
}

static void
plan_read_note(struct sm_planning *p)
{
	struct sm_map map = { 0 };
	struct sm_err ignored;
	const char *path = p->spec->output;

	p->force = p->opts->force;
	if (!path || sm_map_openat(&map, p->dir.fd, "replaces", &ignored) < 0)
		return;
	if (map.size == strlen(path) && memcmp(map.data, path, map.size) == 0)
		p->force = true;
	sm_map_close(&map);
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

	if (p->stdin_once)
		return 0;
	ret = sm_planning_digest(p, err);
	return ret < 0 ? ret : sm_planning_cut(p, plan_emit_nothing, err);
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

/*
 * --restart: what is there goes first.  The directory is made again, since
 * removing it may have taken it away under the lock.
 */
static int
plan_restart(struct sm_planning *p, struct sm_err *err)
{
	char *path = strdup(p->dir.path);
	bool made;
	int i, ret = path ? plan_refuse_living(p, err)
			  : sm_err_mem(err, "a path");

	if (ret == 0)
		ret = sm_plan_parts_idle(p, err);
	if (ret == 0)
		ret = plan_rehearse(p, err);
	if (ret == 0)
		ret = plan_note_final(p, err);
	if (ret == 0)
		ret = sm_jobdir_remove(&p->dir, err);
	if (ret < 0)
		goto out;
	close(p->lock);
	p->lock = -1;
	sm_jobdir_close(&p->dir);
	for (i = 0; i < 2; i++)
		if (p->grown[i])
			unlink(p->grown[i]);
	ret = sm_jobdir_create(&p->dir, path, p->opts->trust,
			       p->opts->network_fs, &made, err);
	if (ret == 0)
		ret = sm_planning_lock(p, err);
out:
	free(path);
	return ret;
}

int
sm_plan(struct sm_plan_result *result, const char *job,
	const struct sm_plan_opts *opts, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	struct sm_planning p = { .opts = opts,
				 .ev = &opts->events,
				 .result = result,
				 .dir = SM_JOBDIR_NONE,
				 .lock = -1 };
	struct sm_err ignored;
	int ret;

	*result = (struct sm_plan_result){ 0 };
	ret = sm_role_refuse_worker("sm_plan()", err);
	if (ret == 0)
		ret = sm_planning_settle(&p, err);
	if (ret == 0)
		ret = sm_jobdir_create(&p.dir, job, opts->trust,
				       opts->network_fs, &p.made, err);
	if (ret == 0)
		ret = sm_planning_lock(&p, err);
	if (ret == 0 && opts->restart && !p.made)
		ret = plan_restart(&p, err);
	if (ret == 0) {
		plan_read_note(&p);
		ret = sm_plan_parts_clear(&p, err);
	}
	if (ret == 0)
		ret = sm_plan_is_parted(&p, err);
	if (ret >= 0)
		ret = ret > 0 ? sm_plan_parts(&p, err) : plan_locked(&p, err);
	if (ret == 0) {
		unlinkat(p.dir.fd, "replaces", 0);
		snprintf(result->fingerprint, sizeof(result->fingerprint),
			 "%016llx", (unsigned long long)p.spec->fingerprint);
	}
	sm_db_close(p.db);
	/* What is to be forgotten may be what an earlier, killed plan made. */
	if (p.lock >= 0 && (p.forget || (p.made && ret < 0)))
		sm_jobdir_remove(&p.dir, &ignored);
	sm_jobdir_close(&p.dir);
	if (p.lock >= 0)
		close(p.lock);
	sm_planning_release(&p);
	if (ret < 0)
		sm_plan_result_release(result);
	return ret;
}
