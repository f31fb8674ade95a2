/*
 * failing_act.h - what test_failing_*.c do with their job, and moments of it
 */
#ifndef FAILING_ACT_H
#define FAILING_ACT_H

#include "live.h"
#include "rescue.h"
#include "startcheck.h"

#include "failing_job.h"

/* ------------------------------------------------------------ operations -- */

static inline int
work(void)
{
	struct sm_work_opts o = { .control_fd = 0 };

	return sm_work(job, &o, &err);
}

static inline void
progress(const struct sm_progress *p, void *arg)
{
	(void)arg;
	assert_true(p->done <= p->total);
}

static inline int
finalize_to(const char *output, const struct sm_batch_range *only)
{
	struct sm_finalize_opts o = { .output = output,
				      .batches = only,
				      .events = { .progress = progress } };
	struct sm_finalize_result r;
	int ret = sm_finalize(&r, job, &o, &err);

	sm_finalize_result_release(&r);
	return ret;
}

static inline int
finalize(void)
{
	return finalize_to(NULL, NULL);
}

static inline int
finalize_other(void)
{
	return finalize_to(other, NULL);
}

static inline int
finalize_part(void)
{
	struct sm_batch_range only = { 1, 2 };

	return finalize_to(other, &only);
}

/* Of a job that has no final file yet: the first that is named. */
static inline int
finalize_named(void)
{
	return finalize_to(final, NULL);
}

static inline int
recover(void)
{
	struct sm_recover_opts o = { .events = { .progress = progress } };
	struct sm_recover_result r;

	return sm_recover(&r, job, &o, &err);
}

static inline int
verify(void)
{
	struct sm_verify_opts o = { .requeue = true,
				    .events = { .progress = progress } };
	struct sm_verify_result r;

	return sm_verify(&r, job, &o, &err);
}

/* The two that run does, with a handle of their own. */
static inline int
with_handle(int (*call)(struct sm_handle *h))
{
	struct sm_db_opts o = { .mode = SM_DB_WRITE,
				.wait = { .limit_s = 20 } };
	struct sm_handle h = SM_HANDLE_NONE;
	int ret = sm_handle_open(&h, job, &o, false, &err);

	if (ret == 0)
		ret = call(&h);
	sm_handle_close(&h);
	return ret;
}

static inline int
startcheck_call(struct sm_handle *h)
{
	struct sm_startcheck found;

	return sm_startcheck(&found, h, &err);
}

static inline int
startcheck(void)
{
	return with_handle(startcheck_call);
}

static inline int
rescue_call(struct sm_handle *h)
{
	struct sm_live live = SM_LIVE_NONE;
	struct sm_events quiet = { .notice = NULL };
	int ret = sm_live_open(&live, h->dir.fd, &err);

	if (ret == 0)
		ret = sm_rescue_dead(h, &live, NULL, 0, &quiet, &err);
	sm_live_close(&live);
	return ret < 0 ? ret : 0;
}

static inline int
rescue(void)
{
	return with_handle(rescue_call);
}

/* ------------------------------------------------------- moments of it -- */

static inline void
planned(void)
{
	plan_as(SM_ENCODER_RECORD, false, 0);
}

static inline void
made(void)
{
	planned();
	must(work(), "work");
}

static inline void
made_unnamed(void)
{
	plan_for(NULL, SM_ENCODER_RECORD, false, 0);
	/* A text that each claim copies. */
	sql("UPDATE batch SET item = 'an item'");
	must(work(), "work");
	assert_int_equal(finalize(), SM_EUSAGE);
}

/* Finished, with batch 1 made again: other bytes if by another encoder. */
static inline void
made_again(int encoder, int consume)
{
	plan_as(SM_ENCODER_RECORD, false, consume);
	must(work(), "work");
	must(finalize(), "finalize");
	sql("UPDATE batch SET state = 'pending' WHERE id = 1");
	if (encoder != SM_ENCODER_RECORD)
		plan_as(encoder, true, consume);
	must(work(), "work");
}

static inline void
consuming(void)
{
	plan_as(SM_ENCODER_RECORD, false, 1);
	must(work(), "work");
}

static inline void
lose_database(void)
{
	shell("rm -f %s/job.db %s/job.db-wal %s/job.db-shm", job, job, job);
}

/* -------------------------------------------------------- what is done -- */

static inline void
all_done(const char *where)
{
	if (number("SELECT count(*) FROM batch WHERE state <> 'done'"))
		fail_msg("%s: not all are done", where);
}

static inline void
file_stands(const char *where)
{
	if (access(final, F_OK) < 0)
		fail_msg("%s: there is no final file", where);
}

static inline void
other_stands(const char *where)
{
	if (access(other, F_OK) < 0)
		fail_msg("%s: there is no such file", where);
}

/* Of four batches one is lost; no other one is made again. */
static inline void
all_but_one(const char *where)
{
	if (number("SELECT count(*) FROM batch WHERE state = 'done'") !=
	    BATCHES - 1)
		fail_msg("%s: more than one is to be made again", where);
}

#endif /* FAILING_ACT_H */
