/* Marks in run.lock: whose refuse, and whose do not. */
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
#include <time.h>

#include <cmocka.h>

#include "clock.h"
#include "file.h"
#include "reach.h"

#include "input_file.h"

#define PLACE 17

static struct sm_err err;

static struct sm_jobdir
job(void)
{
	struct sm_jobdir dir = SM_JOBDIR_NONE;

	dir.fd = input_dir();
	dir.path = input_folder;
	return dir;
}

static uint64_t
at(int place)
{
	return SM_REACH_AT + (uint64_t)place * sizeof(struct sm_reach_mark);
}

static int
lock_file(void)
{
	int fd = openat(input_dir(), "run.lock", O_RDWR | O_CREAT | O_CLOEXEC,
			0666);

	assert_true(fd >= 0);
	return fd;
}

static int
marks(void)
{
	struct sm_reach_mark m;
	int fd = lock_file(), i, n = 0;

	for (i = 0; i < SM_REACH_PLACES; i++)
		n += sm_pread_full(fd, &m, sizeof(m), at(i)) ==
			     (ssize_t)sizeof(m) &&
		     m.id != 0;
	close(fd);
	return n;
}

static void
put(const struct sm_reach_mark *m)
{
	int fd = lock_file();

	assert_int_equal(sm_pwrite_all(fd, m, sizeof(*m), at(PLACE)), 0);
	close(fd);
}

static unsigned slept;

void __real_sm_clock_sleep_ms(uint64_t ms);
void __wrap_sm_clock_sleep_ms(uint64_t ms);

void
__wrap_sm_clock_sleep_ms(uint64_t ms)
{
	slept++;
	__real_sm_clock_sleep_ms(ms);
}

/* A mark as this process makes it, at work, without its lock. */
static struct sm_reach_mark
own_mark(void)
{
	struct sm_jobdir dir = job();
	struct sm_reach r;
	struct sm_reach_mark m;

	assert_int_equal(sm_reach_enter(&r, &dir, &err), 0);
	assert_true(r.marked);
	m = r.mine;
	sm_reach_leave(&r);
	m.id++;
	m.at_work = 1;
	return m;
}

/* Somebody may begin, and finds nothing of the mark but itself. */
static void
refuses_nobody(const struct sm_reach_mark *m)
{
	struct sm_jobdir dir = job();
	struct sm_reach r;

	put(m);
	assert_int_equal(sm_reach_check(&dir, &err), 0);
	assert_int_equal(sm_reach_enter(&r, &dir, &err), 0);
	assert_int_equal(marks(), 1);
	sm_reach_leave(&r);
	assert_int_equal(marks(), 0);
}

static void
test_together(void **state)
{
	struct sm_jobdir dir = job();
	struct sm_reach a, b;

	(void)state;
	assert_int_equal(sm_reach_check(&dir, &err), 0);
	assert_int_equal(sm_reach_enter(&a, &dir, &err), 0);
	assert_int_equal(sm_reach_enter(&b, &dir, &err), 0);
	assert_int_not_equal(a.place, b.place);
	assert_int_equal(marks(), 2);
	assert_int_equal(sm_reach_look(&a, &err), 0);
	assert_int_equal(sm_reach_look(&b, &err), 0);
	assert_int_equal(sm_reach_check(&dir, &err), 0);
	sm_reach_beat(&a);
	sm_reach_leave(&a);
	assert_int_equal(marks(), 1);
	sm_reach_leave(&b);
	sm_reach_leave(&b);
	assert_int_equal(marks(), 0);
}

/* A process that has ended, or has the pid of another, or has let go. */
static void
test_dead(void **state)
{
	struct sm_jobdir dir = job();
	struct sm_reach_mark m = own_mark();
	struct sm_reach r;
	siginfo_t si;
	pid_t child;

	(void)state;
	/* We live, and have no run.lock open. */
	refuses_nobody(&m);
	/* Somebody else has this pid now. */
	m.start++;
	refuses_nobody(&m);
	m.start--;
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(sm_reach_enter(&r, &dir, &err) == 0 ? 0 : 1);
	}
	/* Ended, and not reaped: the process is still listed. */
	assert_int_equal(waitid(P_PID, (id_t)child, &si, WEXITED | WNOWAIT), 0);
	assert_int_equal(si.si_status, 0);
	assert_int_equal(marks(), 1);
	assert_int_equal(sm_reach_check(&dir, &err), 0);
	assert_int_equal(sm_reach_enter(&r, &dir, &err), 0);
	assert_int_equal(marks(), 1);
	sm_reach_leave(&r);
	waitpid(child, NULL, 0);
}

/* Counts in the mark at PLACE, as whoever made it would, until it is killed. */
static pid_t
counter(struct sm_reach_mark *m)
{
	pid_t child;

	put(m);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			m->beats++;
			put(m);
			sm_clock_sleep_ms(20);
		}
	}
	return child;
}

static void
end(pid_t child)
{
	struct sm_reach_mark none = { .id = 0 };

	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	put(&none);
}

/* Of another pid namespace, or host: its counter tells, and nothing else. */
static void
test_elsewhere(void **state)
{
	struct sm_jobdir dir = job();
	struct sm_reach_mark m = own_mark();
	struct sm_reach r;
	pid_t child;

	(void)state;
	m.space++;
	slept = 0;
	refuses_nobody(&m);
	assert_true(slept > 0);
	m.boot++;
	child = counter(&m);
	/* Readers neither wait for it nor refuse. */
	assert_int_equal(sm_reach_check(&dir, &err), 0);
	assert_int_equal(sm_reach_enter(&r, &dir, &err), SM_EREFUSED);
	assert_non_null(strstr(err.text, "whose locks do not reach"));
	assert_false(r.marked);
	assert_int_equal(marks(), 1);
	end(child);
}

/*
 * A reboot: marks of another boot are not waited for where nobody can have
 * counted in them lately, by the clock of the file system.
 */
static void
test_reboot(void **state)
{
	static const struct {
		int ago_s;
		bool waits;
	} cases[] = { { 3600, false }, { -3600, true } };
	struct sm_jobdir dir = job();
	struct sm_reach_mark m = own_mark();
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
	struct sm_reach r;
	size_t i;
	int fd;

	(void)state;
	m.boot++;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		put(&m);
		fd = lock_file();
		times[1].tv_sec = time(NULL) - cases[i].ago_s;
		assert_int_equal(futimens(fd, times), 0);
		close(fd);
		slept = 0;
		assert_int_equal(sm_reach_enter(&r, &dir, &err), 0);
		assert_int_equal(slept > 0, cases[i].waits);
		/* The mark of the dead is gone. */
		assert_int_equal(marks(), 1);
		sm_reach_leave(&r);
	}
}

/* Somebody begins after us. */
static void
test_later(void **state)
{
	struct sm_jobdir dir = job();
	struct sm_reach_mark m = own_mark();
	struct sm_reach r;
	uint64_t begun = sm_clock_ms();
	pid_t child;
	int ret = 0;

	(void)state;
	m.space++;
	assert_int_equal(sm_reach_enter(&r, &dir, &err), 0);
	assert_int_not_equal(r.place, PLACE);
	/* One that still looks at the marks will find ours, and go. */
	m.at_work = 0;
	child = counter(&m);
	while (sm_clock_ms() - begun < 2500) {
		assert_int_equal(sm_reach_look(&r, &err), 0);
		sm_clock_sleep_ms(100);
	}
	end(child);
	m.at_work = 1;
	child = counter(&m);
	begun = sm_clock_ms();
	while (ret == 0 && sm_clock_ms() - begun < 60000) {
		ret = sm_reach_look(&r, &err);
		sm_clock_sleep_ms(100);
	}
	assert_int_equal(ret, SM_EREFUSED);
	assert_true(r.lost);
	sm_reach_leave(&r);
	end(child);
}

static void
copy_lock(int to)
{
	char bytes[65536];
	int from = lock_file();
	ssize_t n = sm_pread_full(from, bytes, sizeof(bytes), 0);

	assert_true(n > 0);
	assert_int_equal(sm_pwrite_all(to, bytes, (size_t)n, 0), 0);
	close(from);
	close(to);
}

/* A copy of a job that is at work: on this file system, and on another. */
static void
test_copy(void **state)
{
	char there[] = "/dev/shm/shardmill-test.XXXXXX";
	struct sm_jobdir dir = job(), copy = SM_JOBDIR_NONE;
	struct sm_reach r, other;
	int i, up[2];
	pid_t child;
	char c;

	(void)state;
	assert_int_equal(pipe(up), 0);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		c = sm_reach_enter(&r, &dir, &err) == 0 ? 'y' : 'n';
		if (write(up[1], &c, 1) != 1)
			_exit(1);
		for (;;) {
			sm_reach_beat(&r);
			sm_clock_sleep_ms(20);
		}
	}
	assert_int_equal(read(up[0], &c, 1), 1);
	assert_int_equal(c, 'y');
	for (i = 0; i < 2; i++) {
		if (i == 0) {
			assert_int_equal(mkdirat(input_dir(), "copy", 0700), 0);
			copy.path = (char *)"copy";
			copy.fd = openat(input_dir(), "copy",
					 O_RDONLY | O_DIRECTORY);
		} else if (mkdtemp(there)) {
			copy.path = there;
			copy.fd = open(there, O_RDONLY | O_DIRECTORY);
		} else {
			break; /* no other file system here */
		}
		assert_true(copy.fd >= 0);
		copy_lock(openat(copy.fd, "run.lock", O_RDWR | O_CREAT, 0666));
		assert_int_equal(sm_reach_check(&copy, &err), 0);
		assert_int_equal(sm_reach_enter(&other, &copy, &err), 0);
		sm_reach_leave(&other);
		unlinkat(copy.fd, "run.lock", 0);
		close(copy.fd);
	}
	/* The original's is the child's all the time. */
	assert_int_equal(marks(), 1);
	assert_int_equal(sm_reach_check(&dir, &err), 0);
	unlinkat(input_dir(), "copy", AT_REMOVEDIR);
	rmdir(there);
	end(child);
	close(up[0]);
	close(up[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_together),  cmocka_unit_test(test_dead),
		cmocka_unit_test(test_elsewhere), cmocka_unit_test(test_reboot),
		cmocka_unit_test(test_later),     cmocka_unit_test(test_copy),
	};

	return cmocka_run_group_tests(tests, NULL, input_cleanup);
}
