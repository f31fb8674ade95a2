/*
 * item_files.c - the files that items name, as they were and as they are
 *
 * An item is a name; --watch-items looks at what it names as well.  Apart from
 * items.c, which keeps the names alone.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crc32.h"
#include "dir.h"
#include "file.h"

#include "items.h"

#include "item_files.h"

#define FILES_FLUSH_BYTES (256 * 1024)

/* In the byte order of the machine, as all tables are. */
struct item_file {
	uint64_t size;
	int64_t mtime_ns;
	uint32_t crc32, sampled;
};

/* Two walks side by side: the items, and a table of them. */
struct item_walk {
	struct sm_items items;
	struct sm_map table; /* of another list perhaps, or empty */
	size_t n;
};

static int
walk_open(struct item_walk *w, int items_dirfd, int table_dirfd,
	  struct sm_err *err)
{
	int ret = sm_items_open(&w->items, items_dirfd, err);

	if (ret == 0 && table_dirfd >= 0)
		ret = sm_map_openat(&w->table, table_dirfd, SM_ITEM_FILES_NAME,
				    err);
	return ret;
}

static void
walk_close(struct item_walk *w)
{
	sm_items_close(&w->items);
	sm_map_close(&w->table);
}

/* The record of that number; false: there is none. */
static bool
walk_record(struct item_file *f, const struct sm_map *table, size_t n)
{
	if (n >= table->size / sizeof(*f))
		return false;
	memcpy(f, table->data + n * sizeof(*f), sizeof(*f));
	return true;
}

/* `item` from the command's directory; malloc'd. */
static char *
item_path(const char *cwd, const char *item)
{
	char *path;

	if (*item == '/')
		return strdup(item);
	if (asprintf(&path, "%s/%s", cwd, item) < 0)
		return NULL;
	return path;
}

/* What it is now; unread where `was` has the same size and time. */
static int
item_digest(struct sm_digest *d, const char *cwd, const char *item,
	    const struct item_file *was, struct sm_err *err)
{
	char *path = item_path(cwd, item);
	int ret;

	if (!path)
		return sm_err_mem(err, "a path");
	*d = (struct sm_digest){ 0 };
	ret = sm_digest_stat(d, path, err);
	if (ret == 0 && was && was->size == d->size &&
	    was->mtime_ns == d->mtime_ns) {
		d->crc32 = was->crc32;
		d->sampled = was->sampled;
	} else if (ret == 0) {
		ret = sm_digest_file(d, path, true, NULL, NULL, err);
	}
	free(path);
	return ret;
}

static int
files_stop(const struct sm_events *ev, struct sm_err *err)
{
	if (ev && ev->stop && *ev->stop)
		return sm_err_set(err, SM_ESTOPPED,
				  "stopped while the files of the items "
				  "were read");
	return 0;
}

/* All records, into `fd`. */
static int
files_write(int fd, const char *cwd, struct item_walk *w,
	    const struct sm_events *ev, struct sm_err *err)
{
	struct sm_buf text = { 0 };
	struct item_file f, was;
	struct sm_digest d;
	const char *item;
	int ret = 0;

	while (ret == 0 && (item = sm_items_next(&w->items)) != NULL) {
		ret = files_stop(ev, err);
		if (ret == 0 && walk_record(&was, &w->table, w->n++))
			ret = item_digest(&d, cwd, item, &was, err);
		else if (ret == 0)
			ret = item_digest(&d, cwd, item, NULL, err);
		if (ret < 0)
			break;
		f = (struct item_file){ .size = d.size,
					.mtime_ns = d.mtime_ns,
					.crc32 = d.crc32,
					.sampled = d.sampled };
		sm_buf_put(&text, &f, sizeof(f));
		if (sm_buf_failed(&text))
			ret = sm_err_mem(err, "the items' files");
		else if (text.len >= FILES_FLUSH_BYTES) {
			if (sm_write_all(fd, text.data, text.len) < 0)
				ret = sm_err_sys(err, "cannot write '%s'",
						 SM_ITEM_FILES_NAME);
			sm_buf_clear(&text);
		}
	}
	if (ret == 0 && text.len > 0 &&
	    sm_write_all(fd, text.data, text.len) < 0)
		ret = sm_err_sys(err, "cannot write '%s'", SM_ITEM_FILES_NAME);
	sm_buf_release(&text);
	return ret;
}

int
sm_item_files_store(const char *cwd, int tables_dirfd, int old_dirfd,
		    const struct sm_events *ev, struct sm_err *err)
{
	struct item_walk w = { .n = 0 };
	char tmp[SM_TMP_MAX];
	int fd = -1, ret = walk_open(&w, tables_dirfd, -1, err);

	/* The old job may have been planned without. */
	if (ret == 0 && old_dirfd >= 0 &&
	    faccessat(old_dirfd, SM_ITEM_FILES_NAME, F_OK, 0) == 0)
		ret = sm_map_openat(&w.table, old_dirfd, SM_ITEM_FILES_NAME,
				    err);
	if (ret == 0) {
		ret = sm_tmp_create(&fd, tmp, tables_dirfd, SM_ITEM_FILES_NAME,
				    err);
	}
	if (ret == 0)
		ret = files_write(fd, cwd, &w, ev, err);
	if (fd >= 0 && sm_sync_close(fd, ret == 0) < 0 && ret == 0)
		ret = sm_err_sys(err, "cannot sync '%s'", tmp);
	if (ret == 0 &&
	    renameat(tables_dirfd, tmp, tables_dirfd, SM_ITEM_FILES_NAME) < 0)
		ret = sm_err_sys(err, "cannot rename '%s'", tmp);
	walk_close(&w);
	return ret;
}

int
sm_item_files_digest(struct sm_digest *d, int tables_dirfd, struct sm_err *err)
{
	struct sm_map table = { 0 };
	struct item_file f;
	uint32_t crc = 0;
	size_t n;
	int ret = sm_map_openat(&table, tables_dirfd, SM_ITEM_FILES_NAME, err);

	*d = (struct sm_digest){ 0 };
	for (n = 0; ret == 0 && walk_record(&f, &table, n); n++) {
		f.mtime_ns = 0;
		crc = sm_crc32(crc, &f, sizeof(f));
		d->size += f.size;
	}
	d->crc32 = crc;
	sm_map_close(&table);
	return ret;
}

static bool
same_content(const struct item_file *a, const struct item_file *b)
{
	return a->size == b->size && a->crc32 == b->crc32 &&
	       a->sampled == b->sampled;
}

static void
put_change(struct sm_buf *what, size_t n, const char *item,
	   const struct item_file *was, const struct item_file *now)
{
	sm_buf_printf(what,
		      "the file of item %zu, '%.200s', changed: it had %" PRIu64
		      " bytes with CRC-32 %08" PRIx32 ", has %" PRIu64
		      " with %08" PRIx32,
		      n, item, was->size, was->crc32, now->size, now->crc32);
}

int
sm_item_files_differ(struct sm_buf *what, bool *grew,
		     const struct sm_kind_kept *kept, struct sm_err *err)
{
	struct item_walk w = { .n = 0 };
	struct sm_map now = { 0 };
	struct item_file a, b;
	const char *item;
	uint64_t more = 0;
	int ret = walk_open(&w, kept->new_dirfd, kept->old_dirfd, err);

	*grew = false;
	if (ret == 0)
		ret = sm_map_openat(&now, kept->new_dirfd, SM_ITEM_FILES_NAME,
				    err);
	*grew = ret == 0 && now.size > w.table.size;
	while (ret == 0 && (item = sm_items_next(&w.items)) != NULL) {
		if (!walk_record(&b, &now, w.n))
			break;
		if (walk_record(&a, &w.table, w.n) && !same_content(&a, &b)) {
			*grew = false;
			put_change(what, w.n, item, &a, &b);
			break;
		}
		more += w.n++ >= w.table.size / sizeof(a);
	}
	if (*grew)
		sm_buf_printf(what, "so %s %s", more == 1 ? "is" : "are",
			      more == 1 ? "its file" : "their files");
	else if (ret == 0 && now.size < w.table.size)
		sm_buf_puts(what, "files of items are gone with them");
	sm_map_close(&now);
	walk_close(&w);
	return ret;
}

int
sm_item_files_check(const char *cwd, int tables_dirfd,
		    const struct sm_events *ev, struct sm_err *err)
{
	struct item_walk w = { .n = 0 };
	struct sm_buf what = { 0 };
	struct item_file was, now;
	struct sm_digest d;
	const char *item;
	int ret = walk_open(&w, tables_dirfd, tables_dirfd, err);

	while (ret == 0 && (item = sm_items_next(&w.items)) != NULL &&
	       walk_record(&was, &w.table, w.n)) {
		ret = files_stop(ev, err);
		if (ret == 0)
			ret = item_digest(&d, cwd, item, &was, err);
		now = (struct item_file){ .size = d.size,
					  .crc32 = d.crc32,
					  .sampled = d.sampled };
		if (ret == 0 && !same_content(&was, &now)) {
			put_change(&what, w.n, item, &was, &now);
			ret = sm_err_set(err, SM_EREFUSED,
					 "%s; put it back, or start the job's "
					 "command with --accept-changed (keeps "
					 "what is done; 'shardmill retry' puts "
					 "batch %zu back) or --restart (begins "
					 "again)",
					 what.data ? what.data : item, w.n);
		}
		w.n++;
	}
	sm_buf_release(&what);
	walk_close(&w);
	return ret;
}
