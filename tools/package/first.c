/*
 * squares.c - a job of 4 batches, each of which is a command's output
 *
 *	cc squares.c $(pkg-config --cflags --libs shardmill) -o squares
 *	./squares squares.gz && zcat squares.gz | tail -n 1
 *
 * Killed at any moment and started again, it goes on where it stopped.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <shardmill.h>

static volatile sig_atomic_t stop;

static void
on_signal(int number)
{
	(void)number;
	stop++; /* 1: finish the batches in hand; 2: at once */
}

static void
on_progress(const struct sm_progress *p, void *arg)
{
	(void)arg;
	fprintf(stderr, "%s: %llu of %llu %s\n", p->phase,
		(unsigned long long)p->done, (unsigned long long)p->total,
		p->unit);
}

static void
on_notice(const char *text, void *arg)
{
	(void)arg;
	fprintf(stderr, "%s\n", text);
}

/* The same call makes the job, or finds it and checks that it is the same. */
static int
plan(const char *job, const char *output, struct sm_err *err)
{
	static const struct sm_value options[] = { { "range", "1000" },
						   { "size", "250" },
						   { NULL, NULL } };
	static const char *const command[] = {
		"awk",       "-v",
		"n={first}", "-v",
		"end={end}", "BEGIN { for (; n < end; n++) print n, n * n }",
		NULL
	};
	struct sm_plan_opts opts = { .kind = "exec",
				     .options = options,
				     .command = command,
				     .output = output,
				     .events = { .notice = on_notice,
						 .stop = &stop } };
	struct sm_plan_result result;
	int ret = sm_plan(&result, job, &opts, err);

	sm_plan_result_release(&result);
	return ret;
}

static int
run(const char *job, struct sm_err *err)
{
	/* A worker is this program, started again with another word. */
	static const char *const worker[] = { "/proc/self/exe", "work", NULL };
	struct sm_run_opts opts = { .worker_argv = worker,
				    .settings = { .workers = 2 },
				    .retry_failed = true,
				    .events = { .progress = on_progress,
						.notice = on_notice,
						.stop = &stop } };
	struct sm_run_result result;
	int ret = sm_run(&result, job, &opts, err);

	if (ret == 0)
		printf("%s: %llu bytes\n", result.final_path,
		       (unsigned long long)result.final_size);
	sm_run_result_release(&result);
	return ret;
}

int
main(int argc, char **argv)
{
	struct sm_work_opts work = { .control_fd = SM_WORKER_FD };
	struct sm_err err = { 0 };
	char job[4096];
	int ret;

	if (argc != 2) {
		fputs("usage: squares FILE.gz\n", stderr);
		return 2;
	}
	if (strcmp(argv[1], "work") == 0)
		return sm_code_exit(sm_work(".", &work, NULL));
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	snprintf(job, sizeof(job), "%s.job", argv[1]);
	ret = plan(job, argv[1], &err);
	if (ret == 0)
		ret = run(job, &err);
	if (ret < 0)
		fprintf(stderr, "squares: %s\n", err.text);
	return sm_code_exit(ret);
}
