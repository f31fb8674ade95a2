/*
 * job.h - the job row and its inputs
 */
#ifndef SM_JOB_H
#define SM_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "db.h"

struct sm_job {
	char *kind, *spec;
	char fingerprint[17]; /* hexadecimal */
	uint64_t batches, rows;
	int64_t part;   /* of a larger job; -1: the job is whole */
	uint64_t parts; /* that the larger one has */
	uint64_t first_batch, whole_batches; /* `batches`, where whole */
	int workers;
	bool paused;
	int64_t run;
	int max_attempts;
	double lease_s;
	int sync; /* enum sm_sync */
	bool fail_fast, network_fs;
	char *final_path; /* or NULL */
	bool final_force;
	bool consume;
	int64_t generation;             /* 0: no shard was consumed; joined.h */
	int64_t final_size;             /* -1: not finalized */
	char final_digest[17];          /* "" likewise */
	double created, started, ended; /* 0: not yet */
	int64_t limits; /* counts changes of the spec's limits */
};

/* The part of the row that may change while it runs. */
struct sm_job_now {
	int workers;
	bool paused;
	int64_t run;
	double started;
	int at_once; /* batches at most, see room.h; 0: no limit */
	bool full;   /* and there are so many */
};

struct sm_job_input {
	char *name, *path;
	uint64_t size;
	int64_t mtime_ns;
	uint32_t crc32;
	bool sampled;
};

/* In a write transaction. */
int sm_job_insert(struct sm_db *db, const struct sm_job *job,
		  struct sm_err *err);
int sm_job_insert_input(struct sm_db *db, const struct sm_job_input *in,
			struct sm_err *err); /* or replace */
/* Negative members of `s` are kept. */
int sm_job_set(struct sm_db *db, const struct sm_settings *s,
	       struct sm_err *err);
/*
 * What a person changes beside a living run.  Negative members are kept, and
 * NULL; a new `spec`, which differs in limits alone, fences nobody off: workers
 * read it again before their next batch.
 */
struct sm_job_steer {
	int workers, paused, max_attempts;
	const char *spec;
};
int sm_job_steer(struct sm_db *db, const struct sm_job_steer *to,
		 struct sm_err *err);
/* A new spec and fingerprint; workers that hold the old ones are fenced. */
int sm_job_set_spec(struct sm_db *db, const char *spec, const char *fingerprint,
		    struct sm_err *err);
/* The journal is no log any more (sm_db_leave_wal()). */
int sm_job_set_network_fs(struct sm_db *db, struct sm_err *err);
int sm_job_set_final(struct sm_db *db, const char *path, bool force,
		     struct sm_err *err);
/* The job was extended. */
int sm_job_set_batches(struct sm_db *db, uint64_t batches, uint64_t rows,
		       struct sm_err *err);
/* The final file's path after a move; what is known of the file stays. */
int sm_job_set_place(struct sm_db *db, const char *final_path,
		     struct sm_err *err);
int sm_job_begin_run(struct sm_db *db, double at, struct sm_err *err);
/* Nothing if the run is another one by now. */
int sm_job_end_run(struct sm_db *db, int64_t run, double at,
		   struct sm_err *err);
int sm_job_finalized(struct sm_db *db, const char *path, uint64_t size,
		     uint64_t digest, struct sm_err *err);

/* SM_EINPUT if there is no job row: a plan that was killed. */
int sm_job_get(struct sm_job *job, struct sm_db *db, struct sm_err *err);
void sm_job_release(struct sm_job *job);
int sm_job_now(struct sm_job_now *p, struct sm_db *db, struct sm_err *err);

/* Release `in`, found or not. */
int sm_job_input(bool *found, struct sm_job_input *in, struct sm_db *db,
		 const char *name, struct sm_err *err);
void sm_job_input_release(struct sm_job_input *in);

#endif /* SM_JOB_H */
