/*
 * growing.h - F.part, in which a final file grows: whose is it?
 *
 * A person may have a file of that name, which is as safe as F.  What is the
 * job's own is known by its inode, which JOB/growing says since before the
 * first byte was written; and, where the job was moved or copied, by what is in
 * it.  An empty file is nobody's.
 */
#ifndef SM_GROWING_H
#define SM_GROWING_H

#include "consumed.h"
#include "handle.h"

#define SM_GROWING_NOTE "growing"

/* Who asks. */
struct sm_growing {
	const struct sm_jobdir *dir; /* of the job, or of the whole */
	const struct sm_job *job;    /* NULL: not planned yet, or in parts */
	struct sm_db *db;            /* NULL: it is not looked at */
	uint64_t fingerprint;
};

struct sm_growing sm_growing_of(const struct sm_handle *h);

/*
 * May the job cut the file open at `fd`, whose name is `part`?  If not:
 * SM_EREFUSED, or SM_EHELD while another job writes it.
 */
int sm_growing_refuse(int fd, const char *part, const struct sm_growing *who,
		      struct sm_err *err);
/* The same before anything is opened, or made: of the F.part of `path`. */
int sm_growing_check(const char *path, const struct sm_growing *who,
		     struct sm_err *err);

/* Say in the job that it is its own, durably: before a byte is written. */
int sm_growing_note(int fd, const char *part, const struct sm_jobdir *dir,
		    struct sm_err *err);

/*
 * Remove all that the job has of the final file `path`, before the job goes: on
 * failure the job must stay, since nobody else would know whose the file is.
 */
int sm_growing_forget(const char *path, const struct sm_growing *who,
		      struct sm_err *err);
/* Remove it if it is the job's and nobody has it in hand. */
int sm_growing_remove(const char *part, const struct sm_growing *who,
		      struct sm_err *err);

#endif /* SM_GROWING_H */
