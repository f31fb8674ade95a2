/* The file `workers`: slots, counters, and whom a kill may hit. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "clock.h"
#include "live.h"
#include "lock.h"

#include "input_file.h"

static struct sm_err err;

static void
open_live(struct sm_live *l)
{
	if (sm_live_open(l, input_dir(), &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(l->slot, -1);
}

static int
take(struct sm_live *l)
{
	assert_int_equal(sm_live_take(l, NULL, &err), 0);
	return l->slot;
}

static void
test_slots(void **state)
{
	struct sm_live a, b, c;

	(void)state;
	open_live(&a);
	open_live(&b);
	open_live(&c);
	assert_false(sm_live_held(&c, 0));
	assert_false(sm_live_is_held(input_dir(), 0));
	assert_int_equal(take(&a), 0);
	assert_int_equal(take(&b), 1);
	/* Everybody sees everybody, and oneself. */
	assert_true(sm_live_held(&a, 0) && sm_live_held(&a, 1));
	assert_true(sm_live_held(&b, 0) && sm_live_held(&b, 1));
	assert_true(sm_live_held(&c, 0) && sm_live_held(&c, 1));
	assert_true(sm_live_is_held(input_dir(), 0));
	assert_true(sm_live_is_held(input_dir(), 1));
	assert_false(sm_live_held(&c, 2));
	assert_false(sm_live_is_held(input_dir(), 2));
	/* Looking took nothing: the next free one is still number 2. */
	assert_int_equal(take(&c), 2);

	sm_live_close(&a);
	assert_int_equal(a.fd, -1);
	assert_false(sm_live_held(&b, 0));
	assert_false(sm_live_is_held(input_dir(), 0));
	open_live(&a);
	assert_int_equal(take(&a), 0);
	/* Numbers that a row may hold after a hand edit. */
	assert_false(sm_live_held(&b, -1));
	assert_false(sm_live_held(&b, SM_LIVE_SLOTS));
	assert_false(sm_live_is_held(input_dir(), -1));
	assert_int_equal(sm_live_any_held(input_dir()), 1);
	/* A look that fails must not say that nobody is there. */
	assert_int_equal(sm_live_any_held(-1), -EBADF);
	sm_live_close(&a);
	sm_live_close(&b);
	sm_live_close(&c);
	sm_live_close(&c);
	assert_int_equal(sm_live_any_held(input_dir()), 0);
}

static void
test_counters(void **state)
{
	struct sm_live a, b;
	uint64_t before;

	(void)state;
	open_live(&a);
	open_live(&b);
	take(&a);
	take(&b);
	before = sm_live_beats(&b, 0);
	sm_live_beat(&a);
	sm_live_beat(&a);
	sm_live_beat(&b);
	assert_int_equal(sm_live_beats(&b, 0) - before, 2);
	assert_int_equal(sm_live_beats(&a, 0) - before, 2);
	atomic_store(&a.slots[0].command, 4321);
	assert_int_equal(sm_live_command(&b, 0), 4321);
	assert_int_equal(sm_live_command(&b, 1), 0);
	/* The next holder of the slot has no command, and no lower count. */
	sm_live_close(&a);
	assert_int_equal(sm_live_command(&b, 0), 4321);
	open_live(&a);
	assert_int_equal(take(&a), 0);
	assert_int_equal(sm_live_command(&b, 0), 0);
	assert_int_equal(sm_live_beats(&b, 0) - before, 2);
	sm_live_close(&a);
	sm_live_close(&b);
}

/* The file's blocks are there, so that a full disk is no SIGBUS later. */
static void
test_file(void **state)
{
	struct sm_live a;
	struct stat st;

	(void)state;
	unlinkat(input_dir(), "workers", 0);
	assert_false(sm_live_is_held(input_dir(), 0));
	open_live(&a);
	sm_live_close(&a);
	assert_int_equal(fstatat(input_dir(), "workers", &st, 0), 0);
	assert_int_equal(st.st_size, SM_LIVE_SLOTS + 32 * SM_LIVE_SLOTS);
	assert_true(st.st_blocks * 512 >= st.st_size);
	/* One that was cut is made whole. */
	assert_int_equal(truncate(input_path("workers"), 10), 0);
	open_live(&a);
	take(&a);
	sm_live_beat(&a);
	sm_live_close(&a);

	unlinkat(input_dir(), "workers", 0);
	input_file("elsewhere", "x", 1);
	assert_int_equal(symlinkat("elsewhere", input_dir(), "workers"), 0);
	assert_int_equal(sm_live_open(&a, input_dir(), &err), SM_EIO);
	assert_int_equal(err.sys, ELOOP);
	unlinkat(input_dir(), "workers", 0);
}

static void
test_all_taken(void **state)
{
	struct sm_live a, b;
	int i;

	(void)state;
	open_live(&a);
	open_live(&b);
	for (i = 0; i < SM_LIVE_SLOTS - 1; i++)
		assert_int_equal(sm_byte_lock(a.fd, (uint64_t)i), 1);
	assert_int_equal(take(&b), SM_LIVE_SLOTS - 1);
	sm_live_beat(&b);
	sm_live_close(&b);
	assert_int_equal(sm_byte_lock(a.fd, SM_LIVE_SLOTS - 1), 1);
	open_live(&b);
	assert_int_equal(sm_live_take(&b, NULL, &err), SM_ENOMEM);
	assert_int_equal(b.slot, -1);
	sm_live_close(&a);
	sm_live_close(&b);
}

/* Slots of workers that are dead, but not buried, come last. */
static void
test_avoided_slots(void **state)
{
	static bool avoid[SM_LIVE_SLOTS];
	struct sm_live a, b, c;

	(void)state;
	open_live(&a);
	open_live(&b);
	open_live(&c);
	avoid[0] = avoid[2] = true;
	assert_int_equal(sm_live_take(&a, avoid, &err), 0);
	assert_int_equal(a.slot, 1);
	assert_int_equal(sm_live_take(&b, avoid, &err), 0);
	assert_int_equal(b.slot, 3);
	memset(avoid, 1, sizeof(avoid));
	assert_int_equal(sm_live_take(&c, avoid, &err), 0);
	assert_int_equal(c.slot, 0);
	sm_live_close(&a);
	sm_live_close(&b);
	sm_live_close(&c);
}

/* ------------------------------------------------------------ processes -- */

/* A worker with a slot and a command, until it is killed. */
static void
worker_main(int ready)
{
	int execd[2];
	struct sm_live l;
	pid_t command;
	char byte;

	if (sm_live_open(&l, input_dir(), NULL) < 0 ||
	    sm_live_take(&l, NULL, NULL) < 0 || pipe2(execd, O_CLOEXEC) < 0)
		_exit(1);
	command = fork();
	if (command == 0) {
		execl("/bin/sleep", "sleep", "60", (char *)NULL);
		_exit(127);
	}
	close(execd[1]);
	/* The end of the pipe says that exec has closed the descriptors. */
	if (command < 0 || read(execd[0], &byte, 1) != 0 ||
	    write(ready, &command, sizeof(command)) != sizeof(command))
		_exit(1);
	for (;;)
		pause();
}

static void
test_dies_with_its_process(void **state)
{
	pid_t worker, command = 0;
	int ready[2], status;
	struct sm_live l;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	worker = fork();
	assert_true(worker >= 0);
	if (worker == 0)
		worker_main(ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &command, sizeof(command)),
			 sizeof(command));
	close(ready[0]);
	open_live(&l);
	assert_true(sm_live_held(&l, 0));
	assert_int_equal(kill(worker, SIGKILL), 0);
	assert_int_equal(waitpid(worker, &status, 0), worker);
	assert_int_equal(kill(command, 0), 0);
	assert_false(sm_live_held(&l, 0));
	assert_false(sm_live_is_held(input_dir(), 0));
	kill(command, SIGKILL);
	sm_live_close(&l);
}

static void
test_pid_start(void **state)
{
	uint64_t start = sm_live_pid_start(getpid());

	(void)state;
	assert_true(start > 0);
	/* The name may hold what separates the fields of /proc/PID/stat. */
	assert_int_equal(prctl(PR_SET_NAME, ") R 1 (2 3"), 0);
	assert_int_equal(sm_live_pid_start(getpid()), start);
	assert_int_equal(sm_live_pid_start(1 << 30), 0);
	assert_int_equal(sm_live_pid_start(-1), 0);
}

static void
test_kill(void **state)
{
	uint64_t start;
	int status;
	pid_t pid;

	(void)state;
	if (getenv("SHARDMILL_VALGRIND"))
		skip(); /* it does not know pidfd_open(2) */
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		for (;;)
			pause();
	start = sm_live_pid_start(pid);
	assert_true(start > 0);
	/* Another process's start: its pid was used again. */
	sm_live_kill(pid, start + 1);
	sm_live_kill(pid, start - 1);
	sm_live_kill(pid, 0);
	sm_clock_sleep_ms(50);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	sm_live_kill(pid, start);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	sm_live_kill(pid, start);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_avoided_slots),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_all_taken),
		cmocka_unit_test(test_dies_with_its_process),
		cmocka_unit_test(test_pid_start),
		cmocka_unit_test(test_kill),
	};

	return cmocka_run_group_tests(tests, NULL, input_cleanup);
}
