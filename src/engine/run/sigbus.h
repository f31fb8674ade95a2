/*
 * sigbus.h - an input that shrinks while it is mapped
 *
 * Touching a page of a mapping that lies past the end of its file raises
 * SIGBUS.  Between sm_sigbus_enter() and sm_sigbus_leave() such a fault in the
 * calling thread returns from sigsetjmp() a second time:
 *
 *	if (sigsetjmp(*sm_sigbus_enter(), 0) == 0)
 *		ret = read_the_mapping();
 *	else
 *		ret = "the input shrank";
 *	sm_sigbus_leave();
 *
 * What the interrupted code owned must be reachable from elsewhere.  This is
 * the only signal handler of the library, and only a worker installs it.
 */
#ifndef SM_SIGBUS_H
#define SM_SIGBUS_H

#include <setjmp.h>

#include "err.h"

int sm_sigbus_install(struct sm_err *err);
sigjmp_buf *sm_sigbus_enter(void);
void sm_sigbus_leave(void);

#endif /* SM_SIGBUS_H */
