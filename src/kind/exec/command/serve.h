/*
 * serve.h - one command that lives over many batches
 *
 *	sm_serve_new(), sm_serve_batch() for each, sm_serve_free().
 *
 * The command is started by the first batch, and again by the next one after it
 * ended.  It gets one line on standard input for each batch, writes the batch's
 * output to a named pipe, may read its input from another one (fifo.h), and
 * answers on standard output by one line:
 *
 *	ok          the output is whole; its pipe is closed
 *	error TEXT  the batch has failed, the command goes on
 *
 * What else can happen, and what comes of it (+: the process lives on, and gets
 * the next batch; -: it is ended, and the next batch starts another):
 *
 *	another line, one of more than 4 KiB, a NUL      fails, naming it  -
 *	a second answer                                  fails             -
 *	bytes with no batch in hand                      it is noted       -
 *	no answer within the time allowed                SM_ETIMEOUT       -
 *	standard output closed, and it lives             fails             -
 *	"ok", and the output was never opened            fails             -
 *	"ok", and it is still open after
 *	SM_COMMAND_GRACE_MS of silence                   fails             +
 *	a sink or source failed: its output is closed,
 *	and it has SM_COMMAND_TERM_MS to answer          fails             +
 *	it dies before it answered                       see `end`         -
 *	it dies after "ok", with its output closed       done              -
 *	it ends between two batches                      it is noted       -
 *	it ended without reading the request, after at
 *	least one answer: it left, and the batch is asked
 *	of a new one                                     as if for the first
 *
 * A note goes to standard error's sink, of the batch that meets it.
 *
 * Surroundings, threads and the death signal are command.h's.  Whenever the
 * process ends, by itself or not, its whole group is killed.
 */
#ifndef SM_SERVE_H
#define SM_SERVE_H

#include "command.h"

#define SM_SERVE_ANSWER_MAX 4096

struct sm_serve;

struct sm_serve_ask {
	const char *line; /* with its newline */
	size_t len;
	const char *out_path; /* NULL: no output but what it makes itself */
	const char *in_path;  /* NULL: no input */
	/* The source of the input begins again; with its `arg`. */
	int (*rewind)(void *arg, struct sm_err *err);
	double start_timeout_s; /* until a process's first answer; 0: as ever */
	uint64_t recycle;       /* so many batches for a process; 0: no limit */
};

int sm_serve_new(struct sm_serve **out, struct sm_err *err);

/*
 * One batch.  `o` is what sm_command_run() takes, `out` never NULL; the path,
 * argv, envp and cwd in it are those of a process that has to be started.  0
 * with -1 and -1 in `end`: answered "ok".  0 with another `end`: the process
 * died of that, or exited.  SM_ECOMMAND: what it answered, or how it broke the
 * rules; else as sm_command_run().
 */
int sm_serve_batch(struct sm_command_end *end, struct sm_serve *s,
		   const struct sm_command_opts *o,
		   const struct sm_serve_ask *ask, struct sm_err *err);

/*
 * Close the command's standard input and wait for its end, up to
 * SM_COMMAND_GRACE_MS; then TERM, and KILL SM_COMMAND_STOP_MS later.  The next
 * batch starts another.  NULL is allowed.
 */
void sm_serve_rest(struct sm_serve *s);
void sm_serve_free(struct sm_serve *s); /* likewise, for good */

#endif /* SM_SERVE_H */
