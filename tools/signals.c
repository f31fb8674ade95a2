#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "signals.h"

/*
 * Nobody means two signals that come so close together: timeout(1) sends one to
 * the process and one to its group.
 */
#define SIGNALS_APART_MS 50

static volatile sig_atomic_t signals_count;
static struct timespec signals_last;
static volatile sig_atomic_t signals_first;
static const char *signals_text;
static size_t signals_text_bytes;

static const int signals_caught[] = { SIGINT, SIGTERM, SIGHUP };

#define SIGNALS_CAUGHT (sizeof(signals_caught) / sizeof(*signals_caught))

/* Of the one before it, on its heels? */
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
		/* If nobody is there to read it, that is no matter. */
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

	signals_text = text ? text : "";
	signals_text_bytes = strlen(signals_text);
	/* All at once: a handler is not interrupted by its siblings. */
	sigemptyset(&act.sa_mask);
	for (i = 0; i < SIGNALS_CAUGHT; i++)
		sigaddset(&act.sa_mask, signals_caught[i]);
	for (i = 0; i < SIGNALS_CAUGHT; i++) {
		/*
		 * nohup asks that HUP stay ignored.  INT is ignored from the
		 * start in what a script runs in the background; somebody who
		 * sends it all the same means it.
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
