/*
 * log.h - all that a command says on standard error, for --keep-logs
 *
 *	sm_log_new() once, then per attempt: sm_log_begin(), sm_log_put() any
 *	number of times, sm_log_end().
 *
 * One file per attempt, "<batch>.<attempt>.log", made at its first byte: an
 * attempt that was silent has none.  A file holds SM_LOG_MAX bytes at most,
 * and says in its last line if there was more.
 */
#ifndef SM_LOG_H
#define SM_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define SM_LOG_MAX ((uint64_t)16 << 20)

struct sm_log;

/* `dir` is made below `job_dirfd` if it is missing. */
int sm_log_new(struct sm_log **out, int job_dirfd, const char *dir,
	       struct sm_err *err);
/* `digits`: as many as the names of shards have. */
void sm_log_begin(struct sm_log *l, uint64_t batch, unsigned digits,
		  int64_t attempt);
int sm_log_put(struct sm_log *l, const void *data, size_t len,
	       struct sm_err *err);
void sm_log_end(struct sm_log *l);
void sm_log_free(struct sm_log *l); /* NULL is allowed */

#endif /* SM_LOG_H */
