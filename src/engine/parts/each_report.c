/*
 * A report of a job in parts: one picture of all of them.  It is apart from
 * each_status.c because it goes through the parts twice, for the scales and
 * then for the rows.
 */
#include "making_report.h"
#include "parts.h"

/* A part that cannot be read is left out here; the status says why. */
static int
report_part(struct sm_making *m, struct sm_parts *w, uint64_t part,
	    int (*read)(struct sm_making *, struct sm_handle *,
			struct sm_err *),
	    struct sm_err *err)
{
	struct sm_db_opts db = { .mode = SM_DB_READ };
	struct sm_handle h = SM_HANDLE_NONE;
	struct sm_err why = { 0 };
	int ret = 0;

	if (sm_parts_handle(&h, w, part, &db, &why) == 0)
		ret = read(m, &h, err);
	sm_handle_close(&h);
	return ret;
}

int
sm_parts_report(struct sm_report *out, struct sm_parts *w, struct sm_err *err)
{
	struct sm_making m = { .r = NULL };
	uint64_t i;
	int ret = sm_parts_status(&out->status, w, err);

	if (ret < 0)
		return ret;
	ret = sm_making_begin(&m, out, err);
	for (i = 0; i < w->parts && ret == 0; i++)
		ret = report_part(&m, w, i, sm_making_frame, err);
	if (ret == 0)
		ret = sm_making_settle(&m, err);
	for (i = 0; i < w->parts && ret == 0; i++)
		ret = report_part(&m, w, i, sm_making_rows, err);
	sm_making_end(&m);
	return ret;
}
