/*
 * settings.h - what struct sm_settings may hold
 */
#ifndef SM_SETTINGS_H
#define SM_SETTINGS_H

#include "handle.h"

/* SM_EUSAGE names the member that makes no sense. */
int sm_settings_check(const struct sm_settings *s, struct sm_err *err);

/* A switch is 1, -1, or 0 for as it is; SM_EUSAGE. */
int sm_settings_check_switch(const char *name, int value, struct sm_err *err);

/*
 * Limits of the job's kind into the specification in memory, which the caller
 * records.  SM_EUSAGE: one is no limit, but decides about the content.
 */
int sm_settings_limit(struct sm_handle *h, const struct sm_value *limits,
		      struct sm_err *err);

#endif /* SM_SETTINGS_H */
