/*
 * items.c - the list of items, read once and stored
 *
 * A list may come from a pipe, so the job keeps it: one file, each item
 * followed by a NUL, which workers map.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "dir.h"
#include "errfile.h"
#include "crc32.h"

#include "arguments.h"

#include "items.h"

#define ITEMS_READ_BYTES (256 * 1024)

struct items_reader {
	const char *source;
	bool nul;
	uint64_t size;
	int fd;  /* of the source */
	int out; /* of the temporary file, -1: nothing is written */
	char tmp[SM_TMP_MAX];
	struct sm_buf part; /* an item whose end is to come */
	struct sm_buf text; /* items to be written */
	size_t open_at;     /* in `text`: one that may get more columns … */
	uint64_t columns;   /* … and how many it has; 0: there is none */
	uint64_t read;      /* items that came, also as columns of others */
	struct sm_items_info info;
};

static int
items_too_long(const struct items_reader *r, uint64_t item, struct sm_err *err)
{
	return sm_err_set(err, SM_EINPUT,
			  "item %" PRIu64 " of '%s' is longer than the "
			  "%d bytes that an argument can hold",
			  item, r->source, SM_ITEMS_TEXT_MAX);
}

static int
items_flush(struct items_reader *r, struct sm_err *err)
{
	size_t len;

	if (sm_buf_failed(&r->text) || sm_buf_failed(&r->part))
		return sm_err_mem(err, "the items");
	/* One that is open may grow, and stays. */
	len = r->columns > 0 ? r->open_at : r->text.len;
	if (len == 0)
		return 0;
	r->info.crc32 = sm_crc32(r->info.crc32, r->text.data, len);
	r->info.bytes += len;
	if (r->out >= 0 && sm_write_all(r->out, r->text.data, len) < 0)
		return sm_err_sys(err, "cannot write '%s'", r->tmp);
	r->text.len -= len;
	memmove(r->text.data, r->text.data + len, r->text.len + 1);
	r->open_at = 0;
	return 0;
}

/* The first fault of an item that is being put together. */
static int
items_check(const struct items_reader *r, struct sm_err *err)
{
	if (!r->nul && memchr(r->part.data, '\0', r->part.len))
		return sm_err_set(err, SM_EINPUT,
				  "item %" PRIu64 " of '%s' holds a NUL byte; "
				  "are the items separated by NUL (-0)?",
				  r->read, r->source);
	if (r->part.len > SM_ITEMS_TEXT_MAX)
		return items_too_long(r, r->read, err);
	if (r->size > 1 && memchr(r->part.data, SM_COLUMNS_SEP, r->part.len))
		return sm_err_set(err, SM_EINPUT,
				  "item %" PRIu64 " of '%s', '%.200s', holds a "
				  "TAB, which is put between those of a batch "
				  "(--size)",
				  r->read, r->source, r->part.data);
	return 0;
}

/* What was put together in `text` is one. */
static void
items_close(struct items_reader *r)
{
	if (r->columns > 0) {
		sm_buf_putc(&r->text, '\0');
		r->info.count++;
	}
	r->columns = 0;
}

/* An item of its own, or a column of the one that is open. */
static int
items_put(struct items_reader *r, struct sm_err *err)
{
	if (r->columns == 0)
		r->open_at = r->text.len;
	else
		sm_buf_putc(&r->text, SM_COLUMNS_SEP);
	sm_buf_put(&r->text, r->part.data, r->part.len);
	if (r->text.len - r->open_at > SM_ITEMS_TEXT_MAX)
		return items_too_long(r, r->info.count, err);
	if (++r->columns >= r->size)
		items_close(r);
	return 0;
}

/* The item in `part` is whole. */
static int
items_take(struct items_reader *r, struct sm_err *err)
{
	int ret = sm_buf_failed(&r->part) ? sm_err_mem(err, "the items") : 0;

	if (ret == 0 && r->part.len == 0) {
		r->info.empty++;
		return 0;
	}
	if (ret == 0)
		ret = items_check(r, err);
	if (ret < 0)
		return ret;
	r->read++;
	if (r->part.data[r->part.len - 1] == '\r')
		r->info.crlf++;
	ret = items_put(r, err);
	sm_buf_clear(&r->part);
	return ret;
}

static int
items_split(struct items_reader *r, const char *p, size_t len,
	    struct sm_err *err)
{
	const char *end = p + len, *stop;
	int ret;

	while (p < end) {
		stop = memchr(p, r->nul ? '\0' : '\n', (size_t)(end - p));
		sm_buf_put(&r->part, p, (size_t)((stop ? stop : end) - p));
		if (!stop)
			break;
		ret = items_take(r, err);
		if (ret < 0)
			return ret;
		p = stop + 1;
	}
	/* Checked here as well, so that one endless item takes no memory. */
	if (r->part.len > SM_ITEMS_TEXT_MAX)
		return items_check(r, err);
	return 0;
}

static int
items_read(struct items_reader *r, struct sm_err *err)
{
	char *chunk = malloc(ITEMS_READ_BYTES);
	ssize_t n;
	int ret = 0;

	if (!chunk)
		return sm_err_mem(err, "the items");
	while (ret == 0) {
		n = sm_read_full(r->fd, chunk, ITEMS_READ_BYTES);
		if (n < 0)
			ret = sm_err_sys_as(err, SM_EINPUT,
					    "cannot read items from '%s'",
					    r->source);
		if (n <= 0)
			break;
		ret = items_split(r, chunk, (size_t)n, err);
		if (ret == 0)
			ret = items_flush(r, err);
	}
	if (ret == 0 && r->part.len > 0)
		ret = items_take(r, err);
	free(chunk);
	return ret;
}

/* The product of the lists in a command line. */
static int
items_read_arguments(struct items_reader *r, const char *const *words,
		     int tables_dirfd, struct sm_err *err)
{
	struct sm_arguments *a = NULL;
	int ret = sm_arguments_open(&a, words, r->nul, tables_dirfd, err);

	if (ret < 0)
		return ret;
	while ((ret = sm_arguments_next(&r->part, a, err)) > 0) {
		ret = items_take(r, err);
		if (ret == 0 && r->text.len >= ITEMS_READ_BYTES)
			ret = items_flush(r, err);
		if (ret < 0)
			break;
	}
	r->info.empty += sm_arguments_empty(a);
	sm_arguments_close(a);
	return ret;
}

static int
items_publish(struct items_reader *r, int tables_dirfd, struct sm_err *err)
{
	int fd = r->out;

	r->out = -1;
	if (sm_sync_close(fd, true) < 0)
		return sm_err_sys(err, "cannot sync '%s'", r->tmp);
	if (renameat(tables_dirfd, r->tmp, tables_dirfd, SM_ITEMS_NAME) < 0)
		return sm_err_sys(err, "cannot rename '%s'", r->tmp);
	return 0;
}

/* A pipe will do: it is read once, front to back. */
static int
items_open_source(struct items_reader *r, struct sm_err *err)
{
	r->fd = STDIN_FILENO;
	if (strcmp(r->source, "-") != 0)
		r->fd = open(r->source, O_RDONLY | O_CLOEXEC);
	if (r->fd < 0)
		return sm_err_sys_as(err, SM_EINPUT,
				     "cannot open the items '%s'", r->source);
	return 0;
}

int
sm_items_store(struct sm_items_info *info, int tables_dirfd,
	       const struct sm_items_from *from, struct sm_err *err)
{
	struct items_reader r = { .source = from->arguments ? "command line"
							    : from->path,
				  .nul = from->nul,
				  .size = from->size,
				  .fd = -1,
				  .out = -1 };
	int ret = 0;

	if (!from->arguments)
		ret = items_open_source(&r, err);
	if (ret < 0)
		return ret;
	if (tables_dirfd >= 0) {
		ret = sm_tmp_create(&r.out, r.tmp, tables_dirfd, SM_ITEMS_NAME,
				    err);
		if (ret < 0)
			goto out;
	}
	if (from->arguments)
		ret = items_read_arguments(&r, from->arguments, tables_dirfd,
					   err);
	else
		ret = items_read(&r, err);
	items_close(&r);
	if (ret == 0)
		ret = items_flush(&r, err);
	if (ret == 0 && tables_dirfd >= 0)
		ret = items_publish(&r, tables_dirfd, err);
	if (ret < 0 && tables_dirfd >= 0)
		unlinkat(tables_dirfd, r.tmp, 0);
	if (ret == 0)
		*info = r.info;

out:
	if (r.out >= 0)
		close(r.out);
	if (r.fd > STDIN_FILENO)
		close(r.fd);
	sm_buf_release(&r.part);
	sm_buf_release(&r.text);
	return ret;
}

int
sm_items_open(struct sm_items *it, int tables_dirfd, struct sm_err *err)
{
	int ret;

	*it = (struct sm_items){ 0 };
	ret = sm_map_openat(&it->map, tables_dirfd, SM_ITEMS_NAME, err);
	if (ret < 0)
		return ret;
	if (it->map.size == 0 || it->map.data[it->map.size - 1] == '\0')
		return 0;
	sm_items_close(it);
	return sm_err_set(err, SM_EDAMAGED, "'%s' is cut off in its last item",
			  SM_ITEMS_NAME);
}

const char *
sm_items_next(struct sm_items *it)
{
	const char *item = (const char *)it->map.data + it->at;

	if (it->at >= it->map.size)
		return NULL;
	it->at += strlen(item) + 1;
	return item;
}

void
sm_items_close(struct sm_items *it)
{
	sm_map_close(&it->map);
	*it = (struct sm_items){ 0 };
}
