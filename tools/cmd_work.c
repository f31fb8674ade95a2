#include <stddef.h>

#include "output.h"
#include "screen.h"
#include "signals.h"

#include "cmd.h"

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
		ret = sm_work(job, &a->work, err);
		err->text[0] = '\0';
		return ret;
	}
	sm_signals_catch("shardmill: finishing the batch in hand; once more "
			 "stops at once\n");
	sm_screen_init(&screen, a->quiet);
	a->work.events = sm_screen_events(&screen);
	ret = sm_work(job, &a->work, err);
	sm_screen_clear(&screen);
	if (ret == 0 && !a->quiet)
		work_show(job);
	return ret;
}

static const struct sm_option work_options[] = {
	{ "control-fd", .type = SM_OPTION_INT, .arg = "FD", .min = 3,
	  .max = 1023, .hidden = true,
	  .at = offsetof(struct work_args, work.control_fd),
	  .help = "socket to the supervisor that started this worker" },
	{ "trust", .type = SM_OPTION_BOOL,
	  .at = offsetof(struct work_args, work.trust),
	  .help = "use a job directory that is somebody else's" },
	{ "quiet", 'q', .type = SM_OPTION_BOOL,
	  .at = offsetof(struct work_args, quiet),
	  .help = "no progress and no closing line" },
	{ 0 },
};

static const struct sm_option_group work_groups[] = {
	{ "options", work_options, 0 },
	{ 0 },
};

const struct sm_cmd cmd_work = {
	.name = "work",
	.usage = "JOB [OPTIONS]",
	.summary = "be one more worker of a job, from another terminal",
	.words = 1,
	.groups = work_groups,
	.args_bytes = sizeof(struct work_args),
	.run = work_run,
};
