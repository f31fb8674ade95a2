/*
 * run_verdict.h - what a run says of itself, and what it came to (run.c only)
 */
#ifndef SM_RUN_VERDICT_H
#define SM_RUN_VERDICT_H

struct sm_err;
struct sm_events;
struct sm_handle;
struct sm_run_result;

/* The consequence of --consume that is not seen until it is too late. */
void sm_run_notice_consume(const struct sm_handle *h,
			   const struct sm_events *ev);

/*
 * Is every batch done?  Counts them into *result, whose signals are set; an
 * error, SM_EWORK or SM_ESTOPPED, says what is not, and what to type next.
 */
int sm_run_verdict(struct sm_run_result *result, struct sm_handle *h,
		   const struct sm_events *ev, struct sm_err *err);

/* That the job was moved, or is a copy, and what it does not share then. */
void sm_run_notice_place(const struct sm_handle *h, const struct sm_events *ev);

#endif /* SM_RUN_VERDICT_H */
