/*
 * growing_end.c - index, end and name
 */
#include <stdio.h>
#include <unistd.h>

#include "fault.h"

#include "join.h"

#include "growing.h"

int
sm_growing_list(struct sm_growing *g, const struct sm_batch_row *row,
		const struct sm_gzip_entry *e, struct sm_err *err)
{
	g->digest_listed = sm_join_digest_row(g->digest_listed, row);
	if (g->published)
		return 0;
	return sm_final_entry(&g->final, e, err);
}

int
sm_growing_end(struct sm_growing *g, struct sm_err *err)
{
	int ret;

	if (g->published)
		return 0;
	ret = sm_final_end(&g->final, err);
	if (ret < 0)
		return ret;
	sm_fault("join.before_sync");
	if (sm_fault_errno("join.sync") || fdatasync(g->fd) < 0) {
		ret = sm_err_sys(err, "cannot sync '%s'", g->part);
		sm_growing_abandon(g);
		return ret;
	}
	return 0;
}

int
sm_growing_rename(struct sm_growing *g, struct sm_err *err)
{
	if (!g->published) {
		sm_fault("join.before_rename");
		if (sm_fault_errno("join.rename") ||
		    rename(g->part, g->path) < 0)
			return sm_err_sys(err, "cannot rename '%s' to '%s'",
					  g->part, g->path);
		g->is_whole = true;
		sm_fault("join.after_rename");
	}
	/* Before the commit: the row must never record a name that is not. */
	return sm_growing_sync_parent(g, err);
}
