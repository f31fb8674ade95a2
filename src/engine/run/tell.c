/*
 * Counts, and tells the progress.  It is apart because the supervisor does so
 * and a worker that was started by hand.
 */
#include "clock.h"

#include "tell.h"

#define TELL_MS    1000
#define TELL_SHARE 20

bool
sm_tell_is_due(const struct sm_tell *t)
{
	return sm_clock_ms() - t->told_ms >= TELL_MS + TELL_SHARE * t->cost_ms;
}

int
sm_tell_progress(struct sm_tell *t, const struct sm_events *ev,
		 struct sm_db *db, unsigned workers,
		 const struct sm_straggler *g, struct sm_err *err)
{
	uint64_t now = sm_clock_ms();
	struct sm_batch_counts c;
	struct sm_progress p;
	int ret;

	if (!ev->progress || !sm_tell_is_due(t))
		return 0;
	ret = sm_batch_counts(&c, db, err);
	if (ret < 0)
		return ret;
	t->told_ms = sm_clock_ms();
	t->cost_ms = t->told_ms - now;
	p = (struct sm_progress){
		.phase = "run",
		.unit = "batches",
		.done = c.done,
		.total = c.total,
		.pending = c.pending,
		.running = c.running,
		.failed = c.failed,
		.rows = c.counts.rows,
		.records = c.counts.records,
		.raw_bytes = c.raw_bytes,
		.gz_bytes = c.gz_bytes,
		.workers = workers,
		.rows_per_s = c.rows_per_s,
		.elapsed_s = c.elapsed_s,
		.eta_s = c.eta_s,
		.stragglers = g->count,
		.straggler = g->id,
		.straggler_s = g->seconds,
		.usual_s = g->usual_s,
	};
	ev->progress(&p, ev->arg);
	return 0;
}
