/* Buffers, random numbers, hashes, bytes, clocks and locks. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "buf.h"
#include "bytes.h"
#include "clock.h"
#include "event.h"
#include "hash.h"
#include "lock.h"
#include "rand.h"

#include "input_file.h"

/* A sanitizer would end the program where malloc(3) answers NULL. */
SM_API const char *__asan_default_options(void);
SM_API const char *__tsan_default_options(void);

const char *
__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

const char *
__tsan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static struct sm_err err;

/* ------------------------------------------------------------- buffers -- */

static void
test_buf(void **state)
{
	struct sm_buf b = { 0 };
	char *text;

	(void)state;
	sm_buf_clear(&b);
	sm_buf_put(&b, NULL, 0);
	assert_int_equal(b.len, 0);
	sm_buf_puts(&b, "one");
	sm_buf_putc(&b, '\0');
	sm_buf_put(&b, "two\0three", 4);
	assert_int_equal(b.len, 8);
	assert_memory_equal(b.data, "one\0two\0", 9);
	sm_buf_clear(&b);
	assert_int_equal(b.len, 0);
	assert_string_equal(b.data, "");
	sm_buf_printf(&b, "%d-%s", -5, "x");
	sm_buf_printf(&b, "%s", "");
	assert_string_equal(b.data, "-5-x");
	assert_int_equal(b.len, 4);
	assert_false(sm_buf_failed(&b));
	text = sm_buf_steal(&b);
	assert_string_equal(text, "-5-x");
	assert_null(b.data);
	assert_int_equal(b.cap, 0);
	free(text);
	/* Nothing put in is the empty text. */
	text = sm_buf_steal(&b);
	assert_string_equal(text, "");
	free(text);
	sm_buf_release(&b);
}

/* Across every border at which it grows. */
static void
test_buf_grows(void **state)
{
	struct sm_buf b = { 0 }, c = { 0 };
	char chunk[257];
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(chunk); i++)
		chunk[i] = (char)i;
	for (n = 0; n < 200; n++) {
		sm_buf_put(&b, chunk, n);
		sm_buf_printf(&c, "%*s", (int)n, "x");
	}
	assert_int_equal(b.len, 199 * 200 / 2);
	assert_int_equal(c.len, 199 * 200 / 2 + 1);
	for (i = 0, n = 0; n < 200; i += n, n++)
		assert_memory_equal(b.data + i, chunk, n);
	assert_int_equal(b.data[b.len], 0);
	assert_int_equal(c.data[c.len - 1], 'x');
	sm_buf_release(&b);
	sm_buf_release(&c);
}

/* A failure sticks: what comes after it is not put behind a gap. */
static void
test_buf_fails(void **state)
{
	volatile size_t huge = SIZE_MAX / 2; /* no machine has it */
	struct sm_buf b = { 0 };

	(void)state;
	sm_buf_puts(&b, "kept");
	sm_buf_put(&b, "never read", huge);
	assert_true(sm_buf_failed(&b));
	sm_buf_puts(&b, "more");
	sm_buf_printf(&b, "%d", 1);
	assert_string_equal(b.data, "kept");
	assert_int_equal(b.len, 4);
	assert_null(sm_buf_steal(&b));
	/* Released with it, it is as new. */
	assert_false(sm_buf_failed(&b));
	sm_buf_puts(&b, "new");
	assert_string_equal(b.data, "new");
	sm_buf_release(&b);
}

/* ------------------------------------------------------------- numbers -- */

static void
test_hash(void **state)
{
	(void)state;
	/* The vectors of the algorithm's authors. */
	assert_true(sm_hash(SM_HASH_INIT, "", 0) ==
		    UINT64_C(0xcbf29ce484222325));
	assert_true(sm_hash(SM_HASH_INIT, "a", 1) ==
		    UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(sm_hash(SM_HASH_INIT, "foobar", 6) ==
		    UINT64_C(0x85944171f73967e8));
	assert_true(sm_hash(sm_hash(SM_HASH_INIT, "foo", 3), "bar", 3) ==
		    UINT64_C(0x85944171f73967e8));
	assert_true(sm_hash_u64(SM_HASH_INIT, UINT64_C(0x0807060504030201)) ==
		    sm_hash(SM_HASH_INIT, "\1\2\3\4\5\6\7\10", 8));
}

static void
test_bytes(void **state)
{
	unsigned char p[8] = { 9, 9, 9, 9, 9, 9, 9, 9 };

	(void)state;
	sm_put_le(p, UINT64_C(0x1122334455667788), 3);
	assert_memory_equal(p, "\x88\x77\x66\x09", 4);
	sm_put_le(p, UINT64_C(0xf122334455667788), 8);
	assert_true(sm_get_le(p, 8) == UINT64_C(0xf122334455667788));
	assert_true(sm_get_le(p, 2) == 0x7788);
}

static void
test_rand(void **state)
{
	static const uint64_t want[] = {
		/* splitmix64 from 1234567, as published with it */
		UINT64_C(6457827717110365317),  UINT64_C(3203168211198807973),
		UINT64_C(9817491932198370423),  UINT64_C(4593380528125082431),
		UINT64_C(16408922859458223821),
	};
	uint64_t seed = 1234567;
	int64_t token, last = 0;
	double sum = 0, v;
	int i;

	(void)state;
	for (i = 0; i < 5; i++)
		assert_true(sm_rand_next(&seed) == want[i]);
	for (i = 0; i < 10000; i++) {
		v = sm_rand_unit(&seed);
		assert_true(v >= 0 && v < 1);
		sum += v;
	}
	assert_true(sum > 4800 && sum < 5200);
	for (i = 0; i < 1000; i++) {
		assert_int_equal(sm_rand_token(&token, &err), 0);
		assert_true(token > 0 && token != last &&
			    token < INT64_C(1) << 53);
		last = token;
	}
}

static void
test_clock(void **state)
{
	uint64_t begun = sm_clock_ms();
	double wall = sm_clock_wall();

	(void)state;
	sm_clock_sleep_ms(1050);
	assert_in_range(sm_clock_ms() - begun, 1050, 20000);
	assert_true(sm_clock_wall() >= wall + 1);
	assert_true(wall > 1.6e9);
}

static void
count_report(const struct sm_progress *p, void *arg)
{
	assert_string_equal(p->phase, "join");
	assert_true(p->done == 3 && p->total == 4 && p->eta_s < 0);
	++*(int *)arg;
}

/* A report goes out, the next ones do not until their time has come. */
static void
test_meter(void **state)
{
	int reports = 0;
	struct sm_events ev = { .progress = count_report, .arg = &reports };
	struct sm_meter m = { .ev = &ev, .phase = "join", .unit = "bytes" };
	struct sm_meter deaf = { .ev = NULL };

	(void)state;
	sm_meter_tell(&deaf, 3, 4);
	sm_meter_tell(&m, 3, 4);
	sm_meter_tell(&m, 3, 4);
	assert_int_equal(reports, 1);
	m.told_ms = sm_clock_ms() - SM_METER_MS;
	sm_meter_tell(&m, 3, 4);
	sm_meter_tell(&m, 3, 4);
	assert_int_equal(reports, 2);
}

/* --------------------------------------------------------------- locks -- */

static void
test_lock_try(void **state)
{
	int first = -1, second = -1;

	(void)state;
	assert_int_equal(sm_lock_held(input_dir(), "run.lock"), 0);
	assert_int_equal(sm_lock_try(&first, input_dir(), "run.lock", &err), 1);
	assert_int_equal(sm_lock_held(input_dir(), "run.lock"), 1);
	assert_int_equal(sm_lock_try(&second, input_dir(), "run.lock", &err),
			 0);
	assert_int_equal(second, -1);
	/* Neither a look nor a try that failed has taken it away. */
	assert_int_equal(sm_lock_held(input_dir(), "run.lock"), 1);
	close(first);
	assert_int_equal(sm_lock_held(input_dir(), "run.lock"), 0);
	assert_int_equal(sm_lock_held(-1, "run.lock"), -EBADF);
	assert_int_equal(sm_lock_try(&second, input_dir(), "run.lock", &err),
			 1);
	close(second);

	assert_int_equal(symlinkat("run.lock", input_dir(), "link.lock"), 0);
	assert_int_equal(sm_lock_try(&first, input_dir(), "link.lock", &err),
			 SM_EIO);
	assert_non_null(strstr(err.text, "/link.lock'"));
}

/* The holder's death frees it, though its exec'd children live on. */
static void
test_lock_and_exec(void **state)
{
	int ready[2], fd = -1, status;
	pid_t pid, command;
	char byte;

	(void)state;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (sm_lock_try(&fd, input_dir(), "exec.lock", NULL) != 1)
			_exit(1);
		command = fork();
		if (command == 0) {
			execl("/bin/sleep", "sleep", "2", (char *)NULL);
			_exit(127);
		}
		close(ready[1]); /* the command's copy is closed by its exec */
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 0);
	close(ready[0]);
	assert_int_equal(sm_lock_held(input_dir(), "exec.lock"), 1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(sm_lock_held(input_dir(), "exec.lock"), 0);
}

/* A fork shares its open files until it execs or ends, a moment later. */
static void
test_lock_and_fork(void **state)
{
	int first = -1, fd = -1;
	pid_t pid;

	(void)state;
	assert_int_equal(sm_lock_try(&first, input_dir(), "fork.lock", &err),
			 1);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		sm_clock_sleep_ms(100);
		_exit(0);
	}
	close(first);
	assert_int_equal(sm_lock_held(input_dir(), "fork.lock"), 1);
	assert_int_equal(sm_lock_try(&fd, input_dir(), "fork.lock", &err), 1);
	close(fd);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
on_alarm(int number)
{
	(void)number;
}

/* One at a time, and a signal does not jump the queue. */
static void
test_queue(void **state)
{
	const struct itimerval often = { { 0, 10000 }, { 0, 10000 } },
			       never = { { 0, 0 }, { 0, 0 } };
	struct sigaction act = { .sa_handler = on_alarm };
	uint64_t begun;
	int ready[2], fd = -1, status, ret, interrupted = 0;
	pid_t pid;
	char byte;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (sm_queue_open(&fd, input_dir(), "write.lock", NULL) < 0 ||
		    sm_queue_enter(fd) < 0 || write(ready[1], "r", 1) != 1)
			_exit(1);
		sm_clock_sleep_ms(300);
		sm_queue_leave(fd);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	begun = sm_clock_ms();
	assert_int_equal(sm_queue_open(&fd, input_dir(), "write.lock", &err),
			 0);
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	/* Every alarm ends the wait, and it is taken up again. */
	while ((ret = sm_queue_enter(fd)) < 0 && errno == EINTR)
		interrupted++;
	setitimer(ITIMER_REAL, &never, NULL);
	assert_int_equal(ret, 0);
	assert_true(interrupted > 0);
	assert_in_range(sm_clock_ms() - begun, 200, 10000);
	sm_queue_leave(fd);
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(sm_queue_enter(-1), -1);
	assert_int_equal(errno, EBADF);
}

/* Who has drawn how many tickets, as the file has it. */
static uint32_t
tickets(int fd)
{
	uint32_t next = 0;

	assert_int_equal(pread(fd, &next, sizeof(next), 0), sizeof(next));
	return next;
}

/* A process that has had its turn and asks for another one. */
static pid_t
stand_in_line(int said, int go)
{
	struct sm_line line;
	int fd = -1;
	pid_t pid = fork();
	char byte;

	assert_true(pid >= 0);
	if (pid != 0)
		return pid;
	if (sm_queue_open(&fd, input_dir(), "write.lock", NULL) < 0)
		_exit(1);
	sm_line_open(&line, fd);
	if (sm_line_enter(&line, fd) < 0)
		_exit(1);
	sm_queue_leave(fd);
	if (write(said, "f", 1) != 1 || read(go, &byte, 1) != 1 ||
	    sm_line_enter(&line, fd) < 0 || write(said, "s", 1) != 1)
		_exit(1);
	sm_queue_leave(fd);
	_exit(0);
}

/*
 * Whoever leaves the queue and enters it at once is behind those that waited,
 * however long they take to wake up; and the dead are not waited for.
 */
static void
test_line(void **state)
{
	struct sm_line line;
	int said[2], go[2], fd = -1, status, dies;
	uint32_t before;
	pid_t pid;
	char byte;

	(void)state;
	for (dies = 0; dies < 2; dies++) {
		assert_int_equal(pipe(said), 0);
		assert_int_equal(pipe(go), 0);
		assert_int_equal(
			sm_queue_open(&fd, input_dir(), "write.lock", &err), 0);
		sm_line_open(&line, fd);
		assert_non_null(line.shared);
		before = tickets(fd);
		pid = stand_in_line(said[1], go[0]);
		assert_int_equal(read(said[0], &byte, 1), 1);
		assert_int_equal(byte, 'f');
		/* Our first turn is beside the line, its second one in it. */
		assert_int_equal(sm_line_enter(&line, fd), 0);
		assert_int_equal(write(go[1], "g", 1), 1);
		while (tickets(fd) == before)
			sm_clock_sleep_ms(1);
		if (dies) {
			kill(pid, SIGKILL);
			assert_int_equal(waitpid(pid, &status, 0), pid);
		}
		sm_queue_leave(fd);
		assert_int_equal(sm_line_enter(&line, fd), 0);
		close(said[1]);
		assert_int_equal(read(said[0], &byte, 1), !dies);
		sm_queue_leave(fd);
		if (!dies) {
			assert_int_equal(waitpid(pid, &status, 0), pid);
			assert_int_equal(status, 0);
		}
		sm_line_close(&line);
		close(fd);
		close(said[0]);
		close(go[0]);
		close(go[1]);
	}
}

static void
test_bytes_of_a_file(void **state)
{
	const char *path = input_file("bytes", "", 0);
	int a = open(path, O_RDWR), b = open(path, O_RDWR);
	int reader = open(path, O_RDONLY);

	(void)state;
	assert_int_equal(sm_byte_lock(a, 5), 1);
	assert_int_equal(sm_byte_lock(a, 5), 1); /* one's own is no obstacle */
	assert_int_equal(sm_byte_lock(b, 5), 0);
	assert_int_equal(sm_byte_lock(b, 6), 1);
	assert_int_equal(sm_byte_held(b, 5), 1);
	assert_int_equal(sm_byte_held(a, 6), 1);
	assert_int_equal(sm_byte_held(a, 5), 0); /* nobody else's */
	assert_int_equal(sm_byte_held(reader, 5), 1);
	assert_int_equal(sm_byte_held(reader, 4), 0);
	assert_int_equal(sm_byte_lock(reader, 4), -EBADF);
	assert_int_equal(sm_byte_held(-1, 4), -EBADF);
	assert_int_equal(sm_bytes_held(reader, 0, 5), 0);
	assert_int_equal(sm_bytes_held(reader, 0, 6), 1);
	assert_int_equal(sm_bytes_held(reader, 6, 9), 1);
	assert_int_equal(sm_bytes_held(reader, 7, 9), 0);
	close(a);
	assert_int_equal(sm_byte_held(reader, 5), 0);
	close(b);
	close(reader);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buf),
		cmocka_unit_test(test_buf_grows),
		cmocka_unit_test(test_buf_fails),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_rand),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_meter),
		cmocka_unit_test(test_lock_try),
		cmocka_unit_test(test_lock_and_exec),
		cmocka_unit_test(test_lock_and_fork),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_bytes_of_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, input_cleanup);
}
