/*
 * How many CPUs a process may use: its affinity mask, and the quota of its
 * cgroups, which containers set and the mask does not show.  It is apart from
 * cgroup.c, which finds the groups.  Formats: the kernel's
 * admin-guide/cgroup-v2.rst and scheduler/sched-bwc.rst.
 */
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>

#include "cgroup.h"

#include "cpus.h"

/* Far more than any kernel is built for (CONFIG_NR_CPUS: up to 8,192). */
#define CPUS_BITS_MAX (1 << 20)

/* Up to two numbers in a file; false: "max", -1, or not there. */
static bool
cpus_number(double *number, double *second, const struct sm_cgroup *g,
	    const char *file)
{
	char text[SM_CGROUP_TEXT_MAX];

	return sm_cgroup_read(text, g, file) &&
	       sscanf(text, "%lf %lf", number, second) >= 1 && *number > 0;
}

/* CPUs of one group alone; a large number: it has no quota. */
static double
cpus_of_group(const struct sm_cgroup *g, bool v2)
{
	double quota, period = 0, none = 0;

	if (v2 ? !cpus_number(&quota, &period, g, "cpu.max")
	       : !cpus_number(&quota, &none, g, "cpu.cfs_quota_us") ||
			    !cpus_number(&period, &none, g,
					 "cpu.cfs_period_us"))
		return INT_MAX;
	return period > 0 ? quota / period : INT_MAX;
}

static double
cpus_of_version(const char *proc, bool v2)
{
	double least = INT_MAX, cpus;
	struct sm_cgroup g;

	if (!sm_cgroup_find(&g, proc, "cpu", v2))
		return INT_MAX;
	do {
		cpus = cpus_of_group(&g, v2);
		if (cpus < least)
			least = cpus;
	} while (sm_cgroup_up(&g));
	return least;
}

int
sm_cpus_quota(const char *proc)
{
	double one = cpus_of_version(proc, false);
	double two = cpus_of_version(proc, true);
	double least = one < two ? one : two;
	int whole;

	if (least >= INT_MAX)
		return INT_MAX;
	whole = (int)least;
	if (whole < least)
		whole++;
	if (whole < 1)
		return 1;
	return whole;
}

/*
 * CPUs in the affinity mask.  A mask shorter than the kernel's own is refused
 * with EINVAL, and only so is its length told; one CPU is what remains to be
 * believed if that is not what is wrong.
 */
static int
cpus_affinity(void)
{
	int bits, cpus = 0;
	bool longer = true;
	cpu_set_t *set;
	size_t size;

	for (bits = CPU_SETSIZE; longer && bits <= CPUS_BITS_MAX; bits *= 2) {
		set = CPU_ALLOC((size_t)bits);
		if (!set)
			break;
		size = CPU_ALLOC_SIZE((size_t)bits);
		if (sched_getaffinity(0, size, set) == 0)
			cpus = CPU_COUNT_S(size, set);
		longer = cpus == 0 && errno == EINVAL;
		CPU_FREE(set);
	}
	if (cpus < 1)
		return 1;
	return cpus;
}

int
sm_cpus(bool *quota, const char *proc)
{
	int cpus = cpus_affinity(), limit = sm_cpus_quota(proc);

	if (quota)
		*quota = limit < cpus;
	if (limit < cpus)
		return limit;
	return cpus;
}
