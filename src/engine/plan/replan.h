/*
 * replan.h - the steps of planning on a job that is there
 *
 * compare.c finds what differs from what was planned, replan.c decides about it
 * and records it.
 */
#ifndef SM_REPLAN_H
#define SM_REPLAN_H

#include "buf.h"

#include "planning.h"

struct sm_replan {
	struct sm_planning *p;
	struct sm_spec *old;
	struct sm_job job;
	struct sm_buf diff;
	unsigned changes;
	unsigned grown; /* of these: more at the end */
	bool cuts;      /* its batches are others, not only more of them */
	bool files;     /* of the command are among them */
	bool moved;     /* an input has another path */
	bool free;      /* options that are no content differ */
	enum sm_place place;
};

/* ---- extend.c ---- */

/* A batch of the changed job: is it the one that is there, or a new one? */
int sm_extend_emit(const struct sm_piece *b, void *arg, struct sm_err *err);
/* All of them: can what is done be kept? */
int sm_extend_check(struct sm_replan *r, struct sm_err *err);
/* In the transaction: the rows of what is new. */
int sm_extend_record(struct sm_replan *r, struct sm_err *err);

/* What differs, into the specification that is asked for and r->diff. */
int sm_replan_compare(struct sm_replan *r, struct sm_err *err);

#endif /* SM_REPLAN_H */
