/*
 * planning.h - what plan.c (a new job) and replan.c (one that is there) share
 */
#ifndef SM_PLANNING_H
#define SM_PLANNING_H

#include "handle.h"
#include "join.h"

/* The batches of all parts, before they are parted. */
struct sm_part_list {
	struct sm_piece *row;
	size_t count, cap;
};

/* A copy of `b`, whose item is the list's from then on. */
int sm_part_list_add(struct sm_part_list *l, const struct sm_piece *b,
		     struct sm_err *err);
void sm_part_list_release(struct sm_part_list *l);

struct sm_planning {
	const struct sm_plan_opts *opts;
	const struct sm_events *ev;
	struct sm_plan_result *result;
	const struct sm_kind *kind;
	struct sm_spec *spec; /* of the options that are asked for */
	struct sm_kind_input input[SM_SPEC_INPUTS_MAX];
	size_t inputs;
	struct sm_jobdir dir;
	struct sm_db *db;
	int lock;           /* run.lock */
	bool stdin_once;    /* an input comes through standard input */
	bool force;         /* the output may be replaced */
	bool compiled;      /* its tables are there already */
	bool made;          /* the directory was not there before */
	bool inserting;     /* the write transaction is open */
	bool forget;        /* remove the directory again */
	int64_t generation; /* recover: of the file that has removed shards */
	char *grown[2]; /* --restart: what the old job has of its final file */
	uint64_t part_rows; /* a part's own */
	struct sm_part_list *list;
};

/*
 * Options to specification: absolute paths, what was left open, ranges; the
 * output is checked against the inputs.
 */
int sm_planning_settle(struct sm_planning *p, struct sm_err *err);
/* run.lock; SM_EHELD. */
int sm_planning_lock(struct sm_planning *p, struct sm_err *err);
void sm_planning_release(struct sm_planning *p);

/* Digest every input that has a path into p->spec. */
int sm_planning_digest(struct sm_planning *p, struct sm_err *err);

/*
 * Let the kind cut the input into tables/new and `emit`; then digests of
 * inputs without a path, numbers and fingerprint are in p->spec.  The inputs
 * with a path must be digested before.  With p->compiled the tables of
 * p->spec->fingerprint are used, and it stays.
 */
int sm_planning_cut(struct sm_planning *p,
		    int (*emit)(const struct sm_piece *b, void *arg,
				struct sm_err *err),
		    struct sm_err *err);

/* plan's emit: insert the batch, in a transaction begun with the first one. */
int sm_planning_insert(const struct sm_piece *b, void *arg, struct sm_err *err);
/* Within the transaction: the inputs of p->spec. */
int sm_planning_insert_inputs(struct sm_planning *p, struct sm_err *err);
/* Inputs and the job row, then commit, checkpoint, spec.json and syncs. */
int sm_planning_commit(struct sm_planning *p, struct sm_err *err);

/* The job is there: is it the one that is asked for? */
int sm_plan_again(struct sm_planning *p, struct sm_err *err);

/* plan --parts, or on a job that is in parts; in place of all of the above. */
int sm_plan_parts(struct sm_planning *p, struct sm_err *err);
/* Make p->spec->parts parts of the batches in p->list, and mark the whole. */
int sm_plan_parts_make(struct sm_planning *p, struct sm_err *err);
/* No part is being run; SM_EHELD. */
int sm_plan_parts_idle(struct sm_planning *p, struct sm_err *err);
/*
 * Does the final file stand without its job: one that was finished, and whose
 * directory was removed?  1; 0; <0.
 */
int sm_plan_is_complete(const struct sm_planning *p, struct sm_err *err);
/* 1; 0; <0 */
int sm_plan_is_parted(const struct sm_planning *p, struct sm_err *err);
/* Parts of a plan that was killed; SM_EDAMAGED if there are shards in them. */
int sm_plan_parts_clear(struct sm_planning *p, struct sm_err *err);

#endif /* SM_PLANNING_H */
