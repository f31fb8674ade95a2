/*
 * producers.h - the producers that this program has
 *
 * They are told once, by sm_worker_main(), before there are threads; a worker
 * finds the one that its job names among them.
 */
#ifndef SM_PRODUCERS_H
#define SM_PRODUCERS_H

#include <shardmill.h>

/* NULL at the end; NULL: this program has none, but has asked. */
void sm_producers_set(const struct sm_producer *const *producers);
/* Has this program said which there are? */
bool sm_producers_are_set(void);
const struct sm_producer *sm_producers_find(const char *name);

#endif /* SM_PRODUCERS_H */
