/* The exec job: options, cuts, arguments, environment, shards, outcomes. */
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "exec.h"
#include "items.h"
#include "option.h"

#include "input_file.h"

#define BATCHES_MAX 64

static struct sm_exec_opts opts;
static const char *lines_path; /* --input */
static const char *lines_list[2];
static struct sm_spec *spec;
static struct sm_err err;
static struct sm_piece batch[BATCHES_MAX];
static char item[BATCHES_MAX][64];
static struct sm_kind_cut cut;
static struct sm_made outcome;
static struct sm_sizes shard_info;
static struct sm_buf text, notices;
static struct sm_out *out;
static void *worker;

static int
set_up(void **state)
{
	(void)state;
	opts = (struct sm_exec_opts){ 0 };
	lines_path = NULL;
	sm_options_init(sm_exec_info.options, &opts);
	memset(&err, 0, sizeof(err));
	sm_buf_clear(&notices);
	sm_buf_puts(&notices, "");
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sm_exec_close(worker);
	worker = NULL;
	sm_out_free(out);
	out = NULL;
	sm_spec_free(spec);
	spec = NULL;
	sm_buf_release(&outcome.stderr_tail);
	return 0;
}

static int
clean_up(void **state)
{
	sm_buf_release(&text);
	sm_buf_release(&notices);
	return input_cleanup(state);
}

static int
take_batch(const struct sm_piece *b, void *arg, struct sm_err *e)
{
	(void)arg;
	(void)e;
	assert_true(b->id < BATCHES_MAX);
	batch[b->id] = *b;
	if (b->item) {
		snprintf(item[b->id], sizeof(item[b->id]), "%s", b->item);
		batch[b->id].item = item[b->id];
	}
	return 0;
}

static void
take_notice(const char *line, void *arg)
{
	(void)arg;
	sm_buf_printf(&notices, "%s\n", line);
}

/* Plan with the options and the command; the first error, or 0. */
static int
plan(const char *const *argv)
{
	static const struct sm_events events = { .notice = take_notice };
	struct sm_exec_opts *o;
	int ret;

	sm_spec_free(spec);
	assert_int_equal(sm_spec_new(&spec, &sm_exec_info, NULL, argv, &err),
			 0);
	o = spec->opts;
	argv = o->argv;
	*o = opts;
	o->argv = argv;
	if (lines_path) {
		lines_list[0] = lines_path;
		o->input = lines_list;
	}
	ret = sm_kind_exec.check(o, &err);
	if (ret == 0)
		ret = sm_kind_exec.settle(spec, &err);
	if (ret < 0)
		return ret;
	cut = (struct sm_kind_cut){
		.spec = spec,
		.tables_dirfd = input_dir(),
		.emit = take_batch,
		.events = &events,
	};
	ret = sm_kind_exec.cut(&cut, &err);
	spec->batches = cut.batches;
	return ret;
}

#define PLAN(...) plan((const char *const[]){ __VA_ARGS__, NULL })

static void
read_shard(void)
{
	char chunk[4096];
	gzFile gz = gzopen(input_path("000000.gz"), "rb");
	int n;

	assert_non_null(gz);
	sm_buf_clear(&text);
	sm_buf_puts(&text, "");
	while ((n = gzread(gz, chunk, sizeof(chunk))) > 0)
		sm_buf_put(&text, chunk, (size_t)n);
	assert_int_equal(n, 0);
	assert_int_equal(gzclose(gz), Z_OK);
}

/* Make batch `b` as a worker does; its text is then in `text`. */
static int
make(const struct sm_piece *b)
{
	struct sm_kind_env env = { .spec = spec,
				   .job_dirfd = input_dir(),
				   .tables_dirfd = input_dir(),
				   .stop_fd = -1 };
	struct sm_entry e = { 0 };
	struct sm_shard *shard = NULL;
	int ret = 0;

	if (!worker)
		ret = sm_kind_exec.open(&worker, &env, &err);
	if (ret < 0)
		return ret;
	/* What was on this stack is not to be relied on. */
	memset(&env, 0xff, sizeof(env));
	sm_buf_release(&outcome.stderr_tail);
	outcome = (struct sm_made){ .exit_status = -1, .signal = -1 };
	unlink(input_path("000000.gz"));
	assert_int_equal(sm_shard_open(&shard, input_dir(), 0, 6, 7, &err), 0);
	if (!out)
		assert_int_equal(sm_out_new(&out, NULL, &err), 0);
	sm_out_begin(out, shard, &outcome);
	ret = sm_kind_exec.produce(worker, b, out, &err);
	if (ret == 0)
		ret = sm_out_end(out, &err);
	if (ret == 0) {
		assert_int_equal(sm_shard_finish(&e, shard, false, &err), 0);
		shard_info = e.sizes;
		assert_int_equal(sm_shard_publish(shard, &err), 0);
	}
	sm_shard_free(shard);
	if (ret == 0)
		read_shard();
	return ret;
}

static int
make_first(void)
{
	struct sm_piece b = batch[0];

	b.attempt = 1;
	return make(&b);
}

/* ------------------------------------------------------------- planning -- */

static void
test_check(void **state)
{
	(void)state;
	assert_int_equal(PLAN("true"), SM_EUSAGE); /* no source */
	opts.has_range = true;
	opts.range = 3;
	opts.items = "x";
	assert_int_equal(PLAN("true"), SM_EUSAGE); /* two */
	opts.items = NULL;
	lines_path = "x";
	assert_int_equal(PLAN("true"), SM_EUSAGE);
	lines_path = NULL;
	opts.nul = true;
	assert_int_equal(PLAN("true"), SM_EUSAGE);
	opts.nul = false;
	assert_int_equal(plan((const char *const[]){ NULL }), SM_EUSAGE);
	assert_int_equal(PLAN(""), SM_EUSAGE);
	opts.range = UINT64_C(1) << 40;
	assert_int_equal(PLAN("true"), SM_EUSAGE);
	opts.range = 3;
	assert_int_equal(PLAN("no-such-command-here"), SM_ENOTFOUND);
	assert_int_equal(PLAN("/etc/passwd"), SM_ENOTFOUND);
	opts.cwd = "/none";
	assert_int_equal(PLAN("true"), SM_ENOTFOUND);

	opts = (struct sm_exec_opts){ 0 };
	sm_options_init(sm_exec_info.options, &opts);
	opts.lines = 5;
	assert_int_equal(PLAN("true"), SM_EUSAGE); /* --input */
	opts.lines = 0;
	opts.bytes = 5;
	lines_path = "x";
	opts.replace = 1;
	assert_int_equal(PLAN("echo", "{first}"), SM_EUSAGE);
}

static void
test_range(void **state)
{
	char *first;

	(void)state;
	opts.has_range = true;
	opts.range = 10;
	opts.size = 4;
	assert_int_equal(PLAN("seq", "{first}", "{last}"), 0);
	assert_int_equal(cut.batches, 3);
	assert_int_equal(cut.rows, 10);
	assert_int_equal(batch[2].first, 8);
	assert_int_equal(batch[2].end, 10);
	assert_int_equal(batch[2].first_byte, -1);
	assert_null(batch[2].item);
	first = sm_kind_exec.describe(spec, &batch[0]);
	assert_string_equal(first, "seq 0 3");
	free(first);
	assert_int_equal(make(&batch[2]), 0);
	assert_string_equal(text.data, "8\n9\n");
	assert_int_equal(outcome.counts.rows, 2);
	assert_int_equal(outcome.counts.records, 2);
	assert_int_equal(outcome.exit_status, 0);
	assert_int_equal(shard_info.raw_bytes, 4);
}

static void
test_range_empty(void **state)
{
	(void)state;
	opts.has_range = true;
	assert_int_equal(PLAN("true"), 0);
	assert_int_equal(cut.batches, 0);
}

static void
test_lines(void **state)
{
	char path[512], *first;

	(void)state;
	snprintf(path, sizeof(path), "%s",
		 input_file("in.txt", "one\ntwo\r\nthree\nfour\nfive", 24));
	lines_path = path;
	opts.lines = 2;
	assert_int_equal(PLAN("sed", "s/^/{first} /"), 0);
	assert_int_equal(cut.batches, 3);
	assert_int_equal(cut.rows, 5);
	first = sm_kind_exec.describe(spec, &batch[0]);
	assert_string_equal(first, "sed 's/^/{first} /'");
	free(first);
	assert_int_equal(make(&batch[0]), 0);
	/* A program's own braces are left alone. */
	assert_string_equal(text.data, "{first} one\n{first} two\r\n");
	assert_int_equal(make(&batch[2]), 0);
	assert_string_equal(text.data, "{first} five");
	assert_int_equal(outcome.counts.rows, 1);
	assert_int_equal(outcome.counts.records, 1);
}

static void
test_lines_replaced(void **state)
{
	char path[512];

	(void)state;
	snprintf(path, sizeof(path), "%s",
		 input_file("in.txt", "a\nb\nc\n", 6));
	lines_path = path;
	opts.lines = 2;
	opts.replace = 1;
	assert_int_equal(PLAN("echo", "{first}-{last} {}"), 0);
	assert_int_equal(make(&batch[1]), 0);
	assert_string_equal(text.data, "2-2 {}\n");
}

static void
test_bytes(void **state)
{
	char path[512];

	(void)state;
	snprintf(path, sizeof(path), "%s",
		 input_file("in.txt", "one\ntwo\nthree\nfour", 18));
	lines_path = path;
	opts.bytes = 5;
	assert_int_equal(
		PLAN("sh", "-c", "head -n 1; echo ${SHARDMILL_FIRST-none}"), 0);
	assert_int_equal(cut.batches, 3);
	assert_int_equal(batch[0].first, -1);
	assert_int_equal(make(&batch[0]), 0);
	assert_string_equal(text.data, "one\nnone\n");
	assert_int_equal(outcome.counts.rows, 2); /* read or not */
	assert_int_equal(make(&batch[2]), 0);
	assert_int_equal(outcome.counts.rows, 1);
}

static void
test_lines_shrunk(void **state)
{
	char path[512];

	(void)state;
	snprintf(path, sizeof(path), "%s",
		 input_file("in.txt", "a\nb\nc\n", 6));
	lines_path = path;
	opts.lines = 2;
	assert_int_equal(PLAN("cat"), 0);
	assert_int_equal(truncate(path, 5), 0);
	assert_int_equal(make(&batch[0]), 0);
	assert_int_equal(make(&batch[1]), SM_EREFUSED);
	input_file("in.txt", "a\nb\nc\nd\n", 8);
	assert_int_equal(make(&batch[1]), 0);
	assert_string_equal(text.data, "c\n");
}

static void
test_compressed(void **state)
{
	char path[512];

	(void)state;
	snprintf(path, sizeof(path), "%s",
		 input_file("in.txt", "\x1f\x8b\x08\0......\7.................",
			    28));
	lines_path = path;
	opts.lines = 2;
	assert_int_equal(PLAN("cat"), SM_EINPUT);
	assert_non_null(strstr(err.text, "is damaged: it does not"));
	tear_down(NULL);
	input_file("in.txt", "BZh is no magic\n", 16);
	assert_int_equal(PLAN("cat"), 0);
}

static void
test_items(void **state)
{
	char path[512];

	(void)state;
	snprintf(path, sizeof(path), "%s",
		 input_file("list", "a b\n\n$(id) {first}\nlast", 23));
	opts.items = path;
	assert_int_equal(
		PLAN("printf", "%s|", "{}", "x{item}", "{first}{batch}{rows}"),
		0);
	assert_int_equal(cut.batches, 3);
	assert_string_equal(notices.data, "1 empty item left out\n");
	assert_int_equal(make(&batch[1]), 0);
	assert_string_equal(text.data, "$(id) {first}|x$(id) {first}|111|");
	assert_int_equal(outcome.counts.rows, 1);
}

/* What was compiled before is not read a second time, and digests alike. */
static void
test_items_stored(void **state)
{
	struct sm_digest kept, again;
	char path[512];

	(void)state;
	snprintf(path, sizeof(path), "%s", input_file("list", "x\ny\n", 4));
	opts.items = path;
	assert_int_equal(PLAN("true"), 0);
	assert_int_equal(cut.batches, 2);
	assert_int_equal(sm_exec_digest(&kept, "items", cut.tables_dirfd, &err),
			 0);
	assert_int_equal(kept.size, 4);
	unlink(path);
	cut.compiled = true;
	cut.batches = 0;
	assert_int_equal(sm_kind_exec.cut(&cut, &err), 0);
	assert_int_equal(cut.batches, 2);
	assert_string_equal(batch[1].item, "y");
	input_file("list", "x\n\ny", 4);
	assert_int_equal(
		sm_exec_keep(cut.spec, cut.tables_dirfd, -1, cut.events, &err),
		0);
	assert_int_equal(
		sm_exec_digest(&again, "items", cut.tables_dirfd, &err), 0);
	assert_memory_equal(&again, &kept, sizeof(kept));
}

/* The item is the program. */
static void
test_item_program(void **state)
{
	char path[512];

	(void)state;
	snprintf(path, sizeof(path), "%s",
		 input_file("list", "echo\nno-such-command-here\n", 26));
	opts.items = path;
	assert_int_equal(PLAN("{}", "x"), 0);
	assert_int_equal(make(&batch[0]), 0);
	assert_string_equal(text.data, "x\n");
	assert_int_equal(make(&batch[1]), SM_ENOTFOUND);
}

/* ------------------------------------------------------------- attempts -- */

static int
script(const char *line)
{
	tear_down(NULL);
	opts.has_range = true;
	opts.range = 5;
	opts.size = 5;
	assert_int_equal(PLAN("sh", "-c", line), 0);
	return make_first();
}

static void
test_environment(void **state)
{
	char path[512];

	(void)state;
	setenv("SHARDMILL_ITEM", "stale", 1);
	setenv("SHARDMILL_BATCH", "stale", 1);
	setenv("OF_THE_RUN", "yes", 1);
	assert_int_equal(script("env | grep -E '^(SHARDMILL|OF_THE)' | sort; "
				"env | grep -c ^PATH="),
			 0);
	assert_string_equal(text.data, "OF_THE_RUN=yes\nSHARDMILL_ATTEMPT=1\n"
				       "SHARDMILL_BATCH=0\nSHARDMILL_END=5\n"
				       "SHARDMILL_FIRST=0\nSHARDMILL_SLOT=0\n"
				       "1\n");

	tear_down(NULL);
	snprintf(path, sizeof(path), "%s", input_file("list", "an item\n", 8));
	opts = (struct sm_exec_opts){ 0 };
	sm_options_init(sm_exec_info.options, &opts);
	opts.items = path;
	assert_int_equal(PLAN("sh", "-c", "env | grep ^SHARDMILL_I"), 0);
	assert_int_equal(make_first(), 0);
	assert_string_equal(text.data, "SHARDMILL_ITEM=an item\n");

	unsetenv("SHARDMILL_ITEM");
	unsetenv("SHARDMILL_BATCH");
}

static void
test_working_directory(void **state)
{
	(void)state;
	opts.cwd = "/usr";
	assert_int_equal(script("pwd"), 0);
	assert_string_equal(text.data, "/usr\n");
}

static void
test_exit_status(void **state)
{
	(void)state;
	assert_int_equal(script(":"), 0);
	assert_int_equal(text.len, 0);
	assert_int_equal(outcome.counts.records, 0);
	assert_int_equal(outcome.counts.rows, 5);

	assert_int_equal(script("echo all of it; echo why >&2; exit 3"),
			 SM_ECOMMAND);
	assert_string_equal(err.text, "the command exited with status 3: why");
	assert_int_equal(outcome.exit_status, 3);
	assert_int_equal(outcome.signal, -1);
	assert_string_equal(outcome.stderr_tail.data, "why\n");

	assert_int_equal(script("kill -TERM $$"), SM_ESIGNAL);
	assert_string_equal(err.text, "the command was killed by SIGTERM");
	assert_int_equal(outcome.signal, SIGTERM);
	assert_int_equal(outcome.exit_status, -1);

	/* After a failure the next one starts clean. */
	assert_int_equal(make(&batch[0]), SM_ESIGNAL);
	opts.timeout_s = 0.2;
	assert_int_equal(script("exec sleep 60"), SM_ETIMEOUT);
	assert_int_equal(outcome.signal, SIGTERM);
}

static void
test_attempts_differ(void **state)
{
	struct sm_piece b;

	(void)state;
	assert_int_equal(script("echo $SHARDMILL_ATTEMPT; "
				"test $SHARDMILL_ATTEMPT = 2"),
			 SM_ECOMMAND);
	b = batch[0];
	b.attempt = 2;
	assert_int_equal(make(&b), 0);
	assert_string_equal(text.data, "2\n");
	assert_int_equal(outcome.counts.records, 1);
}

static void
test_stderr_tail(void **state)
{
	(void)state;
	assert_int_equal(script("seq 100000 >&2; exit 1"), SM_ECOMMAND);
	assert_int_equal(outcome.stderr_tail.len, SM_KIND_STDERR_MAX);
	assert_string_equal(outcome.stderr_tail.data + SM_KIND_STDERR_MAX - 14,
			    "\n99999\n100000\n");
	assert_non_null(strstr(err.text, "status 1: 100000"));
	/* By bytes, in many small writes. */
	assert_int_equal(script("for i in $(seq 2000); do echo $i >&2; done"),
			 0);
	assert_true(strstr(outcome.stderr_tail.data, "\n1999\n2000\n"));
	assert_int_equal(outcome.stderr_tail.len, SM_KIND_STDERR_MAX);
	/* A character cut in two is left out. */
	assert_int_equal(script("printf x >&2; "
				"for i in $(seq 3000); do printf '\303\244'; "
				"done >&2; printf y >&2"),
			 0);
	assert_int_equal(outcome.stderr_tail.len, SM_KIND_STDERR_MAX - 1);
	assert_int_equal((unsigned char)outcome.stderr_tail.data[0], 0xc3);
}

static void
test_too_big(void **state)
{
	(void)state;
	opts.max_shard_bytes = 1000;
	assert_int_equal(script("head -c 1000 /dev/zero"), 0);
	assert_int_equal(script("head -c 1001 /dev/zero"), SM_ETOOBIG);
	assert_int_equal(script("yes"), SM_ETOOBIG);
	assert_non_null(strstr(err.text, "1000 bytes"));
}

static void
test_jsonl(void **state)
{
	(void)state;
	opts.check = SM_CHECK_JSONL;
	assert_int_equal(script("echo '{}'; printf '[1]'"), 0);
	assert_int_equal(outcome.counts.records, 2);
	assert_string_equal(text.data, "{}\n[1]\n");
	assert_false(outcome.open_line);
	assert_int_equal(script(":"), 0);
	assert_int_equal(text.len, 0);
	assert_int_equal(script("echo '{}'; echo oops; echo '{}'"), SM_EOUTPUT);
	assert_non_null(strstr(err.text, "line 2 "));
	assert_int_equal(script("echo '{}'; printf '{'"), SM_EOUTPUT);
	assert_non_null(strstr(err.text, "line 2 "));
}

static void
test_nonempty(void **state)
{
	(void)state;
	assert_int_equal(script("printf 'no newline'"), 0);
	assert_true(outcome.open_line);
	assert_string_equal(text.data, "no newline");
	opts.check = SM_CHECK_NONEMPTY;
	assert_int_equal(script("echo"), 0);
	assert_false(outcome.open_line);
	assert_int_equal(script("echo lost >&2"), SM_EOUTPUT);
	assert_non_null(strstr(err.text, "printed nothing"));
	opts.check |= SM_CHECK_JSONL;
	assert_int_equal(script(":"), SM_EOUTPUT);
	assert_int_equal(script("echo {"), SM_EOUTPUT);
	assert_int_equal(script("echo {}"), 0);
}

static void
test_big_output(void **state)
{
	(void)state;
	assert_int_equal(script("seq 300000"), 0);
	assert_int_equal(outcome.counts.records, 300000);
	assert_int_equal(text.len, 1988895);
	assert_string_equal(text.data + text.len - 14, "299999\n300000\n");
}

static uint64_t
log_bytes(const char *name)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "logs/%s", name);
	return stat(input_path(path), &st) < 0 ? UINT64_MAX
					       : (uint64_t)st.st_size;
}

static void
test_logs(void **state)
{
	struct sm_piece b;

	(void)state;
	opts.keep_logs = true;
	assert_int_equal(script("test $SHARDMILL_ATTEMPT = 3 || "
				"head -c ${SHARDMILL_ATTEMPT}0000000 /dev/zero"
				" >&2"),
			 0);
	assert_int_equal(log_bytes("000000.1.log"), 10000000);
	b = batch[0];
	b.attempt = 2;
	assert_int_equal(make(&b), 0);
	assert_int_equal(log_bytes("000000.2.log"), 16 << 20);
	b.attempt = 3;
	assert_int_equal(make(&b), 0);
	assert_int_equal(log_bytes("000000.3.log"), UINT64_MAX);
	unlink(input_path("logs/000000.1.log"));
	unlink(input_path("logs/000000.2.log"));
	rmdir(input_path("logs"));
}

static void
test_left_behind(void **state)
{
	(void)state;
	assert_int_equal(script("sleep 60 & echo x"), SM_ECOMMAND);
	assert_non_null(strstr(err.text, "left behind"));
	assert_int_equal(script("sleep 60 >/dev/null & echo x"), 0);
	assert_string_equal(text.data, "x\n");
	assert_non_null(strstr(outcome.stderr_tail.data, "left behind"));
}

static void
test_stop(void **state)
{
	static atomic_bool stop = true;
	struct sm_kind_env env = { .job_dirfd = input_dir(),
				   .tables_dirfd = input_dir(),
				   .stop = &stop,
				   .stop_fd = -1 };

	(void)state;
	assert_int_equal(script(":"), 0);
	sm_exec_close(worker);
	worker = NULL;
	env.spec = spec;
	assert_int_equal(sm_kind_exec.open(&worker, &env, &err), 0);
	tear_down(NULL);
	opts.has_range = true;
	assert_int_equal(PLAN("sleep", "60"), 0);
	env.spec = spec;
	assert_int_equal(sm_kind_exec.open(&worker, &env, &err), 0);
	assert_int_equal(make_first(), SM_ESTOPPED);
}

/* In the foreground: output and errors are the caller's own. */
static void
test_try(void **state)
{
	struct sm_kind_env env = { .job_dirfd = input_dir(),
				   .tables_dirfd = input_dir(),
				   .stop_fd = -1 };
	char path[512], got[64] = "";
	int status = -1, saved, fd;

	(void)state;
	snprintf(path, sizeof(path), "%s",
		 input_file("in.txt", "a\nb\nc\n", 6));
	lines_path = path;
	opts.lines = 2;
	assert_int_equal(PLAN("sh", "-c", "cat; echo $SHARDMILL_FIRST; exit 5"),
			 0);
	env.spec = spec;
	fflush(stdout);
	saved = dup(1);
	fd = open(input_path("said"), O_RDWR | O_CREAT | O_TRUNC, 0666);
	dup2(fd, 1);
	assert_int_equal(sm_exec_try(&env, &batch[1], &status, &err), 0);
	dup2(saved, 1);
	close(saved);
	assert_int_equal(status, 5);
	assert_true(pread(fd, got, sizeof(got) - 1, 0) > 0);
	assert_string_equal(got, "c\n2\n");
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_check),
		TEST(test_range),
		TEST(test_range_empty),
		TEST(test_lines),
		TEST(test_lines_replaced),
		TEST(test_bytes),
		TEST(test_lines_shrunk),
		TEST(test_compressed),
		TEST(test_items),
		TEST(test_items_stored),
		TEST(test_item_program),
		TEST(test_environment),
		TEST(test_working_directory),
		TEST(test_exit_status),
		TEST(test_attempts_differ),
		TEST(test_stderr_tail),
		TEST(test_too_big),
		TEST(test_jsonl),
		TEST(test_nonempty),
		TEST(test_big_output),
		TEST(test_logs),
		TEST(test_left_behind),
		TEST(test_stop),
		TEST(test_try),
	};

	return cmocka_run_group_tests(tests, NULL, clean_up);
}
