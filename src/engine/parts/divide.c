/*
 * divide.c - a job that was planned without parts gets them
 *
 * Only where no batch was begun, so that there is nothing to share out but the
 * rows.  The parts are made as by a plan, but out of the job's own rows:
 * neither the inputs nor what was typed then is needed.  Killed before job.db
 * is removed, the job is as it was, and whatever comes next makes its spec.json
 * right again; behind that it is in parts.
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
divide_refuse_held(const struct sm_handle *h, struct sm_err *err)
{
	return sm_err_set(err, SM_EHELD,
			  "a plan, a run or a worker holds the job '%s'; "
			  "'shardmill status' shows it",
			  h->dir.path);
}

/* Has anything been done that the parts would not know of? */
static int
divide_check_untouched(struct sm_handle *h, struct sm_err *err)
{
	bool any = false;
	int ret = sm_live_any_held(h->dir.fd);

	if (ret > 0)
		return divide_refuse_held(h, err);
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
				  "is not in parts: 'shardmill run' finishes "
				  "it on this host, 'shardmill plan' with "
				  "--parts and --restart begins again",
				  h->dir.path);
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
divide_check(struct sm_handle *h, struct sm_err *err)
{
	int ret = sm_lock_try(&h->run_lock, h->dir.fd, "run.lock", err);

	if (ret <= 0)
		return ret < 0 ? ret : divide_refuse_held(h, err);
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
	return ret < 0 ? ret : divide_check_untouched(h, err);
}

static int
divide_list(struct sm_part_list *list, struct sm_handle *h, struct sm_err *err)
{
	struct sm_piece b;
	bool found;
	uint64_t i;
	int ret = 0;

	for (i = 0; i < h->job.batches && ret == 0; i++) {
		ret = sm_batch_get(&found, &b, h->db, i, err);
		if (ret == 0 && !found)
			return sm_err_set(err, SM_EDAMAGED,
					  "the database of '%s' lacks the row "
					  "of batch %" PRIu64 "; 'shardmill "
					  "recover' rebuilds it",
					  h->dir.path, i);
		b.attempt = 0;
		if (ret == 0)
			ret = sm_part_list_add(list, &b, err);
	}
	return ret;
}

/* The job as it was. */
static void
divide_undo(struct sm_handle *h)
{
	struct sm_err ignored;

	sm_jobdir_remove_parts(&h->dir, &ignored);
	if (sm_handle_reload(h, &ignored) == 0)
		sm_handle_mend_copies(h, &ignored);
}

/*
 * Parts and mark stand: what was the job's own goes, the database first, with
 * its write lock held.  A worker by hand, or a person, that got in meanwhile is
 * seen; a worker that waits for the lock finds no database (worker_self.c).
 */
static int
divide_remove_own(struct sm_handle *h, struct sm_err *err)
{
	static const char *const files[] = { "job.db-wal", "job.db-shm",
					     "job.db-journal" };
	size_t i;
	int ret = sm_db_begin_write(h->db, err);

	if (ret == 0)
		ret = divide_check_untouched(h, err);
	sm_fault("divide.before_unlink");
	if (ret == 0 && unlinkat(h->dir.fd, "job.db", 0) < 0)
		ret = sm_err_sys(err, "cannot remove '%s/job.db'", h->dir.path);
	sm_db_rollback(h->db);
	if (ret < 0) {
		divide_undo(h);
		return ret;
	}
	sm_db_close(h->db);
	h->db = NULL;
	for (i = 0; i < sizeof(files) / sizeof(*files); i++)
		unlinkat(h->dir.fd, files[i], 0);
	unlinkat(h->dir.fd, "shards", AT_REMOVEDIR);
	return sm_jobdir_sync(&h->dir, err);
}

static int
divide_locked(struct sm_handle *h, uint64_t parts,
	      const struct sm_events *events, struct sm_err *err)
{
	struct sm_plan_opts opts = {
		.settings = { .workers = h->job.workers,
			      .max_attempts = h->job.max_attempts,
			      .lease_s = h->job.lease_s,
			      .sync = h->job.sync,
			      .fail_fast = h->job.fail_fast,
			      .single_member = h->job.single_member },
		.network_fs = h->job.network_fs,
		.trust = true
	};
	struct sm_part_list list = { 0 };
	struct sm_planning p = { .opts = &opts,
				 .ev = events,
				 .kind = h->kind,
				 .spec = h->spec,
				 .dir = h->dir,
				 .force = h->job.final_force,
				 .list = &list };
	int ret = divide_list(&list, h, err);

	h->spec->parts = parts;
	/* Of a divide that was killed. */
	if (ret == 0)
		ret = sm_plan_parts_clear(&p, err);
	if (ret == 0)
		ret = sm_spec_set_output(h->spec, h->job.final_path, err);
	if (ret == 0)
		ret = sm_plan_parts_make(&p, err);
	sm_part_list_release(&list);
	return ret < 0 ? ret : divide_remove_own(h, err);
}

int
sm_divide(const char *job, uint64_t parts, const struct sm_events *events,
	  struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	struct sm_db_opts db = { .mode = SM_DB_WRITE,
				 .wait = { .limit_s = SM_OUTSIDER_LIMIT_S } };
	struct sm_handle h = SM_HANDLE_NONE;
	struct sm_parts whole;
	int ret = sm_parts_open(&whole, job, false, err);

	if (ret > 0)
		ret = sm_err_set(err, SM_EREFUSED,
				 "the job '%s' was planned in %" PRIu64
				 " parts already",
				 whole.dir.path, whole.parts);
	if (ret == 0)
		ret = sm_handle_open(&h, job, &db, false, err);
	if (ret == 0)
		ret = divide_check(&h, err);
	if (ret == 0)
		ret = divide_locked(&h, parts, events, err);
	sm_handle_close(&h);
	sm_parts_close(&whole);
	return ret;
}
