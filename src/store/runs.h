/*
 * runs.h - the rows of `run` and `pause`: when was the job run, when paused?
 *
 * A run's row is begun and ended by itself, in transactions that it has anyhow.
 * One that was killed is ended by the next run, or by whoever buries the worker
 * that a `work` was.
 */
#ifndef SM_RUNS_H
#define SM_RUNS_H

#include <stdbool.h>
#include <stdint.h>

#include "db.h"

#define SM_RUNS_KILLED "killed, or its host went down"

struct sm_runs_end {
	char why[SM_ERR_TEXT];   /* in words */
	int exit_status, signal; /* -1: none */
	double at;
};

/*
 * An error as the reason of an end: without what it says to type next, which is
 * for whoever reads it at that moment, where batches failed or are left.
 */
void sm_runs_why(struct sm_runs_end *end, const struct sm_err *err);

/* All but the last in a write transaction. */

/* `work`: by hand, and not a supervisor. */
int sm_runs_begin(int64_t *id, struct sm_db *db, bool work, double now,
		  struct sm_err *err);
/* Nothing where the row has an end already: another supervisor took over. */
int sm_runs_end(struct sm_db *db, int64_t id, const struct sm_runs_end *end,
		struct sm_err *err);
/* A `work` that was given up for dead was not. */
int sm_runs_go_on(struct sm_db *db, int64_t id, struct sm_err *err);
/* Supervisors' rows without an end: run.lock is ours, or was taken over. */
int sm_runs_end_killed(struct sm_db *db, const char *why, struct sm_err *err);
/* The row of the `work` that this worker was, if it was one. */
int sm_runs_end_worker(struct sm_db *db, int64_t worker, struct sm_err *err);

/*
 * job.paused as a row of `pause`, begun or ended.  `noted`: it was so already;
 * to ask alone needs no transaction.
 */
int sm_runs_pause_is_noted(bool *noted, struct sm_db *db, struct sm_err *err);
int sm_runs_note_pause(struct sm_db *db, double now, struct sm_err *err);

/* The latest of a supervisor, or of a `work` where there was none. */
int sm_runs_last(bool *found, struct sm_status_run *last, struct sm_db *db,
		 struct sm_err *err);

#endif /* SM_RUNS_H */
