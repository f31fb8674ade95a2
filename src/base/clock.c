/*
 * The wall clock and the monotonic clock.  They are separate from their users
 * so that each call site says by its name which of the two it reads: a lease
 * measured by the wall clock would end when somebody sets the time.
 */
#include <time.h>

#include "clock.h"

double
sm_clock_wall(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

uint64_t
sm_clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void
sm_clock_sleep_ms(uint64_t ms)
{
	struct timespec t = { .tv_sec = (time_t)(ms / 1000),
			      .tv_nsec = (long)(ms % 1000) * 1000000 };

	/*
	 * A signal ends the sleep early, and the rest is not slept: callers
	 * poll in a loop, and the signal may be the one that they wait for.
	 */
	nanosleep(&t, NULL);
}
