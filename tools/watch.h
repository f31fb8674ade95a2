/*
 * watch.h - status --watch on a terminal: one screen, drawn over and over
 */
#ifndef SM_WATCH_H
#define SM_WATCH_H

#include <stdbool.h>

#include <shardmill.h>

/* Is standard output a terminal that can be drawn on? */
bool sm_watch_can(void);

/*
 * Until the job is over, or the person asks for the end.  The terminal is as it
 * was before afterwards, whatever ends it: a signal that does is raised again
 * once it has been put back.  `over`: the job was.
 */
int sm_watch(bool *over, const char *job, struct sm_err *err);

#endif /* SM_WATCH_H */
