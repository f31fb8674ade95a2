/*
 * lists.c - the rows of a job, for programs that want no SQL
 *
 * A cursor per kind of row reads a few hundred by their ids and lets the
 * database go: no reader of ours keeps the log from being checkpointed.  It is
 * apart from api.c as it is the one call that goes on between two others.
 */
#include <stdlib.h>
#include <string.h>

#include "history.h"

#include "parts.h"

/* Rows of one read; those of the failures are all of a job's. */
#define LIST_ROWS     256
#define LIST_FAILURES 10000

enum list_what {
	LIST_BATCHES,
	LIST_ATTEMPTS,
	LIST_RUNS,
	LIST_FAILURE_REASONS,
	LIST_KINDS
};

struct list_kind {
	size_t bytes;
	int max; /* rows of one read */
	int (*read)(void *rows, size_t *n, int max, int64_t after,
		    struct sm_db *db, struct sm_err *err);
	/* The id to go on after; NULL: by number, and by one read alone. */
	int64_t (*id)(const void *row);
	void (*free)(void *row);
};

struct list_cursor {
	struct sm_handle h; /* of the part that is read */
	bool opened;
	uint64_t part;
	int64_t after;
	bool is_last; /* the part has no rows but those that were read */
	char *rows;
	size_t at, count;
};

struct sm_list {
	struct sm_parts whole;
	char *job;
	struct list_cursor cursor[LIST_KINDS];
};

#define LIST_KIND(name, read_rows, free_row)                                   \
	static int list_read_##name(void *rows, size_t *n, int max,            \
				    int64_t after, struct sm_db *db,           \
				    struct sm_err *err)                        \
	{                                                                      \
		return read_rows(rows, n, max, after, db, err);                \
	}                                                                      \
	static void list_free_##name(void *row)                                \
	{                                                                      \
		free_row(row);                                                 \
	}
#define LIST_ID(name, type)                                                    \
	static int64_t list_id_##name(const void *row)                         \
	{                                                                      \
		return (int64_t)((const type *)row)->id;                       \
	}

LIST_KIND(batch, sm_history_batches, sm_history_free_batch)
LIST_KIND(attempt, sm_history_attempts, sm_history_free_attempt)
LIST_KIND(run, sm_history_runs, sm_history_free_run)
LIST_KIND(failure, sm_history_reasons, sm_history_free_failure)
LIST_ID(batch, struct sm_list_batch)
LIST_ID(attempt, struct sm_list_attempt)
LIST_ID(run, struct sm_list_run)

static const struct list_kind kinds[LIST_KINDS] = {
	{ sizeof(struct sm_list_batch), LIST_ROWS, list_read_batch,
	  list_id_batch, list_free_batch },
	{ sizeof(struct sm_list_attempt), LIST_ROWS, list_read_attempt,
	  list_id_attempt, list_free_attempt },
	{ sizeof(struct sm_list_run), LIST_ROWS, list_read_run, list_id_run,
	  list_free_run },
	{ sizeof(struct sm_list_failure), LIST_FAILURES, list_read_failure,
	  NULL, list_free_failure },
};

int
sm_list_open(struct sm_list **out, const char *job, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	struct sm_list *l = calloc(1, sizeof(*l));
	int ret;

	*out = NULL;
	if (!l)
		return sm_err_mem(err, "a list");
	l->whole = (struct sm_parts)SM_PARTS_NONE;
	sm_list_rewind(l);
	l->job = strdup(job);
	if (l->job)
		ret = sm_parts_open(&l->whole, job, true, err);
	else
		ret = sm_err_mem(err, "a list");
	if (ret < 0) {
		sm_list_close(l);
		return ret;
	}
	*out = l;
	return 0;
}

static void
list_forget_rows(struct list_cursor *c, const struct list_kind *kind)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		kind->free(c->rows + i * kind->bytes);
	c->at = c->count = 0;
}

static void
list_leave_part(struct list_cursor *c)
{
	if (c->opened)
		sm_handle_close(&c->h);
	c->opened = c->is_last = false;
	c->after = -1;
}

static int
list_enter_part(struct list_cursor *c, struct sm_list *l, struct sm_err *err)
{
	struct sm_db_opts db = { .mode = SM_DB_READ };
	int ret;

	if (l->whole.parts > 0)
		ret = sm_parts_handle(&c->h, &l->whole, c->part, &db, err);
	else
		ret = sm_handle_open(&c->h, l->job, &db, true, err);
	c->opened = ret == 0;
	return ret;
}

/* Once the rows that were read are used up: further ones of the same part. */
static int
list_read(struct list_cursor *c, struct sm_list *l,
	  const struct list_kind *kind, struct sm_err *err)
{
	int64_t after = c->after;
	int ret = 0;

	list_forget_rows(c, kind);
	if (!c->rows)
		c->rows = calloc((size_t)kind->max, kind->bytes);
	if (!c->rows)
		return sm_err_mem(err, "a list");
	if (!c->opened)
		ret = list_enter_part(c, l, err);
	if (ret == 0 && !kind->id)
		after = 0;
	if (ret == 0)
		ret = kind->read(c->rows, &c->count, kind->max, after, c->h.db,
				 err);
	/* Those before the failure are read again. */
	if (ret < 0) {
		list_forget_rows(c, kind);
		return ret;
	}
	c->is_last = c->count < (size_t)kind->max || !kind->id;
	if (c->count > 0 && kind->id)
		c->after = kind->id(c->rows + (c->count - 1) * kind->bytes);
	return 0;
}

static int
list_next(void *row, struct sm_list *l, enum list_what what, struct sm_err *err)
{
	const struct list_kind *kind = &kinds[what];
	struct list_cursor *c = &l->cursor[what];
	uint64_t parts = l->whole.parts > 0 ? l->whole.parts : 1;
	int ret;

	while (c->at == c->count) {
		if (c->is_last) {
			list_leave_part(c);
			c->part++;
		}
		if (c->part >= parts)
			return 0;
		ret = list_read(c, l, kind, err);
		if (ret < 0)
			return ret;
	}
	memcpy(row, c->rows + c->at++ * kind->bytes, kind->bytes);
	return 1;
}

int
sm_list_next_batch(struct sm_list_batch *b, struct sm_list *l,
		   struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);

	return list_next(b, l, LIST_BATCHES, err);
}

int
sm_list_next_attempt(struct sm_list_attempt *a, struct sm_list *l,
		     struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);

	return list_next(a, l, LIST_ATTEMPTS, err);
}

int
sm_list_next_run(struct sm_list_run *r, struct sm_list *l, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);

	return list_next(r, l, LIST_RUNS, err);
}

int
sm_list_next_failure(struct sm_list_failure *f, struct sm_list *l,
		     struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);

	return list_next(f, l, LIST_FAILURE_REASONS, err);
}

void
sm_list_rewind(struct sm_list *l)
{
	size_t i;

	for (i = 0; i < LIST_KINDS; i++) {
		list_forget_rows(&l->cursor[i], &kinds[i]);
		list_leave_part(&l->cursor[i]);
		l->cursor[i].part = 0;
	}
}

void
sm_list_close(struct sm_list *l)
{
	size_t i;

	if (!l)
		return;
	sm_list_rewind(l);
	for (i = 0; i < LIST_KINDS; i++)
		free(l->cursor[i].rows);
	sm_parts_close(&l->whole);
	free(l->job);
	free(l);
}
