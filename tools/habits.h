/*
 * habits.h - options of GNU parallel and xargs, by the name they have here
 */
#ifndef SM_HABITS_H
#define SM_HABITS_H

#include "cmd.h"

/*
 * What `name` (without dashes; of one letter: a short option) is in a command
 * that makes or runs a job, as the end of a sentence; NULL: no habit.
 */
const char *sm_habit(const struct sm_call *call, const char *name);

#endif /* SM_HABITS_H */
