/*
 * exec_cut.c - cut lines, numbers or items into batches
 *
 * Three sources and one list of batches.  What a batch's command gets is
 * exec_command.c's business.
 */
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "crc32.h"
#include "event.h"
#include "lines.h"

#include "advice.h"
#include "item_files.h"
#include "items.h"

#include "exec.h"

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

int
sm_exec_digest(struct sm_digest *d, const char *name, int tables_dirfd,
	       struct sm_err *err)
{
	struct sm_map map = { 0 };
	int ret;

	if (strcmp(name, SM_ITEM_FILES_NAME) == 0)
		return sm_item_files_digest(d, tables_dirfd, err);
	ret = sm_map_openat(&map, tables_dirfd, SM_ITEMS_NAME, err);
	*d = (struct sm_digest){ 0 };
	if (ret < 0)
		return ret;
	d->size = map.size;
	d->crc32 = sm_crc32(0, map.data, map.size);
	sm_map_close(&map);
	return 0;
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

int
sm_exec_differ(struct sm_buf *what, bool *grew, const char *name, int old_dirfd,
	       int new_dirfd, struct sm_err *err)
{
	struct sm_items old = { 0 }, now = { 0 };
	int ret;

	if (strcmp(name, SM_ITEM_FILES_NAME) == 0)
		return sm_item_files_differ(what, grew, old_dirfd, new_dirfd,
					    err);
	ret = sm_items_open(&old, old_dirfd, err);

	if (ret == 0)
		ret = sm_items_open(&now, new_dirfd, err);
	if (ret == 0) {
		*grew = now.map.size > old.map.size &&
			(old.map.size == 0 ||
			 memcmp(now.map.data, old.map.data, old.map.size) == 0);
		exec_put_difference(what, &old, &now);
	}
	sm_items_close(&old);
	sm_items_close(&now);
	return ret;
}

int
sm_exec_keep(const struct sm_spec *spec, int tables_dirfd, int old_dirfd,
	     const struct sm_events *ev, struct sm_err *err)
{
	const struct sm_exec_opts *o = spec->opts;
	struct sm_items_info info;
	int ret = sm_items_store(&info, tables_dirfd, o->items, o->nul, err);

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

static int
exec_cut_items(struct exec_cut *x, struct sm_err *err)
{
	struct sm_piece b = { .first_byte = -1, .end_byte = -1 };
	struct sm_items items = { 0 };
	int ret = 0;

	if (!x->cut->compiled)
		ret = sm_exec_keep(x->cut->spec, x->cut->tables_dirfd, -1,
				   x->cut->events, err);
	if (ret == 0)
		ret = sm_items_open(&items, x->cut->tables_dirfd, err);
	/* Nobody writes to it. */
	while (ret == 0 && (b.item = (char *)sm_items_next(&items)) != NULL) {
		b.first = (int64_t)x->cut->batches;
		b.end = b.first + 1;
		ret = exec_emit(x, &b, err);
	}
	sm_items_close(&items);
	return ret;
}

static int
exec_cut_line(const struct sm_lines_cut *c, void *arg, struct sm_err *err)
{
	struct sm_piece b = {
		.first = c->first == SM_LINES_NONE ? -1 : (int64_t)c->first,
		.end = c->end == SM_LINES_NONE ? -1 : (int64_t)c->end,
		.first_byte = (int64_t)c->first_byte,
		.end_byte = (int64_t)c->end_byte,
	};

	return exec_emit(arg, &b, err);
}

static void
exec_cut_progress(uint64_t done, uint64_t total, void *arg)
{
	struct exec_cut *x = arg;

	sm_meter_tell(&x->meter, done, total);
}

static int
exec_cut_lines(struct exec_cut *x, struct sm_err *err)
{
	struct sm_lines_opts lines = {
		.path = sm_exec_input(x->cut->spec),
		.lines = x->opts->lines,
		.bytes = x->opts->bytes,
		.cut = exec_cut_line,
		.progress = exec_cut_progress,
		.arg = x,
	};
	uint64_t batches;

	return sm_lines_scan(&batches, &lines, err);
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
	if (!cut->compiled)
		sm_advice_tell(x.opts->argv, sm_exec_replaces(x.opts),
			       x.opts->items, cut->events);
	if (x.opts->has_range)
		return exec_cut_range(&x, err);
	if (x.opts->items)
		return exec_cut_items(&x, err);
	return exec_cut_lines(&x, err);
}
