/*
 * Writes text into a command's standard input, as fast as the command reads.
 * It is apart from command.c because it owns a piece of text, a position and
 * the signal that a closed pipe raises, and the loop needs to know none of
 * them.
 */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "feed.h"

void
sm_feed_begin(struct sm_feed *f, sm_feed_source *next, void *arg)
{
	sigset_t set;

	f->next = next;
	f->arg = arg;
	f->len = 0;
	f->sigpipe = false;
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, &f->before);
}

int
sm_feed_write(struct sm_feed *f, int pipe, struct sm_err *err)
{
	ssize_t n;
	int ret;

	if (f->len == 0) {
		ret = f->next(&f->text, &f->len, f->arg, err);
		if (ret <= 0)
			return ret;
	}
	n = write(pipe, f->text, f->len);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 1;
	if (n < 0) {
		/*
		 * EPIPE: the command closed its input, which it may.  Any other
		 * failure of a pipe means the same.
		 */
		f->sigpipe |= errno == EPIPE;
		return 0;
	}
	f->text += n;
	f->len -= (size_t)n;
	return 1;
}

/*
 * Take back a SIGPIPE of ours before it is unblocked, or it would end the
 * worker.  It is this thread's own: the kernel sends it to the thread that
 * wrote.
 */
void
sm_feed_end(struct sm_feed *f)
{
	const struct timespec now = { 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	while (f->sigpipe && sigtimedwait(&set, NULL, &now) < 0 &&
	       errno == EINTR)
		;
	pthread_sigmask(SIG_SETMASK, &f->before, NULL);
}
