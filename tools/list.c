/*
 * list.c - show the jobs of a directory
 *
 * It is apart from cmd_ls.c because `status` of a directory shows the same, and
 * from status_text.c because here a job has one line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "colour.h"
#include "output.h"
#include "screen.h"
#include "signals.h"

#include "list.h"

struct list {
	const struct sm_list_shown *how;
	struct sm_screen screen;
	uint64_t shown;
	bool instead; /* of a status: a job that is `dir` itself is not shown */
	bool failed;  /* memory did not suffice for JSON */
};

/* In one word: what an operator would do about it follows from it. */
static const char *
list_state(const struct sm_status *s)
{
	bool living = s->active || s->workers > 0;

	if (s->complete)
		return "complete";
	if (s->stopped)
		return "stopped";
	/* 0 workers are a pause of another name. */
	if ((s->paused || (living && s->target_workers == 0 && !s->parts)) &&
	    s->pending + s->running > 0)
		return "paused";
	if (living)
		return "running";
	if (s->done == s->total)
		return "done";
	if (s->pending + s->running > 0)
		return "idle";
	return "failed";
}

static enum sm_paint
list_paint(const struct sm_status *s, const char *state)
{
	if (s->failed > 0)
		return SM_PAINT_BAD;
	if (s->stragglers > 0 || strcmp(state, "paused") == 0 ||
	    strcmp(state, "stopped") == 0)
		return SM_PAINT_SLOW;
	if (strcmp(state, "running") == 0)
		return SM_PAINT_BOLD;
	return SM_PAINT_NONE;
}

static void
list_heading(struct list *l)
{
	if (l->shown++ > 0)
		return;
	printf("%-9s%15s%8s%12s%8s  %s\n", "STATE", "DONE", "FAILED", "LEFT",
	       "SIZE", "JOB");
}

static void
list_line(struct list *l, const struct sm_listed *j)
{
	const struct sm_status *s = j->status;
	const char *state = list_state(s);
	char done[96], left[64] = "-";

	snprintf(done, sizeof(done), "%s/%s", sm_text_count(s->done).s,
		 sm_text_count(s->total).s);
	if (s->eta_s >= 0 && s->pending + s->running > 0)
		snprintf(left, sizeof(left), "%s",
			 sm_text_duration(s->eta_s).s);
	else if (s->stragglers > 0 && !s->paused && !s->stopped)
		snprintf(left, sizeof(left), "slow %s",
			 sm_text_count(s->stragglers).s);
	list_heading(l);
	sm_colour_begin(stdout, list_paint(s, state));
	printf("%-9s%15s%8s%12s%8s  ", state, done, sm_text_count(s->failed).s,
	       left, sm_text_size(j->bytes).s);
	sm_output_name(stdout, j->path);
	sm_colour_end(stdout);
	putchar('\n');
}

static void
list_unread(struct list *l, const struct sm_listed *j)
{
	list_heading(l);
	sm_colour_begin(stdout, SM_PAINT_SLOW);
	printf("%-9s%15s%8s%12s%8s  ", j->is_job ? "unread" : "unlisted", "-",
	       "-", "-", "-");
	sm_output_name(stdout, j->path);
	sm_colour_end(stdout);
	sm_output_line(stdout, ": %", j->error, NULL);
}

static json_t *
list_json(const struct sm_listed *j)
{
	const struct sm_status *s = j->status;
	json_t *v;

	if (!s)
		return json_pack("{s:o, s:s, s:o, s:o}", "path",
				 sm_json_text(j->path), "state",
				 j->is_job ? "unread" : "unlisted", "owner_uid",
				 sm_json_count(j->owner), "error",
				 sm_json_text(j->error));
	v = json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		      "path", sm_json_text(j->path), "state", list_state(s),
		      "owner_uid", sm_json_count(j->owner), "error",
		      json_null(), "kind", sm_json_text(s->kind), "pending",
		      sm_json_count(s->pending), "running",
		      sm_json_count(s->running), "done", sm_json_count(s->done),
		      "failed", sm_json_count(s->failed), "stragglers",
		      sm_json_count(s->stragglers), "eta_seconds",
		      sm_json_seconds(s->eta_s));
	if (!v || json_object_set_new(v, "active", json_boolean(s->active)) ||
	    json_object_set_new(v, "workers", sm_json_count(s->workers)) ||
	    json_object_set_new(v, "parts", sm_json_count(s->parts)) ||
	    json_object_set_new(v, "final_path", sm_json_text(s->final_path)) ||
	    json_object_set_new(v, "disk_bytes", sm_json_count(j->bytes))) {
		json_decref(v);
		return NULL;
	}
	return v;
}

/* One array, an object a line, written as they are found. */
static void
list_put_json(struct list *l, const struct sm_listed *j)
{
	struct sm_err err = { 0 };

	fputs(l->shown++ == 0 ? "[\n" : ",", stdout);
	if (sm_output_json(list_json(j), true, &err) < 0)
		l->failed = true;
}

static void
list_found(const struct sm_listed *j, void *arg)
{
	struct list *l = arg;

	if (l->instead && (j->self || !j->is_job))
		return;
	sm_screen_clear(&l->screen);
	if (l->how->json)
		list_put_json(l, j);
	else if (j->status)
		list_line(l, j);
	else
		list_unread(l, j);
	fflush(stdout);
}

static int
list_call(struct list *l, struct sm_list_result *r, const char *dir,
	  struct sm_err *err)
{
	struct sm_list_opts opts = { .depth = l->how->depth,
				     .trust = l->how->trust,
				     .found = list_found,
				     .found_arg = l };
	int ret;

	sm_signals_catch(NULL);
	sm_screen_init(&l->screen, l->how->quiet);
	opts.events = sm_screen_events(&l->screen);
	ret = sm_list(r, dir, &opts, err);
	sm_screen_clear(&l->screen);
	if (ret == 0 && l->failed)
		return sm_output_fail(err, SM_ENOMEM, "out of memory for JSON");
	return ret;
}

int
sm_list_show(const char *dir, const struct sm_list_shown *how,
	     struct sm_err *err)
{
	struct list l = { .how = how };
	struct sm_list_result r;
	int ret = list_call(&l, &r, dir, err);

	if (how->json && (ret == 0 || l.shown > 0))
		puts(l.shown == 0 ? "[]" : "]");
	if (ret < 0 || how->json || how->quiet)
		return ret;
	if (r.jobs == 0)
		fputs("there is no job in the directories that were looked "
		      "into\n",
		      stderr);
	if (r.deeper)
		fputs("there are directories further below; --depth looks "
		      "into them\n",
		      stderr);
	return 0;
}

int
sm_list_instead(const char *dir, bool json, struct sm_err *err)
{
	const struct sm_list_shown how = { .json = json };
	struct list l = { .how = &how, .instead = true };
	struct sm_list_result r;
	struct sm_err why = { 0 };
	int ret = list_call(&l, &r, dir, &why);

	if (l.shown == 0)
		return err->code;
	if (json)
		puts("]");
	*err = why;
	return ret;
}
