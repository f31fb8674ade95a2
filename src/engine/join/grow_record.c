/*
 * grow_record.c - what has grown becomes a fact, and shards may go
 *
 * The rows learn what the file has; with --consume the order of sync, commit
 * and removal is what keeps every batch in one place at least.  Nothing here
 * writes to the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fault.h"
#include "file.h"
#include "shard.h"

#include "joined.h"

#include "consumed.h"
#include "growing.h"

#include "grow.h"

/* Progress is recorded, and with --consume synced, at least this often. */
#ifdef SHARDMILL_FAULTS /* so that short jobs come to every step, and often */
#define RECORD_BATCHES 2
#else
#define RECORD_BATCHES 4096
#endif
#define RECORD_MS     5000
#define RECORD_BYTES  ((uint64_t)256 << 20)
#define CONSUME_BYTES ((uint64_t)64 << 20)
/* Shards removed in one turn at the write lock. */
#define SPENT_MAX 256

static bool
record_consumes(const struct sm_grow *g)
{
	return g->h && g->h->job.consume && g->state != SM_GROW_BESIDE;
}

static bool
record_is_due(const struct sm_grow *g)
{
	uint64_t bytes = record_consumes(g) ? CONSUME_BYTES : RECORD_BYTES;

	return g->fresh.count >= RECORD_BATCHES || g->fresh_bytes >= bytes ||
	       sm_clock_ms() - g->recorded_ms >= RECORD_MS;
}

/* -------------------------------------------------------------- record -- */

int
sm_grow_make_findable(struct sm_grow *g, struct sm_err *err)
{
	int ret;

	if (g->findable ||
	    (!record_consumes(g) && g->state != SM_GROW_REWRITING))
		return 0;
	ret = sm_jobdir_write(&g->h->dir, SM_CONSUMED_NOTE, g->path, err);
	if (ret == 0)
		ret = sm_sync_parent(g->path, err);
	g->findable = ret == 0;
	return ret;
}

static int
record_make_durable(struct sm_grow *g, struct sm_err *err)
{
	int ret = sm_grow_make_findable(g, err);

	if (ret < 0)
		return ret;
	sm_fault("consume.before_sync");
	if (sm_fault_errno("consume.sync") == 0 && fdatasync(g->fd) == 0) {
		g->durable = g->final.noted;
		return sm_db_set_full_sync(g->h->db, true, err);
	}
	ret = sm_err_sys(err, "cannot sync '%s'", g->part);
	sm_grow_abandon(g);
	return ret;
}

int
sm_grow_record_rest(struct sm_grow *g, struct sm_err *err)
{
	const struct sm_grown *one;
	size_t i, kept = 0;
	bool held;
	int ret = 0;

	if (record_consumes(g) && g->generation == 0)
		g->generation = 1;
	if (record_consumes(g) || g->state == SM_GROW_REWRITING)
		ret = sm_joined_set_generation(g->h->db, g->generation, err);
	for (i = 0; ret >= 0 && i < g->fresh.count; i++) {
		one = &g->fresh.item[i];
		ret = sm_joined_record(&held, g->h->db, one->id, one->token,
				       one->at, err);
		/* A batch that was put back meanwhile keeps its shard. */
		if (ret == 0 && held)
			g->fresh.item[kept++] = *one;
	}
	if (ret < 0)
		return ret;
	g->fresh.count = kept;
	return 0;
}

/* Committed: what is fresh is recorded, and its shards may go. */
static int
record_committed(struct sm_grow *g, struct sm_err *err)
{
	size_t i;
	int ret = 0;

	g->h->job.generation = g->generation;
	for (i = 0; record_consumes(g) && ret == 0 && i < g->fresh.count; i++)
		ret = sm_grown_push(&g->spent, &g->fresh.item[i], err);
	g->fresh.count = 0;
	g->fresh_bytes = 0;
	g->recorded_ms = sm_clock_ms();
	return ret;
}

static int
record_commit(struct sm_grow *g, struct sm_err *err)
{
	int ret = sm_db_begin_write(g->h->db, err);

	if (ret < 0)
		return ret;
	sm_fault("follow.before_record");
	ret = sm_grow_record_rest(g, err);
	if (ret < 0) {
		sm_db_rollback(g->h->db);
		return ret;
	}
	if (record_consumes(g))
		sm_fault("consume.before_commit");
	ret = sm_db_commit(g->h->db, err);
	sm_fault("follow.after_record");
	if (ret < 0)
		return ret;
	return record_committed(g, err);
}

/* ------------------------------------------------------------- consume -- */

/* A shard is removed if it is still the one that was joined. */
static int
consume_shard(struct sm_grow *g, const struct sm_grown *one, struct sm_err *err)
{
	char name[SM_SHARD_NAME_MAX];
	struct sm_batch_row row;
	int ret = sm_batch_row_of(&row, g->h->db, one->id, err);

	if (ret < 0 || row.token != one->token || row.state != SM_DONE)
		return ret;
	sm_shard_name(name, one->id, g->h->digits);
	sm_fault("consume.before_unlink");
	if (unlinkat(g->h->dir.shards_fd, name, 0) < 0 && errno != ENOENT)
		return sm_err_sys(err, "cannot remove shard '%s/shards/%s'",
				  g->h->dir.path, name);
	sm_fault("consume.after_unlink");
	return 0;
}

/*
 * Shards get their names under the write lock, so that under it none can be
 * replaced between the look at its row and its removal.
 */
static int
consume_spent(struct sm_grow *g, struct sm_err *err)
{
	struct sm_grown_list *l = &g->spent;
	size_t n;
	int ret = 0;

	while (ret == 0 && l->count > 0 && l->item[0].id < g->durable) {
		ret = sm_db_begin_write(g->h->db, err);
		if (ret < 0)
			return ret;
		for (n = 0; n < SPENT_MAX && n < l->count; n++) {
			if (l->item[n].id >= g->durable)
				break;
			ret = consume_shard(g, &l->item[n], err);
			if (ret < 0)
				break;
		}
		l->count -= n;
		if (n > 0)
			g->removed_ms = sm_clock_ms();
		memmove(l->item, l->item + n, l->count * sizeof(*l->item));
		sm_db_rollback(g->h->db); /* nothing was written to it */
	}
	return ret;
}

static int
record_once(struct sm_grow *g, bool all, struct sm_err *err)
{
	int ret = 0;

	if (!g->h ||
	    (g->state != SM_GROW_COMPARING && g->state != SM_GROW_APPENDING))
		return 0;
	if (g->fresh.count > 0 && (all || record_is_due(g))) {
		if (record_consumes(g))
			ret = record_make_durable(g, err);
		if (ret == 0)
			ret = record_commit(g, err);
		if (ret < 0)
			return ret;
	}
	return consume_spent(g, err);
}

/* ------------------------------------------------------- a full disk -- */

/* How long to wait for others to end that write to the full disk. */
#define ROOM_TRIES  10
#define ROOM_TRY_MS 200

/* A commit of which nobody knows may be made again: it says the same. */
static int
record_or_not(struct sm_grow *g, bool all, struct sm_err *err)
{
	struct sm_err ignored;
	int ret = record_once(g, all, err);

	if (ret == SM_EUNKNOWN && sm_db_reopen(g->h->db, &ignored) == 0)
		ret = err->code = err->sys;
	return ret;
}

/*
 * What is joined may let its shards go, unless it was a sync that found the
 * disk full: then nobody knows what of it is there.  In the way of that commit
 * are the bytes of the batch that did not fit, and temporary files of workers,
 * which meet the full disk, too, and end.
 */
int
sm_grow_make_room(bool *freed, struct sm_grow *g, struct sm_err *err)
{
	uint64_t began_ms = sm_clock_ms(), end;
	int tries, ret;

	*freed = false;
	if (!g->h || !g->h->job.consume || g->state != SM_GROW_APPENDING ||
	    g->abandoned)
		return 0;
	ret = sm_joined_end(&end, g->h->db, err);
	if (ret == 0 && end <= g->final.at &&
	    ftruncate(g->fd, (off_t)g->final.at) < 0)
		return sm_err_sys(err, "cannot cut '%s'", g->part);
	sm_grow_release(g);
	if (ret == 0)
		ret = record_or_not(g, true, err);
	for (tries = 1; ret == SM_ENOSPC && tries < ROOM_TRIES; tries++) {
		sm_clock_sleep_ms(ROOM_TRY_MS);
		ret = record_or_not(g, true, err);
	}
	*freed = g->removed_ms >= began_ms;
	sm_grow_reserve(g);
	return ret;
}

int
sm_grow_record(struct sm_grow *g, bool all, struct sm_err *err)
{
	struct sm_err ignored;
	bool freed;
	int ret = record_or_not(g, all, err);

	if (ret == SM_ENOSPC && sm_grow_make_room(&freed, g, &ignored) == 0 &&
	    freed)
		ret = 0;
	return ret;
}

int
sm_grow_add(bool *added, struct sm_grow *g, const struct sm_handle *h,
	    const struct sm_batch_row *row, struct sm_err *err)
{
	struct sm_err ignored;
	bool freed = true;
	int ret = sm_grow_put(added, g, h, row, err);

	while (ret == SM_ENOSPC && freed) {
		if (sm_grow_make_room(&freed, g, &ignored) == 0 && freed)
			ret = sm_grow_put(added, g, h, row, err);
	}
	return ret;
}

int
sm_grow_settle(struct sm_grow *g, struct sm_err *err)
{
	int ret;

	if (g->final.at <= g->final.behind)
		return 0;
	sm_final_flush(&g->final);
	if (g->final.appended < g->h->job.batches)
		return 0;
	sm_fault("follow.before_sync");
	if (sm_fault_errno("follow.sync") == 0 && fdatasync(g->fd) == 0)
		return 0;
	ret = sm_err_sys(err, "cannot sync '%s'", g->part);
	sm_grow_abandon(g);
	return ret;
}

/* --------------------------------------------------------------- after -- */

static void
tidy_part(const struct sm_grow *g, int64_t generation)
{
	char *part = sm_consumed_part_name(g->path, generation);
	struct sm_growing who = sm_growing_of(g->h);
	struct sm_err ignored;

	if (part)
		sm_growing_remove(part, &who, &ignored);
	free(part);
}

void
sm_grow_notice_left(const struct sm_grow *g, const struct sm_err *why)
{
	sm_event_notice(g->ev,
			"'%s' is complete, but not all shards could be "
			"removed: %s",
			g->path, why->text);
}

void
sm_grow_tidy(struct sm_grow *g)
{
	struct sm_err why = { 0 };
	int ret;

	if (!g->h || g->state == SM_GROW_BESIDE)
		return;
	/* Its lock is ours, and would keep the file from being removed. */
	if (g->old_fd >= 0)
		close(g->old_fd);
	g->old_fd = -1;
	/* The file that was rewritten, or what is left of such a try. */
	if (g->generation > 1)
		tidy_part(g, g->generation - 1);
	if (g->generation > 0)
		tidy_part(g, g->generation + 1);
	ret = record_committed(g, &why);
	if (ret == 0)
		ret = consume_spent(g, &why);
	if (ret < 0)
		sm_grow_notice_left(g, &why);
}
