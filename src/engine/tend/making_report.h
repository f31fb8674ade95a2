/*
 * making_report.h - a report while it is made, of one job or of its parts
 *
 *	sm_making_begin(&m, r, total);
 *	for each part: sm_making_frame(&m, h, err);
 *	sm_making_settle(&m, err);
 *	for each part: sm_making_rows(&m, h, err);
 *	sm_making_end(&m);
 *
 * The first pass reads what is little and finds the scales, the second counts
 * rows in bins.  What changes between the two is put into the nearest bin.
 */
#ifndef SM_MAKING_REPORT_H
#define SM_MAKING_REPORT_H

#include "handle.h"

struct sm_making {
	struct sm_report *r;
	struct sm_report_span *time; /* of runs; place and width not yet */
	size_t times;
	uint64_t lane_base; /* numbers of workers of the parts before */
	uint32_t *slots;    /* of this part's workers */
	size_t slot_count;
	double until; /* when the last run ended, or now */
};

int sm_making_begin(struct sm_making *m, struct sm_report *r,
		    struct sm_err *err);
int sm_making_frame(struct sm_making *m, struct sm_handle *h,
		    struct sm_err *err);
int sm_making_settle(struct sm_making *m, struct sm_err *err);
int sm_making_rows(struct sm_making *m, struct sm_handle *h,
		   struct sm_err *err);
void sm_making_end(struct sm_making *m);

/*
 * What the above do with times (making_report_times.c): those of a part, read;
 * then of all, which get their place and width, and columns their seconds.
 */
int sm_making_read_times(struct sm_making *m, struct sm_db *db,
			 struct sm_err *err);
void sm_making_settle_times(struct sm_making *m);

#endif /* SM_MAKING_REPORT_H */
