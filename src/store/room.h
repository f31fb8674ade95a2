/*
 * room.h - how many batches may be made at once, after memory ran short
 *
 * A batch that the OOM killer has met beside others says nothing about itself:
 * each may fit alone.  So job.at_once falls to half of how many there were,
 * claims keep to it (batch.h), and it doubles after some rounds of batches that
 * went well, each time after twice as many, until it is as many as there are
 * workers.  A run begins without it.
 *
 * All in a write transaction of the caller's.
 */
#ifndef SM_ROOM_H
#define SM_ROOM_H

#include "db.h"

struct sm_room {
	int ran;     /* batches at once, with the one that was killed */
	int at_once; /* that may be from now on; 0: it was alone, none less */
};

/*
 * One was killed, and its row is running still.  `commands` are known to live,
 * its own counted, though fewer batches may be in hand.
 */
int sm_room_shrink(struct sm_room *room, struct sm_db *db, int commands,
		   struct sm_err *err);

/*
 * One is done.  `at_once` is set if more may run than before, to how many: 0
 * as many as there are workers; else it is -1.
 */
int sm_room_grow(int *at_once, struct sm_db *db, struct sm_err *err);

#endif /* SM_ROOM_H */
