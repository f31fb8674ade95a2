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
#include "files.h"
#include "pipes.h"
#include "startcheck.h"

struct tmp_file {
	uint64_t batch;
	int64_t token;
	bool beside; /* the file that the batch makes, and not its shard */
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
tmp_list_add(struct tmp_list *l, const struct tmp_file *f, struct sm_err *err)
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
	l->item[l->count++] = *f;
	return 0;
}

/*
 * All names are read before any is judged: a directory that changes while it is
 * read may show a name twice, or not at all.
 */
static int
tmp_list_read(struct tmp_list *l, struct sm_handle *h, bool beside,
	      struct sm_err *err)
{
	struct tmp_file f = { .beside = beside };
	const char *name;
	struct sm_dir d;
	int more, is, ret = 0;

	sm_dir_open(&d, beside ? h->files.fd : h->dir.shards_fd, ".");
	while (ret == 0 && (more = sm_dir_next(&name, &d)) != 0) {
		if (more < 0) {
			ret = sm_err_sys(err, "cannot list '%s'",
					 beside ? h->files.kind.dir
						: h->dir.path);
			break;
		}
		if (beside)
			is = sm_shard_parse_file(name, h->files.kind.suffix,
						 &f.batch, &f.token);
		else
			is = sm_shard_parse_name(name, &f.batch, &f.token);
		/* Parts have one directory for the files of all. */
		if (beside && (f.batch < h->job.first_batch ||
			       f.batch - h->job.first_batch >= h->job.batches))
			continue;
		if (is == 2)
			ret = tmp_list_add(l, &f, err);
	}
	sm_dir_close(&d);
	return ret;
}

/* Where it is, what it is called, and what its name and size should be. */
struct tmp_place {
	int fd;
	const char *path;
	char tmp[SM_SHARD_FILE_MAX], name[SM_SHARD_FILE_MAX];
	int64_t want;
};

static void
tmp_place(struct tmp_place *p, const struct sm_handle *h,
	  const struct tmp_file *f, const struct sm_batch_row *row)
{
	if (f->beside) {
		p->fd = h->files.fd;
		p->path = h->files.kind.dir;
		sm_shard_file_tmp_name(p->tmp, f->batch, h->digits, f->token,
				       h->files.kind.suffix);
		sm_shard_file_name(p->name, f->batch, h->digits,
				   h->files.kind.suffix);
		p->want = (int64_t)row->sizes.file_bytes;
		return;
	}
	p->fd = h->dir.shards_fd;
	p->path = h->dir.path;
	sm_shard_tmp_name(p->tmp, f->batch, h->digits, f->token);
	sm_shard_name(p->name, f->batch, h->digits);
	p->want = sm_consumed_shard_bytes(row);
}

/* In a write transaction: nobody claims or completes meanwhile. */
static int
tmp_judge(struct sm_startcheck *out, struct sm_handle *h,
	  const struct tmp_file *f, struct sm_err *err)
{
	struct sm_batch_row row;
	struct tmp_place p;
	int64_t size;
	int ret = sm_batch_row_of(&row, h->db, f->batch, err);
	bool mine = row.token == f->token;

	if (ret < 0)
		return ret;
	tmp_place(&p, h, f, &row);
	ret = sm_jobdir_size(&size, p.fd, p.path, p.tmp, err);
	if (ret < 0)
		return ret;
	/*
	 * Its worker lives, or the rescue of a dead one will remove the file.
	 */
	if (mine && row.state == SM_RUNNING)
		return 0;
#ifndef SABOTAGE_no_rename_completion
	if (mine && row.state == SM_DONE && size == p.want) {
		sm_fault("startcheck.before_rename");
		if (renameat(p.fd, p.tmp, p.fd, p.name) < 0)
			return sm_err_sys(err, "cannot rename '%s' in '%s'",
					  p.tmp, p.path);
		out->renamed++;
		return 0;
	}
#endif
	/* Of an attempt that is over, whose bytes no row speaks of. */
	if (f->beside ? sm_dir_remove_any(p.fd, p.tmp) < 0
		      : unlinkat(p.fd, p.tmp, 0) < 0 && errno != ENOENT)
		return sm_err_sys(err, "cannot remove '%s' in '%s'", p.tmp,
				  p.path);
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
	return out->renamed ? sm_files_sync(&h->files, err) : 0;
}

/*
 * Is it done, with neither its shard nor its place in the final file there, or
 * without the file that it made?
 */
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
	if (ret == 0 && !*is) {
		ret = sm_files_is(&has, &h->files, row, err);
		*is = !has;
	}
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
				(struct tmp_file){ row.id, row.token, false };
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
			       "its shard, or the file it made, was missing "
			       "or of another size",
			       err);
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
	int ret = sm_files_require(&h->files, h->spec, &h->dir, err);

	if (ret == 0)
		ret = tmp_list_read(&tmp, h, false, err);
	if (ret == 0 && h->files.fd >= 0)
		ret = tmp_list_read(&tmp, h, true, err);
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
				"%llu done batch%s lost the shard, or the file "
				"that was made, and %s made again",
				(unsigned long long)c->requeued,
				c->requeued == 1 ? "" : "es",
				c->requeued == 1 ? "is" : "are");
	if (c->renamed)
		sm_event_notice(ev,
				"%llu file%s that a power cut left unnamed put "
				"in place",
				(unsigned long long)c->renamed,
				c->renamed == 1 ? "" : "s");
}
