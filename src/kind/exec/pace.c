/*
 * pace.c - hold a command back for --delay, --load and --memfree
 *
 * Apart from exec_produce.c: it knows the machine, and of the batch nothing.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "holder.h"
#include "lock.h"

#include "pace.h"

#define PACE_FILE "pace" /* in the job directory */

/* The load of a minute changes slowly; reading it costs little. */
#define PACE_LOOK_MS 500
/* A drain is seen so soon, and a turn that another worker has. */
#define PACE_SLICE_MS 50
/* Workers have it for moments: this is somebody else's doing. */
#define PACE_NOTICE_MS 10000

/* How long somebody else has had the file's lock, as far as we have asked. */
struct pace_held {
	uint64_t since_ms; /* 0: nobody has it */
	bool told;
};

int
sm_pace_open(struct sm_pace *p, int job_dirfd, struct sm_err *err)
{
	p->fd = -1;
	p->dirfd = job_dirfd;
	if (p->delay_s <= 0)
		return 0;
	return sm_queue_open(&p->fd, job_dirfd, PACE_FILE, err);
}

void
sm_pace_close(struct sm_pace *p)
{
	if (p->delay_s > 0 && p->fd >= 0)
		close(p->fd);
	*p = (struct sm_pace){ .fd = -1 };
}

/* What processes can have without swapping; the largest where none says it. */
static uint64_t
pace_free_bytes(void)
{
	unsigned long long kib = UINT64_MAX / 1024;
	char line[128];
	FILE *f = fopen("/proc/meminfo", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib * 1024;
}

static bool
pace_has_room(const struct sm_pace *p)
{
	double load;

	if (p->load > 0 && getloadavg(&load, 1) == 1 && load > p->load)
		return false;
	return p->memfree == 0 || pace_free_bytes() >= p->memfree;
}

static void
pace_tell(const struct sm_pace *p)
{
	struct sm_lock_asked whole = { "FLOCK", "WRITE", 0, { getpid(), 0 } };
	char text[128], who[32] = "another process";
	int pid = sm_lock_holder(p->dirfd, PACE_FILE, &whole);

	if (!p->waits)
		return;
	if (pid)
		snprintf(who, sizeof(who), "process %d", pid);
	snprintf(text, sizeof(text),
		 "has waited %d s to start a command: %s holds the job's "
		 "'" PACE_FILE "'; end it there",
		 PACE_NOTICE_MS / 1000, who);
	p->waits(text, p->arg);
}

/* The lock is not to be had: since when, and is that to be told? */
static void
pace_is_held(const struct sm_pace *p, struct pace_held *held)
{
	uint64_t now = sm_clock_ms();

	if (held->since_ms == 0)
		held->since_ms = now;
	if (held->told || now - held->since_ms < PACE_NOTICE_MS)
		return;
	held->told = true;
	pace_tell(p);
}

/*
 * 0: it is our turn, and the next one's is a delay from now; else how long to
 * wait before asking again.  A time further away than a delay is from before a
 * reboot.
 */
static int
pace_turn(uint64_t *wait_ms, const struct sm_pace *p, struct pace_held *held,
	  struct sm_err *err)
{
	uint64_t delay_ms = (uint64_t)(p->delay_s * 1000), next = 0;
	uint64_t now;
	int ret = sm_queue_try(p->fd);

	*wait_ms = PACE_SLICE_MS;
	if (ret == 0) {
		pace_is_held(p, held);
		return 0;
	}
	if (ret < 0)
		return sm_err_sys(err, "cannot lock '%s'", PACE_FILE);
	ret = 0;
	held->since_ms = 0;
	now = sm_clock_ms();
	if (pread(p->fd, &next, sizeof(next), 0) != sizeof(next) ||
	    next > now + delay_ms)
		next = 0;
	if (next > now) {
		*wait_ms = next - now;
	} else {
		*wait_ms = 0;
		next = now + delay_ms;
		if (pwrite(p->fd, &next, sizeof(next), 0) != sizeof(next))
			ret = sm_err_sys(err, "cannot write '%s'", PACE_FILE);
	}
	sm_queue_leave(p->fd);
	return ret;
}

static bool
pace_is_over(const struct sm_pace *p)
{
	return (p->stop && atomic_load(p->stop)) ||
	       (p->drain && atomic_load(p->drain));
}

static void
pace_sleep(const struct sm_pace *p, uint64_t ms)
{
	struct pollfd fd = { .fd = p->stop_fd, .events = POLLIN };
	uint64_t end = sm_clock_ms() + ms, now;

	while (!pace_is_over(p) && (now = sm_clock_ms()) < end) {
		ms = end - now;
		if (ms > PACE_SLICE_MS)
			ms = PACE_SLICE_MS;
		poll(&fd, 1, (int)ms);
	}
}

int
sm_pace_wait(const struct sm_pace *p, struct sm_err *err)
{
	struct pace_held held = { 0 };
	uint64_t wait_ms = 1;
	int ret = 0;

	while (ret == 0 && wait_ms > 0) {
		wait_ms = PACE_LOOK_MS;
		if (pace_has_room(p)) {
			wait_ms = 0;
			if (p->fd >= 0)
				ret = pace_turn(&wait_ms, p, &held, err);
		}
		if (ret == 0 && wait_ms > 0)
			pace_sleep(p, wait_ms);
		if (ret == 0 && wait_ms > 0 && pace_is_over(p))
			ret = sm_err_set(err, SM_ESTOPPED,
					 "the worker was asked to stop");
	}
	return ret;
}
