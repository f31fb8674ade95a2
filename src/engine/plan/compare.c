/*
 * compare.c - what of a job that is there is another thing now?
 *
 * Options, inputs and what the command is made by, against what was planned.
 * Apart from replan.c, which decides what comes of it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "replan.h"

/* The planned digest if size and mtime say so, else that of the content. */
static int
replan_digest(struct sm_digest *d, struct sm_replan *r,
	      const struct sm_kind_input *in, const struct sm_job_input *was,
	      struct sm_err *err)
{
	int ret;

	*d = (struct sm_digest){ 0 };
	ret = sm_digest_stat(d, in->path, err);
	if (ret < 0)
		return ret;
	if (was && d->size == was->size && d->mtime_ns == was->mtime_ns &&
	    in->sampled == was->sampled && strcmp(in->path, was->path) == 0) {
		d->crc32 = was->crc32;
		d->sampled = was->sampled;
		return 0;
	}
	return sm_input_digest(d, in->path, in->sampled, r->job.workers,
			       r->p->ev, err);
}

/* Are the bytes that it had still its first ones? */
static int
replan_grew(bool *grew, const struct sm_kind_input *in,
	    const struct sm_job_input *was, const struct sm_digest *d,
	    struct sm_err *err)
{
	struct sm_digest before;
	int ret;

	*grew = false;
	if (!in->grows || d->size <= was->size)
		return 0;
	ret = sm_digest_prefix(&before, in->path, was->size, in->sampled, err);
	*grew = ret == 0 && before.size == was->size &&
		before.crc32 == was->crc32 && before.sampled == was->sampled;
	return ret;
}

/* An input without a path: the planned list, and the one that was read now. */
static int
replan_put_kept(struct sm_replan *r, const struct sm_kind_input *in,
		struct sm_err *err)
{
	const struct sm_planning *p = r->p;
	struct sm_kind_kept kept = { -1, -1 };
	bool grew = false;
	int ret;

	ret = sm_jobdir_tables(&kept.old_dirfd, &p->dir, r->old->fingerprint,
			       err);
	if (ret == 0)
		ret = sm_jobdir_tables_kept(&kept.new_dirfd, &p->dir, err);
	if (ret == 0)
		ret = p->kind->differ(&r->diff, &grew, p->spec->opts, in->name,
				      &kept, err);
	grew &= in->grows;
	r->grown += grew;
	r->cuts |= in->cuts && !grew;
	if (kept.old_dirfd >= 0)
		close(kept.old_dirfd);
	if (kept.new_dirfd >= 0)
		close(kept.new_dirfd);
	return ret;
}

/* Were the batches that are there cut from inputs? */
static bool
replan_was_cut(const struct sm_replan *r)
{
	struct sm_kind_input in;
	size_t i;

	for (i = 0; r->p->kind->input(&in, i, r->old->opts); i++)
		if (in.cuts)
			return true;
	return false;
}

/*
 * What of an input is another thing now; `was` is NULL where it is new.  `in`
 * says of an old one whether it was the last one when it was planned.
 */
static int
replan_put_input(struct sm_replan *r, const struct sm_kind_input *in,
		 const struct sm_job_input *was, const struct sm_digest *d,
		 struct sm_err *err)
{
	bool grew = false;
	int ret = 0;

	r->changes++;
	sm_buf_puts(&r->diff, r->diff.len ? "; " : "");
	if (was && in->path)
		ret = replan_grew(&grew, in, was, d, err);
	r->grown += grew;
	if (was && !in->path && strcmp(was->path, in->name) != 0) {
		sm_buf_printf(&r->diff,
			      "the input '%s' was the file '%s', is standard "
			      "input",
			      in->name, was->path);
	} else if (was && !in->path) {
		ret = replan_put_kept(r, in, err);
	} else if (was) {
		sm_buf_printf(&r->diff,
			      "the input '%s'%s%s had %llu bytes with CRC-32 "
			      "%08x, has %llu with %08x",
			      in->name, in->path ? ", " : "",
			      in->path ? in->path : "",
			      (unsigned long long)was->size, was->crc32,
			      (unsigned long long)d->size, d->crc32);
	} else {
		grew = in->cuts && replan_was_cut(r);
		r->grown += grew;
		r->cuts |= in->cuts && !grew;
		sm_buf_printf(&r->diff, "there was no input '%s'%s%s", in->name,
			      in->path ? ", " : "", in->path ? in->path : "");
	}
	return ret;
}

static int
replan_input(struct sm_replan *r, size_t i, struct sm_kind_input *in,
	     struct sm_err *err)
{
	struct sm_job_input was = { 0 };
	struct sm_kind_input old;
	struct sm_digest d;
	bool known, changed;
	int ret = sm_job_input(&known, &was, r->p->db, in->name, err);

	if (ret < 0)
		return ret;
	if (!in->path)
		d = r->p->spec->input[i].digest; /* sm_planning_keep() */
	else
		ret = replan_digest(&d, r, in, known ? &was : NULL, err);
	if (ret == 0)
		ret = sm_spec_set_input(r->p->spec, i, in->name,
					in->path ? in->path : in->name, &d,
					err);
	if (known && in->path && strcmp(in->path, was.path) != 0)
		r->moved = true;
	if (known && r->p->kind->input(&old, i, r->old->opts))
		in->grows = old.grows;
	/* What is kept in the tables is not there if it was a file. */
	changed = !known || d.size != was.size || d.crc32 != was.crc32 ||
		  d.sampled != was.sampled ||
		  (!in->path && strcmp(was.path, in->name) != 0);
	if (ret == 0 && changed)
		ret = replan_put_input(r, in, known ? &was : NULL, &d, err);
	sm_job_input_release(&was);
	return ret;
}

/* The old one's entry, or NULL. */
static const struct sm_spec_input *
replan_old_input(const struct sm_replan *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->old->inputs; i++)
		if (strcmp(r->old->input[i].name, name) == 0)
			return &r->old->input[i];
	return NULL;
}

/*
 * A program that was accepted as another one is part of the fingerprint from
 * then on, so that the attempts say which batch has which.
 */
static int
replan_file(struct sm_replan *r, const struct sm_kind_file *f,
	    struct sm_err *err)
{
	const struct sm_spec_input *old = replan_old_input(r, f->name);
	struct sm_job_input was = { 0 };
	struct sm_digest d = { 0 };
	bool known, same = false, aside = f->aside;
	char said[SM_SAID_MAX];
	int ret = sm_job_input(&known, &was, r->p->db, f->name, err);

	if (ret == 0 && known)
		ret = sm_input_same(&same, &d, f, &was, r->p->ev, err);
	else if (ret == 0)
		ret = sm_input_digest(&d, f->path, true, 0, r->p->ev, err);
	if (old)
		aside = old->aside && same;
	/* As at a start of the part (inputs.c). */
	if (ret == 0 && known && !same && r->old->parts > 0 && f->aside) {
		sm_event_notice(r->p->ev,
				"the command's program is another "
				"one than was planned: '%s'",
				f->path);
		d = old ? old->digest : d;
		aside = true;
	} else if (ret == 0 && !same && (known || f->must)) {
		r->changes++;
		r->files |= !f->must;
		sm_buf_puts(&r->diff, r->diff.len ? "; " : "");
		if (known)
			sm_input_put_change(&r->diff, f, &was, &d);
		else
			sm_buf_printf(
				&r->diff,
				sm_err_said(said, "--depends '%s' is new"),
				f->path);
	}
	if (ret == 0 && known && strcmp(f->path, was.path) != 0)
		r->moved = true;
	if (ret == 0)
		ret = sm_planning_set_file(r->p, f, &d, aside, err);
	sm_job_input_release(&was);
	return ret;
}

/* What is not compared any more stays as it was planned. */
static int
replan_keep_files(struct sm_replan *r, struct sm_err *err)
{
	struct sm_planning *p = r->p;
	const struct sm_spec_input *in = r->old->input;
	struct sm_kind_file f = { .path = NULL };
	size_t i, k;
	int ret = 0;

	for (k = p->inputs; k < r->old->inputs && ret == 0; k++) {
		for (i = p->inputs; i < p->spec->inputs; i++)
			if (strcmp(p->spec->input[i].name, in[k].name) == 0)
				break;
		if (i < p->spec->inputs)
			continue;
		snprintf(f.name, sizeof(f.name), "%s", in[k].name);
		f.path = in[k].path;
		ret = sm_planning_set_file(p, &f, &in[k].digest, in[k].aside,
					   err);
	}
	return ret;
}

static int
replan_files(struct sm_replan *r, struct sm_err *err)
{
	struct sm_planning *p = r->p;
	bool same_options = r->changes == 0;
	size_t i;
	int ret = 0;

	if (p->kind->made_by)
		ret = p->kind->made_by(p->file, &p->files, p->spec, r->old,
				       err);
	for (i = 0; i < p->files && ret == 0; i++)
		ret = replan_file(r, &p->file[i], err);
	if (ret == 0 && same_options)
		ret = replan_keep_files(r, err);
	return ret;
}

/* Inputs that batches were cut from, and that are named no more. */
static void
replan_dropped(struct sm_replan *r)
{
	struct sm_kind_input in;
	size_t i;

	for (i = 0; r->p->kind->input(&in, i, r->old->opts); i++) {
		if (i < r->p->inputs || !in.cuts)
			continue;
		sm_buf_puts(&r->diff, r->changes++ ? "; " : "");
		sm_buf_printf(&r->diff, "there is no input '%s' any more%s%s",
			      in.name, in.path ? ", " : "",
			      in.path ? in.path : "");
	}
}

int
sm_replan_compare(struct sm_replan *r, struct sm_err *err)
{
	struct sm_planning *p = r->p;
	struct sm_kind_input in;
	size_t i;
	int ret = 0;

	r->free = !sm_spec_same_free(r->old, p->spec);
	r->changes = sm_spec_diff(&r->diff, r->old, p->spec);
	r->grown = sm_spec_grown(r->old, p->spec);
	r->cuts = sm_spec_cuts_differ(r->old, p->spec);
	replan_dropped(r);
	ret = sm_planning_keep(p, r->old->fingerprint, err);
	if (ret == 0)
		ret = replan_files(r, err);
	for (i = 0; ret == 0 && p->kind->input(&in, i, p->spec->opts); i++)
		ret = replan_input(r, i, &in, err);
	if (ret == 0 && sm_buf_failed(&r->diff))
		ret = sm_err_mem(err, "the comparison");
	return ret;
}
