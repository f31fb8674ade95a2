/*
 * One file per attempt with all that its command wrote to standard error.  It
 * is apart from the 4 KiB that the database keeps, because these are files for
 * people: bounded, not synced, and missing if the command was silent.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "errfile.h"
#include "file.h"

#include "log.h"

#define LOG_NOTE "\n[shardmill: a log ends at 16 MiB, the rest is left out]\n"
#define LOG_ROOM (SM_LOG_MAX - (sizeof(LOG_NOTE) - 1))

struct sm_log {
	int dirfd;
	int fd; /* of the attempt's file, -1 before its first byte */
	uint64_t bytes;
	bool full;
	char name[64];
};

int
sm_log_new(struct sm_log **out, int job_dirfd, const char *dir,
	   struct sm_err *err)
{
	struct sm_log *l = calloc(1, sizeof(*l));
	int ret;

	if (!l)
		return sm_err_mem(err, "logs");
	l->fd = -1;
	if (mkdirat(job_dirfd, dir, 0777) < 0 && errno != EEXIST)
		goto fail;
	l->dirfd = openat(job_dirfd, dir,
			  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (l->dirfd < 0)
		goto fail;
	*out = l;
	return 0;

fail:
	ret = sm_err_file(err, job_dirfd, dir, "cannot make the directory");
	free(l);
	return ret;
}

/* The name sorts like the shards do, and each attempt has its own. */
void
sm_log_begin(struct sm_log *l, uint64_t batch, unsigned digits, int64_t attempt)
{
	snprintf(l->name, sizeof(l->name), "%0*" PRIu64 ".%" PRId64 ".log",
		 (int)digits, batch, attempt);
	l->bytes = 0;
	l->full = false;
}

/*
 * Create at the first byte, cut at the bound, and say so in the last line.  A
 * log that cannot be written fails the attempt: the user asked for it.
 */
int
sm_log_put(struct sm_log *l, const void *data, size_t len, struct sm_err *err)
{
	size_t n = len;
	bool failed;

	if (l->full || len == 0)
		return 0;
	if (l->fd < 0) {
		l->fd = openat(l->dirfd, l->name,
			       O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW |
				       O_CLOEXEC,
			       0666);
		if (l->fd < 0)
			return sm_err_file(err, l->dirfd, l->name,
					   "cannot create the log");
	}
	if (n > LOG_ROOM - l->bytes) {
		n = (size_t)(LOG_ROOM - l->bytes);
		l->full = true;
	}
	failed = sm_write_all(l->fd, data, n) < 0;
	if (!failed && l->full)
		failed =
			sm_write_all(l->fd, LOG_NOTE, sizeof(LOG_NOTE) - 1) < 0;
	if (failed)
		return sm_err_sys(err, "cannot write the log '%s'", l->name);
	l->bytes += n;
	return 0;
}

void
sm_log_end(struct sm_log *l)
{
	/* Not checked: no promise depends on a log. */
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

void
sm_log_free(struct sm_log *l)
{
	if (!l)
		return;
	sm_log_end(l);
	close(l->dirfd);
	free(l);
}
