/*
 * follow.h - join the shards while the job runs
 *
 * A thread of the supervisor, at low priority, appends each shard to the
 * growing final file as soon as all before it are done, so that at the end only
 * the tail is left to write.  It has a database connection of its own, and
 * holds final.lock.  It never forks, blocks all signals, and calls nobody back:
 * what it has to say is fetched by sm_follow_hear().
 *
 * When it fails, or cannot go on, it ends; sm_follow_join() does what is left.
 * A struct sm_follow that is NULL follows nothing, and is allowed everywhere.
 */
#ifndef SM_FOLLOW_H
#define SM_FOLLOW_H

#include "handle.h"

struct sm_follow;

/*
 * `job`, the directory's path, must outlive it.  That the thread cannot be
 * started is told as its end would be.
 */
int sm_follow_start(struct sm_follow **out, const char *job,
		    struct sm_err *err);
/* Tell what it has to say; SM_ENOSPC: the disk is full. */
int sm_follow_hear(struct sm_follow *f, const struct sm_events *ev,
		   struct sm_err *err);
/*
 * Of a job that consumes its shards: is there space again on a disk that was
 * full?  To `ask` makes it record what it has and remove those shards; call it
 * without until it has answered.
 */
enum sm_room {
	SM_ROOM_NONE,  /* no shard was removed after `since_ms` */
	SM_ROOM_ASKED, /* it is at it */
	SM_ROOM_MADE,
};

enum sm_room sm_follow_room(struct sm_follow *f, bool ask, uint64_t since_ms);
/* End the thread. */
void sm_follow_stop(struct sm_follow *f);
/* When all is done: sm_join() of the job `h`, with what has grown. */
int sm_follow_join(struct sm_finalize_result *result, struct sm_follow *f,
		   struct sm_handle *h, const struct sm_finalize_opts *opts,
		   struct sm_err *err);
void sm_follow_free(struct sm_follow *f);

#endif /* SM_FOLLOW_H */
