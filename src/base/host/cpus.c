/*
 * How many CPUs a process may use: its affinity mask, and the quota of its
 * cgroups, which containers set and the mask does not show.  A quota counts
 * for everything below the group that has it, so each group up to the mount
 * point is asked.  Formats: cgroups(7), proc(5) for mountinfo, and the
 * kernel's admin-guide/cgroup-v2.rst and scheduler/sched-bwc.rst.
 */
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpus.h"

/* One line of /proc; a longer one is none of those that are looked for. */
#define CPUS_LINE_MAX 4096

/* Is `word` one of those in `list`, which `sep` separates? */
static bool
cpus_is_in(const char *list, const char *word, char sep)
{
	size_t len = strlen(word), n;

	for (;; list += n + 1) {
		n = strcspn(list, (char[]){ sep, '\n', '\0' });
		if (n == len && memcmp(list, word, len) == 0)
			return true;
		if (list[n] != sep)
			return false;
	}
}

/*
 * The path of the group that `proc`/cgroup names for the controller "cpu" of
 * version 1, or for version 2; false: there is none.
 */
static bool
cpus_group(char path[CPUS_LINE_MAX], const char *proc, bool v2)
{
	char line[CPUS_LINE_MAX], name[CPUS_LINE_MAX];
	char *controllers, *group;
	bool found = false;
	FILE *f;

	snprintf(name, sizeof(name), "%s/cgroup", proc);
	f = fopen(name, "re");
	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		controllers = strchr(line, ':');
		group = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!group)
			continue;
		*group++ = '\0';
		group[strcspn(group, "\n")] = '\0';
		found = v2 ? strcmp(line, "0:") == 0
			   : cpus_is_in(controllers + 1, "cpu", ',');
		if (found)
			snprintf(path, CPUS_LINE_MAX, "%s", group);
	}
	fclose(f);
	return found;
}

/* Where the groups are mounted, and which group the mount shows as its root. */
static bool
cpus_mount(char point[CPUS_LINE_MAX], char root[CPUS_LINE_MAX],
	   const char *proc, bool v2)
{
	char line[CPUS_LINE_MAX], name[CPUS_LINE_MAX], type[32];
	char options[CPUS_LINE_MAX];
	const char *rest;
	bool found = false;
	FILE *f;

	snprintf(name, sizeof(name), "%s/mountinfo", proc);
	f = fopen(name, "re");
	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		rest = strstr(line, " - ");
		if (!rest ||
		    sscanf(line, "%*s %*s %*s %4095s %4095s", root, point) != 2)
			continue;
		if (sscanf(rest, " - %31s %*s %4095s", type, options) != 2)
			continue;
		found = v2 ? strcmp(type, "cgroup2") == 0
			   : strcmp(type, "cgroup") == 0 &&
					cpus_is_in(options, "cpu", ',');
	}
	fclose(f);
	return found;
}

/* The number in a file of one number; false: "max", -1, or not there. */
static bool
cpus_number(double *number, double *second, const char *folder,
	    const char *file)
{
	char name[2 * CPUS_LINE_MAX + 32], line[64];
	bool there = false;
	FILE *f;

	snprintf(name, sizeof(name), "%s/%s", folder, file);
	f = fopen(name, "re");
	if (!f)
		return false;
	if (fgets(line, sizeof(line), f))
		there = sscanf(line, "%lf %lf", number, second) >= 1 &&
			*number > 0;
	fclose(f);
	return there;
}

/* CPUs of the group in `folder` alone; a large number: it has no quota. */
static double
cpus_of_group(const char *folder, bool v2)
{
	double quota, period = 0, none = 0;

	if (v2 ? !cpus_number(&quota, &period, folder, "cpu.max")
	       : !cpus_number(&quota, &none, folder, "cpu.cfs_quota_us") ||
			    !cpus_number(&period, &none, folder,
					 "cpu.cfs_period_us"))
		return INT_MAX;
	return period > 0 ? quota / period : INT_MAX;
}

static double
cpus_of_version(const char *proc, bool v2)
{
	char group[CPUS_LINE_MAX], point[CPUS_LINE_MAX], root[CPUS_LINE_MAX];
	char folder[2 * CPUS_LINE_MAX];
	double least = INT_MAX, cpus;
	const char *below = "";
	size_t top, len;

	if (!cpus_group(group, proc, v2) || !cpus_mount(point, root, proc, v2))
		return INT_MAX;
	/*
	 * A container may see its own group as the root of the mount while
	 * /proc names it from the host's root.
	 */
	len = strcmp(root, "/") == 0 ? 0 : strlen(root);
	if (strncmp(group, root, len) == 0 &&
	    (group[len] == '/' || group[len] == '\0'))
		below = group + len;
	top = strlen(point);
	snprintf(folder, sizeof(folder), "%s%s", point, below);
	for (;;) {
		cpus = cpus_of_group(folder, v2);
		if (cpus < least)
			least = cpus;
		len = strlen(folder);
		while (len > top && folder[len - 1] != '/')
			len--;
		if (len <= top)
			return least;
		folder[len - 1] = '\0';
	}
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

int
sm_cpus(bool *quota)
{
	int cpus = 1, limit = sm_cpus_quota("/proc/self");
	cpu_set_t set;

	/* More CPUs than the set has bits: the call fails, and 1 is safe. */
	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		cpus = CPU_COUNT(&set);
	if (quota)
		*quota = limit < cpus;
	if (limit < cpus)
		return limit;
	return cpus;
}
