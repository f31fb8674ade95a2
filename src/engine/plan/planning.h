/*
 * planning.h - a job on its way from options to rows
 *
 * The input is cut once, into a list (cuts.h).  From it one job is made, or
 * each of several parts: rows and job row in one transaction, synced.
 */
#ifndef SM_PLANNING_H
#define SM_PLANNING_H

#include "cuts.h"
#include "handle.h"
#include "join.h"

struct sm_planning {
	const struct sm_plan_opts *opts;
	const struct sm_events *ev;
	struct sm_plan_result *result;
	const struct sm_kind *kind;
	struct sm_spec *spec; /* of the options that are asked for */
	size_t inputs;        /* of its kind; files come after them */
	struct sm_kind_file file[SM_KIND_FILES_MAX];
	size_t files;
	struct sm_jobdir dir;
	struct sm_db *db;
	int lock; /* run.lock */
	struct sm_reach reach;
	bool stdin_once;    /* an input comes through standard input */
	bool force;         /* the output may be replaced */
	bool compiled;      /* its tables are there already */
	bool made;          /* the directory was not there before */
	bool forget;        /* remove the directory again */
	int64_t generation; /* recover: of the file that has removed shards */
	uint64_t part_rows; /* a part's own */
	uint64_t had;       /* batches that a job has */
	bool kept;          /* inputs without a path are in tables/new */
	bool begin;         /* the database is made beside the digests */
	struct sm_cuts *cuts;
	struct sm_digests *digests; /* being made; NULL: all are there */
};

/*
 * Options to specification: absolute paths, what was left open, ranges; the
 * output is checked against the inputs.
 */
int sm_planning_settle(struct sm_planning *p, struct sm_err *err);
/* run.lock; SM_EHELD. */
int sm_planning_lock(struct sm_planning *p, struct sm_err *err);
/* Directory and lock too. */
void sm_planning_release(struct sm_planning *p);

/*
 * Digest every input that has a path into p->spec.  Of large ones only size and
 * time are there when it returns: threads read them while the caller cuts, and
 * sm_planning_digested() waits for them.
 */
int sm_planning_digest(struct sm_planning *p, struct sm_err *err);
/*
 * The digests that are still being made; `ret` is what the work beside them has
 * come to.  SM_EINPUT: an input cannot be read, or changed since they were
 * begun, which is told rather than what the cut made of it.
 */
int sm_planning_digested(struct sm_planning *p, int ret, struct sm_err *err);

/*
 * The inputs without a path: those that the kind keeps in the tables, as it
 * read them once from a stream.  What is digested is what was kept.
 */
int sm_planning_digest_kept(struct sm_planning *p, int tables_fd,
			    struct sm_err *err);

/* The digest of one of p->file into p->spec. */
int sm_planning_set_file(struct sm_planning *p, const struct sm_kind_file *f,
			 const struct sm_digest *d, bool aside,
			 struct sm_err *err);

/*
 * Of a job that is there, of this fingerprint: read inputs without a path into
 * tables/new, once, and digest them.
 */
int sm_planning_keep(struct sm_planning *p, uint64_t fingerprint,
		     struct sm_err *err);

/*
 * Let the kind cut the input into tables/new and `emit`; then all digests,
 * numbers and fingerprint are in p->spec.  sm_planning_digest() must have been
 * called before, or the comparison with what was planned.  With p->compiled the
 * tables of p->spec->fingerprint are used.  With p->begin an empty database is
 * made while digests are still read, which is a wait for the disk; without a
 * job row it is that of a killed plan.
 */
int sm_planning_cut(struct sm_planning *p,
		    int (*emit)(const struct sm_piece *b, void *arg,
				struct sm_err *err),
		    struct sm_err *err);

/* Digest and cut into p->cuts. */
int sm_planning_fill_cuts(struct sm_planning *p, struct sm_err *err);
/* Kind, inputs and compiled tables, where p->spec was read and not settled. */
void sm_planning_of_spec(struct sm_planning *p);
/* Has the input come out as it was planned?  SM_EREFUSED. */
int sm_planning_check_same(const struct sm_planning *p, uint64_t fingerprint,
			   uint64_t batches, struct sm_err *err);

/*
 * The workers of a job for which nobody gave a number: the CPUs of the process
 * (cpus.h), with a notice where their quota decides.
 */
int sm_planning_workers(const char *proc, const struct sm_events *ev);
/* The database of p->dir, made where there is none. */
int sm_planning_open(struct sm_planning *p, struct sm_err *err);
/* A job in p->dir of the batches of p->cuts, or of those of p->spec->part. */
int sm_planning_make(struct sm_planning *p, struct sm_err *err);
/* Within the transaction: the inputs of p->spec. */
int sm_planning_insert_inputs(struct sm_planning *p, struct sm_err *err);
/* Inputs and the job row, then commit, checkpoint, spec.json and syncs. */
int sm_planning_commit(struct sm_planning *p, struct sm_err *err);

/* ---- the steps of sm_plan(), with run.lock held ---- */

/*
 * Does p->dir have a job?  Opens its database where there is one.  SM_EDAMAGED:
 * it has shards of a job whose database is lost.
 */
int sm_plan_open(bool *there, struct sm_planning *p, struct sm_err *err);
/* It has: is it the one that is asked for? */
int sm_plan_again(struct sm_planning *p, struct sm_err *err);
/*
 * It has none: fill p->cuts, and name the tables.  With result->complete
 * nothing is to be made: the final file is there without its job, which was
 * finished and removed.
 */
int sm_plan_cut(struct sm_planning *p, struct sm_err *err);
void sm_plan_report(struct sm_planning *p);

/* As sm_dry_run(), with p->spec settled. */
int sm_plan_dry_run(struct sm_planning *p,
		    bool (*command)(const char *line, void *arg), void *arg,
		    struct sm_err *err);

/* --restart: may what is there be deleted, and can the new job be planned? */
int sm_plan_check_restart(struct sm_planning *p, struct sm_err *err);
/*
 * The final file of the job that is deleted is the new job's to replace.  Noted
 * in a file before anything is deleted, so that a restart that is killed in
 * between still knows.
 */
int sm_plan_note_final(struct sm_planning *p, struct sm_err *err);
/* The files that the old job's batches made. */
int sm_plan_clear_files(struct sm_planning *p, struct sm_err *err);
int sm_plan_read_note(struct sm_planning *p, struct sm_err *err);
/* Delete the job, and make its directory again. */
int sm_plan_remove(struct sm_planning *p, struct sm_err *err);

#endif /* SM_PLANNING_H */
