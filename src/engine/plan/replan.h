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
	bool files; /* of the command are among them */
	bool gone;  /* an input came through standard input */
	bool moved; /* an input has another path */
	bool free;  /* options that are no content differ */
	enum sm_place place;
};

/* What differs, into the specification that is asked for and r->diff. */
int sm_replan_compare(struct sm_replan *r, struct sm_err *err);

#endif /* SM_REPLAN_H */
