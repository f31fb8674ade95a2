/*
 * final_walk.h - go through the members of a final file (final_check.c)
 *
 * The end member says how many batches there are and vouches, by CRC, for the
 * index; the index vouches for each shard's bytes.  So with both intact every
 * member is compared with its entry.  Without them each member must fit itself
 * and follow the one before.
 *
 *	zeroed struct, report, r and size filled in
 *	if the end is known: end, has_end, then sm_walk_index()
 *	sm_walk_members()
 *	if the end is known: sm_walk_missing()
 *	sm_walk_release()
 *
 * A single member has its index in its header: sm_walk_single() does all.
 */
#ifndef SM_FINAL_WALK_H
#define SM_FINAL_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "final.h"
#include "member.h"

#define SM_WALK_NONE UINT64_MAX /* no batch in particular */

struct sm_walk {
	struct sm_final_report *report;
	struct sm_member_reader *r;
	uint64_t size;          /* of the part that is looked at */
	struct sm_gzip_end end; /* if has_end */
	bool has_end;
	bool has_index; /* every entry can be believed */
	bool cut;       /* the file ended inside a shard: reported */
	uint64_t index_at;
	uint64_t data_end; /* shards end here at the latest */

	uint64_t at;   /* next member */
	uint64_t want; /* one more than the highest batch met */
	/* Bit per batch that was met; NULL while it is those below `want`. */
	unsigned char *seen;

	uint64_t loaded; /* number of the index member in `entry` */
	struct sm_gzip_entry entry[SM_GZIP_INDEX_ENTRIES];
};

void sm_walk_found(struct sm_walk *w, uint64_t batch, const char *kind,
		   const char *fmt, ...) SM_PRINTF(4, 5);
/* Report that the file is cut at w->at. */
void sm_walk_found_cut(struct sm_walk *w);

/* Check the whole index; sets has_index, index_at and data_end if it is. */
int sm_walk_index(struct sm_walk *w, struct sm_err *err);
/* What the index says of `batch`: 1; 0: nothing that can be believed; <0. */
int sm_walk_entry(struct sm_walk *w, const struct sm_gzip_entry **e,
		  uint64_t batch, struct sm_err *err);
/* Move `*batch` over those that were left out of the file. */
int sm_walk_due(struct sm_walk *w, uint64_t *batch, struct sm_err *err);
/* Go on from w->at up to the index, the end or data_end. */
int sm_walk_members(struct sm_walk *w, struct sm_err *err);
/* Move w->at over index members, to the first thing that is none. */
int sm_walk_skip_index(struct sm_walk *w, struct sm_err *err);
/* Report the batches that were not met, but for those that were left out. */
int sm_walk_missing(struct sm_walk *w, struct sm_err *err);
/* Check the whole of a single member, whose header begins at 0. */
int sm_walk_single(struct sm_walk *w, struct sm_err *err);
void sm_walk_release(struct sm_walk *w);

#endif /* SM_FINAL_WALK_H */
