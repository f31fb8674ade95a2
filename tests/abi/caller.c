/*
 * caller.c - a program of the past: compiled with a kept header, run with the
 * library of today
 *
 *	caller JOB FILE.gz
 *
 * It plans, runs, lists, reports, reads and repairs a job of its own producer,
 * and says what it saw.  What it is handed lies between two rows of a pattern:
 * a library that takes a struct for larger than it was is caught.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <shardmill.h>

#define GUARD 256

static struct sm_err err;

/* A struct of that size in the middle of a pattern. */
static void *
guarded(size_t bytes)
{
	unsigned char *p = malloc(bytes + 2 * GUARD);

	if (!p)
		exit(99);
	memset(p, 0xa5, bytes + 2 * GUARD);
	memset(p + GUARD, 0, bytes);
	return p + GUARD;
}

static void
check(const void *of, size_t bytes, const char *what)
{
	const unsigned char *p = (const unsigned char *)of - GUARD;
	size_t i;

	for (i = 0; i < GUARD; i++) {
		if (p[i] == 0xa5 && p[GUARD + bytes + i] == 0xa5)
			continue;
		printf("%s: written beyond its end\n", what);
		exit(98);
	}
	free((void *)p);
}

#define GUARDED(type, name) type *name = guarded(sizeof(*name))
#define CHECK(name)         check(name, sizeof(*name), #name)

static void
must(int ret, const char *what)
{
	if (ret >= 0)
		return;
	printf("%s: %d: %s\n", what, ret, err.text);
	exit(97);
}

static int
produce(void *state, const struct sm_task *task, struct sm_out *out,
	struct sm_err *e)
{
	char line[64];
	int64_t i;
	int n, ret = 0;

	if (state != (void *)&err)
		return sm_fail(e, SM_EINPUT, "another state");
	for (i = task->first; i < task->end && ret == 0; i++) {
		n = snprintf(line, sizeof(line), "%" PRId64 "\n", i);
		ret = sm_out_text(out, line, (size_t)n, e);
	}
	return ret;
}

static const struct sm_producer numbers = { .name = "numbers",
					    .produce = produce,
					    .arg = &err };
static const struct sm_producer *const producers[] = { &numbers, NULL };

static void
on_progress(const struct sm_progress *p, void *arg)
{
	if (p->done > p->total || !p->phase)
		*(int *)arg = 1;
}

static void
show(const char *job)
{
	GUARDED(struct sm_status, s);
	GUARDED(struct sm_report, r);
	GUARDED(struct sm_batch_status, b);
	GUARDED(struct sm_look_batch, row);
	struct sm_look *l;
	int n = 0;

	must(sm_status(s, job, &err), "status");
	printf("%s %" PRIu64 " %" PRIu64 " %d\n", s->kind, s->done, s->rows,
	       s->complete);
	sm_status_release(s);
	CHECK(s);
	must(sm_report(r, job, &err), "report");
	printf("%zu runs, %zu lanes\n", r->runs, r->lanes);
	sm_report_release(r);
	CHECK(r);
	must(sm_status_of_batch(b, job, 1, &err), "status of a batch");
	printf("%s %zu\n", b->state, b->attempt_count);
	sm_batch_status_release(b);
	CHECK(b);
	must(sm_look_open(&l, job, &err), "list");
	while (sm_look_next_batch(row, l, &err) > 0)
		n += row->state[0] == 'd';
	sm_look_close(l);
	CHECK(row);
	printf("%d batches\n", n);
}

int
main(int argc, char **argv)
{
	const struct sm_value input[] = { { "range", "100" },
					  { "size", "10" },
					  { NULL, NULL } };
	GUARDED(struct sm_plan_opts, plan);
	GUARDED(struct sm_plan_result, planned);
	GUARDED(struct sm_run_opts, run);
	GUARDED(struct sm_run_result, made);
	GUARDED(struct sm_verify_opts, verify);
	GUARDED(struct sm_verify_result, found);
	GUARDED(struct sm_index_about, about);
	GUARDED(struct sm_index_entry, entry);
	struct sm_index *x;
	int bad = 0, n = 0;

	sm_worker_main(argc, argv, producers);
	plan->producer = &numbers;
	plan->options = input;
	plan->output = argv[2];
	plan->settings.workers = 2;
	must(sm_plan(planned, argv[1], plan, &err), "plan");
	printf("%d %" PRIu64 " %s\n", planned->planned, planned->batches,
	       planned->fingerprint);
	sm_plan_result_release(planned);
	run->events.progress = on_progress;
	run->events.arg = &bad;
	must(sm_run(made, argv[1], run, &err), "run");
	printf("%" PRIu64 " done, %d %d\n", made->done, made->finalized, bad);
	sm_run_result_release(made);
	show(argv[1]);
	must(sm_verify(found, argv[1], verify, &err), "verify");
	printf("%" PRIu64 " whole\n", found->batches);
	must(sm_index_open(&x, about, argv[2], &err), "index");
	while (sm_index_next(entry, x, &err) > 0)
		n += (int)entry->records;
	sm_index_close(x);
	printf("%" PRIu64 " %d\n", about->batches, n);
	CHECK(plan);
	CHECK(planned);
	CHECK(run);
	CHECK(made);
	CHECK(verify);
	CHECK(found);
	CHECK(about);
	CHECK(entry);
	return 0;
}
