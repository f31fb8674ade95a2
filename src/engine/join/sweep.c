/*
 * sweep.c - remove what no job needs: shards and growing files left by a kill
 *
 * Apart from grow_record.c, whose removals are part of joining: these begin
 * with a job that is complete, or that is to have another final file.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dir.h"
#include "lock.h"
#include "shard.h"

#include "joined.h"

#include "consumed.h"
#include "growing.h"

#include "grow.h"
#include "join.h"

/*
 * Shards that are there and that the file has, as if they were recorded just
 * now.  A batch may have been put back, and made again, a moment ago.
 */
static int
sweep_list(struct sm_grow *g, struct sm_err *err)
{
	struct sm_grown one = { 0 };
	const char *name;
	struct sm_dir d;
	int more, ret = 0;

	sm_dir_open(&d, g->h->dir.shards_fd, ".");
	while ((more = sm_dir_next(&name, &d)) > 0 && ret == 0) {
		if (sm_shard_parse_name(name, &one.id, &one.token) != 1)
			continue;
		ret = sm_joined_token(&one.token, g->h->db, one.id, err);
		if (ret == 0 && one.token != 0)
			ret = sm_grown_push(&g->spent, &one, err);
	}
	if (more < 0)
		ret = sm_err_sys(err, "cannot list '%s/shards'",
				 g->h->dir.path);
	sm_dir_close(&d);
	return ret;
}

void
sm_join_sweep(struct sm_handle *h, const struct sm_events *ev)
{
	struct sm_err why;
	struct sm_grow g;
	int ret = 0;

	if (h->job.generation == 0)
		return;
	sm_grow_init(&g, h, 0, ev);
	g.state = SM_GROW_PUBLISHED;
	g.durable = UINT64_MAX;
	g.path = strdup(h->job.final_path);
	g.generation = h->job.generation;
	if (g.path && sm_lock_try(&g.lock, h->dir.fd, "final.lock", &why) > 0) {
		if (h->job.consume)
			ret = sweep_list(&g, &why);
		if (ret < 0)
			sm_grow_notice_left(&g, &why);
		else
			sm_grow_tidy(&g);
	}
	sm_grow_close(&g);
}

void
sm_join_leave(const struct sm_jobdir *dir, const struct sm_job *job,
	      const char *path)
{
	struct sm_growing who = { .dir = dir, .job = job };
	struct sm_err ignored;
	char *part;
	int lock;

	/* What rows rely on has no other path. */
	if (!job->final_path || strcmp(job->final_path, path) == 0 ||
	    job->generation > 0 ||
	    sm_lock_try(&lock, dir->fd, "final.lock", &ignored) <= 0)
		return;
	who.fingerprint = strtoull(job->fingerprint, NULL, 16);
	part = sm_consumed_part_name(job->final_path, 1);
	if (part)
		sm_growing_remove(part, &who, &ignored);
	free(part);
	close(lock);
}
