/*
 * plan_parts.c - plan a job in parts (parts.h)
 *
 * The input is cut once, into a list in memory (some 70 bytes a batch, and its
 * item), because the bounds of the parts are known only at its end.  Then each
 * part is made as a whole job is: rows and job row in one transaction, synced.
 * JOB/spec.json comes last.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "file.h"

#include "parts.h"
#include "planning.h"

int
sm_part_list_add(struct sm_part_list *l, const struct sm_piece *b,
		 struct sm_err *err)
{
	struct sm_piece *grown;

	if (l->count == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 1024;
		grown = realloc(l->row, l->cap * sizeof(*grown));
		if (!grown) {
			free(b->item);
			return sm_err_mem(err, "the batches");
		}
		l->row = grown;
	}
	l->row[l->count++] = *b;
	return 0;
}

void
sm_part_list_release(struct sm_part_list *l)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		free(l->row[i].item);
	free(l->row);
	*l = (struct sm_part_list){ 0 };
}

static int
list_emit(const struct sm_piece *cut, void *arg, struct sm_err *err)
{
	struct sm_piece b = *cut;
	struct sm_planning *p = arg;

	if (cut->id == 0 && p->kind->describe)
		p->result->first_command = p->kind->describe(p->spec, cut);
	if (cut->item) {
		b.item = strdup(cut->item);
		if (!b.item)
			return sm_err_mem(err, "the batches");
	}
	return sm_part_list_add(p->list, &b, err);
}

/* ---------------------------------------------------------- one part -- */

static int
part_insert(struct sm_planning *q, const struct sm_part_list *l,
	    struct sm_err *err)
{
	uint64_t first, end, i;
	int ret = sm_db_begin_write(q->db, err);

	if (ret < 0)
		return ret;
	sm_db_hear_signals(q->db);
	sm_spec_part_range(&first, &end, q->spec->batches,
			   (uint64_t)q->spec->part, q->spec->parts);
	for (i = first; i < end && ret == 0; i++) {
		if (l->row[i].first >= 0)
			q->part_rows +=
				(uint64_t)(l->row[i].end - l->row[i].first);
		ret = sm_batch_insert(q->db, &l->row[i], err);
	}
	return ret;
}

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

static int
part_make(struct sm_planning *p, struct sm_err *err)
{
	struct sm_db_opts db = { .mode = SM_DB_CREATE,
				 .network_fs = p->opts->network_fs,
				 .wait = { .limit_s = SM_OUTSIDER_LIMIT_S } };
	struct sm_planning q = *p;
	int ret;

	q.dir = (struct sm_jobdir)SM_JOBDIR_NONE;
	q.db = NULL;
	q.part_rows = 0;
	ret = part_make_directory(&q, p, err);
	if (ret == 0)
		ret = sm_db_open(&q.db, q.dir.path, q.dir.fd, &db, err);
	if (ret == 0)
		ret = part_insert(&q, p->list, err);
	if (ret == 0)
		ret = sm_planning_commit(&q, err);
	if (q.db)
		sm_db_rollback(q.db);
	sm_db_close(q.db);
	sm_jobdir_close(&q.dir);
	sm_fault("parts.made_one");
	return ret;
}

/* ------------------------------------------------------------- a new job -- */

static int
parts_check_number(const struct sm_planning *p, struct sm_err *err)
{
	if (p->spec->parts <= p->spec->batches)
		return 0;
	return sm_err_set(err, SM_EUSAGE,
			  "%" PRIu64 " parts of %" PRIu64 " batches: each part "
			  "needs one at least; ask for fewer parts or smaller "
			  "batches",
			  p->spec->parts, p->spec->batches);
}

static int
parts_make_all(struct sm_planning *p, struct sm_err *err)
{
	uint64_t i;
	int ret = 0;

	for (i = 0; i < p->spec->parts && ret == 0; i++) {
		if (sm_event_stops(p->ev) > 0)
			return sm_err_set(err, SM_ESTOPPED,
					  "stopped while planning; the same "
					  "command plans anew");
		p->spec->part = (int64_t)i;
		ret = part_make(p, err);
	}
	p->spec->part = -1;
	return ret;
}

int
sm_plan_parts_make(struct sm_planning *p, struct sm_err *err)
{
	int ret = parts_check_number(p, err);

	if (ret == 0)
		ret = parts_make_all(p, err);
	sm_fault("parts.before_marker");
	return ret < 0 ? ret : sm_parts_mark(&p->dir, p->spec, err);
}

static int
parts_plan_new(struct sm_planning *p, struct sm_err *err)
{
	struct sm_part_list list = { 0 };
	int ret;

	p->list = &list;
	p->spec->parts = p->opts->parts;
	ret = sm_planning_digest(p, err);
	if (ret == 0)
		ret = sm_planning_cut(p, list_emit, err);
	if (ret == 0)
		ret = parts_check_number(p, err);
	if (ret == 0 && p->spec->output)
		ret = sm_join_check_target(p->spec->output,
					   p->spec->fingerprint, NULL, p->force,
					   err);
	if (ret == 0)
		ret = sm_plan_is_complete(p, err);
	if (ret > 0) {
		ret = 0;
		p->result->complete = p->forget = true;
	} else if (ret == 0) {
		ret = sm_jobdir_tables_name(&p->dir, p->spec->fingerprint, err);
		if (ret == 0)
			ret = sm_plan_parts_make(p, err);
		p->result->planned = ret == 0;
	}
	sm_part_list_release(&list);
	p->list = NULL;
	return ret;
}

/* ------------------------------------------------- one that is there -- */

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
	ret = sm_planning_lock(&q, err);
	if (ret == 0)
		ret = sm_plan_again(&q, err);
	if (q.lock >= 0)
		close(q.lock);
	sm_handle_close(&h);
	return ret;
}

static int
parts_check_again(const struct sm_planning *p, const struct sm_parts *w,
		  struct sm_err *err)
{
	if (p->opts->parts == 0 || p->opts->parts == w->parts)
		return 0;
	return sm_err_set(err, SM_EREFUSED,
			  "the job '%s' was planned in %" PRIu64 " parts, not "
			  "%" PRIu64 "; --restart begins again",
			  w->dir.path, w->parts, p->opts->parts);
}

/* Where the inputs and the final file are may have changed. */
static int
parts_mark_again(struct sm_planning *p, const struct sm_parts *w,
		 struct sm_err *err)
{
	const char *output =
		p->spec->output ? p->spec->output : w->spec->output;
	int ret = sm_spec_set_output(p->spec, output, err);

	p->spec->batches = w->spec->batches;
	p->spec->rows = w->spec->rows;
	p->spec->fingerprint = w->spec->fingerprint;
	p->spec->parts = w->parts;
	p->spec->part = -1;
	if (ret == 0 && output)
		ret = sm_join_check_target(output, p->spec->fingerprint, NULL,
					   p->force, err);
	return ret < 0 ? ret : sm_parts_mark(&p->dir, p->spec, err);
}

static int
parts_plan_again(struct sm_planning *p, struct sm_err *err)
{
	struct sm_parts w = SM_PARTS_NONE;
	uint64_t i;
	int ret = sm_parts_open(&w, p->dir.path, p->opts->trust, err);

	if (ret > 0)
		ret = parts_check_again(p, &w, err);
	for (i = 0; i < w.parts && ret == 0; i++)
		ret = part_plan_again(p, &w, i, err);
	if (ret == 0)
		ret = parts_mark_again(p, &w, err);
	if (ret == 0)
		ret = sm_parts_is_complete(&w, err);
	p->result->complete = ret > 0;
	sm_parts_close(&w);
	return ret < 0 ? ret : 0;
}

/* An ordinary job that was planned there, or its lost database. */
static int
parts_refuse_ordinary(struct sm_planning *p, struct sm_err *err)
{
	static const char *const files[] = { "job.db-wal", "job.db-shm",
					     "job.db-journal", "job.db" };
	struct sm_db_opts opts = { .mode = SM_DB_READ };
	struct sm_db *db = NULL;
	bool has = false;
	size_t i;
	int has_job = sm_jobdir_has(&p->dir, "job.db", err);

	if (has_job > 0) {
		has_job = sm_db_open(&db, p->dir.path, p->dir.fd, &opts, err);
		if (has_job == 0)
			has_job = sm_db_has_job(&has, db, err);
		if (has_job == 0)
			has_job = has;
		sm_db_close(db);
	}
	if (has_job < 0 && has_job != SM_EDAMAGED)
		return has_job;
	if (has_job <= 0)
		has_job = sm_jobdir_has_shards(&p->dir, err);
	if (has_job < 0)
		return has_job;
	if (has_job > 0)
		return sm_err_set(err, SM_EREFUSED,
				  "the job '%s' was planned without parts; "
				  "--restart begins again",
				  p->dir.path);
	for (i = 0; i < sizeof(files) / sizeof(*files); i++)
		unlinkat(p->dir.fd, files[i], 0);
	return 0;
}

int
sm_plan_is_parted(const struct sm_planning *p, struct sm_err *err)
{
	return p->opts->parts > 0 ? 1 : sm_parts_is_marked(&p->dir, err);
}

int
sm_plan_parts(struct sm_planning *p, struct sm_err *err)
{
	int ret;

	if (p->opts->settings.consume > 0)
		return sm_err_set(
			err, SM_EUSAGE,
			"--consume: a job in parts is joined when all "
			"of them are done, and keeps its shards");
	ret = sm_parts_is_marked(&p->dir, err);
	if (ret > 0) {
		ret = parts_plan_again(p, err);
	} else if (ret == 0) {
		ret = parts_refuse_ordinary(p, err);
		if (ret == 0)
			ret = parts_plan_new(p, err);
	}
	/* The shards are the parts'. */
	if (ret == 0)
		unlinkat(p->dir.fd, "shards", AT_REMOVEDIR);
	p->result->batches = p->spec->batches;
	p->result->rows = p->spec->rows;
	p->result->parts = p->spec->parts;
	return ret;
}
