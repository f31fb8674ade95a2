/*
 * live.c - the file `workers`: a lock byte and a heartbeat for each worker
 *
 * It is mapped, so that a beat costs no system call.  Who looks at the beats
 * is run/watch.c's and run/rescue.c's business.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "errfile.h"
#include "file.h"
#include "lock.h"

#include "live.h"

#define LIVE_BYTES (SM_LIVE_SLOTS + SM_LIVE_SLOTS * sizeof(struct sm_live_slot))

int
sm_live_open(struct sm_live *l, int dirfd, struct sm_err *err)
{
	void *map;
	int ret;

	*l = (struct sm_live)SM_LIVE_NONE;
	l->fd = openat(dirfd, "workers",
		       O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (l->fd < 0)
		return sm_err_file(err, dirfd, "workers", "cannot open");
	/* Real blocks: a full disk must not show as SIGBUS in the mapping. */
	ret = posix_fallocate(l->fd, 0, (off_t)LIVE_BYTES);
	if (ret != 0) {
		errno = ret;
		ret = sm_err_sys(err, "cannot make room for the file "
				      "'workers'");
		sm_live_close(l);
		return ret;
	}
	map = mmap(NULL, LIVE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, l->fd,
		   0);
	if (map == MAP_FAILED) {
		ret = sm_err_sys(err, "cannot map the file 'workers'");
		sm_live_close(l);
		return ret;
	}
	l->slots = (struct sm_live_slot *)((char *)map + SM_LIVE_SLOTS);
	return 0;
}

void
sm_live_close(struct sm_live *l)
{
	if (l->slots)
		munmap((char *)l->slots - SM_LIVE_SLOTS, LIVE_BYTES);
	if (l->fd >= 0)
		close(l->fd);
	*l = (struct sm_live)SM_LIVE_NONE;
}

/*
 * Two turns: first the slots that the caller does not mind, then those whose
 * holders died and are still to be buried.  The pid is stored last, so that
 * whoever reads one has its start time too.
 */
int
sm_live_take(struct sm_live *l, const bool *avoid, struct sm_err *err)
{
	int i, turn, ret;

	for (turn = 0; turn < 2 * SM_LIVE_SLOTS; turn++) {
		i = turn % SM_LIVE_SLOTS;
		if ((avoid && avoid[i]) != (turn >= SM_LIVE_SLOTS))
			continue;
		ret = sm_byte_lock(l->fd, (uint64_t)i);
		if (ret < 0) {
			errno = -ret;
			return sm_err_sys(err, "cannot lock a slot of the "
					       "file 'workers'");
		}
		if (ret == 0)
			continue;
		l->slot = i;
		atomic_store(&l->slots[i].command, 0);
		atomic_store(&l->slots[i].pid, 0);
		atomic_store(&l->slots[i].pid_start,
			     sm_live_pid_start(getpid()));
		atomic_store(&l->slots[i].pid, getpid());
		return 0;
	}
	return sm_err_set(err, SM_ENOMEM,
			  "all %d slots of the file 'workers' are taken",
			  SM_LIVE_SLOTS);
}

void
sm_live_beat(struct sm_live *l)
{
	atomic_fetch_add(&l->slots[l->slot].beats, 1);
}

bool
sm_live_held(const struct sm_live *l, int slot)
{
	if (slot == l->slot)
		return true;
	return slot >= 0 && slot < SM_LIVE_SLOTS &&
	       sm_byte_held(l->fd, (uint64_t)slot) != 0;
}

uint64_t
sm_live_beats(const struct sm_live *l, int slot)
{
	return slot < 0 || slot >= SM_LIVE_SLOTS
		       ? 0
		       : atomic_load(&l->slots[slot].beats);
}

void
sm_live_forget_command(const struct sm_live *l, int slot)
{
	if (slot >= 0 && slot < SM_LIVE_SLOTS)
		atomic_store(&l->slots[slot].command, 0);
}

bool
sm_live_is_command(const struct sm_live *l, int64_t pid)
{
	int i;

	for (i = 0; i < SM_LIVE_SLOTS; i++)
		if (atomic_load(&l->slots[i].command) == pid)
			return true;
	return false;
}

int64_t
sm_live_command(const struct sm_live *l, int slot)
{
	return slot < 0 || slot >= SM_LIVE_SLOTS
		       ? 0
		       : atomic_load(&l->slots[slot].command);
}

int
sm_live_commands(const struct sm_live *l)
{
	int i, n = 0;

	for (i = 0; i < SM_LIVE_SLOTS; i++)
		n += i != l->slot && sm_live_command(l, i) != 0 &&
		     sm_live_held(l, i);
	return n;
}

int
sm_live_holder(const struct sm_live *l, int slot, int64_t *pid,
	       uint64_t *pid_start)
{
	*pid = atomic_load(&l->slots[slot].pid);
	*pid_start = atomic_load(&l->slots[slot].pid_start);
	return *pid != 0 && sm_live_held(l, slot);
}

/* 1, 0, <0 -errno: any of `n` slots? */
static int
live_are_held(int dirfd, int slot, int n)
{
	int fd = openat(dirfd, "workers", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int held;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	held = sm_bytes_held(fd, (uint64_t)slot, (uint64_t)n);
	close(fd);
	return held;
}

bool
sm_live_is_held(int dirfd, int slot)
{
	return slot >= 0 && slot < SM_LIVE_SLOTS &&
	       live_are_held(dirfd, slot, 1) > 0;
}

int64_t
sm_live_look_command(int dirfd, int slot)
{
	struct sm_live_slot s;
	off_t at = SM_LIVE_SLOTS + (off_t)slot * (off_t)sizeof(s);
	int fd = openat(dirfd, "workers", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = pread(fd, &s, sizeof(s), at);
	close(fd);
	return n == sizeof(s) ? atomic_load(&s.command) : 0;
}

struct live_said {
	int64_t token;
	uint64_t len;
	char text[SM_LIVE_SAID_MAX];
};

static off_t
live_said_at(int slot)
{
	return (off_t)LIVE_BYTES +
	       (off_t)slot * (off_t)sizeof(struct live_said);
}

/* One write, so that a reader sees all of it or nothing. */
void
sm_live_say(const struct sm_live *l, int64_t token, const char *text,
	    size_t len)
{
	struct live_said s = { .token = token };
	ssize_t n;

	if (len > sizeof(s.text)) {
		text += len - sizeof(s.text);
		len = sizeof(s.text);
	}
	s.len = len;
	memcpy(s.text, text, len);
	n = pwrite(l->fd, &s, offsetof(struct live_said, text) + len,
		   live_said_at(l->slot));
	(void)n; /* a full disk is met, and told, by the shard */
}

char *
sm_live_look_said(int dirfd, int slot, int64_t token)
{
	int fd = openat(dirfd, "workers", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct live_said s = { .len = 0 };
	ssize_t n;

	if (fd < 0 || slot < 0 || slot >= SM_LIVE_SLOTS) {
		n = -1;
	} else {
		n = pread(fd, &s, sizeof(s), live_said_at(slot));
	}
	if (fd >= 0)
		close(fd);
	if (n < (ssize_t)offsetof(struct live_said, text) || s.token != token ||
	    s.len == 0 || s.len > sizeof(s.text) ||
	    (size_t)n < offsetof(struct live_said, text) + s.len)
		return NULL;
	return strndup(s.text, (size_t)s.len);
}

int
sm_live_any_held(int dirfd)
{
	return live_are_held(dirfd, 0, SM_LIVE_SLOTS);
}

/* State and start of a process, from /proc; the start is 0 if it is gone. */
static uint64_t
live_read_stat(char *state, int64_t pid)
{
	char path[64], text[512], *p;
	uint64_t start = 0;
	ssize_t n;
	int fd, i;

	snprintf(path, sizeof(path), "/proc/%" PRId64 "/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = sm_read_full(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* Field 22; the second, the name in brackets, may hold anything. */
	p = strrchr(text, ')');
	if (p && p[1])
		*state = p[2];
	for (i = 2; p && i < 22; i++)
		p = strchr(p + 1, ' ');
	if (!p || sscanf(p, " %" SCNu64, &start) != 1)
		return 0;
	return start;
}

/*
 * A pid is used again sooner or later.  Together with the time of its start, in
 * clock ticks since boot, it names one process.
 */
uint64_t
sm_live_pid_start(int64_t pid)
{
	char state;

	return live_read_stat(&state, pid);
}

bool
sm_live_is_stopped(int64_t pid, uint64_t pid_start)
{
	char state = '\0';

	return live_read_stat(&state, pid) == pid_start &&
	       (state == 'T' || state == 't');
}

void
sm_live_kill(int64_t pid, uint64_t pid_start)
{
	int fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);

	if (fd < 0)
		return;
	/* The descriptor holds on to the process: compare, then signal. */
	if (sm_live_pid_start(pid) == pid_start)
		syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
	close(fd);
}
