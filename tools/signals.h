/*
 * signals.h - requests to end
 *
 * INT, TERM and HUP are counted, not obeyed: the first asks the library to
 * finish what it has begun, the second to stop at once.  The third has the
 * default action again, in case the program does not come to look.
 */
#ifndef SM_SIGNALS_H
#define SM_SIGNALS_H

#include <signal.h>

/*
 * `text`, which must last, is written to standard error at the first one, for
 * a command whose library call does not speak up itself; or NULL.
 */
void sm_signals_catch(const char *text);
void sm_signals_ignore(void); /* a supervised worker: its socket tells it */

const volatile sig_atomic_t *sm_signals_count(void);
int sm_signals_first(void);
/* The first one, 0 before: for the library to read. */
const volatile sig_atomic_t *sm_signals_number(void);

#endif /* SM_SIGNALS_H */
