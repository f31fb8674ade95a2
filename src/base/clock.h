/*
 * clock.h - the two clocks
 *
 * Wall time is stored and shown; only batch.not_before is ever compared with
 * it.  Waiting and leases use the monotonic clock, which stops while the
 * machine is suspended.
 */
#ifndef SM_CLOCK_H
#define SM_CLOCK_H

#include <stdint.h>

double sm_clock_wall(void);          /* Unix seconds */
uint64_t sm_clock_ms(void);          /* monotonic milliseconds */
void sm_clock_sleep_ms(uint64_t ms); /* ends early at a signal */

#endif /* SM_CLOCK_H */
