#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handle.h"

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

int
sm_handle_reload(struct sm_handle *h, struct sm_err *err)
{
	int ret;

	sm_job_release(&h->job);
	sm_spec_free(h->spec);
	h->spec = NULL;
	ret = sm_job_get(&h->job, h->db, err);
	if (ret < 0)
		return ret;
	ret = sm_spec_parse(&h->spec, sm_kind_shapes(), h->job.spec,
			    "job.spec", err);
	if (ret < 0)
		return ret;
	h->kind = sm_kind_of(h->spec);
	h->fingerprint = strtoull(h->job.fingerprint, NULL, 16);
	h->digits = sm_shard_digits(h->job.batches);
	return 0;
}

int
sm_handle_open(struct sm_handle *h, const char *job,
	       const struct sm_db_opts *opts, bool trust, struct sm_err *err)
{
	int ret;

	*h = (struct sm_handle)SM_HANDLE_NONE;
	ret = sm_jobdir_open(&h->dir, job, trust, err);
	if (ret < 0)
		return ret;
	ret = sm_db_open(&h->db, h->dir.path, h->dir.fd, opts, err);
	if (ret == 0)
		ret = sm_handle_reload(h, err);
	if (ret < 0)
		sm_handle_close(h);
	return ret;
}

void
sm_handle_close(struct sm_handle *h)
{
	sm_spec_free(h->spec);
	sm_job_release(&h->job);
	sm_db_close(h->db);
	sm_jobdir_close(&h->dir);
	*h = (struct sm_handle)SM_HANDLE_NONE;
}
