/*
 * shortage.h - what is said of a batch that SIGKILL met, as for want of memory
 */
#ifndef SM_SHORTAGE_H
#define SM_SHORTAGE_H

#include "err.h"
#include "memory.h"
#include "room.h"

/* Append what comes of it, and what the kernel says, to its message. */
void sm_shortage_tell(struct sm_err *why, const struct sm_room *room,
		      enum sm_memory_verdict verdict);

#endif /* SM_SHORTAGE_H */
