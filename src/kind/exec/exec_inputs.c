/*
 * exec_inputs.c - which files an exec job reads
 *
 * What follows from the source of its batches is asked by all other files.
 * Those of --inputs are put after those of --input, once, before anything else
 * is asked about them: from there on a list is what somebody might have typed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "source.h"

#include "arguments.h"
#include "columns.h"
#include "item_files.h"

#include "exec.h"

#define LIST_READ_BYTES ((size_t)64 * 1024)
/* A list is kept in spec.json, which each worker reads. */
#define LIST_BYTES_MAX ((size_t)32 << 20)
#define LIST_FILES_MAX 100000

bool
sm_exec_replaces(const struct sm_exec_opts *opts)
{
	if (opts->replace)
		return opts->replace > 0;
	return opts->has_range || opts->to || sm_exec_has_items(opts);
}

bool
sm_exec_has_items(const struct sm_exec_opts *opts)
{
	return opts->items || opts->arguments;
}

int
sm_exec_columns(const struct sm_exec_opts *opts)
{
	if (!sm_exec_has_items(opts))
		return SM_COLUMNS_NO_ITEM;
	if (opts->colsep)
		return SM_COLUMNS_ANY;
	return (int)opts->columns;
}

/* Names of files absolute, as those of options. */
static int
arguments_settle(struct sm_spec *spec, const char **words, struct sm_err *err)
{
	bool of_files = false, files;
	char *path;

	for (; *words; words++) {
		if (sm_arguments_is_sep(*words, &files)) {
			of_files = files;
			continue;
		}
		if (!of_files || strcmp(*words, "-") == 0)
			continue;
		path = sm_path_real(*words, err);
		if (!path)
			return SM_EINPUT;
		*words = sm_spec_strdup(spec, path);
		free(path);
		if (!*words)
			return sm_err_mem(err, "the specification");
	}
	return 0;
}

/*
 * Where batches come from elsewhere, such words are the command's own: it may
 * be GNU parallel.
 */
int
sm_exec_take_arguments(struct sm_spec *spec, struct sm_err *err)
{
	struct sm_exec_opts *o = spec->opts;
	bool has_source = o->lines || o->bytes || o->has_range || o->items;
	const char **words;
	size_t at, n = 0;
	int lists = 0, standard = 0, ret = 0;

	if (has_source || !o->argv)
		goto out;
	at = sm_arguments_at(o->argv);
	while (o->argv[at + n])
		n++;
	if (n == 0)
		goto out;
	words = sm_spec_alloc(spec, (at + n + 2) * sizeof(*words));
	if (!words)
		return sm_err_mem(err, "the specification");
	/* The command, its end, the lists and theirs. */
	memcpy(words, o->argv, at * sizeof(*words));
	memcpy(words + at + 1, o->argv + at, n * sizeof(*words));
	o->argv = words;
	o->arguments = words + at + 1;
	ret = arguments_settle(spec, words + at + 1, err);
	lists = sm_arguments_count(o->arguments, &standard);
	if (ret == 0 && lists == 0)
		ret = sm_err_set(err, SM_EUSAGE, "no file comes after '::::'");
	if (standard > 0)
		o->items = "-";
	if (ret == 0 && standard > 1)
		ret = sm_err_set(err, SM_EUSAGE,
				 "standard input (-) can be one list, not %d",
				 standard);
	if (ret == 0 && lists > 1 && (o->colsep || o->size > 1))
		ret = sm_err_set(err, SM_EUSAGE,
				 "--%s goes with one list of items, not %d",
				 o->colsep ? "colsep" : "size", lists);

out:
	if (o->colsep)
		o->columns = 0;
	else if (sm_exec_has_items(o) && o->size > 1)
		o->columns = o->size;
	else
		o->columns = (uint64_t)lists;
	return ret;
}

bool
sm_exec_has_lines(const struct sm_exec_opts *opts)
{
	return opts->input != NULL;
}

bool
sm_exec_has_stdin(const struct sm_exec_opts *opts)
{
	size_t i;

	for (i = 0; opts->input && opts->input[i]; i++)
		if (strcmp(opts->input[i], SM_SOURCE_STDIN) == 0)
			return true;
	return false;
}

bool
sm_exec_input(struct sm_kind_input *in, size_t i, const void *opts)
{
	const struct sm_exec_opts *o = opts;

	*in = (struct sm_kind_input){ .cuts = true, .grows = true };
	if (sm_exec_has_items(o)) {
		in->cuts = i == 0;
		strcpy(in->name, i == 0 ? SM_EXEC_ITEMS : SM_ITEM_FILES_NAME);
		return i < (o->watch_items ? 2 : 1);
	}
	if (!o->input || !o->input[i])
		return false;
	in->grows = !o->input[i + 1];
	snprintf(in->name, sizeof(in->name), i == 0 ? "input" : "input %zu",
		 i + 1);
	if (strcmp(o->input[i], SM_SOURCE_STDIN) != 0)
		in->path = o->input[i];
	in->sampled = o->digest == SM_DIGEST_SAMPLED;
	return true;
}

/* All of the list. */
static int
list_read(struct sm_buf *text, const char *list, struct sm_err *err)
{
	char chunk[LIST_READ_BYTES];
	int fd = STDIN_FILENO, ret = 0;
	ssize_t n = 1;

	if (strcmp(list, SM_SOURCE_STDIN) != 0)
		fd = open(list, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return sm_err_sys_as(err, SM_EINPUT,
				     "cannot open the list of inputs '%s'",
				     list);
	while (ret == 0 && n > 0) {
		n = sm_read_full(fd, chunk, sizeof(chunk));
		if (n < 0)
			ret = sm_err_sys_as(err, SM_EINPUT,
					    "cannot read the list of inputs "
					    "'%s'",
					    list);
		else
			sm_buf_put(text, chunk, (size_t)n);
		if (text->len > LIST_BYTES_MAX)
			ret = sm_err_set(err, SM_EINPUT,
					 "the list of inputs '%s' is longer "
					 "than 32 MiB",
					 list);
	}
	if (fd != STDIN_FILENO)
		close(fd);
	if (ret == 0 && sm_buf_failed(text))
		ret = sm_err_mem(err, "a list of inputs");
	return ret;
}

/* The name from `at` to `end`, in the specification's memory. */
static int
list_name(const char **name, struct sm_spec *spec, const char *at,
	  const char *end, struct sm_err *err)
{
	const struct sm_exec_opts *o = spec->opts;
	size_t len = (size_t)(end - at);
	char *copy;

	if (memchr(at, '\0', len))
		return sm_err_set(err, SM_EINPUT,
				  "a name in the list of inputs '%s' holds a "
				  "NUL byte; are they separated by NUL (-0)?",
				  o->inputs);
	copy = sm_spec_alloc(spec, len + 1);
	if (!copy)
		return sm_err_mem(err, "a list of inputs");
	memcpy(copy, at, len);
	*name = copy;
	return 0;
}

/*
 * The names in `text`, after those that were typed; empty ones are none.  There
 * is room for as many as there are separators.
 */
static int
list_split(struct sm_spec *spec, const struct sm_buf *text, struct sm_err *err)
{
	struct sm_exec_opts *o = spec->opts;
	const char *at, *stop, *end = text->data + text->len, **file;
	int separator = o->nul ? '\0' : '\n', ret = 0;
	size_t n = 0, most = 2;

	for (at = text->data; at < end; at++)
		most += *at == separator;
	while (o->input && o->input[n])
		n++;
	file = sm_spec_alloc(spec, (n + most) * sizeof(*file));
	if (!file)
		return sm_err_mem(err, "a list of inputs");
	if (n > 0)
		memcpy(file, o->input, n * sizeof(*file));
	for (at = text->data; at < end && ret == 0; at = stop + 1) {
		stop = memchr(at, separator, (size_t)(end - at));
		if (!stop)
			stop = end;
		if (stop > at && n == LIST_FILES_MAX)
			ret = sm_err_set(err, SM_EINPUT,
					 "the list of inputs '%s' names more "
					 "than %d files; give each of several "
					 "jobs a part of it, or join the files",
					 o->inputs, LIST_FILES_MAX);
		else if (stop > at)
			ret = list_name(&file[n++], spec, at, stop, err);
	}
	if (n > 0)
		o->input = file;
	return ret;
}

int
sm_exec_list_inputs(struct sm_spec *spec, struct sm_err *err)
{
	struct sm_exec_opts *o = spec->opts;
	struct sm_buf text = { 0 };
	int ret = list_read(&text, o->inputs, err);

	if (ret == 0 && text.len > 0)
		ret = list_split(spec, &text, err);
	sm_buf_release(&text);
	if (ret == 0 && !o->input)
		ret = sm_err_set(err, SM_EINPUT,
				 "the list of inputs '%s' names no file",
				 o->inputs);
	if (ret == 0 && strcmp(o->inputs, SM_SOURCE_STDIN) == 0 &&
	    sm_exec_has_stdin(o))
		ret = sm_err_set(err, SM_EUSAGE,
				 "standard input (-) can be the list of inputs "
				 "or one of them, not both");
	o->inputs = NULL;
	return ret;
}
