/*
 * worker_main.c - the worker branch of a program that has producers
 *
 * The one function of the library that may end the process.  It is apart from
 * api.c, which has the calls that return.
 */
#include <stdlib.h>
#include <sys/socket.h>

#include "role.h"

#include "producers.h"

/*
 * A mark without the socket of a supervisor came with somebody's environment:
 * the program goes on, and is told so where it plans or runs.
 */
static bool
worker_has_supervisor(void)
{
	int type = 0;
	socklen_t len = sizeof(type);

	return getsockopt(SM_WORKER_FD, SOL_SOCKET, SO_TYPE, &type, &len) ==
		       0 &&
	       type == SOCK_SEQPACKET;
}

void
sm_worker_main(int argc, char **argv,
	       const struct sm_producer *const *producers)
{
	struct sm_work_opts opts = { .control_fd = SM_WORKER_FD };
	int ret;

	(void)argc;
	(void)argv;
	sm_producers_set(producers);
	if (!worker_has_supervisor() || !sm_role_take_worker())
		return;
	/* Errors travel over the socket. */
	ret = sm_work(".", &opts, NULL);
	exit(sm_code_exit(ret));
}
