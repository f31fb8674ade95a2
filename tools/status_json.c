/*
 * status_json.c - status as JSON
 *
 * Each figure is there once, and its name says its unit where it has one; what
 * follows from others, as a sum or a share, is not there.
 * schema/status.schema.json and status-batch.schema.json describe it all, and a
 * test holds this to them.
 */
#include <stdlib.h>
#include <string.h>

#include "output.h"

#include "status.h"

/* Every json_pack() below takes over its "o" values, and fails on a NULL. */

static json_t *
status_json_pid(int64_t pid)
{
	return pid > 0 ? sm_json_number(pid) : json_null();
}

static json_t *
status_json_time(double unix_seconds)
{
	return unix_seconds > 0 ? json_real(unix_seconds) : json_null();
}

static json_t *
status_json_batch(const struct sm_status_batch *b)
{
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
		"s:b}",
		"id", sm_json_count(b->id), "state", sm_json_text(b->state),
		"attempts", sm_json_number(b->attempts), "error",
		sm_json_text(b->error), "stderr_tail",
		sm_json_text(b->stderr_tail), "elapsed_seconds",
		sm_json_seconds(b->elapsed_s), "pid", status_json_pid(b->pid),
		"worker", sm_json_number(b->slot), "command_pid",
		status_json_pid(b->command), "usual_seconds",
		b->usual_s > 0 ? json_real(b->usual_s) : json_null(),
		"straggler", b->usual_s > 0);
}

static json_t *
status_json_counts(const struct sm_status *s)
{
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:f, s:f, s:o, "
		"s:o}",
		"pending", sm_json_count(s->pending), "running",
		sm_json_count(s->running), "done", sm_json_count(s->done),
		"failed", sm_json_count(s->failed), "rows",
		sm_json_count(s->rows), "records", sm_json_count(s->records),
		"raw_bytes", sm_json_count(s->raw_bytes), "gz_bytes",
		sm_json_count(s->gz_bytes), "joined", sm_json_count(s->joined),
		"rows_per_second", s->rows_per_s, "elapsed_seconds",
		s->elapsed_s, "eta_seconds", sm_json_seconds(s->eta_s),
		"stragglers", sm_json_count(s->stragglers));
}

static json_t *
status_json_parts(const struct sm_status *s)
{
	const struct sm_status_part *p;
	json_t *list = json_array();
	size_t i;

	for (i = 0; list && i < s->parts; i++) {
		p = &s->part[i];
		if (json_array_append_new(
			    list,
			    json_pack("{s:s, s:o, s:o, s:o, s:o, s:b, s:o, "
				      "s:o}",
				      "name", p->name, "pending",
				      sm_json_count(p->pending), "running",
				      sm_json_count(p->running), "done",
				      sm_json_count(p->done), "failed",
				      sm_json_count(p->failed), "active",
				      (int)p->active, "workers",
				      sm_json_count(p->workers), "error",
				      sm_json_text(p->error))) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* "3, 7, 9", as the view has it, as a list of numbers. */
static json_t *
status_json_numbers(const char *text)
{
	json_t *list = json_array();
	char *end = NULL;
	json_int_t n;

	for (; list && text && *text; text = end + strspn(end, ", ")) {
		n = strtoll(text, &end, 10);
		if (end == text)
			break;
		if (json_array_append_new(list, json_integer(n)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *
status_json_failures(const struct sm_status *s)
{
	const struct sm_status_failure *x;
	json_t *list = json_array();
	size_t i;

	for (i = 0; list && i < s->failures; i++) {
		x = &s->failure[i];
		if (json_array_append_new(
			    list,
			    json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
				      "s:o}",
				      "reason", sm_json_text(x->reason),
				      "message", sm_json_text(x->message),
				      "stderr_tail",
				      sm_json_text(x->stderr_tail), "examples",
				      status_json_numbers(x->examples), "tries",
				      sm_json_count(x->tries), "batches",
				      sm_json_count(x->batches), "failed",
				      sm_json_count(x->failed), "open",
				      sm_json_count(x->open))) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *
status_json_run(const struct sm_status_run *r)
{
	if (r->id == 0)
		return json_null();
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
		"s:o, s:o}",
		"run", sm_json_number(r->id), "command",
		sm_json_text(r->command), "started_unix_seconds",
		status_json_time(r->started), "ended_unix_seconds",
		status_json_time(r->ended), "host", sm_json_text(r->host),
		"pid", sm_json_number(r->pid), "version",
		sm_json_text(r->version), "why", sm_json_text(r->why),
		"exit_status", sm_json_number(r->exit_status), "signal",
		sm_json_number(r->signal), "done", sm_json_count(r->done),
		"failed", sm_json_count(r->failed));
}

json_t *
sm_status_json(const struct sm_status *s)
{
	json_t *v, *counts = status_json_counts(s), *list = json_array();
	size_t i;
	int bad = !counts || !list;

	for (i = 0; !bad && i < SM_TALLIES; i++)
		bad = json_object_set_new(counts, sm_tally(i)->name,
					  sm_json_count(s->tally[i]));
	for (i = 0; !bad && i < s->batches; i++)
		bad = json_array_append_new(list,
					    status_json_batch(&s->batch[i]));
	v = json_pack("{s:o, s:o, s:o, s:s}", "job", sm_json_text(s->job),
		      "kind", sm_json_text(s->kind), "producer",
		      sm_json_text(s->producer), "fingerprint", s->fingerprint);
	bad = bad || !v || json_object_update(v, counts);
	json_decref(counts);
	bad = bad ||
	      json_object_set_new(v, "active", json_boolean(s->active)) ||
	      json_object_set_new(v, "paused", json_boolean(s->paused)) ||
	      json_object_set_new(v, "stopped", json_boolean(s->stopped)) ||
	      json_object_set_new(v, "workers", sm_json_count(s->workers)) ||
	      json_object_set_new(v, "target_workers",
				  json_integer(s->target_workers)) ||
	      json_object_set_new(v, "final_path",
				  sm_json_text(s->final_path)) ||
	      json_object_set_new(v, "files_dir", sm_json_text(s->files_dir)) ||
	      json_object_set_new(v, "complete", json_boolean(s->complete)) ||
	      json_object_set_new(v, "wal_bytes",
				  sm_json_count(s->wal_bytes)) ||
	      json_object_set(v, "batches", list) ||
	      json_object_set_new(v, "failures", status_json_failures(s)) ||
	      json_object_set_new(v, "last_run", status_json_run(&s->last)) ||
	      (s->part_count > 0 &&
	       (json_object_set_new(v, "part", json_integer(s->part_number)) ||
		json_object_set_new(v, "part_count",
				    sm_json_count(s->part_count)))) ||
	      (s->parts > 0 &&
	       json_object_set_new(v, "parts", status_json_parts(s)));
	json_decref(list);
	if (!bad)
		return v;
	json_decref(v);
	return NULL;
}

static json_t *
status_json_attempt(const struct sm_attempt *a)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
			 "s:o, s:o, s:o, s:o}",
			 "id", sm_json_number(a->id), "try",
			 sm_json_number(a->number), "worker",
			 sm_json_number(a->slot), "pid",
			 status_json_pid(a->pid), "host", sm_json_text(a->host),
			 "command_pid", status_json_pid(a->command),
			 "started_unix_seconds", status_json_time(a->started),
			 "ended_unix_seconds", status_json_time(a->ended),
			 "outcome", sm_json_text(a->outcome), "error_class",
			 sm_json_text(a->error_class), "message",
			 sm_json_text(a->message), "stderr",
			 sm_json_text(a->stderr_text), "exit_status",
			 sm_json_number(a->exit_status), "signal",
			 sm_json_number(a->signal));
}

json_t *
sm_status_batch_json(const struct sm_batch_status *b)
{
	json_t *v, *list = json_array();
	size_t i;
	int bad = !list;

	for (i = 0; !bad && i < b->attempt_count; i++)
		bad = json_array_append_new(
			list, status_json_attempt(&b->attempt[i]));
	v = json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, "
		"s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"id", sm_json_count(b->id), "first", sm_json_number(b->first),
		"end", sm_json_number(b->end), "first_byte",
		sm_json_number(b->first_byte), "end_byte",
		sm_json_number(b->end_byte), "item", sm_json_text(b->item),
		"state", sm_json_text(b->state), "error",
		sm_json_text(b->error), "attempts", (json_int_t)b->attempts,
		"priority", (json_int_t)b->priority, "not_before_unix_seconds",
		status_json_time(b->not_before), "started_unix_seconds",
		status_json_time(b->started), "finished_unix_seconds",
		status_json_time(b->finished), "rows", sm_json_number(b->rows),
		"records", sm_json_number(b->records), "raw_bytes",
		sm_json_number(b->raw_bytes), "gz_bytes",
		sm_json_number(b->gz_bytes));
	bad = bad || !v || json_object_set(v, "attempt", list);
	for (i = 0; !bad && i < SM_TALLIES; i++)
		bad = json_object_set_new(v, sm_tally(i)->name,
					  sm_json_number(b->tally[i]));
	json_decref(list);
	if (!bad)
		return v;
	json_decref(v);
	return NULL;
}
