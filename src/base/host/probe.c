/*
 * Tries what a directory's file system does.  It is apart from mount.c, which
 * knows names: FUSE has hundreds of file systems behind one number, and each
 * can do less, or more, than its name says.
 *
 * A step that fails gives the reason.  Its errno decides whether that is the
 * file system's way, or the trial's bad luck (probe_is_luck()).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dir.h"
#include "fault.h"
#include "file.h"
#include "libc.h"
#include "lock.h"
#include "rand.h"

#include "probe.h"

#define PROBE_STEM     ".shardmill-probe."
#define PROBE_OLD_S    3600
#define PROBE_BYTES    10000 /* of no page's size */
#define PROBE_GROWN    20000
#define PROBE_MAPPED   4096
#define PROBE_POSIX_AT 8

struct probe {
	int dir; /* our own */
	char name[64];
	const char *failed; /* the step, in words */
	int sys;            /* its errno; 0: what it gave was wrong */
};

/* Not the file system's way: room, memory, limits, a disk that fails. */
static bool
probe_is_luck(int sys)
{
	return sys == ENOSPC || sys == EDQUOT || sys == ENOMEM ||
	       sys == EMFILE || sys == ENFILE || sys == EIO || sys == EAGAIN ||
	       sys == EINTR;
}

static bool
probe_fails(struct probe *p, const char *step, int sys)
{
	p->failed = step;
	p->sys = sys;
	return false;
}

static int
probe_open(const struct probe *p, const char *name, int flags)
{
	return openat(p->dir, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* A byte of each place that no other place has near it. */
static void
probe_fill(unsigned char *data, size_t n, unsigned salt)
{
	size_t i;

	for (i = 0; i < n; i++)
		data[i] = (unsigned char)(i * 131 + i / 251 + salt);
}

/* Is this what `fd` has at `at`? */
static bool
probe_reads(struct probe *p, const char *step, int fd,
	    const unsigned char *data, size_t n, uint64_t at)
{
	unsigned char *seen = malloc(n);
	ssize_t got;
	bool same;

	if (!seen)
		return probe_fails(p, step, ENOMEM);
	got = sm_pread_full(fd, seen, n, at);
	same = got == (ssize_t)n && memcmp(seen, data, n) == 0;
	if (!same)
		probe_fails(p, step, got < 0 ? errno : 0);
	free(seen);
	return same;
}

/* ------------------------------------------------------------- one file -- */

static bool
probe_size_is(struct probe *p, const char *step, int fd, off_t size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return probe_fails(p, step, errno);
	return st.st_size == size || probe_fails(p, step, 0);
}

/* Written, read back, longer, shorter, synced. */
static bool
probe_write(struct probe *p, int fd)
{
	static const char read[] = "what was written is not read back";
	static const char cut[] = "a file cannot be cut, or made longer";
	unsigned char data[PROBE_BYTES];

	probe_fill(data, sizeof(data), 1);
	if (sm_pwrite_all(fd, data, sizeof(data), 0) < 0)
		return probe_fails(p, "a file cannot be written", errno);
	if (!probe_reads(p, read, fd, data, sizeof(data), 0))
		return false;
	if (ftruncate(fd, PROBE_GROWN) < 0)
		return probe_fails(p, cut, errno);
	if (!probe_size_is(p, cut, fd, PROBE_GROWN))
		return false;
	if (ftruncate(fd, PROBE_BYTES) < 0)
		return probe_fails(p, cut, errno);
	if (!probe_size_is(p, cut, fd, PROBE_BYTES))
		return false;
	/* In the middle, as counts and marks are. */
	probe_fill(data + 5000, 1000, 7);
	if (sm_pwrite_all(fd, data + 5000, 1000, 5000) < 0)
		return probe_fails(p, "a file cannot be written over", errno);
	if (!probe_reads(p, read, fd, data, sizeof(data), 0))
		return false;
	if (fdatasync(fd) < 0)
		return probe_fails(p, "a file cannot be synced", errno);
	return true;
}

/* As after a kill: what is there is read, and goes on. */
static bool
probe_go_on(struct probe *p, int fd)
{
	static const char step[] = "a file that is there cannot be read and "
				   "written on";
	unsigned char data[PROBE_BYTES];

	probe_fill(data, sizeof(data), 1);
	probe_fill(data + 5000, 1000, 7);
	if (!probe_reads(p, step, fd, data, sizeof(data), 0))
		return false;
	if (sm_pwrite_all(fd, data, sizeof(data), PROBE_BYTES) < 0)
		return probe_fails(p, step, errno);
	return probe_reads(p, step, fd, data, sizeof(data), PROBE_BYTES);
}

static bool
probe_file(struct probe *p)
{
	int fd = probe_open(p, "a", O_RDWR | O_CREAT | O_EXCL);
	bool good;

	if (fd < 0)
		return probe_fails(p, "a file cannot be made", errno);
	good = probe_write(p, fd);
	if (close(fd) < 0 && good)
		good = probe_fails(p, "a file cannot be closed", errno);
	if (!good)
		return false;
	fd = probe_open(p, "a", O_RDWR);
	if (fd < 0)
		return probe_fails(p,
				   "a file that is there cannot be opened for "
				   "reading and writing",
				   errno);
	good = probe_go_on(p, fd);
	if (close(fd) < 0 && good)
		good = probe_fails(p, "a file cannot be closed", errno);
	return good;
}

/* The new one is there under the name, and the old one is not. */
static bool
probe_rename(struct probe *p)
{
	static const char step[] = "a file cannot be renamed over another";
	int fd = probe_open(p, "b", O_RDWR | O_CREAT | O_EXCL);
	bool good;

	if (fd < 0)
		return probe_fails(p, "a file cannot be made", errno);
	close(fd);
	if (renameat(p->dir, "a", p->dir, "b") < 0)
		return probe_fails(p, step, errno);
	fd = probe_open(p, "b", O_RDWR);
	if (fd < 0)
		return probe_fails(p, step, errno);
	good = probe_size_is(p, step, fd, 2 * PROBE_BYTES);
	close(fd);
	if (good && faccessat(p->dir, "a", F_OK, 0) == 0)
		return probe_fails(p, step, 0);
	return good;
}

/* ---------------------------------------------------------------- a job -- */

static bool
probe_unlinked(struct probe *p)
{
	static const char step[] = "a file that lost its name while it is open "
				   "cannot be used";
	unsigned char data[PROBE_BYTES];
	int fd = probe_open(p, "c", O_RDWR | O_CREAT | O_EXCL);
	bool good = true;

	if (fd < 0)
		return probe_fails(p, "a file cannot be made", errno);
	probe_fill(data, sizeof(data), 3);
	if (unlinkat(p->dir, "c", 0) < 0)
		good = probe_fails(p, "a file that is open cannot be removed",
				   errno);
	else if (sm_pwrite_all(fd, data, sizeof(data), 0) < 0 ||
		 ftruncate(fd, PROBE_GROWN) < 0)
		good = probe_fails(p, step, errno);
	if (good)
		good = probe_reads(p, step, fd, data, sizeof(data), 0);
	close(fd);
	return good;
}

static bool
probe_list(struct probe *p)
{
	static const char step[] = "a directory cannot be listed";
	const char *name;
	bool found = false;
	struct sm_dir d;
	int more;

	sm_dir_open(&d, p->dir, ".");
	while ((more = sm_dir_next(&name, &d)) > 0)
		found |= strcmp(name, "b") == 0;
	if (more < 0)
		probe_fails(p, step, errno);
	else if (!found)
		probe_fails(p, step, 0);
	sm_dir_close(&d);
	return more == 0 && found;
}

static bool
probe_posix_lock(int fd, int cmd, struct flock *l)
{
	*l = (struct flock){ .l_type = F_WRLCK,
			     .l_whence = SEEK_SET,
			     .l_start = PROBE_POSIX_AT,
			     .l_len = 1 };
	return fcntl(fd, cmd, l) == 0;
}

/* What the second process finds, as its exit status. */
enum finding {
	FINDING_GOOD,
	FINDING_OPEN,
	FINDING_BYTE,
	FINDING_POSIX,
	FINDING_QUEUE,
	FINDING_MAP,
	FINDING_UNSHARED
};

static const char *const finding_words[] = {
	[FINDING_OPEN] = "a second process cannot open a file",
	[FINDING_BYTE] = "a lock on a byte (F_OFD_SETLK) is not seen by a "
			 "second process",
	[FINDING_POSIX] = "a lock on a byte (F_SETLK), which SQLite takes, is "
			  "not seen by a second process",
	[FINDING_QUEUE] = "a lock on a file (flock) is not seen by a second "
			  "process",
	[FINDING_MAP] = "a second process cannot map a file",
	[FINDING_UNSHARED] = "two processes that map a file do not see what "
			     "the other one stores in it",
};

/*
 * In the second process, which may be a copy of one with threads: system calls
 * alone.  Every lock is the first process's.
 */
static enum finding
second_look(const struct probe *p)
{
	int fd = probe_open(p, "b", O_RDWR);
	int queue = probe_open(p, "d", O_RDWR);
	volatile unsigned char *map;
	struct flock l;

	if (fd < 0 || queue < 0)
		return FINDING_OPEN;
	if (sm_byte_held(fd, 0) != 1 || sm_byte_lock(fd, 0) != 0)
		return FINDING_BYTE;
	if (!probe_posix_lock(fd, F_GETLK, &l) || l.l_type == F_UNLCK)
		return FINDING_POSIX;
	if (flock(queue, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return FINDING_QUEUE;
	map = mmap(NULL, PROBE_MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   0);
	if (map == MAP_FAILED)
		return FINDING_MAP;
	if (map[0] != 'x')
		return FINDING_UNSHARED;
	map[1] = 'y';
	return FINDING_GOOD;
}

static bool
probe_ask_second(struct probe *p, volatile unsigned char *map)
{
	pid_t child = fork();
	int status = 0;

	if (child < 0)
		return probe_fails(p, "a second process cannot be started",
				   errno);
	if (child == 0) {
		/* A map that is refused when it is touched: SIGBUS. */
		signal(SIGBUS, SIG_DFL);
		_exit((int)second_look(p));
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return probe_fails(p, "a second process is lost",
					   errno);
	if (!WIFEXITED(status))
		return probe_fails(p, finding_words[FINDING_MAP], 0);
	if (WEXITSTATUS(status) != FINDING_GOOD)
		return probe_fails(p, finding_words[WEXITSTATUS(status)], 0);
	return map[1] == 'y' ||
	       probe_fails(p, finding_words[FINDING_UNSHARED], 0);
}

static bool
probe_map(struct probe *p, int fd)
{
	static const char step[] = "a file cannot be mapped and written "
				   "(MAP_SHARED)";
	volatile unsigned char *map;
	unsigned char first = 'x';
	bool good;
	int sys = posix_fallocate(fd, 0, PROBE_MAPPED);

	if (sys != 0)
		return probe_fails(p, "room for a file cannot be reserved",
				   sys);
	map = mmap(NULL, PROBE_MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   0);
	if (map == MAP_FAILED)
		return probe_fails(p, step, errno);
	/* The first page is there by now, or a touch would be SIGBUS. */
	good = probe_reads(p, step, fd, (unsigned char *)map, 1, 0);
	map[0] = first;
	if (good)
		good = probe_ask_second(p, map);
	munmap((void *)map, PROBE_MAPPED);
	return good;
}

/*
 * A file of its own, as a job has one: where flock() is a lock on all bytes
 * (glusterfs, NFS), it is refused beside another owner's lock on one of them.
 */
static bool
probe_queue(struct probe *p, int fd)
{
	static const char step[] = "a file cannot be locked (flock)";
	int queue = probe_open(p, "d", O_RDWR | O_CREAT | O_EXCL);
	bool good;

	if (queue < 0)
		return probe_fails(p, "a file cannot be made", errno);
	if (flock(queue, LOCK_EX | LOCK_NB) == 0)
		good = probe_map(p, fd);
	else if (errno == EWOULDBLOCK) /* nobody else knows the file */
		good = probe_fails(p, step, 0);
	else
		good = probe_fails(p, step, errno);
	close(queue);
	/* One that is open may be kept under another name by FUSE. */
	if (good && unlinkat(p->dir, "d", 0) < 0)
		good = probe_fails(p, "a file cannot be removed", errno);
	return good;
}

static bool
probe_locks(struct probe *p)
{
	int fd = probe_open(p, "b", O_RDWR), ret;
	struct flock l;
	bool good;

	if (fd < 0)
		return probe_fails(p, finding_words[FINDING_OPEN], errno);
	ret = sm_byte_lock(fd, 0);
	if (ret != 1)
		good = probe_fails(p, "a byte of a file cannot be locked",
				   -ret);
	else if (!probe_posix_lock(fd, F_SETLK, &l))
		good = probe_fails(p, "a byte of a file cannot be locked",
				   errno);
	else
		good = probe_queue(p, fd);
	close(fd);
	return good;
}

/* ---------------------------------------------------------------- trial -- */

static bool
probe_is_ours(const char *name)
{
	size_t n = strlen(PROBE_STEM);

	return strncmp(name, PROBE_STEM, n) == 0 &&
	       strspn(name + n, "0123456789abcdef") == 16 &&
	       strcmp(name + n + 16, ".tmp") == 0;
}

/* Of a killed process; one that is not old may be at work. */
static void
probe_sweep(int dirfd)
{
	const char *name;
	struct stat st;
	struct sm_dir d;

	sm_dir_open(&d, dirfd, ".");
	while (sm_dir_next(&name, &d) > 0)
		if (probe_is_ours(name) &&
		    fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_mtime < time(NULL) - PROBE_OLD_S)
			sm_dir_remove(dirfd, name);
	sm_dir_close(&d);
}

static int
probe_verdict(char why[SM_PROBE_WHY], const struct probe *p, struct sm_err *err)
{
	char text[128];

	if (!p->failed)
		return 1;
	if (probe_is_luck(p->sys)) {
		errno = p->sys;
		return sm_err_sys(err,
				  "cannot try what the file system does: %s",
				  p->failed);
	}
	snprintf(why, SM_PROBE_WHY, "%s", p->failed);
	if (p->sys != 0)
		snprintf(why + strlen(why), SM_PROBE_WHY - strlen(why), " (%s)",
			 sm_reason(text, sizeof(text), p->sys));
	return 0;
}

int
sm_probe(char why[SM_PROBE_WHY], int dirfd, enum sm_probe what,
	 struct sm_err *err)
{
	struct probe p = { .dir = -1 };
	int64_t token;
	bool good;
	int ret = sm_rand_token(&token, err);

	if (ret < 0)
		return ret;
	probe_sweep(dirfd);
	snprintf(p.name, sizeof(p.name), PROBE_STEM "%016" PRIx64 ".tmp",
		 (uint64_t)token);
	if (mkdirat(dirfd, p.name, 0700) < 0)
		return sm_err_sys(err,
				  "cannot make a directory '%s' to try "
				  "what the file system does",
				  p.name);
	p.dir = openat(dirfd, p.name,
		       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (p.dir < 0)
		good = probe_fails(&p, "a new directory cannot be opened",
				   errno);
	else
		good = probe_file(&p) && probe_rename(&p);
	if (good && what == SM_PROBE_JOB)
		good = probe_unlinked(&p) && probe_list(&p) && probe_locks(&p);
	sm_fault("probe.tried");
	if (p.dir >= 0)
		close(p.dir);
	sm_dir_remove(dirfd, p.name);
	return probe_verdict(why, &p, err);
}
