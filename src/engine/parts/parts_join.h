/*
 * parts_join.h - what the two halves of joining parts share: choosing what is
 * to be written where, and writing it
 */
#ifndef SM_PARTS_JOIN_H
#define SM_PARTS_JOIN_H

#include "final.h"

#include "join.h"
#include "parts.h"

struct sm_parts_join {
	struct sm_parts *w;
	const struct sm_finalize_opts *opts;
	char *path, *part_path; /* the final file; what it is while it grows */
	int fd;
	bool part_exists;
	bool force;   /* asked for now, or by the plan for its own path */
	bool partial; /* some batches may be left out: all but `only`, … */
	struct sm_batch_range only;
	uint64_t left_out;
	uint64_t missing; /* … or those of them that are not done */
	uint64_t named[SM_JOIN_NAMED_MAX];
	uint64_t digest; /* of the (id, token) that were appended */
	uint64_t records, raw_bytes, total_bytes, told_ms;
	struct sm_final final;
};

/*
 * Fill in paths, form and range; `s` is where the parts stand.  SM_EWORK: not
 * done, the parts are named; SM_EUSAGE.
 */
int sm_parts_join_choose(struct sm_parts_join *j, const struct sm_status *s,
			 struct sm_err *err);
/* May the path be written to?  What this job joined there before, it may. */
int sm_parts_join_check_target(struct sm_parts_join *j,
			       const struct sm_status *s, struct sm_err *err);
/* Does the very file stand there already?  1, with `result`, 0, <0. */
int sm_parts_join_stands(struct sm_parts_join *j,
			 struct sm_finalize_result *result,
			 const struct sm_status *s, struct sm_err *err);

#endif /* SM_PARTS_JOIN_H */
