/*
 * cgroup.h - the control groups that a process is in
 *
 * A limit of a group holds for everything below it, so whoever asks for one
 * looks at each group up to the mount point:
 *
 *	if (sm_cgroup_find(&g, "/proc/self", "cpu", true))
 *		do
 *			... sm_cgroup_read(text, &g, "cpu.max") ...
 *		while (sm_cgroup_up(&g));
 *
 * `proc` is the folder in which the files `cgroup` and `mountinfo` say where
 * the groups are.  Formats: cgroups(7), and proc(5) for mountinfo.
 */
#ifndef SM_CGROUP_H
#define SM_CGROUP_H

#include <stdbool.h>
#include <stddef.h>

/* One line of /proc; a longer one is none of those that are looked for. */
#define SM_CGROUP_LINE_MAX 4096
#define SM_CGROUP_TEXT_MAX 1024

struct sm_cgroup {
	char folder[2 * SM_CGROUP_LINE_MAX];
	size_t top; /* bytes of the mount point, which is as far as it goes */
};

/*
 * The group of the process for `controller` of version 1, or that of version 2.
 * False: it has none, or it cannot be told.
 */
bool sm_cgroup_find(struct sm_cgroup *g, const char *proc,
		    const char *controller, bool v2);

/* To the group above; false: that was the topmost. */
bool sm_cgroup_up(struct sm_cgroup *g);

/* The first bytes of one of the group's files; false: it has none. */
bool sm_cgroup_read(char text[SM_CGROUP_TEXT_MAX], const struct sm_cgroup *g,
		    const char *file);

#endif /* SM_CGROUP_H */
