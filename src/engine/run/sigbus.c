/*
 * Turns the SIGBUS of an input that shrank while it was mapped into an error of
 * the batch.  It is apart from everything else because it is the library's only
 * signal handler, and does what a handler may do: jump, or die as without one.
 */
#include <signal.h>
#include <stdbool.h>

#include "sigbus.h"

/*
 * Per thread: the kernel sends this signal to the thread that touched the page.
 */
static _Thread_local sigjmp_buf sigbus_place;
static _Thread_local volatile sig_atomic_t sigbus_entered;

static void
sigbus_handle(int sig)
{
	if (sigbus_entered) {
		sigbus_entered = 0;
		siglongjmp(sigbus_place, 1);
	}
	/* Not ours: die of it, as without a handler. */
	signal(sig, SIG_DFL);
	raise(sig);
}

int
sm_sigbus_install(struct sm_err *err)
{
	/* SA_NODEFER: the jump leaves the handler without returning. */
	struct sigaction act = { .sa_handler = sigbus_handle,
				 .sa_flags = SA_NODEFER };

	if (sigaction(SIGBUS, &act, NULL) < 0)
		return sm_err_sys(err, "cannot handle SIGBUS");
	return 0;
}

sigjmp_buf *
sm_sigbus_enter(void)
{
	sigbus_entered = 1;
	return &sigbus_place;
}

void
sm_sigbus_leave(void)
{
	sigbus_entered = 0;
}
