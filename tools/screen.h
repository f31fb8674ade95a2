/*
 * screen.h - what a long command says while it works, on standard error
 *
 * On a terminal the progress is one line, drawn over and over; elsewhere it is
 * a line every five seconds.  A notice is a line of its own.  Quiet leaves
 * out the progress and the closing line of the command, not notices and errors.
 */
#ifndef SM_SCREEN_H
#define SM_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include <shardmill.h>

struct sm_screen {
	bool quiet;
	bool tty;
	bool colour;
	const char *doing; /* by the caller itself; NULL or "": not known */
	bool drawn;        /* a progress line is on the terminal */
	double begun_s;    /* monotonic */
	double written_s;  /* of the last line, drawn or not */
};

void sm_screen_init(struct sm_screen *s, bool quiet);
struct sm_events sm_screen_events(struct sm_screen *s); /* borrows `s` */
void sm_screen_clear(struct sm_screen *s); /* before writing anything else */
/* "12:34:56 ", or "" on a terminal: what a line of standard error begins with.
 */
const char *sm_screen_clock(void);
double sm_screen_elapsed(const struct sm_screen *s);

/* "[####......]" of `width` characters between the brackets, in `dst`. */
void sm_screen_bar(char *dst, unsigned width, double part);

#endif /* SM_SCREEN_H */
