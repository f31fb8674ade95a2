/*
 * event.h - what a long call says to its caller while it works
 */
#ifndef SM_EVENT_H
#define SM_EVENT_H

#include "err.h"

/* One line to ev->notice, if anybody listens. */
void sm_event_notice(const struct sm_events *ev, const char *fmt, ...)
	SM_PRINTF(2, 3);

/* The caller's requests to stop so far. */
int sm_event_stops(const struct sm_events *ev);

#endif /* SM_EVENT_H */
