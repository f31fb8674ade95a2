/*
 * event.h - what a long call says to its caller while it works
 */
#ifndef SM_EVENT_H
#define SM_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

/* One line to ev->notice, if anybody listens. */
void sm_event_notice(const struct sm_events *ev, const char *fmt, ...)
	SM_PRINTF(2, 3);

/* The caller's requests to stop so far. */
int sm_event_stops(const struct sm_events *ev);

/*
 * The progress of one phase.  Its caller may report as often as it likes: a
 * report goes out once in SM_METER_MS, and costs a look at the clock otherwise.
 */
#define SM_METER_MS 500

struct sm_meter {
	const struct sm_events *ev; /* NULL: nobody listens */
	const char *phase, *unit;
	uint64_t told_ms;  /* by sm_clock_ms(); 0: the first report goes out */
	uint64_t begun_ms; /* 0: the time left is not known */
};

/* Is a report due?  Then it counts as made. */
bool sm_meter_due(struct sm_meter *m);
void sm_meter_tell(struct sm_meter *m, uint64_t done, uint64_t total);

#endif /* SM_EVENT_H */
