/* A worker's second thread: its heartbeat, and the requests that it hears. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "clock.h"
#include "child.h"
#include "pulse.h"

#include "input_file.h"
#include "open_files.h"

static struct sm_err err;
static struct sm_live live;
static struct sm_pulse pulse;
static int ends[2]; /* the supervisor's, the worker's */
/* Volatile alone is no order between threads: the test writes it atomically. */
static volatile sig_atomic_t flag;

static int
setup(void **state)
{
	(void)state;
	pulse = (struct sm_pulse)SM_PULSE_NONE;
	flag = 0;
	if (sm_live_open(&live, input_dir(), &err) < 0 ||
	    sm_live_take(&live, NULL, &err) < 0)
		return -1;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

static int
teardown(void **state)
{
	(void)state;
	sm_pulse_end(&pulse);
	sm_pulse_end(&pulse);
	sm_live_close(&live);
	if (ends[0] >= 0)
		close(ends[0]);
	close(ends[1]);
	return 0;
}

static void
start(int fd, const volatile sig_atomic_t *stops)
{
	if (sm_pulse_start(&pulse, &live, NULL, fd, stops, &err) < 0)
		fail_msg("%s", err.text);
}

static void
say(char what)
{
	assert_int_equal(send(ends[0], &what, 1, 0), 1);
}

/* Does the flag come up, within ten seconds? */
static bool
comes(atomic_bool *b)
{
	uint64_t end = sm_clock_ms() + 10000;

	while (!atomic_load(b) && sm_clock_ms() < end)
		sm_clock_sleep_ms(5);
	return atomic_load(b);
}

static bool
stays_away(atomic_bool *b)
{
	sm_clock_sleep_ms(250);
	return !atomic_load(b);
}

static void
test_beats(void **state)
{
	uint64_t begun = sm_clock_ms(), before = sm_live_beats(&live, 0), n;

	(void)state;
	start(-1, NULL);
	while ((n = sm_live_beats(&live, 0) - before) < 1 &&
	       sm_clock_ms() < begun + 10000)
		sm_clock_sleep_ms(5);
	assert_int_equal(n, 1);
	while ((n = sm_live_beats(&live, 0) - before) < 2 &&
	       sm_clock_ms() < begun + 10000)
		sm_clock_sleep_ms(5);
	assert_int_equal(n, 2);
	/* Every two seconds, not as often as it is looked at. */
	assert_in_range(sm_clock_ms() - begun, SM_LIVE_BEAT_MS - 50, 9000);
	assert_false(atomic_load(&pulse.drain));
	sm_pulse_end(&pulse);
	n = sm_live_beats(&live, 0);
	sm_clock_sleep_ms(SM_LIVE_BEAT_MS + 200);
	assert_int_equal(sm_live_beats(&live, 0), n);
}

/* Who waits for a descriptor is woken by what it waits for, and only that. */
static bool
is_readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

static void
test_drain_then_stop(void **state)
{
	(void)state;
	start(ends[1], NULL);
	assert_true(stays_away(&pulse.drain));
	assert_false(is_readable(pulse.asked_fd, 0));
	say(SM_PULSE_DRAIN);
	assert_true(is_readable(pulse.asked_fd, 10000));
	assert_true(comes(&pulse.drain));
	assert_true(stays_away(&pulse.stop));
	assert_false(is_readable(pulse.stop_fd, 0));
	say(SM_PULSE_DRAIN);
	assert_true(is_readable(pulse.stop_fd, 10000));
	assert_true(comes(&pulse.stop));
}

static void
test_stop(void **state)
{
	(void)state;
	start(ends[1], NULL);
	say(SM_PULSE_STOP);
	assert_true(comes(&pulse.stop));
	assert_true(comes(&pulse.drain));
}

/* The supervisor ended: nobody needs this worker any more. */
static void
test_eof(void **state)
{
	uint64_t before = sm_live_beats(&live, 0);

	(void)state;
	start(ends[1], NULL);
	assert_true(stays_away(&pulse.drain));
	close(ends[0]);
	ends[0] = -1;
	assert_true(comes(&pulse.stop));
	assert_true(comes(&pulse.drain));
	/* The closed socket is always readable, and is not looked at again:
	 * the thread goes on as before. */
	sm_clock_sleep_ms(SM_LIVE_BEAT_MS + 300);
	assert_in_range(sm_live_beats(&live, 0) - before, 2, 3);
}

static void
test_flag(void **state)
{
	(void)state;
	start(-1, &flag);
	assert_true(stays_away(&pulse.drain));
	__atomic_store_n(&flag, 1, __ATOMIC_RELAXED);
	assert_true(comes(&pulse.drain));
	assert_true(stays_away(&pulse.stop));
	__atomic_store_n(&flag, 2, __ATOMIC_RELAXED);
	assert_true(comes(&pulse.stop));
}

/* Two signals before the thread looked. */
static void
test_flag_at_once(void **state)
{
	(void)state;
	flag = 3;
	start(-1, &flag);
	assert_true(comes(&pulse.stop));
	assert_true(comes(&pulse.drain));
}

static void
test_wait(void **state)
{
	uint64_t begun;
	int i;

	(void)state;
	start(ends[1], NULL);
	begun = sm_clock_ms();
	sm_pulse_wait(&pulse, 200);
	assert_in_range(sm_clock_ms() - begun, 199, 10000);
	/* A request ends it, and every wait after it. */
	begun = sm_clock_ms();
	say(SM_PULSE_DRAIN);
	for (i = 0; i < 3; i++)
		sm_pulse_wait(&pulse, 60000);
	assert_in_range(sm_clock_ms() - begun, 0, 10000);
	assert_true(atomic_load(&pulse.drain));
}

/* Signals are the main thread's: one that it blocks stays pending. */
static void
test_signals(void **state)
{
	sigset_t usr1, old, pending;
	int number;

	(void)state;
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	start(-1, NULL);
	pthread_sigmask(SIG_BLOCK, &usr1, &old);
	assert_int_equal(kill(getpid(), SIGUSR1), 0);
	sm_clock_sleep_ms(50);
	sigpending(&pending);
	assert_true(sigismember(&pending, SIGUSR1));
	assert_int_equal(sigwait(&usr1, &number), 0);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void
test_tell(void **state)
{
	char packet[SM_PULSE_PACKET_MAX + 10], big[SM_PULSE_PACKET_MAX];
	struct sm_err said = { .code = SM_ENOSPC, .text = "no room" }, heard;
	int i;

	(void)state;
	sm_pulse_send(-1, SM_PULSE_CLAIMED, NULL, 0);
	sm_pulse_send(ends[1], SM_PULSE_CLAIMED, NULL, 0);
	sm_pulse_send(ends[1], SM_PULSE_ERROR, &said, sizeof(said));
	assert_int_equal(recv(ends[0], packet, sizeof(packet), 0), 1);
	assert_int_equal(packet[0], SM_PULSE_CLAIMED);
	assert_int_equal(recv(ends[0], packet, sizeof(packet), 0),
			 1 + sizeof(said));
	assert_int_equal(packet[0], SM_PULSE_ERROR);
	memcpy(&heard, packet + 1, sizeof(heard));
	assert_int_equal(heard.code, SM_ENOSPC);
	assert_string_equal(heard.text, "no room");

	/* Nothing that does not fit, and never a wait for the reader. */
	memset(big, 'x', sizeof(big));
	sm_pulse_send(ends[1], SM_PULSE_NOTICE, big, sizeof(big));
	assert_int_equal(recv(ends[0], packet, sizeof(packet), MSG_DONTWAIT),
			 -1);
	assert_int_equal(errno, EAGAIN);
	for (i = 0; i < 5000; i++)
		sm_pulse_send(ends[1], SM_PULSE_NOTICE, big, sizeof(big) - 1);
	/* Nor harm, where nobody reads. */
	close(ends[0]);
	ends[0] = -1;
	sm_pulse_send(ends[1], SM_PULSE_CLAIMED, NULL, 0);
}

static int told;

static void
child_told(const char *text, void *arg)
{
	assert_ptr_equal(arg, &told);
	assert_string_equal(text, "last words");
	told++;
}

/* What a worker said is heard, also if it ended and had not read everything. */
static void
test_last_words(void **state)
{
	struct sm_events ev = { .notice = child_told, .arg = &told };
	struct sm_err why = { .code = SM_ENOSPC, .text = "no room" };
	struct sm_child c = { .fd = ends[0] };

	(void)state;
	told = 0;
	sm_pulse_send(ends[1], SM_PULSE_CLAIMED, NULL, 0);
	sm_pulse_send(ends[1], SM_PULSE_NOTICE, "last words", 10);
	sm_child_ask_end(&c, false);
	sm_pulse_send(ends[1], SM_PULSE_ERROR, &why, sizeof(why));
	close(ends[1]);
	ends[1] = -1;
	sm_child_hear(&c, &ev);
	ends[0] = -1;
	assert_int_equal(c.fd, -1);
	assert_true(c.claimed);
	assert_int_equal(told, 1);
	assert_int_equal(c.err.code, SM_ENOSPC);
}

static void
test_ends_clean(void **state)
{
	int before = open_files(), i;

	(void)state;
	for (i = 0; i < 20; i++) {
		uint64_t begun = sm_clock_ms();

		start(ends[1], NULL);
		sm_pulse_end(&pulse);
		assert_in_range(sm_clock_ms() - begun, 0, 1000);
	}
	assert_int_equal(open_files(), before);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_beats),      TEST(test_drain_then_stop),
		TEST(test_stop),       TEST(test_eof),
		TEST(test_flag),       TEST(test_flag_at_once),
		TEST(test_wait),       TEST(test_signals),
		TEST(test_tell),       TEST(test_last_words),
		TEST(test_ends_clean),
	};

	return cmocka_run_group_tests(tests, NULL, input_cleanup);
}
