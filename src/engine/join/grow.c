/*
 * grow.c - a final file while it grows: opened, taken up again, added to,
 * rewritten, given its name
 *
 * One file holds all states of it, so that what may be written where can be
 * read in one place.  What it does to rows and shards is grow_record.c's.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "fault.h"
#include "file.h"
#include "hash.h"

#include "joined.h"

#include "consumed.h"
#include "growing.h"

#include "rows.h"

#include "grow.h"

void
sm_grow_init(struct sm_grow *g, struct sm_handle *h, uint64_t fingerprint,
	     const struct sm_events *ev)
{
	*g = (struct sm_grow){ .h = h, .fingerprint = fingerprint, .ev = ev };
	g->fd = g->lock = g->old_fd = -1;
}

static void
grow_begin(struct sm_grow *g, enum sm_grow_state state)
{
	g->state = state;
	sm_final_begin(&g->final, g->fd, g->part, g->fingerprint);
	g->digest = SM_HASH_INIT;
	g->records = g->raw_bytes = g->fresh_bytes = 0;
	g->fresh.count = g->spent.count = 0;
	g->durable = 0;
	g->recorded_ms = sm_clock_ms();
	g->abandoned = false;
}

/* Of what the rows speak: 0 unless shards were consumed. */
static int
grow_read_generation(struct sm_grow *g, struct sm_err *err)
{
	int ret;

	if (!g->h)
		return 0;
	ret = sm_joined_generation(&g->generation, g->h->db, err);
	g->h->job.generation = g->generation;
	return ret;
}

static int
grow_name(struct sm_grow *g, const char *path, char *part, struct sm_err *err)
{
	g->path = strdup(path);
	g->part = part;
	if (g->path && g->part)
		return 0;
	return sm_err_mem(err, "a path");
}

/* ---------------------------------------------------------------- open -- */

static int
grow_has_both_names(bool *both, const struct sm_grow *g, struct sm_err *err)
{
	const char *names[] = { g->part, g->path };
	struct stat st[2];
	int i;

	*both = false;
	for (i = 0; i < 2; i++) {
		if (stat(names[i], &st[i]) == 0)
			continue;
		if (errno == ENOENT || errno == ELOOP)
			return 0;
		return sm_err_sys(err, "cannot examine '%s'", names[i]);
	}
	*both = st[0].st_dev == st[1].st_dev && st[0].st_ino == st[1].st_ino;
	return 0;
}

/*
 * The generation's file is F.part or, once it was published, F.  A rewrite
 * begins by giving one file both names; then F.part has nothing of its own.
 */
static int
grow_open_file(struct sm_grow *g, enum sm_grow_state *state, struct sm_err *err)
{
	bool both;
	int ret = grow_has_both_names(&both, g, err);

	*state = SM_GROW_COMPARING;
	if (ret < 0)
		return ret;
	if (both)
		unlink(g->part);
	ret = sm_consumed_part_open(&g->fd, g->part, g->generation == 0, err);
	if (ret < 0 || g->fd >= 0)
		return ret;
	g->fd = open(g->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (g->fd >= 0) {
		*state = SM_GROW_PUBLISHED;
		return 0;
	}
	/*
	 * A file that cannot be opened may be there all the same: the batches
	 * whose bytes it has would be made again.
	 */
	if (errno != ENOENT && errno != ELOOP)
		return sm_err_sys(err, "cannot open '%s'", g->path);
	return sm_consumed_part_open(&g->fd, g->part, true, err);
}

/* Of a job in parts nothing but the fingerprint tells whose a file is. */
static struct sm_growing
grow_who(const struct sm_grow *g)
{
	struct sm_growing who = { .dir = g->dir,
				  .fingerprint = g->fingerprint };

	if (g->h)
		who = sm_growing_of(g->h);
	return who;
}

/* F.part is open: is it ours, and from now on for sure? */
static int
grow_claim(const struct sm_grow *g, bool force, struct sm_err *err)
{
	struct sm_growing who = grow_who(g);
	int ret = 0;

	if (!force)
		ret = sm_growing_refuse(g->fd, g->part, &who, err);
	if (ret == 0)
		ret = sm_growing_note(g->fd, g->part, who.dir, err);
	return ret;
}

/* The commit that lets shards go needs a few pages of SQLite's log. */
#define RESERVE_NAME  "reserve"
#define RESERVE_BYTES (256 << 10)

void
sm_grow_reserve(struct sm_grow *g)
{
	int fd = openat(g->h->dir.fd, RESERVE_NAME,
			O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);

	/* A wish: without it the disk may be too full for that commit. */
	if (fd < 0)
		return;
	if (posix_fallocate(fd, 0, RESERVE_BYTES) != 0)
		unlinkat(g->h->dir.fd, RESERVE_NAME, 0);
	else
		g->reserved = true;
	close(fd);
}

void
sm_grow_release(struct sm_grow *g)
{
	if (g->reserved)
		unlinkat(g->h->dir.fd, RESERVE_NAME, 0);
	g->reserved = false;
}

int
sm_grow_open(struct sm_grow *g, const char *path, bool force,
	     struct sm_err *err)
{
	enum sm_grow_state state;
	int ret = grow_read_generation(g, err);

	if (ret == 0)
		ret = grow_name(g, path,
				sm_consumed_part_name(path, g->generation),
				err);
	if (ret == 0)
		ret = grow_open_file(g, &state, err);
	if (ret == 0 && g->generation == 0)
		ret = grow_claim(g, force, err);
	if (ret == 0)
		grow_begin(g, state);
	if (ret == 0 && g->h && g->h->job.consume)
		sm_grow_reserve(g);
	return ret;
}

/* From the start: what an earlier try has left does not count. */
static int
grow_open_empty(struct sm_grow *g, struct sm_err *err)
{
	int ret = sm_consumed_part_open(&g->fd, g->part, true, err);

	if (ret == 0 && g->state != SM_GROW_BESIDE)
		ret = grow_claim(g, false, err);
	if (ret == 0 && ftruncate(g->fd, 0) < 0)
		return sm_err_sys(err, "cannot cut '%s'", g->part);
	if (ret < 0 && g->fd >= 0) {
		close(g->fd); /* it is not ours to remove */
		g->fd = -1;
	}
	return ret;
}

int
sm_grow_open_beside(struct sm_grow *g, const char *path, struct sm_err *err)
{
	int ret = grow_read_generation(g, err);

	if (ret == 0 && g->h)
		ret = sm_consumed_open(&g->old_fd, &g->old_size, &g->h->job,
				       err);
	if (ret == 0)
		ret = grow_name(g, path,
				sm_consumed_beside_name(path, g->fingerprint),
				err);
	g->state = SM_GROW_BESIDE;
	if (ret == 0)
		ret = grow_open_empty(g, err);
	if (ret == 0)
		grow_begin(g, SM_GROW_BESIDE);
	return ret;
}

void
sm_grow_rewind(struct sm_grow *g)
{
	g->had = g->final.at;
	grow_begin(g, g->state == SM_GROW_PUBLISHED ? SM_GROW_PUBLISHED
						    : SM_GROW_COMPARING);
}

/* ------------------------------------------------------------- rewrite -- */

/* Keep the published file's bytes under the name that rows will look for. */
static int
grow_keep_published(struct sm_grow *g, struct sm_err *err)
{
	bool both = false;
	int ret = 0;

	if (link(g->path, g->part) == 0)
		return 0;
	if (errno == EEXIST)
		ret = grow_has_both_names(&both, g, err);
	else /* a file system without links */
		both = rename(g->path, g->part) == 0;
	if (ret < 0 || both)
		return ret;
	return sm_err_sys(err, "cannot keep '%s' as '%s'", g->path, g->part);
}

int
sm_grow_rewrite(struct sm_grow *g, struct sm_err *err)
{
	struct stat st;
	int ret = 0;

	if (g->state == SM_GROW_PUBLISHED)
		ret = grow_keep_published(g, err);
	if (ret == 0 && fstat(g->fd, &st) < 0)
		ret = sm_err_sys(err, "cannot examine '%s'", g->part);
	if (ret < 0)
		return ret;
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
	g->findable = false;
	ret = grow_open_empty(g, err);
	if (ret == 0)
		grow_begin(g, SM_GROW_REWRITING);
	return ret;
}

/* ----------------------------------------------------------------- add -- */

int
sm_grown_push(struct sm_grown_list *l, const struct sm_grown *one,
	      struct sm_err *err)
{
	size_t cap = 2 * l->cap + 64;
	struct sm_grown *p;

	if (l->count == l->cap) {
		p = realloc(l->item, cap * sizeof(*p));
		if (!p)
			return sm_err_mem(err, "the list of joined batches");
		l->item = p;
		l->cap = cap;
	}
	l->item[l->count++] = *one;
	return 0;
}

/*
 * The file has something else than this batch at its place.  `*over`: which may
 * be written over, since no row after this one relies on it.
 */
static int
grow_diverge(bool *over, struct sm_grow *g, const struct sm_batch_row *row,
	     struct sm_err *err)
{
	bool any = false;
	struct stat st;
	int ret = 0;

	*over = false;
	if (g->state == SM_GROW_PUBLISHED)
		return 0;
	if (g->generation > 0)
		ret = sm_joined_any_behind(&any, g->h->db, row->id, err);
	if (ret < 0 || any)
		return ret;
	*over = true;
	g->state = SM_GROW_APPENDING;
	if ((row->joined >= 0 || g->final.at < g->had) &&
	    row->joined != row->token && fstat(g->fd, &st) == 0 &&
	    (uint64_t)st.st_size > g->final.at)
		sm_event_notice(g->ev,
				"batch %" PRIu64 " was made again: '%s' is "
				"written again from there on",
				row->id, g->part);
	return 0;
}

/*
 * A body does not say of which options it is, so the row's attempt does; it may
 * be of other ones than the job's (--accept-changed).
 */
static int
grow_fingerprint(struct sm_entry *e, const struct sm_handle *h,
		 const struct sm_batch_row *row, struct sm_err *err)
{
	return sm_joined_fingerprint(&e->fingerprint, h->db, row->id,
				     row->token, err);
}

/*
 * Prefer the copy in the old file: it was synced before the shard was removed.
 * After a power cut the shard's name may be there again without its bytes.
 */
static int
grow_append(struct sm_grow *g, const struct sm_handle *h,
	    const struct sm_batch_row *row, const struct sm_entry *e,
	    struct sm_err *err)
{
	char name[SM_SHARD_NAME_MAX], copy[SM_SHARD_NAME_MAX + 32];
	struct sm_entry copied = *e;
	struct sm_err damaged;
	bool has_shard;
	int ret;

	sm_shard_name(name, row->id, h->digits);
	if (g->old_fd < 0 || !sm_consumed_has(row, g->old_size))
		return sm_final_append(&g->final, h->dir.shards_fd, name, e,
				       err);
	snprintf(copy, sizeof(copy), "%s, in the final file,", name);
	ret = grow_fingerprint(&copied, h, row, err);
	if (ret < 0)
		return ret;
	ret = sm_final_append_from(&g->final, g->old_fd,
				   (uint64_t)row->joined_at, copy, &copied,
				   &damaged);
	if (ret == 0)
		return 0;
	if (ret == SM_EVERIFY) {
		ret = sm_consumed_has_shard(&has_shard, h, row, err);
		if (ret < 0)
			return ret;
		if (has_shard)
			return sm_final_append(&g->final, h->dir.shards_fd,
					       name, e, err);
	}
	*err = damaged;
	return damaged.code;
}

/* Is there a shard, of whatever size?  If nobody knows, it may be there. */
static bool
grow_has_shard(const struct sm_handle *h, const struct sm_batch_row *row)
{
	char name[SM_SHARD_NAME_MAX];

	sm_shard_name(name, row->id, h->digits);
	return faccessat(h->dir.shards_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) ==
		       0 ||
	       errno != ENOENT;
}

/* The batch's bytes are at `at`: that is to be recorded, unless it is. */
static int
grow_note(struct sm_grow *g, const struct sm_batch_row *row, uint64_t at,
	  struct sm_err *err)
{
	struct sm_grown one = { .id = row->id, .token = row->token, .at = at };
	bool recorded =
		row->joined == row->token && row->joined_at == (int64_t)at;

	if (!g->h || g->state == SM_GROW_BESIDE)
		return 0;
	/* A shard that is still there is to go once this is recorded again. */
	if (recorded &&
	    (g->state == SM_GROW_COMPARING || g->state == SM_GROW_PUBLISHED) &&
	    !(g->h->job.consume && grow_has_shard(g->h, row)))
		return 0;
	g->fresh_bytes += row->sizes.gz_bytes;
	return sm_grown_push(&g->fresh, &one, err);
}

/*
 * With --sync end a power cut may have taken a shard whose bytes the file has:
 * both must be whole, unless shards are to go anyway.
 */
static int
grow_check_unsynced(struct sm_grow *g, const struct sm_handle *h,
		    const struct sm_batch_row *row, const struct sm_entry *e,
		    struct sm_err *err)
{
	char name[SM_SHARD_NAME_MAX];

	if (h->job.sync != SM_SYNC_END || h->job.consume || g->generation > 0)
		return 0;
	sm_shard_name(name, row->id, h->digits);
	return sm_shard_compare(h->dir.shards_fd, name, row->id, e, err);
}

int
sm_grow_put(bool *added, struct sm_grow *g, const struct sm_handle *h,
	    const struct sm_batch_row *row, struct sm_err *err)
{
	struct sm_entry e;
	bool append = true, stands;
	int ret = 0;

	*added = false;
	sm_consumed_entry(&e, row);
	if (g->state == SM_GROW_COMPARING || g->state == SM_GROW_PUBLISHED) {
		ret = grow_check_unsynced(g, h, row, &e, err);
		if (ret == 0)
			ret = grow_fingerprint(&e, h, row, err);
		if (ret == 0)
			ret = sm_final_resume(&stands, &g->final, &e, err);
		append = ret == 0 && !stands;
		if (append) {
			e.fingerprint = 0;
			ret = grow_diverge(&append, g, row, err);
			if (ret < 0 || !append)
				return ret;
		}
	}
	if (ret >= 0 && append)
		ret = grow_append(g, h, row, &e, err);
	if (ret < 0)
		return ret;
	*added = true;
	g->digest = sm_rows_digest_row(g->digest, row);
	g->records += e.counts.records;
	g->raw_bytes += e.sizes.raw_bytes;
	return grow_note(g, row, g->final.body_at, err);
}

/* ----------------------------------------------------------------- end -- */

void
sm_grow_abandon(struct sm_grow *g)
{
	struct sm_err ignored;
	uint64_t end;

	g->abandoned = true;
	if (g->generation == 0 || g->state == SM_GROW_REWRITING)
		unlink(g->part);
	else if (sm_joined_end(&end, g->h->db, &ignored) == 0 &&
		 end < g->final.at && ftruncate(g->fd, (off_t)end) < 0)
		return; /* its bytes are still compared with the rows */
}

int
sm_grow_end(bool *stands, struct sm_grow *g, struct sm_err *err)
{
	int ret;

	if (g->state == SM_GROW_PUBLISHED)
		ret = sm_final_resume_end(stands, &g->final, err);
	else
		ret = sm_final_end(&g->final, err);
	if (g->state == SM_GROW_PUBLISHED) {
		g->durable = g->final.noted;
		return ret;
	}
	*stands = true;
	if (ret < 0)
		return ret;
	sm_fault("join.before_sync");
	if (sm_fault_errno("join.sync") == 0 && fdatasync(g->fd) == 0) {
		g->durable = g->final.noted;
		return 0;
	}
	ret = sm_err_sys(err, "cannot sync '%s'", g->part);
	sm_grow_abandon(g);
	return ret;
}

int
sm_grow_rename(struct sm_grow *g, struct sm_err *err)
{
	if (g->state != SM_GROW_PUBLISHED) {
		sm_fault("join.before_rename");
		if (sm_fault_errno("join.rename") ||
		    rename(g->part, g->path) < 0)
			return sm_err_sys(err, "cannot rename '%s' to '%s'",
					  g->part, g->path);
		free(g->part);
		g->part = NULL;
		sm_fault("join.after_rename");
	}
	return sm_sync_parent(g->path, err);
}

void
sm_grow_close(struct sm_grow *g)
{
	bool leave =
		g->state == SM_GROW_COMPARING || g->state == SM_GROW_APPENDING;

	sm_grow_release(g);
	if (g->fd >= 0) {
		if (g->part && !leave && g->state != SM_GROW_PUBLISHED)
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
	sm_grow_init(g, NULL, 0, NULL);
}
