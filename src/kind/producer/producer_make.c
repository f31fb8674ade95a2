/*
 * producer_make.c - a batch through a producer's own code
 *
 * The producer is called with what is public of a batch; what it says of a
 * failure is held to the classes that a batch can have, since the others end a
 * run or mean something of ours.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"

#include "source.h"

#include "producers.h"

#include "producer.h"

struct sm_in {
	struct sm_source *source;
	struct sm_buf line;
	const char *text; /* what is left of the piece at hand */
	size_t len;
};

struct make {
	struct sm_kind_env env; /* its descriptors are used in open() only */
	const struct sm_producer_opts *opts;
	const struct sm_producer *producer;
	struct sm_producer_env public;
	void *state; /* the producer's */
	bool opened; /* and it is to be closed */
	struct sm_in in;
	struct sm_out_file file;
};

/* ------------------------------------------------------------ its lines -- */

int
sm_in_text(const char **text, size_t *len, struct sm_in *in, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);

	return sm_source_next(text, len, in->source, err);
}

/* Append what the piece at hand has of the line: is that its end? */
static bool
in_take(struct sm_in *in)
{
	const char *stop = memchr(in->text, '\n', in->len);
	size_t n = in->len;

	if (stop)
		n = (size_t)(stop - in->text) + 1;
	sm_buf_put(&in->line, in->text, n);
	in->text += n;
	in->len -= n;
	return stop != NULL;
}

int
sm_in_line(const char **line, size_t *len, struct sm_in *in, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	bool whole = false;
	int ret = 1;

	sm_buf_clear(&in->line);
	while (ret > 0 && !whole) {
		if (in->len == 0)
			ret = sm_source_next(&in->text, &in->len, in->source,
					     err);
		if (ret > 0 && in->len > 0)
			whole = in_take(in);
		if (sm_buf_failed(&in->line)) {
			sm_buf_release(&in->line);
			return sm_err_mem(err, "a line of the input");
		}
	}
	if (ret < 0)
		return ret;
	*line = in->line.data;
	*len = in->line.len;
	return in->line.len > 0;
}

static int
in_begin(struct make *m, struct sm_task *task, const struct sm_piece *b,
	 struct sm_err *err)
{
	uint64_t bytes;
	int ret;

	if (!m->in.source)
		return 0;
	if (b->first_byte < 0 || b->end_byte < b->first_byte)
		return sm_err_set(err, SM_EDAMAGED,
				  "batch %" PRIu64 " does not say which bytes "
				  "of the input are its own",
				  b->id);
	ret = sm_source_begin(&bytes, m->in.source, (uint64_t)b->first_byte,
			      (uint64_t)b->end_byte, err);
	m->in.len = 0;
	task->in = &m->in;
	if (ret == 0)
		task->input = sm_source_path(m->in.source);
	return ret;
}

/* ---------------------------------------------------------------- open -- */

static int
make_find(struct make *m, struct sm_err *err)
{
	const struct sm_producer_opts *o = m->opts;

	m->producer = sm_producers_find(o->name);
	if (m->producer)
		return 0;
	sm_err_set(err, SM_EREFUSED,
		   "the batches of this job are made by the producer '%s', "
		   "which this program does not have; run it with the program "
		   "that does",
		   o->name);
	if (o->program)
		sm_err_append(err, ": it was planned by '%s'", o->program);
	return err->code;
}

/* Before the first batch no failure is a batch's. */
static int
make_open_producer(struct make *m, struct sm_err *err)
{
	const struct sm_producer *p = m->producer;
	struct sm_err why = { 0 };
	int ret;

	m->public = (struct sm_producer_env){ .options = m->opts->options,
					      .slot = m->env.slot,
					      .arg = p->arg };
	m->state = p->arg;
	m->opened = true;
	if (!p->open)
		return 0;
	m->state = NULL;
	ret = p->open(&m->state, &m->public, &why);
	if (ret == 0)
		return 0;
	if (why.code != ret || strcmp(sm_code_name(ret), "none") == 0)
		return sm_err_set(err, SM_EREFUSED,
				  "the open() of the producer '%s' returned "
				  "%d and did not say why, as by sm_fail()",
				  p->name, ret);
	*err = why;
	return sm_err_prefix(err, "the producer '%s' cannot be opened",
			     p->name);
}

int
sm_producer_open(void **state, const struct sm_kind_env *env,
		 struct sm_err *err)
{
	struct make *m = calloc(1, sizeof(*m));
	int ret;

	if (!m)
		return sm_err_mem(err, "a worker's state");
	m->env = *env;
	m->opts = env->spec->opts;
	ret = make_find(m, err);
	if (ret == 0 && m->opts->in.input)
		ret = sm_source_open(&m->in.source, env->tables_dirfd,
				     m->opts->in.input, err);
	if (ret == 0)
		ret = make_open_producer(m, err);
	if (ret < 0) {
		sm_producer_close(m);
		return ret;
	}
	*state = m;
	return 0;
}

void
sm_producer_close(void *state)
{
	struct make *m = state;

	if (!m)
		return;
	if (m->opened && m->producer->close)
		m->producer->close(m->state);
	sm_source_close(m->in.source);
	sm_buf_release(&m->in.line);
	sm_buf_release(&m->file.path);
	free(m);
}

/* ------------------------------------------------------------- produce -- */

/*
 * May a producer say that?  What it returns of its own accord must not end the
 * run as a stop, a fence or a bug of ours would.
 */
static bool
make_may_return(int code, const struct sm_out *out)
{
	switch (code) {
	case SM_EINPUT:
	case SM_EVALUE:
	case SM_ETOOBIG:
	case SM_ENOTFOUND:
	case SM_EOUTPUT:
	case SM_ECOMMAND:
	case SM_ETIMEOUT:
	case SM_EIO:
	case SM_ENOMEM:
	case SM_ENOSPC:
	case SM_EREFUSED:
		return true;
	case SM_ESTOPPED:
		return sm_out_stopped(out);
	default:
		return false;
	}
}

static int
make_judge(int ret, const struct make *m, const struct sm_err *why,
	   struct sm_out *out, struct sm_err *err)
{
	int kept;

	if (ret == 0)
		return 0;
	/* What it met in a call of ours has its class, whatever it made of
	 * it. */
	kept = sm_out_failure(out, err);
	if (kept < 0)
		return kept;
	if (why->code == ret && make_may_return(ret, out)) {
		*err = *why;
		return ret;
	}
	if (why->code == ret)
		return sm_err_set(err, SM_EOUTPUT,
				  "the producer '%s' failed: %s",
				  m->producer->name, why->text);
	return sm_err_set(err, SM_EOUTPUT,
			  "the producer '%s' returned %d and did not say why, "
			  "as by sm_fail()",
			  m->producer->name, ret);
}

/* As of a command: the lines of a batch that was cut by bytes are counted. */
static int
make_count(struct make *m, const struct sm_piece *b, struct sm_made *made,
	   struct sm_err *err)
{
	made->counts.rows = (uint64_t)(b->end - b->first);
	if (!m->in.source ||
	    (b->first >= 0 && !sm_source_is_indexed(m->in.source)))
		return 0;
	return sm_source_count(&made->counts.rows, m->in.source, err);
}

int
sm_producer_produce(void *state, const struct sm_piece *b, struct sm_out *out,
		    struct sm_err *err)
{
	struct make *m = state;
	const struct sm_exec_opts *o = &m->opts->in;
	struct sm_task task = { .batch = b->id,
				.first = b->first,
				.end = b->end,
				.item = b->item,
				.attempt = (int)b->attempt,
				.slot = m->env.slot };
	struct sm_err why = { 0 };
	uint64_t bytes;
	int ret;

	sm_out_encode(out, (enum sm_encoder_how)o->encoder, o->level);
	sm_out_limit(out, o->max_shard_bytes);
	sm_out_refuse_text(out, o->to || o->no_output);
	if (o->to) {
		m->file.dir = o->to;
		m->file.suffix = o->suffix ? o->suffix : "";
		m->file.dirfd = m->env.files_dirfd;
		m->file.digits = sm_shard_digits(m->env.spec->batches);
		ret = sm_out_file_begin(&m->file, out, b, err);
		if (ret < 0)
			return ret;
		task.file = m->file.path.data;
	}
	ret = in_begin(m, &task, b, err);
	if (ret < 0)
		return ret;
	ret = m->producer->produce(m->state, &task, out, &why);
	ret = make_judge(ret, m, &why, out, err);
	if (ret == 0 && o->to)
		ret = sm_out_file_end(&bytes, &m->file, out, b, err);
	if (ret == 0)
		ret = make_count(m, b, sm_out_made(out), err);
	return ret;
}
