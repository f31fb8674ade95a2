/*
 * exec_serve.c - what a command that lives over batches is asked
 *
 * The request of a batch, a line of JSON, and the names of its pipes.  How the
 * command is talked to is command/serve.c's.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "jsontext.h"

#include "exec_state.h"

/* Where the job is today.  Only its owner's processes may open the pipes. */
static int
serve_pipes_of_job(struct sm_exec_state *x, int job_dirfd, struct sm_err *err)
{
	char proc[64];
	struct sm_buf path = { 0 };
	char *job;

	if (mkdirat(job_dirfd, SM_KIND_PIPES, 0700) < 0 && errno != EEXIST)
		return sm_err_sys(err,
				  "cannot make the directory '%s' for "
				  "named pipes",
				  SM_KIND_PIPES);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", job_dirfd);
	job = sm_path_real(proc, err);
	if (!job)
		return SM_EIO;
	sm_buf_printf(&path, "%s/" SM_KIND_PIPES, job);
	free(job);
	x->pipes = sm_buf_steal(&path);
	return x->pipes ? 0 : sm_err_mem(err, "running commands");
}

/* `try` writes nothing into the job. */
static int
serve_pipes_of_own(struct sm_exec_state *x, struct sm_err *err)
{
	const char *tmp = getenv("TMPDIR");
	struct sm_buf path = { 0 };

	sm_buf_printf(&path, "%s/shardmill-try.XXXXXX",
		      tmp && *tmp == '/' ? tmp : "/tmp");
	x->pipes = sm_buf_steal(&path);
	if (!x->pipes)
		return sm_err_mem(err, "running commands");
	if (!mkdtemp(x->pipes))
		return sm_err_sys(err, "cannot make the directory '%s'",
				  x->pipes);
	x->own_pipes = true;
	return 0;
}

int
sm_exec_serve_open(struct sm_exec_state *x, int job_dirfd, struct sm_err *err)
{
	int ret;

	if (job_dirfd >= 0)
		ret = serve_pipes_of_job(x, job_dirfd, err);
	else
		ret = serve_pipes_of_own(x, err);
	if (ret == 0)
		ret = sm_serve_new(&x->serve, err);
	return ret;
}

void
sm_exec_rest(void *state)
{
	struct sm_exec_state *x = state;

	sm_serve_rest(x->serve);
}

void
sm_exec_serve_close(struct sm_exec_state *x)
{
	sm_serve_free(x->serve);
	if (x->own_pipes)
		rmdir(x->pipes);
	free(x->pipes);
	sm_buf_release(&x->request);
	sm_buf_release(&x->in_path);
	sm_buf_release(&x->out_path);
}

/*
 * A JSON string.  Bytes that are no UTF-8, which names of files may hold, are
 * the lone surrogates that Python's os.fsencode() makes bytes of again.
 */
static void
serve_put_text(struct sm_buf *b, const char *s)
{
	size_t len = strlen(s), n;
	struct sm_buf part = { 0 };
	ssize_t bad;

	sm_buf_putc(b, '"');
	while (len > 0) {
		sm_buf_clear(&part);
		n = len;
		bad = sm_jsontext_put(&part, s, n);
		if (bad >= 0) {
			n = (size_t)bad;
			sm_jsontext_put(&part, s, n);
		}
		if (sm_buf_failed(&part)) {
			b->failed = true;
			break;
		}
		sm_buf_put(b, part.data + 1, part.len - 2); /* its quotes */
		if (bad >= 0)
			sm_buf_printf(b, "\\udc%02x", (unsigned char)s[n++]);
		s += n;
		len -= n;
	}
	sm_buf_putc(b, '"');
	sm_buf_release(&part);
}

static void
serve_put_number(struct sm_buf *b, const char *name, int64_t n)
{
	if (n < 0)
		sm_buf_printf(b, ", \"%s\": null", name);
	else
		sm_buf_printf(b, ", \"%s\": %" PRId64, name, n);
}

/* NULL: null. */
static void
serve_put_string(struct sm_buf *b, const char *name, const char *s)
{
	sm_buf_printf(b, ", \"%s\": ", name);
	if (s)
		serve_put_text(b, s);
	else
		sm_buf_puts(b, "null");
}

/*
 * "<pipes>/000017.<token>.out", after the shard being made: the token is the
 * claim's, so that no other attempt ever has a pipe of that name, and a process
 * that comes late with it finds nobody.
 */
static void
serve_put_path(struct sm_buf *b, const struct sm_exec_state *x, const char *end)
{
	const char *stem = "try.tmp";

	if (x->out)
		stem = sm_shard_tmp(sm_out_shard(x->out));
	sm_buf_clear(b);
	sm_buf_printf(b, "%s/%.*s%s", x->pipes,
		      (int)(strlen(stem) - strlen(".tmp")), stem, end);
}

static int
serve_rewind(void *arg, struct sm_err *err)
{
	struct sm_exec_state *x = arg;
	uint64_t bytes;

	return sm_source_begin(&bytes, x->source,
			       (uint64_t)x->piece->first_byte,
			       (uint64_t)x->piece->end_byte, err);
}

int
sm_exec_ask(struct sm_command_end *end, struct sm_exec_state *x,
	    const struct sm_command_opts *o, const struct sm_piece *b,
	    struct sm_err *err)
{
	struct sm_buf *r = &x->request;
	struct sm_serve_ask ask = {
		.rewind = serve_rewind,
		.start_timeout_s = x->opts->start_timeout_s,
		.recycle = x->opts->recycle,
	};
	const char *input = NULL;

	x->piece = b;
	serve_put_path(&x->in_path, x, ".in");
	if (!x->opts->to && !x->opts->no_output) {
		serve_put_path(&x->out_path, x, ".out");
		ask.out_path = x->out_path.data;
	}
	if (o->in && o->in_bytes > 0)
		input = ask.in_path = x->in_path.data;
	else if (o->in)
		input = "/dev/null";
	sm_buf_clear(r);
	sm_buf_printf(r, "{\"batch\": %" PRIu64, b->id);
	serve_put_number(r, "first", b->first);
	serve_put_number(r, "end", b->end);
	serve_put_number(r, "attempt", b->attempt);
	serve_put_number(r, "slot", x->env.slot);
	serve_put_string(r, "item", b->item);
	serve_put_string(r, "input", input);
	serve_put_string(r, "output", ask.out_path);
	if (x->opts->to)
		serve_put_string(r, "out", x->file.path.data);
	sm_buf_puts(r, "}\n");
	if (sm_buf_failed(r) || sm_buf_failed(&x->out_path) ||
	    sm_buf_failed(&x->in_path)) {
		sm_buf_release(r);
		return sm_err_mem(err, "a command's request");
	}
	ask.line = r->data;
	ask.len = r->len;
	return sm_serve_batch(end, x->serve, o, &ask, err);
}
