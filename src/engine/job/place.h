/*
 * place.h - a job that lies elsewhere than where it was planned
 *
 * spec.json has the directory that the job was planned in, its home, and a
 * random id.  A job that is opened elsewhere was moved, or it is a copy: then
 * the home still holds a job of this id.  What is stored as an absolute path
 * follows the job, as far as it lay beside it or in a directory that came
 * along.  A copy touches nothing of the original's: its final file is another
 * one, or none, and its commands run in a directory of its own.
 *
 * Paths are put right in memory whenever a job is opened; the next plan or run,
 * which hold run.lock, record them.
 */
#ifndef SM_PLACE_H
#define SM_PLACE_H

#include "jobdir.h"
#include "spec.h"

enum sm_place {
	SM_PLACE_HOME,  /* where it was planned */
	SM_PLACE_MOVED, /* nobody else has it */
	SM_PLACE_COPY,  /* the original is at home */
	/* A copy, and the directory of its commands is the original's. */
	SM_PLACE_COPY_ALONE
};

/* Read a directory's spec.json. */
int sm_place_read_spec(struct sm_spec **out, const struct sm_jobdir *dir,
		       struct sm_err *err);

/*
 * Put the paths of `spec` right: home, output, and options that say where
 * something is.  `final_path`, unless NULL, is allocated; it is put right, and
 * NULL where a copy has none.
 */
int sm_place_settle(enum sm_place *place, const struct sm_jobdir *dir,
		    struct sm_spec *spec, char **final_path,
		    struct sm_err *err);

/* SM_EREFUSED for a copy that has no directory of its own to work in. */
int sm_place_refuse_alone(enum sm_place place, const struct sm_jobdir *dir,
			  const char *home, struct sm_err *err);

#endif /* SM_PLACE_H */
