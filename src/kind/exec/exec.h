/*
 * exec.h - what the exec job offers beside its struct sm_kind
 *
 * Items.  The input of --items is read once, by cut(), into the tables of the
 * job (items.h): what counts is what was read, not where from, and the file
 * there is what the input "items" digests.  Lines of standard input are kept
 * there as well.
 *
 * Lines.  The files of --inputs are those of --input from settle() on; which
 * they are, and in which form, is for source.h.
 *
 * Threads.  produce() and sm_exec_try() are called from the process's main
 * thread: the command dies with the thread that started it (command.h).
 */
#ifndef SM_EXEC_H
#define SM_EXEC_H

#include "kind.h"

/* In the order of the words of their options. */
enum sm_check_how { SM_CHECK_JSONL = 1, SM_CHECK_NONEMPTY = 2 }; /* bits */
enum sm_digest_how { SM_DIGEST_SAMPLED, SM_DIGEST_FULL };

/*
 * exec_options.c says what each is, and its default.  One of lines, bytes,
 * range, items and arguments is given; of the latter with standard input in
 * them, items is "-" as well.
 */
struct sm_exec_opts {
	const char *const *input; /* NULL: none; "-": standard input */
	const char *inputs;       /* a list of them; NULL once it was read */
	uint64_t header, output_header; /* lines; 0: none */
	uint64_t lines, bytes;          /* 0: not given */
	bool has_range;
	uint64_t range, size;
	const char *items;            /* "-": standard input */
	const char *const *arguments; /* ::: and what follows; NULL: none */
	const char *colsep;           /* NULL: none */
	uint64_t columns;             /* of an item; 0: none, or by colsep */
	bool nul;
	bool watch_items;
	int digest;              /* enum sm_digest_how */
	int replace;             /* 0: as the source has it, 1: yes, -1: no */
	const char *const *argv; /* the command */
	const char *cwd;         /* NULL: the current directory */
	double timeout_s;        /* 0: none */
	bool serve;              /* the command lives over batches */
	double start_timeout_s;  /* 0: as any batch's */
	uint64_t recycle;        /* 0: never */
	double grace_s;
	double delay_s;           /* 0: none */
	double load;              /* 0: none */
	uint64_t memfree;         /* 0: none */
	uint64_t memory;          /* 0: no limit */
	uint64_t max_shard_bytes; /* 0: no limit */
	int check;                /* of enum sm_check_how, 0: none */
	bool keep_logs;
	const char *to;     /* where a file of each batch goes, or NULL */
	const char *suffix; /* of their names; NULL: none */
	bool no_output;     /* the command writes elsewhere */
	int watch_command;  /* -1: no */
	const char *const *depends; /* NULL: none */
	int encoder;                /* enum sm_encoder_how */
	int level;
};

extern const struct sm_kind sm_kind_exec;
extern const struct sm_kind_info sm_exec_info;

#define SM_EXEC_ITEMS "items" /* name of that input */

int sm_exec_keep(const struct sm_spec *spec, int tables_dirfd, int old_dirfd,
		 const struct sm_events *ev, struct sm_err *err);
int sm_exec_differ(struct sm_buf *what, bool *grew, const void *opts,
		   const char *name, const struct sm_kind_kept *kept,
		   struct sm_err *err);
int sm_exec_check_kept(const struct sm_spec *spec, int tables_dirfd,
		       const struct sm_events *ev, struct sm_err *err);
int sm_exec_digest(struct sm_digest *d, const char *name, int tables_dirfd,
		   struct sm_err *err);

#define SM_EXEC_DEPENDS_MAX 64

int sm_exec_made_by(struct sm_kind_file *file, size_t *count,
		    struct sm_spec *spec, const struct sm_spec *planned,
		    struct sm_err *err);

/* Of the result alone: text, files or nothing; a producer's job has it too. */
int sm_exec_check_result(const struct sm_exec_opts *opts, struct sm_err *err);
struct sm_kind_files sm_exec_files(const void *opts);

bool sm_exec_has_items(const struct sm_exec_opts *opts);
/* As in columns.h. */
int sm_exec_columns(const struct sm_exec_opts *opts);
/* Lists of items after the command's words become `arguments`. */
int sm_exec_take_arguments(struct sm_spec *spec, struct sm_err *err);

/*
 * A command's words, each with a NUL after it, filled in where placeholders
 * are: how many.
 */
struct sm_replace_by;
size_t sm_exec_words(struct sm_buf *out, const struct sm_exec_opts *opts,
		     const struct sm_replace_by *by);

/* Are placeholders filled in? */
bool sm_exec_replaces(const struct sm_exec_opts *opts);

/*
 * Run one batch in the foreground, with its input and environment as ever, its
 * output and errors on the caller's.  0 if it ended by itself: `*exit_status`
 * is its own, or 128 + the signal it died of.
 */
int sm_exec_try(const struct sm_kind_env *env, const struct sm_piece *b,
		int *exit_status, struct sm_err *err);

/* Does it read lines, and some of them from standard input? */
bool sm_exec_has_lines(const struct sm_exec_opts *opts);
bool sm_exec_has_stdin(const struct sm_exec_opts *opts);
/* The files named in the list of --inputs become further ones of --input. */
int sm_exec_list_inputs(struct sm_spec *spec, struct sm_err *err);
bool sm_exec_input(struct sm_kind_input *in, size_t i, const void *opts);

/* Those of struct sm_kind in exec_cut.c, exec_command.c, exec_produce.c. */
int sm_exec_cut(struct sm_kind_cut *cut, struct sm_err *err);
int sm_exec_open(void **state, const struct sm_kind_env *env,
		 struct sm_err *err);
int sm_exec_produce(void *state, const struct sm_piece *b, struct sm_out *out,
		    struct sm_err *err);
void sm_exec_close(void *state);
void sm_exec_rest(void *state);

#endif /* SM_EXEC_H */
