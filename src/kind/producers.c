/*
 * producers.c - the producers that this program has
 *
 * The one list of the library that is the caller's.  It is apart from the kind
 * that asks it, since the engine tells it.
 */
#include <stddef.h>
#include <string.h>

#include "producers.h"

static const struct sm_producer *const nobody[] = { NULL };
static const struct sm_producer *const *known;

void
sm_producers_set(const struct sm_producer *const *producers)
{
	known = producers;
	if (!known)
		known = nobody;
}

bool
sm_producers_are_set(void)
{
	return known != NULL;
}

const struct sm_producer *
sm_producers_find(const char *name)
{
	const struct sm_producer *const *p;

	for (p = known; p && *p; p++)
		if ((*p)->name && strcmp((*p)->name, name) == 0)
			return *p;
	return NULL;
}
