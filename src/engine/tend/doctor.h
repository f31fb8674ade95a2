/*
 * doctor.h - checks, as they are told
 *
 * doctor.c has those of a directory, doctor_host.c those of the host and of
 * the process; sm_doctor() calls both.
 */
#ifndef SM_DOCTOR_H
#define SM_DOCTOR_H

#include "err.h"

struct sm_doctor {
	const struct sm_doctor_opts *opts;
	struct sm_doctor_result *result;
	struct sm_err first; /* the first check that was bad; code 0: none */
};

void sm_doctor_fine(struct sm_doctor *d, const char *name, const char *fmt, ...)
	SM_PRINTF(3, 4);
void sm_doctor_warn(struct sm_doctor *d, const char *name, const char *advice,
		    const char *fmt, ...) SM_PRINTF(4, 5);
/* `why`: class and text of it. */
void sm_doctor_bad(struct sm_doctor *d, const char *name, const char *advice,
		   const struct sm_err *why);

/* `proc` is "/proc/self", or a folder made up after it. */
void sm_doctor_host(struct sm_doctor *d, const char *proc);

#endif /* SM_DOCTOR_H */
