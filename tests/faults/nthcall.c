/*
 * nthcall.c - a program's n-th system call is the last one, or fails
 *
 *	nthcall -o FILE CMD...                     write down every call
 *	nthcall -o FILE -n N -a ACTION CMD...      act on the N-th one
 *
 * Options that say which calls count, for both forms:
 *
 *	-r ROLE    only those of processes of that role: 0 is CMD, 1 what it
 *	           starts (workers), 2 what those start (commands)
 *	-c A,B     only calls of these names
 *	-p TEXT    only calls on a file whose path contains TEXT
 *	-x A,B     N counts calls of these names alone, and all others that
 *	           pass the options above are written down, before it and
 *	           behind it; those acted on have a "!" at the line's end
 *
 * ACTION: `kill` the process and `killall` all of them before the call is
 * made; an errno name (EIO) makes the call fail, with `+` behind it every
 * later one that counts too.  A call that closes a descriptor is made all the
 * same: that is what the kernel does.
 *
 * FILE gets a line "role name path" for each call that counts (without -n) or
 * was acted on, with -p also what a `write` writes.  The exit status is CMD's,
 * or 128 + the signal it died of.
 *
 * strace injects too, but counts per thread and costs three times as much.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define TASKS_MAX 256
#define OPTIONS                                                                \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |    \
	 PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)

/* Where a call has the path or descriptor of the file that it is about. */
enum subject { NONE, FD, PATH0, PATH1, PATH3, SECOND_PATH };

struct call {
	const char *name;
	long number;
	enum subject subject;
};

#define C(name, subject)                                                       \
	{                                                                      \
#name, SYS_##name, subject                                     \
	}

static const struct call calls[] = {
	C(read, FD),
	C(pread64, FD),
	C(readv, FD),
	C(write, FD),
	C(pwrite64, FD),
	C(writev, FD),
	C(fsync, FD),
	C(fdatasync, FD),
	C(ftruncate, FD),
	C(fallocate, FD),
	C(fadvise64, FD),
	C(close, FD),
	C(fstat, FD),
	C(fstatfs, FD),
	C(getdents64, FD),
	C(lseek, FD),
	C(fcntl, FD),
	C(flock, FD),
	C(fchmod, FD),
	C(fchown, FD),
	C(fchdir, FD),
	C(openat, PATH1),
	C(newfstatat, PATH1),
	C(statx, PATH1),
	C(mkdirat, PATH1),
	C(unlinkat, PATH1),
	C(renameat, PATH3),
	C(renameat2, PATH3),
	C(linkat, PATH3),
	C(faccessat, PATH1),
	C(faccessat2, PATH1),
	C(readlinkat, PATH1),
	C(truncate, PATH0),
	C(statfs, PATH0),
	C(execve, PATH0),
	C(mmap, NONE),
	C(munmap, NONE),
	C(mprotect, NONE),
	C(brk, NONE),
	C(madvise, NONE),
	C(clone, NONE),
	C(clone3, NONE),
	C(wait4, NONE),
	C(pipe2, NONE),
	C(socketpair, NONE),
	C(eventfd2, NONE),
	C(dup3, NONE),
	C(sendto, NONE),
	C(recvfrom, NONE),
	C(futex, NONE),
	C(prctl, NONE),
	C(getrandom, NONE),
	C(kill, NONE),
	C(tgkill, NONE),
	C(exit_group, NONE),
	C(exit, NONE),
	C(close_range, NONE),
	C(rt_sigaction, NONE),
	C(rt_sigprocmask, NONE),
	C(getpid, NONE),
	C(pidfd_open, NONE),
	C(setpgid, NONE),
	C(ppoll, NONE),
	C(pselect6, NONE),
	C(clock_nanosleep, NONE),
	C(geteuid, NONE),
	C(getcwd, NONE),
	C(ioctl, FD),
#ifdef SYS_open
	C(open, PATH0),
	C(stat, PATH0),
	C(lstat, PATH0),
	C(access, PATH0),
	C(mkdir, PATH0),
	C(rmdir, PATH0),
	C(unlink, PATH0),
	C(rename, SECOND_PATH),
	C(readlink, PATH0),
	C(poll, NONE),
	C(fork, NONE),
	C(vfork, NONE),
	C(pipe, NONE),
	C(dup2, NONE),
#endif
};

struct task {
	pid_t tid, tgid;
	int role;
	bool inside;  /* between a call's entry and its exit */
	bool replace; /* the result, at the exit */
};

static struct task tasks[TASKS_MAX];
static size_t task_count;

static struct {
	const char *out, *names, *path, *alone;
	int role; /* -1: all */
	unsigned long nth;
	bool kill, killall, onwards;
	int error;
} want = { .role = -1 };

static FILE *out;
static unsigned long counted;
static bool begun; /* CMD has taken the place of our own code */
static bool acted;

static void
die(const char *what)
{
	perror(what);
	exit(125);
}

/* ----------------------------------------------------------- tasks -- */

static struct task *
task_find(pid_t tid)
{
	size_t i;

	for (i = 0; i < task_count; i++)
		if (tasks[i].tid == tid)
			return &tasks[i];
	return NULL;
}

static void
task_status(pid_t tid, pid_t *tgid, pid_t *parent)
{
	char path[64], line[256];
	FILE *f;

	*tgid = tid;
	*parent = 0;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Tgid: %d", tgid) != 1 &&
		    sscanf(line, "PPid: %d", parent) == 1)
			break;
	if (f)
		fclose(f);
}

static struct task *
task_add(pid_t tid)
{
	struct task *t, *known;
	pid_t tgid, parent;

	if (task_count == TASKS_MAX) {
		errno = EAGAIN;
		die("tasks");
	}
	task_status(tid, &tgid, &parent);
	t = &tasks[task_count];
	*t = (struct task){ .tid = tid, .tgid = tgid };
	known = tgid != tid ? task_find(tgid) : NULL;
	if (known)
		t->role = known->role;
	else if ((known = task_find(parent)))
		t->role = known->role + 1;
	task_count++;
	return t;
}

static void
task_remove(pid_t tid)
{
	struct task *t = task_find(tid);

	if (t)
		*t = tasks[--task_count];
}

/* ----------------------------------------------------------- calls -- */

static const struct call *
call_find(long number)
{
	size_t i;

	for (i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (calls[i].number == number)
			return &calls[i];
	return NULL;
}

static void
text_of(char *dst, size_t size, const struct task *t, unsigned long long at)
{
	struct iovec local = { dst, size - 1 }, remote = { (void *)at, 0 };
	size_t page = 4096 - at % 4096;
	ssize_t n;

	/* Not across a page that may not be there. */
	remote.iov_len = page < size - 1 ? page : size - 1;
	n = process_vm_readv(t->tid, &local, 1, &remote, 1, 0);
	dst[n > 0 ? n : 0] = '\0';
	if (n > 0 && !memchr(dst, 0, (size_t)n) && (size_t)n == page &&
	    page < size - 1)
		text_of(dst + n, size - (size_t)n, t, at + page);
}

static void
link_of(char *dst, size_t size, const struct task *t, const char *name)
{
	char path[96];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)t->tid, name);
	n = readlink(path, dst, size - 1);
	dst[n > 0 ? n : 0] = '\0';
}

/* A path relative to a descriptor, as a call gives it. */
static void
path_of(char *dst, size_t size, const struct task *t, int dirfd,
	unsigned long long at)
{
	char name[PATH_MAX], link[32];
	size_t n;

	text_of(name, sizeof(name), t, at);
	if (name[0] == '/') {
		snprintf(dst, size, "%s", name);
		return;
	}
	snprintf(link, sizeof(link), dirfd == AT_FDCWD ? "cwd" : "fd/%d",
		 dirfd);
	link_of(dst, size, t, link);
	n = strlen(dst);
	snprintf(dst + n, size - n, "/%s", name);
}

static void
subject_of(char *dst, size_t size, const struct task *t, const struct call *c,
	   const unsigned long long *arg)
{
	char link[32];

	dst[0] = '\0';
	switch (c ? c->subject : NONE) {
	case NONE:
		break;
	case FD:
		snprintf(link, sizeof(link), "fd/%d", (int)arg[0]);
		link_of(dst, size, t, link);
		break;
	case PATH0:
		path_of(dst, size, t, AT_FDCWD, arg[0]);
		break;
	case SECOND_PATH:
		path_of(dst, size, t, AT_FDCWD, arg[1]);
		break;
	case PATH1:
		path_of(dst, size, t, (int)arg[0], arg[1]);
		break;
	case PATH3:
		path_of(dst, size, t, (int)arg[2], arg[3]);
		break;
	}
}

static bool
is_listed(const char *name, const char *list)
{
	size_t n = strlen(name);

	for (; list; list = strchr(list, ',') ? strchr(list, ',') + 1 : NULL)
		if (strncmp(list, name, n) == 0 &&
		    (list[n] == ',' || list[n] == '\0'))
			return true;
	return false;
}

/* The registers that hold a call's number and result. */
static void
set_register(pid_t tid, bool result, long value)
{
#if defined(__x86_64__)
	long at = result ? offsetof(struct user_regs_struct, rax)
			 : offsetof(struct user_regs_struct, orig_rax);

	ptrace(PTRACE_POKEUSER, tid, at, value);
#elif defined(__aarch64__)
	struct user_regs_struct regs;
	struct iovec v = { &regs, sizeof(regs) };
	int number = (int)value;

	if (!result) {
		v = (struct iovec){ &number, sizeof(number) };
		ptrace(PTRACE_SETREGSET, tid, NT_ARM_SYSTEM_CALL, &v);
		return;
	}
	ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &v);
	regs.regs[0] = (unsigned long long)value;
	ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &v);
#else
#error "no registers known for this machine"
#endif
}

/* ---------------------------------------------------------- acting -- */

static void
act(struct task *t, const struct call *c)
{
	size_t i;

	acted = true;
	if (want.kill || want.killall)
		set_register(t->tid, false, -1);
	for (i = 0; want.killall && i < task_count; i++)
		kill(tasks[i].tgid, SIGKILL);
	if (want.kill)
		kill(t->tgid, SIGKILL);
	if (!want.error)
		return;
	t->replace = true;
	if (!c || c->number != SYS_close)
		set_register(t->tid, false, -1);
}

/* Letting go of a lock cannot fail, so that it has a name of its own. */
static bool
is_unlock(const struct task *t, long number, const unsigned long long *arg)
{
	short type = 0;

	if (number == SYS_flock)
		return arg[1] == LOCK_UN;
	if (number != SYS_fcntl || (arg[1] != F_SETLK && arg[1] != F_OFD_SETLK))
		return false;
	/* l_type is the first member of struct flock. */
	return process_vm_readv(t->tid, &(struct iovec){ &type, sizeof(type) },
				1,
				&(struct iovec){ (void *)arg[2], sizeof(type) },
				1, 0) == sizeof(type) &&
	       type == F_UNLCK;
}

/* What a call writes says more than its name where a file is asked for. */
static void
tell(const struct task *t, const char *name, const char *path,
     const unsigned long long *arg, bool is_it)
{
	char data[64] = "", *p;
	size_t n = (size_t)arg[2];

	if (want.path && strcmp(name, "write") == 0)
		text_of(data, n < sizeof(data) ? n + 1 : sizeof(data), t,
			arg[1]);
	data[strcspn(data, "\n")] = '\0';
	/* Of a shard, whatever bytes: none may end the line that is written. */
	for (p = data; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	fprintf(out, "%d %s %s%s%s%s\n", t->role, name, path, *data ? " " : "",
		data, want.alone && is_it ? " !" : "");
}

static void
at_entry(struct task *t, long number, const unsigned long long *arg)
{
	const struct call *c = call_find(number);
	char path[2 * PATH_MAX], other[32];
	const char *name = c ? c->name : other;
	bool is_it = false;

	if (!begun || (want.role >= 0 && t->role != want.role))
		return;
	snprintf(other, sizeof(other), "call%ld", number);
	if (is_unlock(t, number, arg))
		name = "unlock";
	if (want.names && !is_listed(name, want.names))
		return;
	subject_of(path, sizeof(path), t, c, arg);
	if (want.path && !strstr(path, want.path))
		return;
	if (!want.alone || is_listed(name, want.alone)) {
		counted++;
		is_it = want.nth && (counted == want.nth ||
				     (want.onwards && counted > want.nth));
	}
	if (want.alone || !want.nth || (is_it && !acted))
		tell(t, name, path, arg, is_it);
	if (is_it)
		act(t, c);
}

static void
at_call(struct task *t)
{
	struct __ptrace_syscall_info info = { 0 };
	unsigned long long arg[6];
	int i;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof(info), &info) < 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		for (i = 0; i < 6; i++)
			arg[i] = info.entry.args[i];
		at_entry(t, (long)info.entry.nr, arg);
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT && t->replace) {
		t->replace = false;
		set_register(t->tid, true, -want.error);
	}
}

/* Once nothing is left to be done, calls need not stop any more. */
static bool
is_over(void)
{
	size_t i;

	if (!acted || want.onwards || want.alone)
		return false;
	for (i = 0; i < task_count; i++)
		if (tasks[i].replace)
			return false;
	return true;
}

static void
at_stop(pid_t tid, int status)
{
	struct task *t = task_find(tid);
	int sig = WSTOPSIG(status), event = status >> 16;
	long how;

	if (!t)
		t = task_add(tid);
	if (event == PTRACE_EVENT_EXEC)
		begun = true;
	if (sig == (SIGTRAP | 0x80)) {
		at_call(t);
		sig = 0;
	} else if (event == PTRACE_EVENT_STOP && sig != SIGTRAP) {
		ptrace(PTRACE_LISTEN, tid, 0, 0); /* a group stop */
		return;
	} else if (event) {
		sig = 0;
	}
	how = is_over() ? PTRACE_CONT : PTRACE_SYSCALL;
	ptrace((enum __ptrace_request)how, tid, 0, (long)sig);
}

static int
follow(pid_t first)
{
	int status, code = 125;
	pid_t tid;

	while ((tid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (tid <= 0)
			continue;
		if (WIFSTOPPED(status)) {
			at_stop(tid, status);
			continue;
		}
		task_remove(tid);
		if (tid == first)
			code = WIFSIGNALED(status) ? 128 + WTERMSIG(status)
						   : WEXITSTATUS(status);
	}
	return code;
}

static pid_t
start(char **argv)
{
	int gate[2];
	char go = 0;
	pid_t pid;

	if (pipe2(gate, O_CLOEXEC) < 0)
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		/* Wait until we are traced. */
		if (read(gate[0], &go, 1) == 1)
			execvp(argv[0], argv);
		die(argv[0]);
	}
	if (ptrace(PTRACE_SEIZE, pid, 0, OPTIONS) < 0)
		die("ptrace");
	task_add(pid)->role = 0;
	if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0 ||
	    write(gate[1], &go, 1) != 1)
		die("ptrace");
	close(gate[0]);
	close(gate[1]);
	return pid;
}

static void
set_action(char *s)
{
	static const struct {
		const char *name;
		int value;
	} errors[] = {
		{ "EIO", EIO },       { "ENOSPC", ENOSPC },
		{ "EDQUOT", EDQUOT }, { "EINTR", EINTR },
		{ "EMFILE", EMFILE }, { "ENOMEM", ENOMEM },
		{ "EROFS", EROFS },   { "EAGAIN", EAGAIN },
		{ "ENOLCK", ENOLCK }, { "EACCES", EACCES },
		{ "EXDEV", EXDEV },   { "EOPNOTSUPP", EOPNOTSUPP },
	};
	size_t i, n = strlen(s);

	if (n > 0 && s[n - 1] == '+') {
		want.onwards = true;
		s[n - 1] = '\0';
	}
	want.kill = strcmp(s, "kill") == 0;
	want.killall = strcmp(s, "killall") == 0;
	for (i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (strcmp(errors[i].name, s) == 0)
			want.error = errors[i].value;
	if (!want.kill && !want.killall && !want.error) {
		fprintf(stderr, "nthcall: unknown action '%s'\n", s);
		exit(125);
	}
}

int
main(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "+o:n:a:r:c:p:x:")) != -1)
		switch (opt) {
		case 'o':
			want.out = optarg;
			break;
		case 'n':
			want.nth = strtoul(optarg, NULL, 10);
			break;
		case 'a':
			set_action(optarg);
			break;
		case 'r':
			want.role = atoi(optarg);
			break;
		case 'c':
			want.names = optarg;
			break;
		case 'p':
			want.path = optarg;
			break;
		case 'x':
			want.alone = optarg;
			break;
		default:
			return 125;
		}
	if (!want.out || optind == argc) {
		fputs("usage: nthcall -o FILE [OPTIONS] CMD...\n", stderr);
		return 125;
	}
	out = fopen(want.out, "we");
	if (!out)
		die(want.out);
	setlinebuf(out);
	return follow(start(argv + optind));
}
