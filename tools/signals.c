/*
 * Counts requests to end.  It is apart from the commands because a signal's
 * handler may do almost nothing: it counts, and writes one line; the library
 * looks at the count where it can end in good order.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "signals.h"

/*
 * Two signals this close together are one request: timeout(1) sends one to the
 * process and one to its group.
 */
#define SIGNALS_APART_MS 50

static volatile sig_atomic_t signals_count;
static struct timespec signals_last;
static volatile sig_atomic_t signals_first;
static const char *signals_text;
static size_t signals_text_bytes;

static const int signals_caught[] = { SIGINT, SIGTERM, SIGHUP };

#define SIGNALS_CAUGHT (sizeof(signals_caught) / sizeof(*signals_caught))

/* Is this signal part of the same request as the one before it? */
static bool
signals_echo(void)
{
	struct timespec now, last = signals_last;

	clock_gettime(CLOCK_MONOTONIC, &now);
	signals_last = now;
	return signals_count > 0 &&
	       (now.tv_sec - last.tv_sec) * 1000 +
			       (now.tv_nsec - last.tv_nsec) / 1000000 <
		       SIGNALS_APART_MS;
}

static void
signals_handle(int number)
{
	int saved = errno;
	size_t i;

	if (signals_echo())
		return;
	if (!signals_first)
		signals_first = number;
	if (++signals_count < 2) {
		/* A closed standard error is no reason not to end. */
		if (write(STDERR_FILENO, signals_text, signals_text_bytes) < 0)
			errno = saved;
		return;
	}
	for (i = 0; i < SIGNALS_CAUGHT; i++)
		signal(signals_caught[i], SIG_DFL);
}

void
sm_signals_catch(const char *text)
{
	/* No SA_RESTART: a wait that is interrupted looks at the count. */
	struct sigaction act = { .sa_handler = signals_handle }, old;
	size_t i;

	signals_text = "";
	if (text)
		signals_text = text;
	signals_text_bytes = strlen(signals_text);
	/* Each blocks all: the handler is never interrupted by itself. */
	sigemptyset(&act.sa_mask);
	for (i = 0; i < SIGNALS_CAUGHT; i++)
		sigaddset(&act.sa_mask, signals_caught[i]);
	for (i = 0; i < SIGNALS_CAUGHT; i++) {
		/*
		 * nohup asks that HUP stay ignored.  A shell ignores INT for
		 * what a script runs in the background; whoever sends INT to
		 * such a process means it, so that one is caught.
		 */
		if (signals_caught[i] == SIGHUP &&
		    sigaction(SIGHUP, NULL, &old) == 0 &&
		    old.sa_handler == SIG_IGN)
			continue;
		sigaction(signals_caught[i], &act, NULL);
	}
}

void
sm_signals_ignore(void)
{
	size_t i;

	for (i = 0; i < SIGNALS_CAUGHT; i++)
		signal(signals_caught[i], SIG_IGN);
}

const volatile sig_atomic_t *
sm_signals_count(void)
{
	return &signals_count;
}

int
sm_signals_first(void)
{
	return signals_first;
}

const volatile sig_atomic_t *
sm_signals_number(void)
{
	return &signals_first;
}
