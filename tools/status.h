/*
 * status.h - the state of a job and of one batch, as text and as JSON
 *
 * The text is for one glance: how far, how fast, what failed, what to type
 * next.  The JSON is described by schema/status.schema.json, and that of a
 * batch by schema/status-batch.schema.json.
 */
#ifndef SM_STATUS_H
#define SM_STATUS_H

#include <stdio.h>

#include <jansson.h>

#include <shardmill.h>

/* `job` is the name the user gave: it goes into the commands to type. */
void sm_status_show(const struct sm_status *s, const char *job);
void sm_status_show_batch(const struct sm_batch_status *b, const char *job);

/* "12 batches failed, such as 3, 7, 9: why"; a newline. */
void sm_status_failed(FILE *f, const struct sm_status_failure *x);

/* The directory of the job that `s` is a part of. */
struct sm_path {
	char s[4096];
};
struct sm_path sm_status_whole(const struct sm_status *s);

/* The same figures for Prometheus, to standard output. */
void sm_status_metrics(const struct sm_status *s);
json_t *sm_status_json(const struct sm_status *s);
json_t *sm_status_batch_json(const struct sm_batch_status *b);

#endif /* SM_STATUS_H */
