/*
 * startcheck.c - forgotten renames are completed, lost shards found
 *
 * It compares the names in shards/ with the rows, and reads no shard.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dir.h"
#include "fault.h"
#include "file.h"

#include "joined.h"

#include "consumed.h"
#include "pipes.h"
#include "startcheck.h"

struct tmp_file {
	uint64_t batch;
	int64_t token;
};

struct tmp_list {
	struct tmp_file *item;
	size_t count, cap;
};

/*
 * Rows are looked at so many at a time: a longer snapshot would keep busy
 * workers' log from being written back, and 60 MB a second go into it.
 */
#define LOOK_MAX 4096

struct lost_list {
	struct tmp_file item[LOOK_MAX];
	size_t count;
	/* Of the file that has removed shards; 0: there is none. */
	uint64_t consumed_size;
};

static int
tmp_list_add(struct tmp_list *l, uint64_t batch, int64_t token,
	     struct sm_err *err)
{
	size_t cap = 2 * l->cap + 64;
	struct tmp_file *p;

	if (l->count == l->cap) {
		p = realloc(l->item, cap * sizeof(*p));
		if (!p)
			return sm_err_mem(err, "the list of shards");
		l->item = p;
		l->cap = cap;
	}
	l->item[l->count++] = (struct tmp_file){ batch, token };
	return 0;
}

/*
 * All names are read before any is judged: a directory that changes while it is
 * read may show a name twice, or not at all.
 */
static int
tmp_list_read(struct tmp_list *l, struct sm_handle *h, struct sm_err *err)
{
	const char *name;
	struct sm_dir d;
	uint64_t batch;
	int64_t token;
	int more, ret = 0;

	sm_dir_open(&d, h->dir.shards_fd, ".");
	while (ret == 0 && (more = sm_dir_next(&name, &d)) != 0) {
		if (more < 0)
			ret = sm_err_sys(err, "cannot list '%s/shards'",
					 h->dir.path);
		else if (sm_shard_parse_name(name, &batch, &token) == 2)
			ret = tmp_list_add(l, batch, token, err);
	}
	sm_dir_close(&d);
	return ret;
}

/* In a write transaction: nobody claims or completes meanwhile. */
static int
tmp_judge(struct sm_startcheck *out, struct sm_handle *h,
	  const struct tmp_file *f, struct sm_err *err)
{
	char tmp[SM_SHARD_NAME_MAX], name[SM_SHARD_NAME_MAX];
	struct sm_batch_row row;
	int64_t size;
	int ret = sm_batch_row_of(&row, h->db, f->batch, err);
	bool mine = row.token == f->token;

	sm_shard_tmp_name(tmp, f->batch, h->digits, f->token);
	if (ret == 0)
		ret = sm_jobdir_shard_size(&size, &h->dir, tmp, err);
	if (ret < 0)
		return ret;
	/*
	 * Its worker lives, or the rescue of a dead one will remove the file.
	 */
	if (mine && row.state == SM_RUNNING)
		return 0;
#ifndef SABOTAGE_no_rename_completion
	if (mine && row.state == SM_DONE &&
	    size == sm_consumed_shard_bytes(&row)) {
		sm_shard_name(name, f->batch, h->digits);
		sm_fault("startcheck.before_rename");
		if (renameat(h->dir.shards_fd, tmp, h->dir.shards_fd, name) < 0)
			return sm_err_sys(err, "cannot rename '%s/shards/%s'",
					  h->dir.path, tmp);
		out->renamed++;
		return 0;
	}
#endif
	/* Of an attempt that is over, whose bytes no row speaks of. */
	if (unlinkat(h->dir.shards_fd, tmp, 0) < 0 && errno != ENOENT)
		return sm_err_sys(err, "cannot remove '%s/shards/%s'",
				  h->dir.path, tmp);
	out->removed++;
	return 0;
}

static int
tmp_list_judge(struct sm_startcheck *out, struct sm_handle *h,
	       const struct tmp_list *l, struct sm_err *err)
{
	size_t i;
	int ret;

	for (i = 0; i < l->count; i++) {
		ret = sm_db_begin_write(h->db, err);
		if (ret < 0)
			return ret;
		ret = sm_handle_check_run(h, err);
		if (ret == 0)
			ret = tmp_judge(out, h, &l->item[i], err);
		sm_db_rollback(h->db); /* nothing was written to it */
		if (ret < 0)
			return ret;
	}
	/* A completed rename must be as durable as its row. */
	if (out->renamed && sm_sync_dir(h->dir.shards_fd) < 0)
		return sm_err_sys(err, "cannot sync '%s/shards'", h->dir.path);
	return 0;
}

/* Is it done, with neither its shard nor its place in the final file there? */
static int
lost_is(bool *is, const struct lost_list *lost, const struct sm_handle *h,
	const struct sm_batch_row *row, struct sm_err *err)
{
	bool has;
	int ret;

	*is = false;
	if (row->state != SM_DONE)
		return 0;
	ret = sm_consumed_has_shard(&has, h, row, err);
	*is = ret == 0 && !has &&
	      (lost->consumed_size == 0 ||
	       !sm_consumed_has(row, lost->consumed_size));
	return ret;
}

/* Collect done rows without their shard among the next ones from `*from` on. */
static int
lost_collect(struct lost_list *lost, bool *more, uint64_t *from,
	     struct sm_handle *h, struct sm_err *err)
{
	struct sm_batch_row row;
	bool is_lost;
	int ret = sm_batch_rows_begin(h->db, *from, err), n;

	lost->count = 0;
	*more = true;
	for (n = 0; ret == 0 && n < LOOK_MAX; n++) {
		ret = sm_batch_rows_next(&row, h->db, err);
		*more = ret > 0;
		if (!*more)
			break;
		if (row.id != *from) {
			ret = sm_err_set(err, SM_EDAMAGED,
					 "the database of '%s' lacks the row "
					 "of batch %llu; 'shardmill recover' "
					 "rebuilds it from the shards",
					 h->dir.path,
					 (unsigned long long)*from);
			break;
		}
		(*from)++;
		ret = lost_is(&is_lost, lost, h, &row, err);
		if (ret == 0 && is_lost)
			lost->item[lost->count++] =
				(struct tmp_file){ row.id, row.token };
	}
	sm_batch_rows_end(h->db);
	return ret;
}

/* How large is the file that has removed shards? */
static int
lost_look_at_consumed(struct lost_list *lost, struct sm_handle *h,
		      struct sm_err *err)
{
	int fd = -1;
	int ret = sm_joined_generation(&h->job.generation, h->db, err);

	lost->consumed_size = 0;
	if (ret == 0)
		ret = sm_consumed_open(&fd, &lost->consumed_size, &h->job, err);
	if (fd >= 0)
		close(fd);
	return ret;
}

/*
 * In a write transaction.  A finalize may have consumed the shard after its row
 * was read, so both are looked at again.
 */
static int
lost_requeue_one(struct sm_startcheck *out, struct sm_handle *h,
		 const struct lost_list *lost, const struct tmp_file *f,
		 struct sm_err *err)
{
	struct sm_batch_row row;
	bool is_lost = false, held;
	int ret = sm_batch_row_of(&row, h->db, f->batch, err);

	if (ret == 0)
		ret = lost_is(&is_lost, lost, h, &row, err);
	if (ret < 0 || !is_lost)
		return ret;
	ret = sm_batch_requeue(&held, h->db, f->batch, f->token,
			       "its shard was missing or of another size", err);
	out->requeued += held;
	return ret;
}

/*
 * One transaction for all of a look: LOOK_MAX bounds how long others wait for
 * it.
 */
static int
lost_requeue(struct sm_startcheck *out, struct sm_handle *h,
	     struct lost_list *lost, struct sm_err *err)
{
	size_t i;
	int ret;

	if (lost->count == 0)
		return 0;
	ret = sm_db_begin_write(h->db, err);
	if (ret < 0)
		return ret;
	ret = sm_handle_check_run(h, err);
	if (ret == 0)
		ret = lost_look_at_consumed(lost, h, err);
	for (i = 0; ret == 0 && i < lost->count; i++)
		ret = lost_requeue_one(out, h, lost, &lost->item[i], err);
	if (ret == 0)
		return sm_db_commit(h->db, err);
	sm_db_rollback(h->db);
	return ret;
}

int
sm_startcheck_files(struct sm_startcheck *out, struct sm_handle *h,
		    struct sm_err *err)
{
	struct tmp_list tmp = { 0 };
	int ret = tmp_list_read(&tmp, h, err);

	*out = (struct sm_startcheck){ 0 };
	if (ret == 0)
		ret = tmp_list_judge(out, h, &tmp, err);
	if (ret == 0)
		ret = sm_pipes_sweep(h, err);
	free(tmp.item);
	return ret;
}

int
sm_startcheck(struct sm_startcheck *out, struct sm_handle *h,
	      struct sm_err *err)
{
	struct lost_list *lost = NULL;
	uint64_t from = h->job.first_batch;
	bool more = true;
	int ret = sm_startcheck_files(out, h, err);

	if (ret < 0)
		goto out;
	lost = malloc(sizeof(*lost));
	if (!lost) {
		ret = sm_err_mem(err, "the start check");
		goto out;
	}
	ret = lost_look_at_consumed(lost, h, err);
	while (ret == 0 && more) {
		ret = lost_collect(lost, &more, &from, h, err);
		if (ret == 0)
			ret = lost_requeue(out, h, lost, err);
	}
	/*
	 * A row that is missing in the midst was met above; these are at the
	 * end.
	 */
	from -= h->job.first_batch;
	if (ret == 0 && from != h->job.batches)
		ret = sm_err_set(err, SM_EDAMAGED,
				 "the database of '%s' has %llu batches, and "
				 "%llu were planned; 'shardmill recover' "
				 "rebuilds it from the shards",
				 h->dir.path, (unsigned long long)from,
				 (unsigned long long)h->job.batches);
out:
	free(lost);
	return ret;
}

void
sm_startcheck_notice(const struct sm_startcheck *c, const struct sm_events *ev)
{
	if (c->requeued)
		sm_event_notice(ev,
				"%llu done batch%s lost the shard and %s made "
				"again",
				(unsigned long long)c->requeued,
				c->requeued == 1 ? "" : "es",
				c->requeued == 1 ? "is" : "are");
	if (c->renamed)
		sm_event_notice(ev,
				"%llu shard%s that a power cut left "
				"unnamed put in place",
				(unsigned long long)c->renamed,
				c->renamed == 1 ? "" : "s");
}
