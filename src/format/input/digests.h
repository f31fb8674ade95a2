/*
 * digests.h - digests of several files, made beside other work
 *
 *	sm_digests_new(&ds, ev)
 *	sm_digests_add(ds, path, …)	once for each file
 *	sm_digests_start(ds, threads)
 *	…				the caller's own work, on the same files
 *	sm_digests_end(ds)		takes part in what is left, and waits
 *	sm_digests_get(&d, ds, i)
 *	sm_digests_free(ds)
 *
 * Small files, samples, and members of archives that say their CRC are read
 * when they are added.  Large ones are read in pieces, by whichever thread is
 * free; their CRCs are put together, so that a digest is the one of digest.h,
 * whoever made how much of it.
 *
 * A file must be the same from sm_digests_add() to the end of sm_digests_end():
 * what the caller read of it between the two is of the content that was
 * digested.  At most one file more than there are threads is open at a time.
 *
 * The threads take no signals and call nobody back; of a failure the first one
 * is told, in the order of the files and of their bytes.
 */
#ifndef SM_DIGESTS_H
#define SM_DIGESTS_H

#include "digest.h"
#include "event.h"

struct sm_digests;

/* `ev` (may be NULL) is told of progress, and asked for stops, at the end. */
int sm_digests_new(struct sm_digests **ds, const struct sm_events *ev,
		   struct sm_err *err);
/* Their numbers are 0, 1, …  SM_EINPUT as sm_digest_file(). */
int sm_digests_add(struct sm_digests *ds, const char *path, bool sampled,
		   struct sm_err *err);
/* Bytes that are left to read. */
uint64_t sm_digests_left(const struct sm_digests *ds);
/* With fewer threads than asked for, or none, sm_digests_end() does more. */
void sm_digests_start(struct sm_digests *ds, unsigned threads);
/* SM_EINPUT; SM_ESTOPPED: the caller was asked to stop meanwhile. */
int sm_digests_end(struct sm_digests *ds, struct sm_err *err);
/*
 * The caller's own work has failed with `ret` and `err`: ends the threads.  A
 * file that could not be read, or changed, is the better reason.
 */
int sm_digests_give_up(struct sm_digests *ds, int ret, struct sm_err *err);
/* Size and mtime are there from the beginning, the CRC after the end. */
void sm_digests_get(struct sm_digest *d, const struct sm_digests *ds, size_t i);
void sm_digests_free(struct sm_digests *ds); /* NULL is allowed */

#endif /* SM_DIGESTS_H */
