/*
 * A worker's second thread: it beats, and listens for requests to end.  It is
 * apart from the worker's own code because it must go on whatever the main
 * thread does: a long batch, a wait for the write lock, a command.  So it
 * makes no call of SQLite, takes no lock that is held for long, and speaks to
 * the main thread by flags and event descriptors alone.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "fault.h"

#include "pulse.h"

/* How often a worker by hand looks at the count of signals of its caller. */
#define PULSE_FLAG_MS 100
/* How long a worker waits to deliver the error that ended it. */
#define PULSE_LAST_MS 5000

static void
event_raise(int fd)
{
	uint64_t one = 1;

	/* Fails only when the counter is full, and then it is readable. */
	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/*
 * The flag is set before the descriptor is raised: who wakes up must see it.
 * To stop implies to drain.
 */
static void
pulse_request(struct sm_pulse *p, bool stop)
{
	if (stop) {
		atomic_store(&p->stop, true);
		event_raise(p->stop_fd);
	}
	atomic_store(&p->drain, true);
	event_raise(p->asked_fd);
}

/*
 * The supervisor sent a request, or ended.  In that case its worker is to stop
 * at once: the next supervisor will take its batches back.  A second request of
 * any kind is urgent.
 */
static void
pulse_read_control(struct sm_pulse *p)
{
	char what;
	ssize_t n = recv(p->control_fd, &what, 1, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		p->control_fd = -1;
		pulse_request(p, true);
		return;
	}
	pulse_request(p, what == SM_PULSE_STOP || atomic_load(&p->drain));
}

static void
pulse_read_flag(struct sm_pulse *p)
{
	int stops;

	if (!p->stops)
		return;
	/* A signal handler of another thread writes it. */
	stops = (int)__atomic_load_n(p->stops, __ATOMIC_RELAXED);
	if (stops >= 2 && !atomic_load(&p->stop))
		pulse_request(p, true);
	else if (stops == 1 && !atomic_load(&p->drain))
		pulse_request(p, false);
}

/*
 * Beat when it is due, then sleep until the next beat or until something can be
 * read.  A worker without a socket wakes up more often, to look at the flag.
 */
static void *
pulse_main(void *arg)
{
	struct sm_pulse *p = arg;
	uint64_t next = sm_clock_ms(), now;
	struct pollfd fds[2];
	int wait;

	for (;;) {
		now = sm_clock_ms();
		if (now >= next) {
			if (!sm_fault_errno("pulse.beat"))
				sm_live_beat(p->live);
			sm_reach_beat(p->reach);
			next = now + SM_LIVE_BEAT_MS;
			if (p->db)
				sm_db_look_at_queue(p->db);
		}
		wait = (int)(next - now);
		if (p->stops && wait > PULSE_FLAG_MS)
			wait = PULSE_FLAG_MS;
		fds[0] = (struct pollfd){ .fd = p->wake_fd, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = p->control_fd,
					  .events = POLLIN };
		if (poll(fds, 2, wait) > 0) {
			if (fds[0].revents)
				return NULL;
			if (fds[1].revents)
				pulse_read_control(p);
		}
		pulse_read_flag(p);
	}
}

int
sm_pulse_start(struct sm_pulse *p, struct sm_live *live, struct sm_reach *reach,
	       int control_fd, const volatile sig_atomic_t *stops,
	       struct sm_err *err)
{
	struct sm_db *db = p->db;
	sigset_t all, old;
	int ret;

	*p = (struct sm_pulse)SM_PULSE_NONE;
	p->live = live;
	p->reach = reach;
	p->db = db;
	p->control_fd = control_fd;
	p->stops = stops;
	p->asked_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->asked_fd < 0 || p->stop_fd < 0 || p->wake_fd < 0) {
		ret = sm_err_sys(err, "cannot make an event descriptor");
		sm_pulse_end(p);
		return ret;
	}
	/*
	 * The thread inherits a full mask: signals go to the main thread, which
	 * blocks them while it holds locks.
	 */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&p->thread, NULL, pulse_main, p);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret != 0) {
		errno = ret;
		ret = sm_err_sys(err, "cannot start the heartbeat thread");
		sm_pulse_end(p);
		return ret;
	}
	p->started = true;
	if (db)
		sm_db_queue_is_looked_at(db, true);
	return 0;
}

void
sm_pulse_end(struct sm_pulse *p)
{
	if (p->started) {
		event_raise(p->wake_fd);
		pthread_join(p->thread, NULL);
		p->started = false;
		if (p->db)
			sm_db_queue_is_looked_at(p->db, false);
	}
	if (p->asked_fd >= 0)
		close(p->asked_fd);
	if (p->stop_fd >= 0)
		close(p->stop_fd);
	if (p->wake_fd >= 0)
		close(p->wake_fd);
	p->asked_fd = p->stop_fd = p->wake_fd = -1;
}

void
sm_pulse_wait(struct sm_pulse *p, int ms)
{
	struct pollfd fd = { .fd = p->asked_fd, .events = POLLIN };

	poll(&fd, 1, ms);
}

/*
 * Send, and never block a worker for long: progress may be lost, and so may be
 * the last word, if the supervisor does not read for PULSE_LAST_MS.
 */
void
sm_pulse_send(int control_fd, char what, const void *data, size_t len)
{
	struct pollfd room = { .fd = control_fd, .events = POLLOUT };
	char packet[SM_PULSE_PACKET_MAX];

	if (control_fd < 0 || len >= sizeof(packet))
		return;
	packet[0] = what;
	if (len)
		memcpy(packet + 1, data, len);
	/* The supervisor may be waiting for the write lock just now. */
	if (what == SM_PULSE_ERROR)
		poll(&room, 1, PULSE_LAST_MS);
	/* A supervisor that is gone needs no news. */
	send(control_fd, packet, len + 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/*
 * The one message that is waited for, before the thread is started: without the
 * run's number no claim would count.
 */
int
sm_pulse_hear_run(int64_t *run, int control_fd, struct sm_err *err)
{
	char packet[1 + sizeof(*run)];
	ssize_t n;

	do {
		n = recv(control_fd, packet, sizeof(packet), 0);
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(packet) || packet[0] != SM_PULSE_RUN)
		return sm_err_set(err, SM_ESTOPPED,
				  "the supervisor ended before its worker "
				  "began");
	memcpy(run, packet + 1, sizeof(*run));
	return 0;
}
