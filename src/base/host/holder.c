/*
 * Finds the process that holds a lock which others wait for.  It is apart from
 * lock.c, whose calls know only that somebody does: the kernel names the
 * holder in a list of all locks of the machine, in words.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "holder.h"

/* Neighbouring locks of one process are one line, from the first to the last.
 */
static bool
holder_line(const char *line, const struct sm_lock_asked *l, uint64_t inode,
	    int *pid)
{
	uint64_t ino, from, to = UINT64_MAX;
	char kind[8], type[8], end[32];

	/*
	 * "5: POSIX  ADVISORY  WRITE 4321 fe:00:1234 120 120"; one that is
	 * waited for has "->" before its kind.
	 */
	if (sscanf(line,
		   "%*d: %7s %*s %7s %d %*x:%*x:%" SCNu64 " %" SCNu64 " %31s",
		   kind, type, pid, &ino, &from, end) != 6)
		return false;
	sscanf(end, "%" SCNu64, &to); /* or "EOF" */
	return *pid > 0 && *pid != l->except[0] && *pid != l->except[1] &&
	       ino == inode && strcmp(kind, l->kind) == 0 &&
	       strcmp(type, l->type) == 0 && from <= l->byte && l->byte <= to;
}

int
sm_lock_holder(int dirfd, const char *file, const struct sm_lock_asked *l)
{
	char line[256];
	struct stat st;
	int pid, found = 0;
	FILE *f;

	if (fstatat(dirfd, file, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	f = fopen("/proc/locks", "re");
	if (!f)
		return 0;
	while (!found && fgets(line, sizeof(line), f))
		if (holder_line(line, l, (uint64_t)st.st_ino, &pid))
			found = pid;
	fclose(f);
	return found;
}
