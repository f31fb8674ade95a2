/*
 * recover_final.h - what a lost database's final file has of its batches
 *
 * A job that consumed shards names the file in its note (consumed.h).  Which
 * generation the rows spoke of is lost with them: of the files that are there,
 * the one with the most whole batches of this fingerprint is taken, and what
 * else it holds is passed over.
 *
 *	sm_recover_final_open(), sm_recover_final_find() for each batch in
 *	order, always sm_recover_final_close()
 */
#ifndef SM_RECOVER_FINAL_H
#define SM_RECOVER_FINAL_H

#include "chain.h"
#include "jobdir.h"
#include "spec.h"

struct sm_recover_final {
	char *path; /* the final file's; NULL: nothing was consumed */
	int fd;     /* -1: no such file */
	int64_t generation;
	uint64_t fingerprint, size;
	/* Set before opening: of a job that may be extended, or NULL. */
	const struct sm_spec *spec;
	struct sm_body_reader *r;
	struct sm_chain chain;
	/* The cursor: the link after the group, the entry in it. */
	size_t link;
	struct sm_group group;
	unsigned run;
	uint64_t batch, at; /* of that entry */
};

int sm_recover_final_open(struct sm_recover_final *f,
			  const struct sm_jobdir *dir, uint64_t fingerprint,
			  struct sm_err *err);
/*
 * Has it the batch `piece`, whole?  What its row records, and where its body
 * is.
 */
int sm_recover_final_find(bool *found, struct sm_entry *e, uint64_t *at,
			  struct sm_recover_final *f,
			  const struct sm_piece *piece, struct sm_err *err);
void sm_recover_final_close(struct sm_recover_final *f);

#endif /* SM_RECOVER_FINAL_H */
