/*
 * Finds by /proc what a command has left, and ends it.  It is apart from
 * rescue.c, which writes rows, since it acts on processes and must be sure
 * whose they are.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "clock.h"
#include "proc.h"
#include "role.h"

#include "leftover.h"

/* SIGKILL takes no longer, as a rule; the kernel may be busy with the disk. */
#define LEFTOVER_WAIT_MS 2000

/* Members of the group that are not zombies; `*ours`: one has the token. */
static int
leftover_count(bool *ours, struct sm_proc *one, int64_t group, const char *mark)
{
	struct sm_proc p;
	struct sm_dir d;
	int n = 0;

	*ours = false;
	sm_proc_begin(&d);
	while (sm_proc_next(&p, &d)) {
		if (p.group != group || p.state == 'Z')
			continue;
		n++;
		if (*ours || !sm_proc_has_variable(p.pid, mark))
			continue;
		*ours = true;
		*one = p;
	}
	sm_dir_close(&d);
	return n;
}

int
sm_leftover_end(struct sm_handle *h, const struct sm_live *live,
		const struct sm_worker *w, const struct sm_events *ev,
		struct sm_err *err)
{
	int64_t group = sm_live_command(live, w->slot);
	uint64_t begun = sm_clock_ms();
	struct sm_batch b = { 0 };
	struct sm_proc one;
	bool found, ours;
	char mark[64];
	int n, ret;

	if (group <= 1)
		return 0;
	ret = sm_batch_of_worker(&found, &b, h->db, w->id, err);
	if (ret < 0 || !found)
		return ret;
	snprintf(mark, sizeof(mark), SM_ROLE_TOKEN "%" PRId64, b.piece.token);
	n = leftover_count(&ours, &one, group, mark);
	if (n > 0 && ours) {
		kill((pid_t)-group, SIGKILL);
		sm_event_notice(ev,
				"batch %llu: its command's processes outlived "
				"a kill (%d of them, pid %lld, '%s', is one); "
				"they were ended before it is retried",
				(unsigned long long)b.piece.id, n,
				(long long)one.pid, one.name);
		while (leftover_count(&ours, &one, group, mark) > 0 &&
		       sm_clock_ms() - begun < LEFTOVER_WAIT_MS)
			sm_clock_sleep_ms(10);
	}
	sm_live_forget_command(live, w->slot);
	sm_batch_release(&b);
	return 0;
}
