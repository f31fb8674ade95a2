/*
 * each_status.c - where a job in parts stands: its parts, added up
 *
 * It is apart from each.c because it changes nothing and because its sums are
 * not all sums: time left follows from the speeds of the parts that run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "join.h"
#include "parts.h"
#include "tend.h"

#define LISTED_MAX 10

/* The batches that one part lists, as long as there is room for their state. */
static int
status_take_batches(struct sm_status *out, struct sm_status *p,
		    struct sm_err *err)
{
	struct sm_status_batch *b, *grown;
	size_t i, k, n;

	for (i = 0; i < p->batches; i++) {
		b = &p->batch[i];
		for (k = n = 0; k < out->batches; k++)
			n += strcmp(out->batch[k].state, b->state) == 0;
		if (n >= LISTED_MAX)
			continue;
		grown = realloc(out->batch,
				(out->batches + 1) * sizeof(*grown));
		if (!grown)
			return sm_err_mem(err, "the status");
		out->batch = grown;
		grown[out->batches++] = *b;
		*b = (struct sm_status_batch){ 0 };
	}
	return 0;
}

/* Equal reasons of several parts are one, as long as there is room. */
static int
status_take_failures(struct sm_status *out, struct sm_status *p,
		     struct sm_err *err)
{
	struct sm_status_failure *f, *grown;
	size_t i, k;

	for (i = 0; i < p->failures; i++) {
		f = &p->failure[i];
		for (k = 0; k < out->failures; k++)
			if (strcmp(out->failure[k].reason, f->reason) == 0)
				break;
		if (k < out->failures) {
			out->failure[k].tries += f->tries;
			out->failure[k].batches += f->batches;
			out->failure[k].failed += f->failed;
			out->failure[k].open += f->open;
			continue;
		}
		if (k == LISTED_MAX)
			continue;
		grown = realloc(out->failure, (k + 1) * sizeof(*grown));
		if (!grown)
			return sm_err_mem(err, "the status");
		out->failure = grown;
		grown[out->failures++] = *f;
		*f = (struct sm_status_failure){ 0 };
	}
	return 0;
}

/* The run that began last, of whichever part. */
static void
status_take_run(struct sm_status *out, struct sm_status *p)
{
	struct sm_status_run was = out->last;

	if (p->last.id == 0 || p->last.started < was.started)
		return;
	out->last = p->last;
	p->last = was;
}

static void
status_add(struct sm_status *out, const struct sm_status *p)
{
	unsigned i;

	out->total += p->total;
	out->pending += p->pending;
	out->running += p->running;
	out->done += p->done;
	out->failed += p->failed;
	out->rows += p->rows;
	out->records += p->records;
	for (i = 0; i < SM_TALLIES; i++)
		out->tally[i] += p->tally[i];
	out->raw_bytes += p->raw_bytes;
	out->gz_bytes += p->gz_bytes;
	out->wal_bytes += p->wal_bytes;
	/* Stopped is what has no worker that is not. */
	out->stopped = (out->workers == 0 || out->stopped) &&
		       (p->workers == 0 || p->stopped) &&
		       out->workers + p->workers > 0;
	out->workers += p->workers;
	out->stragglers += p->stragglers;
	out->paused = out->paused || p->paused;
	out->active = out->active || p->active;
	if (p->active) {
		out->target_workers += p->target_workers;
		out->rows_per_s += p->rows_per_s;
		/* The whole takes no less than the slowest part. */
		if (p->eta_s > out->eta_s)
			out->eta_s = p->eta_s;
	}
	if (p->elapsed_s > out->elapsed_s)
		out->elapsed_s = p->elapsed_s;
}

/* Batches per second of the parts that run, for the estimate; 0: unknown. */
static double
status_speed(const struct sm_status *p)
{
	return p->active && p->eta_s > 0
		       ? (double)(p->pending + p->running) / p->eta_s
		       : 0;
}

/* A part that cannot be read counts as not begun, and says why. */
static int
status_part(struct sm_status *out, double *speed, struct sm_parts *w,
	    uint64_t part, struct sm_err *err)
{
	struct sm_status_part *s = &out->part[part];
	struct sm_status p = { 0 };
	struct sm_err why = { 0 };
	uint64_t first, end;
	char *path;
	int ret = sm_parts_path(&path, w, part, &why);

	sm_part_name(s->name, part, w->parts);
	if (ret == 0)
		ret = sm_one_status(&p, path, &why);
	free(path);
	if (ret < 0) {
		sm_spec_part_range(&first, &end, w->spec->batches, part,
				   w->parts);
		p.total = p.pending = end - first;
		s->error = strdup(why.text);
		if (!s->error)
			return sm_err_mem(err, "the status");
	}
	s->total = p.total;
	s->pending = p.pending;
	s->running = p.running;
	s->done = p.done;
	s->failed = p.failed;
	s->active = p.active;
	s->workers = p.workers;
	status_add(out, &p);
	*speed += status_speed(&p);
	ret = status_take_batches(out, &p, err);
	if (ret == 0)
		ret = status_take_failures(out, &p, err);
	status_take_run(out, &p);
	/* The same of all parts. */
	out->textless = p.textless;
	if (!out->producer) {
		out->producer = p.producer;
		p.producer = NULL;
	}
	if (!out->files_dir) {
		out->files_dir = p.files_dir;
		p.files_dir = NULL;
	}
	sm_status_release(&p);
	return ret;
}

static int
status_strings(struct sm_status *out, struct sm_parts *w, struct sm_err *err)
{
	struct sm_published f = { .path = NULL };
	const char *path = w->spec->output;
	int ret = 0;

	if (!path) {
		ret = sm_published_read(&f, &w->dir, err);
		path = f.path;
	}
	if (ret < 0)
		return ret;
	out->job = strdup(w->dir.path);
	out->kind = strdup(w->spec->kind->name);
	if (path)
		out->final_path = strdup(path);
	free(f.path);
	if (!out->job || !out->kind || (path && !out->final_path))
		return sm_err_mem(err, "the status");
	snprintf(out->fingerprint, sizeof(out->fingerprint), "%016llx",
		 (unsigned long long)w->spec->fingerprint);
	return 0;
}

int
sm_parts_status(struct sm_status *out, struct sm_parts *w, struct sm_err *err)
{
	double speed = 0, left;
	size_t i, parts = (size_t)w->parts; /* each is a directory */
	int ret;

	*out = (struct sm_status){ 0 };
	ret = status_strings(out, w, err);
	out->part = calloc(parts, sizeof(*out->part));
	if (ret == 0 && !out->part)
		ret = sm_err_mem(err, "the status");
	for (i = 0; i < parts && ret == 0; i++) {
		out->parts = i + 1;
		ret = status_part(out, &speed, w, i, err);
	}
	if (ret < 0)
		goto out;
	out->percent = out->total
			       ? 100.0 * (double)out->done / (double)out->total
			       : 100;
	left = (double)(out->pending + out->running);
	if (left > 0 && speed <= 0)
		out->eta_s = -1;
	else if (left > 0 && left / speed > out->eta_s)
		out->eta_s = left / speed;
	if (out->done == out->total)
		ret = sm_parts_is_complete(&out->complete, w, err);
out:
	if (ret < 0)
		sm_status_release(out);
	return ret;
}
