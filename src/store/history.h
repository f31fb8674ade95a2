/*
 * history.h - what `status` and `report` show of batches and their attempts
 *
 * The structs are those of shardmill.h; the caller releases them there.  Lists
 * of a report are appended to, up to its limits; its batches and attempts are
 * handed over row by row, and kept nowhere (report.c).
 */
#ifndef SM_HISTORY_H
#define SM_HISTORY_H

#include "db.h"

/* Up to `max` failed, then up to `max` running ones, appended to s->batch. */
int sm_history_list(struct sm_status *s, int max, struct sm_db *db,
		    struct sm_err *err);
/* Up to `max` reasons that batches which are not done have failed for. */
int sm_history_failures(struct sm_status *s, int max, struct sm_db *db,
			struct sm_err *err);
/* SM_EUSAGE if there is no such batch. */
int sm_history_batch(struct sm_batch_status *s, struct sm_db *db,
		     uint64_t batch, struct sm_err *err);

/*
 * The fingerprints by which done batches were made, other ones than the job's
 * after options were changed: `*count` of them, up to `most`.
 */
int sm_history_fingerprints(uint64_t *fingerprint, size_t *count, size_t most,
			    struct sm_db *db, struct sm_err *err);

/*
 * Up to `max` rows with an id above `after`, in order; `*n` of them.  Their
 * strings are copies, which sm_history_free_…() frees.
 */
int sm_history_batches(struct sm_look_batch *row, size_t *n, int max,
		       int64_t after, struct sm_db *db, struct sm_err *err);
int sm_history_attempts(struct sm_look_attempt *row, size_t *n, int max,
			int64_t after, struct sm_db *db, struct sm_err *err);
int sm_history_runs(struct sm_look_run *row, size_t *n, int max, int64_t after,
		    struct sm_db *db, struct sm_err *err);
/* The reasons after the first `after`, those of most failed batches first. */
int sm_history_reasons(struct sm_look_failure *row, size_t *n, int max,
		       int64_t after, struct sm_db *db, struct sm_err *err);
void sm_history_free_batch(struct sm_look_batch *row);
void sm_history_free_attempt(struct sm_look_attempt *row);
void sm_history_free_run(struct sm_look_run *row);
void sm_history_free_failure(struct sm_look_failure *row);

struct sm_report_batch_row {
	uint64_t id, attempts, rows, raw_bytes, gz_bytes;
	int state; /* its first letter: p, r, d, f */
	double started, finished;
};

struct sm_report_attempt_row {
	uint64_t worker;
	double started, ended; /* ended 0: running */
	bool failed, running;
};

/* A run's beginning and end (0: none), or a batch's. */
typedef int sm_report_time(double from, double to, void *arg,
			   struct sm_err *err);
typedef void sm_report_on_batch(const struct sm_report_batch_row *b, void *arg);
typedef void sm_report_on_attempt(const struct sm_report_attempt_row *a,
				  void *arg);

/* Runs, pauses, reasons, inputs, stragglers, what is usual. */
int sm_report_lists(struct sm_report *r, struct sm_db *db, struct sm_err *err);
/* Each run; of a job that has none, from its first batch to its last. */
int sm_report_times(struct sm_db *db, sm_report_time *tell, void *arg,
		    struct sm_err *err);
/*
 * The longest pauses, up to `most`; `*count` of them.  One that lasts ends at
 * `until`.
 */
struct sm_report_idle {
	double from, to;
};
int sm_report_idle_pauses(struct sm_report_idle *idle, size_t *count,
			  size_t most, double until, struct sm_db *db,
			  struct sm_err *err);
/* Cut each to what came after the last attempt that was in hand in it. */
int sm_report_idle_cut(struct sm_report_idle *idle, size_t count, double until,
		       struct sm_db *db, struct sm_err *err);
/* When an attempt last began or ended; 0: there was none. */
int sm_report_last_sign(double *at, struct sm_db *db, struct sm_err *err);
/* How many attempts, and numbers of workers: the highest, and one more. */
int sm_report_counts(uint64_t *attempts, uint64_t *slots, struct sm_db *db,
		     struct sm_err *err);
/* slots[worker.id] of `count` workers; free() it. */
int sm_report_slots(uint32_t **slots, size_t *count, struct sm_db *db,
		    struct sm_err *err);
int sm_report_batches(struct sm_db *db, sm_report_on_batch *tell, void *arg,
		      struct sm_err *err);
int sm_report_attempts(struct sm_db *db, sm_report_on_attempt *tell, void *arg,
		       struct sm_err *err);
/* Each attempt, numbered; `lane` is the number of its worker. */
int sm_report_tries(struct sm_report *r, struct sm_db *db, struct sm_err *err);

#endif /* SM_HISTORY_H */
