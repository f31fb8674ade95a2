/*
 * plan.c - make a job, or find that it is made
 *
 * The order, so that a killed plan is planned anew and nothing else is lost:
 * run.lock, inputs digested, tables compiled and synced under a temporary
 * name, batches inserted, tables named by the fingerprint, spec.json, then the
 * job row in the same transaction as the batches, checkpoint, directory and
 * parent synced.  A job.db without a job row is a plan that was killed.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "fault.h"
#include "file.h"
#include "lock.h"

#include "planning.h"

void
sm_plan_result_release(struct sm_plan_result *r)
{
	free(r->first_command);
	*r = (struct sm_plan_result){ 0 };
}

static int
plan_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return CPU_COUNT(&set);
}

/* Digests of all inputs that have a path. */
static int
plan_digest(struct sm_planning *p, struct sm_err *err)
{
	struct sm_kind_input *in;
	struct sm_digest d;
	size_t i;
	int ret;

	for (i = 0; i < p->inputs; i++) {
		in = &p->input[i];
		if (!in->path)
			continue;
		ret = sm_input_digest(&d, in->path, in->sampled, p->ev, err);
		if (ret == 0)
			ret = sm_spec_set_input(p->spec, i, in->name, in->path,
						&d, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int
plan_emit(const struct sm_kind_batch *kb, void *arg, struct sm_err *err)
{
	struct sm_planning *p = arg;
	struct sm_batch b = { .id = kb->id,
			      .first = kb->first,
			      .end = kb->end,
			      .first_byte = kb->first_byte,
			      .end_byte = kb->end_byte,
			      .item = (char *)kb->item };
	int ret = 0;

	if (kb->id == 0 && p->kind->describe)
		p->result->first_command = p->kind->describe(p->spec, kb);
	/* Begun as late as this: compiling the tables may take long. */
	if (!p->inserting)
		ret = sm_db_begin_write(p->db, err);
	if (ret < 0)
		return ret;
	p->inserting = true;
	return sm_batch_insert(p->db, &b, err);
}

static int
plan_insert_inputs(struct sm_planning *p, struct sm_err *err)
{
	struct sm_job_input in;
	size_t i;
	int ret = 0;

	for (i = 0; i < p->spec->inputs && ret == 0; i++) {
		in = (struct sm_job_input){
			.name = (char *)p->spec->input[i].name,
			.path = (char *)p->spec->input[i].path,
			.size = p->spec->input[i].digest.size,
			.mtime_ns = p->spec->input[i].digest.mtime_ns,
			.crc32 = p->spec->input[i].digest.crc32,
			.sampled = p->spec->input[i].digest.sampled,
		};
		ret = sm_job_insert_input(p->db, &in, err);
	}
	return ret;
}

/* Within the transaction: inputs and the job row. */
static int
plan_insert_job(struct sm_planning *p, const char *text, struct sm_err *err)
{
	const struct sm_settings *s = &p->opts->settings;
	struct sm_job job = {
		.kind = (char *)p->spec->shape->kind,
		.spec = (char *)text,
		.batches = p->spec->batches,
		.rows = p->spec->rows,
		.workers = s->workers >= 0 ? s->workers : plan_cpus(),
		.max_attempts = s->max_attempts > 0 ? s->max_attempts : 3,
		.lease_s = s->lease_s > 0 ? s->lease_s : 60,
		.sync = s->sync >= 0 ? s->sync : SM_SYNC_SHARD,
		.fail_fast = s->fail_fast > 0,
		.network_fs = p->opts->network_fs,
		.final_path = (char *)p->spec->output,
		.final_force = p->opts->force,
		.created = sm_clock_wall(),
	};
	int ret;

	snprintf(job.fingerprint, sizeof(job.fingerprint), "%016llx",
		 (unsigned long long)p->spec->fingerprint);
	ret = plan_insert_inputs(p, err);
	return ret < 0 ? ret : sm_job_insert(p->db, &job, err);
}

/*
 * The final file stands without its job: a job that was finished, and whose
 * directory was removed.
 */
static bool
plan_is_complete(const struct sm_planning *p)
{
	struct stat st;

	return p->spec->output && !p->opts->force &&
	       stat(p->spec->output, &st) == 0;
}

/* Cut, compile, insert: everything but the job row. */
static int
plan_cut(struct sm_planning *p, struct sm_err *err)
{
	int ret = plan_digest(p, err);

	if (ret == 0)
		ret = sm_planning_cut(p, plan_emit, err);
	if (ret == 0 && !p->inserting)
		ret = sm_db_begin_write(p->db, err); /* no batches at all */
	p->inserting = p->inserting || ret == 0;
	if (ret == 0 && p->spec->output)
		ret = sm_join_check_target(p->spec->output,
					   p->spec->fingerprint,
					   p->opts->force, err);
	return ret;
}

static int
plan_new(struct sm_planning *p, struct sm_err *err)
{
	char *text = NULL;
	int ret;

	ret = plan_cut(p, err);
	if (ret == 0 && plan_is_complete(p)) {
		p->result->complete = true;
		p->forget = true;
		goto out;
	}
	if (ret == 0)
		ret = sm_jobdir_tables_name(&p->dir, p->spec->fingerprint,
					    err);
	if (ret < 0)
		goto out;
	text = sm_spec_text(p->spec, err);
	if (!text) {
		ret = err->code;
		goto out;
	}
	ret = sm_jobdir_write(&p->dir, "spec.json", text, err);
	if (ret == 0)
		ret = plan_insert_job(p, text, err);
	sm_fault("plan.before_commit");
	if (ret == 0)
		ret = sm_db_commit(p->db, err);
	if (ret == 0)
		ret = sm_db_checkpoint(p->db, err);
	if (ret == 0)
		ret = sm_jobdir_sync(&p->dir, err);
	if (ret == 0)
		p->result->planned = true;
out:
	sm_db_rollback(p->db);
	free(text);
	return ret;
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
	int ret = sm_db_open(&p->db, p->dir.path, p->dir.fd, &db, err);

	if (ret < 0)
		return ret;
	if (sm_db_has_job(p->db))
		ret = sm_plan_again(p, err);
	else
		ret = plan_new(p, err);
	p->result->batches = p->spec->batches;
	p->result->rows = p->spec->rows;
	snprintf(p->result->fingerprint, sizeof(p->result->fingerprint),
		 "%016llx", (unsigned long long)p->spec->fingerprint);
	return ret;
}

static int
plan_lock(struct sm_planning *p, struct sm_err *err)
{
	int ret = sm_lock_try(&p->lock, p->dir.fd, "run.lock", err);

	if (ret == 0)
		return sm_err_set(err, SM_EHELD,
				  "another plan or run holds the job '%s'; "
				  "'shardmill status' shows it",
				  p->dir.path);
	return ret < 0 ? ret : 0;
}

/*
 * --restart: what is there goes first.  The directory is made again, since
 * removing it took it away under the lock.
 */
static int
plan_restart(struct sm_planning *p, const char *job, struct sm_err *err)
{
	int ret = sm_jobdir_remove(&p->dir, err);

	if (ret < 0)
		return ret;
	close(p->lock);
	p->lock = -1;
	sm_jobdir_close(&p->dir);
	ret = sm_jobdir_create(&p->dir, job, p->opts->trust,
			       p->opts->network_fs, &p->made, err);
	return ret < 0 ? ret : plan_lock(p, err);
}

int
sm_plan(struct sm_plan_result *result, const char *job,
	const struct sm_plan_opts *opts, struct sm_err *err)
{
	struct sm_planning p = { .opts = opts,
				 .ev = &opts->events,
				 .result = result,
				 .dir = SM_JOBDIR_NONE,
				 .lock = -1 };
	struct sm_err ignored;
	int ret;

	*result = (struct sm_plan_result){ 0 };
	ret = sm_planning_settle(&p, err);
	if (ret == 0)
		ret = sm_jobdir_create(&p.dir, job, opts->trust,
				       opts->network_fs, &p.made, err);
	if (ret == 0)
		ret = plan_lock(&p, err);
	if (ret == 0 && opts->restart && !p.made)
		ret = plan_restart(&p, job, err);
	if (ret == 0)
		ret = plan_locked(&p, err);
	sm_db_close(p.db);
	if (p.made && p.lock >= 0 && (ret < 0 || p.forget))
		sm_jobdir_remove(&p.dir, &ignored);
	sm_jobdir_close(&p.dir);
	if (p.lock >= 0)
		close(p.lock);
	sm_planning_release(&p);
	if (ret < 0)
		sm_plan_result_release(result);
	return ret;
}
