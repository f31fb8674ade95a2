/*
 * Finds by /proc what a command has left, and ends it.  It is apart from
 * rescue.c, which writes rows, since it acts on processes and must be sure
 * whose they are.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>

#include "clock.h"
#include "proc.h"
#include "role.h"

#include "leftover.h"

/* SIGKILL takes no longer, as a rule; the kernel may be busy with the disk. */
#define LEFTOVER_WAIT_MS 2000

/*
 * Members of the group that are not zombies.  `*token`: that of one of them, 0
 * if none has any.
 */
static int
leftover_count(int64_t *token, struct sm_proc *one, int64_t group)
{
	char value[24];
	struct sm_proc p;
	struct sm_dir d;
	int n = 0;

	*token = 0;
	sm_proc_begin(&d);
	while (sm_proc_next(&p, &d)) {
		if (p.group != group || p.state == 'Z')
			continue;
		n++;
		if (*token || !sm_proc_variable(value, sizeof(value), p.pid,
						SM_ROLE_TOKEN))
			continue;
		*token = strtoll(value, NULL, 10);
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
	struct sm_proc one;
	bool ours = false;
	int64_t token;
	uint64_t batch;
	int n, ret = 0;

	if (group <= 1)
		return 0;
	n = leftover_count(&token, &one, group);
	if (token)
		ret = sm_batch_of_token(&ours, &batch, h->db, token, w->slot,
					err);
	if (ret < 0)
		return ret;
	if (ours) {
		kill((pid_t)-group, SIGKILL);
		sm_event_notice(ev,
				"worker %" PRId64 ": its command's processes "
				"outlived a kill (%d of them; pid %" PRId64
				", '%s', was started for batch %" PRIu64
				"); they were ended before it is retried",
				w->id, n, one.pid, one.name, batch);
		while (leftover_count(&token, &one, group) > 0 &&
		       sm_clock_ms() - begun < LEFTOVER_WAIT_MS)
			sm_clock_sleep_ms(10);
	}
	sm_live_forget_command(live, w->slot);
	return 0;
}
