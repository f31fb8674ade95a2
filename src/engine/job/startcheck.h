/*
 * startcheck.h - what a crash or a power cut left in shards/
 *
 * The temporary files are listed first, then the rows are read, so that a file
 * made meanwhile by a living worker is never judged by older rows.
 *
 * 1. A temporary file with the token of its done row, and its size, is a
 *    rename that a power cut forgot: it is completed, whatever is under
 *    the shard's name.  One with a running row's token is left.  All others
 *    are removed.
 * 2. Every done row has its shard with the recorded size, or its place in the
 *    final file (consumed.h), or goes back to pending, guarded by its token.
 *
 * Contents are not read here: the joiner compares every CRC.
 */
#ifndef SM_STARTCHECK_H
#define SM_STARTCHECK_H

#include "handle.h"

struct sm_startcheck {
	uint64_t renamed, removed, requeued;
};

/* SM_EDAMAGED if rows are missing or too many. */
int sm_startcheck(struct sm_startcheck *out, struct sm_handle *h,
		  struct sm_err *err);

/* 1. alone: for finalize and verify, before shards are missed. */
int sm_startcheck_files(struct sm_startcheck *out, struct sm_handle *h,
			struct sm_err *err);
void sm_startcheck_notice(const struct sm_startcheck *c,
			  const struct sm_events *ev);

#endif /* SM_STARTCHECK_H */
