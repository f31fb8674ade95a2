/*
 * clean.c - remove a job that is finished
 *
 * Separate from --restart, which removes a job for the sake of another one:
 * here what the job made must be safe elsewhere first, and a job directory that
 * a kill left half removed must be known for what it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dir.h"
#include "fault.h"
#include "file.h"
#include "lock.h"

#include "batch.h"
#include "history.h"

#include "growing.h"
#include "join.h"
#include "live.h"
#include "tend.h"

/* Of options that were changed again and again, the final file has few. */
#define CLEAN_FINGERPRINTS 64

void
sm_clean_result_release(struct sm_clean_result *r)
{
	free(r->job);
	free(r->final_path);
	free(r->files_dir);
	*r = (struct sm_clean_result){ 0 };
}

/* ---------------------------------------------------------------- hold -- */

/* Is there anything in the directory that says that it is a job? */
static int
clean_require_job(const struct sm_jobdir *dir, struct sm_err *err)
{
	static const char *const marks[] = { "job.db", "spec.json",
					     SM_JOBDIR_CLEANING };
	bool has = false;
	size_t i;
	int ret = 0;

	for (i = 0; i < sizeof(marks) / sizeof(*marks) && ret == 0 && !has; i++)
		ret = sm_jobdir_has(&has, dir, marks[i], err);
	if (ret < 0 || has)
		return ret;
	return sm_err_set(err, SM_EINPUT,
			  "there is no job in '%s': it has no job.db and no "
			  "spec.json",
			  dir->path);
}

static int
clean_lock(int *fd, const struct sm_jobdir *dir, const char *name,
	   const char *who, struct sm_err *err)
{
	int ret = sm_lock_try(fd, dir->fd, name, err);

	if (ret == 0)
		return sm_err_set(err, SM_EHELD,
				  "a %s holds the job '%s'; end it first, or "
				  "wait for it ('shardmill status' shows it)",
				  who, dir->path);
	return ret < 0 ? ret : 0;
}

/* Workers by hand do not hold run.lock. */
static int
clean_refuse_workers(const struct sm_jobdir *dir, struct sm_err *err)
{
	int held = sm_live_any_held(dir->fd);

	if (held == 0)
		return 0;
	if (held > 0)
		return sm_err_set(err, SM_EHELD,
				  "a worker is at work on the job '%s'; end it "
				  "first (the view 'workers' has its pid)",
				  dir->path);
	errno = -held;
	return sm_err_sys(err,
			  "cannot tell whether anybody still works on the job "
			  "'%s'",
			  dir->path);
}

int
sm_cleaning_hold(struct sm_cleaning *c, const char *job, bool trust,
		 struct sm_err *err)
{
	int ret;

	*c = (struct sm_cleaning)SM_CLEANING_NONE;
	ret = sm_jobdir_open_whole(&c->dir, job, trust, err);
	if (ret == 0)
		ret = clean_require_job(&c->dir, err);
	if (ret == 0)
		ret = clean_lock(&c->run_lock, &c->dir, "run.lock",
				 "plan or run", err);
	if (ret == 0)
		ret = clean_lock(&c->final_lock, &c->dir, "final.lock",
				 "finalize", err);
	if (ret == 0)
		ret = clean_refuse_workers(&c->dir, err);
	if (ret < 0)
		sm_cleaning_end(c);
	return ret;
}

void
sm_cleaning_end(struct sm_cleaning *c)
{
	if (c->run_lock >= 0)
		close(c->run_lock);
	if (c->final_lock >= 0)
		close(c->final_lock);
	sm_jobdir_close(&c->dir);
	*c = (struct sm_cleaning)SM_CLEANING_NONE;
}

/* -------------------------------------------------------------- remove -- */

/*
 * The mark says that what there is may go.  With a database or a specification
 * it says nothing: a job may have been planned, or recovered, there since.
 */
int
sm_cleaning_was_begun(bool *begun, const struct sm_cleaning *c,
		      struct sm_err *err)
{
	bool marked, has;
	int ret = sm_jobdir_has(&marked, &c->dir, SM_JOBDIR_CLEANING, err);

	*begun = false;
	if (ret < 0 || !marked)
		return ret;
	ret = sm_jobdir_has(&has, &c->dir, "job.db", err);
	if (ret == 0 && !has)
		ret = sm_jobdir_has(&has, &c->dir, "spec.json", err);
	*begun = ret == 0 && !has;
	return ret;
}

int
sm_cleaning_mark(const struct sm_cleaning *c, struct sm_err *err)
{
	int ret = sm_jobdir_write(&c->dir, SM_JOBDIR_CLEANING,
				  "what is here is being removed\n", err);

	if (ret == 0 && sm_sync_dir(c->dir.fd) < 0)
		ret = sm_err_sys(err, "cannot sync '%s'", c->dir.path);
	sm_fault("clean.marked");
	return ret;
}

int
sm_cleaning_remove(struct sm_clean_result *r, struct sm_cleaning *c,
		   struct sm_err *err)
{
	uint64_t left = 0;
	int ret;

	/* Of a --restart that was killed. */
	unlinkat(c->dir.fd, "replaces", 0);
	ret = sm_jobdir_remove(&c->dir, err);
	if (ret < 0)
		return sm_err_append(err, "; what is left of the job goes when "
					  "clean is called again");
	/* The descriptor still shows what is in it, if anything is. */
	r->kept = access(c->dir.path, F_OK) == 0;
	if (r->kept && sm_dir_size(&left, c->dir.fd) == 0 && left < r->bytes)
		r->bytes -= left;
	return 0;
}

/* ------------------------------------------------------------ finished -- */

/* All rows are done, and the files that they made are there. */
static int
clean_has_all(bool *all, struct sm_err *why, struct sm_clean_result *r,
	      struct sm_handle *h, struct sm_err *err)
{
	struct sm_batch_counts c;
	int ret = sm_batch_counts(&c, h->db, err);

	*all = false;
	if (ret < 0)
		return ret;
	r->done += c.done;
	r->total += c.total;
	if (c.done < c.total) {
		sm_err_set(why, SM_EREFUSED,
			   "%llu of the %llu batches of '%s' %s not done",
			   (unsigned long long)(c.total - c.done),
			   (unsigned long long)c.total, h->dir.path,
			   c.total - c.done == 1 ? "is" : "are");
		return 0;
	}
	ret = sm_files_all(all, &h->files, h->db, h->job.first_batch, err);
	if (ret == 0 && !*all)
		sm_err_set(why, SM_EREFUSED,
			   "not all files of the done batches are in '%s'",
			   h->files.kind.dir);
	return ret;
}

/* Options may have been changed since it was joined: then by what they were. */
static int
clean_is_own(bool *own, struct sm_handle *h, struct sm_err *err)
{
	struct sm_published spec = { .spec = h->spec };
	uint64_t made[CLEAN_FINGERPRINTS];
	struct sm_err why;
	size_t i, count;
	int ret = sm_join_check_target(h->job.final_path, h->fingerprint, &spec,
				       false, &why);

	*own = ret == 0;
	if (ret < 0 && ret != SM_EREFUSED) {
		*err = why;
		return ret;
	}
	if (*own)
		return 0;
	ret = sm_history_fingerprints(made, &count, CLEAN_FINGERPRINTS, h->db,
				      err);
	for (i = 0; ret == 0 && i < count && !*own; i++)
		*own = sm_join_check_target(h->job.final_path, made[i], NULL,
					    false, &why) == 0;
	return ret;
}

/* The file stands, is as long as it was, and says itself that it is the job's.
 */
static int
clean_has_file(bool *has, struct sm_err *why, struct sm_clean_result *r,
	       struct sm_handle *h, struct sm_err *err)
{
	struct sm_join_from from = sm_join_from_one(h);
	const char *path = h->job.final_path;
	int ret;

	*has = false;
	if (h->job.final_size < 0) {
		sm_err_set(why, SM_EREFUSED,
			   "the batches of '%s' are done, but not joined: "
			   "'shardmill finalize' does that",
			   h->dir.path);
		return 0;
	}
	ret = sm_published_is_complete(has, &from, err);
	if (ret < 0)
		return ret;
	if (!*has) {
		sm_err_set(why, SM_EREFUSED,
			   "the final file '%s' is missing, or is another one "
			   "than was joined",
			   path);
		return 0;
	}
	ret = clean_is_own(has, h, err);
	if (ret < 0)
		return ret;
	if (!*has) {
		sm_err_set(why, SM_EREFUSED,
			   "the final file '%s' says that it is another job's",
			   path);
		return 0;
	}
	r->final_path = strdup(path);
	return r->final_path ? 0 : sm_err_mem(err, "a path");
}

int
sm_one_is_finished(bool *is, struct sm_err *why, struct sm_clean_result *r,
		   struct sm_handle *h, struct sm_err *err)
{
	bool makes = h->files.kind.dir || h->files.kind.textless;
	int ret = clean_has_all(is, why, r, h, err);

	if (ret == 0 && h->files.kind.dir && !r->files_dir) {
		r->files_dir = strdup(h->files.kind.dir);
		if (!r->files_dir)
			ret = sm_err_mem(err, "a path");
	}
	/* A part has no file of its own: the whole's is looked at. */
	if (ret < 0 || !*is || h->job.parts > 0)
		return ret;
	if (h->job.final_path)
		return clean_has_file(is, why, r, h, err);
	*is = makes;
	if (!makes)
		sm_err_set(why, SM_EREFUSED,
			   "the batches of '%s' are done, but not joined: "
			   "'shardmill finalize -o FILE' does that",
			   h->dir.path);
	return 0;
}

int
sm_one_forget_growing(struct sm_handle *h, struct sm_err *err)
{
	struct sm_growing who = sm_growing_of(h);

	if (!h->job.final_path)
		return 0;
	return sm_growing_forget(h->job.final_path, &who, err);
}

int
sm_cleaning_refuse(struct sm_err *err)
{
	return sm_err_append(err, "; --unfinished removes the job all the "
				  "same, and what it has made is lost");
}

static int
clean_look(struct sm_clean_result *r, struct sm_handle *h,
	   const struct sm_clean_opts *opts, struct sm_err *err)
{
	struct sm_err why = { 0 };
	int ret;

	if (h->job.parts > 0)
		return sm_err_set(err, SM_EREFUSED,
				  "'%s' is one of the %llu parts of a job; "
				  "name the whole, the directory above it",
				  h->dir.path,
				  (unsigned long long)h->job.parts);
	ret = sm_handle_refuse_host(h, err);
	if (ret == 0)
		ret = sm_one_is_finished(&r->finished, &why, r, h, err);
	if (ret < 0 || r->finished || opts->unfinished)
		return ret;
	*err = why;
	return sm_cleaning_refuse(err);
}

int
sm_one_clean(struct sm_clean_result *r, struct sm_cleaning *c,
	     const struct sm_clean_opts *opts, struct sm_err *err)
{
	struct sm_db_opts db = { .mode = SM_DB_READ };
	struct sm_handle h = SM_HANDLE_NONE;
	int ret = sm_cleaning_was_begun(&r->begun, c, err);

	if (ret == 0 && !r->begun) {
		ret = sm_handle_open(&h, c->dir.path, &db, opts->trust, err);
		if (ret == 0)
			ret = clean_look(r, &h, opts, err);
	}
	sm_dir_size(&r->bytes, c->dir.fd);
	if (ret == 0 && !opts->look && !r->begun) {
		ret = sm_cleaning_mark(c, err);
		if (ret == 0)
			ret = sm_one_forget_growing(&h, err);
	}
	sm_handle_close(&h);
	if (ret < 0 || opts->look)
		return ret;
	return sm_cleaning_remove(r, c, err);
}
