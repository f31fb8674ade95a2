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

#include <shardmill.h>

static volatile sig_atomic_t stop;

static void
on_signal(int number)
{
	(void)number;
	stop = stop + 1; /* 1: finish the batches in hand; 2: at once */
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
plan(bool *complete, const char *output, struct sm_err *err)
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
	/* The job is the directory beside it, squares.gz.job. */
	int ret = sm_plan(&result, output, &opts, err);

	*complete = result.complete;
	sm_plan_result_release(&result);
	return ret;
}

static int
run(const char *job, struct sm_err *err)
{
	struct sm_run_opts opts = { .settings = { .workers = 2 },
				    .retry_failed = true,
				    .events = { .progress = on_progress,
						.notice = on_notice,
						.stop = &stop } };
	struct sm_run_result result;
	int ret = sm_run(&result, job, &opts, err);

	printf("%llu batches done, %llu failed, %llu left\n",
	       (unsigned long long)result.done,
	       (unsigned long long)result.failed,
	       (unsigned long long)result.left);
	if (ret == 0)
		printf("%s: %llu bytes\n", result.final_path,
		       (unsigned long long)result.final_size);
	sm_run_result_release(&result);
	return ret;
}

int
main(int argc, char **argv)
{
	struct sm_err err = { 0 };
	bool complete;
	int ret;

	/* A worker is this program, started again; it ends here. */
	sm_worker_main(argc, argv, NULL);
	if (argc != 2) {
		fputs("usage: squares FILE.gz\n", stderr);
		return 2;
	}
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	ret = plan(&complete, argv[1], &err);
	/* Then the job's directory may have been removed. */
	if (ret == 0 && !complete)
		ret = run(argv[1], &err);
	if (ret < 0)
		fprintf(stderr, "squares: %s\n", err.text);
	return sm_code_exit(ret);
}
