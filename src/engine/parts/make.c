/*
 * make.c - plan a job in parts (parts.h), or find that it is planned
 *
 * The input is cut once, as for one job, because the bounds of the parts are
 * known only at its end.  Then each part is made as one job is, out of its
 * range of the list.  JOB/spec.json comes last.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"
#include "file.h"

#include "growing.h"
#include "parts.h"
#include "planning.h"

int
sm_parts_check_asked(const struct sm_parts *w, const struct sm_planning *p,
		     struct sm_err *err)
{
	uint64_t parts = p->opts->parts;

	if (parts == 0 && w->parts == 0)
		return 0;
	if (p->opts->settings.consume > 0)
		return sm_err_set(
			err, SM_EUSAGE,
			"--consume: a job in parts is joined when all "
			"of them are done, and keeps its shards");
	if (parts == 0 || w->parts == 0 || parts == w->parts)
		return 0;
	return sm_err_set(err, SM_EREFUSED,
			  "the job '%s' was planned in %" PRIu64 " parts, not "
			  "%" PRIu64 "; --restart begins again",
			  w->dir.path, w->parts, parts);
}

/* ---------------------------------------------------------- a new job -- */

/* The directory, with nothing of a killed plan in it. */
static int
part_make_directory(struct sm_planning *q, const struct sm_planning *p,
		    struct sm_err *err)
{
	char name[SM_PART_NAME_MAX + 1] = "/", *path;
	bool made;
	int ret;

	sm_part_name(name + 1, (uint64_t)p->spec->part, p->spec->parts);
	path = sm_path_concat(p->dir.path, name);
	if (!path)
		return sm_err_mem(err, "a path");
	ret = sm_jobdir_create(&q->dir, path, p->opts->trust,
			       p->opts->network_fs, &made, err);
	/* Its tables are those of the whole. */
	if (ret == 0)
		unlinkat(q->dir.fd, "tables", AT_REMOVEDIR);
	free(path);
	return ret;
}

/*
 * A shallow copy: specification and list are the whole's, directory, database
 * and count of rows the part's.
 */
static int
part_make(struct sm_planning *p, struct sm_err *err)
{
	struct sm_planning q = *p;
	int ret;

	q.dir = (struct sm_jobdir)SM_JOBDIR_NONE;
	q.db = NULL;
	q.part_rows = 0;
	ret = part_make_directory(&q, p, err);
	if (ret == 0)
		ret = sm_planning_make(&q, err);
	sm_db_close(q.db);
	sm_jobdir_close(&q.dir);
	sm_fault("parts.made_one");
	return ret;
}

int
sm_parts_make(struct sm_planning *p, uint64_t parts, struct sm_err *err)
{
	uint64_t i;
	int ret = 0;

	if (parts > p->spec->batches)
		return sm_err_set(err, SM_EUSAGE,
				  "%" PRIu64 " parts of %" PRIu64 " batches: "
				  "each part needs one at least; ask for fewer "
				  "parts or smaller batches",
				  parts, p->spec->batches);
	p->spec->parts = parts;
	for (i = 0; i < parts && ret == 0; i++) {
		if (sm_event_stops(p->ev) > 0)
			return sm_err_set(err, SM_ESTOPPED,
					  "stopped while planning; the same "
					  "command plans anew");
		p->spec->part = (int64_t)i;
		ret = part_make(p, err);
	}
	p->spec->part = -1;
	sm_fault("parts.before_marker");
	if (ret == 0)
		ret = sm_parts_mark(&p->dir, p->spec, err);
	p->result->parts = parts;
	return ret;
}

int
sm_parts_plan_new(struct sm_planning *p, struct sm_err *err)
{
	int ret = sm_parts_make(p, p->opts->parts, err);

	/* The shards are the parts'. */
	if (ret == 0)
		unlinkat(p->dir.fd, "shards", AT_REMOVEDIR);
	return ret;
}

/* ------------------------------------------------- one that is there -- */

/*
 * As one job is planned again, under its own run.lock, which a run of
 * the part holds.
 */
static int
part_plan_again(struct sm_planning *p, const struct sm_parts *w, uint64_t part,
		struct sm_err *err)
{
	struct sm_db_opts db = { .mode = SM_DB_WRITE,
				 .wait = { .limit_s = SM_OUTSIDER_LIMIT_S } };
	struct sm_planning q = *p;
	struct sm_handle h;
	int ret = sm_parts_handle(&h, w, part, &db, err);

	if (ret < 0)
		return ret;
	q.dir = h.dir;
	q.db = h.db;
	q.lock = -1;
	q.cuts = NULL;
	q.reach = (struct sm_reach){ .fd = -1 };
	ret = sm_planning_lock(&q, err);
	if (ret == 0)
		ret = sm_plan_again(&q, err);
	if (q.lock >= 0)
		close(q.lock);
	sm_cuts_free(q.cuts);
	sm_reach_leave(&q.reach);
	sm_handle_close(&h);
	return ret;
}

/* Where the inputs and the final file are may have changed. */
static int
parts_mark_again(struct sm_planning *p, const struct sm_parts *w,
		 struct sm_err *err)
{
	const char *output =
		p->spec->output ? p->spec->output : w->spec->output;
	struct sm_growing who = { .dir = &p->dir };
	int ret = sm_spec_set_output(p->spec, output, err);

	p->spec->id = w->spec->id;
	p->spec->batches = w->spec->batches;
	p->spec->rows = w->spec->rows;
	p->spec->fingerprint = w->spec->fingerprint;
	p->spec->parts = w->parts;
	p->spec->part = -1;
	if (ret == 0 && output)
		ret = sm_join_check_target(output, p->spec->fingerprint, NULL,
					   p->force, err);
	who.fingerprint = p->spec->fingerprint;
	if (ret == 0 && output && !p->force)
		ret = sm_growing_check(output, &who, err);
	if (ret >= 0)
		ret = sm_parts_mark(&p->dir, p->spec, err);
	return ret;
}

int
sm_parts_plan_again(struct sm_planning *p, struct sm_parts *w,
		    struct sm_err *err)
{
	uint64_t i;
	int ret = sm_planning_keep(p, w->spec->fingerprint, err);

	for (i = 0; i < w->parts && ret == 0; i++)
		ret = part_plan_again(p, w, i, err);
	sm_jobdir_prune_tables(&p->dir, w->spec->fingerprint);
	if (ret == 0)
		ret = parts_mark_again(p, w, err);
	if (ret == 0)
		ret = sm_parts_is_complete(&p->result->complete, w, err);
	if (ret < 0)
		return ret;
	p->result->parts = w->parts;
	unlinkat(p->dir.fd, "shards", AT_REMOVEDIR);
	return 0;
}

/*
 * Before --restart deletes the parts: the old final file may be replaced by the
 * new one without --force, and its growing file is forgotten.
 */
int
sm_parts_note_final(const struct sm_parts *w, const struct sm_planning *p,
		    struct sm_err *err)
{
	const struct sm_jobdir *dir = &p->dir;
	struct sm_growing who = { .dir = dir,
				  .fingerprint = w->spec->fingerprint };
	struct sm_published f;
	const char *path = w->spec->output;
	int ret = sm_published_read(&f, dir, err);

	if (f.path)
		path = f.path;
	if (path && ret == 0 && !p->opts->force)
		ret = sm_growing_check(path, &who, err);
	if (path && ret == 0) {
		ret = sm_join_check_target(path, w->spec->fingerprint, NULL,
					   false, err);
		if (ret == 0)
			ret = sm_jobdir_write(dir, "replaces", path, err);
		else if (ret == SM_EREFUSED)
			ret = 0;
	}
	if (path && ret == 0)
		ret = sm_growing_forget(path, &who, err);
	sm_published_release(&f);
	return ret;
}
