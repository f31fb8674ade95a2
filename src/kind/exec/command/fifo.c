/*
 * Makes and opens the named pipes of a batch.  It is apart from serve.c because
 * what open(2), poll(2) and the size of a pipe say of a FIFO is Linux's own,
 * and the conversation with a command needs to know none of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fifo.h"

/* As wide as the pipes of a command per batch. */
#define FIFO_BYTES (1 << 20)

static int
fifo_open(struct sm_fifo *f, const char *path, int how, struct sm_err *err)
{
	f->path = path;
	f->fd = -1;
	if (mkfifo(path, 0600) < 0) {
		if (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS)
			return sm_err_sys(err,
					  "cannot make the named pipe '%s': "
					  "--serve needs a job directory on a "
					  "file system that has them",
					  path);
		return sm_err_sys(err, "cannot make the named pipe '%s'", path);
	}
	f->fd = open(path, how | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (f->fd < 0)
		return sm_err_sys(err, "cannot open the named pipe '%s'", path);
	return 0;
}

int
sm_fifo_open_out(struct sm_fifo *f, const char *path, struct sm_err *err)
{
	return fifo_open(f, path, O_RDONLY, err);
}

/* The kernel rounds the size up to a page; a pipe of one page is full of one
 * byte as of 4,096, and writable only when it is empty. */
int
sm_fifo_open_in(struct sm_fifo *f, const char *path, struct sm_err *err)
{
	int ret = fifo_open(f, path, O_RDWR, err);

	if (ret == 0 && fcntl(f->fd, F_SETPIPE_SZ, 1) < 0)
		ret = sm_err_sys(err, "cannot narrow the named pipe '%s'",
				 path);
	return ret;
}

/*
 * A descriptor on which nobody has hung up yet.  Who opens it meanwhile is not
 * missed: the new one is open before the old one is closed, what was written is
 * readable in it, and whoever has it open then will hang up on it.
 */
void
sm_fifo_rearm(struct sm_fifo *f)
{
	int fd = open(f->path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	close(f->fd);
	f->fd = fd;
}

/* Beyond the user's limit this fails, and the pipe stays narrow. */
void
sm_fifo_widen(struct sm_fifo *f)
{
	fcntl(f->fd, F_SETPIPE_SZ, FIFO_BYTES);
}

void
sm_fifo_close(struct sm_fifo *f)
{
	/* In this order: opening a pipe that has a name and no other end waits.
	 */
	if (f->path)
		unlink(f->path);
	f->path = NULL;
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}
