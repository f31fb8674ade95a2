/*
 * handle.h - a job, opened: directory, database, row, specification, kind
 *
 * What every command but plan begins with.  The row is as it was when opened;
 * what may change meanwhile is read again where it matters.
 */
#ifndef SM_HANDLE_H
#define SM_HANDLE_H

#include "event.h"

#include "batch.h"
#include "db.h"
#include "files.h"
#include "job.h"
#include "jobdir.h"
#include "kind.h"
#include "place.h"
#include "reach.h"

/*
 * Row and specification have their paths as they are to be used (place.h); what
 * the database has may be older.
 */
struct sm_handle {
	struct sm_jobdir dir;
	struct sm_db *db;
	struct sm_job job;
	struct sm_spec *spec;
	const struct sm_kind *kind;
	uint64_t fingerprint;
	unsigned digits;       /* of shard names */
	struct sm_files files; /* that its batches make */
	enum sm_place place;
	char *home;            /* where it was planned, unless there */
	int run_lock;          /* run.lock, or -1 */
	struct sm_reach reach; /* of one that may write, and is no run's */
};

#define SM_HANDLE_NONE                                                         \
	{                                                                      \
		.dir = SM_JOBDIR_NONE, .db = NULL, .files = SM_FILES_NONE,     \
		.run_lock = -1                                                 \
	}

int sm_handle_open(struct sm_handle *h, const char *job,
		   const struct sm_db_opts *opts, bool trust,
		   struct sm_err *err);
/* Read row and specification again: after a change of options. */
int sm_handle_reload(struct sm_handle *h, struct sm_err *err);
void sm_handle_close(struct sm_handle *h); /* SM_HANDLE_NONE is allowed */

/*
 * Are the inputs the planned ones?  Same size and mtime suffice; another mtime
 * means digesting again, and is recorded if the content is the same.
 * SM_EREFUSED names each that changed, with old and new.
 */
int sm_handle_check_inputs(struct sm_handle *h, const struct sm_events *ev,
			   struct sm_err *err);

/*
 * Make spec.json and the folder `tables` what the job row says, with run.lock
 * held: a plan killed after its commit leaves older ones.
 */
int sm_handle_mend_copies(struct sm_handle *h, struct sm_err *err);

/*
 * Is the file what it was when the job was planned?  `d` is what it is now;
 * same path, size and mtime suffice.
 */
int sm_input_same(bool *same, struct sm_digest *d, const struct sm_kind_file *f,
		  const struct sm_job_input *was, const struct sm_events *ev,
		  struct sm_err *err);
/* Append what differs. */
void sm_input_put_change(struct sm_buf *out, const struct sm_kind_file *f,
			 const struct sm_job_input *was,
			 const struct sm_digest *d);

/*
 * The digest of a file, large ones by threads, with its progress told as phase
 * "digest".  `workers` is how many processes the job may use; 0: nobody said.
 */
int sm_input_digest(struct sm_digest *d, const char *path, bool sampled,
		    int workers, const struct sm_events *ev,
		    struct sm_err *err);
/* Threads that may read beside the one that asks. */
unsigned sm_input_threads(int workers);

/*
 * Is the run still the one that was opened (fence.h)?  SM_EFENCED says who
 * ended it.  In a write transaction the answer holds until its end.
 */
int sm_handle_check_run(struct sm_handle *h, struct sm_err *err);

/*
 * Has somebody come to the job since whose locks do not reach us?  Looks at
 * most once a second; SM_EREFUSED, and then job.db is closed without touching a
 * log that the other one may be writing.
 */
int sm_handle_look(struct sm_handle *h, struct sm_err *err);

/*
 * On a network file system, whose locks may not be seen from host to host: has
 * another host workers that did not end, alive or not?  SM_EHELD.
 */
int sm_handle_refuse_host(struct sm_handle *h, struct sm_err *err);

#endif /* SM_HANDLE_H */
