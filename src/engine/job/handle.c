/*
 * handle.c - open one job, and ask whether it is still the one that was opened
 *
 * A part of a larger job is opened like any other.  Nothing here looks at what
 * is around the directory.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fence.h"
#include "worker.h"

#include "handle.h"

static int
handle_find_place(struct sm_handle *h, struct sm_err *err)
{
	int ret = sm_place_settle(&h->place, &h->dir, h->spec,
				  &h->job.final_path, err);

	free(h->home);
	h->home = NULL;
	if (ret < 0 || h->place == SM_PLACE_HOME)
		return ret;
	h->home = strdup(h->spec->home);
	return h->home ? 0 : sm_err_mem(err, "a path");
}

int
sm_handle_reload(struct sm_handle *h, struct sm_err *err)
{
	int ret;

	sm_job_release(&h->job);
	sm_spec_free(h->spec);
	h->spec = NULL;
	ret = sm_job_get(&h->job, h->db, err);
	if (ret < 0)
		return ret;
	ret = sm_spec_parse(&h->spec, sm_kind_any, h->job.spec, "job.spec",
			    err);
	if (ret < 0)
		return ret;
	ret = handle_find_place(h, err);
	if (ret < 0)
		return ret;
	h->kind = sm_kind_of(h->spec);
	h->fingerprint = strtoull(h->job.fingerprint, NULL, 16);
	h->digits = sm_shard_digits(h->job.whole_batches);
	sm_files_open(&h->files, h->spec);
	return 0;
}

/* The database has no job: are there shards of one? */
static int
handle_refuse_lost(struct sm_handle *h, struct sm_err *err)
{
	bool has;
	int ret = sm_jobdir_has_shards(&has, &h->dir, err);

	if (ret < 0 || !has)
		return ret;
	return sm_err_set(err, SM_EDAMAGED,
			  "the database of '%s' is empty; its shards are "
			  "safe: 'shardmill recover' rebuilds it from them",
			  h->dir.path);
}

/*
 * Before SQLite opens job.db: where locks do not reach, already that changes
 * files under another process.  A worker or joiner of a run, which is what
 * takes triggers as they are, is covered by the mark of its supervisor.
 */
static int
handle_look_around(struct sm_handle *h, const struct sm_db_opts *opts,
		   struct sm_err *err)
{
	if (opts->mode == SM_DB_READ)
		return sm_reach_check(&h->dir, err);
	return opts->triggers ? 0 : sm_reach_enter(&h->reach, &h->dir, err);
}

int
sm_handle_open(struct sm_handle *h, const char *job,
	       const struct sm_db_opts *opts, bool trust, struct sm_err *err)
{
	bool has_job = true;
	int ret;

	*h = (struct sm_handle)SM_HANDLE_NONE;
	ret = sm_jobdir_open(&h->dir, job, trust, err);
	if (ret < 0)
		return ret;
	ret = handle_look_around(h, opts, err);
	if (ret == 0)
		ret = sm_db_open(&h->db, h->dir.path, h->dir.fd, opts, err);
	if (ret == 0)
		ret = sm_db_has_job(&has_job, h->db, err);
	if (ret == 0 && !has_job)
		ret = handle_refuse_lost(h, err);
	if (ret == 0)
		ret = sm_handle_reload(h, err);
	/* It may have been planned on a local disk, and moved. */
	if (ret == 0 && !h->job.network_fs)
		ret = sm_jobdir_refuse_network(&h->dir, err);
	if (ret < 0)
		sm_handle_close(h);
	return ret;
}

void
sm_handle_close(struct sm_handle *h)
{
	sm_spec_free(h->spec);
	sm_job_release(&h->job);
	sm_db_close(h->db);
	free(h->home);
	sm_files_close(&h->files);
	if (h->run_lock >= 0)
		close(h->run_lock);
	sm_reach_leave(&h->reach);
	sm_jobdir_close(&h->dir);
	*h = (struct sm_handle)SM_HANDLE_NONE;
}

int
sm_handle_look(struct sm_handle *h, struct sm_err *err)
{
	int ret = sm_reach_look(&h->reach, err);

	if (ret < 0)
		sm_db_keep_log(h->db);
	return ret;
}

int
sm_handle_check_run(struct sm_handle *h, struct sm_err *err)
{
	struct sm_job now = { 0 };
	bool holds;
	int ret = sm_fence_holds(&holds, h->db, h->job.run, err);

	if (ret < 0 || holds)
		return ret;
	ret = sm_job_get(&now, h->db, err);
	if (ret == 0 && strcmp(now.spec, h->job.spec) != 0)
		ret = sm_err_set(err, SM_EFENCED,
				 "the options of the job '%s' were changed "
				 "meanwhile; the same command goes on with the "
				 "new ones",
				 h->dir.path);
	else if (ret == 0)
		ret = sm_err_set(err, SM_EFENCED,
				 "another supervisor took the job '%s' over "
				 "(run --takeover) and makes what is left; "
				 "'shardmill status' shows it",
				 h->dir.path);
	sm_job_release(&now);
	return ret;
}

int
sm_handle_refuse_host(struct sm_handle *h, struct sm_err *err)
{
	char host[SM_WORKER_HOST_MAX] = "";
	int ret = 0;

	if (h->job.network_fs)
		ret = sm_worker_elsewhere(host, h->db, err);
	if (ret < 0 || host[0] == '\0')
		return ret;
	return sm_err_set(err, SM_EHELD,
			  "the host '%s' is at work on the job '%s', or died "
			  "there; if it is to end, 'run --takeover' fences it "
			  "off and goes on here",
			  host, h->dir.path);
}
