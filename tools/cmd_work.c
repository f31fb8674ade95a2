/*
 * cmd_work.c - work: be one worker of a job, for a supervisor or by hand
 *
 * The two differ in who handles signals and in where messages go, which is all
 * that this file decides.
 */
#include <stddef.h>

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
	struct sm_screen screen;
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
	sm_screen_init(&screen, a->quiet);
	a->work.events = sm_screen_events(&screen);
	a->work.events.title = work_title;
	ret = sm_work(job, &a->work, err);
	sm_screen_clear(&screen);
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
