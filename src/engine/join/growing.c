#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "hash.h"
#include "lock.h"

#include "joined.h"

#include "consumed.h"
#include "join.h"

#include "growing.h"

void
sm_growing_init(struct sm_growing *g, struct sm_handle *h,
		const struct sm_events *ev)
{
	*g = (struct sm_growing){ .h = h, .ev = ev };
	g->fd = g->lock = g->old_fd = -1;
}

static void
growing_begin(struct sm_growing *g)
{
	sm_final_begin(&g->final, g->fd, g->part, g->h->fingerprint);
	g->digest = g->digest_listed = SM_HASH_INIT;
	g->records = g->raw_bytes = g->fresh_bytes = 0;
	g->fresh.count = g->spent.count = 0;
	g->recorded_ms = sm_clock_ms();
}

/* ---------------------------------------------------------------- open -- */

static int
growing_has_both_names(const struct sm_growing *g, struct sm_err *err)
{
	const char *names[] = { g->part, g->path };
	struct stat st[2];
	int i;

	for (i = 0; i < 2; i++)
		if (stat(names[i], &st[i]) < 0)
			return errno == ENOENT || errno == ELOOP
				       ? 0
				       : sm_err_sys(err, "cannot examine '%s'",
						    names[i]);
	return st[0].st_dev == st[1].st_dev && st[0].st_ino == st[1].st_ino;
}

/*
 * The generation's file is F.part or, once it was published, F.  Both names
 * for one file are what a rewrite begins with: F has it.
 */
static int
growing_open_file(struct sm_growing *g, struct sm_err *err)
{
	int ret = growing_has_both_names(g, err);

	if (ret < 0)
		return ret;
	if (ret > 0)
		unlink(g->part);
	ret = sm_consumed_part_open(&g->fd, g->part, g->generation == 0, err);
	/* What cannot be opened is not what is not there: batches whose bytes
	 * it has would be made again. */
	if (ret == 0) {
		g->fd = open(g->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (g->fd < 0 && errno != ENOENT && errno != ELOOP)
			return sm_err_sys(err, "cannot open '%s'", g->path);
		g->published = g->fd >= 0;
		if (g->fd < 0)
			ret = sm_consumed_part_open(&g->fd, g->part, true, err);
	}
	return ret < 0 ? ret : 0;
}

int
sm_growing_open(struct sm_growing *g, const char *path, bool force,
		struct sm_err *err)
{
	int ret = sm_joined_generation(&g->generation, g->h->db, err);

	if (ret < 0)
		return ret;
	g->h->job.generation = g->generation;
	g->ours = true;
	g->consume = g->h->job.consume;
	g->path = strdup(path);
	g->part = sm_consumed_part_name(path, g->generation);
	if (!g->path || !g->part)
		return sm_err_mem(err, "a path");
	ret = growing_open_file(g, err);
	if (ret == 0 && g->generation == 0 && !force)
		ret = sm_consumed_part_refuse(g->fd, g->part, g->h->fingerprint,
					      g->h, err);
	if (ret == 0)
		growing_begin(g);
	return ret;
}

/* From the start: what an earlier try has left does not count. */
static int
growing_open_empty(struct sm_growing *g, struct sm_err *err)
{
	int ret = sm_consumed_part_open(&g->fd, g->part, true, err);

	if (ret > 0 && ftruncate(g->fd, 0) < 0)
		ret = sm_err_sys(err, "cannot cut '%s'", g->part);
	return ret < 0 ? ret : 0;
}

int
sm_growing_open_other(struct sm_growing *g, const char *path,
		      struct sm_err *err)
{
	int ret = sm_joined_generation(&g->generation, g->h->db, err);

	if (ret < 0)
		return ret;
	g->h->job.generation = g->generation;
	ret = sm_consumed_open(&g->old_fd, &g->old_size, &g->h->job, err);
	if (ret < 0)
		return ret;
	g->anew = true;
	g->path = strdup(path);
	g->part = sm_path_concat(path, ".tmp");
	if (!g->path || !g->part)
		return sm_err_mem(err, "a path");
	ret = growing_open_empty(g, err);
	if (ret == 0)
		growing_begin(g);
	return ret;
}

void
sm_growing_rewind(struct sm_growing *g)
{
	g->anew = g->must_rewrite = false;
	g->again = true;
	growing_begin(g);
}

/* Keep the published file's bytes under the name that rows will look for. */
static int
growing_keep_published(struct sm_growing *g, struct sm_err *err)
{
	int ret = 0;

	if (link(g->path, g->part) == 0)
		return 0;
	if (errno == EEXIST)
		ret = growing_has_both_names(g, err);
	else if (rename(g->path, g->part) == 0)
		return 0;
	if (ret != 0)
		return ret < 0 ? ret : 0;
	return sm_err_sys(err, "cannot keep '%s' as '%s'", g->path, g->part);
}

int
sm_growing_rewrite(struct sm_growing *g, struct sm_err *err)
{
	struct stat st;
	int ret;

	if (g->published) {
		ret = growing_keep_published(g, err);
		if (ret < 0)
			return ret;
	}
	if (fstat(g->fd, &st) < 0)
		return sm_err_sys(err, "cannot examine '%s'", g->part);
	g->old_fd = g->fd;
	g->old_size = (uint64_t)st.st_size;
	g->fd = -1;
	free(g->part);
	g->part = sm_consumed_part_name(g->path, ++g->generation);
	if (!g->part)
		return sm_err_mem(err, "a path");
	sm_event_notice(g->ev,
			"'%s' is written again, with what was made "
			"again since",
			g->path);
	ret = growing_open_empty(g, err);
	if (ret < 0)
		return ret;
	g->rewriting = true;
	g->published = g->must_rewrite = g->durable_name = false;
	g->anew = true;
	growing_begin(g);
	return 0;
}

void
sm_growing_close(struct sm_growing *g)
{
	if (g->fd >= 0) {
		if (!g->is_whole && (!g->ours || g->rewriting))
			unlink(g->part);
		close(g->fd);
	}
	if (g->old_fd >= 0)
		close(g->old_fd);
	if (g->lock >= 0)
		close(g->lock);
	free(g->path);
	free(g->part);
	free(g->fresh.item);
	free(g->spent.item);
	sm_growing_init(g, NULL, NULL);
}

/* ----------------------------------------------------------------- add -- */

/* What stands behind the end is not this batch.  1: write over it; 0, <0. */
static int
growing_part_ways(struct sm_growing *g, const struct sm_batch_row *row,
		  struct sm_err *err)
{
	struct stat st;
	bool any = false;
	int ret = 0;

	if (g->generation > 0)
		ret = sm_joined_any_behind(&any, g->h->db, row->id, err);
	if (ret < 0)
		return ret;
	if (any || g->published) {
		g->must_rewrite = true;
		return 0;
	}
	g->anew = true;
	if ((row->joined >= 0 || g->again) && row->joined != row->token &&
	    fstat(g->fd, &st) == 0 && (uint64_t)st.st_size > g->final.at)
		sm_event_notice(g->ev,
				"batch %" PRIu64 " was made again: '%s' is "
				"written again from there on",
				row->id, g->part);
	return 1;
}

/*
 * From what the old file has of it, which was synced before its shard was to
 * go, or from its shard: a power cut may bring that back without its bytes.
 */
static int
growing_append(struct sm_growing *g, const struct sm_batch_row *row,
	       const struct sm_gzip_entry *e, struct sm_err *err)
{
	char name[SM_SHARD_NAME_MAX + 32];
	struct sm_err damaged;
	int ret;

	sm_shard_name(name, row->id, g->h->digits);
	if (g->old_fd >= 0 && sm_consumed_has(row, g->old_size)) {
		strcat(name, ", in the final file,");
		ret = sm_final_append_from(&g->final, g->old_fd,
					   (uint64_t)row->joined_at, name, e,
					   err);
		if (ret != SM_EVERIFY)
			return ret;
		damaged = *err;
		ret = sm_consumed_shard_stands(g->h, row, err);
		if (ret == 0) {
			*err = damaged;
			return SM_EVERIFY;
		}
		if (ret < 0)
			return ret;
		sm_shard_name(name, row->id, g->h->digits);
	}
	return sm_final_append(&g->final, g->h->dir.shards_fd, name, e, err);
}

/* Is there a shard, of whatever size?  If nobody knows, it may be there. */
static bool
growing_has_shard(const struct sm_growing *g, const struct sm_batch_row *row)
{
	char name[SM_SHARD_NAME_MAX];

	sm_shard_name(name, row->id, g->h->digits);
	return faccessat(g->h->dir.shards_fd, name, F_OK,
			 AT_SYMLINK_NOFOLLOW) == 0 ||
	       errno != ENOENT;
}

/* The batch's bytes are at `at`: is that recorded? */
static int
growing_note(struct sm_growing *g, const struct sm_batch_row *row, uint64_t at,
	     bool appended, struct sm_err *err)
{
	struct sm_grown one = { .id = row->id, .token = row->token, .at = at };

	/* A shard that stands may be removed once more is known than this. */
	if (!appended && row->joined == row->token &&
	    row->joined_at == (int64_t)at &&
	    !(g->consume && growing_has_shard(g, row)))
		return 0;
	g->fresh_bytes += row->sizes.gz_bytes;
	return sm_grown_push(&g->fresh, &one, err);
}

/*
 * The file may have a batch whose shard a power cut took: with --sync end both
 * must be whole, unless shards are to go anyway.
 */
static int
growing_check_unsynced(struct sm_growing *g, const struct sm_batch_row *row,
		       const struct sm_gzip_entry *e, struct sm_err *err)
{
	char name[SM_SHARD_NAME_MAX];

	if (g->h->job.sync != SM_SYNC_END || g->consume || g->generation > 0)
		return 0;
	sm_shard_name(name, row->id, g->h->digits);
	return sm_final_compare(&g->final, g->h->dir.shards_fd, name, e, err);
}

int
sm_growing_add(struct sm_growing *g, const struct sm_batch_row *row,
	       struct sm_err *err)
{
	uint64_t at = g->final.at;
	struct sm_gzip_entry e;
	bool appended = false;
	int ret = 0;

	if (g->must_rewrite)
		return 0;
	sm_consumed_entry(&e, row);
	if (!g->anew) {
		ret = growing_check_unsynced(g, row, &e, err);
		if (ret == 0)
			ret = sm_final_resume(&g->final, &e, err);
		if (ret == 0) {
			ret = growing_part_ways(g, row, err);
			if (ret <= 0)
				return ret;
			ret = 0;
		}
	}
	if (ret == 0) {
		appended = true;
		ret = growing_append(g, row, &e, err);
	}
	if (ret < 0)
		return ret;
	g->digest = sm_join_digest_row(g->digest, row);
	g->records += e.records;
	g->raw_bytes += e.raw_bytes;
	ret = g->ours ? growing_note(g, row, at, appended, err) : 0;
	return ret < 0 ? ret : 1;
}

int
sm_growing_is_current(struct sm_growing *g, struct sm_err *err)
{
	uint64_t digest = SM_HASH_INIT, n = 0;
	struct sm_batch_row row;
	int ret = sm_batch_rows_begin(g->h->db, 0, err);

	while (ret >= 0 && n < g->final.appended &&
	       (ret = sm_batch_rows_next(&row, g->h->db, err)) > 0 &&
	       row.id == n && row.state == SM_DONE) {
		digest = sm_join_digest_row(digest, &row);
		n++;
	}
	sm_batch_rows_end(g->h->db);
	if (ret < 0)
		return ret;
	return n == g->final.appended && digest == g->digest;
}
