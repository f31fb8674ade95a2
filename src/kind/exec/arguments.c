/*
 * arguments.c - walk through the lists after ::: and ::::, and their product
 *
 * An odometer over groups of linked lists.  Apart from items.c, which keeps
 * what comes out and does not ask where from.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

#include "columns.h"

#include "arguments.h"

#define ARGUMENTS_COPY_BYTES ((size_t)64 * 1024)

struct list {
	/* Words up to the next separator, or a file. */
	const char *const *word;
	size_t words, at;
	const char *path; /* NULL: words */
	FILE *file;
	bool linked;       /* to the list before */
	bool passed;       /* its lines were counted */
	struct sm_buf now; /* its present value */
};

struct sm_arguments {
	bool nul, begun;
	struct list *list;
	size_t lists;
	uint64_t empty;
};

bool
sm_arguments_is_sep(const char *word, bool *files)
{
	size_t n = strspn(word, ":");

	*files = n == 4;
	return (n == 3 || n == 4) && (!word[n] || strcmp(word + n, "+") == 0);
}

size_t
sm_arguments_at(const char *const *argv)
{
	bool files;
	size_t i;

	for (i = 0; argv[i]; i++)
		if (sm_arguments_is_sep(argv[i], &files))
			break;
	return i;
}

int
sm_arguments_count(const char *const *words, int *standard)
{
	bool of_files = false, files;
	int n = 0;

	*standard = 0;
	for (; *words; words++) {
		if (sm_arguments_is_sep(*words, &files)) {
			of_files = files;
			n += !files;
		} else if (of_files) {
			n++;
			*standard += strcmp(*words, "-") == 0;
		}
	}
	return n;
}

/* ------------------------------------------------------------ one list -- */

/* Standard input, or a file that cannot be read twice, in one that can. */
static int
list_copy(int *fd, const char *path, int dirfd, struct sm_err *err)
{
	char *chunk = malloc(ARGUMENTS_COPY_BYTES);
	int from = *fd, to = sm_open_scratch(dirfd), ret = 0;
	ssize_t n = 1;

	if (!chunk)
		ret = sm_err_mem(err, "the items");
	else if (to < 0)
		ret = sm_err_sys(err,
				 "cannot make a file for the items of "
				 "'%s'",
				 path);
	while (ret == 0 && n > 0) {
		n = sm_read_full(from, chunk, ARGUMENTS_COPY_BYTES);
		if (n < 0)
			ret = sm_err_sys_as(err, SM_EINPUT,
					    "cannot read items from '%s'",
					    path);
		else if (sm_write_all(to, chunk, (size_t)n) < 0)
			ret = sm_err_sys(err, "cannot keep the items of '%s'",
					 path);
	}
	free(chunk);
	if (ret < 0) {
		if (to >= 0)
			close(to);
		return ret;
	}
	if (from != STDIN_FILENO)
		close(from);
	*fd = to;
	lseek(to, 0, SEEK_SET);
	return 0;
}

static int
list_open(struct list *l, bool again, int dirfd, struct sm_err *err)
{
	int fd = STDIN_FILENO, ret = 0;

	if (!l->path)
		return 0;
	if (strcmp(l->path, "-") != 0)
		fd = open(l->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return sm_err_sys_as(err, SM_EINPUT,
				     "cannot open the items '%s'", l->path);
	if (again && (fd == STDIN_FILENO || lseek(fd, 0, SEEK_CUR) < 0))
		ret = list_copy(&fd, l->path, dirfd, err);
	else if (fd == STDIN_FILENO)
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (ret == 0 && fd >= 0)
		l->file = fdopen(fd, "r");
	if (ret == 0 && !l->file)
		ret = sm_err_sys(err, "cannot read items from '%s'", l->path);
	if (!l->file && fd > STDIN_FILENO)
		close(fd);
	return ret;
}

/* A line with text; those without are counted when they are first read. */
static int
list_line(struct list *l, struct sm_arguments *a, struct sm_err *err)
{
	int c = 0, end = a->nul ? '\0' : '\n';

	while (c != EOF) {
		sm_buf_clear(&l->now);
		while ((c = getc_unlocked(l->file)) != EOF && c != end &&
		       l->now.len <= SM_ITEMS_TEXT_MAX)
			sm_buf_putc(&l->now, (char)c);
		if (ferror(l->file))
			return sm_err_sys_as(err, SM_EINPUT,
					     "cannot read items from '%s'",
					     l->path);
		if (l->now.len > 0)
			return 1;
		a->empty += c == end && !l->passed;
	}
	l->passed = true;
	return 0;
}

/* 1: it has a value, 0: it is at its end. */
static int
list_next(struct list *l, struct sm_arguments *a, struct sm_err *err)
{
	if (l->path)
		return list_line(l, a, err);
	if (l->at == l->words)
		return 0;
	sm_buf_clear(&l->now);
	sm_buf_puts(&l->now, l->word[l->at++]);
	return 1;
}

static void
list_rewind(struct list *l)
{
	l->at = 0;
	if (l->file)
		rewind(l->file);
}

/* --------------------------------------------------------- the product -- */

static int
arguments_lists(struct sm_arguments *a, const char *const *words,
		struct sm_err *err)
{
	struct list *l = NULL;
	bool of_files = false, linked = false, files;
	int standard, n = sm_arguments_count(words, &standard);

	a->list = calloc((size_t)n + 1, sizeof(*a->list));
	if (!a->list)
		return sm_err_mem(err, "the items");
	for (; *words; words++) {
		if (sm_arguments_is_sep(*words, &files)) {
			of_files = files;
			linked = strchr(*words, '+') != NULL;
			if (files)
				continue;
			l = &a->list[a->lists++];
			*l = (struct list){ .word = words + 1,
					    .linked = linked };
		} else if (of_files) {
			l = &a->list[a->lists++];
			*l = (struct list){ .path = *words, .linked = linked };
			linked = false;
		} else {
			l->words++;
		}
	}
	a->list[0].linked = false;
	return 0;
}

int
sm_arguments_open(struct sm_arguments **out, const char *const *words, bool nul,
		  int dirfd, struct sm_err *err)
{
	struct sm_arguments *a = calloc(1, sizeof(*a));
	size_t i;
	int ret;

	if (!a)
		return sm_err_mem(err, "the items");
	a->nul = nul;
	ret = arguments_lists(a, words, err);
	for (i = 0; ret == 0 && i < a->lists; i++)
		ret = list_open(&a->list[i], i > 0, dirfd, err);
	if (ret < 0)
		sm_arguments_close(a);
	else
		*out = a;
	return ret;
}

/* The lists from `at` on that go together: 1, 0 if one is at its end. */
static int
group_next(struct sm_arguments *a, size_t at, struct sm_err *err)
{
	int ret;

	do
		ret = list_next(&a->list[at++], a, err);
	while (ret > 0 && at < a->lists && a->list[at].linked);
	return ret;
}

static void
group_rewind(struct sm_arguments *a, size_t at)
{
	do
		list_rewind(&a->list[at++]);
	while (at < a->lists && a->list[at].linked);
}

/* Of a group that begins at the first of `end` lists before it. */
static size_t
group_before(const struct sm_arguments *a, size_t end)
{
	while (a->list[--end].linked)
		;
	return end;
}

/* 1: each list has its value, 0: that was the last. */
static int
arguments_step(struct sm_arguments *a, struct sm_err *err)
{
	size_t at = a->lists, i;
	int ret = 0;

	if (!a->begun) {
		a->begun = true;
		ret = a->lists > 0;
		for (i = 0; ret > 0 && i < a->lists; i++)
			if (!a->list[i].linked)
				ret = group_next(a, i, err);
		return ret;
	}
	/* The last that has a next value; those after it begin again. */
	while (ret == 0 && at > 0) {
		at = group_before(a, at);
		ret = group_next(a, at, err);
	}
	for (i = at + 1; ret > 0 && i < a->lists; i++) {
		if (a->list[i].linked)
			continue;
		group_rewind(a, i);
		ret = group_next(a, i, err);
	}
	return ret;
}

int
sm_arguments_next(struct sm_buf *item, struct sm_arguments *a,
		  struct sm_err *err)
{
	int ret = arguments_step(a, err);
	size_t i;

	for (i = 0; ret > 0 && i < a->lists; i++) {
		const struct sm_buf *now = &a->list[i].now;

		if (sm_buf_failed(now))
			return sm_err_mem(err, "the items");
		if (a->lists > 1 && now->len > 0 &&
		    memchr(now->data, SM_COLUMNS_SEP, now->len))
			return sm_err_set(err, SM_EINPUT,
					  "'%.200s' holds a TAB, which is put "
					  "between the columns of an item",
					  now->data);
		if (i > 0)
			sm_buf_putc(item, SM_COLUMNS_SEP);
		sm_buf_put(item, now->data, now->len);
	}
	return ret;
}

uint64_t
sm_arguments_empty(const struct sm_arguments *a)
{
	return a->empty;
}

void
sm_arguments_close(struct sm_arguments *a)
{
	size_t i;

	if (!a)
		return;
	for (i = 0; i < a->lists; i++) {
		if (a->list[i].file)
			fclose(a->list[i].file);
		sm_buf_release(&a->list[i].now);
	}
	free(a->list);
	free(a);
}
