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
#include "errfile.h"
#include "crc32.h"

#include "items.h"

#define ITEMS_TMP        SM_ITEMS_NAME ".tmp"
#define ITEMS_READ_BYTES (256 * 1024)

struct items_reader {
	const char *source;
	bool nul;
	int fd;             /* of the source */
	int out;            /* of the temporary file, -1: nothing is written */
	struct sm_buf part; /* an item whose end is to come */
	struct sm_buf text; /* items to be written */
	struct sm_items_info info;
};

static int
items_flush(struct items_reader *r, struct sm_err *err)
{
	if (sm_buf_failed(&r->text) || sm_buf_failed(&r->part))
		return sm_err_mem(err, "the items");
	if (r->text.len == 0)
		return 0;
	r->info.crc32 = sm_crc32(r->info.crc32, r->text.data, r->text.len);
	r->info.bytes += r->text.len;
	if (r->out >= 0 && sm_write_all(r->out, r->text.data, r->text.len) < 0)
		return sm_err_sys(err, "cannot write '%s'", ITEMS_TMP);
	sm_buf_clear(&r->text);
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
				  r->info.count, r->source);
	if (r->part.len > SM_ITEMS_TEXT_MAX)
		return sm_err_set(err, SM_EINPUT,
				  "item %" PRIu64 " of '%s' is longer than the "
				  "%d bytes that an argument can hold",
				  r->info.count, r->source, SM_ITEMS_TEXT_MAX);
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
	r->info.count++;
	if (r->part.data[r->part.len - 1] == '\r')
		r->info.crlf++;
	sm_buf_put(&r->text, r->part.data, r->part.len + 1);
	sm_buf_clear(&r->part);
	return 0;
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
	if (ret == 0)
		ret = items_flush(r, err);
	free(chunk);
	return ret;
}

static int
items_publish(struct items_reader *r, int tables_dirfd, struct sm_err *err)
{
	int fd = r->out;

	r->out = -1;
	if (sm_sync_close(fd, true) < 0)
		return sm_err_sys(err, "cannot sync '%s'", ITEMS_TMP);
	if (renameat(tables_dirfd, ITEMS_TMP, tables_dirfd, SM_ITEMS_NAME) < 0)
		return sm_err_sys(err, "cannot rename '%s'", ITEMS_TMP);
	return 0;
}

int
sm_items_store(struct sm_items_info *info, int tables_dirfd, const char *source,
	       bool nul, struct sm_err *err)
{
	struct items_reader r = { .source = source, .nul = nul, .out = -1 };
	bool standard = strcmp(source, "-") == 0;
	int ret;

	/* A pipe will do: it is read once, front to back. */
	r.fd = STDIN_FILENO;
	if (!standard)
		r.fd = open(source, O_RDONLY | O_CLOEXEC);
	if (r.fd < 0)
		return sm_err_sys_as(err, SM_EINPUT,
				     "cannot open the items '%s'", source);
	if (tables_dirfd >= 0) {
		r.out = openat(tables_dirfd, ITEMS_TMP,
			       O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW |
				       O_CLOEXEC,
			       0666);
		if (r.out < 0) {
			ret = sm_err_file(err, tables_dirfd, ITEMS_TMP,
					  "cannot create");
			goto out;
		}
	}
	ret = items_read(&r, err);
	if (ret == 0 && tables_dirfd >= 0)
		ret = items_publish(&r, tables_dirfd, err);
	if (ret < 0 && tables_dirfd >= 0)
		unlinkat(tables_dirfd, ITEMS_TMP, 0);
	if (ret == 0)
		*info = r.info;

out:
	if (r.out >= 0)
		close(r.out);
	if (!standard)
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
