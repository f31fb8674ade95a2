/* One command: what it gets, what comes of it, and that it ends. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "buf.h"
#include "clock.h"
#include "command.h"
#include "file.h"
#include "program.h"

#include "input_file.h"

static struct sm_command *command;
static struct sm_buf out, errors;
static uint64_t out_total, err_total, out_limit;
static struct sm_command_end end;
static struct sm_err err;
static int null_fd;

static int
set_up(void **state)
{
	(void)state;
	null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return sm_command_new(&command, NULL);
}

static int
tear_down(void **state)
{
	sm_command_free(command);
	sm_buf_release(&out);
	sm_buf_release(&errors);
	close(null_fd);
	return input_cleanup(state);
}

/* The first MiB is kept. */
static int
take(struct sm_buf *b, uint64_t *total, const void *data, size_t len)
{
	*total += len;
	if (b->len + len <= 1 << 20)
		sm_buf_put(b, data, len);
	return 0;
}

static int
take_out(const void *data, size_t len, void *arg, struct sm_err *e)
{
	(void)arg;
	take(&out, &out_total, data, len);
	if (out_limit && out_total > out_limit)
		return sm_err_set(e, SM_ETOOBIG, "too big");
	return 0;
}

static int
take_err(const void *data, size_t len, void *arg, struct sm_err *e)
{
	(void)arg;
	(void)e;
	return take(&errors, &err_total, data, len);
}

static int
run_opts(struct sm_command_opts *o, const char *const *argv)
{
	char *path = NULL;
	int ret;

	sm_buf_clear(&out);
	sm_buf_clear(&errors);
	sm_buf_puts(&out, "");
	sm_buf_puts(&errors, "");
	out_total = err_total = 0;
	memset(&err, 0, sizeof(err));
	ret = sm_program_find(&path, argv[0], o->cwd ? o->cwd : ".", &err);
	if (ret < 0)
		return ret;
	o->path = path;
	o->argv = (char *const *)argv;
	o->envp = environ;
	o->out = take_out;
	o->err_out = take_err;
	if (!o->stop)
		o->stop_fd = -1;
	o->in_fd = null_fd;
	ret = sm_command_run(&end, command, o, &err);
	free(path);
	return ret;
}

static int
shell_opts(struct sm_command_opts *o, const char *script)
{
	const char *const argv[] = { "sh", "-c", script, NULL };

	return run_opts(o, argv);
}

static int
shell(const char *script)
{
	struct sm_command_opts o = { 0 };

	return shell_opts(&o, script);
}

static double
seconds_since(uint64_t ms)
{
	return (double)(sm_clock_ms() - ms) / 1000;
}

/* Processes whose command line holds the text: none may be left. */
static void
assert_gone(const char *mark)
{
	char line[128];
	int i;

	snprintf(line, sizeof(line), "pgrep -f '^sleep %s$' >/dev/null", mark);
	/* A killed process takes a moment to go. */
	for (i = 0; i < 50 && system(line) == 0; i++)
		sm_clock_sleep_ms(20);
	assert_true(i < 50);
}

static void
test_output(void **state)
{
	(void)state;
	assert_int_equal(shell("echo out; echo err >&2"), 0);
	assert_int_equal(end.exit_status, 0);
	assert_int_equal(end.signal, -1);
	assert_string_equal(out.data, "out\n");
	assert_string_equal(errors.data, "err\n");

	assert_int_equal(shell("echo half; exit 3"), 0);
	assert_int_equal(end.exit_status, 3);

	assert_int_equal(shell("kill -SEGV $$"), 0);
	assert_int_equal(end.signal, SIGSEGV);
	assert_int_equal(end.exit_status, -1);

	assert_int_equal(shell("exec >&- 2>&-; sleep 0.2; exit 4"), 0);
	assert_int_equal(end.exit_status, 4);
}

static void
test_surroundings(void **state)
{
	struct sm_command_opts o = { .cwd = "/" };
	int stray = dup2(null_fd, 77); /* not O_CLOEXEC */
	struct sigaction old, ignore = { .sa_handler = SIG_IGN };
	sigset_t blocked, before;

	(void)state;
	assert_int_equal(stray, 77);
	sigaction(SIGINT, &ignore, &old);
	sigaction(SIGTERM, &ignore, NULL);
	sigaction(SIGHUP, &ignore, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &blocked, &before);

	assert_int_equal(shell_opts(&o, "pwd"), 0);
	assert_string_equal(out.data, "/\n");
	/* ls has the directory itself open, as 3. */
	assert_int_equal(shell("exec ls /proc/self/fd"), 0);
	assert_string_equal(out.data, "0\n1\n2\n3\n");
	assert_int_equal(
		shell("exec grep -E '^Sig(Ign|Blk)' /proc/self/status"), 0);
	assert_string_equal(out.data, "SigBlk:\t0000000000000000\n"
				      "SigIgn:\t0000000000000000\n");
	/* A group of its own, which it leads. */
	assert_int_equal(
		shell("exec awk '{exit $1 == $5 ? 0 : 1}' /proc/self/stat"), 0);
	assert_int_equal(end.exit_status, 0);
	assert_int_equal(shell("readlink /proc/self/fd/0"), 0);
	assert_string_equal(out.data, "/dev/null\n");

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	sigaction(SIGINT, &old, NULL);
	sigaction(SIGTERM, &old, NULL);
	sigaction(SIGHUP, &old, NULL);
	sigaction(SIGPIPE, &old, NULL);
	close(stray);
}

/* The caller has no 0, 1 and 2 of its own. */
static void
test_closed_standard(void **state)
{
	int status, ok;
	pid_t pid;

	(void)state;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(0);
		close(1);
		close(2);
		null_fd = open("/dev/null", O_RDONLY); /* becomes 0 */
		ok = shell("echo out; echo err >&2; cat") == 0 &&
		     strcmp(out.data, "out\n") == 0 &&
		     strcmp(errors.data, "err\n") == 0;
		_exit(ok ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
test_cannot_run(void **state)
{
	struct sm_command_opts o = { .cwd = "/none" };
	const char *path;
	const char *const none[] = { "no-such-command-here", NULL };
	const char *script[] = { NULL, NULL };

	(void)state;
	assert_int_equal(run_opts(&o, none), SM_ENOTFOUND);
	o.cwd = NULL;
	assert_int_equal(run_opts(&o, none), SM_ENOTFOUND);
	assert_non_null(strstr(err.text, "not found in PATH"));

	script[0] = path = input_file("plain", "echo x\n", 7);
	assert_int_equal(run_opts(&o, script), SM_ENOTFOUND);
	assert_non_null(strstr(err.text, "chmod"));
	chmod(path, 0755);
	assert_int_equal(run_opts(&o, script), SM_ENOTFOUND);
	assert_non_null(strstr(err.text, "'#!'"));

	script[0] = path = input_file("crlf", "#!/bin/sh\r\necho\n", 16);
	chmod(path, 0755);
	assert_int_equal(run_opts(&o, script), SM_ENOTFOUND);
	assert_non_null(strstr(err.text, "interpreter '/bin/sh\\x0d'"));

	/* What the search cannot see is told by the child. */
	script[0] = path = input_file("binary", "\0\1\2\3", 4);
	chmod(path, 0755);
	assert_int_equal(run_opts(&o, script), SM_ENOTFOUND);

	o = (struct sm_command_opts){ .cwd = input_path("."),
				      .path = "./gone",
				      .argv = (char *const *)none,
				      .envp = environ,
				      .in_fd = null_fd,
				      .stop_fd = -1 };
	assert_int_equal(sm_command_run(&end, command, &o, &err), SM_ENOTFOUND);
	assert_int_equal(end.exit_status, -1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void
test_relative(void **state)
{
	struct sm_command_opts o = { .cwd = NULL };
	const char *const here[] = { "./tool", "a", NULL };
	const char *path = input_file("tool", "#!/bin/sh\necho $1 $0\n", 21);
	char *old = strdup(getenv("PATH")), dir[512], *found = NULL;

	(void)state;
	chmod(path, 0755);
	snprintf(dir, sizeof(dir), "%s", input_path("."));
	o.cwd = dir;
	assert_int_equal(run_opts(&o, here), 0);
	assert_string_equal(out.data, "a ./tool\n");

	assert_int_equal(sm_program_find(&found, "tool", dir, &err),
			 SM_ENOTFOUND);
	assert_non_null(strstr(err.text, "'./tool'"));
	setenv("PATH", "/none::/usr/bin", 1);
	assert_int_equal(sm_program_find(&found, "tool", dir, &err), 0);
	assert_string_equal(found, "./tool");
	free(found);
	setenv("PATH", old, 1);
	free(old);
}

static void
test_too_long(void **state)
{
	const size_t count = 200, each = 100000;
	const char **argv = calloc(count + 2, sizeof(*argv));
	char *word = malloc(each + 1);
	struct sm_command_opts o = { 0 };
	size_t i;

	(void)state;
	assert_non_null(argv);
	assert_non_null(word);
	memset(word, 'x', each);
	word[each] = '\0';
	argv[0] = "true";
	for (i = 1; i <= count; i++)
		argv[i] = word;
	assert_int_equal(run_opts(&o, argv), SM_EINPUT);
	assert_non_null(strstr(err.text, "too many or too long"));
	free(word);
	free(argv);
}

/* -------------------------------------------------------------- input -- */

static const size_t input_bytes = 3 << 20;

static int
input_open(void)
{
	char *data = malloc(input_bytes);
	const char *path;
	size_t i;

	assert_non_null(data);
	for (i = 0; i < input_bytes; i++)
		data[i] = (char)(i % 251);
	path = input_file("input", data, input_bytes);
	free(data);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int feed_fd;
static uint64_t feed_at, feed_end;

static int
feed_next(const char **text, size_t *len, void *arg, struct sm_err *e)
{
	static char piece[100000];
	size_t want = sizeof(piece);

	(void)arg;
	if (feed_at == feed_end)
		return 0;
	if (want > feed_end - feed_at)
		want = (size_t)(feed_end - feed_at);
	if (sm_pread_full(feed_fd, piece, want, feed_at) != (ssize_t)want)
		return sm_err_set(e, SM_EREFUSED, "it shrank");
	feed_at += want;
	*text = piece;
	*len = want;
	return 1;
}

static int
feed(const char *script, int fd, uint64_t at, uint64_t to)
{
	struct sm_command_opts o = { .in = feed_next, .in_bytes = to - at };

	feed_fd = fd;
	feed_at = at;
	feed_end = to;
	return shell_opts(&o, script);
}

static void
test_feed(void **state)
{
	int fd = input_open();
	size_t i;

	(void)state;
	assert_int_equal(feed("cat", fd, 100, 100 + 70000), 0);
	assert_int_equal(out.len, 70000);
	for (i = 0; i < 70000; i++)
		assert_int_equal((unsigned char)out.data[i], (i + 100) % 251);
	assert_int_equal(feed("cat; cat", fd, 0, input_bytes), 0);
	assert_int_equal(out_total, input_bytes);
	assert_int_equal(feed("wc -c", fd, 5, 5), 0);
	assert_int_equal(atoi(out.data), 0);
	/* Everything is written out before anything is read, and again. */
	assert_int_equal(feed("head -c 3000000 /dev/zero; cat >/dev/null; "
			      "head -c 3000000 /dev/zero >&2; echo end",
			      fd, 0, input_bytes),
			 0);
	assert_int_equal(out_total, 3000004);
	assert_int_equal(err_total, 3000000);
	close(fd);
}

static void
test_feed_closed_early(void **state)
{
	int fd = input_open();
	sigset_t pending;

	(void)state;
	assert_int_equal(
		feed("exec <&-; sleep 0.1; echo fine", fd, 0, input_bytes), 0);
	assert_int_equal(end.exit_status, 0);
	assert_string_equal(out.data, "fine\n");
	assert_int_equal(feed("head -c 1 | wc -c", fd, 0, input_bytes), 0);
	assert_int_equal(feed("true", fd, 0, input_bytes), 0);
	/* No SIGPIPE killed us, and none is kept for later. */
	sigpending(&pending);
	assert_false(sigismember(&pending, SIGPIPE));
	close(fd);
}

static void
test_feed_shrunk(void **state)
{
	int fd = input_open();

	(void)state;
	assert_int_equal(feed("cat", fd, 0, input_bytes + 1), SM_EREFUSED);
	assert_non_null(strstr(err.text, "shrank"));
	close(fd);
}

/* ----------------------------------------------------------- early ends -- */

static void
test_timeout(void **state)
{
	struct sm_command_opts o = { .timeout_s = 0.3 };
	uint64_t at = sm_clock_ms();

	(void)state;
	assert_int_equal(shell_opts(&o, "echo x; sleep 7001"), SM_ETIMEOUT);
	assert_true(seconds_since(at) < 3);
	assert_int_equal(end.signal, SIGTERM);
	assert_gone("7001");

	/* A child of the command that ignores TERM gets KILL, 5 s later. */
	at = sm_clock_ms();
	assert_int_equal(shell_opts(&o, "(trap '' TERM; sleep 7002) & "
					"trap '' TERM; sleep 7003; sleep 7004"),
			 SM_ETIMEOUT);
	assert_true(seconds_since(at) > 5);
	assert_true(seconds_since(at) < 8);
	assert_int_equal(end.signal, SIGKILL);
	assert_gone("7002");
	assert_gone("7004");

	/* A command that tidies up is let. */
	assert_int_equal(shell_opts(&o, "trap 'sleep 0.5; echo bye >&2; exit 9'"
					" TERM; sleep 7005 & wait"),
			 SM_ETIMEOUT);
	assert_int_equal(end.exit_status, 9);
	assert_gone("7005");

	/* One that is stopped, too. */
	assert_int_equal(shell_opts(&o, "kill -STOP $$; sleep 7006"),
			 SM_ETIMEOUT);
}

static void *
raise_stop(void *arg)
{
	atomic_bool *stop = arg;

	sm_clock_sleep_ms(200);
	atomic_store(stop, true);
	return NULL;
}

static void
test_stop(void **state)
{
	static atomic_bool stop;
	struct sm_command_opts o = { .stop = &stop,
				     .stop_fd = -1,
				     .timeout_s = 600 };
	uint64_t at = sm_clock_ms();
	pthread_t thread;
	int ends[2];

	(void)state;
	pthread_create(&thread, NULL, raise_stop, &stop);
	assert_int_equal(shell_opts(&o, "trap '' TERM; sleep 7007; sleep 7008"),
			 SM_ESTOPPED);
	pthread_join(thread, NULL);
	assert_true(seconds_since(at) < 3);
	assert_gone("7008");

	/* By descriptor: which stays open, and is the caller's. */
	stop = false;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	o.stop_fd = ends[0];
	at = sm_clock_ms();
	assert_int_equal(shell_opts(&o, "exec sleep 7009"), SM_ESTOPPED);
	assert_true(seconds_since(at) < 1);
	assert_int_equal(close(ends[0]), 0);
	assert_int_equal(close(ends[1]), 0);
}

static void
test_endless(void **state)
{
	struct rusage usage;

	(void)state;
	out_limit = 10 << 20;
	assert_int_equal(shell("yes"), SM_ETOOBIG);
	assert_string_equal(err.text, "too big");
	out_limit = 0;
	assert_int_equal(shell("head -c 300000000 /dev/zero >&2"), 0);
	assert_int_equal(err_total, 300000000);
	getrusage(RUSAGE_SELF, &usage);
#ifndef __SANITIZE_ADDRESS__
	assert_true(usage.ru_maxrss < 64 * 1024);
#endif
}

static void
test_left_behind(void **state)
{
	uint64_t at = sm_clock_ms();

	(void)state;
	/* Writes on after the command's end: that is output like any other. */
	assert_int_equal(shell("(sleep 1; echo late) & echo early"), 0);
	assert_string_equal(out.data, "early\nlate\n");
	assert_false(end.left_behind);
	assert_true(seconds_since(at) < 3);

	/* Silent: ended after the grace, and nobody's result. */
	at = sm_clock_ms();
	assert_int_equal(shell("sleep 7010 & echo x"), SM_ECOMMAND);
	assert_non_null(strstr(err.text, "left behind (pid "));
	assert_non_null(strstr(err.text, "'sleep')"));
	assert_int_equal(end.exit_status, 0);
	assert_true(seconds_since(at) >= 5);
	assert_true(seconds_since(at) < 7);
	assert_gone("7010");
	/* Out of the session: not found, but known. */
	assert_int_equal(shell("setsid sleep 9 & echo x"), SM_ECOMMAND);
	assert_non_null(strstr(err.text, "left behind holds"));
	/* The command's own failure is what is told. */
	assert_int_equal(shell("sleep 7013 & echo x; exit 3"), 0);
	assert_int_equal(end.exit_status, 3);
	assert_gone("7013");
	/* On standard error alone it is none of the shard's business. */
	assert_int_equal(shell("sleep 7014 >/dev/null & echo x"), 0);
	assert_true(end.left_behind);
	assert_gone("7014");
	assert_int_equal(shell("setsid sleep 9 >/dev/null & echo x"), 0);
	/* Holding neither, it is not waited for. */
	at = sm_clock_ms();
	assert_int_equal(shell("sleep 2 >/dev/null 2>&1 & echo x"), 0);
	assert_true(seconds_since(at) < 1);
	/* But a failed attempt leaves nothing of its group. */
	assert_int_equal(shell("sleep 7011 >/dev/null 2>&1 & exit 1"), 0);
	assert_gone("7011");
}

/* A worker that is killed takes its command along. */
static void
test_parent_dies(void **state)
{
	char pid_text[32] = "";
	int ends[2], i;
	pid_t pid;
	ssize_t n;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		/* The pipe's end reaches the command as its input. */
		null_fd = ends[1];
		shell("echo $$ >&0; exec sleep 7012");
		_exit(0);
	}
	n = read(ends[0], pid_text, sizeof(pid_text) - 1);
	assert_true(n > 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (i = 0; i < 50 && kill(atoi(pid_text), 0) == 0; i++)
		sm_clock_sleep_ms(20);
	assert_gone("7012");
	close(ends[0]);
	close(ends[1]);
}

static void
test_group_is_told(void **state)
{
	_Atomic int64_t group = 0;
	struct sm_command_opts o = { .group = { &group } };
	const char *const none[] = { "true", NULL };

	(void)state;
	assert_int_equal(shell_opts(&o, "echo $$"), 0);
	assert_int_equal(group, 0);
	o.path = "/none/such";
	o.argv = (char *const *)none;
	assert_int_equal(sm_command_run(&end, command, &o, &err), SM_ENOTFOUND);
	assert_int_equal(group, 0);
}

/* No descriptor, child or mask is left by any of the above. */
static void
test_nothing_leaks(void **state)
{
	sigset_t mask;
	int before, after, fd = input_open(), i, sig, blocked = 0;

	(void)state;
	before = dup(0);
	close(before);
	out_limit = 100000;
	for (i = 0; i < 50; i++) {
		shell("true");
		feed("head -c 5", fd, 0, input_bytes);
		feed("cat", fd, 0, input_bytes);
		shell("exit 3");
	}
	out_limit = 0;
	after = dup(0);
	close(after);
	close(fd);
	assert_int_equal(before, after);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	for (sig = 1; sig < NSIG; sig++)
		blocked += sigismember(&mask, sig) == 1;
	assert_int_equal(blocked, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_surroundings),
		cmocka_unit_test(test_closed_standard),
		cmocka_unit_test(test_cannot_run),
		cmocka_unit_test(test_relative),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_feed),
		cmocka_unit_test(test_feed_closed_early),
		cmocka_unit_test(test_feed_shrunk),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_left_behind),
		cmocka_unit_test(test_parent_dies),
		cmocka_unit_test(test_group_is_told),
		cmocka_unit_test(test_nothing_leaks),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
