/*
 * consumed.h - batches whose shards are gone, because the final file has them
 *
 * A job with --consume removes a shard once its bytes are durably in the final
 * file, growing or finished, and the row says so (joined.h).  They are then
 * looked for in the file of the job's generation: F.part, F.part.2, … while it
 * grows, F once it is published.  The file `consumed` of the job directory
 * holds F's path: with the database lost, recover looks there.
 */
#ifndef SM_CONSUMED_H
#define SM_CONSUMED_H

#include "gzip.h"
#include "handle.h"

#define SM_CONSUMED_NOTE "consumed"

/*
 * F.part, with as much of F as a name may be long; malloc'd, NULL: no memory.
 */
char *sm_consumed_part_name(const char *path, int64_t generation);
/*
 * Of a file that is not the job's own: F.<fingerprint>.tmp, which no person
 * has, and which the next try of the same overwrites.
 */
char *sm_consumed_beside_name(const char *path, uint64_t fingerprint);

/*
 * Open a growing file for one writer alone, and make it if `make`; -1 in
 * `*fd`: it is not there.  SM_EHELD: another finalize or job writes it.
 */
int sm_consumed_part_open(int *fd, const char *part, bool make,
			  struct sm_err *err);

/* SM_EHELD, in words. */
int sm_consumed_part_held(const char *part, struct sm_err *err);

/* The file that rows speak of, to be closed; -1 in `*fd`: there is none. */
int sm_consumed_open(int *fd, uint64_t *size, const struct sm_job *job,
		     struct sm_err *err);

/* Is the batch's place in such a file of `size` bytes?  Bytes are not read. */
bool sm_consumed_has(const struct sm_batch_row *row, uint64_t size);

/* Is there a shard of the size that the row says? */
int sm_consumed_has_shard(bool *has, const struct sm_handle *h,
			  const struct sm_batch_row *row, struct sm_err *err);

/* What the row records about its shard. */
void sm_consumed_entry(struct sm_entry *e, const struct sm_batch_row *row);
/* Size of the shard file that the row speaks of. */
int64_t sm_consumed_shard_bytes(const struct sm_batch_row *row);

/*
 * sm_shard_check() of a done batch, of its shard or, where that is not whole,
 * of its bytes in the final file, if they should be there.
 */
int sm_consumed_check(struct sm_handle *h, const struct sm_batch_row *row,
		      const char **damage, struct sm_err *err);

/*
 * After SM_EVERIFY: is the row still what the bytes were compared with?  Else
 * a run made the batch again, or moved its shard into the final file.
 */
int sm_consumed_is_still(bool *still, struct sm_handle *h,
			 const struct sm_batch_row *row, struct sm_err *err);

/*
 * SM_EREFUSED if another final file would leave behind what only this one has;
 * `path` NULL: it is the same.
 */
int sm_consumed_refuse_change(struct sm_db *db, const struct sm_job *job,
			      const char *path, struct sm_err *err);

#endif /* SM_CONSUMED_H */
