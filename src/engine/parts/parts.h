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
 *	JOB/final          what was joined last: size, digest, form, path
 *	JOB/part-0003/     a job; its spec.json has "part": 3 besides
 *
 * Planning makes the parts first and JOB/spec.json last: part directories
 * without it are a plan that was killed, and planned anew.
 *
 * Parts are opened one at a time, however many there are.  They change on
 * their own: what is read of several is no one moment's state, and whoever
 * needs more than that (the join) compares in the end.
 */
#ifndef SM_PARTS_H
#define SM_PARTS_H

#include "handle.h"

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
 * Is `job` in parts?  1: it is, and opened; 0: it is an ordinary job, a part,
 * or nothing that is known here: whoever asked goes on as ever.
 */
int sm_parts_open(struct sm_parts *w, const char *job, bool trust,
		  struct sm_err *err);
void sm_parts_close(struct sm_parts *w); /* SM_PARTS_NONE is allowed */

/* "part-0003": as many digits as the last one needs, at least four. */
void sm_part_name(char name[SM_PART_NAME_MAX], uint64_t part, uint64_t parts);
/* The part's directory; free() it. */
char *sm_parts_path(const struct sm_parts *w, uint64_t part,
		    struct sm_err *err);
/* Is the part's database gone, or its directory?  SM_EINPUT says so. */
int sm_parts_check_there(const struct sm_parts *w, uint64_t part,
			 struct sm_err *err);
/* sm_handle_open() of one part, which must be the part it is called. */
int sm_parts_handle(struct sm_handle *h, const struct sm_parts *w,
		    uint64_t part, const struct sm_db_opts *opts,
		    struct sm_err *err);
/* The part that has the batch; SM_EUSAGE if none has. */
int sm_parts_find(uint64_t *part, const struct sm_parts *w, uint64_t batch,
		  struct sm_err *err);

/*
 * Open, to read, `job` or, where it is in parts, the part of it that has the
 * batch.
 */
int sm_parts_open_batch(struct sm_handle *h, const char *job, uint64_t batch,
			bool trust, struct sm_err *err);

/* Read a directory's spec.json. */
int sm_parts_read_spec(struct sm_spec **out, const struct sm_jobdir *dir,
		       struct sm_err *err);
/* Does it say that the directory is the whole of a job in parts?  1; 0; <0. */
int sm_parts_is_marked(const struct sm_jobdir *dir, struct sm_err *err);
/*
 * May the part be written to?  SM_EREFUSED: the directory around it has the
 * database of an undivided job, whose batches these are too.
 */
int sm_parts_refuse_undivided(const struct sm_jobdir *part, struct sm_err *err);
/* Write JOB/spec.json, durable: from then on the job is planned. */
int sm_parts_mark(const struct sm_jobdir *dir, const struct sm_spec *spec,
		  struct sm_err *err);

/* JOB/final: what stands at `path`, once it was joined. */
struct sm_parts_final {
	uint64_t size, digest;
	bool single_member;
	char *path;
};

/* 1, 0 if nothing was joined yet; free(f->path). */
int sm_parts_read_final(struct sm_parts_final *f, const struct sm_jobdir *dir);
int sm_parts_write_final(const struct sm_jobdir *dir,
			 const struct sm_parts_final *f, struct sm_err *err);

/* ---- the commands, on a whole job ---- */

int sm_parts_status(struct sm_status *out, struct sm_parts *w,
		    struct sm_err *err);
int sm_parts_run(struct sm_run_result *result, struct sm_parts *w,
		 const struct sm_run_opts *opts, struct sm_err *err);
int sm_parts_retry(uint64_t *changed, struct sm_parts *w,
		   const struct sm_retry_opts *opts, struct sm_err *err);
int sm_parts_verify(struct sm_verify_result *result, struct sm_parts *w,
		    const struct sm_verify_opts *opts, struct sm_err *err);
int sm_parts_recover(struct sm_recover_result *result, struct sm_parts *w,
		     const struct sm_recover_opts *opts, struct sm_err *err);
/* Rows that somebody deleted, or added, are no damage to SQLite: 1, 0, <0. */
int sm_recover_rows_are_there(bool *there, struct sm_db *db,
			      struct sm_err *err);
/* JOB/spec.json, where it was lost, from that of a part. */
int sm_parts_recover_mark(const char *job, bool trust, struct sm_err *err);
int sm_parts_join(struct sm_finalize_result *result, struct sm_parts *w,
		  const struct sm_finalize_opts *opts, struct sm_err *err);

/* All done, the recorded digest matches, the file has that size?  1, 0, <0. */
int sm_parts_is_complete(struct sm_parts *w, struct sm_err *err);

#endif /* SM_PARTS_H */
