/* Leases: counted in the watch's own ticks, and who is killed for one. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "watch.h"

#include "input_file.h"

static struct sm_err err;
static struct sm_live theirs, ours; /* the worker's, the observer's */
static struct sm_worker worker;
static struct sm_watch watch;

/* A worker that never beats by itself: a child that sleeps. */
static int
setup(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		for (;;)
			pause();
	if (pid < 0 || sm_live_open(&theirs, input_dir(), &err) < 0 ||
	    sm_live_take(&theirs, NULL, &err) < 0 ||
	    sm_live_open(&ours, input_dir(), &err) < 0)
		return -1;
	worker = (struct sm_worker){ .id = 7,
				     .slot = theirs.slot,
				     .pid = pid,
				     .pid_start = sm_live_pid_start(pid) };
	assert_int_equal(theirs.slots[theirs.slot].pid, getpid());
	theirs.slots[theirs.slot].pid = pid;
	theirs.slots[theirs.slot].pid_start = worker.pid_start;
	return sm_watch_init(&watch, &ours, 5, &err);
}

static bool
is_dead(void)
{
	siginfo_t info = { 0 };

	/* Left waitable, for teardown() to reap. */
	assert_int_equal(waitid(P_PID, (id_t)worker.pid, &info,
				WEXITED | WNOHANG | WNOWAIT),
			 0);
	return info.si_pid != 0;
}

/* A signal that was sent may take a moment to work. */
static bool
dies(void)
{
	uint64_t end = sm_clock_ms() + 10000;

	if (getenv("SHARDMILL_VALGRIND"))
		return true; /* it does not know pidfd_open(2) */
	while (!is_dead() && sm_clock_ms() < end)
		sm_clock_sleep_ms(5);
	return is_dead();
}

static int
teardown(void **state)
{
	(void)state;
	sm_watch_release(&watch);
	sm_watch_release(&watch);
	kill((pid_t)worker.pid, SIGKILL);
	waitpid((pid_t)worker.pid, NULL, 0);
	sm_live_close(&theirs);
	sm_live_close(&ours);
	return 0;
}

static void
set(size_t n)
{
	assert_int_equal(sm_watch_set(&watch, &worker, n, &err), 0);
}

/* Ticks a second apart; the time of the last one. */
static uint64_t
ticks(uint64_t from_ms, int n)
{
	int i;

	for (i = 1; i <= n; i++)
		sm_watch_tick(&watch, from_ms + (uint64_t)i * 1000);
	return from_ms + (uint64_t)n * 1000;
}

static void
test_lease(void **state)
{
	uint64_t t;

	(void)state;
	set(1);
	t = ticks(100000, 5); /* the first one only starts the clock */
	assert_false(sm_watch_is_stalled(&watch, 7));
	assert_false(is_dead());
	ticks(t, 1);
	assert_true(sm_watch_is_stalled(&watch, 7));
	assert_true(dies());
	assert_false(sm_watch_is_stalled(&watch, 8));
	/* It stays so until it is no longer watched. */
	ticks(t, 3);
	set(1);
	assert_true(sm_watch_is_stalled(&watch, 7));
	set(0);
	assert_false(sm_watch_is_stalled(&watch, 7));
}

static void
test_beats(void **state)
{
	uint64_t t;
	int i;

	(void)state;
	set(1);
	t = ticks(100000, 1);
	for (i = 0; i < 5; i++) {
		t = ticks(t, 4);
		sm_live_beat(&theirs);
		t = ticks(t, 1);
	}
	t = ticks(t, 4);
	assert_false(sm_watch_is_stalled(&watch, 7));
	ticks(t, 1);
	assert_true(sm_watch_is_stalled(&watch, 7));
	assert_true(dies());
}

/* Who ticks late was stopped or suspended itself, and knows nothing. */
static void
test_late(void **state)
{
	uint64_t t;

	(void)state;
	set(1);
	t = ticks(100000, 5); /* 4 s */
	sm_watch_tick(&watch, t += 3600000);
	assert_false(sm_watch_is_stalled(&watch, 7));
	t = ticks(t, 4);
	assert_false(sm_watch_is_stalled(&watch, 7));
	sm_watch_tick(&watch, t += 2501);
	t = ticks(t, 3); /* 3 s; a little late is not late */
	sm_watch_tick(&watch, t += 1999);
	assert_false(sm_watch_is_stalled(&watch, 7));
	assert_false(is_dead());
	sm_watch_tick(&watch, t += 1);
	assert_true(sm_watch_is_stalled(&watch, 7));
	assert_true(dies());
}

/* Whoever is new to the watch has its whole lease before it. */
static void
test_set(void **state)
{
	struct sm_worker list[3];
	uint64_t t;
	int i;

	(void)state;
	set(1);
	t = ticks(100000, 5);
	/* One that is known goes on, whatever comes beside it. */
	for (i = 0; i < 3; i++) {
		list[i] = worker;
		list[i].pid_start = 1; /* nobody's: nobody is killed */
		list[i].id = 5 + i;
	}
	assert_int_equal(sm_watch_set(&watch, list, 3, &err), 0);
	t = ticks(t, 1);
	assert_true(sm_watch_is_stalled(&watch, 7));
	assert_false(sm_watch_is_stalled(&watch, 5));
	assert_false(sm_watch_is_stalled(&watch, 6));
	assert_true(dies());
	/* Gone and come again is new; the others are where they were. */
	set(0);
	assert_int_equal(sm_watch_set(&watch, list, 2, &err), 0);
	t = ticks(t, 5); /* 4 s: the first one sees where they stand */
	assert_int_equal(sm_watch_set(&watch, list + 1, 1, &err), 0);
	assert_int_equal(sm_watch_set(&watch, list, 2, &err), 0);
	t = ticks(t, 1);
	assert_true(sm_watch_is_stalled(&watch, 6));
	assert_false(sm_watch_is_stalled(&watch, 5));
}

/*
 * A worker that is about to register, or whose row has just ended, has none
 * that is open, and may be stopped all the same, in the queue's turn.
 */
static void
test_without_row(void **state)
{
	uint64_t t;

	(void)state;
	t = ticks(100000, 4);
	set(0);
	t = ticks(t, 1); /* 4 s */
	/* It counts on when its row comes. */
	set(1);
	assert_false(sm_watch_is_stalled(&watch, 7));
	assert_false(is_dead());
	ticks(t, 1);
	assert_true(sm_watch_is_stalled(&watch, 7));
	assert_true(dies());
}

static void
test_row_gone(void **state)
{
	uint64_t t;

	(void)state;
	set(1);
	t = ticks(100000, 3);
	set(0);
	t = ticks(t, 5);
	assert_false(is_dead());
	ticks(t, 1);
	assert_true(dies());
}

/* Who has let go of its slot is nobody's to kill. */
static void
test_slot_free(void **state)
{
	uint64_t t;

	(void)state;
	t = ticks(100000, 5);
	sm_live_close(&theirs);
	ticks(t, 10);
	sm_clock_sleep_ms(50);
	assert_false(is_dead());
}

/* However many there are, nobody is left out. */
static void
test_many(void **state)
{
	static struct sm_worker many[3000];
	size_t i, n = sizeof(many) / sizeof(*many);

	(void)state;
	for (i = 0; i < n; i++) {
		many[i] = worker;
		many[i].id = (int64_t)i + 10;
		many[i].slot = (int)i + 1;
		many[i].pid_start++; /* nobody's to kill */
	}
	many[n - 1] = worker;
	assert_int_equal(sm_watch_set(&watch, many, n, &err), 0);
	ticks(100000, 6);
	for (i = 0; i < n; i++)
		assert_true(sm_watch_is_stalled(&watch, many[i].id));
	assert_true(dies());
}

/* The pid was used again: stalled, but nobody's process dies for it. */
static void
test_reused_pid(void **state)
{
	(void)state;
	worker.pid_start++;
	set(1);
	ticks(100000, 10);
	assert_true(sm_watch_is_stalled(&watch, 7));
	sm_clock_sleep_ms(50);
	assert_false(is_dead());
}

/* The thread ticks by itself, while its owner sets and asks. */
static void
test_thread(void **state)
{
	uint64_t begun = sm_clock_ms(), took;

	(void)state;
	sm_watch_release(&watch);
	assert_int_equal(sm_watch_init(&watch, &ours, 2.5, &err), 0);
	assert_int_equal(sm_watch_start(&watch, &err), 0);
	set(1);
	sm_live_beat(&theirs);
	while (!sm_watch_is_stalled(&watch, 7) &&
	       sm_clock_ms() < begun + 20000) {
		set(1);
		sm_clock_sleep_ms(20);
	}
	took = sm_clock_ms() - begun;
	assert_in_range(took, 2500, 10000);
	assert_true(dies());
	/* It ends when told to, not with its next tick. */
	begun = sm_clock_ms();
	sm_watch_release(&watch);
	assert_in_range(sm_clock_ms() - begun, 0, 500);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_lease),       TEST(test_beats),
		TEST(test_late),        TEST(test_set),
		TEST(test_without_row), TEST(test_row_gone),
		TEST(test_slot_free),   TEST(test_many),
		TEST(test_reused_pid),  TEST(test_thread),
	};

	return cmocka_run_group_tests(tests, NULL, input_cleanup);
}
