/*
 * shardmill.h - long jobs as rows of an SQLite table
 *
 * A job is a directory.  It is planned once (sm_plan), its batches are made by
 * worker processes (sm_run supervises them, sm_work is one), and its shards
 * are joined into one gzip file (sm_finalize).  Most calls below are one of the
 * program's commands each; each may be killed at any moment and called again.
 * What makes the batches is a command (the kind exec), or code of the caller's
 * own program: a struct sm_producer.
 *
 * Conventions.  A function returns 0, or a negative enum sm_code with `err`
 * filled in; `err` is untouched on success, and NULL where only the code is
 * asked for.  Strings handed in stay the
 * caller's.  A struct that is filled in is released by its own *_release(),
 * which takes a zeroed one as well.  A zeroed options struct asks for the
 * defaults.  A switch that is an int is 1 for yes and -1 for no.  What makes no
 * sense is refused by name (SM_EUSAGE).  Times are Unix seconds, durations
 * seconds, sizes bytes, numbers of batches and rows count from 0.
 *
 * The library never prints, never exits but for sm_worker_main() in a worker,
 * and installs no signal handler but for SIGBUS in a worker (an input that
 * shrank while it was mapped).  A program that may run under a limit of file
 * sizes ignores SIGXFSZ, as its workers then do too; the limit is SM_EIO.
 *
 * Threads.  All calls may be made from several threads at once, on the same job
 * too: each opens the job anew, and what it hands out is the caller's.  What
 * was opened (struct sm_index, struct sm_look) is used by one thread at a time.
 * Five things are the whole process's:
 *
 *   sm_run()          one at a time (SM_EUSAGE).  Meanwhile it is the process
 *                     that orphans of its workers are given to, and it reaps
 *                     every child that has ended: a program that waits for
 *                     children of its own runs it in a process of its own.
 *   sm_work()         one at a time, and of a kind that runs commands from the
 *                     main thread, as they die with the thread that made them.
 *   sm_worker_main()  first in main(), before there are threads.
 *   sm_hear_waiting(), sm_say_typed()
 *                     before the calls that are to use it.
 *
 * Growth.  A program that was built against this header runs with each later
 * library of the same SHARDMILL_SOVERSION.  Every struct ends in `spare`, of
 * which a new member takes its room, so that sizes and places of members never
 * change; but for sm_err, sm_value, sm_batch_range, sm_ranges and
 * sm_record_fields, which stay as they are.  The caller leaves it zeroed, as
 * all that it does not set, and 0 asks a new member for what was so before
 * there was one.  Functions, constants and members are only ever added.  A
 * change that breaks this rule raises SHARDMILL_SOVERSION, which is the number
 * at the end of the shared library's name; SM_TALLIES rises with it alone.
 *
 * `job` names the job directory, or the final file F of the job F.job.  A new
 * job that is named as its output is F.job.
 */
#ifndef SHARDMILL_H
#define SHARDMILL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SM_API __attribute__((visibility("default")))
#else
#define SM_API
#endif

#define SHARDMILL_VERSION "0.2.0"

/* Of the shared library; what it promises is said above, under Growth. */
#define SHARDMILL_SOVERSION 1

/* ------------------------------------------------------------- errors -- */

/*
 * Classes of error.  CLASSES OF ERROR in libshardmill(3) has them with their
 * names, exit statuses, and whether a batch that met one is tried again; it is
 * made of these comments, and of the table in src/base/err.c.
 */
enum sm_code {
	/* A call or a command line makes no sense: mend it as the text says. */
	SM_EUSAGE = -1,
	/* Input or an option is bad, missing or unreadable: put it right. */
	SM_EINPUT = -2,
	/* A value cannot be written, such as infinity: mend the input. */
	SM_EVALUE = -3,
	/* Reading or writing failed: look at the disk, make the same call. */
	SM_EIO = -4,
	/* Disk or quota is full: make space, make the same call. */
	SM_ENOSPC = -5,
	/* There was no memory, descriptor or process left: the same call, with
	 * fewer workers or a higher limit. */
	SM_ENOMEM = -6,
	/* Somebody else holds the database: end it, make the same call. */
	SM_EBUSY = -7,
	/* The database is damaged: sm_recover() rebuilds it from the shards. */
	SM_EDAMAGED = -8,
	/* It is not done as things are, such as with a changed input, a newer
	 * schema or another owner: the text says which leave can be given. */
	SM_EREFUSED = -9,
	/* Another plan, run or finalize holds the job: wait for its end. */
	SM_EHELD = -10,
	/* Damage was found: sm_verify() with `requeue`, then sm_run(). */
	SM_EVERIFY = -11,
	/* Batches failed, or work is left: sm_look_next_failure() says why;
	 * sm_run() with `retry_failed` tries them again. */
	SM_EWORK = -12,
	/* It was asked to end, and work is left: the same call goes on. */
	SM_ESTOPPED = -13,
	/* The batch, or the run, is another's by now: nothing, it goes on. */
	SM_EFENCED = -14,
	/* A COMMIT failed, and its batch may be done or not: the same call. */
	SM_EUNKNOWN = -15,
	/* Command or worker ended with another status than 0: see stderr. */
	SM_ECOMMAND = -16,
	/* The command, or the worker, died by a signal: mend the crash. */
	SM_ESIGNAL = -17,
	/* The command took longer than allowed: allow more, or cut smaller. */
	SM_ETIMEOUT = -18,
	/* The worker stood still for its whole lease: see what kept it. */
	SM_ESTALLED = -19,
	/* A shard is larger than allowed: allow more, or cut smaller. */
	SM_ETOOBIG = -20,
	/* What was made failed its check: mend what makes it. */
	SM_EOUTPUT = -21,
	/* The command does not exist or cannot be run: name another one. */
	SM_ENOTFOUND = -22,
	/* A state that the library rules out: report it, with the text. */
	SM_EBUG = -23,
};

#define SM_ERR_TEXT 1024

struct sm_err {
	int code; /* enum sm_code, 0 if nothing failed */
	int sys;  /* errno, or 0 */
	char text[SM_ERR_TEXT];
};

/*
 * The class's name, a constant ("none" for 0 and what is no class); whether
 * another try of a batch that met it makes sense; the program's exit status.
 */
SM_API const char *sm_code_name(int code);
SM_API bool sm_code_retry(int code);
SM_API int sm_code_exit(int code); /* 0 for 0 */

/*
 * Fill in `err` (NULL: nothing) for a producer that fails, as printf(3) does,
 * and return `code`:
 *
 *	return sm_fail(err, SM_EINPUT, "no such table: '%s'", name);
 *
 * A message is best a lower-case line: what failed, the reason, what to do.  It
 * is cut at SM_ERR_TEXT bytes; control characters are escaped.
 */
SM_API int sm_fail(struct sm_err *err, int code, const char *fmt, ...)
#if defined(__GNUC__)
	__attribute__((format(printf, 3, 4)))
#endif
	;

/*
 * How messages, and notices, name what the caller may set: as it stands in this
 * header (sm_plan_opts.force, 'range'), or, for a program that has the options
 * of shardmill(1), as they are typed (--force, --range).  What a worker says is
 * kept in the job as it was said.
 */
SM_API void sm_say_typed(bool typed);

/* ---------------------------------------------------------- callbacks -- */

struct sm_progress {
	const char *phase; /* "plan", "run", "join", "verify" */
	const char *unit;  /* "batches" or "bytes" of `done` and `total` */
	uint64_t done, total;
	uint64_t pending, running, failed; /* batches; phase "run" only */
	uint64_t rows, records, raw_bytes, gz_bytes; /* of done batches */
	unsigned workers;                            /* alive */
	double rows_per_s; /* this run's own work, 0 if unknown */
	double elapsed_s;
	double eta_s; /* < 0 if unknown */
	/* Batches that run far longer than others do, and the longest of them.
	 */
	uint64_t stragglers, straggler;
	double straggler_s, usual_s; /* for how long; what is usual */
	uint64_t spare[8];
};

/*
 * What a long call says while it works.  `progress` comes about once a second
 * from the calling thread; no call of it closes the work, and a short one has
 * none: how it ended is in the result.  `notice` is one line about one event,
 * without a newline; while the calling thread waits for its turn to write, a
 * thread of the library's gives it, and the call goes on only after that.
 * `title` is what a worker that is in sm_work() has in hand, for the name of
 * its process, and its number.  Each may be NULL.  `stop` counts the user's
 * requests to end, and is set by the caller's signal handler: 1 finishes what
 * is in hand, 2 stops at once.
 */
struct sm_events {
	void (*progress)(const struct sm_progress *p, void *arg);
	void (*notice)(const char *text, void *arg);
	void (*title)(const char *text, int worker, void *arg);
	void *arg;
	const volatile sig_atomic_t *stop;
	const volatile sig_atomic_t *signal; /* the first one; NULL: unknown */
	uint64_t spare[6];
};

/*
 * Calls without a `struct sm_events` wait up to 30 s for a process that keeps
 * the database locked, such as a shell with an open transaction.  `notice` is
 * told every 10 s who that is, in the thread that waits; NULL: nobody is.  It
 * is the whole process's, and set before such a call.
 */
SM_API void sm_hear_waiting(void (*notice)(const char *text, void *arg),
			    void *arg);

/* ------------------------------------------------------------ options -- */

/*
 * An option is described once, by a row of a table.  The command line, its
 * help and completion, the manual, spec.json, the comparison of a rerun with
 * what was planned and the fingerprint are all made from the row.
 */
enum sm_option_type {
	SM_OPTION_BOOL,   /* bool; takes no value, or "yes" or "no" */
	SM_OPTION_SWITCH, /* int, 1 or -1; as BOOL, and --no-NAME is "no" */
	SM_OPTION_WORD,   /* int, `min` + the value's index in `words` */
	SM_OPTION_INT,    /* int */
	SM_OPTION_ID,     /* int64_t of either sign; "none" is no value */
	SM_OPTION_UINT,   /* uint64_t */
	SM_OPTION_BYTES,  /* uint64_t, with k, M, G, T for powers of 1024 */
	/* double, finite; of unit "s" also as 90s, 5m, 1h30m, 1d; of unit "%"
	 * a whole number from 1 on, or N% as N / 100 */
	SM_OPTION_DOUBLE,
	SM_OPTION_TEXT,   /* const char * */
	SM_OPTION_FILE,   /* const char *, not empty */
	SM_OPTION_RANGES, /* struct sm_ranges: "3,7-9" */
	SM_OPTION_ARGV,   /* const char *const *, NULL at the end */
	SM_OPTION_FILES   /* likewise; an option that may be given again */
};

enum {
	SM_OPTION_REQUIRED = 1, /* of TEXT and FILE */
	/* Says where something is: stored, but no part of the content. */
	SM_OPTION_PLACE = 2,
	SM_OPTION_HIDDEN = 4,  /* in no help, manual or completion */
	SM_OPTION_UNTYPED = 8, /* not of the command line at all */
	/*
	 * Decides whether a batch is done, or what is kept beside it, and
	 * about no byte of it: free to change at any start, of run too.  Such
	 * rows are the last ones of their table.
	 */
	SM_OPTION_LIMIT = 16,
	/* Of a number: more of it is more of the same (sm_plan_opts.extend). */
	SM_OPTION_GROWS = 32,
	/* Removes or replaces something: no guess at a mistyped name. */
	SM_OPTION_UNGUESSED = 64,
	/* Another value makes other batches: what is done cannot be kept. */
	SM_OPTION_CUTS = 128
};

struct sm_option {
	const char *name; /* without "--"; NULL ends a table */
	char letter;      /* short name or 0 */
	enum sm_option_type type;
	unsigned flags;
	const char *arg;          /* what the value is called; NULL: none */
	const char *const *words; /* NULL at the end */
	/*
	 * Of numbers; max 0: as large as the type goes, and for DOUBLE no
	 * limit at all.  max of RANGES: so many of them.
	 */
	int64_t min, max;
	const char *unit;     /* of the value, or NULL */
	const char *standard; /* default, as it would be typed; NULL: none */
	const char *unset;    /* what happens then, in words, or NULL */
	const char *help;     /* one sentence */
	const char *more;     /* further ones for the manual, or NULL */
	const char *group;    /* title, where a paragraph begins; else NULL */
	size_t at;            /* of the value in the options' struct */
	size_t given_at;      /* of a bool that says "there is one"; 0: none */
	uint64_t spare[8];
};

struct sm_batch_range {
	uint64_t first, last; /* both included */
};

/* Released by free(range). */
struct sm_ranges {
	struct sm_batch_range *range;
	size_t count;
};

/* An option by name and by the text that would be typed; NULL: no value. */
struct sm_value {
	const char *name, *text;
};

/* The defaults, in a zeroed struct. */
SM_API void sm_options_init(const struct sm_option *table, void *opts);
/*
 * Set the option from its text, which strings point into; with `opts` NULL the
 * text is checked and nothing is set.  SM_EUSAGE names the option, the value
 * and what it must be.
 */
SM_API int sm_option_set(const struct sm_option *o, void *opts,
			 const char *text, struct sm_err *err);
/*
 * The name nearest to a mistyped `word`, or NULL if none is near.  `names` has
 * `count` of them.
 */
SM_API const char *sm_option_nearest(const char *word, const char *const *names,
				     size_t count);

/* A kind of job; the program has a command of the same name. */
struct sm_kind_info {
	const char *name;
	const char *usage;   /* after the name of the command */
	const char *summary; /* one line */
	const char *detail;  /* more for the command's help, or NULL */
	bool takes_command;  /* after "--" */
	/*
	 * The option, of type FILE, that names what there is where there is no
	 * final file, or NULL.
	 */
	const char *result;
	const struct sm_option *options;
	size_t opts_bytes; /* of the struct that the options are kept in */
	uint64_t spare[8];
};

/* One after the other, NULL at the end. */
SM_API const struct sm_kind_info *sm_kind_info(size_t i);
/* The rows of the kind's table that are SM_OPTION_LIMIT, a table as well. */
SM_API const struct sm_option *sm_kind_limits(const struct sm_kind_info *kind);

/* ----------------------------------------------------------- producer -- */

/*
 * A producer makes batches in the caller's own program: no process per batch,
 * and nothing to parse.
 *
 *	static int
 *	produce(void *state, const struct sm_task *task, struct sm_out *out,
 *		struct sm_err *err)
 *	{
 *		…  rows task->first to task->end - 1  …
 *		return sm_out_text(out, line, len, err);
 *	}
 *
 *	static const struct sm_producer export = { .name = "export",
 *						   .produce = produce };
 *	static const struct sm_producer *const producers[] = { &export, NULL };
 *
 *	int
 *	main(int argc, char **argv)
 *	{
 *		sm_worker_main(argc, argv, producers);
 *		…  sm_plan() with .producer = &export, sm_run()  …
 *	}
 *
 * sm_run() starts the program again, once for each worker; there
 * sm_worker_main() does not return.  A whole program ends libshardmill(3).
 * Claims, tries, commits, resuming and the final file are as those of any job.
 *
 * How the input is cut is said by sm_plan_opts.options, as those of exec, of
 * which one of range, lines, bytes and items is given, or none and `cut`:
 *
 *	range N, size N      the numbers 0 to N - 1, so many each
 *	input FILE           lines, gzip too; may be given several times; with
 *	  lines N            so many lines each, or
 *	  bytes SIZE         so many bytes, to the next newline
 *	  header N           lines of each file that come before each batch
 *	  digest HOW         sampled (the default) or full
 *	items FILE, size N   a line each, or N lines with TABs between them
 *	null yes             items end in NUL
 *	to DIR, suffix .EXT  each batch makes a file (sm_task.file)
 *	no-output yes        the batches make nothing here
 *	encoder NAME, level N
 *	                     text (the default) or zlib; 1 (the default) to 9
 *	max-shard-bytes SIZE a batch with more fails
 *
 * The bytes of a batch must follow from these, from the producer's own options
 * and from the batch alone: a batch that is made again must come out the same.
 * What else they depend on, such as a version of the code, belongs into the
 * producer's options.
 */
struct sm_in;
struct sm_out;
struct sm_cutter;

/* A batch to make.  It is the library's, and valid until produce() returns. */
struct sm_task {
	uint64_t batch; /* its number, from 0 */
	/* Rows, lines or numbers, half-open; -1: it has none (bytes). */
	int64_t first, end;
	const char *item;  /* NULL: none; bytes as they came, no NUL in them */
	const char *input; /* path of the file that its lines are of, or NULL */
	/* The file to make, of a job with `to`: absolute, not there yet. */
	const char *file;
	struct sm_in *in; /* its lines, or NULL */
	/*
	 * 1 for the first try, 2 after one that failed and counts.  One that
	 * was interrupted, given back or stopped does not count: the next one
	 * has its number.
	 */
	int attempt;
	int slot; /* of the workers alive no other has this number, from 0 */
	uint64_t spare[8];
};

/* What a producer is opened with; valid until close() returns. */
struct sm_producer_env {
	const char *options; /* the job's, as JSON with sorted keys; "{}" */
	int slot;            /* as in struct sm_task */
	void *arg;           /* the producer's */
	uint64_t spare[8];
};

/*
 * All functions are called in workers and by one thread, but for `cut`, which
 * sm_plan() calls in its own.  Their `err` is never NULL.  They return 0, or
 * sm_fail() with one of these; any other value fails the batch as SM_EOUTPUT.
 *
 *	SM_EINPUT, SM_EVALUE, SM_ETOOBIG, SM_ENOTFOUND
 *			the batch has failed: another try would not help
 *	SM_EOUTPUT, SM_ECOMMAND, SM_ETIMEOUT
 *			a try that failed; there are others, up to
 *			sm_settings.max_attempts in all
 *	SM_EIO, SM_ENOMEM
 *			the batch goes back without a try counted; a worker
 *			that meets three in a row ends the run
 *	SM_ENOSPC, SM_EREFUSED
 *			the run ends, and may be begun again
 *	SM_ESTOPPED	it was given up since sm_out_stopped() said so
 *
 * Standard output and error of a worker are those of the program that called
 * sm_run(); its standard input too, and nothing else that it had open.  It
 * begins in the job's directory, with SIGINT, SIGTERM and SIGHUP ignored.
 *
 * A crash (a signal, exit()) ends the worker and fails its batch alone, with a
 * try counted; another worker takes its place.  One that hangs is not noticed:
 * its batch runs until sm_stop_batch().  Three workers in a row that crash
 * before their first batch, as in `open`, end the run (SM_EIO).
 */
struct sm_producer {
	/*
	 * Small letters, digits and '-', the first one a letter, at most 40;
	 * not the name of a kind.  It stays with the job.
	 */
	const char *name;
	/* Once per worker, before its first batch; NULL: `*state` is `arg`. */
	int (*open)(void **state, const struct sm_producer_env *env,
		    struct sm_err *err);
	/* Once per batch. */
	int (*produce)(void *state, const struct sm_task *task,
		       struct sm_out *out, struct sm_err *err);
	/* After the last one, also where open() failed half way: then with
	 * what it left in `*state`, NULL at first.  NULL: nothing is closed. */
	void (*close)(void *state);
	/*
	 * Cut the input, by calling sm_cut() for each batch in order, where no
	 * option says how.  It is called whenever the job is planned, also
	 * again, and its batches are compared with those that there are; they
	 * are kept in the job.  NULL: there is none.
	 */
	int (*cut)(struct sm_cutter *c, const struct sm_producer_env *env,
		   struct sm_err *err);
	void *arg; /* the caller's */
	uint64_t spare[8];
};

/*
 * One batch of `cut`: numbers from `first` to below `end` (both -1: none), and
 * an item of up to 100,000 bytes (NULL: none), which is copied.  SM_EUSAGE: the
 * two make no sense.  SM_ESTOPPED: the user asked to end; return it.
 */
SM_API int sm_cut(struct sm_cutter *c, int64_t first, int64_t end,
		  const char *item, struct sm_err *err);

/*
 * The first line of main() in a program with producers.  In a worker it does
 * the work and ends the process by exit(3); else it returns at once, having
 * remembered `producers` (NULL at the end; they stay the caller's and live as
 * long as the process) as those that sm_plan() may name, and that sm_run()
 * without worker_argv is to start this program again.  `argc` and `argv` are
 * those of main(), and not looked at.  A worker's process keeps the name that
 * the program has: sm_events.title is asked in sm_work() alone.
 */
SM_API void sm_worker_main(int argc, char **argv,
			   const struct sm_producer *const *producers);

/*
 * The next piece of the batch's text, however it is cut; it lives until the
 * next call: 1; 0: that was all; <0.  The lines of the header come first.
 */
SM_API int sm_in_text(const char **text, size_t *len, struct sm_in *in,
		      struct sm_err *err);
/*
 * The next line, with its newline, which the last one of a file may lack, and a
 * NUL after it that `len` does not count; it lives until the next call: 1; 0;
 * <0.  It is held in memory whole.  Not mixed with sm_in_text().
 */
SM_API int sm_in_line(const char **line, size_t *len, struct sm_in *in,
		      struct sm_err *err);

/*
 * Add text to the batch.  It is compressed as it comes, and nothing of it is
 * kept in memory beyond some 256 KiB.  The first failure of any call on `out`
 * stays, and fails the batch whatever produce() returns.
 */
SM_API int sm_out_text(struct sm_out *out, const void *text, size_t len,
		       struct sm_err *err);

/* The names of a record's fields: UTF-8, without quotes, none NULL. */
struct sm_record_fields {
	const char *key, *list, *id, *score;
};

/*
 * Records: a list of (id, number) under a key, each a line
 *
 *	{"key": KEY, "list": [{"id": ID, "score": NUMBER}, …]}
 *
 * written several times as fast as the same text would be, as the writer knows
 * what repeats.  sm_out_records() names the fields, once per batch or when they
 * change; then per record sm_out_record(), sm_out_item() for each item,
 * sm_out_record_end(), which alone tells of a failure.  KEY and ID are JSON
 * (sm_out_json(), or digits), NUMBER is a JSON number as text; none is checked.
 * Text and records may alternate, line by line.
 */
SM_API int sm_out_records(struct sm_out *out,
			  const struct sm_record_fields *fields,
			  struct sm_err *err);
SM_API void sm_out_record(struct sm_out *out, const char *key, size_t len);
SM_API void sm_out_item(struct sm_out *out, const char *id, size_t id_len,
			const char *number, size_t number_len);
SM_API int sm_out_record_end(struct sm_out *out, struct sm_err *err);

/*
 * A UTF-8 text as JSON, quoted, ASCII alone, as json.dumps of Python writes it.
 * It lives until the next call with this `out`; NULL: SM_EVALUE (not UTF-8),
 * SM_ENOMEM, which stay as other failures do.
 */
SM_API const char *sm_out_json(struct sm_out *out, size_t *json_len,
			       const char *text, size_t len,
			       struct sm_err *err);

/*
 * Say of each row of the batch, in order, whether it has a line: after its line
 * was written, or left out.  A producer that writes one line per row needs it
 * not; one that leaves out rows does, for sm_cat() to find rows by number.
 */
SM_API int sm_out_row(struct sm_out *out, bool written, struct sm_err *err);

/*
 * Is the batch to be given up?  A producer that takes longer than a second asks
 * now and then, and returns sm_fail(err, SM_ESTOPPED, …).
 */
SM_API bool sm_out_stopped(const struct sm_out *out);

/* --------------------------------------------------------------- plan -- */

enum sm_sync { SM_SYNC_SHARD = 1, SM_SYNC_END = 2 };

#define SM_WORKERS_MAX          4096
#define SM_ATTEMPTS_MAX         1000000
#define SM_MAX_ATTEMPTS_DEFAULT 3
#define SM_LEASE_S_DEFAULT      60

/*
 * Throughput options: free to change at any start.  0 keeps what a job has,
 * and is the default of a new one; of the last two 1 is yes and -1 no.
 */
struct sm_settings {
	int workers; /* default: the CPUs this process may use */
	/*
	 * SM_MAX_ATTEMPTS_DEFAULT.  After the n-th try that failed a batch is
	 * left alone for 2^n s, a quarter less or more, an hour at most, while
	 * others are made; sm_run() waits for it.
	 */
	int max_attempts;
	double lease_s; /* SM_LEASE_S_DEFAULT */
	int sync;       /* enum sm_sync; SM_SYNC_SHARD */
	int fail_fast;  /* no */
	int consume;    /* no; yes: remove shards once they are in it */
	uint64_t spare[8];
};

struct sm_plan_opts {
	const char *kind; /* "candidates", "exec"; NULL with a producer */
	/*
	 * Of the kind, or of a producer's input; a NULL name ends them.
	 */
	const struct sm_value *options;
	const char *const *command; /* of a kind that runs one, NULL-ended */
	struct sm_settings settings;
	const char *output;  /* the final file, or NULL */
	bool force;          /* replace an output that is not this job's */
	bool accept_changed; /* keep what is done, go on with these options */
	bool extend;         /* keep what is done, add what is new at the end */
	bool restart;    /* delete the job and begin again; what the library did
			  * not make stays in its directory */
	bool network_fs; /* rollback journal, one host at a time */
	uint64_t parts;  /* part-0000, … as jobs of their own; 0: none */
	bool trust;      /* a job directory of somebody else's */
	struct sm_events events;
	/* In place of `kind`: one of those that sm_worker_main() was given. */
	const struct sm_producer *producer;
	/*
	 * Its own options, a JSON object; NULL: {}.  They are stored, compared
	 * with those that were planned, whatever the order of their keys, and
	 * part of the fingerprint.  SM_EUSAGE: it is none.
	 */
	const char *producer_options;
	uint64_t spare[14];
};

struct sm_plan_result {
	bool planned;  /* false: the job was there, and is the same one */
	bool complete; /* all done and the final file is there */
	uint64_t batches, rows;
	uint64_t parts;       /* 0: the job is not in parts */
	char fingerprint[17]; /* of the job, hexadecimal */
	char *first_command;  /* exec: the first batch's, for people */
	uint64_t spare[8];
};

/*
 * Make the job directory `job` and its batches; run nothing.  On a job that is
 * there: check that options and inputs are the planned ones (SM_EREFUSED names
 * each that is not), apply `settings`, and return with `planned` false.
 *
 * With `parts` and no `kind`: a job that is there, and was planned without
 * parts, is planned again in so many; all but `parts`, `trust` and `events` is
 * as it was.  SM_EREFUSED: batches were begun, its inputs changed, or it is in
 * parts already.
 */
SM_API int sm_plan(struct sm_plan_result *result, const char *job,
		   const struct sm_plan_opts *opts, struct sm_err *err);
SM_API void sm_plan_result_release(struct sm_plan_result *result);

/*
 * The command of each batch that sm_plan() would make, in order, as a line that
 * a shell reads back, while the input is cut: nothing is planned, and no job
 * is looked at.  `command` returns false to hear no more.  SM_EUSAGE: the kind
 * runs none.
 */
SM_API int sm_dry_run(const struct sm_plan_opts *opts,
		      bool (*command)(const char *line, void *arg), void *arg,
		      struct sm_err *err);

/* ---------------------------------------------------------- run, work -- */

struct sm_run_opts {
	/*
	 * Program and arguments that end up in sm_work() with `control_fd`
	 * SM_WORKER_FD and the job directory as working directory "." of the
	 * call; NULL at the end.  NULL: this program, if it has called
	 * sm_worker_main(), else SM_EUSAGE.  The environment of a
	 * worker is marked (SHARDMILL_WORKER), that of its command is not;
	 * under the mark nothing is planned, run or finalized (SM_EUSAGE).
	 */
	const char *const *worker_argv;
	struct sm_settings settings;
	const char *output; /* the final file; NULL: as planned */
	/* Limits of the job's kind to change; NULL, or a NULL name: none. */
	const struct sm_value *limits;
	int follow; /* join while it runs; 1: yes, -1: no, 0: if there is a
		     * final file */
	bool retry_failed; /* put failed batches back first */
	/*
	 * So many batches that fail in this run, or below 1 such a share of
	 * all, end it; those in hand are finished.  0: no limit.
	 */
	double max_failures;
	/*
	 * Run it though another supervisor holds it, on a host that died or
	 * was cut off: its running batches are put back, and neither it nor
	 * its workers can claim or commit any more (SM_EFENCED to them).
	 * Nothing is touched where no batch is left and there is no final
	 * file to make.
	 */
	bool takeover;
	bool trust;
	struct sm_events events;
	uint64_t spare[16];
};

/* Of a run that failed as well, where the job could be read. */
struct sm_run_result {
	uint64_t done, failed, left; /* batches; left: neither */
	bool finalized;
	bool was_complete; /* nothing had to be done */
	char *final_path; /* it is there where finalized; NULL: no plan of it */
	uint64_t final_size; /* bytes, where finalized */
	uint64_t job_size;   /* bytes of the job directory; 0: unknown */
	int signals;         /* requests to stop that were seen */
	uint64_t spare[8];
};

/*
 * Supervise workers until no batch is pending or running, then finalize a job
 * that was planned with an output.  SM_EWORK: batches failed; SM_ESTOPPED:
 * drained with work left; SM_EREFUSED: among others, the job's producer is not
 * one of the program that the workers are.
 */
SM_API int sm_run(struct sm_run_result *result, const char *job,
		  const struct sm_run_opts *opts, struct sm_err *err);
SM_API void sm_run_result_release(struct sm_run_result *result);

#define SM_WORKER_FD 3 /* a supervised worker's end of its control socket */

struct sm_work_opts {
	int control_fd; /* SM_WORKER_FD under a supervisor, else 0 */
	bool trust;
	struct sm_events events;
	uint64_t spare[8];
};

/*
 * Be one worker of the job, until no batch is left to take.  Without a
 * supervisor (control_fd 0) it is one more, that looks after other workers too:
 * SM_EWORK: batches failed; SM_ESTOPPED: asked to end, with work left.  Of a
 * job in parts a part is named.  SM_EREFUSED, SM_ENOTFOUND: it cannot make this
 * job's batches.
 */
SM_API int sm_work(const char *job, const struct sm_work_opts *opts,
		   struct sm_err *err);

/* ----------------------------------------------------------- accounts -- */

/*
 * What became of the entries and rows of a batch's input, where its kind counts
 * them (candidates).  Each entry and each row is counted once: entries times
 * rows are the sum of all that count entries, and rows the records and those
 * that count rows.
 */
enum {
	SM_TALLY_ENTRIES, /* written; all others were left out, and why */
	SM_TALLY_LOW_SCORE,
	SM_TALLY_TOO_FEW, /* rows */
	SM_TALLY_OF_TOO_FEW,
	SM_TALLY_PADDING,
	SM_TALLY_SKIPPED, /* not in the vocabulary */
	SM_TALLY_NAN,
	SM_TALLY_OVER_MAXIMUM,
	SM_TALLIES
};

struct sm_tally {
	const char *name; /* of the column, and in JSON */
	bool rows;        /* it counts rows, not entries */
	bool asked;       /* follows from what was asked for: never a warning */
	const char *why;  /* "{name}" is an option's value; NULL: written */
	uint64_t spare[2];
};

/* In the order of the enum; NULL after the last. */
SM_API const struct sm_tally *sm_tally(size_t i);

/* -------------------------------------------------------------- status -- */

struct sm_status_batch {
	uint64_t id;
	char *state;       /* "failed", "running", … */
	char *error;       /* message of the last attempt, or NULL */
	char *stderr_tail; /* last line of the command's stderr, or NULL */
	int64_t attempts;
	double elapsed_s; /* running: so far */
	int64_t pid;      /* running: its worker's */
	int64_t slot;     /* running: the number of its worker */
	int64_t command;  /* running: pid of its command; 0: none */
	double usual_s;   /* a straggler: how long others take; 0: it is none */
	uint64_t spare[8];
};

/* Tries that failed for one reason, equal but for numbers and quoted names. */
struct sm_status_failure {
	char *reason;      /* the message, these folded */
	char *message;     /* of the latest such try */
	char *stderr_tail; /* its last line of stderr, or NULL */
	char *examples;    /* up to three batches: "3, 7, 9" */
	uint64_t tries, batches;
	uint64_t failed; /* of these batches: have failed for good */
	uint64_t open;   /* of these batches: are pending or running */
	uint64_t spare[8];
};

/* The latest run; id 0: there was none. */
struct sm_status_run {
	int64_t id, pid;
	char *command; /* "run", "work" */
	char *host, *version;
	char *why;                   /* it ended; NULL: it runs */
	double started, ended;       /* ended 0: it runs, or was killed */
	int64_t exit_status, signal; /* -1: none */
	uint64_t done, failed;       /* batches */
	uint64_t spare[8];
};

struct sm_status_part {
	char name[32]; /* of its directory */
	uint64_t total, pending, running, done, failed;
	bool active;
	unsigned workers;
	char *error; /* it cannot be read: why; else NULL */
	uint64_t spare[8];
};

struct sm_status {
	char *job;  /* real path */
	char *kind; /* "candidates", "exec", "producer" */
	char fingerprint[17];
	uint64_t total, pending, running, done, failed;
	double percent;
	uint64_t rows, records, raw_bytes, gz_bytes;
	uint64_t tally[SM_TALLIES];
	uint64_t joined; /* batches the growing final file has */
	double rows_per_s, elapsed_s, eta_s; /* eta_s < 0: unknown */
	bool active;                         /* a supervisor holds run.lock */
	bool paused;
	bool stopped;        /* by a signal, as Ctrl-Z does: all workers */
	uint64_t stragglers; /* batches that run far longer than others do */
	unsigned workers;    /* alive */
	int target_workers;
	char *final_path; /* or NULL */
	char *files_dir;  /* where each batch makes a file, or NULL */
	bool textless;    /* they make no text, so there is nothing to join */
	bool complete;
	uint64_t wal_bytes;
	struct sm_status_batch
		*batch; /* ten failed, ten running, the longest first */
	size_t batches;
	/* Up to ten, of batches that are not done. */
	struct sm_status_failure *failure;
	size_t failures;
	struct sm_status_run last;
	struct sm_status_part *part; /* of a whole job in parts */
	size_t parts;
	int64_t part_number; /* of a part … */
	uint64_t part_count; /* … of so many; 0: it is none */
	char *producer;      /* of a job that has one; else NULL */
	uint64_t spare[15];
};

/*
 * Where the job stands now.  It changes nothing, takes no lock, and works on a
 * job that may not be written to, beside whatever runs; `out` is filled in
 * whole, released by sm_status_release(), and zeroed where it fails.
 */
SM_API int sm_status(struct sm_status *out, const char *job,
		     struct sm_err *err);
SM_API void sm_status_release(struct sm_status *s);

struct sm_attempt {
	int64_t id, worker, pid;
	int64_t slot, token; /* the number of the worker; the claim's own */
	int64_t command;     /* running: pid of its command; 0: none */
	int64_t number;      /* 1 for the batch's first */
	char *host;
	double started, ended; /* ended 0: running */
	char *outcome, *error_class, *message, *stderr_text; /* or NULL */
	int64_t exit_status, signal;                         /* -1: none */
	uint64_t spare[8];
};

struct sm_batch_status {
	uint64_t id;
	int64_t first, end, first_byte, end_byte; /* -1: none */
	char *item, *state, *error;
	int64_t attempts, priority;
	double not_before, started, finished;
	int64_t rows, records, raw_bytes, gz_bytes; /* -1: none */
	int64_t tally[SM_TALLIES];                  /* -1: none */
	struct sm_attempt *attempt;
	size_t attempt_count;
	uint64_t spare[8];
};

/*
 * One batch with all its attempts, in order; what a running command has said so
 * far as well.  As sm_status(); SM_EUSAGE: there is no such batch.
 */
SM_API int sm_status_of_batch(struct sm_batch_status *out, const char *job,
			      uint64_t batch, struct sm_err *err);
SM_API void sm_batch_status_release(struct sm_batch_status *s);

/* ---------------------------------------------------------------- list -- */

#define SM_LIST_DEPTH     5 /* levels of directories, where none is said */
#define SM_LIST_DEPTH_MAX 16

/* A job that was found; or a directory that could not be looked into. */
struct sm_listed {
	const char *path; /* as it is reached from what was asked for */
	bool is_job;
	bool self; /* it is the directory that was asked for, and all there is
		    */
	const struct sm_status *status; /* NULL: it was not read, … */
	const char *error;              /* … and why; else NULL */
	uint64_t owner;                 /* user id of the directory's owner */
	uint64_t bytes; /* on disk; 0: unknown, as where it was not read */
	uint64_t spare[8];
};

struct sm_list_opts {
	unsigned depth; /* 0: SM_LIST_DEPTH; above the limit: the limit */
	bool trust;     /* read the jobs of others too */
	void (*found)(const struct sm_listed *l, void *arg);
	void *found_arg;
	struct sm_events events;
	uint64_t spare[8];
};

struct sm_list_result {
	uint64_t jobs;        /* that were found … */
	uint64_t unread;      /* … of these, and directories, not read */
	uint64_t directories; /* that were looked into */
	bool deeper;          /* there are others below these */
	uint64_t spare[8];
};

/*
 * Tell of each job below the directory `dir`, or of `dir` if it is one, in the
 * order of names; nothing is changed.  Symbolic links are not followed, nor
 * directories whose names begin with a dot, and no job is searched for others.
 * Jobs of other users are named, not opened, unless `trust`.  Memory does not
 * grow with what there is.
 */
SM_API int sm_list(struct sm_list_result *result, const char *dir,
		   const struct sm_list_opts *opts, struct sm_err *err);

/* ---------------------------------------------------------------- look -- */

/*
 * The rows of a job, one after the other, however many there are: each call
 * reads some hundred of them at once and lets the job go again, so that a list
 * that is read slowly keeps nobody waiting.  What changes meanwhile is told as
 * it was or as it is; no row is told twice, and none is left out that was there
 * all the time.
 *
 *	struct sm_look *l;
 *	struct sm_look_batch b;
 *
 *	if (sm_look_open(&l, job, &err) < 0)
 *		…
 *	while ((ret = sm_look_next_batch(&b, l, &err)) > 0)
 *		…
 *	sm_look_close(l);
 *
 * The four kinds of row are told apart from each other, each from its
 * beginning.  Strings live until the next call of the same function, or until
 * sm_look_close().  Of a job in parts they are those of one part after the
 * other.
 */
struct sm_look;

struct sm_look_batch {
	uint64_t id;
	const char *state; /* "pending", "running", "done", "failed" */
	const char *item;  /* or NULL */
	const char *error; /* message of the last failed try, or NULL */
	int64_t first, end, first_byte, end_byte; /* -1: none */
	int64_t attempts; /* that count, since the last retry; the rows of
			   * sm_look_next_attempt() are all there were */
	int64_t priority;
	double not_before, started, finished;       /* 0: none */
	int64_t rows, records, raw_bytes, gz_bytes; /* -1: not done */
	uint64_t spare[8];
};

struct sm_look_attempt {
	int64_t id; /* within its part, in the order in which they began */
	uint64_t batch;
	int64_t worker, slot;  /* slot -1: unknown */
	double started, ended; /* ended 0: running */
	/*
	 * "running", "done", "error", "signal", "timeout", "stalled", "fenced",
	 * "returned", "stopped", "interrupted"
	 */
	const char *outcome;
	/*
	 * Of the command; or of the worker that a producer ended, as by
	 * exit(5), "error".  -1: none, as of a failure that was returned.
	 */
	int64_t exit_status, signal;
	const char *error_class;           /* sm_code_name(), or NULL */
	const char *message, *stderr_text; /* or NULL */
	uint64_t spare[8];
};

struct sm_look_run {
	int64_t id;          /* within its part */
	const char *command; /* "run", "work" */
	const char *host, *version;
	const char *why; /* it ended; NULL: it runs, or was killed */
	int64_t pid, workers;
	double started, ended;       /* ended 0: it has no end */
	int64_t exit_status, signal; /* -1: none */
	uint64_t done, failed;       /* batches */
	uint64_t spare[8];
};

/* As struct sm_status_failure. */
struct sm_look_failure {
	const char *reason, *message, *error_class, *stderr_text, *examples;
	uint64_t tries, batches, failed, open;
	uint64_t spare[8];
};

/* `*out` is NULL where it fails; closed by sm_look_close(). */
SM_API int sm_look_open(struct sm_look **out, const char *job,
			struct sm_err *err);
/* In order of id: 1; 0: that was the last; <0.  So are the next two. */
SM_API int sm_look_next_batch(struct sm_look_batch *b, struct sm_look *l,
			      struct sm_err *err);
SM_API int sm_look_next_attempt(struct sm_look_attempt *a, struct sm_look *l,
				struct sm_err *err);
SM_API int sm_look_next_run(struct sm_look_run *r, struct sm_look *l,
			    struct sm_err *err);
/*
 * The reasons that tries have failed for, those of most failed batches first,
 * with equal ones of several parts told once for each: 1, 0, <0.
 */
SM_API int sm_look_next_failure(struct sm_look_failure *f, struct sm_look *l,
				struct sm_err *err);
/* All four begin again. */
SM_API void sm_look_rewind(struct sm_look *l);
SM_API void sm_look_close(struct sm_look *l); /* NULL is allowed */

/* -------------------------------------------------------------- report -- */

/*
 * A job's history for pictures, in so many bins at most, however many batches,
 * attempts, runs and workers there are.
 */
#define SM_REPORT_COLUMNS  160  /* of time */
#define SM_REPORT_CELLS    4000 /* of the map of batches */
#define SM_REPORT_LANES    24   /* of workers */
#define SM_REPORT_BARS     80   /* of durations */
#define SM_REPORT_TRIES    2000 /* above, tries are not told one by one */
#define SM_REPORT_SPANS    24
#define SM_REPORT_ROWS     100 /* of runs, pauses, inputs: the latest */
#define SM_REPORT_BATCHES  20  /* the slowest, and the stragglers */
#define SM_REPORT_FAILURES 20

/*
 * Times of work, in order: what lies between them, as long pauses in which
 * nothing was in hand, is folded.  A span takes
 * `width` of the picture from `at` on, both between 0 and 1.
 */
struct sm_report_span {
	double from, to, at, width;
	uint64_t spare[2];
};

/* A done batch counts in each column in which it was in hand, by its share. */
struct sm_report_column {
	double seconds;  /* of work; 0: nothing but folded time */
	uint64_t done;   /* batches done at its end */
	uint64_t failed; /* tries that failed in it */
	double rows, raw_bytes, gz_bytes;
	uint64_t spare[2];
};

/* So many batches from `first` on, and how long the done ones took. */
struct sm_report_cell {
	uint64_t first, batches, pending, running, done, failed;
	uint64_t attempts;
	double seconds, longest;
	uint64_t spare[2];
};

struct sm_report_lane_column {
	double busy; /* seconds in which a try was in hand, of all its workers
		      */
	uint64_t tries, failed; /* that ended in it */
	uint64_t spare[2];
};

/* Workers by their numbers, of a job in parts those of one part after another.
 */
struct sm_report_lane {
	uint64_t first, workers;
	struct sm_report_lane_column column[SM_REPORT_COLUMNS];
	uint64_t spare[8];
};

struct sm_report_try {
	uint64_t batch, number, lane;
	double started, ended; /* ended 0: running */
	char outcome[16];
	bool failed; /* it counts as a try that failed */
	uint64_t spare[2];
};

/* Done batches that took from `from` seconds to below that of the next one. */
struct sm_report_bar {
	double from;
	uint64_t batches;
	uint64_t spare[2];
};

struct sm_report_batch {
	uint64_t id;
	double seconds;
	uint64_t spare[2];
};

struct sm_report_failure {
	char *reason, *message, *error_class, *stderr_text, *examples;
	uint64_t tries, batches, failed, open;
	uint64_t spare[8];
};

struct sm_report_run {
	struct sm_status_run run;
	int64_t workers;
	int64_t part; /* -1: the job has none */
	uint64_t spare[8];
};

struct sm_report_pause {
	double started, ended; /* ended 0: it is */
	uint64_t spare[2];
};

struct sm_report_input {
	char *name, *path;
	uint64_t size;
	double mtime;
	uint32_t crc32;
	bool sampled;
	uint64_t spare[8];
};

struct sm_report {
	struct sm_status status;
	double at, created; /* when it was read, and planned */
	char *spec;         /* the options, as in spec.json */
	const char *sqlite; /* its version */
	double lease_s;
	int max_attempts;
	uint64_t first; /* number of the first batch */
	struct sm_report_span span[SM_REPORT_SPANS];
	size_t spans;
	struct sm_report_column column[SM_REPORT_COLUMNS];
	struct sm_report_cell *cell;
	size_t cells;
	uint64_t cell_batches; /* of each but the last */
	struct sm_report_lane *lane;
	size_t lanes;
	uint64_t workers; /* numbers of workers that there were */
	uint64_t tries_all;
	struct sm_report_try *tries; /* if there are no more than _TRIES */
	size_t tries_told;
	struct sm_report_bar bar[SM_REPORT_BARS];
	/* Of the view `usual`; -1: unknown.  In parts, of the one that knows
	 * most. */
	double median_s, p99_s, straggler_s;
	uint64_t usual_of;
	struct sm_report_batch slowest[SM_REPORT_BATCHES];
	size_t slowest_count;
	struct sm_report_batch straggler[SM_REPORT_BATCHES];
	size_t straggler_count;
	struct sm_report_run *run; /* the latest first */
	size_t runs;
	uint64_t runs_all;
	struct sm_report_pause *pause;
	size_t pauses;
	struct sm_report_failure *failure;
	size_t failures;
	uint64_t failures_all;
	struct sm_report_input *input;
	size_t inputs;
	uint64_t inputs_all;
	uint64_t spare[16];
};

/*
 * As sm_status(), of the job's whole history: it reads each batch and attempt
 * once, and keeps no more than the struct has room for.
 */
SM_API int sm_report(struct sm_report *out, const char *job,
		     struct sm_err *err);
SM_API void sm_report_release(struct sm_report *r);
/* Where in the picture a time is, from 0 to 1. */
SM_API double sm_report_place(const struct sm_report *r, double time);

/* ----------------------------------------------------------------- try -- */

/*
 * Run one batch of an exec job in the foreground, its output and errors on the
 * caller's own, without touching the job.  0 if the command ended by itself:
 * `*exit_status` is its own, or 128 + the signal it died of.
 */
SM_API int sm_try(int *exit_status, const char *job, uint64_t batch, bool trust,
		  struct sm_err *err);

/* ----------------------------------------------------------- set, stop -- */

/* What is not named stays.  All of it may be changed beside a living run. */
struct sm_set_opts {
	bool has_workers; /* then `workers`, 0 too: none until there are some */
	int workers;
	int paused;       /* 1: yes, -1: no */
	int max_attempts; /* 0: as it is */
	/* Limits of the job's kind; NULL, or a NULL name: none. */
	const struct sm_value *limits;
	int64_t priority; /* of these batches; higher is taken first */
	const struct sm_batch_range *range;
	size_t ranges;
	bool trust;
	uint64_t spare[8];
};

struct sm_set_result {
	int was_workers, workers;
	bool was_paused, paused;
	int was_max_attempts, max_attempts;
	bool limits;          /* they are others than before */
	uint64_t prioritized; /* batches */
	uint64_t running;     /* batches in hand */
	bool active;          /* a supervisor is at work */
	uint64_t spare[8];
};

/*
 * A living run starts or drains workers within a second or two; pause, tries
 * and limits count from each worker's next batch on.
 */
SM_API int sm_set(struct sm_set_result *result, const char *job,
		  const struct sm_set_opts *opts, struct sm_err *err);

struct sm_stop_result {
	double elapsed_s; /* of the attempt */
	double wait_s;    /* until the batch may be taken again */
	/*
	 * Its command was ended, or its worker; neither: a worker that was
	 * started by hand drops the batch once it is made.
	 */
	bool command, worker;
	bool killed; /* the command did not end of TERM */
	uint64_t spare[8];
};

/*
 * End the attempt at a running batch.  It does not count as a try.  The batch
 * is pending again, but is not taken for `wait_s`, and then after all others.
 * SM_EREFUSED: it is not running, or runs on another host.
 */
SM_API int sm_stop_batch(struct sm_stop_result *result, const char *job,
			 uint64_t batch, bool trust, struct sm_err *err);

/* ------------------------------------------------- retry and finalize -- */

struct sm_retry_opts {
	bool failed; /* all failed ones; the default if nothing is named */
	bool all;    /* every batch, done ones too */
	const struct sm_batch_range *range;
	size_t ranges;
	bool trust;
	uint64_t spare[8];
};

/*
 * Put batches back to pending, with fresh tries: `*changed` of them.  Those in
 * hand are left, and a living run takes them up.  SM_EUSAGE: a range that the
 * job does not have.
 */
SM_API int sm_retry(uint64_t *changed, const char *job,
		    const struct sm_retry_opts *opts, struct sm_err *err);

struct sm_finalize_opts {
	const char *output; /* NULL: the planned one */
	/* Leave out what is not done: SM_EWORK once the file is written. */
	bool allow_missing;
	/* Leave out all batches but these; NULL: none. */
	const struct sm_batch_range *batches;
	bool force; /* replace a file that is not this job's */
	bool trust;
	struct sm_events events;
	uint64_t spare[8];
};

struct sm_finalize_result {
	char *path;
	uint64_t size, batches, records, raw_bytes;
	uint64_t left_out; /* of the batches, by allow_missing or batches */
	uint64_t job_size; /* bytes of the job directory; 0: unknown */
	bool was_complete; /* nothing had to be done */
	uint64_t spare[8];
};

/*
 * Join the shards into the final file, which appears whole or not at all, or go
 * on with one that has grown so far.  SM_EWORK: batches are not done (or were
 * left out, as allowed); SM_EREFUSED: the file that is there is not this job's;
 * SM_EHELD: somebody else joins it; SM_ESTOPPED.
 */
SM_API int sm_finalize(struct sm_finalize_result *result, const char *job,
		       const struct sm_finalize_opts *opts, struct sm_err *err);
SM_API void sm_finalize_result_release(struct sm_finalize_result *result);

/* -------------------------------------------------------------- verify -- */

/* One thing that is not as it must be. */
struct sm_finding {
	int64_t batch;      /* -1: none in particular */
	const char *damage; /* "missing", "size", "crc", "header", … */
	const char *text;   /* one line */
	uint64_t spare[8];
};

struct sm_verify_opts {
	bool requeue; /* put damaged batches of a job back to pending */
	bool trust;
	void (*found)(const struct sm_finding *f, void *arg);
	void *found_arg;
	struct sm_events events;
	uint64_t spare[8];
};

struct sm_verify_result {
	uint64_t batches, records, raw_bytes, gz_bytes; /* whole ones */
	uint64_t left;    /* batches of a job that are not done */
	uint64_t missing; /* batches that were left out of a final file */
	uint64_t findings, requeued;
	bool is_file; /* `path` was a lone final file */
	uint64_t spare[8];
};

/* SM_EVERIFY if there are findings. */
SM_API int sm_verify(struct sm_verify_result *result, const char *path,
		     const struct sm_verify_opts *opts, struct sm_err *err);

/* ------------------------------------------------------------- recover -- */

struct sm_recover_opts {
	bool network_fs; /* as it was planned */
	bool trust;
	struct sm_events events;
	uint64_t spare[8];
};

struct sm_recover_result {
	uint64_t batches, reused; /* reused: shards that were whole */
	/*
	 * Not reused: whole, but made with other options, before the last
	 * accept_changed.  Nothing but job.db said whether they were kept.
	 */
	uint64_t outdated;
	bool had_database; /* a damaged one was kept as job.db.damaged */
	uint64_t spare[8];
};

/*
 * Rebuild a lost or damaged job.db from spec.json and the shards.  SM_EREFUSED
 * if job.db is whole, or the inputs are not the planned ones.
 */
SM_API int sm_recover(struct sm_recover_result *result, const char *job,
		      const struct sm_recover_opts *opts, struct sm_err *err);

/* --------------------------------------------------------------- clean -- */

struct sm_clean_opts {
	bool look;       /* say what would be removed, and remove nothing */
	bool unfinished; /* also a job that is not finished */
	bool trust;
	struct sm_events events;
	uint64_t spare[8];
};

struct sm_clean_result {
	char *job;            /* real path */
	uint64_t bytes;       /* on disk, of what goes */
	bool finished;        /* false: what it has made is lost */
	bool begun;           /* an earlier call was killed; the rest goes */
	uint64_t done, total; /* batches; 0, 0: unknown, where `begun` */
	char *final_path;     /* stays; NULL: there is none that is whole */
	char *files_dir;      /* stays, as all that is in it; or NULL */
	bool kept;            /* files that are not the job's stay in it */
	uint64_t spare[8];
};

/*
 * Remove a job that is finished: its final file is there, whole by its end, and
 * is this job's; or the batches make files or nothing, and all are done.  The
 * final file, the files of the batches, and what else is in the job directory
 * stay.  SM_EREFUSED: it is not finished, is a part of a job, or somebody
 * else's; SM_EHELD: somebody works on it.
 */
SM_API int sm_clean(struct sm_clean_result *result, const char *job,
		    const struct sm_clean_opts *opts, struct sm_err *err);
SM_API void sm_clean_result_release(struct sm_clean_result *result);

/* ---------------------------------------------------------- cat, index -- */

enum sm_cat_what {
	SM_CAT_ALL,
	SM_CAT_ROWS,    /* lines of these rows of the input */
	SM_CAT_RECORDS, /* these lines of the text */
	SM_CAT_BATCHES, /* the text of these batches */
};

struct sm_cat_opts {
	int fd;                  /* where the text goes; 0: to 1 */
	int what;                /* enum sm_cat_what */
	uint64_t first, last;    /* both included; not of SM_CAT_ALL */
	unsigned threads;        /* 0: the CPUs this process may use */
	struct sm_events events; /* notices, from the calling thread */
	uint64_t spare[8];
};

struct sm_cat_result {
	uint64_t text_bytes; /* written */
	uint64_t file_bytes; /* of the file's data that were read */
	uint64_t spare[8];
};

/*
 * Write the text of the final file `file`, decompressed, in order; by its index
 * only what is asked for is read.  A file without an index is read from the
 * start, which is noticed; of it there are only all and records.  SM_EVERIFY:
 * what was read is damaged (whole batches are checked; what comes before the
 * damage was written).  SM_EINPUT: there is nothing of that number.  Memory is
 * up to 128 MiB per thread, and no more than a group of batches takes.
 */
SM_API int sm_cat(struct sm_cat_result *result, const char *file,
		  const struct sm_cat_opts *opts, struct sm_err *err);

/* What the index of a final file says. */
struct sm_index_about {
	char fingerprint[17]; /* of its job */
	uint64_t first;       /* number of the first batch: 0, but in a part */
	uint64_t batches;     /* missing ones too */
	uint64_t missing;     /* batches that were left out */
	uint64_t rows, records, raw_bytes, file_bytes;
	uint64_t spare[8];
};

/*
 * A batch; or a run of batches that were all left out, or are all without text
 * and have equally many rows.
 */
struct sm_index_entry {
	uint64_t batch, batches;             /* the first, how many */
	bool missing;                        /* they were left out */
	uint64_t row, rows, record, records; /* the first, how many */
	uint64_t tally[SM_TALLIES];
	uint64_t at, bytes;         /* of the deflate blocks, in the file */
	uint64_t raw_at, raw_bytes; /* in the text */
	uint32_t gz_crc32;          /* of the blocks */
	uint64_t spare[8];
};

struct sm_index;

/* SM_EINPUT: it has no index; SM_EVERIFY: that is damaged. */
SM_API int sm_index_open(struct sm_index **out, struct sm_index_about *about,
			 const char *file, struct sm_err *err);
/* 1: the next entry; 0: that was the last; <0. */
SM_API int sm_index_next(struct sm_index_entry *e, struct sm_index *x,
			 struct sm_err *err);
/*
 * Runs of batches that were left out, in place of the entries, from the last
 * opening or rewinding on: 1; 0: that was the last; <0.
 */
SM_API int sm_index_next_missing(struct sm_batch_range *run, struct sm_index *x,
				 struct sm_err *err);
SM_API void sm_index_rewind(struct sm_index *x);
SM_API void sm_index_close(struct sm_index *x); /* NULL is allowed */

/* ------------------------------------------------------ about, doctor -- */

#define SM_ABOUT_CPU 4

/* The library that runs, and what it runs with; the strings are its own. */
struct sm_about {
	const char *version;
	const char *commit; /* of its source, "unknown" if nobody told it */
	const char *sqlite, *zlib, *jansson; /* versions of what is loaded */
	/* What of this CPU it makes use of ("pclmul"), NULL after the last. */
	const char *cpu[SM_ABOUT_CPU];
	uint64_t spare[8]; /* as in the structs below: for later members */
};

SM_API void sm_about(struct sm_about *about);

enum sm_health {
	SM_HEALTH_FINE,
	SM_HEALTH_WARNING, /* a job works, but for what the text says */
	SM_HEALTH_BAD,     /* a job would be refused, or would fail */
};

struct sm_check {
	const char *name;   /* "file system", "locks", "memory", … */
	int health;         /* enum sm_health */
	const char *text;   /* what was found, one line */
	const char *advice; /* what would help; NULL where all is fine */
	uint64_t spare[8];
};

struct sm_doctor_opts {
	bool network_fs; /* for a job that is planned with it */
	void (*checked)(const struct sm_check *c, void *arg);
	void *arg;
	uint64_t spare[8];
};

struct sm_doctor_result {
	unsigned fine, warnings, bad; /* checks */
	uint64_t spare[8];
};

/*
 * Would a job in the directory `dir` work?  Its file system, locks, log and
 * shared memory are tried by what plan and run do, in a directory of its own
 * inside of `dir`, which is gone at the end; then space and quota, memory,
 * CPUs, limits, clock, and the SQLite that is loaded.  The failure is that of
 * the first check that is bad; SM_EINPUT also if there is no such directory.
 */
SM_API int sm_doctor(struct sm_doctor_result *result, const char *dir,
		     const struct sm_doctor_opts *opts, struct sm_err *err);

#ifdef __cplusplus
}
#endif

#endif /* SHARDMILL_H */
