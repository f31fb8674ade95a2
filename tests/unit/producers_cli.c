/*
 * producers_cli.c - producers for tests, and a command line around them
 *
 *	producers_cli plan|run|both|list JOB [-p PRODUCER] [-o OUTPUT]
 *		[-j JSON] [-w WORKERS] [-t TRIES] [-P PARTS] [-f] [-a] [-x]
 *		[-n] [NAME=VALUE]…
 *
 * -f puts failed batches back, -a accepts changes, -x extends, -n does not tell
 * the library of the producers.  It is not part of the examples: what it makes
 * go wrong is asked for by the environment, so that it changes no content.
 *
 *	CRASH, EXIT, FAIL, MUTE, IGNORE, BAD, HELD=BATCH, OPENFAIL, CRASHOPEN=1
 *	GATE=FILE: batches from GATE_FROM on wait until FILE is there
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <shardmill.h>

#define OPTIONS_MAX 16

static int64_t
env_number(const char *name)
{
	const char *text = getenv(name);

	return text ? strtoll(text, NULL, 10) : -1;
}

static bool
is_asked(const char *name, const struct sm_task *task)
{
	return env_number(name) == (int64_t)task->batch;
}

/* The number after "name": in the options, else 1. */
static int64_t
option(const char *json, const char *name)
{
	char key[64];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\":", name);
	at = strstr(json, key);
	return at ? strtoll(at + strlen(key), NULL, 10) : 1;
}

struct state {
	int64_t scale;
	unsigned batches;
};

static int
rows_open(void **state, const struct sm_producer_env *env, struct sm_err *err)
{
	struct state *s;

	if (getenv("CRASHOPEN")) {
		signal(SIGSEGV, SIG_DFL);
		raise(SIGSEGV);
	}
	if (getenv("OPENFAIL"))
		return sm_fail(err, SM_EINPUT, "no such table: '%s'",
			       getenv("OPENFAIL"));
	s = calloc(1, sizeof(*s));
	if (!s)
		return sm_fail(err, SM_ENOMEM, "out of memory");
	s->scale = option(env->options, "scale");
	*state = s;
	return 0;
}

static int
wait_for_gate(const struct sm_task *task, const struct sm_out *out,
	      struct sm_err *err)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	const char *gate = getenv("GATE");

	if (!gate || (int64_t)task->batch < env_number("GATE_FROM"))
		return 0;
	while (access(gate, F_OK) < 0) {
		if (sm_out_stopped(out))
			return sm_fail(err, SM_ESTOPPED, "given up");
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* What goes wrong before anything is written, and what is forgotten later. */
static int
go_wrong(const struct sm_task *task, struct sm_out *out, struct sm_err *err)
{
	if (is_asked("CRASH", task)) {
		signal(SIGSEGV, SIG_DFL); /* a sanitizer has its own */
		raise(SIGSEGV);
	}
	if (is_asked("EXIT", task))
		exit(5);
	if (is_asked("FAIL", task))
		return sm_fail(err, SM_EINPUT, "row %" PRId64 " is broken",
			       task->first);
	if (is_asked("BAD", task))
		return sm_fail(err, SM_EOUTPUT, "try %d", task->attempt);
	if (is_asked("HELD", task))
		return sm_fail(err, SM_EHELD, "somebody has it");
	if (is_asked("MUTE", task))
		return -77;
	if (is_asked("IGNORE", task))
		sm_out_record_end(out, NULL); /* it was not begun */
	return wait_for_gate(task, out, err);
}

static int
rows_produce(void *state, const struct sm_task *task, struct sm_out *out,
	     struct sm_err *err)
{
	struct state *s = state;
	char line[64];
	int64_t i;
	int n, ret = go_wrong(task, out, err);

	s->batches++;
	for (i = task->first; i < task->end && ret == 0; i++) {
		n = snprintf(line, sizeof(line), "row %" PRId64 "\n",
			     i * s->scale);
		ret = sm_out_text(out, line, (size_t)n, err);
	}
	return ret;
}

static void
rows_close(void *state)
{
	free(state);
}

/* Every third row is left out; text and records take turns. */
static int
mixed_produce(void *state, const struct sm_task *task, struct sm_out *out,
	      struct sm_err *err)
{
	const struct sm_record_fields fields = { "key", "value", "id", "n" };
	char key[32], number[32];
	const char *json;
	int64_t i;
	int n, ret = sm_out_records(out, &fields, err);
	size_t len;

	(void)state;
	for (i = task->first; i < task->end && ret == 0; i++) {
		n = snprintf(key, sizeof(key), "r\xc3\xb6w %" PRId64, i);
		if (i % 3 == 2) {
			ret = sm_out_row(out, false, err);
			continue;
		}
		json = sm_out_json(out, &len, key, (size_t)n, err);
		if (!json)
			return err->code;
		if (i % 3 == 0) {
			ret = sm_out_text(out, json, len, err);
			if (ret == 0)
				ret = sm_out_text(out, "\n", 1, err);
		} else {
			sm_out_record(out, json, len);
			n = snprintf(number, sizeof(number), "%" PRId64, i);
			sm_out_item(out, number, (size_t)n, "0.5", 3);
			sm_out_item(out, number, (size_t)n, "0.25", 4);
			ret = sm_out_record_end(out, err);
		}
		if (ret == 0)
			ret = sm_out_row(out, true, err);
	}
	return ret;
}

static int
files_produce(void *state, const struct sm_task *task, struct sm_out *out,
	      struct sm_err *err)
{
	FILE *f;
	int ret = go_wrong(task, out, err);

	(void)state;
	if (ret < 0)
		return ret;
	f = fopen(task->file, "wx");
	if (!f)
		return sm_fail(err, SM_EIO, "cannot make '%s'", task->file);
	fprintf(f, "%" PRId64 "-%" PRId64 "\n", task->first, task->end);
	if (fclose(f) != 0)
		return sm_fail(err, SM_EIO, "cannot write '%s'", task->file);
	return 0;
}

/* Batches of 1, 2, 3, … rows, each with an item. */
static int
own_cut(struct sm_cutter *c, const struct sm_producer_env *env,
	struct sm_err *err)
{
	int64_t first = 0, i, n = option(env->options, "batches");
	char item[32];
	int ret = 0;

	for (i = 1; i <= n && ret == 0; first += i++) {
		snprintf(item, sizeof(item), "part %" PRId64, i);
		ret = sm_cut(c, first, first + i, i == 2 ? NULL : item, err);
	}
	return ret;
}

static int
own_produce(void *state, const struct sm_task *task, struct sm_out *out,
	    struct sm_err *err)
{
	char line[96];
	int n = snprintf(line, sizeof(line), "%" PRId64 " %" PRId64 " %s\n",
			 task->first, task->end, task->item ? task->item : "-");

	(void)state;
	return sm_out_text(out, line, (size_t)n, err);
}

/* The number of the line in its batch, and the line. */
static int
lines_produce(void *state, const struct sm_task *task, struct sm_out *out,
	      struct sm_err *err)
{
	const char *line;
	char number[32];
	size_t len;
	int n, at = 0, ret = 0, more;

	(void)state;
	while (ret == 0 &&
	       (more = sm_in_line(&line, &len, task->in, err)) != 0) {
		if (more < 0)
			return more;
		if (line[len] != '\0')
			return sm_fail(err, SM_EOUTPUT, "no NUL");
		n = snprintf(number, sizeof(number), "%d ", at++);
		ret = sm_out_text(out, number, (size_t)n, err);
		if (ret == 0)
			ret = sm_out_text(out, line, len, err);
	}
	return ret;
}

static int
copy_produce(void *state, const struct sm_task *task, struct sm_out *out,
	     struct sm_err *err)
{
	const char *text;
	size_t len;
	int ret = 0, more;

	(void)state;
	while (ret == 0 && (more = sm_in_text(&text, &len, task->in, err)) != 0)
		ret = more < 0 ? more : sm_out_text(out, text, len, err);
	return ret;
}

static const struct sm_producer all[] = {
	{ .name = "rows",
	  .open = rows_open,
	  .produce = rows_produce,
	  .close = rows_close },
	{ .name = "mixed", .produce = mixed_produce },
	{ .name = "files", .produce = files_produce },
	{ .name = "own", .produce = own_produce, .cut = own_cut },
	{ .name = "lines", .produce = lines_produce },
	{ .name = "copy", .produce = copy_produce },
	{ .name = "exec", .produce = copy_produce },
	{ .name = "candidates", .produce = copy_produce },
	{ .name = "producer", .produce = copy_produce },
	{ .name = "Rows", .produce = copy_produce },
	{ .name = "mute" },
};
#define ALL (sizeof(all) / sizeof(*all))

static int
list(const char *job, struct sm_err *err)
{
	struct sm_look_batch b;
	struct sm_look_attempt a;
	struct sm_look_run r;
	struct sm_look_failure f;
	struct sm_look *l;
	int ret = sm_look_open(&l, job, err);

	if (ret < 0)
		return ret;
	while ((ret = sm_look_next_batch(&b, l, err)) > 0)
		printf("batch %" PRIu64 " %s %" PRId64 " %s\n", b.id, b.state,
		       b.attempts, b.item ? b.item : "-");
	if (ret < 0)
		goto out;
	while ((ret = sm_look_next_attempt(&a, l, err)) > 0)
		printf("attempt %" PRIu64 " %s %s %" PRId64 " %" PRId64 " %s\n",
		       a.batch, a.outcome, a.error_class ? a.error_class : "-",
		       a.signal, a.exit_status, a.message ? a.message : "-");
	if (ret < 0)
		goto out;
	while ((ret = sm_look_next_run(&r, l, err)) > 0)
		printf("run %s %" PRIu64 " %" PRIu64 " %" PRId64 " %s\n",
		       r.command, r.done, r.failed, r.exit_status,
		       r.why ? r.why : "-");
	if (ret < 0)
		goto out;
	while ((ret = sm_look_next_failure(&f, l, err)) > 0)
		printf("failure %" PRIu64 " %" PRIu64 " %s: %s\n", f.tries,
		       f.failed, f.examples, f.reason);

out:
	sm_look_close(l);
	return ret;
}

static void
notice(const char *text, void *arg)
{
	(void)arg;
	fprintf(stderr, "notice: %s\n", text);
}

int
main(int argc, char **argv)
{
	const struct sm_producer *known[ALL + 1] = { NULL };
	struct sm_value value[OPTIONS_MAX + 1] = { { NULL, NULL } };
	struct sm_plan_opts plan = { .options = value,
				     .events = { .notice = notice } };
	struct sm_run_opts run = { .events = { .notice = notice } };
	struct sm_plan_result planned;
	struct sm_run_result made;
	struct sm_err err = { 0 };
	const char *what, *job;
	bool tell = true;
	size_t i, n = 0;
	char *equals;
	int c, ret = 0;

	for (i = 0; i < ALL; i++)
		known[i] = &all[i];
	for (c = 1; c < argc; c++)
		tell = tell && strcmp(argv[c], "-n") != 0;
	if (tell)
		sm_worker_main(argc, argv, known);
	while ((c = getopt(argc, argv, "p:o:j:w:t:P:faxn")) != -1) {
		switch (c) {
		case 'p':
			for (i = 0; i < ALL; i++)
				if (strcmp(all[i].name, optarg) == 0)
					plan.producer = &all[i];
			break;
		case 'o':
			plan.output = optarg;
			break;
		case 'j':
			plan.producer_options = optarg;
			break;
		case 'w':
			plan.settings.workers = atoi(optarg);
			run.settings.workers = atoi(optarg);
			break;
		case 't':
			plan.settings.max_attempts = atoi(optarg);
			break;
		case 'P':
			plan.parts = (uint64_t)atoi(optarg);
			break;
		case 'f':
			run.retry_failed = true;
			break;
		case 'a':
			plan.accept_changed = true;
			break;
		case 'x':
			plan.extend = true;
			break;
		case 'n':
			break;
		default:
			return 2;
		}
	}
	if (argc - optind < 2)
		return 2;
	what = argv[optind++];
	job = argv[optind++];
	for (; optind < argc && n < OPTIONS_MAX; optind++) {
		equals = strchr(argv[optind], '=');
		if (!equals)
			return 2;
		*equals = '\0';
		value[n].name = argv[optind];
		value[n++].text = equals + 1;
	}
	if (strcmp(what, "plan") == 0 || strcmp(what, "both") == 0) {
		ret = sm_plan(&planned, job, &plan, &err);
		if (ret == 0)
			printf("%s %" PRIu64 " %" PRIu64 " %s\n",
			       planned.planned ? "planned" : "there",
			       planned.batches, planned.rows,
			       planned.fingerprint);
		sm_plan_result_release(&planned);
	}
	if (ret == 0 &&
	    (strcmp(what, "run") == 0 || strcmp(what, "both") == 0)) {
		ret = sm_run(&made, job, &run, &err);
		printf("%" PRIu64 " done, %" PRIu64 " failed, %" PRIu64
		       " left, %s\n",
		       made.done, made.failed, made.left,
		       made.final_path ? made.final_path : "-");
		sm_run_result_release(&made);
	}
	if (ret == 0 && strcmp(what, "list") == 0)
		ret = list(job, &err);
	if (ret < 0)
		fprintf(stderr, "producers_cli: %s\n", err.text);
	return sm_code_exit(ret);
}
