/*
 * Reads /proc.  It is apart from what kills and waits, since the numbers of
 * fields and the name in brackets, which may hold anything, are trouble enough.
 */
#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "proc.h"

#define PROC_STAT_MAX 1024
/* An environment is read in pieces; an entry that is looked for fits in one. */
#define PROC_ENVIRON_BYTES 65536

static int
proc_open(int64_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%" PRId64 "/%s", pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

bool
sm_proc_get(struct sm_proc *p, int64_t pid)
{
	char text[PROC_STAT_MAX], *open, *close_at;
	int fd = proc_open(pid, "stat"), i;
	ssize_t n;

	*p = (struct sm_proc){ .pid = pid };
	if (fd < 0)
		return false;
	n = sm_read_full(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	open = strchr(text, '(');
	close_at = strrchr(text, ')');
	if (!open || !close_at || close_at < open)
		return false;
	*close_at = '\0';
	snprintf(p->name, sizeof(p->name), "%s", open + 1);
	if (sscanf(close_at + 1, " %c %*d %" SCNd64 " %" SCNd64, &p->state,
		   &p->group, &p->session) != 3)
		return false;
	/* The start is field 22, and the blank is before the third. */
	for (i = 3, open = close_at + 1; open && i < 22; i++)
		open = strchr(open + 1, ' ');
	return open && sscanf(open, " %" SCNu64, &p->start) == 1;
}

void
sm_proc_begin(struct sm_dir *d)
{
	sm_dir_open(d, AT_FDCWD, "/proc");
}

bool
sm_proc_next(struct sm_proc *p, struct sm_dir *d)
{
	const char *name;

	while (sm_dir_next(&name, d) > 0)
		if (isdigit((unsigned char)*name) &&
		    sm_proc_get(p, strtoll(name, NULL, 10)))
			return true;
	return false;
}

bool
sm_proc_variable(char *value, size_t size, int64_t pid, const char *name)
{
	size_t len = strlen(name), kept = 1, at = 0;
	int fd = proc_open(pid, "environ");
	bool found = false;
	char *text;
	ssize_t n;

	if (fd < 0)
		return false;
	text = malloc(PROC_ENVIRON_BYTES);
	if (!text || 1 + len + size > PROC_ENVIRON_BYTES / 2)
		goto out;
	/* A search for "\0NAME=VALUE\0"; the first entry has no \0 before. */
	text[0] = '\0';
	do {
		n = read(fd, text + kept, PROC_ENVIRON_BYTES - kept);
		if (n > 0)
			kept += (size_t)n;
		/* What may go on in the next read is left for then. */
		while (!found && at + 1 + len + (n > 0 ? size : 0) <= kept) {
			found = text[at] == '\0' &&
				memcmp(text + at + 1, name, len) == 0;
			at++;
		}
		if (!found) {
			memmove(text, text + at, kept - at);
			kept -= at;
			at = 0;
		}
	} while (!found && n > 0);
	if (found) {
		at += len;
		len = strnlen(text + at, kept - at);
		found = at + len < kept && len < size;
		if (found)
			memcpy(value, text + at, len + 1);
	}
out:
	free(text);
	close(fd);
	return found;
}
