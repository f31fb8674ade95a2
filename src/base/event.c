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
	return ev && ev->stop ? (int)*ev->stop : 0;
}
