/*
 * damaged.c - a shard that is joined is not what its row says
 *
 * Whoever joins, beside a run, at its end or by hand, comes here with it: the
 * batch is put back, guarded by its token, and a later attempt makes it again.
 */
#include <inttypes.h>
#include <unistd.h>

#include "fault.h"

#include "joined.h"

#include "consumed.h"

#include "damaged.h"

int
sm_damaged_put_back(bool *put_back, struct sm_handle *h,
		    const struct sm_batch_row *row, struct sm_err *err)
{
	int ret;

	*put_back = false;
	sm_fault("join.before_requeue");
	ret = sm_db_begin_write(h->db, err);
	if (ret < 0)
		return ret;
	ret = sm_batch_requeue(put_back, h->db, row->id, row->token,
			       "its shard was damaged", err);
	if (ret < 0) {
		sm_db_rollback(h->db);
		return ret;
	}
	return sm_db_commit(h->db, err);
}

int
sm_damaged_while_followed(int *times, const struct sm_grow *g,
			  const struct sm_batch_row *row,
			  const struct sm_err *why, struct sm_err *err)
{
	bool put_back;
	int ret;

	if (*times == SM_DAMAGED_MAX) {
		*err = *why;
		return why->code;
	}
	ret = sm_damaged_put_back(&put_back, g->h, row, err);
	if (ret == 0 && put_back) {
		(*times)++;
		sm_event_notice(g->ev, "%s; making it again", why->text);
	}
	return ret;
}

/* Put the row's batch back if it is damaged; `*again`: look at it once more. */
static int
damaged_check(bool *again, struct sm_handle *h, const struct sm_batch_row *row,
	      struct sm_err *err)
{
	struct sm_err why;
	const char *damage;
	bool put_back, still;
	int ret;

	*again = false;
	if (row->state != SM_DONE)
		return 0;
	ret = sm_consumed_check(h, row, &damage, &why);
	if (ret != SM_EVERIFY) {
		if (ret < 0)
			*err = why;
		return ret;
	}
	/* Made again, or moved into the final file, while it was read? */
	ret = sm_consumed_is_still(&still, h, row, err);
	if (ret == 0 && still)
		return sm_damaged_put_back(&put_back, h, row, err);
	*again = ret == 0;
	return ret;
}

/*
 * `bad` is put back first, and without another look, since it was read a moment
 * ago.  The others are read whole, each from where its row says that it is.
 */
int
sm_damaged_put_back_all(const struct sm_join_from *from,
			const struct sm_batch_row *bad, struct sm_err *err)
{
	const struct sm_batch_row *row;
	bool put_back, again;
	struct sm_rows r;
	int ret;

	sm_rows_init(&r, from);
	ret = sm_rows_seek(&r, bad->id, err);
	if (ret == 0 && r.h)
		ret = sm_damaged_put_back(&put_back, r.h, bad, err);
	if (ret == 0)
		ret = sm_rows_seek(&r, bad->id + 1, err);
	while (ret == 0) {
		ret = sm_rows_next(&row, &r, err);
		if (ret <= 0)
			break;
		ret = damaged_check(&again, r.h, row, err);
		if (ret == 0 && again)
			ret = sm_rows_seek(&r, row->id, err);
	}
	sm_rows_close(&r);
	return ret;
}

/* Does the row speak of bytes that the old file, as it was opened, has not? */
static bool
damaged_beyond(const struct sm_grow *g, const struct sm_batch_row *row)
{
	return row->joined == row->token &&
	       (g->old_fd < 0 || !sm_consumed_has(row, g->old_size));
}

/*
 * Only a file beside the job's own can see rows that are out of date, or an old
 * file that is: the growing file has one writer, who changes both himself.
 */
int
sm_damaged_look_again(struct sm_batch_row *row, struct sm_grow *g,
		      struct sm_handle *h, struct sm_err *err)
{
	struct sm_batch_row was = *row;
	struct sm_err why;
	bool same;
	int ret = sm_joined_generation(&h->job.generation, h->db, &why);

	if (ret == 0)
		ret = sm_batch_row_of(row, h->db, was.id, &why);
	if (ret < 0) {
		*err = why;
		return ret;
	}
	if (row->token != was.token || row->state != SM_DONE)
		return sm_err_set(err, SM_EWORK,
				  "cannot finalize '%s': batch %" PRIu64
				  " was put back while the shards were joined; "
				  "run the job, or finalize once more",
				  h->dir.path, was.id);
	same = row->joined == was.joined && row->joined_at == was.joined_at &&
	       h->job.generation == g->generation;
	if (same && !damaged_beyond(g, row))
		return SM_EVERIFY;
	g->generation = h->job.generation;
	if (g->old_fd >= 0)
		close(g->old_fd);
	ret = sm_consumed_open(&g->old_fd, &g->old_size, &h->job, &why);
	if (ret < 0)
		*err = why;
	else if (same && damaged_beyond(g, row))
		return SM_EVERIFY;
	return ret;
}
