/*
 * Writes a piece of a file into a command's standard input, as fast as the
 * command reads.  It is apart from command.c because it owns a buffer, a
 * position and the signal that a closed pipe raises, and the loop needs to know
 * none of them.
 */
#include <errno.h>
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "file.h"

#include "feed.h"

void
sm_feed_begin(struct sm_feed *f, int fd, const char *name, uint64_t at,
	      uint64_t end)
{
	sigset_t set;

	f->fd = fd;
	f->name = name;
	f->at = at;
	f->end = end;
	f->buf_at = f->buf_len = 0;
	f->sigpipe = false;
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, &f->before);
}

/*
 * The next piece of the file.  That it is too short means that it is not the
 * file that was planned: the batch is refused, and not tried again.
 */
static int
feed_fill(struct sm_feed *f, struct sm_err *err)
{
	uint64_t left = f->end - f->at;
	size_t want = sizeof(f->buf);
	ssize_t n;

	if (left < want)
		want = (size_t)left;
	n = sm_pread_full(f->fd, f->buf, want, f->at);
	if (n < 0)
		return sm_err_sys(err, "cannot read '%s' at byte %" PRIu64,
				  f->name, f->at);
	if ((size_t)n < want)
		return sm_err_set(err, SM_EREFUSED,
				  "input '%s' shrank: it ends at byte %" PRIu64
				  ", the batch at %" PRIu64,
				  f->name, f->at + (uint64_t)n, f->end);
	f->buf_at = 0;
	f->buf_len = want;
	f->at += want;
	return 0;
}

int
sm_feed_write(struct sm_feed *f, int pipe, struct sm_err *err)
{
	ssize_t n;
	int ret;

	if (f->buf_len == 0) {
		if (f->at == f->end)
			return 0;
		ret = feed_fill(f, err);
		if (ret < 0)
			return ret;
	}
	n = write(pipe, f->buf + f->buf_at, f->buf_len);
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
	f->buf_at += (size_t)n;
	f->buf_len -= (size_t)n;
	return f->buf_len > 0 || f->at < f->end;
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
