/*
 * exec_command.c - what the command of a batch is given
 *
 * The side of the input: arguments with their placeholders replaced, the
 * environment, the lines for its standard input; for workers and for try.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "jsonline.h"

#include "log.h"
#include "program.h"
#include "replace.h"
#include "role.h"

#include "exec_state.h"

#define EXEC_LOGS "logs" /* in the job directory */

/* Variables of a batch, in the order in which they are put. */
enum {
	EXEC_ITEM = 3,
	EXEC_TOKEN = 5,
	EXEC_SLOT,
	EXEC_SERVE,
	EXEC_INPUT,
	EXEC_OUT
};
static const char *const exec_variables[] = {
	"SHARDMILL_BATCH=", "SHARDMILL_FIRST=",   "SHARDMILL_END=",
	"SHARDMILL_ITEM=",  "SHARDMILL_ATTEMPT=", SM_ROLE_TOKEN,
	"SHARDMILL_SLOT=",  "SHARDMILL_SERVE=",   "SHARDMILL_INPUT=",
	"SHARDMILL_OUT=",
};

#define EXEC_VARIABLES (sizeof(exec_variables) / sizeof(*exec_variables))

static bool
exec_is_variable(const char *entry)
{
	size_t i;

	if (sm_role_is_mark(entry))
		return true;
	for (i = 0; i < EXEC_VARIABLES; i++)
		if (strncmp(entry, exec_variables[i],
			    strlen(exec_variables[i])) == 0)
			return true;
	return false;
}

/* Room for envp; the run's own environment is put in place. */
static int
exec_open_lists(struct sm_exec_state *x, struct sm_err *err)
{
	size_t n = 0, i;

	while (environ && environ[n])
		n++;
	x->envp = calloc(n + EXEC_VARIABLES + 1, sizeof(*x->envp));
	if (!x->envp)
		return sm_err_mem(err, "running commands");
	for (i = 0; i < n; i++)
		if (!exec_is_variable(environ[i]))
			x->envp[x->env_base++] = environ[i];
	return 0;
}

static int
exec_open_input(struct sm_exec_state *x, struct sm_err *err)
{
	if (sm_exec_has_lines(x->opts))
		return sm_source_open(&x->source, x->env.tables_dirfd,
				      x->opts->input, err);
	x->null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (x->null_fd < 0)
		return sm_err_sys(err, "cannot open '/dev/null'");
	return 0;
}

/* What a run and a try share. */
static int
exec_state_open(struct sm_exec_state **out, const struct sm_kind_env *env,
		struct sm_err *err)
{
	struct sm_exec_state *x = calloc(1, sizeof(*x));
	int ret;

	if (!x)
		return sm_err_mem(err, "running commands");
	x->env = *env;
	x->opts = env->spec->opts;
	x->null_fd = -1;
	ret = exec_open_lists(x, err);
	if (ret == 0)
		ret = sm_columns_init(&x->columns, sm_exec_columns(x->opts),
				      x->opts->colsep, err);
	if (ret == 0)
		ret = exec_open_input(x, err);
	if (ret == 0)
		ret = sm_command_new(&x->command, err);
	if (ret == 0 &&
	    !(sm_exec_replaces(x->opts) &&
	      sm_replace_has(x->opts->argv[0], sm_exec_columns(x->opts))))
		ret = sm_program_find(&x->path, x->opts->argv[0],
				      x->opts->cwd ? x->opts->cwd : ".", err);
	if (ret < 0) {
		sm_exec_close(x);
		return ret;
	}
	*out = x;
	return 0;
}

static int
exec_open_pace(struct sm_exec_state *x, const struct sm_kind_env *env,
	       struct sm_err *err)
{
	x->pace = (struct sm_pace){ .delay_s = x->opts->delay_s,
				    .load = x->opts->load,
				    .memfree = x->opts->memfree,
				    .stop = env->stop,
				    .drain = env->drain,
				    .stop_fd = env->stop_fd,
				    .waits = env->waits,
				    .arg = env->said_arg };
	return sm_pace_open(&x->pace, env->job_dirfd, err);
}

int
sm_exec_open(void **state, const struct sm_kind_env *env, struct sm_err *err)
{
	struct sm_exec_state *x = NULL;
	int ret;

	ret = exec_state_open(&x, env, err);
	if (ret == 0)
		ret = sm_guard_new(&x->guard, err);
	if (ret == 0 && (x->opts->check & SM_CHECK_JSONL))
		ret = sm_jsonline_new(&x->jsonline, err);
	if (ret == 0)
		ret = exec_open_pace(x, env, err);
	if (ret == 0 && x->opts->serve)
		ret = sm_exec_serve_open(x, env->job_dirfd, err);
	if (ret == 0 && x->opts->keep_logs)
		ret = sm_log_new(&x->log, env->job_dirfd, EXEC_LOGS, err);
	if (ret < 0) {
		sm_exec_close(x);
		return ret;
	}
	*state = x;
	return 0;
}

void
sm_exec_close(void *state)
{
	struct sm_exec_state *x = state;

	if (!x)
		return;
	sm_jsonline_free(x->jsonline);
	sm_log_free(x->log);
	sm_exec_serve_close(x);
	sm_command_free(x->command);
	sm_guard_free(x->guard);
	sm_pace_close(&x->pace);
	sm_source_close(x->source);
	if (x->null_fd >= 0)
		close(x->null_fd);
	sm_buf_release(&x->words);
	sm_buf_release(&x->file.path);
	sm_columns_release(&x->columns);
	free(x->path);
	free(x->argv);
	free(x->envp);
	free(x);
}

/*
 * The value of variable `i`; false if there is none.  A command that lives has
 * the token of the batch for which it is started, the worker's number and the
 * protocol's (1).
 */
static bool
exec_put_variable(struct sm_buf *b, size_t i, const struct sm_exec_state *x,
		  const struct sm_piece *batch)
{
	const int64_t number[EXEC_VARIABLES] = {
		(int64_t)batch->id,
		batch->first,
		batch->end,
		-1,
		batch->attempt,
		batch->token,
		x->env.slot,
		1,
		-1,
		-1,
	};
	const char *const text[EXEC_VARIABLES] = { [EXEC_ITEM] = batch->item,
						   [EXEC_INPUT] = batch->input,
						   [EXEC_OUT] = batch->out };
	bool of_batch = i < EXEC_TOKEN || i == EXEC_INPUT || i == EXEC_OUT;

	if (x->serve ? of_batch : i == EXEC_SERVE)
		return false;
	if (!text[i] && number[i] < 0)
		return false;
	if (i == EXEC_TOKEN && batch->token == 0)
		return false;
	sm_buf_puts(b, exec_variables[i]);
	if (text[i])
		sm_buf_puts(b, text[i]);
	else
		sm_buf_printf(b, "%" PRId64, number[i]);
	sm_buf_putc(b, '\0');
	return true;
}

size_t
sm_exec_words(struct sm_buf *out, const struct sm_exec_opts *opts,
	      const struct sm_replace_by *by)
{
	size_t i;

	if (sm_exec_replaces(opts))
		return sm_replace_words(out, opts->argv, by);
	for (i = 0; opts->argv[i]; i++)
		sm_buf_put(out, opts->argv[i], strlen(opts->argv[i]) + 1);
	return i;
}

/*
 * Fill argv and the end of envp.  All words stand in one buffer, which moves
 * while it grows: the pointers are taken at the end.
 */
static int
exec_set_words(struct sm_exec_state *x, const struct sm_piece *b,
	       struct sm_err *err)
{
	struct sm_replace_by by = { .columns = &x->columns,
				    .slot = x->env.slot };
	size_t i, argc, variables = 0;
	char *p, **argv;
	int ret;

	if (!x->serve)
		by.batch = b;
	ret = sm_columns_split(&x->columns, b->item, err);
	if (ret < 0)
		return ret;
	sm_buf_clear(&x->words);
	argc = sm_exec_words(&x->words, x->opts, &by);
	for (i = 0; i < EXEC_VARIABLES; i++)
		variables += exec_put_variable(&x->words, i, x, b);
	if (sm_buf_failed(&x->words)) {
		sm_buf_release(&x->words);
		return sm_err_mem(err, "a command's arguments");
	}
	argv = realloc(x->argv, (argc + 1) * sizeof(*argv));
	if (!argv)
		return sm_err_mem(err, "a command's arguments");
	x->argv = argv;
	argv[argc] = NULL;
	p = x->words.data;
	for (i = 0; i < argc; i++, p += strlen(p) + 1)
		x->argv[i] = p;
	for (i = 0; i < variables; i++, p += strlen(p) + 1)
		x->envp[x->env_base + i] = p;
	x->envp[x->env_base + variables] = NULL;
	return 0;
}

static int
exec_next_lines(const char **text, size_t *len, void *arg, struct sm_err *err)
{
	struct sm_exec_state *x = arg;

	return sm_source_next(text, len, x->source, err);
}

static int
exec_begin_lines(struct sm_exec_state *x, struct sm_command_opts *o,
		 const struct sm_piece *b, struct sm_err *err)
{
	if (b->first_byte < 0 || b->end_byte < b->first_byte)
		return sm_err_set(err, SM_EDAMAGED,
				  "batch %" PRIu64 " does not say which bytes "
				  "of the input are its own",
				  b->id);
	o->in = exec_next_lines;
	return sm_source_begin(&o->in_bytes, x->source, (uint64_t)b->first_byte,
			       (uint64_t)b->end_byte, err);
}

int
sm_exec_command(struct sm_command_end *end, struct sm_exec_state *x,
		struct sm_command_opts *o, const struct sm_piece *b,
		struct sm_err *err)
{
	const char *cwd = x->opts->cwd;
	struct sm_piece named = *b;
	char *found = NULL;
	int ret;

	*end = (struct sm_command_end){ .exit_status = -1, .signal = -1 };
	if (x->source) {
		ret = exec_begin_lines(x, o, b, err);
		if (ret < 0)
			return ret;
		named.input = sm_source_path(x->source);
	}
	if (x->opts->to)
		named.out = x->file.path.data;
	ret = exec_set_words(x, &named, err);
	if (ret < 0)
		return ret;
	if (!x->path) {
		ret = sm_program_find(&found, x->argv[0], cwd ? cwd : ".", err);
		if (ret < 0)
			return ret;
	}
	o->path = x->path ? x->path : found;
	o->argv = x->argv;
	o->envp = x->envp;
	o->cwd = cwd;
	o->in_fd = x->null_fd;
	o->arg = x;
	o->memory = x->opts->memory;
	o->timeout_s = x->opts->timeout_s;
	o->term_ms = (uint64_t)(x->opts->grace_s * 1000) + 1;
	o->stop = x->env.stop;
	o->stop_fd = x->env.stop_fd;
	if (!o->foreground) {
		o->group[0] = x->env.command;
		o->group[1] = sm_guard_group(x->guard);
	}
	if (x->serve)
		ret = sm_exec_ask(end, x, o, b, err);
	else
		ret = sm_command_run(end, x->command, o, err);
	free(found);
	return ret;
}

/* `try` of a job of files: in a directory of its own, which stays. */
static int
exec_try_file(struct sm_exec_state *x, const struct sm_piece *b,
	      struct sm_err *err)
{
	const char *tmp = getenv("TMPDIR");
	char name[SM_SHARD_FILE_MAX];

	sm_buf_printf(&x->file.path, "%s/shardmill-try.XXXXXX",
		      tmp && *tmp == '/' ? tmp : "/tmp");
	if (sm_buf_failed(&x->file.path))
		return sm_err_mem(err, "a path");
	if (!mkdtemp(x->file.path.data))
		return sm_err_sys(err, "cannot make the directory '%s'",
				  x->file.path.data);
	sm_shard_file_name(name, b->id, sm_shard_digits(x->env.spec->batches),
			   x->opts->suffix ? x->opts->suffix : "");
	sm_buf_printf(&x->file.path, "/%s", name);
	return sm_buf_failed(&x->file.path) ? sm_err_mem(err, "a path") : 0;
}

/* Says where the file is. */
static void
exec_try_tell(const struct sm_exec_state *x)
{
	if (access(x->file.path.data, F_OK) == 0) {
		dprintf(STDERR_FILENO, "the file is '%s'\n", x->file.path.data);
		return;
	}
	dprintf(STDERR_FILENO, "no file was made\n");
	*strrchr(x->file.path.data, '/') = '\0';
	rmdir(x->file.path.data);
}

/* The output of a living command comes through us. */
static int
exec_try_out(const void *data, size_t len, void *arg, struct sm_err *err)
{
	(void)arg;
	if (sm_write_all(STDOUT_FILENO, data, len) < 0)
		return sm_err_sys(err, "cannot write to standard output");
	return 0;
}

int
sm_exec_try(const struct sm_kind_env *env, const struct sm_piece *b,
	    int *exit_status, struct sm_err *err)
{
	struct sm_command_opts o = { .foreground = true };
	struct sm_exec_state *x = NULL;
	struct sm_command_end end;
	int ret;

	ret = exec_state_open(&x, env, err);
	if (ret == 0 && x->opts->serve) {
		o.out = exec_try_out;
		ret = sm_exec_serve_open(x, -1, err);
	}
	if (ret == 0 && x->opts->to)
		ret = exec_try_file(x, b, err);
	if (ret == 0)
		ret = sm_exec_command(&end, x, &o, b, err);
	if (ret == 0 && x->opts->to)
		exec_try_tell(x);
	if (ret == 0 && end.signal >= 0)
		*exit_status = 128 + end.signal;
	else if (ret == 0 && end.exit_status >= 0)
		*exit_status = end.exit_status;
	else if (ret == 0)
		*exit_status = 0; /* it lives, and has answered */
	sm_exec_close(x);
	return ret;
}
