#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "file.h"

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
};

static int
tmp_list_add(struct tmp_list *l, uint64_t batch, int64_t token,
	     struct sm_err *err)
{
	struct tmp_file *p;

	if (l->count == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 64;
		p = realloc(l->item, l->cap * sizeof(*p));
		if (!p)
			return sm_err_mem(err, "the list of shards");
		l->item = p;
	}
	l->item[l->count++] = (struct tmp_file){ batch, token };
	return 0;
}

static int
tmp_list_read(struct tmp_list *l, struct sm_handle *h, struct sm_err *err)
{
	struct dirent *e;
	uint64_t batch;
	int64_t token;
	DIR *d;
	int fd = openat(h->dir.shards_fd, ".",
			O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	    ret = 0;

	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		ret = sm_err_sys(err, "cannot list '%s/shards'", h->dir.path);
		if (fd >= 0)
			close(fd);
		return ret;
	}
	errno = 0;
	while (ret == 0 && (e = readdir(d))) {
		if (sm_shard_parse_name(e->d_name, &batch, &token) == 2)
			ret = tmp_list_add(l, batch, token, err);
		errno = 0;
	}
	if (ret == 0 && errno != 0)
		ret = sm_err_sys(err, "cannot list '%s/shards'", h->dir.path);
	closedir(d);
	return ret;
}

/*
 * Bytes of a file in shards/, -1 if there is none.  One that cannot be looked
 * at is not lost: what is done must not be made again for it.
 */
static int
shard_size(int64_t *size, struct sm_handle *h, const char *name,
	   struct sm_err *err)
{
	struct stat st;

	*size = -1;
	if (fstatat(h->dir.shards_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (S_ISREG(st.st_mode))
			*size = st.st_size;
		return 0;
	}
	return errno == ENOENT ? 0 :
				 sm_err_sys(err, "cannot look at '%s/shards/%s'",
					    h->dir.path, name);
}

/* One row as it is now; 0 if there is none. */
static int
row_of(struct sm_batch_row *row, struct sm_handle *h, uint64_t batch,
       struct sm_err *err)
{
	int ret = sm_batch_rows_begin(h->db, batch, err);

	if (ret == 0)
		ret = sm_batch_rows_next(row, h->db, err);
	sm_batch_rows_end(h->db);
	return ret > 0 ? row->id == batch : ret;
}

/* In a write transaction: nobody claims or completes meanwhile. */
static int
tmp_judge(struct sm_startcheck *out, struct sm_handle *h,
	  const struct tmp_file *f, struct sm_err *err)
{
	char tmp[SM_SHARD_NAME_MAX], name[SM_SHARD_NAME_MAX];
	struct sm_batch_row row = { 0 };
	int ret = row_of(&row, h, f->batch, err);
	bool mine = ret > 0 && row.token == f->token;
	int64_t size;

	sm_shard_tmp_name(tmp, f->batch, h->digits, f->token);
	if (ret >= 0)
		ret = shard_size(&size, h, tmp, err);
	if (ret < 0)
		return ret;
	if (mine && strcmp(row.state, "running") == 0)
		return 0;
#ifndef SABOTAGE_no_rename_completion
	if (mine && strcmp(row.state, "done") == 0 &&
	    size == row.gz_bytes) {
		sm_shard_name(name, f->batch, h->digits);
		sm_fault("startcheck.before_rename");
		if (renameat(h->dir.shards_fd, tmp, h->dir.shards_fd, name) < 0)
			return sm_err_sys(err, "cannot rename '%s/shards/%s'",
					  h->dir.path, tmp);
		out->renamed++;
		return 0;
	}
#endif
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

/*
 * Collect done rows without their shard among the next ones from `*from` on.
 * 1: there may be more; 0: that was all.
 */
static int
lost_collect(struct lost_list *lost, uint64_t *from, struct sm_handle *h,
	     struct sm_err *err)
{
	char name[SM_SHARD_NAME_MAX];
	struct sm_batch_row row;
	int ret = sm_batch_rows_begin(h->db, *from, err), n;
	int64_t size;

	lost->count = 0;
	for (n = 0; ret >= 0 && n < LOOK_MAX; n++) {
		ret = sm_batch_rows_next(&row, h->db, err);
		if (ret <= 0)
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
		if (strcmp(row.state, "done") != 0)
			continue;
		sm_shard_name(name, row.id, h->digits);
		if (shard_size(&size, h, name, err) < 0) {
			ret = err->code;
			break;
		}
		if (size != row.gz_bytes)
			lost->item[lost->count++] =
				(struct tmp_file){ row.id, row.token };
	}
	sm_batch_rows_end(h->db);
	return ret;
}

static int
lost_requeue(struct sm_startcheck *out, struct sm_handle *h,
	     const struct lost_list *lost, struct sm_err *err)
{
	size_t i;
	int ret;

	if (lost->count == 0)
		return 0;
	ret = sm_db_begin_write(h->db, err);
	if (ret < 0)
		return ret;
	for (i = 0; i < lost->count; i++) {
		ret = sm_batch_requeue(h->db, lost->item[i].batch,
				       lost->item[i].token,
				       "its shard was missing or of another "
				       "size",
				       err);
		if (ret < 0) {
			sm_db_rollback(h->db);
			return ret;
		}
		out->requeued += (uint64_t)ret;
	}
	return sm_db_commit(h->db, err);
}

int
sm_startcheck(struct sm_startcheck *out, struct sm_handle *h,
	      struct sm_err *err)
{
	struct tmp_list tmp = { 0 };
	struct lost_list *lost = NULL;
	uint64_t from = 0;
	int ret, more;

	*out = (struct sm_startcheck){ 0 };
	ret = tmp_list_read(&tmp, h, err);
	if (ret == 0)
		ret = tmp_list_judge(out, h, &tmp, err);
	if (ret < 0)
		goto out;
	lost = malloc(sizeof(*lost));
	if (!lost) {
		ret = sm_err_mem(err, "the start check");
		goto out;
	}
	do {
		more = ret = lost_collect(lost, &from, h, err);
		if (ret >= 0)
			ret = lost_requeue(out, h, lost, err);
	} while (ret == 0 && more > 0);
	if (ret == 0 && from != h->job.batches)
		ret = sm_err_set(err, SM_EDAMAGED,
				 "the database of '%s' has %llu batches, and "
				 "%llu were planned; 'shardmill recover' "
				 "rebuilds it from the shards",
				 h->dir.path, (unsigned long long)from,
				 (unsigned long long)h->job.batches);
out:
	free(lost);
	free(tmp.item);
	return ret;
}
