/*
 * failing_scenario.h - whatever call fails, it is told, nothing is lost or left
 * open, and the same again comes to the same final file
 *
 *	test_failing_… [SCENARIO]
 *
 * Each scenario is run with its first call failing, then its second, … once
 * and from then on, until it ends without having met the failure.  By default
 * one call in STEP; FAILING_STEP in the environment is another step, 1 every
 * one, which a scenario takes whose prepare() sets `each_call`.
 */
#ifndef FAILING_SCENARIO_H
#define FAILING_SCENARIO_H

#include "failing_act.h"
#include "open_files.h"

#define STEP          13
#define SCENARIOS_MAX 20

/* One moment in a job's life, and what is done then. */
struct scenario {
	const char *name;
	void (*prepare)(void);
	int (*act)(void);
	/* It said that it is done: is it?  NULL: nothing more than the rest. */
	void (*done)(const char *where);
	int again;  /* what it may also end with, done a second time */
	bool keeps; /* what is done is never made again */
	/* Batches that are put back once, on purpose: in SQL's words. */
	const char *twice;
};

static bool each_call; /* fails in turn, whatever the step */
static char done_before[256], done_after[256]; /* tokens, with commas */

static inline void
remember_done(char *dst)
{
	answer(dst, sizeof(done_after),
	       "SELECT coalesce(group_concat(token), 0) FROM batch "
	       "WHERE state = 'done'");
}

/* Are those that were done still done by the same attempt? */
static inline bool
done_is_kept(void)
{
	char text[1200];

	snprintf(text, sizeof(text),
		 "SELECT count(*) FROM json_each('[%s,%s]') WHERE value <> 0 "
		 "AND value NOT IN (SELECT token FROM batch WHERE state = "
		 "'done')",
		 done_before, done_after);
	return number(text) == 0;
}

static inline const char *
place(const struct scenario *s)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s: call %ld%s (%s)", s->name,
		 failing_nth, failing_onwards ? "+" : "",
		 failing_name ? failing_name : "none");
	return text;
}

/* Was each batch committed once, whatever its token, and what was put back on
 * purpose twice? */
static inline void
audit(const struct scenario *s, const char *where)
{
	char text[512];

	snprintf(
		text, sizeof(text),
		"SELECT count(*) FROM batch AS b WHERE (SELECT count(*) FROM "
		"attempt AS a WHERE a.batch = b.id AND a.outcome = 'done') "
		"<> 1 + (id IN (%s)) OR NOT EXISTS (SELECT 1 FROM attempt AS a "
		"WHERE a.batch = b.id AND a.token = b.token AND a.outcome = "
		"'done')",
		s->twice);
	if (number(text))
		fail_msg("%s: a batch was not committed once", where);
}

/* Everything from here to the final file, as a person would. */
static inline void
finish(const struct scenario *s, const char *where, const char *want,
       size_t want_size)
{
	size_t size;
	char *got;
	int ret, first = s->act();

	if (first < 0 && first != s->again && first != SM_EVERIFY)
		fail_msg("%s: once more: %s", where, err.text);
	must(startcheck(), where);
	must(rescue(), where);
	sql("UPDATE batch SET state = 'pending', not_before = 0 "
	    "WHERE state <> 'done'");
	must(work(), where);
	ret = finalize_named();
	if (ret == SM_EVERIFY) { /* two were damaged: both are made again */
		must(work(), where);
		ret = finalize_named();
	}
	must(ret, where);
	/* What can be done only by now, and takes away what it left. */
	if (first == SM_EWORK || first == SM_EVERIFY)
		s->act();
	got = content(final, &size);
	if (want && (!got || size != want_size || memcmp(got, want, size) != 0))
		fail_msg("%s: the final file differs", where);
	free(got);
	if (s->keeps && !done_is_kept())
		fail_msg("%s: what was done was made again", where);
	if (number("SELECT count(*) FROM attempt WHERE outcome = 'running'") ||
	    number("SELECT count(*) FROM worker WHERE ended IS NULL"))
		fail_msg("%s: attempts or workers stay open", where);
	audit(s, where);
	if (tree_leftover(dir))
		fail_msg("%s: left behind: %s", where, tree_left);
}

/* One failure; false: it was not reached. */
static inline bool
one(const struct scenario *s, long nth, bool onwards, const char *want,
    size_t want_size)
{
	int before, ret;
	bool hit;

	tree_remove(dir);
	tree_copy(template, dir);
	err = (struct sm_err){ 0 };
	before = open_files();
	failing_arm(nth, onwards);
	ret = s->act();
	hit = failing_disarm();
	if (open_files() != before)
		fail_msg("%s: files stay open", place(s));
	if (ret < 0 && (ret != err.code || !err.text[0] || ret == SM_EBUG))
		fail_msg("%s: %d says %d: %s", place(s), ret, err.code,
			 err.text);
	if (s->keeps)
		remember_done(done_after);
	if (ret >= 0 && s->done)
		s->done(place(s));
	if (hit)
		finish(s, place(s), want, want_size);
	return hit;
}

static inline void
test(void **state)
{
	const struct scenario *s = *state;
	const char *asked = getenv("FAILING_STEP");
	long step = STEP, n;
	size_t size;
	char *want;

	tree_remove(dir);
	tree_remove(template);
	assert_int_equal(mkdir(dir, 0755), 0);
	snprintf(job, sizeof(job), "%s/w/f.gz.job", root);
	if (asked)
		step = strtol(asked, NULL, 10);
	assert_true(step > 0);
	each_call = false;
	s->prepare();
	if (each_call)
		step = 1;
	tree_copy(dir, template);
	if (s->keeps)
		remember_done(done_before);
	snprintf(done_after, sizeof(done_after), "0");
	finish(s, "undisturbed", NULL, 0);
	want = content(final, &size);
	for (n = 1; one(s, n, false, want, size); n += step)
		;
	print_message("%s: %ld calls\n", s->name, n - 1);
	for (n = 1; one(s, n, true, want, size); n += 2 * step)
		;
	free(want);
}

/* Up to the one without a name. */
static inline int
run_scenarios(const struct scenario *s, int argc, char **argv)
{
	struct CMUnitTest tests[SCENARIOS_MAX] = { 0 };
	bool known = argc < 2;
	size_t i;

	for (i = 0; s[i].name && i < SCENARIOS_MAX; i++) {
		known |= strcmp(s[i].name, argv[argc - 1]) == 0;
		tests[i] = (struct CMUnitTest){ s[i].name, test, NULL, NULL,
						(void *)(uintptr_t)&s[i] };
	}
	if (s[i].name || !known) {
		fprintf(stderr, "too many scenarios, or none of that name\n");
		return 2;
	}
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}

#endif /* FAILING_SCENARIO_H */
