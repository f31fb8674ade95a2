/*
 * advice.h - what a command line probably was not meant to be
 *
 * People come with habits: of GNU parallel, whose placeholders and quoting are
 * others, and of the shell, which is not there.
 */
#ifndef SM_ADVICE_H
#define SM_ADVICE_H

#include <stdbool.h>

#include "event.h"

/*
 * Told while planning; nothing is refused.  `replaces`: placeholders are filled
 * in; `columns`: as in columns.h.
 */
void sm_advice_tell(const char *const *argv, bool replaces, int columns,
		    const struct sm_events *ev);

/*
 * A command of one word that holds a command line.  SM_EUSAGE with what to
 * write, else 0; for a program that was not found.
 */
int sm_advice_one_word(const char *const *argv, struct sm_err *err);

#endif /* SM_ADVICE_H */
