/*
 * reach.c - marks in run.lock tell whether locks reach everybody at work
 *
 * It is apart from live.c, which asks who is alive and believes the locks that
 * it finds: here the locks themselves are in doubt.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "errfile.h"
#include "fault.h"
#include "file.h"
#include "lock.h"
#include "mount.h"
#include "proc.h"
#include "rand.h"

#include "reach.h"

#define REACH_FILE    "run.lock"
#define REACH_MAGIC   "SMMARK1\n"
#define REACH_POLL_MS 50
#define REACH_LOOK_MS 1000
/*
 * A mark that is this far behind its process is not the one it writes to.  A
 * reader takes 1 for that: it is not to be kept waiting.
 */
#define REACH_BEHIND 3

#define MARK_BYTES  sizeof(struct sm_reach_mark)
#define MARKS_BYTES (SM_REACH_PLACES * MARK_BYTES)

/* What one mark says of its process. */
enum verdict {
	VERDICT_NONE,    /* no mark, or its lock reaches us */
	VERDICT_STALE,   /* its process is gone, or has let go */
	VERDICT_UNKNOWN, /* only the counter can tell */
	VERDICT_PROVEN   /* it is at work, and its lock does not reach us */
};

/* All marks, as one look finds them. */
struct look {
	struct sm_reach *r;
	struct sm_reach_mark mark[SM_REACH_PLACES];
	struct sm_reach_mark
		theirs[SM_REACH_PLACES]; /* as a process has them */
	struct stat st;                  /* of the file in which they are */
	bool here_only;                  /* of this host and pid namespace */
	/* Those that stood still for long before ours was written, or none. */
	struct sm_reach_suspect still[SM_REACH_PLACES];
	struct sm_reach_mark *culprit;
	char path[256]; /* its run.lock, where that can be said */
};

static off_t
reach_at(int place)
{
	return SM_REACH_AT + (off_t)place * (off_t)MARK_BYTES;
}

/* The first 16 hexadecimal digits of "8b2c34d5-…"; 0: there is no /proc. */
static uint64_t
reach_boot(void)
{
	char text[64], hex[17];
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = -1, i;
	size_t k = 0;

	if (fd < 0)
		return 0;
	n = sm_read_full(fd, text, sizeof(text) - 1);
	close(fd);
	for (i = 0; i < n && k < sizeof(hex) - 1; i++)
		if (text[i] != '-')
			hex[k++] = text[i];
	hex[k] = '\0';
	return strtoull(hex, NULL, 16);
}

static void
reach_say_who(struct sm_reach_mark *m)
{
	struct sm_proc p;
	struct stat st;

	*m = (struct sm_reach_mark){ .pid = getpid(), .boot = reach_boot() };
	memcpy(m->magic, REACH_MAGIC, sizeof(m->magic));
	if (stat("/proc/self/ns/pid", &st) == 0)
		m->space = st.st_ino;
	if (sm_proc_get(&p, getpid()))
		m->start = p.start;
}

/* ---------------------------------------------------------- one process -- */

static bool
mark_is(const struct sm_reach_mark *m)
{
	return memcmp(m->magic, REACH_MAGIC, sizeof(m->magic)) == 0 && m->id;
}

static bool
mark_is_near(const struct sm_reach_mark *m, const struct sm_reach_mark *mine)
{
	return mine->boot != 0 && mine->space != 0 && m->boot == mine->boot &&
	       m->space == mine->space;
}

/* Where /proc hides the processes of others, kill() still tells. */
static bool
mark_is_alive(bool *stopped, const struct sm_reach_mark *m)
{
	struct sm_proc p;

	*stopped = false;
	if (!sm_proc_get(&p, m->pid))
		return kill((pid_t)m->pid, 0) < 0 && errno == EPERM;
	*stopped = p.state == 'T' || p.state == 't';
	return p.start == m->start && p.state != 'Z' && p.state != 'X';
}

/*
 * The marks as the process sees them whose descriptor it is: opening a file
 * through /proc/PID/fd goes by the mount that the process has it from.
 */
static bool
view_read(struct sm_reach_mark *theirs, struct stat *st, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t n = -1;

	if (fd < 0)
		return false;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		n = sm_pread_full(fd, theirs, MARKS_BYTES, SM_REACH_AT);
	close(fd);
	if (n >= 0 && (size_t)n < MARKS_BYTES)
		memset((char *)theirs + n, 0, MARKS_BYTES - (size_t)n);
	return n >= 0;
}

/* The counter as it is here by now: it went on while theirs was read. */
static uint64_t
look_for_beats(const struct look *l, int place)
{
	int fd = openat(l->r->dir->fd, REACH_FILE,
			O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct sm_reach_mark now = { .beats = 0 };

	if (fd < 0)
		return 0;
	if (sm_pread_full(fd, &now, sizeof(now), (uint64_t)reach_at(place)) !=
		    (ssize_t)sizeof(now) ||
	    now.id != l->mark[place].id)
		now.beats = 0;
	close(fd);
	return now.beats;
}

/*
 * A change of a file gives it a time that no copy of it can have; file systems
 * that have no fractions of seconds are left out.
 */
static bool
view_is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_ctim.tv_nsec != 0 &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec;
}

/* One descriptor of the process that made the mark at `place`. */
static enum verdict
view_judge(struct look *l, int place, const char *path)
{
	const struct sm_reach *r = l->r;
	const struct sm_reach_mark *m = &l->mark[place], *own;
	uint64_t behind;
	struct stat st;

	own = &l->theirs[place];
	if (!view_read(l->theirs, &st, path) || own->id != m->id)
		return VERDICT_NONE;
	/*
	 * Of one file system: our own file, and its process would hold the byte
	 * that we find free, or the one that ours is a copy of.
	 */
	if (st.st_dev == l->st.st_dev)
		return VERDICT_STALE;
	if (view_is_same_file(&st, &l->st))
		return VERDICT_PROVEN;
	if (r->marked && l->theirs[r->place].id == r->mine.id)
		return VERDICT_PROVEN;
	behind = l->here_only ? 1 : REACH_BEHIND;
	if (own->beats >= m->beats + behind &&
	    own->beats >= look_for_beats(l, place) + behind)
		return VERDICT_STALE;
	return VERDICT_UNKNOWN;
}

static bool
view_is_named(char *target, size_t size, const char *path)
{
	size_t name = strlen("/" REACH_FILE);
	ssize_t n = readlink(path, target, size - 1);

	if (n < (ssize_t)name)
		return false;
	target[n] = '\0';
	return strcmp(target + n - name, "/" REACH_FILE) == 0;
}

/* Look through the descriptors of the process for its run.lock. */
static enum verdict
process_judge(struct look *l, int place)
{
	const struct sm_reach_mark *m = &l->mark[place];
	enum verdict v = VERDICT_NONE;
	char name[64], target[sizeof(l->path)];
	const char *entry;
	struct sm_dir d;
	int more;

	snprintf(name, sizeof(name), "/proc/%" PRId64 "/fd", m->pid);
	sm_dir_open(&d, AT_FDCWD, name);
	while ((more = sm_dir_next(&entry, &d)) > 0 && v == VERDICT_NONE) {
		snprintf(name, sizeof(name), "/proc/%" PRId64 "/fd/%.20s",
			 m->pid, entry);
		if (!view_is_named(target, sizeof(target), name))
			continue;
		v = view_judge(l, place, name);
		if (v != VERDICT_NONE)
			memcpy(l->path, target, sizeof(target));
	}
	if (more < 0 && v == VERDICT_NONE && errno != ENOENT && errno != ESRCH)
		v = VERDICT_UNKNOWN; /* another user's */
	sm_dir_close(&d);
	/* All were seen, and none has its mark: it has let go. */
	return v == VERDICT_NONE ? VERDICT_STALE : v;
}

/* ------------------------------------------------------------- one mark -- */

static enum verdict
mark_count(struct sm_reach *r, const struct sm_reach_mark *m)
{
	struct sm_reach_suspect *s;
	unsigned i;

	for (i = 0; i < SM_REACH_SUSPECTS; i++) {
		s = &r->suspect[i];
		if (s->id == m->id)
			return s->beats == m->beats ? VERDICT_UNKNOWN
						    : VERDICT_PROVEN;
	}
	s = &r->suspect[r->suspects++ % SM_REACH_SUSPECTS];
	*s = (struct sm_reach_suspect){ .id = m->id, .beats = m->beats };
	return VERDICT_UNKNOWN;
}

static enum verdict
mark_judge(struct look *l, int place, int fd)
{
	struct sm_reach *r = l->r;
	const struct sm_reach_mark *m = &l->mark[place];
	enum verdict v = VERDICT_UNKNOWN;
	bool stopped;

	if (!mark_is(m) || m->id == r->mine.id)
		return VERDICT_NONE;
	/* One that is still looking will find us, and go. */
	if (r->mine.at_work && !m->at_work)
		return VERDICT_NONE;
	/* Where locks cannot be asked for, their absence says nothing. */
	if (sm_byte_held(fd, (uint64_t)reach_at(place)) != 0)
		return VERDICT_NONE;
	if (mark_is_near(m, &r->mine)) {
		if (!mark_is_alive(&stopped, m))
			return VERDICT_STALE;
		v = process_judge(l, place);
		/* Its counter says nothing, and no reader waits for that. */
		if (v == VERDICT_UNKNOWN && stopped && l->here_only)
			return VERDICT_STALE;
	} else if (l->here_only) {
		return VERDICT_NONE;
	}
	if (v != VERDICT_UNKNOWN)
		return v;
	if (l->still[place].id == m->id && l->still[place].beats == m->beats)
		return VERDICT_STALE;
	return mark_count(r, m);
}

/* ------------------------------------------------------------- all marks -- */

/*
 * By a new open file: a mount may keep what it has read for as long as one is
 * open.  False: there is nothing to read.
 */
static bool
look_read(struct look *l, int *fd)
{
	const struct sm_jobdir *dir = l->r->dir;
	ssize_t n = -1;

	*fd = openat(dir->fd, REACH_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd < 0)
		return false;
	if (fstat(*fd, &l->st) == 0)
		n = sm_pread_full(*fd, l->mark, MARKS_BYTES, SM_REACH_AT);
	if (n < 0)
		return false;
	memset((char *)l->mark + n, 0, MARKS_BYTES - (size_t)n);
	return true;
}

/* The worst of them; 1, or 0: the file cannot be read, *worst is untouched. */
static int
look_at_all(enum verdict *worst, struct look *l)
{
	enum verdict v;
	int i, fd, seen = 0;

	if (look_read(l, &fd)) {
		seen = 1;
		*worst = VERDICT_NONE;
		for (i = 0; i < SM_REACH_PLACES; i++) {
			v = mark_judge(l, i, fd);
			if (v == VERDICT_PROVEN)
				l->culprit = &l->mark[i];
			if (v > *worst)
				*worst = v;
		}
	}
	if (fd >= 0)
		close(fd);
	return seen;
}

static int
look_refuse(const struct look *l, struct sm_err *err)
{
	const struct sm_jobdir *dir = l->r->dir;
	struct sm_mount mount;
	int ret;

	sm_mount_of(&mount, dir->fd);
	ret = sm_err_set(err, SM_EREFUSED,
			 "the job '%s' is at work through another mount, whose "
			 "locks do not reach this one (%s): process %" PRId64,
			 dir->path, mount.type, l->culprit->pid);
	if (l->path[0])
		sm_err_append(err, ", by '%.*s'",
			      (int)(strlen(l->path) - strlen("/" REACH_FILE)),
			      l->path);
	sm_err_append(err, "; two of them would damage job.db: use the job by "
			   "that path, or end that process first");
	return ret;
}

/* Until nobody is in doubt any more, or for as long as the patience lasts. */
static int
look_until_sure(struct look *l, uint64_t patience_ms, struct sm_err *err)
{
	uint64_t begun = sm_clock_ms();
	enum verdict worst = VERDICT_NONE;

	for (;;) {
		if (!look_at_all(&worst, l))
			return 0;
		if (worst == VERDICT_PROVEN)
			return look_refuse(l, err);
		if (worst != VERDICT_UNKNOWN ||
		    sm_clock_ms() - begun >= patience_ms)
			return 0;
		sm_clock_sleep_ms(REACH_POLL_MS);
	}
}

/* ------------------------------------------------------------ own mark -- */

/* What cannot be written for lack of room or leave is no reason to refuse. */
static bool
reach_may_lack(int sys)
{
	return sys == ENOSPC || sys == EDQUOT || sys == EROFS ||
	       sys == EACCES || sys == EPERM || sys == EFBIG;
}

static int
reach_write(struct sm_reach *r)
{
	struct sm_reach_mark m = r->mine;

	m.beats = __atomic_load_n(&r->mine.beats, __ATOMIC_RELAXED);
	return sm_pwrite_all(r->fd, &m, sizeof(m),
			     (uint64_t)reach_at(r->place));
}

/* Marks that were judged without effect are those of the dead. */
static void
reach_clean(struct sm_reach *r, const struct look *l)
{
	static const struct sm_reach_mark none;
	struct sm_reach_mark now;
	uint64_t at;
	int i;

	for (i = 0; i < SM_REACH_PLACES; i++) {
		at = (uint64_t)reach_at(i);
		if (i == r->place || !mark_is(&l->mark[i]) ||
		    sm_byte_lock(r->fd, at) <= 0)
			continue;
		if (sm_pread_full(r->fd, &now, sizeof(now), at) ==
			    (ssize_t)sizeof(now) &&
		    now.id == l->mark[i].id)
			(void)sm_pwrite_all(r->fd, &none, sizeof(none), at);
		sm_byte_unlock(r->fd, at);
	}
}

/*
 * From a random place on, so that two mounts, neither of which sees the locks
 * of the other, do not take the same one.
 */
static int
reach_take_place(struct sm_reach *r, const struct look *l, struct sm_err *err)
{
	uint64_t from = r->mine.id % SM_REACH_PLACES;
	int i, place, ret;

	for (i = 0; i < SM_REACH_PLACES; i++) {
		place = (int)((from + (uint64_t)i) % SM_REACH_PLACES);
		if (mark_is(&l->mark[place]))
			continue;
		ret = sm_byte_lock(r->fd, (uint64_t)reach_at(place));
		if (ret < 0) {
			errno = -ret;
			return sm_err_file(err, r->dir->fd, REACH_FILE,
					   "cannot lock");
		}
		if (ret > 0) {
			r->place = place;
			return 1;
		}
	}
	return 0; /* as many as that are at work: we go unmarked */
}

/*
 * The file gets its whole size at once, without blocks: a size that another
 * mount remembers must not hide what is written later.
 */
static int
reach_make(struct sm_reach *r, const struct look *l, struct sm_err *err)
{
	off_t size = reach_at(SM_REACH_PLACES);
	struct sm_mount mount;
	struct stat st;
	int ret = reach_take_place(r, l, err);

	if (ret <= 0)
		return ret;
	if (fstat(r->fd, &st) == 0 && st.st_size < size)
		(void)!ftruncate(r->fd, size);
	sm_mount_of(&mount, r->fd);
	if (reach_write(r) < 0 || (mount.is_remote && fdatasync(r->fd) < 0)) {
		if (reach_may_lack(errno))
			return 0;
		return sm_err_file(err, r->dir->fd, REACH_FILE, "cannot write");
	}
	r->marked = true;
	return 0;
}

/*
 * Both times are of the file system's own clock: ours may be another one, or
 * have been set since.  Mounts that may keep what they know of a file, and
 * those of several hosts, are asked for counters.
 */
static void
reach_note_still(struct look *l)
{
	const struct sm_reach_mark *m = l->mark;
	struct sm_mount mount;
	struct stat st;
	int i;

	sm_mount_of(&mount, l->r->fd);
	if (!*mount.type || mount.is_remote || fstat(l->r->fd, &st) < 0 ||
	    st.st_mtim.tv_sec - l->st.st_mtim.tv_sec <=
		    SM_REACH_STILL_MS / 1000)
		return;
	for (i = 0; i < SM_REACH_PLACES; i++, m++)
		l->still[i] = (struct sm_reach_suspect){ m->id, m->beats };
}

static int
reach_mark(struct sm_reach *r, struct look *l, struct sm_err *err)
{
	bool seen;
	int64_t id;
	int fd, ret = sm_rand_token(&id, err);

	if (ret < 0)
		return ret;
	r->mine.id = (uint64_t)id;
	r->fd = openat(r->dir->fd, REACH_FILE,
		       O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (r->fd < 0 && reach_may_lack(errno))
		return 0;
	if (r->fd < 0)
		return sm_err_file(err, r->dir->fd, REACH_FILE,
				   "cannot open the lock");
	seen = look_read(l, &fd);
	if (!seen)
		memset(l->mark, 0, sizeof(l->mark));
	if (fd >= 0)
		close(fd);
	ret = reach_make(r, l, err);
	if (seen && r->marked)
		reach_note_still(l);
	if (!r->marked) {
		close(r->fd);
		r->fd = -1;
	}
	return ret;
}

int
sm_reach_enter(struct sm_reach *r, const struct sm_jobdir *dir,
	       struct sm_err *err)
{
	struct look l = { .r = r };
	int ret;

	*r = (struct sm_reach){ .dir = dir, .fd = -1, .place = -1 };
	reach_say_who(&r->mine);
	ret = reach_mark(r, &l, err);
	sm_fault("reach.marked");
	if (ret == 0)
		ret = look_until_sure(&l, SM_REACH_PATIENCE_MS, err);
	if (ret == 0 && r->marked) {
		reach_clean(r, &l);
		r->mine.at_work = 1;
		if (reach_write(r) < 0)
			ret = sm_err_file(err, dir->fd, REACH_FILE,
					  "cannot write");
	}
	if (ret < 0)
		sm_reach_leave(r);
	return ret;
}

/* The mark goes before the lock: a mark without its lock is a suspect. */
void
sm_reach_leave(struct sm_reach *r)
{
	static const struct sm_reach_mark none;

	if (r->marked) {
		(void)sm_pwrite_all(r->fd, &none, sizeof(none),
				    (uint64_t)reach_at(r->place));
		close(r->fd);
	}
	*r = (struct sm_reach){ .fd = -1 };
}

void
sm_reach_beat(struct sm_reach *r)
{
	uint64_t n;

	if (!r || !r->marked)
		return;
	n = __atomic_add_fetch(&r->mine.beats, 1, __ATOMIC_RELAXED);
	(void)sm_pwrite_all(r->fd, &n, sizeof(n),
			    (uint64_t)reach_at(r->place) +
				    offsetof(struct sm_reach_mark, beats));
}

/* Another mount's cache may have written an older page over our mark. */
static void
reach_renew(struct sm_reach *r, const struct look *l)
{
	if (r->marked && l->mark[r->place].id != r->mine.id)
		(void)reach_write(r);
}

int
sm_reach_look(struct sm_reach *r, struct sm_err *err)
{
	struct look l = { .r = r };
	enum verdict worst = VERDICT_NONE;

	if (!r->dir || sm_clock_ms() - r->looked_ms < REACH_LOOK_MS)
		return 0;
	r->looked_ms = sm_clock_ms();
	if (!look_at_all(&worst, &l))
		return 0;
	if (worst == VERDICT_PROVEN) {
		r->lost = true;
		return look_refuse(&l, err);
	}
	reach_renew(r, &l);
	return 0;
}

int
sm_reach_check(const struct sm_jobdir *dir, struct sm_err *err)
{
	struct sm_reach nobody = { .dir = dir, .fd = -1, .place = -1 };
	struct look l = { .r = &nobody, .here_only = true };

	reach_say_who(&nobody.mine);
	/* Those that are still looking write nothing yet. */
	nobody.mine.at_work = 1;
	return look_until_sure(&l, SM_REACH_PATIENCE_MS, err);
}
