/*
 * failmalloc.c - preloaded: the n-th allocation of a process fails
 *
 *	FAILMALLOC=N      the n-th, once
 *	FAILMALLOC=N+     from the n-th on
 *	FAILMALLOC_ROLE   "work": only in workers; "other": only in others
 *	FAILMALLOC_LOG    a file to which each process appends "role count" when
 *	                  it ends by exit(), and "role hit" when one failed
 *
 * malloc, calloc, realloc and the aligned ones count alike, whoever calls
 * them: the program, SQLite, jansson, zlib and libc itself.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The next ones: libc's, or the address sanitizer's. */
static void *(*next_malloc)(size_t size);
static void *(*next_calloc)(size_t n, size_t size);
static void *(*next_realloc)(void *p, size_t size);
static void *(*next_aligned_alloc)(size_t align, size_t size);
static int (*next_posix_memalign)(void **p, size_t align, size_t size);

static atomic_ulong count;
static unsigned long nth; /* 0: none fails */
static bool onwards, ready, is_worker;

static void
look_up(void)
{
	if (next_malloc)
		return;
	/* POSIX wants this cast; dlsym() itself does not allocate. */
	*(void **)&next_calloc = dlsym(RTLD_NEXT, "calloc");
	*(void **)&next_realloc = dlsym(RTLD_NEXT, "realloc");
	*(void **)&next_aligned_alloc = dlsym(RTLD_NEXT, "aligned_alloc");
	*(void **)&next_posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
	*(void **)&next_malloc = dlsym(RTLD_NEXT, "malloc");
}

static void
say(const char *what)
{
	const char *path = getenv("FAILMALLOC_LOG");
	char line[64];
	int fd, n;

	if (!path)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	n = snprintf(line, sizeof(line), "%s %s\n",
		     is_worker ? "work" : "other", what);
	if (fd < 0 || write(fd, line, (size_t)n) != n)
		_exit(125);
	close(fd);
}

__attribute__((constructor)) static void
begin(void)
{
	const char *text = getenv("FAILMALLOC"), *role;
	char line[4096] = "";
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);

	if (fd >= 0)
		close(fd);
	is_worker = n > 0 && strcmp(line + strlen(line) + 1, "work") == 0;
	role = getenv("FAILMALLOC_ROLE");
	ready = !role || is_worker == (strcmp(role, "work") == 0);
	if (text && ready) {
		nth = strtoul(text, NULL, 10);
		onwards = strchr(text, '+') != NULL;
	}
	atomic_store(&count, 0);
}

__attribute__((destructor)) static void
end(void)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu", atomic_load(&count));
	if (!nth && ready)
		say(text);
}

static bool
fails(void)
{
	unsigned long n = atomic_fetch_add(&count, 1) + 1;

	look_up();
	if (!nth || (n != nth && !(onwards && n > nth)))
		return false;
	if (n == nth)
		say("hit");
	errno = ENOMEM;
	return true;
}

void *
malloc(size_t size)
{
	return fails() ? NULL : next_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	return fails() ? NULL : next_calloc(n, size);
}

void *
realloc(void *p, size_t size)
{
	return fails() ? NULL : next_realloc(p, size);
}

void *
aligned_alloc(size_t align, size_t size)
{
	return fails() ? NULL : next_aligned_alloc(align, size);
}

int
posix_memalign(void **p, size_t align, size_t size)
{
	return fails() ? ENOMEM : next_posix_memalign(p, align, size);
}
