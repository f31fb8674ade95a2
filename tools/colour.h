/*
 * colour.h - colour for people: where the stream is a terminal that has it
 *
 * None in a pipe or a file, none with TERM unset or "dumb", none with NO_COLOR
 * set to anything but "" (no-color.org).
 */
#ifndef SM_COLOUR_H
#define SM_COLOUR_H

#include <stdbool.h>
#include <stdio.h>

enum sm_paint {
	SM_PAINT_NONE,
	SM_PAINT_BOLD,
	SM_PAINT_DIM,
	SM_PAINT_SLOW, /* late, paused, tried again: it may mend itself */
	SM_PAINT_BAD,  /* failed: it will not */
	SM_PAINT_GOOD
};

bool sm_colour_can(FILE *f);

/* Nothing is written where there is no colour.  One stream at a time. */
void sm_colour_begin(FILE *f, enum sm_paint paint);
void sm_colour_end(FILE *f);

/* The sequences alone, for whoever knows that there is colour. */
const char *sm_colour_sgr(enum sm_paint paint);
#define SM_COLOUR_END "\033[0m"

#endif /* SM_COLOUR_H */
