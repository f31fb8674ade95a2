/*
 * each_run.c - run a whole job in parts on this host, one part after another
 *
 * A part that another host runs is left to it, so that the same command on
 * several hosts shares the parts out.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"
#include "run.h"

/* Shards that rot while they are joined are made again, so often. */
#define JOIN_TRIES 3

struct parts_run {
	struct sm_parts *w;
	const struct sm_run_opts *opts;
	struct sm_run_result *result;
	struct sm_status whole; /* as it was before */
	uint64_t part;          /* the one that runs */
	uint64_t held;          /* parts that others run */
};

/* The part's progress as the whole's: the others stand still meanwhile. */
static void
parts_progress(const struct sm_progress *part, void *arg)
{
	const struct parts_run *r = arg;
	const struct sm_status_part *was = &r->whole.part[r->part];
	struct sm_progress p = *part;
	double left = (double)(part->pending + part->running);

	p.done += r->whole.done - was->done;
	p.total = r->whole.total;
	p.pending += r->whole.pending - was->pending;
	p.running += r->whole.running - was->running;
	p.failed += r->whole.failed - was->failed;
	if (p.eta_s > 0 && left > 0)
		p.eta_s *= (double)(p.pending + p.running) / left;
	r->opts->events.progress(&p, r->opts->events.arg);
}

/* The callbacks share one argument, which is ours here. */
static void
parts_notice(const char *text, void *arg)
{
	const struct parts_run *r = arg;

	r->opts->events.notice(text, r->opts->events.arg);
}

static int
run_part(struct parts_run *r, struct sm_err *err)
{
	struct sm_run_opts opts = *r->opts;
	struct sm_run_result result = { 0 };
	char *path;
	int ret = sm_parts_path(&path, r->w, r->part, err);

	opts.trust = r->w->trust;
	opts.output = NULL;
	opts.events = (struct sm_events){
		.progress = r->opts->events.progress ? parts_progress : NULL,
		.notice = r->opts->events.notice ? parts_notice : NULL,
		.arg = r,
		.stop = r->opts->events.stop,
		.signal = r->opts->events.signal,
	};
	if (ret == 0)
		ret = sm_one_run(&result, path, &opts, err);
	r->result->signals = result.signals;
	/* --fail-fast ended it: the other parts are not begun either. */
	if (ret == SM_EWORK && result.left == 0)
		ret = 0;
	sm_run_result_release(&result);
	free(path);
	if (ret == SM_EHELD) {
		r->held++;
		sm_event_notice(&r->opts->events,
				"part %" PRIu64 " is left out: %s", r->part,
				err->text);
		ret = 0;
	}
	return ret;
}

/* Where all parts stand; the numbers are also what is reported. */
static int
parts_look(struct parts_run *r, struct sm_err *err)
{
	int ret;

	sm_status_release(&r->whole);
	ret = sm_parts_status(&r->whole, r->w, err);
	if (ret < 0)
		return ret;
	r->result->done = r->whole.done;
	r->result->failed = r->whole.failed;
	r->result->left = r->whole.pending + r->whole.running;
	return 0;
}

static int
parts_verdict(struct parts_run *r, struct sm_err *err)
{
	const struct sm_run_result *s = r->result;
	const char *job = r->w->dir.path;
	int ret = parts_look(r, err);

	if (ret < 0 || s->done == r->whole.total)
		return ret;
	if (s->failed > 0)
		return sm_err_set(
			err, SM_EWORK,
			"%" PRIu64 " of %" PRIu64 " batches failed; "
			"'shardmill status %s' names them, 'shardmill "
			"run %s --retry-failed' tries them again",
			s->failed, r->whole.total, job, job);
	return sm_err_set(err, SM_EWORK,
			  "%" PRIu64 " of %" PRIu64 " batches are left%s; "
			  "'shardmill status %s' shows them",
			  s->left, r->whole.total,
			  r->held ? ", in parts that are run elsewhere" : "",
			  job);
}

static int
parts_round(struct parts_run *r, struct sm_err *err)
{
	int ret = parts_look(r, err);

	r->held = 0;
	for (r->part = 0; r->part < r->w->parts && ret == 0; r->part++)
		ret = run_part(r, err);
	if (ret >= 0)
		ret = parts_verdict(r, err);
	return ret;
}

/* What is known of a run that failed. */
static void
parts_tell_known(struct parts_run *r)
{
	const char *path = r->opts->output;
	struct sm_err ignored;

	parts_look(r, &ignored);
	if (!path)
		path = r->w->spec->output;
	if (path)
		r->result->final_path = strdup(path);
}

int
sm_parts_run(struct sm_run_result *result, struct sm_parts *w,
	     const struct sm_run_opts *opts, struct sm_err *err)
{
	struct parts_run r = { .w = w, .opts = opts, .result = result };
	struct sm_finalize_opts fin = { .output = opts->output,
					.events = opts->events };
	struct sm_finalize_result made = { 0 };
	struct sm_err why;
	bool join = opts->output || w->spec->output;
	int ret, tries;

	*result = (struct sm_run_result){ 0 };
	if (opts->follow > 0 || opts->settings.consume > 0)
		return sm_err_set(err, SM_EUSAGE,
				  "'%s' is in parts, which are joined when all "
				  "of them are done: --follow and --consume "
				  "have no place here",
				  w->dir.path);
	for (tries = 1;; tries++) {
		ret = parts_round(&r, err);
		if (ret < 0 || !join)
			break;
		ret = sm_parts_join(&made, w, &fin, &why);
		if (ret < 0)
			*err = why;
		if (ret != SM_EVERIFY || tries == JOIN_TRIES)
			break;
		sm_event_notice(&opts->events, "%s; making it again", why.text);
	}
	if (ret == 0 && join) {
		result->finalized = true;
		result->was_complete = made.was_complete;
		result->final_size = made.size;
		result->final_path = made.path;
		result->job_size = made.job_size;
		made.path = NULL;
	}
	if (ret < 0)
		parts_tell_known(&r);
	sm_finalize_result_release(&made);
	sm_status_release(&r.whole);
	return ret;
}
