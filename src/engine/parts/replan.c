/*
 * replan.c - a job that was planned without parts is planned again in parts
 *
 * Only where no batch was begun, and by the specification that it has: neither
 * what was typed then nor what came through standard input is needed.  Killed
 * before job.db is removed, the job is as it was, and whatever comes next makes
 * its spec.json right again; after that it is in parts.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "fault.h"
#include "lock.h"

#include "live.h"

#include "parts.h"
#include "planning.h"

static int
replan_refuse_held(const struct sm_handle *h, struct sm_err *err)
{
	return sm_err_set(err, SM_EHELD,
			  "a plan, a run or a worker holds the job '%s'; "
			  "'shardmill status' shows it",
			  h->dir.path);
}

/* Has anything been done that the parts would not know of? */
static int
replan_check_untouched(struct sm_handle *h, struct sm_err *err)
{
	struct sm_run_by by;
	bool any = false;
	int ret = sm_live_any_held(h->dir.fd);

	if (ret > 0)
		return replan_refuse_held(h, err);
	if (ret < 0) {
		errno = -ret;
		return sm_err_sys(err,
				  "cannot tell whether anybody still "
				  "works on the job '%s'",
				  h->dir.path);
	}
	ret = sm_batch_any_begun(&any, h->db, err);
	if (ret == 0 && any)
		return sm_err_set(err, SM_EREFUSED,
				  "batches of the job '%s' were begun, and it "
				  "is not in parts: %s finishes it on this "
				  "host, 'shardmill plan' with --parts and "
				  "--restart begins again",
				  h->dir.path,
				  sm_kind_run_by(&by, h->spec, NULL));
	if (ret == 0)
		ret = sm_batch_any_edited(&any, h->db, err);
	if (ret == 0 && any)
		return sm_err_set(err, SM_EREFUSED,
				  "the job '%s' is paused, or has batches "
				  "whose priority, not_before or max_attempts "
				  "were set by hand, which would be lost: set "
				  "them back, and again in the parts",
				  h->dir.path);
	return ret;
}

static int
replan_check(struct sm_handle *h, struct sm_err *err)
{
	int ret = sm_lock_try(&h->run_lock, h->dir.fd, "run.lock", err);

	if (ret < 0)
		return ret;
	if (ret == 0)
		return replan_refuse_held(h, err);
	ret = sm_handle_reload(h, err); /* a plan may have changed it */
	if (ret == 0 && h->job.parts > 0)
		return sm_err_set(err, SM_EUSAGE,
				  "'%s' is a part itself; name the whole job",
				  h->dir.path);
	if (ret == 0 && h->job.consume)
		return sm_err_set(err, SM_EUSAGE,
				  "the job '%s' was planned with --consume, "
				  "which a job in parts cannot have",
				  h->dir.path);
	if (ret >= 0)
		ret = replan_check_untouched(h, err);
	return ret;
}

/* The job as it was. */
static void
replan_undo(struct sm_handle *h)
{
	struct sm_err ignored;

	sm_parts_remove(&h->dir, &ignored);
	if (sm_handle_reload(h, &ignored) == 0)
		sm_handle_mend_copies(h, &ignored);
}

/*
 * Parts and mark stand: what was the job's own goes, the database first, with
 * its write lock held.  A worker by hand, or a person, that got in meanwhile is
 * seen; a worker that waits for the lock finds no database (worker_self.c).
 */
static int
replan_remove_own(struct sm_handle *h, struct sm_err *err)
{
	int ret = sm_db_begin_write(h->db, err);

	if (ret == 0)
		ret = replan_check_untouched(h, err);
	sm_fault("replan.before_unlink");
	if (ret == 0 && unlinkat(h->dir.fd, "job.db", 0) < 0)
		ret = sm_err_sys(err, "cannot remove '%s/job.db'", h->dir.path);
	sm_db_rollback(h->db);
	if (ret < 0) {
		replan_undo(h);
		return ret;
	}
	sm_db_close(h->db);
	h->db = NULL;
	ret = sm_jobdir_remove_database(&h->dir, err);
	unlinkat(h->dir.fd, "shards", AT_REMOVEDIR);
	if (ret >= 0)
		ret = sm_jobdir_sync(&h->dir, err);
	return ret;
}

/* Parts that are there are of a replan that was killed, or of somebody's. */
static int
replan_clear(const struct sm_handle *h, struct sm_err *err)
{
	int ret = sm_parts_clear(&h->dir, err);

	if (ret != SM_EDAMAGED)
		return ret;
	return sm_err_set(err, SM_EREFUSED,
			  "'%s' has part directories with shards in them, and "
			  "was not planned in parts; move them away, or "
			  "run the job as it is",
			  h->dir.path);
}

/* What the job row says goes for each part. */
static int
replan_make(struct sm_plan_result *result, struct sm_handle *h,
	    const struct sm_plan_opts *asked, struct sm_err *err)
{
	struct sm_plan_opts opts = {
		.settings = { .workers = h->job.workers,
			      .max_attempts = h->job.max_attempts,
			      .lease_s = h->job.lease_s,
			      .sync = h->job.sync,
			      .fail_fast = h->job.fail_fast },
		.network_fs = h->job.network_fs,
		.trust = true
	};
	struct sm_planning p = { .opts = &opts,
				 .ev = &asked->events,
				 .result = result,
				 .spec = h->spec,
				 .dir = h->dir,
				 .force = h->job.final_force,
				 .lock = -1 };
	uint64_t batches = h->spec->batches;
	int ret;

	sm_planning_of_spec(&p);
	ret = sm_planning_fill_cuts(&p, err);
	if (ret == 0)
		ret = sm_planning_check_same(&p, h->fingerprint, batches, err);
	if (ret == 0 && !p.compiled)
		ret = sm_jobdir_tables_name(&p.dir, h->fingerprint, err);
	if (ret == 0)
		ret = replan_clear(h, err);
	if (ret == 0)
		ret = sm_spec_set_output(p.spec, h->job.final_path, err);
	if (ret == 0)
		ret = sm_parts_make(&p, asked->parts, err);
	if (ret == 0)
		sm_plan_report(&p);
	/* Both are the handle's. */
	p.spec = NULL;
	p.dir = (struct sm_jobdir)SM_JOBDIR_NONE;
	sm_planning_release(&p);
	return ret;
}

int
sm_parts_replan(struct sm_plan_result *result, const char *job,
		const struct sm_plan_opts *opts, struct sm_err *err)
{
	struct sm_db_opts db = { .mode = SM_DB_WRITE,
				 .wait = { .limit_s = SM_OUTSIDER_LIMIT_S } };
	struct sm_handle h;
	int ret = sm_handle_open(&h, job, &db, opts->trust, err);

	if (ret == 0)
		ret = replan_check(&h, err);
	if (ret == 0)
		ret = replan_make(result, &h, opts, err);
	if (ret == 0)
		ret = replan_remove_own(&h, err);
	if (ret == 0)
		result->planned = true;
	else
		sm_plan_result_release(result);
	sm_handle_close(&h);
	return ret;
}
