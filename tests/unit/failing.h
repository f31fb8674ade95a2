/*
 * failing.h - the n-th call that may fail does
 *
 * The linker hands the calls of FAILING_CALLS to the functions below (see
 * tests/CMakeLists.txt).  Those of the thread that called failing_arm() are
 * counted; the n-th fails, or all from the n-th on.  Pauses are cut short
 * meanwhile.
 */
#ifndef FAILING_H
#define FAILING_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

/*
 * Where offsets and times were made 64 bits wide (../../CMakeLists.txt) the GNU
 * C library gives these calls other names, which the linker sees.
 */
#ifdef FAILING_WIDE
#define __real_fstat     __real___fstat64_time64
#define __wrap_fstat     __wrap___fstat64_time64
#define __real_stat      __real___stat64_time64
#define __wrap_stat      __wrap___stat64_time64
#define __real_fstatat   __real___fstatat64_time64
#define __wrap_fstatat   __wrap___fstatat64_time64
#define __real_ftruncate __real_ftruncate64
#define __wrap_ftruncate __wrap_ftruncate64
#define __real_pread     __real_pread64
#define __wrap_pread     __wrap_pread64
#define __real_pwrite    __real_pwrite64
#define __wrap_pwrite    __wrap_pwrite64
#define __real_readdir   __real_readdir64
#define __wrap_readdir   __wrap_readdir64
#define __real_mmap      __real_mmap64
#define __wrap_mmap      __wrap_mmap64
#define __real_open      __real_open64
#define __wrap_open      __wrap_open64
#define __real_openat    __real_openat64
#define __wrap_openat    __wrap_openat64
#define __real_nanosleep __real___nanosleep64
#define __wrap_nanosleep __wrap___nanosleep64
#endif

static _Thread_local bool failing_armed;
static long failing_nth, failing_calls;
static bool failing_onwards;
static const char *failing_name; /* of the call that failed first */

static inline void
failing_arm(long nth, bool onwards)
{
	failing_nth = nth;
	failing_onwards = onwards;
	failing_calls = 0;
	failing_name = NULL;
	failing_armed = true;
}

/* Has it failed at all? */
static inline bool
failing_disarm(void)
{
	failing_armed = false;
	return failing_name != NULL;
}

static inline bool
failing(const char *name, int error)
{
	if (!failing_armed)
		return false;
	failing_calls++;
	if (failing_calls != failing_nth &&
	    !(failing_onwards && failing_calls > failing_nth))
		return false;
	if (!failing_name)
		failing_name = name;
	errno = error;
	return true;
}

/* TYPE NAME(DECLARED), called with GIVEN, which fails by BAD and ERROR */
#define FAILING(type, name, declared, given, bad, error)                       \
	type __real_##name declared;                                           \
	type __wrap_##name declared;                                           \
	type __wrap_##name declared                                            \
	{                                                                      \
		return failing(#name, error) ? (bad) : __real_##name given;    \
	}

FAILING(void *, malloc, (size_t n), (n), NULL, ENOMEM)
FAILING(void *, calloc, (size_t n, size_t m), (n, m), NULL, ENOMEM)
FAILING(void *, realloc, (void *p, size_t n), (p, n), NULL, ENOMEM)
FAILING(char *, strdup, (const char *s), (s), NULL, ENOMEM)
FAILING(char *, strndup, (const char *s, size_t n), (s, n), NULL, ENOMEM)
FAILING(int, fstat, (int fd, struct stat *st), (fd, st), -1, EIO)
FAILING(int, stat, (const char *p, struct stat *st), (p, st), -1,
	failing_onwards ? ENOMEM : EIO)
FAILING(int, fstatat, (int d, const char *p, struct stat *st, int f),
	(d, p, st, f), -1, EIO)
FAILING(int, faccessat, (int d, const char *p, int m, int f), (d, p, m, f), -1,
	EIO)
FAILING(int, unlink, (const char *p), (p), -1, EIO)
FAILING(int, unlinkat, (int d, const char *p, int f), (d, p, f), -1, EIO)
FAILING(int, rename, (const char *a, const char *b), (a, b), -1, ENOSPC)
FAILING(int, renameat, (int c, const char *a, int d, const char *b),
	(c, a, d, b), -1, EIO)
FAILING(int, link, (const char *a, const char *b), (a, b), -1, EPERM)
FAILING(int, ftruncate, (int fd, off_t n), (fd, n), -1, EIO)
FAILING(int, fdatasync, (int fd), (fd), -1, EIO)
FAILING(int, fsync, (int fd), (fd), -1, EIO)
FAILING(int, mkdirat, (int d, const char *p, mode_t m), (d, p, m), -1, ENOSPC)
FAILING(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n), -1, EIO)
FAILING(ssize_t, pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at),
	-1, EIO)
FAILING(ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at),
	(fd, p, n, at), -1, ENOSPC)
FAILING(DIR *, opendir, (const char *p), (p), NULL, EMFILE)
FAILING(DIR *, fdopendir, (int fd), (fd), NULL, ENOMEM)
FAILING(struct dirent *, readdir, (DIR * d), (d), NULL, EIO)
FAILING(void *, mmap, (void *a, size_t n, int p, int f, int fd, off_t at),
	(a, n, p, f, fd, at), MAP_FAILED, ENOMEM)
FAILING(ssize_t, getrandom, (void *p, size_t n, unsigned f), (p, n, f), -1, EIO)
FAILING(int, sqlite3_step, (sqlite3_stmt * s), (s), SQLITE_IOERR, EIO)
FAILING(const unsigned char *, sqlite3_column_text, (sqlite3_stmt * s, int i),
	(s, i), NULL, ENOMEM)
FAILING(int, sqlite3_prepare_v3,
	(sqlite3 * db, const char *t, int n, unsigned f, sqlite3_stmt **s,
	 const char **e),
	(db, t, n, f, s, e), SQLITE_NOMEM, EIO)
FAILING(int, sqlite3_open_v2,
	(const char *p, sqlite3 **db, int f, const char *v), (p, db, f, v),
	(*db = NULL, SQLITE_CANTOPEN), EIO)

/* A transaction's begin: what ends one has no say in whether it does. */
int __real_sqlite3_exec(sqlite3 *db, const char *text,
			int (*row)(void *, int, char **, char **), void *arg,
			char **message);
int __wrap_sqlite3_exec(sqlite3 *db, const char *text,
			int (*row)(void *, int, char **, char **), void *arg,
			char **message);
int
__wrap_sqlite3_exec(sqlite3 *db, const char *text,
		    int (*row)(void *, int, char **, char **), void *arg,
		    char **message)
{
	if (strncmp(text, "BEGIN", 5) == 0 && failing("sqlite3_exec", EIO))
		return SQLITE_NOMEM;
	return __real_sqlite3_exec(db, text, row, arg, message);
}

/* Eight bytes are an event's, which has room for them. */
ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
	return n != 8 && failing("write", ENOSPC) ? -1 : __real_write(fd, p, n);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int
__wrap_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (flags & O_CREAT)
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return failing("open", EMFILE) ? -1 : __real_open(path, flags, mode);
}

int __real_openat(int dirfd, const char *path, int flags, ...);
int __wrap_openat(int dirfd, const char *path, int flags, ...);
int
__wrap_openat(int dirfd, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (flags & O_CREAT)
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return failing("openat", EMFILE)
		       ? -1
		       : __real_openat(dirfd, path, flags, mode);
}

int __real_poll(struct pollfd *fds, nfds_t n, int ms);
int __wrap_poll(struct pollfd *fds, nfds_t n, int ms);
int
__wrap_poll(struct pollfd *fds, nfds_t n, int ms)
{
	return __real_poll(fds, n, failing_armed && ms > 1 ? 1 : ms);
}

int __real_nanosleep(const struct timespec *t, struct timespec *left);
int __wrap_nanosleep(const struct timespec *t, struct timespec *left);
int
__wrap_nanosleep(const struct timespec *t, struct timespec *left)
{
	return failing_armed ? 0 : __real_nanosleep(t, left);
}

#endif /* FAILING_H */
