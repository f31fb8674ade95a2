/*
 * A call fails while shards are joined beside a run, or while a file beside the
 * job's own looks for what that has moved.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "damaged.h"
#include "join.h"
#include "lock.h"

#include "failing_scenario.h"

/* ---------------------------------------------------------------- follow -- */

/* What happens before the rest is joined, whatever fails: NULL: nothing. */
static void (*meanwhile)(void);

/* As follow.c does. */
static int
grow(struct sm_grow *g, struct sm_handle *h)
{
	bool published = false, added = true;
	struct sm_batch_row row;
	uint64_t id;
	int ret = sm_lock_try(&g->lock, h->dir.fd, "final.lock", &err);

	if (ret == 0)
		ret = sm_err_set(&err, SM_EHELD, "another finalize");
	if (ret > 0)
		ret = sm_grow_open(g, h->job.final_path, false, &err);
	published = g->state == SM_GROW_PUBLISHED;
	for (id = 0; ret >= 0 && added && !published && id < BATCHES; id++) {
		ret = sm_batch_row_from(&row, h->db, id, &err);
		if (ret > 0)
			ret = sm_grow_add(&added, g, h, &row, &err);
		if (ret >= 0 && added)
			ret = sm_grow_record(g, false, &err);
	}
	return ret < 0 || published ? ret : sm_grow_settle(g, &err);
}

static int
follow_call(struct sm_handle *h)
{
	struct sm_finalize_opts o = { .output = NULL };
	struct sm_finalize_result r = { 0 };
	struct sm_join_from from = sm_join_from_one(h);
	struct sm_grow g;
	bool armed, complete;
	int ret = sm_published_is_complete(&complete, &from, &err);

	if (ret < 0 || complete)
		return ret;
	sm_grow_init(&g, h, h->fingerprint, &o.events);
	ret = grow(&g, h);
	armed = failing_armed;
	failing_armed = false;
	if (meanwhile)
		meanwhile();
	failing_armed = armed;
	if (ret >= 0)
		ret = sm_join(&r, &from, &o, &g, &err);
	sm_finalize_result_release(&r);
	sm_grow_close(&g);
	return ret;
}

static int
follow(void)
{
	meanwhile = NULL;
	return with_handle(follow_call);
}

/* The batch is made again, once: the rows are not what has grown. */
static void
make_other(void)
{
	if (number("SELECT count(*) FROM attempt WHERE batch = 1") > 1)
		return;
	sql("UPDATE batch SET state = 'pending' WHERE id = 1");
	must(work(), "work");
}

static int
follow_changed(void)
{
	meanwhile = make_other;
	return with_handle(follow_call);
}

/* ------------------------------------------------------------ look again -- */

static uint64_t of_batch;
static int64_t other_token, other_joined, other_at, other_generation;
static bool has_old;
static int wanted; /* what comes of it if nothing fails */

static int
look_call(struct sm_handle *h)
{
	struct sm_events quiet = { .notice = NULL };
	struct sm_batch_row row;
	struct sm_grow g;
	struct stat st;
	int want, ret = sm_batch_row_from(&row, h->db, 2, &err);

	if (ret < 0)
		return ret;
	want = row.state == SM_DONE ? wanted : SM_EWORK;
	sm_grow_init(&g, h, h->fingerprint, &quiet);
	g.generation = h->job.generation + other_generation;
	if (has_old) {
		g.old_fd = __real_open(final, O_RDONLY);
		assert_true(g.old_fd >= 0);
		assert_int_equal(__real_fstat(g.old_fd, &st), 0);
		g.old_size = (uint64_t)st.st_size;
	}
	row.id = of_batch;
	row.token += other_token;
	row.joined += other_joined;
	row.joined_at += other_at;
	sm_err_set(&err, SM_EVERIFY, "damaged");
	ret = sm_damaged_look_again(&row, &g, h, &err);
	if (!failing_name && ret != want)
		fail_msg("it says %d, not %d", ret, want);
	sm_grow_close(&g);
	return ret;
}

static int
look(void)
{
	return with_handle(look_call);
}

static void
look_at(uint64_t batch, int64_t token, int64_t joined, int64_t at,
	int64_t generation, int want)
{
	consuming();
	must(finalize(), "finalize");
	of_batch = batch;
	other_token = token;
	other_joined = joined;
	other_at = at;
	other_generation = generation;
	has_old = generation == 0;
	wanted = want;
}

static void
look_same(void)
{
	look_at(2, 0, 0, 0, 0, SM_EVERIFY);
}

static void
look_token(void)
{
	look_at(2, 1, 0, 0, 0, SM_EWORK);
}

static void
look_none(void)
{
	look_at(99, 0, 0, 0, 0, SM_EWORK);
}

static void
look_before(void)
{
	look_at((uint64_t)-5, 0, 0, 0, 0, SM_EWORK);
}

static void
look_joined(void)
{
	look_at(2, 0, 1, 0, 0, 0);
}

static void
look_place(void)
{
	look_at(2, 0, 0, 1, 0, 0);
}

static void
look_generation(void)
{
	look_at(2, 0, 0, 0, 1, 0);
}

static void
look_back(void)
{
	look_at(2, 0, 0, 0, 0, SM_EVERIFY);
	sql("UPDATE batch SET state = 'failed' WHERE id = 2");
}

static void
unnoticed(const char *where)
{
	fail_msg("%s: taken for what it was", where);
}

/* ----------------------------------------------------------------- leave -- */

static int
leave_call(struct sm_handle *h)
{
	char path[128];

	sm_join_leave(&h->dir, &h->job, other);
	/* What it cannot tell to be the job's it leaves. */
	snprintf(path, sizeof(path), "%s.part", final);
	if (!failing_name && access(path, F_OK) == 0)
		fail_msg("left behind: %s", path);
	return 0;
}

static int
leave(void)
{
	return with_handle(leave_call);
}

/* What is not the job's to go, or is in somebody's hands, stays. */
static int
spare_call(struct sm_handle *h)
{
	char path[128];

	snprintf(path, sizeof(path), "%s.part", final);
	if (access(path, F_OK) < 0)
		return 0; /* a second time */
	sm_join_leave(&h->dir, &h->job, other);
	if (access(path, F_OK) < 0)
		fail_msg("removed: %s", path);
	__real_unlink(path); /* nobody else would */
	return 0;
}

static int
spare(void)
{
	return with_handle(spare_call);
}

static int
spare_held(void)
{
	char path[128];
	int fd, ret;

	snprintf(path, sizeof(path), "%s.part", final);
	fd = __real_open(path, O_RDWR);
	if (fd < 0)
		return 0;
	assert_int_equal(sm_byte_lock(fd, 0), 1);
	ret = with_handle(spare_call);
	close(fd);
	return ret;
}

static void
foreign_part(void)
{
	made();
	shell("echo a text >%s.part", final);
}

static void
grown_unsaid(void)
{
	made();
	must(finalize(), "finalize");
	shell("mv %s %s.part", final, final);
	sql("UPDATE job SET final_size = NULL, final_digest = NULL");
}

static const struct scenario scenarios[] = {
	{ "follow", made, follow, file_stands, 0, true, "" },
	{ "follow_consume", consuming, follow, file_stands, 0, true, "" },
	{ "follow_changed", made, follow_changed, file_stands, 0, false, "1" },
	{ "look_same", look_same, look, unnoticed, SM_EVERIFY, true, "" },
	{ "look_token", look_token, look, unnoticed, SM_EWORK, true, "" },
	{ "look_none", look_none, look, unnoticed, SM_EWORK, true, "" },
	{ "look_before", look_before, look, unnoticed, SM_EWORK, true, "" },
	{ "look_back", look_back, look, unnoticed, SM_EWORK, false, "2" },
	{ "look_joined", look_joined, look, NULL, 0, true, "" },
	{ "look_place", look_place, look, NULL, 0, true, "" },
	{ "look_generation", look_generation, look, NULL, 0, true, "" },
	{ "leave", grown_unsaid, leave, NULL, 0, true, "" },
	{ "spare", foreign_part, spare, NULL, 0, true, "" },
	{ "spare_held", grown_unsaid, spare_held, NULL, 0, true, "" },
	{ .name = NULL },
};

int
main(int argc, char **argv)
{
	return run_scenarios(scenarios, argc, argv);
}
