/*
 * doctor_host.c - the host and the limits of this process: would a run work?
 *
 * Apart from doctor.c, which tries a directory: here nothing is tried, but
 * read and compared with what a run of the usual number of workers takes.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "clock.h"
#include "cpus.h"
#include "memory.h"

#include "doctor.h"
#include "tend.h"

/*
 * What a supervisor has open beside its workers, and for each of them its end
 * of the control socket, its pidfd, and of a worker itself less than the first.
 */
#define DOCTOR_FILES_BASE   32
#define DOCTOR_FILES_WORKER 4
/* Supervisor with three threads; worker with two, its command, and a helper. */
#define DOCTOR_TASKS_BASE   8
#define DOCTOR_TASKS_WORKER 4
/* Tables are mapped; what a worker has of its own is far less. */
#define DOCTOR_WORKER_BYTES (UINT64_C(32) << 20)
#define DOCTOR_SPACE_BYTES  (UINT64_C(4) << 30)
/* 2025-01-01: this program is younger. */
#define DOCTOR_CLOCK_MIN 1735689600.0

static void
doctor_cpus(struct sm_doctor *d, int workers, bool quota)
{
	if (quota)
		sm_doctor_fine(d, "CPUs",
			       "%d worker%s without -j: the CPU quota of this "
			       "control group allows no more",
			       workers, workers == 1 ? "" : "s");
	else
		sm_doctor_fine(d, "CPUs",
			       "%d worker%s without -j: the CPUs that this "
			       "process may use; no quota is below that",
			       workers, workers == 1 ? "" : "s");
}

static void
doctor_memory(struct sm_doctor *d, const char *proc, int workers)
{
	uint64_t limit = sm_memory_limit(proc), all = UINT64_MAX, least;
	const char *of = "this machine";
	struct sysinfo info;

	if (sysinfo(&info) == 0)
		all = (uint64_t)info.totalram * info.mem_unit;
	least = all;
	if (limit < all) {
		least = limit;
		of = "this control group";
	}
	if (least == UINT64_MAX)
		sm_doctor_warn(d, "memory", "look at 'free -h'",
			       "nobody says how much there is");
	else if (least / (uint64_t)workers < DOCTOR_WORKER_BYTES)
		sm_doctor_warn(d, "memory",
			       "use fewer workers (-j), or raise the limit; "
			       "what is killed for want of memory is tried "
			       "again with fewer at once",
			       "%" PRIu64 " MB of %s for %d workers",
			       least / 1000000, of, workers);
	else
		sm_doctor_fine(d, "memory", "%.1f GB of %s%s",
			       (double)least / 1e9, of,
			       sm_memory_oom_kills(proc) < 0
				       ? "; nobody counts what is killed for "
					 "want of it"
				       : "");
}

/*
 * The soft limit that getrlimit() `got` into `l`; UINT64_MAX: none.  Its first
 * parameter, with a type of its own in the GNU C library, is an int in others.
 */
static uint64_t
doctor_limit(int got, const struct rlimit *l)
{
	if (got < 0 || l->rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	return l->rlim_cur;
}

static void
doctor_files(struct sm_doctor *d, int workers)
{
	struct rlimit l;
	uint64_t have = doctor_limit(getrlimit(RLIMIT_NOFILE, &l), &l);
	uint64_t may = have;
	uint64_t need =
		DOCTOR_FILES_BASE + DOCTOR_FILES_WORKER * (uint64_t)workers;

	if (have == UINT64_MAX) {
		sm_doctor_fine(d, "open files", "no limit");
		return;
	}
	if (may > SM_WORKERS_MAX * DOCTOR_FILES_WORKER + DOCTOR_FILES_BASE)
		may = SM_WORKERS_MAX * DOCTOR_FILES_WORKER + DOCTOR_FILES_BASE;
	if (have < need)
		sm_doctor_warn(d, "open files",
			       "raise the limit ('ulimit -n 1024'), or use "
			       "fewer workers (-j)",
			       "%" PRIu64 " are allowed, and %d workers may "
			       "need %" PRIu64,
			       have, workers, need);
	else
		sm_doctor_fine(
			d, "open files",
			"%" PRIu64 " are allowed: enough for -j %" PRIu64, have,
			(may - DOCTOR_FILES_BASE) / DOCTOR_FILES_WORKER);
}

/* What the control groups allow beside what they have; UINT64_MAX: no limit. */
static uint64_t
doctor_group_tasks(const char *proc, bool v2)
{
	char text[SM_CGROUP_TEXT_MAX];
	uint64_t least = UINT64_MAX, max, now;
	struct sm_cgroup g;

	if (!sm_cgroup_find(&g, proc, "pids", v2))
		return UINT64_MAX;
	do {
		if (!sm_cgroup_read(text, &g, "pids.max") ||
		    sscanf(text, "%" SCNu64, &max) != 1 ||
		    !sm_cgroup_read(text, &g, "pids.current") ||
		    sscanf(text, "%" SCNu64, &now) != 1)
			continue;
		if (now > max)
			now = max;
		if (max - now < least)
			least = max - now;
	} while (sm_cgroup_up(&g));
	return least;
}

static void
doctor_tasks(struct sm_doctor *d, const char *proc, int workers)
{
	static const char advice[] =
		"raise the limit ('ulimit -u', pids.max of the control "
		"group), or use fewer workers (-j)";
	uint64_t group = doctor_group_tasks(proc, true);
	uint64_t one = doctor_group_tasks(proc, false);
	struct rlimit l;
	uint64_t user = doctor_limit(getrlimit(RLIMIT_NPROC, &l), &l);
	uint64_t need =
		DOCTOR_TASKS_BASE + DOCTOR_TASKS_WORKER * (uint64_t)workers;

	if (one < group)
		group = one;
	if (group < need)
		sm_doctor_warn(d, "processes", advice,
			       "the control group allows %" PRIu64
			       " more, and %d workers may need %" PRIu64,
			       group, workers, need);
	/* The user's others count as well; root has no limit. */
	else if (user < need && geteuid() != 0)
		sm_doctor_warn(d, "processes", advice,
			       "this user may have %" PRIu64
			       ", and %d workers may need %" PRIu64,
			       user, workers, need);
	else
		sm_doctor_fine(d, "processes",
			       "no limit is below the %" PRIu64
			       " that %d workers may need",
			       need, workers);
}

static void
doctor_sizes(struct sm_doctor *d)
{
	struct rlimit l;
	uint64_t size = doctor_limit(getrlimit(RLIMIT_FSIZE, &l), &l);
	uint64_t map = doctor_limit(getrlimit(RLIMIT_AS, &l), &l);
	uint64_t cpu = doctor_limit(getrlimit(RLIMIT_CPU, &l), &l);

	if (size != UINT64_MAX)
		sm_doctor_warn(d, "file size", "'ulimit -f unlimited'",
			       "files end at %" PRIu64
			       " bytes: a shard, a log or a final file that "
			       "would be larger ends the run",
			       size);
	else
		sm_doctor_fine(d, "file size", "no limit");
	if (sizeof(void *) < 8)
		sm_doctor_fine(d, "address space",
			       "32 bits: arrays that do not fit are read by "
			       "blocks, which is slower");
	else if (map < DOCTOR_SPACE_BYTES)
		sm_doctor_warn(d, "address space", "'ulimit -v unlimited'",
			       "%" PRIu64
			       " bytes: inputs are mapped, and those that do "
			       "not fit are read by blocks or refused",
			       map);
	else
		sm_doctor_fine(d, "address space", "enough to map inputs");
	if (cpu != UINT64_MAX)
		sm_doctor_warn(d, "CPU time", "'ulimit -t unlimited'",
			       "a worker that has used %" PRIu64
			       " s is killed, and its batch tried again",
			       cpu);
	else
		sm_doctor_fine(d, "CPU time", "no limit");
}

static void
doctor_system(struct sm_doctor *d, const char *proc)
{
	struct sm_err why = { 0 };
	char name[SM_CGROUP_LINE_MAX];
	int fd;

	snprintf(name, sizeof(name), "%s/stat", proc);
	if (access(name, R_OK) < 0) {
		sm_err_sys(&why, "cannot read '%s', by which workers are known",
			   name);
		sm_doctor_bad(d, "/proc", "mount -t proc proc /proc", &why);
	} else {
		sm_doctor_fine(d, "/proc", "it is mounted");
	}
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		sm_err_sys(&why, "cannot open '/dev/null', the standard input "
				 "of commands");
		sm_doctor_bad(d, "/dev/null", "mknod -m 666 /dev/null c 1 3",
			      &why);
		return;
	}
	close(fd);
	sm_doctor_fine(d, "/dev/null", "it can be opened");
}

static void
doctor_clock(struct sm_doctor *d)
{
	struct timex t = { .modes = 0 };
	double now = sm_clock_wall();
	time_t seconds = (time_t)now;
	char date[32] = "?";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
	if (now < DOCTOR_CLOCK_MIN)
		sm_doctor_warn(d, "clock", "set it, as by NTP",
			       "it is wrong, %s UTC: so will be the times of "
			       "all runs and batches; leases do not depend on "
			       "it",
			       date);
	else if (adjtimex(&t) >= 0 && !(t.status & STA_UNSYNC))
		sm_doctor_fine(d, "clock", "%s UTC, set by NTP", date);
	else
		sm_doctor_fine(d, "clock",
			       "%s UTC; whether NTP sets it is not known here; "
			       "leases do not depend on it",
			       date);
}

/* The one known fault that a run could meet, and whose it is to avoid. */
static bool
doctor_resets_log(int number)
{
	if (number >= 3051003)
		return false;
	/* Its repair was taken back to these. */
	return !(number >= 3050007 && number < 3051000) &&
	       !(number >= 3044006 && number < 3045000);
}

static void
doctor_sqlite(struct sm_doctor *d)
{
	struct sm_err why = { 0 };
	struct sm_db_sqlite s;

	sm_db_sqlite(&s);
	if (s.number < 3037000)
		sm_err_set(&why, SM_EREFUSED,
			   "SQLite %s is loaded: it has no strict tables",
			   s.version);
	else if (!s.threads)
		sm_err_set(&why, SM_EREFUSED,
			   "SQLite %s was built for one thread "
			   "(SQLITE_THREADSAFE=0), and a run has several",
			   s.version);
	if (why.code) {
		sm_doctor_bad(d, "SQLite", "load SQLite 3.51.3 or newer", &why);
		return;
	}
	if (s.number < 3038000)
		sm_doctor_warn(d, "SQLite",
			       "edit job.db by a newer sqlite3, or name all "
			       "columns",
			       "%s: a batch cannot be added by hand, 'cannot "
			       "store REAL value'; what the program does works",
			       s.version);
	else if (doctor_resets_log(s.number))
		sm_doctor_fine(d, "SQLite",
			       "%s: its fault in resetting the log (mended in "
			       "3.51.3, 3.50.7, 3.44.6) is avoided here; "
			       "checkpoint no living job.db by other programs",
			       s.version);
	else
		sm_doctor_fine(d, "SQLite", "%s: no fault known that matters",
			       s.version);
}

void
sm_doctor_host(struct sm_doctor *d, const char *proc)
{
	bool quota;
	int workers = sm_cpus(&quota, proc);

	doctor_cpus(d, workers, quota);
	doctor_memory(d, proc, workers);
	doctor_files(d, workers);
	doctor_tasks(d, proc, workers);
	doctor_sizes(d);
	doctor_system(d, proc);
	doctor_clock(d);
	doctor_sqlite(d);
}
