/* Calls on files that finish: transfers, inputs, maps, paths. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "clock.h"
#include "file.h"

#include "input_file.h"

static struct sm_err err;

static void
on_alarm(int number)
{
	(void)number;
}

#define MUCH (1 << 20)

/* Reads what the parent writes, slowly; 0 if all of it came. */
static int
slow_reader(int fd)
{
	size_t got = 0, i;
	char chunk[20000];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		for (i = 0; i < (size_t)n; i++)
			if (chunk[i] != (char)((got + i) * 7))
				return 1;
		got += (size_t)n;
		sm_clock_sleep_ms(2);
	}
	return got == MUCH ? 0 : 2;
}

/* Through a pipe, with a signal every few milliseconds. */
static void
test_interrupted(void **state)
{
	const struct itimerval often = { { 0, 3000 }, { 0, 3000 } },
			       never = { { 0, 0 }, { 0, 0 } };
	struct sigaction act = { .sa_handler = on_alarm };
	static char data[MUCH], copy[MUCH];
	int ends[2], status, back[2];
	size_t i;
	pid_t pid;

	(void)state;
	for (i = 0; i < MUCH; i++)
		data[i] = (char)(i * 7);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(pipe(back), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(ends[1]);
		status = slow_reader(ends[0]);
		/* And back again, in drops. */
		for (i = 0; i < MUCH; i += 4096) {
			if (write(back[1], data + i, 4096) != 4096)
				_exit(3);
			if (i % (16 * 4096) == 0)
				sm_clock_sleep_ms(1);
		}
		_exit(status);
	}
	close(ends[0]);
	close(back[1]);
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	assert_int_equal(sm_write_all(ends[1], data, MUCH), 0);
	close(ends[1]);
	assert_int_equal(sm_read_full(back[0], copy, MUCH), MUCH);
	assert_int_equal(sm_read_full(back[0], copy + 1, 10), 0);
	setitimer(ITIMER_REAL, &never, NULL);
	assert_memory_equal(copy, data, MUCH);
	close(back[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
test_at_offsets(void **state)
{
	int fd = open(input_file("at", "0123456789", 10), O_RDWR);
	char got[20] = "";

	(void)state;
	assert_int_equal(sm_pwrite_all(fd, "abc", 3, 8), 0);
	assert_int_equal(sm_pread_full(fd, got, 20, 5), 6);
	assert_memory_equal(got, "567abc", 6);
	assert_int_equal(sm_pread_full(fd, got, 5, 11), 0);
	assert_int_equal(sm_pread_full(fd, got, 2, 0), 2);
	assert_memory_equal(got, "01", 2);
	/* The offset of the descriptor is nobody's business here. */
	assert_int_equal(sm_read_full(fd, got, 3), 3);
	assert_memory_equal(got, "012", 3);
	assert_int_equal(sm_sync_close(fd, true), 0);
	assert_int_equal(sm_write_all(fd, "x", 1), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(sm_pwrite_all(fd, "x", 1, 0), -1);
	assert_int_equal(sm_read_full(fd, got, 1), -1);
	assert_int_equal(sm_pread_full(fd, got, 1, 0), -1);
	assert_int_equal(sm_sync_close(fd, false), -1);
	assert_int_equal(sm_sync_close(fd, true), -1);
	assert_int_equal(errno, EBADF);
}

/* A short write is finished; where it cannot be, it is an error. */
static void
test_no_room(void **state)
{
	int fd = open(input_file("limit", "", 0), O_RDWR), ret;
	struct rlimit old, low;
	char data[3000] = { 0 };
	struct stat st;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	low = (struct rlimit){ .rlim_cur = 2000, .rlim_max = old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	ret = sm_write_all(fd, data, sizeof(data));
	assert_int_equal(errno, EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(ret, -1);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 2000);
	close(fd);
}

/* What cannot be synced (a pipe) fails, and the descriptor is gone. */
static void
test_sync_fails(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(sm_sync_close(ends[1], true), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(fcntl(ends[1], F_GETFD), -1);
	assert_int_equal(sm_sync_close(ends[0], false), 0);
	assert_int_equal(fcntl(ends[0], F_GETFD), -1);
	assert_int_equal(sm_sync_dir(input_dir()), 0);
}

static void
expect_no_input(const char *path, const char *word)
{
	struct sm_map map = { 0 };
	struct stat st;
	int fd = -1;

	assert_int_equal(sm_open_input(&fd, path, &st, &err), SM_EINPUT);
	assert_int_equal(fd, -1);
	assert_non_null(strstr(err.text, path));
	if (!strstr(err.text, word))
		fail_msg("no '%s' in: %s", word, err.text);
	assert_int_equal(sm_map_open(&map, path, &err), SM_EINPUT);
	assert_null(map.data);
	sm_map_close(&map);
}

static void
test_inputs(void **state)
{
	struct sm_map map = { 0 };
	struct stat st;
	int fd = -1;

	(void)state;
	expect_no_input("/none/such", "No such file");
	expect_no_input("/tmp", "a directory");
	expect_no_input("/dev/null", "a device");
	assert_int_equal(mkfifoat(input_dir(), "pipe", 0600), 0);
	expect_no_input(input_path("pipe"), "a pipe"); /* and waits for none */
	assert_int_equal(
		sm_open_input(&fd, input_file("in", "abc", 3), &st, &err), 0);
	assert_int_equal(st.st_size, 3);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);

	assert_int_equal(sm_map_openat(&map, input_dir(), "in", &err), 0);
	assert_int_equal(map.size, 3);
	assert_memory_equal(map.data, "abc", 3);
	sm_map_close(&map);
	assert_null(map.data);
	input_file("empty", "", 0);
	assert_int_equal(sm_map_openat(&map, input_dir(), "empty", &err), 0);
	assert_int_equal(map.size, 0);
	assert_non_null(map.data);
	sm_map_close(&map);
}

/* --------------------------------------------------------------- paths -- */

static void
expect_real(const char *path, const char *want)
{
	char *got = sm_path_real(path, &err);

	if (!got)
		fail_msg("%s", err.text);
	assert_string_equal(got, want);
	free(got);
}

/* `name` in the test's directory is `want` in it. */
static void
expect_real_in(const char *name, const char *want)
{
	char path[512];

	snprintf(path, sizeof(path), "%s", input_path(name));
	expect_real(path, input_path(want));
}

static void
expect_unreal(const char *path)
{
	assert_null(sm_path_real(path, &err));
	assert_int_equal(err.code, SM_EINPUT);
}

static void
test_path_real(void **state)
{
	char here[512], twice[514];

	(void)state;
	input_file("there", "", 0);
	assert_int_equal(symlinkat("there", input_dir(), "link"), 0);
	assert_int_equal(symlinkat(".", input_dir(), "dirlink"), 0);
	expect_real_in("there", "there");
	expect_real_in("./link", "there");
	expect_real_in("new", "new");
	expect_real_in("new///", "new");
	expect_real_in("dirlink/./dirlink/new", "new");
	expect_real("/", "/");
	expect_real("//", "/");
	expect_real("/none-such-here", "/none-such-here");
	expect_real("//none-such-here", "/none-such-here");
	snprintf(here, sizeof(here), "%s", input_path("new"));
	snprintf(twice, sizeof(twice), "/%s", here);
	expect_real(twice, here);
	assert_int_equal(fchdir(input_dir()), 0);
	expect_real("new", here);
	expect_real("./new", here);
	expect_unreal("");
	expect_unreal("no/such");
	expect_unreal("no/..");
	expect_unreal("no/.");
	expect_unreal("there/new");
	assert_int_equal(chdir("/"), 0);
	expect_real("none-such-here", "/none-such-here");
}

static void
test_concat(void **state)
{
	char *p = sm_path_concat("a/b", ".job");

	(void)state;
	assert_string_equal(p, "a/b.job");
	free(p);
	p = sm_path_concat("", "");
	assert_string_equal(p, "");
	free(p);
}

/* Blocks are shared, or they are not; no byte beside them changes. */
static void
test_clone(void **state)
{
	static char data[3][16384];
	char names[2][32] = { "/tmp/test_clone.XXXXXX",
			      "/tmp/test_clone.XXXXXX" };
	int from = mkstemp(names[0]), to = mkstemp(names[1]), got;
	size_t i;

	(void)state;
	assert_true(from >= 0 && to >= 0);
	unlink(names[0]);
	unlink(names[1]);
	for (i = 0; i < sizeof(data[0]); i++) {
		data[0][i] = (char)(i * 31);
		data[1][i] = (char)(i * 7 + 1);
	}
	assert_int_equal(sm_pwrite_all(from, data[0], 16384, 0), 0);
	assert_int_equal(sm_pwrite_all(to, data[1], 16384, 0), 0);
	got = sm_clone_range(to, 4096, from, 8192, 4096);
	assert_in_range(got, 0, 1);
	if (got)
		memcpy(data[1] + 4096, data[0] + 8192, 4096);
	assert_int_equal(sm_pread_full(to, data[2], 16384, 0), 16384);
	assert_memory_equal(data[1], data[2], 16384);
	/* What no file system does, and what is no file. */
	assert_int_equal(sm_clone_range(to, 4096, from, 8191, 4096), 0);
	assert_int_equal(sm_clone_range(to, 4096, -1, 8192, 4096), 0);
	assert_int_equal(sm_clone_range(-1, 4096, from, 8192, 4096), 0);
	assert_int_equal(sm_pread_full(to, data[2], 16384, 0), 16384);
	assert_memory_equal(data[1], data[2], 16384);
	close(from);
	close(to);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_at_offsets),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_clone),
		cmocka_unit_test(test_sync_fails),
		cmocka_unit_test(test_inputs),
		cmocka_unit_test(test_path_real),
		cmocka_unit_test(test_concat),
	};

	return cmocka_run_group_tests(tests, NULL, input_cleanup);
}
