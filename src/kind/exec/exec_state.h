/*
 * exec_state.h - what a worker keeps between the batches of an exec job
 *
 * exec_command.c opens it and runs one batch's command, or has a living one
 * asked by exec_serve.c; exec_produce.c makes a shard of what the command says.
 */
#ifndef SM_EXEC_STATE_H
#define SM_EXEC_STATE_H

#include "columns.h"
#include "command.h"
#include "guard.h"
#include "serve.h"
#include "source.h"

#include "pace.h"

#include "exec.h"

struct sm_exec_state {
	struct sm_kind_env env; /* its descriptors are used in open() only */
	const struct sm_exec_opts *opts;
	struct sm_command *command;
	struct sm_guard *guard; /* of a worker; NULL: of try */
	struct sm_serve *serve; /* --serve, else NULL */
	char *pipes;            /* where its pipes are made */
	bool own_pipes;         /* and that directory is ours to remove */
	struct sm_buf request;
	struct sm_buf out_path, in_path;
	struct sm_out_file file; /* --to: what the batch's command is to make */
	struct sm_jsonline *jsonline; /* --check jsonl, else NULL */
	struct sm_log *log;           /* --keep-logs, else NULL */
	char *path;                   /* NULL: to be found per batch */
	struct sm_source *source;     /* of lines, else NULL */
	int null_fd;                  /* /dev/null */

	struct sm_buf words; /* arguments and variables of one batch */
	char **argv, **envp;
	size_t env_base; /* those of the run */
	struct sm_columns columns;
	struct sm_pace pace;

	/* One attempt's. */
	const struct sm_piece *piece; /* --serve: what is asked for */
	const struct sm_piece *in_hand;
	struct sm_out *out;
	struct sm_made *made;
	uint64_t header_left; /* lines of --output-header still to come */
	bool header_open;     /* the last that came lacks its newline */
	bool drops_header;    /* it is not the job's first batch */
	bool tail_cut;        /* the first bytes of stderr were let go */
};

/*
 * Run the command of `b`.  The caller has set the sinks and `foreground` in
 * `o`; all else is filled in here.  As sm_command_run().
 */
int sm_exec_command(struct sm_command_end *end, struct sm_exec_state *x,
		    struct sm_command_opts *o, const struct sm_piece *b,
		    struct sm_err *err);

/*
 * exec_serve.c.  Where the pipes are made: in the directory `job_dirfd`, or,
 * with -1, in one of its own.
 */
int sm_exec_serve_open(struct sm_exec_state *x, int job_dirfd,
		       struct sm_err *err);
/* Ask the living command for `b`; `o` is ready.  As sm_serve_batch(). */
int sm_exec_ask(struct sm_command_end *end, struct sm_exec_state *x,
		const struct sm_command_opts *o, const struct sm_piece *b,
		struct sm_err *err);
void sm_exec_serve_close(struct sm_exec_state *x);

#endif /* SM_EXEC_STATE_H */
