/*
 * extend.c - more of the same: batches for what was added at the end
 *
 * The batches that a job has must come out of the longer input as they are; the
 * last one may have become longer, and is made again.  Apart from replan.c,
 * which does all else that is the same for every change.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replan.h"

static int
extend_refuse(const struct sm_planning *p, const struct sm_piece *b,
	      struct sm_err *err)
{
	return sm_err_set(err, SM_EREFUSED,
			  "batch %llu of the job '%s' would be another one "
			  "with the changed options, so what is done cannot be "
			  "kept; --restart begins again",
			  (unsigned long long)b->id, p->dir.path);
}

int
sm_extend_emit(const struct sm_piece *b, void *arg, struct sm_err *err)
{
	struct sm_planning *p = arg;
	bool same = false;
	int ret = 0;

	if (b->id < p->had)
		ret = sm_batch_is(&same, p->db, b, err);
	if (ret < 0 || same)
		return ret;
	if (!p->opts->extend)
		return extend_refuse(p, b, err);
	if (b->id + 1 == p->had) {
		ret = sm_batch_begins(&same, p->db, b, err);
		if (ret == 0 && !same)
			ret = extend_refuse(p, b, err);
	} else if (b->id < p->had) {
		ret = extend_refuse(p, b, err);
	}
	if (ret < 0)
		return ret;
	return sm_cuts_add(&p->cuts, p->dir.fd, b, err);
}

/* What the job had is still its own: its fingerprint, for so many batches. */
static int
extend_note_earlier(struct sm_replan *r, struct sm_err *err)
{
	struct sm_spec *spec = r->p->spec;
	uint64_t kept = r->p->had;
	char text[48];
	int ret = sm_spec_take_earlier(spec, r->old, err);

	if (sm_cuts_count(r->p->cuts) > 0 &&
	    sm_cuts_first_id(r->p->cuts) < kept)
		kept = sm_cuts_first_id(r->p->cuts);
	snprintf(text, sizeof(text), "%.16s %llu", r->job.fingerprint,
		 (unsigned long long)kept);
	if (ret == 0)
		ret = sm_spec_add_earlier(spec, text, err);
	return ret;
}

int
sm_extend_check(struct sm_replan *r, struct sm_err *err)
{
	struct sm_planning *p = r->p;

	if (p->spec->batches < p->had ||
	    (p->spec->batches > p->had && !p->opts->extend))
		return sm_err_set(err, SM_EREFUSED,
				  "the job '%s' has %llu batches, and %llu "
				  "with the changed options, so what is done "
				  "cannot be kept; --restart begins again",
				  p->dir.path, (unsigned long long)p->had,
				  (unsigned long long)p->spec->batches);
	if (sm_shard_digits(p->spec->batches) != sm_shard_digits(p->had))
		return sm_err_set(err, SM_EREFUSED,
				  "the job '%s' cannot be extended from %llu "
				  "batches to %llu, since its shards would "
				  "have longer names; --restart begins again, "
				  "with larger batches perhaps",
				  p->dir.path, (unsigned long long)p->had,
				  (unsigned long long)p->spec->batches);
	/* With other changes, only job.db knows what was kept. */
	if (r->grown > 0 && r->grown == r->changes)
		return extend_note_earlier(r, err);
	return 0;
}

int
sm_extend_record(struct sm_replan *r, struct sm_err *err)
{
	struct sm_planning *p = r->p;
	struct sm_piece b;
	uint64_t count = sm_cuts_count(p->cuts), i;
	int ret = 0;

	for (i = 0; i < count && ret == 0; i++) {
		ret = sm_cuts_read(&b, p->cuts, i, err);
		if (ret == 0 && b.id < p->had)
			ret = sm_batch_lengthen(p->db, &b, err);
		else if (ret == 0)
			ret = sm_batch_insert(p->db, &b, err);
	}
	if (ret == 0 && count > 0)
		ret = sm_job_set_batches(p->db, p->spec->batches, p->spec->rows,
					 err);
	return ret;
}
