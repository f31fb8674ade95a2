/*
 * cpus.h - the CPUs this process may use
 */
#ifndef SM_CPUS_H
#define SM_CPUS_H

#include <sched.h>

static inline int
sm_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return CPU_COUNT(&set);
}

#endif /* SM_CPUS_H */
