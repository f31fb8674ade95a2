/*
 * status.c - where a job stands; changes nothing
 *
 * It only reads, takes no lock, and works on a job that cannot be written to.
 * How the answer looks, for people or as JSON, is the program's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "history.h"
#include "join.h"
#include "live.h"
#include "lock.h"
#include "runs.h"
#include "tend.h"
#include "worker.h"

#define LISTED_MAX 10

static void
status_release_batch(struct sm_status_batch *b)
{
	free(b->state);
	free(b->error);
	free(b->stderr_tail);
}

static void
status_release_failure(struct sm_status_failure *f)
{
	free(f->reason);
	free(f->message);
	free(f->stderr_tail);
	free(f->examples);
}

static void
status_release_run(struct sm_status_run *r)
{
	free(r->command);
	free(r->host);
	free(r->version);
	free(r->why);
}

void
sm_status_release(struct sm_status *s)
{
	size_t i;

	for (i = 0; i < s->batches; i++)
		status_release_batch(&s->batch[i]);
	free(s->batch);
	for (i = 0; i < s->parts; i++)
		free(s->part[i].error);
	free(s->part);
	for (i = 0; i < s->failures; i++)
		status_release_failure(&s->failure[i]);
	free(s->failure);
	status_release_run(&s->last);
	free(s->job);
	free(s->kind);
	free(s->producer);
	free(s->final_path);
	free(s->files_dir);
	*s = (struct sm_status){ 0 };
}

void
sm_batch_status_release(struct sm_batch_status *s)
{
	struct sm_attempt *a;
	size_t i;

	for (i = 0; i < s->attempt_count; i++) {
		a = &s->attempt[i];
		free(a->host);
		free(a->outcome);
		free(a->error_class);
		free(a->message);
		free(a->stderr_text);
	}
	free(s->attempt);
	free(s->item);
	free(s->state);
	free(s->error);
	*s = (struct sm_batch_status){ 0 };
}

/* Workers whose rows are open and whose byte is locked. */
static int
status_workers(struct sm_status *s, struct sm_handle *h, struct sm_err *err)
{
	struct sm_worker w = { 0 };
	unsigned stopped = 0;
	int ret;

	while ((ret = sm_worker_next(&w, h->db, w.id, err)) > 0) {
		if (!sm_live_is_held(h->dir.fd, w.slot))
			continue;
		s->workers++;
		stopped += sm_live_is_stopped(w.pid, w.pid_start);
	}
	s->stopped = s->workers > 0 && stopped == s->workers;
	return ret;
}

/* What is running, as far as somebody is there to make it. */
static void
status_commands(struct sm_status *s, struct sm_handle *h)
{
	struct sm_status_batch *b;
	size_t i;

	for (i = 0; i < s->batches; i++) {
		b = &s->batch[i];
		if (strcmp(b->state, "running") != 0)
			continue;
		if (s->workers == 0)
			b->usual_s = 0;
		else if (sm_live_is_held(h->dir.fd, (int)b->slot))
			b->command =
				sm_live_look_command(h->dir.fd, (int)b->slot);
	}
}

static void
status_counts(struct sm_status *s, const struct sm_batch_counts *c)
{
	s->total = c->total;
	s->pending = c->pending;
	s->running = c->running;
	s->done = c->done;
	s->failed = c->failed;
	s->percent = c->percent;
	s->rows = c->counts.rows;
	s->records = c->counts.records;
	memcpy(s->tally, c->counts.tally, sizeof(s->tally));
	s->raw_bytes = c->raw_bytes;
	s->gz_bytes = c->gz_bytes;
	s->joined = c->joined;
	s->rows_per_s = c->rows_per_s;
	s->elapsed_s = c->elapsed_s;
	s->eta_s = -1;
	if (s->workers > 0)
		s->stragglers = c->stragglers;
	if ((s->active || s->workers > 0) && !s->stopped)
		s->eta_s = c->eta_s;
	if (s->pending + s->running == 0)
		s->eta_s = 0;
}

/* Nobody holds the lock of a run that has no end: it was killed. */
static int
status_last_run(struct sm_status *s, struct sm_handle *h, struct sm_err *err)
{
	struct sm_status_run *r = &s->last;
	bool found, runs;
	int ret = sm_runs_last(&found, r, h->db, err);

	if (ret < 0 || !found || r->ended > 0)
		return ret;
	runs = strcmp(r->command, "run") == 0 ? s->active : s->workers > 0;
	if (runs)
		return 0;
	r->why = strdup(SM_RUNS_KILLED);
	return r->why ? 0 : sm_err_mem(err, "the status");
}

static int
status_read(struct sm_status *s, struct sm_handle *h, struct sm_err *err)
{
	struct sm_batch_counts c;
	struct sm_join_from from;
	struct stat st;
	int ret;

	s->job = strdup(h->dir.path);
	s->kind = strdup(h->job.kind);
	if (h->kind->producer)
		s->producer = strdup(h->kind->producer(h->spec->opts));
	if (h->job.final_path)
		s->final_path = strdup(h->job.final_path);
	if (h->files.kind.dir)
		s->files_dir = strdup(h->files.kind.dir);
	s->textless = h->files.kind.textless;
	if (!s->job || !s->kind || (h->kind->producer && !s->producer) ||
	    (h->job.final_path && !s->final_path) ||
	    (h->files.kind.dir && !s->files_dir))
		return sm_err_mem(err, "the status");
	snprintf(s->fingerprint, sizeof(s->fingerprint), "%s",
		 h->job.fingerprint);
	s->active = sm_lock_held(h->dir.fd, "run.lock") > 0;
	s->paused = h->job.paused;
	s->part_number = h->job.part;
	s->part_count = h->job.parts;
	s->target_workers = h->job.workers;
	if (fstatat(h->dir.fd, "job.db-wal", &st, 0) == 0)
		s->wal_bytes = (uint64_t)st.st_size;
	ret = status_workers(s, h, err);
	if (ret == 0)
		ret = sm_batch_counts(&c, h->db, err);
	if (ret < 0)
		return ret;
	status_counts(s, &c);
	ret = sm_history_list(s, LISTED_MAX, h->db, err);
	if (ret == 0)
		ret = sm_history_failures(s, LISTED_MAX, h->db, err);
	if (ret == 0)
		ret = status_last_run(s, h, err);
	if (ret < 0)
		return ret;
	status_commands(s, h);
	if (s->done < s->total)
		return 0;
	from = sm_join_from_one(h);
	return sm_published_is_complete(&s->complete, &from, err);
}

int
sm_one_status(struct sm_status *out, const char *job, struct sm_err *err)
{
	struct sm_db_opts db = { .mode = SM_DB_READ };
	struct sm_handle h;
	int ret = sm_handle_open(&h, job, &db, true, err);

	*out = (struct sm_status){ 0 };
	if (ret == 0)
		ret = status_read(out, &h, err);
	sm_handle_close(&h);
	if (ret < 0)
		sm_status_release(out);
	return ret;
}

/* Of an attempt that is not over the worker knows more than its row. */
int
sm_one_batch_status(struct sm_batch_status *out, struct sm_handle *h,
		    uint64_t batch, struct sm_err *err)
{
	struct sm_attempt *a;
	int slot, ret = sm_history_batch(out, h->db, batch, err);
	size_t i;

	for (i = 0; ret == 0 && i < out->attempt_count; i++) {
		a = &out->attempt[i];
		slot = (int)a->slot;
		if (strcmp(a->outcome, "running") != 0 || a->stderr_text ||
		    !sm_live_is_held(h->dir.fd, slot))
			continue;
		a->command = sm_live_look_command(h->dir.fd, slot);
		a->stderr_text = sm_live_look_said(h->dir.fd, slot, a->token);
	}
	return ret;
}
