/*
 * joblog.c - what a run says goes to JOB/log as well, and once for each reason
 *
 * It stands between whoever gives a notice and the caller who shows it, so that
 * neither knows of the log.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "joblog.h"

#define JOBLOG_LINE (SM_ERR_TEXT + 256)

static int
joblog_file(int dirfd)
{
	return openat(dirfd, "log",
		      O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK |
			      O_CLOEXEC,
		      0666);
}

/*
 * Two that find it full at once must not both rename it, or the second would
 * put an empty one in place of the first's.  Whoever does not get the lock
 * writes on: a line more than the bound is no harm.
 */
static int
joblog_rotate(int fd, int dirfd, size_t len)
{
	struct stat st, named;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -1;
	}
	if ((size_t)st.st_size + len <= SM_JOBLOG_MAX ||
	    flock(fd, LOCK_EX | LOCK_NB) < 0)
		return fd;
	if (fstatat(dirfd, "log", &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	    named.st_ino == st.st_ino && named.st_dev == st.st_dev)
		renameat(dirfd, "log", dirfd, "log.1");
	close(fd);
	return joblog_file(dirfd);
}

/* A message may hold a name with a newline in it: a line stays a line. */
static size_t
joblog_escape(char *dst, size_t size, const char *src)
{
	size_t n = 0;
	unsigned char c;

	for (; (c = (unsigned char)*src) != 0 && n + 5 < size; src++) {
		if (c >= 0x20 && c != 0x7f)
			dst[n++] = (char)c;
		else
			n += (size_t)snprintf(dst + n, size - n, "\\x%02x", c);
	}
	dst[n] = '\0';
	return n;
}

static void
joblog_line(int dirfd, const char *text)
{
	char line[JOBLOG_LINE];
	time_t now = time(NULL);
	struct tm tm;
	size_t n = 0;
	int fd = joblog_file(dirfd);

	if (fd < 0)
		return;
	if (localtime_r(&now, &tm))
		n = strftime(line, sizeof(line), "%Y-%m-%d %H:%M:%S%z ", &tm);
	n += (size_t)snprintf(line + n, sizeof(line) - n, "[%d] ",
			      (int)getpid());
	n += joblog_escape(line + n, sizeof(line) - n - 1, text);
	line[n++] = '\n';
	fd = joblog_rotate(fd, dirfd, n);
	if (fd < 0)
		return;
	/* In one call, so that those of several processes do not mix. */
	if (write(fd, line, n) < 0)
		line[0] = '\0'; /* not told: the job goes on without */
	close(fd);
}

void
sm_joblog_write(int dirfd, const char *fmt, ...)
{
	char text[JOBLOG_LINE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	joblog_line(dirfd, text);
}

static void
joblog_tell(struct sm_joblog *l, const char *text)
{
	joblog_line(l->dirfd, text);
	if (l->to->notice)
		l->to->notice(text, l->to->arg);
}

/* NULL: it is told each time. */
static struct sm_joblog_told *
joblog_reason(struct sm_joblog *l, const char *text)
{
	struct sm_joblog_told *t;
	char key[SM_FOLD_MAX];
	size_t i;

	sm_fold(key, text);
	if (strncmp(key, "batch N: ", 9) != 0)
		return NULL;
	for (i = 0; i < l->tolds; i++)
		if (strcmp(l->told[i].key, key) == 0)
			return &l->told[i];
	if (l->tolds == SM_JOBLOG_REASONS)
		return NULL;
	t = &l->told[l->tolds++];
	*t = (struct sm_joblog_told){ .next = 1 };
	memcpy(t->key, key, sizeof(key));
	return t;
}

static void
joblog_notice(const char *text, void *arg)
{
	struct sm_joblog *l = arg;
	struct sm_joblog_told *t = joblog_reason(l, text);
	char again[SM_ERR_TEXT + 64];

	if (!t) {
		joblog_tell(l, text);
		return;
	}
	if (++t->times < t->next)
		return;
	t->next *= 10;
	if (t->times == 1) {
		joblog_tell(l, text);
		return;
	}
	snprintf(again, sizeof(again),
		 "%s (such a message for the %lluth time)", text,
		 (unsigned long long)t->times);
	joblog_tell(l, again);
}

static void
joblog_progress(const struct sm_progress *p, void *arg)
{
	const struct sm_joblog *l = arg;

	l->to->progress(p, l->to->arg);
}

void
sm_joblog_open(struct sm_joblog *l, int dirfd, const struct sm_events *to)
{
	*l = (struct sm_joblog){ .dirfd = dirfd, .to = to };
	l->events = (struct sm_events){ .notice = joblog_notice,
					.arg = l,
					.stop = to->stop,
					.signal = to->signal };
	if (to->progress)
		l->events.progress = joblog_progress;
}

void
sm_joblog_close(struct sm_joblog *l)
{
	char text[SM_FOLD_MAX + 64];
	size_t i;

	for (i = 0; i < l->tolds; i++) {
		if (l->told[i].times == 1 ||
		    l->told[i].times * 10 == l->told[i].next)
			continue;
		snprintf(text, sizeof(text), "%llu times in all: %s",
			 (unsigned long long)l->told[i].times, l->told[i].key);
		joblog_tell(l, text);
	}
	l->tolds = 0;
}
