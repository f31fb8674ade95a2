/*
 * joblog.h - what a run says goes to JOB/log as well, and once for each reason
 *
 * JOB/log has a line per notice, with date and time: for whoever asks the next
 * day.  At SM_JOBLOG_MAX bytes it becomes JOB/log.1, in place of the one
 * before. A log that cannot be written is no fault of the job's, and is not
 * told.
 *
 * Of notices about batches ("batch 17: …") that are equal but for numbers and
 * names the first is told, and then the 10th, 100th, 1,000th …, and at the end
 * how many there were.
 */
#ifndef SM_JOBLOG_H
#define SM_JOBLOG_H

#include <stddef.h>
#include <stdint.h>

#include "event.h"
#include "fold.h"

#define SM_JOBLOG_MAX     (1024 * 1024)
#define SM_JOBLOG_REASONS 64 /* further ones are told each time */

struct sm_joblog_told {
	char key[SM_FOLD_MAX];
	uint64_t times, next; /* at which it is told again */
};

struct sm_joblog {
	int dirfd; /* borrowed, as is `to` */
	const struct sm_events *to;
	struct sm_events events; /* to hand on in its place */
	struct sm_joblog_told told[SM_JOBLOG_REASONS];
	size_t tolds;
};

void sm_joblog_open(struct sm_joblog *l, int dirfd, const struct sm_events *to);
void
sm_joblog_close(struct sm_joblog *l); /* tells how often; one of zeros too */

/* One line, to the log alone. */
void sm_joblog_write(int dirfd, const char *fmt, ...) SM_PRINTF(2, 3);

#endif /* SM_JOBLOG_H */
