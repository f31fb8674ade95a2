/*
 * cmd_status.c - status: show where a job stands
 *
 * Once, or again and again on one screen, or as JSON. What it shows is in
 * status_text.c and status_json.c.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "list.h"
#include "output.h"
#include "status.h"
#include "watch.h"

#include "cmd.h"
#include "options.h"

#define STATUS_WATCH_S 2

struct status_args {
	uint64_t batch;
	bool has_batch;
	bool watch;
	bool json;
	bool metrics;
};

static int
status_of_batch(const struct status_args *a, const char *job,
		struct sm_err *err)
{
	struct sm_batch_status b = { 0 };
	int ret;

	ret = sm_status_of_batch(&b, job, a->batch, err);
	if (ret == 0 && a->json)
		ret = sm_output_json(sm_status_batch_json(&b), a->watch, err);
	else if (ret == 0)
		sm_status_show_batch(&b, job);
	sm_batch_status_release(&b);
	return ret;
}

/* `over`: a later look would show the same. */
static int
status_of_job(const struct status_args *a, const char *job, bool *over,
	      struct sm_err *err)
{
	struct sm_status s = { 0 };
	int ret;

	ret = sm_status(&s, job, err);
	/* A directory of jobs, which is none itself, or lacks what one has. */
	if ((ret == SM_EINPUT || (ret < 0 && err->sys == ENOENT)) &&
	    !a->watch && !a->metrics) {
		*over = true;
		return sm_list_instead(job, a->json, err);
	}
	if (ret == 0 && a->json)
		ret = sm_output_json(sm_status_json(&s), a->watch, err);
	else if (ret == 0 && a->metrics)
		sm_status_metrics(&s);
	else if (ret == 0)
		sm_status_show(&s, job);
	*over = s.complete ||
		(!s.active && s.workers == 0 && s.pending + s.running == 0);
	sm_status_release(&s);
	return ret;
}

static int
status_run(struct sm_call *call, struct sm_err *err)
{
	const struct status_args *a = call->args;
	const char *job = call->words.word[0];
	bool over = false, redraw;
	int ret;

	if (a->metrics && (a->watch || a->json || a->has_batch))
		return sm_output_fail(
			err, SM_EUSAGE,
			"--openmetrics is of the whole job, once: "
			"not with --json, --watch or --batch");
	redraw = a->watch && !a->json && sm_watch_can();
	if (redraw && !a->has_batch) {
		ret = sm_watch(&over, job, err);
		/* How it ended stays on the terminal. */
		if (ret == 0 && over)
			ret = status_of_job(a, job, &over, err);
		return ret;
	}
	for (;;) {
		if (redraw)
			fputs("\033[H\033[2J", stdout);
		ret = a->has_batch ? status_of_batch(a, job, err)
				   : status_of_job(a, job, &over, err);
		if (ret < 0 || !a->watch || over)
			return ret;
		if (!redraw && !a->json)
			putchar('\n');
		ret = sm_output_finish(err);
		if (ret < 0)
			return ret;
		sleep(STATUS_WATCH_S);
	}
}

static const struct sm_option status_options[] = {
	{ "batch", .type = SM_OPTION_UINT, .arg = "N",
	  .at = offsetof(struct status_args, batch),
	  .given_at = offsetof(struct status_args, has_batch),
	  .help = "one batch and each of its attempts" },
	{ "watch", .type = SM_OPTION_BOOL,
	  .at = offsetof(struct status_args, watch),
	  .help = "again every 2 s, until the job is over" },
	{ "json", .type = SM_OPTION_BOOL,
	  .at = offsetof(struct status_args, json),
	  .help = "for programs; with --watch one line each time",
	  .more = "See STATUS IN JSON." },
	{ "openmetrics", .type = SM_OPTION_BOOL,
	  .at = offsetof(struct status_args, metrics),
	  .help = "for the textfile collector of Prometheus",
	  .more = "The figures of --json as gauges, shardmill_NAME, with the "
		  "job's path as a label. Write them to a file of another "
		  "name, and rename it to *.prom in the collector's "
		  "directory." },
	{ 0 },
};

const struct sm_cmd cmd_status = {
	.name = "status",
	.usage = "JOB [--batch N] [--watch] [--json | --openmetrics]",
	.summary = "show where a job stands; changes nothing",
	.words = 1,
	.tables = { status_options },
	.args_bytes = sizeof(struct status_args),
	.run = status_run,
};
