/*
 * each_look.c - the rows of a job, for programs that want no SQL
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
#define LOOK_ROWS     256
#define LOOK_FAILURES 10000

enum look_what {
	LOOK_BATCHES,
	LOOK_ATTEMPTS,
	LOOK_RUNS,
	LOOK_FAILURE_REASONS,
	LOOK_KINDS
};

struct look_kind {
	size_t bytes;
	int max; /* rows of one read */
	int (*read)(void *rows, size_t *n, int max, int64_t after,
		    struct sm_db *db, struct sm_err *err);
	/* The id to go on after; NULL: by number, and by one read alone. */
	int64_t (*id)(const void *row);
	void (*free)(void *row);
};

struct look_cursor {
	struct sm_handle h; /* of the part that is read */
	bool opened;
	uint64_t part;
	int64_t after;
	bool is_last; /* the part has no rows but those that were read */
	char *rows;
	size_t at, count;
};

struct sm_look {
	struct sm_parts whole;
	char *job;
	struct look_cursor cursor[LOOK_KINDS];
};

#define LOOK_KIND(name, read_rows, free_row)                                   \
	static int look_read_##name(void *rows, size_t *n, int max,            \
				    int64_t after, struct sm_db *db,           \
				    struct sm_err *err)                        \
	{                                                                      \
		return read_rows(rows, n, max, after, db, err);                \
	}                                                                      \
	static void look_free_##name(void *row)                                \
	{                                                                      \
		free_row(row);                                                 \
	}
#define LOOK_ID(name, type)                                                    \
	static int64_t look_id_##name(const void *row)                         \
	{                                                                      \
		return (int64_t)((const type *)row)->id;                       \
	}

LOOK_KIND(batch, sm_history_batches, sm_history_free_batch)
LOOK_KIND(attempt, sm_history_attempts, sm_history_free_attempt)
LOOK_KIND(run, sm_history_runs, sm_history_free_run)
LOOK_KIND(failure, sm_history_reasons, sm_history_free_failure)
LOOK_ID(batch, struct sm_look_batch)
LOOK_ID(attempt, struct sm_look_attempt)
LOOK_ID(run, struct sm_look_run)

static const struct look_kind kinds[LOOK_KINDS] = {
	{ sizeof(struct sm_look_batch), LOOK_ROWS, look_read_batch,
	  look_id_batch, look_free_batch },
	{ sizeof(struct sm_look_attempt), LOOK_ROWS, look_read_attempt,
	  look_id_attempt, look_free_attempt },
	{ sizeof(struct sm_look_run), LOOK_ROWS, look_read_run, look_id_run,
	  look_free_run },
	{ sizeof(struct sm_look_failure), LOOK_FAILURES, look_read_failure,
	  NULL, look_free_failure },
};

int
sm_look_open(struct sm_look **out, const char *job, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	struct sm_look *l = calloc(1, sizeof(*l));
	int ret;

	*out = NULL;
	if (!l)
		return sm_err_mem(err, "a look at the rows");
	l->whole = (struct sm_parts)SM_PARTS_NONE;
	sm_look_rewind(l);
	l->job = strdup(job);
	if (l->job)
		ret = sm_parts_open(&l->whole, job, true, err);
	else
		ret = sm_err_mem(err, "a look at the rows");
	if (ret < 0) {
		sm_look_close(l);
		return ret;
	}
	*out = l;
	return 0;
}

static void
look_forget_rows(struct look_cursor *c, const struct look_kind *kind)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		kind->free(c->rows + i * kind->bytes);
	c->at = c->count = 0;
}

static void
look_leave_part(struct look_cursor *c)
{
	if (c->opened)
		sm_handle_close(&c->h);
	c->opened = c->is_last = false;
	c->after = -1;
}

static int
look_enter_part(struct look_cursor *c, struct sm_look *l, struct sm_err *err)
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
look_read(struct look_cursor *c, struct sm_look *l,
	  const struct look_kind *kind, struct sm_err *err)
{
	int64_t after = c->after;
	int ret = 0;

	look_forget_rows(c, kind);
	if (!c->rows)
		c->rows = calloc((size_t)kind->max, kind->bytes);
	if (!c->rows)
		return sm_err_mem(err, "a look at the rows");
	if (!c->opened)
		ret = look_enter_part(c, l, err);
	if (ret == 0 && !kind->id)
		after = 0;
	if (ret == 0)
		ret = kind->read(c->rows, &c->count, kind->max, after, c->h.db,
				 err);
	/* Those before the failure are read again. */
	if (ret < 0) {
		look_forget_rows(c, kind);
		return ret;
	}
	c->is_last = c->count < (size_t)kind->max || !kind->id;
	if (c->count > 0 && kind->id)
		c->after = kind->id(c->rows + (c->count - 1) * kind->bytes);
	return 0;
}

static int
look_next(void *row, struct sm_look *l, enum look_what what, struct sm_err *err)
{
	const struct look_kind *kind = &kinds[what];
	struct look_cursor *c = &l->cursor[what];
	uint64_t parts = l->whole.parts > 0 ? l->whole.parts : 1;
	int ret;

	while (c->at == c->count) {
		if (c->is_last) {
			look_leave_part(c);
			c->part++;
		}
		if (c->part >= parts)
			return 0;
		ret = look_read(c, l, kind, err);
		if (ret < 0)
			return ret;
	}
	memcpy(row, c->rows + c->at++ * kind->bytes, kind->bytes);
	return 1;
}

int
sm_look_next_batch(struct sm_look_batch *b, struct sm_look *l,
		   struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);

	return look_next(b, l, LOOK_BATCHES, err);
}

int
sm_look_next_attempt(struct sm_look_attempt *a, struct sm_look *l,
		     struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);

	return look_next(a, l, LOOK_ATTEMPTS, err);
}

int
sm_look_next_run(struct sm_look_run *r, struct sm_look *l, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);

	return look_next(r, l, LOOK_RUNS, err);
}

int
sm_look_next_failure(struct sm_look_failure *f, struct sm_look *l,
		     struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);

	return look_next(f, l, LOOK_FAILURE_REASONS, err);
}

void
sm_look_rewind(struct sm_look *l)
{
	size_t i;

	for (i = 0; i < LOOK_KINDS; i++) {
		look_forget_rows(&l->cursor[i], &kinds[i]);
		look_leave_part(&l->cursor[i]);
		l->cursor[i].part = 0;
	}
}

void
sm_look_close(struct sm_look *l)
{
	size_t i;

	if (!l)
		return;
	sm_look_rewind(l);
	for (i = 0; i < LOOK_KINDS; i++)
		free(l->cursor[i].rows);
	sm_parts_close(&l->whole);
	free(l->job);
	free(l);
}
