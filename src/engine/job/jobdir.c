/*
 * jobdir.c - open and make a job directory
 *
 * Everything in it is opened relative to its descriptor, without following
 * links.  What is in the files is other modules' business.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dir.h"
#include "errfile.h"
#include "file.h"
#include "lock.h"
#include "mount.h"
#include "probe.h"

#include "jobdir.h"

#define TABLES_NEW "tables/new"

/* Of a small file, which a sweep elsewhere may take for a leftover. */
#define WRITE_TRIES 5

/* A specification has a command in it, which Linux limits to less. */
#define SMALL_FILE_MAX (256 << 20) /* spec.json may have 100,000 inputs */

/* SQLite opens no path over 512 bytes; "/job.db-journal" takes the rest. */
#define JOB_PATH_MAX 500

/* 1, 0; <0: the disk fails.  What else is wrong with it is said as it opens. */
static int
is_directory(const char *path, struct sm_err *err)
{
	struct stat st;

	if (stat(path, &st) == 0)
		return S_ISDIR(st.st_mode);
	return errno == EIO || errno == ENOMEM
		       ? sm_err_sys(err, "cannot look at '%s'", path)
		       : 0;
}

/*
 * The directory that `job` means: itself, or job + ".job" where `job` is a
 * final file or nothing yet.  malloc'd; NULL with err set.
 */
static char *
jobdir_resolve(const char *job, struct sm_err *err)
{
	size_t n = strlen(job);
	int bare, suffixed;
	char *path;

	if (n == 0) {
		sm_err_set(err, SM_EUSAGE, "the name of the job is empty");
		return NULL;
	}
	path = sm_path_concat(job, ".job");
	if (!path) {
		sm_err_mem(err, "a path");
		return NULL;
	}
	bare = is_directory(job, err);
	suffixed = bare == 0 ? is_directory(path, err) : 0;
	if (bare < 0 || suffixed < 0) {
		free(path);
		return NULL;
	}
	if (suffixed == 0)
		path[n] = '\0';
	return path;
}

int
sm_jobdir_check_owner(const struct sm_jobdir *dir, struct sm_err *err)
{
	struct stat st;

	if (fstat(dir->fd, &st) < 0)
		return sm_err_sys(err, "cannot examine '%s'", dir->path);
	if (st.st_uid == geteuid())
		return 0;
	return sm_err_set(err, SM_EREFUSED,
			  "'%s' belongs to user %u, and a job can hold a "
			  "command to run; --trust uses it all the same",
			  dir->path, (unsigned)st.st_uid);
}

/* Real path, descriptor, length and owner: what open and create share. */
static int
jobdir_enter(struct sm_jobdir *dir, const char *job, bool trust,
	     struct sm_err *err)
{
	*dir = (struct sm_jobdir)SM_JOBDIR_NONE;
	dir->path = realpath(job, NULL);
	if (!dir->path)
		return sm_err_sys_as(err, SM_EINPUT,
				     "cannot open the job '%s', or '%s.job'",
				     job, job);
	if (strlen(dir->path) > JOB_PATH_MAX)
		return sm_err_set(err, SM_EINPUT,
				  "the path of the job is %zu bytes long, and "
				  "the limit is %d; use a shorter one",
				  strlen(dir->path), JOB_PATH_MAX);
	dir->fd = open(dir->path, SM_JOBDIR_FLAGS);
	if (dir->fd < 0 && errno == ENOTDIR)
		return sm_err_set(err, SM_EINPUT,
				  "'%s' is a file, and there is no job "
				  "'%s.job' beside it",
				  job, job);
	if (dir->fd < 0)
		return sm_err_sys_as(err, SM_EINPUT, "cannot open job '%s'",
				     job);
	return trust ? 0 : sm_jobdir_check_owner(dir, err);
}

/* Open the directory that must have the file `mark` in it. */
static int
jobdir_open_marked(struct sm_jobdir *dir, const char *job, bool trust,
		   const char *mark, const char *advice, struct sm_err *err)
{
	char *path = jobdir_resolve(job, err);
	bool has;
	int ret;

	*dir = (struct sm_jobdir)SM_JOBDIR_NONE;
	if (!path)
		return err->code;
	ret = jobdir_enter(dir, path, trust, err);
	if (ret == 0)
		ret = sm_jobdir_has(&has, dir, mark, err);
	if (ret == 0 && !has)
		ret = sm_err_set(err, SM_EINPUT,
				 "there is no job in '%s': it has no %s; %s",
				 dir->path, mark, advice);
	if (ret == 0) {
		dir->shards_fd = openat(dir->fd, "shards", SM_JOBDIR_FLAGS);
		if (dir->shards_fd < 0)
			ret = sm_err_file(err, dir->fd, "shards",
					  "cannot open");
	}
	free(path);
	if (ret < 0)
		sm_jobdir_close(dir);
	return ret;
}

int
sm_jobdir_open(struct sm_jobdir *dir, const char *job, bool trust,
	       struct sm_err *err)
{
	return jobdir_open_marked(dir, job, trust, "job.db",
				  "if it has a spec.json, 'shardmill recover' "
				  "rebuilds the database from the shards",
				  err);
}

int
sm_jobdir_open_lost(struct sm_jobdir *dir, const char *job, bool trust,
		    struct sm_err *err)
{
	return jobdir_open_marked(dir, job, trust, "spec.json",
				  "nothing says what its shards are of", err);
}

int
sm_jobdir_open_whole(struct sm_jobdir *dir, const char *job, bool trust,
		     struct sm_err *err)
{
	char *path = jobdir_resolve(job, err);
	int ret;

	*dir = (struct sm_jobdir)SM_JOBDIR_NONE;
	if (!path)
		return err->code;
	ret = jobdir_enter(dir, path, trust, err);
	free(path);
	if (ret < 0)
		sm_jobdir_close(dir);
	return ret;
}

int
sm_jobdir_refuse_network(const struct sm_jobdir *dir, struct sm_err *err)
{
	struct sm_mount m;

	sm_mount_of(&m, dir->fd);
	if (!m.is_network)
		return 0;
	sm_err_set(err, SM_EREFUSED,
		   "'%s' lies on a network file system (%s), where another "
		   "host may not see our locks",
		   dir->path, m.type);
	if (m.note)
		sm_err_append(err, ", and %s", m.note);
	return sm_err_append(err, "; put the job on a local disk, or plan it, "
				  "a job that is there once more, with "
				  "--network-fs, and use it from one host at a "
				  "time");
}

int
sm_jobdir_probe(const struct sm_jobdir *dir, struct sm_err *err)
{
	char why[SM_PROBE_WHY];
	struct sm_mount m;
	int ret;

	sm_mount_of(&m, dir->fd);
	if (!m.is_remote)
		return 0;
	ret = sm_probe(why, dir->fd, SM_PROBE_JOB, err);
	if (ret < 0)
		return sm_err_prefix(err, "%s", dir->path);
	if (ret > 0)
		return 0;
	sm_err_set(err, SM_EREFUSED,
		   "'%s' lies on a file system (%s) that cannot have a job: %s",
		   dir->path, m.type, why);
	if (m.note)
		sm_err_append(err, " (of %s: %s)", m.type, m.note);
	return sm_err_append(err, "; put the job on a local disk");
}

void
sm_jobdir_notice_mount(const struct sm_jobdir *dir, const struct sm_events *ev)
{
	struct sm_mount m;

	sm_mount_of(&m, dir->fd);
	if (m.is_fuse)
		sm_event_notice(ev,
				"'%s' lies on %s: locks and shared memory work "
				"within this mount, and no other mount or host "
				"sees them; use the job by this path alone",
				dir->path, m.type);
}

static int
jobdir_mkdir(int *fd, int dirfd, const char *name, struct sm_err *err)
{
	if (mkdirat(dirfd, name, 0777) < 0 && errno != EEXIST)
		return sm_err_file(err, dirfd, name, "cannot make");
	if (!fd)
		return 0;
	*fd = openat(dirfd, name, SM_JOBDIR_FLAGS);
	if (*fd < 0)
		return sm_err_file(err, dirfd, name, "cannot open");
	return 0;
}

/* A path that leads nowhere is the user's to mend, what else fails is not. */
static int
jobdir_cannot_make(const char *path, struct sm_err *err)
{
	static const char what[] = "cannot make the job directory";

	if (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG)
		return sm_err_sys_as(err, SM_EINPUT, "%s '%s'", what, path);
	return sm_err_file(err, AT_FDCWD, path, what);
}

int
sm_jobdir_create(struct sm_jobdir *dir, const char *job, bool trust,
		 bool network_fs, bool *made, struct sm_err *err)
{
	char *path = jobdir_resolve(job, err);
	int ret = 0;

	*dir = (struct sm_jobdir)SM_JOBDIR_NONE;
	*made = false;
	if (!path)
		return err->code;
	if (mkdir(path, 0777) == 0)
		*made = true;
	else if (errno != EEXIST)
		ret = jobdir_cannot_make(path, err);
	if (ret == 0)
		ret = jobdir_enter(dir, path, trust, err);
	if (ret == 0 && !network_fs)
		ret = sm_jobdir_refuse_network(dir, err);
	if (ret == 0)
		ret = sm_jobdir_probe(dir, err);
	if (ret == 0)
		ret = jobdir_mkdir(NULL, dir->fd, "tables", err);
	if (ret == 0)
		ret = jobdir_mkdir(&dir->shards_fd, dir->fd, "shards", err);
	if (ret < 0) {
		sm_jobdir_close(dir);
		if (*made)
			rmdir(path);
	}
	free(path);
	return ret;
}

void
sm_jobdir_close(struct sm_jobdir *dir)
{
	if (dir->fd >= 0)
		close(dir->fd);
	if (dir->shards_fd >= 0)
		close(dir->shards_fd);
	free(dir->path);
	*dir = (struct sm_jobdir)SM_JOBDIR_NONE;
}

void
sm_jobdir_tables_path(char name[32], uint64_t fingerprint)
{
	snprintf(name, 32, "tables/%016llx", (unsigned long long)fingerprint);
}

int
sm_jobdir_tables(int *fd, const struct sm_jobdir *dir, uint64_t fingerprint,
		 struct sm_err *err)
{
	char name[32], shared[48];

	sm_jobdir_tables_path(name, fingerprint);
	*fd = openat(dir->fd, name, SM_JOBDIR_FLAGS);
	/* A part has those of the job that it is a part of. */
	if (*fd < 0 && errno == ENOENT) {
		snprintf(shared, sizeof(shared), "../%s", name);
		*fd = openat(dir->fd, shared, SM_JOBDIR_FLAGS);
	}
	if (*fd < 0)
		return sm_err_sys_as(err, SM_EDAMAGED,
				     "cannot open the compiled tables '%s/%s' "
				     "(plan again with --restart)",
				     dir->path, name);
	return 0;
}

int
sm_jobdir_tables_new(int *fd, const struct sm_jobdir *dir, struct sm_err *err)
{
	int ret = jobdir_mkdir(NULL, dir->fd, "tables", err);

	if (ret < 0)
		return ret;
	if (sm_dir_remove(dir->fd, TABLES_NEW) < 0)
		return sm_err_sys(err, "cannot remove '%s/" TABLES_NEW "'",
				  dir->path);
	return jobdir_mkdir(fd, dir->fd, TABLES_NEW, err);
}

int
sm_jobdir_tables_kept(int *fd, const struct sm_jobdir *dir, struct sm_err *err)
{
	*fd = openat(dir->fd, TABLES_NEW, SM_JOBDIR_FLAGS);
	if (*fd < 0 && errno == ENOENT)
		*fd = openat(dir->fd, "../" TABLES_NEW, SM_JOBDIR_FLAGS);
	if (*fd < 0)
		return sm_err_sys(err, "cannot open '%s/" TABLES_NEW "'",
				  dir->path);
	return 0;
}

/*
 * Every file of tables/new into `name`.  A plan that is killed in between is
 * planned anew, and removes both.
 */
static int
tables_move(int to, int from, const struct sm_jobdir *dir, const char *name,
	    struct sm_err *err)
{
	const char *file;
	struct sm_dir d;
	int more = 0, ret = 0;

	sm_dir_open(&d, from, ".");
	while (ret == 0 && (more = sm_dir_next(&file, &d)) > 0)
		if (renameat(from, file, to, file) < 0)
			ret = sm_err_sys(err,
					 "cannot rename '%s/" TABLES_NEW "/%s'",
					 dir->path, file);
	if (ret == 0 && more < 0)
		ret = sm_err_sys(err, "cannot list '%s/" TABLES_NEW "'",
				 dir->path);
	sm_dir_close(&d);
	if (ret == 0 && sm_sync_dir(to) < 0)
		ret = sm_err_sys(err, "cannot sync '%s/%s'", dir->path, name);
	return ret;
}

/*
 * File systems that another program keeps may lose a file whose directory was
 * renamed while it was still to be written (rclone with a cache), though not
 * one that was renamed itself.
 */
static int
tables_rename(const struct sm_jobdir *dir, const char *name, struct sm_err *err)
{
	struct sm_mount m;
	int from = -1, to = -1, ret;

	sm_mount_of(&m, dir->fd);
	if (!m.is_remote) {
		if (renameat(dir->fd, TABLES_NEW, dir->fd, name) == 0)
			return 0;
		return sm_err_sys(err, "cannot rename '%s/" TABLES_NEW "'",
				  dir->path);
	}
	ret = jobdir_mkdir(&to, dir->fd, name, err);
	if (ret == 0)
		ret = sm_jobdir_tables_kept(&from, dir, err);
	if (ret == 0)
		ret = tables_move(to, from, dir, name, err);
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	if (ret == 0 && sm_dir_remove(dir->fd, TABLES_NEW) < 0)
		ret = sm_err_sys(err, "cannot remove '%s/" TABLES_NEW "'",
				 dir->path);
	return ret;
}

int
sm_jobdir_tables_name(const struct sm_jobdir *dir, uint64_t fingerprint,
		      struct sm_err *err)
{
	char name[32];
	int fd, ret = 0;

	sm_jobdir_tables_path(name, fingerprint);
	/* What is there is of a plan that was killed, or the same. */
	if (sm_dir_remove(dir->fd, name) < 0)
		return sm_err_sys(err, "cannot remove '%s/%s'", dir->path,
				  name);
	ret = tables_rename(dir, name, err);
	if (ret < 0)
		return ret;
	fd = openat(dir->fd, "tables", SM_JOBDIR_FLAGS);
	if (fd < 0 || sm_sync_dir(fd) < 0)
		ret = sm_err_sys(err, "cannot sync '%s/tables'", dir->path);
	if (fd >= 0)
		close(fd);
	return ret;
}

int
sm_jobdir_read(char **text, const struct sm_jobdir *dir, const char *name,
	       struct sm_err *err)
{
	struct sm_map map = { 0 };
	int ret = sm_map_openat(&map, dir->fd, name, err);

	*text = NULL;
	if (ret < 0)
		return ret;
	if (map.size > SMALL_FILE_MAX)
		ret = sm_err_set(err, SM_EINPUT,
				 "'%s/%s' has %zu bytes; the limit is %d",
				 dir->path, name, map.size, SMALL_FILE_MAX);
	else
		*text = strndup((const char *)map.data, map.size);
	if (ret == 0 && !*text)
		ret = sm_err_mem(err, name);
	sm_map_close(&map);
	return ret;
}

/* What cannot be read is written again. */
static bool
jobdir_has_text(const struct sm_jobdir *dir, const char *name, const char *text)
{
	struct sm_map map = { 0 };
	struct sm_err ignored;
	bool same;

	if (sm_map_openat(&map, dir->fd, name, &ignored) < 0)
		return false;
	same = map.size == strlen(text) &&
	       memcmp(map.data, text, map.size) == 0;
	sm_map_close(&map);
	return same;
}

/* 1: a sweep of another process came between making it and locking it. */
static int
jobdir_write_once(const struct sm_jobdir *dir, const char *name,
		  const char *text, struct sm_err *err)
{
	char tmp[SM_TMP_MAX];
	int fd, ret = sm_tmp_create(&fd, tmp, dir->fd, name, err);

	if (ret < 0)
		return ret;
	/* Where locks cannot be had, sweeps have to be lucky. */
	(void)sm_byte_lock(fd, 0);
	if (sm_write_all(fd, text, strlen(text)) < 0)
		ret = sm_err_sys(err, "cannot write '%s/%s'", dir->path, tmp);
	else if (fdatasync(fd) < 0)
		ret = sm_err_sys(err, "cannot sync '%s/%s'", dir->path, tmp);
	else if (renameat(dir->fd, tmp, dir->fd, name) < 0)
		ret = errno == ENOENT ? 1
				      : sm_err_sys(err, "cannot rename '%s/%s'",
						   dir->path, tmp);
	if (ret < 0)
		unlinkat(dir->fd, tmp, 0);
	if (close(fd) < 0 && ret == 0)
		ret = sm_err_sys(err, "cannot close '%s/%s'", dir->path, name);
	return ret;
}

int
sm_jobdir_write(const struct sm_jobdir *dir, const char *name, const char *text,
		struct sm_err *err)
{
	int ret = 1, tries;

	/* On a full disk there may be no room for it a second time. */
	if (jobdir_has_text(dir, name, text))
		return 0;
	sm_tmp_sweep(dir->fd, name);
	for (tries = 0; ret > 0 && tries < WRITE_TRIES; tries++)
		ret = jobdir_write_once(dir, name, text, err);
	if (ret > 0)
		ret = sm_err_set(err, SM_EIO,
				 "cannot rename the new '%s/%s': it is gone",
				 dir->path, name);
	return ret;
}

int
sm_jobdir_sync(const struct sm_jobdir *dir, struct sm_err *err)
{
	int parent, ret = 0;

	/* The whole of a job in parts has no shards of its own. */
	if ((dir->shards_fd >= 0 && sm_sync_dir(dir->shards_fd) < 0) ||
	    sm_sync_dir(dir->fd) < 0)
		return sm_err_sys(err, "cannot sync '%s'", dir->path);
	parent = openat(dir->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return errno == EACCES ? 0
				       : sm_err_sys(err,
						    "cannot open the parent "
						    "of '%s'",
						    dir->path);
	if (sm_sync_dir(parent) < 0)
		ret = sm_err_sys(err, "cannot sync the parent of '%s'",
				 dir->path);
	close(parent);
	return ret;
}
