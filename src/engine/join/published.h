/*
 * published.h - the final file that a job has: its record, and whether it is
 * still true
 *
 * The job row has the record, final_path, final_size, final_digest; for a job
 * in parts it is the file JOB/final: size, digest and path, written after the
 * rename.  Killed in between, that file is joined once more.
 */
#ifndef SM_PUBLISHED_H
#define SM_PUBLISHED_H

#include "rows.h"

/* The final file that a job has, by its record. */
struct sm_published {
	char *path; /* NULL: nothing was joined yet */
	uint64_t size, digest;
	const struct sm_spec *spec; /* the job's, or NULL */
};

/* By the row of `from`, or by JOB/final of a whole job in parts. */
int sm_published_get(struct sm_published *p, const struct sm_join_from *from,
		     struct sm_err *err);
/* Of a whole job in parts; what makes no sense is not there. */
int sm_published_read(struct sm_published *p, const struct sm_jobdir *dir,
		      struct sm_err *err);
int sm_published_write(const struct sm_jobdir *dir,
		       const struct sm_published *p, struct sm_err *err);
void sm_published_release(struct sm_published *p);

/* All done, the recorded digest matches, and the file has that size? */
int sm_published_is_complete(bool *complete, const struct sm_join_from *from,
			     struct sm_err *err);

#endif /* SM_PUBLISHED_H */
