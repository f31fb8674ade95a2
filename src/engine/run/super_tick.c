/*
 * super_tick.c - what the supervisor does once a second
 *
 * It looks for stalled workers, rereads what a person may have changed in the
 * job row, and counts.  The workers' starts and ends, which happen at any
 * time, are in super.c.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "clock.h"
#include "lock.h"
#include "rescue.h"
#include "runs.h"

#include "super.h"

#define SUPER_LOOK_MS 1000
/* Looks this far apart: the process was stopped, or the machine slept. */
#define STOPPED_S 10
/* Of a command that runs for so long the pid is noted. */
#define NOTED_AFTER_S 2
/* A log this large means a reader that never ends. */
#define WAL_LARGE_BYTES (64 << 20)

bool
sm_super_is_child(const struct sm_super *s, int64_t pid)
{
	size_t i;

	for (i = 0; i < s->children; i++)
		if (s->child[i].pid == pid)
			return true;
	return false;
}

/* One that is not our child, given up for dead by the watch. */
static int
super_rescue_stalled(struct sm_super *s, const struct sm_worker *list, size_t n,
		     struct sm_err *err)
{
	size_t i;
	int ret;

	for (i = 0; i < n; i++) {
		if (sm_super_is_child(s, list[i].pid) ||
		    !sm_watch_is_stalled(&s->watch, list[i].id))
			continue;
		ret = sm_rescue_stalled(s->h, &list[i], s->ev, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* Watch everybody; put back what dead strangers held. */
static int
super_watch_workers(struct sm_super *s, struct sm_err *err)
{
	struct sm_worker *list;
	int64_t *ours = NULL; /* their deaths are seen when they are reaped */
	size_t n, i, own = 0;
	int ret = sm_worker_list(&list, &n, s->h->db, err);

	if (ret == 0)
		ours = malloc((n + 1) * sizeof(*ours));
	if (ret == 0 && !ours)
		ret = sm_err_mem(err, "the list of workers");
	s->strangers = 0;
	for (i = 0; ret == 0 && i < n; i++)
		if (sm_super_is_child(s, list[i].pid))
			ours[own++] = list[i].id;
		else
			s->strangers += sm_live_held(&s->live, list[i].slot);
	if (ret == 0)
		ret = sm_watch_set(&s->watch, list, n, err);
	if (ret == 0)
		ret = super_rescue_stalled(s, list, n, err);
	if (ret == 0)
		ret = sm_rescue_dead(s->h, &s->live, ours, own, s->ev, err);
	free(ours);
	free(list);
	return ret;
}

static void
super_notice_wal(struct sm_super *s)
{
	struct stat st;

	if (fstatat(s->h->dir.fd, "job.db-wal", &st, 0) < 0 ||
	    st.st_size < WAL_LARGE_BYTES ||
	    (uint64_t)st.st_size < 2 * s->wal_told_bytes)
		return;
	s->wal_told_bytes = (uint64_t)st.st_size;
	sm_event_notice(s->ev,
			"the log job.db-wal has grown to %llu MB: some reader "
			"of '%s' keeps an old snapshot open; end it",
			(unsigned long long)st.st_size >> 20, s->h->dir.path);
}

/*
 * A trigger made while we run: workers that are there have it already, so new
 * ones take it too, and the night's work goes on.
 */
static int
super_notice_trigger(struct sm_super *s, struct sm_err *err)
{
	struct sm_err why;
	int ret = sm_db_refuse_triggers(s->h->db, &why);

	if (ret == SM_EREFUSED && !s->told_trigger)
		sm_event_notice(s->ev,
				"%s; this run goes on, the next one will be "
				"refused",
				why.text);
	s->told_trigger = ret == SM_EREFUSED;
	if (ret == 0 || ret == SM_EREFUSED)
		return 0;
	*err = why;
	return ret;
}

/*
 * The pid of a command that has run for a while, for the view `running`.  It is
 * read before the transaction: a claim that is not over in it was not over then
 * either, and the command is its own.  Short batches cost nothing here.
 */
static int
super_note_commands(struct sm_super *s, struct sm_err *err)
{
	struct sm_batch_hand b = { .id = -1 };
	double before = sm_clock_wall() - NOTED_AFTER_S;
	int64_t pid;
	bool found;
	int ret;

	for (;;) {
		ret = sm_batch_next_unnoted(&found, &b, s->h->db, before, err);
		if (ret < 0 || !found)
			return ret;
		pid = sm_live_command(&s->live, b.slot);
		if (pid <= 1)
			continue;
		ret = sm_db_begin_write(s->h->db, err);
		if (ret < 0)
			return ret;
		ret = sm_batch_note_command(s->h->db, &b, pid, err);
		if (ret == 0)
			ret = sm_db_commit(s->h->db, err);
		else
			sm_db_rollback(s->h->db);
		if (ret < 0)
			return ret;
	}
}

/* One line for a batch that hangs; the next one is told when that is over. */
static void
super_tell_straggler(struct sm_super *s, double now)
{
	struct sm_straggler *g = &s->straggler;

	/* All that was in hand while the machine slept looks like it. */
	if (g->count == 0 || s->straggler_told == g->id + 1 ||
	    now - g->seconds < s->woken)
		return;
	s->straggler_told = g->id + 1;
	sm_event_notice(s->ev,
			"batch %" PRIu64 " has been running for %.0f s, and "
			"the usual is %.3g s: 'shardmill status %s --batch "
			"%" PRIu64 "' shows it",
			g->id, g->seconds, g->usual_s, s->h->dir.path, g->id);
}

static int
super_look_for_stragglers(struct sm_super *s, struct sm_err *err)
{
	double now = sm_clock_wall();
	bool found;
	int ret = sm_batch_straggler(&found, &s->straggler, s->h->db, err);

	if (s->looked_wall > 0 && now - s->looked_wall > STOPPED_S)
		s->woken = now;
	s->looked_wall = now;
	if (ret == 0)
		super_tell_straggler(s, now);
	return ret;
}

/* Taken over while somebody else held run.lock: ours as soon as it is free. */
static int
super_take_lock(struct sm_super *s, struct sm_err *err)
{
	int ret;

	if (s->h->run_lock >= 0)
		return 0;
	ret = sm_lock_try(&s->h->run_lock, s->h->dir.fd, "run.lock", err);
	return ret < 0 ? ret : 0;
}

/* Nobody writes the row of a pause that was made by a hand edit but us. */
static int
super_note_pause(struct sm_super *s, struct sm_err *err)
{
	struct sm_db *db = s->h->db;
	bool noted;
	int ret = sm_runs_pause_is_noted(&noted, db, err);

	if (ret < 0 || noted)
		return ret;
	ret = sm_db_begin_write(db, err);
	if (ret < 0)
		return ret;
	ret = sm_runs_note_pause(db, sm_clock_wall(), err);
	if (ret == 0)
		return sm_db_commit(db, err);
	sm_db_rollback(db);
	return ret;
}

int
sm_super_tick(struct sm_super *s, struct sm_err *err)
{
	struct sm_job_now live;
	int ret;

	if (sm_clock_ms() - s->looked_ms < SUPER_LOOK_MS)
		return 0;
	s->looked_ms = sm_clock_ms();
	ret = sm_handle_look(s->h, err);
	if (ret == 0)
		ret = sm_job_now(&live, s->h->db, err);
	if (ret == 0 && live.run != s->h->job.run)
		ret = sm_handle_check_run(s->h, err);
	if (ret == 0)
		ret = super_take_lock(s, err);
	if (ret < 0)
		return ret;
	if (live.workers == 0 && !s->told_no_workers)
		sm_event_notice(s->ev,
				"the job is to have 0 workers: 'shardmill set "
				"%s -j 1', or more, goes on",
				s->h->dir.path);
	s->told_no_workers = live.workers == 0;
	s->target = live.workers;
	if (live.paused && !s->paused)
		sm_event_notice(s->ev,
				"the job is paused: 'shardmill resume %s' goes "
				"on",
				s->h->dir.path);
	if (live.paused != s->paused)
		ret = super_note_pause(s, err);
	s->paused = live.paused;
	if (ret == 0)
		ret = super_notice_trigger(s, err);
	if (ret == 0)
		ret = super_watch_workers(s, err);
	if (ret == 0)
		ret = super_note_commands(s, err);
	if (ret == 0)
		ret = super_look_for_stragglers(s, err);
	if (ret == 0)
		ret = sm_tell_progress(&s->tell, s->ev, s->h->db,
				       (unsigned)(s->children + s->strangers),
				       &s->straggler, err);
	super_notice_wal(s);
	return ret;
}
