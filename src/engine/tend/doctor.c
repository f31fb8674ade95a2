/*
 * doctor.c - would a job work in this directory?
 *
 * It is tried by the functions that plan, run and work call, in a directory
 * of its own, so that nothing is found fine here and refused there.  What
 * does not depend on the directory is in doctor_host.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/quota.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "dir.h"
#include "file.h"
#include "lock.h"

#include "doctor.h"
#include "live.h"
#include "tend.h"

/* Below this much a job of a usual size fills the disk. */
#define DOCTOR_SPACE_BYTES (UINT64_C(1) << 30)
#define DOCTOR_FILES       10000
/* A file's time may be that of the kernel's last tick. */
#define DOCTOR_CLOCK_S 2.0

struct doctor_dir {
	struct sm_doctor *d;
	const char *path;
	char *scratch; /* made inside of it */
	struct sm_jobdir job;
};

static void
doctor_tell(struct sm_doctor *d, struct sm_check *c)
{
	unsigned *count[] = { &d->result->fine, &d->result->warnings,
			      &d->result->bad };

	++*count[c->health];
	char said[SM_SAID_MAX];

	if (c->advice)
		c->advice = sm_err_said(said, c->advice);
	if (d->opts->checked)
		d->opts->checked(c, d->opts->arg);
}

void
sm_doctor_fine(struct sm_doctor *d, const char *name, const char *fmt, ...)
{
	struct sm_check c = { .name = name, .health = SM_HEALTH_FINE };
	char text[SM_ERR_TEXT], said[SM_SAID_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), sm_err_said(said, fmt), ap);
	va_end(ap);
	c.text = text;
	doctor_tell(d, &c);
}

void
sm_doctor_warn(struct sm_doctor *d, const char *name, const char *advice,
	       const char *fmt, ...)
{
	struct sm_check c = { .name = name,
			      .health = SM_HEALTH_WARNING,
			      .advice = advice };
	char text[SM_ERR_TEXT], said[SM_SAID_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), sm_err_said(said, fmt), ap);
	va_end(ap);
	c.text = text;
	doctor_tell(d, &c);
}

void
sm_doctor_bad(struct sm_doctor *d, const char *name, const char *advice,
	      const struct sm_err *why)
{
	struct sm_check c = { .name = name,
			      .health = SM_HEALTH_BAD,
			      .text = why->text,
			      .advice = advice };

	if (d->first.code == 0)
		d->first = *why;
	doctor_tell(d, &c);
}

/* What plan does first, the look at the file system among it. */
static bool
doctor_make(struct doctor_dir *x)
{
	static const char name[] = "file system";
	struct sm_err why = { 0 };
	bool made;
	int ret = 0;

	if (asprintf(&x->scratch, "%s/shardmill-doctor.XXXXXX", x->path) < 0) {
		x->scratch = NULL;
		ret = sm_err_mem(&why, "a path");
	}
	if (ret == 0 && !mkdtemp(x->scratch)) {
		ret = sm_err_sys(&why, "cannot make a directory in '%s'",
				 x->path);
		free(x->scratch);
		x->scratch = NULL;
	}
	if (ret == 0)
		ret = sm_jobdir_create(&x->job, x->scratch, false,
				       x->d->opts->network_fs, &made, &why);
	if (ret < 0)
		sm_doctor_bad(x->d, name,
			      "use a directory on a local disk that this user "
			      "may write to",
			      &why);
	else if (x->d->opts->network_fs)
		sm_doctor_fine(x->d, name,
			       "a job can be made in '%s', with --network-fs",
			       x->path);
	else
		sm_doctor_fine(x->d, name, "a job can be made in '%s'",
			       x->path);
	return ret == 0;
}

/* The lock of a supervisor, and the writers' queue, through two open files. */
static int
doctor_try_locks(struct doctor_dir *x, struct sm_err *why)
{
	static const char not_seen[] =
		"a lock that is held in '%s' is not seen through another open "
		"file: two supervisors would work at once";
	int lock = -1, one = -1, two = -1, ret;

	ret = sm_lock_try(&lock, x->job.fd, "run.lock", why);
	if (ret >= 0 && (ret == 0 || sm_lock_held(x->job.fd, "run.lock") != 1))
		ret = sm_err_set(why, SM_EREFUSED, not_seen, x->path);
	if (ret >= 0)
		ret = sm_queue_open(&one, x->job.fd, "write.lock", why);
	if (ret >= 0)
		ret = sm_queue_open(&two, x->job.fd, "write.lock", why);
	if (ret >= 0 && sm_queue_enter(one) < 0)
		ret = sm_err_sys(why, "cannot lock (flock) a file in '%s'",
				 x->path);
	if (ret >= 0 && sm_queue_try(two) != 0)
		ret = sm_err_set(why, SM_EREFUSED, not_seen, x->path);
	if (lock >= 0)
		close(lock);
	if (one >= 0)
		close(one);
	if (two >= 0)
		close(two);
	return ret < 0 ? ret : 0;
}

static void
doctor_locks(struct doctor_dir *x)
{
	struct sm_err why = { 0 };

	if (doctor_try_locks(x, &why) < 0)
		sm_doctor_bad(x->d, "locks",
			      "use a file system whose locks work, a local one",
			      &why);
	else
		sm_doctor_fine(x->d, "locks",
			       "locks on bytes (OFD) and on files (flock) are "
			       "seen through another open file");
}

/* A worker's slot and heartbeat, seen through another map of the file. */
static int
doctor_try_memory(struct doctor_dir *x, struct sm_err *why)
{
	struct sm_live one = SM_LIVE_NONE, two = SM_LIVE_NONE;
	uint64_t before;
	int ret = sm_live_open(&one, x->job.fd, why);

	if (ret == 0)
		ret = sm_live_open(&two, x->job.fd, why);
	if (ret == 0)
		ret = sm_live_take(&one, NULL, why);
	if (ret == 0) {
		before = sm_live_beats(&two, one.slot);
		sm_live_beat(&one);
		if (!sm_live_held(&two, one.slot) ||
		    sm_live_beats(&two, one.slot) != before + 1)
			ret = sm_err_set(
				why, SM_EREFUSED,
				"what is written to a file that is "
				"mapped in '%s' is not seen in another "
				"map: heartbeats would not be",
				x->path);
	}
	sm_live_close(&two);
	sm_live_close(&one);
	return ret;
}

static void
doctor_memory(struct doctor_dir *x)
{
	struct sm_err why = { 0 };

	if (doctor_try_memory(x, &why) < 0)
		sm_doctor_bad(x->d, "shared memory",
			      "use a file system that maps files shared, a "
			      "local one",
			      &why);
	else
		sm_doctor_fine(x->d, "shared memory",
			       "two maps of one file show the same");
}

/* job.db as plan makes it, and a reader beside its writer. */
static int
doctor_try_database(struct doctor_dir *x, struct sm_err *why)
{
	struct sm_db_opts create = { .mode = SM_DB_CREATE,
				     .network_fs = x->d->opts->network_fs };
	struct sm_db_opts read = { .mode = SM_DB_READ };
	struct sm_db *writer = NULL, *reader = NULL;
	bool has;
	int ret;

	ret = sm_db_open(&writer, x->job.path, x->job.fd, &create, why);
	if (ret == 0 && !x->d->opts->network_fs && !sm_db_has_log(writer))
		ret = sm_err_set(why, SM_EREFUSED,
				 "SQLite cannot keep a log (WAL) in '%s'",
				 x->path);
	if (ret == 0)
		ret = sm_db_begin_write(writer, why);
	if (ret == 0)
		ret = sm_db_commit(writer, why);
	if (ret == 0)
		ret = sm_db_open(&reader, x->job.path, x->job.fd, &read, why);
	if (ret == 0)
		ret = sm_db_has_job(&has, reader, why);
	if (ret == 0)
		ret = sm_db_checkpoint(writer, why);
	sm_db_close(reader);
	sm_db_close(writer);
	return ret;
}

static void
doctor_database(struct doctor_dir *x)
{
	const char *journal = "log (WAL) and its shared memory work";
	struct sm_err why = { 0 };

	if (x->d->opts->network_fs)
		journal = "rollback journal works";
	if (doctor_try_database(x, &why) < 0)
		sm_doctor_bad(x->d, "database",
			      "put the job on a local disk, or plan it with "
			      "--network-fs",
			      &why);
	else
		sm_doctor_fine(x->d, "database",
			       "a job.db is written and read, SQLite's %s",
			       journal);
}

static void
doctor_full(struct sm_doctor *d, const char *name, const char *advice,
	    const char *text)
{
	struct sm_err why = { 0 };

	sm_err_set(&why, SM_ENOSPC, "%s", text);
	sm_doctor_bad(d, name, advice, &why);
}

static void
doctor_space(struct doctor_dir *x)
{
	static const char room[] =
		"delete what is not needed, or put the job and its final file "
		"on a larger disk; with --consume shards and final file need "
		"the space once, not twice";
	static const char fewer[] =
		"delete small files, or cut the job into fewer batches: each "
		"one is a file until the job is joined";
	struct sm_err why = { 0 };
	struct statvfs fs;
	uint64_t bytes;

	if (statvfs(x->path, &fs) < 0) {
		sm_err_sys(&why, "cannot ask for the free space of '%s'",
			   x->path);
		sm_doctor_bad(x->d, "space", NULL, &why);
		return;
	}
	bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (fs.f_blocks == 0)
		sm_doctor_fine(x->d, "space",
			       "the file system does not say how much is free");
	else if (bytes == 0)
		doctor_full(x->d, "space", room, "the disk is full");
	else if (bytes < DOCTOR_SPACE_BYTES)
		sm_doctor_warn(x->d, "space", room, "%" PRIu64 " MB are free",
			       bytes / 1000000);
	else
		sm_doctor_fine(x->d, "space", "%.1f GB are free",
			       (double)bytes / 1e9);
	if (fs.f_files == 0)
		sm_doctor_fine(x->d, "files",
			       "the file system has no limit of files");
	else if (fs.f_favail == 0)
		doctor_full(x->d, "files", fewer,
			    "no file can be made: the "
			    "inodes are used up");
	else if (fs.f_favail < DOCTOR_FILES)
		sm_doctor_warn(x->d, "files", fewer,
			       "%" PRIu64 " more files can be made",
			       (uint64_t)fs.f_favail);
	else
		sm_doctor_fine(x->d, "files", "%" PRIu64 " files can be made",
			       (uint64_t)fs.f_favail);
}

/* False: no quota is kept here, or this kernel cannot be asked. */
static bool
doctor_ask_quota(struct dqblk *q, int fd, int type, unsigned id)
{
#ifdef SYS_quotactl_fd
	/* As QCMD() has it, which shifts a signed number out of its range. */
	unsigned cmd = (unsigned)Q_GETQUOTA << SUBCMDSHIFT | (unsigned)type;

	*q = (struct dqblk){ 0 };
	return syscall(SYS_quotactl_fd, fd, cmd, id, q) == 0;
#else
	(void)q, (void)fd, (void)type, (void)id;
	return false;
#endif
}

/* Space that a quota leaves; UINT64_MAX: no limit. */
static uint64_t
doctor_quota_left(const struct dqblk *q)
{
	uint64_t limit = q->dqb_bhardlimit;

	if (limit == 0 || (q->dqb_bsoftlimit && q->dqb_bsoftlimit < limit))
		limit = q->dqb_bsoftlimit;
	if (limit == 0)
		return UINT64_MAX;
	limit *= 1024;
	if (limit < q->dqb_curspace)
		return 0;
	return limit - q->dqb_curspace;
}

static void
doctor_quota(struct doctor_dir *x)
{
	static const char advice[] =
		"ask for a larger quota, delete what is not needed, or use "
		"another disk";
	static const struct {
		int type;
		const char *whose;
	} kinds[] = { { USRQUOTA, "user" }, { GRPQUOTA, "group" } };
	unsigned id[] = { geteuid(), getegid() };
	uint64_t left = UINT64_MAX, n;
	const char *whose = NULL;
	bool any = false;
	struct dqblk q;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!doctor_ask_quota(&q, x->job.fd, kinds[i].type, id[i]))
			continue;
		any = true;
		n = doctor_quota_left(&q);
		if (n < left) {
			left = n;
			whose = kinds[i].whose;
		}
	}
	if (!any)
		sm_doctor_fine(x->d, "quota", "none is kept here");
	else if (!whose)
		sm_doctor_fine(x->d, "quota", "none limits this user");
	else if (left == 0)
		doctor_full(x->d, "quota", advice, "the quota is used up");
	else if (left < DOCTOR_SPACE_BYTES)
		sm_doctor_warn(x->d, "quota", advice,
			       "the quota of this %s leaves %" PRIu64 " MB",
			       whose, left / 1000000);
	else
		sm_doctor_fine(x->d, "quota",
			       "the quota of this %s leaves %.1f GB", whose,
			       (double)left / 1e9);
}

/* Inputs that change are told by their times. */
static void
doctor_clock(struct doctor_dir *x)
{
	static const char advice[] =
		"set the clock of the host that has the files, as by NTP";
	struct sm_err why = { 0 };
	double now, made;
	struct stat st;
	int fd = openat(x->job.fd, "clock",
			O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int ret = -1;

	now = sm_clock_wall();
	if (fd >= 0 && sm_write_all(fd, "x", 1) == 0)
		ret = fstat(fd, &st);
	if (ret < 0)
		sm_err_sys(&why, "cannot write a file in '%s'", x->path);
	if (fd >= 0)
		close(fd);
	if (ret < 0) {
		sm_doctor_bad(x->d, "file times", NULL, &why);
		return;
	}
	made = (double)st.st_mtim.tv_sec + (double)st.st_mtim.tv_nsec / 1e9;
	if (fabs(now - made) > DOCTOR_CLOCK_S)
		sm_doctor_warn(x->d, "file times", advice,
			       "a new file's time differs from the clock by "
			       "%.0f s",
			       made - now);
	else
		sm_doctor_fine(x->d, "file times",
			       "a new file's time is that of the clock");
}

static void
doctor_directory(struct sm_doctor *d, const char *path)
{
	struct doctor_dir x = { .d = d, .path = path, .job = SM_JOBDIR_NONE };
	struct sm_err why = { 0 };

	if (doctor_make(&x)) {
		doctor_locks(&x);
		doctor_memory(&x);
		doctor_database(&x);
		doctor_quota(&x);
		doctor_clock(&x);
	}
	doctor_space(&x);
	sm_jobdir_close(&x.job);
	if (x.scratch && sm_dir_remove(AT_FDCWD, x.scratch) < 0) {
		sm_err_sys(&why, "cannot remove '%s'", x.scratch);
		sm_doctor_bad(d, "removing", "remove it by hand", &why);
	}
	free(x.scratch);
}

int
sm_doctor(struct sm_doctor_result *result, const char *dir,
	  const struct sm_doctor_opts *opts, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	struct sm_doctor d = { .opts = opts, .result = result };
	char *path;

	*result = (struct sm_doctor_result){ 0 };
	path = realpath(dir, NULL);
	if (!path)
		return sm_err_sys_as(err, SM_EINPUT, "cannot look at '%s'",
				     dir);
	doctor_directory(&d, path);
	sm_doctor_host(&d, "/proc/self");
	free(path);
	if (d.first.code == 0)
		return 0;
	*err = d.first;
	return sm_err_prefix(err, "a job in '%s' would not work", dir);
}
