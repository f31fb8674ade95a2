/*
 * What the control groups say of memory: their limit, and how often the OOM
 * killer came.  It is apart from cgroup.c, which finds the groups.  Formats:
 * the kernel's admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cgroup.h"

#include "memory.h"

/* Version 1 says "no limit" by a number near 2^63. */
#define MEMORY_LIMIT_MAX (UINT64_C(1) << 60)

static uint64_t
memory_limit_of(const char *proc, bool v2)
{
	const char *file = v2 ? "memory.max" : "memory.limit_in_bytes";
	char text[SM_CGROUP_TEXT_MAX];
	uint64_t least = UINT64_MAX, limit;
	struct sm_cgroup g;

	if (!sm_cgroup_find(&g, proc, "memory", v2))
		return UINT64_MAX;
	do {
		if (sm_cgroup_read(text, &g, file) &&
		    sscanf(text, "%" SCNu64, &limit) == 1 &&
		    limit < MEMORY_LIMIT_MAX && limit < least)
			least = limit;
	} while (sm_cgroup_up(&g));
	return least;
}

uint64_t
sm_memory_limit(const char *proc)
{
	uint64_t one = memory_limit_of(proc, false);
	uint64_t two = memory_limit_of(proc, true);

	if (one < two)
		return one;
	return two;
}

/* The number in the line "oom_kill N"; false: there is none. */
static bool
memory_find_count(int64_t *n, const char *text)
{
	static const char name[] = "oom_kill ";
	const char *p;

	for (p = text; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, name, strlen(name)) == 0)
			return sscanf(p + strlen(name), "%" SCNd64, n) == 1;
	}
	return false;
}

/* The file is larger than what sm_cgroup_read() takes. */
static bool
memory_of_machine(int64_t *n, const char *proc)
{
	char name[SM_CGROUP_LINE_MAX], line[256];
	bool found = false;
	FILE *f;

	snprintf(name, sizeof(name), "%s/../vmstat", proc);
	f = fopen(name, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = memory_find_count(n, line);
	if (f)
		fclose(f);
	return found;
}

int64_t
sm_memory_oom_kills(const char *proc)
{
	char text[SM_CGROUP_TEXT_MAX];
	struct sm_cgroup g;
	int64_t n;

	/* The root group of version 2 has no such file. */
	if (sm_cgroup_find(&g, proc, "memory", true) &&
	    sm_cgroup_read(text, &g, "memory.events") &&
	    memory_find_count(&n, text))
		return n;
	if (sm_cgroup_find(&g, proc, "memory", false) &&
	    sm_cgroup_read(text, &g, "memory.oom_control") &&
	    memory_find_count(&n, text))
		return n;
	if (memory_of_machine(&n, proc))
		return n;
	return -1;
}

void
sm_memory_watch_begin(struct sm_memory_watch *w, const char *proc)
{
	w->proc = proc;
	w->seen = sm_memory_oom_kills(proc);
}

enum sm_memory_verdict
sm_memory_watch_look(struct sm_memory_watch *w)
{
	int64_t before = w->seen;

	w->seen = sm_memory_oom_kills(w->proc);
	if (before < 0 || w->seen < 0)
		return SM_MEMORY_UNKNOWN;
	return w->seen > before ? SM_MEMORY_KILLED : SM_MEMORY_SPARED;
}
