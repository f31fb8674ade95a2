/*
 * Why a file cannot be made or opened, and what helps.
 *
 * It is apart from err.c because it looks at the file system: at the owner and
 * the mode of a file that is another person's, and at the number of free
 * inodes, since ENOSPC does not say which of the two is used up.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "libc.h"

#include "errfile.h"

#define NAME_OF_MAX 64

/* The directory's path from /proc; without that, what the caller has. */
static void
errfile_path(char path[PATH_MAX], int dirfd, const char *name)
{
	char link[32];
	ssize_t n = -1;

	if (dirfd != AT_FDCWD && name[0] != '/') {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd);
		n = readlink(link, path, PATH_MAX / 2);
	}
	if (n < 0)
		snprintf(path, PATH_MAX, "%s", name);
	else if (strcmp(name, ".") == 0)
		path[n] = '\0';
	else
		snprintf(path + n, (size_t)(PATH_MAX - n), "/%s", name);
}

static void
errfile_user(char name[NAME_OF_MAX], uid_t uid)
{
	struct passwd pw, *found = NULL;
	char buf[4096];

	if (getpwuid_r(uid, &pw, buf, sizeof(buf), &found) == 0 && found)
		snprintf(name, NAME_OF_MAX, "%s", pw.pw_name);
	else
		snprintf(name, NAME_OF_MAX, "user %u", (unsigned)uid);
}

static void
errfile_group(char name[NAME_OF_MAX], gid_t gid)
{
	struct group gr, *found = NULL;
	char buf[4096];

	if (getgrgid_r(gid, &gr, buf, sizeof(buf), &found) == 0 && found)
		snprintf(name, NAME_OF_MAX, "%s", gr.gr_name);
	else
		snprintf(name, NAME_OF_MAX, "%u", (unsigned)gid);
}

void
sm_err_add_owner(struct sm_err *err, int dirfd, const char *name)
{
	char path[PATH_MAX], user[NAME_OF_MAX], group[NAME_OF_MAX], *slash;
	const char *which = "it";
	struct stat st;

	errfile_path(path, dirfd, name);
	/* What is not there was to be made in its directory. */
	if (lstat(path, &st) < 0) {
		which = "its directory";
		slash = strrchr(path, '/');
		if (slash)
			*slash = '\0';
		else
			strcpy(path, ".");
		if (stat(path[0] ? path : "/", &st) < 0)
			return;
	}
	errfile_user(user, st.st_uid);
	errfile_group(group, st.st_gid);
	sm_err_append(err, "; %s belongs to %s, group %s, mode %03o", which,
		      user, group, (unsigned)st.st_mode & 07777);
	if (st.st_uid == geteuid()) {
		sm_err_append(err, ": 'chmod -R u+rwX' makes it yours again");
		return;
	}
	sm_err_append(err,
		      ": to share it, %s runs 'chmod -R g+rwX' on the job and "
		      "its final file, and all of the group work under "
		      "'umask 002'",
		      user);
	if (st.st_gid != getegid() && !sm_in_group(st.st_gid))
		sm_err_append(err, "; you are not in group %s ('newgrp %s')",
			      group, group);
}

const char *
sm_err_advice_in(int sys, int dirfd)
{
	struct statvfs fs;

	/* A file system without a fixed number of inodes says 0 of 0. */
	if (sys == ENOSPC && dirfd != AT_FDCWD && fstatvfs(dirfd, &fs) == 0 &&
	    fs.f_files > 0 && fs.f_favail == 0)
		return "; the file system has space, but no inode is free "
		       "('df -i'): remove files there, or use fewer and larger "
		       "batches, then run the same command again";
	return sm_err_advice(sys);
}

int
sm_err_file(struct sm_err *err, int dirfd, const char *name, const char *what)
{
	int sys = errno, class = sm_err_class_of(sys);
	const char *next = sm_err_advice_in(sys, dirfd);
	char path[PATH_MAX], reason[256];

	if (!next)
		next = "";
	errfile_path(path, dirfd, name);
	sm_err_set(err, class, "%s '%s': %s%s", what, path,
		   sm_reason(reason, sizeof(reason), sys), next);
	if (!err)
		return class;
	err->sys = sys;
	if (sys == EACCES)
		sm_err_add_owner(err, dirfd, name);
	return class;
}
