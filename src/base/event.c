/*
 * The two things that a long call exchanges with its caller while it works:
 * notices go out, requests to stop come in.  It is separate because every layer
 * does so, and a caller may leave out the struct or any of its functions.
 */
#include <stdarg.h>
#include <stdio.h>

#include "event.h"

void
sm_event_notice(const struct sm_events *ev, const char *fmt, ...)
{
	char text[SM_ERR_TEXT];
	va_list ap;

	if (!ev || !ev->notice)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
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
