/*
 * super.c - the supervisor's children: started, heard, buried, sent off
 *
 * What it does once a second is in super_tick.c.
 */
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "fault.h"

#include "fence.h"
#include "follow.h"
#include "rescue.h"

#include "super.h"

#define SUPER_POLL_MS        200
#define UNCLAIMED_DEATHS_MAX 3
/* Room that was made so long ago may have been used up by others. */
#define SUPER_FULL_MS 1000

int
sm_super_init(struct sm_super *s, struct sm_handle *h,
	      const struct sm_run_opts *opts, struct sm_err *err)
{
	double lease_s = h->job.lease_s;
	struct sm_worker *list = NULL;
	size_t n;
	int ret;

	if (opts->settings.lease_s > 0)
		lease_s = opts->settings.lease_s;
	*s = (struct sm_super){ .h = h, .opts = opts, .ev = &opts->events };
	s->live = (struct sm_live)SM_LIVE_NONE;
	sm_memory_watch_begin(&s->memory, "/proc/self");
	ret = sm_live_open(&s->live, h->dir.fd, err);
	if (ret == 0)
		ret = sm_watch_init(&s->watch, &s->live, lease_s, err);
	if (ret == 0)
		ret = sm_worker_list(&list, &n, h->db, err);
	if (ret == 0)
		ret = sm_watch_set(&s->watch, list, n, err);
	s->watch.reach = &h->reach;
	s->watch.db = h->db;
	if (ret == 0)
		ret = sm_watch_start(&s->watch, err);
	free(list);
	return ret;
}

/* --max-failures of this run; failed batches that are retried are pending. */
static int
super_limit_failures(struct sm_super *s, struct sm_err *err)
{
	double limit = s->opts->max_failures;
	int ret;

	if (limit <= 0 || s->failed_limit > 0)
		return 0;
	if (limit < 1)
		limit = ceil(limit * (double)s->h->job.batches);
	ret = sm_batch_count_failed(&s->failed_before, s->h->db, err);
	s->failed_limit = s->failed_before + (uint64_t)limit;
	return ret;
}

int
sm_super_recover(struct sm_super *s, struct sm_err *err)
{
	int ret = super_limit_failures(s, err);

	if (ret < 0)
		return ret;
	s->target = s->h->job.workers;
	return sm_rescue_dead(s->h, &s->live, NULL, 0, s->ev, err);
}

/* ------------------------------------------------------- children -- */

static size_t
super_busy(const struct sm_super *s)
{
	size_t i, n = 0;

	for (i = 0; i < s->children; i++)
		n += !s->child[i].draining;
	return n;
}

static int
super_start_one(struct sm_super *s, struct sm_err *err)
{
	struct sm_child *p;
	int ret;

	p = realloc(s->child, (s->children + 1) * sizeof(*p));
	if (!p)
		return sm_err_mem(err, "a worker");
	s->child = p;
	ret = sm_child_start(&p[s->children], s->opts->worker_argv,
			     s->h->dir.fd, s->h->job.run, err);
	if (ret == 0)
		p[s->children++].started_ms = sm_clock_ms();
	return ret;
}

/* Its slot; one that has none yet counts as the highest. */
static int
super_slot_of(const struct sm_super *s, pid_t pid)
{
	uint64_t start;
	int64_t holder;
	int i;

	for (i = 0; i < SM_LIVE_SLOTS; i++)
		if (sm_live_holder(&s->live, i, &holder, &start) &&
		    holder == pid)
			break;
	return i;
}

/*
 * Of those that go on, the one with the highest slot: where fewer are wanted,
 * the slots that stay in use are the lowest.
 */
static struct sm_child *
super_last(struct sm_super *s)
{
	struct sm_child *last = NULL;
	int slot, highest = -1;
	size_t i;

	for (i = 0; i < s->children; i++) {
		if (s->child[i].draining)
			continue;
		slot = super_slot_of(s, s->child[i].pid);
		if (slot < highest)
			continue;
		highest = slot;
		last = &s->child[i];
	}
	return last;
}

int
sm_super_fill(struct sm_super *s, struct sm_err *err)
{
	struct sm_batch_left left;
	size_t want = 0;
	int ret;

	if (s->target > 0)
		want = (size_t)s->target;
	if (want > s->h->job.batches)
		want = (size_t)s->h->job.batches;
	while (super_busy(s) > want)
		sm_child_ask_end(super_last(s), false);
	/*
	 * Those that drain count too: a new one would get a slot beyond the
	 * number of workers while they hold theirs.
	 */
	if (s->draining || s->full.code != 0 || s->children >= want)
		return 0;
	ret = sm_batch_left(&left, s->h->db, err);
	if (ret < 0 || (!left.pending && !left.running))
		return ret;
	while (ret == 0 && s->children < want)
		ret = super_start_one(s, err);
	return ret;
}

static void
super_drain(struct sm_super *s, bool at_once)
{
	size_t i;

	s->draining = true;
	for (i = 0; i < s->children; i++)
		if (at_once || !s->child[i].draining)
			sm_child_ask_end(&s->child[i], at_once);
}

/* The first cause is the one that is told. */
static void
super_end_with(struct sm_super *s, const struct sm_err *why)
{
	if (s->why.code == 0)
		s->why = *why;
	super_drain(s, false);
}

/* The open row of that child; w->id is 0 if it has none. */
static int
super_row_of(struct sm_worker *w, struct sm_super *s, pid_t pid,
	     struct sm_err *err)
{
	int ret;

	*w = (struct sm_worker){ 0 };
	while ((ret = sm_worker_next(w, s->h->db, w->id, err)) > 0)
		if (w->supervised && w->pid == pid)
			return 0;
	w->id = 0;
	return ret;
}

/* It died, or gave up without ending its row: put back what it held. */
static int
super_rescue(struct sm_super *s, const struct sm_child *c, int status,
	     struct sm_err *err)
{
	struct sm_worker w;
	bool holds;
	int ret = sm_fence_holds(&holds, s->h->db, s->h->job.run, err);

	/* Once fenced off, a row with this pid is another host's worker's. */
	if (ret < 0 || !holds)
		return ret;
	ret = super_row_of(&w, s, c->pid, err);
	if (ret < 0 || w.id == 0)
		return ret;
	sm_child_kill_group(sm_live_command(&s->live, w.slot));
	sm_live_forget_command(&s->live, w.slot);
	if (sm_watch_is_stalled(&s->watch, w.id))
		return sm_rescue_stalled(s->h, &w, s->ev, err);
	if (c->err.code != 0 || s->stops >= 2)
		return sm_rescue_interrupted(s->h, &w, s->ev, err);
	return sm_rescue_died(s->h, &w, status, &s->memory, s->ev, err);
}

/* 127 is that of a worker whose program could not be run. */
static void
super_tell_program(struct sm_err *why, const char *program, int status)
{
	if (WEXITSTATUS(status) != 127 || *program != '/' ||
	    access(program, X_OK) == 0)
		return;
	sm_err_append(why, ": cannot run '%s'", program);
	if (access("/proc/self", F_OK) < 0)
		sm_err_append(why,
			      "; /proc is not mounted here, and a worker is "
			      "started by it: mount it (mount -t proc proc "
			      "/proc), then run the same command again");
}

static void
super_count_death(struct sm_super *s, const struct sm_child *c, int status)
{
	struct sm_err why;

	if (c->claimed) {
		s->unclaimed_deaths = 0;
		return;
	}
	if (++s->unclaimed_deaths < UNCLAIMED_DEATHS_MAX)
		return;
	if (WIFSIGNALED(status))
		sm_err_set(&why, SM_EIO,
			   "%d workers in a row died by signal %d (%s) before "
			   "they took a batch",
			   s->unclaimed_deaths, WTERMSIG(status),
			   strsignal(WTERMSIG(status)));
	else
		sm_err_set(&why, SM_EIO,
			   "%d workers in a row ended with status %d before "
			   "they took a batch",
			   s->unclaimed_deaths, WEXITSTATUS(status));
	if (s->h->kind->producer)
		sm_err_append(&why,
			      ": open() of the producer '%s', or what its "
			      "program does before sm_worker_main(), ends it",
			      s->h->kind->producer(s->h->spec->opts));
	if (WIFEXITED(status))
		super_tell_program(&why, s->opts->worker_argv[0], status);
	super_end_with(s, &why);
}

/*
 * The disk is full, and shards that are in the final file could go: before the
 * run gives up, what joins is asked to remove them.  No worker starts until it
 * has answered.  What was removed after this process had begun it may have been
 * too early to see.
 */
static bool
super_may_have_room(const struct sm_super *s, const struct sm_err *why)
{
	return sm_db_is_full(why) && s->h->job.consume && !s->draining;
}

static void
super_ask_for_room(struct sm_super *s, const struct sm_err *why,
		   uint64_t since_ms)
{
	if (s->full.code != 0)
		return;
	s->full = *why;
	s->full_since_ms = since_ms;
	sm_follow_room(s->follow, true, 0);
}

/* A commit of our own did not fit.  Who died is still in a row that is open. */
static int
super_outlast_full(struct sm_super *s, struct sm_err *err)
{
	int code = err->code;

	if (!super_may_have_room(s, err))
		return code;
	super_ask_for_room(s, err, sm_clock_ms() - SUPER_FULL_MS);
	return code == SM_EUNKNOWN ? sm_db_reopen(s->h->db, err) : 0;
}

static void
super_hear_of_room(struct sm_super *s)
{
	struct sm_err full = s->full;
	enum sm_room room;

	if (full.code == 0)
		return;
	room = sm_follow_room(s->follow, false, s->full_since_ms);
	if (room == SM_ROOM_ASKED)
		return;
	s->full.code = 0;
	if (room == SM_ROOM_NONE) {
		if (!s->draining)
			super_end_with(s, &full);
	} else if (!s->told_room) {
		s->told_room = true;
		sm_event_notice(s->ev, "the disk is full: shards that are in "
				       "the final file were removed; the run "
				       "goes on");
	}
}

static int
super_bury(struct sm_super *s, struct sm_child *c, int status,
	   struct sm_err *err)
{
	bool died = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	int ret;

	sm_child_hear(c, s->ev);
	ret = super_rescue(s, c, status, err);
	if (super_may_have_room(s, &c->err))
		super_ask_for_room(s, &c->err, c->started_ms);
	else if (c->err.code != 0 && c->err.code != SM_ESTOPPED)
		super_end_with(s, &c->err);
	else if (died && s->stops < 2 && c->err.code == 0)
		super_count_death(s, c, status);
	if (c->fd >= 0)
		close(c->fd);
	return ret;
}

/*
 * What commands leave running comes to us, as subreaper, and is to be reaped
 * when it ends.  The leader of a group that is still recorded stays a zombie
 * until its worker is buried: its number must not be another's when the group
 * is killed.
 */
static void
super_reap_orphans(struct sm_super *s)
{
	siginfo_t si = { 0 };

	while (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       si.si_pid > 0 && !sm_super_is_child(s, si.si_pid) &&
	       !sm_live_is_command(&s->live, si.si_pid)) {
		waitpid(si.si_pid, NULL, WNOHANG);
		si = (siginfo_t){ 0 };
	}
}

static int
super_reap(struct sm_super *s, struct sm_err *err)
{
	size_t i, kept = 0;
	int status, ret = 0, r;

	for (i = 0; i < s->children; i++) {
		if (!sm_child_reap(&s->child[i], &status)) {
			s->child[kept++] = s->child[i];
			continue;
		}
		r = super_bury(s, &s->child[i], status, err);
		if (r < 0)
			ret = r;
	}
	s->children = kept;
	super_reap_orphans(s);
	return ret;
}

/* Wait until a worker says something or ends, for at most `ms`. */
static void
super_listen(struct sm_super *s, int ms)
{
	struct pollfd fds[64];
	size_t i, n = 0;
	bool claimed;

	for (i = 0; i < s->children && n < sizeof(fds) / sizeof(*fds); i++)
		if (s->child[i].fd >= 0)
			fds[n++] = (struct pollfd){ .fd = s->child[i].fd,
						    .events = POLLIN };
		else
			ms = 5; /* its end of the socket is closed: it ends */
	poll(fds, n, ms);
	for (i = 0; i < s->children; i++) {
		claimed = s->child[i].claimed;
		sm_child_hear(&s->child[i], s->ev);
		if (s->child[i].claimed && !claimed)
			s->unclaimed_deaths = 0;
	}
}

/* ------------------------------------------------------- the loop -- */

static void
super_pass_on_stops(struct sm_super *s)
{
	int stops = sm_event_stops(s->ev);

	if (stops == 1 && s->stops == 0)
		sm_event_notice(s->ev, "finishing the batches in hand; once "
				       "more stops at once");
	else if (stops > 1 && s->stops <= 1)
		sm_event_notice(s->ev, "stopping at once");
	if (stops > s->stops)
		super_drain(s, stops >= 2);
	s->stops = stops;
}

/* What joins meanwhile: a full disk is the end of the run. */
static void
super_hear_follow(struct sm_super *s)
{
	struct sm_err why;

	if (sm_follow_hear(s->follow, s->ev, &why) < 0 && !s->draining)
		super_end_with(s, &why);
	super_hear_of_room(s);
}

/*
 * Is nothing left to do, or to wait for?  Workers that are idle would find out
 * in their own time, up to 200 ms: they are told to go, and the final file need
 * not wait for their end.
 */
static int
super_is_over(bool *over, struct sm_super *s, struct sm_err *err)
{
	struct sm_batch_left left;
	size_t i;
	int ret;

	if (s->draining) {
		*over = s->children == 0;
		return 0;
	}
	ret = sm_batch_left(&left, s->h->db, err);
	if (ret < 0)
		return ret;
	if (s->children == 0 && !left.pending && left.running &&
	    !s->told_strangers) {
		s->told_strangers = true;
		sm_event_notice(s->ev, "waiting for the batches of workers "
				       "that were started by hand: see the "
				       "view 'running'");
	}
	if (left.pending || left.running)
		return 0;
	for (i = 0; i < s->children; i++)
		if (!s->child[i].draining)
			sm_child_ask_end(&s->child[i], false);
	*over = true;
	return 0;
}

static int
super_count_failed(struct sm_super *s, struct sm_err *err)
{
	struct sm_err why;
	uint64_t failed;
	int ret;

	if (s->failed_limit == 0 || s->draining)
		return 0;
	ret = sm_batch_count_failed(&failed, s->h->db, err);
	if (ret < 0 || failed < s->failed_limit)
		return ret;
	sm_err_set(&why, SM_EWORK,
		   "%llu batches failed in this run, and --max-failures ends "
		   "it; those in hand are finished",
		   (unsigned long long)(failed - s->failed_before));
	sm_event_notice(s->ev, "%s", why.text);
	super_end_with(s, &why);
	return 0;
}

int
sm_super_loop(struct sm_super *s, struct sm_err *err)
{
	bool over = false;
	int ret = 0;

	while (ret == 0 && !over) {
		super_listen(s, SUPER_POLL_MS);
		super_pass_on_stops(s);
		super_hear_follow(s);
		ret = super_reap(s, err);
		if (ret == 0)
			ret = super_count_failed(s, err);
		if (ret == 0)
			ret = sm_super_tick(s, err);
		if (ret < 0)
			ret = super_outlast_full(s, err);
		if (ret == 0)
			ret = sm_super_fill(s, err);
		if (ret == 0)
			ret = super_is_over(&over, s, err);
	}
	return ret;
}

void
sm_super_see_off(struct sm_super *s)
{
	struct sm_err ignored;

	while (s->children > 0) {
		super_listen(s, SUPER_POLL_MS);
		super_pass_on_stops(s);
		super_reap(s, &ignored); /* it forgets those that ended */
	}
}

void
sm_super_end_children(struct sm_super *s)
{
	size_t i;
	int status;

	for (i = 0; i < s->children; i++) {
		/* The socket's end asks it to stop; it returns its batch. */
		if (s->child[i].fd >= 0)
			close(s->child[i].fd);
		waitpid(s->child[i].pid, &status, 0);
	}
	s->children = 0;
}

void
sm_super_kill_children(struct sm_super *s)
{
	struct sm_child *c;
	int64_t group;
	int i, status;

	while (s->children > 0) {
		c = &s->child[--s->children];
		i = super_slot_of(s, c->pid);
		group = sm_live_command(&s->live, i);
		kill(c->pid, SIGKILL);
		waitpid(c->pid, &status, 0);
		sm_child_kill_group(group);
		if (c->fd >= 0)
			close(c->fd);
	}
}

void
sm_super_release(struct sm_super *s)
{
	sm_super_end_children(s);
	free(s->child);
	sm_watch_release(&s->watch);
	sm_live_close(&s->live);
}
