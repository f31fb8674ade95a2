/*
 * settings.h - what struct sm_settings may hold
 */
#ifndef SM_SETTINGS_H
#define SM_SETTINGS_H

#include "err.h"

/* SM_EUSAGE names the member that makes no sense. */
int sm_settings_check(const struct sm_settings *s, struct sm_err *err);

/* A switch is 1, -1, or 0 for as it is; SM_EUSAGE. */
int sm_settings_check_switch(const char *name, int value, struct sm_err *err);

#endif /* SM_SETTINGS_H */
