/*
 * cmd_report.c - report: a page about a job, while it runs or afterwards
 *
 * A page is written under another name and renamed when it is whole, so that a
 * browser that reloads it never meets half of one.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "output.h"
#include "newfile.h"
#include "report.h"
#include "signals.h"

#include "cmd.h"
#include "options.h"

#define REPORT_EVERY_S 5
/* A page reads every row: it may take a tenth of the time. */
#define REPORT_SHARE 10

struct report_args {
	const char *output;
	bool follow;
};

static double
report_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int
report_failed(struct sm_err *err, const char *what, const char *path)
{
	int sys = errno;

	return sm_output_fail(
		err, sys == ENOSPC || sys == EDQUOT ? SM_ENOSPC : SM_EIO,
		"cannot %s '%s': %s", what, path, strerror(sys));
}

/* The directory that the page is in. */
static int
report_open_dir(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;
	char dir[PATH_MAX] = ".";

	if (n >= sizeof(dir)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (slash)
		snprintf(dir, sizeof(dir), "%.*s/", (int)n, path);
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int
report_write_in(int dir, const char *name, const struct sm_report *r,
		const char *path, unsigned refresh_s, struct sm_err *err)
{
	char tmp[SM_NEWFILE_MAX];
	int fd = sm_newfile_create(tmp, dir, name, 0666);
	bool bad;
	FILE *f;

	if (fd < 0)
		return report_failed(err, "create", path);
	f = fdopen(fd, "w");
	if (!f) {
		close(fd);
		unlinkat(dir, tmp, 0);
		return sm_output_fail(err, SM_ENOMEM, "out of memory");
	}
	sm_report_page(f, r, refresh_s);
	bad = fflush(f) != 0 || ferror(f);
	if (fclose(f) != 0 || bad || renameat(dir, tmp, dir, name) < 0) {
		report_failed(err, "write", path);
		unlinkat(dir, tmp, 0);
		return err->code;
	}
	return 0;
}

/* Not synced: it can be made again at any time. */
static int
report_write(const struct sm_report *r, const char *path, unsigned refresh_s,
	     struct sm_err *err)
{
	const char *name = strrchr(path, '/');
	int dir = report_open_dir(path), ret;

	name = name ? name + 1 : path;
	if (dir < 0)
		return report_failed(err, "create", path);
	ret = report_write_in(dir, name, r, path, refresh_s, err);
	close(dir);
	return ret;
}

/* Would a later page say the same?  As of status --watch. */
static bool
report_is_over(const struct sm_status *s)
{
	return s->complete ||
	       (!s->active && s->workers == 0 && s->pending + s->running == 0);
}

/* Until the job is over or a signal ends it; the last page stays as it is. */
static int
report_follow(const struct report_args *a, const char *job, struct sm_err *err)
{
	struct sm_report r = { 0 };
	bool over = false;
	double begun, wait;
	unsigned refresh;
	int ret = 0;

	while (ret == 0 && !over) {
		begun = report_now();
		ret = sm_report(&r, job, err);
		over = ret == 0 && report_is_over(&r.status);
		refresh = REPORT_EVERY_S;
		if (over || sm_signals_first())
			refresh = 0;
		if (ret == 0)
			ret = report_write(&r, a->output, refresh, err);
		sm_report_release(&r);
		if (over || ret < 0)
			break;
		if (refresh == 0)
			return sm_output_fail(err, SM_ESTOPPED,
					      "stopped; '%s' is the last page",
					      a->output);
		wait = (report_now() - begun) * (REPORT_SHARE - 1);
		if (wait < REPORT_EVERY_S)
			wait = REPORT_EVERY_S;
		for (begun = report_now();
		     report_now() < begun + wait && !sm_signals_first();)
			nanosleep(&(struct timespec){ .tv_nsec = 100000000 },
				  NULL);
	}
	return ret;
}

static int
report_run(struct sm_call *call, struct sm_err *err)
{
	const struct report_args *a = call->args;
	const char *job = call->words.word[0];
	struct sm_report r = { 0 };
	struct stat st;
	int ret;

	if (a->follow && !a->output)
		return sm_output_fail(err, SM_EUSAGE,
				      "--follow writes a file again and again: "
				      "name it with -o FILE.html");
	if (!a->output && isatty(STDOUT_FILENO))
		return sm_output_fail(err, SM_EUSAGE,
				      "a page is not for a terminal: name a "
				      "file with -o FILE.html, or redirect it");
	if (a->output && stat(a->output, &st) == 0 && !S_ISREG(st.st_mode))
		return sm_output_fail(err, SM_EUSAGE,
				      "'%s' is no regular file; for a pipe "
				      "leave out -o",
				      a->output);
	if (a->follow) {
		sm_signals_catch(NULL);
		return report_follow(a, job, err);
	}
	ret = sm_report(&r, job, err);
	if (ret == 0 && a->output)
		ret = report_write(&r, a->output, 0, err);
	else if (ret == 0)
		sm_report_page(stdout, &r, 0);
	sm_report_release(&r);
	return ret;
}

static const struct sm_option report_options[] = {
	{ "output", 'o', .type = SM_OPTION_FILE, .arg = "FILE",
	  .at = offsetof(struct report_args, output),
	  .unset = "standard output, unless that is a terminal",
	  .help = "the page, such as report.html",
	  .more = "It is replaced when the new one is whole." },
	{ "follow", .type = SM_OPTION_BOOL,
	  .at = offsetof(struct report_args, follow),
	  .help = "again every 5 s, until the job is over",
	  .more = "The page reloads itself meanwhile. It takes a tenth of a "
		  "CPU at most: of millions of batches it is made less often. "
		  "INT, TERM and HUP write it a last time." },
	{ 0 },
};

const struct sm_cmd cmd_report = {
	.name = "report",
	.usage = "JOB [-o FILE] [--follow]",
	.summary = "write a page about a job, with pictures; changes nothing",
	.detail = "One HTML file that loads nothing else: progress with each "
		  "run and pause, all\nbatches, failures with their standard "
		  "error, workers, durations, throughput.\n",
	.words = 1,
	.tables = { report_options },
	.args_bytes = sizeof(struct report_args),
	.run = report_run,
};
