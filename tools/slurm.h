/*
 * slurm.h - batch scripts for Slurm, and their submission
 *
 * One task of an array runs one part of a job; a second job, which depends on
 * the array, joins them.  Both scripts stand in the job directory and are
 * submitted from there, so that they hold no path but the program's.
 */
#ifndef SM_SLURM_H
#define SM_SLURM_H

#include <shardmill.h>

#define SM_SLURM_ARRAY    "slurm.sh"
#define SM_SLURM_FINALIZE "slurm-finalize.sh"
#define SM_SLURM_NOTE     "slurm.job" /* the numbers of what was submitted */

/*
 * The text of a script, free() it; NULL with err set.  The array's has a task
 * for every part of `s` that is not done.
 */
char *sm_slurm_array(const struct sm_status *s, struct sm_err *err);
char *sm_slurm_finalize(const struct sm_status *s, struct sm_err *err);
/*
 * Remove what was written into the directory of `job`, or of `job`.job, which
 * was planned anew: the library leaves what is not its own.
 */
void sm_slurm_forget(const char *job);
/* Write it into the job directory, whole or not at all. */
int sm_slurm_write(const struct sm_status *s, const char *name,
		   const char *text, struct sm_err *err);

/*
 * MaxArraySize of the cluster: an array's numbers end below it.  SM_ENOTFOUND
 * where Slurm's commands are not.
 */
int sm_slurm_max_array(uint64_t *max, struct sm_err *err);

/* Is one of the jobs that were submitted before still queued?  1, 0, <0. */
int sm_slurm_is_queued(char id[64], const struct sm_status *s,
		       struct sm_err *err);

/*
 * sbatch the script `name`, with the user's `options` (NULL at the end), after
 * the job `after` unless it is NULL; `id` is the number that Slurm gave it.
 */
int sm_slurm_submit(char id[64], const struct sm_status *s, const char *name,
		    char *const *options, const char *after,
		    struct sm_err *err);
/* Keep the numbers for sm_slurm_is_queued(). */
int sm_slurm_note(const struct sm_status *s, const char *array,
		  const char *finalize, struct sm_err *err);

#endif /* SM_SLURM_H */
