/*
 * role.c - the mark in a worker's environment
 *
 * In base, since the supervisor sets it, the kind that runs commands takes it
 * away, and neither knows the other.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "role.h"

#define MARK "SHARDMILL_WORKER"

bool
sm_role_is_mark(const char *entry)
{
	return strncmp(entry, MARK "=", strlen(MARK "=")) == 0;
}

/* It was under the mark, which is gone. */
static bool role_is_worker;

bool
sm_role_take_worker(void)
{
	if (getenv(MARK)) {
		unsetenv(MARK);
		role_is_worker = true;
	}
	return role_is_worker;
}

int
sm_role_refuse_worker(const char *call, struct sm_err *err)
{
	if (!role_is_worker && !getenv(MARK))
		return 0;
	return sm_err_set(err, SM_EUSAGE,
			  "%s in a worker: sm_run() started this program by "
			  "its worker_argv, to which it has to answer by "
			  "sm_work() and nothing else (" MARK
			  " in the environment says that it is one)",
			  call);
}

char **
sm_role_worker_environ(void)
{
	static char mark[] = MARK "=1";
	char **list;
	size_t n = 0, i, kept = 0;

	while (environ && environ[n])
		n++;
	list = calloc(n + 2, sizeof(*list));
	if (!list)
		return NULL;
	for (i = 0; i < n; i++)
		if (!sm_role_is_mark(environ[i]))
			list[kept++] = environ[i];
	list[kept] = mark;
	return list;
}
