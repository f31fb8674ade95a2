/*
 * exec.c - the exec job: what its options must be to each other
 *
 * The table of the options is in exec_options.c, the cutting of batches in
 * exec_cut.c, the command in exec_command.c, its output in exec_produce.c.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "source.h"

#include "advice.h"
#include "columns.h"
#include "program.h"
#include "replace.h"

#include "item_files.h"

#include "exec.h"

/* More rows than a table of batches should have; larger batches are meant. */
#define EXEC_BATCHES_MAX UINT64_C(1000000000)
/* As many words as an item could be split into. */
#define EXEC_COLUMNS_MAX 65536

/*
 * Said before the options are stored: `replace` as the source has it, `cwd` as
 * an absolute path.
 */
static int
exec_settle(struct sm_spec *spec, struct sm_err *err)
{
	struct sm_exec_opts *o = spec->opts;
	char *cwd = sm_path_real(o->cwd ? o->cwd : ".", err);
	int ret;

	if (!cwd)
		return SM_EINPUT;
	o->cwd = sm_spec_strdup(spec, cwd);
	free(cwd);
	if (!o->cwd)
		return sm_err_mem(err, "the specification");
	ret = sm_exec_take_arguments(spec, err);
	o->replace = sm_exec_replaces(o) ? 1 : -1;
	if (ret == 0 && o->inputs)
		ret = sm_exec_list_inputs(spec, err);
	return ret;
}

/* Can the command be run from here, today? */
static int
exec_check_command(const struct sm_exec_opts *opts, struct sm_err *err)
{
	char *path = NULL;
	int ret, one_word;

	/* Where the item is the program there is one to find per batch. */
	if (sm_exec_replaces(opts) &&
	    sm_replace_has(opts->argv[0], sm_exec_columns(opts)))
		return 0;
	ret = sm_program_find(&path, opts->argv[0], opts->cwd ? opts->cwd : ".",
			      err);
	free(path);
	if (ret == SM_ENOTFOUND) {
		one_word = sm_advice_one_word(opts->argv, err);
		if (one_word < 0)
			return one_word;
	}
	return ret;
}

static int
exec_check_source(const struct sm_exec_opts *o, struct sm_err *err)
{
	bool has_lines = o->lines > 0 || o->bytes > 0;
	bool has_items = sm_exec_has_items(o);
	int sources =
		(o->lines > 0) + (o->bytes > 0) + o->has_range + has_items;
	int standard = 0;
	size_t i;

	if (sources != 1)
		return sm_err_set(err, SM_EUSAGE,
				  "give %s of --lines, --bytes, --range, "
				  "--items, and ::: or :::: after the command",
				  sources ? "only one" : "one");
	if (has_lines && !sm_exec_has_lines(o))
		return sm_err_set(err, SM_EUSAGE,
				  "--%s needs --input FILE, whose lines are "
				  "the input",
				  o->lines ? "lines" : "bytes");
	if (!has_lines && sm_exec_has_lines(o))
		return sm_err_set(err, SM_EUSAGE,
				  "--input goes with --lines or --bytes");
	if (!has_lines && o->header)
		return sm_err_set(err, SM_EUSAGE, "--header goes with --input");
	for (i = 0; o->input && o->input[i]; i++)
		standard += strcmp(o->input[i], SM_SOURCE_STDIN) == 0;
	if (standard > 1)
		return sm_err_set(err, SM_EUSAGE,
				  "standard input (-) can be one input, not "
				  "%d",
				  standard);
	if (o->nul && !has_items && !has_lines)
		return sm_err_set(err, SM_EUSAGE,
				  "-0 goes with --items or --inputs");
	if (o->watch_items && !has_items)
		return sm_err_set(err, SM_EUSAGE,
				  "--watch-items goes with --items");
	if (o->size != 1 && !o->has_range && !has_items) {
		sm_err_set(err, SM_EUSAGE, "--size goes with --range or items");
		if (o->lines)
			sm_err_append(err, "; --lines is the size here");
		return SM_EUSAGE;
	}
	if (o->colsep && !has_items)
		return sm_err_set(err, SM_EUSAGE,
				  "--colsep goes with --items or ::::");
	if (o->colsep && o->size != 1)
		return sm_err_set(err, SM_EUSAGE,
				  "--size and --colsep exclude each other");
	if (has_items && o->size > EXEC_COLUMNS_MAX)
		return sm_err_set(err, SM_EUSAGE,
				  "--size %" PRIu64 ": at most %d items are a "
				  "batch",
				  o->size, EXEC_COLUMNS_MAX);
	if (o->digest == SM_DIGEST_FULL && !has_lines)
		return sm_err_set(err, SM_EUSAGE,
				  "--digest full goes with --input");
	if (o->has_range && o->size > 0 &&
	    o->range / o->size >= EXEC_BATCHES_MAX)
		return sm_err_set(err, SM_EUSAGE,
				  "--range %" PRIu64 " --size %" PRIu64
				  " makes more than %" PRIu64
				  " batches; give a larger --size",
				  o->range, o->size, EXEC_BATCHES_MAX);
	return 0;
}

/* A living command is started before it is known for which batches. */
static int
exec_check_serve(const struct sm_exec_opts *o, struct sm_err *err)
{
	size_t i;

	if (!o->serve && (o->start_timeout_s > 0 || o->recycle))
		return sm_err_set(err, SM_EUSAGE, "--%s goes with --serve",
				  o->recycle ? "recycle" : "start-timeout");
	for (i = 0; o->serve && sm_exec_replaces(o) && o->argv[i]; i++)
		if (sm_replace_has_own(o->argv[i], sm_exec_columns(o)))
			return sm_err_set(err, SM_EUSAGE,
					  "'%s': with --serve the command is "
					  "started once for many batches, and "
					  "is told the numbers and items on "
					  "standard input; of the words in "
					  "braces there is {slot}",
					  o->argv[i]);
	return 0;
}

int
sm_exec_check_result(const struct sm_exec_opts *o, struct sm_err *err)
{
	bool textless = o->to || o->no_output;

	if (o->to && o->no_output)
		return sm_err_set(err, SM_EUSAGE,
				  "give only one of --to and --no-output");
	if (o->to && strcmp(o->to, "-") == 0)
		return sm_err_set(err, SM_EUSAGE,
				  "--to -: the files of the batches need a "
				  "directory");
	if (o->suffix && !o->to)
		return sm_err_set(err, SM_EUSAGE, "--suffix goes with --to");
	if (o->suffix &&
	    (strlen(o->suffix) >= SM_SHARD_SUFFIX_MAX ||
	     strspn(o->suffix, "abcdefghijklmnopqrstuvwxyz"
			       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "0123456789._-") != strlen(o->suffix) ||
	     *o->suffix != '.' || strstr(o->suffix, ".tmp")))
		return sm_err_set(err, SM_EUSAGE,
				  "--suffix '%s': it begins with a dot, has "
				  "letters, digits, '.', '_' and '-', at most "
				  "%d of them, and no '.tmp'",
				  o->suffix, SM_SHARD_SUFFIX_MAX - 1);
	if (textless && o->output_header)
		return sm_err_set(err, SM_EUSAGE,
				  "--output-header is of text, which a command "
				  "with --%s makes none of",
				  o->to ? "to" : "no-output");
	if ((textless && (o->check & SM_CHECK_JSONL)) ||
	    (o->no_output && o->check))
		return sm_err_set(err, SM_EUSAGE,
				  "--check %s is of what a command makes, and "
				  "with --%s there is no text",
				  o->check & SM_CHECK_JSONL ? "jsonl"
							    : "nonempty",
				  o->to ? "to" : "no-output");
	return 0;
}

static int
exec_check(const void *opts, struct sm_err *err)
{
	const struct sm_exec_opts *o = opts;
	struct sm_columns columns = { 0 };
	size_t i;
	int ret;

	ret = exec_check_source(o, err);
	if (ret == 0)
		ret = sm_columns_init(&columns, sm_exec_columns(o), o->colsep,
				      err);
	sm_columns_release(&columns);
	if (ret < 0)
		return ret;
	if (!o->argv || !o->argv[0] || !*o->argv[0])
		return sm_err_set(err, SM_EUSAGE,
				  "no command is given; put it "
				  "after '--'");
	for (i = 0; o->bytes && sm_exec_replaces(o) && o->argv[i]; i++)
		if (sm_replace_has_number(o->argv[i]))
			return sm_err_set(err, SM_EUSAGE,
					  "'%s': with --bytes no line numbers "
					  "are known; use --lines",
					  o->argv[i]);
	ret = exec_check_serve(o, err);
	if (ret == 0)
		ret = sm_exec_check_result(o, err);
	if (ret < 0)
		return ret;
	return exec_check_command(o, err);
}

struct sm_kind_files
sm_exec_files(const void *opts)
{
	const struct sm_exec_opts *o = opts;

	return (struct sm_kind_files){ .dir = o->to,
				       .suffix = o->suffix ? o->suffix : "",
				       .textless = o->no_output };
}

static char *
exec_describe(const struct sm_spec *spec, const struct sm_piece *b)
{
	const struct sm_exec_opts *o = spec->opts;
	struct sm_buf line = { 0 }, words = { 0 };
	struct sm_columns columns = { 0 };
	struct sm_replace_by by = { .batch = b, .columns = &columns };
	struct sm_err ignored;
	const char *p;
	size_t i, n = 0;

	if (sm_columns_init(&columns, sm_exec_columns(o), o->colsep,
			    &ignored) == 0 &&
	    sm_columns_split(&columns, b ? b->item : NULL, &ignored) == 0)
		n = sm_exec_words(&words, o, &by);
	if (sm_buf_failed(&words))
		n = 0;
	for (i = 0, p = words.data; i < n; i++, p += strlen(p) + 1) {
		if (i)
			sm_buf_putc(&line, ' ');
		sm_replace_quote(&line, p);
	}
	sm_columns_release(&columns);
	sm_buf_release(&words);
	return sm_buf_steal(&line);
}

const struct sm_kind sm_kind_exec = {
	.info = &sm_exec_info,
	.check = exec_check,
	.settle = exec_settle,
	.input = sm_exec_input,
	.files = sm_exec_files,
	.made_by = sm_exec_made_by,
	.keep = sm_exec_keep,
	.digest = sm_exec_digest,
	.differ = sm_exec_differ,
	.check_kept = sm_exec_check_kept,
	.cut = sm_exec_cut,
	.describe = exec_describe,
	.open = sm_exec_open,
	.produce = sm_exec_produce,
	.close = sm_exec_close,
	.rest = sm_exec_rest,
	.try = sm_exec_try,
};
