/*
 * progress.c - a job beside a program's own loop, as that of a window
 *
 *	progress FILE.gz
 *
 * The run has a thread of its own.  What it says is put into a struct that the
 * loop looks at when it draws; a click on "cancel" would set `stop`.
 */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include <shardmill.h>

static int
squares(void *state, const struct sm_task *task, struct sm_out *out,
	struct sm_err *err)
{
	char line[48];
	long long i;
	int n, ret = 0;

	(void)state;
	for (i = task->first; i < task->end && ret == 0; i++) {
		n = snprintf(line, sizeof(line), "%lld\n", i * i);
		ret = sm_out_text(out, line, (size_t)n, err);
	}
	return ret;
}

static const struct sm_producer producer = { .name = "squares",
					     .produce = squares };
static const struct sm_producer *const producers[] = { &producer, NULL };

/* What the two threads share. */
struct view {
	pthread_mutex_t lock;
	struct sm_progress now;
	char said[256]; /* the latest notice */
	bool over;
	int ret;
	struct sm_err err;
	char job[4096];
};

static volatile sig_atomic_t stop;

static void
on_progress(const struct sm_progress *p, void *arg)
{
	struct view *v = arg;

	pthread_mutex_lock(&v->lock);
	v->now = *p;
	pthread_mutex_unlock(&v->lock);
}

static void
on_notice(const char *text, void *arg)
{
	struct view *v = arg;

	pthread_mutex_lock(&v->lock);
	snprintf(v->said, sizeof(v->said), "%s", text);
	pthread_mutex_unlock(&v->lock);
}

static void *
run_thread(void *arg)
{
	struct view *v = arg;
	struct sm_run_opts opts = { .events = { .progress = on_progress,
						.notice = on_notice,
						.arg = v,
						.stop = &stop } };
	struct sm_run_result made;
	struct sm_err err = { 0 };
	int ret = sm_run(&made, v->job, &opts, &err);

	sm_run_result_release(&made);
	pthread_mutex_lock(&v->lock);
	v->over = true;
	v->ret = ret;
	v->err = err;
	pthread_mutex_unlock(&v->lock);
	return NULL;
}

/* One frame; false once the run is over. */
static bool
draw(struct view *v)
{
	bool over;

	pthread_mutex_lock(&v->lock);
	if (v->now.phase)
		printf("%s: %llu of %llu %s\n", v->now.phase,
		       (unsigned long long)v->now.done,
		       (unsigned long long)v->now.total, v->now.unit);
	over = v->over;
	pthread_mutex_unlock(&v->lock);
	return !over;
}

int
main(int argc, char **argv)
{
	static struct view v = { .lock = PTHREAD_MUTEX_INITIALIZER };
	const struct sm_value input[] = { { "range", "200000" },
					  { "size", "1000" },
					  { NULL, NULL } };
	const struct timespec frame = { .tv_nsec = 50 * 1000 * 1000 };
	struct sm_plan_opts plan = { .producer = &producer, .options = input };
	struct sm_plan_result planned;
	struct sm_err err = { 0 };
	pthread_t thread;
	int ret;

	sm_worker_main(argc, argv, producers);
	if (argc < 2)
		return 2;
	plan.output = argv[1];
	snprintf(v.job, sizeof(v.job), "%s.job", argv[1]);
	ret = sm_plan(&planned, v.job, &plan, &err);
	sm_plan_result_release(&planned);
	if (ret < 0) {
		fprintf(stderr, "progress: %s\n", err.text);
		return sm_code_exit(ret);
	}
	if (pthread_create(&thread, NULL, run_thread, &v) != 0)
		return 4;
	while (draw(&v))
		nanosleep(&frame, NULL); /* where a toolkit waits for events */
	pthread_join(thread, NULL);
	if (v.ret < 0)
		fprintf(stderr, "progress: %s\n", v.err.text);
	else
		puts("done");
	return sm_code_exit(v.ret);
}
