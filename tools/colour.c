/*
 * colour.c - whether there is colour, and which
 *
 * One place decides it for all that is written to a terminal.  The eight
 * colours of the terminal's own palette are used, so that they fit whatever
 * ground a person has chosen.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "colour.h"

bool
sm_colour_can(FILE *f)
{
	const char *none = getenv("NO_COLOR"), *term = getenv("TERM");

	return (!none || !*none) && term && *term && strcmp(term, "dumb") &&
	       isatty(fileno(f));
}

const char *
sm_colour_sgr(enum sm_paint paint)
{
	static const char *const sgr[] = {
		[SM_PAINT_NONE] = "",        [SM_PAINT_BOLD] = "\033[1m",
		[SM_PAINT_DIM] = "\033[2m",  [SM_PAINT_SLOW] = "\033[33m",
		[SM_PAINT_BAD] = "\033[31m", [SM_PAINT_GOOD] = "\033[32m",
	};

	return sgr[paint];
}

static bool colour_begun;

void
sm_colour_begin(FILE *f, enum sm_paint paint)
{
	colour_begun = paint != SM_PAINT_NONE && sm_colour_can(f);
	if (colour_begun)
		fputs(sm_colour_sgr(paint), f);
}

void
sm_colour_end(FILE *f)
{
	if (colour_begun)
		fputs(SM_COLOUR_END, f);
	colour_begun = false;
}
