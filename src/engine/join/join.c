/*
 * join.c - join the shards of a job whose batches are all done
 *
 * The way from what is asked for to a file that has its name: choose.c says
 * what and whether, here the file is opened, write.c writes and publishes it.
 */
#include <stdlib.h>
#include <string.h>

#include "dir.h"
#include "lock.h"

#include "write.h"

#include "join.h"

void
sm_finalize_result_release(struct sm_finalize_result *r)
{
	free(r->path);
	*r = (struct sm_finalize_result){ 0 };
}

/* The very file that is asked for is there: nothing is to be done. */
static int
join_find(struct sm_finalize_result *result, struct sm_join *j,
	  struct sm_err *err)
{
	int ret;

	if (!j->ours || !j->was.path || strcmp(j->was.path, j->path) != 0)
		return 0;
	ret = sm_published_is_complete(&result->was_complete, j->from, err);
	if (ret < 0 || !result->was_complete)
		return ret;
	result->size = j->was.size;
	result->batches = j->from->batches;
	result->records = j->records;
	result->raw_bytes = j->raw_bytes;
	if (j->from->h)
		sm_join_sweep(j->from->h, &j->opts->events);
	return 0;
}

/* What has grown while the job ran is taken over, if it is still true. */
static int
join_take_over(struct sm_join *j, struct sm_err *err)
{
	struct sm_grow *g = j->g;
	struct sm_rows_digest now;
	int ret = sm_rows_digest(&now, j->from, g->final.appended, err);

	if (ret == 0 &&
	    (now.batches != g->final.appended || now.digest != g->digest))
		sm_grow_rewind(g);
	return ret;
}

static int
join_open(struct sm_join *j, struct sm_err *err)
{
	struct sm_grow *g = j->g;
	int ret;

	if (!j->ours)
		return sm_grow_open_beside(g, j->path, err);
	if (g->fd >= 0)
		return join_take_over(j, err);
	ret = sm_lock_try(&g->lock, j->from->dir->fd, "final.lock", err);
	if (ret == 0)
		ret = sm_err_set(err, SM_EHELD,
				 "another finalize is at work on '%s', or a "
				 "run that joins meanwhile; end it or, if its "
				 "host died, wait until the file server lets "
				 "its lock go, and 'shardmill finalize' again",
				 j->from->dir->path);
	if (ret < 0)
		return ret;
	return sm_grow_open(g, j->path, j->opts->force || j->planned, err);
}

static int
join_chosen(struct sm_finalize_result *result, struct sm_join *j,
	    struct sm_err *err)
{
	int ret = sm_join_choose(j, err);

	if (ret == 0)
		ret = join_find(result, j, err);
	if (ret < 0 || result->was_complete)
		return ret;
	ret = sm_join_check(j, err);
	if (ret == 0)
		ret = join_open(j, err);
	if (ret == 0)
		ret = sm_join_write(result, j, err);
	return ret;
}

int
sm_join(struct sm_finalize_result *result, const struct sm_join_from *from,
	const struct sm_finalize_opts *opts, struct sm_grow *grown,
	struct sm_err *err)
{
	struct sm_join j = { .from = from,
			     .opts = opts,
			     .meter = { .ev = &opts->events,
					.phase = "join",
					.unit = "bytes" } };
	struct sm_grow *g = malloc(sizeof(*g));
	int ret;

	*result = (struct sm_finalize_result){ 0 };
	if (!g)
		return sm_err_mem(err, "joining shards");
	sm_grow_init(g, from->h, from->fingerprint, &opts->events);
	if (grown && grown->fd >= 0) {
		*g = *grown;
		g->h = from->h;
		g->ev = &opts->events;
		sm_grow_init(grown, NULL, 0, NULL);
	}
	g->dir = from->dir;
	j.g = g;
	ret = join_chosen(result, &j, err);
	sm_grow_close(g);
	free(g);
	sm_published_release(&j.was);
	if (ret < 0) {
		free(j.path);
		return ret;
	}
	result->path = j.path;
	sm_dir_size(&result->job_size, from->dir->fd);
	if (j.missing == 0)
		return 0;
	return sm_join_name_missing(&j, err);
}
