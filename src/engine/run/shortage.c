/*
 * The words about a batch that was killed beside others, or alone.  They are
 * apart because a worker says them of its command, and the supervisor of a
 * worker.
 */
#include "shortage.h"

void
sm_shortage_tell(struct sm_err *why, const struct sm_room *room,
		 enum sm_memory_verdict verdict)
{
	uint64_t limit = sm_memory_limit("/proc/self");

	if (verdict == SM_MEMORY_KILLED)
		sm_err_append(why, "; the kernel's OOM killer was here");
	if (limit < UINT64_MAX)
		sm_err_append(why,
			      "; the memory limit of this control group is "
			      "%llu MiB",
			      (unsigned long long)limit >> 20);
	if (room->at_once > 0)
		sm_err_append(why,
			      "; %d batches were in hand: from now on at most "
			      "%d are, and this try does not count",
			      room->ran, room->at_once);
	else
		sm_err_append(why, "; no other batch was in hand");
}
