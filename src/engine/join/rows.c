/*
 * rows.c - the rows of a job's batches, in order, from 1 … N databases
 *
 * Everything that joins reads rows through this cursor, so that nothing else
 * needs to know whether a job is in parts.
 */
#include <inttypes.h>

#include "hash.h"

#include "rows.h"

struct sm_join_from
sm_join_from_one(struct sm_handle *h)
{
	return (struct sm_join_from){ .dir = &h->dir,
				      .spec = h->spec,
				      .fingerprint = h->fingerprint,
				      .batches = h->job.batches,
				      .h = h };
}

/* -------------------------------------------------------------- cursor -- */

void
sm_rows_init(struct sm_rows *r, const struct sm_join_from *from)
{
	r->from = from;
	r->h = NULL;
	r->part = (struct sm_handle)SM_HANDLE_NONE;
	r->next_part = r->next = r->end = 0;
	r->at = r->count = 0;
}

/* Leave the database that is read. */
static void
rows_leave(struct sm_rows *r)
{
	sm_handle_close(&r->part);
	r->h = NULL;
	r->next = r->end = 0;
	r->at = r->count = 0;
}

void
sm_rows_close(struct sm_rows *r)
{
	rows_leave(r);
}

/* The database that comes next; NULL: there is none. */
static int
rows_next_part(struct sm_handle **h, struct sm_rows *r, struct sm_err *err)
{
	const struct sm_join_from *from = r->from;
	int ret;

	*h = NULL;
	rows_leave(r);
	if (r->next_part >= (from->h ? 1 : from->parts))
		return 0;
	r->h = from->h;
	if (!from->h) {
		ret = from->open(&r->part, r->next_part, from->arg, err);
		if (ret < 0)
			return ret;
		r->h = &r->part;
	}
	r->next_part++;
	r->next = r->h->job.first_batch;
	r->end = r->next + r->h->job.batches;
	*h = r->h;
	return 0;
}

/* Read on, up to a row that is not the one that is due. */
static int
rows_fill(struct sm_rows *r, struct sm_err *err)
{
	struct sm_batch_row *row = r->row;
	int ret = sm_batch_rows_begin(r->h->db, r->next, err);

	r->at = r->count = 0;
	while (ret >= 0 && r->count < SM_ROWS_MAX && r->next < r->end) {
		row = &r->row[r->count];
		ret = sm_batch_rows_next(row, r->h->db, err);
		if (ret <= 0 || row->id != r->next)
			break;
		r->count++;
		r->next++;
	}
	sm_batch_rows_end(r->h->db);
	if (ret < 0 || r->count > 0)
		return ret < 0 ? ret : 0;
	return sm_err_set(err, SM_EDAMAGED,
			  "the database of '%s' lacks the row of batch "
			  "%" PRIu64 "; 'shardmill recover' rebuilds it",
			  r->h->dir.path, r->next);
}

int
sm_rows_next(const struct sm_batch_row **row, struct sm_rows *r,
	     struct sm_err *err)
{
	struct sm_handle *h = r->h;
	int ret = 0;

	while (r->at == r->count) {
		if (!h || r->next == r->end) {
			ret = rows_next_part(&h, r, err);
			if (ret < 0 || !h)
				return ret;
			continue;
		}
		ret = rows_fill(r, err);
		if (ret < 0)
			return ret;
	}
	*row = &r->row[r->at++];
	return 1;
}

int
sm_rows_seek(struct sm_rows *r, uint64_t id, struct sm_err *err)
{
	struct sm_handle *h = r->h;
	int ret;

	r->at = r->count = 0;
	if (!h || id < h->job.first_batch) {
		rows_leave(r);
		r->next_part = 0;
		h = NULL;
	}
	while (!h || id >= r->end) {
		ret = rows_next_part(&h, r, err);
		if (ret < 0 || !h)
			return ret;
	}
	r->next = id;
	return 0;
}

/* -------------------------------------------------------------- digest -- */

uint64_t
sm_rows_digest_row(uint64_t digest, const struct sm_batch_row *row)
{
	return sm_hash_u64(sm_hash_u64(digest, row->id), (uint64_t)row->token);
}

/* In one statement, which sees one state even without a transaction. */
static int
digest_part(struct sm_rows_digest *d, struct sm_handle *h, uint64_t most,
	    struct sm_err *err)
{
	uint64_t end = h->job.first_batch + h->job.batches;
	struct sm_batch_row row;
	int ret = sm_batch_rows_begin(h->db, 0, err);

	while (ret >= 0 && d->batches < most &&
	       (ret = sm_batch_rows_next(&row, h->db, err)) > 0 &&
	       row.id == d->batches && row.id < end && row.state == SM_DONE) {
		d->digest = sm_rows_digest_row(d->digest, &row);
		d->batches++;
	}
	sm_batch_rows_end(h->db);
	d->all = ret == 0 && d->batches == end;
	return ret < 0 ? ret : 0;
}

int
sm_rows_digest(struct sm_rows_digest *d, const struct sm_join_from *from,
	       uint64_t most, struct sm_err *err)
{
	struct sm_handle *h = NULL;
	struct sm_rows r;
	int ret = 0;

	*d = (struct sm_rows_digest){ .digest = SM_HASH_INIT, .all = true };
	sm_rows_init(&r, from);
	while (d->all) {
		ret = rows_next_part(&h, &r, err);
		if (ret == 0 && h)
			ret = digest_part(d, h, most, err);
		if (ret < 0 || !h)
			break;
	}
	sm_rows_close(&r);
	d->all = ret == 0 && d->all && d->batches == from->batches;
	return ret;
}
