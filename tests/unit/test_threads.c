/*
 * What the public header promises of threads: calls on one job and on several,
 * from several threads at once, and a second sm_run() that is refused by name.
 * `tests/run tsan` looks at the same calls for races.
 *
 * Started again as a worker this program has a producer, whose batches wait for
 * a file, so that a run lasts as long as it is needed.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <shardmill.h>

#include "failing_tree.h"

#define THREADS 4
#define ROUNDS  8

static char root[64];

static void
path_of(char path[128], const char *name)
{
	snprintf(path, 128, "%s/%s", root, name);
}

static void
pause_a_while(void)
{
	const struct timespec t = { .tv_nsec = 5000000 };

	nanosleep(&t, NULL);
}

/* The gate's path is the producer's option, as JSON text. */
static int
produce(void *state, const struct sm_task *task, struct sm_out *out,
	struct sm_err *err)
{
	const char *gate = getenv("THREADS_GATE");

	(void)state;
	(void)task;
	while (gate && access(gate, F_OK) < 0) {
		if (sm_out_stopped(out))
			return sm_fail(err, SM_ESTOPPED, "given up");
		pause_a_while();
	}
	return sm_out_text(out, "a\n", 2, err);
}

static const struct sm_producer producer = { .name = "gated",
					     .produce = produce };
static const struct sm_producer *const producers[] = { &producer, NULL };

static int
plan(const char *job, struct sm_err *err)
{
	const struct sm_value options[] = { { "range", "6" }, { 0 } };
	struct sm_plan_opts o = { .producer = &producer, .options = options };
	struct sm_plan_result r;
	int ret = sm_plan(&r, job, &o, err);

	sm_plan_result_release(&r);
	return ret;
}

static int
run(const char *job, struct sm_err *err)
{
	struct sm_run_opts o = { .settings = { .workers = 2 } };
	struct sm_run_result r;
	int ret = sm_run(&r, job, &o, err);

	sm_run_result_release(&r);
	return ret;
}

static int
count(const char *job, struct sm_err *err)
{
	struct sm_look_batch b;
	struct sm_look_attempt a;
	struct sm_look *l;
	int n = 0, ret = sm_look_open(&l, job, err);

	if (ret < 0)
		return ret;
	while ((ret = sm_look_next_batch(&b, l, err)) > 0)
		n++;
	while (ret == 0 && (ret = sm_look_next_attempt(&a, l, err)) > 0)
		ret = 0;
	sm_look_close(l);
	return ret < 0 ? ret : n;
}

struct thread {
	pthread_t id;
	int number, ret;
	struct sm_err err;
};

static int
look(const char *job, struct sm_err *err)
{
	struct sm_set_opts set = { .max_attempts = 3 };
	struct sm_retry_opts retry = { .failed = true };
	struct sm_set_result was;
	struct sm_status s;
	uint64_t changed;
	int ret = sm_status(&s, job, err);

	if (ret < 0)
		return ret;
	sm_status_release(&s);
	ret = sm_set(&was, job, &set, err);
	if (ret == 0)
		ret = sm_retry(&changed, job, &retry, err);
	if (ret < 0)
		return ret;
	ret = count(job, err);
	if (ret >= 0 && ret != 6)
		return sm_fail(err, SM_EBUG, "%d batches of 6", ret);
	return ret;
}

/* A job of its own, and one that all have. */
static void *
thread_calls(void *arg)
{
	struct thread *t = arg;
	char own[128], all[128], name[32];
	int i;

	snprintf(name, sizeof(name), "own-%d.job", t->number);
	path_of(own, name);
	path_of(all, "all.job");
	t->ret = plan(own, &t->err);
	for (i = 0; i < ROUNDS && t->ret >= 0; i++) {
		t->ret = look(own, &t->err);
		if (t->ret >= 0)
			t->ret = look(all, &t->err);
	}
	return NULL;
}

static void *
thread_runs(void *arg)
{
	struct thread *t = arg;
	char all[128];

	path_of(all, "all.job");
	t->ret = run(all, &t->err);
	return NULL;
}

static bool
is_running(const char *job)
{
	struct sm_status s;
	bool running;

	if (sm_status(&s, job, NULL) < 0)
		return false;
	running = s.running > 0;
	sm_status_release(&s);
	return running;
}

static void
test_threads(void **state)
{
	struct thread runner = { 0 }, t[THREADS] = { 0 };
	char all[128], gate[128];
	struct sm_err err = { 0 };
	FILE *f;
	int i;

	(void)state;
	path_of(all, "all.job");
	path_of(gate, "gate");
	setenv("THREADS_GATE", gate, 1);
	assert_int_equal(plan(all, &err), 0);
	assert_int_equal(pthread_create(&runner.id, NULL, thread_runs, &runner),
			 0);
	for (i = 0; !is_running(all) && i < 12000; i++)
		pause_a_while();
	assert_true(is_running(all));
	/* One at a time, whatever the job. */
	assert_int_equal(run(all, &err), SM_EUSAGE);
	assert_non_null(strstr(err.text, "another thread"));
	for (i = 0; i < THREADS; i++) {
		t[i].number = i;
		assert_int_equal(
			pthread_create(&t[i].id, NULL, thread_calls, &t[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(t[i].id, NULL);
		if (t[i].ret < 0)
			fail_msg("%d: %s", t[i].ret, t[i].err.text);
	}
	f = fopen(gate, "w");
	assert_non_null(f);
	fclose(f);
	pthread_join(runner.id, NULL);
	if (runner.ret < 0)
		fail_msg("run: %s", runner.err.text);
	/* The next one may begin. */
	assert_int_equal(run(all, &err), 0);
}

static int
setup(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "/tmp/shardmill-threads.XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	unsetenv("THREADS_GATE");
	tree_remove(root);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
	};

	sm_worker_main(argc, argv, producers);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
