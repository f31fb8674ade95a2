/*
 * exec_produce.c - run a batch's command, and make its output a shard
 *
 * The side of the output: it is compressed as it comes, counted, checked if
 * that was asked for, and dropped if the command fails.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "libc.h"

#include "jsonline.h"

#include "log.h"

#include "exec_state.h"

#define EXEC_LINE_MAX 300 /* of stderr's last line in a message */

/* Move `*p` past what is of the output's header. */
static void
exec_pass_header(struct sm_exec_state *x, const char **p, const char *end)
{
	const char *newline;

	while (x->header_left > 0 && *p < end) {
		newline = memchr(*p, '\n', (size_t)(end - *p));
		x->header_left -= newline != NULL;
		*p = newline ? newline + 1 : end;
	}
}

static int
exec_take_output(const void *data, size_t len, void *arg, struct sm_err *err)
{
	struct sm_exec_state *x = arg;
	uint64_t max = x->opts->max_shard_bytes;
	const char *p = data, *end = p + len, *after = p;
	int ret = 0;

	if (x->header_left > 0) {
		exec_pass_header(x, &after, end);
		x->header_open = after[-1] != '\n';
		if (x->drops_header)
			p = after;
		len = (size_t)(end - p);
		if (len == 0)
			return 0;
	}
	if (max && sm_shard_raw_bytes(sm_out_shard(x->out)) + len > max)
		return sm_err_set(err, SM_ETOOBIG,
				  "the output is larger than %" PRIu64
				  " bytes (--max-shard-bytes)",
				  max);
	if (x->jsonline)
		ret = sm_jsonline_feed(x->jsonline, p, len, err);
	if (ret == 0)
		ret = sm_out_text(x->out, p, len, err);
	return ret;
}

/* The last bytes stay: what a command says last is why it failed. */
static int
exec_take_stderr(const void *data, size_t len, void *arg, struct sm_err *err)
{
	struct sm_exec_state *x = arg;
	struct sm_buf *tail = &x->made->stderr_tail;
	const size_t max = SM_KIND_STDERR_MAX;
	const char *p = data;
	size_t keep = tail->len;
	int ret = 0;

	if (x->log)
		ret = sm_log_put(x->log, p, len, err);
	if (len > max) {
		p += len - max;
		len = max;
		x->tail_cut = true;
	}
	if (keep > max - len) {
		keep = max - len;
		memmove(tail->data, tail->data + tail->len - keep, keep);
		tail->len = keep;
		x->tail_cut = true;
	}
	sm_buf_put(tail, p, len);
	if (x->env.said && !sm_buf_failed(tail))
		x->env.said(x->in_hand, tail->data, tail->len, x->env.said_arg);
	return ret;
}

/* A cut may have gone through a character of UTF-8: drop what is left of it. */
static void
exec_trim_stderr(struct sm_exec_state *x)
{
	struct sm_buf *tail = &x->made->stderr_tail;
	size_t n = 0;

	if (!x->tail_cut)
		return;
	while (n < 3 && n < tail->len && (tail->data[n] & 0xc0) == 0x80)
		n++;
	memmove(tail->data, tail->data + n, tail->len - n);
	tail->len -= n;
	tail->data[tail->len] = '\0';
}

/* ": <last line of stderr>" after the message, if there is one. */
static int
exec_append_stderr(const struct sm_made *out, struct sm_err *err)
{
	const struct sm_buf *tail = &out->stderr_tail;
	size_t end = tail->len, at;

	if (!err)
		return SM_EBUG;
	while (end > 0 && strchr("\n\r\t ", tail->data[end - 1]))
		end--; /* a NUL ends the walk's text as well */
	for (at = end; at > 0 && tail->data[at - 1] != '\n'; at--)
		;
	if (end - at > EXEC_LINE_MAX) {
		end = at + EXEC_LINE_MAX;
		/* No half of a character, of which the rest is cut off. */
		while (end > at && (tail->data[end] & 0xc0) == 0x80)
			end--;
	}
	if (end > at)
		sm_err_append(err, ": %.*s", (int)(end - at), tail->data + at);
	return err->code;
}

/* -------------------------------------------------------------- produce -- */

/* How the command ended, as an error unless it was with 0. */
static int
exec_judge(struct sm_exec_state *x, const struct sm_command_end *end,
	   struct sm_err *err)
{
	static const char note[] = "\n[shardmill: a process that the command "
				   "left behind held its standard error "
				   "open]\n";
	int code;

	if (end->left_behind)
		exec_take_stderr(note, sizeof(note) - 1, x, NULL);
	if (end->exit_status == 0 && !x->serve)
		return 0;
	if (x->serve && end->exit_status < 0 && end->signal < 0)
		return 0; /* it has answered, and lives */
	if (end->signal >= 0) {
		const char *name = sm_signal_name(end->signal);

		code = SM_ESIGNAL;
		sm_err_set(err, code, "the command was killed by SIG%s%s",
			   name ? name : "?",
			   end->signal == SIGKILL
				   ? " (not by shardmill; out of memory?)"
				   : "");
	} else {
		code = SM_ECOMMAND;
		sm_err_set(err, code, "the command exited with status %d%s",
			   end->exit_status,
			   x->serve ? " and has not answered" : "");
	}
	exec_append_stderr(x->made, err);
	return code;
}

/*
 * The rows of a batch cut by bytes are its lines, read or not: a command that
 * closes its input early must not change what is recorded.  Of a batch cut by
 * an index they are counted too: a batch of another job whose output did not
 * end in a newline has a line more there than in the text.
 */
static int
exec_count_rows(uint64_t *rows, const struct sm_exec_state *x,
		const struct sm_piece *b, struct sm_err *err)
{
	uint64_t lines;
	int ret;

	*rows = (uint64_t)(b->end - b->first);
	if (!x->source || (b->first >= 0 && !sm_source_is_indexed(x->source)))
		return 0;
	ret = sm_source_count(&lines, x->source, err);
	if (ret == 0 && b->first >= 0 && lines != *rows)
		ret = sm_err_set(err, SM_EREFUSED,
				 "the input '%s' has %" PRIu64
				 " lines where its index says %" PRIu64
				 ": a batch of it does not end in a newline; "
				 "use --bytes, or unpack it first",
				 sm_source_name(x->source), lines, *rows);
	*rows = lines;
	return ret;
}

/* The file that the command is to make. */
static int
exec_begin_file(struct sm_exec_state *x, const struct sm_piece *b,
		struct sm_err *err)
{
	const struct sm_exec_opts *o = x->opts;

	x->file.dir = o->to;
	x->file.suffix = o->suffix ? o->suffix : "";
	x->file.dirfd = x->env.files_dirfd;
	x->file.digits = sm_shard_digits(x->env.spec->batches);
	return sm_out_file_begin(&x->file, x->out, b, err);
}

/* It is there, within its bounds; the shard's text says which it is. */
static int
exec_take_file(struct sm_exec_state *x, const struct sm_piece *b,
	       struct sm_err *err)
{
	uint64_t bytes;
	int ret;

	sm_out_limit(x->out, x->opts->max_shard_bytes);
	ret = sm_out_file_end(&bytes, &x->file, x->out, b, err);
	if (ret == 0 && (x->opts->check & SM_CHECK_NONEMPTY) && bytes == 0)
		ret = sm_err_set(err, SM_EOUTPUT,
				 "the command ended well and its file is "
				 "empty (--check nonempty)");
	return ret;
}

static int
exec_finish(struct sm_exec_state *x, const struct sm_piece *b,
	    struct sm_err *err)
{
	uint64_t lacks = x->header_left - (x->header_left && x->header_open);
	int ret = 0;

	if (lacks > 0)
		return sm_err_set(
			err, SM_EOUTPUT,
			"the command printed %" PRIu64
			" lines, fewer than the %" PRIu64 " of --output-header",
			x->opts->output_header - lacks, x->opts->output_header);
	if (x->opts->to) {
		ret = exec_take_file(x, b, err);
		if (ret < 0)
			return ret;
	}
	/* Printing a last line without its newline is usual, and harmless. */
	if (x->jsonline && sm_out_in_line(x->out))
		ret = exec_take_output("\n", 1, x, err);
	if (ret == 0 && x->jsonline)
		ret = sm_jsonline_end(x->jsonline, err);
	if (ret == 0 && (x->opts->check & SM_CHECK_NONEMPTY) &&
	    sm_shard_raw_bytes(sm_out_shard(x->out)) == 0)
		ret = sm_err_set(err, SM_EOUTPUT,
				 "the command ended well and printed nothing "
				 "(--check nonempty)");
	if (ret == 0)
		ret = exec_count_rows(&x->made->counts.rows, x, b, err);
	return ret;
}

int
sm_exec_produce(void *state, const struct sm_piece *b, struct sm_out *out,
		struct sm_err *err)
{
	struct sm_exec_state *x = state;
	struct sm_command_opts o = {
		.out = exec_take_output,
		.err_out = exec_take_stderr,
	};
	struct sm_command_end end;
	int ret = sm_pace_wait(&x->pace, err);

	if (ret < 0)
		return ret;
	x->in_hand = b;
	x->out = out;
	x->made = sm_out_made(out);
	sm_out_encode(out, (enum sm_encoder_how)x->opts->encoder,
		      x->opts->level);
	x->tail_cut = x->header_open = false;
	x->header_left = x->opts->output_header;
	x->drops_header = b->id > 0;
	/* Where text is not the result, it is what the command says. */
	if (x->opts->to || x->opts->no_output)
		o.out = exec_take_stderr;
	if (x->opts->to)
		ret = exec_begin_file(x, b, err);
	if (ret < 0)
		return ret;
	if (x->jsonline)
		sm_jsonline_begin(x->jsonline);
	if (x->log)
		sm_log_begin(x->log, b->id,
			     sm_shard_digits(x->env.spec->batches), b->attempt);
	ret = sm_exec_command(&end, x, &o, b, err);
	x->made->exit_status = end.exit_status;
	x->made->signal = end.signal;
	if (ret == 0)
		ret = exec_judge(x, &end, err);
	if (ret == 0)
		ret = exec_finish(x, b, err);
	/* Whether it was the limit that it met, it alone knows. */
	if ((ret == SM_ECOMMAND || ret == SM_ESIGNAL) && x->opts->memory)
		sm_err_append(err,
			      " (each of its processes may have %" PRIu64
			      " bytes, --memory)",
			      x->opts->memory);
	exec_trim_stderr(x);
	if (x->log)
		sm_log_end(x->log);
	return ret;
}
