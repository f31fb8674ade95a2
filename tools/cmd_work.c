/*
 * cmd_work.c - work: be one worker of a job, for a supervisor or by hand
 *
 * The two differ in who handles signals and in where messages go, which is all
 * that this file decides.  By hand, a thread shows the progress: the worker's
 * own is in its batch, which may take hours, and says nothing meanwhile.
 */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "output.h"
#include "screen.h"
#include "signals.h"
#include "title.h"

#include "cmd.h"
#include "options.h"

struct work_args {
	struct sm_work_opts work;
	bool quiet;
};

static void
work_show(const char *job)
{
	struct sm_status s = { 0 };
	struct sm_err ignored = { 0 };

	if (sm_status(&s, job, &ignored) < 0)
		return;
	sm_output_line(stdout,
		       "%: nothing is left to take; % of % batches "
		       "are done, % running, % failed",
		       job, sm_text_count(s.done).s, sm_text_count(s.total).s,
		       sm_text_count(s.running).s, sm_text_count(s.failed).s,
		       NULL);
	sm_status_release(&s);
}

/* ------------------------------------------------------------ progress -- */

#define WORK_EVERY_S 1.0
/* A look reads every row: it may take so small a share of the time. */
#define WORK_SHARE 20

struct work_shown {
	const char *job;
	struct sm_screen screen;
	pthread_mutex_t mutex; /* of the screen, which two threads write to */
	pthread_cond_t ended;  /* by the monotonic clock */
	bool over;
	pthread_t thread;
	bool started;
};

static double
work_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
work_notice(const char *text, void *arg)
{
	struct work_shown *w = arg;
	struct sm_events ev = sm_screen_events(&w->screen);

	pthread_mutex_lock(&w->mutex);
	ev.notice(text, ev.arg);
	pthread_mutex_unlock(&w->mutex);
}

/* What the worker of this process has in hand, and the longest straggler. */
static void
work_find(struct sm_progress *p, char *doing, size_t size,
	  const struct sm_status *s)
{
	const struct sm_status_batch *b;
	size_t i;

	for (i = 0; i < s->batches; i++) {
		b = &s->batch[i];
		if (strcmp(b->state, "running") != 0)
			continue;
		if (b->pid == getpid())
			snprintf(doing, size, "batch %" PRIu64 " for %s", b->id,
				 sm_text_duration(b->elapsed_s).s);
		if (b->usual_s > 0 && b->elapsed_s > p->straggler_s) {
			p->straggler = b->id;
			p->straggler_s = b->elapsed_s;
			p->usual_s = b->usual_s;
		}
	}
	p->stragglers = p->usual_s > 0 ? s->stragglers : 0;
}

static void
work_look(struct work_shown *w)
{
	struct sm_events ev = sm_screen_events(&w->screen);
	struct sm_status s = { 0 };
	struct sm_progress p = { .phase = "run", .unit = "batches" };
	struct sm_err ignored = { 0 };
	char doing[96] = "";

	/* What is wrong with the job is the worker's to say. */
	if (sm_status(&s, w->job, &ignored) < 0)
		return;
	p.done = s.done;
	p.total = s.total;
	p.pending = s.pending;
	p.running = s.running;
	p.failed = s.failed;
	p.workers = s.workers;
	p.rows_per_s = s.rows_per_s;
	p.eta_s = s.eta_s;
	work_find(&p, doing, sizeof(doing), &s);
	sm_status_release(&s);
	pthread_mutex_lock(&w->mutex);
	w->screen.doing = doing;
	if (!w->over)
		ev.progress(&p, ev.arg);
	w->screen.doing = NULL;
	pthread_mutex_unlock(&w->mutex);
}

static void *
work_watch(void *arg)
{
	struct work_shown *w = arg;
	double began, wait = WORK_EVERY_S, until;
	struct timespec ts;

	pthread_mutex_lock(&w->mutex);
	while (!w->over) {
		until = work_now() + wait;
		ts.tv_sec = (time_t)until;
		ts.tv_nsec = (long)((until - (double)ts.tv_sec) * 1e9);
		while (!w->over && work_now() < until)
			pthread_cond_timedwait(&w->ended, &w->mutex, &ts);
		if (w->over)
			break;
		pthread_mutex_unlock(&w->mutex);
		began = work_now();
		work_look(w);
		wait = WORK_SHARE * (work_now() - began);
		if (wait < WORK_EVERY_S)
			wait = WORK_EVERY_S;
		pthread_mutex_lock(&w->mutex);
	}
	pthread_mutex_unlock(&w->mutex);
	return NULL;
}

/* Without a thread there is no progress, and the work is done all the same. */
static void
work_watch_begin(struct work_shown *w)
{
	pthread_condattr_t attr;
	sigset_t all, old;

	pthread_mutex_init(&w->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->ended, &attr);
	pthread_condattr_destroy(&attr);
	if (w->screen.quiet)
		return;
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	w->started = pthread_create(&w->thread, NULL, work_watch, w) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void
work_watch_end(struct work_shown *w)
{
	pthread_mutex_lock(&w->mutex);
	w->over = true;
	pthread_cond_signal(&w->ended);
	pthread_mutex_unlock(&w->mutex);
	if (w->started)
		pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->ended);
	pthread_mutex_destroy(&w->mutex);
	sm_screen_clear(&w->screen);
}

static void
work_title(const char *text, int worker, void *arg)
{
	(void)arg;
	sm_title_set(text, worker);
}

static int
work_run(struct sm_call *call, struct sm_err *err)
{
	struct work_args *a = call->args;
	const char *job = call->words.word[0];
	struct work_shown shown = { .job = job };
	int ret;

	if (a->work.control_fd > 0) {
		/*
		 * The terminal signals the whole group, and the supervisor
		 * passes on what it means.  Errors travel over the socket.
		 */
		sm_signals_ignore();
		a->work.events.title = work_title;
		ret = sm_work(job, &a->work, err);
		err->text[0] = '\0';
		return ret;
	}
	sm_signals_catch("shardmill: finishing the batch in hand; once more "
			 "stops at once\n");
	sm_screen_init(&shown.screen, a->quiet);
	a->work.events = sm_screen_events(&shown.screen);
	a->work.events.progress = NULL;
	a->work.events.notice = work_notice;
	a->work.events.arg = &shown;
	a->work.events.title = work_title;
	work_watch_begin(&shown);
	ret = sm_work(job, &a->work, err);
	work_watch_end(&shown);
	if (ret == 0 && !a->quiet)
		work_show(job);
	return ret;
}

static const struct sm_option work_options[] = {
	{ "control-fd", .type = SM_OPTION_INT, .arg = "FD", .min = 3,
	  .max = 1023, .flags = SM_OPTION_HIDDEN,
	  .at = offsetof(struct work_args, work.control_fd),
	  .help = "socket to the supervisor that started this worker" },
	SM_OPTION_TRUST(struct work_args, work.trust),
	SM_OPTION_QUIET(struct work_args, quiet),
	{ 0 },
};

const struct sm_cmd cmd_work = {
	.name = "work",
	.usage = "JOB [OPTIONS]",
	.summary = "be one more worker of a job, from another terminal",
	.words = 1,
	.tables = { work_options },
	.args_bytes = sizeof(struct work_args),
	.run = work_run,
};
