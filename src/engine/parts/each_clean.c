/*
 * each_clean.c - remove a whole job in parts that is finished
 *
 * Part after part, as one job is, so that files that are not the job's stay in
 * each; the whole, whose spec.json says how many there were, goes last.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dir.h"
#include "growing.h"
#include "join.h"
#include "tend.h"

#include "parts.h"

/* ------------------------------------------------------------ finished -- */

/* Has a kill left the whole with the mark, and with less than all parts? */
static int
parts_were_begun(bool *begun, const struct sm_parts *w,
		 const struct sm_cleaning *c, struct sm_err *err)
{
	struct sm_err why;
	bool marked;
	int ret = sm_jobdir_has(&marked, &c->dir, SM_JOBDIR_CLEANING, err);
	uint64_t i;
	char *path;

	*begun = false;
	if (ret < 0 || !marked)
		return ret;
	for (i = 0; i < w->parts && !*begun; i++) {
		*begun = sm_parts_path(&path, w, i, &why) == SM_EINPUT;
		free(path);
	}
	return 0;
}

static int
part_is_finished(bool *is, struct sm_err *why, struct sm_clean_result *r,
		 const struct sm_parts *w, uint64_t part, struct sm_err *err)
{
	struct sm_db_opts db = { .mode = SM_DB_READ };
	struct sm_handle h = SM_HANDLE_NONE;
	int ret = sm_parts_handle(&h, w, part, &db, err);

	if (ret == 0)
		ret = sm_handle_refuse_host(&h, err);
	if (ret == 0)
		ret = sm_one_is_finished(is, why, r, &h, err);
	sm_handle_close(&h);
	return ret;
}

static int
parts_have_file(bool *has, struct sm_err *why, struct sm_clean_result *r,
		struct sm_parts *w, struct sm_err *err)
{
	struct sm_published f, spec = { .spec = w->spec };
	int ret = sm_published_read(&f, &w->dir, err);

	*has = false;
	if (ret == 0)
		ret = sm_parts_is_joined(has, w, err);
	if (ret == 0 && *has)
		ret = sm_join_check_target(f.path, w->spec->fingerprint, &spec,
					   false, err);
	if (ret == SM_EREFUSED) {
		*has = false;
		ret = 0;
	}
	if (ret == 0 && *has) {
		r->final_path = strdup(f.path);
		if (!r->final_path)
			ret = sm_err_mem(err, "a path");
	} else if (ret == 0 && !f.path) {
		sm_err_set(why, SM_EREFUSED,
			   "the parts of '%s' are done, but not joined: "
			   "'shardmill finalize' does that",
			   w->dir.path);
	} else if (ret == 0) {
		sm_err_set(why, SM_EREFUSED,
			   "the final file '%s' is missing, or is another one "
			   "than was joined",
			   f.path);
	}
	sm_published_release(&f);
	return ret;
}

static int
parts_are_finished(bool *is, struct sm_err *why, struct sm_clean_result *r,
		   struct sm_parts *w, struct sm_err *err)
{
	const struct sm_kind *kind = sm_kind_of(w->spec);
	struct sm_kind_files files = { .dir = NULL };
	bool all = true, one;
	uint64_t i;
	int ret = 0;

	for (i = 0; i < w->parts && ret == 0; i++) {
		one = true;
		ret = part_is_finished(&one, why, r, w, i, err);
		all &= one;
	}
	*is = ret == 0 && all;
	if (!*is)
		return ret;
	if (kind->files)
		files = kind->files(w->spec->opts);
	if ((files.dir || files.textless) && !w->spec->output)
		return 0;
	return parts_have_file(is, why, r, w, err);
}

/* -------------------------------------------------------------- remove -- */

/* Of a clean that was killed there may be less than a job in it. */
static int
part_remove(struct sm_clean_result *r, const struct sm_parts *w, uint64_t part,
	    struct sm_err *err)
{
	struct sm_cleaning c = SM_CLEANING_NONE;
	struct sm_clean_result one = { 0 };
	struct sm_err why = { 0 };
	char *path;
	int ret = sm_parts_path_of(&path, w, part, err);

	if (ret < 0)
		return ret;
	if (access(path, F_OK) == 0) {
		ret = sm_cleaning_hold(&c, path, w->trust, &why);
		if (ret == SM_EINPUT)
			ret = sm_jobdir_open_whole(&c.dir, path, w->trust, err);
		else if (ret < 0)
			*err = why;
		if (ret == 0)
			ret = sm_cleaning_remove(&one, &c, err);
	}
	r->kept |= one.kept;
	sm_cleaning_end(&c);
	free(path);
	return ret;
}

static int
parts_remove_all(struct sm_clean_result *r, struct sm_parts *w,
		 struct sm_cleaning *c, struct sm_err *err)
{
	struct sm_growing who = { .dir = &w->dir,
				  .fingerprint = w->spec->fingerprint };
	uint64_t i;
	int ret = sm_cleaning_mark(c, err);

	if (ret == 0 && w->spec->output)
		ret = sm_growing_forget(w->spec->output, &who, err);
	for (i = 0; i < w->parts && ret == 0; i++)
		ret = part_remove(r, w, i, err);
	if (ret == 0)
		ret = sm_cleaning_remove(r, c, err);
	return ret;
}

int
sm_parts_clean(struct sm_clean_result *r, struct sm_parts *w,
	       struct sm_cleaning *c, const struct sm_clean_opts *opts,
	       struct sm_err *err)
{
	struct sm_err why = { 0 };
	int ret = sm_parts_check_idle(&w->dir, err);

	if (ret == 0)
		ret = parts_were_begun(&r->begun, w, c, err);
	if (ret == 0 && !r->begun)
		ret = parts_are_finished(&r->finished, &why, r, w, err);
	if (ret < 0)
		return ret;
	if (!r->finished && !r->begun && !opts->unfinished) {
		*err = why;
		return sm_cleaning_refuse(err);
	}
	sm_dir_size(&r->bytes, c->dir.fd);
	if (opts->look)
		return 0;
	return parts_remove_all(r, w, c, err);
}
