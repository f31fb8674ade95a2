/*
 * program.c - find the program of a command before any batch starts
 *
 * Along PATH as execvp(3) does, so that a wrong name is one message while
 * planning and not one failure per batch.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"

#include "program.h"

#define PROGRAM_PATH "/bin:/usr/bin" /* as execvp(3) without PATH */
#define PROGRAM_HEAD 256             /* what the kernel reads of a script */

/* A failing disk or a lack of memory does not tell what is there. */
static bool
is_trouble(int sys)
{
	return sys == EIO || sm_err_class_of(sys) != SM_EIO;
}

/* 0, or the errno with which execve(2) would refuse the file. */
static int
program_probe(int dirfd, const char *path)
{
	struct stat st;

	if (fstatat(dirfd, path, &st, 0) < 0)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	if (!S_ISREG(st.st_mode))
		return EACCES;
	/* The effective user's rights are what execve(2) asks. */
	if (faccessat(dirfd, path, X_OK, AT_EACCESS) < 0)
		return errno;
	return 0;
}

/* The interpreter in the "#!" line `head`, cut out of it; NULL if none. */
static char *
program_interpreter(char *head)
{
	char *p = head + 2;

	p += strspn(p, " \t");
	/* A carriage return counts as part of the name, as in the kernel. */
	p[strcspn(p, " \t\n")] = '\0';
	return *p ? p : NULL;
}

/*
 * A script is looked into, because the kernel's own answer would come at every
 * batch, and is hard to read: ENOENT for a missing interpreter.  What holds a
 * NUL byte is a binary and is left to the kernel; so is what cannot be read.
 */
static int
program_check_script(int dirfd, const char *path, struct sm_err *err)
{
	char head[PROGRAM_HEAD + 1], *interpreter;
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = sm_read_full(fd, head, PROGRAM_HEAD);
	close(fd);
	if (n < 0)
		return 0;
	head[n] = '\0';
	if (strncmp(head, "#!", 2) != 0) {
		if (n > 0 && memchr(head, '\0', (size_t)n))
			return 0;
		return sm_err_set(err, SM_ENOTFOUND,
				  "cannot run '%s': it is a script without "
				  "'#!' line; add one, or name its interpreter "
				  "(sh %s)",
				  path, path);
	}
	interpreter = program_interpreter(head);
	if (interpreter && faccessat(dirfd, interpreter, X_OK, AT_EACCESS) == 0)
		return 0;
	if (interpreter && is_trouble(errno))
		return sm_err_sys_as(err, SM_ENOTFOUND,
				     "cannot look at '%s', the interpreter of "
				     "'%s'",
				     interpreter, path);
	return sm_err_set(err, SM_ENOTFOUND,
			  "cannot run '%s': its interpreter '%s' cannot be "
			  "run (first line '#!%.200s')",
			  path, interpreter ? interpreter : "", head + 2);
}

static int
program_refuse(int sys, const char *name, const char *cwd, struct sm_err *err)
{
	int ret;

	errno = sys;
	ret = sm_err_sys_as(err, SM_ENOTFOUND,
			    "cannot run the command '%s' in '%s'", name, cwd);
	if (sys == EACCES)
		sm_err_append(err, "; is it executable (chmod +x)?");
	return ret;
}

/* Walk PATH; on success `*path` is allocated. */
static int
program_search(char **path, int dirfd, const char *name, const char *cwd,
	       struct sm_err *err)
{
	const char *list = getenv("PATH"), *p, *end;
	struct sm_buf b = { 0 };
	int why, refused = ENOENT;

	for (p = list ? list : PROGRAM_PATH;; p = end + 1) {
		end = p + strcspn(p, ":");
		sm_buf_clear(&b);
		/* An empty entry is the current directory. */
		sm_buf_put(&b, p, (size_t)(end - p));
		if (end == p)
			sm_buf_putc(&b, '.');
		sm_buf_putc(&b, '/');
		sm_buf_puts(&b, name);
		if (sm_buf_failed(&b))
			break;
		why = program_probe(dirfd, b.data);
		if (why == 0) {
			*path = sm_buf_steal(&b);
			return 0;
		}
		/* Whether it is here is not known: not the next one, then. */
		if (is_trouble(why)) {
			sm_buf_release(&b);
			return program_refuse(why, name, cwd, err);
		}
		if (why == EACCES)
			refused = EACCES;
		if (!*end)
			break;
	}
	if (sm_buf_failed(&b)) {
		sm_buf_release(&b);
		return sm_err_mem(err, "the command's path");
	}
	sm_buf_release(&b);
	if (refused == EACCES)
		return program_refuse(EACCES, name, cwd, err);
	sm_err_set(err, SM_ENOTFOUND, "command '%s' not found in PATH", name);
	if (program_probe(dirfd, name) == 0)
		sm_err_append(err, "; the one in '%s' is called './%s'", cwd,
			      name);
	return SM_ENOTFOUND;
}

int
sm_program_find(char **path, const char *name, const char *cwd,
		struct sm_err *err)
{
	char *found = NULL;
	int dirfd, why, ret = 0;

	dirfd = open(cwd, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return sm_err_sys_as(err, SM_ENOTFOUND,
				     "cannot enter the command's directory "
				     "'%s'",
				     cwd);
	if (!strchr(name, '/')) {
		ret = program_search(&found, dirfd, name, cwd, err);
	} else {
		why = program_probe(dirfd, name);
		if (why)
			ret = program_refuse(why, name, cwd, err);
		else
			found = strdup(name);
		if (!why && !found)
			ret = sm_err_mem(err, "the command's path");
	}
	if (ret == 0)
		ret = program_check_script(dirfd, found, err);
	close(dirfd);
	if (ret < 0) {
		free(found);
		return ret;
	}
	*path = found;
	return 0;
}
