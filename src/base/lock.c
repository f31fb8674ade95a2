/*
 * Locks on files: single bytes that are tested and taken without waiting, and
 * the queue of writers that waits.  They are separate from what they guard so
 * that one file answers for what a lock survives: not exec (O_CLOEXEC), not its
 * holder's death, but a fork without exec.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "clock.h"
#include "errfile.h"

#include "lock.h"

/*
 * A process that is killed between the fork and the exec of a child leaves its
 * open files to that child for a moment.  That is waited out, so that nobody is
 * told "held" because of it.
 */
#define LOCK_PATIENCE_MS 500
#define LOCK_POLL_MS     10

int
sm_lock_try(int *fd, int dirfd, const char *name, struct sm_err *err)
{
	int f = openat(dirfd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
		       0666);
	int ret;

	if (f < 0)
		return sm_err_file(err, dirfd, name, "cannot open the lock");
	ret = sm_byte_lock_wait(f, 0);
	if (ret > 0) {
		*fd = f;
		return 1;
	}
	close(f);
	if (ret == 0)
		return 0;
	errno = -ret;
	return sm_err_file(err, dirfd, name, "cannot lock");
}

int
sm_lock_held(int dirfd, const char *name)
{
	int f = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), held;

	if (f < 0 && errno == ENOENT)
		return 0;
	if (f < 0)
		return -errno;
	held = sm_byte_held(f, 0);
	close(f);
	return held;
}

int
sm_byte_lock(int fd, uint64_t at)
{
	struct flock l = { .l_type = F_WRLCK,
			   .l_whence = SEEK_SET,
			   .l_start = (off_t)at,
			   .l_len = 1 };

	if (fcntl(fd, F_OFD_SETLK, &l) == 0)
		return 1;
	/* POSIX allows either for a lock that conflicts. */
	if (errno == EAGAIN || errno == EACCES)
		return 0;
	return -errno;
}

void
sm_byte_unlock(int fd, uint64_t at)
{
	struct flock l = { .l_type = F_UNLCK,
			   .l_whence = SEEK_SET,
			   .l_start = (off_t)at,
			   .l_len = 1 };

	fcntl(fd, F_OFD_SETLK, &l);
}

int
sm_byte_lock_wait(int fd, uint64_t at)
{
	int ret = sm_byte_lock(fd, at), ms;

	for (ms = 0; ret == 0 && ms < LOCK_PATIENCE_MS; ms += LOCK_POLL_MS) {
		sm_clock_sleep_ms(LOCK_POLL_MS);
		ret = sm_byte_lock(fd, at);
	}
	return ret;
}

int
sm_byte_held(int fd, uint64_t at)
{
	return sm_bytes_held(fd, at, 1);
}

/*
 * F_GETLK asks what would conflict with a lock of ours, and takes none: asking
 * never makes another process fail.
 */
int
sm_bytes_held(int fd, uint64_t at, uint64_t n)
{
	struct flock l = { .l_type = F_WRLCK,
			   .l_whence = SEEK_SET,
			   .l_start = (off_t)at,
			   .l_len = (off_t)n };

	if (fcntl(fd, F_OFD_GETLK, &l) < 0)
		return -errno;
	return l.l_type != F_UNLCK;
}

int
sm_queue_open(int *fd, int dirfd, const char *name, struct sm_err *err)
{
	int f = openat(dirfd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
		       0666);

	if (f < 0)
		return sm_err_file(err, dirfd, name, "cannot open the lock");
	*fd = f;
	return 0;
}

/*
 * Not called again after EINTR: the signal's handler may have asked the caller
 * to stop, and only the caller can look.
 */
int
sm_queue_enter(int fd)
{
	return flock(fd, LOCK_EX);
}

int
sm_queue_try(int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 1;
	if (errno == EWOULDBLOCK || errno == EINTR)
		return 0;
	return -1;
}

void
sm_queue_leave(int fd)
{
	flock(fd, LOCK_UN);
}
