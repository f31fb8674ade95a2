/*
 * rescue.c - put back what a dead worker held
 *
 * One transaction ends the worker's row, puts its batch back and closes the
 * attempt; the file that the attempt had begun is removed before its COMMIT.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "fault.h"

#include "files.h"
#include "leftover.h"
#include "pipes.h"
#include "rescue.h"
#include "runs.h"
#include "shortage.h"

/* Interruptions in a row that are worth a line of their own. */
#define INTERRUPTED_OFTEN 3

/* One worker's end, as its attempt will tell it. */
struct rescue {
	struct sm_handle *h;
	const struct sm_worker *w;
	bool counts; /* against the batch */
	bool killed; /* perhaps by the OOM killer: then not beside others */
	bool room;   /* it was so, and fewer are made at once */
	enum sm_memory_verdict verdict;
	struct sm_batch_trouble t;
	struct sm_err why; /* the text alone */
};

static void
rescue_init(struct rescue *r, struct sm_handle *h, const struct sm_worker *w)
{
	*r = (struct rescue){ .h = h, .w = w };
	r->t = (struct sm_batch_trouble){ .exit_status = -1,
					  .signal = -1,
					  .message = r->why.text,
					  .retry = true };
}

static void
rescue_remove_tmp(struct sm_handle *h, const struct sm_batch *b)
{
	char name[SM_SHARD_NAME_MAX];

	sm_shard_tmp_name(name, b->piece.id, h->digits, b->piece.token);
	unlinkat(h->dir.shards_fd, name, 0);
	sm_files_remove_tmp(&h->files, b->piece.id, b->piece.token);
	sm_pipes_remove(h, b->piece.id, b->piece.token);
}

static void
rescue_notice(const struct rescue *r, const struct sm_batch *b,
	      enum sm_fate fate, const struct sm_events *ev)
{
	const char *end = "it will be retried";
	uint64_t id = b->piece.id;
	struct sm_err ignored;
	int n;

	if (fate == SM_FATE_FAILED)
		end = "it has failed";
	if (r->room) {
		sm_event_notice(ev, "batch %llu: %s; %s",
				(unsigned long long)id, r->why.text, end);
		return;
	}
	if (r->counts) {
		sm_event_notice(ev, "batch %llu: %s; try %lld of %lld: %s",
				(unsigned long long)id, r->why.text,
				(long long)b->piece.attempt,
				(long long)b->max_attempts, end);
		return;
	}
	if (sm_batch_interruptions(&n, r->h->db, id, &ignored) == 0 &&
	    n >= INTERRUPTED_OFTEN)
		sm_event_notice(ev,
				"batch %llu was interrupted %d times in a row: "
				"if it is what ends the run, look at it with "
				"'shardmill status %s --batch %llu'",
				(unsigned long long)id, n, r->h->dir.path,
				(unsigned long long)id);
}

static int
rescue_make_room(struct rescue *r, struct sm_err *err)
{
	struct sm_room room;
	int ret = sm_room_shrink(&room, r->h->db, 0, err);

	if (ret < 0)
		return ret;
	sm_shortage_tell(&r->why, &room, r->verdict);
	r->room = room.at_once > 0;
	if (!r->room)
		return 0;
	r->counts = false;
	r->t.outcome = "returned";
	return 0;
}

/* In the write transaction. */
static int
rescue_rows(struct sm_batch *b, enum sm_fate *fate, struct rescue *r,
	    struct sm_err *err)
{
	struct sm_db *db = r->h->db;
	double now = sm_clock_wall();
	bool found = false;
	int ret;

	/* A supervisor that was fenced off has nobody to rescue. */
	ret = sm_handle_check_run(r->h, err);
	if (ret == 0)
		ret = sm_runs_end_worker(db, r->w->id, err);
	if (ret == 0)
		ret = sm_batch_of_worker(&found, b, db, r->w->id, err);
	if (ret == 0 && found && r->killed)
		ret = rescue_make_room(r, err);
	if (ret == 0 && found && r->counts)
		ret = sm_batch_fail(fate, db, b, &r->t, now, err);
	else if (ret == 0 && found)
		ret = sm_batch_give_back(fate, db, b, &r->t, now, err);
	if (ret == 0)
		ret = sm_worker_end(db, r->w->id, now, err);
	return ret;
}

/*
 * The worker's lock byte is free, or the worker was killed.  Should one live
 * after all, the guard of batch_end.c refuses what it writes.
 */
static int
rescue(bool *put_back, struct rescue *r, const struct sm_events *ev,
       struct sm_err *err)
{
	enum sm_fate fate = SM_FATE_FENCED;
	struct sm_batch b = { 0 };
	int ret = sm_db_begin_write(r->h->db, err);

	if (ret < 0)
		return ret;
	ret = rescue_rows(&b, &fate, r, err);
	sm_fault("rescue.before_commit");
	if (ret < 0) {
		sm_db_rollback(r->h->db);
		return ret;
	}
	*put_back = fate != SM_FATE_FENCED;
	/* Before the commit: after it the batch may be claimed and done. */
	if (*put_back)
		rescue_remove_tmp(r->h, &b);
	ret = sm_db_commit(r->h->db, err);
	if (ret < 0)
		return ret;
	sm_fault("rescue.committed");
	if (*put_back)
		rescue_notice(r, &b, fate, ev);
	return 0;
}

static int
rescue_interrupted(bool *put_back, struct sm_handle *h,
		   const struct sm_worker *w, const struct sm_events *ev,
		   struct sm_err *err)
{
	struct rescue r;

	rescue_init(&r, h, w);
	r.t.outcome = "interrupted";
	sm_err_set(&r.why, SM_ESIGNAL, "worker %lld ended with its supervisor",
		   (long long)w->id);
	return rescue(put_back, &r, ev, err);
}

int
sm_rescue_interrupted(struct sm_handle *h, const struct sm_worker *w,
		      const struct sm_events *ev, struct sm_err *err)
{
	bool put_back;

	return rescue_interrupted(&put_back, h, w, ev, err);
}

int
sm_rescue_stalled(struct sm_handle *h, const struct sm_worker *w,
		  const struct sm_events *ev, struct sm_err *err)
{
	struct rescue r;
	bool put_back;

	rescue_init(&r, h, w);
	r.counts = true;
	r.t.outcome = "stalled";
	r.t.error_class = sm_code_name(SM_ESTALLED);
	sm_err_set(&r.why, SM_ESTALLED,
		   "worker %lld (pid %lld) stood still for its whole lease and "
		   "was killed",
		   (long long)w->id, (long long)w->pid);
	return rescue(&put_back, &r, ev, err);
}

int
sm_rescue_died(struct sm_handle *h, const struct sm_worker *w, int status,
	       struct sm_memory_watch *memory, const struct sm_events *ev,
	       struct sm_err *err)
{
	struct rescue r;
	bool put_back;

	rescue_init(&r, h, w);
	r.counts = true;
	r.t.error_class = sm_code_name(SM_ESIGNAL);
	if (WIFSIGNALED(status)) {
		r.t.outcome = "signal";
		r.t.signal = WTERMSIG(status);
		sm_err_set(&r.why, SM_ESIGNAL,
			   "worker %lld (pid %lld) died by signal %d (%s)",
			   (long long)w->id, (long long)w->pid, r.t.signal,
			   strsignal(r.t.signal));
		/*
		 * A worker is in the supervisor's control group: where nobody
		 * was killed for memory there, a person has sent it.
		 */
		if (r.t.signal == SIGKILL)
			r.verdict = sm_memory_watch_look(memory);
		r.killed =
			r.t.signal == SIGKILL && r.verdict != SM_MEMORY_SPARED;
	} else {
		r.t.outcome = "error";
		r.t.exit_status = WEXITSTATUS(status);
		r.t.error_class = sm_code_name(SM_ECOMMAND);
		sm_err_set(&r.why, SM_ECOMMAND,
			   "worker %lld (pid %lld) ended with status %d in the "
			   "middle of the batch",
			   (long long)w->id, (long long)w->pid,
			   WEXITSTATUS(status));
	}
	return rescue(&put_back, &r, ev, err);
}

/* Running rows whose worker's row is over: hand edits, or a lost database. */
static int
rescue_orphans(struct sm_handle *h, const struct sm_events *ev,
	       struct sm_err *err)
{
	struct sm_worker nobody = { 0 };
	struct sm_batch b;
	bool found = true, put_back = true;
	int ret = 0;

	/* Not put back: somebody else was faster. */
	while (ret == 0 && found && put_back) {
		ret = sm_batch_orphan(&found, &b, h->db, err);
		nobody.id = b.worker;
		if (ret == 0 && found)
			ret = rescue_interrupted(&put_back, h, &nobody, ev,
						 err);
	}
	return ret;
}

static bool
rescue_is_excepted(int64_t id, const int64_t *except, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (except[i] == id)
			return true;
	return false;
}

int
sm_rescue_dead(struct sm_handle *h, const struct sm_live *live,
	       const int64_t *except, size_t n, const struct sm_events *ev,
	       struct sm_err *err)
{
	struct sm_worker w = { 0 };
	int ret;

	while ((ret = sm_worker_next(&w, h->db, w.id, err)) > 0) {
		if (rescue_is_excepted(w.id, except, n) ||
		    sm_live_held(live, w.slot))
			continue;
		ret = sm_leftover_end(h, live, &w, ev, err);
		if (ret == 0)
			ret = sm_rescue_interrupted(h, &w, ev, err);
		if (ret < 0)
			return ret;
	}
	if (ret == 0)
		ret = rescue_orphans(h, ev, err);
	return ret;
}
