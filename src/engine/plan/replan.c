/*
 * replan.c - plan on a job that is there: the same, or changed?
 *
 * Content options and inputs are compared with the planned ones.  The same:
 * throughput options are taken over and that is all.  Changed: refused, named
 * with old and new value; --accept-changed keeps the batches that are done and
 * makes the rest by the new options, as long as the batches are the same ones.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

#include "consumed.h"
#include "files.h"
#include "replan.h"

static int
replan_refuse(struct sm_replan *r, struct sm_err *err)
{
	char said[SM_SAID_MAX];
	struct sm_run_by by;
	const char *advice;

	if (r->old->parts > 0)
		return sm_err_set(
			err, SM_EREFUSED,
			"the job '%s' was planned otherwise: %s; a job "
			"in parts cannot be changed, --restart begins "
			"again",
			r->p->dir.path, r->diff.data);
	if (r->cuts)
		advice = "so what is done cannot be kept";
	else if (r->grown == 0)
		advice = "--accept-changed keeps the batches that are done and "
			 "makes the rest this way";
	else if (r->grown == r->changes)
		advice = "--extend keeps the batches that are done and adds "
			 "what is new";
	else
		advice = "--extend with --accept-changed keeps the batches "
			 "that are done, makes the rest this way and adds what "
			 "is new";
	sm_buf_printf(&r->diff, "; %s", sm_err_said(said, advice));
	sm_buf_puts(&r->diff, sm_err_said(said, ", --restart begins again"));
	if (r->files)
		sm_buf_puts(&r->diff,
			    sm_err_said(said, ", --no-watch-command "
					      "does not compare the "
					      "files of the command"));
	if (r->p->stdin_once)
		sm_buf_printf(&r->diff,
			      ", %s goes on with what it was planned with",
			      sm_kind_run_by(&by, r->old, r->p->dir.path));
	if (sm_buf_failed(&r->diff))
		return sm_err_mem(err, "the comparison");
	return sm_err_set(err, SM_EREFUSED,
			  "the job '%s' was planned otherwise: %s",
			  r->p->dir.path, r->diff.data);
}

/* May it go on with what differs? */
static int
replan_decide(struct sm_replan *r, struct sm_err *err)
{
	const struct sm_plan_opts *o = r->p->opts;

	if (r->changes == 0 ||
	    (r->old->parts == 0 && (r->grown == 0 || o->extend) &&
	     (r->grown == r->changes || o->accept_changed)))
		return 0;
	return replan_refuse(r, err);
}

/* Throughput options and the final file's path. */
static int
replan_settings(struct sm_replan *r, struct sm_err *err)
{
	struct sm_planning *p = r->p;
	int ret =
		sm_consumed_refuse_change(p->db, &r->job, p->spec->output, err);

	if (ret == 0 && p->opts->network_fs && !r->job.network_fs)
		ret = sm_db_leave_wal(p->db, err);
	if (ret == 0)
		ret = sm_db_begin_write(p->db, err);
	if (ret < 0)
		return ret;
	ret = sm_job_set(p->db, &p->opts->settings, err);
	if (ret == 0 && r->place != SM_PLACE_HOME)
		ret = sm_job_set_place(p->db, r->job.final_path, err);
	if (ret == 0 && p->opts->network_fs)
		ret = sm_job_set_network_fs(p->db, err);
	if (ret == 0 && p->spec->output && p->spec->part < 0) {
		sm_join_leave(&p->dir, &r->job, p->spec->output);
		ret = sm_job_set_final(p->db, p->spec->output, p->opts->force,
				       err);
	}
	/* A part has no final file, but notes what the whole's may replace. */
	if (ret == 0 && p->spec->part >= 0)
		ret = sm_job_set_final(p->db, NULL, p->opts->force, err);
	if (ret == 0)
		return sm_db_commit(p->db, err);
	sm_db_rollback(p->db);
	return ret;
}

static int
replan_record(struct sm_replan *r, const char *text, struct sm_err *err)
{
	struct sm_planning *p = r->p;
	char hex[17];
	int ret = sm_db_begin_write(p->db, err);

	if (ret < 0)
		return ret;
	snprintf(hex, sizeof(hex), "%016llx",
		 (unsigned long long)p->spec->fingerprint);
	ret = sm_job_set_spec(p->db, text, hex, err);
	if (ret == 0)
		ret = sm_extend_record(r, err);
	if (ret == 0)
		ret = sm_planning_insert_inputs(p, err);
	sm_fault("replan.before_commit");
	if (ret == 0)
		ret = sm_db_commit(p->db, err);
	sm_fault("replan.committed");
	sm_db_rollback(p->db);
	return ret;
}

/* The same content elsewhere: workers must look there. */
static int
replan_move(struct sm_replan *r, struct sm_err *err)
{
	char *text;
	int ret = 0;

	text = sm_spec_text(r->p->spec, err);
	if (!text)
		return err->code;
	ret = replan_record(r, text, err);
	free(text);
	return ret;
}

/*
 * The tables of the new fingerprint stand beside the old ones until the commit
 * says which are meant; killed in between, the job is still the old one.
 */
static int
replan_accept(struct sm_replan *r, struct sm_err *err)
{
	struct sm_planning *p = r->p;
	char *text = NULL;
	int ret;

	ret = sm_planning_cut(p, sm_extend_emit, err);
	if (ret == 0)
		ret = sm_extend_check(r, err);
	if (ret == 0)
		ret = sm_jobdir_tables_name(&p->dir, p->spec->fingerprint, err);
	if (ret < 0)
		return ret;
	text = sm_spec_text(p->spec, err);
	if (!text)
		return err->code;
	ret = replan_record(r, text, err);
	free(text);
	return ret;
}

static int
replan_tell_accepted(struct sm_replan *r, struct sm_err *err)
{
	struct sm_batch_counts c;
	int ret = sm_batch_counts(&c, r->p->db, err);

	if (ret == 0)
		sm_event_notice(r->p->ev,
				"%s: %s; %llu of %llu batches are done "
				"and stay as they were made",
				r->grown == r->changes ? "extended"
						       : "accepted",
				r->diff.data, (unsigned long long)c.done,
				(unsigned long long)c.total);
	return ret;
}

static int
replan_complete(struct sm_planning *p, struct sm_handle *h, struct sm_err *err)
{
	struct sm_join_from from = sm_join_from_one(h);
	int ret = sm_published_is_complete(&p->result->complete, &from, err);

	h->digits = sm_shard_digits(h->job.whole_batches);
	if (ret == 0 && p->result->complete)
		sm_join_sweep(h, p->ev);
	return ret;
}

static int
replan_keep_identity(struct sm_replan *r, struct sm_err *err)
{
	struct sm_spec *spec = r->p->spec;

	spec->earlier = NULL;
	if (r->changes == 0 && sm_spec_take_earlier(spec, r->old, err) < 0)
		return err->code;
	if (r->old->id) {
		spec->id = sm_spec_strdup(spec, r->old->id);
		if (!spec->id)
			return sm_err_mem(err, "the specification");
	}
	return sm_spec_set_home(spec, r->p->dir.path, err);
}

static int
replan_finish(struct sm_replan *r, struct sm_err *err)
{
	struct sm_planning *p = r->p;
	struct sm_handle h = { .dir = p->dir,
			       .db = p->db,
			       .spec = p->spec,
			       .files = SM_FILES_NONE };
	int ret;

	p->spec->batches = r->old->batches;
	p->spec->rows = r->old->rows;
	p->spec->part = r->old->part;
	p->spec->parts = r->old->parts;
	p->spec->fingerprint = strtoull(r->job.fingerprint, NULL, 16);
	ret = replan_keep_identity(r, err);
	if (ret < 0)
		return ret;
	if (r->changes > 0) {
		ret = replan_accept(r, err);
		if (ret < 0)
			return ret;
		ret = replan_tell_accepted(r, err);
		if (ret < 0)
			return ret;
	} else if (r->moved || r->free || r->place != SM_PLACE_HOME) {
		ret = replan_move(r, err);
		if (ret < 0)
			return ret;
		if (r->moved)
			sm_event_notice(p->ev,
					"inputs that were moved are read from "
					"their new places");
	}
	ret = replan_settings(r, err);
	if (ret == 0)
		ret = sm_job_get(&h.job, p->db, err);
	if (ret == 0)
		ret = sm_handle_mend_copies(&h, err);
	sm_files_open(&h.files, h.spec);
	if (ret == 0)
		ret = replan_complete(p, &h, err);
	sm_files_close(&h.files);
	sm_job_release(&h.job);
	return ret;
}

/* The job's name for its batches, and who can go on with it. */
static int
replan_refuse_kind(const struct sm_replan *r, struct sm_err *err)
{
	const struct sm_kind *kind = sm_kind_of(r->old);
	const struct sm_planning *p = r->p;
	struct sm_run_by by;

	sm_err_set(err, SM_EREFUSED,
		   "the job '%s' is of the kind '%s', not '%s'", p->dir.path,
		   r->old->kind->name, p->spec->kind->name);
	if (kind->producer)
		sm_err_append(err, ": %s goes on with it",
			      sm_kind_run_by(&by, r->old, p->dir.path));
	return sm_err_append(err, "; --restart begins again");
}

int
sm_plan_again(struct sm_planning *p, struct sm_err *err)
{
	struct sm_replan r = { .p = p };
	int ret = sm_job_get(&r.job, p->db, err);

	p->had = r.job.batches;
	if (ret == 0)
		ret = sm_spec_parse(&r.old, sm_kind_any, r.job.spec, "job.spec",
				    err);
	if (ret == 0)
		ret = sm_place_settle(&r.place, &p->dir, r.old,
				      &r.job.final_path, err);
	if (ret == 0 && r.old->kind != p->spec->kind)
		ret = replan_refuse_kind(&r, err);
	if (ret == 0)
		ret = sm_files_refuse_change(r.old, p->spec, &p->dir, err);
	if (ret == 0)
		ret = sm_replan_compare(&r, err);
	if (ret == 0)
		ret = replan_decide(&r, err);
	if (ret == 0)
		ret = replan_finish(&r, err);
	else if (p->kept && r.old && r.old->parts == 0)
		sm_jobdir_prune_tables(&p->dir, r.old->fingerprint);
	sm_buf_release(&r.diff);
	sm_spec_free(r.old);
	sm_job_release(&r.job);
	return ret;
}
