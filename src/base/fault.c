/*
 * Named places where a test lets a call fail or the process die.  In a build
 * without SHARDMILL_FAULTS this file is empty, and the header's macros leave
 * nothing at the call sites.
 */
#include "fault.h"

#ifdef SHARDMILL_FAULTS

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAULT_RULES_MAX 16
#define FAULT_WAIT_S    1

struct fault_rule {
	char point[64];
	char action[16];
	unsigned long nth;    /* act at this pass, from 1 */
	bool onwards;         /* and at all later ones */
	unsigned long passed; /* so far, in this process */
};

static struct fault_rule fault_rules[FAULT_RULES_MAX];
static int fault_rule_count;
static pthread_once_t fault_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t fault_lock = PTHREAD_MUTEX_INITIALIZER;

static const struct {
	const char *name;
	int value;
} fault_errnos[] = {
	{ "EIO", EIO },       { "ENOSPC", ENOSPC }, { "EDQUOT", EDQUOT },
	{ "EMFILE", EMFILE }, { "ENOMEM", ENOMEM }, { "EROFS", EROFS },
	{ "EINTR", EINTR },
};

/* Copy one field of "point:action:n" to `dst`; returns the place after it. */
static const char *
fault_field(char *dst, size_t size, const char *s)
{
	size_t n = strcspn(s, ":,"), k = n;

	if (k > size - 1)
		k = size - 1;
	memcpy(dst, s, k);
	dst[k] = '\0';
	return s + n;
}

/*
 * Once per process, at the first point that is passed.  A rule that cannot be
 * understood never matches: a test notices that its point was not reached.
 */
static void
fault_read_environment(void)
{
	const char *s = getenv("SHARDMILL_FAULT");
	struct fault_rule *r;
	char nth[16];

	while (s && *s && fault_rule_count < FAULT_RULES_MAX) {
		r = &fault_rules[fault_rule_count++];
		r->nth = 1;
		s = fault_field(r->point, sizeof(r->point), s);
		if (*s == ':')
			s = fault_field(r->action, sizeof(r->action), s + 1);
		if (*s == ':') {
			s = fault_field(nth, sizeof(nth), s + 1);
			r->nth = strtoul(nth, NULL, 10);
			r->onwards = strchr(nth, '+') != NULL;
		}
		if (*s == ',')
			s++;
	}
}

/*
 * Opened for appending and closed at each point: many processes share the log,
 * and a SIGKILL directly afterwards must not lose a line.
 */
static void
fault_log(const char *point)
{
	const char *path = getenv("SHARDMILL_FAULT_LOG");
	int fd;

	if (!path || (strncmp(point, "sql.", 4) == 0 &&
		      !getenv("SHARDMILL_FAULT_LOG_SQL")))
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0)
		return;
	if (write(fd, point, strlen(point)) < 0 || write(fd, "\n", 1) < 0)
		abort(); /* a test whose log is cut would prove nothing */
	close(fd);
}

/*
 * The process's end, a pause, or the errno that the caller is to fail with; 0:
 * the call goes on.  The pause is left to the caller, which holds the lock.
 */
static int
fault_act(const char *action, unsigned *wait_s)
{
	size_t i;

	if (strcmp(action, "kill") == 0)
		raise(SIGKILL);
	else if (strcmp(action, "stop") == 0)
		raise(SIGSTOP);
	else if (strcmp(action, "exit") == 0)
		_exit(99);
	else if (strcmp(action, "wait") == 0)
		*wait_s += FAULT_WAIT_S;
	for (i = 0; i < sizeof(fault_errnos) / sizeof(*fault_errnos); i++)
		if (strcmp(fault_errnos[i].name, action) == 0)
			return errno = fault_errnos[i].value;
	return 0;
}

int
sm_fault_errno(const char *point)
{
	struct fault_rule *r;
	unsigned wait_s = 0;
	int i, ret = 0;

	pthread_once(&fault_once, fault_read_environment);
	fault_log(point);
	pthread_mutex_lock(&fault_lock);
	for (i = 0; i < fault_rule_count; i++) {
		r = &fault_rules[i];
		if (strcmp(r->point, point) != 0)
			continue;
		r->passed++;
		if (r->passed == r->nth || (r->onwards && r->passed > r->nth))
			ret = fault_act(r->action, &wait_s);
	}
	if (ret)
		fault_log("acted");
	pthread_mutex_unlock(&fault_lock);
	if (wait_s > 0) /* this thread alone: the others go on */
		sleep(wait_s);
	return ret;
}

#else

/* ISO C forbids an empty translation unit. */
typedef int sm_fault_is_off;

#endif
