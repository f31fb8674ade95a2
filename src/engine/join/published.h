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

#include "join.h"

int sm_published_write(const struct sm_jobdir *dir,
		       const struct sm_published *p, struct sm_err *err);

#endif /* SM_PUBLISHED_H */
