/*
 * Finds the folder of a process's control group, in either version, in a
 * container too.  It is apart from cpus.c and memory.c, which read limits of
 * two kinds along the same way up.
 */
#include <stdio.h>
#include <string.h>

#include "cgroup.h"

/* Is `word` one of those in `list`, which `sep` separates? */
static bool
cgroup_is_in(const char *list, const char *word, char sep)
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
 * The path of the group that `proc`/cgroup names for a controller of version 1,
 * or for version 2; false: there is none.
 */
static bool
cgroup_path(char path[SM_CGROUP_LINE_MAX], const char *proc,
	    const char *controller, bool v2)
{
	char line[SM_CGROUP_LINE_MAX], name[SM_CGROUP_LINE_MAX];
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
			   : cgroup_is_in(controllers + 1, controller, ',');
		if (found)
			snprintf(path, SM_CGROUP_LINE_MAX, "%s", group);
	}
	fclose(f);
	return found;
}

/* Where the groups are mounted, and which group the mount shows as its root. */
static bool
cgroup_mount(char point[SM_CGROUP_LINE_MAX], char root[SM_CGROUP_LINE_MAX],
	     const char *proc, const char *controller, bool v2)
{
	char line[SM_CGROUP_LINE_MAX], name[SM_CGROUP_LINE_MAX], type[32];
	char options[SM_CGROUP_LINE_MAX];
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
					cgroup_is_in(options, controller, ',');
	}
	fclose(f);
	return found;
}

bool
sm_cgroup_find(struct sm_cgroup *g, const char *proc, const char *controller,
	       bool v2)
{
	char group[SM_CGROUP_LINE_MAX], point[SM_CGROUP_LINE_MAX];
	char root[SM_CGROUP_LINE_MAX];
	const char *below = "";
	size_t len;

	if (!cgroup_path(group, proc, controller, v2) ||
	    !cgroup_mount(point, root, proc, controller, v2))
		return false;
	/*
	 * A container may see its own group as the root of the mount while
	 * /proc names it from the host's root.
	 */
	len = strcmp(root, "/") == 0 ? 0 : strlen(root);
	if (strncmp(group, root, len) == 0 &&
	    (group[len] == '/' || group[len] == '\0'))
		below = group + len;
	g->top = strlen(point);
	snprintf(g->folder, sizeof(g->folder), "%s%s", point, below);
	return true;
}

bool
sm_cgroup_up(struct sm_cgroup *g)
{
	size_t len = strlen(g->folder);

	while (len > g->top && g->folder[len - 1] != '/')
		len--;
	if (len <= g->top)
		return false;
	g->folder[len - 1] = '\0';
	return true;
}

bool
sm_cgroup_read(char text[SM_CGROUP_TEXT_MAX], const struct sm_cgroup *g,
	       const char *file)
{
	char name[sizeof(g->folder) + 64];
	size_t n;
	FILE *f;

	snprintf(name, sizeof(name), "%s/%s", g->folder, file);
	f = fopen(name, "re");
	if (!f)
		return false;
	n = fread(text, 1, SM_CGROUP_TEXT_MAX - 1, f);
	fclose(f);
	text[n] = '\0';
	return n > 0;
}
