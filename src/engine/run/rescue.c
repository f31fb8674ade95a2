#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fault.h"

#include "rescue.h"

/* Interruptions in a row that are worth a line of their own. */
#define INTERRUPTED_OFTEN 3

static void
rescue_describe(struct sm_batch_trouble *t, char *text, size_t size,
		enum sm_rescue_how how, int sig, int status,
		const struct sm_worker *w)
{
	*t = (struct sm_batch_trouble){
		.exit_status = -1, .signal = -1, .message = text, .retry = true
	};
	switch (how) {
	case SM_RESCUE_INTERRUPTED:
		t->outcome = "interrupted";
		snprintf(text, size, "worker %lld ended with its supervisor",
			 (long long)w->id);
		break;
	case SM_RESCUE_STALLED:
		t->outcome = "stalled";
		t->error_class = sm_code_name(SM_ESTALLED);
		snprintf(text, size,
			 "worker %lld (pid %lld) stood still for its whole "
			 "lease and was killed",
			 (long long)w->id, (long long)w->pid);
		break;
	case SM_RESCUE_DIED:
		t->outcome = sig > 0 ? "signal" : "error";
		t->error_class = sm_code_name(SM_ESIGNAL);
		t->signal = sig > 0 ? sig : -1;
		if (sig > 0)
			snprintf(
				text, size,
				"worker %lld (pid %lld) died by signal %d (%s)",
				(long long)w->id, (long long)w->pid, sig,
				strsignal(sig));
		else
			snprintf(text, size,
				 "worker %lld (pid %lld) ended with status %d "
				 "in the middle of the batch",
				 (long long)w->id, (long long)w->pid, status);
		break;
	}
}

/* Within the write transaction. */
static int
rescue_batch(struct sm_handle *h, const struct sm_batch *b,
	     const struct sm_batch_trouble *t, enum sm_rescue_how how,
	     double now, bool *failed, struct sm_err *err)
{
	if (how == SM_RESCUE_INTERRUPTED)
		return sm_batch_give_back(h->db, b, t, now, err);
	return sm_batch_fail(h->db, b, t, now, failed, err);
}

static void
rescue_remove_tmp(struct sm_handle *h, const struct sm_batch *b)
{
	char name[SM_SHARD_NAME_MAX];

	sm_shard_tmp_name(name, b->id, h->digits, b->token);
	unlinkat(h->dir.shards_fd, name, 0);
}

static void
rescue_tell(struct sm_handle *h, const struct sm_batch *b,
	    enum sm_rescue_how how, const char *text, bool failed,
	    const struct sm_events *ev)
{
	struct sm_err ignored;
	int n;

	if (how != SM_RESCUE_INTERRUPTED) {
		sm_event_notice(ev, "batch %llu: %s; %s",
				(unsigned long long)b->id, text,
				failed ? "it has failed" : "tried again");
		return;
	}
	n = sm_batch_interruptions(h->db, b->id, &ignored);
	if (n >= INTERRUPTED_OFTEN)
		sm_event_notice(ev,
				"batch %llu was interrupted %d times in a row: "
				"if it is what ends the run, look at it with "
				"'shardmill status %s --batch %llu'",
				(unsigned long long)b->id, n, h->dir.path,
				(unsigned long long)b->id);
}

int
sm_rescue_worker(struct sm_handle *h, const struct sm_worker *w,
		 enum sm_rescue_how how, int sig, int status,
		 const struct sm_events *ev, struct sm_err *err)
{
	struct sm_batch_trouble t;
	struct sm_batch b = { 0 };
	double now = sm_clock_wall();
	bool failed = false;
	char text[256];
	int ret, held;

	rescue_describe(&t, text, sizeof(text), how, sig, status, w);
	ret = sm_db_begin_write(h->db, err);
	if (ret < 0)
		return ret;
	/* A supervisor that was fenced off has nobody to rescue. */
	held = ret = sm_handle_check_run(h, err);
	if (ret == 0)
		held = ret = sm_batch_of_worker(&b, h->db, w->id, err);
	if (ret > 0)
		held = ret = rescue_batch(h, &b, &t, how, now, &failed, err);
	if (ret >= 0)
		ret = sm_worker_end(h->db, w->id, now, err);
	sm_fault("rescue.before_commit");
	if (ret < 0) {
		sm_db_rollback(h->db);
		return ret;
	}
	/* Before the commit: after it the batch may be claimed and done. */
	if (held > 0)
		rescue_remove_tmp(h, &b);
	ret = sm_db_commit(h->db, err);
	if (ret < 0)
		return ret;
	sm_fault("rescue.committed");
	if (held > 0)
		rescue_tell(h, &b, how, text, failed, ev);
	return held > 0;
}

/* Running rows whose worker's row is over: hand edits, or a lost database. */
static int
rescue_orphans(struct sm_handle *h, const struct sm_events *ev,
	       struct sm_err *err)
{
	struct sm_worker nobody = { 0 };
	struct sm_batch b;
	int ret;

	while ((ret = sm_batch_orphan(&b, h->db, err)) > 0) {
		nobody.id = b.worker;
		ret = sm_rescue_worker(h, &nobody, SM_RESCUE_INTERRUPTED, 0, 0,
				       ev, err);
		if (ret <= 0)
			break; /* somebody else was faster */
	}
	return ret < 0 ? ret : 0;
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
		ret = sm_rescue_worker(h, &w, SM_RESCUE_INTERRUPTED, 0, 0, ev,
				       err);
		if (ret < 0)
			return ret;
	}
	return ret < 0 ? ret : rescue_orphans(h, ev, err);
}
