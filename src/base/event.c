/*
 * The two things that a long call exchanges with its caller while it works:
 * notices and progress go out, requests to stop come in.  It is separate
 * because every layer does so, and a caller may leave out the struct or any of
 * its functions.
 */
#include <stdarg.h>
#include <stdio.h>

#include "clock.h"
#include "event.h"

void
sm_event_notice(const struct sm_events *ev, const char *fmt, ...)
{
	char text[SM_ERR_TEXT], said[SM_SAID_MAX];
	va_list ap;

	if (!ev || !ev->notice)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), sm_err_said(said, fmt), ap);
	va_end(ap);
	ev->notice(text, ev->arg);
}

int
sm_event_stops(const struct sm_events *ev)
{
	if (!ev || !ev->stop)
		return 0;
	return (int)*ev->stop;
}

bool
sm_meter_due(struct sm_meter *m)
{
	uint64_t now;

	if (!m->ev || !m->ev->progress)
		return false;
	now = sm_clock_ms();
	if (now - m->told_ms < SM_METER_MS)
		return false;
	m->told_ms = now;
	return true;
}

void
sm_meter_tell(struct sm_meter *m, uint64_t done, uint64_t total)
{
	struct sm_progress p = { .phase = m->phase,
				 .unit = m->unit,
				 .done = done,
				 .total = total,
				 .eta_s = -1 };

	if (!sm_meter_due(m))
		return;
	if (m->begun_ms > 0) {
		p.elapsed_s = (double)(m->told_ms - m->begun_ms) / 1000;
		if (done > 0)
			p.eta_s = p.elapsed_s * (double)(total - done) /
				  (double)done;
	}
	m->ev->progress(&p, m->ev->arg);
}
