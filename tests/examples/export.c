/*
 * export.c - an array of structs as JSON Lines, by a producer in C
 *
 *	cc export.c $(pkg-config --cflags --libs shardmill) -o export
 *	./export stars.gz [ROWS]
 *
 * Kill it, or pull the plug; the same command goes on where it stopped.
 */
#include <stdio.h>
#include <stdlib.h>

#include <shardmill.h>

struct star {
	double right_ascension, declination;
	float magnitude;
};

/* Where a program of yours has the array: here it is computed. */
static struct star
star_at(int64_t i)
{
	return (struct star){ (double)(i * 7919 % 360000) / 1000,
			      (double)(i * 104729 % 180000) / 1000 - 90,
			      (float)(i % 97) / 4 };
}

static int
export_stars(void *state, const struct sm_task *task, struct sm_out *out,
	     struct sm_err *err)
{
	char line[160];
	struct star s;
	int ret = 0, n;
	int64_t i;

	(void)state;
	for (i = task->first; i < task->end && ret == 0; i++) {
		s = star_at(i);
		n = snprintf(line, sizeof(line),
			     "{\"id\": %lld, \"ra\": %.3f, \"dec\": %.3f, "
			     "\"mag\": %.2f}\n",
			     (long long)i, s.right_ascension, s.declination,
			     (double)s.magnitude);
		ret = sm_out_text(out, line, (size_t)n, err);
	}
	return ret;
}

static const struct sm_producer stars = { .name = "stars",
					  .produce = export_stars };
static const struct sm_producer *const producers[] = { &stars, NULL };

int
main(int argc, char **argv)
{
	const struct sm_value input[] = {
		{ "range", argc > 2 ? argv[2] : "100000" },
		{ "size", "5000" },
		{ NULL, NULL },
	};
	struct sm_plan_opts plan = { .producer = &stars, .options = input };
	struct sm_run_opts run = { .follow = 0 };
	struct sm_plan_result planned;
	struct sm_run_result made;
	struct sm_err err = { 0 };
	int ret;

	sm_worker_main(argc, argv, producers);
	if (argc < 2)
		return 2;
	plan.output = argv[1];
	/* The job is the directory beside it, stars.gz.job. */
	ret = sm_plan(&planned, argv[1], &plan, &err);
	/* Its directory may be removed once stars.gz is complete. */
	if (ret == 0 && !planned.complete) {
		ret = sm_run(&made, argv[1], &run, &err);
		sm_run_result_release(&made);
	}
	sm_plan_result_release(&planned);
	if (ret < 0)
		fprintf(stderr, "export: %s\n", err.text);
	return sm_code_exit(ret);
}
