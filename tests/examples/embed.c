/*
 * embed.c - a program that runs a job until it is asked to end
 *
 *	embed FILE.gz
 *
 * Ctrl-C finishes the batches in hand and leaves the rest for the next time;
 * once more stops at once.  Then the batches are listed, without SQL.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include <shardmill.h>

static volatile sig_atomic_t stop;

static void
on_signal(int sig)
{
	(void)sig;
	stop = stop + 1;
}

/* A batch takes 20 ms, as if it were work. */
static int
work(void *state, const struct sm_task *task, struct sm_out *out,
     struct sm_err *err)
{
	const struct timespec a_while = { .tv_nsec = 20 * 1000 * 1000 };
	char line[32];
	int n = snprintf(line, sizeof(line), "%" PRIu64 "\n", task->batch);

	(void)state;
	nanosleep(&a_while, NULL);
	if (sm_out_stopped(out))
		return sm_fail(err, SM_ESTOPPED, "given up");
	return sm_out_text(out, line, (size_t)n, err);
}

static const struct sm_producer producer = { .name = "slow", .produce = work };
static const struct sm_producer *const producers[] = { &producer, NULL };

static int
list(const char *job, struct sm_err *err)
{
	struct sm_look_batch b;
	struct sm_look *l;
	uint64_t done = 0, left = 0;
	int ret = sm_look_open(&l, job, err);

	if (ret < 0)
		return ret;
	while ((ret = sm_look_next_batch(&b, l, err)) > 0) {
		if (b.state[0] == 'd')
			done++;
		else
			left++;
	}
	sm_look_close(l);
	printf("%" PRIu64 " batches done, %" PRIu64 " left\n", done, left);
	return ret;
}

int
main(int argc, char **argv)
{
	const struct sm_value input[] = { { "range", "400" }, { NULL, NULL } };
	struct sm_plan_opts plan = { .producer = &producer, .options = input };
	struct sm_run_opts run = { .events = { .stop = &stop } };
	struct sigaction action = { .sa_handler = on_signal };
	struct sm_plan_result planned;
	struct sm_run_result made;
	struct sm_err err = { 0 }, late = { 0 };
	char job[4096];
	int ret;

	sm_worker_main(argc, argv, producers);
	if (argc < 2)
		return 2;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	plan.output = argv[1];
	snprintf(job, sizeof(job), "%s.job", argv[1]);
	ret = sm_plan(&planned, job, &plan, &err);
	sm_plan_result_release(&planned);
	if (ret == 0) {
		ret = sm_run(&made, job, &run, &err);
		sm_run_result_release(&made);
		if (list(job, &late) < 0)
			fprintf(stderr, "embed: %s\n", late.text);
	}
	if (ret < 0)
		fprintf(stderr, "embed: %s\n", err.text);
	return sm_code_exit(ret);
}
