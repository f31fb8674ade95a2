/*
 * parts.h - a job in parts: JOB/part-0000/, part-0001/, …
 *
 * One database belongs to one host.  A job for several hosts is planned as
 * parts: contiguous ranges of its batches, each an ordinary job directory with
 * the batch numbers and the fingerprint of the whole, so that its shards are
 * the very files that one host would have made.  Inputs and compiled tables
 * are shared: JOB/tables/.
 *
 *	JOB/spec.json      the whole: its options, and "parts": N
 *	JOB/tables/        as in any job
 *	JOB/final          what was joined last: size, digest, path
 *	JOB/part-0003/     a job; its spec.json has "part": 3 besides
 *
 * Planning makes the parts first and JOB/spec.json last: part directories
 * without it are a plan that was killed, and planned anew.  A directory with a
 * job.db is one job, whatever else is in it.
 *
 * Parts are opened one at a time, however many there are.  They change on
 * their own: what is read of several is no one moment's state, and whoever
 * needs more than that (the join) compares in the end.
 */
#ifndef SM_PARTS_H
#define SM_PARTS_H

#include "handle.h"

struct sm_cleaning;

#define SM_PART_NAME_MAX 32

struct sm_parts {
	struct sm_jobdir dir;
	struct sm_spec *spec; /* of the whole */
	uint64_t parts;
	bool trust;
};

#define SM_PARTS_NONE                                                          \
	{                                                                      \
		.dir = SM_JOBDIR_NONE, .spec = NULL                            \
	}

/*
 * Open the whole that `job` names.  It has 0 parts where `job` is an ordinary
 * job, a part, or nothing that is known here: the caller goes on with one job.
 */
int sm_parts_open(struct sm_parts *w, const char *job, bool trust,
		  struct sm_err *err);
/*
 * The same, where parts without the whole's spec.json are no error: of a plan
 * that was killed, and whose directory is held by the caller.
 */
int sm_parts_open_unmarked(struct sm_parts *w, const char *job, bool trust,
			   struct sm_err *err);
void sm_parts_close(struct sm_parts *w); /* SM_PARTS_NONE is allowed */

/* "part-0003": as many digits as the last one needs, at least four. */
void sm_part_name(char name[SM_PART_NAME_MAX], uint64_t part, uint64_t parts);
bool sm_part_is_name(const char *name);
/* The directory of a part whose database is there; SM_EINPUT: it is lost. */
int sm_parts_path(char **path, const struct sm_parts *w, uint64_t part,
		  struct sm_err *err);
/* The same, whatever there is of it. */
int sm_parts_path_of(char **path, const struct sm_parts *w, uint64_t part,
		     struct sm_err *err);
/* sm_handle_open() of one part, which must be the part it is called. */
int sm_parts_handle(struct sm_handle *h, const struct sm_parts *w,
		    uint64_t part, const struct sm_db_opts *opts,
		    struct sm_err *err);
/* The part that has the batch; SM_EUSAGE if none has. */
int sm_parts_find(uint64_t *part, const struct sm_parts *w, uint64_t batch,
		  struct sm_err *err);

/* Without the mark what is left of a whole is a plan that was killed. */
int sm_parts_unmark(const struct sm_jobdir *dir, struct sm_err *err);
/* Write JOB/spec.json, durable: from then on the job is planned. */
int sm_parts_mark(const struct sm_jobdir *dir, struct sm_spec *spec,
		  struct sm_err *err);

/* ---- planning: make.c, replan.c, clear.c ---- */

struct sm_planning;

/* Do the options of a plan fit parts, and the number of those that are there?
 */
int sm_parts_check_asked(const struct sm_parts *w, const struct sm_planning *p,
			 struct sm_err *err);
/* Make so many parts of p->cuts, and mark p->dir as the whole. */
int sm_parts_make(struct sm_planning *p, uint64_t parts, struct sm_err *err);
/* The same where there is no job yet. */
int sm_parts_plan_new(struct sm_planning *p, struct sm_err *err);
/* The job in parts is there: is it the one that is asked for? */
int sm_parts_plan_again(struct sm_planning *p, struct sm_parts *w,
			struct sm_err *err);
/* As sm_plan_note_final(), of a whole. */
int sm_parts_note_final(const struct sm_parts *w, const struct sm_planning *p,
			struct sm_err *err);

/*
 * Plan a job that was planned without parts, and of which no batch was begun,
 * again as it was, but in opts->parts parts.
 */
int sm_parts_replan(struct sm_plan_result *result, const char *job,
		    const struct sm_plan_opts *opts, struct sm_err *err);

/* Is any part that is there being run?  SM_EHELD. */
int sm_parts_check_idle(const struct sm_jobdir *dir, struct sm_err *err);
/* Delete the parts of a plan that was killed; SM_EDAMAGED: they have shards. */
int sm_parts_clear(const struct sm_jobdir *dir, struct sm_err *err);
/* Delete all parts, whatever is in them. */
int sm_parts_remove(const struct sm_jobdir *dir, struct sm_err *err);

/* ---- the commands, on a whole job ---- */

int sm_parts_status(struct sm_status *out, struct sm_parts *w,
		    struct sm_err *err);
int sm_parts_report(struct sm_report *out, struct sm_parts *w,
		    struct sm_err *err);
int sm_parts_run(struct sm_run_result *result, struct sm_parts *w,
		 const struct sm_run_opts *opts, struct sm_err *err);
int sm_parts_retry(uint64_t *changed, struct sm_parts *w,
		   const struct sm_retry_opts *opts, struct sm_err *err);
int sm_parts_set(struct sm_set_result *result, struct sm_parts *w,
		 const struct sm_set_opts *opts, struct sm_err *err);
int sm_parts_verify(struct sm_verify_result *result, struct sm_parts *w,
		    const struct sm_verify_opts *opts, struct sm_err *err);
int sm_parts_recover(struct sm_recover_result *result, struct sm_parts *w,
		     const struct sm_recover_opts *opts, struct sm_err *err);
/* JOB/spec.json, where it was lost, from that of a part. */
int sm_parts_recover_mark(const char *job, bool trust, struct sm_err *err);
int sm_parts_join(struct sm_finalize_result *result, struct sm_parts *w,
		  const struct sm_finalize_opts *opts, struct sm_err *err);
/*
 * One part's batches alone: a file of the whole job that leaves out the others,
 * so that every batch keeps its number in it.
 */
int sm_parts_join_one(struct sm_finalize_result *result,
		      const struct sm_handle *h,
		      const struct sm_finalize_opts *opts, struct sm_err *err);

int sm_parts_clean(struct sm_clean_result *r, struct sm_parts *w,
		   struct sm_cleaning *c, const struct sm_clean_opts *opts,
		   struct sm_err *err);

/* The same of the final file alone, whatever else the batches make. */
int sm_parts_is_joined(bool *joined, struct sm_parts *w, struct sm_err *err);
/* All done, the recorded digest matches, the file has that size? */
int sm_parts_is_complete(bool *complete, struct sm_parts *w,
			 struct sm_err *err);

#endif /* SM_PARTS_H */
