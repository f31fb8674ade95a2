/*
 * worker.h - the worker rows
 *
 * Whether a worker lives is told by its byte in the file `workers`, not by its
 * row; `ended` is written by whoever sees that it does not.
 */
#ifndef SM_WORKER_H
#define SM_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "db.h"

struct sm_worker {
	int64_t id;
	int slot;
	int64_t pid;
	uint64_t pid_start;
	bool supervised;
	double started;
	int64_t run; /* run.id; 0: its supervisor's, which is the latest */
};

#define SM_WORKER_HOST_MAX 256

void sm_worker_this_host(char host[SM_WORKER_HOST_MAX]);

/* In a write transaction; fills w->id. */
int sm_worker_insert(struct sm_db *db, struct sm_worker *w, const char *host,
		     struct sm_err *err);
int sm_worker_end(struct sm_db *db, int64_t id, double at, struct sm_err *err);

int sm_worker_is_open(bool *open, struct sm_db *db, int64_t id,
		      struct sm_err *err);
/* The name of another host one of whose workers has no end, or "". */
int sm_worker_elsewhere(char host[SM_WORKER_HOST_MAX], struct sm_db *db,
			struct sm_err *err);

/*
 * The workers whose row has no end.  sm_worker_next() returns 1, 0 at the end,
 * <0; `after` is the id of the one before, 0 at first.
 */
int sm_worker_next(struct sm_worker *w, struct sm_db *db, int64_t after,
		   struct sm_err *err);
/* All of them, in one allocation, the caller's to free. */
int sm_worker_list(struct sm_worker **list, size_t *n, struct sm_db *db,
		   struct sm_err *err);

#endif /* SM_WORKER_H */
