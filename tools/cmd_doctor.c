/*
 * cmd_doctor.c - doctor: would a job work in this directory?
 *
 * The checks are the library's, by what plan and run do themselves; here they
 * are only shown, each as it comes.
 */
#include <stddef.h>

#include "output.h"

#include "cmd.h"
#include "options.h"

struct doctor_args {
	struct sm_doctor_opts doctor;
	bool quiet;
};

static void
doctor_checked(const struct sm_check *c, void *arg)
{
	static const char *const words[] = { "fine   ", "warning", "bad    " };
	const struct doctor_args *a = arg;

	if (a->quiet && c->health == SM_HEALTH_FINE)
		return;
	printf("%s  %-13s  ", words[c->health], c->name);
	sm_output_line(stdout, "%", c->text, NULL);
	if (c->advice && c->health != SM_HEALTH_FINE)
		sm_output_line(stdout, "                        help: %",
			       c->advice, NULL);
}

static int
doctor_run(struct sm_call *call, struct sm_err *err)
{
	struct doctor_args *a = call->args;
	struct sm_doctor_result r;
	const char *dir = ".";
	int ret;

	if (call->words.count > 0)
		dir = call->words.word[0];
	a->doctor.checked = doctor_checked;
	a->doctor.arg = a;
	ret = sm_doctor(&r, dir, &a->doctor, err);
	if (!a->quiet && r.fine + r.warnings + r.bad > 0)
		printf("%u fine, %u %s, %u bad\n", r.fine, r.warnings,
		       sm_text_plural(r.warnings, "warning", "warnings"),
		       r.bad);
	return ret;
}

static const struct sm_option doctor_options[] = {
	{ "network-fs", .type = SM_OPTION_BOOL,
	  .at = offsetof(struct doctor_args, doctor.network_fs),
	  .help = "for a job that is planned with this option" },
	{ "quiet", 'q', .type = SM_OPTION_BOOL,
	  .at = offsetof(struct doctor_args, quiet),
	  .help = "only what is not fine" },
	{ 0 },
};

const struct sm_cmd cmd_doctor = {
	.name = "doctor",
	.usage = "[DIR] [--network-fs]",
	.summary = "tell whether a job would work in a directory",
	.detail = "DIR is where the job directory would be, or is; \".\" "
		  "without it.\n",
	.more_words = 1,
	.tables = { doctor_options },
	.args_bytes = sizeof(struct doctor_args),
	.run = doctor_run,
};
