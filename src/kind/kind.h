/*
 * kind.h - the kinds of job
 *
 * A kind knows how to cut its input into batches and how to make the text of
 * one.  It knows no database: what it cuts it hands to `emit`, what it makes
 * goes through `out` (out.h), how it went into an outcome.
 *
 *	plan:  check() the options, name each input(), cut()
 *	work:  open() once per worker, produce() per batch, close()
 *
 * A new kind is one folder, with its `const struct sm_kind sm_kind_<name>`, and
 * one line in kind.c.  Its table of options (struct sm_kind_info) makes its
 * command, help, completion, its part of the manual and spec.json.  State
 * belongs to one thread.
 *
 * One of them, `producer`, has no command: its open(), produce() and close()
 * are those of another program (struct sm_producer in shardmill.h), and what
 * is public of this wall is what that one needs: a batch, and struct sm_out.
 */
#ifndef SM_KIND_H
#define SM_KIND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <shardmill.h>

#include "buf.h"
#include "event.h"
#include "piece.h"

#include "out.h"
#include "spec.h"

#define SM_KIND_INPUT_NAME 32

struct sm_kind_input {
	char name[SM_KIND_INPUT_NAME]; /* of the option, perhaps a number */
	const char *path; /* NULL: no file that stays; see digest() */
	bool sampled;     /* digest both ends and spaced blocks only */
	bool cuts;        /* more or fewer of these make other batches */
	bool grows;       /* what is added at its end makes further batches */
};

/* Of a job whose batches make files of their own. */
struct sm_kind_files {
	const char *dir;    /* absolute; NULL: they make none */
	const char *suffix; /* of their names */
	bool textless;      /* nor have they text, for a final file */
};

#define SM_KIND_FILE_NAME_MAX 32
#define SM_KIND_FILES_MAX     120

/* A file that is no input, but decides about the output. */
struct sm_kind_file {
	char name[SM_KIND_FILE_NAME_MAX];
	const char *path; /* absolute, the specification's */
	bool aside;       /* not in the fingerprint, as long as it is planned */
	bool place;       /* another path is a change too */
	bool must;        /* the user named it: it is new if it was not there */
};

/* The directories of a job's tables and of what was read now. */
struct sm_kind_kept {
	int old_dirfd, new_dirfd;
};

struct sm_kind_cut {
	const struct sm_spec *spec;
	int tables_dirfd; /* where compiled tables go: "keys", "vocab", … */
	bool compiled;    /* they are there already: use them (recover) */
	int (*emit)(const struct sm_piece *b, void *arg, struct sm_err *err);
	void *arg;
	const struct sm_events *events;
	uint64_t batches, rows; /* out */
};

struct sm_kind_env {
	const struct sm_spec *spec;
	int job_dirfd;
	int tables_dirfd;         /* the compiled tables */
	const atomic_bool *stop;  /* true: give up this batch, SM_ESTOPPED */
	const atomic_bool *drain; /* no batch is to begin; NULL: nobody asks */
	int stop_fd; /* becomes readable with it, for poll(2); -1: none */
	int slot;    /* the worker's number: of those alive no other has it */
	int files_dirfd; /* of struct sm_kind_files; -1: none */
	/*
	 * Where the process group of the running command is told to whoever
	 * has to end it with this worker; 0: none.  NULL: nobody asks.
	 */
	_Atomic int64_t *command;
	/*
	 * Told the end of what the command has written to its standard error
	 * so far, whenever that grows.  NULL: nobody asks.
	 */
	void (*said)(const struct sm_piece *b, const char *text, size_t len,
		     void *arg);
	/* Told a line about what is waited for, while it waits; or NULL. */
	void (*waits)(const char *text, void *arg);
	void *said_arg; /* of both */
};

#define SM_KIND_STDERR_MAX 4096
/*
 * In the job directory: named pipes of the batches in hand, "000017.<token>.in"
 * and ".out".  A kind makes them; whoever puts a batch back removes its.
 */
#define SM_KIND_PIPES "pipes"

struct sm_kind {
	const struct sm_kind_info *info;
	/* What the caller of sm_plan() gave beside options.  NULL: nothing. */
	int (*take)(struct sm_spec *spec, const struct sm_plan_opts *opts,
		    struct sm_err *err);
	/*
	 * Fill in what the user left open, by strings of the specification's
	 * own (sm_spec_strdup()).  NULL: nothing is.
	 */
	int (*settle)(struct sm_spec *spec, struct sm_err *err);
	/* Options that contradict each other; SM_EUSAGE, SM_EINPUT. */
	int (*check)(const void *opts, struct sm_err *err);
	/*
	 * The i-th input; false: there are no more.  Asked for one after the
	 * other, from the first on.
	 */
	bool (*input)(struct sm_kind_input *in, size_t i, const void *opts);
	/*
	 * The name of what makes the batches, where it is not the kind; and
	 * the program that planned the job, or NULL.
	 */
	const char *(*producer)(const void *opts);
	const char *(*program)(const void *opts);
	/* Does each batch make a file of its own?  NULL: text, and no file. */
	struct sm_kind_files (*files)(const void *opts);
	/*
	 * What the output is made by, beside the inputs, as it is today; `file`
	 * has room for SM_KIND_FILES_MAX.  Of a job that is there, `planned`,
	 * only what it was planned with, but for what the user names, and
	 * whether it is still there or not.  NULL: nothing.
	 */
	int (*made_by)(struct sm_kind_file *file, size_t *count,
		       struct sm_spec *spec, const struct sm_spec *planned,
		       struct sm_err *err);
	/*
	 * Of inputs without a path: read their sources into `tables_dirfd`, as
	 * cut() does, which with `compiled` finds them there (`old_dirfd`: what
	 * the job has, or -1); the digest of one that was kept; how it differs
	 * from what the job has, in words, and `grew`: by what was added at the
	 * end alone; and whether what is kept is still true.  NULL where every
	 * input has a path.
	 */
	int (*keep)(const struct sm_spec *spec, int tables_dirfd, int old_dirfd,
		    const struct sm_events *ev, struct sm_err *err);
	int (*digest)(struct sm_digest *d, const char *name, int tables_dirfd,
		      struct sm_err *err);
	int (*differ)(struct sm_buf *what, bool *grew, const void *opts,
		      const char *name, const struct sm_kind_kept *kept,
		      struct sm_err *err);
	int (*check_kept)(const struct sm_spec *spec, int tables_dirfd,
			  const struct sm_events *ev, struct sm_err *err);
	/*
	 * Check the inputs, compile tables, emit every batch in order of id.
	 * Warnings go through events->notice.
	 */
	int (*cut)(struct sm_kind_cut *cut, struct sm_err *err);
	/* The first batch's command line for people.  NULL: it has none. */
	char *(*describe)(const struct sm_spec *spec,
			  const struct sm_piece *first);

	int (*open)(void **state, const struct sm_kind_env *env,
		    struct sm_err *err);
	/*
	 * Write the text of `b` into `out`, and fill sm_out_made() but for the
	 * sizes, the records and open_line.  0, or an error whose class says
	 * whether another try makes sense; SM_ESTOPPED soon after *env->stop.
	 */
	int (*produce)(void *state, const struct sm_piece *b,
		       struct sm_out *out, struct sm_err *err);
	/*
	 * produce() runs code of somebody else's in this process: a SIGBUS is
	 * not taken for an input that shrank, but is the worker's death.
	 */
	bool foreign;
	void (*close)(void *state); /* NULL is allowed */
	/*
	 * No batch is begun for a while, for want of memory: let go of what can
	 * be had again.  NULL: there is nothing.
	 */
	void (*rest)(void *state);

	/*
	 * Make one batch in the foreground, on the caller's own output and
	 * errors.  NULL: the kind runs no command.
	 */
	int (*try)(const struct sm_kind_env *env, const struct sm_piece *b,
		   int *exit_status, struct sm_err *err);
};

/* Of jobs whose batches another program makes; it is not found by name. */
extern const struct sm_kind sm_kind_producer;

/* NULL: there is none of this name that a person could type. */
const struct sm_kind *sm_kind_find(const char *name);
/* All kinds, those as well that no command line has; NULL at the end. */
const struct sm_kind_info *sm_kind_any(size_t i);
const struct sm_kind *sm_kind_of(const struct sm_spec *spec);
/*
 * What goes on with the job, for messages: the command 'shardmill run JOB'
 * (`job` NULL: without a name), to other callers sm_run(), or the program that
 * has the job's producer where this one lacks it.
 */
struct sm_run_by {
	char text[512];
};
const char *sm_kind_run_by(struct sm_run_by *room, const struct sm_spec *spec,
			   const char *job);
/* How many inputs its options name. */
size_t sm_kind_count_inputs(const struct sm_spec *spec);

#endif /* SM_KIND_H */
