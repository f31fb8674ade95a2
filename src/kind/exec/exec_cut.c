/*
 * exec_cut.c - cut lines, numbers or items into batches
 *
 * Three sources and one list of batches.  What a batch's command gets is
 * exec_command.c's business.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "crc32.h"
#include "event.h"
#include "file.h"
#include "source.h"

#include "advice.h"
#include "columns.h"
#include "item_files.h"
#include "items.h"
#include "replace.h"

#include "exec.h"

#define EXEC_DIGEST_BYTES ((size_t)256 * 1024)

struct exec_cut {
	struct sm_kind_cut *cut;
	const struct sm_exec_opts *opts;
	struct sm_meter meter;
};

static int
exec_emit(struct exec_cut *x, struct sm_piece *b, struct sm_err *err)
{
	struct sm_kind_cut *cut = x->cut;

	if (cut->events && cut->events->stop && *cut->events->stop)
		return sm_err_set(err, SM_ESTOPPED, "stopped while planning");
	b->id = cut->batches;
	cut->batches++;
	if (b->first >= 0)
		cut->rows += (uint64_t)(b->end - b->first);
	return cut->emit(b, cut->arg, err);
}

static int
exec_cut_range(struct exec_cut *x, struct sm_err *err)
{
	const struct sm_exec_opts *o = x->opts;
	struct sm_piece b = { .first_byte = -1, .end_byte = -1 };
	uint64_t at, n;
	int ret = 0;

	for (at = 0; at < o->range && ret == 0; at += n) {
		n = o->range - at < o->size ? o->range - at : o->size;
		b.first = (int64_t)at;
		b.end = (int64_t)(at + n);
		ret = exec_emit(x, &b, err);
	}
	return ret;
}

/* Of a file in the tables, read through. */
static int
exec_digest_kept(struct sm_digest *d, int tables_dirfd, const char *name,
		 struct sm_err *err)
{
	char *chunk = malloc(EXEC_DIGEST_BYTES);
	int fd = openat(tables_dirfd, name, O_RDONLY | O_CLOEXEC), ret = 0;
	ssize_t n = 1;

	if (!chunk)
		ret = sm_err_mem(err, "a digest");
	else if (fd < 0)
		ret = sm_err_sys(err, "cannot open '%s' in the tables", name);
	while (ret == 0 && n > 0) {
		n = sm_read_full(fd, chunk, EXEC_DIGEST_BYTES);
		if (n < 0) {
			ret = sm_err_sys(err, "cannot read '%s' in the tables",
					 name);
			break;
		}
		d->size += (uint64_t)n;
		d->crc32 = sm_crc32(d->crc32, chunk, (size_t)n);
	}
	if (fd >= 0)
		close(fd);
	free(chunk);
	return ret;
}

int
sm_exec_digest(struct sm_digest *d, const char *name, int tables_dirfd,
	       struct sm_err *err)
{
	*d = (struct sm_digest){ 0 };
	if (strcmp(name, SM_ITEM_FILES_NAME) == 0)
		return sm_item_files_digest(d, tables_dirfd, err);
	return exec_digest_kept(d, tables_dirfd,
				strcmp(name, SM_EXEC_ITEMS) == 0
					? SM_ITEMS_NAME
					: SM_SOURCE_KEPT,
				err);
}

/* The first item in which two lists differ. */
static void
exec_put_difference(struct sm_buf *what, struct sm_items *old,
		    struct sm_items *now)
{
	const char *a, *b;
	uint64_t n = 0, more = 0;

	do {
		a = sm_items_next(old);
		b = sm_items_next(now);
	} while (a && b && strcmp(a, b) == 0 && ++n);
	while (b && !a && (more++, sm_items_next(now)))
		;
	if (a && b)
		sm_buf_printf(what,
			      "item %" PRIu64 " was '%.200s', is '%.200s'", n,
			      a, b);
	else if (a && n == 0)
		sm_buf_puts(what, "the list of items is empty");
	else if (a)
		sm_buf_printf(what,
			      "item %" PRIu64 ", '%.200s', is gone: the list "
			      "ends there",
			      n, a);
	else
		sm_buf_printf(what, "%" PRIu64 " item%s new at the end", more,
			      more == 1 ? " is" : "s are");
}

/* Lines of standard input: what was kept, and what came now. */
static int
exec_differ_kept(struct sm_buf *what, bool *grew,
		 const struct sm_kind_kept *kept, struct sm_err *err)
{
	struct sm_map old = { 0 }, now = { 0 };
	int ret = sm_map_openat(&old, kept->old_dirfd, SM_SOURCE_KEPT, err);

	if (ret == 0)
		ret = sm_map_openat(&now, kept->new_dirfd, SM_SOURCE_KEPT, err);
	if (ret == 0) {
		*grew = now.size > old.size &&
			(old.size == 0 ||
			 memcmp(now.data, old.data, old.size) == 0);
		sm_buf_printf(what,
			      "standard input was another one: %zu bytes, and "
			      "%zu now%s",
			      old.size, now.size,
			      *grew ? ", with more at the end" : "");
	}
	sm_map_close(&old);
	sm_map_close(&now);
	return ret;
}

/*
 * Has the longer list all of the shorter one?  With `-N` its last item may have
 * got the columns that it lacked: its NUL is a separator now.
 */
static bool
exec_items_grew(const struct sm_map *old, const struct sm_map *now,
		uint64_t size)
{
	size_t n = old->size;

	if (now->size <= n)
		return false;
	if (n == 0)
		return true;
	return memcmp(now->data, old->data, n - 1) == 0 &&
	       (now->data[n - 1] == '\0' ||
		(size > 1 && now->data[n - 1] == SM_COLUMNS_SEP));
}

int
sm_exec_differ(struct sm_buf *what, bool *grew, const void *opts,
	       const char *name, const struct sm_kind_kept *kept,
	       struct sm_err *err)
{
	const struct sm_exec_opts *o = opts;
	struct sm_items old = { 0 }, now = { 0 };
	int ret;

	if (strcmp(name, SM_ITEM_FILES_NAME) == 0)
		return sm_item_files_differ(what, grew, kept, err);
	if (strcmp(name, SM_EXEC_ITEMS) != 0)
		return exec_differ_kept(what, grew, kept, err);
	ret = sm_items_open(&old, kept->old_dirfd, err);
	if (ret == 0)
		ret = sm_items_open(&now, kept->new_dirfd, err);
	if (ret == 0) {
		*grew = exec_items_grew(&old.map, &now.map, o->size);
		exec_put_difference(what, &old, &now);
	}
	sm_items_close(&old);
	sm_items_close(&now);
	return ret;
}

static int
exec_keep_stdin(int tables_dirfd, const struct sm_events *ev,
		struct sm_err *err)
{
	uint64_t bytes;
	int ret = sm_source_keep(&bytes, tables_dirfd, err);

	if (ret == 0)
		sm_event_notice(ev,
				"standard input is kept in the job: %" PRIu64
				" bytes",
				bytes);
	return ret;
}

int
sm_exec_keep(const struct sm_spec *spec, int tables_dirfd, int old_dirfd,
	     const struct sm_events *ev, struct sm_err *err)
{
	const struct sm_exec_opts *o = spec->opts;
	const struct sm_items_from from = { .path = o->items,
					    .nul = o->nul,
					    .arguments = o->arguments,
					    .size = o->size };
	struct sm_items_info info;
	int ret;

	if (!sm_exec_has_items(o))
		return exec_keep_stdin(tables_dirfd, ev, err);
	ret = sm_items_store(&info, tables_dirfd, &from, err);
	if (ret < 0)
		return ret;
	if (info.empty)
		sm_event_notice(ev, "%" PRIu64 " empty item%s left out",
				info.empty, info.empty == 1 ? "" : "s");
	if (info.crlf)
		sm_event_notice(ev,
				"%" PRIu64
				" item%s in a carriage return, which "
				"is kept; was the list written on Windows?",
				info.crlf, info.crlf == 1 ? " ends" : "s end");
	if (o->watch_items)
		ret = sm_item_files_store(o->cwd, tables_dirfd, old_dirfd, ev,
					  err);
	return ret;
}

int
sm_exec_check_kept(const struct sm_spec *spec, int tables_dirfd,
		   const struct sm_events *ev, struct sm_err *err)
{
	const struct sm_exec_opts *o = spec->opts;

	if (!o->watch_items)
		return 0;
	return sm_item_files_check(o->cwd, tables_dirfd, ev, err);
}

/* Does an item have the columns that the command asks for? */
static int
exec_check_columns(const struct exec_cut *x, const struct sm_columns *columns,
		   int highest, const char *item, struct sm_err *err)
{
	if (!x->opts->colsep || columns->count >= (size_t)highest)
		return 0;
	return sm_err_set(err, SM_EINPUT,
			  "item %" PRIu64 ", '%.200s', has %zu column%s by "
			  "--colsep, and the command asks for {%d}",
			  x->cut->batches, item, columns->count,
			  columns->count == 1 ? "" : "s", highest);
}

static int
exec_highest_column(const struct sm_exec_opts *o)
{
	int highest = 0, n;
	size_t i;

	for (i = 0; o->argv && sm_exec_replaces(o) && o->argv[i]; i++) {
		n = sm_replace_highest(o->argv[i], sm_exec_columns(o));
		if (n > highest)
			highest = n;
	}
	return highest;
}

static int
exec_cut_items(struct exec_cut *x, struct sm_err *err)
{
	struct sm_piece b = { .first_byte = -1, .end_byte = -1 };
	int highest = exec_highest_column(x->opts);
	struct sm_columns columns = { 0 };
	struct sm_items items = { 0 };
	int ret = 0;

	if (!x->cut->compiled)
		ret = sm_exec_keep(x->cut->spec, x->cut->tables_dirfd, -1,
				   x->cut->events, err);
	if (ret == 0)
		ret = sm_items_open(&items, x->cut->tables_dirfd, err);
	/* Nobody writes to it. */
	if (ret == 0)
		ret = sm_columns_init(&columns, sm_exec_columns(x->opts),
				      x->opts->colsep, err);
	while (ret == 0 && (b.item = (char *)sm_items_next(&items)) != NULL) {
		b.first = b.end;
		ret = sm_columns_split(&columns, b.item, err);
		b.end += x->opts->size > 1 ? (int64_t)columns.count : 1;
		if (ret == 0)
			ret = exec_check_columns(x, &columns, highest, b.item,
						 err);
		if (ret == 0)
			ret = exec_emit(x, &b, err);
	}
	sm_columns_release(&columns);
	sm_items_close(&items);
	return ret;
}

static int
exec_cut_line(const struct sm_cut *c, void *arg, struct sm_err *err)
{
	struct exec_cut *x = arg;
	struct sm_piece b = {
		.first = c->first == SM_CUT_NONE ? -1 : (int64_t)c->first,
		.end = c->end == SM_CUT_NONE ? -1 : (int64_t)c->end,
		.first_byte = (int64_t)c->first_byte,
		.end_byte = (int64_t)c->end_byte,
		.input = x->opts->input[c->file],
	};

	return exec_emit(x, &b, err);
}

static void
exec_cut_progress(uint64_t done, uint64_t total, void *arg)
{
	struct exec_cut *x = arg;

	sm_meter_tell(&x->meter, done, total);
}

static void
exec_cut_notice(const char *text, void *arg)
{
	struct exec_cut *x = arg;

	sm_event_notice(x->cut->events, "%s", text);
}

static int
exec_cut_lines(struct exec_cut *x, struct sm_err *err)
{
	struct sm_source_plan plan = {
		.path = x->opts->input,
		.tables_dirfd = x->cut->tables_dirfd,
		.header = x->opts->header,
		.lines = x->opts->lines,
		.bytes = x->opts->bytes,
		.cut = exec_cut_line,
		.progress = exec_cut_progress,
		.notice = exec_cut_notice,
		.arg = x,
	};
	int ret = 0;

	if (sm_exec_has_stdin(x->opts) && !x->cut->compiled)
		ret = exec_keep_stdin(plan.tables_dirfd, x->cut->events, err);
	if (ret == 0)
		ret = sm_source_plan(&plan, err);
	return ret;
}

int
sm_exec_cut(struct sm_kind_cut *cut, struct sm_err *err)
{
	struct exec_cut x = { .cut = cut, .opts = cut->spec->opts };

	cut->batches = cut->rows = 0;
	x.meter = (struct sm_meter){ .ev = cut->events,
				     .phase = "plan",
				     .unit = "bytes",
				     .begun_ms = sm_clock_ms() };
	x.meter.told_ms = x.meter.begun_ms;
	/* The input of a producer's job has no command. */
	if (!cut->compiled && x.opts->argv)
		sm_advice_tell(x.opts->argv, sm_exec_replaces(x.opts),
			       sm_exec_columns(x.opts), cut->events);
	if (x.opts->has_range)
		return exec_cut_range(&x, err);
	if (sm_exec_has_items(x.opts))
		return exec_cut_items(&x, err);
	return exec_cut_lines(&x, err);
}
