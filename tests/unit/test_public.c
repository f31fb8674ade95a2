/*
 * What the public header promises of all functions: a zeroed options struct is
 * a call by default, and what makes no sense is refused by name.
 *
 * Started again with a word, this program is a worker: "work" as it should be,
 * "forgets" as one that has no worker branch.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <shardmill.h>

#include "failing_tree.h"
#include "handle.h"

static char root[64], job[96], final[96], items[96];
static struct sm_err err;

static const char *const work_argv[] = { "/proc/self/exe", "work", NULL };
static const char *const forgetful_argv[] = { "/proc/self/exe", "forgets",
					      NULL };

static int
setup(void **state)
{
	FILE *f;

	(void)state;
	err = (struct sm_err){ 0 };
	snprintf(root, sizeof(root), "/tmp/shardmill-public.XXXXXX");
	if (!mkdtemp(root))
		return -1;
	snprintf(job, sizeof(job), "%s/f.gz.job", root);
	snprintf(final, sizeof(final), "%s/f.gz", root);
	snprintf(items, sizeof(items), "%s/items", root);
	f = fopen(items, "w");
	if (!f)
		return -1;
	fputs("a\nb\nc\n", f);
	return fclose(f);
}

static int
teardown(void **state)
{
	(void)state;
	tree_remove(root);
	return 0;
}

/* Each item is a batch of `command`; all else by default. */
static int
plan_with(const char *const *command, const struct sm_settings *settings)
{
	const struct sm_value options[] = { { "items", items }, { 0 } };
	struct sm_plan_opts o = { .kind = "exec",
				  .options = options,
				  .command = command,
				  .output = final };
	struct sm_plan_result r;
	int ret;

	if (settings)
		o.settings = *settings;
	ret = sm_plan(&r, job, &o, &err);
	sm_plan_result_release(&r);
	return ret;
}

static int
plan(const struct sm_settings *settings)
{
	static const char *const command[] = { "printenv", "SHARDMILL_ITEM",
					       NULL };

	return plan_with(command, settings);
}

static int
run(struct sm_run_opts o)
{
	struct sm_run_result r;
	int ret;

	if (!o.worker_argv)
		o.worker_argv = work_argv;
	ret = sm_run(&r, job, &o, &err);
	sm_run_result_release(&r);
	return ret;
}

static void
must(int ret)
{
	if (ret < 0)
		fail_msg("%d: %s", ret, err.text);
}

/* By the name of the member, or of the call. */
static void
refused(int ret, const char *name)
{
	assert_int_equal(ret, SM_EUSAGE);
	assert_int_equal(err.code, SM_EUSAGE);
	if (!strstr(err.text, name))
		fail_msg("'%s' is not named: %s", name, err.text);
	err = (struct sm_err){ 0 };
}

static int
target_workers(void)
{
	struct sm_status s;
	int n;

	must(sm_status(&s, job, &err));
	n = s.target_workers;
	sm_status_release(&s);
	return n;
}

static char *
content(const char *path)
{
	static char text[256];
	FILE *f = fopen(path, "r");

	memset(text, 0, sizeof(text));
	if (!f)
		return NULL;
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	fclose(f);
	return text;
}

/* Planned, run, finalized, asked and checked with zeros alone. */
static void
test_zeroed(void **state)
{
	struct sm_work_opts work = { 0 };
	struct sm_finalize_opts finalize = { 0 };
	struct sm_finalize_result made;
	struct sm_verify_opts verify = { 0 };
	struct sm_verify_result found;
	struct sm_retry_opts retry = { 0 };
	struct sm_recover_opts recover = { 0 };
	struct sm_recover_result rebuilt;
	struct sm_run_opts no = { .follow = -1 };
	uint64_t changed = 1;

	(void)state;
	must(plan(NULL));
	assert_true(target_workers() > 0);
	must(run((struct sm_run_opts){ 0 }));
	assert_int_equal(access(final, F_OK), 0);
	must(sm_retry(&changed, job, &retry, &err));
	assert_int_equal(changed, 0);
	must(sm_work(job, &work, &err));
	must(sm_finalize(&made, job, &finalize, &err));
	assert_true(made.was_complete);
	sm_finalize_result_release(&made);
	must(sm_verify(&found, job, &verify, &err));
	assert_int_equal(found.batches, 3);
	assert_int_equal(sm_recover(&rebuilt, job, &recover, &err),
			 SM_EREFUSED);
	must(run(no));
}

static bool
consumes(void)
{
	struct sm_db_opts db = { .mode = SM_DB_READ };
	struct sm_handle h;
	bool consume;

	must(sm_handle_open(&h, job, &db, false, &err));
	consume = h.job.consume;
	sm_handle_close(&h);
	return consume;
}

/* 0 keeps what a job has, and the switches can be set both ways. */
static void
test_keeps(void **state)
{
	struct sm_settings s = { .workers = 3 };

	(void)state;
	must(plan(&s));
	assert_int_equal(target_workers(), 3);
	must(plan(NULL));
	assert_int_equal(target_workers(), 3);
	s = (struct sm_settings){ .consume = 1 };
	must(plan(&s));
	assert_true(consumes());
	must(plan(NULL));
	assert_true(consumes());
	s = (struct sm_settings){ .consume = -1 };
	must(plan(&s));
	assert_false(consumes());
}

static void
test_refuses(void **state)
{
	static const struct {
		const char *name;
		struct sm_settings s;
	} bad[] = {
		{ "workers", { .workers = -1 } },
		{ "workers", { .workers = 4097 } },
		{ "max_attempts", { .max_attempts = -1 } },
		{ "lease_s", { .lease_s = -0.5 } },
		{ "lease_s", { .lease_s = INFINITY } },
		{ "lease_s", { .lease_s = NAN } },
		{ "sync", { .sync = -1 } },
		{ "sync", { .sync = 3 } },
		{ "fail_fast", { .fail_fast = 2 } },
		{ "consume", { .consume = 7 } },
	};
	static const char *const nothing[] = { NULL };
	struct sm_work_opts work = { .control_fd = -1 };
	struct sm_run_opts none = { 0 };
	struct sm_run_result r;
	struct sm_cat_result text;
	struct sm_cat_opts cat = { .fd = -1 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		refused(plan(&bad[i].s), bad[i].name);
	assert_int_not_equal(access(job, F_OK), 0);
	must(plan(NULL));
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		refused(plan(&bad[i].s), bad[i].name);
		refused(run((struct sm_run_opts){ .settings = bad[i].s }),
			bad[i].name);
	}
	refused(run((struct sm_run_opts){ .follow = 2 }), "follow");
	refused(run((struct sm_run_opts){ .worker_argv = nothing }),
		"worker_argv");
	refused(sm_run(&r, job, &none, &err), "worker_argv");
	refused(sm_work(job, &work, &err), "control_fd");
	work.control_fd = 2;
	refused(sm_work(job, &work, &err), "control_fd");
	refused(sm_cat(&text, final, &cat, &err), "fd");
	cat = (struct sm_cat_opts){ .what = 4 };
	refused(sm_cat(&text, final, &cat, &err), "what");
}

/*
 * A program that forgets its worker branch begins again as a worker: neither
 * another job nor another supervisor.
 */
static void
test_forgets(void **state)
{
	char path[128];

	(void)state;
	must(plan(NULL));
	snprintf(path, sizeof(path), "%s/said", root);
	setenv("PUBLIC_ROOT", root, 1);
	assert_true(run((struct sm_run_opts){ .worker_argv = forgetful_argv }) <
		    0);
	unsetenv("PUBLIC_ROOT");
	err = (struct sm_err){ 0 };
	assert_string_equal(content(path), "-1 -1 -1");
	snprintf(path, sizeof(path), "%s/nested.job", root);
	assert_int_not_equal(access(path, F_OK), 0);
	/* The supervisor itself is none. */
	must(plan(NULL));
	must(run((struct sm_run_opts){ 0 }));
}

/* A command may use shardmill itself. */
static void
test_command_unmarked(void **state)
{
	static const char *const command[] = {
		"sh", "-c", "echo \"[${SHARDMILL_WORKER-none}]\"", NULL
	};
	struct sm_cat_opts o = { 0 };
	struct sm_cat_result r;
	char path[128];
	int fd, out = dup(1);

	(void)state;
	must(plan_with(command, NULL));
	must(run((struct sm_run_opts){ 0 }));
	/* By default to standard output. */
	snprintf(path, sizeof(path), "%s/text", root);
	fd = open(path, O_WRONLY | O_CREAT, 0644);
	fflush(stdout);
	dup2(fd, 1);
	assert_int_equal(sm_cat(&r, final, &o, &err), 0);
	dup2(out, 1);
	close(out);
	close(fd);
	assert_string_equal(content(path), "[none]\n[none]\n[none]\n");
}

/* ------------------------------------------------- err may be NULL -- */

static int
null_plan(const char *name)
{
	static const char *const command[] = { "true", NULL };
	const struct sm_value options[] = { { "items", items }, { 0 } };
	struct sm_plan_opts o = { .kind = "exec",
				  .options = options,
				  .command = command };
	struct sm_plan_result r;
	int ret;

	ret = sm_plan(&r, name, &o, NULL);
	sm_plan_result_release(&r);
	return ret;
}

static int
null_dry_run(const char *name)
{
	const struct sm_value options[] = { { "items", name }, { 0 } };
	struct sm_plan_opts o = { .kind = "exec", .options = options };

	return sm_dry_run(&o, NULL, NULL, NULL);
}

static int
null_run(const char *name)
{
	struct sm_run_opts o = { .worker_argv = work_argv };
	struct sm_run_result r;
	int ret = sm_run(&r, name, &o, NULL);

	sm_run_result_release(&r);
	return ret;
}

static int
null_work(const char *name)
{
	struct sm_work_opts o = { 0 };

	return sm_work(name, &o, NULL);
}

static int
null_status(const char *name)
{
	struct sm_status s = { 0 };
	int ret = sm_status(&s, name, NULL);

	if (ret == 0)
		sm_status_release(&s);
	return ret;
}

static int
null_list(const char *name)
{
	struct sm_list_opts o = { .depth = 1 };
	struct sm_list_result r;

	return sm_list(&r, name, &o, NULL);
}

/* The job is one that other calls need. */
static int
null_clean(const char *name)
{
	struct sm_clean_opts o = { .look = true };
	struct sm_clean_result r;
	int ret = sm_clean(&r, name, &o, NULL);

	if (ret == 0)
		sm_clean_result_release(&r);
	return ret;
}

static int
null_report(const char *name)
{
	struct sm_report r = { 0 };
	int ret = sm_report(&r, name, NULL);

	if (ret == 0)
		sm_report_release(&r);
	return ret;
}

static int
null_status_of_batch(const char *name)
{
	struct sm_batch_status s = { 0 };
	int ret = sm_status_of_batch(&s, name, 1, NULL);

	if (ret == 0)
		sm_batch_status_release(&s);
	return ret;
}

static int
null_set(const char *name)
{
	struct sm_batch_range range = { 0, 9 };
	struct sm_set_opts o = { .range = &range, .ranges = 1, .priority = 1 };
	struct sm_set_result r;

	return sm_set(&r, name, &o, NULL);
}

static int
null_stop_batch(const char *name)
{
	struct sm_stop_result r;

	return sm_stop_batch(&r, name, 1, false, NULL);
}

static int
null_try(const char *name)
{
	int status;

	return sm_try(&status, name, 1, false, NULL);
}

static int
null_retry(const char *name)
{
	struct sm_batch_range range = { 0, 9 };
	struct sm_retry_opts o = { .range = &range, .ranges = 1 };
	uint64_t changed;

	return sm_retry(&changed, name, &o, NULL);
}

static int
null_finalize(const char *name)
{
	struct sm_finalize_opts o = { .output = final };
	struct sm_finalize_result r;
	int ret = sm_finalize(&r, name, &o, NULL);

	sm_finalize_result_release(&r);
	return ret;
}

static int
null_verify(const char *name)
{
	struct sm_verify_opts o = { 0 };
	struct sm_verify_result r;

	return sm_verify(&r, name, &o, NULL);
}

static int
null_recover(const char *name)
{
	struct sm_recover_opts o = { 0 };
	struct sm_recover_result r;

	return sm_recover(&r, name, &o, NULL);
}

static int
null_cat(const char *name)
{
	struct sm_cat_opts o = { .what = SM_CAT_BATCHES,
				 .first = 9,
				 .last = 9 };
	struct sm_cat_result r;

	return sm_cat(&r, name, &o, NULL);
}

static int
null_index_open(const char *name)
{
	struct sm_index_about about;
	struct sm_index *x = NULL;
	int ret = sm_index_open(&x, &about, name, NULL);

	sm_index_close(x);
	return ret;
}

/* Of the final file that there is. */
static struct sm_index *
index_of_final(void)
{
	struct sm_index_about about;
	struct sm_index *x = NULL;

	if (access(final, F_OK) == 0)
		must(sm_index_open(&x, &about, final, &err));
	return x;
}

static int
null_index_next(const char *name)
{
	struct sm_index *x = index_of_final();
	struct sm_index_entry e;
	int ret = 0;

	(void)name;
	while (x && (ret = sm_index_next(&e, x, NULL)) > 0)
		;
	sm_index_close(x);
	return ret;
}

static int
null_index_next_missing(const char *name)
{
	struct sm_index *x = index_of_final();
	struct sm_batch_range run;
	int ret = x ? sm_index_next_missing(&run, x, NULL) : 0;

	(void)name;
	sm_index_close(x);
	return ret;
}

/* A value that no option of a kind can have. */
static int
null_option_set(const char *name)
{
	const struct sm_kind_info *kind;
	const struct sm_option *o;
	int ret = 0;
	size_t i;

	for (i = 0; (kind = sm_kind_info(i)) != NULL; i++)
		for (o = kind->options; o->name; o++)
			ret |= sm_option_set(o, NULL, name, NULL);
	return ret;
}

/*
 * What is called within a producer alone: by one whose cut() and produce() do
 * it, in the worker that this program is then.
 */
static int
producer_cut(struct sm_cutter *c, const struct sm_producer_env *env,
	     struct sm_err *e)
{
	(void)env;
	(void)e;
	if (sm_cut(c, 0, 1, "a", NULL) < 0 || sm_cut(c, 1, 0, NULL, NULL) == 0)
		return SM_EBUG;
	return 0;
}

static int
producer_out(void *state, const struct sm_task *task, struct sm_out *out,
	     struct sm_err *e)
{
	const struct sm_record_fields none = { 0 };
	size_t len;

	(void)state;
	if (task->attempt == 1 && sm_out_text(out, "a\n", 2, NULL) == 0 &&
	    sm_out_row(out, true, NULL) == 0 &&
	    sm_out_json(out, &len, "a", 1, NULL) &&
	    !sm_out_json(out, &len, "\xff", 1, NULL) &&
	    sm_out_records(out, &none, NULL) < 0 &&
	    sm_out_record_end(out, NULL) < 0 &&
	    sm_out_text(out, "", 0, NULL) < 0)
		return sm_fail(NULL, SM_EOUTPUT, "as it is to be");
	return sm_fail(e, SM_EBUG, "a call without err is another");
}

static int
producer_in(void *state, const struct sm_task *task, struct sm_out *out,
	    struct sm_err *e)
{
	const char *text;
	size_t len;

	(void)state;
	if (sm_in_line(&text, &len, task->in, NULL) == 1 && len == 2 &&
	    sm_in_text(&text, &len, task->in, NULL) == 0)
		return sm_out_text(out, "in\n", 3, NULL);
	return sm_fail(e, SM_EBUG, "a call without err is another");
}

static const struct sm_producer null_cut = { .name = "null-cut",
					     .produce = producer_out,
					     .cut = producer_cut };
static const struct sm_producer null_out = { .name = "null-out",
					     .produce = producer_out };
static const struct sm_producer null_in = { .name = "null-in",
					    .produce = producer_in };
static const struct sm_producer *const null_producers[] = { &null_cut,
							    &null_out, &null_in,
							    NULL };

/* A job of that producer, planned and run where no other is. */
static int
null_job(const struct sm_producer *producer, const struct sm_value *options)
{
	static const char *const argv[] = { "/proc/self/exe", "worker", NULL };
	static int count;
	struct sm_plan_opts o = { .producer = producer, .options = options };
	struct sm_run_opts run_opts = { .worker_argv = argv };
	struct sm_plan_result planned;
	struct sm_run_result r;
	char path[160];
	int ret;

	sm_worker_main(0, NULL, null_producers);
	snprintf(path, sizeof(path), "%s/null-%d.job", root, count++);
	ret = sm_plan(&planned, path, &o, NULL);
	sm_plan_result_release(&planned);
	if (ret == 0) {
		ret = sm_run(&r, path, &run_opts, NULL);
		sm_run_result_release(&r);
	}
	return ret;
}

/* Its cut() fails in a call without err, which is not forgotten. */
static int
null_cut_call(const char *name)
{
	(void)name;
	assert_int_equal(null_job(&null_cut, NULL), SM_EUSAGE);
	return 0;
}

static int
null_out_call(const char *name)
{
	const struct sm_value options[] = { { "range", "1" }, { 0 } };

	(void)name;
	assert_int_equal(null_job(&null_out, options), SM_EWORK);
	return 0;
}

static int
null_in_call(const char *name)
{
	const struct sm_value options[] = { { "input", items },
					    { "lines", "1" },
					    { 0 } };

	(void)name;
	assert_int_equal(null_job(&null_in, options), 0);
	return 0;
}

static int
null_rows(const char *name, int what)
{
	struct sm_look_batch b;
	struct sm_look_attempt a;
	struct sm_look_run r;
	struct sm_look_failure f;
	struct sm_look *l = NULL;
	int ret = sm_look_open(&l, name, NULL);

	if (ret < 0)
		return ret;
	do {
		switch (what) {
		case 1:
			ret = sm_look_next_batch(&b, l, NULL);
			break;
		case 2:
			ret = sm_look_next_attempt(&a, l, NULL);
			break;
		case 3:
			ret = sm_look_next_run(&r, l, NULL);
			break;
		case 4:
			ret = sm_look_next_failure(&f, l, NULL);
			break;
		}
	} while (ret > 0);
	sm_look_close(l);
	return ret;
}

static int
null_rows_open(const char *name)
{
	return null_rows(name, 0);
}

static int
null_rows_batch(const char *name)
{
	return null_rows(name, 1);
}

static int
null_rows_attempt(const char *name)
{
	return null_rows(name, 2);
}

static int
null_rows_run(const char *name)
{
	return null_rows(name, 3);
}

static int
null_rows_failure(const char *name)
{
	return null_rows(name, 4);
}

/* Of a directory with a job in it too: it tries one of its own. */
static int
null_doctor(const char *name)
{
	struct sm_doctor_opts o = { .network_fs = false };
	struct sm_doctor_result r;

	return sm_doctor(&r, name, &o, NULL);
}

static const struct {
	const char *name;
	int (*call)(const char *name);
} calls[] = {
	{ "sm_option_set", null_option_set },
	{ "sm_cut", null_cut_call },
	{ "sm_in_text", null_in_call },
	{ "sm_in_line", null_in_call },
	{ "sm_out_text", null_out_call },
	{ "sm_out_records", null_out_call },
	{ "sm_out_record_end", null_out_call },
	{ "sm_out_json", null_out_call },
	{ "sm_out_row", null_out_call },
	{ "sm_plan", null_plan },
	{ "sm_dry_run", null_dry_run },
	{ "sm_run", null_run },
	{ "sm_work", null_work },
	{ "sm_status", null_status },
	{ "sm_status_of_batch", null_status_of_batch },
	{ "sm_list", null_list },
	{ "sm_look_open", null_rows_open },
	{ "sm_look_next_batch", null_rows_batch },
	{ "sm_look_next_attempt", null_rows_attempt },
	{ "sm_look_next_run", null_rows_run },
	{ "sm_look_next_failure", null_rows_failure },
	{ "sm_report", null_report },
	{ "sm_try", null_try },
	{ "sm_set", null_set },
	{ "sm_stop_batch", null_stop_batch },
	{ "sm_retry", null_retry },
	{ "sm_finalize", null_finalize },
	{ "sm_verify", null_verify },
	{ "sm_recover", null_recover },
	{ "sm_clean", null_clean },
	{ "sm_cat", null_cat },
	{ "sm_index_open", null_index_open },
	{ "sm_index_next", null_index_next },
	{ "sm_index_next_missing", null_index_next_missing },
	{ "sm_doctor", null_doctor },
};

#define PUBLIC (sizeof(calls) / sizeof(*calls))

/* Those that the header declares with an `err` are those in the table. */
static void
test_null_is_whole(void **state)
{
	static char text[1 << 18];
	char path[512], name[64];
	size_t i, n = 0;
	char *p, *end, *err_last;
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s", __FILE__);
	p = strstr(path, "/tests/unit/");
	assert_non_null(p);
	strcpy(p, "/include/shardmill.h");
	f = fopen(path, "r");
	assert_non_null(f);
	i = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[i] = '\0';
	assert_true(i < sizeof(text) - 1);
	/* Callbacks are the caller's: they are handed one. */
	for (p = text; (p = strstr(p, "\nSM_API ")); p++) {
		end = strchr(p, ';');
		assert_non_null(end);
		err_last = strstr(p, "struct sm_err *err)");
		n += err_last && err_last < end;
	}
	assert_int_equal(n, PUBLIC);
	for (i = 0; i < PUBLIC; i++) {
		snprintf(name, sizeof(name), "%s(", calls[i].name);
		p = strstr(text, "\nSM_API");
		while (p && (p = strstr(p, name)) && p[-1] != ' ' &&
		       p[-1] != '*')
			p++;
		if (!p)
			fail_msg("the header has no %s", name);
	}
}

/* Without a job, over a file that is none, of a planned job, of a done one. */
static void
test_null(void **state)
{
	char none[128];
	size_t i;

	(void)state;
	snprintf(none, sizeof(none), "%s/none/there", root);
	for (i = 0; i < PUBLIC; i++)
		calls[i].call(none);
	for (i = 0; i < PUBLIC; i++)
		calls[i].call(items);
	tree_remove(job);
	for (i = 0; i < PUBLIC; i++)
		calls[i].call(job);
	assert_int_equal(null_plan(none), SM_EINPUT);
	assert_int_equal(null_retry(job), SM_EUSAGE);
	assert_int_equal(null_recover(job), SM_EREFUSED);
	assert_int_equal(null_stop_batch(job), SM_EREFUSED);
	assert_int_equal(null_cat(final), SM_EINPUT);
	assert_int_equal(null_verify(final), 0);
	assert_int_equal(null_status(job), 0);
	assert_int_equal(null_index_next(job), 0);
}

/* Do as a program does that knows of no workers. */
static int
forget(void)
{
	struct sm_run_opts o = { .worker_argv = forgetful_argv };
	struct sm_finalize_opts f = { 0 };
	struct sm_finalize_result made;
	struct sm_run_result r;
	char path[160];
	int said[3];
	FILE *out;

	snprintf(root, sizeof(root), "%s", getenv("PUBLIC_ROOT"));
	snprintf(job, sizeof(job), "%s/nested.job", root);
	snprintf(items, sizeof(items), "%s/items", root);
	snprintf(final, sizeof(final), "%s/nested", root);
	said[0] = plan(NULL);
	said[1] = sm_run(&r, job, &o, &err);
	said[2] = sm_finalize(&made, job, &f, &err);
	snprintf(path, sizeof(path), "%s/said", root);
	out = fopen(path, "w");
	if (!out)
		return 1;
	fprintf(out, "%d %d %d", said[0], said[1], said[2]);
	return fclose(out) ? 1 : 2;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_zeroed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keeps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forgets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_command_unmarked, setup,
						teardown),
		cmocka_unit_test(test_null_is_whole),
		cmocka_unit_test_setup_teardown(test_null, setup, teardown),
	};
	struct sm_work_opts work = { .control_fd = SM_WORKER_FD };

	if (argc > 1 && strcmp(argv[1], "worker") == 0)
		sm_worker_main(argc, argv, null_producers);
	if (argc > 1 && strcmp(argv[1], "work") == 0)
		return sm_work(".", &work, &err) < 0;
	if (argc > 1)
		return forget();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
