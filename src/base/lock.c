/*
 * Locks on files: single bytes that are tested and taken without waiting, and
 * the queue of writers that waits.  They are separate from what they guard so
 * that one file answers for what a lock survives: not exec (O_CLOEXEC), not its
 * holder's death, but a fork without exec.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
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

/* ----------------------------------------------------------------- line -- */

/*
 * So many turns, and then one stands in line.  With 64 workers that have
 * nothing else to do the fewest turns of one are so many of the most: 0.97 with
 * none, 0.85 to 0.97 with one, 0.75 to 0.9 with two; and each more is one less
 * switch to another process.
 */
#define LINE_TURNS       1
#define LINE_PATIENCE_NS 100000000

/* Tickets and turns wrap around; what counts is their difference. */
struct sm_line_counters {
	_Atomic uint32_t next;    /* ticket */
	_Atomic uint32_t serving; /* those below may ask for the queue */
};

/* The bytes are written first: a page without a block on a full disk would be
 * a SIGBUS. */
void
sm_line_open(struct sm_line *line, int fd)
{
	static const char zero[sizeof(struct sm_line_counters)];
	struct stat st;
	void *p;

	*line = (struct sm_line){ .shared = NULL };
	if (fstat(fd, &st) < 0 ||
	    (st.st_size < (off_t)sizeof(zero) &&
	     pwrite(fd, zero, sizeof(zero), 0) != (ssize_t)sizeof(zero)))
		return;
	p = mmap(NULL, sizeof(*line->shared), PROT_READ | PROT_WRITE,
		 MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		line->shared = p;
}

void
sm_line_close(struct sm_line *line)
{
	if (line->shared)
		munmap(line->shared, sizeof(*line->shared));
	*line = (struct sm_line){ .shared = NULL };
}

static bool
line_is_served(uint32_t serving, uint32_t ticket)
{
	return (int32_t)(serving - ticket) >= 0;
}

/* Each waits for one bit of 32, so that few are woken for nothing. */
static uint32_t
line_bit(uint32_t ticket)
{
	return (uint32_t)1 << (ticket % 32);
}

static int
line_stand(struct sm_line *line)
{
	struct sm_line_counters *c = line->shared;
	struct timespec until;
	uint32_t serving;

	if (!line->stands)
		line->ticket = atomic_fetch_add(&c->next, 1);
	line->stands = true;
	serving = atomic_load(&c->serving);
	while (!line_is_served(serving, line->ticket)) {
		/* FUTEX_WAIT_BITSET takes a point in time. */
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += LINE_PATIENCE_NS;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		if (syscall(SYS_futex, &c->serving, FUTEX_WAIT_BITSET, serving,
			    &until, NULL, line_bit(line->ticket)) < 0) {
			if (errno == EINTR)
				return -1;
			/* Whoever is next does not come. */
			if (errno != EAGAIN &&
			    serving == atomic_load(&c->serving))
				return 0;
		}
		serving = atomic_load(&c->serving);
	}
	return 0;
}

/* The next one may ask for the queue, in which we are. */
static void
line_pass(struct sm_line *line)
{
	struct sm_line_counters *c = line->shared;
	uint32_t next = line->ticket + 1;
	uint32_t serving = atomic_load(&c->serving);

	while (!line_is_served(serving, next) &&
	       !atomic_compare_exchange_weak(&c->serving, &serving, next))
		;
	if (atomic_load(&c->next) != next)
		syscall(SYS_futex, &c->serving, FUTEX_WAKE_BITSET, INT_MAX,
			NULL, NULL, line_bit(next));
	line->stands = false;
	line->turns = 0;
}

/*
 * The ticket is kept where a signal ends the wait: the caller asks again, or
 * is about to end, and then the others lose their patience once.
 */
int
sm_line_enter(struct sm_line *line, int fd)
{
	if (!line->shared || line->turns < LINE_TURNS) {
		if (sm_queue_enter(fd) < 0)
			return -1;
		line->turns++;
		return 0;
	}
	if (line_stand(line) < 0 || sm_queue_enter(fd) < 0)
		return -1;
	line_pass(line);
	return 0;
}
